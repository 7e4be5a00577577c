"""Expressions multiplied out into monomials of whatever cannot be taken apart further."""

from __future__ import annotations

from fractions import Fraction

from msgspec.structs import replace

from lemmata.consistency.scalars import is_division
from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax.show import show

Polynomial = dict[tuple[str, ...], Fraction]
"""Coefficients by sorted factors; the constant has none."""
MOST = 60


class NoPolynomial(Exception):
    """The expression is not built of sums and products of numbers."""


def constant(value: Fraction | int) -> Polynomial:
    return {(): Fraction(value)} if value else {}


def add(left: Polynomial, right: Polynomial, sign: int = 1) -> Polynomial:
    found = dict(left)
    for monomial, coefficient in right.items():
        found[monomial] = found.get(monomial, Fraction(0)) + sign * coefficient
    return {m: c for m, c in found.items() if c}


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    found: Polynomial = {}
    for m, c in left.items():
        for n, d in right.items():
            key = tuple(sorted((*m, *n)))
            found[key] = found.get(key, Fraction(0)) + c * d
    if len(found) > MOST:
        raise NoPolynomial("too many terms")
    return {m: c for m, c in found.items() if c}


def expand(expr: s.Expr) -> Polynomial:
    """Multiply out. Raises NoPolynomial for transposes and the like, where the order of factors matters."""
    match expr:
        case s.Num(value=value):
            return constant(value)
        case s.Paren(open="(" | "[" | "{", items=(only,)):
            return expand(only)
        case s.Sign(op="-", body=body):
            return multiply(constant(-1), expand(body))
        case s.Sign(op="+", body=body):
            return expand(body)
        case s.Infix(ops=ops, items=items) if all(op in ("+", "-", "\\cdot", "*", "\\times") for op in ops):
            found = expand(items[0])
            for op, item in zip(ops, items[1:], strict=True):
                term = expand(item)
                found = (
                    multiply(found, term)
                    if op in ("\\cdot", "*", "\\times")
                    else add(found, term, -1 if op == "-" else 1)
                )
            return found
        case s.Juxt(items=items):
            return _product(items)
        case s.Quotient(command=command) if not is_division(command):
            raise NoPolynomial(command)
        case s.Quotient(numerator=top, denominator=s.Num(value=value)) if value:
            return multiply(expand(top), constant(1 / value))
        case s.Quotient(numerator=top, denominator=bottom):
            return multiply(expand(top), {(f"1/{show(bottom)}",): Fraction(1)})
        case s.Scripted(base=s.Paren() as base, sub=None, sup=s.Num(value=power), primes=0) if power in (2, 3):
            found = inner = expand(base)
            for _ in range(int(power) - 1):
                found = multiply(found, inner)
            return found
        case s.Name(sup=None):
            return {(show(expr),): Fraction(1)}
        case s.Name(sup=s.Num(value=power)) if power.denominator == 1 and 1 <= power <= 6:
            bare = replace(expr, sup=None)
            return {(show(bare),) * int(power): Fraction(1)}
        case s.Name(sup=s.Mark(name="top")) | s.Name(sup=s.Name(base="T")):
            raise NoPolynomial("a transpose")
        case s.Expectation(op="E" | "E?", arguments=(only,), sup=None):
            return _expectation(expr, only)
        case s.Scripted() | s.Choice() | s.Unread() | s.Words() | s.Mark() | s.Matrix() | s.Listing() | s.Relation():
            raise NoPolynomial(type(expr).__name__)
    return {(show(expr),): Fraction(1)}


def _product(items: tuple[s.Expr, ...]) -> Polynomial:
    """Factors side by side; a name before a bracket with a single name in it is a function at its argument."""
    found = constant(1)
    at = 0
    while at < len(items):
        item = items[at]
        following = items[at + 1] if at + 1 < len(items) else None
        power = 1
        if isinstance(following, s.Scripted) and following.sub is None and isinstance(following.sup, s.Num):
            if isinstance(following.base, s.Paren) and following.sup.value in (2, 3):
                power, following = int(following.sup.value), following.base
        if isinstance(item, s.Name) and item.sup is None and _is_argument(following):
            atom = f"{show(item)}{show(following)}"
            found = multiply(found, {(atom,) * power: Fraction(1)})
            at += 2
            continue
        found = multiply(found, expand(item))
        at += 1
    return found


def _is_argument(expr: s.Expr | None) -> bool:
    return isinstance(expr, s.Paren) and expr.open == "(" and all(isinstance(i, s.Name) for i in expr.items)


def _expectation(expr: s.Expectation, argument: s.Expr) -> Polynomial:
    """Linear: the mean of every monomial is a symbol of its own."""
    tag = f"{expr.op}_{show(expr.sub)}|{';'.join(show(g) for g in expr.given)}"
    found: Polynomial = {}
    for monomial, coefficient in expand(argument).items():
        key = (f"{tag}[{' '.join(monomial)}]",) if monomial else ()
        found[key] = found.get(key, Fraction(0)) + coefficient
    return found
