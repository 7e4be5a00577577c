"""From readings to a verdict, chains, and what a verdict may not be."""

from __future__ import annotations

import pytest

from lemmata.program import build as b
from lemmata.verify import Limits, Reading, judge, judge_shape_error
from lemmata.verify.problem import CannotLower
from lemmata.verify.verdict import Counterexample, Verdict

from .claims import Handmade, add, mul, num, square, sub, verdict


def holds(s):
    x = s.input("x")
    return mul(num(2), x), add(x, x)


def fails(s):
    x = s.input("x")
    return mul(num(2), x), square(x)


def fails_otherwise(s):
    x = s.input("x")
    return mul(num(2), x), mul(num(3), x)


def lost(s):
    raise CannotLower("the reach of the sum is not known")


def reading(claim, text="as written", preferred=True, **settings):
    return Reading(Handmade(claim, **settings), text, preferred)


def judged(*readings, guards=()):
    return judge(readings, seed=0, guards=guards)


def test_the_preferred_reading_verifies():
    assert judged(reading(holds), reading(fails, "other", False)).kind == "verified"


def test_a_lower_reading_that_holds_is_not_enough():
    result = judged(reading(fails), reading(holds, "the sum reaches to the end", False))
    assert result.kind == "unchecked"
    assert result.reason == "holds if read as the sum reaches to the end"


def test_refuted_needs_every_reading_to_fail():
    result = judged(reading(fails), reading(fails_otherwise, "other", False))
    assert result.kind == "refuted"
    assert result.alternatives == ("other: fails too",)
    x = result.counterexample.values["x"]
    assert (result.counterexample.left, result.counterexample.right) == (2 * x, x * x)


def test_a_reading_that_cannot_be_lowered_makes_refutation_impossible():
    result = judged(reading(fails), reading(lost, "other", False))
    assert result.kind == "unchecked"
    assert "the reach of the sum is not known" in result.reason


def test_a_preferred_reading_that_cannot_be_lowered_verifies_nothing():
    assert judged(reading(lost)).reason == "the reach of the sum is not known"
    result = judged(reading(lost), reading(holds, "other", False))
    assert result.kind == "unchecked" and result.reason == "holds if read as other"
    assert judged(reading(lost), reading(fails, "other", False)).kind == "unchecked"


def test_an_unused_hypothesis_guards_against_refutation_only():
    assert judged(reading(fails), guards=["when A is normal"]).reason == "may depend on “when A is normal”"
    assert judged(reading(holds), guards=["when A is normal"]).kind == "verified"


def test_a_restatement_is_no_test():
    result = judge([Reading(Handmade(holds), "as written", restates=True)], seed=0)
    assert result.kind == "unchecked" and "restates" in result.reason


def test_no_reading():
    assert judged().kind == "unchecked"


def chain(s):
    """(x − 1)² = x² − 2x + 1 = x² − 1 = 3x."""
    x = s.input("x")
    longer = add(sub(square(x), mul(num(2), x)), num(1))
    return square(sub(x, num(1))), longer, sub(square(x), num(1)), mul(num(3), x)


def test_the_first_wrong_link_of_a_chain_is_reported():
    result = verdict(chain, "=", "=", "=")
    assert result.kind == "refuted"
    assert result.reason == "the sides differ at link 2 of 3"
    assert result.counterexample.where == "link 2 of 3"


def test_every_link_of_a_chain_has_its_evidence():
    def right(s):
        sides = chain(s)
        return sides[0], sides[1], sub(add(square(s.inputs[0].node), num(1)), mul(num(2), s.inputs[0].node))

    result = verdict(right, "=", "=")
    assert result.kind == "verified"
    assert any(line.startswith("link 1: ") for line in result.evidence)
    assert any(line.startswith("link 2: ") for line in result.evidence)


def test_an_undecided_link_leaves_the_chain_undecided():
    def claim(s):
        x = s.input("x", low=0)
        return b.unary("log", x), mul(x, num(2)), mul(num(1), mul(x, num(2)))

    result = verdict(claim, "\\le", "=")
    assert result.kind == "unchecked" and result.reason.startswith("link 1: no counterexample")


def test_time_is_limited():
    problem = Handmade(fails)
    result = judge([Reading(problem, "as written")], seed=0, limits=Limits(seconds=-1.0))
    assert result.kind == "unchecked" and "too long" in result.reason


def test_shapes_that_do_not_fit():
    result = judge_shape_error({"n": 2, "m": 3}, [2, 3], [3, 2], "inner sizes differ: `m` and `n`")
    assert result.kind == "refuted" and result.counterexample.sizes == {"n": 2, "m": 3}
    assert judge_shape_error({}, [2], [2], "sizes differ").kind == "unchecked"
    assert judge_shape_error({"n": 2}, [2], [3], "sizes differ", guards=["if"]).kind == "unchecked"


@pytest.mark.parametrize(
    "promise",
    [
        {"kind": "refuted"},
        {"kind": "verified"},
        {"kind": "verified", "method": "instances"},
        {"kind": "verified", "evidence": ("x",)},
        {"kind": "unchecked"},
        {"kind": "true"},
    ],
)
def test_a_verdict_without_its_evidence_cannot_be_made(promise):
    with pytest.raises(ValueError):
        Verdict(**promise)


def test_a_verdict_with_its_evidence_can():
    assert Verdict("refuted", counterexample=Counterexample()).kind == "refuted"
    assert Verdict("verified", method="instances", evidence=("one",)).kind == "verified"
