"""Every interpreter gives the same value to random programs: NumPy, PyTorch, balls, the prime field, autograd."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings

from lemmata.backends import ball
from lemmata.backends import numpy as plain
from lemmata.operations.recognise import fuse
from lemmata.program import build as b
from lemmata.program.autodiff import gradient
from lemmata.program.graph import inputs
from primitive_cases import laid_out
from random_programs import Program, programs

QUICK = settings(max_examples=120, deadline=None, derandomize=True)


def tame(value: np.ndarray) -> bool:
    return bool(np.isfinite(value).all()) and float(np.abs(value).max(initial=0.0)) < 1e9


@QUICK
@given(programs())
def test_double_precision_lies_in_the_balls(program: Program):
    (value,) = plain.run([program.node], program.floats)
    assume(tame(value))
    try:
        (balls,) = ball.run([program.node], program.feeds, 256)
    except ball.Undecided:
        assume(False)
    assert balls.shape == value.shape
    scale = 1 + float(np.abs(value).max(initial=0.0))
    for at in np.ndindex(value.shape):
        assert float(balls[at].rad()) < 1e-50 * scale
        assert abs(float(balls[at].mid()) - value[at]) < 1e-6 * scale


@QUICK
@given(programs())
def test_more_precision_stays_inside(program: Program):
    try:
        (wide,), (narrow,) = (ball.run([program.node], program.feeds, bits) for bits in (53, 200))
    except ball.Undecided:
        assume(False)
    for at in np.ndindex(wide.shape):
        assume(wide[at].is_finite())
        assert wide[at].overlaps(narrow[at])
        assert narrow[at].rad() <= wide[at].rad() * 1.01 + 1e-50


@pytest.mark.torch
@QUICK
@given(programs())
def test_torch_agrees_with_numpy(program: Program):
    backend = pytest.importorskip("lemmata.backends.torch")
    (value,), (ours,) = plain.run([program.node], program.floats), backend.run([program.node], program.floats)
    assume(tame(value))
    np.testing.assert_allclose(ours.numpy(), value, rtol=1e-7, atol=1e-7)


@pytest.mark.torch
@QUICK
@given(programs(smooth=True))
def test_gradients_agree_with_autograd(program: Program):
    torch = pytest.importorskip("torch")
    backend = pytest.importorskip("lemmata.backends.torch")
    loss = b.reduce("sum", program.node, program.node.axes)
    fed = inputs(loss)
    tensors = [torch.tensor(program.floats[i.attr("name")], requires_grad=True) for i in fed]
    (value,) = backend.compile([loss], fed)(*tensors)
    assume(tame(value.detach().numpy()))
    for leaf, expected in zip(fed, torch.autograd.grad(value, tensors), strict=True):
        node = gradient(loss, leaf)
        (ours,) = plain.run([node], program.floats)
        assume(tame(ours))
        scale = 1 + float(np.abs(ours).max(initial=0.0))
        np.testing.assert_allclose(laid_out(ours, node, leaf.axes), expected, rtol=1e-6, atol=1e-9 * scale)


@QUICK
@given(programs())
def test_recognised_programs_have_the_same_value(program: Program):
    fused = fuse(program.node)
    assert set(fused.axes) == set(program.node.axes)
    (value,), (ours,) = plain.run([program.node], program.floats), plain.run([fused], program.floats)
    assume(tame(value))
    np.testing.assert_allclose(laid_out(ours, fused, program.node.axes), value, rtol=1e-8, atol=1e-8)


@QUICK
@given(programs(rational=True))
def test_the_prime_field_has_the_residues_of_the_exact_values(program: Program):
    field = pytest.importorskip("lemmata.verify.field")
    (exact,) = plain.run([program.node], program.feeds)
    residues = {name: _residues(field, value) for name, value in program.feeds.items()}
    try:
        (found,) = field.evaluate((program.node,), residues)
    except field.Unlucky:
        assume(False)
    assert not found.opaque
    for at in np.ndindex(exact.shape):
        assert int(found.values[at]) == field.residue(exact[at])


def _residues(field, value):
    numbers = np.vectorize(field.residue, otypes=[np.uint64])(value)
    return field.FieldValue(np.asarray(numbers, dtype=np.uint64), field.Degree(1, 0), False)
