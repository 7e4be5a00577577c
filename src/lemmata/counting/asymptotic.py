"""Orders of growth: O(…) held against a count along directions in which the sizes grow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from math import log2
from typing import Any

from lemmata.consistency.scalars import number
from lemmata.counting.passage import Numbers, letters
from lemmata.elaborate import surface as s
from lemmata.verify.verdict import Counterexample

STEPS = (20, 40)
"""Sizes are powers of two with these exponents."""
MOST = 4
"""The most letters; every letter stands still or grows at one of two rates."""


def bound(expr: s.Expr) -> s.Expr | None:
    """g in O(g), else None."""
    if isinstance(expr, s.Relation) and len(expr.items) == 2 and expr.ops == ("=",):
        expr = expr.items[1]
    match expr:
        case s.Juxt(items=(s.Name(base="O", sub=None, sup=None, accents=()), s.Paren(open="(", items=(inner,)))):
            return inner
        case s.Call(function=s.Name(base="O", sub=None, sup=None), arguments=(inner,)):
            return inner
    return None


def compared(count: Callable[[Numbers], Any], order: s.Expr, names: list[str]) -> bool | Counterexample:
    """Whether both grow alike in every direction; a counterexample where the count grows faster.

    Sizes that O(…) does not name stand still.
    """
    grow = letters(order)
    if not grow or len(grow) > MOST:
        return False
    alike = True
    for direction in _directions(len(grow)):
        rates = dict(zip(grow, direction, strict=True))
        ours, theirs = (
            _exponent(lambda n: count(n), rates, names),
            _exponent(lambda n: n.value(order), rates, names),
        )
        if ours > theirs + 0.25:
            sizes = {x: 2 ** (4 * rates.get(x, 0)) if rates.get(x, 0) else 3 for x in names}
            numbers = Numbers({k: number(v) for k, v in sizes.items()})
            growing = ", ".join(x for x in grow if rates[x])
            return Counterexample(
                sizes=sizes,
                left=str(numbers.value(order).mid()),
                right=str(count(numbers).mid()),
                note=f"like the power {ours:.2g} of {growing}, not {theirs:.2g}",
            )
        alike = alike and abs(ours - theirs) < 0.25
    return alike and set(grow) == set(names)


def _directions(letters: int) -> Iterator[tuple[int, ...]]:
    return (d for d in itertools.product((0, 1, 2), repeat=letters) if any(d))


def _exponent(function: Callable[[Numbers], Any], rates: dict[str, int], names: list[str]) -> float:
    """The power of two by which the value grows for each power by which the sizes do."""
    low, high = (
        log2(float(abs(function(Numbers({x: number(2 ** (step * rates.get(x, 0))) for x in names})).mid())))
        for step in STEPS
    )
    return (high - low) / (STEPS[1] - STEPS[0])
