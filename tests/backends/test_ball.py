"""What balls promise: enclosures that shrink, honest doubt, bounds on work."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from lemmata.backends import ball
from lemmata.operations import call
from lemmata.program import build as b
from lemmata.program.node import Axis

ROW, COLUMN, THREE = Axis.fresh("r", 3), Axis.fresh("c", 3), Axis.fresh("v", 3)


def one(node, feeds=None, bits=64):
    (value,) = ball.run([node], feeds or {}, bits)
    return value[()] if not value.shape else value


def test_numbers_that_are_given_are_exact():
    x = b.input("x", [])
    assert one(x, {"x": Fraction(1, 4)}).is_exact()
    assert one(x, {"x": 0.1}) == flint.arb(0.1)
    third = one(x, {"x": Fraction(1, 3)})
    assert not third.is_exact() and (third * 3).contains(1)


def test_enclosures_shrink_with_precision_and_the_precision_is_restored():
    x = b.input("x", [])
    node = b.unary("log", b.unary("exp", b.unary("sin", x)))
    before = flint.ctx.prec
    radii = [float(one(node, {"x": 1}, bits).rad()) for bits in (53, 128, 512)]
    assert radii[0] > radii[1] > radii[2] > 0 and radii[2] < 1e-140
    assert flint.ctx.prec == before


def test_cancellation_that_double_precision_cannot_see():
    x = b.input("x", [])
    node = b.binary("sub", b.binary("add", b.constant(1), x), b.constant(1))
    assert one(b.binary("gt", node, b.constant(0)), {"x": Fraction(1, 2**90)}, 128) is True


def test_a_comparison_of_equal_irrational_numbers_is_undecided():
    x = b.input("x", [])
    again = b.unary("exp", b.unary("log", x))
    with pytest.raises(ball.Undecided):
        one(b.binary("eq", again, x), {"x": 3})
    assert one(b.binary("eq", x, x), {"x": Fraction(1, 3)}) is True
    assert one(b.binary("lt", again, b.constant(4)), {"x": 3}) is True


def test_an_undecided_case_gives_a_ball_around_both():
    """|x| by cases at x = log 1 computed inexactly: both branches are near zero."""
    x = b.input("x", [])
    zero = b.binary("sub", b.unary("exp", b.unary("log", x)), x)
    node = b.select(b.binary("ge", zero, b.constant(0)), zero, b.unary("neg", zero))
    found = one(node, {"x": 3})
    assert found.contains(0) and float(found.rad()) < 1e-15


def test_an_undecided_condition_decides_nothing_else():
    x = b.input("x", [])
    unsure = b.binary("gt", b.unary("exp", b.unary("log", x)), x)
    assert one(b.binary("and_", unsure, b.binary("lt", x, b.constant(0))), {"x": 3}) is False
    assert one(b.binary("or_", unsure, b.binary("gt", x, b.constant(0))), {"x": 3}) is True


def test_an_index_from_an_undecided_maximum_is_undecided():
    x = b.input("x", [ROW])
    twisted = b.unary("exp", b.unary("log", x))
    with pytest.raises(ball.Undecided):
        one(b.reduce("argmax", twisted, [ROW]), {"x": [2, 3, 3]})
    assert float(one(b.reduce("argmax", x, [ROW]), {"x": [2, 3, 3]})) == 1


def test_softmax_of_masked_scores_is_finite():
    x = b.input("x", [ROW])
    hidden = b.select(b.binary("lt", b.iota(ROW), b.constant(2)), x, b.unary("neg", b.special("inf")))
    found = one(call("softmax", [hidden], axis=ROW), {"x": [0, 0, 5]})
    assert [float(v.mid()) for v in found] == [0.5, 0.5, 0.0]


def test_a_singular_matrix_has_no_inverse():
    x = b.input("x", [ROW, COLUMN])
    with pytest.raises(ZeroDivisionError):
        one(b.inv(x, ROW, COLUMN), {"x": np.ones((3, 3), dtype=int)})


def test_equal_eigenvalues_are_enclosed_and_their_vectors_undecided():
    x = b.input("x", [ROW, COLUMN])
    feeds = {"x": np.diag([2, 1, 2])}
    found = one(b.eigvalsh(x, ROW, COLUMN, THREE), feeds, 128)
    for value, expected in zip(found, (1, 2, 2), strict=True):
        assert value.contains(expected) and float(value.rad()) < 1e-15
    with pytest.raises(ball.Undecided):
        one(b.eigh_outer(x, ROW, COLUMN, THREE), feeds, 128)


def test_eigenvalues_that_doubles_cannot_tell_apart_are_in_order():
    x = b.input("x", [ROW, COLUMN])
    feeds = {"x": [[1 + Fraction(1, 2**90), 0, 0], [0, 1, 0], [0, 0, 1 - Fraction(1, 2**90)]]}
    found = one(b.eigvalsh(x, ROW, COLUMN, THREE), feeds, 200)
    assert found[0] < found[1] < found[2] and found[1].contains(1)


def test_eigenvalues_of_what_is_not_finite_are_undecided():
    x = b.input("x", [ROW, COLUMN])
    with pytest.raises(ball.Undecided, match="not finite"):
        one(b.eigvalsh(b.unary("log", x), ROW, COLUMN, THREE), {"x": np.eye(3)})


def test_a_singular_value_of_zero_is_enclosed():
    x = b.input("x", [ROW, COLUMN])
    found = one(b.svdvals(x, ROW, COLUMN, THREE), {"x": np.outer([1, 2, 3], [1, 1, 1])}, 512)
    assert found[2].contains(0) and float(found[2].upper()) < 1e-60
    assert (found[0] * found[0]).contains(42)


def test_too_much_work_is_refused_before_it_starts():
    n, m, k = (Axis.fresh(name, 100) for name in "nmk")
    product = b.contract([b.input("x", [n, m]), b.input("y", [m, k])], [m])
    with pytest.raises(ball.TooLarge, match="200000"):
        ball.run([product], {}, 53)


def test_complex_numbers_have_no_order():
    c = b.input("c", [], "complex")
    with pytest.raises(ball.NotInBall, match="gt of complex"):
        one(b.binary("gt", c, b.constant(0)), {"c": 1j})


@pytest.mark.parametrize("node", [
    b.binary("div", b.input("x", []), b.constant(0)), b.unary("log", b.input("x", [])),
    b.unary("sqrt", b.input("x", [])),
    b.unary("arcsin", b.binary("sub", b.input("x", []), b.constant(1))),
])  # fmt: skip
def test_outside_the_domain_nothing_is_finite(node):
    assert not one(node, {"x": -1}).is_finite()


def test_log_gamma_left_of_zero_is_that_of_the_absolute_value():
    """log |Γ(−1/2)| = log(2√π)."""
    found = one(b.unary("lgamma", b.input("x", [])), {"x": Fraction(-1, 2)})
    assert abs(float(found.mid()) - 1.2655121234846454) < 1e-15
