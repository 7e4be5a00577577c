"""From a chain of relations to typed readings, the conventional one first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Place
from lemmata.elaborate.guesses import forced
from lemmata.elaborate.heads import mentions
from lemmata.elaborate.later_values import settle_values
from lemmata.elaborate.losses import settle_losses
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.patterns import letters
from lemmata.elaborate.reader import Reader, Shared, known
from lemmata.elaborate.readings import Choices, alternatives
from lemmata.elaborate.references import free_index, member
from lemmata.elaborate.solver import Misfit, Unreadable
from lemmata.elaborate.spectra import apply_ranks
from lemmata.elaborate.statement import Reading, ShapeError

CAP = 12
SQUARE = frozenset(
    {"symmetric", "positive definite", "invertible", "diagonal", "permutation", "skew", "positive determinant"}
)
"""Properties that only square matrices have."""


class Attempt(Struct):
    """What came of reading one chain under all decisions up to the cap."""

    readings: list[Reading] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    """Of the failures those that are no misfit of shapes."""
    complete: bool = True
    shape_error: ShapeError | None = None
    """Set only if every reading failed for shapes that are all declared."""
    preferred_failed: str = ""


class Conditions(Struct, frozen=True):
    """What the sentence adds: values that symbols take, and relations that must hold."""

    equations: tuple[tuple[s.Expr, s.Expr], ...] = ()
    relations: tuple[s.Relation, ...] = ()
    constants: tuple[s.Name, ...] = ()
    """Symbols that derivatives hold fixed."""
    properties: tuple[tuple[s.Name, str], ...] = ()
    """“If A is symmetric”: what holds of symbols for this claim."""
    fixed: tuple[s.Name, ...] = ()
    """“If all gradients equal g”: families g_t whose members are all the same."""


def read_chain(
    make: Callable[[Choices], Shared],
    place: Place,
    items: Sequence[s.Expr],
    ops: Sequence[str],
    conditions: Conditions = Conditions(),
) -> Attempt:
    """All readings of items related by ops at a place; `make` gives a fresh state for each reading."""
    attempt = Attempt()
    choices = Choices()
    errors: list[Unreadable] = []
    guessed: list[bool] = []
    first, problem, anyone = _read(make(choices), place, items, ops, conditions)
    if first is not None:
        attempt.readings.append(first)
    else:
        assert problem is not None
        attempt.preferred_failed = str(problem)
        attempt.failures.append(str(problem))
        errors.append(problem)
        guessed.append(anyone)
    pending, attempt.complete = alternatives(choices.asked, CAP)
    for taken in pending:
        deviating = Choices(dict(taken))
        reading, problem, anyone = _read(make(deviating), place, items, ops, conditions)
        if reading is not None:
            attempt.readings.append(replace(reading, note=deviating.describe() or "another reading", taken=dict(taken)))
        else:
            assert problem is not None
            attempt.failures.append(str(problem))
            errors.append(problem)
            guessed.append(anyone)
    attempt.untried = [str(e) for e in errors if not isinstance(e, Misfit)]
    if (
        not attempt.readings
        and attempt.complete
        and errors
        and all(isinstance(e, Misfit) for e in errors)
        and not any(guessed)
    ):
        misfit = errors[0]
        assert isinstance(misfit, Misfit)
        attempt.shape_error = ShapeError(str(misfit), misfit.left, misfit.right, {})
    return attempt


def preferred(
    make: Callable[[Choices], Shared],
    place: Place,
    items: Sequence[s.Expr],
    ops: Sequence[str],
    conditions: Conditions = Conditions(),
) -> Reading | None:
    """The conventional reading alone, where it has one."""
    return _read(make(Choices()), place, items, ops, conditions)[0]


def _read(
    shared: Shared, place: Place, items: Sequence[s.Expr], ops: Sequence[str], conditions: Conditions
) -> tuple[Reading | None, Unreadable | None, bool]:
    """(reading, why not, whether undeclared symbols took part)."""
    r = Reader(shared, place)
    shared.home = place
    try:
        _fix(r, conditions)
        conditions = assign(r, conditions)
        settle_losses(r, items)
        settle_values(r, items)
        sides = tuple(r.term(i) for i in items)
        sides, exact = same_shape(r, sides)
        _settle_lengths(r)
        apply_ranks(r, sides)
        wrapped = _conditioned(r, sides, conditions)
        tests = tuple(r.term(c) for c in conditions.relations)
        properties = _properties(r, conditions)
    except Misfit as misfit:
        solved = Misfit(
            str(misfit), tuple(r.solver.size(x) for x in misfit.left), tuple(r.solver.size(x) for x in misfit.right)
        )
        settled = misfit.between and not any(guessed_shape(r, x) for x in misfit.between if isinstance(x, t.Term))
        unknown = (
            any(not v.declared for v in shared.guessed.values())
            and not settled
            or bool(shared.borrowed)
            or shared.doubtful
            or any(not known(x) or x.atoms & shared.loose for x in (*solved.left, *solved.right))
        )
        return None, solved, unknown
    except Unreadable as error:
        return None, error, True
    except RecursionError:
        return None, Unreadable("the expression is nested too deeply"), True
    rules = tuple(shared.order) + tuple((x, "=", y) for x, y in r.solver.postponed)
    reading = Reading(
        wrapped,
        tuple(ops),
        dict(r.solver.solution),
        dict(shared.recurrences),
        dict(shared.steps),
        rules,
        tests,
        tuple(
            v
            for v in shared.guessed.values()
            if not v.declared and v.key not in shared.counted and not forced(v, r.solver.solution)
        ),
        tuple(dict.fromkeys(shared.borrowed)),
        properties=properties + tuple((key, "integer") for key in sorted(shared.counted)),
        ranks=tuple(sorted(shared.ranks.items(), key=lambda x: x[0])),
        counted=frozenset(shared.counted),
        exact_orientation=exact,
    )
    return reading, None, False


def _settle_lengths(r: Reader) -> None:
    """𝟏𝟏^T of a declared 𝟏 ∈ ℝ^d is d × d where the formula leaves its size open."""
    for length, declared in r.shared.usual:
        if not known(r.solver.size(length)):
            r.solver.unify(length, declared)


def _fix(r: Reader, conditions: Conditions) -> None:
    """Give the members of families that the sentence assumes constant one value each. Raises Unreadable."""
    for name in conditions.fixed:
        binding = r.shared.environment.family(stem(name), r.place)
        if binding is None:
            raise Unreadable(f"a condition on {spell(name)}, which is no family")
        bound = {x: free_index(r, x) for x in letters(binding.indices)}
        value, _ = member(r.bind(bound), binding, binding.indices, None)
        domain = binding.domain if binding.kind == "family" else t.Domain()
        variable = t.Variable(f"{binding.key} constant", spell(name), value.type, domain, binding.declared)
        r.shared.values.clear()
        r.shared.recurrences.clear()
        r.shared.fixed[binding.key] = t.Input(value.type, variable)


def assign(r: Reader, conditions: Conditions) -> Conditions:
    """Give declared symbols the expressions that assumptions equate them with; the equations that are left.

    “Suppose Q = X W_Q”: derivatives by X then go through Q. A number (ε = 0) is put in at the end instead.
    """
    left: list[tuple[s.Expr, s.Expr]] = []
    for name, value in conditions.equations:
        bound = (
            r.shared.environment.find(stem(name), name.font, r.place)
            if isinstance(name, s.Name) and name.sub is None and name.sup is None
            else None
        )
        if (
            bound is not None
            and bound.kind == "variable"
            and bound.type is not None
            and bound.type.rank
            and bound.law is None
            and isinstance(value, s.Juxt | s.Infix)
            and not mentions(value, bound.key)
        ):
            r.shared.assigned[bound.uid] = value
        else:
            left.append((name, value))
    return replace(conditions, equations=tuple(left))


def _properties(r: Reader, conditions: Conditions) -> tuple[tuple[str, str], ...]:
    """(key of an input, property) for each property that the sentence assumes. Raises Unreadable."""
    found = []
    for name, prop in conditions.properties:
        target = r.term(name)
        if not isinstance(target, t.Input):
            raise Unreadable(f"a condition on {spell(name)}, which is defined")
        if prop in SQUARE and target.type.rank == 2:
            r.solver.unify(*target.type.shape)
        found.append((target.variable.key, prop))
    return tuple(found)


def same_shape(r: Reader, sides: tuple[t.Term, ...]) -> tuple[tuple[t.Term, ...], bool]:
    """The sides with one shape: a written number stands for a constant tensor. Raises Misfit."""
    if {side.type.rank for side in sides if not _constant(side)} == {1, 2}:
        sides = tuple(_as_vector(r, side) for side in sides)
    shaped = max(sides, key=lambda x: x.type.rank)
    exact = True
    for side in sides:
        if side is shaped:
            continue
        x, y = side.type, shaped.type
        if x.rank == 0 and y.rank:
            if not _constant(side):
                raise Misfit(f"one side is a number, the other has shape {r.solver.type(y)}", (), y.shape)
            continue
        if x.rank != y.rank:
            raise Misfit(
                f"the sides have different shapes: {r.solver.type(x)} and {r.solver.type(y)}", x.shape, y.shape
            )
        try:
            for p, q in zip(x.shape, y.shape, strict=True):
                r.solver.unify(p, q)
        except Misfit as misfit:
            raise Misfit(
                f"the sides have different shapes: {r.solver.type(x)} and {r.solver.type(y)}", x.shape, y.shape
            ) from misfit
        if x.rank == 1 and x.row != y.row:
            exact = False
    return sides, exact


def _as_vector(r: Reader, side: t.Term) -> t.Term:
    """A 1 × h matrix beside a vector as its row, an n × 1 matrix as its column."""
    if side.type.rank != 2:
        return side
    height, width = (r.solver.size(size).number for size in side.type.shape)
    if height == 1:
        kind = replace(side.type, shape=side.type.shape[1:], row=True)
        return t.Item(kind, side, (a.number(1), None), (1, 1))
    if width == 1:
        return t.Item(replace(side.type, shape=side.type.shape[:1]), side, (None, a.number(1)), (1, 1))
    return side


def _constant(term: t.Term) -> bool:
    return a.literal(term) is not None or isinstance(term, t.SizeNum)


def _conditioned(r: Reader, sides: tuple[t.Term, ...], conditions: Conditions) -> tuple[t.Term, ...]:
    """The sides with the symbols of the sentence's equations set to their values. Raises Unreadable."""
    for name in conditions.constants:
        held = r.term(name)
        sides = tuple(t.Held(x.type, x, held) for x in sides)
    for left, right in conditions.equations:
        target, value = r.term(left), r.term(right)
        if not isinstance(target, t.Input):
            target, value = value, target
        while isinstance(target, t.Defined):
            raise Unreadable("a condition on something that is defined")
        if not isinstance(target, t.Input):
            raise Unreadable("a condition that is no value of a symbol")
        if (
            value.type.rank not in (0, target.type.rank)
            or value.type.rank == 0
            and target.type.rank
            and not _constant(value)
        ):
            raise Unreadable("a condition of another shape")
        try:
            for p, q in zip(value.type.shape, target.type.shape, strict=False):
                r.solver.unify(p, q)
        except Misfit as misfit:
            raise Unreadable("a condition of another shape") from misfit
        sides = tuple(t.At(x.type, x, target.variable, value) for x in sides)
    return sides


def shape_of(make: Callable[[Choices], Shared], place: Place, expr: s.Expr) -> tuple[Tensor, bool, Shared]:
    """The shape that an expression works out to, and whether undeclared symbols took part. Raises Unreadable."""
    shared = make(Choices())
    r = Reader(shared, place)
    term = r.term(expr)
    return r.solver.type(term.type), bool(shared.guessed), shared


def guessed_shape(r: Reader, term: t.Term) -> bool:
    """Whether the shape of a term rests on a symbol that nobody declared."""
    assigned = {f"#{uid}" for uid in r.shared.assigned}
    match term:
        case t.Input(variable=variable):
            return not variable.declared
        case t.Defined(key=key) if any(key.endswith(uid) for uid in assigned):
            return False
        case t.Deriv(of=of, wrt=wrt) if of.type.rank == 0:
            return guessed_shape(r, wrt)
    return any(guessed_shape(r, x) for x in t.subterms(term))


def inputs_of(sides: Sequence[t.Term]) -> list[t.Variable]:
    """The inputs that the sides depend on."""
    found: dict[str, t.Variable] = {}
    for term in t.walk(sides):
        if isinstance(term, t.Input):
            found.setdefault(term.variable.key, term.variable)
    return list(found.values())


def sizes_text(sizes: Sequence[Size]) -> str:
    return " × ".join(str(x) for x in sizes) or "1"
