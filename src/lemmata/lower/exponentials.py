"""Expectations of exponentials, cosines and sines of affine functions of independent standard normal variables.

𝔼 exp(a + b·ω) = exp(a + ‖b‖²/2) and 𝔼 cos(a + b·ω) = cos(a) exp(-‖b‖²/2), whatever the number of variables; sums of
such terms with coefficients that are not random follow. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from lemmata.program import build
from lemmata.program.graph import nodes, substitute
from lemmata.program.node import Axis, Node

POWERS: dict[str, int | Fraction] = {"square": 2, "reciprocal": -1, "sqrt": Fraction(1, 2)}


def mean(body: Node, axes: Sequence[Axis], degree: Callable[[Node], float]) -> Node | None:
    """The expectation over the outcome axes of standard normal variables; None where the body is of another kind.

    `degree`: of a node as a polynomial in the outcomes, infinite where it is none.
    """
    outcomes = [n for a in axes for n in nodes(body) if n.op == "array" and n.axes == (a,)]
    if len(outcomes) != len(axes):
        return None
    return _Mean(frozenset(axes), tuple(outcomes), degree).of(body)


class _Mean:
    def __init__(self, axes: frozenset[Axis], outcomes: tuple[Node, ...], degree: Callable[[Node], float]) -> None:
        self.axes = axes
        self.outcomes = outcomes
        self.degree = degree

    def random(self, node: Node) -> bool:
        return any(a in self.axes for a in node.axes)

    def of(self, node: Node) -> Node | None:
        if not self.random(node):
            return node
        drawn = [a for a in node.args if self.random(a)]
        alone = self.of(drawn[0]) if len(drawn) == 1 and node.op in ("neg", "mul", "contract", "sum") else None
        if alone is not None:
            return self._linear(node, drawn[0], alone)
        match node.op:
            case "add" | "sub":
                left, right = (self.of(a) for a in node.args)
                return None if left is None or right is None else build.binary(node.op, left, right)
            case "div" if not self.random(node.args[1]):
                above = self.of(node.args[0])
                return None if above is None else build.binary("div", above, node.args[1])
            case "cos" | "sin":
                found = self._affine(node.args[0])
                if found is None:
                    return None
                at_zero, half = found
                return build.binary("mul", build.unary(node.op, at_zero), build.unary("exp", build.unary("neg", half)))
        return self._exponential(node)

    def _linear(self, node: Node, drawn: Node, mean: Node) -> Node | None:
        """The mean of what is linear in its only random argument."""
        if node.op == "sum" and any(a in self.axes for a in drawn.axes if a not in node.axes):
            return None
        return substitute(node, {drawn: build.broadcast(mean, _without(drawn.axes, self.axes))})

    def _exponential(self, node: Node) -> Node | None:
        found = self._logarithm(node)
        affine = None if found is None else self._affine(found[1])
        if found is None or affine is None:
            return None
        return build.binary("mul", found[0], build.unary("exp", build.binary("add", *affine)))

    def _logarithm(self, node: Node) -> tuple[Node, Node] | None:
        """(c, g) with node = c exp(g) and c not random."""
        if not self.random(node):
            return node, build.constant(0)
        if node.op == "exp":
            return build.constant(1), node.args[0]
        if node.op == "pow" and not self.random(node.args[0]):
            base, power = node.args
            if base.op == "special" and base.attr("name") == "e":
                return build.constant(1), power
            return build.constant(1), build.binary("mul", power, build.unary("log", base))
        if node.op in ("mul", "div"):
            left, right = (self._logarithm(a) for a in node.args)
            if left is None or right is None:
                return None
            op = "add" if node.op == "mul" else "sub"
            return build.binary(node.op, left[0], right[0]), build.binary(op, left[1], right[1])
        exponent: int | Fraction | None = POWERS.get(node.op)
        if node.op == "pow" and not self.random(node.args[1]):
            given = build.literal(node.args[1])
            exponent = given if isinstance(given, int | Fraction) else None
        inner = self._logarithm(node.args[0]) if exponent is not None else None
        if inner is None or exponent is None:
            return None
        times = build.constant(exponent)
        return build.binary("pow", inner[0], times), build.binary("mul", times, inner[1])

    def _affine(self, node: Node) -> tuple[Node, Node] | None:
        """(a, ‖b‖²/2) of a + b·ω."""
        if self.degree(node) > 1:
            return None
        nothing = {x: build.constant(0) for x in self.outcomes}
        at_zero = substitute(node, nothing)
        half = build.constant(0)
        for x in self.outcomes:
            slope = build.binary("sub", substitute(node, {**nothing, x: build.constant(1)}), at_zero)
            half = build.binary("add", half, build.binary("div", build.unary("square", slope), build.constant(2)))
        return at_zero, half


def _without(axes: Sequence[Axis], dropped: frozenset[Axis]) -> tuple[Axis, ...]:
    return tuple(a for a in axes if a not in dropped)
