"""Subscripts as patterns: which members of a family an indexed definition gives."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from lemmata.core import terms as t
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.reader import Reader, size_number, size_of
from lemmata.elaborate.solver import Unreadable


def affine(expr: s.Expr) -> tuple[Fraction, str, Fraction] | None:
    """2i, 2i+1, 2j-1 as (factor, letter, shift)."""
    match expr:
        case s.Juxt(items=(s.Num(value=factor), s.Name(base=base, sub=None, sup=None))):
            return factor, base, Fraction(0)
        case s.Infix(ops=("+" | "-" as op,), items=(first, s.Num(value=shift))):
            inner = affine(first)
            return None if inner is None else (inner[0], inner[1], shift if op == "+" else -shift)
    return None


def covered(patterns: Iterable[tuple[s.Expr, ...]], items: tuple[s.Expr, ...]) -> bool:
    """Whether some clause of an indexed definition already gives the member at these indices.

    x_i gives every x; PE_{p,2i} gives PE_{p+1,0} and PE_{q,2j}, but not PE_{p,1}.
    """
    return any(
        len(pattern) == len(items) and all(_covers(p, i) for p, i in zip(pattern, items, strict=True))
        for pattern in patterns
    )


def _covers(pattern: s.Expr, item: s.Expr) -> bool:
    if isinstance(pattern, s.Name):
        return pattern.sub is None
    form = affine(pattern)
    if form is None:
        # x_{t+1} for every t is every x but the first.
        return isinstance(pattern, s.Infix) and isinstance(pattern.items[0], s.Name)
    factor, _, shift = form
    if isinstance(item, s.Num):
        return (item.value - shift) % factor == 0
    other = affine(item)
    return other is not None and other[0] == factor and (other[2] - shift) % factor == 0


def specific(items: tuple[s.Expr, ...]) -> bool:
    """Whether the indices single out members (θ_1, θ_{d/2}) instead of running over all."""
    return any(not isinstance(i, s.Name) for i in items)


def letters(items: Iterable[s.Expr]) -> set[str]:
    return {stem(n) for i in items for n in walk(i) if isinstance(n, s.Name)}


def match_pattern(
    r: Reader, pattern: tuple[s.Expr, ...], values: list[t.Term], items: tuple[s.Expr, ...]
) -> dict[str, t.Term] | None:
    """The head's index letters solved from the indices of a use: i, t+1, 2i, a literal number."""
    bound: dict[str, t.Term] = {}
    for head, value, item in zip(pattern, values, items, strict=True):
        match head:
            case s.Name():
                bound[stem(head)] = value
            case s.Num():
                if a.literal(value) != head.value and spell(item) != spell(head):
                    return None
            case s.Infix(ops=("+" | "-" as op,), items=(s.Name() as letter, s.Num(value=shift))):
                sign = "-" if op == "+" else "+"
                shifted = a.add(r.solver, sign, value, a.number(shift))
                found = size_of(shifted)
                bound[stem(letter)] = size_number(found) if found is not None else shifted
            case _:
                letters = affine(head)
                mine = affine(item)
                if letters is None or mine is None or letters[0] != mine[0] or letters[2] != mine[2]:
                    return None
                bound[letters[1]] = r.term(s.Name(item.start, item.end, mine[1]))
    return bound


def index_value(r: Reader, expr: s.Expr) -> t.Term:
    if isinstance(expr, s.Mark):
        raise Unreadable(f"the index {expr.name}")
    value = r.term(expr)
    if value.type.rank:
        raise Unreadable(f"{spell(expr)} is no index")
    if isinstance(value, t.Input) and not value.variable.declared:
        r.shared.counted.add(value.variable.key)
    return value
