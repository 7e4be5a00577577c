"""Symbols that get a value after something was written in them: a loss of logits z, and then z = Wx + b."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.heads import in_numbers, mentions
from lemmata.elaborate.losses import key_of, keys_in
from lemmata.elaborate.names import walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.references import refer
from lemmata.elaborate.solver import Unreadable


def settle_values(r: Reader, items: Sequence[s.Expr]) -> None:
    """Where what is differentiated does not mention the variable, a later value of one of its symbols may.

    The gradient by W then goes through z; the one by z takes z as the free symbol it was.
    """
    for item in items:
        for node in walk(item):
            if isinstance(node, s.Derivative) and node.numerator is not None and len(node.wrt) == 1:
                _settle(r, node.numerator, node.wrt[0][0])


def _settle(r: Reader, numerator: s.Expr, variable: s.Expr) -> None:
    ahead = Reader(r.shared.scratch(), r.place)
    try:
        of, wrt = ahead.term(numerator), ahead.term(variable)
    except Unreadable:
        return
    key, inside = key_of(wrt), keys_in(of)
    pairs = [] if key is None else _given_later(r, inside)
    for free, valued in pairs:
        if key in inside or f"{valued.key}#{valued.uid}" == key:
            continue
        try:
            value = Reader(r.shared.scratch(), r.place).at(valued.place, {}).term(_body(valued))
        except Unreadable:
            continue
        if key in keys_in(value):
            r.shared.assigned[free.uid] = _body(valued)
            r.shared.values[valued.uid] = refer(r, free)
            return
    for free, valued in pairs:  # the value may be meant all the same, so this never refutes
        r.shared.values[valued.uid] = refer(r, free)
        r.shared.borrowed.append(valued.latex)


def _body(binding: Binding) -> s.Expr:
    assert binding.body is not None
    return binding.body


def _given_later(r: Reader, inside: set[str]) -> list[tuple[Binding, Binding]]:
    """(the symbol as declared, its later value) for the symbols that something is written in."""
    found = []
    environment, scopes = r.shared.environment, r.place.scopes
    for key in environment.keys():
        bindings = environment.all(key)
        for free in bindings:
            if free.kind != "variable" or f"{key}#{free.uid}" not in inside or free.law is not None:
                continue
            for valued in bindings:
                if (
                    valued.kind == "definition"
                    and valued.body is not None
                    and not valued.indices
                    and not valued.literal
                    and valued.only_in is None
                    and free.place.at < valued.place.at < r.place.at
                    and valued.place.scopes == scopes[: len(valued.place.scopes)]
                    and free.place.scopes == scopes[: len(free.place.scopes)]
                    and free.font == valued.font
                    and not mentions(valued.body, key)
                    and not in_numbers(valued.body, ())
                ):
                    found.append((free, valued))
    return found
