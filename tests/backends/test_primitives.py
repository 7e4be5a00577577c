"""Every primitive on every backend against its value spelled out in plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from lemmata.backends import ball
from lemmata.backends import numpy as plain
from lemmata.program import build
from lemmata.program.graph import inputs, nodes
from primitive_cases import CASES, FEEDS


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numpy(case):
    (value,) = plain.run([case.node], case.feeds)
    assert value.shape == tuple(a.size for a in case.node.axes)
    np.testing.assert_allclose(value, case.expected, rtol=1e-12, atol=1e-13)


@pytest.mark.torch
@pytest.mark.parametrize("case", CASES, ids=str)
def test_torch(case):
    backend = pytest.importorskip("lemmata.backends.torch")
    (value,) = backend.run([case.node], case.feeds)
    assert value.shape == tuple(a.size for a in case.node.axes)
    np.testing.assert_allclose(value.numpy(), case.expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("bits", [53, 200])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_ball(case, bits):
    (value,) = ball.run([case.node], case.feeds, bits)
    assert value.shape == tuple(a.size for a in case.node.axes)
    for at in np.ndindex(value.shape):
        expected = case.expected[at].item()
        if isinstance(value[at], bool):
            assert value[at] is bool(expected)
            continue
        distance = abs(value[at] - expected)
        assert distance.is_finite()
        assert float(distance.abs_lower()) <= 1e-12 * (1 + abs(expected))
        assert float(distance.rad()) <= 1e-11 * (1 + abs(expected))


def test_every_primitive_has_a_case():
    shown = {n.op for case in CASES for n in nodes(case.node)}
    known = build.UNARY | build.ARITHMETIC | build.COMPARISON | build.LOGIC | build.REDUCTIONS | set(plain.RULES)
    assert known - shown == set()


def test_inputs_that_are_not_fed_are_named():
    (first,) = inputs(CASES[0].node)
    for backend in (lambda o: plain.run(o, {}), lambda o: ball.run(o, {}, 53)):
        with pytest.raises(KeyError, match=first.attr("name")):
            backend([CASES[0].node])


def test_feeds_name_inputs_of_the_cases():
    used = {i.attr("name") for case in CASES for i in inputs(case.node)}
    assert set(FEEDS) <= used


@pytest.mark.parametrize("value", [0.0, -1.0, 1e300, -1e300, np.nan, np.inf, 1e-320])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_number_is_too_strange(case, value):
    """Every primitive has a value, be it NaN, or says why not, whatever it is given."""
    feeds = {k: np.full(np.shape(a), value, complex if k in "cd" else float) for k, a in case.feeds.items()}
    feeds["chosen"] = np.full(3, 2)
    (found,) = plain.run([case.node], feeds)
    assert found.shape == tuple(a.size for a in case.node.axes)
    try:
        (balls,) = ball.run([case.node], feeds, 64)
    except (ball.Undecided, ball.Unsupported, ZeroDivisionError):
        return
    assert balls.shape == found.shape
