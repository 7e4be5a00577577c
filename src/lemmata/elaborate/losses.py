"""Losses that occur only differentiated: some smooth function of the latest of what they are differentiated by."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.core import terms as t
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable


def settle_losses(r: Reader, items: Sequence[s.Expr]) -> None:
    """In ∂L/∂x = (…) ∂L/∂z with z = g(x), and L a loss that says nothing of either, L is a function of z."""
    by_loss: dict[int, tuple[Binding, list[s.Expr]]] = {}
    for item in items:
        for node in walk(item):
            if isinstance(node, s.Derivative) and isinstance(node.numerator, s.Name) and len(node.wrt) == 1:
                loss = node.numerator
                bound = r.shared.environment.find(stem(loss), loss.font, r.place)
                if bound is not None and bound.kind == "through" and loss.sub is None:
                    by_loss.setdefault(bound.uid, (bound, []))[1].append(node.wrt[0][0])
    for uid, (bound, variables) in by_loss.items():
        latest = _latest(r, bound, variables)
        if latest is not None:
            r.shared.through[uid] = latest


def _latest(r: Reader, bound: Binding, variables: list[s.Expr]) -> s.Expr | None:
    """The variable that depends on all the others, where the loss as declared depends on none of them."""
    ahead = Reader(r.shared.scratch(), r.place)
    try:
        values = [ahead.term(v) for v in variables]
        assert bound.through is not None
        declared = ahead.at(bound.place, {}).term(bound.through)
    except Unreadable:
        return None
    keys = [key_of(v) for v in values]
    if None in keys or any(k in keys_in(declared) for k in keys):
        return None
    for variable, value in zip(variables, values, strict=True):
        if isinstance(value, t.Defined) and all(k in keys_in(value) for k in keys):
            return variable
    return None


def key_of(term: t.Term) -> str | None:
    match term:
        case t.Input(variable=variable):
            return variable.key
        case t.Defined(key=key):
            return key
    return None


def keys_in(term: t.Term) -> set[str]:
    """Keys of everything that a term is made of, itself included."""
    return {key for part in t.walk([term]) if (key := key_of(part)) is not None}
