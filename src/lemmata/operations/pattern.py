"""Looking at programs: factors, names, equality up to the names of axes."""

from __future__ import annotations

from collections.abc import Mapping

from lemmata.operations import call
from lemmata.program import build
from lemmata.program.graph import rebuild
from lemmata.program.node import Axis, Node

STEPS = 2000
"""How many pairs of nodes a comparison looks at."""
POINTWISE = build.UNARY | build.ARITHMETIC | build.COMPARISON | build.LOGIC | {"select"}


def is_call(node: Node, name: str) -> bool:
    return node.op == "call" and node.attr("name") == name


def sole(node: Node, op: str, value: int) -> Node | None:
    """The other argument of a binary operation with a literal number."""
    if node.op != op:
        return None
    for x, y in (node.args, node.args[::-1]):
        if build.literal(x) == value and not isinstance(build.literal(x), bool):
            return y
    return None


def product(node: Node) -> list[Node]:
    """The factors of a product."""
    found: list[Node] = []
    stack = [node]
    while stack:
        top = stack.pop()
        if top.op == "mul" and len(found) + len(stack) < 8:
            stack.extend(reversed(top.args))
        else:
            found.append(top)
    return found


def opened(node: Node) -> Node:
    """A renamed result as the operation on renamed arguments, where that is simple; otherwise the node itself."""
    if node.op != "rename":
        return node
    inner, mapping = node.args[0], dict(node.attr("mapping"))
    if inner.op == "contract":
        fresh = {a: Axis.fresh(a.label, a.size) for a in inner.attr("over") if a in mapping.values()}
        args = [build.rename(a, {**mapping, **fresh}) for a in inner.args]
        return build.contract(args, [fresh.get(a, a) for a in inner.attr("over")])
    if inner.op in POINTWISE:
        return rebuild(inner, tuple(build.rename(a, mapping) for a in inner.args))
    if is_call(inner, "softmax"):
        axis = dict(inner.attr("attrs"))["axis"]
        return call("softmax", [build.rename(inner.args[0], mapping)], axis=mapping.get(axis, axis))
    return node


def hidden(node: Node) -> bool:
    """Whether a node is −∞."""
    while node.op == "broadcast":
        node = node.args[0]
    if node.op == "neg":
        return node.args[0].op == "special" and node.args[0].attr("name") == "inf"
    return build.literal(node) == float("-inf")


def position(node: Node) -> tuple[Axis, int] | None:
    """(axis, first value) of the numbers along an axis."""
    names: dict[Axis, Axis] = {}
    while node.op in ("rename", "broadcast"):
        if node.op == "rename":
            names = {old: names.get(new, new) for old, new in node.attr("mapping")} | {
                a: b for a, b in names.items() if a not in dict(node.attr("mapping")).values()
            }
        node = node.args[0]
    if node.op != "iota":
        return None
    axis = node.axes[0]
    return names.get(axis, axis), int(node.attr("start"))


def alike(a: Node, b: Node, names: Mapping[Axis, Axis]) -> bool:
    """Whether b is a with its axes named otherwise, as `names` says."""
    budget = [STEPS]
    return _alike(a, b, dict(names), budget)


def _alike(a: Node, b: Node, names: dict[Axis, Axis], budget: list[int]) -> bool:
    budget[0] -= 1
    if budget[0] < 0 or {names.get(x) for x in a.axes} != set(b.axes) or None in {names.get(x) for x in a.axes}:
        return False
    if a is b and all(names[x] == x for x in a.axes):
        return True
    if "rename" in (a.op, b.op):
        return _through_names(a, b, names, budget)
    if a.op != b.op or len(a.args) != len(b.args) or a.op == "input":
        return False
    if a.op == "iota":
        return bool(a.attr("start") == b.attr("start"))
    if a.op in build.REDUCTIONS or a.op == "contract":
        over, other = a.attr("over"), b.attr("over")
        if tuple(x.size for x in over) != tuple(x.size for x in other):
            return False
        names = {k: v for k, v in names.items() if v not in other} | dict(zip(over, other, strict=True))
    elif a.op == "call":
        if a.attr("name") != b.attr("name") or not _same_attrs(a, b, names):
            return False
        return all(_alike(x, y, names, budget) for x, y in zip(a.args[:-1], b.args[:-1], strict=True))
    elif a.op == "broadcast":
        inner = b.args[0].axes
        return {names[x] for x in a.args[0].axes} == set(inner) and _alike(a.args[0], b.args[0], names, budget)
    elif a.op not in POINTWISE:
        return False
    return all(_alike(x, y, names, budget) for x, y in zip(a.args, b.args, strict=True))


def _same_attrs(a: Node, b: Node, names: dict[Axis, Axis]) -> bool:
    first, second = dict(a.attr("attrs")), dict(b.attr("attrs"))
    return first.keys() == second.keys() and all(
        (names.get(v) if isinstance(v, Axis) else v) == second[k] for k, v in first.items()
    )


def _through_names(a: Node, b: Node, names: dict[Axis, Axis], budget: list[int]) -> bool:
    inner_a, outer_a = _unnamed(a)
    inner_b, outer_b = _unnamed(b)
    back = {outer: inner for inner, outer in outer_b.items()}
    matched = {inner: back.get(names[outer]) for inner, outer in outer_a.items()}
    if None in matched.values():
        return False
    return _alike(inner_a, inner_b, {k: v for k, v in matched.items() if v is not None}, budget)


def _unnamed(node: Node) -> tuple[Node, dict[Axis, Axis]]:
    """What was renamed, and its axes to the names outside."""
    if node.op != "rename":
        return node, {a: a for a in node.axes}
    mapping = dict(node.attr("mapping"))
    return node.args[0], {a: mapping.get(a, a) for a in node.args[0].axes}
