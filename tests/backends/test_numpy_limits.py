"""Where NumPy ends: whole numbers beyond 64 bits, extrema of nothing, functions of complex numbers, large products."""

from __future__ import annotations

import cmath
import math
from fractions import Fraction

import numpy as np
import pytest

from lemmata.backends import numpy as plain
from lemmata.program import build as b
from lemmata.program.node import Axis

LONG, EMPTY = Axis.fresh("i", 30), Axis.fresh("none", 0)
BIG = b.constant(10**18)
ONE_HALF = b.constant(0.5)


def value(node, **feeds):
    return plain.run([node], feeds)[0]


@pytest.mark.parametrize("node, expected", [
    (b.reduce("prod", b.iota(LONG, 1), [LONG]), float(math.factorial(30))),
    (b.reduce("sum", b.binary("mul", BIG, b.iota(LONG)), [LONG]), 435e18),
    (b.contract([b.iota(LONG), b.binary("mul", b.iota(LONG), BIG)], [LONG]), sum(i * i for i in range(30)) * 1e18),
    (b.unary("square", b.binary("sub", b.constant(10**12), b.take(b.iota(LONG), LONG, b.constant(0)))), 1e24),
    (b.binary("add", b.constant(2**63 - 1), b.take(b.iota(LONG), LONG, b.constant(29))), 2.0**63),
])  # fmt: skip
def test_whole_numbers_grow_into_floats(node, expected):
    assert value(b.binary("mul", ONE_HALF, node)) == pytest.approx(expected / 2, rel=1e-14)


def test_whole_numbers_within_64_bits_stay_exact():
    short = Axis.fresh("i", 15)
    assert value(b.reduce("prod", b.iota(short, 1), [short])) == math.factorial(15)
    assert value(b.binary("add", b.constant(2**62), b.take(b.iota(LONG), LONG, b.constant(1)))) == 2**62 + 1


def test_whole_numbers_beyond_64_bits_are_no_result():
    for node in (b.constant(2**64), b.reduce("prod", b.iota(LONG, 1), [LONG])):
        with pytest.raises(plain.TooLarge, match="64 bits"):
            value(node)


@pytest.mark.parametrize("number, expected", [
    (10**30, 30 * math.log(10)), (Fraction(10**30, 3), 30 * math.log(10) - math.log(3)), (10**400, math.nan),
    (Fraction(10**400, 3), math.nan),
])  # fmt: skip
def test_constants_beyond_64_bits(number, expected):
    assert value(b.unary("log", b.constant(number))) == pytest.approx(expected, rel=1e-14, nan_ok=True)


def test_extrema_and_elements_of_nothing_are_not_numbers():
    x = b.input("x", [EMPTY])
    feeds = {"x": np.zeros(0)}
    nothing = b.reduce("argmax", x, [EMPTY])
    for node in (b.reduce("max", x, [EMPTY]), b.reduce("min", x, [EMPTY]), b.take(x, EMPTY, nothing)):
        assert np.isnan(value(node, **feeds))
    assert value(b.take(x, EMPTY, nothing, fill=0), **feeds) == 0.0
    assert value(b.reduce("sum", x, [EMPTY]), **feeds) == 0.0 and value(b.reduce("prod", x, [EMPTY]), **feeds) == 1.0


def test_error_function_and_log_gamma_of_complex_numbers():
    c = b.input("c", [], "complex")
    assert value(b.unary("erf", c), c=1j) == pytest.approx(1.6504257587975429j)
    gamma = cmath.exp(value(b.unary("lgamma", c), c=1j))
    assert abs(gamma) ** 2 == pytest.approx(math.pi / math.sinh(math.pi))


@pytest.mark.parametrize("sizes", [(40, 40, 40, 1), (1, 40, 1000, 1), (7, 33, 50, 5), (3, 500, 30, 2)])
@pytest.mark.parametrize("dtype", ["real", "complex"])
def test_large_products_are_those_of_einsum(sizes, dtype):
    """Σ_jk x_hij y_hjm z_k w_m, where k stands in one factor only, in orders that no matrix product has."""
    i, j, m, h = (Axis.fresh(n, s) for n, s in zip("ijmh", sizes, strict=True))
    k = Axis.fresh("k", 3)
    axes = {"x": (j, h, i), "y": (m, j, h), "z": (k,), "w": (m,)}
    rng = np.random.default_rng(0)
    feeds = {n: rng.normal(size=[a.size for a in own]) for n, own in axes.items()}
    if dtype == "complex":
        feeds["x"] = feeds["x"] * 1j + 1
    given = [b.input(n, own, dtype if n == "x" else "real") for n, own in axes.items()]
    node = b.contract(given, [j, k])
    expected = np.einsum("jhi,mjh,k,m->him", *feeds.values(), optimize=True)
    found = plain.run([node], feeds)[0].transpose([node.axes.index(a) for a in (h, i, m)])
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    total = plain.run([b.contract(given[:2], [i, j, m])], feeds)[0]
    np.testing.assert_allclose(total, np.einsum("jhi,mjh->h", feeds["x"], feeds["y"]), rtol=1e-9)
