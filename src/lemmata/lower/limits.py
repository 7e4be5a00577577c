"""Limits by asymptotic series: lim f is the coefficient of h⁰ where every growing term vanishes.

The series is taken from each side that the limit is. What it says is held against values of f near the point, in ball
arithmetic, before it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.lower.series import Expansion, Series, constant, monomial
from lemmata.lower.value import Value, full
from lemmata.program import autodiff, build
from lemmata.program.graph import depends
from lemmata.program.node import Node
from lemmata.verify.bounds import bound
from lemmata.verify.problem import CannotLower, Domain, Input, Instance
from lemmata.verify.sampling import draw, generator
from lemmata.verify.values import CannotDraw, Draw, Style

if TYPE_CHECKING:
    from lemmata.lower.lowering import Lowering

DRAWS = 3
BITS = 320
NOTHING = 2.0**-120
"""Below this a coefficient counts as zero, at every draw."""
NEAR, NEARER = 20, 40
CLOSE = 2.0**-10
"""How near the value at 2⁻⁴⁰ must be to the limit, relative to it."""

FOUND_ZERO = build.binary("sub", build.special("e"), build.special("e"))
"""A zero that was found and not written, so that comparing it with 0 says something."""


def limit(low: Lowering, term: t.Limit) -> Value:
    """The limit as a program. Raises CannotLower where none is found."""
    if term.step:
        return _at_fixed_point(low, term)
    assert term.variable is not None
    hole = build.input(f"{term.variable.key}→@{id(term)}", ())
    body = full(low.under({term.variable.key: Value(hole)}).value(term.body))
    if not depends(body.node, hole):
        return body  # a constant; the judge refutes nothing on it
    point = low.value(term.point).node if term.point is not None else None
    oracle = _Evidence(low)
    sides = [term.side] if term.side else [1, -1]
    found = [_from(body.node, hole, point, side, oracle) for side in sides]
    if any(isinstance(f, int) for f in found):
        if len(set(found)) > 1:
            raise CannotLower("a limit that differs from the two sides")
        infinite = build.special("inf")
        return Value(infinite if found[0] == 1 else build.unary("neg", infinite))
    result = found[0]
    assert isinstance(result, Node)
    for other in found[1:]:
        assert isinstance(other, Node)
        if other is not result and not oracle.vanishes(build.binary("sub", result, other)):
            raise CannotLower("a limit that differs from the two sides")
    return full(Value(result, body.axes))


def _from(body: Node, hole: Node, point: Node | None, side: int, oracle: _Evidence) -> Node | int:
    """The limit from one side; 1 and -1 for the infinities. Without a point the variable tends to infinity."""
    signed = build.constant(side)
    if point is None:
        at = monomial(-1, signed)
    else:
        at = Series({**constant(point).terms, **monomial(1, signed).terms})
    expansion = Expansion(hole, at, oracle)
    series = expansion.of(body)
    if series.huge:
        return series.huge
    grows = {k: n for k, n in series.terms.items() if k[0] < 0 or (k[0] == 0 and k[1] > 0)}
    grows = {k: n for k, n in grows.items() if not oracle.vanishes(n)}
    if grows:
        key = min(grows, key=lambda k: (k[0], -k[1]))
        return oracle.sign(grows[key]) * (-1) ** key[1]
    if series.order is not None and series.order <= 0:
        raise CannotLower("a limit whose leading term is not found")
    found = series.terms.get((Fraction(0), 0), FOUND_ZERO)
    _converges(body, hole, point, side, found, oracle)
    return build.broadcast(found, [a for a in body.axes if a not in found.axes])


def _converges(body: Node, hole: Node, point: Node | None, side: int, found: Node, oracle: _Evidence) -> None:
    """Hold the limit against values near the point. Raises CannotLower where they do not tend to it."""
    gaps: list[float] = []
    axes = [a for a in body.axes if a not in found.axes]
    found = build.broadcast(found, axes)
    for power in (NEAR, NEARER):
        step = build.constant(Fraction(side, 2**power))
        near = build.constant(side * 2**power) if point is None else build.binary("add", point, step)
        value = autodiff.substitute(body, {hole: near})
        gap, size = oracle.enclosures([build.binary("sub", value, found), found])[0]
        gaps.append(_largest(gap) / max(1.0, _largest(size)))
    if not (gaps[1] <= CLOSE and (gaps[1] <= gaps[0] or gaps[1] <= NOTHING)):
        raise CannotLower("a limit that its values near the point do not approach")


def _largest(balls: Any) -> float:
    return max((float(x.abs_upper()) for x in np.asarray(balls, dtype=object).flat), default=0.0)


class _Evidence(Struct, dict=True):
    """Coefficients evaluated at draws, and bounded over the domain."""

    low: Lowering

    @cached_property
    def _inputs(self) -> tuple[Input, ...]:
        return tuple(
            Input(v.node, x.latex, Domain(x.domain.low, x.domain.high, x.domain.properties))
            for v, x in self.low.inputs.values()
        )

    @cached_property
    def _draws(self) -> list[dict[str, Draw]]:
        try:
            return [draw(self._inputs, generator(15485863, k), Style()) for k in range(DRAWS)]
        except CannotDraw as error:
            raise CannotLower(f"a limit: {error}") from error

    def enclosures(self, wanted: Sequence[Node]) -> list[list[Any]]:
        """Balls around the values at each draw. Raises CannotLower."""
        try:
            from lemmata.backends import ball

            return [
                ball.run(tuple(wanted), {n: d.fractions() for n, d in draws.items()}, BITS) for draws in self._draws
            ]
        except (ImportError, ArithmeticError, TypeError, ValueError, KeyError, RuntimeError) as error:
            raise CannotLower("a limit whose terms cannot be evaluated") from error

    def vanishes(self, node: Node) -> bool:
        value = build.literal(node)
        if value is not None:
            return value == 0
        zeros = others = 0
        for (balls,) in self.enclosures([node]):
            for x in np.asarray(balls, dtype=object).flat:
                if isinstance(x, bool) or not x.is_finite():
                    raise CannotLower("a limit with a term that is not finite")
                if not x.contains(0):
                    others += 1
                elif float(x.abs_upper()) < NOTHING:
                    zeros += 1
                else:
                    raise CannotLower("a limit with a term that is nearly zero")
        if zeros and others:
            raise CannotLower("a limit whose leading term differs from component to component")
        return not others

    def sign(self, node: Node) -> int:
        interval = bound(node, Instance(self._inputs, (node,), ()))
        if interval.low > 0 or (interval.low == 0 and interval.low_open):
            return 1
        if interval.high < 0 or (interval.high == 0 and interval.high_open):
            return -1
        raise CannotLower("a limit that depends on the sign of a term")


def _at_fixed_point(low: Lowering, term: t.Limit) -> Value:
    """A recurrence x_t = a x_{t-1} + b with |a| < 1, the same at every step, tends to b / (1 - a)."""
    fixed: dict[str, Value] = {}
    for family in term.families:
        recurrence = low.recurrences.get(family)
        if recurrence is None or recurrence.letter != term.step:
            raise CannotLower("a limit over something that is no step")
        hole = Value(
            build.input(f"limit of {family}", axes := tuple(low.new_axis(s) for s in recurrence.body.type.shape)), axes
        )
        steps = []
        for step in (3, 4):
            inner = low.under({f"{family}[{step - 1}]": hole, **fixed})
            inner.sizes = {**low.sizes, term.step: step}
            steps.append(full(inner.value(recurrence.body)))
        if steps[0].node is not steps[1].node and not axes:
            raise CannotLower("a limit of a recurrence that changes from step to step")
        fixed[family] = _affine_limit(low, steps[0], hole, steps[1])
    overrides = {f"{f}[{n}]": v for f, v in fixed.items() for n in range(1, 12)}
    inner = low.under(overrides)
    inner.sizes = {**low.sizes, term.step: 6}
    return inner.value(term.body)


def _affine_limit(low: Lowering, body: Value, hole: Value, again: Value) -> Value:
    aligned = build.rename(body.node, dict(zip(body.axes, hole.axes, strict=True)))
    second = build.rename(again.node, dict(zip(again.axes, hole.axes, strict=True)))
    total = build.reduce("sum", aligned, list(hole.axes)) if hole.axes else aligned
    factor = autodiff.gradient(total, hole.node)
    zero = build.broadcast(build.constant(0), hole.axes)
    offset = autodiff.substitute(aligned, {hole.node: zero})
    key = hole.node.attr("name")
    low.inputs[key] = (hole, t.Variable(key, "", replace(t.Tensor(tuple(Size.of(a.size) for a in hole.axes)))))
    oracle = _Evidence(low)
    line = build.binary("add", build.binary("mul", factor, hole.node), offset)
    try:
        if depends(factor, hole.node) or depends(offset, hole.node):
            raise CannotLower("a limit of a recurrence that is not affine")
        if not oracle.vanishes(build.binary("sub", aligned, line)):
            raise CannotLower("a limit of a recurrence that is not affine")
        if second is not aligned and not oracle.vanishes(build.binary("sub", aligned, second)):
            raise CannotLower("a limit of a recurrence that changes from step to step")
    finally:
        del low.inputs[key]
    slope = bound(factor, Instance(_Evidence(low)._inputs, (factor,), ()))
    below = slope.high < 1 or (slope.high == 1 and slope.high_open)
    above = slope.low > -1 or (slope.low == -1 and slope.low_open)
    if not (below and above):
        raise CannotLower("a limit of a recurrence whose factor need not lie between -1 and 1")
    result = build.binary("div", offset, build.binary("sub", build.constant(1), factor))
    return Value(build.broadcast(result, hole.axes), hole.axes)
