"""Programs on JAX arrays: they trace, differentiate and compile like functions written with `jax.numpy`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from msgspec import Struct

from lemmata.backends.arrays import Compiled, NotSupported, Rule, compile_for, rearranged, run_on, slots
from lemmata.backends.contraction import Step, plan
from lemmata.program import build
from lemmata.program.node import Axis, Node


def run(outputs: Sequence[Node], feeds: Mapping[str, Any]) -> list[jax.Array]:
    """The values of the outputs, each with its dimensions in the order of `node.axes`.

    Feeds are JAX arrays or what NumPy takes, in double precision then, if JAX is set to it. Raises KeyError for an
    input not fed.
    """
    return run_on(JAX, outputs, feeds, jnp.asarray)


def compile(outputs: Sequence[Node], inputs: Sequence[Node]) -> Compiled:
    """The program as a function of arrays, one for each of the `input` nodes given, in their order.

    Raises KeyError where the program needs an input that is not among them, NotSupported for what JAX cannot do.
    """
    return compile_for(JAX, outputs, inputs)


class Kind(Struct, frozen=True):
    """What constants become beside these inputs; on which device, JAX decides by the inputs."""

    real: Any

    def of_type(self, dtype: str) -> Any:
        match dtype:
            case "bool":
                return jnp.bool_
            case "int":
                return jax.dtypes.canonicalize_dtype(np.int64)
            case "complex":
                return jnp.promote_types(self.real, jnp.complex64)
        return self.real

    def tensor(self, value: Any, dtype: str) -> jax.Array:
        return value if isinstance(value, jax.Array) else jnp.asarray(value, self.of_type(dtype))

    def number(self, value: Any) -> Any:
        """Whole numbers and truth values as real numbers."""
        if isinstance(value, jax.Array) and not jnp.issubdtype(value.dtype, jnp.inexact):
            return value.astype(self.real)
        return value

    def whole(self, value: Any) -> Any:
        """Truth values as whole numbers."""
        if isinstance(value, jax.Array) and value.dtype == jnp.bool_:
            return value.astype(self.of_type("int"))
        return int(value) if isinstance(value, bool) else value


class _Jax:
    name = "JAX"

    def kind(self, values: Sequence[Any], precision: str | None) -> Kind:
        floating = [jnp.finfo(v.dtype).dtype for v in values if jnp.issubdtype(v.dtype, jnp.inexact)]
        if not floating:
            return Kind(jax.dtypes.canonicalize_dtype(precision or jnp.result_type(float)))
        found = floating[0]
        for other in floating[1:]:
            found = jnp.promote_types(found, other)
        return Kind(found)

    def given(self, kind: Kind, node: Node, value: Any) -> jax.Array:
        array: jax.Array = kind.number(jnp.asarray(value)) if node.dtype == "real" else jnp.asarray(value)
        return array

    def constant(self, kind: Kind, array: Any) -> jax.Array:
        return jnp.asarray(array, kind.of_type(_type_of(array)))

    def whole(self, kind: Kind, value: Any, node: Node) -> jax.Array:
        return jnp.broadcast_to(kind.tensor(value, node.dtype), tuple(a.size for a in node.axes))

    def native(self, node: Node) -> bool:
        return node.attr("name") in NATIVE

    def rule(self, node: Node, known: list[Any]) -> Rule:
        if node.op == "call":
            name = node.attr("name")
            return NATIVE[name](node) if self.native(node) else lambda kind, x: x[0]
        if node.op in ELEMENTWISE:
            return _elementwise(node)
        if node.op == "take":
            return _take(node, known[1])
        if node.op not in RULES:
            raise NotSupported(f"{node.op} has no rule on JAX")
        return RULES[node.op](node)


def _type_of(array: Any) -> str:
    return {"b": "bool", "i": "int", "u": "int", "c": "complex"}.get(array.dtype.kind, "real")


def _lay(axes: tuple[Axis, ...], wanted: Sequence[Axis]) -> Callable[[Any], Any]:
    return rearranged(axes, wanted, jnp.transpose)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **{op: getattr(jnp, op) for op in (
        "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "floor",
        "ceil", "reciprocal", "square", "abs", "sign", "conj", "real", "imag", "maximum", "minimum",
    )},
    "erf": jax.scipy.special.erf, "lgamma": jax.scipy.special.gammaln, "digamma": jax.scipy.special.digamma,
    "neg": jnp.negative, "not_": jnp.logical_not, "and_": jnp.logical_and, "or_": jnp.logical_or,
    "add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply, "div": jnp.true_divide, "pow": jnp.power,
    "mod": jnp.mod, "atan2": jnp.arctan2, "lt": jnp.less, "le": jnp.less_equal, "gt": jnp.greater,
    "ge": jnp.greater_equal, "eq": jnp.equal, "ne": jnp.not_equal,
}  # fmt: skip
SAME = build.LOGIC | build.COMPARISON | {"not_"}


def _elementwise(node: Node) -> Rule:
    function = ELEMENTWISE[node.op]
    layouts = [_lay(a.axes, node.axes) for a in node.args]
    whole, numeric = node.dtype == "int", node.op not in SAME
    power = build.literal(node.args[1]) if node.op == "pow" else None
    if isinstance(power, int):  # its gradient is finite at zero
        return lambda kind, x: layouts[0](kind.tensor(x[0], node.args[0].dtype)) ** power

    def rule(kind: Kind, args: list[Any]) -> Any:
        laid = [f(x) for f, x in zip(layouts, args, strict=True)]
        if numeric:
            laid = [kind.whole(x) if whole else kind.number(x) for x in laid]
        if not any(isinstance(x, jax.Array) for x in laid):
            laid[0] = kind.tensor(laid[0], node.args[0].dtype)
        return function(*laid)

    return rule


def _select(node: Node) -> Rule:
    layouts = [_lay(a.axes, node.axes) for a in node.args]

    def rule(kind: Kind, args: list[Any]) -> jax.Array:
        condition, x, y = (f(v) for f, v in zip(layouts, args, strict=True))
        x, y = kind.tensor(x, node.dtype), kind.tensor(y, node.dtype)
        if node.dtype == "real":
            x, y = kind.number(x), kind.number(y)
        return jnp.where(condition, x, y)

    return rule


def _reduction(function: Callable[..., Any]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        dims = tuple(node.args[0].axes.index(a) for a in node.attr("over"))

        def rule(kind: Kind, args: list[Any]) -> Any:
            x = kind.whole(args[0]) if node.dtype != "bool" else args[0]
            return function(x, axis=dims if function not in (jnp.argmax, jnp.argmin) else dims[0])

        return rule

    return make


def _contract(node: Node) -> Rule:
    steps = plan([a.axes for a in node.args], node.axes)
    products = [(s.first, s.second, _product(s)) for s in steps]
    back = _lay(steps[-1].pair.axes, node.axes)

    def rule(kind: Kind, args: list[Any]) -> Any:
        values = [kind.tensor(x, a.dtype) for x, a in zip(args, node.args, strict=True)]
        values = [kind.whole(x) if node.dtype == "int" else kind.number(x) for x in values]
        for first, second, multiply in products:
            right, left = values.pop(second), values.pop(first)
            values.append(multiply(left, right))
        return back(values[0])

    return rule


def _product(step: Step) -> Callable[[Any, Any], Any]:
    """A product of two, summed over what nothing else needs, in the precision of its factors."""
    labels: dict[Axis, int] = {}
    sides = [[labels.setdefault(a, len(labels)) for a in axes] for axes in (step.left, step.right)]
    out = [labels[a] for a in step.pair.axes]
    exact = jax.lax.Precision.HIGHEST
    return lambda x, y: jnp.einsum(x, sides[0], y, sides[1], out, precision=exact)


def _diagonal(node: Node) -> Rule:
    a, c = node.attr("pair")
    axes = node.args[0].axes
    back = _lay((*(y for y in axes if y not in (a, c)), a), node.axes)
    return lambda kind, x: back(jnp.diagonal(x[0], 0, axes.index(a), axes.index(c)))


def _take(node: Node, known: Any) -> Rule:
    source, index = node.args
    axis = node.attr("axis")
    dim = source.axes.index(axis)
    rest = tuple(a for a in source.axes if a != axis)
    found = slots(node, known)
    if found is not None:
        places, _ = found
        back = _lay((*rest[:dim], *index.axes, *rest[dim:]), node.axes)
        return lambda kind, x: back(jnp.take(kind.tensor(x[0], source.dtype), places, axis=dim))
    lay_source, lay_index = _lay(source.axes, (*node.axes, axis)), _lay(index.axes, node.axes)
    shape = tuple(a.size for a in node.axes)
    fill = math.nan if node.attr("fill") is None else node.attr("fill")
    apart = not set(index.axes) & set(rest)
    back = _lay((*index.axes, *rest), node.axes)

    def rule(kind: Kind, args: list[Any]) -> jax.Array:
        value, place = kind.tensor(args[0], source.dtype), kind.tensor(args[1], index.dtype)
        inside = (place >= 0) & (place < axis.size)
        if jnp.issubdtype(place.dtype, jnp.inexact):
            nearest = jnp.round(place)
            inside = inside & jnp.isclose(nearest, place)
            place = nearest
        place = jnp.where(inside, place, 0).astype(kind.of_type("int"))
        if apart:
            taken = back(jnp.moveaxis(value, dim, 0)[place])
        else:
            rows = jnp.broadcast_to(lay_source(value), (*shape, axis.size))
            where = jnp.broadcast_to(lay_index(place), shape)
            taken = jnp.take_along_axis(rows, where[..., None], axis=-1)[..., 0]
        if isinstance(fill, float):
            taken = kind.number(taken)
        return jnp.where(lay_index(inside), taken, jnp.asarray(fill, taken.dtype))

    return rule


def _scatter(node: Node) -> Rule:
    x, index = node.args
    axis, over = node.attr("axis"), node.attr("over")
    kept = tuple(a for a in build.union(node.args) if a not in over)
    axes = (*kept, *over)
    layouts = _lay(x.axes, axes), _lay(index.axes, axes)
    back = _lay((*kept, axis), node.axes)
    dims = tuple(range(len(kept), len(axes)))

    def rule(kind: Kind, args: list[Any]) -> jax.Array:
        data = layouts[0](kind.tensor(args[0], x.dtype))
        place = layouts[1](kind.tensor(args[1], index.dtype))
        hot = place[..., None] == jnp.arange(axis.size)
        summed = jnp.where(hot, data[..., None], jnp.zeros((), data.dtype)).sum(axis=dims)
        shape = (*(a.size for a in kept), axis.size)
        return back(jnp.broadcast_to(summed, shape))

    return rule


def _joined(node: Node, parts: Sequence[tuple[Axis, ...]], stacked: bool) -> Rule:
    layouts = [_lay(a.axes, axes) for a, axes in zip(node.args, parts, strict=True)]
    shapes = [tuple(a.size for a in axes) for axes in parts]

    def rule(kind: Kind, args: list[Any]) -> jax.Array:
        values = []
        for f, x, shape, source in zip(layouts, args, shapes, node.args, strict=True):
            value = f(kind.tensor(x, source.dtype))
            value = kind.number(value) if node.dtype == "real" else value
            values.append(jnp.broadcast_to(value, shape))
        return jnp.stack(values, -1) if stacked else jnp.concatenate(values, -1)

    return rule


def _merge(node: Node) -> Rule:
    lay, shape = _lay(node.args[0].axes, (*node.axes[:-1], *node.attr("axes"))), tuple(a.size for a in node.axes)
    return lambda kind, x: lay(x[0]).reshape(shape)


def _split(node: Node) -> Rule:
    rest = node.axes[: len(node.axes) - len(node.attr("new"))]
    lay, shape = _lay(node.args[0].axes, (*rest, node.attr("axis"))), tuple(a.size for a in node.axes)
    return lambda kind, x: lay(x[0]).reshape(shape)


def _matrix(function: Callable[[Any], Any]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        row, column = node.attr("row"), node.attr("column")
        axes = node.args[0].axes
        lay = _lay(axes, (*(a for a in axes if a not in (row, column)), row, column))
        return lambda kind, x: function(kind.number(lay(x[0])))

    return make


def _inv(x: jax.Array) -> jax.Array:
    inverse = jnp.linalg.inv(x)
    return jnp.where(jnp.isfinite(inverse).all((-1, -2), keepdims=True), inverse, jnp.nan)


def _cholesky(x: jax.Array) -> jax.Array:
    lower = jnp.linalg.cholesky(x)
    return jnp.where(jnp.isfinite(lower).all((-1, -2), keepdims=True), lower, jnp.nan)


def _svd_outer(x: jax.Array) -> jax.Array:
    u, _, v = jnp.linalg.svd(x, full_matrices=False)
    return jnp.einsum("...ik,...kj->...ijk", u, v)


def _eigh_outer(x: jax.Array) -> jax.Array:
    _, v = jnp.linalg.eigh(x)
    return jnp.einsum("...ik,...jk->...ijk", v, v)


def _broadcast(node: Node) -> Rule:
    lay, shape = _lay(node.args[0].axes, node.axes), tuple(a.size for a in node.axes)
    return lambda kind, x: jnp.broadcast_to(lay(kind.tensor(x[0], node.dtype)), shape)


RULES: dict[str, Callable[[Node], Rule]] = {
    "broadcast": _broadcast, "rename": lambda n: lambda kind, x: x[0], "select": _select, "contract": _contract,
    "sum": _reduction(jnp.sum), "prod": _reduction(jnp.prod), "max": _reduction(jnp.max), "min": _reduction(jnp.min),
    "any": _reduction(jnp.any), "all": _reduction(jnp.all), "argmax": _reduction(jnp.argmax),
    "argmin": _reduction(jnp.argmin), "diagonal": _diagonal, "scatter": _scatter, "merge": _merge, "split": _split,
    "concat": lambda n: _joined(n, [(*n.axes[:-1], own) for own in n.attr("along")], False),
    "stack": lambda n: _joined(n, [n.axes[:-1]] * len(n.args), True),
    "inv": _matrix(_inv), "matrix_exp": _matrix(jax.scipy.linalg.expm), "cholesky": _matrix(_cholesky),
    "det": _matrix(jnp.linalg.det), "logabsdet": _matrix(lambda x: jnp.linalg.slogdet(x)[1]),
    "eigvalsh": _matrix(jnp.linalg.eigvalsh), "svdvals": _matrix(lambda x: jnp.linalg.svd(x, compute_uv=False)),
    "svd_outer": _matrix(_svd_outer), "eigh_outer": _matrix(_eigh_outer),
}  # fmt: skip


def _pointwise(function: Callable[[Any], Any]) -> Callable[[Node], Rule]:
    return lambda node: lambda kind, x: function(kind.number(kind.tensor(x[0], "real")))


def _along(function: Callable[..., Any]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        axes, axis = node.args[0].axes, dict(node.attr("attrs"))["axis"]
        dim = axes.index(axis)
        back = _lay(axes if axis in node.axes else tuple(a for a in axes if a != axis), node.axes)
        return lambda kind, x: back(function(kind.number(x[0]), axis=dim))

    return make


NATIVE: dict[str, Callable[[Node], Rule]] = {
    "sigmoid": _pointwise(jax.nn.sigmoid), "relu": _pointwise(jax.nn.relu), "silu": _pointwise(jax.nn.silu),
    "gelu": _pointwise(lambda x: jax.nn.gelu(x, approximate=False)), "gelu_tanh": _pointwise(jax.nn.gelu),
    "elu": _pointwise(jax.nn.elu), "softplus": _pointwise(jax.nn.softplus),
    "logit": _pointwise(jax.scipy.special.logit),
    "normal_cdf": _pointwise(lambda x: jax.scipy.special.erfc(-x / math.sqrt(2)) / 2),
    "softmax": _along(jax.nn.softmax), "log_softmax": _along(jax.nn.log_softmax), "logsumexp": _along(jax.nn.logsumexp),
}  # fmt: skip
JAX = _Jax()
