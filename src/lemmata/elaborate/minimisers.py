"""Minimisers in closed form: “setting the gradient to zero gives ŵ = …” claims that the gradient is zero there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context
from lemmata.elaborate.environment import Environment, Place
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.roles import Item, Roles

SOLVED = re.compile(
    r"(?:set|sett|equat)\w* (?:(?:the|this|its|these) )?(?:gradients?|derivatives?|it|them|both)\b[^.;]{0,30}\bzero\b"
    r"|\b(?:solution|minimi[sz]er|minimum)\b[^.;,]{0,24}$"
    r"|令[^。；]{0,12}(?:导数|梯度|偏导)[^。；]{0,6}(?:为|等于)零|(?:解得|解出|最优解|极小点)[^。；]{0,12}$",
    re.IGNORECASE,
)
OTHER = re.compile(
    r"constrain|subject to|regulari|penal|ridge|lasso|norm solution|step|iterat|approximat|约束|正则|惩罚|步|迭代|近似",
    re.IGNORECASE,
)
"""Words of another problem than the one whose gradient stands before."""
MOST = 3
"""Gradients before it that may be meant."""


def closed_forms(context: Context, roles: Roles) -> None:
    """Every definition of ŵ or w^⋆ that the words call a solution claims that a gradient before it vanishes there."""
    for item in roles.items:
        words = context.formulas[item.formula.index]
        if item.role == "definition" and SOLVED.search(words.before) and not OTHER.search(words.before):
            chain = _chain(item, roles)
            if chain is not None:
                item.claims.insert(0, chain)


def _chain(item: Item, roles: Roles) -> s.Relation | None:
    expr = item.part.expr
    if not isinstance(expr, s.Relation) or expr.ops[0] != "=" or not isinstance(expr.items[0], s.Name):
        return None
    head, body = expr.items[0], expr.items[1]
    starred = isinstance(head.sup, s.Mark) and head.sup.name == "star" or spell(head.sup) in ("*", "\\star")
    if not (head.accents == ("hat",) and head.sup is None or not head.accents and starred):
        return None
    variable = s.Name(head.start, head.end, head.base, font=head.font)
    found = []
    for gradient in _gradients(variable, item, roles):
        if _leaves(body, roles.environment, item.place) <= _leaves(gradient, roles.environment, item.place):
            at = s.Relation(head.start, body.end, ("=",), (variable, body))
            found.append(s.Evaluated(expr.start, body.end, gradient, at))
    if not found:
        return None
    options: tuple[s.Expr, ...] = tuple(found[:MOST])
    left = options[0] if len(options) == 1 else s.Choice(expr.start, body.end, options, "loss")
    zero = s.Sign(body.end, body.end, "-", s.Num(body.end, body.end, Fraction(0)))
    return s.Relation(expr.start, body.end, ("=",), (left, zero))


def _gradients(variable: s.Name, here: Item, roles: Roles) -> Iterator[s.Derivative]:
    """The gradients by the variable that stand before in the section, the nearest first."""
    for item in reversed(roles.items):
        expr = item.part.expr
        inside = item.place.scopes == here.place.scopes[: len(item.place.scopes)]
        if item.place.at >= here.place.at or not inside or not isinstance(expr, s.Relation):
            continue
        first = expr.items[0]
        first = first.options[0] if isinstance(first, s.Choice) else first
        if not isinstance(first, s.Derivative) or first.order != 1 or first.numerator is None:
            continue
        wrt = first.wrt[0][0] if len(first.wrt) == 1 else _argument(first.numerator) if not first.wrt else None
        if isinstance(wrt, s.Name) and stem(wrt) == stem(variable) and wrt.font == variable.font and wrt.sub is None:
            yield first


def _argument(expr: s.Expr) -> s.Expr | None:
    match expr:
        case s.Juxt(items=(s.Name(), s.Paren(items=(argument,)))):
            return argument
    return None


def _leaves(expr: s.Expr, environment: Environment, place: Place) -> frozenset[str]:
    """The symbols that an expression depends on, those of what it defines included."""
    found: set[str] = set()
    stack, seen = [expr], set()
    while stack:
        for node in walk(stack.pop()):
            if not isinstance(node, s.Name) or node.base in ("0", "1", "I", "T") or (key := stem(node)) in seen:
                continue
            seen.add(key)
            full = f"{key}_{spell(node.sub)}" if node.sub is not None else key
            for name in (full, key):
                bound = environment.find(name, node.font, place)
                if bound is not None and bound.body is not None and bound.kind in ("definition", "function"):
                    stack.append(bound.body)
                    break
            else:
                found.add(key)
    return frozenset(found)
