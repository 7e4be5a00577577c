"""Lemmata reads the mathematics of deep-learning documents as a program, runs it, and judges every claim.

    result = lemmata.check("notes.md")     # a verdict for every statement
    model = lemmata.load("encoder.md")     # the document's equations as functions and modules

Importing this package imports nothing else; each function imports what it needs when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lemmata.version import VERSION as __version__

if TYPE_CHECKING:
    from lemmata.model import load as load
    from lemmata.pipeline import check as check

__all__ = ["__version__", "check", "load"]

_HOME = {"check": "lemmata.pipeline", "load": "lemmata.model"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'lemmata' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
