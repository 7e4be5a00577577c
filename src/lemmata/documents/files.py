"""From paths to documents: finding, opening and decoding files. Bad files are documents that say what is wrong."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from lemmata.diagnostic import Diagnostic
from lemmata.documents.model import Document, Position, Span

SUFFIXES = (".md", ".markdown", ".mdx", ".qmd", ".rst", ".ipynb")
"""What is a document where a folder is searched; Python files are read, and their code run, where they are named."""
FORMATS = {".ipynb": "notebook", ".rst": "restructuredtext", ".py": "python"}
"""By suffix; everything else is Markdown."""
MARKDOWN_LIMIT = 2_000_000
"""Bytes of a Markdown file that are read; a long book has one million."""
NOTEBOOK_LIMIT = 200_000_000
"""Bytes of a notebook that is read at all; outputs are most of it."""
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "_build", "venv"})


def read(path: str | Path) -> Document:
    """Read the document at `path`.

    Never raises for what the file is or contains: a file that cannot be opened, is no regular file, is too large or
    is no valid notebook is a document without blocks and with a diagnostic of severity `error`; damage that leaves
    something to read (broken UTF-8, NUL characters, excessive nesting) is a `warning`.
    """
    name = os.fspath(path)
    format = FORMATS.get(os.path.splitext(name)[1].lower(), "markdown")
    limit = NOTEBOOK_LIMIT if format == "notebook" else MARKDOWN_LIMIT
    try:
        data = _load(name, limit + 1)
    except _NotAFile as error:
        return _failed(name, format, "unreadable", str(error))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return _failed(name, format, "unreadable", f"cannot read this file: {reason.lower()}")
    if len(data) > limit and format == "notebook":
        return _failed(name, format, "too-large", f"the notebook is larger than {limit // 1_000_000} MB")
    source, problems = _decode(data[:limit].rpartition(b"\n")[0] or data[:limit] if len(data) > limit else data, name)
    if len(data) > limit:
        end = Position(source.count("\n") + 1, 1)
        message = f"only the first {limit // 1_000_000} MB of this file are read"
        problems.append(Diagnostic("warning", "too-large", message, name, Span(end, end)))
    return read_text(source, name, format, tuple(problems))


def read_text(
    source: str, path: str | Path = "<text>", format: str = "markdown", problems: tuple[Diagnostic, ...] = ()
) -> Document:
    """Read a document from its text; `format` is `markdown`, `notebook`, `restructuredtext` or `python`, `problems`
    what is known to be wrong.
    """
    name = os.fspath(path)
    match format:
        case "notebook":
            from lemmata.documents.notebook import read_notebook

            return read_notebook(source, name, problems)
        case "restructuredtext":
            from lemmata.documents.restructured import read_restructured

            return read_restructured(source, name, problems)
        case "python":
            from lemmata.documents.python import read_python

            return read_python(source, name, problems)
        case "markdown":
            from lemmata.documents.markdown import read_markdown

            return read_markdown(source, name, problems)
    raise ValueError(f"no such document format: {format}")


def find(paths: Iterable[str | Path]) -> list[str]:
    """The documents that `paths` name: files as given, folders searched in a fixed order, each file once.

    Inside folders, hidden files and folders and package folders are skipped and links to folders are not followed
    (they may run in circles). A path that does not exist stays in the list: reading it says so.
    """
    found: dict[str, None] = {}
    for path in paths:
        name = os.fspath(path)
        found.update(dict.fromkeys(_below(name) if os.path.isdir(name) else (name,)))
    return list(found)


def _below(folder: str) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in _SKIPPED)
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield os.path.join(here, name)


class _NotAFile(Exception):
    pass


def _load(path: str, most: int) -> bytes:
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise _NotAFile("this is a folder")
    if not stat.S_ISREG(mode):
        raise _NotAFile("this is not a regular file")
    with open(path, "rb") as file:
        return file.read(most)


def _decode(data: bytes, path: str) -> tuple[str, list[Diagnostic]]:
    """Text with `\\n` line ends and no byte order mark; what could not be decoded becomes U+FFFD, with a diagnostic."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding, name = "utf-16", "UTF-16"
    else:
        encoding, name = "utf-8-sig", "UTF-8"
    problems: list[Diagnostic] = []
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        text = data.decode(encoding, "replace")
        before = _normal(data[: error.start].decode(encoding, "replace"))
        place = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"this is not valid {name}: {error.reason}"
        problems.append(Diagnostic("warning", "broken-encoding", message, path, Span(place, place)))
    return _normal(text), problems


def _normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _failed(path: str, format: str, code: str, message: str) -> Document:
    return Document(path, format, (), diagnostics=(Diagnostic("error", code, message, path),))
