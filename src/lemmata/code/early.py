"""A worker that starts, and imports NumPy, while its document is still being read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lemmata.code.limits import Limits
from lemmata.code.process import Process, WorkerLost

IMPORTED = re.compile(rb"\b(?:import|from)[ \t]+(numpy|torch|tensorflow|keras|jax|flax)\b")
MOST = 4 * 2**20
"""Bytes of a document that is looked at."""


@contextmanager
def early(path: str, limits: Limits, seed: int) -> Iterator[Process | None]:
    """A worker for the cells that the document at `path` seems to have; closed afterwards, used or not.

    None for a document that names no NumPy, or names a framework as well: what that takes to import is not to be done
    in vain, and dwarfs what is won here.
    """
    process = None
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            with open(path, "rb") as file:
                if set(IMPORTED.findall(file.read(MOST))) == {b"numpy"}:
                    process = Process(limits, Path(path).parent, seed, warm=("numpy",))
    except (OSError, ValueError, WorkerLost):
        pass  # said where the document is read, or its cells are run
    try:
        yield process
    finally:
        if process is not None:
            process.close()
