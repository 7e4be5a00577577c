"""Documents for the tests of code cells, written as pieces."""

from __future__ import annotations

from lemmata.code.limits import MIB, Limits
from lemmata.documents.model import CodeCell, Position, Span

QUICK = Limits(
    cell_seconds=2, total_seconds=20, memory=700 * MIB, processes=16, output=10_000, file=1 * MIB, folder=50 * MIB
)


def cell(source: str, index: int = 0, line: int = 10, language: str = "python", **options: object) -> CodeCell:
    """A cell whose first line of code is `line` of the document."""
    end = Position(line + source.count("\n") + 1, 1)
    return CodeCell(source, language, Span(Position(line - 1, 1), end), Position(line, 1), options, index)


def cells(*sources: str) -> list[CodeCell]:
    """Cells 100 lines apart: cell n begins at line 100 n + 10."""
    return [cell(source, n, 100 * n + 10) for n, source in enumerate(sources)]
