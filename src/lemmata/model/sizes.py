"""Sizes from the shapes of what a definition is called with, and messages where they do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from lemmata.core.size import Size
from lemmata.model.definitions import describe


class ShapeMismatch(ValueError):
    """An argument whose shape is not the one that the document declares or that the other arguments require."""


class Given(Struct, frozen=True):
    """A symbol's declared shape beside the shape of its value, batch axes left out."""

    name: str
    shape: tuple[Size, ...]
    lengths: tuple[int, ...]
    size: bool = False
    """A size given as such, by name."""


def solve(given: Sequence[Given]) -> dict[str, int]:
    """Every size that the shapes determine. Raises ShapeMismatch where two of them disagree."""
    known: dict[str, int] = {}
    origin: dict[str, str] = {}
    pending = [(g, size, length) for g in given for size, length in zip(g.shape, g.lengths, strict=True)]
    while pending:
        rest = []
        for g, size, length in pending:
            open_atoms = [a for a in size.atoms if a not in known]
            if not open_atoms:
                if size.at(known) != length:
                    raise ShapeMismatch(_message(g, size, length, known, origin))
            elif len(open_atoms) == 1:
                value = _solved(size, open_atoms[0], length, known)
                if value is None:
                    raise ShapeMismatch(_message(g, size, length, known, origin))
                known[open_atoms[0]] = value
                origin[open_atoms[0]] = f" by {g.name}" if not g.size else ""
            else:
                rest.append((g, size, length))
        if len(rest) == len(pending):
            break
        pending = rest
    return known


def _solved(size: Size, atom: str, length: int, known: Mapping[str, int]) -> int | None:
    """The whole number at which the size has this value."""
    exponents = {e for monomial, _ in size.terms for a, e in monomial if a == atom}
    if exponents == {1}:
        zero = size.at({**known, atom: 0})
        slope = size.at({**known, atom: 1}) - zero
        value = (length - zero) / slope if slope else None
        return int(value) if value is not None and value.denominator == 1 and value > 0 else None
    return next((v for v in range(1, 4 * length + 1) if size.at({**known, atom: v}) == length), None)


def _message(g: Given, size: Size, length: int, known: Mapping[str, int], origin: Mapping[str, str]) -> str:
    because = ", ".join(f"{describe((Size.of(a),))} = {known[a]}{origin[a]}" for a in sorted(size.atoms) if a in known)
    because = f" ({because})" if because else ""
    wanted = describe((size,))
    if all(a in known for a in size.atoms):
        wanted = (
            str(size.at(known))
            if not size.atoms
            else f"{wanted} = {size.at(known)}"
            if wanted != "?"
            else str(size.at(known))
        )
    if g.size:
        return f"{g.name} is given as {length}, but {wanted} is expected{because}"
    return (
        f"{g.name} has shape {shape_text(g.lengths)}, expected {describe(g.shape)}: "
        f"an axis of length {length} where {wanted} is expected{because}"
    )


def shape_text(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) if shape else "of a number"
