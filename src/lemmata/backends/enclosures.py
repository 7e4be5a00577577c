"""Single values of ball arithmetic: the elementwise primitives on whole numbers, truth values and balls."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import acb, arb, fmpq

BITS = 4096
"""Size up to which powers of whole numbers are written out."""


class Undecided(ArithmeticError):
    """A comparison, an order or an index that the balls leave open; more precision may settle it."""


class Unsupported(ValueError):
    """A program that ball arithmetic cannot run at any precision."""


class NotInBall(Unsupported):
    """A primitive without an enclosure here."""


class TooLarge(Unsupported):
    """A program of more than OPERATIONS scalar operations."""


def exact(value: Any) -> Any:
    """The exact number that was given."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, arb, acb)):
        return value
    if isinstance(value, complex):
        return acb(value.real, value.imag)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2.0**53 else arb(value)
    fraction = Fraction(value)
    return fraction.numerator if fraction.denominator == 1 else arb(fmpq(fraction.numerator, fraction.denominator))


def number(value: Any) -> Any:
    """A number of anything, truth values included."""
    if value is None:
        return arb("0.5 +/- 0.5")
    return int(value) if isinstance(value, bool) else value


def ball(value: Any) -> Any:
    value = number(value)
    return arb(value) if isinstance(value, int) else value


def finished(x: Any) -> Any:
    """A value that is certainly something. Raises Undecided."""
    if x is None:
        raise Undecided("a comparison of numbers that cannot be told apart")
    return x if isinstance(x, bool) else ball(x)


def hull(a: Any, b: Any) -> Any:
    if a is b:
        return a
    if isinstance(a, bool) and isinstance(b, bool) or a is None or b is None:
        return a if a == b else None
    a, b = ball(a), ball(b)
    return acb(a).union(acb(b)) if isinstance(a, acb) or isinstance(b, acb) else a.union(b)


def _finite(x: Any) -> bool:
    return isinstance(x, int) or bool(x.is_finite())


def add(a: Any, b: Any) -> Any:
    return number(a) + number(b)


def _sub(a: Any, b: Any) -> Any:
    a, b = number(a), number(b)
    return 0 if a is b and _finite(a) else a - b


def multiply(a: Any, b: Any) -> Any:
    return number(a) * number(b)


def _div(a: Any, b: Any) -> Any:
    a, b = number(a), ball(b)
    return 1 if a is b and _finite(a) and _equal(a, 0) is False else a / b


def _pow(a: Any, b: Any) -> Any:
    a, b = number(a), number(b)
    if isinstance(a, int) and isinstance(b, int) and b >= 0 and a.bit_length() * b <= BITS:
        return a**b
    if isinstance(a, int) and a == 0 and isinstance(b, arb) and b > 0:
        return 0
    if isinstance(b, int) and 1 <= b <= 64 and isinstance(a, arb) and a.contains(0):
        # The library's power is undefined where the ball holds 0.
        return math.prod([a] * (b - 1), start=a)
    return ball(a) ** ball(b)


def _mod(a: Any, b: Any) -> Any:
    """The remainder with the sign of the divisor."""
    a, b = number(a), number(b)
    return a % b if isinstance(a, int) and isinstance(b, int) else a - b * (ball(a) / b).floor()


def greater(a: Any, b: Any) -> bool | None:
    a, b = number(a), number(b)
    if a is b and _finite(a) or b >= a:
        return False
    return True if a > b else None


def _greater_equal(a: Any, b: Any) -> bool | None:
    a, b = number(a), number(b)
    if a is b and _finite(a) or a >= b:
        return True
    return False if b > a else None


def _equal(a: Any, b: Any) -> bool | None:
    a, b = number(a), number(b)
    if a is b and _finite(a) or a == b:
        return True
    return False if a != b else None


def _not(a: Any) -> bool | None:
    return None if a is None else not a


def both(a: Any, b: Any) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else bool(a) and bool(b)


def either(a: Any, b: Any) -> bool | None:
    return _not(both(_not(a), _not(b)))


def maximum(a: Any, b: Any) -> Any:
    first = _greater_equal(a, b)
    if first is None:
        return ball(a).max(ball(b))
    return a if first else b


def minimum(a: Any, b: Any) -> Any:
    first = _greater_equal(b, a)
    if first is None:
        return ball(a).min(ball(b))
    return a if first else b


def _choose(condition: Any, a: Any, b: Any) -> Any:
    if condition is None:
        return hull(a, b)
    return a if condition else b


def _sign(x: Any) -> Any:
    x = number(x)
    if isinstance(x, int):
        return (x > 0) - (x < 0)
    return x.sgn()


def _whole(name: str) -> Callable[[Any], Any]:
    def rounded(x: Any) -> Any:
        x = number(x)
        return x if isinstance(x, int) else getattr(x, name)()

    return rounded


def _square(x: Any) -> Any:
    x = number(x)
    return x * x if isinstance(x, int) else x**2


def _reciprocal(x: Any) -> Any:
    return 1 / ball(x)


def _lgamma(x: Any) -> Any:
    """log |Γ(x)| for real x."""
    x = ball(x)
    return x.lgamma() if isinstance(x, acb) or x > 0 else abs(x.gamma()).log()


def _atan2(y: Any, x: Any) -> Any:
    return arb.atan2(ball(y), ball(x))


def _method(name: str) -> Callable[[Any], Any]:
    return lambda x: getattr(ball(x), name)()


def as_index(value: Any) -> int | None:
    """The whole number that an index is; None where it is certainly none."""
    value = number(value)
    if isinstance(value, int):
        return value
    if isinstance(value, arb) and value.is_exact() and value.is_integer():
        return int(value.unique_fmpz())
    if isinstance(value, arb) and not value.contains_integer():
        return None
    raise Undecided("an index that is not certainly a whole number")


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **{op: _method(op) for op in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "digamma")},
    **{f"arc{op}": _method(f"a{op}") for op in ("sin", "cos", "tan")},
    "lgamma": _lgamma, "neg": lambda x: -number(x), "abs": lambda x: abs(number(x)), "sign": _sign,
    "floor": _whole("floor"), "ceil": _whole("ceil"), "reciprocal": _reciprocal, "square": _square, "not_": _not,
    "conj": lambda x: x.conjugate() if isinstance(x, acb) else number(x),
    "real": lambda x: number(x).real, "imag": lambda x: number(x).imag,
    "add": add, "sub": _sub, "mul": multiply, "div": _div, "pow": _pow, "mod": _mod, "atan2": _atan2,
    "maximum": maximum, "minimum": minimum,
    "gt": greater, "ge": _greater_equal, "lt": lambda a, b: greater(b, a), "le": lambda a, b: _greater_equal(b, a),
    "eq": _equal, "ne": lambda a, b: _not(_equal(a, b)), "and_": both, "or_": either, "select": _choose,
}  # fmt: skip

ORDERED = frozenset({"sign", "floor", "ceil", "mod", "atan2", "maximum", "minimum", "gt", "ge", "lt", "le", "max",
                     "min", "argmax", "argmin"})  # fmt: skip
"""What complex numbers lack."""
