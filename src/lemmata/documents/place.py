"""Where the characters of a piece of text, cut out of nested blocks, stand in the file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from lemmata.documents.model import Position, Span

T = TypeVar("T")


class Line(Struct, frozen=True):
    """A line of text without its line end, and the place of its first character (both counted from 1)."""

    text: str
    line: int
    column: int


class Place(Struct, frozen=True):
    """Lines joined by `\\n`, with the way back from offsets to positions."""

    text: str
    starts: tuple[int, ...]
    """Offset of each line in `text`, ascending from 0."""
    lines: tuple[Line, ...]
    cell: int | None = None

    def at(self, offset: int) -> Position:
        k = max(0, bisect_right(self.starts, offset) - 1)
        line = self.lines[k]
        return Position(line.line, max(1, line.column + offset - self.starts[k]), self.cell)

    def span(self, start: int, end: int) -> Span:
        return Span(self.at(start), self.at(end))

    def anchors(self, start: int, end: int) -> tuple[tuple[int, Position], ...]:
        """(offset from `start`, position) of `start` and of every later line start up to `end`."""
        first = bisect_right(self.starts, start)
        last = bisect_right(self.starts, end)
        later = ((self.starts[k] - start, self.at(self.starts[k])) for k in range(first, last))
        return ((0, self.at(start)), *later)


def place(lines: Iterable[Line], cell: int | None = None) -> Place:
    kept = tuple(lines) or (Line("", 1, 1),)
    starts, offset = [], 0
    for line in kept:
        starts.append(offset)
        offset += len(line.text) + 1
    return Place("\n".join(line.text for line in kept), tuple(starts), kept, cell)


def aligned(content: str, source: Sequence[str], first: int, cell: int | None = None) -> Place:
    """The place of `content`, each line of which is a line of `source`, from index `first` on, without its margins."""
    return place((_align(text, source, first + k) for k, text in enumerate(content.split("\n"))), cell)


def _align(text: str, source: Sequence[str], index: int) -> Line:
    kept = text.strip()
    if index >= len(source):
        return Line(text, len(source) + 1, 1)
    full = source[index]
    found = full.rfind(kept) if kept else len(full)
    margin = len(text) - len(text.lstrip()) if kept else 0
    return Line(text, index + 1, max(1, found + 1 - margin))


def moved(value: T, lines: Sequence[Line]) -> T:
    """The block, formula or diagnostic with its positions in a text of these lines turned into those of the file."""
    found: Any = value
    if isinstance(value, Position):
        line = lines[min(value.line, len(lines)) - 1]
        found = Position(line.line, max(1, line.column + value.column - 1), value.cell)
    elif isinstance(value, tuple):
        found = tuple(moved(item, lines) for item in value)
    elif isinstance(value, Struct):
        found = replace(value, **{name: moved(getattr(value, name), lines) for name in value.__struct_fields__})
    return found  # type: ignore[no-any-return]
