"""What `lemmata compile` asks of a writer, and what it gets back; every writer of the command has this form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from lemmata.model import Model
from lemmata.model.function import Function


class Request(Struct, frozen=True):
    """Definitions of a document to be written to a file."""

    model: Model
    functions: tuple[Function, ...]
    """Those asked for, in the order of the document."""
    out: Path
    target: str
    """The name of the format: `torch`, `numpy`, `xlsx`, …"""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Sizes by the document's names, for formats that hold concrete shapes."""
    weights: Path | None = None
    """A file of weights by the document's names, for formats that hold them."""
    check: bool = True
    """Run what was written and compare it with the document."""
    seed: int = 0
    """Of the values that formats with numbers begin with."""


class Refusal(Struct, frozen=True):
    """A definition that was not written."""

    name: str
    line: int
    reason: str


class Written(Struct, frozen=True):
    """What a writer did; the file is not there where nothing could be written."""

    names: tuple[str, ...]
    """What the file now holds, for people."""
    refusals: tuple[Refusal, ...] = ()
    remarks: Sequence[str] = ()
    """Further lines for the terminal, such as how far the file is from the document."""


Writer = Callable[[Request], Written]


class CannotEmit(ValueError):
    """A definition that has no source of its own, and why."""


class Unavailable(RuntimeError):
    """A library that this format needs is not there."""
