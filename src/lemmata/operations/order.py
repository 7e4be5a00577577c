"""The order of products: (φ(Q) φ(K)ᵀ) V as φ(Q) (φ(K)ᵀ V) where that is cheaper."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from lemmata.operations.common import on_other
from lemmata.operations.pattern import opened
from lemmata.program import build
from lemmata.program.graph import arguments, ordered
from lemmata.program.node import Axis, Node

MOST = 6
"""Factors of one product."""
GAIN = 0.9
"""Another order must cost less than this part of the author's."""


def reordered(outputs: Sequence[Node]) -> list[Node]:
    """The same values, each product of several factors in its cheapest order if that is clearly cheaper."""
    order = ordered(outputs)
    uses = Counter(a.uid for n in order for a in arguments(n))
    uses.update(o.uid for o in outputs)
    done: dict[int, Node] = {}
    for node in order:
        done[node.uid] = on_other(node, tuple(done[a.uid] for a in arguments(node)))
        if node.op == "contract" and node.dtype == "real":
            found = _cheapest(node, uses, done)
            if found is not None:
                done[node.uid] = found
    return [done[o.uid] for o in outputs]


def _cheapest(node: Node, uses: Counter[int], done: dict[int, Node]) -> Node | None:
    factors, over, cost = _flat(node, uses, done)
    if not 2 <= len(factors) <= MOST or (len(factors) == 2 and not _lone(factors, over)):
        return None
    if any((f.args[0] if f.op == "rename" else f).op == "inv" for f in factors):
        return None  # what an inverse magnifies is rounded as the author has it
    best = _plan(factors, set(over))
    if best is None or best[0] >= GAIN * cost:
        return None
    result = best[1]
    return result if set(result.axes) == set(node.axes) else None


def _lone(factors: Sequence[Node], over: Sequence[Axis]) -> bool:
    """Whether a summed axis belongs to one factor only."""
    return any(sum(a in f.axes for f in factors) == 1 for a in over)


def _flat(node: Node, uses: Counter[int], done: dict[int, Node]) -> tuple[list[Node], list[Axis], float]:
    """The factors of products within products that nothing else uses, the axes summed, the cost as written."""
    factors: list[Node] = []
    over = list(node.attr("over"))
    cost = float(math.prod(a.size for a in build.union(node.args)))
    for argument in node.args:
        inner = argument
        alone = uses[inner.uid] == 1
        if inner.op == "rename":
            alone = alone and uses[inner.args[0].uid] == 1
            inner = opened(inner)
        if alone and inner.op == "contract" and len(node.args) + len(inner.args) <= MOST:
            gone = {a: Axis.fresh(a.label, a.size) for a in inner.attr("over")}
            over += gone.values()
            cost += math.prod(a.size for a in build.union(inner.args))
            factors += [build.rename(_current(x, done), gone) for x in inner.args]
        else:
            factors.append(done[argument.uid])
    return factors, over, cost


def _current(node: Node, done: dict[int, Node]) -> Node:
    """An argument as it is computed now; a renamed one stays renamed."""
    if node.uid in done:
        return done[node.uid]
    if node.op == "rename" and node.args[0].uid in done:
        return build.rename(done[node.args[0].uid], dict(node.attr("mapping")))
    return node


def _plan(factors: Sequence[Node], over: set[Axis]) -> tuple[float, Node] | None:
    """The cheapest order of a product of a few factors, by all ways to halve every group of them."""
    count = len(factors)
    everything = (1 << count) - 1
    axes = [set(f.axes) for f in factors]
    inside = [set[Axis]().union(*(axes[i] for i in range(count) if g >> i & 1)) for g in range(everything + 1)]
    kept = [inside[g] - (over - inside[everything & ~g]) for g in range(everything + 1)]
    cost: dict[int, float] = {}
    split: dict[int, int] = {}
    for group in sorted(range(1, everything + 1), key=int.bit_count):
        if group.bit_count() == 1:
            alone = inside[group] != kept[group]
            cost[group] = float(math.prod(a.size for a in inside[group])) if alone else 0.0
            continue
        part = (group - 1) & group
        while part:
            other = group & ~part
            if part < other:
                loop = math.prod(a.size for a in kept[part] | kept[other])
                total = cost[part] + cost[other] + loop
                if group not in cost or total < cost[group]:
                    cost[group], split[group] = total, part
            part = (part - 1) & group

    def made(group: int) -> Node:
        if group.bit_count() == 1:
            factor = factors[group.bit_length() - 1]
            gone = [a for a in factor.axes if a not in kept[group]]
            return build.reduce("sum", factor, gone) if gone else factor
        left, right = made(split[group]), made(group & ~split[group])
        return build.contract([left, right], [a for a in build.union([left, right]) if a not in kept[group]])

    return cost[everything], made(everything)
