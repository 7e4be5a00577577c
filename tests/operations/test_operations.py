"""The catalogue: examples with literal numbers on every backend, native spellings against definitions."""

from __future__ import annotations

import numpy as np
import pytest

from lemmata.backends import ball
from lemmata.backends import numpy as plain
from lemmata.operations import call, catalogue, did_you_mean, lookup
from lemmata.program import build as b
from lemmata.program.node import Axis

EXAMPLES = [pytest.param(o.name, e, id=f"{o.name} {n}") for o in catalogue().values() for n, e in enumerate(o.examples)]


def program(name, example):
    """The example as a call on inputs, its feeds, and its value with dimensions in the order of the call's axes."""
    arrays = [np.asarray(a, dtype=float) for a in example.arguments]
    letters: dict[str, Axis] = {}
    spelled = example.axes or tuple("abcdefgh"[: a.ndim] for a in arrays[:1]) * (len(arrays) + 1)
    args = []
    for number, array in enumerate(arrays):
        axes = [letters.setdefault(x, Axis.fresh(x, n)) for x, n in zip(spelled[number], array.shape, strict=True)]
        args.append(b.input(f"x{number}", axes))
    attrs = {k: letters[v] if isinstance(v, str) else args[0].axes[v] for k, v in example.attrs.items()}
    node = call(name, args, **attrs)
    result = [a for a in letters.values() if a in node.axes]
    order = [letters[x] for x in example.axes[-1]] if example.axes else result
    return node, {f"x{n}": a for n, a in enumerate(arrays)}, order


@pytest.mark.parametrize("name, example", EXAMPLES)
def test_examples(name, example):
    node, feeds, order = program(name, example)
    moved = [node.axes.index(a) for a in order]
    (value,) = plain.run([node], feeds)
    np.testing.assert_allclose(value.transpose(moved), example.value, rtol=1e-14, atol=1e-15)
    (balls,) = ball.run([node], feeds, 128)
    middle = np.vectorize(lambda v: float(v.mid()), otypes=[float])(balls)
    np.testing.assert_allclose(middle.transpose(moved), example.value, rtol=1e-14, atol=1e-15)


@pytest.mark.torch
@pytest.mark.parametrize("name, example", EXAMPLES)
def test_examples_in_torch(name, example):
    backend = pytest.importorskip("lemmata.backends.torch")
    node, feeds, order = program(name, example)
    (value,) = backend.run([node], feeds)
    moved = value.permute([node.axes.index(a) for a in order])
    np.testing.assert_allclose(moved, example.value, rtol=1e-14, atol=1e-15)


def test_every_operation_has_an_example():
    assert [o.name for o in catalogue().values() if not o.examples] == []


def test_spellings_belong_to_one_operation_each():
    spelled = [s for o in catalogue().values() for s in o.spellings]
    assert len(spelled) == len(set(spelled))
    assert all(lookup(s).name == o.name for o in catalogue().values() for s in o.spellings)


def test_near_words_are_suggested():
    assert did_you_mean("sofmax") == "softmax"
    assert did_you_mean("quaternion") is None


def test_softmax_and_its_logarithm_do_not_overflow():
    axis = Axis.fresh("i", 2)
    x = b.input("x", [axis])
    feeds = {"x": np.array([1000.0, 0.0])}
    stable = [call(n, [x], axis=axis) for n in ("softmax", "log_softmax", "logsumexp")]
    soft, logarithm, total = plain.run(stable, feeds)
    assert soft.tolist() == [1.0, 0.0] and logarithm.tolist() == [0.0, -1000.0] and float(total) == 1000.0
