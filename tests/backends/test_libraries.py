"""JAX and TensorFlow against NumPy: every primitive and operation, values and gradients, in every precision."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given, settings

from lemmata.backends import numpy as plain
from lemmata.operations import call, catalogue
from lemmata.operations.recognise import fuse
from lemmata.program import build as b
from lemmata.program.autodiff import gradient
from lemmata.program.graph import inputs, nodes
from lemmata.program.node import Axis
from primitive_cases import CASES, laid_out, weighted
from random_programs import programs

LIBRARIES = [pytest.param(n, marks=getattr(pytest.mark, n)) for n in ("jax", "tensorflow")]
TOLERANCE = {"float64": 1e-9, "float32": 2e-5, "bfloat16": 4e-2, "float16": 5e-3}
"""Of values, relative to the largest; for gradients ten times as much."""
SMOOTH = [c for c in CASES if c.smooth and c.node.dtype == "real" and inputs(c.node)]


class Jax:
    def __init__(self):
        self.jax = pytest.importorskip("jax")
        self.jax.config.update("jax_enable_x64", True)
        self.backend = importlib.import_module("lemmata.backends.jax")

    def tensor(self, array, dtype=None):
        return self.jax.numpy.asarray(array, dtype)

    def gradients(self, function, values, at):
        return self.jax.grad(lambda *given: function(*_put(values, at, given)), tuple(range(len(at))))(
            *(values[i] for i in at)
        )

    def dtype(self, value):
        return str(value.dtype)


class TensorFlow:
    def __init__(self):
        self.tf = pytest.importorskip("tensorflow")
        self.backend = importlib.import_module("lemmata.backends.tensorflow")

    def tensor(self, array, dtype=None):
        found = self.tf.constant(array)
        return found if dtype is None else self.tf.cast(found, dtype)

    def gradients(self, function, values, at):
        with self.tf.GradientTape() as tape:
            for i in at:
                tape.watch(values[i])
            value = function(*values)
        zero = self.tf.UnconnectedGradients.ZERO
        found = tape.gradient(value, [values[i] for i in at], unconnected_gradients=zero)
        return [self.tf.convert_to_tensor(x) for x in found]

    def dtype(self, value):
        return value.dtype.name


def _put(values, at, given):
    found = list(values)
    for i, value in zip(at, given, strict=True):
        found[i] = value
    return found


@pytest.fixture(scope="module")
def libraries():
    made = {}
    return lambda name: (
        made.setdefault(name, {"jax": Jax, "tensorflow": TensorFlow}[name]()) if name not in made else (made[name])
    )


def same(found, expected, dtype="float64", factor=1.0):
    found, expected = np.asarray(found), np.asarray(expected)
    if found.dtype.kind not in "biufc":  # bfloat16
        found = found.astype(float)
    assert found.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=factor * TOLERANCE[dtype] * scale)


def about_gauge(node):
    return any(n.op in ("svd_outer", "eigh_outer") for n in nodes(node))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_of_primitives(case, library, libraries):
    (found,) = libraries(library).backend.run([case.node], case.feeds)
    same(np.asarray(found), np.asarray(case.expected))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("case", [c for c in SMOOTH if not about_gauge(c.node)], ids=str)
def test_gradients_are_the_library_s_own(case, library, libraries):
    lib = libraries(library)
    loss = weighted(case.node)
    fed = inputs(loss)
    values = [lib.tensor(np.asarray(case.feeds[i.attr("name")])) for i in fed]
    at = [n for n, i in enumerate(fed) if i.dtype == "real"]
    program = lib.backend.compile([loss], fed)
    found = lib.gradients(lambda *given: program(*given)[0], values, at)
    for place, theirs in zip(at, found, strict=True):
        node = gradient(loss, fed[place])
        ours = laid_out(plain.run([node], case.feeds)[0], node, fed[place].axes)
        theirs = np.asarray(theirs)
        if any(n.op in ("eigvalsh", "cholesky") for n in nodes(loss)):  # defined for symmetric matrices only
            ours, theirs = ours + ours.T, theirs + theirs.T
        same(theirs, ours, factor=10)


@pytest.mark.parametrize("library", LIBRARIES)
@given(program=programs())
@settings(max_examples=25, deadline=None)
def test_random_programs(library, program):
    lib = {"jax": Jax, "tensorflow": TensorFlow}[library]()
    for node in (program.node, fuse(program.node)):
        (ours,) = plain.run([node], program.floats)
        if np.isfinite(ours).all() and np.abs(ours).max(initial=0) < 1e8:
            same(np.asarray(lib.backend.run([node], program.floats)[0]), ours)


OPERATIONS = sorted(n for n in catalogue() if n not in ("attention",))
DOMAIN = {"logit": (0.05, 0.95)}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_in_every_precision(operation, dtype, library, libraries):
    lib = libraries(library)
    rng = np.random.default_rng(3)
    batch, rows, columns = (Axis.fresh(n, s) for n, s in (("b", 2), ("r", 3), ("c", 5)))
    along = {"axis": columns} if any("axis" in e.attrs for e in catalogue()[operation].examples) else {}
    if any(set(e.attrs) - {"axis"} or len(e.arguments) != 1 for e in catalogue()[operation].examples):
        pytest.skip("an operation of several arguments: its program is compared as one of primitives")
    x = np.asarray(lib.tensor(rng.uniform(*DOMAIN.get(operation, (-3.0, 3.0)), (2, 3, 5)), dtype)).astype(float)
    leaf = b.input("x", [batch, rows, columns])
    node = call(operation, [leaf], **along)
    program = lib.backend.compile([node], [leaf])
    (found,) = program(lib.tensor(x, dtype))
    assert lib.dtype(found) == dtype
    ours = plain.run([node], {"x": x})[0]
    same(np.asarray(found).astype(float), ours, dtype)
    total = lib.backend.compile([weighted(node)], [leaf])
    (slope,) = lib.gradients(lambda *given: total(*given)[0], [lib.tensor(x, dtype)], [0])
    derived = gradient(weighted(node), leaf)
    expected = laid_out(plain.run([derived], {"x": x})[0], derived, leaf.axes)
    same(np.asarray(slope).astype(float), expected, dtype, factor=10)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("masked", ["bare", "causal", "mask"])
def test_attention(masked, library, libraries):
    lib = libraries(library)
    rng = np.random.default_rng(5)
    batch, query, key, feature, value = (Axis.fresh(n, s) for n, s in zip("bqkfv", (2, 4, 4, 3, 5), strict=True))
    q, k, v = b.input("q", [batch, query, feature]), b.input("k", [key, feature]), b.input("v", [batch, key, value])
    mask = [b.input("m", [query, key])] if masked == "mask" else []
    node = call("attention", [q, k, v, b.constant(0.5), *mask], query=query, key=key, feature=feature, value=value,
                causal=masked == "causal")  # fmt: skip
    feeds = {n.attr("name"): rng.normal(size=[a.size for a in n.axes]) for n in inputs(node)}
    same(np.asarray(lib.backend.run([node], feeds)[0]), plain.run([node], feeds)[0])


@pytest.mark.parametrize("library", LIBRARIES)
def test_singular_matrices_wrong_shapes_and_missing_inputs(library, libraries):
    lib = libraries(library)
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
