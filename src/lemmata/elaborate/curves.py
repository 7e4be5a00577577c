"""Matrices and vectors that depend on a number: Y(t), P(t); Y and Ẏ beside them are its value and derivative at t."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lemmata.core import terms as t
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context
from lemmata.elaborate.declarations import membership
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.roles import Item, Roles
from lemmata.elaborate.solver import Unreadable, unknown

HARMLESS = frozenset(
    {
        "differentiable",
        "invertible",
        "full rank",
        "matrix",
        "vector",
        "scalar",
        "square",
        "depends on",
        "real",
        "linear",
    }
)
"""What may be said of a curve that a generic one meets."""
SAYS_MORE = re.compile(
    r"constant|preserv|conserv|commut|isospectral|unitary|solution|solves|flow|satisf|such that|normali[sz]ed|periodic"
    r"|保持|常数|常值|满足|交换|守恒|归一|周期|解",
    re.IGNORECASE,
)
MATRICES = re.compile(r"matri(?:x|ces)|矩阵", re.IGNORECASE)


def declare_curves(context: Context, items: Sequence[Item], roles: Roles) -> None:
    """Bind Y where the text declares Y(t) with a shape, or calls it a matrix function, and says nothing more of it."""
    for item in items:
        _values_only(item, roles)
        sentence = context.sentences[item.place.sentence].text if item.place.sentence >= 0 else ""
        if SAYS_MORE.search(sentence):
            continue
        facts = [f for f in context.facts if item.formula.index in f.subjects]
        if any(f.kind not in HARMLESS for f in facts):
            continue
        for name, parameter, kind in _declared(item, roles, sentence, {f.kind for f in facts}):
            if _is_free(name, item, items, roles) and _is_number(parameter, item, roles):
                roles.environment.add(
                    Binding(stem(name), name.font, stem(name), "curve", item.place, kind, through=parameter)
                )
                item.role, item.kind, item.membership = "declaration", "curve", None


def _declared(item: Item, roles: Roles, sentence: str, facts: set[str]) -> Iterator[tuple[s.Name, s.Name, Tensor]]:
    expr = item.part.expr
    if isinstance(expr, s.Relation):
        if expr.ops == ("\\in",) and (found := _at(expr.items[0])) is not None and item.cue != "claim":
            try:
                kind = membership(roles.reader(item.place), expr.items[1]).type
            except Unreadable:
                return
            if kind.rank:
                yield (*found, kind)
        return
    named = [_at(x) for x in (expr.items if isinstance(expr, s.Listing) else (expr,))]
    if "differentiable" in facts and MATRICES.search(sentence):
        for found in named:
            if found is not None and found[0].base.isupper():
                yield (*found, Tensor((unknown(found[0].base), unknown(found[0].base))))


def _at(expr: s.Expr) -> tuple[s.Name, s.Name] | None:
    """Y and t of Y(t)."""
    match expr:
        case s.Juxt(
            items=(
                s.Name(sub=None, sup=None, primes=0, accents=()) as name,
                s.Paren(open="(", items=(s.Name(sub=None, sup=None, primes=0, accents=()) as parameter,)),
            )
        ):
            return name, parameter
    return None


def _values_only(item: Item, roles: Roles) -> None:
    """x(t) ∈ ℝ^d says where the values of x lie, and claims nothing."""
    expr = item.part.expr
    if isinstance(expr, s.Relation) and expr.ops == ("\\in",) and item.cue != "claim":
        found = _at(expr.items[0])
        functions = [b for b in roles.environment.all(stem(found[0])) if b.kind == "function"] if found else [None]
        if not functions:
            item.role, item.kind, item.membership = "declaration", "values", None


def _is_free(name: s.Name, here: Item, items: Sequence[Item], roles: Roles) -> bool:
    """Whether no equation constrains a curve: none for its derivative, none that is assumed."""
    outer = here.place.scopes
    if any(
        b.kind not in ("function",) and b.place.scopes == outer[: len(b.place.scopes)]
        for b in roles.environment.all(stem(name))
    ):
        return False
    for item in items:
        expr = item.part.expr
        if not isinstance(expr, s.Relation) or "=" not in expr.ops or item.place.scopes[: len(outer)] != outer:
            continue
        if not any(_mentions(x, name) for x in expr.items):
            continue
        if item.cue in ("assume", "condition"):
            return False
        rates = [_is_rate(x, name) for x in expr.items]
        if any(rates) and not all(r or _holds_rate(x) for r, x in zip(rates, expr.items, strict=True)):
            return False
    return True


def _mentions(expr: s.Expr, name: s.Name) -> bool:
    return any(isinstance(n, s.Name) and n.base == name.base and n.font == name.font for n in walk(expr))


def _holds_rate(expr: s.Expr) -> bool:
    return any(isinstance(n, s.Derivative) or isinstance(n, s.Name) and "dot" in n.accents for n in walk(expr))


def _is_rate(expr: s.Expr, name: s.Name) -> bool:
    """Ẏ, dY/dt or Y'(t) by itself: one side of a differential equation."""
    match expr:
        case s.Name(base=base, accents=accents, primes=primes, sup=None) if base == name.base:
            return bool(accents) or primes > 0
        case s.Derivative(numerator=s.Name(base=base, sup=None)):
            return base == name.base
        case s.Derivative(numerator=s.Juxt() as inner) | (s.Juxt() as inner):
            head = inner.items[0]
            alone = len(inner.items) == 2 and isinstance(inner.items[1], s.Paren)
            if alone and isinstance(head, s.Name) and head.base == name.base:
                return isinstance(expr, s.Derivative) or bool(head.accents) or head.primes > 0
    return False


def _is_number(parameter: s.Name, item: Item, roles: Roles) -> bool:
    """Whether t is a number here; where nothing declares it, it becomes one."""
    key, env = stem(parameter), roles.environment
    if key in roles.letters or key in roles.shared.conventions.step_letters:
        return False
    known = env.find(key, parameter.font, item.place)
    if known is None:
        env.add(Binding(key, parameter.font, spell(parameter), "variable", item.place, SCALAR))
        return True
    return known.kind == "variable" and known.type == SCALAR


def value(r: Reader, binding: Binding) -> t.Term:
    """The curve at its parameter: some smooth function of it."""
    assert binding.through is not None and binding.type is not None
    point = r.at(binding.place, {}).term(binding.through)
    key = f"{binding.key}#{binding.uid}"
    return t.Defined(binding.type, key, binding.latex, t.Op(binding.type, "opaque", (point,), (("name", key),)))


def at(r: Reader, binding: Binding, argument: s.Expr) -> t.Term:
    """Y(t), Y(0), Y(t + h)."""
    assert binding.through is not None
    here = value(r, binding)
    if spell(argument) == spell(binding.through):
        return here
    parameter = r.at(binding.place, {}).term(binding.through)
    point = r.term(argument)
    if not isinstance(parameter, t.Input) or point.type.rank:
        raise Unreadable(f"{binding.latex} at {spell(argument)}")
    return t.At(here.type, here, parameter.variable, point)
