"""What a normal law says of its parameters: numbers, positive ones, positive definite matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.types import SCALAR
from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context
from lemmata.elaborate.declarations import head_key
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.roles import Item, Roles


def declare_parameters(context: Context, items: Sequence[Item], roles: Roles) -> None:
    """μ and σ of N(μ, σ²) are numbers and σ is positive, a covariance is positive definite."""
    for item in items:
        for mean, variance in laws_in(item.part.expr):
            _positive(variance, item, roles)
            squared = isinstance(variance, s.Name) and isinstance(variance.sup, s.Num) and variance.sup.value == 2
            if squared or isinstance(variance, s.Num):
                _number(mean, item, roles)
            if squared and isinstance(variance, s.Name):
                _number(replace(variance, sup=None), item, roles, positive=True)


def laws_in(expr: s.Expr) -> Iterator[tuple[s.Expr, s.Expr]]:
    """The parameters of every normal law written in an expression, densities included."""
    for node in walk(expr):
        if isinstance(node, s.Juxt):
            for name, group in zip(node.items, node.items[1:], strict=False):
                if isinstance(name, s.Name) and name.base == "N" and name.font == "cal" and isinstance(group, s.Paren):
                    if len(group.items) == 2 and group.separators == (",",):
                        yield group.items[0], group.items[1]
                    elif len(group.items) == 3 and group.separators[1] in (",", ";"):
                        yield group.items[1], group.items[2]


def _number(expr: s.Expr, item: Item, roles: Roles, positive: bool = False) -> None:
    """A parameter that nothing declares is a number; one that has components somewhere is left to its use."""
    if not isinstance(expr, s.Name) or expr.font == "bold" or expr.sup is not None or expr.word:
        return
    key, indices = head_key(expr, roles.letters, roles.environment, item.place)
    if indices or key in roles.letters or any(k == key for k, _, _ in roles.heads):
        return
    if expr.sub is None and stem(expr) in _indexed(roles):
        return
    env = roles.environment
    if env.find(key, expr.font, item.place) is not None:
        return
    if env.visible_before(stem(expr), expr.font, item.place) is not None:
        return
    low = t.Domain(low=0.0) if positive else t.Domain()
    roles.environment.add(Binding(key, expr.font, spell(expr), "variable", item.place, SCALAR, low))


def _indexed(roles: Roles) -> frozenset[str]:
    return frozenset(k for k, marks in roles.shared.usage.items() if marks & {"index1", "index2"} and k)


def _positive(variance: s.Expr, item: Item, roles: Roles) -> None:
    """A declared covariance is positive definite, a declared standard deviation positive."""
    match variance:
        case s.Name(sup=s.Num(value=value)) if value == 2:
            bare = replace(variance, sup=None)
        case s.Call(function=s.Name(base="diag"), arguments=(s.Name(sup=s.Num(value=value)) as inner,)) if value == 2:
            bare = replace(inner, sup=None)
        case s.Juxt(items=(s.Name(sup=s.Num(value=value)) as inner, s.Name(base="I"))) if value == 2:
            bare = replace(inner, sup=None)
        case s.Name(sup=None):
            bare = variance
        case _:
            return
    key, _ = head_key(bare, roles.letters, roles.environment, item.place)
    known = roles.environment.find(key, bare.font, item.place)
    if known is None or known.kind not in ("variable", "family") or known.type is None:
        return
    if bare is variance and known.type.rank == 2:
        known.domain = replace(known.domain, properties=known.domain.properties | {"positive definite"})
    elif known.domain.low is None and known.type.rank < 2:
        known.domain = replace(known.domain, low=0.0)
