"""What the judge gets: sizes to choose, inputs to draw, sides to compare. Made by lowering, one per reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from lemmata.core.size import Size
from lemmata.program.node import Node


class CannotLower(Exception):
    """The claim has no program; the message says why, in the author's symbols."""


RANK = "rank "
"""Begins the property of a matrix that has a rank, which follows in digits."""


class Domain(Struct, frozen=True):
    """Where an input's values come from.

    properties, all meant for the last two axes where they speak of matrices (leading axes index a family):
    `symmetric`, `positive definite`, `orthogonal` (square or with orthonormal columns), `diagonal`, `permutation`,
    `lower triangular`, `upper triangular`, `positive diagonal`, `invertible`, `full rank`, `simplex` (last axis),
    `unit` (last axis has norm 1), `one-hot` (last axis), `binary` (0/1), `sign` (-1/+1), `integer`, `descending`,
    `distinct`, `nonzero`, `skew`, `positive determinant`.
    """

    low: float | None = None
    high: float | None = None
    """Open interval; None is unbounded."""
    properties: frozenset[str] = frozenset()


class Input(Struct, frozen=True):
    node: Node
    """An `input` node of the program; its axes give the shape, its attr `name` is unique in the instance."""
    latex: str
    """The symbol as the author writes it."""
    domain: Domain


class Instance(Struct, frozen=True):
    """The claim at concrete sizes: consecutive sides are related by `relations` (one fewer than sides)."""

    inputs: tuple[Input, ...]
    sides: tuple[Node, ...]
    relations: tuple[str, ...]
    """`=`, `<`, `\\le`, `>`, `\\ge`, `\\ne`."""
    conditions: tuple[Node, ...] = ()
    """Scalar bool nodes: an instance counts only where all hold."""
    exact: bool = True
    """False where the program itself approximates (quadrature): then no prime field, and a looser agreement."""
    concluded: bool = False
    """The text says that it follows from what is known of the inputs: it is no condition on them."""
    in_numbers: bool = False
    """Whether it is written in numbers alone."""
    of_derivatives: bool = False
    """Whether a side as written is a derivative, so that what it comes down to is no free letter."""


class SizeRule(Struct, frozen=True):
    """`left = right` (relation `=`), or `<`, `\\le`, `\\ne` between sizes."""

    left: Size
    relation: str
    right: Size


class Problem(Protocol):
    """A claim under one reading."""

    @property
    def sizes(self) -> tuple[str, ...]:
        """Free size names; every one gets a whole number of at least 1, different names different numbers."""

    @property
    def rules(self) -> tuple[SizeRule, ...]:
        """What the sizes must satisfy; every size expression of a rule must also be whole and at least 0."""

    @property
    def integral(self) -> tuple[Size, ...]:
        """Size expressions that must come out as whole numbers of at least 1 (shapes that occur)."""

    def instance(self, sizes: Mapping[str, int]) -> Instance:
        """The claim at these sizes. Raises CannotLower."""
