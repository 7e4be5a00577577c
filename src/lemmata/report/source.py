"""The author's own lines, for excerpts: by line in text, by cell and line in notebooks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lemmata.documents.model import Position

EXCERPT_LINES = 12


class Source:
    """The lines of one document. Never fails: what is not there is an empty excerpt."""

    def __init__(self, path: str, data: bytes | None = None) -> None:
        try:
            data = Path(path).read_bytes() if data is None else data
        except OSError:
            data = b""
        text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
        self._cells: dict[int | None, list[str]] = {}
        if path.endswith(".ipynb"):
            try:
                cells = json.loads(text)["cells"]
                sources = [c.get("source", "") for c in cells]
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                return
            for at, source in enumerate(sources):
                self._cells[at] = split_lines("".join(source) if isinstance(source, list) else str(source))
        else:
            self._cells[None] = split_lines(text)

    def excerpt(self, line: int, end_line: int, cell: int | None = None) -> tuple[str, ...]:
        """Lines `line` to `end_line` (from 1), at most EXCERPT_LINES of them."""
        lines = self._cells.get(cell, [])
        return tuple(lines[line - 1 : min(end_line, line - 1 + EXCERPT_LINES)])

    def margins(self, places: Sequence[Position]) -> list[str]:
        """What stands before each place on its line: quote marks, indentation."""
        found = []
        for place in places:
            lines = self._cells.get(place.cell, [])
            found.append(lines[place.line - 1][: place.column - 1] if place.line <= len(lines) else "")
        return found


def split_lines(text: str) -> list[str]:
    """Lines as editors count them: at \\n, \\r\\n and \\r only."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
