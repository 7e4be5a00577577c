"""Common parts once: equal up to the names of their axes."""

from __future__ import annotations

import numpy as np

from lemmata.backends import numpy as plain
from lemmata.operations import call
from lemmata.operations.common import once
from lemmata.program import build
from lemmata.program.graph import nodes
from lemmata.program.node import Axis

N, D = Axis.fresh("n", 3), Axis.fresh("d", 4)
X = build.input("X", (N, D))


def fresh(axis):
    return Axis.fresh(axis.label, axis.size)


def gram(x):
    """x xᵀ through softmax, on axes of its own: rows n and m."""
    n, d, m = fresh(N), fresh(D), fresh(N)
    product = build.contract([build.rename(x, {N: n, D: d}), build.rename(x, {N: m, D: d})], [d])
    return call("softmax", [product], axis=m), n, m


def test_what_is_lowered_twice_is_computed_once():
    (a, n, m), (b, p, q) = gram(X), gram(X)
    total = build.binary("add", a, build.rename(b, {p: n, q: m}))
    (found,) = once([total])
    assert sum(x.op == "call" for x in nodes(total)) == 2 and sum(x.op == "call" for x in nodes(found)) == 1
    feeds = {"X": np.arange(12.0).reshape(3, 4) / 10}
    np.testing.assert_allclose(plain.run([found], feeds)[0], plain.run([total], feeds)[0])


def test_a_transpose_is_another_value():
    (a, n, m), (b, p, q) = gram(X), gram(X)
    total = build.binary("sub", a, build.rename(b, {p: m, q: n}))
    (found,) = once([total])
    feeds = {"X": np.arange(12.0).reshape(3, 4) / 10}
    expected = plain.run([total], feeds)[0]
    order = [found.axes.index(x) for x in total.axes]
    np.testing.assert_allclose(plain.run([found], feeds)[0].transpose(order), expected)
    assert np.abs(expected).max() > 0.1


def test_a_diagonal_is_not_a_product_of_different_axes():
    p = fresh(N)
    same = build.binary("mul", X, X)
    apart = build.binary("mul", X, build.rename(X, {N: p}))
    first, second = once([same, apart])
    assert set(first.axes) == {N, D} and set(second.axes) == {N, D, p}
    assert first is not second
