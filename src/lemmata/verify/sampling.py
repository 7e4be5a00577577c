"""Inputs from their domains.

Every draw is a rational number that double precision either holds exactly or is given beside it as fractions, so that
the referee and the prime field see the very values that the arrays saw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lemmata.verify import matrices
from lemmata.verify.problem import RANK, Domain, Input
from lemmata.verify.values import CannotDraw, Draw, Style, complex_values, entries_of, reals

SHAPED = ("permutation", "one-hot", "orthogonal", "positive definite", "simplex", "unit")
"""Properties with a construction of their own, the stronger first."""
IMPLIED: dict[str, set[str]] = {
    "permutation": {"orthogonal", "invertible", "full rank", "binary", "integer", "one-hot", "simplex", "unit"},
    "one-hot": {"simplex", "unit", "binary", "integer", "nonzero"},
    "orthogonal": {"invertible", "full rank", "unit"},
    "positive definite": {"symmetric", "invertible", "full rank", "positive determinant", "positive diagonal"},
    "simplex": {"nonzero"},
    "unit": set(),
}
COMPATIBLE: dict[str, set[str]] = {
    "permutation": set(),
    "one-hot": set(),
    "orthogonal": {"positive determinant", "symmetric", "nonzero", "distinct"},
    "positive definite": {"diagonal", "descending", "distinct", "nonzero"},
    "simplex": {"lower triangular", "upper triangular", "descending", "distinct"},
    "unit": {"nonzero", "distinct"},
}
"""Properties that the construction of each can meet beside its own."""
ENTRIES = ("binary", "sign", "integer")
LATER = frozenset(
    {"positive diagonal", "invertible", "full rank", "positive determinant", "descending", "distinct", "nonzero"}
)
KNOWN = frozenset(SHAPED) | frozenset(ENTRIES) | frozenset(matrices.PATTERNS) | LATER


def generator(*path: int) -> np.random.Generator:
    """The stream of numbers that belongs to a path such as (seed, claim, instance)."""
    key = 0
    for step in path:
        key = (key * 1_000_003 + (step & 0xFFFFFFFF) + 0x9E3779B9) % (1 << 127)
    return np.random.Generator(np.random.Philox(key=key))


def draw(inputs: Sequence[Input], rng: np.random.Generator, style: Style) -> dict[str, Draw]:
    """Values for all inputs, by name. Raises CannotDraw."""
    return {
        i.node.attr("name"): one(i.domain, tuple(a.size for a in i.node.axes), i.node.dtype, rng, style) for i in inputs
    }


def one(domain: Domain, shape: tuple[int, ...], dtype: str, rng: np.random.Generator, style: Style) -> Draw:
    """One value of the domain. Raises CannotDraw."""
    properties = domain.properties
    if not properties and dtype == "real":
        return Draw(reals(domain, shape, rng, style))
    rank = next((p for p in properties if p.startswith(RANK)), "")
    if rank and properties <= {rank, "nonzero"}:
        return Draw(matrices.of_rank(int(rank.removeprefix(RANK)), shape, rng, style))
    unknown = properties - KNOWN
    if unknown:
        raise CannotDraw(f"there is no way to draw something {', '.join(sorted(unknown))}")
    if dtype == "complex":
        return complex_values(domain, shape, rng, style)
    shaped = next((p for p in SHAPED if p in properties), None)
    if dtype == "bool":
        return Draw(entries_of("binary", domain, shape, rng, style) > 0)
    if shaped is None:
        entries = next((e for e in ENTRIES if e in properties), "integer" if dtype == "int" else "real")
        return Draw(matrices.patterned(entries, domain, shape, rng, style))
    rest = properties - IMPLIED[shaped] - {shaped}
    if rest - COMPATIBLE[shaped]:
        raise CannotDraw(
            f"there is no way to draw something {shaped} and {', '.join(sorted(rest - COMPATIBLE[shaped]))}"
        )
    match shaped:
        case "permutation":
            return Draw(matrices.permutation(shape, rng))
        case "one-hot":
            return Draw(matrices.one_hot(shape, rng))
        case "orthogonal":
            return matrices.orthogonal(shape, rng, style, rest)
        case "positive definite":
            return Draw(matrices.positive_definite(domain, shape, rng, style, rest))
        case "simplex":
            return matrices.simplex(shape, rng, style, rest)
    return matrices.unit(domain, shape, rng, style)
