"""Results by content: the same document under the same program, options and packages is not checked twice.

An entry is written to a temporary file and moved into place, so that it is there whole or not at all. Whatever is
wrong with a cache (unwritable, truncated, of another version) costs a check, never an error. This module is on the
path of every run and imports neither NumPy nor the stages.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from pathlib import Path

from lemmata.report.result import DocumentResult

DIRECTORY = ".lemmata-cache"
KEEP_BYTES = 256 * 2**20
"""Past this much the oldest entries are dropped."""


def digest(data: bytes) -> str:
    return blake2b(data, digest_size=20).hexdigest()


@cache
def program() -> str:
    """What judges: the content of every file of this package."""
    root = Path(__file__).resolve().parent.parent
    total = blake2b(digest_size=20)
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        for name in sorted(names):
            file = os.path.join(folder, name)
            total.update(f"{os.path.relpath(file, root)}\0".encode())
            with open(file, "rb") as stream:
                total.update(stream.read())
    return total.hexdigest()


@cache
def packages() -> str:
    """Where it runs: the interpreter and every installed distribution with its version, from their folder names."""
    found = {sys.version, sys.platform}
    for place in sys.path:
        try:
            found.update(name for name in os.listdir(place or ".") if name.endswith((".dist-info", ".egg-info")))
        except OSError:
            continue
    return digest("\n".join(sorted(found)).encode())


class Cache:
    """A folder of results. `options` is everything besides the document that decides the outcome."""

    def __init__(self, directory: Path, options: Mapping[str, object]) -> None:
        self._directory = directory
        self._options = json.dumps(dict(options), sort_keys=True)

    def key(self, data: bytes) -> str:
        """The name of the entry of a document with this content. The path does not count; its suffix does."""
        return digest("\0".join((digest(data), program(), packages(), self._options)).encode())

    def load(self, path: str, data: bytes) -> DocumentResult | None:
        """The stored result, told about `path`; None if there is none or what it rested on has changed."""
        try:
            record = json.loads(self._file(path, data).read_bytes())
            record["path"] = path
            for statement in (*record["statements"], *record["lint"]):
                statement["doc"] = path
            result = DocumentResult.from_json(record)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        folder = Path(path).parent
        return result if all(content(folder / name) == known for name, known in result.depends.items()) else None

    def store(self, path: str, data: bytes, result: DocumentResult) -> None:
        """Keep a result that would come out the same again."""
        if not (result.reproducible and result.readable):
            return
        file = self._file(path, data)
        temporary = None
        try:
            self._open()
            file.parent.mkdir(exist_ok=True)
            text = json.dumps(result.to_json(), separators=(",", ":"))
            handle, temporary = tempfile.mkstemp(dir=self._directory, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(temporary, file)
        except (OSError, ValueError):
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)

    def prune(self) -> None:
        """Drop the oldest entries beyond KEEP_BYTES, and what interrupted runs left behind."""
        try:
            found = [(f.stat().st_mtime, f.stat().st_size, f) for f in self._directory.glob("*/*.json")]
            total = sum(size for _, size, _ in found)
            for _, size, file in sorted(found, key=lambda entry: entry[0]):
                if total <= KEEP_BYTES:
                    break
                file.unlink(missing_ok=True)
                total -= size
        except OSError:
            return

    def _file(self, path: str, data: bytes) -> Path:
        key = digest((self.key(data) + Path(path).suffix.lower()).encode())
        return self._directory / key[:2] / f"{key[2:]}.json"

    def _open(self) -> None:
        """Make the folder, marked as a cache for backup programs and git."""
        if not self._directory.is_dir():
            self._directory.mkdir(parents=True, exist_ok=True)
            (self._directory / ".gitignore").write_text("*\n")
            (self._directory / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n")


def content(file: Path) -> str | None:
    """The content hash of a file that code cells import; None if it is not there."""
    try:
        return digest(file.read_bytes())
    except OSError:
        return None
