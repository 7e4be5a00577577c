"""What named inequalities say is never negative, as functions of arrays.

Every function takes arrays whose last axes are the vector's or the matrix' own and yields (name, gap); leading axes are
positions. Each line is a theorem, true of all arrays of the stated kind.

That a difference of sides and a gap agree wherever they are tried makes them the same only if no choice of a branch
hides in the gap: |f| agrees with f wherever f happens to be positive. So absolute values, maxima, norms and eigenvalues
are taken through `Parts`, which knows those that the claim itself contains, and gives NaN for any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct, field

from lemmata.verify.values import Array

Gap = Iterator[tuple[str, Array]]
Shape = tuple[int, ...]


SAME = 1e-12


class Parts(Struct, frozen=True):
    """The arguments of the branching operations that a claim contains, at one trial."""

    arguments: dict[str, list[tuple[Array, ...]]] = field(default_factory=dict)

    def _has(self, kind: str, *values: Array) -> bool:
        return any(_alike_values(known, values) for known in self.arguments.get(kind, ()))

    def _if(self, present: bool, value: Array) -> Array:
        return np.asarray(value) if present else np.full(np.shape(value), np.nan)

    def abs(self, u: Array) -> Array:
        return self._if(self._has("abs", u) or self._has("abs", -u), abs(u))

    def maximum(self, u: Array, v: Array) -> Array:
        return self._if(self._has("maximum", u, v) or self._has("maximum", v, u), np.maximum(u, v))

    def minimum(self, u: Array, v: Array) -> Array:
        return self._if(self._has("minimum", u, v) or self._has("minimum", v, u), np.minimum(u, v))

    def max(self, x: Array) -> Array:
        return self._if(self._has("max", x), x.max(axis=-1))

    def min(self, x: Array) -> Array:
        return self._if(self._has("min", x), x.min(axis=-1))

    def one(self, x: Array) -> Array:
        return self._if(self._has("1-norm", x) or self._has("1-norm", -x), _sum(abs(x)))

    def two(self, x: Array) -> Array:
        return self._if(self._has("2-norm", x) or self._has("2-norm", -x), np.sqrt(_sum(x * x)))

    def most(self, x: Array) -> Array:
        return self._if(self._has("max-norm", x) or self._has("max-norm", -x), abs(x).max(axis=-1))

    def norms(self, x: Array) -> tuple[Array, Array, Array]:
        return self.one(x), self.two(x), self.most(x)

    def _of_matrix(self, kind: str, a: Array, value: Array) -> Array:
        turned = a.swapaxes(-1, -2)
        return self._if(any(self._has(kind, x) for x in (a, -a, turned, -turned)), value)

    def spectral(self, a: Array) -> Array:
        return self._of_matrix("spectral", a, np.linalg.svd(a, compute_uv=False).max(axis=-1))

    def frobenius(self, a: Array) -> Array:
        return self._of_matrix("frobenius", a, np.sqrt((a * a).sum(axis=(-1, -2))))

    def nuclear(self, a: Array) -> Array:
        return self._of_matrix("nuclear", a, _sum(np.linalg.svd(a, compute_uv=False)))

    def matrix_norms(self, a: Array) -> tuple[Array, Array, Array]:
        return self.spectral(a), self.frobenius(a), self.nuclear(a)

    def eigenvalues(self, s: Array) -> Array:
        """Ascending."""
        values = np.linalg.eigvalsh(s)
        return np.asarray(values) if self._has("eigenvalues", s) else np.full(values.shape, np.nan)


def _alike_values(known: tuple[Array, ...], values: tuple[Array, ...]) -> bool:
    for x, y in zip(known, values, strict=True):
        if x.shape != y.shape or not np.allclose(x, y, rtol=SAME, atol=SAME * float(abs(x).max(initial=0))):
            return False
    return True


class Family(Struct, frozen=True):
    """Theorems about the same arguments: kind and required properties of each, and whether their shapes fit."""

    arguments: tuple[tuple[str, frozenset[str]], ...]
    gaps: Callable[..., Gap]
    fits: Callable[..., bool] = lambda *shapes: True


def _sum(x: Array) -> Array:
    return np.asarray(x.sum(axis=-1))


def _log_sum_exp(x: Array) -> Array:
    top = x.max(axis=-1)
    return np.asarray(top + np.log(_sum(np.exp(x - top[..., None]))))


def _one_number(p: Parts, u: Array) -> Gap:
    yield "the square of a real number", u * u
    yield "the tangent of the exponential, 1 + x ≤ exp x", np.exp(u) - 1 - u
    yield "the arithmetic and geometric mean, x (1 − x) ≤ 1/4", 0.25 - u * (1 - u)
    size = p.abs(u)
    yield "the absolute value, x ≤ |x|", size - u
    yield "the absolute value, −x ≤ |x|", size + u
    yield "|sin x| ≤ |x|", size - p.abs(np.sin(u))
    yield "sin x ≤ |x|", size - np.sin(u)
    yield "the cosine, 1 − x²/2 ≤ cos x", np.cos(u) - 1 + u * u / 2


def _one_positive(p: Parts, u: Array) -> Gap:
    yield "the tangent of the logarithm, log x ≤ x − 1", u - 1 - np.log(u)
    yield "the tangent of the logarithm, log(1 + x) ≤ x", u - np.log1p(u)
    yield "the arithmetic and geometric mean, 2 ≤ x + 1/x", u + 1 / u - 2
    yield "the minimum of x log x, −1/e", u * np.log(u) + np.exp(-1.0)


def _two_numbers(p: Parts, u: Array, v: Array) -> Gap:
    yield "Young's inequality", (u * u + v * v) / 2 - u * v
    yield "Young's inequality", (u * u + v * v) / 2 + u * v
    yield "Young's inequality", (u * u + v * v) / 2 - p.abs(u * v)
    for sign in (1, -1):
        both = p.abs(u + sign * v)
        yield "the triangle inequality", p.abs(u) + p.abs(v) - both
        yield "the triangle inequality", both - p.abs(p.abs(u) - p.abs(v))
        yield "the triangle inequality", both - (p.abs(u) - p.abs(v))
    yield "the maximum of two numbers", p.maximum(u, v) - u
    yield "the minimum of two numbers", u - p.minimum(u, v)


def _two_positive(p: Parts, u: Array, v: Array) -> Gap:
    yield "the arithmetic and geometric mean", (u + v) / 2 - np.sqrt(u * v)


def _between(p: Parts, s: Array) -> Gap:
    """Of the two numbers of every maximum and minimum."""
    for kind, sign in (("maximum", 1), ("minimum", -1)):
        for u, v in p.arguments.get(kind, ()):
            extreme = np.maximum(u, v) if sign > 0 else np.minimum(u, v)
            yield f"a weighted mean and the {kind}", sign * (extreme - (1 - s) * u - s * v)
            yield f"a weighted mean and the {kind}", sign * (extreme - s * u - (1 - s) * v)


def _one_vector(p: Parts, x: Array) -> Gap:
    n = x.shape[-1]
    root = np.sqrt(n)
    one, two, most = p.norms(x)
    order = "the order of the norms of a vector"
    yield order, one - two
    yield order, two - most
    yield order, one - most
    yield order, root * two - one
    yield order, n * most - one
    yield order, root * most - two
    yield order, one * one - two * two
    yield order, n * two * two - one * one
    yield order, two * two - most * most
    yield order, n * most * most - two * two
    yield "the triangle inequality", one - p.abs(_sum(x))
    yield "the triangle inequality", one - _sum(x)
    yield "Cauchy–Schwarz", n * _sum(x * x) - _sum(x) ** 2
    yield "Cauchy–Schwarz", root * two - p.abs(_sum(x))
    yield "the largest component and the mean", p.max(x) - x.mean(axis=-1)
    yield "the smallest component and the mean", x.mean(axis=-1) - p.min(x)
    total = _log_sum_exp(x)
    yield "log-sum-exp, at least the maximum", total - p.max(x)
    yield "log-sum-exp, at most the maximum plus log n", p.max(x) + np.log(n) - total
    yield "Jensen's inequality for the exponential", total - np.log(n) - x.mean(axis=-1)


def _one_positive_vector(p: Parts, x: Array) -> Gap:
    mean, geometric, harmonic = x.mean(axis=-1), np.exp(np.log(x).mean(axis=-1)), 1 / (1 / x).mean(axis=-1)
    name = "the arithmetic and geometric mean"
    yield name, mean - geometric
    yield name, np.log(mean) - np.log(geometric)
    yield "the geometric and harmonic mean", geometric - harmonic
    yield "the arithmetic and harmonic mean", mean - harmonic
    yield "Cauchy–Schwarz", _sum(x) * _sum(1 / x) - x.shape[-1] ** 2


def _weights(p: Parts, w: Array) -> Gap:
    entropy = -_sum(np.where(w > 0, w * np.log(np.where(w > 0, w, 1)), 0))
    yield "the entropy of a distribution, at least 0", entropy
    yield "the entropy of a distribution, at most log n", np.log(w.shape[-1]) - entropy
    yield "the collision probability, at most 1", 1 - _sum(w * w)
    yield "the collision probability, at least 1/n", _sum(w * w) - 1 / w.shape[-1]


def _two_vectors(p: Parts, x: Array, y: Array) -> Gap:
    (x1, x2, _), (_, y2, y8) = p.norms(x), p.norms(y)
    inner, xx, yy = _sum(x * y), _sum(x * x), _sum(y * y)
    size = p.abs(inner)
    yield "Cauchy–Schwarz", x2 * y2 - size
    yield "Cauchy–Schwarz", x2 * y2 - inner
    yield "Cauchy–Schwarz", x2 * y2 + inner
    yield "Cauchy–Schwarz", xx * yy - inner**2
    yield "Hölder's inequality", x1 * y8 - size
    yield "Hölder's inequality", x1 * y8 - inner
    yield "Young's inequality", (xx + yy) / 2 - inner
    yield "Young's inequality", (xx + yy) / 2 + inner
    yield "Young's inequality", (xx + yy) / 2 - size
    for sign in (1, -1):
        both = x + sign * y
        yield "the parallelogram law", 2 * xx + 2 * yy - _sum(both * both)
        for norm in (p.one, p.two, p.most):
            yield "the triangle inequality", norm(x) + norm(y) - norm(both)
            yield "the triangle inequality", norm(both) - p.abs(norm(x) - norm(y))
            yield "the triangle inequality", norm(both) - (norm(x) - norm(y))


def _jensen(p: Parts, w: Array, x: Array) -> Gap:
    mean = _sum(w * x)
    yield "Jensen's inequality for the square", _sum(w * x * x) - mean * mean
    yield "Jensen's inequality for the exponential", _sum(w * np.exp(x)) - np.exp(mean)
    yield "Jensen's inequality for the exponential", np.log(_sum(w * np.exp(x))) - mean
    yield "a weighted mean and the maximum", p.max(x) - mean
    yield "a weighted mean and the minimum", mean - p.min(x)


def _jensen_positive(p: Parts, w: Array, x: Array) -> Gap:
    mean = _sum(w * x)
    yield "Jensen's inequality for the logarithm", np.log(mean) - _sum(w * np.log(x))
    yield "Jensen's inequality for the root", np.sqrt(mean) - _sum(w * np.sqrt(x))
    yield "Jensen's inequality for the reciprocal", _sum(w / x) - 1 / mean
    yield "Jensen's inequality for x log x", _sum(w * x * np.log(x)) - mean * np.log(mean)
    yield "the weighted arithmetic and geometric mean", mean - np.exp(_sum(w * np.log(x)))


def _log_sum(p: Parts, a: Array, b: Array) -> Gap:
    yield "the log-sum inequality (Gibbs)", _sum(a * np.log(a / b)) - _sum(a) * np.log(_sum(a) / _sum(b))


def _two_weights(p: Parts, v: Array, w: Array) -> Gap:
    divergence, apart = _sum(v * np.log(v / w)), p.one(v - w)
    yield "Gibbs' inequality", divergence
    yield "Pinsker's inequality", divergence - apart**2 / 2
    yield "total variation, at most 1", 1 - apart / 2


def _one_matrix(p: Parts, a: Array) -> Gap:
    spectral, frobenius, nuclear = p.matrix_norms(a)
    square = (a * a).sum(axis=(-1, -2))
    least = min(a.shape[-2:])
    for name, r in (
        ("the order of the norms of a matrix", least),
        ("the order of the norms of a matrix of given rank", np.linalg.matrix_rank(a)),
    ):
        root = np.sqrt(r)
        yield name, frobenius - spectral
        yield name, nuclear - frobenius
        yield name, nuclear - spectral
        yield name, root * spectral - frobenius
        yield name, root * frobenius - nuclear
        yield name, r * spectral - nuclear
        yield name, square - spectral**2
        yield name, r * spectral**2 - square
    if a.shape[-1] == a.shape[-2]:
        trace = a.trace(axis1=-2, axis2=-1)
        size = p.abs(trace)
        yield "the trace and the nuclear norm", nuclear - size
        yield "the trace and the nuclear norm", nuclear - trace
        yield "Cauchy–Schwarz", np.sqrt(a.shape[-1]) * frobenius - size
        yield "Cauchy–Schwarz", a.shape[-1] * square - trace**2


def _matrix_vector(p: Parts, a: Array, x: Array) -> Gap:
    vector = (a @ x[..., None])[..., 0]
    image, size = p.two(vector), p.two(x)
    yield "the operator norm", p.spectral(a) * size - image
    yield "the operator norm", p.frobenius(a) * size - image
    yield "the operator norm", p.spectral(a) ** 2 * _sum(x * x) - _sum(vector * vector)
    yield "Cauchy–Schwarz", (a * a).sum(axis=(-1, -2)) * _sum(x * x) - _sum(vector * vector)


def _rayleigh(p: Parts, s: Array, x: Array) -> Gap:
    values = p.eigenvalues(s)
    form, size = _sum(x * (s @ x[..., None])[..., 0]), _sum(x * x)
    yield "the Rayleigh quotient, at least the smallest eigenvalue", form - values[..., 0] * size
    yield "the Rayleigh quotient, at most the largest eigenvalue", values[..., -1] * size - form
    yield "the Rayleigh quotient, at least the smallest eigenvalue", form / size - values[..., 0]
    yield "the Rayleigh quotient, at most the largest eigenvalue", values[..., -1] - form / size


def _definite(p: Parts, s: Array) -> Gap:
    n = s.shape[-1]
    trace, determinant = s.trace(axis1=-2, axis2=-1), np.linalg.det(s)
    name = "the arithmetic and geometric mean of the eigenvalues"
    yield name, trace / n - determinant ** (1 / n)
    yield name, (trace / n) ** n - determinant
    yield name, n * np.log(trace / n) - np.log(determinant)
    yield "the trace and the largest eigenvalue", trace - p.eigenvalues(s)[..., -1]
    yield "the trace of the square", trace**2 - (s * s).sum(axis=(-1, -2))
    yield "Hadamard's inequality", np.prod(np.diagonal(s, axis1=-2, axis2=-1), axis=-1) - determinant
    yield "the determinant of a positive definite matrix", determinant


def _definite_form(p: Parts, s: Array, x: Array) -> Gap:
    yield "the form of a positive definite matrix", _sum(x * (s @ x[..., None])[..., 0])


def _definite_pair(p: Parts, s: Array, t: Array) -> Gap:
    trace = np.einsum("...ij,...ji->...", s, t)
    product = s.trace(axis1=-2, axis2=-1) * t.trace(axis1=-2, axis2=-1)
    yield "the trace of a product of positive definite matrices", product - trace
    yield "the trace of a product of positive definite matrices", trace


def _product(p: Parts, a: Array, b: Array) -> Gap:
    (a2, af, an), (b2, bf, bn), (c2, cf, cn) = p.matrix_norms(a), p.matrix_norms(b), p.matrix_norms(a @ b)
    name = "norms of a product of matrices"
    yield name, a2 * b2 - c2
    yield name, a2 * bf - cf
    yield name, af * b2 - cf
    yield name, af * bf - cf
    yield name, a2 * bn - cn
    yield name, an * b2 - cn


def _alike(p: Parts, a: Array, b: Array) -> Gap:
    inner = (a * b).sum(axis=(-1, -2))
    size = p.abs(inner)
    (a2, af, _), (_, bf, bn) = p.matrix_norms(a), p.matrix_norms(b)
    aa, bb = (a * a).sum(axis=(-1, -2)), (b * b).sum(axis=(-1, -2))
    yield "Cauchy–Schwarz", af * bf - size
    yield "Cauchy–Schwarz", af * bf - inner
    yield "Cauchy–Schwarz", aa * bb - inner**2
    yield "Hölder's inequality for matrix norms", a2 * bn - size
    yield "Hölder's inequality for matrix norms", a2 * bn - inner
    for sign in (1, -1):
        for norm in (p.spectral, p.frobenius, p.nuclear):
            yield "the triangle inequality", norm(a) + norm(b) - norm(a + sign * b)
            yield "the triangle inequality", norm(a + sign * b) - p.abs(norm(a) - norm(b))


def _equal(*shapes: Shape) -> bool:
    return len(set(shapes)) == 1


def _chained(a: Shape, b: Shape) -> bool:
    return a[-1] == b[0]


def _symmetric_first(s: Shape, x: Shape) -> bool:
    return s == (x[-1], x[-1])


def _kinds(*arguments: str) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((kind, frozenset(filter(None, [needs]))) for kind, _, needs in (a.partition(": ") for a in arguments))


FAMILIES = (
    Family(_kinds("number"), _one_number),
    Family(_kinds("number: positive"), _one_positive),
    Family(_kinds("vector"), _one_vector),
    Family(_kinds("vector: positive"), _one_positive_vector),
    Family(_kinds("vector: weights"), _weights),
    Family(_kinds("vector: positive", "vector: positive"), _log_sum, _equal),
    Family(_kinds("vector: weights", "vector: weights"), _two_weights, _equal),
    Family(_kinds("vector: weights", "vector"), _jensen, _equal),
    Family(_kinds("vector: weights", "vector: positive"), _jensen_positive, _equal),
    Family(_kinds("vector", "vector"), _two_vectors, _equal),
    Family(_kinds("matrix"), _one_matrix),
    Family(_kinds("matrix: positive definite"), _definite),
    Family(_kinds("matrix: positive definite", "vector"), _definite_form, _symmetric_first),
    Family(_kinds("matrix: symmetric", "vector"), _rayleigh, _symmetric_first),
    Family(_kinds("matrix", "vector"), _matrix_vector, _chained),
    Family(_kinds("matrix: positive definite", "matrix: positive definite"), _definite_pair, _equal),
    Family(_kinds("matrix", "matrix"), _product, _chained),
    Family(_kinds("matrix", "matrix"), _alike, _equal),
    Family(_kinds("number: varying", "number: varying"), _two_numbers),
    Family(_kinds("number: positive", "number: positive"), _two_positive),
    Family(_kinds("number: in [0, 1]"), _between),
)
