"""Covariance functions: what every one of them satisfies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lemmata.consistency.indices import links
from lemmata.consistency.scalars import NoValue, Scalars, number
from lemmata.consistency.scalars import show as shown
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell, stem, walk
from lemmata.verify.verdict import Counterexample

COVARIANCE = re.compile(r"covariance (function|kernel)|协方差函数|协方差核", re.I)
LETTERS = frozenset({"k", "K", "kappa", "\\kappa", "cov", "Cov"})
OTHER = re.compile(
    r"condition|indefinite|\bnot\b|variogram|\bno\b|cross-covariance|条件|不是|非正定|inverse|precision", re.I
)
PLACES = ((Fraction(1, 4), Fraction(-5, 4)), (Fraction(11, 8), Fraction(3, 16)), (Fraction(-1, 2), Fraction(-9, 8)),
          (Fraction(3, 4), Fraction(7, 8)))  # fmt: skip
"""Sums of powers of two, whose differences are exact."""
NEAR = 250
CONSTANTS = frozenset({"e", "\\pi", "π"})
SETTINGS = ((Fraction(3, 4), Fraction(5, 3)), (Fraction(7, 5), Fraction(11, 9)))


def _key(name: s.Name) -> str:
    """As numbers are looked up: with the subscript, without the power."""
    return stem(name) + (f"_{spell(name.sub)}" if name.sub is not None else "")


class Line(Scalars):
    """Points on a line: a norm is an absolute value."""

    def _value(self, expr: s.Expr) -> Any:
        match expr:
            case s.Bars(body=body):
                return abs(self.value(body))
            case s.Scripted(base=s.Bars() as inner, sub=sub, sup=sup, primes=0) if sub is not None:
                found = self.value(inner)
                return found if sup is None else self._power(found, self._exponent(sup))
        return super()._value(expr)


def covariances(survey: Survey) -> Iterator[Contradiction]:
    """A covariance function satisfies k(x, x')² ≤ k(x, x) k(x', x')."""
    for item, left, right in links(survey):
        match left:
            case (
                s.Juxt(items=(s.Name() as head, s.Paren(items=(s.Name() as first, s.Name() as second))))
                | s.Call(function=s.Name() as head, arguments=(s.Name() as first, s.Name() as second))
            ):
                pass
            case _:
                continue
        if head.base not in LETTERS:
            continue
        words = survey.words(item)
        if (
            not COVARIANCE.search(words.before[-NEAR:])
            or OTHER.search(words.before[-NEAR:])
            or _key(first) == _key(second)
            or survey.guarded(item)
        ):
            continue
        pair = {_key(first), _key(second)}
        letters = sorted({_key(n) for n in walk(right) if isinstance(n, s.Name) and not n.word} - pair - CONSTANTS)
        if not pair <= {_key(n) for n in walk(right) if isinstance(n, s.Name)}:
            continue
        example = None
        try:
            for setting in SETTINGS:
                names = {x: number(setting[at % 2] + at) for at, x in enumerate(letters)}
                for places in PLACES:
                    x, y = map(number, places)
                    cross, one, other = (
                        Line({**names, _key(first): a, _key(second): b}).value(right)
                        for a, b in ((x, y), (x, x), (y, y))
                    )
                    if not cross * cross > one * other:
                        survey.agree(item)
                        raise NoValue("no violation")
                    values: dict[str, object] = {
                        **{k: shown(v) for k, v in names.items()}, _key(first): shown(x), _key(second): shown(y),
                    }  # fmt: skip
                    example = example or Counterexample(
                        values=values, left=shown(cross * cross), right=shown(one * other),
                        note=f"k({stem(first)}, {stem(second)})² against k({stem(first)}, {stem(first)}) "
                        f"k({stem(second)}, {stem(second)})",
                    )  # fmt: skip
        except NoValue:
            continue
        if example is not None:
            reason = "no covariance function: k(x, x')² exceeds k(x, x) k(x', x') wherever it was tried"
            whole = s.Relation(left.start, right.end, ("=",), (left, right))
            yield refutation(item, whole, reason, "standard meaning", example)
