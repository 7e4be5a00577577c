"""Programs on TensorFlow tensors: they run eagerly or in a graph, and differentiate under `tf.GradientTape`.

Keras calls the same tensors its own, so that its layers run this too, where TensorFlow is what Keras stands on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf
from msgspec import Struct

from lemmata.backends.arrays import Compiled, NotSupported, Rule, compile_for, rearranged, run_on, slots
from lemmata.backends.contraction import Step, plan
from lemmata.program import build
from lemmata.program.node import Axis, Node


def run(outputs: Sequence[Node], feeds: Mapping[str, Any]) -> list[Any]:
    """The values of the outputs, each with its dimensions in the order of `node.axes`.

    Feeds are tensors or what NumPy takes, in double precision then. Raises KeyError for an input not fed.
    """
    return run_on(TENSORFLOW, outputs, feeds, tf.constant)


def compile(outputs: Sequence[Node], inputs: Sequence[Node]) -> Compiled:
    """The program as a function of tensors, one for each of the `input` nodes given, in their order.

    Raises KeyError where the program needs an input that is not among them, NotSupported for what TensorFlow cannot do.
    """
    return compile_for(TENSORFLOW, outputs, inputs)


ORDER = (tf.bfloat16, tf.float16, tf.float32, tf.float64)
COMPLEX = {tf.float64: tf.complex128}


class Kind(Struct, frozen=True):
    """What constants become beside these inputs; they are copied to the device of an operation as it runs."""

    real: Any

    def of_type(self, dtype: str) -> Any:
        match dtype:
            case "bool":
                return tf.bool
            case "int":
                return tf.int64
            case "complex":
                return COMPLEX.get(self.real, tf.complex64)
        return self.real

    def tensor(self, value: Any, dtype: str) -> Any:
        return value if tf.is_tensor(value) else tf.constant(value, self.of_type(dtype))

    def cast(self, value: Any, dtype: str) -> Any:
        """A value in the type that an operation on `dtype` calculates in."""
        wanted = self.of_type(dtype)
        if not tf.is_tensor(value):
            return tf.constant(value, wanted)
        return value if value.dtype == wanted else tf.cast(value, wanted)


class _TensorFlow:
    name = "TensorFlow"

    def kind(self, values: Sequence[Any], precision: str | None) -> Kind:
        floating = [tf.as_dtype(v.dtype).real_dtype for v in values if _inexact(v)]
        if not floating:
            return Kind(tf.as_dtype(precision or "float32"))
        if {tf.bfloat16, tf.float16} <= set(floating):
            return Kind(tf.float32)
        return Kind(max(floating, key=ORDER.index))

    def given(self, kind: Kind, node: Node, value: Any) -> Any:
        value = tf.convert_to_tensor(value)
        if node.dtype == "real" and value.dtype.is_complex:
            return value
        if node.dtype in ("real", "complex"):
            return kind.cast(value, node.dtype)
        return tf.cast(value, tf.int64) if node.dtype == "int" and value.dtype != tf.int64 else value

    def constant(self, kind: Kind, array: Any) -> Any:
        name = {"b": "bool", "i": "int", "u": "int", "c": "complex"}.get(array.dtype.kind, "real")
        return tf.cast(tf.constant(array), kind.of_type(name))

    def whole(self, kind: Kind, value: Any, node: Node) -> Any:
        return tf.broadcast_to(kind.tensor(value, node.dtype), tuple(a.size for a in node.axes))

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
            raise NotSupported(f"{node.op} has no rule on TensorFlow")
        return RULES[node.op](node)


def _inexact(value: Any) -> bool:
    dtype = tf.as_dtype(value.dtype)
    return bool(dtype.is_floating or dtype.is_complex)


def _lay(axes: tuple[Axis, ...], wanted: Sequence[Axis]) -> Callable[[Any], Any]:
    return rearranged(axes, wanted, tf.transpose)


def _imaginary(x: Any) -> Any:
    return tf.math.imag(x) if x.dtype.is_complex else tf.zeros_like(x)


def _not_in_bfloat16(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """In single precision where TensorFlow has no kernel for the CPU."""
    return lambda x: tf.cast(function(tf.cast(x, tf.float32)), x.dtype) if x.dtype == tf.bfloat16 else function(x)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **{op: getattr(tf.math, op) for op in (
        "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "floor", "ceil", "reciprocal",
        "square", "abs", "sign", "conj", "maximum", "minimum",
    )},
    "lgamma": _not_in_bfloat16(tf.math.lgamma), "digamma": _not_in_bfloat16(tf.math.digamma),
    "arcsin": tf.math.asin, "arccos": tf.math.acos, "arctan": tf.math.atan,
    "real": lambda x: tf.math.real(x) if x.dtype.is_complex else x, "imag": _imaginary,
    "neg": tf.math.negative, "not_": tf.math.logical_not, "and_": tf.math.logical_and, "or_": tf.math.logical_or,
    "add": tf.math.add, "sub": tf.math.subtract, "mul": tf.math.multiply, "div": tf.math.divide, "pow": tf.math.pow,
    "mod": tf.math.floormod, "atan2": tf.math.atan2, "lt": tf.math.less, "le": tf.math.less_equal,
    "gt": tf.math.greater, "ge": tf.math.greater_equal, "eq": tf.math.equal, "ne": tf.math.not_equal,
}  # fmt: skip
WIDTH = ("bool", "int", "real", "complex")
KEEPING = frozenset({"floor", "ceil", "sign"})


def _elementwise(node: Node) -> Rule:
    function = ELEMENTWISE[node.op]
    layouts = [_lay(a.axes, node.axes) for a in node.args]
    logic = node.op in build.LOGIC or node.op == "not_"
    joint = max((a.dtype for a in node.args), key=WIDTH.index)
    dtype = "bool" if logic else joint if node.op in build.COMPARISON | {"abs", "real", "imag"} else node.dtype
    if node.op in build.COMPARISON and dtype == "bool":
        dtype = "int"
    if node.op in KEEPING and dtype in ("int", "bool"):
        function = tf.identity if node.op != "sign" else function
        dtype = "int"

    def rule(kind: Kind, args: list[Any]) -> Any:
        laid = [kind.cast(f(x), dtype) for f, x in zip(layouts, args, strict=True)]
        return function(*laid)

    return rule


def _select(node: Node) -> Rule:
    layouts = [_lay(a.axes, node.axes) for a in node.args]

    def rule(kind: Kind, args: list[Any]) -> Any:
        condition, x, y = (f(v) for f, v in zip(layouts, args, strict=True))
        return tf.where(condition, kind.cast(x, node.dtype), kind.cast(y, node.dtype))

    return rule


def _reduction(function: Callable[..., Any]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        dims = [node.args[0].axes.index(a) for a in node.attr("over")]
        dtype = node.args[0].dtype
        dtype = "int" if dtype == "bool" and node.dtype != "bool" else dtype
        return lambda kind, x: function(kind.cast(x[0], dtype), axis=dims)

    return make


def _place(function: Callable[..., Any]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        dim = node.args[0].axes.index(node.attr("over")[0])
        return lambda kind, x: function(kind.tensor(x[0], node.args[0].dtype), axis=dim, output_type=tf.int64)

    return make


def _contract(node: Node) -> Rule:
    steps = plan([a.axes for a in node.args], node.axes)
    products = [(s.first, s.second, _product(s)) for s in steps]
    back = _lay(steps[-1].pair.axes, node.axes)

    def rule(kind: Kind, args: list[Any]) -> Any:
        values = [kind.cast(x, node.dtype) for x in args]
        for first, second, multiply in products:
            right, left = values.pop(second), values.pop(first)
            values.append(multiply(left, right))
        return back(values[0])

    return rule


def _product(step: Step) -> Callable[[Any, Any], Any]:
    """A product of two, as a matrix product."""
    pair = step.pair
    batch, rows, inner, columns, axes = pair.batch, pair.rows, pair.inner, pair.columns, pair.axes
    sides = []
    for own, alone in zip((step.left, step.right), pair.alone, strict=True):
        sides.append(([own.index(a) for a in alone], tuple(a for a in own if a not in alone)))
    (lone_a, a), (lone_b, c) = sides
    product_a, product_b = _lay(a, (*axes, *inner)), _lay(c, (*axes, *inner))
    matrix_a, matrix_b = _lay(a, (*batch, *rows, *inner)), _lay(c, (*batch, *inner, *columns))
    sizes = [tuple(x.size for x in group) for group in (batch, rows, inner, columns)]
    count_rows, count_inner, count_columns = (math.prod(x) for x in sizes[1:])
    dims = list(range(len(axes), len(axes) + len(inner)))

    def multiply(x: Any, y: Any) -> Any:
        x = tf.reduce_sum(x, lone_a) if lone_a else x
        y = tf.reduce_sum(y, lone_b) if lone_b else y
        if not inner:
            return product_a(x) * product_b(y)
        if not _inexact(x) or not (rows or columns):
            return tf.reduce_sum(product_a(x) * product_b(y), dims)
        left = tf.reshape(matrix_a(x), (*sizes[0], count_rows, count_inner))
        right = tf.reshape(matrix_b(y), (*sizes[0], count_inner, count_columns))
        return tf.reshape(tf.linalg.matmul(left, right), tuple(x.size for x in axes))

    return multiply


def _diagonal(node: Node) -> Rule:
    a, c = node.attr("pair")
    axes = node.args[0].axes
    rest = tuple(y for y in axes if y not in (a, c))
    lay, back = _lay(axes, (*rest, a, c)), _lay((*rest, a), node.axes)
    return lambda kind, x: back(tf.linalg.diag_part(lay(x[0])))


def _take(node: Node, known: Any) -> Rule:
    source, index = node.args
    axis = node.attr("axis")
    dim = source.axes.index(axis)
    rest = tuple(a for a in source.axes if a != axis)
    found = slots(node, known)
    if found is not None:
        places, _ = found
        back = _lay((*rest[:dim], *index.axes, *rest[dim:]), node.axes)
        return lambda kind, x: back(tf.gather(kind.tensor(x[0], source.dtype), places, axis=dim))
    lay_source, lay_index = _lay(source.axes, (*node.axes, axis)), _lay(index.axes, node.axes)
    shape = tuple(a.size for a in node.axes)
    fill = math.nan if node.attr("fill") is None else node.attr("fill")
    apart = not set(index.axes) & set(rest)
    back = _lay((*index.axes, *rest), node.axes)
    dtype = source.dtype if not isinstance(fill, float) or source.dtype == "complex" else "real"

    def rule(kind: Kind, args: list[Any]) -> Any:
        value, place = kind.cast(args[0], dtype), kind.tensor(args[1], index.dtype)
        if _inexact(place):
            nearest = tf.round(place)
            inside = (place >= 0) & (place < axis.size) & (tf.abs(nearest - place) <= 1e-5 * tf.abs(place) + 1e-8)
            place = nearest
        else:
            inside = (place >= 0) & (place < axis.size)
        place = tf.cast(tf.where(inside, place, tf.zeros_like(place)), tf.int64)
        if apart:
            taken = back(tf.gather(value, place, axis=dim) if dim == 0 else tf.gather(_first(value, dim), place))
        else:
            rows = tf.broadcast_to(lay_source(value), (*shape, axis.size))
            taken = tf.gather(rows, tf.broadcast_to(lay_index(place), shape), batch_dims=len(shape))
        return tf.where(lay_index(inside), taken, tf.cast(fill, taken.dtype))

    return rule


def _first(value: Any, dim: int) -> Any:
    """With a dimension in front."""
    return tf.transpose(value, [dim, *(i for i in range(len(value.shape)) if i != dim)])


def _scatter(node: Node) -> Rule:
    x, index = node.args
    axis, over = node.attr("axis"), node.attr("over")
    kept = tuple(a for a in build.union(node.args) if a not in over)
    axes = (*kept, *over)
    layouts = _lay(x.axes, axes), _lay(index.axes, axes)
    back = _lay((*kept, axis), node.axes)
    dims = list(range(len(kept), len(axes)))

    def rule(kind: Kind, args: list[Any]) -> Any:
        data = layouts[0](kind.cast(args[0], node.dtype))
        place = layouts[1](kind.tensor(args[1], index.dtype))
        hot = tf.expand_dims(place, -1) == tf.range(axis.size, dtype=place.dtype)
        summed = tf.reduce_sum(tf.where(hot, tf.expand_dims(data, -1), tf.zeros((), data.dtype)), dims)
        return back(tf.broadcast_to(summed, (*(a.size for a in kept), axis.size)))

    return rule


def _joined(node: Node, parts: Sequence[tuple[Axis, ...]], stacked: bool) -> Rule:
    layouts = [_lay(a.axes, axes) for a, axes in zip(node.args, parts, strict=True)]
    shapes = [tuple(a.size for a in axes) for axes in parts]

    def rule(kind: Kind, args: list[Any]) -> Any:
        values = [
            tf.broadcast_to(f(kind.cast(x, node.dtype)), shape)
            for f, x, shape in zip(layouts, args, shapes, strict=True)
        ]
        return tf.stack(values, -1) if stacked else tf.concat(values, -1)

    return rule


def _merge(node: Node) -> Rule:
    lay, shape = _lay(node.args[0].axes, (*node.axes[:-1], *node.attr("axes"))), tuple(a.size for a in node.axes)
    return lambda kind, x: tf.reshape(lay(x[0]), shape)


def _split(node: Node) -> Rule:
    rest = node.axes[: len(node.axes) - len(node.attr("new"))]
    lay, shape = _lay(node.args[0].axes, (*rest, node.attr("axis"))), tuple(a.size for a in node.axes)
    return lambda kind, x: tf.reshape(lay(x[0]), shape)


def _matrix(function: Callable[[Any], Any]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        row, column = node.attr("row"), node.attr("column")
        axes = node.args[0].axes
        lay = _lay(axes, (*(a for a in axes if a not in (row, column)), row, column))
        dtype = node.dtype if node.dtype != "int" else "real"
        return lambda kind, x: function(kind.cast(lay(x[0]), dtype))

    return make


def _defined(function: Callable[[Any], Any], test: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """NaN for matrices that fail the test, where TensorFlow would stop."""

    def apply(x: Any) -> Any:
        fine = test(x)[..., tf.newaxis, tf.newaxis]
        unit = tf.eye(x.shape[-1], dtype=x.dtype)
        return tf.where(fine, function(tf.where(fine, x, unit)), tf.cast(math.nan, x.dtype))

    return apply


def _svd_outer(x: Any) -> Any:
    _, u, v = tf.linalg.svd(x)
    return tf.einsum("...ik,...jk->...ijk", u, tf.math.conj(v))


def _eigh_outer(x: Any) -> Any:
    _, v = tf.linalg.eigh(x)
    return tf.einsum("...ik,...jk->...ijk", v, v)


def _broadcast(node: Node) -> Rule:
    lay, shape = _lay(node.args[0].axes, node.axes), tuple(a.size for a in node.axes)
    return lambda kind, x: tf.broadcast_to(lay(kind.tensor(x[0], node.dtype)), shape)


RULES: dict[str, Callable[[Node], Rule]] = {
    "broadcast": _broadcast, "rename": lambda n: lambda kind, x: x[0], "select": _select, "contract": _contract,
    "sum": _reduction(tf.reduce_sum), "prod": _reduction(tf.reduce_prod), "max": _reduction(tf.reduce_max),
    "min": _reduction(tf.reduce_min), "any": _reduction(tf.reduce_any), "all": _reduction(tf.reduce_all),
    "argmax": _place(tf.math.argmax), "argmin": _place(tf.math.argmin),
    "diagonal": _diagonal, "scatter": _scatter, "merge": _merge, "split": _split,
    "concat": lambda n: _joined(n, [(*n.axes[:-1], own) for own in n.attr("along")], False),
    "stack": lambda n: _joined(n, [n.axes[:-1]] * len(n.args), True),
    "inv": _matrix(_defined(tf.linalg.inv, lambda x: tf.linalg.det(x) != 0)),
    "matrix_exp": _matrix(tf.linalg.expm),
    "cholesky": _matrix(_defined(tf.linalg.cholesky, lambda x: tf.reduce_all(tf.linalg.eigvalsh(x) > 0, -1))),
    "det": _matrix(tf.linalg.det), "logabsdet": _matrix(lambda x: tf.linalg.slogdet(x)[1]),
    "eigvalsh": _matrix(lambda x: tf.linalg.eigh(x)[0]),
    "svdvals": _matrix(lambda x: tf.linalg.svd(x, compute_uv=False)),
    "svd_outer": _matrix(_svd_outer), "eigh_outer": _matrix(_eigh_outer),
}  # fmt: skip


def _pointwise(function: Callable[[Any], Any]) -> Callable[[Node], Rule]:
    return lambda node: lambda kind, x: function(kind.cast(x[0], "real"))


def _along(function: Callable[..., Any]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        axes, axis = node.args[0].axes, dict(node.attr("attrs"))["axis"]
        dim = axes.index(axis)
        back = _lay(axes if axis in node.axes else tuple(a for a in axes if a != axis), node.axes)
        return lambda kind, x: back(function(kind.cast(x[0], "real"), axis=dim))

    return make


def _gelu(x: Any) -> Any:
    """`tf.nn.gelu` holds its constants in single precision."""
    return x * (tf.math.erfc(-x / math.sqrt(2)) / 2)


NATIVE: dict[str, Callable[[Node], Rule]] = {
    "sigmoid": _pointwise(tf.math.sigmoid), "relu": _pointwise(tf.nn.relu), "silu": _pointwise(tf.nn.silu),
    "gelu": _pointwise(_gelu), "elu": _pointwise(tf.nn.elu),
    "softplus": _pointwise(tf.math.softplus),
    "softmax": _along(tf.nn.softmax), "log_softmax": _along(tf.nn.log_softmax),
    "logsumexp": _along(tf.math.reduce_logsumexp),
}  # fmt: skip
TENSORFLOW = _TensorFlow()
