"""Series in the members of a sequence, and what is said of the sums one step apart."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lemmata.consistency.indices import links
from lemmata.consistency.scalars import NoValue, Scalars, number
from lemmata.consistency.scalars import show as shown
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem, walk
from lemmata.verify.verdict import Counterexample

HORIZON = 9
"""From here on the sequence vanishes: one for which every series has a value."""


def returns(survey: Survey) -> Iterator[Contradiction]:
    """An equation between members of a family given by a series, tried on sequences that end."""
    families: dict[str, tuple[str, s.Expr, Any]] = {}
    for item, left, right in links(survey):
        relation = item.part.expr
        assert isinstance(relation, s.Relation)
        head, body = relation.items[0], relation.items[-1]
        match head:
            case s.Name(sub=s.Name(sub=None) as letter, sup=None) if right is body and _is_series(body):
                if stem(head) not in families:
                    families[stem(head)] = stem(letter), body, item
                    continue
        names = {stem(n) for side in (left, right) for n in walk(side) if isinstance(n, s.Name) and n.sub is not None}
        used = [families[n] for n in sorted(names) if n in families]
        if (
            item.role != "claim"
            or survey.guarded(item)
            or not used
            or not all(survey.near(item, origin) for _, _, origin in used)
        ):
            continue
        letters = {x for x, _, _ in used}
        if len(letters) == 1:
            yield from _compare(survey, item, left, right, letters.pop(), families)


def _is_series(expr: s.Expr) -> bool:
    return (
        isinstance(expr, s.Big)
        and expr.op == "\\sum"
        and isinstance(expr.upper, s.Const)
        and expr.upper.name == "infty"
    )


def _compare(
    survey: Survey, item: Any, left: s.Expr, right: s.Expr, letter: str, families: dict[str, tuple[str, s.Expr, Any]]
) -> Iterator[Contradiction]:
    plain = {
        stem(n)
        for side in (left, right, *(body for _, body, _ in families.values()))
        for n in walk(side)
        if isinstance(n, s.Name) and n.sub is None and not n.word
    } - {letter}
    sequences = {
        stem(n)
        for side in (left, right, *(body for _, body, _ in families.values()))
        for n in walk(side)
        if isinstance(n, s.Name) and n.sub is not None
    } - families.keys()
    if len(sequences) != 1 or any(stem(h) in sequences for h in _heads(survey)):
        return
    numbers = {name: number(Fraction(3 + 2 * k, 7 + 3 * k)) for k, name in enumerate(sorted(plain))}

    def member(key: str, indices: tuple[int, ...]) -> Any:
        if len(indices) != 1:
            raise NoValue(key)
        at = indices[0]
        if key in families:
            index, body, _ = families[key]
            return Scalars({**numbers, index: number(at)}, {}, member, 2 * HORIZON, True).value(body)
        return number(Fraction((at * at * 5 + 3 * at) % 11 + 1)) if at < HORIZON else number(0)

    try:
        sides = []
        for step in (2, 3, 5):
            scalars = Scalars({**numbers, letter: number(step)}, {}, member, 2 * HORIZON, True)
            sides.append((scalars.value(left), scalars.value(right)))
    except NoValue:
        return
    if all(a.overlaps(b) for a, b in sides):
        survey.agree(item)
    if all(not a.overlaps(b) for a, b in sides):
        a, b = sides[0]
        name = next(iter(sequences))
        values: dict[str, object] = {k: shown(v) for k, v in numbers.items()}
        values |= {letter: 2, name: [shown(member(name, (k,))) for k in range(HORIZON)]}
        example = Counterexample(
            values=values, left=shown(a), right=shown(b), note=f"{name} from index 0, zero from {HORIZON} on"
        )
        whole = s.Relation(left.start, right.end, ("=",), (left, right))
        yield refutation(item, whole, "the sides differ for a sequence that ends", "instances", example)


def _heads(survey: Survey) -> Iterator[s.Name]:
    """Names that the document gives a value."""
    for item in survey.items:
        match item.part.expr:
            case s.Relation(ops=("=" | ":=", *_), items=(s.Name() as head, *_)) if item.role == "definition":
                yield head
