"""True and false equations: what is true must not be refuted, what is false not verified."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from lemmata.core.size import Size
from lemmata.program import autodiff
from lemmata.program import build as b
from lemmata.program.node import Axis
from lemmata.verify.problem import SizeRule

from .claims import add, div, mul, num, square, sub, total, verdict

n, m, d, h = (Size.of(x) for x in ("n", "m", "d", "h"))


def binomial(s):
    x, y = s.input("x"), s.input("y")
    return square(add(x, y)), add(add(square(x), mul(num(2), mul(x, y))), square(y))


def binomial_without_middle(s):
    x, y = s.input("x"), s.input("y")
    return square(add(x, y)), add(square(x), square(y))


def product_transposed(s):
    a, c = s.input("A", "n", "m"), s.input("B", "m", "d")
    left = b.contract([a, c], [s.axis("m")])
    return left, b.contract([c, a], [s.axis("m")])


def commuting(s):
    """AB = BA for square matrices."""
    x, y, z = s.axis("n"), s.axis("n'"), Axis.fresh("n", s.sizes["n"])
    a, c = s.input("A", "n", "n'"), s.input("B", "n", "n'")
    left = b.contract([b.rename(a, {y: z}), b.rename(c, {x: z})], [z])
    return left, b.contract([b.rename(c, {y: z}), b.rename(a, {x: z})], [z])


def inverse(s, properties=("invertible",)):
    x, y, z = s.axis("n"), s.axis("n'"), Axis.fresh("n", s.sizes["n"])
    a = s.input("A", "n", "n'", properties=properties)
    left = b.contract([b.rename(a, {y: z}), b.rename(b.inv(a, x, y), {x: z})], [z])
    return left, b.select(b.binary("eq", b.iota(x), b.iota(y)), num(1), num(0))


def gram(s, properties):
    """AᵀA = I."""
    x, y, z = s.axis("n"), s.axis("n'"), Axis.fresh("n", s.sizes["n"])
    a = s.input("Q", "n", "n'", properties=properties)
    left = b.contract([a, b.rename(a, {y: z})], [x])
    return left, b.select(b.binary("eq", b.iota(y), b.iota(z)), num(1), num(0))


def softmax(x, axis):
    e = b.unary("exp", x)
    return div(e, b.reduce("sum", e, [axis]))


def softmax_sums_to_one(s):
    x = s.input("x", "n")
    return b.reduce("sum", softmax(x, s.axis("n")), [s.axis("n")]), num(1)


def softmax_shifted(s):
    x, c = s.input("x", "n"), s.input("c")
    return softmax(add(x, c), s.axis("n")), softmax(x, s.axis("n"))


def log_of_product(s):
    x, y = s.input("x"), s.input("y")
    return b.unary("log", mul(x, y)), add(b.unary("log", x), b.unary("log", y))


def sigmoid(x):
    return div(num(1), add(num(1), b.unary("exp", b.unary("neg", x))))


def sigmoid_gradient(s):
    x = s.input("x")
    y = sigmoid(x)
    return autodiff.gradient(y, x), mul(y, sub(num(1), y))


def mean_squared_gradient(s):
    """∂/∂w of |Xw − y|²/n is 2Xᵀ(Xw − y)/n."""
    x, w, y = s.input("X", "n", "d"), s.input("w", "d"), s.input("y", "n")
    rest = sub(b.contract([x, w], [s.axis("d")]), y)
    count = num(s.sizes["n"])
    loss = div(total(square(rest)), count)
    return autodiff.gradient(loss, w), div(mul(num(2), b.contract([x, rest], [s.axis("n")])), count)


def trace_of_permuted(s):
    return total(mul(s.input("A", "n", "m"), s.input("B", "n", "m"))), total(mul(s.input("C", "n"), num(1)))


def probabilities_sum(s):
    p = s.input("p", "n", properties=["simplex"])
    return total(p), num(1)


def sum_of_integers(s):
    i = b.iota(s.axis("n"), 1)
    size = s.sizes["n"]
    return total(i), num(Fraction(size * (size + 1), 2))


def difference_vanishes(s):
    """log(e^x) − x = 0: rounding noise against a zero."""
    x = s.input("x", "n")
    return sub(b.unary("log", b.unary("exp", x)), x), num(0)


def cancellation(s):
    """((10⁸ + x) − 10⁸)·y = xy loses half of the digits in double precision."""
    x, y = s.input("x"), s.input("y")
    return mul(sub(add(num(10**8), x), num(10**8)), y), mul(x, y)


def hilbert(s):
    """H H⁻¹ x = x for the Hilbert matrix of size 9: condition number 5·10¹¹."""
    row, column, other = Axis.fresh("i", 9), Axis.fresh("j", 9), Axis.fresh("k", 9)
    matrix = div(num(1), add(add(b.iota(row), b.iota(column)), num(1)))
    x = s.input("x")
    vector = add(b.iota(other), x)
    inverse_node = b.inv(matrix, row, column)
    solved = b.contract([b.rename(inverse_node, {column: other}), vector], [other])
    return b.contract([b.rename(matrix, {column: row, row: column}), solved], [row]), b.rename(vector, {other: column})


TRUE = {
    "binomial": (binomial, {}),
    "product transposed": (product_transposed, {"sizes": ("n", "m", "d")}),
    "inverse": (inverse, {"sizes": ("n",)}),
    "orthogonal": (lambda s: gram(s, ["orthogonal"]), {"sizes": ("n",)}),
    "softmax sums to one": (softmax_sums_to_one, {"sizes": ("n",)}),
    "softmax is shift invariant": (softmax_shifted, {"sizes": ("n",)}),
    "log of a product where defined": (log_of_product, {}),
    "sigmoid gradient": (sigmoid_gradient, {}),
    "mean squared gradient": (mean_squared_gradient, {"sizes": ("n", "d")}),
    "probabilities": (probabilities_sum, {"sizes": ("n",)}),
    "sum of integers": (sum_of_integers, {"sizes": ("n",)}),
    "noise against zero": (difference_vanishes, {"sizes": ("n",)}),
    "cancellation": (cancellation, {}),
    "ill-conditioned": (hilbert, {}),
    "positive root": (lambda s: [b.unary("sqrt", square(x := s.input("x", low=0))), x], {}),
    "absolute value": (lambda s: [b.unary("sqrt", square(x := s.input("x"))), b.unary("abs", x)], {}),
    "matrix size": (lambda s: [mul(num(s.sizes["h"]), num(s.sizes["k"])), num(s.sizes["d"])],
                    {"sizes": ("h", "k", "d"), "rules": (SizeRule(h * Size.of("k"), "=", d),)}),
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE)
def test_true_claims_are_verified(name):
    claim, settings = TRUE[name]
    result = verdict(claim, **settings)
    assert result.kind == "verified", result
    assert result.method and result.evidence


FALSE = {
    "binomial without middle": (binomial_without_middle, {}),
    "commuting": (commuting, {"sizes": ("n",)}),
    "orthogonal up to a factor": (
        lambda s: [mul(x := s.input("c", low=0), gram(s, ["orthogonal"])[0]), mul(square(x), gram(s, ())[1])],
        {"sizes": ("n",)}),
    "transposed inverse": (lambda s: [inverse(s)[0], mul(num(2), inverse(s)[1])], {"sizes": ("n",)}),
    "root of a square": (lambda s: [b.unary("sqrt", square(x := s.input("x", low=-5))), x], {}),
    "sigmoid gradient": (lambda s: [sigmoid_gradient(s)[0], sigmoid(s.input("y"))], {}),
    "sum of integers": (lambda s: [sum_of_integers(s)[0], num(s.sizes["n"] ** 2)], {"sizes": ("n",)}),
    "maximum is the first": (lambda s: [b.binary("maximum", x := s.input("x"), s.input("y")), x], {}),
    "off by a billionth": (lambda s: [mul(x := s.input("x"), num(1 + Fraction(1, 10**9))), x], {}),
    "a small constant in a root": (
        lambda s: [b.unary("sqrt", add(square(x := s.input("x")), num(Fraction(1, 10**9)))), b.unary("abs", x)], {}),
    "a constant far below rounding": (
        lambda s: [add(b.unary("exp", x := s.input("x")), num(Fraction(1, 10**18))), b.unary("exp", x)], {}),
    "a term beside a huge one": (
        lambda s: [b.unary("exp", num(60)), add(b.unary("exp", num(60)), s.input("x"))], {}),
    "one entry of many": (
        lambda s: [x := s.input("x", "n"), add(x, b.unary("floor", div(b.iota(s.axis("n"), 1), num(2))))],
        {"sizes": ("n",)}),
    "a difference of truth values": (
        lambda s: [b.binary("lt", x := s.input("x"), num(0)), b.binary("gt", x, num(0))], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_false_claims_are_refuted_with_a_counterexample(name):
    claim, settings = FALSE[name]
    result = verdict(claim, **settings)
    assert result.kind == "refuted", result
    shown = result.counterexample
    assert shown.left != shown.right
    if settings:
        assert set(shown.sizes) == set(settings["sizes"])


def test_the_counterexample_is_small_and_whole():
    shown = verdict(binomial_without_middle).counterexample
    assert all(isinstance(v, int) and abs(v) <= 3 for v in shown.values.values())
    x, y = shown.values["x"], shown.values["y"]
    assert shown.left == (x + y) ** 2 and shown.right == x * x + y * y
    shown = verdict(commuting, sizes=("n",)).counterexample
    assert shown.sizes == {"n": 2}
    assert np.shape(shown.values["A"]) == (2, 2)
    assert "component" in shown.where


def test_counterexamples_are_plain_data():
    for claim, settings in FALSE.values():
        shown = verdict(claim, **settings).counterexample
        fields = [shown.sizes, shown.values, shown.left, shown.right, shown.where, shown.note]
        assert json.loads(json.dumps(fields, allow_nan=False)) == fields


def test_a_difference_in_one_component_is_located():
    result = verdict(FALSE["one entry of many"][0], sizes=("n",))
    assert result.counterexample.where == "component 2 over n"


UNCHECKED = {
    "an equation to solve": (
        lambda s: [sub(b.binary("pow", x := s.input("x"), num(3)), mul(num(2), x)), num(0)], {}, "a condition on x"),
    "two letters": (lambda s: [s.input("x", "n"), s.input("y", "n")], {"sizes": ("n",)}, "a condition on x, y"),
    "two indices": (
        lambda s: [b.iota(s.axis("n")), b.iota(s.axis("m"))], {"sizes": ("n", "m")}, "a condition on n, m"),
    "orthogonality as a condition": (lambda s: gram(s, ()), {"sizes": ("n",)}, "a condition on Q"),
    "a condition": (
        lambda s: [total(mul(s.input("v", "n"), s.input("w", "n"))), num(1)], {"sizes": ("n",)}, "a condition on v, w"),
    "root of a square": (
        lambda s: [b.unary("sqrt", square(x := s.input("x"))), x], {}, "where x is positive, which nothing says"),
    "no value anywhere": (lambda s: [b.unary("log", b.unary("neg", square(x := s.input("x")))), x], {}, "no value"),
    "zero on both sides": (
        lambda s: [b.unary("floor", sigmoid(s.input("x"))), b.unary("floor", square(sigmoid(s.input("y"))))],
        {}, "proves nothing"),
    "nothing meets the condition": (
        binomial, {"conditions": lambda s: [b.binary("eq", s.inputs[0].node, num(0))]}, "met the conditions"),
    "sizes that contradict": (
        binomial, {"sizes": ("n",), "rules": (SizeRule(n, "<", Size.of(1)),)}, "no sizes n were found"),
    "an unknown property": (
        lambda s: [s.input("x", properties=["lucky"]), num(1)], {}, "no way to draw something lucky"),
    "rounded in print": (lambda s: [b.unary("sqrt", num(2)), num(Fraction("1.414"))], {}, "digits printed"),
    "rounded coefficient": (
        lambda s: [mul(x := s.input("x"), num(Fraction("1.77245"))), mul(x, b.unary("sqrt", b.special("pi")))],
        {}, "digits printed"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCHECKED)
def test_what_cannot_be_tested_says_why(name):
    claim, settings, reason = UNCHECKED[name]
    result = verdict(claim, **settings)
    assert result.kind == "unchecked", result
    assert reason in result.reason


def test_conditions_restrict_the_instances():
    """max(x, y) = x where x > y."""

    def claim(s):
        x, y = s.input("x"), s.input("y")
        return b.binary("maximum", x, y), x

    def above(s):
        return [b.binary("gt", s.inputs[0].node, s.inputs[1].node)]

    assert verdict(claim, conditions=above).kind == "verified"
    assert verdict(claim).kind == "refuted"


def test_programs_that_approximate_are_judged_loosely():
    """A quadrature that misses by a millionth is neither right nor wrong; one that misses by a tenth is wrong."""

    def off(by):
        return lambda s: [mul(x := s.input("x"), num(1 + Fraction(by))), x]

    assert verdict(off("1e-8"), exact=False).kind == "verified"
    assert verdict(off("1e-5"), exact=False).kind == "unchecked"
    assert verdict(off("1e-1"), exact=False).kind == "refuted"


def test_a_program_too_big_is_not_run():
    def claim(s):
        axes = [Axis.fresh(str(i), 300) for i in range(3)]
        x = b.input("x", axes)
        s.inputs.append(_input(x))
        return total(x), total(square(x))

    result = verdict(claim)
    assert result.kind == "unchecked" and "array elements" in result.reason


def _input(node):
    from lemmata.verify.problem import Domain, Input

    return Input(node, "x", Domain())


def test_an_input_that_nobody_gives_is_a_reason():
    result = verdict(lambda s: [b.input("hidden", ()), s.input("x")])
    assert result.kind == "unchecked" and "hidden" in result.reason


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_gives_the_same_verdict_to_the_letter(seed):
    for claim, settings in (*TRUE.values(), *FALSE.values()):
        assert repr(verdict(claim, seed=seed, **settings)) == repr(verdict(claim, seed=seed, **settings))


@pytest.mark.parametrize("seed", range(1, 6))
def test_no_seed_gives_a_false_verdict(seed):
    for claim, settings in TRUE.values():
        assert verdict(claim, seed=seed, **settings).kind == "verified"
    for claim, settings in FALSE.values():
        assert verdict(claim, seed=seed, **settings).kind == "refuted"
