"""Linear layers of the same rows, such as queries, keys and values, as one matrix product."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lemmata.backends.torch_layout import Kind, Rule, as_tensor, rearrange
from lemmata.program.node import Node

ROWS = 64
"""Of fewer rows, putting weights side by side takes longer than the product."""


def beside(moving: Sequence[Node], reads: Callable[[Node], tuple[Node, ...]]) -> tuple[list[Node], list[list[Node]]]:
    """The steps in an order, and the groups of them, such that everything a group reads comes before its first.

    `moving`: the steps, arguments before what reads them. `reads`: what a step reads.
    """
    candidates: dict[tuple[int, int], list[Node]] = {}
    for node in moving:
        if node.op == "call" and node.attr("name") == "linear" and node.dtype == "real":
            x, feature = node.args[0], dict(node.attr("attrs"))["feature"]
            if math.prod(a.size for a in x.axes if a != feature) >= ROWS:
                candidates.setdefault((_tensor(x).uid, x.axes.index(feature)), []).append(node)
    linear = {node.uid for group in candidates.values() for node in group}
    at = {node.uid: number for number, node in enumerate(moving)}
    early: dict[int, list[Node]] = {}
    groups: list[list[Node]] = []
    for first, *others in candidates.values():
        group = [first]
        for node in others:
            needed = _needed(reads(node)[1:], at, at[first.uid], reads)
            if not linear & {n.uid for n in needed}:
                group.append(node)
                early.setdefault(first.uid, []).extend(needed)
        if len(group) > 1:
            groups.append(group)
    order: dict[int, Node] = {}
    for node in moving:
        for one in (*sorted(early.get(node.uid, ()), key=lambda n: at[n.uid]), node):
            order.setdefault(one.uid, one)
    return list(order.values()), groups


def _tensor(node: Node) -> Node:
    """What holds the same tensor under its first names of axes."""
    while node.op == "rename":
        node = node.args[0]
    return node


def _needed(
    nodes: Sequence[Node], at: Mapping[int, int], first: int, reads: Callable[[Node], tuple[Node, ...]]
) -> list[Node]:
    """The steps from the place `first` on that these nodes rest on, themselves included."""
    found: dict[int, Node] = {}
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if at.get(node.uid, -1) >= first and node.uid not in found:
            found[node.uid] = node
            stack.extend(reads(node))
    return list(found.values())


def linear_beside(nodes: Sequence[Node]) -> Rule:
    """One product of the rows with the weights side by side; its value is a tuple, one tensor a layer.

    Takes the rows, then weights and bias of each layer.
    """
    features = [dict(n.attr("attrs"))["feature"] for n in nodes]
    rows = [tuple(a for a in n.args[0].axes if a != f) for n, f in zip(nodes, features, strict=True)]
    columns = [tuple(a for a in n.args[1].axes if a != f) for n, f in zip(nodes, features, strict=True)]
    lay_x = rearrange(nodes[0].args[0].axes, (*rows[0], features[0]))
    inner, count = features[0].size, math.prod(a.size for a in rows[0])
    widths = [math.prod(a.size for a in c) for c in columns]
    lay = [
        (rearrange(n.args[1].axes, (f, *c)), rearrange(n.args[2].axes, c))
        for n, f, c in zip(nodes, features, columns, strict=True)
    ]
    backs = [rearrange((*r, *c), n.axes) for n, r, c in zip(nodes, rows, columns, strict=True)]
    shapes = [tuple(a.size for a in (*r, *c)) for r, c in zip(rows, columns, strict=True)]
    alike = len({tuple(a.size for a in c[1:]) for c in columns}) == 1 and all(columns)

    def rule(kind: Kind, args: list[Any]) -> Any:
        given = [kind.number(as_tensor(kind, v, "real")) for v in args]
        if len({g.dtype for g in given}) > 1:
            given = [g.to(kind.dtype) for g in given]
        weights = [f(w) for (f, _), w in zip(lay, given[1::2], strict=True)]
        shifts = [f(b) for (_, f), b in zip(lay, given[2::2], strict=True)]
        if not alike:
            weights = [w.reshape(inner, width) for w, width in zip(weights, widths, strict=True)]
        whole: Tensor = torch.cat(weights, 1).reshape(inner, sum(widths))
        shift = torch.cat([b.reshape(width) for b, width in zip(shifts, widths, strict=True)])
        found = torch.addmm(shift, lay_x(given[0]).reshape(count, inner), whole).split(widths, 1)
        return tuple(back(y.reshape(s)) for back, y, s in zip(backs, found, shapes, strict=True))

    return rule


def part(number: int) -> Rule:
    """One of the values of `linear_beside`."""
    return lambda kind, args: args[0][number]
