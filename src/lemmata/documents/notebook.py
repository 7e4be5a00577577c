"""Jupyter notebooks: their Markdown cells through the Markdown reader, their code cells as code cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from lemmata.diagnostic import Diagnostic
from lemmata.documents.fences import body_options, read_info, runs
from lemmata.documents.markdown import LINE_LIMIT, Page, number, read_page
from lemmata.documents.model import Block, CodeCell, Document, Position, Span

TEXT_LIMIT = 2_000_000
"""Characters of Markdown and code that are read."""
_MAGIC = re.compile(r"\s*%%(\w+)[^\n]*")
_LANGUAGES = {"bash": "bash", "sh": "bash", "html": "html", "javascript": "javascript", "js": "javascript",
              "latex": "latex", "markdown": "markdown", "R": "r", "ruby": "ruby", "perl": "perl", "svg": "svg",
              }  # fmt: skip
"""Cell magics after which a cell is not in the notebook's own language."""


class _Broken(Exception):
    """Not a notebook, for the reason in the message; `place` is where reading stopped."""

    def __init__(self, message: str, place: Position | None = None) -> None:
        super().__init__(message)
        self.place = place


def read_notebook(source: str, path: str, problems: Sequence[Diagnostic] = ()) -> Document:
    """The document of a notebook's JSON, versions 2 to 4; what is no notebook is a document that says why."""
    try:
        notebook = _load(source)
        cells = _cells(notebook)
    except _Broken as error:
        span = None if error.place is None else Span(error.place, error.place)
        broken = Diagnostic("error", "broken-notebook", str(error), path, span)
        return Document(path, "notebook", (), diagnostics=(*problems, broken))
    metadata = notebook.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    language = _language(metadata)
    diagnostics = list(problems)
    blocks: list[Block | CodeCell] = []
    macros: dict[str, str] = {}
    room, lines = TEXT_LIMIT, LINE_LIMIT
    containers = 0
    for index, cell in enumerate(cells):
        text = _text(cell)
        if text is None:
            message = f"cell {index} has no text"
            here = Position(1, 1, index)
            diagnostics.append(Diagnostic("warning", "broken-cell", message, path, Span(here, here)))
            continue
        kind = cell.get("cell_type")
        if kind not in ("markdown", "code", "heading"):
            continue
        room -= len(text)
        lines -= text.count("\n") + 1
        if room < 0 or lines < 0:
            message = f"the notebook has more than {TEXT_LIMIT} characters or {LINE_LIMIT} lines; the rest is not read"
            here = Position(1, 1, index)
            diagnostics.append(Diagnostic("warning", "too-large", message, path, Span(here, here)))
            break
        if kind == "code":
            blocks.append(_code(cell, text, language, index))
            continue
        page = _page(cell, text, index, first=not blocks, containers=containers)
        macros |= page.macros
        metadata |= page.metadata
        diagnostics += [replace(d, path=path) for d in page.diagnostics]
        blocks += page.blocks
        containers = max([containers, *(c for b in page.blocks if isinstance(b, Block) for c in b.containers)])
    return Document(path, "notebook", number(blocks), macros, metadata, tuple(diagnostics))


def _page(cell: Mapping[str, object], text: str, index: int, first: bool, containers: int) -> Page:
    if cell.get("cell_type") == "heading":  # version 3
        level = cell.get("level")
        mark = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1) + " "
        page = read_page(mark + text.replace("\n", " "), front=False, cell=index, containers=containers)
        return page
    return read_page(text, front=first, cell=index, containers=containers)


def _load(source: str) -> dict[str, object]:
    try:
        notebook = json.loads(source)
    except json.JSONDecodeError as error:
        place = Position(error.lineno, error.colno)
        if error.pos >= len(source.rstrip()):
            raise _Broken("the notebook ends in the middle; was it saved completely?", place) from None
        raise _Broken(f"the notebook is not valid JSON: {error.msg.lower()}", place) from None
    except RecursionError:
        raise _Broken("the notebook is nested too deeply to be one") from None
    except ValueError as error:
        raise _Broken(f"the notebook is not valid JSON: {error}") from None
    if not isinstance(notebook, dict):
        raise _Broken("this is JSON but no notebook: the outermost value is not an object")
    return notebook


def _cells(notebook: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Cells of version 4 (`cells`) or of versions 2 and 3 (`worksheets`)."""
    cells = notebook.get("cells")
    if cells is None and isinstance(sheets := notebook.get("worksheets"), list):
        lists = [sheet["cells"] for sheet in sheets if isinstance(sheet, dict) and isinstance(sheet.get("cells"), list)]
        cells = [cell for each in lists for cell in each]
    if not isinstance(cells, list):
        raise _Broken("this is JSON but no notebook: it has no list of cells")
    return [cell if isinstance(cell, dict) else {} for cell in cells]


def _text(cell: Mapping[str, object]) -> str | None:
    source = cell.get("source", cell.get("input"))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return source.replace("\r\n", "\n").replace("\r", "\n") if isinstance(source, str) else None


def _language(metadata: Mapping[str, object]) -> str:
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        entry = metadata.get(section)
        name = entry.get(key) if isinstance(entry, dict) else None
        if isinstance(name, str) and name:
            return read_info(name).language
    return "python"


def _code(cell: Mapping[str, object], text: str, language: str, index: int) -> CodeCell:
    options = dict(_options(cell))
    options |= body_options(text)
    magic = _MAGIC.match(text)
    if magic is not None:
        options["magic"] = magic.group(1)
        language = _LANGUAGES.get(magic.group(1), language)
    end = Position(text.count("\n") + 1, len(text) - text.rfind("\n"), index)
    span = Span(Position(1, 1, index), end)
    executable = runs(language, options, language == "r", text) and not (magic and magic.group(1) in _LANGUAGES)
    return CodeCell(text, language, span, Position(1, 1, index), options, executable=executable, marked=True)


def _options(cell: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    metadata = cell.get("metadata")
    if not isinstance(metadata, dict):
        return
    tags = metadata.get("tags")
    if isinstance(tags, list):
        yield "tags", [tag for tag in tags if isinstance(tag, str)]
