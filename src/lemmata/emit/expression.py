"""Pieces of source with what they stand for: how tightly they bind, and which axes their dimensions are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct

from lemmata.core.size import Size
from lemmata.program.node import Axis

ATOM, POWER, UNARY, PRODUCT, SUM, AND, OR, COMPARE = 100, 90, 80, 70, 60, 50, 45, 40
SIMPLE = re.compile(r"-?[A-Za-z_0-9.]+")
"""What stands beside ** without spaces."""


class Expr(Struct, frozen=True):
    text: str
    binding: int = ATOM
    layout: tuple[Axis, ...] = ()
    """The last dimensions; further ones in front are batch axes."""
    batched: bool = False
    """Whether there may be batch axes."""
    number: bool = False
    """A Python number, not a tensor."""
    column: str = ""
    """Of a vector that was calculated as a matrix of one column, that matrix."""
    symmetric: bool = False
    """Whether a transpose changes nothing."""

    def inside(self, binding: int) -> str:
        """In brackets where what is around binds tighter."""
        return self.text if self.binding >= binding else f"({self.text})"

    def at(self, axis: Axis) -> int:
        """The dimension of an axis, from the end."""
        return self.layout.index(axis) - len(self.layout)


def infix(left: str, op: str, right: str) -> str:
    if op == "**":
        return f"{left}**{right}" if SIMPLE.fullmatch(left) and SIMPLE.fullmatch(right) else f"{left} ** {right}"
    return f"{left} {op} {right}"


def number_text(value: int | float | Fraction) -> tuple[str, int]:
    """A literal, and how tightly it binds."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            value = int(value)
        elif _short(value):
            value = float(value)
        else:
            sign = "-" if value < 0 else ""
            return f"{sign}{abs(value.numerator)} / {value.denominator}", PRODUCT
    return repr(value), UNARY if value < 0 else ATOM


def _short(value: Fraction) -> bool:
    """Whether the decimal fraction is exact and short: 0.5, 0.044715."""
    text = repr(float(value))
    return len(text) <= 10 and "e" not in text and Fraction(text) == value


def size_text(size: Size, name: dict[str, str], whole: bool = False) -> tuple[str, int]:
    """A size in Python, as a sum of products and quotients; of lengths, which are `whole`, whole quotients."""
    if not size.terms:
        return "0", ATOM
    parts: list[tuple[str, int, bool]] = []
    for monomial, coefficient in sorted(size.terms, key=lambda t: (-sum(e for _, e in t[0]), t[0])):
        above = [_power(name[a], e) for a, e in monomial if e > 0]
        below = [_power(name[a], -e) for a, e in monomial if e < 0]
        top, bottom = abs(coefficient.numerator), coefficient.denominator
        if top != 1 or not above:
            above.insert(0, str(top))
        if bottom != 1:
            below.insert(0, str(bottom))
        text = " * ".join(above)
        if below:
            text += (" // " if whole else " / ") + (below[0] if len(below) == 1 else f"({' * '.join(below)})")
        parts.append((text, PRODUCT if len(above) + len(below) > 1 else ATOM, coefficient < 0))
    first, binding, negative = parts[0]
    text = f"-{first}" if negative else first
    for rest, _, minus in parts[1:]:
        text += f" {'-' if minus else '+'} {rest}"
    return text, SUM if len(parts) > 1 else UNARY if negative and binding == ATOM else binding


def _power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}**{exponent}"


def shape_text(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
