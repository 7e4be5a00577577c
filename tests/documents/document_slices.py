"""Checks that hold for every formula of every document: its positions point at its own characters."""

from __future__ import annotations

from lemmata.documents import Document, Formula, Span, read_text
from lemmata.documents.model import Block


def slice_of(source: str, span: Span) -> str:
    """The text of a source between two positions."""
    lines = source.split("\n")
    first, last = span.start, span.end
    if first.line == last.line:
        return lines[first.line - 1][first.column - 1 : last.column - 1]
    middle = lines[first.line : last.line - 1]
    return "\n".join([lines[first.line - 1][first.column - 1 :], *middle, lines[last.line - 1][: last.column - 1]])


def check_formula(source: str, formula: Formula) -> None:
    """Every character of the LaTeX stands in the source where `position` says."""
    lines = source.split("\n")
    for offset, sign in enumerate(formula.latex):
        if sign != "\n":
            place = formula.position(offset)
            assert lines[place.line - 1][place.column - 1] == sign, (formula, offset)
    whole = slice_of(source, formula.span)
    assert whole.startswith(("$", "\\", "`", "{", ":", "~")), whole
    assert formula.latex.split("\n")[0].strip() in whole
    assert formula.anchors[0][0] == 0 and len(formula.anchors) == formula.latex.count("\n") + 1


def read_checked(source: str, path: str = "page.md") -> Document:
    """Read Markdown and check every position in it."""
    document = read_text(source, path)
    for number, formula in enumerate(document.formulas):
        assert formula.index == number
        check_formula(source, formula)
    lines = source.split("\n")
    for number, cell in enumerate(document.cells):
        assert cell.index == number
        if cell.source.strip():
            first = next(k for k, line in enumerate(cell.source.split("\n")) if line.strip())
            text = cell.source.split("\n")[first]
            assert lines[cell.body.line - 1 + first][cell.body.column - 1 :] == text, cell
    for block in document.blocks:
        if isinstance(block, Block):
            assert block.inlines and block.span.start <= block.span.end
            if block.kind == "display":
                assert len(block.inlines) == 1 and isinstance(block.inlines[0], Formula)
    return document


def prose(document: Document) -> list[tuple[str, str]]:
    """(kind, text) of each block, inline formulas as `⟨latex⟩`."""
    return [
        (b.kind, "".join(f"⟨{i.latex}⟩" if isinstance(i, Formula) else i.text for i in b.inlines))
        for b in document.blocks
        if isinstance(b, Block)
    ]
