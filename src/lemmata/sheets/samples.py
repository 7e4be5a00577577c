"""Small sizes and numbers to look at, where the caller gives none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.core.size import Size
from lemmata.model.definitions import Expression, Symbol, describe
from lemmata.model.function import CannotRun, Function, atoms
from lemmata.model.naming import plain, resolve
from lemmata.sheets.steps import NoSheet
from lemmata.verify.problem import Domain
from lemmata.verify.sampling import generator, one
from lemmata.verify.values import CannotDraw, Style

PREFERRED = {
    "h": (2, 3, 1),
    "H": (2, 3, 1),
    "heads": (2, 3, 1),
    "d_ff": (6, 8, 5),
    "d_model": (4, 6, 8, 2),
}


class Taste(Struct, frozen=True):
    """What to try where the first numbers that come to mind do not do."""

    small: tuple[int, ...] = (4, 3, 2, 5, 6, 1, 7, 8)
    """Sizes in order of preference: more rows than columns in what is seen first, or the other way round."""
    members: tuple[int, ...] = (2, 3, 1)
    """Lengths of families."""
    index: int = 1
    """An index that is given as an argument: later steps have steps before them."""
    positive: bool = False
    """Numbers that may have any sign are positive: for logarithms and roots."""


TASTES = (
    Taste(),
    Taste(positive=True),
    Taste(small=(3, 4, 5, 2, 6, 1, 7, 8)),
    Taste(members=(4, 5, 3), index=2),
    Taste(members=(4, 5, 3), index=2, positive=True),
    Taste(members=(6, 8, 11), index=2),
)
TRIES = 20_000
CELLS = 50_000
"""Cells of a sheet, at most: more than anyone looks at."""
FEWER = "give smaller sizes, such as --sizes n=3"
EPSILON = ("epsilon", "varepsilon", "eps")


def sizes(function: Function, given: Mapping[str, int], taste: Taste = TASTES[0]) -> dict[str, int]:
    """A small whole number for every size, different ones where they may differ. Raises NoSheet, CannotRun."""
    expression = function.expression
    names = sorted(atoms(expression))
    equations = [(left, right) for _, left, right in function.definition.elaboration.roles.size_equations]
    every = dict.fromkeys([*_in_order(expression), *names])
    known: dict[str, int] = {}
    for name, value in given.items():
        atom = meant(name, [*names, *_of(equations)])
        if atom is not None:
            known[atom] = value
    shapes = [s for x in expression.symbols for s in x.shape] + [
        s for x in expression.symbols for s in x.variable.type.shape
    ]
    shapes = [s.substitute(expression.solution) for s in shapes]
    wanted = [a for a in every if a not in expression.solution]
    related = [e for e in equations if (e[0].atoms | e[1].atoms) & set(wanted)]
    wanted += [a for a in _of(related) if a not in every and a not in expression.solution]
    related = [(a.substitute(expression.solution), b.substitute(expression.solution)) for a, b in related]
    wanted.sort(key=lambda a: a not in PREFERRED)
    families = frozenset(a for x in expression.symbols for size in x.shape[: x.variable.family] for a in size.atoms) | {
        a for a in wanted if a.startswith("?members")
    }
    found = None
    for least in (2, 1):
        small = tuple(v for v in taste.small if v >= least)
        search = _Search(wanted, frozenset(every), frozenset(known), related, shapes, small, taste.members, families)
        found = found or next(search.assigned(known), None)
    if found is None:
        said = ", ".join(f"{describe((Size.of(k),))} = {v}" for k, v in known.items())
        raise NoSheet(f"no small sizes fit {said or 'its shapes'}")
    return found


def known(function: Function) -> set[str]:
    """Names of sizes that the definition has, or that the document relates to them."""
    equations = [(left, right) for _, left, right in function.definition.elaboration.roles.size_equations]
    try:
        return atoms(function.expression) | set(_of(equations))
    except CannotRun:
        return set(_of(equations))


def meant(name: str, names: Iterable[str]) -> str | None:
    """The size of this name, in LaTeX or as programmers spell it."""
    return resolve(name, ((a, a) for a in sorted(set(names))))


def _of(equations: list[tuple[Size, Size]]) -> list[str]:
    return list(dict.fromkeys(a for pair in equations for side in pair for a in sorted(side.atoms)))


def _in_order(expression: Expression) -> Iterator[str]:
    for symbol in expression.symbols:
        for size in symbol.shape:
            yield from sorted(size.atoms)


class _Search(Struct):
    """Looks for sizes that fit each other."""

    wanted: Sequence[str]
    own: frozenset[str]
    """Sizes of the definition itself, which are to differ where they may."""
    asked: frozenset[str]
    """Those given by the caller."""
    equations: Sequence[tuple[Size, Size]]
    shapes: Sequence[Size]
    small: Sequence[int]
    members: Sequence[int]
    families: frozenset[str]
    """Sizes that count members of families, such as heads and layers."""
    left: int = TRIES

    def assigned(self, known: dict[str, int]) -> Iterator[dict[str, int]]:
        """Assignments that meet the equations between sizes, in order of preference."""
        self.left -= 1
        short = any(v < min(self.small) for a, v in known.items() if a not in self.asked)
        if self.left < 0 or short or not self._consistent(known):
            return
        solved = self._solved(known)
        if solved is not None:
            yield from self.assigned(solved)
            return
        rest = [a for a in self.wanted if a not in known]
        if not rest:
            yield known
            return
        atom = rest[0]
        taken = {v for a, v in known.items() if a in self.own}
        pool = self.members if atom in self.families else PREFERRED.get(atom) or self.small
        for value in sorted(pool, key=lambda v: v in taken):
            yield from self.assigned({**known, atom: value})

    def _consistent(self, known: Mapping[str, int]) -> bool:
        for size in self.shapes:
            if size.atoms <= known.keys() and (size.at(known) < 1 or size.at(known).denominator != 1):
                return False
        return all(a.at(known) == b.at(known) for a, b in self.equations if a.atoms | b.atoms <= known.keys())

    def _solved(self, known: dict[str, int]) -> dict[str, int] | None:
        """With one more size, which an equation determines."""
        for left, right in self.equations:
            for one_side, other in ((left, right), (right, left)):
                if len(one_side.terms) == 1 and len(one_side.atoms) == 1 and other.atoms <= known.keys():
                    (atom,) = one_side.atoms
                    value = other.at(known)
                    whole = value.denominator == 1 and value >= 1
                    if atom not in known and one_side == Size.of(atom) and whole:
                        return {**known, atom: int(value)}
        return None


def values(
    expression: Expression, known: Mapping[str, int], seed: int, taste: Taste = TASTES[0]
) -> dict[str, np.ndarray]:
    """A value for every symbol, from its domain, with two decimals where any number will do. Raises NoSheet."""
    found = {}
    for k, symbol in enumerate(expression.symbols):
        try:
            shape = tuple(int(size.at(known)) for size in symbol.shape)
        except KeyError as error:
            raise NoSheet(f"the size {str(error.args[0]).strip('?')} of {symbol.name} is not known") from error
        if math.prod(shape) > CELLS:
            raise NoSheet(f"{symbol.name} alone has {math.prod(shape)} cells, more than {CELLS}; {FEWER}")
        found[symbol.name] = _value(symbol, shape, seed, k, taste)
    return found


def _value(symbol: Symbol, shape: tuple[int, ...], seed: int, number: int, taste: Taste) -> np.ndarray:
    variable = symbol.variable
    if variable.type.dtype == "complex":
        raise NoSheet(f"{symbol.name} is complex, and cells hold real numbers")
    if plain(symbol.name) in EPSILON:
        return np.full(shape, 1e-5)
    if variable.type.dtype == "int":
        return np.full(shape, float(taste.index))
    rng = generator(seed, number)
    if "finite" in variable.domain.properties:  # one of a few things, such as tokens: the first two of them
        return rng.integers(0, 2, shape) + float(math.ceil(variable.domain.low or 0))
    domain = Domain(variable.domain.low, variable.domain.high, variable.domain.properties)
    try:
        drawn = np.asarray(
            one(domain, shape, variable.type.dtype, rng, Style(scale=0.5, positive=taste.positive)).floats, dtype=float
        )
    except CannotDraw as error:
        raise NoSheet(f"no values for {symbol.name}: {error}") from error
    rounded = np.round(drawn, 2)
    low, high = (-np.inf if domain.low is None else domain.low), (np.inf if domain.high is None else domain.high)
    plain_domain = not domain.properties - {"nonzero", "symmetric", "distinct"}
    return rounded if plain_domain and (rounded > low).all() and (rounded < high).all() and rounded.all() else drawn
