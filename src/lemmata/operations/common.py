"""Common parts once: nodes of a program that are equal up to the names of their axes become one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from lemmata.operations import call
from lemmata.program import build
from lemmata.program.graph import rebuild
from lemmata.program.node import Axis, Node

Form = tuple[int, tuple[Axis, ...]]
"""A number that equal values share, and the axes in an order in which they correspond."""


def shared(outputs: Sequence[Node]) -> list[Node]:
    """The same outputs, each on the same axes, perhaps in another order.

    A definition that is used twice is lowered twice, on axes of its own; here the second use becomes the first one with
    its axes renamed.
    """
    done: dict[int, Node] = {}
    forms: dict[int, Form] = {}
    known: dict[Hashable, Node] = {}
    stack = list(reversed(outputs))
    while stack:
        node = stack[-1]
        if node.uid in done:
            stack.pop()
            continue
        args = _args(node)
        missing = [a for a in args if a.uid not in done]
        if missing:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        done[node.uid] = _first(_rebuilt(node, tuple(done[a.uid] for a in args)), forms, known)
    return [done[o.uid] for o in outputs]


def _args(node: Node) -> tuple[Node, ...]:
    return node.args[:-1] if node.op == "call" else node.args


def _rebuilt(node: Node, args: tuple[Node, ...]) -> Node:
    if all(a is b for a, b in zip(args, _args(node), strict=True)):
        return node
    return call(node.attr("name"), args, **dict(node.attr("attrs"))) if node.op == "call" else rebuild(node, args)


def _first(node: Node, forms: dict[int, Form], known: dict[Hashable, Node]) -> Node:
    """The node, or an earlier equal one with its axes renamed."""
    if node.uid in forms:
        return node
    for argument in _args(node):
        if argument.uid not in forms:
            _first(argument, forms, known)
    if node.op == "rename":
        value, axes = forms[node.args[0].uid]
        mapping = dict(node.attr("mapping"))
        forms[node.uid] = (value, tuple(mapping.get(a, a) for a in axes))
        return node
    forms[node.uid] = (node.uid, node.axes)
    if node.op == "input":
        return node
    key = _key(node, forms)
    try:
        earlier = known.setdefault(key, node)
    except TypeError:  # an attribute without a hash
        return node
    if earlier is node:
        return node
    value, axes = forms[earlier.uid]
    forms[node.uid] = (value, tuple(dict(zip(earlier.axes, node.axes, strict=True))[a] for a in axes))
    found = build.rename(earlier, dict(zip(earlier.axes, node.axes, strict=True)))
    forms[found.uid] = forms[node.uid]
    return found


def _key(node: Node, forms: dict[int, Form]) -> Hashable:
    """What two nodes share exactly if they are equal up to the names of their axes."""
    numbers: dict[Axis, int] = {}

    def local(value: Any) -> Hashable:
        if isinstance(value, Axis):
            return ("axis", numbers.setdefault(value, len(numbers)), value.size)
        if isinstance(value, tuple):
            return tuple(map(local, value))
        return (type(value).__name__, value)

    args = tuple((forms[a.uid][0], local(forms[a.uid][1])) for a in _args(node))
    return node.op, node.dtype, args, local(node.attrs), local(node.axes)
