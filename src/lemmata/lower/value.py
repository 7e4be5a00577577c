"""A program node with the order of its positional axes, and the moves that keep axes apart."""

from __future__ import annotations

from msgspec import Struct

from lemmata.program import build
from lemmata.program.node import Axis, Node


class Value(Struct, frozen=True):
    """A tensor: `axes` are its positions in order; further axes of `node` are free indices around it."""

    node: Node
    axes: tuple[Axis, ...] = ()


def relabel(value: Value, target: tuple[Axis, ...]) -> Value:
    """The same tensor on other positional axes of the same sizes."""
    mapping = {
        old: new for old, new in zip(value.axes, target, strict=True) if old is not new and old in value.node.axes
    }
    if not mapping:
        return Value(value.node, target)
    clash = [new for new in mapping.values() if new in value.node.axes and new not in mapping]
    if clash:
        raise ValueError("a positional axis would collide with a free one")
    return Value(build.rename(value.node, mapping), target)


def fresh(axis: Axis) -> Axis:
    return Axis.fresh(axis.label, axis.size)


def apart(value: Value, taken: tuple[Axis, ...]) -> Value:
    """The same tensor with positional axes that are not among `taken`."""
    target = tuple(fresh(a) if a in taken else a for a in value.axes)
    return relabel(value, target)


def aligned(value: Value, to: Value) -> Value:
    """`value` on the trailing positional axes of `to`, for elementwise work."""
    count = len(value.axes)
    return relabel(value, to.axes[len(to.axes) - count :]) if count else value


def full(value: Value) -> Value:
    """Every positional axis present in the node."""
    missing = tuple(a for a in value.axes if a not in value.node.axes)
    return Value(build.broadcast(value.node, missing), value.axes) if missing else value


def contract(left: Value, right: Value) -> Value:
    """Sum over the last axis of left and the first of right."""
    left, right = full(left), full(right)
    over = left.axes[-1]
    target = tuple(
        over if i == 0 else (fresh(a) if a in left.node.axes or a in left.axes else a) for i, a in enumerate(right.axes)
    )
    right = relabel(right, target)
    return Value(build.contract([left.node, right.node], [over]), left.axes[:-1] + right.axes[1:])


def transposed(value: Value) -> Value:
    return Value(value.node, value.axes[::-1])
