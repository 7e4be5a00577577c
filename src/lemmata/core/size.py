"""Sizes: polynomials in the author's size names, with rational coefficients and whole exponents (negative allowed)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cached_property

from msgspec import Struct

Monomial = tuple[tuple[str, int], ...]
"""Atoms with exponents, sorted by atom; () is the constant monomial. Atoms starting with `?` are unknowns."""


class Size(Struct, frozen=True, dict=True):
    terms: tuple[tuple[Monomial, Fraction], ...]
    """Sorted, without zero coefficients."""

    @staticmethod
    def of(value: int | Fraction | str) -> Size:
        """The size `value`: a number, or an atom by its name."""
        if isinstance(value, str):
            return Size(((((value, 1),), Fraction(1)),))
        return Size((((), Fraction(value)),) if value else ())

    @staticmethod
    def _make(terms: Iterable[tuple[Monomial, Fraction]]) -> Size:
        total: dict[Monomial, Fraction] = {}
        for monomial, coefficient in terms:
            total[monomial] = total.get(monomial, Fraction(0)) + coefficient
        return Size(tuple(sorted((m, c) for m, c in total.items() if c)))

    def __add__(self, other: Size) -> Size:
        return Size._make(self.terms + other.terms)

    def __neg__(self) -> Size:
        return Size(tuple((m, -c) for m, c in self.terms))

    def __sub__(self, other: Size) -> Size:
        return self + -other

    def __mul__(self, other: Size) -> Size:
        return Size._make((_times(a, b), c * d) for a, c in self.terms for b, d in other.terms)

    def divide(self, other: Size) -> Size | None:
        """self / other where other is a single monomial; None where the result is no such polynomial."""
        if len(other.terms) != 1:
            return None
        ((monomial, coefficient),) = other.terms
        inverse = Size(((tuple((a, -e) for a, e in monomial), 1 / coefficient),))
        return self * inverse

    @cached_property
    def atoms(self) -> frozenset[str]:
        return frozenset(atom for monomial, _ in self.terms for atom, _ in monomial)

    @property
    def number(self) -> Fraction | None:
        """The value of a size without atoms."""
        if not self.terms:
            return Fraction(0)
        return self.terms[0][1] if self.terms[0][0] == () and len(self.terms) == 1 else None

    @property
    def never_negative(self) -> bool:
        """Whether it is at least zero for all sizes from one on: what is added outweighs a constant taken away."""
        gains = [c for m, c in self.terms if m]
        if any(c < 0 for c in gains) or any(e < 0 for m, _ in self.terms for _, e in m):
            return False
        return sum(gains, Fraction(0)) + sum((c for m, c in self.terms if not m), Fraction(0)) >= 0

    def substitute(self, solution: Mapping[str, Size]) -> Size:
        """Replace atoms by sizes, to a fixed point of the given (acyclic) solution."""
        if self.atoms.isdisjoint(solution):
            return self
        result = Size(())
        for monomial, coefficient in self.terms:
            product = Size.of(coefficient)
            for atom, exponent in monomial:
                factor = solution[atom].substitute(solution) if atom in solution else Size.of(atom)
                for _ in range(abs(exponent)):
                    divided = product * factor if exponent > 0 else product.divide(factor)
                    if divided is None:
                        return self
                    product = divided
            result += product
        return result

    def at(self, sizes: Mapping[str, int]) -> Fraction:
        """The value at concrete sizes. Raises KeyError for an atom without one."""
        total = Fraction(0)
        for monomial, coefficient in self.terms:
            value = coefficient
            for atom, exponent in monomial:
                value *= Fraction(sizes[atom]) ** exponent
            total += value
        return total

    def __str__(self) -> str:
        """In the author's names; a size that has none is a question mark."""
        if not self.terms:
            return "0"
        parts = []
        for monomial, coefficient in sorted(self.terms, key=lambda t: (-sum(e for _, e in t[0]), t[0])):
            named = [("?" if a.startswith("?") else a, e) for a, e in monomial]
            letters = "·".join(a if e == 1 else f"{a}^{e}" for a, e in named)
            sign = "-" if coefficient < 0 else "+"
            number = "" if abs(coefficient) == 1 and letters else str(abs(coefficient))
            parts.append((sign, "·".join(x for x in (number, letters) if x)))
        text = "".join(f" {sign} {body}" for sign, body in parts).strip()
        return text[2:] if text.startswith("+ ") else text.replace("- ", "-", 1) if text.startswith("- ") else text


def _times(a: Monomial, b: Monomial) -> Monomial:
    total = dict(a)
    for atom, exponent in b:
        total[atom] = total.get(atom, 0) + exponent
    return tuple(sorted((atom, e) for atom, e in total.items() if e))
