"""Attention in programs: a softmax of scaled scores q kᵀ, masked or not, contracted with values."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lemmata.operations import call
from lemmata.operations.pattern import hidden, is_call, opened, position, positions
from lemmata.program import build
from lemmata.program.node import Axis, Node


class Scores(Struct, frozen=True):
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
    if not fields or scores.feature in _axes(mask):
        return None
    single = Axis.fresh("query", 1)
    if not queries:
        q = build.broadcast(q, [single])
    query, value = _query(queries, mask) if queries else single, fields[-1]
    causal = mask is not None and _is_causal(mask, query, key)
    names: dict[str, object] = {"query": query, "key": key, "feature": scores.feature, "value": value, "causal": causal}
    args = [q, k, v, scores.scale, *([mask] if mask is not None and not causal else [])]
    found = call("attention", args, **names)
    return found if queries else build.take(found, single, build.constant(0))


def _query(candidates: Sequence[Axis], mask: Node | None) -> Axis:
    """Of the axes of q alone, the one that a mask runs along, else the longest; the others are batch axes."""
    masked = [a for a in candidates if a in _axes(mask)]
    return max(reversed(masked or candidates), key=lambda a: a.size)


def grouped(node: Node) -> Node | None:
    """Attention with heads of k and v that are repeated side by side, as attention in groups."""
    names = dict(node.attr("attrs"))
    if node.attr("name") != "attention" or "groups" in names:
        return None
    q, k, v = (opened(x) for x in node.args[:3])
    if k.op != "take" or v.op != "take" or len(k.args[1].axes) != 1:
        return None
    heads, groups = k.args[1].axes[0], k.attr("axis")
    if heads not in node.axes or v.args[1].axes != (heads,) or v.attr("axis").size != groups.size:
        return None
    if heads.size % groups.size or {heads} & {*k.args[0].axes, *v.args[0].axes} or groups in node.axes:
        return None
    share = heads.size // groups.size
    if any(positions(n.args[1]) != [i // share for i in range(heads.size)] for n in (k, v)):
        return None
    own = v.args[0] if v.attr("axis") == groups else build.rename(v.args[0], {v.attr("axis"): groups})
    q = build.broadcast(node.args[0], [heads])
    args = [q, k.args[0], own, *node.args[3:-1]]
    return call("attention", args, **{**names, "heads": heads, "groups": groups})


def _axes(node: Node | None) -> tuple[Axis, ...]:
    return () if node is None else node.axes


def _scores(node: Node, key: Axis) -> Scores | None:
    """Scores in a node with the key axis: a product of queries and keys, scaled, masked, in any order."""
    node = opened(node)
    match node.op:
        case "contract":
            return _product(node, key)
        case "neg":
            return _scaled(_scores(node.args[0], key), "mul", build.constant(-1), key)
        case "mul" | "div":
            for x, factor in (node.args, node.args[::-1]) if node.op == "mul" else (node.args,):
                found = _scores(x, key) if factor.dtype in ("int", "real") else None
                if found is not None:
                    return _scaled(found, node.op, factor, key)
        case "add":
            for x, mask in (node.args, node.args[::-1]):
                found = _scores(x, key)
                if found is not None:
                    return _masked(found, mask)
        case "sub":
            return _masked(_scores(node.args[0], key), build.unary("neg", node.args[1]))
        case "select":
            condition, x, y = node.args
            zero = build.constant(0)
            if hidden(y):
                return _masked(_scores(x, key), build.select(condition, zero, y))
            if hidden(x):
                return _masked(_scores(y, key), build.select(condition, x, zero))
    return None


def _scaled(found: Scores | None, op: str, factor: Node, key: Axis) -> Scores | None:
    """A number scales the scores; what runs along queries or keys alone scales these."""
    if found is None:
        return None
    mask = None if found.mask is None else build.binary(op, found.mask, factor)
    if not factor.axes:
        return replace(found, scale=build.binary(op, found.scale, factor), mask=mask)
    if found.feature in factor.axes:
        return None
    if key not in factor.axes:
        return replace(found, q=build.binary(op, found.q, factor), mask=mask)
    if set(factor.axes) <= set(found.k.axes):
        return replace(found, k=build.binary(op, found.k, factor), mask=mask)
    return None


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
        if argument.axes:
            scale, argument = _unscaled(scale, argument)
            sides[key in argument.axes].append(argument)
        else:
            scale = build.binary("mul", scale, argument)
    if not sides[0] or not sides[1] or node.dtype == "complex":
        return None
    both = set(build.union(sides[0])) & set(build.union(sides[1]))
    shared = [a for a in over if a in both]
    if len(shared) != 1:
        return None
    q, k = (_alone(side, [a for a in over if a not in both]) for side in sides)
    return Scores(q, k, shared[0], scale)


def _unscaled(scale: Node, node: Node) -> tuple[Node, Node]:
    """Numbers that multiply or divide a factor of the scores belong to their scale."""
    while True:
        inner = opened(node)
        if inner.op == "mul" and any(not a.axes for a in inner.args):
            number, node = inner.args if not inner.args[0].axes else inner.args[::-1]
            scale = build.binary("mul", scale, number)
        elif inner.op == "div" and not inner.args[1].axes:
            node, number = inner.args
            scale = build.binary("div", scale, number)
        else:
            return scale, node


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
