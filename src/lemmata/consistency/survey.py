"""What every rule looks at: the parts of the document with their roles and the prose around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from lemmata.documents.model import Block, Document, Formula, Text
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.roles import Item
from lemmata.verify.verdict import Counterexample

PASSAGE = 600
SILENT = frozenset({"condition", "withdrawn", "approximation", "update"})
"""Roles of what is not asserted as it stands."""


class Contradiction(Struct, frozen=True):
    """A place of the document that cannot hold together with the document itself or with the names it uses."""

    formula: Formula
    start: int
    end: int
    """Offsets into the formula's LaTeX."""
    reason: str
    method: str
    counterexample: Counterexample
    evidence: tuple[str, ...] = ()
    rule: str = ""
    """The name of the rule that found it."""


class Confirmation(Struct, frozen=True):
    """A place of the document that agrees with what its words describe."""

    formula: Formula
    start: int
    end: int
    """Offsets into the formula's LaTeX."""
    method: str
    evidence: tuple[str, ...]


class Surroundings(Struct, frozen=True):
    """The words around a formula; other formulas stand in it between dollar signs."""

    before: str
    """In its block, or the whole block before it where it stands alone."""
    after: str
    heading: str
    passage: str = ""
    """What stands before it since the heading, a few hundred characters of it."""


class Survey(Struct):
    """One document as the rules see it."""

    elaboration: Elaboration
    around: Mapping[int, Surroundings] = field(default_factory=dict)
    agreed: set[int] = field(default_factory=set)
    """Formulas at which a rule looked at two things and found them to agree."""

    def agree(self, item: Item) -> None:
        self.agreed.add(item.formula.index)

    @property
    def document(self) -> Document:
        return self.elaboration.document

    @property
    def items(self) -> tuple[Item, ...]:
        return self.elaboration.items

    def words(self, item: Item) -> Surroundings:
        return self.around[item.formula.index]

    def asserted(self) -> Iterator[Item]:
        """Parts that the document states as true."""
        for item in self.items:
            if item.role not in SILENT and not item.withdrawn and not item.approximate:
                yield item

    def guarded(self, item: Item, kinds: tuple[str, ...] = ("if", "when", "assume", "at")) -> bool:
        """Whether the sentence restricts what is said by an if, a when or an assumption."""
        words = self.elaboration.context.formulas[item.formula.index]
        return any(h.kind in kinds for h in words.hypotheses)

    def section(self, item: Item) -> tuple[int, ...]:
        return item.place.scopes

    def near(self, item: Item, other: Item) -> bool:
        """Whether one of two parts stands in the scope of the other."""
        a, b = item.place.scopes, other.place.scopes
        return a[: len(b)] == b or b[: len(a)] == a


def survey(elaboration: Elaboration) -> Survey:
    return Survey(elaboration, dict(_surroundings(elaboration.document)))


def _surroundings(document: Document) -> Iterator[tuple[int, Surroundings]]:
    blocks = [b for b in document.blocks if isinstance(b, Block)]
    heading = passage = ""
    for at, block in enumerate(blocks):
        if block.kind == "heading":
            heading, passage = _text(block), ""
        for place, inline in enumerate(block.inlines):
            if not isinstance(inline, Formula):
                continue
            before = _joined(block.inlines[:place])
            after = _joined(block.inlines[place + 1 :])
            if not before.strip() and at and blocks[at - 1].kind != "heading":
                before = _text(blocks[at - 1])
            if not after.strip(" .,;，。；") and at + 1 < len(blocks) and blocks[at + 1].kind != "heading":
                after = _text(blocks[at + 1])
            yield inline.index, Surroundings(before, after, heading, (passage + before)[-PASSAGE:])
        passage += _text(block) + "\n"


def _text(block: Block) -> str:
    return _joined(block.inlines)


def _joined(inlines: tuple[Text | Formula, ...]) -> str:
    return "".join(i.text if isinstance(i, Text) else f"${i.latex}$" for i in inlines)


def refutation(
    item: Item, expr: s.Expr, reason: str, method: str, counterexample: Counterexample, *evidence: str
) -> Contradiction:
    """A contradiction at an expression of a part."""
    return Contradiction(item.formula, expr.start, expr.end, reason, method, counterexample, evidence or (reason,))
