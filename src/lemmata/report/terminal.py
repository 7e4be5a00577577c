"""Writes styled lines: with colours through rich on a terminal, as plain text anywhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, TextIO

from lemmata.report.layout import Line

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "refuted": "bold red",
    "verified": "green",
    "unchecked": "yellow",
    "assumed": "cyan",
    "path": "bold underline",
    "strong": "bold",
    "dim": "dim",
    "code": "",
    "marker": "red",
}


class Writer(Protocol):
    columns: int

    def write(self, lines: Iterable[Line]) -> None: ...


class Plain:
    """Text without colours, for files, pipes and the curious `NO_COLOR`."""

    columns = 100

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._stream.write("".join(text for text, _ in line).rstrip() + "\n")
        self._stream.flush()


class Coloured:
    def __init__(self, console: Console) -> None:
        self._console = console
        self.columns = max(60, min(console.width, 120))

    def write(self, lines: Iterable[Line]) -> None:
        from rich.text import Text

        for line in lines:
            self._console.print(Text.assemble(*((text, STYLES.get(style, "")) for text, style in line)), soft_wrap=True)


def writer(stream: TextIO) -> Writer:
    """The writer that suits the stream."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        plain = Plain(stream)
        if stream.isatty():
            plain.columns = max(60, min(shutil.get_terminal_size().columns, 120))
        return plain
    from rich.console import Console

    return Coloured(Console(file=stream, highlight=False, emoji=False, markup=False))
