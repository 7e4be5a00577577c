"""From the paths of a command line to the documents to check."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

SUFFIXES = (".md", ".markdown", ".mdx", ".qmd", ".ipynb")
SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "_build", "venv"})


class NoSuchPath(Exception):
    """A path of the command line that is neither file nor folder; the message says so."""


def documents(paths: Iterable[str]) -> list[str]:
    """Files as given, folders searched for documents in a fixed order; each file once. Raises NoSuchPath."""
    found: dict[str, None] = {}
    for path in paths:
        if os.path.isdir(path):
            found.update(dict.fromkeys(_below(path)))
        elif os.path.lexists(path):
            found[path] = None
        else:
            raise NoSuchPath(f"no such file or folder: {path}")
    return list(found)


def _below(folder: str) -> Iterator[str]:
    """Documents in a folder; hidden folders, caches and links to folders (which may run in circles) are left out."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in SKIPPED)
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield os.path.join(here, name)
