"""Members of families as inputs of their own: what layer l computes takes the weights of that layer, and no l."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.model.definitions import Symbol
from lemmata.program import build
from lemmata.program.graph import nodes, substitute
from lemmata.program.node import Axis, Node

Input = tuple[Symbol, Node, tuple[Axis, ...]]


class Member(Struct, frozen=True):
    """Which member of a family an input is."""

    family: Symbol
    places: tuple[tuple[str, Size], ...]
    """For each of the leading axes that are gone, the index that tells the place along it, and what is added to it."""


def taken_out(
    roots: list[Node], count: int, inputs: Sequence[Input], indices: set[str], whole: set[str]
) -> tuple[list[Node], list[Input], dict[str, list[tuple[str, Fraction]]]]:
    """(the program, its inputs, the place of each member), where a family is used at one member only.

    The first `count` roots are the program; `indices` are parameters, `whole` families that must stay.
    """
    members: dict[str, list[tuple[str, Fraction]]] = {}
    found = []
    for symbol, node, axes in inputs:
        while symbol.variable.family and symbol.variable.key not in whole:
            users = [n for n in nodes(*roots[:count]) if node in n.args]
            places = {_place(n, node, axes[0], indices) for n in users}
            place = places.pop() if len(places) == 1 else None
            if place is None:
                break
            members.setdefault(symbol.name, []).append(place)
            own, axes = build.input(symbol.name, axes[1:], node.dtype), axes[1:]
            replaced = {n: own for n in nodes(*roots) if node in n.args and _place(n, node, n.attr("axis"), indices)}
            roots = [substitute(r, replaced) for r in roots]
            symbol, node = _smaller(symbol), own
        found.append((symbol, node, axes))
    present = {n.uid for n in nodes(*roots[:count])}
    gone = {name for places in members.values() for name, _ in places}
    kept = [(x, n, axes) for x, n, axes in found if x.name not in gone or n.uid in present]
    return roots, kept, members


def _place(user: Node, family: Node, axis: Axis, indices: set[str]) -> tuple[str, Fraction] | None:
    """The index that says which member a node takes, and what is added to it."""
    if user.op != "take" or user.args[0] is not family or user.attr("axis") != axis:
        return None
    shift, node = Fraction(0), user.args[1]
    while node.op in ("add", "sub"):
        left, right = node.args
        value = build.literal(right)
        if value is None and node.op == "add":
            left, value = right, build.literal(left)
        if not isinstance(value, int | Fraction):
            return None
        shift, node = shift + (value if node.op == "add" else -value), left
    if node.op != "input" or node.axes or node.attr("name") not in indices:
        return None
    return str(node.attr("name")), shift


def _smaller(symbol: Symbol) -> Symbol:
    """A family without its first axis."""
    variable = symbol.variable
    own = replace(variable, type=Tensor(variable.type.shape[1:], dtype=variable.type.dtype), family=variable.family - 1)
    return Symbol(symbol.name, own, symbol.shape[1:])
