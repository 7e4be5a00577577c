"""Both sides in double precision: a fast first look that may agree, be in doubt, or prove nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.backends import numpy as backend
from lemmata.program.graph import inputs, nodes
from lemmata.program.node import Axis, Node
from lemmata.verify.outcome import Trial
from lemmata.verify.problem import Instance
from lemmata.verify.values import Array, Draw

TOLERANCE = 1e-12
"""Of the larger side: rounding of a few hundred operations. Anything above is put to the referee."""
ROUGH = 1e-6
"""The same for programs that approximate by themselves (quadrature)."""
TINY = 1e-7
"""Constants and inputs below this may hide under the tolerance, so the referee looks at such claims."""

FLIPPED = {"<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le", "=": "=", "\\ne": "\\ne"}


class Values(Struct, frozen=True):
    """The sides of an instance over common axes, each broadcast by NumPy's rules."""

    sides: tuple[Array, ...]
    conditions: bool

    @property
    def defined(self) -> bool:
        """Whether no side has a component that is not a number."""
        return not any(s.dtype.kind in "fc" and bool(np.isnan(s).any()) for s in self.sides)


class Look(Struct, frozen=True):
    """One link at one trial.

    kind: `agrees`; `noise`: a difference that only cancellation explains; `doubt`: more than rounding explains;
    `undefined`: not a number, or nothing finite; `empty`: both sides vanish.
    """

    kind: str
    difference: float = 0.0
    """Largest difference, relative to the larger side; infinite where one side overflows and the other does not."""


def elements(outputs: Sequence[Node]) -> int:
    """How many array elements an evaluation makes; the inner loop of a contraction counts in full."""
    total = 0
    for node in nodes(*outputs):
        axes = {a.uid: a.size for x in (node, *node.args) for a in x.axes}
        total += math.prod(axes.values())
    return total


def common_axes(sides: Sequence[Node]) -> tuple[Axis, ...]:
    """The axes of all sides, those of the side that has most first."""
    ordered = sorted(sides, key=lambda s: -len(s.axes))
    return tuple(dict.fromkeys(a for side in ordered for a in side.axes))


def spread(value: Array, own: Sequence[Axis], axes: Sequence[Axis]) -> Array:
    """`value` over `own` axes as an array over `axes`, with size 1 where it has none."""
    own = list(own)
    order = [own.index(a) for a in axes if a in own]
    shape = [a.size if a in own else 1 for a in axes]
    return value.transpose(order).reshape(shape)


def evaluate(instance: Instance, draws: Mapping[str, Draw]) -> Values | None:
    """None where the program has no value at all there, such as the inverse of a singular matrix."""
    feeds = {name: d.floats for name, d in draws.items()}
    outputs = (*instance.sides, *instance.conditions)
    with np.errstate(all="ignore"):
        try:
            results = backend.run(outputs, feeds)
        except (np.linalg.LinAlgError, ArithmeticError, TypeError):
            return None
    axes = common_axes(instance.sides)
    count = len(instance.sides)
    sides = tuple(
        spread(np.asarray(value), node.axes, axes) for value, node in zip(results[:count], instance.sides, strict=True)
    )
    return Values(sides, all(bool(np.asarray(c).all()) for c in results[count:]))


def compare(left: Array, right: Array, exact: bool) -> Look:
    """How far two sides of an equation agree."""
    if left.dtype == bool or right.dtype == bool:
        return Look("agrees") if (left == right).all() else Look("doubt", 1.0)
    with np.errstate(all="ignore"):
        if np.isnan(left).any() or np.isnan(right).any():
            return Look("undefined")
        finite = np.isfinite(left) & np.isfinite(right)
        if not finite.all():
            left, right = np.broadcast_arrays(left, right)
            if not (left == right)[~finite].all():
                return Look("doubt", math.inf)
            left, right = left[finite], right[finite]
            if not left.size:
                return Look("undefined")
        scale = max(float(abs(left).max(initial=0.0)), float(abs(right).max(initial=0.0)))
        if scale == 0.0:
            return Look("empty")
        difference = float(abs(left - right).max(initial=0.0)) / scale
    return Look("agrees" if difference <= (TOLERANCE if exact else ROUGH) else "doubt", difference)


def magnitude(instance: Instance, draws: Mapping[str, Draw]) -> float:
    """The largest finite number that occurs on the way to the sides, at least 1."""
    return extent(instance, draws)[1]


def extent(instance: Instance, draws: Mapping[str, Draw]) -> tuple[float, float]:
    """How small the smallest value is on the way to the sides and how large the largest, each at least reaching 1.

    Results of sums may be small by cancellation, so only products and functions count as small.
    """
    everything = nodes(*instance.sides)
    wanted = [n for n in everything if n.dtype in ("real", "complex") and n.op not in ("constant", "special")]
    feeds = {name: d.floats for name, d in draws.items()}
    with np.errstate(all="ignore"):
        try:
            results = backend.run(wanted, feeds)
        except (np.linalg.LinAlgError, ArithmeticError, TypeError):
            return 1.0, math.inf
    smallest = largest = 1.0
    for node, value in zip(wanted, results, strict=True):
        value = abs(np.asarray(value))
        value = value[np.isfinite(value)]
        reach = float(value.max(initial=0.0))
        largest = max(largest, reach)
        if reach and node.op in ("exp", "pow", "mul", "div", "reciprocal", "prod"):
            smallest = min(smallest, reach)
    return smallest, largest


def has_tiny_constants(sides: Sequence[Node]) -> bool:
    """Whether a constant is so small that double precision might not notice it."""
    for node in nodes(*sides):
        if node.op == "constant":
            value = node.attr("value")
            if value and abs(value) < TINY:
                return True
        elif node.op == "array" and 0 < max((abs(v) for v in node.attr("value")), default=0) < TINY:
            return True
    return False


def resembles(values: Values, trial: Trial, link: int, index: tuple[int, ...], left: object, right: object) -> bool:
    """Whether the referee's values at a component are those of double precision, up to cancellation on the way."""
    largest: float | None = None
    for side, exact in ((values.sides[link], left), (values.sides[link + 1], right)):
        if side.dtype == bool or isinstance(exact, bool) or not isinstance(exact, float):
            continue
        place = tuple(i if n > 1 else 0 for i, n in zip(index, side.shape, strict=True))
        found = float(side[place].real)
        if not math.isfinite(found) or abs(found - exact) <= 1e-6 * abs(exact):
            continue
        largest = magnitude(trial.instance, trial.draws) if largest is None else largest
        if abs(found - exact) > 1e-6 * largest:
            return False
    return True


def depends_on_inputs(side: Node) -> bool:
    return bool(inputs(side))


def unmasked(left: Node, right: Node) -> tuple[Node, Node, tuple[Node, ...]]:
    """Both sides without the conditions on indices that put their other entries to 0, and these conditions."""
    masks = []
    while left.op == right.op == "select" and left.args[0] is right.args[0]:
        if not literal_zero(left.args[2]) or not literal_zero(right.args[2]):
            break
        masks.append(left.args[0])
        left, right = left.args[1], right.args[1]
    return left, right, tuple(masks)


def never_met(conditions: Sequence[Node], draws: Mapping[str, Draw]) -> bool:
    """Whether one of the conditions holds at no index."""
    feeds = {name: d.floats for name, d in draws.items()}
    return bool(conditions) and any(not np.any(value) for value in backend.run(conditions, feeds))


def literal_zero(side: Node) -> bool:
    """0, or an array of nothing but 0."""
    if side.op == "constant":
        return not side.attr("value")
    if side.op == "array":
        return not any(side.attr("value"))
    if side.op in ("broadcast", "rename", "stack", "concat", "merge", "split"):
        return all(literal_zero(a) for a in side.args)
    return False
