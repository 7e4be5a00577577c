"""What the document has bound so far: declarations count in their whole scope, definitions from their place on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.core.terms import Domain, Term
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import surface as s


class Place(Struct, frozen=True, eq=False):
    """Where a formula stands: its running number and the scopes around it, outermost first."""

    at: int
    scopes: tuple[int, ...] = (0,)
    sentence: int = -1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and (self.at, self.scopes) == (other.at, other.scopes)

    def __hash__(self) -> int:
        return hash((self.at, self.scopes))


class LawText(Struct):
    """What the document says of a random symbol's law, as written."""

    mean: s.Expr | None = None
    variance: s.Expr | None = None
    covariance: s.Expr | None = None
    normal: bool = False
    random: bool = False
    components: bool = False
    """Stated of the components, which are then independent."""
    independent: bool = False
    by_index: bool = False
    """Stated of q_i for every i."""
    identical: bool = False
    """All members or components have one law."""
    form: str = ""
    """`bernoulli` or `uniform`."""
    independent_in: int = -1
    """The sentence whose if or when says that they are independent."""


class Binding(Struct, eq=False):
    """One meaning of a name.

    kind: `variable` (declared, drawn), `size`, `definition` (`body`), `function` (`params`, `body`), `family`
    (declared members with `indices`), `abstract` (a function known by its type only), `term` (built by the elaborator).
    """

    key: str
    font: str
    latex: str
    kind: str
    place: Place
    type: Tensor | None = None
    """Of a variable, of a member of a family, declared of a definition."""
    domain: Domain = field(default_factory=Domain)
    body: s.Expr | None = None
    term: Term | None = None
    make: Callable[..., Term] | None = None
    """Kind `term` with indices: called with the index terms."""
    params: tuple[s.Name, ...] = ()
    separators: tuple[str, ...] = ()
    indices: tuple[s.Expr, ...] = ()
    """The head's subscripts of an indexed definition or family."""
    clauses: tuple[tuple[tuple[s.Expr, ...], s.Expr], ...] = ()
    """PE_{pos,2i} = …, PE_{pos,2i+1} = …; also first values of a recurrence (m_0 = 0)."""
    ranges: dict[str, tuple[Size, Size]] = field(default_factory=dict)
    """(start, count) by index letter."""
    origin: int = 1
    declared: bool = True
    argument_types: tuple[Tensor, ...] = ()
    facts: set[str] = field(default_factory=set)
    uid: int = 0
    stepwise: bool = False
    """A recurrence, or something that depends on one: its index is a step."""
    law: LawText | None = None
    literal: bool = False
    """A value in numbers, given in an example: it ends with its section."""
    only_in: int | None = None
    """The sentence that a condition confines this definition to."""
    restricted: bool = False
    """Given for some values of its indices only: A_{ij} = 0 for i > j."""
    sentence: int = -1
    through: s.Expr | None = None
    """An abstract scalar: what it depends on."""


class Environment:
    """All bindings of a document, looked up from a place."""

    def __init__(self) -> None:
        self.both_fonts: frozenset[str] = frozenset()
        """Names that the document uses bare in bold and in plain type: two symbols each."""
        self.arguments: dict[str, dict[str, s.Expr]] = {}
        """What each function known by its type only is applied to in the document."""
        self._table: dict[str, list[Binding]] = {}
        self._count = 0
        self._arguments: dict[str, int] = {}
        """Where a name first stands for the argument of a function."""
        self._parameters: dict[str, list[Place]] = {}
        """Where functions of the name are defined."""

    def add(self, binding: Binding) -> Binding:
        self._count += 1
        binding.uid = self._count
        self._note(binding)
        self._table.setdefault(binding.key, []).append(binding)
        return binding

    def put(self, binding: Binding) -> None:
        """Take over a binding of another environment as it is."""
        self._count = max(self._count, binding.uid)
        self._note(binding)
        self._table.setdefault(binding.key, []).append(binding)

    def _note(self, binding: Binding) -> None:
        for name in binding.params if binding.kind == "function" and binding.place.at >= 0 else ():
            if name.sub is None and name.sup is None:
                self._parameters.setdefault(name.base, []).append(binding.place)
                self._arguments[name.base] = min(self._arguments.get(name.base, binding.place.at), binding.place.at)

    def all(self, key: str) -> Sequence[Binding]:
        return self._table.get(key, ())

    def keys(self) -> list[str]:
        return list(self._table)

    def find(
        self, key: str, font: str, place: Place, arity: int | None = None, indexed: bool | None = None
    ) -> Binding | None:
        """The meaning of a name at a place: the author's font first, then any font."""
        found = self._table.get(key)
        if not found:
            return None
        found = [b for b in found if b.only_in is None or b.only_in == place.sentence]
        found = self._without_values_of_other_sections(key, found, place)
        if self._arguments.get(key, place.at + 1) <= place.at:
            # x is the argument of f before x = A^{-1}b gives it a value.
            found = [b for b in found if b.kind != "definition" or b.indices or b.place.at <= place.at]
        if any(_encloses(p, place) and p.at <= place.at for p in self._parameters.get(key, ())):
            # Of a function of x and y, neither is what another section says it is.
            found = [b for b in found if b.kind != "definition" or b.indices or _encloses(b.place, place)]
        if arity is not None:
            narrowed = [
                b for b in found if b.kind not in ("function", "abstract") or len(b.params or b.argument_types) == arity
            ]
            found = narrowed or found
        given = [b for b in found if b.literal and b.place.at <= place.at]
        if given:
            last = max(given, key=lambda b: b.place.at)
            found = [b for b in found if not b.literal or b is last or b.place.at > place.at]
        scopes = place.scopes
        around = [b for b in found if b.place.scopes == scopes[: len(b.place.scopes)]]
        near = [b for b in around if self._rank(b, place)[0] >= 4 and not _confined_elsewhere(b, place)]
        found = near or [b for b in found if self._rank(b, place)[0] > 1 and not _confined_elsewhere(b, place)]
        if indexed is False and key in self.both_fonts:
            found = [b for b in found if b.font == font or b.kind == "size"]
            if not found:
                return None
        if indexed is not None:
            fitting = [b for b in found if bool(b.indices) == indexed]
            if indexed and fitting:
                # y_k of a vector y declared later and nearer than a family y_t is a component of that vector.
                nearest = self._nearest(found, place)
                here = any(b.place.sentence == place.sentence >= 0 for b in fitting)
                own = nearest.kind == "definition" and nearest.declared and nearest.body is not None
                if nearest.type is not None and nearest.type.rank and not nearest.indices and not here and not own:
                    fitting = [nearest]
            found = fitting or found
        if not found:
            return None
        exact = [b for b in found if b.font == font]
        return self._nearest(exact or found, place)

    def argument_place(self, key: str, place: Place) -> Place | None:
        """Where a name last became the argument of a function before a place."""
        stated = [a for a in self._parameters.get(key, ()) if a.at <= place.at]
        return max(stated, key=lambda a: a.at) if stated else None

    def from_elsewhere(self, binding: Binding, place: Place) -> bool:
        """Whether a declaration is of another section than a function that has taken the letter as its argument since.

        Only a letter that the document has used for something else too is in doubt.
        """
        last = self.argument_place(binding.key, place)
        if last is None or binding.place.at >= last.at or _encloses(binding.place, last):
            return False
        return any(
            b.kind in ("definition", "variable") and b.place.scopes != binding.place.scopes and not b.indices
            for b in self._table.get(binding.key, ())
        )

    def _without_values_of_other_sections(self, key: str, found: list[Binding], place: Place) -> list[Binding]:
        """After f(x, y) = …, y is its argument: not the y, or the y < 0, of an earlier section."""
        last = self.argument_place(key, place)
        if last is None:
            return found
        return [
            b
            for b in found
            if b.place.at >= last.at or b.indices or _encloses(b.place, last) or not _says_what_it_is(b)
        ]

    def is_link(self, binding: Binding, place: Place) -> bool:
        """Whether a function in force here is an argument of another one that is: f(u, v) and u(a, b)."""
        if binding.kind != "function" or binding.body is None or binding.indices or not _encloses(binding.place, place):
            return False
        return any(_encloses(p, place) and _encloses(binding.place, p) for p in self._parameters.get(binding.key, ()))

    def signatures(self, key: str) -> int:
        """How many types a function known by its type only is given."""
        known = {(str(b.type), str(b.argument_types)) for b in self._table.get(key, ()) if b.kind == "abstract"}
        return len(known)

    def family(self, key: str, place: Place) -> Binding | None:
        """The indexed meaning of a name at a place, whatever its bare letter means there."""
        found = [b for b in self._table.get(key, ()) if b.indices and self._rank(b, place)[0] >= 3]
        return self._nearest(found, place) if found else None

    def _nearest(self, found: Sequence[Binding], place: Place) -> Binding:
        return max(found, key=lambda b: self._rank(b, place))

    @staticmethod
    def _rank(binding: Binding, place: Place) -> tuple[int, int]:
        inside = binding.place.scopes == place.scopes[: len(binding.place.scopes)]
        before = binding.place.at <= place.at
        if binding.literal and not (inside and before):
            return (2, binding.place.at) if before else (0, 0)
        beside = binding.kind in ("variable", "family") and binding.place.sentence == place.sentence >= 0
        if inside and (before or beside):
            return (5, binding.place.at)
        if inside and len(binding.place.scopes) == len(place.scopes):
            return (4, -binding.place.at)
        if before:
            return (3, binding.place.at)
        return (2 if inside else 1, -binding.place.at)

    def visible_before(self, key: str, font: str, place: Place, arity: int | None = None) -> Binding | None:
        """What the name meant just before this place in its own or an enclosing scope; None if nothing did."""
        found = [
            b
            for b in self._table.get(key, ())
            if b.place.at <= place.at
            and b.place.scopes == place.scopes[: len(b.place.scopes)]
            and (arity is None or b.kind not in ("function", "abstract") or len(b.params or b.argument_types) == arity)
        ]
        exact = [b for b in found if b.font == font]
        return max(exact or found, key=lambda b: b.place.at) if found else None


def _says_what_it_is(binding: Binding) -> bool:
    """Whether a binding gives a value, or bounds a number."""
    bounded = binding.domain.low is not None or binding.domain.high is not None
    number = binding.type is not None and not binding.type.rank
    return binding.kind == "definition" or binding.kind == "variable" and bounded and number


def _encloses(outer: Place, inner: Place) -> bool:
    return outer.scopes == inner.scopes[: len(outer.scopes)]


def with_properties(domain: Domain, *names: str) -> Domain:
    return replace(domain, properties=domain.properties | set(names))


def _confined_elsewhere(binding: Binding, place: Place) -> bool:
    """Whether what another section says of a name is about that section: a value under a condition, “for x < 0”."""
    if _encloses(binding.place, place):
        return False
    high = binding.domain.high
    negative = binding.kind == "variable" and binding.type == SCALAR and high is not None and high <= 0
    number = binding.kind == "definition" and not binding.indices and isinstance(binding.body, s.Num)
    return negative or number and not binding.literal or binding.only_in not in (None, place.sentence)
