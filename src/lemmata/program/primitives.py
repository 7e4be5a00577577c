"""The closed set of primitives: for each, what its nodes look like and what they cost.

Written apart from the constructors in `build`, so that `check` can hold one against the other. Derivatives stand in
`autodiff`, one rule per primitive; how a primitive is run stands in each backend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from msgspec import Struct

from lemmata.program import build
from lemmata.program.node import Axis, Node

Axes = tuple[Axis, ...]


class Primitive(Struct, frozen=True):
    arguments: int | None
    """How many; None is one or more."""
    attrs: frozenset[str]
    axes: Callable[[Node], Axes | None]
    """The axes that the arguments and attributes make, in order; None where they do not fit."""
    dtype: Callable[[Node], str | None]
    """The type of the elements; None where the arguments have a wrong one."""
    cost: Callable[[Node], int]
    """Operations on single numbers, a moved element counting as one."""


def joint(*nodes: Node) -> Axes:
    return tuple(dict.fromkeys(a for n in nodes for a in n.axes))


def without(axes: Axes, *gone: Axis) -> Axes:
    return tuple(a for a in axes if a not in gone)


def size(axes: Axes) -> int:
    return math.prod(a.size for a in axes)


def _wide(least: str) -> Callable[[Node], str]:
    """The widest type of the arguments, and at least this one."""
    return lambda n: max([least, *(a.dtype for a in n.args)], key=build.ORDER.__getitem__)


def _same(node: Node) -> str:
    return node.args[0].dtype


def _always(dtype: str) -> Callable[[Node], str]:
    return lambda node: dtype


def _own(node: Node) -> Axes:
    return node.axes


def _elements(node: Node) -> int:
    return size(node.axes)


def _loop(node: Node) -> int:
    """The elements of all arguments side by side: what a sum runs over."""
    return size(joint(*node.args))


def _union(node: Node) -> Axes:
    return joint(*node.args)


def _constant_type(node: Node) -> str:
    value = node.attr("value")
    names = {bool: "bool", int: "int", complex: "complex"}
    return names.get(type(value), "real")


def _array(node: Node) -> Axes | None:
    return node.axes if len(node.attr("value")) == size(node.axes) else None


def _along_one(node: Node) -> Axes | None:
    return node.axes if len(node.axes) == 1 else None


def _broadcast(node: Node) -> Axes | None:
    own = node.args[0].axes
    return node.axes if node.axes[: len(own)] == own and len(node.axes) > len(own) else None


def _power_type(node: Node) -> str:
    exponent = build.literal(node.args[1])
    whole = isinstance(exponent, int) and exponent >= 0
    return _wide("int" if whole else "real")(node)


def _magnitude_type(node: Node) -> str:
    return "real" if node.args[0].dtype == "complex" else node.args[0].dtype


def _select_type(node: Node) -> str | None:
    condition, x, y = node.args
    return max((x.dtype, y.dtype), key=build.ORDER.__getitem__) if condition.dtype == "bool" else None


def _reduced(node: Node) -> Axes | None:
    axes, over = joint(*node.args), node.attr("over")
    return without(axes, *over) if over and set(over) <= set(axes) else None


def _contracted(node: Node) -> Axes | None:
    axes, over = joint(*node.args), node.attr("over")
    return without(axes, *over) if len(node.args) > 1 and set(over) <= set(axes) else None


def _along_reduced(node: Node) -> Axes | None:
    return _reduced(node) if len(node.attr("over")) == 1 else None


def _renamed(node: Node) -> Axes | None:
    mapping: dict[Axis, Axis] = dict(node.attr("mapping"))
    fits = all(old in node.args[0].axes and old.size == new.size for old, new in mapping.items())
    return tuple(mapping.get(a, a) for a in node.args[0].axes) if fits else None


def _diagonal(node: Node) -> Axes | None:
    (kept, gone), axes = node.attr("pair"), node.args[0].axes
    return without(axes, gone) if kept != gone and {kept, gone} <= set(axes) and kept.size == gone.size else None


def _taken(node: Node) -> Axes | None:
    (x, index), axis = node.args, node.attr("axis")
    if axis not in x.axes or axis in index.axes or node.attr("fill") not in (None, 0):
        return None
    rest = without(x.axes, axis)
    return (*rest, *without(index.axes, *rest))


def _scattered(node: Node) -> Axes | None:
    axes, axis, over = joint(*node.args), node.attr("axis"), node.attr("over")
    return (*without(axes, *over), axis) if set(over) <= set(axes) else None


def _concatenated(node: Node) -> Axes | None:
    along, axis = node.attr("along"), node.attr("axis")
    fits = len(along) == len(node.args) and all(own in n.axes for n, own in zip(node.args, along, strict=True))
    return (*without(joint(*node.args), *along), axis) if fits and sum(a.size for a in along) == axis.size else None


def _stacked(node: Node) -> Axes | None:
    axis = node.attr("axis")
    return (*joint(*node.args), axis) if axis.size == len(node.args) else None


def _merged(node: Node) -> Axes | None:
    axes, new, own = node.attr("axes"), node.attr("new"), node.args[0].axes
    return (*without(own, *axes), new) if set(axes) <= set(own) and size(axes) == new.size else None


def _split(node: Node) -> Axes | None:
    axis, new, own = node.attr("axis"), node.attr("new"), node.args[0].axes
    return (*without(own, axis), *new) if axis in own and size(new) == axis.size else None


def _matrix(square: bool, *kept: str) -> Callable[[Node], Axes | None]:
    """The axes around the matrix, then those of the attributes named."""

    def axes(node: Node) -> Axes | None:
        row, column, own = node.attr("row"), node.attr("column"), node.args[0].axes
        fits = row != column and {row, column} <= set(own) and (row.size == column.size or not square)
        if "values" in kept:
            fits = fits and node.attr("values").size == min(row.size, column.size)
        return (*without(own, row, column), *(node.attr(name) for name in kept)) if fits else None

    return axes


def _elimination(weight: int) -> Callable[[Node], int]:
    def cost(node: Node) -> int:
        side = max(node.attr("row").size, node.attr("column").size)
        return weight * side * size(node.args[0].axes)

    return cost


def _call(node: Node) -> Axes:
    return node.args[-1].axes


def _elementwise(count: int, dtype: Callable[[Node], str | None]) -> Primitive:
    return Primitive(count, frozenset(), _union, dtype, _elements)


def _moving(axes: Callable[[Node], Axes | None], *attrs: str, dtype: Callable[[Node], str] = _same) -> Primitive:
    return Primitive(1, frozenset(attrs), axes, dtype, _elements)


def _reduction(axes: Callable[[Node], Axes | None], dtype: Callable[[Node], str], count: int | None = 1) -> Primitive:
    return Primitive(count, frozenset({"over"}), axes, dtype, _loop)


def _of_matrix(dtype: Callable[[Node], str], weight: int, square: bool, *kept: str) -> Primitive:
    attrs = frozenset({"row", "column", *kept})
    return Primitive(1, attrs, _matrix(square, *kept), dtype, _elimination(weight))


_POINT = ("row", "column")
PRIMITIVES: Mapping[str, Primitive] = {
    "constant": Primitive(0, frozenset({"value"}), lambda n: (), _constant_type, _elements),
    "special": Primitive(0, frozenset({"name"}), lambda n: (), _always("real"), _elements),
    "input": Primitive(0, frozenset({"name"}), _own, lambda n: n.dtype, _elements),
    "iota": Primitive(0, frozenset({"start"}), _along_one, _always("int"), _elements),
    "array": Primitive(0, frozenset({"value"}), _array, lambda n: n.dtype, _elements),
    **{op: _elementwise(1, _wide("real")) for op in build.UNARY},
    **{op: _elementwise(1, _wide("int")) for op in ("neg", "conj", "square")},
    **{op: _elementwise(1, _same) for op in ("floor", "ceil", "sign")},
    **{op: _elementwise(1, _magnitude_type) for op in ("abs", "real", "imag")},
    "not_": _elementwise(1, _always("bool")),
    **{op: _elementwise(2, _wide("int")) for op in build.ARITHMETIC},
    **{op: _elementwise(2, _wide("real")) for op in ("div", "atan2")},
    "pow": _elementwise(2, _power_type),
    **{op: _elementwise(2, _always("bool")) for op in build.COMPARISON | build.LOGIC},
    "select": _elementwise(3, _select_type),
    **{op: _reduction(_reduced, _wide("int")) for op in ("sum", "prod", "max", "min")},
    **{op: _reduction(_reduced, _always("bool")) for op in ("any", "all")},
    **{op: _reduction(_along_reduced, _always("int")) for op in ("argmax", "argmin")},
    "contract": _reduction(_contracted, _wide("int"), None),
    "broadcast": _moving(_broadcast),
    "rename": _moving(_renamed, "mapping"),
    "diagonal": _moving(_diagonal, "pair"),
    "take": Primitive(2, frozenset({"axis", "fill"}), _taken, _same, _elements),
    "scatter": Primitive(2, frozenset({"axis", "over"}), _scattered, _same, _loop),
    "concat": Primitive(None, frozenset({"along", "axis"}), _concatenated, _wide("bool"), _elements),
    "stack": Primitive(None, frozenset({"axis"}), _stacked, _wide("bool"), _elements),
    "merge": _moving(_merged, "axes", "new"),
    "split": _moving(_split, "axis", "new"),
    "inv": _of_matrix(_wide("real"), 1, True, *_POINT),
    "matrix_exp": _of_matrix(_wide("real"), 1, True, *_POINT),
    "cholesky": _of_matrix(_always("real"), 1, True, *_POINT),
    "det": _of_matrix(_wide("int"), 1, True),
    "logabsdet": _of_matrix(_always("real"), 1, True),
    "eigvalsh": _of_matrix(_always("real"), 10, True, "values"),
    "svdvals": _of_matrix(_always("real"), 10, False, "values"),
    "eigh_outer": _of_matrix(_always("real"), 10, True, *_POINT, "values"),
    "svd_outer": _of_matrix(_always("real"), 10, False, *_POINT, "values"),
    "call": Primitive(None, frozenset({"name", "attrs"}), _call, lambda n: n.args[-1].dtype, _elements),
}


def cost(node: Node) -> int:
    """What running this node takes, its arguments apart."""
    return PRIMITIVES[node.op].cost(node)
