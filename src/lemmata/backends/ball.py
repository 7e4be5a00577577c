"""Programs in ball arithmetic (Arb through python-flint): every value comes with the interval it certainly lies in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from numpy.typing import NDArray

from lemmata.backends import numpy as plain
from lemmata.program.graph import nodes
from lemmata.program.node import Node

Array = NDArray[Any]
LIMIT = 400_000
"""Scalar operations that one evaluation may take."""


class Undecided(Exception):
    """A comparison whose balls overlap; more precision may decide it."""


class Unsupported(Exception):
    """An operation that has no rigorous evaluation here."""


def run(outputs: Sequence[Node], feeds: Mapping[str, Any], bits: int) -> list[Array]:
    """The values of the outputs as object arrays of balls (conditions as bool arrays), in the order of `node.axes`.

    Feeds hold exact numbers: whole numbers, fractions, or floats taken at their dyadic value. Raises Undecided, Unsupported.
    """
    saved = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        values: dict[int, Array] = {}
        work = 0
        for node in nodes(*outputs):
            work += math.prod(a.size for a in node.axes) * (_terms(node) if node.op == "contract" else 1)
            if work > LIMIT:
                raise Unsupported("it is too large for ball arithmetic")
            values[node.uid] = _value(node, [values[a.uid] for a in node.args], feeds)
        return [values[o.uid] for o in outputs]
    finally:
        flint.ctx.prec = saved


def _terms(node: Node) -> int:
    return math.prod(a.size for a in node.attr("over")) * max(1, len(node.args) - 1)


def exact(value: Any) -> Any:
    """A number as a ball around its exact value."""
    if isinstance(value, complex):
        return flint.acb(exact(value.real), exact(value.imag))
    if isinstance(value, Fraction):
        return flint.arb(flint.fmpq(value.numerator, value.denominator))
    if isinstance(value, (bool, np.bool_)):
        return flint.arb(int(value))
    if isinstance(value, (int, np.integer)):
        return flint.arb(int(value))
    if isinstance(value, (flint.arb, flint.acb)):
        return value
    if isinstance(value, (np.complexfloating,)):
        return flint.acb(float(value.real), float(value.imag))
    return flint.arb(float(value))


_wrap = np.frompyfunc(exact, 1, 1)


def _objects(value: Any) -> Array:
    return np.asarray(_wrap(np.asarray(value, dtype=object)), dtype=object)


def _value(node: Node, args: list[Array], feeds: Mapping[str, Any]) -> Array:
    op = node.op
    if op == "input":
        data = np.asarray(feeds[node.attr("name")])
        return data if node.dtype == "bool" else _objects(data)
    if op in _ELEMENTWISE:
        spread = [plain._spread(x, a, node.axes) for x, a in zip(args, node.args, strict=True)]
        result = np.asarray(_ELEMENTWISE[op](*spread))
        return result.astype(bool) if node.dtype == "bool" else np.asarray(result, dtype=object)
    rule = _RULES.get(op)
    if rule is None:
        raise Unsupported(f"{op} has no rigorous evaluation")
    return np.asarray(rule(node, args))


def _lift(f: Callable[..., Any], arity: int = 1) -> Callable[..., Any]:
    return np.frompyfunc(f, arity, 1)


def _is_complex(x: Any) -> bool:
    return isinstance(x, flint.acb)


def _both(x: Any, y: Any) -> tuple[Any, Any]:
    if _is_complex(x) != _is_complex(y):
        return flint.acb(x), flint.acb(y)
    return x, y


def _sqrt(x: Any) -> Any:
    if not _is_complex(x) and x.is_zero():
        return flint.arb(0)
    return x.sqrt()


def _power(x: Any, y: Any) -> Any:
    if not _is_complex(y) and y.is_exact() and y.is_integer():
        n = int(float(y))
        if abs(n) < 4096:
            if n < 0:
                return 1 / (x ** (-n))
            return x**n
    x, y = _both(x, y)
    if not _is_complex(x) and x.is_zero():
        if y > 0:
            return flint.arb(0)
        raise Undecided("a power of zero")
    return x**y


def _compare(name: str) -> Callable[[Any, Any], bool]:
    def decide(x: Any, y: Any) -> bool:
        x, y = exact(x), exact(y)
        d = x - y
        if _is_complex(d):
            if d.is_zero():
                return name in ("eq", "le", "ge")
            if not d.contains(0) and name in ("eq", "ne"):
                return name == "ne"
            raise Undecided("a comparison of complex balls")
        if d.is_zero():
            return name in ("eq", "le", "ge")
        if d > 0:
            return name in ("gt", "ge", "ne")
        if d < 0:
            return name in ("lt", "le", "ne")
        raise Undecided("a comparison of balls that overlap")
    return decide


def _abs(x: Any) -> Any:
    return abs(x)


def _sign(x: Any) -> Any:
    if x.is_zero():
        return flint.arb(0)
    if x > 0:
        return flint.arb(1)
    if x < 0:
        return flint.arb(-1)
    raise Undecided("the sign of a ball around zero")


def _mod(x: Any, y: Any) -> Any:
    return x - y * (x / y).floor()


def _larger(x: Any, y: Any) -> Any:
    x, y = exact(x), exact(y)
    return x.max(y)


def _smaller(x: Any, y: Any) -> Any:
    x, y = exact(x), exact(y)
    return x.min(y)


def _binary(f: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return _lift(lambda x, y: f(*_both(x, y)), 2)


def _divide(x: Any, y: Any) -> Any:
    if not _is_complex(y) and y.is_zero():
        raise ZeroDivisionError("a division by zero")
    return x / y


_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "neg": _lift(lambda x: -x), "exp": _lift(lambda x: x.exp()), "log": _lift(lambda x: x.log()), "sqrt": _lift(_sqrt),
    "sin": _lift(lambda x: x.sin()), "cos": _lift(lambda x: x.cos()), "tan": _lift(lambda x: x.tan()), "sinh": _lift(lambda x: x.sinh()),
    "cosh": _lift(lambda x: x.cosh()), "tanh": _lift(lambda x: x.tanh()), "arcsin": _lift(lambda x: x.asin()),
    "arccos": _lift(lambda x: x.acos()), "arctan": _lift(lambda x: x.atan()), "erf": _lift(lambda x: x.erf()),
    "lgamma": _lift(lambda x: x.lgamma()), "digamma": _lift(lambda x: x.digamma()), "abs": _lift(_abs), "sign": _lift(_sign),
    "floor": _lift(lambda x: x.floor()), "ceil": _lift(lambda x: x.ceil()), "reciprocal": _lift(lambda x: 1 / x),
    "conj": _lift(lambda x: flint.acb(x.real, -x.imag) if _is_complex(x) else x),
    "real": _lift(lambda x: x.real if _is_complex(x) else x), "imag": _lift(lambda x: x.imag if _is_complex(x) else flint.arb(0)),
    "not_": np.logical_not, "square": _lift(lambda x: x * x),
    "add": _binary(lambda x, y: x + y), "sub": _binary(lambda x, y: x - y), "mul": _binary(lambda x, y: x * y),
    "div": _binary(_divide), "pow": _lift(_power, 2), "maximum": _lift(_larger, 2), "minimum": _lift(_smaller, 2), "mod": _binary(_mod),
    "and_": lambda x, y: np.logical_and(x.astype(bool), y.astype(bool)), "or_": lambda x, y: np.logical_or(x.astype(bool), y.astype(bool)),
    **{name: _lift(_compare(name), 2) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
}


def _select(node: Node, args: list[Array]) -> Array:
    c, x, y = (plain._spread(a, s, node.axes) for a, s in zip(args, node.args, strict=True))
    return np.where(c.astype(bool), x, y)


def _fold(f: Callable[[Any, Any], Any], start: Any) -> Callable[[Node, list[Array]], Any]:
    def rule(node: Node, args: list[Array]) -> Any:
        over = node.attr("over")
        source = node.args[0]
        x = plain._spread(args[0], source, (*node.axes, *over))
        shape = tuple(a.size for a in node.axes)
        flat = x.reshape((*shape, -1))
        result = np.empty(shape, dtype=object)
        for index in np.ndindex(shape):
            row = flat[index]
            value = start if start is not None else row[0]
            for item in row if start is not None else row[1:]:
                value = f(value, item)
            result[index] = value
        return result
    return rule


def _argextreme(largest: bool) -> Callable[[Node, list[Array]], Any]:
    def rule(node: Node, args: list[Array]) -> Any:
        (axis,) = node.attr("over")
        x = plain._spread(args[0], node.args[0], (*node.axes, axis))
        shape = tuple(a.size for a in node.axes)
        result = np.empty(shape, dtype=object)
        better = _compare("gt" if largest else "lt")
        for index in np.ndindex(shape):
            best = 0
            for place in range(1, axis.size):
                if better(x[index][place], x[index][best]):
                    best = place
            result[index] = flint.arb(best)
        return result
    return rule


def _logic(f: Callable[..., Any]) -> Callable[[Node, list[Array]], Any]:
    return lambda node, args: f(args[0].astype(bool), axis=tuple(node.args[0].axes.index(a) for a in node.attr("over")))


def _contract(node: Node, args: list[Array]) -> Array:
    over = node.attr("over")
    axes = (*node.axes, *over)
    shape = tuple(a.size for a in axes)
    product = np.broadcast_to(plain._spread(args[0], node.args[0], axes), shape)
    for x, source in zip(args[1:], node.args[1:], strict=True):
        product = _ELEMENTWISE["mul"](product, plain._spread(x, source, axes))
    flat = product.reshape((*shape[: len(node.axes)], -1))
    result = np.empty(shape[: len(node.axes)], dtype=object)
    for index in np.ndindex(result.shape):
        total = flint.arb(0)
        for item in flat[index]:
            total, item = _both(total, item)
            total = total + item
        result[index] = total
    return result


def _take(node: Node, args: list[Array]) -> Array:
    source, index = node.args
    raw = np.vectorize(lambda z: _whole(z), otypes=[float])(args[1]) if args[1].size else args[1]
    filler = _objects(node.attr("fill") if node.attr("fill") is not None else float("nan"))
    size = node.attr("axis").size
    place = plain._spread(raw, index, node.axes)
    inside = (place >= 0) & (place < size)
    moved = plain._spread(args[0], source, (*[a for a in node.axes if a in source.axes], node.attr("axis")))
    shape = tuple(a.size for a in node.axes)
    target = moved.reshape(tuple(a.size if a in source.axes else 1 for a in node.axes) + (size,))
    target = np.broadcast_to(target, (*shape, size))
    where = np.broadcast_to(np.where(inside, place, 0).astype(np.int64), shape)
    found = np.take_along_axis(target, where[..., None], axis=-1)[..., 0]
    return np.where(np.broadcast_to(inside, shape), found, filler)


def _whole(value: Any) -> float:
    if isinstance(value, flint.arb):
        if value.is_exact() and value.is_integer():
            return float(value)
        raise Undecided("an index that is not exact")
    return float(value)


def _matrices(node: Node, args: list[Array]) -> tuple[Array, tuple[int, ...]]:
    row, column = node.attr("row"), node.attr("column")
    rest = tuple(a for a in node.args[0].axes if a not in (row, column))
    return plain._spread(args[0], node.args[0], (*rest, row, column)), tuple(a.size for a in rest)


def _each(f: Callable[[Any], Any]) -> Callable[[Node, list[Array]], Any]:
    """A rule for every matrix of a stack; f takes a flint matrix and gives a scalar or a matrix."""
    def rule(node: Node, args: list[Array]) -> Any:
        x, rest = _matrices(node, args)
        n, m = x.shape[-2:]
        sample = None
        out: dict[tuple[int, ...], Any] = {}
        for index in np.ndindex(rest):
            entries = [x[index][i, j] for i in range(n) for j in range(m)]
            kind = flint.acb_mat if any(map(_is_complex, entries)) else flint.arb_mat
            sample = out[index] = f(kind(n, m, entries))
        if isinstance(sample, (flint.arb_mat, flint.acb_mat)):
            result = np.empty((*rest, n, m), dtype=object)
            for index, value in out.items():
                for i in range(n):
                    for j in range(m):
                        result[(*index, i, j)] = value[i, j]
            return result
        result = np.empty(rest, dtype=object)
        for index, value in out.items():
            result[index] = value
        return result
    return rule


def _cholesky(x: Any) -> Any:
    n = x.nrows()
    low = flint.arb_mat(n, n)
    for i in range(n):
        for j in range(i + 1):
            s = x[i, j]
            for k in range(j):
                s = s - low[i, k] * low[j, k]
            if i == j:
                if not s > 0:
                    raise Undecided("a factor of a matrix that may not be positive definite")
                low[i, j] = s.sqrt()
            else:
                low[i, j] = s / low[j, j]
    return low


def _spectrum(x: Any) -> list[Any]:
    """Eigenvalues of a symmetric matrix, ascending, certainly apart."""
    try:
        values = [v.real for v in flint.acb_mat(x).eig()]
    except (ValueError, AttributeError) as error:
        raise Undecided("eigenvalues that could not be told apart") from error
    values.sort(key=lambda v: float(v.mid()))
    return values


def _eigvalsh(node: Node, args: list[Array]) -> Array:
    x, rest = _matrices(node, args)
    n = x.shape[-1]
    result = np.empty((*rest, n), dtype=object)
    for index in np.ndindex(rest):
        for k, value in enumerate(_spectrum(flint.arb_mat(n, n, [x[index][i, j] for i in range(n) for j in range(n)]))):
            result[(*index, k)] = value
    return result


def _svdvals(node: Node, args: list[Array]) -> Array:
    x, rest = _matrices(node, args)
    n, m = x.shape[-2:]
    result = np.empty((*rest, min(n, m)), dtype=object)
    for index in np.ndindex(rest):
        a = flint.arb_mat(n, m, [x[index][i, j] for i in range(n) for j in range(m)])
        gram = a * a.transpose() if n <= m else a.transpose() * a
        for k, value in enumerate(reversed(_spectrum(gram))):
            result[(*index, k)] = value.max(flint.arb(0)).sqrt()
    return result


def _concat(node: Node, args: list[Array]) -> Array:
    others = node.axes[:-1]
    shape = tuple(a.size for a in others)
    parts = [np.broadcast_to(plain._spread(x, s, (*others, own)), (*shape, own.size))
             for x, s, own in zip(args, node.args, node.attr("along"), strict=True)]
    return np.concatenate(parts, axis=-1)


def _scatter(node: Node, args: list[Array]) -> Array:
    raise Unsupported("scatter has no rigorous evaluation")


_RULES: dict[str, Callable[[Node, list[Array]], Any]] = {
    "constant": lambda n, a: np.asarray(n.attr("value")) if n.dtype == "bool" else _objects(n.attr("value")),
    "special": lambda n, a: _objects({"pi": flint.arb.pi, "e": flint.arb.const_e, "euler_gamma": flint.arb.const_euler,
                                      "inf": lambda: flint.arb("inf")}[n.attr("name")]()),
    "iota": lambda n, a: _objects(np.arange(n.attr("start"), n.attr("start") + n.axes[0].size)),
    "array": lambda n, a: _objects(np.asarray(n.attr("value"), dtype=object)).reshape(tuple(x.size for x in n.axes)),
    "broadcast": plain.RULES["broadcast"], "rename": plain.RULES["rename"], "diagonal": plain.RULES["diagonal"],
    "merge": plain.RULES["merge"], "split": plain.RULES["split"], "stack": plain.RULES["stack"], "concat": _concat,
    "call": plain.RULES["call"], "select": _select, "take": _take, "contract": _contract,
    "sum": _fold(lambda x, y: _ELEMENTWISE["add"](x, y), flint.arb(0)), "prod": _fold(lambda x, y: _ELEMENTWISE["mul"](x, y), flint.arb(1)),
    "max": _fold(_larger, None), "min": _fold(_smaller, None), "argmax": _argextreme(True), "argmin": _argextreme(False),
    "any": _logic(np.any), "all": _logic(np.all),
    "inv": _each(lambda x: x.inv()), "det": _each(lambda x: x.det()), "logabsdet": _each(lambda x: abs(x.det()).log()),
    "matrix_exp": _each(lambda x: x.exp()), "cholesky": _each(_cholesky), "eigvalsh": _eigvalsh, "svdvals": _svdvals,
}
