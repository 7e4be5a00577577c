"""Laws of elementary functions quoted in passing: “since ln(ab) = ln a + ln b”, “by the identity …”."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from lemmata.consistency.scalars import ELEMENTARY, NoValue, Scalars, number, readings, show
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.roles import Item
from lemmata.verify.verdict import Counterexample

REASON = re.compile(r"^(?:since|because|as|using|by|recall|用|因为|由于|利用|由|根据)", re.I)
"""Words inside a formula that give a reason for a step."""
QUOTED = re.compile(
    r"(?:\b(?:since|because|recall(?: that)?|use the (?:fact|identity)(?: that)?|identity|identities|addition theorem|"
    r"addition formula|angle (?:sum|addition) formula|law of logarithms|rule for logarithms|formula)"
    r"|因为|由于|利用|恒等式|公式|定理)[\s:：,，]*$",
    re.I,
)
DRAWS = (
    (Fraction(37, 29), Fraction(17, 23), Fraction(53, 31)),
    (Fraction(11, 19), Fraction(67, 41), Fraction(29, 37)),
    (Fraction(13, 43), Fraction(19, 47), Fraction(59, 53)),
)


def laws(survey: Survey) -> Iterator[Contradiction]:
    """An equation of elementary functions, given as the reason for a step, in letters that stand for nothing else."""
    for item in survey.items:
        if item.withdrawn or item.approximate or item.role == "update":
            continue
        match item.part.expr:
            case s.Relation(ops=("=",), items=(left, right)) if _is_quoted(survey, item):
                letters = _letters(left) | _letters(right)
                if (
                    letters
                    and _elementary(left, right, least=1 if len(letters) > 1 else 3)
                    and _letters(left) == letters
                ):
                    if _letters(right) != letters:
                        continue
                    if not any(_used(survey, item, x) for x in letters):
                        yield from _judge(survey, item, left, right, sorted(letters))


def _is_quoted(survey: Survey, item: Item) -> bool:
    if item.part.lead:
        return REASON.match(item.part.lead) is not None
    before = survey.words(item).before
    return bool(QUOTED.search(before)) and not item.formula.latex[: item.part.start].strip()


def _letters(expr: s.Expr) -> set[str]:
    """The letters that stand for numbers; π and e stand for theirs."""
    skip = {id(n.function) for n in walk(expr) if isinstance(n, s.Call)}
    names = {stem(n) for n in walk(expr) if isinstance(n, s.Name) and id(n) not in skip}
    return names - {"e", "\\pi"}


def _elementary(*sides: s.Expr, least: int) -> bool:
    calls = [n for side in sides for n in walk(side) if isinstance(n, s.Call)]
    return len(calls) >= least and all(c.function.base.removeprefix("\\") in ELEMENTARY for c in calls)


def _used(survey: Survey, item: Item, letter: str) -> bool:
    """Whether a letter stands for something: it is bound, or it occurs in the formula outside such laws."""
    if survey.elaboration.roles.environment.all(letter):
        return True
    return any(
        other.formula is item.formula and not _is_quoted(survey, other) and letter in _letters(other.part.expr)
        for other in survey.items
    )


def _judge(survey: Survey, item: Item, left: s.Expr, right: s.Expr, letters: list[str]) -> Iterator[Contradiction]:
    if len(letters) > 3:
        return
    shown = None
    for draw in DRAWS:
        names = {letter: number(value) for letter, value in zip(letters, draw, strict=False)}
        try:
            for a, b in readings(lambda pick, names=names: Scalars(names, cautious=True, pick=pick), left, right):  # type: ignore[misc]
                if a.overlaps(b):
                    survey.agree(item)
                    return
                shown = shown or ({k: show(v) for k, v in names.items()}, show(a), show(b))
        except NoValue:
            return
    if shown is not None:
        values, a, b = shown
        example = Counterexample(values=values, left=a, right=b)
        yield refutation(
            item, item.part.expr, "the law that is quoted does not hold", "instances", example,
            f"the sides differ at all {len(DRAWS)} positive values tried",
        )  # fmt: skip
