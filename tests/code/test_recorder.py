"""States of variables: what changes in place is seen, what stays is kept once."""

from __future__ import annotations

import numpy as np
import pytest

from lemmata.code.worker.recorder import Recorder

SIZE = 2**20


def states(*actions, **names):
    """The keys of every name after each action on the names."""
    recorder = Recorder(names, 2**24)
    found = []
    for action in actions:
        action(names)
        found.append(recorder.state())
    return recorder, found


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.__setitem__(3, 7.0),
        lambda x: np.negative(x, out=x),
        lambda x: x.sort(),
        lambda x: x[4:].fill(np.nan),
        lambda x: x.__setitem__(0, -0.0),
    ],
)
def test_a_change_in_place_is_a_new_value(change):
    x = np.array([0.0, 5.0, 3.0, 1.0, 4.0])
    recorder, (first, second, third) = states(lambda n: None, lambda n: None, lambda n: change(n["x"]), x=x)
    assert first == second != third
    assert np.array_equal(recorder.store[third["x"]], x, equal_nan=True)
    assert recorder.store[first["x"]].tolist() == [0, 5, 3, 1, 4]


def test_equal_arrays_are_kept_once_and_other_types_apart():
    recorder, (found,) = states(
        lambda n: None, a=np.ones(4), b=np.ones(4), c=np.ones(4, np.float32), d=np.ones((2, 2)), e=np.float64(1), f=1
    )
    assert found["a"] == found["b"]
    assert len({found[n] for n in "acdef"}) == 5
    assert recorder.store[found["d"]].shape == (2, 2) and recorder.store[found["e"]].shape == ()


def test_empty_arrays_and_arrays_that_are_not_contiguous():
    base = np.arange(12.0).reshape(3, 4)
    recorder, (first, second) = states(
        lambda n: None, lambda n: n["t"].__setitem__((0, 0), 9.0), t=base.T, none=np.zeros((0, 3)), step=base[:, ::2]
    )
    assert first["t"] != second["t"] and first["step"] != second["step"] and first["none"] == second["none"]
    assert recorder.store[second["t"]].tolist() == base.T.tolist()


def test_what_stays_costs_little_of_the_budget():
    recorder, found = states(*[lambda n: None] * 300, x=np.ones(SIZE // 8))
    assert len({f["x"] for f in found}) == 1
    assert recorder._budget > 0
