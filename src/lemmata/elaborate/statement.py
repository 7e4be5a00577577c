"""What elaboration says of each formula: role, sides, readings, and why where it says nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from lemmata.core.size import Size
from lemmata.core.terms import Term, Variable
from lemmata.documents.model import Formula, Position
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Place
from lemmata.elaborate.reader import Recurrence


class ShapeError(Struct, frozen=True):
    """Two shapes that do not fit, every one of them declared."""

    message: str
    left: tuple[Size, ...]
    right: tuple[Size, ...]
    solution: Mapping[str, Size]


class Reading(Struct, frozen=True):
    """A claim under one reading: its sides as terms, typed, with the sizes solved."""

    sides: tuple[Term, ...]
    relations: tuple[str, ...]
    solution: Mapping[str, Size]
    recurrences: Mapping[str, Recurrence]
    steps: Mapping[str, Size]
    """Step letters with their least value."""
    rules: tuple[tuple[Size, str, Size], ...]
    conditions: tuple[Term, ...] = ()
    guessed: tuple[Variable, ...] = ()
    """Inputs that nobody declared."""
    borrowed: tuple[str, ...] = ()
    """Symbols whose values come from an example of another section."""
    properties: tuple[tuple[str, str], ...] = ()
    """(key of an input, property) that the sentence assumes."""
    note: str = ""
    """The unconventional decisions, empty for the preferred reading."""
    exact_orientation: bool = True
    """False where a row was compared with a column of the same length."""
    taken: Mapping[str, int] = field(default_factory=dict)
    ranks: tuple[tuple[str, Size], ...] = ()
    """(key of a matrix, its rank)."""
    counted: frozenset[str] = frozenset()
    """Keys of undeclared inputs that stand as an index: numbers for certain."""


class Statement(Struct, frozen=True):
    """One statement-like part of a formula."""

    formula: Formula
    start: Position
    end: Position
    latex: str
    role: str
    """`declaration`, `definition`, `implicit definition`, `condition`, `instance`, `update`, `approximation`, `claim`,
    `withdrawn`."""
    kind: str
    """`equation`, `gradient`, `inequality`, `membership`, `expectation`, `shape`, `definition`, `declaration` ..."""
    expr: s.Expr
    reason: str = ""
    """Why nothing can be said; empty for what was understood."""
    readings: tuple[Reading, ...] = ()
    unread: tuple[str, ...] = ()
    """Reasons why further readings could not be typed."""
    untried: tuple[str, ...] = ()
    """Of these reasons those that are no misfit of shapes."""
    complete: bool = True
    """Whether all readings up to the cap are here."""
    shape_error: ShapeError | None = None
    guards: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    concluded: bool = False
    """It follows, as the words say, from premises that were all understood: it asks nothing of its letters."""
    membership: tuple[tuple[Size, ...], tuple[Size, ...]] | None = None
    """A shape claim: the shape that was worked out, and the one that is claimed."""
    solution: Mapping[str, Size] = field(default_factory=dict)
    place: Place = field(default_factory=lambda: Place(-1))
    shapes: tuple[tuple[str, str], ...] = ()
    """(LaTeX, shape) of the parts, for `explain`."""
    outline: tuple[str, ...] | None = None
    """Where nothing can be said: the unknowns with which the sides have types that fit, if there are such."""

    @property
    def understood(self) -> bool:
        """Whether it has a role and a typed reading, be it with unknowns in it."""
        return not self.reason or self.outline is not None
