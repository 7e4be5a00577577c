"""The command line, as `lemmata` and as `python -m lemmata`."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading


def main() -> None:
    """Entry point; Ctrl-C before anything is loaded is no traceback either."""
    try:
        from lemmata.surfaces import cli
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    try:
        cli.main()
    except SystemExit as end:
        _leave(end.code if isinstance(end.code, int) else int(end.code is not None))


def _leave(status: int) -> None:
    """End the process without freeing object by object what it holds, which takes longer than many a check."""
    if threading.active_count() > 1:
        sys.exit(status)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
