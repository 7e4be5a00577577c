from __future__ import annotations

from fractions import Fraction

import pytest

from lemmata.program import build as b

from .claims import add, div, mul, num, square, sub, total, verdict


def exp(x):
    return b.unary("exp", x)


def amgm(s):
    x, y = s.input("x", low=0), s.input("y", low=0)
    return b.unary("sqrt", mul(x, y)), div(add(x, y), num(2))


def amgm_turned(s):
    return amgm(s)[::-1]


def logistic(s):
    x = s.input("x")
    return num(0), div(num(1), add(num(1), exp(b.unary("neg", x)))), num(1)


def triangle_turned(s):
    x, y = s.input("x"), s.input("y")
    return b.unary("abs", add(x, y)), add(b.unary("abs", x), b.unary("abs", y))


def cauchy(s):
    x, y = s.input("x", "n"), s.input("y", "n")
    return square(total(mul(x, y))), mul(total(square(x)), total(square(y)))


PROVED = {
    "a square": (lambda s: [square(s.input("x")), num(0)], ("\\ge",), {}),
    "a norm": (lambda s: [num(0), total(square(s.input("x", "n")))], ("\\le",), {"sizes": ("n",)}),
    "an exponential": (lambda s: [num(0), exp(s.input("x", "n"))], ("<",), {"sizes": ("n",)}),
    "logistic": (logistic, ("<", "<"), {}),
    "tanh": (lambda s: [num(-1), b.unary("tanh", s.input("x")), num(1)], ("<", "<"), {}),
    "entropy of a coin is positive": (
        lambda s: [b.unary("neg", mul(p := s.input("p", low=0, high=1), b.unary("log", p))), num(0)], ("\\ge",), {}),
    "on a box": (
        lambda s: [mul(x := s.input("x", low=0, high=1), add(x, s.input("y", low=0, high=1))), num(2.5)], ("<",), {}),
    "needs boxes": (
        lambda s: [mul(x := s.input("x", low=0, high=1), sub(num(1), x)), num(Fraction(2, 5))], ("\\le",), {}),
    "same program": (lambda s: [x := s.input("x"), x], ("\\le",), {}),
}  # fmt: skip

VIOLATED = {
    "arithmetic below geometric mean": (amgm_turned, ("\\le",), {}),
    "always greater": (lambda s: [x := s.input("x", "n"), mul(x, s.input("y", "n"))], (">",), {"sizes": ("n",)}),
    "a logarithm is positive": (lambda s: [b.unary("log", s.input("x", low=0)), num(0)], (">",), {}),
    "strictly itself": (lambda s: [x := s.input("x"), x], ("<",), {}),
    "only far out": (lambda s: [exp(s.input("x")), num(1000)], ("<",), {}),
    "only near zero": (
        lambda s: [square(x := s.input("x")), mul(num(0.001), b.unary("abs", x))], ("\\ge",), {}),
    "triangle inequality turned": (triangle_turned, ("\\ge",), {}),
    "second link": (lambda s: [num(0), square(s.input("x")), num(3)], ("\\le", "\\le"), {}),
}  # fmt: skip

THEOREMS = {
    "arithmetic above geometric mean": (amgm, ("\\le",), {}),
    "touching inside": (
        lambda s: [mul(x := s.input("x", low=0, high=1), sub(num(1), x)), num(Fraction(1, 4))], ("\\le",), {}),
    "cauchy": (cauchy, ("\\le",), {"sizes": ("n",)}),
}  # fmt: skip

OPEN = {
    "true by far": (lambda s: [s.input("x"), b.binary("add", square(s.input("x")), num(1000))], ("\\le",), {}),
    "true of the values tried": (lambda s: [num(0), b.binary("add", s.input("x"), num(10**6))], ("\\le",), {}),
}


@pytest.mark.parametrize("name", PROVED)
def test_bounds_prove(name):
    claim, relations, settings = PROVED[name]
    result = verdict(claim, *relations, **settings)
    assert result.kind == "verified", result
    assert result.method in ("interval bounds", "same program")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", VIOLATED)
def test_search_refutes(name, seed):
    claim, relations, settings = VIOLATED[name]
    result = verdict(claim, *relations, seed=seed, **settings)
    assert result.kind == "refuted", result


@pytest.mark.parametrize("name", THEOREMS)
def test_a_theorem_proves(name):
    claim, relations, settings = THEOREMS[name]
    result = verdict(claim, *relations, **settings)
    assert result.kind == "verified" and result.method == "named inequality", result


@pytest.mark.parametrize("name", OPEN)
def test_what_is_true_but_not_proved_is_unchecked(name):
    claim, relations, settings = OPEN[name]
    result = verdict(claim, *relations, **settings)
    assert result.kind == "unchecked", result
    assert "no counterexample in" in result.reason


def test_the_counterexample_violates():
    shown = verdict(amgm_turned, "\\le").counterexample
    assert shown.left > shown.right


def test_a_bound_on_a_letter_is_a_condition():
    result = verdict(lambda s: [s.input("x"), num(0)], ">")
    assert result.kind == "unchecked" and "a condition on x" in result.reason


def test_different_in_general():
    def differ(s):
        x, y = s.input("x"), s.input("y")
        return sub(x, y), sub(y, x)

    assert verdict(differ, "\\ne").method == "witness"
    assert verdict(lambda s: [add(x := s.input("x"), x), mul(num(2), x)], "\\ne").kind == "unchecked"


def test_an_unknown_relation_is_a_reason():
    assert "\\subset" in verdict(amgm, "\\subset").reason
