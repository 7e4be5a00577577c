"""Families given step by step: their first values, and equations that restate a member already given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lemmata.elaborate import surface as s
from lemmata.elaborate.bounds import DEFINING
from lemmata.elaborate.declarations import number_of
from lemmata.elaborate.environment import Binding, Place
from lemmata.elaborate.heads import Head
from lemmata.elaborate.names import digits, script_items, stem, walk
from lemmata.elaborate.patterns import covered, letters

if TYPE_CHECKING:
    from lemmata.elaborate.roles import Item, Roles


def first_value(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """m_0 = v_0 = 0: first values of families."""
    *names, value = expr.items
    found: list[tuple[str, s.Expr]] = []
    for name in names:
        if not isinstance(name, s.Name) or name.sup is not None:
            return False
        items = script_items(name.sub)
        if len(items) != 1 or not isinstance(items[0], s.Num):
            return False
        bound = [b for b in roles.environment.all(stem(name)) if b.indices]
        later = any(b.indices for b in bound)
        if not later and item.cue not in ("assume", "condition", "define", "where", "none"):
            return False
        if not later and (number_of(value) is None or not _runs(roles, stem(name))):
            return False
        if not _earliest(roles, stem(name), items[0]) or given(roles, item, name, items, value):
            return False
        found.append((stem(name), items[0]))
    for key, number in found:
        roles.first_values.append((key, number, value, item.place))
    item.role, item.kind = "definition", "first value"
    return bool(found)


def _runs(roles: Roles, key: str) -> bool:
    """Whether the document takes the name at a letter somewhere, so that it may be a family: not β_1, β_2 alone."""
    return any(
        isinstance(n, s.Name) and stem(n) == key and n.sub is not None and not isinstance(n.sub, s.Num)
        for item in roles.items
        for n in walk(item.part.expr)
    )


def _earliest(roles: Roles, key: str, number: s.Expr) -> bool:
    """Whether the recurrence starts later than this index, so that its value is free to be given."""
    return isinstance(number, s.Num) and number.value <= 0 or not any(b.stepwise for b in roles.environment.all(key))


def given(roles: Roles, item: Item, name: s.Name, items: tuple[s.Expr, ...], value: s.Expr | None = None) -> bool:
    """θ_1 = 1 where θ_j has a formula in sizes for every j, η_0 = η_max where η_t has any: a claim about it."""
    before = roles.environment.visible_before(stem(name), name.font, item.place)
    return (
        before is not None
        and before.kind == "definition"
        and bool(before.indices)
        and before.body is not None
        and not before.stepwise
        and item.cue in ("none", "claim")
        and not any(isinstance(n, s.Name) and stem(n) == stem(name) and not _worded(n) for n in walk(before.body))
        and covered((before.indices,), items)
        and (value is not None and number_of(value) is None or closed_formula(roles, before))
    )


def entry(roles: Roles, item: Item, head: Head, body: s.Expr) -> bool:
    """A_{12} = 1 where A is a matrix with a value that does not itself speak of A_{12}: a claim about that entry."""
    items = script_items(head.name.sub)
    items = (digits(items[0]) or items) if len(items) == 1 else items
    base = roles.environment.visible_before(stem(head.name), head.font, item.place)
    return (
        len(items) == 2
        and all(isinstance(i, s.Num) for i in items)
        and item.cue not in DEFINING
        and base is not None
        and base.kind == "definition"
        and not base.indices
        and base.body is not None
        and not any(isinstance(n, s.Name) and n.base == head.name.base and n.sub for n in walk(base.body))
        and roles.rank(base) == 2
        and _number_by_form(roles, item, body)
    )


def _number_by_form(roles: Roles, item: Item, body: s.Expr) -> bool:
    """Whether the right side is a number however it is read: A_{12} = B C^⊤ may speak of blocks."""
    return not any(
        isinstance(n, s.Name)
        and n.sub is None
        and (b := roles.environment.find(stem(n), n.font, item.place)) is not None
        and b.kind not in ("size", "function", "abstract")
        and roles.rank(b) != 0
        for n in walk(body)
    )


def _worded(name: s.Name) -> bool:
    """α_{\\min}: another symbol than the members α_t."""
    return isinstance(name.sub, s.Name) and name.sub.word


def closed_formula(roles: Roles, binding: Binding) -> bool:
    """Whether a family's members are numbers that the index and sizes alone determine: ω_i = 10000^{-2i/d}."""
    body, own = binding.body, letters(binding.indices)
    if body is None or any(isinstance(n, s.Words | s.Unread | s.Derivative | s.Expectation) for n in walk(body)):
        return False
    for node in walk(body):
        if not isinstance(node, s.Name) or node.base.startswith("\\pi") or stem(node) in own or node.base == "e":
            continue
        found = roles.environment.find(stem(node), node.font, binding.place)
        if found is None or found.kind != "size":
            return False
    return True


def restates(roles: Roles, item: Item, before: Binding, head: Head, body: s.Expr) -> bool:
    """Whether an equation speaks of members that an earlier definition gives, so that it claims.

    A further clause in the same formula, or under “let”, defines; so does a recurrence in new symbols, which is another
    method, and a first member that nothing earlier leads to.
    """
    if item.cue not in ("none", "claim", "where") or before.place.at == item.place.at or before.body is None:
        return False
    if isinstance(before.body, s.Num) or not covered((before.indices, *(p for p, _ in before.clauses)), head.indices):
        return False
    if not before.stepwise:
        return True
    (index,) = head.indices
    if isinstance(index, s.Num):
        lower = [n for k, n, _, _ in roles.first_values if k == head.key and isinstance(n, s.Num)]
        return any(n.value < index.value for n in lower) or any(
            isinstance(n, s.Name) and stem(n) == head.key for n in walk(body)
        )
    return symbols(roles, body, item.place, head) <= symbols(roles, before.body, before.place, head)


def symbols(roles: Roles, expr: s.Expr, place: Place, head: Head) -> set[str]:
    """The symbols that an expression comes down to once definitions are put in; indices and sizes do not count."""
    found: set[str] = set()
    pending: list[tuple[s.Expr, Place]] = [(expr, place)]
    seen: set[int] = set()
    while pending:
        part, here = pending.pop()
        for node in walk(part):
            if not isinstance(node, s.Name) or stem(node) == head.key or node.word:
                continue
            if stem(node) in roles.letters | roles.shared.conventions.step_letters or node.base in ("I", "0", "1", "T"):
                continue
            bound = roles.environment.family(stem(node), here) or roles.environment.find(stem(node), node.font, here)
            if bound is not None and bound.kind == "size":
                continue
            if bound is not None and bound.body is not None:
                if bound.uid not in seen:
                    seen.add(bound.uid)
                    pending.append((bound.body, bound.place))
                continue
            found.add(stem(node))
    return found
