"""Definitions by cases that give one condition twice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

from lemmata.consistency.indices import links
from lemmata.consistency.scalars import NoValue, Scalars, number
from lemmata.consistency.standard import shown
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell, stem, walk
from lemmata.verify.verdict import Counterexample

POINTS = tuple(Fraction(n, 4) for n in (-31, -13, -7, -3, -1, 0, 1, 2, 3, 5, 9, 14, 37))
HOLDS = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "\\le": lambda a, b: a <= b,
    "\\ge": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
}


def repeated(survey: Survey) -> Iterator[Contradiction]:
    """A function of numbers by cases has two values where one condition on its argument stands at two of them."""
    for item, left, right in links(survey):
        match left, right:
            case (
                s.Juxt(items=(s.Name(), s.Paren(items=(s.Name(sub=None, sup=None) as argument,))))
                | s.Call(arguments=(s.Name(sub=None, sup=None) as argument,)),
                s.CasesOf(branches=branches),
            ):
                letter = stem(argument)
            case _:
                continue
        for (first, condition), (second, again) in combinations(branches, 2):
            if not isinstance(condition, s.Relation) or not isinstance(again, s.Relation):
                continue
            if spell(condition) != spell(again) or not _about(condition, letter):
                continue
            apart = [(at, *values) for at in _points(condition, letter)
                     if (values := _values(first, second, letter, at)) is not None]  # fmt: skip
            if not apart or any(one == other for _, one, other in apart):
                continue
            at, one, other = apart[-1]
            example = Counterexample(
                values={letter: shown(number(at))}, left=_told(one), right=_told(other), note="under one condition"
            )
            condition_ = item.formula.latex[condition.start : condition.end].strip()
            reason = f"the case {condition_} is given twice, with different values"
            whole = s.Relation(left.start, right.end, ("=",), (left, right))
            yield refutation(item, whole, reason, "one value for each argument", example)


def _about(condition: s.Relation, letter: str) -> bool:
    """Whether the condition speaks of the argument alone."""
    return {stem(n) for n in walk(condition) if isinstance(n, s.Name)} == {letter}


def _points(condition: s.Relation, letter: str) -> Iterator[Fraction]:
    """Numbers that meet the condition."""
    for at in POINTS:
        try:
            values = [float(Scalars({letter: number(at)}).value(x)) for x in condition.items]
            pairs = zip(condition.ops, values, values[1:], strict=False)
            if all(HOLDS[op](a, b) for op, a, b in pairs):
                yield at
        except (NoValue, KeyError):
            continue


def _values(first: s.Expr, second: s.Expr, letter: str, at: Fraction) -> tuple[float, float] | None:
    """Both values where both are numbers or infinite."""
    found = []
    for expr in (first, second):
        infinite = _infinite(expr)
        try:
            found.append(infinite if infinite is not None else float(Scalars({letter: number(at)}).value(expr)))
        except (NoValue, ArithmeticError):
            return None
    return (found[0], found[1]) if found[0] == found[1] or abs(found[0] - found[1]) > 1e-9 else None


def _told(value: object) -> object:
    return {math.inf: "∞", -math.inf: "-∞"}.get(value, value) if isinstance(value, float) else value


def _infinite(expr: s.Expr) -> float | None:
    match expr:
        case s.Const(name=name) if "infty" in name:
            return math.inf
        case s.Sign(op=op, body=body) if (inner := _infinite(body)) is not None:
            return -inner if op == "-" else inner
    return None
