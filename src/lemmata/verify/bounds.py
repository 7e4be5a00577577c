"""Bounds of a program over its whole domain: intervals through every operation, rounded outwards.

An interval holds every component at every admissible input, so a comparison of two intervals is a proof. Where an
operation has no rule here the interval is the whole line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import force_setattr

from lemmata.program.graph import nodes
from lemmata.program.node import Node
from lemmata.verify.problem import Domain, Instance

INF = math.inf


class Interval(Struct, frozen=True):
    """All numbers from low to high; an end counts as excluded where its flag says so."""

    low: float = -INF
    high: float = INF
    low_open: bool = False
    high_open: bool = False

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high):
            force_setattr(self, "low", -INF)
            force_setattr(self, "high", INF)


LINE = Interval()


def certainly(left: Interval, relation: str, right: Interval) -> bool:
    """Whether every number of `left` stands in the relation to every number of `right`."""
    if relation in (">", "\\ge"):
        return certainly(right, "<" if relation == ">" else "\\le", left)
    if relation == "\\le":
        return left.high <= right.low < INF and left.high > -INF
    touching = left.high == right.low and abs(left.high) < INF
    return left.high < right.low or (touching and (left.high_open or right.low_open))


def of_domain(domain: Domain) -> Interval:
    """Where the components of an input lie."""
    low = -INF if domain.low is None else domain.low
    high = INF if domain.high is None else domain.high
    properties = domain.properties
    inner = None
    if properties & {"simplex", "one-hot", "permutation", "binary"}:
        inner = (0.0, 1.0)
    elif properties & {"unit", "orthogonal", "sign"}:
        inner = (-1.0, 1.0)
    if inner is not None:
        return Interval(max(low, inner[0]), min(high, inner[1]))
    patterned = properties & {"diagonal", "lower triangular", "upper triangular"}
    if patterned:
        return Interval(min(low, 0.0), max(high, 0.0))
    return Interval(low, high, low > -INF, high < INF)


def bound(side: Node, instance: Instance, boxes: Mapping[str, Interval] | None = None) -> Interval:
    """The interval of a side; `boxes` narrows inputs by name."""
    given = {i.node.attr("name"): of_domain(i.domain) for i in instance.inputs}
    if boxes:
        given.update(boxes)
    found: dict[int, Interval] = {}
    for node in nodes(side):
        if node.dtype == "complex":
            found[node.uid] = LINE
        elif node.op == "input":
            found[node.uid] = given.get(node.attr("name"), LINE)
        else:
            rule = _RULES.get(node.op)
            found[node.uid] = rule(node, [found[a.uid] for a in node.args]) if rule else LINE
    return found[side.uid]


def _down(value: float, steps: int = 1) -> float:
    for _ in range(steps):
        value = math.nextafter(value, -INF)
    return value


def _up(value: float, steps: int = 1) -> float:
    for _ in range(steps):
        value = math.nextafter(value, INF)
    return value


def _exactly(value: float) -> Interval:
    return Interval(value, value)


def _constant(value: object) -> Interval:
    if isinstance(value, complex):
        return LINE
    if isinstance(value, (int, Fraction, float)):
        number = float(value)
        if Fraction(number) == value if math.isfinite(number) else True:
            return _exactly(number)
        return Interval(_down(number), _up(number))
    return LINE


def _add(a: Interval, b: Interval) -> Interval:
    low, high = _tight(a.low + b.low, a.low, b.low, _down), _tight(a.high + b.high, a.high, b.high, _up)
    return Interval(low, high, a.low_open or b.low_open, a.high_open or b.high_open)


def _tight(total: float, a: float, b: float, outward: Callable[[float], float]) -> float:
    """The sum itself where it is exact."""
    if not math.isfinite(total) or (a == 0 or b == 0) or Fraction(a) + Fraction(b) == Fraction(total):
        return total
    return outward(total)


def _negate(a: Interval) -> Interval:
    return Interval(-a.high, -a.low, a.high_open, a.low_open)


def _mul(a: Interval, b: Interval) -> Interval:
    if a.low >= 0 and b.low >= 0:
        # Zero times an unbounded factor is zero here: both factors are numbers.
        low = a.low * b.low if a.low and b.low else 0.0
        high = a.high * b.high if a.high and b.high else 0.0
        low_open = (a.low_open and (b.low > 0 or b.low_open)) or (b.low_open and (a.low > 0 or a.low_open))
        low, high = _product_end(low, a.low, b.low, _down), _product_end(high, a.high, b.high, _up)
        return Interval(max(0.0, low), high, low_open and low == 0.0, a.high_open or b.high_open)
    if a.high <= 0:
        return _negate(_mul(_negate(a), b)) if b.low >= 0 or b.high <= 0 else _general_product(a, b)
    if b.high <= 0:
        return _negate(_mul(a, _negate(b))) if a.low >= 0 else _general_product(a, b)
    return _general_product(a, b)


def _product_end(product: float, a: float, b: float, outward: Callable[[float], float]) -> float:
    """The product itself where it is exact."""
    if not math.isfinite(product) or a == 0 or b == 0 or Fraction(a) * Fraction(b) == Fraction(product):
        return product
    return outward(product)


def _general_product(a: Interval, b: Interval) -> Interval:
    corners = [x * y if x and y else 0.0 for x in (a.low, a.high) for y in (b.low, b.high)]
    return Interval(_down(min(corners)), _up(max(corners)))


def _square(a: Interval) -> Interval:
    if a.low >= 0:
        return _mul(a, a)
    if a.high <= 0:
        return _mul(_negate(a), _negate(a))
    largest = max(-a.low, a.high)
    return Interval(0.0, _up(largest * largest))


def _reciprocal(a: Interval) -> Interval:
    if a.low > 0 or (a.low == 0 and a.low_open):
        high = INF if a.low == 0 else _up(1 / a.low)
        if a.low == 1:
            high = 1.0
        low = 0.0 if a.high == INF else max(0.0, _down(1 / a.high))
        return Interval(low, high, a.high == INF or a.high_open, a.low_open)
    if a.high < 0 or (a.high == 0 and a.high_open):
        return _negate(_reciprocal(_negate(a)))
    return LINE


def _times(a: Interval, count: int) -> Interval:
    return _mul(a, _exactly(float(count))) if count != 1 else a


def _monotone(f: Callable[[float], float], least: float, most: float) -> Callable[[Node, list[Interval]], Interval]:
    """An increasing function with values strictly between least and most on numbers."""

    def rule(node: Node, args: list[Interval]) -> Interval:
        (a,) = args
        try:
            low = least if a.low == -INF else max(least, _down(f(a.low), 4))
            high = most if a.high == INF else min(most, _up(f(a.high), 4))
        except (ValueError, OverflowError):
            return Interval(least, most, True, True)
        return Interval(low, high, low == least, high == most)

    return rule


def _log(node: Node, args: list[Interval]) -> Interval:
    (a,) = args
    low = -INF if a.low <= 0 else (0.0 if a.low == 1 else _down(math.log(a.low), 4))
    high = INF if a.high in (INF,) or a.high <= 0 else (0.0 if a.high == 1 else _up(math.log(a.high), 4))
    return Interval(low, high, a.low_open and a.low > 0, a.high_open and a.high < INF)


def _sqrt(node: Node, args: list[Interval]) -> Interval:
    (a,) = args
    low = 0.0 if a.low <= 0 else _down(math.sqrt(a.low))
    high = INF if a.high == INF else (_up(math.sqrt(a.high)) if a.high > 0 else 0.0)
    return Interval(low, high, a.low_open and a.low == 0)


def _abs(node: Node, args: list[Interval]) -> Interval:
    (a,) = args
    if a.low >= 0:
        return a
    if a.high <= 0:
        return _negate(a)
    return Interval(0.0, max(-a.low, a.high))


def _power(node: Node, args: list[Interval]) -> Interval:
    exponent = node.args[1]
    value = exponent.attr("value") if exponent.op == "constant" else None
    if value == 2:
        return _square(args[0])
    if isinstance(value, int) and value > 0 and value % 2 == 0:
        return Interval(0.0, INF)
    if args[0].low > 0 or (args[0].low == 0 and args[0].low_open):
        return Interval(0.0, INF, True)
    return LINE


def _binary_mul(node: Node, args: list[Interval]) -> Interval:
    return _square(args[0]) if node.args[0] is node.args[1] else _mul(*args)


def _binary_sub(node: Node, args: list[Interval]) -> Interval:
    return _exactly(0.0) if node.args[0] is node.args[1] else _add(args[0], _negate(args[1]))


def _binary_div(node: Node, args: list[Interval]) -> Interval:
    return _mul(args[0], _reciprocal(args[1]))


def _maximum(node: Node, args: list[Interval]) -> Interval:
    a, b = args
    return Interval(max(a.low, b.low), max(a.high, b.high))


def _minimum(node: Node, args: list[Interval]) -> Interval:
    a, b = args
    return Interval(min(a.low, b.low), min(a.high, b.high))


def _hull(node: Node, args: list[Interval]) -> Interval:
    low, high = min(a.low for a in args), max(a.high for a in args)
    return Interval(
        low, high, all(a.low_open for a in args if a.low == low), all(a.high_open for a in args if a.high == high)
    )


def _sum(node: Node, args: list[Interval]) -> Interval:
    return _times(args[0], math.prod(a.size for a in node.attr("over")))


def _prod(node: Node, args: list[Interval]) -> Interval:
    count = math.prod(a.size for a in node.attr("over"))
    result = args[0]
    for _ in range(min(count, 64) - 1):
        result = _mul(result, args[0])
    return result if count <= 64 else LINE


def _contract(node: Node, args: list[Interval]) -> Interval:
    counts: dict[int, int] = {}
    interval_of = {}
    for argument, interval in zip(node.args, args, strict=True):
        counts[argument.uid] = counts.get(argument.uid, 0) + 1
        interval_of[argument.uid] = interval
    result = _exactly(1.0)
    for uid, count in counts.items():
        factor = interval_of[uid]
        for _ in range(count // 2):
            result = _mul(result, _square(factor)) if result != _exactly(1.0) else _square(factor)
        if count % 2:
            result = _mul(result, factor) if result != _exactly(1.0) else factor
    return _times(result, math.prod(a.size for a in node.attr("over")))


def _take(node: Node, args: list[Interval]) -> Interval:
    fill = node.attr("fill")
    return args[0] if fill is None else Interval(min(args[0].low, fill), max(args[0].high, fill))


def _select(node: Node, args: list[Interval]) -> Interval:
    return _hull(node, args[1:])


def _call(node: Node, args: list[Interval]) -> Interval:
    if node.attr("name") == "softmax":
        return Interval(0.0, 1.0, True)
    return args[-1]


_SPECIAL = {"pi": Interval(math.pi, _up(math.pi)), "e": Interval(math.e, _up(math.e))}

_RULES: dict[str, Callable[[Node, list[Interval]], Interval]] = {
    "constant": lambda n, a: _constant(n.attr("value")),
    "special": lambda n, a: _SPECIAL.get(n.attr("name"), LINE),
    "iota": lambda n, a: Interval(n.attr("start"), n.attr("start") + n.axes[0].size - 1),
    "array": lambda n, a: _hull(n, [_constant(v) for v in n.attr("value")]) if n.attr("value") else LINE,
    "neg": lambda n, a: _negate(a[0]),
    "add": lambda n, a: _times(a[0], 2) if n.args[0] is n.args[1] else _add(*a),
    "sub": _binary_sub,
    "mul": _binary_mul,
    "div": _binary_div,
    "reciprocal": lambda n, a: _reciprocal(a[0]),
    "square": lambda n, a: _square(a[0]),
    "pow": _power,
    "exp": _monotone(math.exp, 0.0, INF),
    "tanh": _monotone(math.tanh, -1.0, 1.0),
    "erf": _monotone(math.erf, -1.0, 1.0),
    "arctan": _monotone(math.atan, -_up(math.pi / 2), _up(math.pi / 2)),
    "log": _log,
    "sqrt": _sqrt,
    "abs": _abs,
    "sin": lambda n, a: Interval(-1.0, 1.0),
    "cos": lambda n, a: Interval(-1.0, 1.0),
    "cosh": lambda n, a: Interval(1.0, INF),
    "sign": lambda n, a: Interval(-1.0, 1.0),
    "maximum": _maximum,
    "minimum": _minimum,
    "select": _select,
    "sum": _sum,
    "prod": _prod,
    "max": lambda n, a: a[0],
    "min": lambda n, a: a[0],
    "contract": _contract,
    "take": _take,
    "call": _call,
    **dict.fromkeys(("broadcast", "rename", "diagonal", "concat", "stack", "merge", "split"), _hull),
    "svdvals": lambda n, a: Interval(0.0, INF),
}
