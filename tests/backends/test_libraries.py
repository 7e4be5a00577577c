"""PyTorch, JAX and TensorFlow against NumPy: every primitive, values and gradients, in every precision.

In double precision PyTorch has tests of its own: `test_primitives.py`, `test_torch_programs.py`.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from lemmata.backends import numpy as plain
from lemmata.operations.recognise import fuse
from lemmata.program import build as b
from lemmata.program.autodiff import gradient
from lemmata.program.graph import inputs, nodes
from lemmata.program.node import Axis
from libraries import LIBRARIES, TOLERANCE, library, same
from primitive_cases import CASES, laid_out, weighted
from random_programs import programs

SMOOTH = [c for c in CASES if c.smooth and c.node.dtype == "real" and inputs(c.node)]


TRACED = [p for p in LIBRARIES if p.values[0] != "torch"]
DECOMPOSED = frozenset(
    {"inv", "matrix_exp", "cholesky", "det", "logabsdet", "eigvalsh", "svdvals", "svd_outer", "eigh_outer"}
)
"""What no library calculates in half precision."""
LOWER = [d for d in TOLERANCE if d != "float64"]


def about_gauge(node):
    return any(n.op in ("svd_outer", "eigh_outer") for n in nodes(node))


def only_symmetric(node):
    """Whether its gradient is defined for symmetric matrices only."""
    return any(n.op in ("eigvalsh", "cholesky", "eigh_outer") for n in nodes(node))


@pytest.mark.parametrize("name", TRACED)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_of_primitives(case, name):
    lib = library(name)
    (found,) = lib.backend.run([case.node], case.feeds)
    same(lib.array(found), np.asarray(case.expected))


def gradients(lib, node, feeds, dtype=None):
    """The library's gradients by the real inputs of a weighted sum, and ours in double precision at the same values."""
    loss = weighted(node)
    fed = inputs(loss)
    at = [n for n, i in enumerate(fed) if i.dtype == "real"]
    arrays = [np.asarray(feeds[i.attr("name")]) for i in fed]
    values = [lib.tensor(x, dtype if n in at else None) for n, x in enumerate(arrays)]
    program = lib.backend.compile([loss], fed)
    found = lib.gradients(lambda *given: program(*given)[0], values, at)
    for place, theirs in zip(at, found, strict=True):
        derived = gradient(loss, fed[place])
        ours = laid_out(plain.run([derived], feeds)[0], derived, fed[place].axes)
        theirs = lib.array(theirs)
        yield (theirs + theirs.T, ours + ours.T) if only_symmetric(loss) else (theirs, ours)


@pytest.mark.parametrize("name", TRACED)
@pytest.mark.parametrize("case", [c for c in SMOOTH if not about_gauge(c.node)], ids=str)
def test_gradients_are_the_library_s_own(case, name):
    for theirs, ours in gradients(library(name), case.node, case.feeds):
        same(theirs, ours, factor=10)


def in_precision(lib, case, dtype):
    """The feeds of a case as the precision rounds them."""
    return {
        i.attr("name"): lib.array(lib.tensor(np.asarray(case.feeds[i.attr("name")], float), dtype))
        if i.dtype == "real"
        else np.asarray(case.feeds[i.attr("name")])
        for i in inputs(case.node)
    }


def available(dtype):
    decomposed = [] if dtype == "float32" else DECOMPOSED
    return [
        c
        for c in CASES
        if inputs(c.node) and c.node.dtype != "complex" and not any(n.op in decomposed for n in nodes(c.node))
        if all(i.dtype != "complex" for i in inputs(c.node))
    ]


PRECISE = [pytest.param(d, c, id=f"{d} {c}") for d in LOWER for c in available(d)]


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("dtype, case", PRECISE)
def test_primitives_in_lower_precision(dtype, case, name):
    lib = library(name)
    feeds = in_precision(lib, case, dtype)
    fed = inputs(case.node)
    tensors = [lib.tensor(feeds[i.attr("name")], dtype if i.dtype == "real" else None) for i in fed]
    (found,) = lib.call(lib.backend.compile([case.node], fed), tensors)
    if case.node.dtype == "real":
        assert lib.dtype(found) == dtype
    same(lib.array(found), plain.run([case.node], feeds)[0], dtype)
    if case.smooth and case.node.dtype == "real" and not about_gauge(case.node):
        for theirs, ours in gradients(lib, case.node, feeds, dtype):
            same(theirs, ours, dtype, factor=10)


@pytest.mark.parametrize("name", TRACED)
@given(program=programs())
@settings(max_examples=25, deadline=None)
def test_random_programs(name, program):
    lib = library(name)
    for node in (program.node, fuse(program.node)):
        (ours,) = plain.run([node], program.floats)
        if np.isfinite(ours).all() and np.abs(ours).max(initial=0) < 1e8:
            same(lib.array(lib.backend.run([node], program.floats)[0]), ours)


@pytest.mark.parametrize("name", TRACED)
def test_singular_matrices_wrong_shapes_and_missing_inputs(name):
    lib = library(name)
    i, j = Axis.fresh("i", 2), Axis.fresh("j", 2)
    x, y = b.input("x", [i, j]), b.input("y", [i, j])
    for node in (b.inv(x, i, j), b.cholesky(b.unary("neg", x), i, j)):
        assert np.isnan(np.asarray(lib.backend.run([node], {"x": np.ones((2, 2))})[0])).all()
    program = lib.backend.compile([b.binary("add", x, y)], [x, y])
    with pytest.raises(ValueError, match=r"y has shape \(4,\), not \(2, 2\)"):
        program(lib.tensor(np.zeros((2, 2))), lib.tensor(np.zeros(4)))
    with pytest.raises(ValueError, match="1 tensors for 2 inputs"):
        program(lib.tensor(np.zeros((2, 2))))
    with pytest.raises(KeyError, match="y"):
        lib.backend.compile([b.binary("add", x, y)], [x])
