"""Activation functions in programs: GELU by the error function or the normal distribution, and by its tanh."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lemmata.operations import call
from lemmata.operations.gelu_tanh import CUBIC
from lemmata.operations.pattern import factors, is_call, numeric, opened, sole
from lemmata.program import build
from lemmata.program.node import Node


def activation(node: Node) -> Node | None:
    """½ (1 + erf(x/√2)), x Φ(x), x/2 (1 + erf(x/√2)), x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    number, parts = factors(node)
    for place, part in enumerate(parts):
        others = parts[:place] + parts[place + 1 :]
        if is_call(part, "normal_cdf"):
            if others and _same(factors(part.args[0]), (number, others)):
                return call("gelu", [part.args[0]])
            continue
        bend = sole(part, "add", 1)
        if bend is None:
            continue
        if bend.op == "erf":
            scale, inside = factors(bend.args[0])
            z = (scale * math.sqrt(2), inside)
            if not others and _close(number, 0.5):
                return call("normal_cdf", [_product(*z)])
            if others and _same(z, (2 * number, others)):
                return call("gelu", [_product(*z)])
        elif bend.op == "tanh" and others and _is_bend(bend.args[0], 2 * number, others):
            return call("gelu_tanh", [_product(2 * number, others)])
    return None


def _is_bend(node: Node, number: float, x: Sequence[Node]) -> bool:
    """√(2/π) (x + 0.044715 x³), or with x outside the brackets."""
    scale, parts = factors(node)
    if len(x) != 1 or not _close(number, 1) or not _close(scale, math.sqrt(2 / math.pi)):
        return False
    inside = [p for p in parts if p is not x[0]]
    if len(inside) != 1 or inside[0].op != "add":
        return False
    power = 3 if len(parts) == 1 else 2
    for first, second in (inside[0].args, inside[0].args[::-1]):
        start = first is x[0] or opened(first) is x[0] if power == 3 else numeric(first) == 1
        if start and _is_power(second, x[0], power) and len(parts) == 4 - power:
            return True
    return False


def _is_power(node: Node, x: Node, exponent: int) -> bool:
    """0.044715 x to the exponent."""
    number, parts = factors(node)
    count = 0.0
    for part in parts:
        base, own = (part.args[0], numeric(part.args[1])) if part.op == "pow" else (part, 1.0)
        if part.op == "square":
            base, own = part.args[0], 2.0
        if opened(base) is not x or own is None:
            return False
        count += own
    return count == exponent and _close(number, float(CUBIC))


def _same(a: tuple[float, Sequence[Node]], b: tuple[float, Sequence[Node]]) -> bool:
    return _close(a[0], b[0]) and sorted(n.uid for n in a[1]) == sorted(n.uid for n in b[1])


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-12)


def _product(number: float, parts: Sequence[Node]) -> Node:
    result = build.constant(1) if _close(number, 1) else build.constant(number)
    for part in parts:
        result = build.binary("mul", result, part)
    return result
