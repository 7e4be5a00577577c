"""Fits the arrays of code to the shapes that a formula declares, and finds sizes to try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from lemmata.code.target import Parameter
from lemmata.core.size import Size

Shape = tuple[int, ...]
SIZES = (3, 5, 4, 7, 6, 2, 8, 9, 11, 10, 12)


def fit(parameter: Parameter, array: np.ndarray, sizes: dict[str, int]) -> np.ndarray | None:
    """The array in the parameter's shape: axes of length one may be missing or too many. `sizes` learns the sizes.

    None if the shapes disagree with each other or with the sizes known so far.
    """
    if parameter.shape is None:
        return array
    for candidate in _views(array, len(parameter.shape)):
        learned = unify(parameter.shape, candidate.shape, sizes)
        if learned is not None:
            sizes |= learned
            return candidate
    return None


def _views(array: np.ndarray, rank: int) -> Iterator[np.ndarray]:
    """The array with `rank` axes, by dropping or adding axes of length one."""
    if array.ndim == rank:
        yield array
    elif array.ndim > rank:
        ones = [i for i, n in enumerate(array.shape) if n == 1]
        for drop in combinations(reversed(ones), array.ndim - rank):
            yield array.reshape([n for i, n in enumerate(array.shape) if i not in drop])
    elif rank - array.ndim == 1:
        yield array[..., None]
        yield array[None]


def unify(shape: Sequence[Size], lengths: Sequence[int], sizes: Mapping[str, int]) -> dict[str, int] | None:
    """Sizes that make `shape` these lengths, beyond those known; None if that cannot be."""
    if len(shape) != len(lengths):
        return None
    known = dict(sizes)
    pending = list(zip(shape, lengths, strict=True))
    while pending:
        rest = []
        for size, length in pending:
            open_atoms = [a for a in size.atoms if a not in known]
            if not open_atoms:
                if size.at(known) != length:
                    return None
            elif len(open_atoms) == 1 and (value := _solve(size, open_atoms[0], length, known)) is not None:
                known[open_atoms[0]] = value
            else:
                rest.append((size, length))
        if len(rest) == len(pending):
            return known  # a product of two unknown sizes: left open
        pending = rest
    return known


def _solve(size: Size, atom: str, length: int, known: Mapping[str, int]) -> int | None:
    """The whole number that makes the size this length."""
    for value in range(1, 4 * length + 1) if len(size.terms) > 1 or size.terms[0][0] != ((atom, 1),) else (length,):
        try:
            if size.at({**known, atom: value}) == length:
                return value
        except ZeroDivisionError:
            continue
    return None


def choose_sizes(
    parameters: Sequence[Parameter], count: int, rng: np.random.Generator, fixed: Mapping[str, int] | None = None
) -> list[dict[str, int]]:
    """Up to `count` assignments of different whole numbers to the sizes, under which every shape is whole."""
    shapes = [s for p in parameters if p.shape is not None for s in p.shape]
    fixed = dict(fixed or {})
    atoms = sorted({a for s in shapes for a in s.atoms} - set(fixed))
    found: list[dict[str, int]] = []
    for attempt in range(400):
        if len(found) >= count:
            break
        order = list(SIZES[: len(atoms) + 3]) if attempt < 100 else list(range(2, 25))
        rng.shuffle(order)
        if len(order) < len(atoms):
            return found
        sizes = fixed | dict(zip(atoms, map(int, order), strict=False))
        if sizes in found or not all(_whole(s, sizes) for s in shapes):
            continue
        found.append(sizes)
    return found


def _whole(size: Size, sizes: Mapping[str, int]) -> bool:
    value = size.at(sizes)
    return value.denominator == 1 and 1 <= value <= 64


def guessed(parameters: Sequence[Parameter]) -> bool:
    """Whether a shape among these holds sizes that nobody named."""
    return any(a.startswith("?") for p in parameters for s in p.shape or () for a in s.atoms)


def lengths(parameter: Parameter, sizes: Mapping[str, int]) -> Shape:
    """The parameter's shape at these sizes; () where nothing is known."""
    return tuple(int(s.at(sizes)) for s in parameter.shape or ())


def describe(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) if shape else "number"
