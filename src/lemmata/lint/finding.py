"""What a rule finds, and the rule itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from msgspec import Struct

from lemmata.documents.model import Formula, Position
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration


class Edit(Struct, frozen=True):
    """A span of the author's LaTeX and what to write there instead."""

    formula: Formula
    start: int
    end: int
    """Offsets in the formula's LaTeX, the end exclusive."""
    replacement: str
    description: str


class Finding(Struct, frozen=True):
    rule: str
    message: str
    formula: Formula
    start: int
    end: int
    """What the message is about, as offsets in the formula's LaTeX."""
    help: str = ""
    """What to do, where no edit of one span does it."""
    edit: Edit | None = None


class Notes(Struct, frozen=True, dict=True):
    """A document as the rules see it."""

    elaboration: Elaboration

    @property
    def formulas(self) -> tuple[Formula, ...]:
        return self.elaboration.document.formulas

    @cached_property
    def names(self) -> tuple[tuple[Formula, s.Name], ...]:
        """Every name with its formula, in the order of the document."""
        found = [(item.formula, name) for item in self.elaboration.items for name in symbols(item.part.expr)]
        return tuple(sorted(found, key=lambda x: (x[0].index, x[1].start)))


def symbols(expr: s.Expr) -> Iterator[s.Name]:
    """The names of an expression that are not part of a script."""
    if isinstance(expr, s.Name):
        yield expr
    elif isinstance(expr, s.Scripted):
        yield from symbols(expr.base)
    elif isinstance(expr, s.Choice):
        yield from symbols(expr.options[0])
    else:
        for child in s.children(expr):
            yield from symbols(child)


class Rule(Struct, frozen=True):
    name: str
    description: str
    """One sentence, as a mathematician would say it."""
    check: Callable[[Notes], Iterator[Finding]]


def line_of(formula: Formula, offset: int) -> Position:
    """The place in the file of a character of a formula."""
    return formula.position(offset)
