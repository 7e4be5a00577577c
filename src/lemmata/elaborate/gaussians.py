"""Normal laws written out: densities N(x; μ, σ²), divergences between two of them, their entropies.

What a normal law needs is in its name, so these are closed forms in its parameters: a number or a vector for the mean,
a number for the variance, a matrix for the covariance (a vector is its diagonal).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct

from lemmata.core import terms as t
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Environment, Place
from lemmata.elaborate.heads import Head
from lemmata.elaborate.joint_laws import DIVERGENCES, states_a_law
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.reader import Conventions, Reader, size_number
from lemmata.elaborate.solver import Misfit, Unreadable

ENTROPIES = frozenset({"H", "h", "Ent"})
HALF = Fraction(1, 2)
DENSITY = "density"
"""Marks the exponential that is a normal density."""


class Normal(Struct, frozen=True):
    """A normal law: of a number (both ranks 0), or of a vector with a covariance matrix."""

    mean: t.Term
    variance: t.Term


def parameters(expr: s.Expr) -> tuple[s.Expr, s.Expr] | None:
    """μ and σ² of N(μ, σ²)."""
    match expr:
        case s.Juxt(items=(s.Name(base="N", sub=None, sup=None, accents=()), s.Paren(open="(") as group)):
            if len(group.items) == 2 and group.separators == (",",):
                return group.items[0], group.items[1]
    return None


def divergence(r: Reader, name: s.Name, items: Sequence[s.Expr], separators: Sequence[str]) -> t.Term | None:
    """KL(N(μ₁, Σ₁) ‖ N(μ₂, Σ₂)); None for anything else."""
    if spell(name) not in DIVERGENCES:
        return None
    if tuple(separators) not in (("||",), ("|",), (",",)) or len(items) != 2:
        return None
    first, second = _written(r, items[0]), _written(r, items[1])
    if first is None or second is None:
        return None
    left, right = _alike(r, _law(*first), _law(*second))
    return _in_units(r, _divergence(r, left, right))


def _divergence(r: Reader, left: Normal, right: Normal) -> t.Term:
    shift = a.add(r.solver, "-", right.mean, left.mean)
    if left.mean.type.rank == 0:
        spread = a.divide(r.solver, left.variance, right.variance)
        square = a.divide(r.solver, a.elementwise("mul", shift, shift), right.variance)
        inner = _sum(r, spread, square, ("-", a.number(1)), ("-", a.elementwise("log", spread)))
        return a.scale(a.number(HALF), inner)
    precision = a.inverse(r.solver, right.variance)
    trace = t.Op(SCALAR, "trace", (a.multiply(r.solver, precision, left.variance),))
    row = a.transpose(replace_column(shift))
    square = a.multiply(r.solver, a.multiply(r.solver, row, precision), replace_column(shift))
    ratio = a.elementwise("div", _det(right.variance), _det(left.variance))
    size = size_number(right.variance.type.shape[0])
    inner = _sum(r, trace, square, ("-", size), a.elementwise("log", ratio))
    return a.scale(a.number(HALF), inner)


def entropy(r: Reader, name: s.Name, items: Sequence[s.Expr]) -> t.Term | None:
    """H(N(μ, σ²)) = ½ log(2πeσ²); None for anything else."""
    if name.base not in ENTROPIES or name.sub is not None or name.sup is not None or len(items) != 1:
        return None
    found = _written(r, items[0])
    return None if found is None else _in_units(r, _entropy(_law(*found)))


def _in_units(r: Reader, nats: t.Term) -> t.Term:
    """Entropies and divergences are in nats, in bits as the second reading."""
    if r.shared.choices.pick("unit of information", 2, ("entropies in nats", "entropies in bits")):
        return a.divide(r.solver, nats, a.elementwise("log", a.number(2)))
    return nats


def _entropy(law: Normal) -> t.Term:
    circle = a.scale(a.number(2), a.elementwise("mul", t.Special(SCALAR, "pi"), t.Special(SCALAR, "e")))
    if law.mean.type.rank == 0:
        return a.scale(a.number(HALF), a.elementwise("log", a.scale(circle, law.variance)))
    size = size_number(law.variance.type.shape[0])
    constant = a.scale(size, a.elementwise("log", circle))
    return a.scale(a.number(HALF), a.elementwise("add", constant, a.elementwise("log", _det(law.variance))))


def density(r: Reader, name: s.Name, group: s.Paren) -> t.Term | None:
    """N(x; μ, σ²) and N(x | μ, Σ); None for anything else."""
    if name.base != "N" or name.sub is not None or name.sup is not None or name.accents:
        return None
    if len(group.items) != 3 or group.separators not in ((";", ","), ("|", ","), (";", ";")):
        return None
    if r.shared.environment.find("N", name.font, r.place, 3) is not None:
        return None
    return density_at(r, r.term(group.items[0]), (group.items[1], group.items[2]))


def density_at(r: Reader, point: t.Term, found: tuple[s.Expr, s.Expr]) -> t.Term:
    """The density of the normal law with these parameters."""
    law = _law(r, found, point)
    shift = a.add(r.solver, "-", point, law.mean)
    circle = a.scale(a.number(2), t.Special(SCALAR, "pi"))
    if point.type.rank == 0 and law.mean.type.rank == 0:
        square = a.divide(r.solver, a.elementwise("mul", shift, shift), law.variance)
        constant = a.elementwise("log", a.scale(circle, law.variance))
    else:
        precision = a.inverse(r.solver, law.variance)
        row = a.transpose(replace_column(shift))
        square = a.multiply(r.solver, a.multiply(r.solver, row, precision), replace_column(shift))
        size = size_number(law.variance.type.shape[0])
        constant = a.elementwise(
            "add", a.scale(size, a.elementwise("log", circle)), a.elementwise("log", _det(law.variance))
        )
    exponent = a.scale(a.number(-HALF), a.elementwise("add", square, constant))
    return t.Op(SCALAR, "exp", (exponent,), ((DENSITY, True),))


def logarithm(term: t.Term) -> t.Term | None:
    """The logarithm of a density, which is what its exponential is taken of; None for anything else."""
    while isinstance(term, t.Apply | t.Defined):
        term = term.body
    if isinstance(term, t.Op) and term.name == "exp" and (DENSITY, True) in term.attrs:
        return term.args[0]
    return None


def replace_column(term: t.Term) -> t.Term:
    return a.transpose(term) if term.type.row else term


def _written(r: Reader, expr: s.Expr) -> tuple[Reader, tuple[s.Expr, s.Expr]] | None:
    """The parameters of a normal law, written out or under a letter: q = N(μ, σ²), q(z) = N(z; m, S)."""
    found = parameters(expr)
    if found is not None:
        return None if _shadowed(r, expr) else (r, found)
    match expr:
        case s.Name(sup=None, primes=0) as name:
            arguments: tuple[s.Expr, ...] = ()
        case s.Juxt(items=(s.Name(sup=None, primes=0) as name, s.Paren(open="(", items=arguments))):
            pass
        case _:
            return None
    key = stem(name) + (f"_{spell(name.sub)}" if name.sub is not None else "")
    binding = r.shared.environment.find(key, name.font, r.place)
    if key in r.locals or binding is None or binding.body is None or binding.indices:
        return None
    if arguments and tuple(map(spell, arguments)) != tuple(map(spell, binding.params)):
        return None
    found = parameters(binding.body) or _of_density(binding.body, binding.params)
    if found is None or _shadowed(r, binding.body):
        return None
    return r.at(binding.place, {}), found


def speaks_of_laws(
    conventions: Conventions, environment: Environment, expr: s.Relation, head: Head | None, place: Place
) -> bool:
    """KL(q ‖ p) = … after q = N(μ, σ²), p(z | x) = p(x | z) p(z) / p(x): about these laws, so it defines nothing."""
    if states_a_law(conventions.laws, expr):
        return True
    if head is None or not head.params or spell(head.name) not in DIVERGENCES | ENTROPIES:
        return False
    found = [environment.visible_before(stem(p), p.font, place) for p in head.params]
    return all(b is not None and b.body is not None and parameters(b.body) is not None for b in found)


def _of_density(body: s.Expr, params: tuple[s.Name, ...]) -> tuple[s.Expr, s.Expr] | None:
    """The parameters of the law with the density N(z; μ, σ²) in its first argument z."""
    match body:
        case s.Juxt(items=(s.Name(base="N", sub=None, sup=None, accents=()), s.Paren(open="(") as group)):
            if len(group.items) == 3 and group.separators[0] in (";", "|") and params:
                if spell(group.items[0]) == spell(params[0]):
                    return group.items[1], group.items[2]
    return None


def _shadowed(r: Reader, expr: s.Expr) -> bool:
    """Whether the document means something else by N."""
    match expr:
        case s.Juxt(items=(s.Name() as name, _)):
            found = r.shared.environment.find("N", name.font, r.place, 2)
            return found is not None and (found.kind in ("function", "abstract") or name.font != "cal")
    return False


def _law(r: Reader, found: tuple[s.Expr, s.Expr], point: t.Term | None = None) -> Normal:
    mean, variance = r.term(found[0]), r.term(found[1])
    if _may_be_a_deviation(found[1]):
        raise Unreadable(f"{spell(found[1])} may be the variance or the standard deviation of a normal law")
    rank = max(mean.type.rank, variance.type.rank, 0 if point is None else point.type.rank)
    if rank == 0:
        return Normal(mean, variance)
    if variance.type.rank == 1:
        size = variance.type.shape[0]
        variance = t.Op(Tensor((size, size)), "diag", (variance,))
    if variance.type.rank != 2:
        raise Unreadable("a normal law of a vector whose covariance is a number")
    _unify_square(r, variance)
    size = variance.type.shape[0]
    if mean.type.rank == 0:
        if a.literal(mean) != 0:
            raise Unreadable("a normal law of a vector whose mean is a number")
        mean = t.Op(Tensor((size,)), "fill", (), (("value", Fraction(0)),))
    r.solver.unify(mean.type.shape[0], size)
    return Normal(mean, variance)


def _unify_square(r: Reader, matrix: t.Term) -> None:
    try:
        r.solver.unify(*matrix.type.shape)
    except Misfit as misfit:
        raise Misfit("a covariance that is not square", matrix.type.shape[:1], matrix.type.shape[1:]) from misfit


def _may_be_a_deviation(expr: s.Expr) -> bool:
    """N(μ, σ): some write the standard deviation there."""
    return isinstance(expr, s.Name) and stem(expr) in ("\\sigma", "s", "\\tau") and expr.sup is None


def _alike(r: Reader, left: Normal, right: Normal) -> tuple[Normal, Normal]:
    """Two laws of the same space: beside a law of vectors, N(0, 1) is the standard one."""
    if left.mean.type.rank == right.mean.type.rank:
        return left, right
    if left.mean.type.rank:
        other, one = _alike(r, right, left)
        return one, other
    if a.literal(left.mean) != 0 or a.literal(left.variance) != 1:
        raise Unreadable("a divergence between normal laws of a number and of a vector")
    size = right.variance.type.shape[0]
    return Normal(
        t.Op(Tensor((size,)), "fill", (), (("value", Fraction(0)),)), t.Op(Tensor((size, size)), "identity", ())
    ), right


def _det(matrix: t.Term) -> t.Term:
    return t.Op(SCALAR, "det", (matrix,))


def _sum(r: Reader, first: t.Term, *rest: t.Term | tuple[str, t.Term]) -> t.Term:
    result = first
    for item in rest:
        op, term = item if isinstance(item, tuple) else ("+", item)
        result = a.add(r.solver, op, result, term)
    return result
