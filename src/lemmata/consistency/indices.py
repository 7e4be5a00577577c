"""Letters out of their place: what a sum runs over, what a function is given, what is left over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lemmata.consistency.scalars import NoValue, Scalars, number, readings
from lemmata.consistency.scalars import show as shown
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.roles import Item
from lemmata.elaborate.syntax.show import show
from lemmata.verify.verdict import Counterexample


def links(survey: Survey) -> Iterator[tuple[Item, s.Expr, s.Expr]]:
    """Pairs of neighbouring sides that are said to be equal."""
    for item in survey.asserted():
        if isinstance(item.part.expr, s.Relation):
            relation = item.part.expr
            for op, left, right in zip(relation.ops, relation.items, relation.items[1:], strict=False):
                if op in ("=", ":="):
                    yield item, left, right


def running(survey: Survey) -> Iterator[Contradiction]:
    """A sum over A_1, …, A_k whose terms all carry the last index k instead of the running one."""
    listed = _listed(survey)
    for item, left, right in links(survey):
        for side, other in ((left, right), (right, left)):
            for node in walk(side):
                match node:
                    case s.Big(
                        op="\\sum",
                        lower=s.Relation(ops=("=",), items=(s.Name(sub=None) as letter, s.Num(value=first))),
                        upper=s.Name(sub=None, sup=None) as last,
                        body=body,
                    ):
                        members = [
                            n
                            for n in walk(body)
                            if isinstance(n, s.Name) and n.sub is not None and show(n.sub) == show(last)
                        ]
                        if any(show(n) == show(letter) for n in walk(body)):
                            survey.agree(item)
                            continue
                        if not members:
                            continue
                        member = members[0]
                        if (stem(member), stem(last)) not in listed or any(
                            show(n) == show(member) for n in walk(other)
                        ):
                            continue
                        family, end = stem(member), spell(last)
                        reason = f"the sum runs over {spell(letter)}, but every term has {family}_{end}"
                        example = Counterexample(
                            sizes={end: 2},
                            left=f"{family}_2 twice",
                            right=f"{family}_{first} and {family}_2",
                            note=f"{family}_1, …, {family}_{end} differ in general",
                        )
                        yield refutation(
                            item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "indices", example
                        )


def _listed(survey: Survey) -> set[tuple[str, str]]:
    """Families the document lists as A_1, …, A_k: (A, k)."""
    found: set[tuple[str, str]] = set()
    for item in survey.items:
        for node in walk(item.part.expr):
            if isinstance(node, s.Listing | s.Paren) and any(isinstance(i, s.Mark) for i in node.items):
                names = [i for i in node.items if isinstance(i, s.Name) and i.sub is not None]
                for first in names:
                    for last in names:
                        if isinstance(first.sub, s.Num) and isinstance(last.sub, s.Name) and stem(first) == stem(last):
                            found.add((stem(first), stem(last.sub)))
    return found


def arguments(survey: Survey) -> Iterator[Contradiction]:
    """k(x_i, x_j) given by an expression in a bare x that stands for nothing, while x_i does not occur."""
    for item, left, right in links(survey):
        match left:
            case s.Juxt(items=(s.Name(sup=None) as function, s.Paren(items=given, separators=separators))) if len(
                given
            ) > 1 and all(x == "," for x in separators):
                pass
            case _:
                continue
        names = [g for g in given if isinstance(g, s.Name) and g.sub is not None and g.sup is None]
        if (
            len(names) != len(given)
            or len({stem(n) for n in names}) != 1
            or len({show(n) for n in names}) != len(names)
        ):
            continue
        letter = stem(names[0])
        inside = [n for n in walk(right) if isinstance(n, s.Name) and stem(n) == letter]
        bare = [n for n in inside if n.sub is None]
        seen = {show(n.sub) for n in inside if n.sub is not None}
        missing = [n for n in names if show(n.sub) not in seen]
        present = [n for n in names if show(n.sub) in seen]
        if not bare and not missing:
            survey.agree(item)
        if not bare or len(missing) != 1 or not present or _stands_alone(survey, item, letter):
            continue
        reason = f"the right side depends on {letter}, which is none of the arguments, and not on {spell(missing[0])}"
        example = Counterexample(
            values={spell(n): k for k, n in enumerate(names, 1)},
            left=f"{spell(function)} is fixed by its arguments",
            right=f"another value for every {letter}",
        )
        yield refutation(item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "dependence", example)


def _stands_alone(survey: Survey, item: Item, letter: str) -> bool:
    """Whether the bare letter has a meaning: a value, a declaration, or words that fix it."""
    if any(b.kind != "function" for b in survey.elaboration.roles.environment.all(letter)):
        return True
    words = survey.words(item).before[-200:] + "$ $" + survey.words(item).after[:200]
    return (
        re.search(
            rf"(?:\b(?:fixed|given|any|every|some)\b(?:\s+\w+){{0,2}}|固定|给定)\s*\${re.escape(letter)}\$", words
        )
        is not None
    )


def leftover(survey: Survey) -> Iterator[Contradiction]:
    """A term split off a sum that still carries the sum's running index, which means nothing there."""
    for item, left, right in links(survey):
        if survey.guarded(item):
            continue
        for one, other in ((left, right), (right, left)):
            bound = {stem(x) for x in _running(one)}
            for letter in bound & {stem(x) for x in _running(other)}:
                if not _loose(other, letter) and not _loose(one, letter):
                    survey.agree(item)
                if _loose(other, letter) and not _loose(one, letter) and not _spoken_of(survey, item, letter):
                    yield from _differ(item, left, right, letter)


def _running(expr: s.Expr) -> Iterator[s.Name]:
    for node in walk(expr):
        match node:
            case s.Big(op="\\sum", lower=s.Relation(ops=("=",), items=(s.Name(sub=None) as letter, _)), upper=s.Expr()):
                yield letter
            case s.Big(op="\\sum", lower=s.Name(sub=None) as letter, upper=s.Expr()):
                yield letter


def _loose(expr: s.Expr, letter: str) -> bool:
    """Whether a letter occurs outside every sum that runs over it, as sums are read by convention."""
    if isinstance(expr, s.Choice):
        return _loose(expr.options[0], letter)
    if isinstance(expr, s.Big) and letter in {stem(x) for x in _running(expr)}:
        lower = expr.lower
        if isinstance(lower, s.Name) and stem(lower) == letter:
            return False
        if isinstance(lower, s.Relation) and isinstance(lower.items[0], s.Name) and stem(lower.items[0]) == letter:
            return False
    if isinstance(expr, s.Name) and stem(expr) == letter and expr.sub is None:
        return True
    return any(_loose(c, letter) for c in s.children(expr))


def _spoken_of(survey: Survey, item: Item, letter: str) -> bool:
    """Whether the text uses the letter by itself, so that it may mean one index."""
    return any(
        isinstance(other.part.expr, s.Name)
        and stem(other.part.expr) == letter
        or isinstance(other.part.expr, s.Relation)
        and show(other.part.expr.items[0]) == letter
        for other in survey.items
        if other.place.scopes == item.place.scopes
    )


def _differ(item: Item, left: s.Expr, right: s.Expr, letter: str) -> Iterator[Contradiction]:
    """Whether the sides differ, whatever the leftover index is and however far the sums reach."""
    sizes = {
        stem(n): number(4)
        for side in (left, right)
        for node in walk(side)
        if isinstance(node, s.Big) and node.upper is not None
        for n in walk(node.upper)
        if isinstance(n, s.Name)
    }
    single = {stem(n) for side in (left, right) for n in _functions(side)}
    functions = {name: (lambda x: x.exp()) for name in single}
    shown_sides = None
    try:
        for at in (1, 2, 3):
            make = lambda pick, at=at: Scalars({**sizes, letter: number(at)}, functions, _member, None, True, pick)  # noqa: E731
            for a, b in readings(make, left, right):
                if a.overlaps(b):
                    return
                shown_sides = shown_sides or (shown(a), shown(b))
    except NoValue:
        return
    if shown_sides is not None:
        reason = f"{letter} stands outside the sum that runs over it"
        example = Counterexample(sizes=dict.fromkeys(sizes, 4), left=shown_sides[0], right=shown_sides[1])
        yield refutation(item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "indices", example)


def _functions(expr: s.Expr) -> Iterator[s.Name]:
    """Letters before a bracket with more than a letter in it on both sides of the equation."""
    for node in walk(expr):
        if isinstance(node, s.Juxt) and isinstance(node.items[0], s.Name) and len(node.items) == 2:
            if isinstance(node.items[1], s.Paren) and len(node.items[1].items) == 1 and node.items[0].base in "fghφϕψ":
                yield node.items[0]


def _member(key: str, indices: tuple[int, ...]) -> Any:
    return number(Fraction(sum((37 + 11 * k) * (i + 2) ** 2 for k, i in enumerate(indices)) % 83 + 5 * len(key), 50))


def runs(survey: Survey) -> Iterator[Contradiction]:
    """A list from a symbol to a number whose last step goes the other way: -(n - 1), …, 1, 0 for …, -1, 0."""
    for item in survey.asserted():
        for node in walk(item.part.expr):
            match node:
                case s.Paren(items=(first, s.Mark(name="dots"), before, s.Num(value=last))) if set(node.separators) <= {
                    ","
                }:
                    pass
                case _:
                    continue
            letters = {stem(n) for n in walk(first) if isinstance(n, s.Name)}
            if len(letters) != 1:
                continue
            letter = letters.pop()
            try:
                one = Scalars().value(before)
                starts = [Scalars({letter: number(k)}, cautious=True).value(first) for k in (4, 5, 7)]
            except NoValue:
                continue
            end = number(last)
            wrong = [(end - one) * (end - start) < 0 for start in starts]
            turned = [(end + one) * (end - start) > 0 for start in starts]
            if not any(wrong) and abs(end - one) == 1:
                survey.agree(item)
            if all(wrong) and all(turned) and abs(end + one) == 1:
                step = shown(end - one)
                reason = f"the last step is {step}, which does not lead from the first member to the last"
                example = Counterexample(
                    sizes={letter: 4}, left=[shown(starts[0]), "…", shown(one), shown(end)], right="no run of numbers"
                )
                yield refutation(item, node, reason, "indices", example)
