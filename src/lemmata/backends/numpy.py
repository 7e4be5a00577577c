"""Programs on NumPy arrays, float64: the backend that checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lemmata.backends.numpy_products import TooLarge, contract, lay
from lemmata.program import build
from lemmata.program.graph import nodes
from lemmata.program.node import Axis, Node

Array = NDArray[Any]


ELEMENTS = 40_000_000
GROWING = frozenset({"add", "sub", "mul", "square", "sum", "prod", "contract"})
NUMERIC = build.ARITHMETIC | build.UNARY - {"not_"}
"""Operations on numbers, for which truth values are 0 and 1."""


def run(outputs: Sequence[Node], feeds: Mapping[str, Any]) -> list[Array]:
    """The values of the outputs, each with its dimensions in the order of `node.axes`.

    Raises KeyError for an input that is not fed, TooLarge for values above ELEMENTS numbers and for outputs that are
    whole numbers beyond 64 bits: as floats, different ones would look the same.
    """
    values: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for node, done in _plan(tuple(outputs)):
            values[node.uid] = _value(node, [values[a.uid] for a in node.args], feeds)
            for uid in done:
                del values[uid]
        for output in outputs:
            if output.dtype == "int" and (abs(values[output.uid]) >= 2**63).any():
                raise TooLarge("a whole number beyond 64 bits")
    return [values[o.uid] for o in outputs]


@lru_cache(maxsize=4)
def _plan(outputs: tuple[Node, ...]) -> list[tuple[Node, list[int]]]:
    """Every node in the order of evaluation, with the values that nobody needs after it. Raises TooLarge."""
    order = nodes(*outputs)
    needed = {o.uid for o in outputs}
    steps: list[tuple[Node, list[int]]] = []
    for node in reversed(order):
        size = math.prod(a.size for a in node.axes)
        if size > ELEMENTS:
            raise TooLarge(f"a value of {size} numbers")
        done = {a.uid for a in node.args} - needed
        needed |= done
        steps.append((node, sorted(done)))
    return steps[::-1]


def _value(node: Node, args: list[Array], feeds: Mapping[str, Any]) -> Array:
    op = node.op
    if op == "input":
        return np.asarray(feeds[node.attr("name")])
    if leaves_64_bits(node, args):
        args = [a.astype(float) for a in args]
    simple = ELEMENTWISE.get(op)
    if simple is not None:
        laid = [_spread(x, a, node.axes) for x, a in zip(args, node.args, strict=True)]
        if op in NUMERIC:
            laid = [x.astype(np.int64) if x.dtype == bool else x for x in laid]
        return np.asarray(simple(*laid))
    return np.asarray(RULES[op](node, args))


def leaves_64_bits(node: Node, args: list[Array]) -> bool:
    """Whether an operation on whole numbers may give some that 64 bits do not hold."""
    if node.op not in GROWING or not all(a.dtype.kind in "biu" for a in args):
        return False
    bounds = [max(abs(int(a.max())), abs(int(a.min()))) if a.size else 0 for a in args]
    count = math.prod(a.size for a in node.attr("over")) if node.op in ("sum", "prod", "contract") else 1
    match node.op:
        case "add" | "sub":
            return sum(bounds) >= 2**63
        case "sum":
            return bounds[0] * count >= 2**63
        case "square":
            return bounds[0] ** 2 >= 2**63
        case "prod":
            return bounds[0] > 1 and bounds[0].bit_length() * count > 63
    return math.prod(bounds) * count >= 2**63


def _spread(x: Array, source: Node, axes: tuple[Axis, ...]) -> Array:
    """The array with one dimension per target axis, of size 1 where the source lacks it."""
    if source.axes == axes:
        return x
    return lay(x, source.axes, axes)


def _number(value: Any) -> Any:
    """Fractions and whole numbers beyond 64 bits as floats, NaN where those end."""
    if not isinstance(value, Fraction) and not (isinstance(value, int) and abs(value) >= 2**63):
        return value
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _erf(x: Array) -> Array:
    if x.dtype.kind == "c":
        from scipy.special import erf

        return np.asarray(erf(x))
    return np.vectorize(math.erf, otypes=[float])(x)


def _lgamma(x: Array) -> Array:
    if x.dtype.kind == "c":
        from scipy.special import loggamma

        return np.asarray(loggamma(x))
    return np.vectorize(_lgamma_of, otypes=[float])(x)


def _lgamma_of(x: float) -> float:
    """log |Γ(x)|; infinite at the poles and where it overflows."""
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):
        return math.inf


def _digamma(x: Array) -> Array:
    from scipy.special import digamma

    return np.asarray(digamma(x))


def _root(x: Array) -> Array:
    return np.sqrt(x)


def _power(x: Array, y: Array) -> Array:
    return np.power(x if x.dtype.kind == "c" else x.astype(float), y)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "neg": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": _root,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "erf": _erf,
    "lgamma": _lgamma,
    "digamma": _digamma,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "reciprocal": lambda x: 1.0 / x,
    "conj": np.conj,
    "real": np.real,
    "imag": np.imag,
    "not_": np.logical_not,
    "square": np.square,
    "add": np.add,
    "sub": lambda x, y: np.subtract(x, y),
    "mul": np.multiply,
    "div": lambda x, y: np.true_divide(x, y),
    "pow": _power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mod": np.mod,
    "atan2": np.arctan2,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and_": np.logical_and,
    "or_": np.logical_or,
}


def _select(node: Node, args: list[Array]) -> Array:
    c, x, y = (_spread(a, s, node.axes) for a, s in zip(args, node.args, strict=True))
    return np.where(c, x, y)


def _positions(node: Node) -> tuple[int, ...]:
    return tuple(node.args[0].axes.index(a) for a in node.attr("over"))


def _reduction(f: Callable[..., Any], empty: float | None = None) -> Callable[[Node, list[Array]], Any]:
    """`empty` is the value for nothing, where NumPy has none."""

    def rule(node: Node, args: list[Array]) -> Any:
        where = _positions(node)
        if empty is not None and any(a.size == 0 for a in node.attr("over")):
            return np.full(tuple(a.size for a in node.axes), empty)
        return f(args[0], axis=where if len(where) > 1 or f not in (np.argmax, np.argmin) else where[0])

    return rule


def _diagonal(node: Node, args: list[Array]) -> Array:
    a, c = node.attr("pair")
    source = node.args[0].axes
    x = np.diagonal(args[0], axis1=source.index(a), axis2=source.index(c))
    rest = [y for y in source if y not in (a, c)] + [a]
    return x.transpose([rest.index(y) for y in node.axes])


def _take(node: Node, args: list[Array]) -> Array:
    source, index = node.args
    axis, fill = node.attr("axis"), node.attr("fill")
    if not axis.size:
        return np.full(tuple(a.size for a in node.axes), np.nan if fill is None else fill)
    raw = _spread(args[1], index, node.axes)
    place = np.round(np.real(raw)).astype(np.int64)
    inside = (place >= 0) & (place < axis.size) & np.isclose(np.real(raw), place)
    shape = tuple(a.size for a in node.axes)
    shaped = np.broadcast_to(lay(args[0], source.axes, (*node.axes, axis)), (*shape, axis.size))
    place = np.broadcast_to(np.where(inside, place, 0), shape)
    found = np.take_along_axis(shaped, place[..., None], axis=-1)[..., 0]
    if inside.all():
        return found
    return np.where(inside, found, np.nan if fill is None else fill)


def _scatter(node: Node, args: list[Array]) -> Array:
    x, index = node.args
    axis = node.attr("axis")
    axes = build.union([x, index])
    shape = tuple(a.size for a in axes)
    data = np.broadcast_to(_spread(args[0], x, axes), shape)
    place = np.broadcast_to(_spread(args[1], index, axes), shape)
    hot = place[..., None] == np.arange(axis.size)
    summed = np.where(hot, data[..., None], 0)
    return summed.sum(axis=tuple(axes.index(a) for a in node.attr("over")))


def _concat(node: Node, args: list[Array]) -> Array:
    others = node.axes[:-1]
    shape = tuple(a.size for a in others)
    parts = [
        np.broadcast_to(_spread(x, s, (*others, own)), (*shape, own.size))
        for x, s, own in zip(args, node.args, node.attr("along"), strict=True)
    ]
    return np.concatenate(parts, axis=-1)


def _stack(node: Node, args: list[Array]) -> Array:
    shape = tuple(a.size for a in node.axes[:-1])
    return np.stack(
        [np.broadcast_to(_spread(x, s, node.axes[:-1]), shape) for x, s in zip(args, node.args, strict=True)], axis=-1
    )


def _merge(node: Node, args: list[Array]) -> Array:
    axes = node.attr("axes")
    x = _spread(args[0], node.args[0], (*node.axes[:-1], *axes))
    return x.reshape(tuple(a.size for a in node.axes))


def _split(node: Node, args: list[Array]) -> Array:
    new = node.attr("new")
    rest = node.axes[: len(node.axes) - len(new)]
    x = _spread(args[0], node.args[0], (*rest, node.attr("axis")))
    return x.reshape(tuple(a.size for a in node.axes))


def _matrix(node: Node, args: list[Array]) -> Array:
    row, column = node.attr("row"), node.attr("column")
    rest = tuple(a for a in node.args[0].axes if a not in (row, column))
    x = _spread(args[0], node.args[0], (*rest, row, column))
    return x if x.dtype.kind in "fc" else x.astype(float)


def _inv(node: Node, args: list[Array]) -> Array:
    x = _matrix(node, args)
    try:
        return np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)


def _matrix_exp(node: Node, args: list[Array]) -> Array:
    """Scaling and squaring with a Taylor polynomial of degree 18 (Higham 2005, section 2)."""
    x = _matrix(node, args)
    norm = float(np.abs(x).sum(axis=-1).max(initial=0.0))
    if not norm < 2.0**59:
        return np.full_like(x, np.nan)
    steps = max(0, int(np.ceil(np.log2(norm))) + 1) if norm > 0.5 else 0
    y = x / 2.0**steps
    result = np.broadcast_to(np.eye(x.shape[-1]), x.shape).copy()
    power = result
    for k in range(1, 19):
        power = power @ y / k
        result = result + power
    for _ in range(steps):
        result = result @ result
    return result


def _cholesky(node: Node, args: list[Array]) -> Array:
    x = _matrix(node, args)
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)


def _svd_outer(node: Node, args: list[Array]) -> Array:
    u, _, v = np.linalg.svd(_matrix(node, args), full_matrices=False)
    return np.einsum("...ik,...kj->...ijk", u, v)


def _eigh_outer(node: Node, args: list[Array]) -> Array:
    _, v = np.linalg.eigh(_matrix(node, args))
    return np.einsum("...ik,...jk->...ijk", v, v)


def _spectral(function: Callable[[Node, list[Array]], Any]) -> Callable[[Node, list[Array]], Any]:
    """NaN for matrices that are not finite, of which no spectrum can be found."""

    def rule(node: Node, args: list[Array]) -> Any:
        try:
            return function(node, args)
        except np.linalg.LinAlgError:
            return np.full(tuple(a.size for a in node.axes), np.nan)

    return rule


RULES: dict[str, Callable[[Node, list[Array]], Any]] = {
    "constant": lambda n, a: np.asarray(_number(n.attr("value"))),
    "special": lambda n, a: np.asarray(build.SPECIALS[n.attr("name")]),
    "iota": lambda n, a: np.arange(n.attr("start"), n.attr("start") + n.axes[0].size),
    "array": lambda n, a: np.asarray(n.attr("value")).reshape(tuple(x.size for x in n.axes)),
    "broadcast": lambda n, a: np.broadcast_to(_spread(a[0], n.args[0], n.axes), tuple(x.size for x in n.axes)),
    "select": _select,
    "sum": _reduction(np.sum),
    "prod": _reduction(np.prod),
    "max": _reduction(np.max, math.nan),
    "min": _reduction(np.min, math.nan),
    "any": _reduction(np.any),
    "all": _reduction(np.all),
    "argmax": _reduction(np.argmax, -1),
    "argmin": _reduction(np.argmin, -1),
    "contract": contract,
    "rename": lambda n, a: a[0],
    "diagonal": _diagonal,
    "take": _take,
    "scatter": _scatter,
    "concat": _concat,
    "stack": _stack,
    "merge": _merge,
    "split": _split,
    "inv": _inv,
    "matrix_exp": _matrix_exp,
    "cholesky": _cholesky,
    "det": lambda n, a: np.linalg.det(_matrix(n, a)),
    "logabsdet": lambda n, a: np.linalg.slogdet(_matrix(n, a))[1],
    "eigvalsh": _spectral(lambda n, a: np.linalg.eigvalsh(_matrix(n, a))),
    "svdvals": _spectral(lambda n, a: np.linalg.svd(_matrix(n, a), compute_uv=False)),
    "svd_outer": _spectral(_svd_outer),
    "eigh_outer": _spectral(_eigh_outer),
    "call": lambda n, a: a[-1],
}
