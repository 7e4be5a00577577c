"""Matrices and vectors with a property: triangular, symmetric, orthogonal, positive definite, distributions ...

By construction and exactly: an orthogonal matrix is orthogonal, not orthogonal up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from lemmata.verify.problem import Domain
from lemmata.verify.values import Array, CannotDraw, Draw, Style, entries_of, reals

PATTERNS = ("diagonal", "lower triangular", "upper triangular", "symmetric", "skew")
TRIES = 40


def patterned(entries: str, domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, style: Style) -> Array:
    properties = domain.properties
    patterns = [p for p in PATTERNS if p in properties]
    square = patterns or properties & {"positive diagonal", "invertible", "positive determinant"}
    if square and not shape:
        return entries_of(entries, domain, shape, rng, style)
    if square and len(shape) < 2:
        raise CannotDraw(f"{', '.join(sorted(square))} is said of something that is no matrix")
    if {"symmetric", "skew", "invertible", "positive determinant"} & properties and shape[-1] != shape[-2]:
        raise CannotDraw("a matrix with unequal sides cannot have the declared property")
    if "skew" in patterns and (len(patterns) > 1 or domain.low is not None or domain.high is not None):
        raise CannotDraw("a skew matrix with a further pattern")
    for _ in range(TRIES):
        values = entries_of(entries, domain, shape, rng, style)
        for pattern in patterns:
            values = apply_pattern(pattern, values)
        if "positive diagonal" in properties:
            diagonal = np.arange(min(shape[-2:]))
            values[..., diagonal, diagonal] = abs(values[..., diagonal, diagonal])
        if "positive determinant" in properties:
            values = _positive_determinant(values, patterns)
        if "descending" in properties:
            values = descending(values, "diagonal" in patterns)
        if _acceptable(values, properties, patterns, style):
            return values
    raise CannotDraw(f"no value that is {', '.join(sorted(properties))} was found")


def apply_pattern(pattern: str, values: Array) -> Array:
    match pattern:
        case "lower triangular":
            return np.asarray(np.tril(values))
        case "upper triangular":
            return np.asarray(np.triu(values))
        case "diagonal":
            return np.asarray(values * np.eye(values.shape[-2], values.shape[-1]))
        case "symmetric":
            return np.asarray(np.tril(values) + np.swapaxes(np.tril(values, -1), -1, -2))
    lower = np.tril(values, -1)
    return np.asarray(lower - np.swapaxes(lower, -1, -2))


def _positive_determinant(values: Array, patterns: Sequence[str]) -> Array:
    if values.ndim < 2:
        return abs(values)
    negative = np.linalg.det(values) < 0
    if not negative.any():
        return values
    if "symmetric" in patterns or "skew" in patterns:
        # Of a symmetric matrix only one of even size may be negated; otherwise another is drawn.
        return values if values.shape[-1] % 2 == 0 else np.where(negative[..., None, None], -values, values)
    values = values.copy()
    values[..., 0, :] *= np.where(negative, -1.0, 1.0)[..., None]
    return values


def descending(values: Array, on_diagonal: bool) -> Array:
    if on_diagonal:
        diagonal = np.arange(min(values.shape[-2:]))
        result = np.zeros_like(values)
        result[..., diagonal, diagonal] = -np.sort(-values[..., diagonal, diagonal], axis=-1)
        return result
    return -np.sort(-values, axis=-1) if values.ndim else values


def _acceptable(values: Array, properties: frozenset[str], patterns: Sequence[str], style: Style) -> bool:
    if values.ndim >= 2 and properties & {"invertible", "full rank", "positive determinant"}:
        singular = np.linalg.svd(values, compute_uv=False)
        if not (singular[..., -1] > singular[..., 0] / 200).all():
            return False
        if "positive determinant" in properties and not (np.linalg.det(values) > 0).all():
            return False
    if "distinct" in properties or "descending" in properties:
        kept = values
        if "diagonal" in patterns:
            diagonal = np.arange(min(values.shape[-2:]))
            kept = values[..., diagonal, diagonal]
        if "descending" in properties and kept.ndim and kept.shape[-1] > 1:
            steps = kept[..., :-1] - kept[..., 1:]
            return bool((steps > 0).all() or (style.whole and (steps >= 0).all()))
        if "distinct" in properties and len(np.unique(kept)) != kept.size:
            return False
    return "nonzero" not in properties or bool(patterns) or bool((values != 0).all())


def of_rank(rank: int, shape: tuple[int, ...], rng: np.random.Generator, style: Style) -> Array:
    """A product of two thin matrices of small whole numbers, so that the rank is exact."""
    if len(shape) != 2 or not 1 <= rank <= min(shape):
        raise CannotDraw(f"there is no matrix of this shape of rank {rank}")
    for _ in range(20):
        values = rng.integers(-3, 4, (shape[0], rank)) @ rng.integers(-3, 4, (rank, shape[1]))
        if np.linalg.matrix_rank(values) == rank:
            return np.asarray(values * style.scale, dtype=np.float64)
    raise CannotDraw(f"no matrix of rank {rank} was found")


def permutation(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise CannotDraw("a permutation matrix must be square")
    size = shape[-1]
    result = np.zeros(shape)
    for index in np.ndindex(shape[:-2]):
        order = rng.permutation(size)
        while size > 1 and (order == np.arange(size)).all():
            order = rng.permutation(size)
        result[(*index, np.arange(size), order)] = 1
    return result


def one_hot(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    if not shape:
        raise CannotDraw("a number cannot be one-hot")
    place = rng.integers(0, shape[-1], shape[:-1])
    return np.asarray(place[..., None] == np.arange(shape[-1]), dtype=np.float64)


def rounded(exact: Array) -> Draw:
    return Draw(exact.astype(np.float64), exact)


def reflected(size: int, normals: Array, one: Any) -> Array:
    """The product of the reflections I − 2vvᵀ/vᵀv over the rows v of `normals`, in the arithmetic of `one`."""
    result = np.array([[one * int(i == j) for j in range(size)] for i in range(size)], dtype=object)
    for normal in normals:
        along = normal.dot(normal)
        image = normal.dot(result)
        result = result - np.array([[v * w * 2 / along for w in image] for v in normal], dtype=object)
    return result


def _whole_vectors(shape: tuple[int, ...], rng: np.random.Generator, largest: int) -> Array:
    """Whole numbers without zeros, as fractions."""
    values = rng.integers(1, largest + 1, shape) * (2 * rng.integers(0, 2, shape) - 1)
    return as_fractions(values)


def as_fractions(values: Array) -> Array:
    result = np.empty(values.shape, dtype=object)
    for index in np.ndindex(values.shape):
        result[index] = Fraction(values[index].item())
    return result


def orthogonal(shape: tuple[int, ...], rng: np.random.Generator, style: Style, rest: frozenset[str]) -> Draw:
    if len(shape) < 2:
        raise CannotDraw("something orthogonal that is no matrix")
    rows, columns = shape[-2:]
    size = max(rows, columns)
    if rest & {"symmetric", "positive determinant"} and rows != columns:
        raise CannotDraw("a matrix with unequal sides cannot have the declared property")
    if rest >= {"symmetric", "positive determinant"}:
        raise CannotDraw("a symmetric rotation")
    result = np.empty(shape, dtype=object)
    for index in np.ndindex(shape[:-2]):
        if "symmetric" in rest:
            count = 1
        elif "positive determinant" in rest:
            count = size - size % 2
        else:
            count = max(1, size - int(rng.integers(0, 2)))
        normals = _whole_vectors((count, size), rng, 2 if style.whole else 4)
        result[index] = reflected(size, normals, Fraction(1))[:rows, :columns]
    return rounded(result)


def positive_definite(
    domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, style: Style, rest: frozenset[str]
) -> Array:
    if not shape:
        return reals(Domain(max(domain.low or 0.0, 0.0), domain.high), shape, rng, style)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise CannotDraw("a positive definite matrix must be square")
    if "diagonal" in rest:
        values = reals(Domain(max(domain.low or 0.0, 0.0), domain.high), shape, rng, style)
        values = apply_pattern("diagonal", values)
        return descending(values, True) if "descending" in rest else values
    if rest & {"descending", "distinct"} or domain.high is not None or (domain.low or 0.0) != 0.0:
        raise CannotDraw("a positive definite matrix with further bounds")
    # Twelve bits each, so that the products and their sum are exact in double precision.
    bits = 1 if style.whole else 1 << 12
    largest = 2 if style.whole else 3 << 11
    factor = rng.integers(1, largest + 1, shape) / bits
    if domain.low is None:
        factor = factor * (2 * rng.integers(0, 2, shape) - 1)
    return np.asarray(factor @ np.swapaxes(factor, -1, -2) + np.eye(shape[-1]))


def simplex(shape: tuple[int, ...], rng: np.random.Generator, style: Style, rest: frozenset[str]) -> Draw:
    if not shape:
        raise CannotDraw("a number cannot be a distribution")
    largest = 3 if style.whole else 97
    for _ in range(TRIES):
        weights = rng.integers(1 if style.whole else 5, largest + 1, shape)
        for pattern in rest & {"lower triangular", "upper triangular"}:
            weights = np.tril(weights) if pattern == "lower triangular" else np.triu(weights)
        if "descending" in rest:
            weights = -np.sort(-weights, axis=-1)
        if "distinct" in rest and len(np.unique(weights)) != weights.size:
            continue
        break
    exact = as_fractions(weights)
    totals = as_fractions(weights.sum(axis=-1, keepdims=True))
    if (weights.sum(axis=-1) == 0).any():
        raise CannotDraw("a row of the triangle has no place for a distribution")
    return rounded(np.asarray(exact / totals, dtype=object))


def on_sphere(parameters: Array) -> list[Any]:
    """The point (2t, |t|² − 1)/(|t|² + 1) of the unit sphere, in the arithmetic of t."""
    square = sum((t * t for t in parameters), start=parameters[0] * 0)
    return [*(2 * t / (square + 1) for t in parameters), (square - 1) / (square + 1)]


def unit(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, style: Style) -> Draw:
    if not shape or domain.high is not None and domain.high < 1 or domain.low is not None and domain.low > 0:
        raise CannotDraw("a unit vector with these bounds")
    size = shape[-1]
    exact = np.empty(shape, dtype=object)
    for index in np.ndindex(shape[:-1]):
        if size == 1:
            point: list[Any] = [Fraction(1 if rng.integers(0, 2) else -1)]
        else:
            step = 1 if style.whole else 8
            magnitude = rng.integers(2, 4, size - 1) if style.whole else rng.integers(1, 3 * step, size - 1)
            point = on_sphere(as_fractions(magnitude * (2 * rng.integers(0, 2, size - 1) - 1)) / step)
            place = int(rng.integers(0, size))
            point[place], point[-1] = point[-1], point[place]
        exact[index] = [abs(x) for x in point] if domain.low is not None and domain.low >= 0 else point
    return rounded(exact)
