"""`lemmata check --fix`: offers verified corrections one by one and writes the accepted ones into the file.

Everything else in the file stays as it is, byte for byte. A file is written under another name and moved into place.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from lemmata.report.result import DocumentResult, StatementResult

BOM = "\ufeff"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_CHARACTER = re.compile(
    r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\u[0-9a-f]{4}|\\.|[^\\]", re.IGNORECASE | re.DOTALL
)
_LINE_END = re.compile(r"\r\n|\r|\n")


class CannotWrite(Exception):
    """A correction has no place in the file; the message says why."""


class Patch(Struct, frozen=True):
    """The characters of a text from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


Fix = Mapping[str, object]
Ask = Callable[[StatementResult, int], str]
"""Shows one of a statement's fixes, by its number, and answers `y`, `n` or `q`."""


def choose(result: DocumentResult, ask: Ask) -> tuple[list[tuple[StatementResult, Fix]], bool]:
    """The fixes that were accepted, at most one for a statement, and whether to go on to the next document."""
    accepted: list[tuple[StatementResult, Fix]] = []
    for statement in result:
        for number, fix in enumerate(statement.fixes):
            answer = ask(statement, number)
            if answer == "q":
                return accepted, False
            if answer == "y":
                accepted.append((statement, fix))
                break
    return accepted, True


def write(path: str, accepted: Sequence[tuple[StatementResult, Fix]]) -> None:
    """Make the corrections. Raises CannotWrite, OSError; then nothing has changed."""
    target = Path(os.path.realpath(path))
    before = target.read_bytes()
    try:
        text = before.decode("utf-8")
    except UnicodeDecodeError:
        raise CannotWrite("the file is not UTF-8") from None
    after = patched(text, accepted, notebook=path.lower().endswith(".ipynb")).encode("utf-8")
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(after)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, target.stat().st_mode & 0o7777)
        if target.read_bytes() != before:
            raise CannotWrite("the file changed in the meantime")
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def patched(text: str, accepted: Sequence[tuple[StatementResult, Fix]], notebook: bool = False) -> str:
    """The text with the corrections made. Raises CannotWrite where the text is not what was checked."""
    patches: list[Patch] = []
    for statement, fix in accepted:
        patches += _in_cell(text, _cell(statement, fix), fix) if notebook else [_in_text(text, fix)]
    patches.sort(key=lambda p: p.start)
    if any(a.end > b.start for a, b in zip(patches, patches[1:], strict=False)):
        raise CannotWrite("two corrections overlap")
    pieces, at = [], 0
    for patch in patches:
        pieces += [text[at : patch.start], patch.text]
        at = patch.end
    return "".join((*pieces, text[at:]))


def _cell(statement: StatementResult, fix: Fix) -> int | None:
    """The cell of a notebook that a fix changes: the formula's, unless it is code."""
    cell = fix.get("cell", statement.cell)
    return cell if isinstance(cell, int) else None


def _in_text(text: str, fix: Fix) -> Patch:
    start = _offset(text, int(str(fix["line"])), int(str(fix["column"])))
    end = _offset(text, int(str(fix["end_line"])), int(str(fix["end_column"])))
    if _unix(text[start:end]) != fix["original"]:
        raise CannotWrite(f"line {fix['line']} does not read as it was checked")
    found = _LINE_END.search(text)
    return Patch(start, end, str(fix["replacement"]).replace("\n", found.group() if found else "\n"))


def _offset(text: str, line: int, column: int) -> int:
    """Where a line and column lie, both counted from 1 after a byte order mark."""
    at = len(BOM) if text.startswith(BOM) else 0
    for number, end in enumerate(_LINE_END.finditer(text), start=2):
        if number > line:
            break
        at = end.end()
    return at + column - 1


def _unix(text: str) -> str:
    return _LINE_END.sub("\n", text)


def _in_cell(text: str, cell: int | None, fix: Fix) -> list[Patch]:
    """The patches of a notebook's own text: only inside the strings that hold the lines of the cell."""
    pieces = [(start, token) for number, start, token in sources(text) if number == cell]
    decoded = [json.loads(token) for _, token in pieces]
    change = _in_text("".join(decoded), fix)
    patches, at, pending = [], 0, change.text
    for (start, token), value in zip(pieces, decoded, strict=True):
        first, last = max(change.start - at, 0), min(change.end - at, len(value))
        if first <= last and (first < len(value) or change.start == change.end or last > first) and pending is not None:
            places = raw_offsets(token)
            body = json.dumps(pending, ensure_ascii=token.isascii() and text.isascii())[1:-1]
            patches.append(Patch(start + places[first], start + places[max(first, last)], body))
            pending = ""
            if change.end <= at + len(value):
                return patches
        at += len(value)
    if not patches:
        raise CannotWrite("the cell is not there any more")
    return patches


def sources(text: str) -> Iterator[tuple[int, int, str]]:
    """(cell, place, literal) of every string of the cells' sources in a notebook's JSON, in order."""
    path: list[int | str] = []
    kinds: list[str] = []
    key = False
    for found in _TOKEN.finditer(text):
        token = found.group()
        if token in "{[":
            kinds.append(token)
            path.append("" if token == "{" else 0)
            key = token == "{"
        elif token in "}]":
            if kinds:
                kinds.pop()
                path.pop()
            key = False
        elif token == ",":
            if kinds and kinds[-1] == "[":
                path[-1] = int(path[-1]) + 1
            key = bool(kinds) and kinds[-1] == "{"
        elif token == ":":
            key = False
        elif key:
            path[-1] = json.loads(token)
        elif token.startswith('"') and len(path) in (3, 4) and path[0] == "cells" and path[2] == "source":
            yield int(path[1]), found.start(), token


def raw_offsets(literal: str) -> list[int]:
    """Where each character of a JSON string, and its end, lies in the literal."""
    return [m.start() for m in _CHARACTER.finditer(literal, 1, len(literal) - 1)] + [len(literal) - 1]
