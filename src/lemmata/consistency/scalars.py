"""Values of expressions in numbers alone, as balls or as power series of balls, without types or shapes.

Whatever could be anything but a number has no value here, so that a rule built on this says nothing about it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from lemmata.consistency import balls
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import script_items, spell, stem

TERMS = 200
"""The most terms of a sum that are added up."""
READINGS = 24
"""The most combinations of readings that are tried."""


class NoValue(Exception):
    """The expression is no number under these values."""


def is_division(command: str) -> bool:
    return command.endswith("frac") or command in ("\\over", "/")


def number(value: int | Fraction) -> Any:
    fraction = Fraction(value)
    return balls.arb(balls.fmpq(fraction.numerator, fraction.denominator))


def _hyperbolic(sign: int) -> Callable[[Any], Any]:
    return lambda x: (x.exp() + sign * (-x).exp()) / 2


def _tanh(x: Any) -> Any:
    if isinstance(x, balls.arb):
        return x.tanh()
    twice = (2 * x).exp()
    return (twice - 1) / (twice + 1)


def _absolute(x: Any) -> Any:
    if not isinstance(x, balls.arb):
        raise NoValue("the absolute value of a series")
    return abs(x)


ELEMENTARY: dict[str, Callable[[Any], Any]] = {
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "ln": lambda x: x.log(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "arcsin": lambda x: x.asin(),
    "arccos": lambda x: x.acos(),
    "arctan": lambda x: x.atan(),
    "sinh": _hyperbolic(-1),
    "cosh": _hyperbolic(1),
    "tanh": _tanh,
    "sqrt": lambda x: x.sqrt(),
    "abs": _absolute,
}
"""Functions whose names mean the same everywhere."""


@dataclass
class Scalars:
    """What the names in an expression stand for."""

    names: Mapping[str, Any] = field(default_factory=dict)
    """Numbers by the spelling of the name with its subscript."""
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Functions by the stem of their name."""
    member: Callable[[str, tuple[int, ...]], Any] | None = None
    """The member of a sequence, by its stem and whole indices."""
    endless: int | None = None
    """Where sums to infinity stop, if their terms vanish from there on."""
    cautious: bool = False
    """A letter before a bracket may be a function: it has no value."""
    pick: Mapping[str, int] = field(default_factory=dict)
    """Which of several parses to take, by the key of the choice."""

    def where(self, **names: Any) -> Scalars:
        other = copy(self)
        other.names = {**self.names, **names}
        return other

    def value(self, expr: s.Expr) -> Any:
        """The number. Raises NoValue."""
        found = self._value(expr)
        if isinstance(found, balls.arb) and not found.is_finite():
            raise NoValue("no finite value")
        return found

    def _value(self, expr: s.Expr) -> Any:
        match expr:
            case s.Num(value=value):
                return number(value)
            case s.Name():
                return self._name(expr)
            case s.Choice(options=options, key=key):
                return self.value(options[min(self.pick.get(key, 0), len(options) - 1)])
            case s.Paren(items=(only,)):
                return self.value(only)
            case s.Sign(op="-", body=body):
                return -self.value(body)
            case s.Sign(op="+", body=body):
                return self.value(body)
            case s.Quotient(numerator=top, denominator=bottom, command=command) if (
                "binom" in command or "choose" in command
            ):
                return self._binomial(top, bottom)
            case s.Quotient(numerator=top, denominator=bottom, command=command) if is_division(command):
                return self._divided(self.value(top), self.value(bottom))
            case s.RootOf(body=body, degree=None):
                return self.value(body).sqrt()
            case s.RootOf(body=body, degree=s.Num(value=degree)) if degree:
                return self._power(self.value(body), number(1 / degree))
            case s.Bars(kind="|", body=body):
                return _absolute(self.value(body))
            case s.Scripted(base=base, sub=None, sup=sup, primes=0) if sup is not None:
                return self._power(self.value(base), self._exponent(sup))
            case s.Infix(ops=ops, items=items):
                found = self.value(items[0])
                for op, item in zip(ops, items[1:], strict=True):
                    found = self._binary(op, found, item)
                return found
            case s.Juxt(items=items):
                return self._product(items)
            case s.Call():
                return self._call(expr)
            case s.Big():
                return self._big(expr)
            case s.CasesOf(branches=branches):
                return self._cases(branches)
            case s.Matrix(kind="pmatrix", rows=((top,), (bottom,))):
                return self._binomial(top, bottom)
        raise NoValue(type(expr).__name__)

    def _name(self, expr: s.Name) -> Any:
        key = stem(expr)
        sub = f"_{spell(expr.sub)}" if expr.sub is not None else ""
        if key + sub in self.names:
            base = self.names[key + sub]
        elif expr.sub is not None and self.member is not None and (indices := self._indices(expr.sub)) is not None:
            base = self.member(key, indices)
        elif expr.sub is None and key == "e" and not expr.word:
            return balls.arb.const_e() if expr.sup is None else self._exponent(expr.sup).exp()
        elif expr.sub is None and key in ("\\pi", "π"):
            base = balls.arb.pi()
        else:
            raise NoValue(f"{key}{sub} has no value")
        return base if expr.sup is None else self._power(base, self._exponent(expr.sup))

    def _indices(self, sub: s.Expr) -> tuple[int, ...] | None:
        try:
            values = [self.value(i) for i in script_items(sub)]
        except NoValue:
            return None
        whole = [v.unique_fmpz() if isinstance(v, balls.arb) else None for v in values]
        return tuple(int(w) for w in whole if w is not None) if None not in whole else None

    def _exponent(self, sup: s.Expr) -> Any:
        if isinstance(sup, s.Mark | s.Paren | s.Listing) or isinstance(sup, s.Name) and sup.base == "T":
            raise NoValue("a superscript that is no power")
        return self.value(sup)

    def _power(self, base: Any, exponent: Any) -> Any:
        whole = exponent.unique_fmpz() if isinstance(exponent, balls.arb) else None
        if whole is not None and abs(int(whole)) <= 64:
            power = base ** abs(int(whole)) if whole != 0 else base * 0 + 1
            return power if whole >= 0 else self._divided(balls.arb(1), power)
        if isinstance(base, balls.arb) and isinstance(exponent, balls.arb):
            if not base > 0:
                raise NoValue("a power of a number that is not positive")
            return base**exponent
        return (exponent * base.log()).exp()

    def _divided(self, top: Any, bottom: Any) -> Any:
        if isinstance(bottom, balls.arb) and bottom.contains(balls.arb(0)):
            raise NoValue("a division by zero")
        return top / bottom

    def _binary(self, op: str, left: Any, item: s.Expr) -> Any:
        right = self.value(item)
        match op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "\\cdot" | "\\times" | "*" | "\\ast":
                return left * right
            case "/" | "\\div":
                return self._divided(left, right)
        raise NoValue(op)

    def _product(self, items: tuple[s.Expr, ...]) -> Any:
        found: Any = None
        at = 0
        while at < len(items):
            item = items[at]
            used = 1
            if isinstance(item, s.Name) and at + 1 < len(items) and self._is_function(item):
                value = self._applied(item, items[at + 1])
                used = 2
            elif self.cautious and isinstance(item, s.Name) and at + 1 < len(items) and _bracketed(items[at + 1]):
                raise NoValue("a product or a call")
            else:
                value = self.value(item)
            found = value if found is None else found * value
            at += used
        return found

    def _is_function(self, name: s.Name) -> bool:
        return stem(name) in self.functions and name.sub is None

    def _applied(self, name: s.Name, argument: s.Expr) -> Any:
        function = self.functions[stem(name)]
        power: s.Expr | None = None
        if isinstance(argument, s.Scripted) and argument.sub is None and not argument.primes:
            power = argument.sup
            argument = argument.base
        if not isinstance(argument, s.Paren) or any(x != "," for x in argument.separators):
            raise NoValue("a function without its argument")
        try:
            found = function(*(self.value(x) for x in argument.items))
        except TypeError as error:
            raise NoValue("another number of arguments") from error
        for sup in (name.sup, power):
            if sup is not None:
                found = self._power(found, self._exponent(sup))
        return found

    def _call(self, expr: s.Call) -> Any:
        name = expr.function.base.removeprefix("\\")
        if expr.function.primes or expr.function.accents:
            raise NoValue(name)
        arguments = [self.value(a) for a in expr.arguments]
        if name in ("max", "min") and len(arguments) > 1 and all(isinstance(a, balls.arb) for a in arguments):
            found = arguments[0]
            for other in arguments[1:]:
                found = found.max(other) if name == "max" else found.min(other)
        elif name in self.functions:
            found = self.functions[name](*arguments)
        elif name in ELEMENTARY and len(arguments) == 1:
            found = ELEMENTARY[name](arguments[0])
        else:
            raise NoValue(name)
        if expr.function.sub is not None:
            if name != "log":
                raise NoValue(name)
            found = found / self.value(expr.function.sub).log()
        if expr.function.sup is not None:
            if isinstance(expr.function.sup, s.Sign):
                raise NoValue("an inverse function")
            found = self._power(found, self._exponent(expr.function.sup))
        return found

    def _big(self, expr: s.Big) -> Any:
        if expr.op not in ("\\sum", "\\prod"):
            raise NoValue(expr.op)
        match expr.lower:
            case s.Relation(ops=("=",), items=(s.Name(sub=None, sup=None) as letter, first)):
                low = self._whole(first)
            case s.Name(sub=None, sup=None) as letter if expr.upper is not None:
                low = 1
            case _:
                raise NoValue("the limits of a sum")
        if isinstance(expr.upper, s.Const) and expr.upper.name == "infty" and self.endless is not None:
            high = self.endless
        elif expr.upper is not None:
            high = self._whole(expr.upper)
        else:
            raise NoValue("the limits of a sum")
        if high - low > TERMS:
            raise NoValue("too many terms")
        found = balls.arb(0) if expr.op == "\\sum" else balls.arb(1)
        for at in range(low, high + 1):
            value = self.where(**{stem(letter): number(at)}).value(expr.body)
            found = found + value if expr.op == "\\sum" else found * value
        return found

    def _whole(self, expr: s.Expr) -> int:
        value = self.value(expr)
        whole = value.unique_fmpz() if isinstance(value, balls.arb) else None
        if whole is None:
            raise NoValue("a limit that is no whole number")
        return int(whole)

    def _binomial(self, top: s.Expr, bottom: s.Expr) -> Any:
        n, k = self._whole(top), self._whole(bottom)
        if n < 0:
            raise NoValue("a binomial coefficient of a negative number")
        return balls.arb(0) if k < 0 or k > n else balls.arb.bin_uiui(n, k)

    def _cases(self, branches: tuple[tuple[s.Expr, s.Expr | None], ...]) -> Any:
        for at, (value, condition) in enumerate(branches):
            if condition is None or isinstance(condition, s.Words):
                last = at == len(branches) - 1
                if last and (condition is None or condition.text.lower().strip(" .,") in OTHERWISE):
                    return self.value(value)
                raise NoValue("a case in words")
            if self.holds(condition):
                return self.value(value)
        raise NoValue("no case applies")

    def holds(self, condition: s.Expr) -> bool:
        """Whether a chain of inequalities holds for certain; raises NoValue where that is not certain either way."""
        if not isinstance(condition, s.Relation):
            raise NoValue("a condition that is no relation")
        values = [self.value(i) for i in condition.items]
        if not all(isinstance(v, balls.arb) for v in values):
            raise NoValue("a condition on a series")
        for op, left, right in zip(condition.ops, values, values[1:], strict=False):
            if op not in ORDER:
                raise NoValue(op)
            if ORDER[op](left, right):
                continue
            if ORDER[OPPOSITE[op]](left, right):
                return False
            raise NoValue("a condition that is not decided")
        return True


def _bracketed(expr: s.Expr) -> bool:
    return isinstance(expr, s.Paren) or isinstance(expr, s.Scripted) and isinstance(expr.base, s.Paren)


ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "\\le": lambda a, b: a <= b,
    "\\ge": lambda a, b: a >= b,
}
OPPOSITE = {"<": "\\ge", "\\ge": "<", ">": "\\le", "\\le": ">"}
OTHERWISE = frozenset({"otherwise", "else", "elsewhere", "其他", "其它", "否则", "otherwise, else"})


def readings(
    make: Callable[[Mapping[str, int]], Scalars], *exprs: s.Expr, skip: bool = False
) -> Iterator[tuple[Any, ...]]:
    """The values under every combination of parses; with `skip` without those that have none.

    Raises NoValue where one has none, where none has one, or where there are too many.
    """
    choices = dict(pair for e in exprs for pair in _choices(e))
    total = 1
    for count in choices.values():
        total *= count
    if total > READINGS:
        raise NoValue("too many readings")
    found = 0
    for combination in itertools.product(*(range(count) for count in choices.values())):
        scalars = make(dict(zip(choices, combination, strict=True)))
        try:
            values = tuple(scalars.value(e) for e in exprs)
        except NoValue:
            if skip:
                continue
            raise
        found += 1
        yield values
    if not found:
        raise NoValue("no reading has a value")


def _choices(expr: s.Expr) -> Iterator[tuple[str, int]]:
    if isinstance(expr, s.Choice):
        yield expr.key, len(expr.options)
    for child in s.children(expr):
        yield from _choices(child)


def show(value: Any) -> object:
    """A ball as a short number."""
    if isinstance(value, balls.arb):
        middle = float(value.mid())
        return int(middle) if middle.is_integer() and abs(middle) < 1e12 else float(f"{middle:.6g}")
    return str(value)


def series(start: Any) -> Any:
    """A value plus the variable of a power series."""
    return balls.arb_series([start, 1])
