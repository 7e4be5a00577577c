"""Numbers that a document gives its symbols: β_1 = 0.9, λ = 0.1."""

from __future__ import annotations

from lemmata.elaborate import surface as s
from lemmata.elaborate.declarations import number_of
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.names import spell


def numbers(elaboration: Elaboration) -> dict[str, float]:
    """By symbol, as written; the last one counts where several are given."""
    found: dict[str, float] = {}
    for item in elaboration.items:
        match item.part.expr:
            case s.Relation(ops=("=",), items=(s.Name() as name, value)) if item.role in ("instance", "definition"):
                number = number_of(value)
                if number is not None:
                    found[spell(name)] = float(number)
    return found
