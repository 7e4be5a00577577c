"""IPython's magics, shell lines and help in a cell, as plain Python with every line in its place.

A magic is taken for one only where a statement may begin: not inside brackets, strings or after a backslash.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from msgspec import Struct

CELL = re.compile(r"^\s*%%(\w+)[ \t]*(.*)$")
LINE = re.compile(r"^(\s*)(%|!!?)(?!=)[ \t]*(.*)$")
ASSIGNED = re.compile(r"^(\s*)([A-Za-z_][\w.,\[\] ]*?)[ \t]*=[ \t]*(%|!)(?!=)[ \t]*(.*)$")
HELP = re.compile(r"^\s*(\?{1,2}[\w.]+|[\w.]+\?{1,2})\s*;?\s*$")
PROMPT = re.compile(r"^\s*(>>>|\.\.\.)( |$)")
BODY = frozenset({"time", "timeit", "capture", "prun", "memit", "mprun", "tab"})
"""Cell magics whose body is the author's Python."""
STATEMENT = frozenset({"time", "timeit", "prun", "memit"})
"""Line magics that are followed by a statement, which runs once."""
INSTALLING = frozenset({"pip", "conda", "mamba", "uv", "run", "system", "sx", "sc", "cd", "env", "load", "store"})
"""Line magics that would change what lies outside the cell, or run another file; they do not run."""
FLAG = re.compile(r"-(?:[nrtp]\s*\d+|[a-zA-Z]+)\s+")


class Plain(Struct, frozen=True):
    """A cell without magics."""

    source: str
    """Python with as many lines as the cell."""
    notes: tuple[tuple[int, str], ...] = ()
    """(line in the cell, what was not run)."""
    skipped: str = ""
    """Why the cell does not run at all; empty if it does."""


def plain(source: str) -> Plain:
    """The cell's own Python; what would have been handed to a shell is told, not run."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), 0)
    if PROMPT.match(lines[first]):
        return Plain("", skipped="an interactive transcript")
    notes: list[tuple[int, str]] = []
    while (magic := CELL.match(lines[first])) is not None:
        name, rest = magic[1], magic[2].strip()
        if name in ("writefile", "file"):
            return _written(lines, first, rest)
        if name not in BODY:
            return Plain("", skipped=f"%%{name}: only Python cells run")
        lines[first] = _captured(rest) if name == "capture" else ""
        following = [i for i in range(first + 1, len(lines)) if lines[i].strip() and not lines[i].startswith("#")]
        if not following:
            break
        first = following[0]
    if _parses("\n".join(lines)):
        return Plain("\n".join(lines))
    for at, end in list(_statements(lines)):
        found = _replaced("\n".join(lines[at:end]))
        if found is None:
            continue
        text, note = found
        lines[at:end] = [text] + [""] * (end - at - 1)
        if note:
            notes.append((at + 1, note))
    return Plain("\n".join(lines), tuple(notes))


def _replaced(text: str) -> tuple[str, str] | None:
    """(Python, what is not run) for a line that is a magic; None for one that is Python."""
    flat = " ".join(line.rstrip().removesuffix("\\") for line in text.split("\n"))
    indent = flat[: len(flat) - len(flat.lstrip())]
    if HELP.match(flat):
        return indent + "pass", ""
    if found := ASSIGNED.match(flat):
        target, mark, rest = found[2], found[3], found[4].strip()
        word, _, body = rest.partition(" ")
        if mark == "%" and word == "time" and body.strip():
            return f"{indent}{target} = {body.strip()}", ""
        return f"{indent}{target} = None", f"not run: {mark}{_short(rest)}"
    found = LINE.match(flat)
    if found is None:
        return None
    mark, rest = found[2], found[3].strip()
    word, _, body = rest.partition(" ")
    if mark != "%":
        return indent + "pass", f"shell command not run: {_short(rest)}"
    if word in STATEMENT:
        body = body.strip() + " "
        while flag := FLAG.match(body):
            body = body[flag.end() :].lstrip()
        return indent + (body.strip() if body.strip() and _parses(body.strip()) else "pass"), ""
    return indent + "pass", f"not run: %{_short(rest)}" if word in INSTALLING else ""


def _written(lines: list[str], first: int, rest: str) -> Plain:
    """`%%writefile NAME`: the rest of the cell becomes a file in the scratch folder."""
    words = rest.split()
    if not words or words[-1].startswith("-"):
        return Plain("", skipped="%%writefile without a name")
    mode = "a" if "-a" in words[:-1] or "--append" in words[:-1] else "w"
    body = "\n".join(lines[first + 1 :]) + "\n"
    name = words[-1].strip("'\"")
    text = f"with open({name!r}, {mode!r}, encoding='utf-8') as _: _.write({body!r})"
    return Plain("\n" * first + text + "\n" * (len(lines) - first - 1))


def _captured(rest: str) -> str:
    words = [w for w in rest.split() if not w.startswith("-")]
    return f"{words[0]} = None" if words and words[0].isidentifier() else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:79] + "…"


def _parses(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
        return True
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _statements(lines: list[str]) -> Iterator[tuple[int, int]]:
    """(first, one past the last) line of everything that may be a statement, strings and brackets kept whole."""
    at = 0
    while at < len(lines):
        end = at + 1
        if LINE.match(lines[at]) or ASSIGNED.match(lines[at]):
            while lines[end - 1].rstrip().endswith("\\") and end < len(lines):
                end += 1
        else:
            quote, depth, joined = _after(lines[at], "", 0)
            while (quote or depth > 0 or joined) and end < len(lines):
                quote, depth, joined = _after(lines[end], quote, depth)
                end += 1
        yield at, end
        at = end


def _after(line: str, quote: str, depth: int) -> tuple[str, int, bool]:
    """(open quotes, open brackets, whether the next line belongs to it) after a line."""
    at = 0
    while at < len(line):
        c = line[at]
        if quote:
            if c == "\\":
                at += 1
            elif line.startswith(quote, at):
                at += len(quote) - 1
                quote = ""
        elif c == "#":
            return quote, depth, False
        elif c in "\"'":
            quote = c * 3 if line.startswith(c * 3, at) else c
            at += len(quote) - 1
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        at += 1
    joined = line.endswith("\\")
    return (quote if len(quote) == 3 or joined else ""), max(0, depth), joined
