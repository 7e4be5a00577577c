"""What goes into a judgement, and what one reading's examination comes out as."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lemmata.verify.problem import Instance, Problem
from lemmata.verify.values import Draw


class Reading(Struct, frozen=True):
    """One way to read a claim. The first of a sequence of readings is the best ranked."""

    problem: Problem
    text: str
    """The reading in words, for the report."""
    preferred: bool = True
    """Whether convention reads it so; the others are found when the preferred one fails."""
    restates: bool = False
    """Whether the two sides are the same expression by definition, so that nothing would be tested."""


class Limits(Struct, frozen=True):
    """How much work one claim may cost."""

    seconds: float = 2.0
    """Processor time; only a claim that is far too big comes near it."""
    elements: int = 4_000_000
    """Array elements in all nodes of one instance."""
    referee_elements: int = 60_000
    """The same, for what ball arithmetic is asked to evaluate."""
    precision: int = 2048
    """The most bits of ball arithmetic."""
    searches: int = 180
    """Evaluations in search of a counterexample to an inequality."""


class Trial(Struct, frozen=True):
    """The claim at concrete sizes with concrete inputs."""

    sizes: Mapping[str, int]
    instance: Instance
    draws: Mapping[str, Draw]


class Failure(Struct, frozen=True):
    """A link of the claim that the referee found wrong at a trial."""

    trial: Trial
    link: int
    index: tuple[int, ...]
    """The component, over the axes of the aligned sides."""
    left: object
    right: object
    """The two sides at that component."""
    enclosure: str
    """What the referee encloses the difference in."""


class Outcome(Struct, frozen=True):
    """What examining one reading found: `holds`, `fails` or `undecided`."""

    kind: str
    method: str = ""
    evidence: tuple[str, ...] = ()
    reason: str = ""
    failure: Failure | None = None
