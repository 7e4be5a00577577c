"""Attention in programs: a softmax of scaled scores q kᵀ, masked or not, contracted with values."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lemmata.operations import call
from lemmata.operations.pattern import hidden, is_call, opened, position
from lemmata.program import build
from lemmata.program.node import Axis, Node


@dataclass(frozen=True, slots=True)
class Scores:
    """scale · q kᵀ + mask."""

    q: Node
    k: Node
    feature: Axis
    scale: Node
    mask: Node | None = None


def attention(node: Node) -> Node | None:
    """The attention call that a contraction with a softmax is."""
    over = node.attr("over")
    for place, argument in enumerate(node.args):
        weights = opened(argument)
        if not is_call(weights, "softmax"):
            continue
        key = dict(weights.attr("attrs"))["axis"]
        others = [a for n, a in enumerate(node.args) if n != place]
        values, rest = [a for a in others if key in a.axes], [a for a in others if key not in a.axes]
        if key not in over or not values:
            continue
        scores = _scores(weights.args[0], key)
        if scores is None:
            continue
        v = values[0] if len(values) == 1 else build.contract(values, [])
        found = _call(scores, v, key)
        if found is None:
            continue
        remaining = [a for a in over if a != key]
        return build.contract([found, *rest], remaining) if rest or remaining else found
    return None


def _call(scores: Scores, v: Node, key: Axis) -> Node | None:
    q, k, mask = scores.q, scores.k, scores.mask
    queries = [a for a in q.axes if a not in k.axes and a not in v.axes and a != scores.feature]
    fields = [a for a in v.axes if a not in q.axes and a not in k.axes and a not in (key, *_axes(mask))]
    if scores.feature in v.axes and scores.feature not in _axes(mask):
        fields.append(scores.feature)
    if not queries or not fields or scores.feature in _axes(mask):
        return None
    query, value = queries[-1], fields[-1]
    causal = mask is not None and _is_causal(mask, query, key)
    args = [q, k, v, scores.scale, *([mask] if mask is not None and not causal else [])]
    return call("attention", args, query=query, key=key, feature=scores.feature, value=value, causal=causal)


def _axes(node: Node | None) -> tuple[Axis, ...]:
    return () if node is None else node.axes


def _scores(node: Node, key: Axis) -> Scores | None:
    """Scores in a node with the key axis: a product of queries and keys, scaled, masked, in any order."""
    node = opened(node)
    match node.op:
        case "contract":
            return _product(node, key)
        case "mul" | "div":
            for x, factor in (node.args, node.args[::-1]) if node.op == "mul" else (node.args,):
                if not factor.axes and factor.dtype in ("int", "real"):
                    return _scaled(_scores(x, key), node.op, factor)
        case "add":
            for x, mask in (node.args, node.args[::-1]):
                found = _scores(x, key)
                if found is not None and set(mask.axes) <= set(x.axes):
                    return _masked(found, mask)
        case "select":
            condition, x, y = node.args
            zero = build.constant(0)
            if hidden(y):
                return _masked(_scores(x, key), build.select(condition, zero, y))
            if hidden(x):
                return _masked(_scores(y, key), build.select(condition, x, zero))
    return None


def _scaled(found: Scores | None, op: str, factor: Node) -> Scores | None:
    if found is None:
        return None
    mask = None if found.mask is None else build.binary(op, found.mask, factor)
    return replace(found, scale=build.binary(op, found.scale, factor), mask=mask)


def _masked(found: Scores | None, mask: Node) -> Scores | None:
    if found is None:
        return None
    return replace(found, mask=mask if found.mask is None else build.binary("add", found.mask, mask))


def _product(node: Node, key: Axis) -> Scores | None:
    """Arguments with the key axis make the keys, the others the queries; what both share and sum is the feature."""
    over = node.attr("over")
    scale: Node = build.constant(1)
    sides: tuple[list[Node], list[Node]] = ([], [])
    for argument in node.args:
        if not argument.axes:
            scale = build.binary("mul", scale, argument)
        else:
            sides[key in argument.axes].append(argument)
    if not sides[0] or not sides[1] or node.dtype == "complex":
        return None
    both = set(build.union(sides[0])) & set(build.union(sides[1]))
    shared = [a for a in over if a in both]
    if len(shared) != 1:
        return None
    q, k = (_alone(side, [a for a in over if a not in both]) for side in sides)
    return Scores(q, k, shared[0], scale)


def _alone(side: list[Node], over: list[Axis]) -> Node:
    """The product of one side, summed over axes that only this side has."""
    own = [a for a in over if a in build.union(side)]
    return build.contract(side, own) if len(side) > 1 or own else side[0]


def _is_causal(mask: Node, query: Axis, key: Axis) -> bool:
    """0 where the key does not come after the query, −∞ elsewhere."""
    mask = opened(mask)
    if mask.op != "select" or set(mask.axes) != {query, key}:
        return False
    condition, x, y = mask.args
    condition = opened(condition)
    if condition.op not in ("le", "ge", "lt", "gt"):
        return False
    first, second = position(condition.args[0]), position(condition.args[1])
    if first is None or second is None or first[1] != second[1]:
        return False
    seen = {("le", key, query), ("ge", query, key)}
    unseen = {("gt", key, query), ("lt", query, key)}
    found = (condition.op, first[0], second[0])
    if found in seen:
        return build.literal(x) == 0 and hidden(y)
    return found in unseen and hidden(x) and build.literal(y) == 0
