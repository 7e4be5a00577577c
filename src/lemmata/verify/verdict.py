"""A verdict is a promise: it cannot be made without its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from lemmata.verify.outcome import Failure


class Counterexample(Struct, frozen=True, eq=False):
    """Values under which the two sides differ, small enough to follow by hand."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    """Sizes by the author's names."""
    values: Mapping[str, object] = field(default_factory=dict)
    """Inputs by the author's LaTeX: numbers or nested lists."""
    left: object = None
    right: object = None
    where: str = ""
    """The component or link at which the sides part, in words or indices."""
    note: str = ""
    """For ill-typed claims: which shapes do not fit."""
    failure: Failure | None = None
    """The trial it was read off, to compute with; none for shapes."""

    def __eq__(self, other: object) -> bool:
        told = [name for name in self.__struct_fields__ if name != "failure"]
        return isinstance(other, Counterexample) and all(getattr(self, n) == getattr(other, n) for n in told)

    __hash__ = None  # type: ignore[assignment]


class Verdict(Struct, frozen=True):
    """The judgement of one statement. Raises ValueError where the promise is not backed.

    kind: `verified`, `refuted`, `unchecked` or `assumed` (declarations, definitions, conditions).
    """

    kind: str
    reason: str = ""
    """One sentence: why it is unchecked, what was found."""
    method: str = ""
    """How it was decided: `instances`, `prime field`, `shapes`, `exact expectation`, `code` ..."""
    evidence: tuple[str, ...] = ()
    """One line each: instances tried, sizes, largest difference, enclosure."""
    counterexample: Counterexample | None = None
    reading: str = ""
    """The chosen reading as parenthesised text with shapes."""
    assumptions: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    """Other readings that were tried, with their outcome."""

    def __post_init__(self) -> None:
        if self.kind not in ("verified", "refuted", "unchecked", "assumed"):
            raise ValueError(f"no such verdict: {self.kind}")
        if self.kind == "refuted" and self.counterexample is None:
            raise ValueError("refuted needs a counterexample")
        if self.kind == "verified" and not (self.method and self.evidence):
            raise ValueError("verified needs a method and its evidence")
        if self.kind == "unchecked" and not self.reason:
            raise ValueError("unchecked needs a reason")
