"""Reading one expression at one place: the state that the rules for names, calls, sums and derivatives share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import INTEGER, SCALAR
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Environment, Place
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.solver import Solver, Unreadable, is_unknown, unknown

Handler = Callable[["Reader", s.Expr], t.Term]
DEPTH = 60

_uids = itertools.count(1)


class Recurrence(Struct):
    """A family given by its earlier members: the body at step `letter`, and its first values."""

    letter: str
    body: t.Term
    bases: dict[int, t.Term] = field(default_factory=dict)
    latex: str = ""


class Conventions(Struct):
    """What holds for the whole document."""

    index_letters: frozenset[str] = frozenset({"i", "j"})
    step_letters: frozenset[str] = frozenset()
    transpose_letter: bool = True
    """^T is a transpose."""
    zero_based: bool = False
    zero_outside: frozenset[int] = frozenset()
    """Sentences that say that entries beyond the range count as zero."""
    numerator_layout: bool = False
    rowwise_softmax: bool = True
    words: frozenset[str] = frozenset()
    laws: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Letters of laws known only by name, with the variables they are given."""
    law_uses: Sequence[tuple[tuple[int, ...], str, tuple[str, ...]]] = ()
    """Scopes, letter and variables of every use of a law."""
    sample_means: bool = False
    """Whether the text speaks of means of samples."""
    ranks: list[tuple[Place, str, s.Name]] = field(default_factory=list)
    """Where r = rank(A) is said: the place, r and A."""
    doubtful_laws: frozenset[str] = frozenset()
    """Those of which the document may say more."""
    circles: frozenset[tuple[int, int]] = frozenset()
    """Where a bare π stands behind a numeral: formula and offset."""
    open_functions: frozenset[str] = frozenset()
    """Letters that the document differentiates as functions of a number: g'(x)."""


class Shared(Struct):
    """What all readers of one reading of one document share."""

    environment: Environment
    conventions: Conventions
    handlers: Mapping[type, Handler]
    solver: Solver
    choices: Choices
    values: dict[object, t.Term] = field(default_factory=dict)
    """Definitions already read, by binding and index."""
    recurrences: dict[str, Recurrence] = field(default_factory=dict)
    reading: dict[object, str] = field(default_factory=dict)
    """Definitions being read right now, in this order, by what they are called."""
    guessed: dict[str, t.Variable] = field(default_factory=dict)
    """Symbols nobody declared, with the type their use suggests."""
    usage: Mapping[str, frozenset[str]] = field(default_factory=dict)
    steps: dict[str, Size] = field(default_factory=dict)
    """Steps that occur: letter and its least value."""
    order: list[tuple[Size, str, Size]] = field(default_factory=list)
    """Rules between sizes that a reading relies on."""
    borrowed: list[str] = field(default_factory=list)
    """Values in numbers from another section that were used."""
    loose: set[str] = field(default_factory=set)
    """Sizes that only the limits of sums name: nothing says that an axis has them, or has not."""
    doubtful: bool = False
    """Whether a symbol took part whose shape nobody declared."""
    laws: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Laws known only by name, with the variables they are given in the scopes of the statement."""
    gradient_of: t.Term | None = None
    """The variable of the statement's first ∇ that shows one."""
    fixed: dict[str, t.Term] = field(default_factory=dict)
    """Families whose members are assumed to be all the same."""
    through: dict[int, s.Expr] = field(default_factory=dict)
    """What a loss is a function of in this statement, by binding, where not as declared."""
    assigned: dict[int, s.Expr] = field(default_factory=dict)
    """What declared symbols are under the assumptions in force, by binding."""
    counted: set[str] = field(default_factory=set)
    """Undeclared symbols that stand as an index, so are whole numbers."""
    usual: list[tuple[Size, Size]] = field(default_factory=list)
    """Lengths of vectors of ones, each with the one that their declaration gives: it holds where nothing else does."""
    ranks: dict[str, Size] = field(default_factory=dict)
    """Ranks of matrices, by the key of their variable."""
    home: Place | None = None
    """Where the statement that is read stands."""

    def scratch(self) -> Shared:
        """A copy for reading ahead: nothing that is found out there counts here."""
        return replace(
            self,
            solver=self.solver.copy(),
            choices=Choices(dict(self.choices.taken)),
            values={},
            recurrences={},
            reading={},
            guessed={},
            steps={},
            order=[],
            borrowed=[],
            counted=set(),
        )


class Reader(Struct):
    """Reads surface expressions into terms at a place, under local meanings of names."""

    shared: Shared
    place: Place
    locals: dict[str, t.Term] = field(default_factory=dict)
    free: dict[str, t.Term] = field(default_factory=dict)
    """Index letters that nothing binds: the statement holds for all their values."""
    depth: int = 0

    def term(self, expr: s.Expr) -> t.Term:
        """The meaning of an expression. Raises Unreadable (Misfit for shapes that do not fit)."""
        if self.depth > DEPTH:
            raise Unreadable("definitions are nested too deeply")
        handler = self.shared.handlers.get(type(expr))
        if handler is None:
            raise Unreadable(f"no value can be given to {describe(expr)}")
        return handler(self, expr)

    def inner(self, **locals_: t.Term) -> Reader:
        """The same place with further local names."""
        return replace(self, locals={**self.locals, **locals_})

    def bind(self, bound: Mapping[str, t.Term]) -> Reader:
        return replace(self, locals={**self.locals, **bound})

    def at(self, place: Place, bound: Mapping[str, t.Term]) -> Reader:
        """A reader for the body of a definition: only its own parameters are local."""
        return Reader(self.shared, place, dict(bound), self.free, self.depth + 1)

    @property
    def solver(self) -> Solver:
        return self.shared.solver

    def choice(self, kind: str, expr: s.Expr, options: int, labels: tuple[str, ...] = ()) -> int:
        """Which reading to take at this point of the document."""
        return self.shared.choices.pick(f"{kind}@{self.place.at}:{expr.start}", options, labels)

    def index_var(self, label: str, start: Size | None = None, count: Size | None = None) -> t.Var:
        first = start or Size.of(0 if self.shared.conventions.zero_based else 1)
        return t.Var(INTEGER, t.IndexVar(label, next(_uids), first, count or unknown(f"{label}:")))

    def size(self, expr: s.Expr) -> Size:
        """An expression as a size. Raises Unreadable where it is none."""
        term = self.term(expr)
        found = size_of(term)
        if found is None:
            raise Unreadable(f"{spell(expr)} is no size")
        return self.solver.size(found)


def size_of(term: t.Term) -> Size | None:
    """The size that a numeric term denotes, where it is one."""
    match term:
        case t.Num(value=value):
            return Size.of(value)
        case t.SizeNum(size=size):
            return size
        case t.Defined(body=body):
            return size_of(body)
        case t.Op(name="neg", args=(a,)):
            x = size_of(a)
            return None if x is None else -x
        case t.Op(name="add" | "sub" | "mul" | "div" as name, args=(a, b)):
            x, y = size_of(a), size_of(b)
            if x is None or y is None:
                return None
            match name:
                case "add":
                    return x + y
                case "sub":
                    return x - y
                case "mul":
                    return x * y
            return x.divide(y)
        case t.Op(name="pow", args=(a, t.Num(value=value))) if value.denominator == 1 and 0 <= value <= 4:
            x = size_of(a)
            if x is None:
                return None
            result = Size.of(1)
            for _ in range(int(value)):
                result *= x
            return result
    return None


def size_number(size: Size) -> t.Term:
    value = size.number
    return t.Num(SCALAR, value) if value is not None else t.SizeNum(SCALAR, size)


def known(size: Size) -> bool:
    return not any(is_unknown(a) for a in size.atoms)


def describe(expr: s.Expr) -> str:
    """What stands there, in words a reader of the document understands."""
    match expr:
        case s.Name():
            return stem(expr)
        case s.Words(text=text):
            return f"the words “{text}”"
        case s.Unread(reason=reason):
            return reason
        case s.Relation():
            return "a relation inside an expression"
        case s.Mark(name=name):
            return f"a lone {name}"
        case s.Differential():
            return f"the differential d{spell(expr.body)}"
        case s.Listing():
            return "a list"
    return type(expr).__name__.lower()
