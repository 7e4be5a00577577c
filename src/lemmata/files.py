"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def put(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file through a neighbour that takes its place, so that nobody ever sees half of it.

    Links are followed, the mode of a file that is there stays, and what is no file (a device, a pipe) is written to.
    Raises OSError; then the file is as it was.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        scratch.write_bytes(content)
        if target.exists():
            os.chmod(scratch, target.stat().st_mode & 0o7777)
        os.replace(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)
