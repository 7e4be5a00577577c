"""A correction that was found."""

from __future__ import annotations

from msgspec import Struct

from lemmata.elaborate.statement import Reading
from lemmata.repair.edit import Change


class Fix(Struct, frozen=True):
    """A correction that the judge has verified."""

    formula: str
    """The whole formula, corrected."""
    latex: str
    """The claim, corrected."""
    what: str
    """In words, as an author would say it."""
    change: Change
    """The one span of the formula that differs."""
    method: str
    """How the corrected claim was verified."""
    cost: float
    reading: Reading | None = None
    """The corrected claim, typed; none for a claimed shape."""
