"""Bounds on the probabilities of an event and of its complement."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.roles import Item
from lemmata.elaborate.syntax.show import show
from lemmata.verify.verdict import Counterexample

LARGE = frozenset({">", "\\ge"})
SMALL = frozenset({"<", "\\le"})


class Bound(Struct, frozen=True):
    """P(quantity ≷ level) ≷ limit."""

    item: Item
    relation: s.Relation
    quantity: str
    level: str
    exceeds: bool
    below: bool
    limit: s.Expr


def bounds(survey: Survey) -> Iterator[Bound]:
    for item in survey.asserted():
        match item.part.expr:
            case s.Relation(ops=(op,), items=(left, limit)) as relation if op in LARGE | SMALL:
                event = _event(left)
                if event is not None:
                    quantity, level = event.items
                    yield Bound(item, relation, show(quantity), show(level), event.ops[0] in LARGE, op in SMALL, limit)


def _event(expr: s.Expr) -> s.Relation | None:
    match expr:
        case s.Juxt(items=(s.Name(base="P" | "Pr" | "p", sub=None), s.Paren(items=(s.Relation() as event,)))):
            pass
        case s.Expectation(op="P", sub=None, arguments=(s.Relation() as event,), given=()):
            pass
        case _:
            return None
    return event if len(event.ops) == 1 and event.ops[0] in LARGE | SMALL else None


def complements(survey: Survey) -> Iterator[Contradiction]:
    """From P(A) ≤ b follows P(not A) ≥ 1 - b; the same direction for both leaves no room unless P(A) is b exactly."""
    found = list(bounds(survey))
    for place, later in enumerate(found):
        for earlier in found[:place]:
            if (earlier.quantity, earlier.level) != (later.quantity, later.level) or earlier.exceeds == later.exceeds:
                continue
            if earlier.below != later.below and _one_minus(later.limit, earlier.limit):
                survey.agree(later.item)
            if (
                earlier.below == later.below
                and _one_minus(later.limit, earlier.limit)
                and survey.near(earlier.item, later.item)
            ):
                wanted = "at least" if later.below else "at most"
                reason = f"the complement of an event bounded by b has probability {wanted} 1 - b"
                half = 0.5 if earlier.below else 1.5
                example = Counterexample(
                    values={"b": 0.2, "probability of the event": 0.2 * half},
                    left=1 - 0.2 * half,
                    right=0.8,
                    note="the bound before holds, this one does not",
                )
                yield refutation(later.item, later.relation, reason, "complement", example)
                break


def _one_minus(expr: s.Expr, other: s.Expr) -> bool:
    match expr:
        case s.Infix(ops=("-",), items=(s.Num(value=value), rest)):
            return value == 1 and show(rest) == show(other)
    match other:
        case s.Infix(ops=("-",), items=(s.Num(value=value), rest)):
            return value == 1 and show(rest) == show(expr)
    return False
