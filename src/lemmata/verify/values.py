"""Numbers from an interval: exact in double precision, away from its ends and from special points."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from lemmata.verify.problem import Domain

Array = NDArray[Any]


class CannotDraw(Exception):
    """No values of this domain can be made; the message says why."""


class Draw(Struct, frozen=True):
    """The value of one input."""

    floats: Array
    exact: Array | None = None
    """Fractions of the same shape where the floats are rounded; None where the floats are themselves exact."""

    def fractions(self) -> Array:
        """The exact value: an object array of Fraction (of complex numbers with dyadic parts for complex inputs)."""
        if self.exact is not None:
            return self.exact
        result = np.empty(self.floats.shape, dtype=object)
        for index in np.ndindex(self.floats.shape):
            value = self.floats[index].item()
            result[index] = value if isinstance(value, complex) else Fraction(value)
        return result


class Style(Struct, frozen=True):
    """How the values of one instance look."""

    scale: float = 1.0
    """Magnitudes of unbounded inputs lie between 0.3 and 2 times this power of two."""
    sign: int = 0
    """The sign of unbounded numbers that are no arrays; 0 for either."""
    positive: bool = False
    """Whether unbounded inputs are positive."""
    whole: bool = False
    """Small whole numbers where the domain has some."""


_UNIT = 1 << 20


def reals(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, style: Style) -> Array:
    """Numbers inside the open interval, away from its ends and from special points."""
    low, high = bounds(domain)
    if style.whole:
        return whole_numbers(low, high, shape, rng, "distinct" in domain.properties)
    if low is not None and high is not None:
        width = 2.0 ** math.floor(math.log2(high - low))
        spread = (high - low) / width
        inner = rng.integers(round(0.08 * spread * _UNIT), round(0.92 * spread * _UNIT), shape) / _UNIT
        return _inside(low + inner * width, low, high)
    size = rng.integers(round(0.3 * _UNIT), 2 * _UNIT, shape) / _UNIT * style.scale
    if low is not None:
        return _inside(low + size, low, None)
    if high is not None:
        return _inside(high - size, None, high)
    if style.positive:
        return np.asarray(size)
    if not shape and style.sign:
        return np.asarray(size * style.sign)
    return np.asarray(size * (2 * rng.integers(0, 2, shape) - 1))


def bounds(domain: Domain) -> tuple[float | None, float | None]:
    low = None if domain.low is None or domain.low == -math.inf else float(domain.low)
    high = None if domain.high is None or domain.high == math.inf else float(domain.high)
    if low is not None and high is not None and not low < high:
        raise CannotDraw("the interval of an input is empty")
    return low, high


def _inside(values: Any, low: float | None, high: float | None) -> Array:
    result = np.asarray(values, dtype=np.float64)
    if (low is not None and not (result > low).all()) or (high is not None and not (result < high).all()):
        raise CannotDraw("an interval of an input is too narrow for double precision")
    return result


def whole_numbers(
    low: float | None, high: float | None, shape: tuple[int, ...], rng: np.random.Generator, distinct: bool = False
) -> Array:
    """From the few smallest whole numbers of the interval, zero left out; simple fractions where it has none."""
    reach = math.prod(shape) if distinct else 3
    first = -reach if low is None else math.floor(low) + 1
    if low is None and high is not None:
        first = math.ceil(high) - reach - 1
    last = first + (2 * reach if low is None and high is None else reach)
    if high is not None:
        last = min(last, math.ceil(high) - 1)
    pool: list[float] = [v for v in range(first, last + 1) if v]
    if (len(pool) < 2 or (distinct and len(pool) < reach)) and low is not None and high is not None:
        parts = 4 if not distinct else reach + 2
        pool = [v for i in range(1, parts) if (v := low + (high - low) * i / parts)]
    if not pool or (distinct and len(pool) < math.prod(shape)):
        raise CannotDraw("no small numbers in the interval of an input")
    return np.asarray(rng.choice(np.array(pool, dtype=np.float64), shape, replace=not distinct))


def integers(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    low, high = bounds(domain)
    first = math.floor(low) + 1 if low is not None else (math.ceil(high) - 9 if high is not None else -5)
    last = math.ceil(high) - 1 if high is not None else first + 11
    if first > last:
        raise CannotDraw("no whole number lies in the interval of an input")
    pool = [v for v in range(first, min(last, first + 12) + 1) if v not in (0, 1)] or list(range(first, last + 1))
    return np.asarray(rng.choice(np.array(pool, dtype=np.float64), shape))


def entries_of(kind: str, domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, style: Style) -> Array:
    match kind:
        case "real":
            return reals(domain, shape, rng, style)
        case "integer":
            return integers(domain, shape, rng)
    values = rng.integers(0, 2, shape)
    if values.size > 1 and values.min() == values.max():
        values.flat[int(rng.integers(values.size))] ^= 1
    return np.asarray(values if kind == "binary" else 2 * values - 1, dtype=np.float64)


def complex_values(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, style: Style) -> Draw:
    bounded = domain.low is not None or domain.high is not None
    if bounded or domain.properties - {"nonzero", "distinct", "invertible", "full rank"}:
        raise CannotDraw("there is no way to draw complex values with these properties")
    real, imaginary = reals(domain, shape, rng, style), reals(domain, shape, rng, style)
    return Draw(real + 1j * imaginary)
