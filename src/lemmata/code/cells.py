"""Which cells run, and their text as plain Python with every line in its place."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from lemmata.code import magics, tabs
from lemmata.documents.model import CodeCell, Position

SKIPPING = frozenset({"skip-execution", "skip_execution", "no-execute", "no_execute", "noeval", "nbval-skip"})
FAILING = frozenset({"raises-exception", "raises_exception", "nbval-raises-exception"})
PYTHON = frozenset({"python", "python3", "py", "ipython", "ipython3", "py3"})
OFF = ("false", "no", "0", "off")


class Prepared(Struct, frozen=True):
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
    may_fail: bool = False
    """Whether the document says that it raises an exception."""


class CellError(Struct, frozen=True):
    """What went wrong in a cell, in plain words."""

    cell: int
    """Running number among the document's code cells."""
    position: Position
    """The line in the document."""
    kind: str
    """The exception's name, or `timeout`, `memory`, `processes`, `disk`, `output`, `exit`, `died`, `not tried`."""
    message: str
    help: str = ""
    expected: bool = False
    """Whether the document announces it (`raises-exception`, `error: true`)."""


def prepare(cell: CodeCell, other: str = "") -> Prepared:
    """The cell's Python, or why it is not run. `other`: why it is not for this run at all."""
    if reason := skip_reason(cell) or other:
        return Prepared(cell, skipped=reason)
    found = magics.plain(cell.source)
    if found.skipped:
        return Prepared(cell, skipped=found.skipped)
    try:
        tree: ast.Module | None = ast.parse(found.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    may_fail = bool(_tags(cell) & FAILING) or str(cell.options.get("error", "")).lower() in ("true", "yes")
    may_fail |= "raises" in cell.options  # Sphinx's jupyter-execute
    return Prepared(cell, found.source, notes=found.notes, tree=tree, may_fail=may_fail)


def skip_reason(cell: CodeCell) -> str:
    """Why a cell is not meant to run here; empty if it is."""
    if not cell.executable:
        return "not meant to run"
    if cell.language not in PYTHON:
        return f"{cell.language or 'no language'}: only Python cells run"
    if found := (_tags(cell) | {str(k).lower() for k, v in cell.options.items() if v is True}) & SKIPPING:
        return f"tagged {min(found)}"
    for option in ("eval", "execute"):
        if str(cell.options.get(option, True)).lower() in OFF:
            return f"{option}: false"
    active = cell.options.get("active")
    if active is not None and not {a.strip() for a in str(active).lower().split(",")} & {"py", "ipynb", "true"}:
        return "not active"
    return ""


def _tags(cell: CodeCell) -> set[str]:
    tags = cell.options.get("tags", ())
    return {str(t).lower() for t in tags} if isinstance(tags, (list, tuple, set, frozenset)) else {str(tags).lower()}


def prepare_all(cells: Sequence[CodeCell], framework: str = "") -> tuple[Prepared, ...]:
    """Every cell. Where the document marks its cells, plain listings beside them do not run; of tabs, one framework's
    do (see `lemmata.code.tabs`)."""
    others = tabs.others(cells, framework)
    marked = any(c.marked for c in cells)
    listing = "a listing; this document marks the cells that run"
    return tuple(prepare(c, listing if marked and not c.marked else others.get(at, "")) for at, c in enumerate(cells))


def switched_off(metadata: Mapping[str, object]) -> str:
    """Why a document's front matter lets no cell run (Quarto, MyST-NB, Jupyter Book); empty if it does not."""
    for section, key in (("execute", "eval"), ("execute", "enabled"), ("mystnb", "execution_mode")):
        entry = metadata.get(section)
        value = entry.get(key) if isinstance(entry, Mapping) else None
        if value is not None and str(value).lower() in OFF:
            return f"{section}: {key}: {str(value).lower()} in the document's front matter"
    for key in ("execute", "skip_execution"):
        if str(metadata.get(key, "")).lower() in (OFF if key == "execute" else ("true", "yes")):
            return f"{key}: {str(metadata[key]).lower()} in the document's front matter"
    return ""


def kernel_of(metadata: Mapping[str, object]) -> str:
    """The Jupyter kernel that a document asks for: `lemmata: {kernel: NAME}` in front matter or a notebook's metadata.

    The kernel in a notebook's `kernelspec` is the one of whoever saved it last, and asks for nothing.
    """
    entry = metadata.get("lemmata")
    name = entry.get("kernel") if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) else ""


def place(cell: CodeCell, line: int | None) -> Position:
    """The position in the document of a line of a cell; of the cell's beginning for None."""
    if line is None or line <= 1:
        return cell.body
    return Position(cell.body.line + line - 1, cell.body.column, cell.body.cell)
