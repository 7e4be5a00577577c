"""Which cells run, and their text as plain Python with every line in its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lemmata.documents.model import CodeCell, Position

SKIPPING = frozenset({"skip-execution", "skip_execution", "no-execute", "no_execute", "noeval"})
PYTHON = frozenset({"python", "python3", "py", "ipython", "ipython3", "py3"})
LINE_MAGIC = re.compile(r"^(\s*)(%{1,2}|!|\?)(?![=])\s*(\S*)(.*)$")
ASSIGNED_SHELL = re.compile(r"^(\s*)([A-Za-z_][\w, ]*)=\s*([!%])(.*)$")
RUN_BELOW = frozenset({"time", "timeit", "capture", "prun"})
"""Cell magics whose body is the author's Python."""
PROMPT = re.compile(r"^\s*(>>>|\.\.\.)( |$)")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cell ready to run."""

    cell: CodeCell
    source: str = ""
    """Python with as many lines as the cell; magics are `pass` or blank."""
    skipped: str = ""
    """Why it does not run; empty if it does."""
    notes: tuple[tuple[int, str], ...] = field(default_factory=tuple)
    """(line in the cell, remark)."""
    tree: ast.Module | None = None
    """None where the text is no Python."""


@dataclass(frozen=True, slots=True)
class CellError:
    """What went wrong in a cell, in plain words."""

    cell: int
    """Running number among the document's code cells."""
    position: Position
    """The line in the document."""
    kind: str
    """The exception's name, or `timeout`, `memory`, `processes`, `output`, `exit`, `died`, `not tried`."""
    message: str
    help: str = ""


def prepare(cell: CodeCell) -> Prepared:
    """The cell's Python, or why it is not run."""
    if reason := skip_reason(cell):
        return Prepared(cell, skipped=reason)
    source, notes, skipped = plain_python(cell.source)
    if skipped:
        return Prepared(cell, skipped=skipped, notes=notes)
    try:
        tree: ast.Module | None = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    return Prepared(cell, source, notes=notes, tree=tree)


def skip_reason(cell: CodeCell) -> str:
    """Why a cell is not meant to run here; empty if it is."""
    if not cell.executable:
        return "not meant to run"
    if cell.language not in PYTHON:
        return f"{cell.language or 'no language'}: only Python cells run"
    tags = cell.options.get("tags", ())
    names = {str(t).lower() for t in tags} if isinstance(tags, (list, tuple, set, frozenset)) else {str(tags).lower()}
    if names & SKIPPING:
        return "tagged skip-execution"
    for option in ("eval", "execute"):
        if str(cell.options.get(option, True)).lower() in ("false", "no", "0"):
            return f"{option}: false"
    if str(cell.options.get("active", "py")).lower() not in ("py", "ipynb", "py,ipynb", "ipynb,py", "true"):
        return "not active"
    return ""


def plain_python(source: str) -> tuple[str, tuple[tuple[int, str], ...], str]:
    """(Python text, remarks, why it is skipped) of a cell that may hold IPython's magics and shell lines."""
    notes: list[tuple[int, str]] = []
    lines = source.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    match = re.match(r"^\s*%%(\w+)", lines[first]) if lines else None
    if match and match[1] not in RUN_BELOW:
        return "", (), f"%%{match[1]}: only Python cells run"
    if lines and PROMPT.match(lines[first]):
        return "", (), "an interactive transcript"
    try:
        ast.parse("\n".join(lines))
        return "\n".join(lines), (), ""
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    for number, line in enumerate(lines):
        if found := LINE_MAGIC.match(line):
            indent, mark, name, rest = found.groups()
            lines[number] = indent + ("pass" if indent else "")
            if mark == "!":
                notes.append((number + 1, f"shell command not run: {(name + rest).strip()[:80]}"))
            elif mark == "%" and name in ("time", "timeit") and rest.strip() and not rest.strip().startswith("-"):
                lines[number] = indent + rest.strip()
        elif found := ASSIGNED_SHELL.match(line):
            lines[number] = f"{found[1]}{found[2]}= None"
            notes.append((number + 1, f"not run: {found[3]}{found[4].strip()[:80]}"))
    return "\n".join(lines), tuple(notes), ""


def prepare_all(cells: Sequence[CodeCell]) -> tuple[Prepared, ...]:
    return tuple(map(prepare, cells))


def place(cell: CodeCell, line: int | None) -> Position:
    """The position in the document of a line of a cell; of the cell's beginning for None."""
    if line is None or line <= 1:
        return cell.body
    return Position(cell.body.line + line - 1, cell.body.column, cell.body.cell)
