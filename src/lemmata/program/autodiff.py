"""Reverse-mode derivatives: programs to programs, one rule per primitive."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from lemmata.program import build as b
from lemmata.program.autodiff_matrices import MATRICES
from lemmata.program.graph import depends, inputs, nodes, substitute
from lemmata.program.node import Axis, Node

__all__ = ["NoGradient", "depends", "gradient", "inputs", "jacobian", "nodes", "substitute"]

Pull = Callable[[Node, Node], list[Node | None]]
"""(node, cotangent) to one cotangent per argument."""


class NoGradient(ValueError):
    """A primitive that cannot be differentiated here."""


def gradient(output: Node, wrt: Node, seed: Node | None = None) -> Node:
    """d output / d wrt with the axes of wrt (plus those of the seed that the output lacks).

    `wrt` is any node: paths around it are held constant. Raises NoGradient.
    """
    if seed is None:
        if output.axes:
            raise NoGradient("a gradient of something that is no number")
        seed = b.constant(1)
    order = nodes(output)
    reach = {wrt.uid}
    for node in order:
        if node.uid not in reach and any(a.uid in reach for a in node.args):
            reach.add(node.uid)
    extra = tuple(a for a in seed.axes if a not in output.axes)
    total: dict[int, Node] = {output.uid: seed}
    for node in reversed(order):
        cotangent = total.get(node.uid)
        if cotangent is None or node is wrt or node.uid not in reach:
            continue
        cotangent = b.broadcast(cotangent, node.axes)
        for argument, part in zip(node.args, _pull(node, cotangent), strict=True):
            if part is None or argument.uid not in reach:
                continue
            part = _fit(part, argument, extra)
            known = total.get(argument.uid)
            total[argument.uid] = part if known is None else b.binary("add", known, part)
    found = total.get(wrt.uid)
    if found is None:
        return b.broadcast(b.constant(0), (*extra, *wrt.axes))
    return b.broadcast(found, wrt.axes)


def _fit(part: Node, argument: Node, extra: tuple[Axis, ...]) -> Node:
    """Sum a cotangent over the axes that broadcasting added."""
    surplus = [a for a in part.axes if a not in argument.axes and a not in extra]
    return b.reduce("sum", part, surplus) if surplus else part


def jacobian(output: Node, wrt: Node) -> tuple[Node, tuple[Axis, ...], tuple[Axis, ...]]:
    """(node, fresh output axes, fresh input axes): element [o, i] is d output[o] / d wrt[i]."""
    out = tuple(Axis.fresh(a.label, a.size) for a in output.axes)
    seed: Node = b.constant(1)
    for old, new in zip(output.axes, out, strict=True):
        seed = b.binary("mul", seed, _identity(old, new))
    node = gradient(output, wrt, b.broadcast(seed, output.axes))
    node = b.broadcast(node, out)
    fresh = tuple(Axis.fresh(a.label, a.size) for a in wrt.axes)
    return b.rename(node, dict(zip(wrt.axes, fresh, strict=True))), out, fresh


def _identity(a: Axis, c: Axis) -> Node:
    return b.select(b.binary("eq", b.iota(a), b.iota(c)), b.constant(1), b.constant(0))


def _pull(node: Node, g: Node) -> list[Node | None]:
    rule = RULES.get(node.op)
    if rule is None:
        raise NoGradient(f"no derivative of {node.op}")
    return rule(node, g)


def _mul(*parts: Node) -> Node:
    result = parts[0]
    for part in parts[1:]:
        result = b.binary("mul", result, part)
    return result


def _c(value: float | Fraction | int) -> Node:
    return b.constant(value)


def _one_minus(x: Node) -> Node:
    return b.binary("sub", _c(1), x)


def _sq(x: Node) -> Node:
    return b.binary("mul", x, x)


DERIVATIVES: dict[str, Callable[[Node, Node], Node]] = {
    "neg": lambda x, y: _c(-1),
    "exp": lambda x, y: y,
    "log": lambda x, y: b.binary("div", _c(1), x),
    "sqrt": lambda x, y: b.binary("div", _c(Fraction(1, 2)), y),
    "sin": lambda x, y: b.unary("cos", x),
    "cos": lambda x, y: b.unary("neg", b.unary("sin", x)),
    "tan": lambda x, y: b.binary("add", _c(1), _sq(y)),
    "sinh": lambda x, y: b.unary("cosh", x),
    "cosh": lambda x, y: b.unary("sinh", x),
    "tanh": lambda x, y: _one_minus(_sq(y)),
    "arcsin": lambda x, y: b.binary("div", _c(1), b.unary("sqrt", _one_minus(_sq(x)))),
    "arccos": lambda x, y: b.binary("div", _c(-1), b.unary("sqrt", _one_minus(_sq(x)))),
    "arctan": lambda x, y: b.binary("div", _c(1), b.binary("add", _c(1), _sq(x))),
    "erf": lambda x, y: b.binary(
        "mul", b.binary("div", _c(2), b.unary("sqrt", b.special("pi"))), b.unary("exp", b.unary("neg", _sq(x)))
    ),
    "lgamma": lambda x, y: b.unary("digamma", x),
    "abs": lambda x, y: b.unary("sign", x),
    "square": lambda x, y: b.binary("mul", _c(2), x),
    "reciprocal": lambda x, y: b.unary("neg", _sq(y)),
}


def _elementwise(node: Node, g: Node) -> list[Node | None]:
    if node.op == "abs" and node.args[0].dtype == "complex":
        raise NoGradient("no derivative of the absolute value of complex numbers")
    return [_mul(g, DERIVATIVES[node.op](node.args[0], node))]


def _zero(node: Node, g: Node) -> list[Node | None]:
    return [None for _ in node.args]


def _div(node: Node, g: Node) -> list[Node | None]:
    y = node.args[1]
    return [b.binary("div", g, y), b.unary("neg", b.binary("div", _mul(g, node), y))]


def _pow(node: Node, g: Node) -> list[Node | None]:
    x, y = node.args
    value = b.literal(y)
    if value is not None and not isinstance(value, complex):
        return [
            _mul(g, y, b.binary("pow", x, _c(Fraction(value) - 1 if not isinstance(value, float) else value - 1))),
            None,
        ]
    return [_mul(g, y, b.binary("pow", x, b.binary("sub", y, _c(1)))), _mul(g, node, b.unary("log", x))]


def _atan2(node: Node, g: Node) -> list[Node | None]:
    """d atan2(y, x) = (x dy − y dx) / (x² + y²)."""
    y, x = node.args
    part = b.binary("div", g, b.binary("add", _sq(x), _sq(y)))
    return [_mul(part, x), b.unary("neg", _mul(part, y))]


def _extremum(op: str) -> Pull:
    def pull(node: Node, g: Node) -> list[Node | None]:
        x, y = node.args
        wins = b.binary("ge" if op == "maximum" else "le", x, y)
        return [b.select(wins, g, _c(0)), b.select(wins, _c(0), g)]

    return pull


def _select(node: Node, g: Node) -> list[Node | None]:
    return [None, b.select(node.args[0], g, _c(0)), b.select(node.args[0], _c(0), g)]


def _sum(node: Node, g: Node) -> list[Node | None]:
    return [b.broadcast(g, node.attr("over"))]


def _prod(node: Node, g: Node) -> list[Node | None]:
    """Products without each factor in turn, so that zeros do no harm."""
    x, over = node.args[0], node.attr("over")
    others = tuple(Axis.fresh(a.label, a.size) for a in over)
    moved = b.rename(x, dict(zip(over, others, strict=True)))
    same: Node | None = None
    for a, c in zip(over, others, strict=True):
        equal = b.binary("eq", b.iota(a), b.iota(c))
        same = equal if same is None else b.binary("and_", same, equal)
    assert same is not None
    rest = b.reduce("prod", b.select(same, _c(1), moved), others)
    return [_mul(g, rest)]


def _argextreme(node: Node, g: Node) -> list[Node | None]:
    return [b.select(b.binary("eq", node.args[0], b.broadcast(node, node.attr("over"))), g, _c(0))]


def _contract(node: Node, g: Node) -> list[Node | None]:
    over = node.attr("over")
    found: list[Node | None] = []
    for position, argument in enumerate(node.args):
        others = [x for i, x in enumerate(node.args) if i != position]
        present = b.union([g, *others])
        summed = [a for a in present if a not in argument.axes and a in over]
        # Axes of the output that the argument lacks are summed by the caller; the contracted ones here.
        product = b.contract([g, *others], summed) if summed else _mul(g, *others)
        missing = [a for a in argument.axes if a in over and a not in present]
        found.append(b.broadcast(product, missing))
    return found


def _rename(node: Node, g: Node) -> list[Node | None]:
    mapping = {new: old for old, new in node.attr("mapping")}
    return [_rename_with(g, mapping, node.args[0])]


def _rename_with(g: Node, mapping: dict[Axis, Axis], argument: Node) -> Node:
    clash = {old for old in mapping.values() if old in g.axes and old not in mapping}
    if clash:
        raise NoGradient("a derivative along an axis that is renamed twice")
    return b.rename(g, mapping)


def _diagonal(node: Node, g: Node) -> list[Node | None]:
    a, c = node.attr("pair")
    return [_mul(b.broadcast(g, [a]), _identity(a, c))]


def _take(node: Node, g: Node) -> list[Node | None]:
    x, index = node.args
    axis = node.attr("axis")
    over = [a for a in index.axes if a not in x.axes]
    here = b.binary("eq", b.iota(axis), index)
    masked = b.select(here, b.broadcast(g, [a for a in index.axes if a not in g.axes]), _c(0))
    return [b.reduce("sum", masked, [a for a in over if a in masked.axes]), None]


def _scatter(node: Node, g: Node) -> list[Node | None]:
    return [b.take(g, node.attr("axis"), node.args[1], fill=0), None]


def _concat(node: Node, g: Node) -> list[Node | None]:
    axis, start = node.attr("axis"), 0
    found: list[Node | None] = []
    for own in node.attr("along"):
        found.append(b.take(b.broadcast(g, [axis]), axis, b.iota(own, start)))
        start += own.size
    return found


def _stack(node: Node, g: Node) -> list[Node | None]:
    axis = node.attr("axis")
    return [b.take(b.broadcast(g, [axis]), axis, _c(i)) for i in range(len(node.args))]


def _merge(node: Node, g: Node) -> list[Node | None]:
    return [b.split(b.broadcast(g, [node.attr("new")]), node.attr("new"), node.attr("axes"))]


def _split(node: Node, g: Node) -> list[Node | None]:
    return [b.merge(b.broadcast(g, node.attr("new")), node.attr("new"), node.attr("axis"))]


RULES: dict[str, Pull] = {
    **dict.fromkeys(DERIVATIVES, _elementwise),
    **dict.fromkeys(
        (
            "floor",
            "ceil",
            "sign",
            "lt",
            "le",
            "gt",
            "ge",
            "eq",
            "ne",
            "and_",
            "or_",
            "not_",
            "argmax",
            "argmin",
            "any",
            "all",
        ),
        _zero,
    ),
    "add": lambda n, g: [g, g],
    "sub": lambda n, g: [g, b.unary("neg", g)],
    "mul": lambda n, g: [_mul(g, n.args[1]), _mul(g, n.args[0])],
    "div": _div,
    "pow": _pow,
    "maximum": _extremum("maximum"),
    "minimum": _extremum("minimum"),
    "mod": lambda n, g: [g, _mul(g, b.unary("neg", b.unary("floor", b.binary("div", *n.args))))],
    "atan2": _atan2,
    "broadcast": lambda n, g: [g],
    "select": _select,
    "sum": _sum,
    "prod": _prod,
    "max": _argextreme,
    "min": _argextreme,
    "contract": _contract,
    "rename": _rename,
    "diagonal": _diagonal,
    "take": _take,
    "scatter": _scatter,
    "concat": _concat,
    "stack": _stack,
    "merge": _merge,
    "split": _split,
    **MATRICES,
    "call": lambda n, g: [*([None] * (len(n.args) - 1)), g],
}
