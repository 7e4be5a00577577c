"""One diagnostic value; every surface (terminal, JSON lines, ...) is a renderer of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from lemmata.documents.model import Span


def mistake(error: Exception) -> str:
    """What is said where our own code failed: it costs the statement it happened at, nothing else."""
    return f"a mistake in lemmata: {type(error).__name__}: {error}"[:300]


class Label(Struct, frozen=True):
    """A secondary place in the author's document with a short remark."""

    span: Span
    text: str


class Diagnostic(Struct, frozen=True):
    """Something to tell the author: plain English, lower case, no full stop."""

    severity: str
    """`error`, `warning` or `note`."""
    code: str
    """A stable identifier such as `shape-mismatch`."""
    message: str
    path: str = ""
    span: Span | None = None
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None


def stage_failed(stage: str, error: Exception, path: str) -> Diagnostic:
    """A note that a stage beside the verdicts failed: what it would have added is missing, nothing else."""
    return Diagnostic("warning", "stage-failed", f"{stage} failed, verdicts are not affected: {mistake(error)}", path)
