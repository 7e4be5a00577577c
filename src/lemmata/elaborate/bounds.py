"""Comparisons that declare: λ > 0, 0 < ε < 1, x ≠ 0 bound a symbol, k < n is a rule between sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lemmata.core.terms import Domain
from lemmata.core.types import SCALAR
from lemmata.elaborate import surface as s
from lemmata.elaborate.declarations import head_key, number_of
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable

if TYPE_CHECKING:
    from lemmata.elaborate.roles import Item, Roles

DEFINING = frozenset({"define", "declare"})
CONDITIONAL = frozenset({"assume", "condition"})


def declare_bound(roles: Roles, item: Item, expr: s.Relation, r: Reader) -> None:
    """λ > 0, 0 < ε < 1, k < n, x ≠ 0: bounds of a symbol or a rule between sizes."""
    target = [(i, x) for i, x in enumerate(expr.items) if number_of(x) is None and not isinstance(x, s.Const)]
    if len(target) == 1:
        index, subject = target[0]
        names = subject.items if isinstance(subject, s.Listing) else (subject,)
        if all(isinstance(n, s.Name | s.Mark) for n in names):
            low, high, nonzero = _limits(expr, index)
            fresh = [n for n in names if isinstance(n, s.Name)]
            if item.formula.display and any(_headed(roles, item, n) for n in fresh):
                return  # D ≥ 0 of what an equation above defined claims something
            if all(_bound_scalar(roles, item, n, low, high, nonzero) for n in fresh):
                item.role, item.kind = "declaration", "bound"
    elif len(expr.items) == 2 and all(isinstance(x, s.Name | s.Num | s.Infix | s.Juxt) for x in expr.items):
        try:
            left, right = r.size(expr.items[0]), r.size(expr.items[1])
        except Unreadable:
            return
        if left.atoms and right.atoms and item.cue == "condition":
            item.role, item.kind = "condition", "size rule"
        elif left.atoms and right.atoms:
            item.role, item.kind = "declaration", "size rule"
            roles.size_rules.append((item.place, left, expr.ops[0], right))


def _headed(roles: Roles, item: Item, name: s.Name) -> bool:
    key, _ = head_key(name, roles.letters, roles.environment, item.place)
    return item.cue not in (*CONDITIONAL, *DEFINING) and any(
        k == key and p.at < item.place.at and p.scopes == item.place.scopes[: len(p.scopes)] for k, _, p in roles.heads
    )


def _limits(expr: s.Relation, index: int) -> tuple[float | None, float | None, bool]:
    low = high = None
    nonzero = False
    for position, op in enumerate(expr.ops):
        left, right = expr.items[position], expr.items[position + 1]
        if position + 1 == index:
            number = number_of(left)
            if op in ("<", "\\le"):
                low = None if number is None else float(number)
            elif op in (">", "\\ge"):
                high = None if number is None else float(number)
        elif position == index:
            number = number_of(right)
            if op in (">", "\\ge"):
                low = None if number is None else float(number)
            elif op in ("<", "\\le"):
                high = None if number is None else float(number)
            elif op == "\\ne":
                nonzero = True
    return low, high, nonzero


def _bound_scalar(roles: Roles, item: Item, name: s.Name, low: float | None, high: float | None, nonzero: bool) -> bool:
    key, indices = head_key(name, roles.letters, roles.environment, item.place)
    if key in roles.letters and not indices:
        return True
    binding = roles.environment.find(key, name.font, item.place)
    if binding is not None and binding.kind == "size":
        return True
    if binding is None or (
        binding.kind in ("variable", "family")
        and binding.place.scopes != item.place.scopes
        and item.cue in DEFINING
        and binding.type == SCALAR
    ):
        if nonzero or binding is None and item.cue != "define" and _headed(roles, item, name):
            return False
        kind = "family" if indices else "variable"
        known = {k: v for k, v in roles.ranges_at(item).items() if k in {spell(i) for i in indices}}
        binding = roles.environment.add(
            Binding(key, name.font, spell(name), kind, item.place, SCALAR, indices=indices, ranges=known)
        )
    if binding.kind == "variable" and binding.type is not None and binding.type.rank and low is not None:
        if binding.place.sentence != item.place.sentence:
            # “For x > 0” after a vector x: a number of that name, as far as one can tell.
            number = Domain(low, high)
            place = item.place
            roles.environment.add(
                Binding(key, name.font, spell(name), "variable", place, SCALAR, number, declared=False)
            )
            return True
    if binding.kind not in ("variable", "family"):
        return False
    if item.cue in CONDITIONAL and binding.place.sentence != item.place.sentence:
        return False
    lowest = low if low is not None else binding.domain.low
    highest = high if high is not None else binding.domain.high
    if lowest is not None and highest is not None and lowest >= highest:
        return False
    properties = binding.domain.properties | ({"nonzero"} if nonzero else set())
    binding.domain = Domain(
        low if low is not None else binding.domain.low,
        high if high is not None else binding.domain.high,
        frozenset(properties),
    )
    return True
