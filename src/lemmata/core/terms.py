"""The core language: typed terms with binders. Meaning without notation; programs are made from it by `lower`.

Every term has a `type`. Sizes are symbolic; index variables are bound by binders or free in a statement (then the
statement holds for all their values). Positions of elements are zero-based here; the author's first index is kept as
`start` on the variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from msgspec import Struct, field

from lemmata.core.size import Size
from lemmata.core.types import Tensor as Tensor


class IndexVar(Struct, frozen=True):
    """An integer variable running over `start, …, start + count - 1`; it becomes a named axis."""

    label: str
    uid: int
    start: Size
    count: Size


class Domain(Struct, frozen=True):
    """What is known of an input's values, from declarations and words."""

    low: float | None = None
    high: float | None = None
    properties: frozenset[str] = frozenset()


class Law(Struct, frozen=True):
    """The law of a random input: moments as far as stated; components independent, or one joint law.

    Without `normal` the law is any with these moments; without moments it is any.
    """

    mean: Term | None = None
    variance: Term | None = None
    covariance: Term | None = None
    normal: bool = False
    components: bool = False
    independent: bool = False
    """Stated to be independent of the others; without that and without moments, anything joint."""
    identical: bool = False
    """All components have one law."""
    form: str = ""
    """`bernoulli` (its mean is the probability of 1), `uniform` (on the interval with these moments), or any."""


class Variable(Struct, frozen=True):
    """An input: a symbol that is declared or assumed but not defined."""

    key: str
    """Unique in the document."""
    latex: str
    type: Tensor
    domain: Domain = field(default=Domain())
    declared: bool = True
    """False where the shape was guessed from use."""
    described: bool = False
    """The text says more of it in words that were not understood."""
    family: int = 0
    """Leading axes that count the members of a family."""
    law: Law | None = None
    """Of a random variable."""


class Told(str):
    """A text for people. It is equal to any other: what differs in it alone means the same."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Told)

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, Told)

    def __hash__(self) -> int:
        return 0


class Term(Struct, frozen=True):
    type: Tensor


class Num(Term, frozen=True):
    value: Fraction


class Special(Term, frozen=True):
    """`pi`, `e`, `inf`, `i` (the imaginary unit), `euler_gamma`."""

    name: str


class SizeNum(Term, frozen=True):
    """A size, or a step such as t, used as a number."""

    size: Size


class Input(Term, frozen=True):
    variable: Variable


class Defined(Term, frozen=True):
    """A use of a defined symbol; `key` is unique for symbol and version, `body` what it stands for."""

    key: str
    latex: str
    body: Term
    member: Told = Told()
    """Of a member of a family: how it is called at its indices; `latex` is how the definition calls it."""


class Unrolled(Term, frozen=True):
    """A member of a recurrence at a step: `family` names it, `index` is a whole-number size in steps."""

    family: str
    latex: str
    index: Size
    member: Told = Told()
    """How it is called at its index."""


class Var(Term, frozen=True):
    var: IndexVar


class Op(Term, frozen=True):
    """An operation on whole tensors; `name` from the list in `lower.operations` or the catalogue.

    Elementwise ones broadcast numbers and, where `rows` is in attrs, a vector over the rows of a matrix.
    """

    name: str
    args: tuple[Term, ...]
    attrs: tuple[tuple[str, object], ...] = ()


class Reduce(Term, frozen=True):
    """Σ, Π, max, min, argmax, argmin over index variables, where the guard (a condition) holds."""

    op: str
    vars: tuple[IndexVar, ...]
    body: Term
    guard: Term | None = None


class Build(Term, frozen=True):
    """The tensor whose element at the variables is `body`; their axes come first, then the body's own."""

    vars: tuple[IndexVar, ...]
    body: Term


class Item(Term, frozen=True):
    """Element, row or column: one entry of `indices` per axis of `base`, None for a full slice.

    An index is an integer term; `origins` gives the author's first index of each axis. Outside of the range the
    value is zero where `zero_outside`, otherwise an error of the claim.
    """

    base: Term
    indices: tuple[Term | None, ...]
    origins: tuple[int, ...]
    zero_outside: bool = False
    member: Told = Told()
    """Of a member of a declared family: how it is called at its indices."""


class Cases(Term, frozen=True):
    """The first branch whose condition holds; without one, the last value."""

    branches: tuple[tuple[Term, Term], ...]
    otherwise: Term | None


class Compare(Term, frozen=True):
    """A condition; elementwise on tensors."""

    op: str
    """`<`, `\\le`, `>`, `\\ge`, `=`, `\\ne`."""
    left: Term
    right: Term


class Deriv(Term, frozen=True):
    """Derivative of `of` with respect to `wrt`, everything that `wrt` does not reach held constant.

    `wrt` is an Input, Defined, Unrolled, or an Item of one. Gradients have the shape of wrt; a Jacobian has the
    outputs' axes first. With `elementwise`, the derivative of an elementwise function, shape of `of`.
    """

    of: Term
    wrt: Term
    elementwise: bool = False
    transposed: bool = False
    """Jacobian with the outputs' axes last."""


class At(Term, frozen=True):
    """`body` where the variable takes the value `value`."""

    body: Term
    variable: Variable
    value: Term


class Held(Term, frozen=True):
    """`body` with a symbol held constant in every derivative inside."""

    body: Term
    symbol: Term


class Apply(Term, frozen=True):
    """A call of a function that the document defines, with its body at these arguments."""

    name: str
    args: tuple[Term, ...]
    body: Term
    indices: tuple[Term, ...] = ()
    """Of a member of a family of functions, f_l(x), the values of its indices."""
    definition: int = 0
    """Which definition is called, by the uid of its binding."""


class Blocks(Term, frozen=True):
    """A block matrix (or stacked vector) from rows of blocks."""

    rows: tuple[tuple[Term, ...], ...]


class Stacked(Term, frozen=True):
    """Concat(head_1, …, head_h): the members of a family side by side along `axis` of the member."""

    var: IndexVar
    body: Term
    axis: int


class Expect(Term, frozen=True):
    """Expectation over the random variables of `body` (all, or those named), conditional on others."""

    body: Term
    over: tuple[str, ...] | None = None
    given: tuple[Term, ...] = ()


class Limit(Term, frozen=True):
    """`body` as `variable` tends to `point`, or to infinity where that is None, from one side (1, -1) or both (0).

    With `step`, the step letter of a recurrence tends to infinity; `families` are those it counts.
    """

    body: Term
    variable: Variable | None
    point: Term | None
    side: int = 0
    step: str = ""
    families: tuple[str, ...] = ()


def walk(terms: Iterable[Term]) -> Iterator[Term]:
    """Every term and all below it once, definitions included, in reading order."""
    stack = list(terms)[::-1]
    seen: set[int] = set()
    while stack:
        term = stack.pop()
        if id(term) not in seen:
            seen.add(id(term))
            yield term
            stack.extend(reversed(subterms(term)))


def subterms(term: Term) -> tuple[Term, ...]:
    """The immediate parts of a term."""
    match term:
        case Defined() | Apply() if isinstance(term, Apply):
            return (*term.args, term.body)
        case Defined():
            return (term.body,)
        case Op():
            return term.args
        case Reduce():
            return (term.body,) if term.guard is None else (term.body, term.guard)
        case Build() | Stacked():
            return (term.body,)
        case Item():
            return (term.base, *(i for i in term.indices if i is not None))
        case Cases():
            parts = tuple(x for branch in term.branches for x in branch)
            return parts if term.otherwise is None else (*parts, term.otherwise)
        case Compare():
            return (term.left, term.right)
        case Deriv():
            return (term.of, term.wrt)
        case At():
            return (term.body, term.value)
        case Held():
            return (term.body, term.symbol)
        case Blocks():
            return tuple(x for row in term.rows for x in row)
        case Expect():
            return (term.body, *term.given)
        case Limit():
            return (term.body,) if term.point is None else (term.body, term.point)
    return ()
