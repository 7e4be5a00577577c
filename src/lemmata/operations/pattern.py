"""Looking at programs: factors, names, equality up to the names of axes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

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


def factors(node: Node) -> tuple[float, list[Node]]:
    """A product as a number times other factors, names of axes pushed inwards; quotients by numbers are products."""
    number, found = 1.0, list[Node]()
    stack = [node]
    while stack:
        top = opened(stack.pop())
        value = numeric(top)
        if value is not None:
            number *= value
        elif top.op == "mul" and len(found) + len(stack) < 8:
            stack.extend(reversed(top.args))
        elif top.op == "neg":
            number = -number
            stack.append(top.args[0])
        elif top.op == "div" and numeric(top.args[1]):
            number /= numeric(top.args[1]) or 1.0
            stack.append(top.args[0])
        else:
            found.append(top)
    return number, found


NUMERIC: dict[str, Callable[..., float]] = {"neg": lambda x: -x, "sqrt": math.sqrt, "exp": math.exp, "log": math.log,
           "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y, "div": lambda x, y: x / y,
           "pow": lambda x, y: x**y, "reciprocal": lambda x: 1 / x, "square": lambda x: x * x}  # fmt: skip


def numeric(node: Node, depth: int = 8) -> float | None:
    """The value of arithmetic on literal numbers, such as 1/√8."""
    if node.axes or depth == 0:
        return None
    if node.op == "special":
        return build.SPECIALS[node.attr("name")]
    value = build.literal(node)
    if value is not None:
        return None if isinstance(value, complex) else float(value)
    if node.op not in NUMERIC:
        return None
    args = [numeric(a, depth - 1) for a in node.args]
    if None in args:
        return None
    try:
        found: object = NUMERIC[node.op](*args)
    except (ValueError, ArithmeticError):
        return None
    return found if isinstance(found, float) else None


def opened(node: Node) -> Node:
    """A renamed result as the operation on renamed arguments, where that is simple; otherwise the node itself."""
    if node.op != "rename":
        return node
    inner, mapping = node.args[0], dict(node.attr("mapping"))
    if inner.op in ("contract", *build.REDUCTIONS):
        fresh = {a: Axis.fresh(a.label, a.size) for a in inner.attr("over") if a in mapping.values()}
        args = [build.rename(a, {**mapping, **fresh}) for a in inner.args]
        over = [fresh.get(a, a) for a in inner.attr("over")]
        return build.contract(args, over) if inner.op == "contract" else build.reduce(inner.op, args[0], over)
    if inner.op in POINTWISE:
        return rebuild(inner, tuple(build.rename(a, mapping) for a in inner.args))
    if inner.op == "broadcast":
        own = inner.args[0]
        return build.broadcast(build.rename(own, mapping), [mapping.get(a, a) for a in inner.axes])
    if inner.op == "take":
        axis = inner.attr("axis")
        apart = {axis: Axis.fresh(axis.label, axis.size)} if axis in mapping.values() else {}
        x, index = build.rename(inner.args[0], {**mapping, **apart}), build.rename(inner.args[1], mapping)
        return build.take(x, apart.get(axis, axis), index, inner.attr("fill"))
    if inner.op == "call":
        own_axes = {a for x in inner.args[:-1] for a in x.axes} - set(inner.axes)
        apart = {a: Axis.fresh(a.label, a.size) for a in sorted(own_axes, key=lambda a: a.uid) if a in mapping.values()}
        mapping = {**mapping, **apart}
        attrs = {k: mapping.get(v, v) if isinstance(v, Axis) else v for k, v in inner.attr("attrs")}
        return call(inner.attr("name"), [build.rename(a, mapping) for a in inner.args[:-1]], **attrs)
    return node


FINITE = {"input", "constant", "iota", "array", "rename", "broadcast", "add", "sub", "mul", "neg", "contract", "sum",
          "sin", "cos", "tanh", "erf", "max", "min", "maximum", "minimum", "square", "abs", "stack", "merge", "split",
          "concat"}  # fmt: skip


FINITE_CALLS = {"softmax", "sigmoid", "relu", "gelu", "silu", "linear", "attention"}


def finite(node: Node) -> bool:
    """Whether a value is finite wherever the inputs are, numbers too large for their type apart."""
    stack, seen = [node], set[int]()
    while stack:
        top = stack.pop()
        if top.uid in seen:
            continue
        seen.add(top.uid)
        if len(seen) > STEPS:
            return False
        if top.op == "call" and top.attr("name") in (
            "softmax",
            "sigmoid",
            "relu",
            "gelu",
            "silu",
            "linear",
            "attention",
        ):
            stack.extend(top.args[:-1])
        elif top.op == "div" and numeric(top.args[1]) or top.op == "pow" and (numeric(top.args[1]) or -1) >= 1:
            stack.append(top.args[0])
        elif top.op in FINITE or numeric(top) is not None:
            stack.extend(top.args)
        else:
            return False
    return True


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


def positions(node: Node) -> list[Fraction] | None:
    """The numbers along the one axis of a node that depends on positions alone."""
    if len(node.axes) > 1:
        return None
    count = node.axes[0].size if node.axes else 1
    match node.op:
        case "constant" if isinstance(node.attr("value"), int | Fraction):
            return [Fraction(node.attr("value"))]
        case "iota":
            return [Fraction(node.attr("start") + i) for i in range(count)]
        case "rename" | "broadcast":
            return positions(node.args[0])
        case "add" | "sub" | "mul" | "div" | "mod" | "floor" | "ceil" | "neg":
            args = [positions(a) for a in node.args]
            if None in args:
                return None
            try:
                columns = [a if len(a) == count else a * count for a in args if a is not None]
                return [Fraction(WHOLE[node.op](*row)) for row in zip(*columns, strict=True)]
            except (ZeroDivisionError, ValueError):
                return None
    return None


WHOLE: dict[str, Callable[..., Fraction | int]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "mod": operator.mod,
    "floor": math.floor, "ceil": math.ceil, "neg": operator.neg,
}  # fmt: skip


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
