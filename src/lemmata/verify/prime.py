"""Rational claims decided at random points of a large prime field (Schwartz 1980, Zippel 1979).

A rational function of degree d that is not zero vanishes at a random point with probability at most d/p. Inputs on
varieties with a rational parametrisation (orthogonal matrices, unit vectors, distributions) are parametrised; bounds
and signs do not matter, since an identity on an open set is one everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.verify import field, matrices
from lemmata.verify.double import common_axes, spread
from lemmata.verify.field import Degree, FieldValue, NoField, P, Unlucky
from lemmata.verify.problem import Domain, Input, Instance
from lemmata.verify.sampling import generator
from lemmata.verify.values import Array

POINTS = 2
RETRIES = 3
OPEN = frozenset(
    {"invertible", "full rank", "positive determinant", "nonzero", "distinct", "descending", "positive diagonal"}
)
"""Properties that leave an open set, or a dense one."""
PLAIN = OPEN | frozenset(matrices.PATTERNS) | {"positive definite", "integer"}
LINEAR = Degree(1, 0)


class Proof(Struct, frozen=True):
    """What the field says of a link: `equal` or `different`; `opaque` where functions were unknowns there."""

    equal: bool
    opaque: bool
    line: str


def decide(instances: Sequence[Instance], link: int, seed: int) -> Proof | None:
    """Compare the two sides of a link at random points, for every instance; None where the field has no answer."""
    opaque = False
    points = 0
    degree = 0
    exponent = 0
    for number, instance in enumerate(instances):
        if instance.conditions or not instance.exact or not instance.inputs:
            return None
        halves = 2 if any("orthogonal" in i.domain.properties for i in instance.inputs) else 1
        for point in range(POINTS * halves):
            try:
                sides = _at_point(instance, link, seed, number, point)
            except NoField:
                return None
            if sides is None:
                return None
            left, right = sides
            points += 1
            opaque = opaque or left.opaque or right.opaque
            difference = left.degree.plus(right.degree)
            degree = max(degree, difference.top, difference.bottom)
            if not _same(left, right, instance, link):
                return None if opaque else Proof(False, False, "the sides differ in a prime field")
        exponent = POINTS
    if degree >= P // 1000:
        return None
    bound = exponent * (math.log10(max(degree, 1)) - math.log10(P))
    what = "with its functions as unknowns, " if opaque else ""
    line = (
        f"{what}equal at {points} random points of the field of 2^31 - 1 elements: "
        f"degree at most {degree}, chance of error below 1e{math.floor(bound) + 1} for each assignment of sizes"
    )
    return Proof(True, opaque, line)


def _at_point(
    instance: Instance, link: int, seed: int, number: int, point: int
) -> tuple[FieldValue, FieldValue] | None:
    for attempt in range(RETRIES):
        rng = generator(seed, 15485863, number, point, attempt)
        feeds = {i.node.attr("name"): _value(i, rng, point) for i in instance.inputs}
        try:
            left, right = field.evaluate((instance.sides[link], instance.sides[link + 1]), feeds)
        except Unlucky:
            continue
        return left, right
    return None


def _same(left: FieldValue, right: FieldValue, instance: Instance, link: int) -> bool:
    axes = common_axes(instance.sides)
    a = spread(left.values, instance.sides[link].axes, axes)
    b = spread(right.values, instance.sides[link + 1].axes, axes)
    return bool((a == b).all())


def _value(given: Input, rng: np.random.Generator, point: int) -> FieldValue:
    """A random point of the input's variety. Raises NoField."""
    shape = tuple(a.size for a in given.node.axes)
    properties = given.domain.properties
    if given.node.dtype in ("complex", "bool"):
        raise NoField("an input without counterpart in the field")
    if properties <= PLAIN:
        values = rng.integers(1, P, shape).astype(np.uint64)
        return FieldValue(_patterned(values, properties), LINEAR, False)
    rest = properties - OPEN
    if rest == {"orthogonal"} and len(shape) >= 2:
        return _orthogonal(shape, rng, 0 if "positive determinant" in properties else point)
    if rest == {"unit"} and shape:
        return _unit(shape, given.domain, rng)
    if rest == {"simplex"} and shape:
        values = rng.integers(1, P, shape).astype(np.uint64)
        values[..., -1] = (1 + (P - values[..., :-1].sum(axis=-1) % P)) % P
        return FieldValue(values, LINEAR, False)
    raise NoField("an input without counterpart in the field")


def _patterned(values: Array, properties: frozenset[str]) -> Array:
    if "positive definite" in properties:
        properties = properties | {"symmetric"}
    for pattern in matrices.PATTERNS:
        if pattern not in properties or values.ndim < 2:
            continue
        if pattern == "skew":
            lower = np.tril(values, -1)
            values = (lower + (P - np.swapaxes(lower, -1, -2))) % P
        else:
            values = matrices.apply_pattern(pattern, values)
    return np.asarray(values, dtype=np.uint64)


class _Residue(Struct, frozen=True):
    """An element of the field, for the constructions that are written once for all number types."""

    value: int

    def __add__(self, other: Any) -> _Residue:
        return _Residue((self.value + _int(other)) % P)

    def __sub__(self, other: Any) -> _Residue:
        return _Residue((self.value - _int(other)) % P)

    def __mul__(self, other: Any) -> _Residue:
        return _Residue(self.value * _int(other) % P)

    def __truediv__(self, other: Any) -> _Residue:
        divisor = _int(other) % P
        if not divisor:
            raise NoField("an isotropic vector")
        return _Residue(self.value * pow(divisor, -1, P) % P)

    __radd__ = __add__
    __rmul__ = __mul__


def _int(value: Any) -> int:
    return value.value if isinstance(value, _Residue) else int(value)


def _random(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    result = np.empty(shape, dtype=object)
    drawn = rng.integers(1, P, shape)
    for index in np.ndindex(shape):
        result[index] = _Residue(int(drawn[index]))
    return result


def _numbers(values: Array) -> Array:
    result = np.empty(values.shape, dtype=np.uint64)
    for index in np.ndindex(values.shape):
        result[index] = _int(values[index])
    return result


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator, point: int) -> FieldValue:
    """A product of reflections, as many as the size, or one less: the two components of the group in turn."""
    rows, columns = shape[-2:]
    size = max(rows, columns)
    count = max(1, size - (size + point) % 2)
    result = np.empty(shape, dtype=np.uint64)
    for index in np.ndindex(shape[:-2]):
        matrix = matrices.reflected(size, _random((count, size), rng), _Residue(1))
        result[index] = _numbers(matrix[:rows, :columns])
    return FieldValue(result, Degree(2 * count, 2 * count), False)


def _unit(shape: tuple[int, ...], domain: Domain, rng: np.random.Generator) -> FieldValue:
    size = shape[-1]
    if size == 1:
        raise NoField("a unit vector of one component")
    result = np.empty(shape, dtype=np.uint64)
    for index in np.ndindex(shape[:-1]):
        result[index] = _numbers(np.array(matrices.on_sphere(_random((size - 1,), rng)), dtype=object))
    return FieldValue(result, Degree(2, 2), False)
