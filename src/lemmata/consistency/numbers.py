"""Arithmetic in numbers: every link of a chain between two expressions made of digits alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lemmata.consistency import balls
from lemmata.consistency.scalars import NoValue, Scalars, number, show
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import walk
from lemmata.elaborate.roles import Item
from lemmata.verify.verdict import Counterexample

PARTS = (s.Num, s.Infix, s.Sign, s.Quotient, s.Paren, s.Scripted, s.RootOf, s.Juxt)
OTHER_ARITHMETIC = re.compile(r"\bmod(?:ulo)?\b|\\bmod|\\pmod|\bbinary\b|\bhex|\bXOR\b|\\oplus|二进制|模|余|异或", re.I)
"""Words and signs of arithmetic other than that of the numbers: 1 + 1 = 0 holds modulo 2."""
ENDS = re.compile(
    r"\s*(?:$|[.;:，。；、&]|,(?!\s*\d{3})|\\\\|\\(?:quad|qquad|end|text|mbox|label|tag|[,;!:\s])|[=<>)\]]|\\[lg]e)"
)
"""What may follow a number that is complete: no unit, percent sign or further digits."""
MARGIN = 2.5
"""The difference must be this many times what correct rounding explains: numbers may also be cut off."""
PRECISE = 1.5
"""The same for a result of six digits or more, longer than everything it was computed from."""


def arithmetic(survey: Survey) -> Iterator[Contradiction]:
    """Two sides in digits that differ by more than rounding of the printed decimals explains."""
    for item in survey.asserted():
        relation = item.part.expr
        if not isinstance(relation, s.Relation) or len(relation.items) < 2:
            continue
        words = survey.words(item)
        if OTHER_ARITHMETIC.search(item.formula.latex + words.before[-200:] + words.after[:80]):
            continue
        for op, left, right in zip(relation.ops, relation.items, relation.items[1:], strict=False):
            if op == "=":
                yield from _link(survey, item, left, right)


def _link(survey: Survey, item: Item, left: s.Expr, right: s.Expr) -> Iterator[Contradiction]:
    if not (_in_digits(left) and _in_digits(right)) or isinstance(left, s.Num) and isinstance(right, s.Num):
        return
    latex = item.formula.latex
    if any(_power_of_ten(n) for side in (left, right) for n in walk(side)):
        return  # orders of magnitude are given roughly
    if not ENDS.match(latex[right.end :]) or re.search(r"[\d.]\s*,\s*\d{3}\b|\\%|%", latex[left.start : right.end]):
        return
    try:
        values = [Rounded().value(x) for x in (left, right)]
        exact = [Scalars().value(x) for x in (left, right)]
    except NoValue:
        return
    slack = sum(float(v.rad()) for v in values) + _unit(left, right) + _unit(right, left)
    difference = abs(float(exact[0].mid()) - float(exact[1].mid()))
    if exact[0].overlaps(exact[1]) or difference <= _half(left, right):
        survey.agree(item)
    if values[0].overlaps(values[1]) or exact[0].overlaps(exact[1]):
        return
    if difference <= _margin(left, right) * slack:
        return
    printed = show(exact[0]), show(exact[1])
    reason = f"the left side is {printed[0]}, the right side {printed[1]}"
    yield refutation(
        item,
        s.Relation(left.start, right.end, ("=",), (left, right)),
        reason,
        "arithmetic",
        Counterexample(left=printed[0], right=printed[1], note="numbers alone"),
        f"{reason}; rounding of the printed numbers explains at most {slack:.2g}",
    )


def _half(*sides: s.Expr) -> float:
    """Half a unit in the last place of a printed result: what it may differ by and be right."""
    return max((float(_last_place(x.value)) / 2 for x in sides if isinstance(x, s.Num)), default=0.0)


def _power_of_ten(expr: s.Expr) -> bool:
    return isinstance(expr, s.Scripted) and isinstance(expr.base, s.Num) and expr.base.value in (2, 10)


def _in_digits(expr: s.Expr) -> bool:
    return all(isinstance(n, PARTS) for n in walk(expr))


class Rounded(Scalars):
    """Decimal fractions stand for everything that rounds to them."""

    def _value(self, expr: s.Expr) -> Any:
        if isinstance(expr, s.Num) and expr.decimal:
            return balls.arb(0, float(_last_place(expr.value)) / 2) + number(expr.value)
        return super()._value(expr)


def _last_place(value: Fraction) -> Fraction:
    """One unit of the last decimal place of a printed number."""
    for places in range(18):
        if (value * 10**places).denominator == 1:
            return Fraction(1, 10**places)
    return Fraction(0)


def _margin(*sides: s.Expr) -> float:
    """How far beyond rounding a difference must lie."""
    for result, other in (sides, sides[::-1]):
        if isinstance(result, s.Num) and result.decimal:
            digits = _digits(result.value)
            if digits >= 6 and all(_digits(n.value) + 2 <= digits for n in walk(other) if isinstance(n, s.Num)):
                return PRECISE
    return MARGIN


def _digits(value: Fraction) -> int:
    """Significant digits of a printed number."""
    return len(str(abs((value / _last_place(value)).numerator)))


def _unit(side: s.Expr, other: s.Expr) -> float:
    """What rounding to a whole number, or to one with zeros at its end, explains of a result printed as one."""
    if not isinstance(side, s.Num) or side.decimal or side.value.denominator != 1:
        return 0.0
    digits = str(abs(side.value.numerator))
    zeros = len(digits) - len(digits.rstrip("0")) if side.value else 0
    whole = all(
        not (isinstance(n, s.Num) and n.decimal) and not isinstance(n, s.Quotient | s.RootOf) for n in walk(other)
    )
    whole = whole and not any(isinstance(n, s.Infix) and "/" in n.ops for n in walk(other))
    return float(10**zeros) if zeros >= 2 or not whole else 0.0
