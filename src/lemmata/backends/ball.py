"""Programs in ball arithmetic (Arb through python-flint): every value is enclosed, nothing is rounded away.

Whole numbers stay Python integers, truth values are `True`, `False` or, where balls overlap, `None`; all else is an
`arb` or an `acb`. An undecided case distinction gives a ball around both cases, which is still an enclosure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from lemmata.backends import numpy as plain
from lemmata.backends.enclosed_matrices import MATRICES
from lemmata.backends.enclosures import (
    ELEMENTWISE,
    ORDERED,
    NotInBall,
    TooLarge,
    Undecided,
    Unsupported,
    add,
    as_index,
    ball,
    both,
    either,
    exact,
    finished,
    greater,
    maximum,
    minimum,
    multiply,
)
from lemmata.backends.numpy_products import lay
from lemmata.program import build
from lemmata.program.graph import nodes
from lemmata.program.node import Axis, Node
from lemmata.program.primitives import cost

__all__ = ["NotInBall", "TooLarge", "Undecided", "Unsupported", "run"]

Array = NDArray[Any]
"""Of objects, with one dimension per axis of the node."""

OPERATIONS = 200_000
"""Scalar operations that one evaluation may take."""


def run(outputs: Sequence[Node], feeds: Mapping[str, Any], bits: int) -> list[Array]:
    """Enclosures of the outputs: arrays of `arb`, `acb` or `bool`, dimensions in the order of `node.axes`.

    Feeds are whole numbers, fractions, floats and complex floats, all taken as the exact numbers they are. `bits` is
    the working precision. Raises Undecided, Unsupported, ZeroDivisionError, and KeyError for an input not fed.
    """
    before = ctx.prec
    ctx.prec = bits
    try:
        return _run(outputs, feeds)
    finally:
        ctx.prec = before


def _run(outputs: Sequence[Node], feeds: Mapping[str, Any]) -> list[Array]:
    order = nodes(*outputs)
    if sum(map(cost, order)) > OPERATIONS:
        raise TooLarge(f"more than {OPERATIONS} operations on balls")
    values: dict[int, Array] = {}
    for node in order:
        values[node.uid] = _value(node, [values[a.uid] for a in node.args], feeds)
    return [_each(finished, values[o.uid]) for o in outputs]


def _value(node: Node, args: list[Array], feeds: Mapping[str, Any]) -> Array:
    op = node.op
    if op == "input":
        given = np.asarray(feeds[node.attr("name")], dtype=object)
        return _each(exact, np.broadcast_to(given, tuple(a.size for a in node.axes)))
    if op in ORDERED and any(a.dtype == "complex" for a in node.args):
        raise NotInBall(f"{op} of complex numbers")
    function = ELEMENTWISE.get(op)
    if function is not None:
        return _each(function, *(_spread(x, a, node.axes) for x, a in zip(args, node.args, strict=True)))
    rule = RULES.get(op)
    if rule is None:
        raise NotInBall(f"{op} has no enclosure in ball arithmetic")
    return rule(node, args)


def _each(function: Callable[..., Any], *args: Array) -> Array:
    return _objects(np.frompyfunc(function, len(args), 1)(*args))


def _objects(value: Any) -> Array:
    """An array of objects, of dimension zero for a single one."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return value
    if isinstance(value, np.ndarray):
        return value.astype(object)
    result = np.empty((), dtype=object)
    result[()] = value
    return result


def _spread(x: Array, source: Node, axes: Sequence[Axis]) -> Array:
    return plain._spread(x, source, tuple(axes))


def _full(x: Array, source: Node, axes: Sequence[Axis]) -> Array:
    return np.broadcast_to(_spread(x, source, axes), tuple(a.size for a in axes))


def _reduction(fold: Callable[[Any, Any], Any], start: Any = None) -> Callable[[Node, list[Array]], Array]:
    def rule(node: Node, args: list[Array]) -> Array:
        flat = _rows(args[0], node.args[0], node.axes, node.attr("over"))

        def total(row: Array) -> Any:
            if not len(row) and start is None:
                raise Unsupported("an extremum of nothing")
            result = row[0] if start is None else start
            for value in row if start is not None else row[1:]:
                result = fold(result, value)
            return result

        return _along(total, flat)

    return rule


def _rows(x: Array, source: Node, kept: Sequence[Axis], over: Sequence[Axis]) -> Array:
    """The array with the axes `over` flattened to the last dimension."""
    shape = tuple(a.size for a in kept)
    return _full(x, source, (*kept, *over)).reshape((*shape, math.prod(a.size for a in over)))


def _along(function: Callable[[Array], Any], rows: Array) -> Array:
    result = np.empty(rows.shape[:-1], dtype=object)
    for index in np.ndindex(result.shape):
        result[index] = function(rows[index])
    return result


def _extreme(better: Callable[[Any, Any], bool | None]) -> Callable[[Node, list[Array]], Array]:
    def rule(node: Node, args: list[Array]) -> Array:
        def place(row: Array) -> int:
            best = 0
            for position in range(1, len(row)):
                wins = better(row[position], row[best])
                if wins is None:
                    raise Undecided("the largest of numbers that cannot be told apart")
                best = position if wins else best
            return best

        return _along(place, _rows(args[0], node.args[0], node.axes, node.attr("over")))

    return rule


def _contract(node: Node, args: list[Array]) -> Array:
    """Argument by argument, summing each axis as soon as no later argument has it."""
    axes, value = node.args[0].axes, args[0]
    for position in range(1, len(args)):
        second = node.args[position]
        joint = tuple(dict.fromkeys((*axes, *second.axes)))
        product = _each(multiply, lay(value, axes, joint), _spread(args[position], second, joint))
        later = {a for n in node.args[position + 1 :] for a in n.axes}
        over = tuple(a for a in joint if a in node.attr("over") and a not in later)
        kept = tuple(a for a in joint if a not in over)
        value = _sum(lay(product, joint, (*kept, *over)), len(kept)) if over else product
        axes = kept
    return lay(value, axes, node.axes)


def _sum(x: Array, kept: int) -> Array:
    rows = x.reshape((*x.shape[:kept], math.prod(x.shape[kept:])))
    return _along(lambda row: sum(row.tolist(), 0), rows)


def _moved(node: Node, args: list[Array]) -> Array:
    """Operations that only move elements."""
    return _objects(plain.RULES[node.op](node, args))


def _take(node: Node, args: list[Array]) -> Array:
    source, index = node.args
    axis, fill = node.attr("axis"), node.attr("fill")
    rows = np.broadcast_to(lay(args[0], source.axes, (*node.axes, axis)), (*(a.size for a in node.axes), axis.size))
    places = _full(args[1], index, node.axes)
    outside = arb.nan() if fill is None else fill
    result = np.empty(places.shape, dtype=object)
    for at in np.ndindex(result.shape):
        place = as_index(places[at])
        result[at] = rows[at][place] if place is not None and 0 <= place < axis.size else outside
    return result


def _scatter(node: Node, args: list[Array]) -> Array:
    axes = build.union(node.args)
    axis, over = node.attr("axis"), node.attr("over")
    kept = tuple(a for a in axes if a not in over)
    data = _full(args[0], node.args[0], (*kept, *over))
    places = _full(args[1], node.args[1], (*kept, *over))
    result = np.empty((*(a.size for a in kept), axis.size), dtype=object)
    result.fill(0)
    for at in np.ndindex(data.shape):
        place = as_index(places[at])
        if place is not None and 0 <= place < axis.size:
            goal = (*at[: len(kept)], place)
            result[goal] = add(result[goal], data[at])
    return lay(result, (*kept, axis), node.axes)


def _matrices(function: Callable[[list[list[Any]]], Any], results: int) -> Callable[[Node, list[Array]], Array]:
    """A rule from a function of one matrix; its result has `results` trailing dimensions."""

    def rule(node: Node, args: list[Array]) -> Array:
        row, column = node.attr("row"), node.attr("column")
        rest = tuple(a for a in node.args[0].axes if a not in (row, column))
        stacked = _full(args[0], node.args[0], (*rest, row, column))
        result = np.empty(tuple(a.size for a in node.axes), dtype=object)
        for at in np.ndindex(stacked.shape[:-2]):
            entries = [[ball(x) for x in line] for line in stacked[at].tolist()]
            result[at] = _nested(function(entries), results)
        return result

    return rule


def _nested(value: Any, depth: int) -> Any:
    if depth == 0:
        return value
    rows = [_nested(v, depth - 1) for v in value]
    result = np.empty((len(rows), *(np.shape(rows[0]) if depth > 1 else ())), dtype=object)
    for position, line in enumerate(rows):
        result[position] = line
    return result


RULES: dict[str, Callable[[Node, list[Array]], Array]] = {
    "constant": lambda n, a: _objects(exact(n.attr("value"))),
    "special": lambda n, a: _objects(SPECIALS[n.attr("name")]()),
    "iota": lambda n, a: _objects(np.arange(n.attr("start"), n.attr("start") + n.axes[0].size)),
    "array": lambda n, a: _each(exact, np.array(n.attr("value"), dtype=object).reshape(tuple(x.size for x in n.axes))),
    "sum": _reduction(add, 0), "prod": _reduction(multiply, 1), "max": _reduction(maximum), "min": _reduction(minimum),
    "any": _reduction(either, False), "all": _reduction(both, True), "argmax": _extreme(greater),
    "argmin": _extreme(lambda a, b: greater(b, a)),
    "contract": _contract, "take": _take, "scatter": _scatter,
    **dict.fromkeys(("broadcast", "rename", "diagonal", "concat", "stack", "merge", "split"), _moved),
    **{op: _matrices(function, results) for op, (function, results) in MATRICES.items()},
    "call": lambda n, a: a[-1],
}  # fmt: skip

SPECIALS: dict[str, Callable[[], Any]] = {
    "pi": arb.pi,
    "e": arb.const_e,
    "euler_gamma": arb.const_euler,
    "inf": arb.pos_inf,
}
