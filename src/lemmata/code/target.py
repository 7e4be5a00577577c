"""What a document states and its code may compute; elaboration provides these, the checks of this stage use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from msgspec import Struct, field

from lemmata.core.size import Size
from lemmata.verify.problem import CannotLower, Domain
from lemmata.verify.verdict import Verdict

__all__ = ["Atom", "CannotLower", "CodeFinding", "CodeFix", "Derivative", "Equation", "Parameter", "Target", "Value"]

Value: TypeAlias = "np.ndarray | Callable[[np.ndarray], np.ndarray]"


class Parameter(Struct, frozen=True):
    """Something that a target's formula depends on."""

    key: str
    """Unique within the target."""
    latex: str
    names: tuple[str, ...]
    """How code may spell it, likeliest first; see `lemmata.code.spelling`."""
    shape: tuple[Size, ...] | None
    """None where nothing is known. The first `indexed` axes run over a family."""
    role: str
    """`argument` (of the function, in order), `weight` (a matrix or bias that a module may hold), `input` (any other
    free symbol), `operation` (a function left open, such as Sublayer; its value is a callable)."""
    indexed: int = 0
    """Axes in front of the shape that count the members of a family: 1 for W_i^Q, whose value is h × d × d_k."""
    domain: Domain = field(default_factory=Domain)
    """Where its values come from."""
    norm_of: tuple[str, ...] = ()
    """Of a norm taken as one number: how code may spell what it is the norm of."""


class Target(Protocol):
    """A value, a function or a gradient that the document states."""

    @property
    def key(self) -> str:
        """Unique in the document."""

    @property
    def latex(self) -> str:
        """The defined head, `\\hat{y}` or `\\text{Attention}`; of an expression without head, the whole."""

    @property
    def kind(self) -> str:
        """`value`, `function` or `gradient`."""

    @property
    def line(self) -> int:
        """The formula's line in the document."""

    @property
    def names(self) -> tuple[str, ...]:
        """How code may spell it, likeliest first."""

    @property
    def parameters(self) -> Sequence[Parameter]:
        """Everything the formula depends on after expansion of definitions, arguments in their order."""

    @property
    def subject(self) -> str | None:
        """Of a gradient: the key of the target that is differentiated, if the document defines it."""

    @property
    def sizes(self) -> Sequence[str]:
        """Names of the sizes in the parameters' shapes."""

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """The formula at these values, in double precision; sizes follow from the shapes.

        Raises CannotLower, also where shapes do not fit.
        """


class CodeFix(Struct, frozen=True):
    """A small edit with which the code computes the formula at every input that was tried."""

    what: str
    """What the code does there, in words."""
    name: str
    """The function or class."""
    cell: int
    """Running number of the code cell."""
    line: int
    """In the document, of the first line of `before`."""
    before: tuple[str, ...]
    after: tuple[str, ...]
    """The lines from the first change to the last, as written and as they should be, less the cell's indentation."""
    lines: tuple[int, ...] = ()
    """Every line of the document that changes."""
    rebinds: bool = False
    """It exchanges variables, which a wrong binding of arguments would call for too."""
    exact: bool = False
    """It changes a power or a whole number, which no approximation would."""


class Atom(Struct, frozen=True):
    """A symbol of an equation with the scripts that belong to its name."""

    key: str
    latex: str
    names: tuple[str, ...]
    rank: int
    """Axes it has by the way it is written."""
    whole: bool = False
    """It counts, as an index does."""
    gradient: bool = False
    """It is called as gradients are."""
    norm: bool = False
    """A norm taken as one number."""
    told: bool = False
    """The text says what the code calls it."""


class Equation(Target, Protocol):
    """A right side with its symbols taken as inputs, for code that computes it in one or more instructions.

    It has no parameters before its symbols are given shapes: see `typed`.
    """

    words: tuple[str, ...]
    """Words that stand in its row."""
    role: str
    atoms: tuple[Atom, ...]
    indices: tuple[str, ...]

    text: str
    """The words of its paragraph and of the one before it."""
    follows: int | None
    """The running number of the code cell right behind it, where nothing else stands between."""
    places: tuple[tuple[str, int, int], ...]
    """Where the left side names an element (PE_{pos, 2i+1}): atom, factor and addend of each index."""
    order: tuple[int, int]
    """(notebook cell or -1, line)."""

    @property
    def origin(self) -> int:
        """The number of the first element."""

    @property
    def weight(self) -> int:
        """How many symbols and numbers stand in it."""

    @property
    def ambiguous(self) -> bool:
        """Whether notation leaves open how the right side is read."""

    others: frozenset[tuple[str, ...]]
    """How code may call the symbols of the document's equations, one each."""

    @property
    def numbers(self) -> frozenset[float]:
        """The numbers that are written in it."""

    @property
    def numeric(self) -> bool:
        """Whether every capital letter is divided by, as numbers are and matrices are not."""

    @property
    def declared(self) -> bool:
        """Whether the document declares one of its symbols as a vector or matrix."""

    expanded: tuple[str, ...]
    """Symbols that were replaced by their definitions."""
    tied: str
    """What the text says that the code calls its left side."""

    def expand(self, key: str) -> Equation | None:
        """The same with a symbol replaced by its definition; None where the document has none."""

    def without_norms(self) -> Equation | None:
        """The same with every norm a symbol of its own; None where it has none."""

    def typed(self, ranks: Mapping[str, int]) -> Target:
        """The right side for inputs of these ranks, by key of the atom. Raises CannotLower."""


class Derivative(Target, Protocol):
    """The derivative of a number by one variable, of what a document defines or as the document writes it out."""

    of: str
    """LaTeX of what is differentiated."""
    by: str
    """LaTeX of the variable; empty where the document does not say."""
    variable: str
    """Key of the variable among the parameters; empty where the derivative does not depend on it."""
    claimed: bool
    """The document writes the derivative out."""
    loose: bool
    """The text lets factors go."""
    value: Target | None
    """What is differentiated, where the document defines it."""
    order: tuple[int, int]
    """(notebook cell or -1, line)."""


class CodeFinding(Struct, frozen=True):
    """One comparison of a formula with code."""

    target: str
    """Key of the target."""
    verdict: Verdict
    cell: int
    """Running number of the code cell among the document's code cells."""
    name: str
    """The variable, function or class; `w.grad`; `print: dw`."""
    line: int
    """The line of the document where the code stands."""
    bound: tuple[str, ...] = ()
    """`X is X (100 × 5)`: what was identified with what, one each."""
    fixes: tuple[CodeFix, ...] = ()
    """Edits of the code that make it compute the formula, likeliest first."""
