"""From the paths of a command line to the documents to check."""

from __future__ import annotations

import os
from collections.abc import Iterable

from lemmata.documents import find


class NoSuchPath(Exception):
    """A path of the command line that is neither file nor folder; the message says so."""


def documents(paths: Iterable[str]) -> list[str]:
    """Files as given, folders searched for documents in a fixed order; each file once. Raises NoSuchPath."""
    given = list(paths)
    for path in given:
        if not os.path.lexists(path):
            raise NoSuchPath(f"no such file or folder: {path}")
    return find(given)
