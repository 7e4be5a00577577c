"""The document as data: prose, formulas and code cells in reading order, with exact positions.

Lines, columns and offsets of text count Unicode code points; lines and columns start at 1.
In notebooks `cell` counts all cells from 0 and lines count inside the cell's source.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from lemmata.diagnostic import Diagnostic


class Position(Struct, frozen=True, order=True):
    line: int
    column: int
    cell: int | None = None


class Span(Struct, frozen=True):
    start: Position
    end: Position
    """One past the last character."""


class Text(Struct, frozen=True):
    """A run of prose with one style, as the reader sees it (entities and escapes resolved)."""

    text: str
    span: Span
    strong: bool = False
    emphasis: bool = False
    code: bool = False
    """An inline code span."""


class Formula(Struct, frozen=True):
    """Mathematics between delimiters, delimiters stripped; nothing inside is rewritten.

    Only block structure is removed from `latex` (quote markers, list indentation), never TeX.
    """

    latex: str
    span: Span
    """Of the whole, delimiters included (for `$$`: the lines of the delimiters)."""
    display: bool
    anchors: tuple[tuple[int, Position], ...]
    """(offset in `latex`, position in the file), ascending, one per line of `latex`; the first is offset 0."""
    label: str | None = None
    index: int = 0
    """Running number in the document."""

    def position(self, offset: int) -> Position:
        """The place in the file of a character of `latex`."""
        at = max(0, bisect_right(self.anchors, offset, key=lambda a: a[0]) - 1)
        start, place = self.anchors[at]
        return Position(place.line, place.column + offset - start, place.cell)


Inline = Text | Formula


class Block(Struct, frozen=True):
    """A piece of prose in reading order.

    kind: `heading`, `paragraph`, `display` (one display formula alone), `item` (a paragraph of a list item),
    `hint` (a `<!-- lemmata: ... -->` comment), `theorem` (title line of a theorem-like directive).
    """

    kind: str
    inlines: tuple[Inline, ...]
    span: Span
    level: int = 0
    """Headings: 1 to 6. Items: nesting depth from 1."""
    containers: tuple[int, ...] = ()
    """Identities of the enclosing list items, quotes and directives, outermost first; a scope each."""


class CodeCell(Struct, frozen=True):
    source: str
    language: str
    """`python`, `bash`, ... in lower case; empty if none was given."""
    span: Span
    body: Position
    """Place of the first character of `source`."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Tags, directive options and attributes, such as {"tags": ["skip-execution"]} or {"tab": "pytorch"}."""
    index: int = 0
    """Running number among the document's code cells."""
    executable: bool = True
    """False for output listings, shell transcripts and the like."""
    marked: bool = False
    """Whether the document itself says that this is a cell, not a listing (`{code-cell}`, a notebook's cell)."""


class Document(Struct, frozen=True):
    path: str
    format: str
    """`markdown`, `notebook`, `restructuredtext` or `python`."""
    blocks: tuple[Block | CodeCell, ...]
    macros: Mapping[str, str] = field(default_factory=dict)
    """From front matter (`math:`), by name with backslash; `\\newcommand` inside formulas is latex's business."""
    metadata: Mapping[str, object] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def formulas(self) -> tuple[Formula, ...]:
        return tuple(i for b in self.blocks if isinstance(b, Block) for i in b.inlines if isinstance(i, Formula))

    @property
    def cells(self) -> tuple[CodeCell, ...]:
        return tuple(b for b in self.blocks if isinstance(b, CodeCell))
