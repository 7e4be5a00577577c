"""Normalisation in programs: quotients by a standard deviation or a root mean square, with gain and shift."""

from __future__ import annotations

from lemmata.operations import call
from lemmata.operations.pattern import alike, factors, is_call, numeric, opened
from lemmata.program import build
from lemmata.program.node import Axis, Node


def normalised(node: Node) -> Node | None:
    """(x − μ) / √(σ² + ε), x / √(mean of x² + ε)."""
    above, below = (opened(a) for a in node.args)
    inner = root(below)
    if inner is None:
        return None
    for variance, eps in _with_epsilon(opened(inner)):
        deviation = _mean_square(variance)
        if deviation is None:
            continue
        c, axis = deviation
        along = along_axis(above, c, axis, node.args[1])
        if along is None:
            continue
        x = _centred(above, along)
        name, x = ("rms_norm", above) if x is None else ("layer_norm", x)
        return call(name, [x] if eps is None else [x, eps], axis=along)
    return None


def scaled(node: Node) -> Node | None:
    """A gain beside a normalised value."""
    for first, gain in (node.args, node.args[::-1]):
        norm = opened(first)
        for name in ("layer_norm", "rms_norm"):
            if is_call(norm, name) and len(norm.args) <= 3:
                axis = dict(norm.attr("attrs"))["axis"]
                if set(gain.axes) == {axis}:
                    x, eps = (*norm.args[:-1], build.constant(0))[:2]
                    return call(name, [x, eps, gain], axis=axis)
    return None


def shifted(node: Node) -> Node | None:
    """A shift beside a normalised value with a gain."""
    for first, shift in (node.args, node.args[::-1]):
        norm = opened(first)
        if is_call(norm, "layer_norm") and len(norm.args) == 4:
            axis = dict(norm.attr("attrs"))["axis"]
            if set(shift.axes) == {axis}:
                return call("layer_norm", [*norm.args[:-1], shift], axis=axis)
    return None


def root(node: Node) -> Node | None:
    """What a square root is taken of."""
    if node.op == "sqrt":
        return node.args[0]
    return node.args[0] if node.op == "pow" and numeric(node.args[1]) == 0.5 else None


def squared(node: Node) -> Node | None:
    """What a square is taken of."""
    node = opened(node)
    if node.op == "square" or node.op == "pow" and numeric(node.args[1]) == 2:
        return opened(node.args[0])
    return opened(node.args[0]) if node.op == "mul" and node.args[0] is node.args[1] else None


def _with_epsilon(node: Node) -> list[tuple[Node, Node | None]]:
    """A variance, or a variance and the number added to it."""
    found: list[tuple[Node, Node | None]] = [(node, None)]
    if node.op == "add":
        found += [(x, e) for x, e in (node.args, node.args[::-1]) if not e.axes and e.dtype in ("int", "real")]
    return found


def _mean(node: Node) -> tuple[Node, Axis] | None:
    """A sum over one axis divided by its length, as (the sum, the axis); σ² is what σ is the root of."""
    number, rest = factors(node)
    while len(rest) == 1 and (base := squared(rest[0])) is not None and (inner := root(base)) is not None:
        more, rest = factors(inner)
        number *= more
    if len(rest) != 1 or rest[0].op not in ("sum", "contract") or len(rest[0].attr("over")) != 1:
        return None
    axis: Axis = rest[0].attr("over")[0]
    return (rest[0], axis) if abs(number * axis.size - 1) < 1e-12 else None


def _mean_square(node: Node) -> tuple[Node, Axis] | None:
    """What is squared, and the axis of the mean."""
    found = _mean(node)
    if found is None:
        return None
    total, axis = found
    if total.op == "contract":
        same = len(total.args) == 2 and total.args[0] is total.args[1]
        return (opened(total.args[0]), axis) if same else None
    summand = squared(total.args[0])
    return None if summand is None else (summand, axis)


def along_axis(above: Node, other: Node, axis: Axis, total: Node) -> Axis | None:
    """The axis of `above` along which it is `other`, which has been summed over `axis`."""
    for candidate in above.axes:
        rest = [a for a in above.axes if a != candidate]
        if candidate.size == axis.size and candidate not in total.axes and set(rest) == set(other.axes) - {axis}:
            if alike(above, other, {**{a: a for a in rest}, candidate: axis}):
                return candidate
    return None


def _centred(node: Node, axis: Axis) -> Node | None:
    """x of x − (mean of x along the axis)."""
    if node.op != "sub" or axis in node.args[1].axes:
        return None
    x = node.args[0]
    found = _mean(node.args[1])
    if found is None or found[0].op != "sum":
        return None
    total, over = found
    other = total.args[0]
    rest = {a: a for a in x.axes if a != axis}
    if axis not in x.axes or over.size != axis.size or {*rest, over} != set(other.axes):
        return None
    return x if alike(x, other, {**rest, axis: over}) else None
