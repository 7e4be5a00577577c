"""Which files beside a document its code cells rest on: the local modules they import, the data they read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

MAX_FILES = 200


def local_modules(folder: Path, sources: Iterable[str]) -> dict[str, str | None]:
    """Files in `folder` that these sources import, directly or through each other: relative path to content hash.

    A name that is no local module yet is kept with None: were it to appear, it would be imported.
    """
    found: dict[str, str | None] = {}
    waiting = [name for source in sources for name in _imported(source)]
    while waiting and len(found) < MAX_FILES:
        stem = waiting.pop().replace(".", "/")
        for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
            if candidate in found:
                continue
            try:
                data = (folder / candidate).read_bytes()
            except OSError:
                found[candidate] = None
                continue
            found[candidate] = blake2b(data, digest_size=20).hexdigest()
            waiting += _imported(data.decode("utf-8", errors="replace"))
    return dict(sorted(found.items()))


def data_files(folder: Path, files: Iterable[str]) -> dict[str, str | None]:
    """Content hashes of files that cells read, by path from `folder` where they lie below it; None if not there."""
    found: dict[str, str | None] = {}
    home = folder.resolve()
    for name in sorted(files)[:MAX_FILES]:
        path = home / name
        shown = path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
        try:
            with open(path, "rb") as stream:
                total = blake2b(digest_size=20)
                while part := stream.read(1 << 20):
                    total.update(part)
            found[shown] = total.hexdigest()
        except OSError:
            found[shown] = None
    return found


def _imported(source: str) -> Iterator[str]:
    """Names of modules as imported, every package on the way included; nothing from code that does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{a.name}" for a in node.names if a.name != "*")]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[: n + 1]) for n in range(len(parts)))
