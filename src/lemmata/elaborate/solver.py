"""Sizes with different names differ, unless the document equates them or one of them is unknown: unification."""

from __future__ import annotations

import itertools

from lemmata.core.size import Size
from lemmata.core.types import Tensor

_fresh = itertools.count(1)


class Unreadable(Exception):
    """An expression has no reading here; the message says why, in the author's symbols."""


class Misfit(Unreadable):
    """Shapes that do not fit: `left` and `right` are the two sizes (or shapes) that should agree."""

    def __init__(self, reason: str, left: tuple[Size, ...] = (), right: tuple[Size, ...] = ()) -> None:
        super().__init__(reason)
        self.left, self.right = left, right
        self.between: tuple[object, ...] = ()
        """The factors of the product that does not fit."""


def unknown(hint: str = "") -> Size:
    """A size to be found out. Names sort as they were made, whatever was read before."""
    return Size.of(f"?{hint}{next(_fresh):09d}")


def is_unknown(atom: str) -> bool:
    return atom.startswith("?")


class Solver:
    """What is known of the unknown sizes so far, and which sizes the document equates.

    Equations between named sizes (`d_k = d/h`, `m = n`) are kept apart from guesses, so that copies share them.
    """

    def __init__(self) -> None:
        self.solution: dict[str, Size] = {}
        self.postponed: list[tuple[Size, Size]] = []

    def copy(self) -> Solver:
        other = Solver()
        other.solution = dict(self.solution)
        other.postponed = list(self.postponed)
        return other

    def size(self, size: Size) -> Size:
        return size.substitute(self.solution)

    def type(self, tensor: Tensor) -> Tensor:
        return tensor.substitute(self.solution)

    def equal(self, a: Size, b: Size) -> bool:
        return self.size(a) == self.size(b)

    def unify(self, a: Size, b: Size) -> None:
        """Make two sizes equal. Raises Misfit where both are named and differ."""
        a, b = self.size(a), self.size(b)
        if a == b:
            return
        difference = a - b
        for monomial, coefficient in difference.terms:
            if len(monomial) == 1 and monomial[0][1] == 1 and is_unknown(monomial[0][0]):
                atom = monomial[0][0]
                rest = Size(tuple(t for t in difference.terms if t[0] != monomial))
                if atom in rest.atoms:
                    continue
                self.solution[atom] = rest * Size.of(-1 / coefficient)
                return
        if any(is_unknown(x) for x in difference.atoms):
            self.postponed.append((a, b))
            return
        raise Misfit(f"the sizes {a} and {b} differ", (a,), (b,))

    def equate(self, a: Size, b: Size) -> bool:
        """The document says that two sizes are equal; False where that can never hold."""
        a, b = self.size(a), self.size(b)
        if a == b:
            return True
        try:
            self.unify(a, b)
        except Misfit:
            return self._solve_named(a, b)
        return True

    def _solve_named(self, a: Size, b: Size) -> bool:
        difference = a - b
        linear = [(m, c) for m, c in difference.terms if len(m) == 1 and m[0][1] == 1]
        for monomial, coefficient in sorted(linear, key=lambda t: (t[0][0][0] not in _names_alone(a, b), t[0])):
            atom = monomial[0][0]
            rest = Size(tuple(t for t in difference.terms if t[0] != monomial))
            if atom in rest.atoms:
                continue
            self.solution[atom] = rest * Size.of(-1 / coefficient)
            return True
        return difference.number is None


def _names_alone(a: Size, b: Size) -> set[str]:
    """Names that are a whole side: `d_k` in d_k = d/h. They are replaced rather than the others."""
    return {
        next(iter(s.atoms))
        for s in (a, b)
        if len(s.terms) == 1 and len(s.atoms) == 1 and s == Size.of(next(iter(s.atoms)))
    }
