"""Asymptotic series of programs: Σ c · h^e · (log h)^k for h → 0⁺, with programs as coefficients.

A program is expanded node by node. Whether a leading coefficient vanishes is asked of a caller that evaluates it in
ball arithmetic, and its sign of one that bounds it over the whole domain, so that no series rests on a sample of signs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Protocol

from msgspec import Struct, field

from lemmata.program import autodiff, build
from lemmata.program.graph import nodes, rebuild
from lemmata.program.node import Node
from lemmata.verify.problem import CannotLower

CAP = Fraction(6)
"""Powers of h from this on are not kept."""
TERMS = 120
Key = tuple[Fraction, int]
CONSTANT: Key = (Fraction(0), 0)
STRUCTURAL = frozenset({"neg", "sum", "broadcast", "rename", "diagonal", "merge", "split", "real", "conj"})
ANALYTIC = frozenset(
    {"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "erf", "lgamma"}
)
SATURATING = {"tanh": build.constant(1), "erf": build.constant(1)}


class Oracle(Protocol):
    """What is known of coefficients."""

    def vanishes(self, node: Node) -> bool:
        """Whether it is zero in every component, or in none. Raises CannotLower where neither is certain."""

    def sign(self, node: Node) -> int:
        """1 or -1 over the whole domain. Raises CannotLower where that is not certain."""


class Series(Struct, frozen=True):
    terms: dict[Key, Node] = field(default_factory=dict)
    order: Fraction | None = None
    """Terms from this power of h on are unknown; None where there are no more."""
    small: bool = False
    """Whether something smaller than every power of h was left out."""
    huge: int = 0
    """The sign of something that grows faster than every power of 1/h; then nothing else is known."""

    @property
    def lowest(self) -> Fraction:
        return min((e for e, _ in self.terms), default=CAP)


def constant(node: Node) -> Series:
    return Series({CONSTANT: node}) if build.literal(node) != 0 else Series()


def monomial(exponent: Fraction | int, coefficient: Node) -> Series:
    return Series({(Fraction(exponent), 0): coefficient})


def _order(*orders: Fraction | None) -> Fraction | None:
    known = [o for o in orders if o is not None]
    return min(known) if known else None


def _made(terms: Iterable[tuple[Key, Node]], order: Fraction | None, small: bool) -> Series:
    """Equal powers added up; what lies at or beyond the order is dropped."""
    total: dict[Key, Node] = {}
    for key, node in terms:
        if build.literal(node) == 0:
            continue
        if key[0] >= CAP:
            order = _order(order, CAP)
            continue
        total[key] = build.binary("add", total[key], node) if key in total else node
    kept = {k: n for k, n in total.items() if order is None or k[0] < order}
    if len(kept) > TERMS:
        raise CannotLower("a limit whose expansion has too many terms")
    return Series(kept, order, small)


class Expansion(Struct):
    """Expands programs in a hole that is replaced by a series."""

    hole: Node
    at: Series
    oracle: Oracle
    done: dict[int, Series] = field(default_factory=dict)
    reach: set[int] = field(default_factory=set)
    """The nodes that depend on the hole."""

    def of(self, root: Node) -> Series:
        """Raises CannotLower for what has no such series."""
        for node in nodes(root):
            if node is self.hole or any(a.uid in self.reach for a in node.args):
                self.reach.add(node.uid)
            if node.uid not in self.done:
                self.done[node.uid] = self._node(node)
        return self.done[root.uid]

    def _node(self, node: Node) -> Series:
        if node is self.hole:
            return self.at
        if node.uid not in self.reach:
            return constant(node)
        args = [self.done[a.uid] for a in node.args]
        if node.op == "call":
            return args[-1]
        if any(a.huge for a in args):
            return self._huge(node, args)
        if node.op in STRUCTURAL:
            (x,) = args
            return _made(((k, self._again(node, (c,))) for k, c in x.terms.items()), x.order, x.small)
        rule = _RULES.get(node.op)
        if rule is not None:
            return rule(self, node, args)
        if node.op in ANALYTIC:
            return self._analytic(node, args[0])
        raise CannotLower("a limit of something without a series")

    def _again(self, node: Node, args: tuple[Node, ...]) -> Node:
        """The node's operation on coefficients, which may lack axes."""
        full = tuple(build.broadcast(a, old.axes) for a, old in zip(args, node.args, strict=True))
        return rebuild(node, full)

    def _huge(self, node: Node, args: list[Series]) -> Series:
        """What can be said where an argument grows faster than every power."""
        signs = [a.huge for a in args]
        match node.op:
            case "neg":
                return Series(huge=-signs[0])
            case "add" | "sub":
                second = signs[1] if node.op == "add" else -signs[1]
                if signs[0] * second >= 0:
                    return Series(huge=signs[0] or second)
            case "reciprocal":
                return Series(small=True)
            case "div" if signs[1] and not signs[0]:
                return Series(small=True)
            case "mul" | "div":
                return Series(huge=math.prod(s or self._sign(a) for s, a in zip(signs, args, strict=True)))
            case "square":
                return Series(huge=1)
            case "broadcast" | "rename" | "sum":
                return Series(huge=signs[0])
            case "tanh" | "erf":
                return Series({CONSTANT: build.constant(signs[0])}, small=True)
        raise CannotLower("a limit of something that grows too fast")

    def leading(self, x: Series) -> tuple[Key, Node, Series]:
        """The power, the coefficient that does not vanish, and the rest."""
        rest = dict(x.terms)
        while rest:
            key = min(rest, key=lambda k: (k[0], -k[1]))
            coefficient = rest.pop(key)
            if not self.oracle.vanishes(coefficient):
                return key, coefficient, Series(rest, x.order, x.small)
        raise CannotLower("a limit whose leading term is not found")

    def _sign(self, x: Series) -> int:
        """The sign near the limit."""
        (_, logs), coefficient, _ = self.leading(x)
        return self.oracle.sign(coefficient) * (-1) ** logs

    def _add(self, x: Series, y: Series, sign: int = 1) -> Series:
        if sign > 0:
            second = list(y.terms.items())
        else:
            second = [(k, build.unary("neg", n)) for k, n in y.terms.items() if x.terms.get(k) is not n]
        same = {k for k, n in y.terms.items() if sign < 0 and x.terms.get(k) is n}
        first = [(k, n) for k, n in x.terms.items() if k not in same]
        return _made([*first, *second], _order(x.order, y.order), x.small or y.small)

    def multiply(self, x: Series, y: Series) -> Series:
        order = _order(None if x.order is None else x.order + y.lowest, None if y.order is None else y.order + x.lowest)
        pairs = (
            ((a[0] + b[0], a[1] + b[1]), build.binary("mul", c, d))
            for (a, c), (b, d) in itertools.product(x.terms.items(), y.terms.items())
        )
        return _made(pairs, order, x.small or y.small)

    def _contract(self, node: Node, args: list[Series]) -> Series:
        lowest = sum((a.lowest for a in args), Fraction(0))
        orders = [None if a.order is None else a.order + lowest - a.lowest for a in args]
        combos = itertools.product(*(a.terms.items() for a in args))
        made = (
            (
                (sum((k[0] for k, _ in c), Fraction(0)), sum(k[1] for k, _ in c)),
                self._again(node, tuple(n for _, n in c)),
            )
            for c in combos
        )
        return _made(made, _order(*orders), any(a.small for a in args))

    def _several(self, node: Node, args: list[Series]) -> Series:
        """Operations that are linear in all their arguments together."""
        keys = list(dict.fromkeys(k for a in args for k in a.terms))
        zero = build.constant(0)
        made = ((k, self._again(node, tuple(a.terms.get(k, zero) for a in args))) for k in keys)
        return _made(made, _order(*(a.order for a in args)), any(a.small for a in args))

    def power(self, x: Series, exponent: Fraction) -> Series:
        """x^p as c^p h^(ep) (1 + δ)^p; whole powers of what has no leading term by multiplication."""
        if exponent.denominator == 1 and 0 <= exponent <= 4:
            result = constant(build.constant(1))
            for _ in range(int(exponent)):
                result = self.multiply(result, x)
            return result
        (e, logs), c, rest = self.leading(x)
        if logs or any(k[0] == e for k in rest.terms):
            raise CannotLower("a limit with a power of a logarithm in the denominator")
        if exponent.denominator != 1 and self.oracle.sign(c) < 0:
            raise CannotLower("a limit of a root of something negative")
        inverse = Series({(-e, 0): build.binary("div", build.constant(1), c)})
        delta = self.multiply(rest, inverse)
        delta = Series(delta.terms, None if x.order is None else x.order - e, x.small)
        coefficients = [Fraction(1)]
        for k in range(1, 64):
            coefficients.append(coefficients[-1] * (exponent - k + 1) / k)
        body = self._polynomial([build.constant(a) for a in coefficients], delta)
        front = build.binary("pow", c, build.constant(exponent))
        return self.multiply(Series({(e * exponent, 0): front}), body)

    def _polynomial(self, coefficients: list[Node], delta: Series) -> Series:
        """Σ a_k δ^k for a δ that tends to zero."""
        result, factor = constant(coefficients[0]), constant(build.constant(1))
        result = Series(result.terms, delta.order, delta.small)
        if not delta.terms:
            return result
        end = min(CAP, delta.order) if delta.order is not None else CAP
        for k in range(1, math.ceil(end / delta.lowest) + 1):
            if k >= len(coefficients):
                return Series(result.terms, _order(result.order, k * delta.lowest), result.small)
            factor = self.multiply(factor, delta)
            result = self._add(result, self.multiply(constant(coefficients[k]), factor))
        return Series(result.terms, _order(result.order, end), result.small)

    def _parts(self, x: Series) -> tuple[dict[Key, Node], Node, Series]:
        """What grows, the constant, what tends to zero; growing terms that vanish are left out."""
        grows = {k: n for k, n in x.terms.items() if k[0] < 0 or (k[0] == 0 and k[1] > 0)}
        grows = {k: n for k, n in grows.items() if not self.oracle.vanishes(n)}
        if x.order is not None and x.order <= 0:
            raise CannotLower("a limit whose leading term is not found")
        fades = {k: n for k, n in x.terms.items() if k[0] > 0}
        return grows, x.terms.get(CONSTANT, build.constant(0)), Series(fades, x.order, x.small)

    def _analytic(self, node: Node, x: Series) -> Series:
        if node.op == "log":
            return self._log(x)
        grows, middle, fades = self._parts(x)
        if grows:
            return self._at_infinity(node, grows, middle, fades, x)
        middle = build.broadcast(middle, node.args[0].axes)
        point = build.input(f"expansion of {node.uid}", middle.axes)
        derivative = build.unary(node.op, point)
        coefficients: list[Node] = []
        count = 1 if not fades.terms else min(12, math.ceil(CAP / fades.lowest) + 1)
        for k in range(count):
            value = autodiff.substitute(derivative, {point: middle})
            coefficients.append(build.binary("div", value, build.constant(math.factorial(k))))
            total = build.reduce("sum", derivative, derivative.axes) if derivative.axes else derivative
            derivative = autodiff.gradient(total, point)
        return self._polynomial(coefficients, fades)

    def _at_infinity(self, node: Node, grows: dict[Key, Node], middle: Node, fades: Series, x: Series) -> Series:
        key = min(grows, key=lambda k: (k[0], -k[1]))
        if node.op == "exp" and set(grows) == {(Fraction(0), 1)}:
            factor = build.literal(grows[key])
            if isinstance(factor, (int, Fraction)):
                rest = Expansion(self.hole, self.at, self.oracle)
                calm = rest._analytic(node, self._add(constant(middle), fades))
                return self.multiply(monomial(Fraction(factor), build.constant(1)), calm)
            raise CannotLower("a limit of a power whose exponent is no number")
        sign = self.oracle.sign(grows[key]) * (-1) ** key[1]
        if node.op == "exp":
            if any(k[1] and k[0] == 0 for k in grows):
                raise CannotLower("a limit of an exponential of a logarithm")
            return Series(huge=1) if sign > 0 else Series(small=True)
        if node.op in SATURATING and key[0] < 0:
            return Series({CONSTANT: build.constant(sign)}, small=True)
        if node.op == "arctan" and key[0] < 0:
            half = build.binary("div", build.special("pi"), build.constant(2 * sign))
            inverse = self._analytic(node, self.power(x, Fraction(-1)))
            return self._add(constant(half), inverse, -1)
        raise CannotLower("a limit of something without a series")

    def _log(self, x: Series) -> Series:
        (e, logs), c, rest = self.leading(x)
        if logs or any(k[0] == e for k in rest.terms):
            raise CannotLower("a limit of a logarithm of a logarithm")
        if self.oracle.sign(c) < 0:
            raise CannotLower("a limit of the logarithm of something negative")
        delta = self.multiply(rest, Series({(-e, 0): build.binary("div", build.constant(1), c)}))
        delta = Series(delta.terms, None if x.order is None else x.order - e, x.small)
        coefficients = [build.constant(0)]
        coefficients += [build.constant(Fraction((-1) ** (k + 1), k)) for k in range(1, 64)]
        result = self._add(constant(build.unary("log", c)), self._polynomial(coefficients, delta))
        return self._add(result, Series({(Fraction(0), 1): build.constant(e)})) if e else result

    def _pow(self, node: Node, args: list[Series]) -> Series:
        base, exponent = args
        literal = build.literal(node.args[1])
        if isinstance(literal, (int, Fraction)):
            return self.power(base, Fraction(literal))
        inner = self.multiply(exponent, self._log(base))
        return self._analytic(build.unary("exp", build.broadcast(self.hole, node.axes)), inner)

    def _chosen(self, node: Node, args: list[Series]) -> Series:
        x, y = args
        difference = self._add(x, y, -1)
        if not difference.terms and difference.order is None:
            return Series(x.terms, x.order, x.small or difference.small)
        first = (self._sign(difference) > 0) == (node.op == "maximum")
        chosen = x if first else y
        return Series({k: build.broadcast(n, node.axes) for k, n in chosen.terms.items()}, chosen.order, chosen.small)

    def _abs(self, node: Node, args: list[Series]) -> Series:
        (x,) = args
        if self._sign(x) > 0:
            return x
        return Series({k: build.unary("neg", n) for k, n in x.terms.items()}, x.order, x.small)

    def _compared(self, node: Node, args: list[Series]) -> Series:
        positive = self._sign(self._add(args[0], args[1], -1)) > 0
        return constant(build.constant(positive == (node.op in ("gt", "ge"))))

    def _select(self, node: Node, args: list[Series]) -> Series:
        condition = args[0].terms.get(CONSTANT)
        if condition is not None and isinstance(build.literal(condition), bool):
            return args[1] if build.literal(condition) else args[2]
        if node.args[0].uid in self.reach:
            raise CannotLower("a limit over several cases")
        keys = list(dict.fromkeys(k for a in args[1:] for k in a.terms))
        zero = build.constant(0)
        made = ((k, build.select(node.args[0], *(a.terms.get(k, zero) for a in args[1:]))) for k in keys)
        return _made(made, _order(args[1].order, args[2].order), args[1].small or args[2].small)

    def _extreme(self, node: Node, args: list[Series]) -> Series:
        """The largest of c h^e is (the largest c) h^e."""
        (x,) = args
        if len(x.terms) != 1 or x.order is not None or x.small:
            raise CannotLower("a limit of a maximum")
        ((key, c),) = x.terms.items()
        if key[1]:
            raise CannotLower("a limit of a maximum")
        return Series({key: self._again(node, (c,))})

    def _take(self, node: Node, args: list[Series]) -> Series:
        if node.args[1].uid in self.reach:
            raise CannotLower("a limit over positions")
        x = args[0]
        made = ((k, self._again(node, (c, node.args[1]))) for k, c in x.terms.items())
        return _made(made, x.order, x.small)


_RULES: dict[str, Callable[[Expansion, Node, list[Series]], Series]] = {
    "add": lambda x, n, a: x._add(a[0], a[1]),
    "sub": lambda x, n, a: x._add(a[0], a[1], -1),
    "mul": lambda x, n, a: x.multiply(a[0], a[1]),
    "square": lambda x, n, a: x.multiply(a[0], a[0]),
    "div": lambda x, n, a: x.multiply(a[0], x.power(a[1], Fraction(-1))),
    "reciprocal": lambda x, n, a: x.power(a[0], Fraction(-1)),
    "sqrt": lambda x, n, a: x.power(a[0], Fraction(1, 2)),
    "pow": Expansion._pow,
    "contract": Expansion._contract,
    "stack": Expansion._several,
    "concat": Expansion._several,
    "select": Expansion._select,
    "take": Expansion._take,
    "abs": Expansion._abs,
    "maximum": Expansion._chosen,
    "minimum": Expansion._chosen,
    "max": Expansion._extreme,
    "min": Expansion._extreme,
    **dict.fromkeys(("lt", "le", "gt", "ge"), Expansion._compared),
}
