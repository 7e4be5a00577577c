"""Parts of a program that are equal up to the names of their axes, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lemmata.operations import call
from lemmata.program import build
from lemmata.program.graph import arguments, ordered, rebuild
from lemmata.program.node import Axis, Node

COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum", "and_", "or_", "eq", "ne", "contract"})
OWN = frozenset({"input", "constant", "special", "array"})
"""Equal only to themselves."""


def on_other(node: Node, args: tuple[Node, ...]) -> Node:
    """The same operation on other arguments."""
    if node.op != "call":
        return rebuild(node, args)
    if all(a is b for a, b in zip(args, node.args, strict=False)):
        return node
    return call(node.attr("name"), args, **dict(node.attr("attrs")))


def once(outputs: Sequence[Node]) -> list[Node]:
    """The same values, with what is computed twice under other names of axes computed once and renamed."""
    kinds: dict[tuple[Any, ...], tuple[Node, tuple[Axis, ...]]] = {}
    known: dict[int, tuple[int, tuple[Axis, ...]]] = {}
    numbers: dict[tuple[Any, ...], int] = {}
    done: dict[int, Node] = {}
    for node in ordered(outputs):
        new = on_other(node, tuple(done[a.uid] for a in arguments(node)))
        if node.op == "rename":
            kind, axes = known[node.args[0].uid]
            mapping = dict(node.attr("mapping"))
            known[node.uid] = kind, tuple(mapping.get(a, a) for a in axes)
            done[node.uid] = new
            continue
        key, axes = _key(node, known)
        known[node.uid] = numbers.setdefault(key, len(numbers)), axes
        first = kinds.get(key)
        if first is None:
            kinds[key] = new, axes
        elif len(first[1]) == len(axes) and node.op != "iota":
            new = build.rename(first[0], dict(zip(first[1], axes, strict=True)))
        done[node.uid] = new
    return [done[o.uid] for o in outputs]


def _key(node: Node, known: dict[int, tuple[int, tuple[Axis, ...]]]) -> tuple[tuple[Any, ...], tuple[Axis, ...]]:
    """What equal nodes share, with axes by number, and the node's axes in the order of their numbers."""
    if node.op in OWN:
        return (node.uid,), node.axes
    args = [known[a.uid] for a in arguments(node)]
    if node.op in COMMUTATIVE:
        args.sort(key=lambda a: a[0])
    places: dict[Axis, int] = {}

    def place(value: Any) -> Any:
        if isinstance(value, Axis):
            fresh = value not in places
            number = places.setdefault(value, len(places))
            return ("axis", number, value.size) if fresh else ("axis", number)
        if isinstance(value, tuple):
            return tuple(map(place, value))
        return (type(value).__name__, value)

    parts = tuple((kind, tuple(places.setdefault(a, len(places)) for a in axes)) for kind, axes in args)
    over = node.attr("over") if node.op == "contract" else ()
    attrs = tuple(sorted(places[a] for a in over)) if over else place(node.attrs)
    rest = place(node.axes) if node.op in ("iota", "broadcast") else frozenset(places.get(a) for a in node.axes)
    return (node.op, parts, attrs, rest), tuple(sorted(node.axes, key=lambda a: places.setdefault(a, len(places))))
