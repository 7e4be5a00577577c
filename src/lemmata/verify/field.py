"""Programs over the prime field of 2³¹ − 1 elements, vectorised: products of two elements fit in 64 bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.backends import numpy as backend
from lemmata.program.graph import nodes
from lemmata.program.node import Axis, Node
from lemmata.verify.double import spread
from lemmata.verify.values import Array

P = 2**31 - 1


class NoField(Exception):
    """The program does something that has no counterpart in the field."""


class Unlucky(Exception):
    """A division by zero at this point of the field."""


class Degree(Struct, frozen=True):
    """Degrees of numerator and denominator of a rational function."""

    top: int = 0
    bottom: int = 0

    def __add__(self, other: Degree) -> Degree:
        """Of the product."""
        return Degree(self.top + other.top, self.bottom + other.bottom)

    def plus(self, other: Degree) -> Degree:
        """Of the sum, over the product of the denominators."""
        return Degree(max(self.top + other.bottom, other.top + self.bottom), self.bottom + other.bottom)

    def times(self, count: int) -> Degree:
        """Of a product of `count` such factors."""
        return Degree(self.top * count, self.bottom * count)

    def sum_of(self, count: int) -> Degree:
        """Of a sum of `count` such terms with denominators of their own."""
        return Degree(self.top + (count - 1) * self.bottom, count * self.bottom)

    def inverse(self) -> Degree:
        return Degree(self.bottom, self.top)


class FieldValue(Struct, frozen=True):
    values: Array
    """uint64 below P, one dimension per axis of the node."""
    degree: Degree
    opaque: bool
    """Whether a function that is not rational entered, as an unknown of its own."""


def residue(value: int | float | Fraction) -> int:
    """The exact value of a number in the field. Raises NoField."""
    if isinstance(value, float) and not math.isfinite(value):
        raise NoField("an infinite constant")
    fraction = Fraction(value)
    if fraction.denominator % P == 0:
        raise NoField("a constant without counterpart")
    return fraction.numerator * pow(fraction.denominator, -1, P) % P


def invert(values: Array) -> Array:
    """Inverses by Fermat. Raises Unlucky."""
    if (values == 0).any():
        raise Unlucky
    return power(values, P - 2)


def power(values: Array, exponent: int) -> Array:
    result = np.ones_like(values)
    base = values
    while exponent:
        if exponent & 1:
            result = result * base % P
        base = base * base % P
        exponent >>= 1
    return result


def evaluate(outputs: tuple[Node, ...], feeds: Mapping[str, FieldValue]) -> list[FieldValue]:
    """The outputs at one point of the field. Raises NoField, Unlucky."""
    found: dict[int, FieldValue | Array] = {}
    for node in nodes(*outputs):
        args = [found[a.uid] for a in node.args]
        if node.op == "input":
            if node.attr("name") not in feeds:
                raise NoField("an input that the field does not have")
            found[node.uid] = feeds[node.attr("name")]
        elif node.dtype in ("int", "bool") and not any(isinstance(a, FieldValue) for a in args):
            # Plain whole numbers and truth values: indices, masks, counts.
            found[node.uid] = _plain(node, args)
        elif node.dtype in ("complex", "bool"):
            raise NoField(f"{node.op} in the field")
        else:
            found[node.uid] = _element(node, args)
    return [_lift(found[o.uid]) for o in outputs]


def _plain(node: Node, args: list[Any]) -> Array:
    if node.op == "constant":
        value = node.attr("value")
        if abs(value) >= 2**62:
            return np.asarray(value, dtype=object)
    simple = backend.ELEMENTWISE.get(node.op)
    if simple is not None:
        return np.asarray(simple(*(spread(x, a.axes, node.axes) for x, a in zip(args, node.args, strict=True))))
    return np.asarray(backend.RULES[node.op](node, args))


def _lift(value: FieldValue | Array) -> FieldValue:
    if isinstance(value, FieldValue):
        return value
    if value.dtype == object or value.dtype.kind not in "biu":
        whole = np.vectorize(lambda v: int(v) % P, otypes=[np.uint64])(value)
        return FieldValue(whole, Degree(), False)
    return FieldValue(np.mod(value.astype(np.int64), P).astype(np.uint64), Degree(), False)


def _element(node: Node, args: list[FieldValue | Array]) -> FieldValue:
    op = node.op
    if op == "constant":
        return FieldValue(np.asarray(residue(node.attr("value")), dtype=np.uint64), Degree(), False)
    if op == "array":
        flat = [residue(v) for v in node.attr("value")]
        shape = tuple(a.size for a in node.axes)
        return FieldValue(np.array(flat, dtype=np.uint64).reshape(shape), Degree(), False)
    if op == "special":
        if node.attr("name") == "inf":
            raise NoField("an infinite constant")
        return _opaque(f"special {node.attr('name')}", node, [])
    if op == "call":
        return _lift(args[-1])
    if op == "select":
        return _select(node, args)
    if op == "take":
        return _take(node, args)
    if any(not isinstance(a, FieldValue) and a.dtype == bool for a in args):
        raise NoField("a number made of truth values")
    lifted = [_lift(a) for a in args]
    if op in _ARITHMETIC:
        spreads = [spread(x.values, a.axes, node.axes) for x, a in zip(lifted, node.args, strict=True)]
        return _ARITHMETIC[op](node, spreads, lifted)
    if op in _MATRIX:
        return _MATRIX[op](node, lifted[0])
    if op in _STRUCTURE:
        values = np.asarray(backend.RULES[op](node, [x.values for x in lifted]))
        return FieldValue(values.astype(np.uint64), _worst(lifted), any(x.opaque for x in lifted))
    if op in ("sum", "prod", "contract"):
        return _reduction(node, lifted)
    if op in backend.ELEMENTWISE:
        return _opaque(op, node, lifted)
    raise NoField(f"{op} in the field")


_STRUCTURE = frozenset({"broadcast", "rename", "diagonal", "concat", "stack", "merge", "split"})


def _worst(parts: list[FieldValue]) -> Degree:
    return Degree(max((p.degree.top for p in parts), default=0), max((p.degree.bottom for p in parts), default=0))


def _select(node: Node, args: list[FieldValue | Array]) -> FieldValue:
    condition = args[0]
    if isinstance(condition, FieldValue):
        raise NoField("a case distinction on values")
    parts = [_lift(a) for a in args[1:]]
    spreads = [spread(x.values, a.axes, node.axes) for x, a in zip(parts, node.args[1:], strict=True)]
    values = np.where(spread(condition, node.args[0].axes, node.axes), *spreads)
    shape = tuple(a.size for a in node.axes)
    return FieldValue(np.broadcast_to(values, shape), _worst(parts), any(p.opaque for p in parts))


def _take(node: Node, args: list[FieldValue | Array]) -> FieldValue:
    if isinstance(args[1], FieldValue):
        raise NoField("an index that depends on values")
    base = _lift(args[0])
    if base.values.size and int(base.values.max()) >= 2**53:
        raise NoField("a value out of the field")
    # Elements are below 2³¹, so a detour over floats for the places outside the range loses nothing.
    values = np.asarray(backend.RULES["take"](node, [base.values, args[1]]), dtype=float)
    if np.isnan(values).any():
        raise NoField("an index outside its range")
    return FieldValue(values.astype(np.int64).astype(np.uint64) % P, base.degree, base.opaque)


def _both(parts: list[FieldValue]) -> bool:
    return any(p.opaque for p in parts)


def _add(node: Node, x: list[Array], parts: list[FieldValue]) -> FieldValue:
    return FieldValue((x[0] + x[1]) % P, parts[0].degree.plus(parts[1].degree), _both(parts))


def _sub(node: Node, x: list[Array], parts: list[FieldValue]) -> FieldValue:
    return FieldValue((x[0] + (P - x[1])) % P, parts[0].degree.plus(parts[1].degree), _both(parts))


def _mul(node: Node, x: list[Array], parts: list[FieldValue]) -> FieldValue:
    return FieldValue(x[0] * x[1] % P, parts[0].degree + parts[1].degree, _both(parts))


def _div(node: Node, x: list[Array], parts: list[FieldValue]) -> FieldValue:
    return FieldValue(x[0] * invert(x[1]) % P, parts[0].degree + parts[1].degree.inverse(), _both(parts))


def _neg(node: Node, x: list[Array], parts: list[FieldValue]) -> FieldValue:
    return FieldValue((P - x[0]) % P, parts[0].degree, _both(parts))


def _reciprocal(node: Node, x: list[Array], parts: list[FieldValue]) -> FieldValue:
    return FieldValue(invert(x[0]), parts[0].degree.inverse(), _both(parts))


def _square(node: Node, x: list[Array], parts: list[FieldValue]) -> FieldValue:
    return FieldValue(x[0] * x[0] % P, parts[0].degree.times(2), _both(parts))


def _pow(node: Node, x: list[Array], parts: list[FieldValue]) -> FieldValue:
    exponent = node.args[1]
    while exponent.op == "broadcast":
        exponent = exponent.args[0]
    value = exponent.attr("value") if exponent.op == "constant" else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or abs(value) > 64:
        return _opaque("pow", node, parts)
    if value >= 0:
        return FieldValue(power(x[0], value), parts[0].degree.times(value), parts[0].opaque)
    return FieldValue(power(invert(x[0]), -value), parts[0].degree.inverse().times(-value), parts[0].opaque)


_ARITHMETIC: dict[str, Callable[[Node, list[Array], list[FieldValue]], FieldValue]] = {
    "add": _add, "sub": _sub, "mul": _mul, "div": _div,
    "neg": _neg, "reciprocal": _reciprocal, "square": _square, "pow": _pow,
}  # fmt: skip


def _reduction(node: Node, parts: list[FieldValue]) -> FieldValue:
    over: tuple[Axis, ...] = node.attr("over")
    axes = (*node.axes, *over)
    count = math.prod(a.size for a in over)
    values = np.ones((), dtype=np.uint64)
    degree = Degree()
    for part, argument in zip(parts, node.args, strict=True):
        values = values * spread(part.values, argument.axes, axes) % P
        degree = degree + part.degree
    if values.size > 10**6:
        raise NoField("a contraction too large for the field")
    shape = tuple(a.size for a in axes)
    values = np.broadcast_to(values, shape)
    where = tuple(range(len(node.axes), len(axes)))
    if node.op == "prod":
        flat = values.reshape((*values.shape[: len(node.axes)], -1))
        result = np.ones(flat.shape[:-1], dtype=np.uint64)
        for position in range(flat.shape[-1]):
            result = result * flat[..., position] % P
        return FieldValue(result, degree.times(count), _both(parts))
    return FieldValue(np.asarray(values.sum(axis=where) % P, dtype=np.uint64), degree.sum_of(count), _both(parts))


def _opaque(name: str, node: Node, parts: list[FieldValue]) -> FieldValue:
    """Equal arguments give equal values, and nothing else is known."""
    mixed = np.asarray(_seed_of(name), dtype=np.uint64)
    for part, argument in zip(parts, node.args, strict=True):
        mixed = _mix(mixed, spread(part.values, argument.axes, node.axes))
    return FieldValue(np.asarray(mixed % P, dtype=np.uint64), Degree(1, 0), True)


def _seed_of(name: str) -> int:
    seed = 1469598103934665603
    for letter in name.encode():
        seed = (seed ^ letter) * 1099511628211 % 2**64
    return seed


def _mix(state: Array, values: Array) -> Array:
    """A round of splitmix64 over the state and further values."""
    with np.errstate(over="ignore"):
        x = (state ^ values) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)))


def _matrices(node: Node, part: FieldValue) -> Array:
    row, column = node.attr("row"), node.attr("column")
    rest = tuple(a for a in node.args[0].axes if a not in (row, column))
    axes = (*rest, row, column)
    return np.broadcast_to(spread(part.values, node.args[0].axes, axes), tuple(a.size for a in axes))


def _eliminate(matrix: Array) -> tuple[int, Array]:
    """Determinant and inverse by elimination. Raises Unlucky for a singular matrix."""
    size = len(matrix)
    work = np.concatenate([matrix.astype(np.uint64), np.eye(size, dtype=np.uint64)], axis=1)
    determinant = 1
    for column in range(size):
        pivots = np.flatnonzero(work[column:, column])
        if not len(pivots):
            raise Unlucky
        pivot = column + int(pivots[0])
        if pivot != column:
            work[[column, pivot]] = work[[pivot, column]]
            determinant = -determinant
        lead = int(work[column, column])
        determinant = determinant * lead % P
        work[column] = work[column] * np.uint64(pow(lead, -1, P)) % P
        factors = work[:, column].copy()
        factors[column] = 0
        work = (work + (P - factors[:, None] * work[column] % P)) % P
    return determinant % P, work[:, size:]


def _determinant(node: Node, part: FieldValue) -> FieldValue:
    stacked = _matrices(node, part)
    size = stacked.shape[-1]
    result = np.empty(stacked.shape[:-2], dtype=np.uint64)
    for index in np.ndindex(result.shape):
        try:
            result[index] = _eliminate(stacked[index])[0]
        except Unlucky:
            result[index] = 0
    return FieldValue(result, _of_determinant(part.degree, size), part.opaque)


def _of_determinant(entry: Degree, size: int) -> Degree:
    """Over the product of all denominators of the entries."""
    return Degree(size * entry.top + size * (size - 1) * entry.bottom, size * size * entry.bottom)


def _inverse(node: Node, part: FieldValue) -> FieldValue:
    stacked = _matrices(node, part)
    size = stacked.shape[-1]
    result = np.empty(stacked.shape, dtype=np.uint64)
    for index in np.ndindex(stacked.shape[:-2]):
        result[index] = _eliminate(stacked[index])[1]
    degree = _of_determinant(part.degree, size - 1) + _of_determinant(part.degree, size).inverse()
    return FieldValue(result, degree, part.opaque)


_MATRIX: dict[str, Callable[[Node, FieldValue], FieldValue]] = {"det": _determinant, "inv": _inverse}
