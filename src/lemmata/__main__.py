"""The command line, as `lemmata` and as `python -m lemmata`."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point; Ctrl-C before anything is loaded is no traceback either."""
    try:
        from lemmata.surfaces import cli
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    main()
