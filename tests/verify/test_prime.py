from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lemmata.program import build as b
from lemmata.program.node import Axis
from lemmata.verify import prime
from lemmata.verify.field import Degree, FieldValue, P, evaluate, power, residue

from .claims import Handmade, Scene, add, div, mul, num, square, sub, total, verdict
from .test_equations import binomial, binomial_without_middle, gram, inverse, softmax_shifted, softmax_sums_to_one


def decide(claim, sizes=None, **settings):
    problem = Handmade(claim, **settings)
    return prime.decide([problem.instance(sizes or {})], 0, 0)


def test_rational_identities_are_equal():
    proof = decide(binomial)
    assert proof.equal and not proof.opaque and "degree at most 2" in proof.line
    assert decide(inverse, {"n": 4}).equal
    assert decide(lambda s: gram(s, ["orthogonal"]), {"n": 4}).equal
    assert decide(lambda s: gram(s, ["orthogonal", "positive definite"][:1]), {"n": 3}).equal


def test_rational_differences_are_seen_however_small():
    assert not decide(binomial_without_middle).equal
    assert not decide(lambda s: gram(s, ()), {"n": 3}).equal
    assert not decide(lambda s: [add(x := s.input("x"), num(Fraction(1, 10**30))), x]).equal


def test_opaque_functions_may_verify_and_never_refute():
    assert decide(softmax_sums_to_one, {"n": 4}).opaque
    assert decide(softmax_shifted, {"n": 4}) is None
    assert decide(lambda s: [mul(e := b.unary("exp", s.input("x")), e), square(e)]).opaque


@pytest.mark.parametrize("property_", ["unit", "simplex", "symmetric", "skew", "positive definite", "lower triangular"])
def test_constraints_hold_in_the_field(property_):
    def claim(s):
        x, y = s.axis("n"), s.axis("n'")
        a = s.input("A", "n", "n'", properties=[property_])
        turned = b.rename(a, {x: y, y: x})
        match property_:
            case "unit":
                return b.contract([a, a], [y]), num(1)
            case "simplex":
                return b.reduce("sum", a, [y]), num(1)
            case "skew":
                return a, b.unary("neg", turned)
            case "lower triangular":
                return b.select(b.binary("lt", b.iota(x), b.iota(y)), a, num(0)), num(0)
        return a, turned

    assert decide(claim, {"n": 4}).equal


@pytest.mark.parametrize("property_", ["one-hot", "binary", "sign", "permutation"])
def test_finite_sets_have_no_random_points(property_):
    assert decide(lambda s: [a := s.input("A", "n", "n'", properties=[property_]), a], {"n": 3}) is None


def test_conditions_and_approximations_keep_the_field_out():
    assert decide(binomial, conditions=lambda s: [b.binary("lt", s.inputs[0].node, num(0))]) is None
    assert decide(binomial, exact=False) is None


def test_what_double_precision_cannot_see_is_refuted_by_the_referee():
    result = verdict(lambda s: [add(x := s.input("x"), num(Fraction(1, 10**40))), x])
    assert result.kind == "refuted"


def fraction_values(node, feeds):
    """A second opinion: the same program in double precision."""
    from lemmata.backends import numpy as backend

    return backend.run([node], feeds)[0]


def test_field_and_double_precision_agree_on_whole_numbers():
    """Every structural rule: where results are whole numbers both arithmetics give the same."""
    s = Scene({"n": 3, "m": 2})
    x, y = s.axis("n"), s.axis("m")
    a, v = s.input("A", "n", "m"), s.input("v", "m")
    both = Axis.fresh("both", 6)
    five = Axis.fresh("five", 5)
    other = Axis.fresh("n", 3)
    programs = [
        b.contract([a, v], [y]),
        b.merge(a, [y, x], both),
        b.split(b.merge(a, [x, y], both), both, [Axis.fresh("p", 2), Axis.fresh("q", 3)]),
        b.concat([(b.reduce("sum", a, [y]), x), (v, y)], five),
        b.stack([v, mul(v, v)], Axis.fresh("two", 2)),
        b.take(a, x, sub(num(2), b.iota(other))),
        b.take(a, x, sub(b.iota(other), num(1)), fill=0),
        b.diagonal(mul(a, b.rename(a, {x: other, y: Axis.fresh("m", 2)})), x, other),
        b.reduce("prod", a, [y]),
        b.select(b.binary("lt", b.iota(x), b.iota(y)), a, num(7)),
        b.binary("pow", a, num(3)),
        b.unary("neg", a),
    ]
    rng = np.random.default_rng(0)
    feeds = {"A": rng.integers(-9, 9, (3, 2)).astype(float), "v": rng.integers(-9, 9, 2).astype(float)}
    lifted = {k: FieldValue(np.mod(v, P).astype(np.uint64), Degree(1), False) for k, v in feeds.items()}
    for node in programs:
        expected = np.mod(fraction_values(node, feeds), P)
        (found,) = evaluate((node,), lifted)
        assert (found.values == expected).all(), node


def test_inverse_and_determinant_in_the_field():
    row, column = Axis.fresh("i", 3), Axis.fresh("j", 3)
    a = b.input("A", (row, column))
    matrix = np.array([[2, 1, 0], [1, 3, 1], [0, 1, 4]], dtype=np.uint64)
    (determinant, inverted) = evaluate(
        (b.det(a, row, column), b.inv(a, row, column)), {"A": FieldValue(matrix, Degree(1), False)}
    )
    assert determinant.values == 18
    assert ((matrix[:, :, None] * inverted.values[None] % P).sum(axis=1) % P == np.eye(3)).all()


def test_residues():
    assert residue(Fraction(1, 3)) * 3 % P == 1
    assert residue(-1) == P - 1
    assert power(np.array([3], dtype=np.uint64), 5)[0] == 243


def test_degrees_bound_those_of_the_result():
    s = Scene({})
    x, y = s.input("x"), s.input("y")
    one = FieldValue(np.array(5, dtype=np.uint64), Degree(1), False)
    for node, degree in [
        (add(mul(x, x), y), Degree(2, 0)),
        (div(x, y), Degree(1, 1)),
        (add(div(num(1), x), div(num(1), y)), Degree(1, 2)),
        (square(div(x, y)), Degree(2, 2)),
        (total(mul(x, y)), Degree(2, 0)),
    ]:
        (found,) = evaluate((node,), {"x": one, "y": one})
        assert found.degree == degree
