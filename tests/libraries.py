"""PyTorch, JAX and TensorFlow as the tests that compare them with NumPy want them: tensors, gradients, types."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

LIBRARIES = [pytest.param(n, marks=getattr(pytest.mark, n)) for n in ("torch", "jax", "tensorflow")]
TOLERANCE = {"float64": 1e-9, "float32": 2e-5, "bfloat16": 4e-2, "float16": 5e-3}
"""Of values, relative to the largest; for gradients ten times as much."""


class Torch:
    def __init__(self):
        self.torch = pytest.importorskip("torch")
        self.backend = importlib.import_module("lemmata.backends.torch")

    def tensor(self, array, dtype=None):
        return self.torch.tensor(array, dtype=None if dtype is None else getattr(self.torch, dtype))

    def call(self, program, values):
        return program(*values)

    def gradients(self, function, values, at):
        values = [v.clone().requires_grad_() if i in at else v for i, v in enumerate(values)]
        wanted = [values[i] for i in at]
        found = self.torch.autograd.grad(function(*values), wanted, allow_unused=True)
        return [self.torch.zeros_like(x) if g is None else g for x, g in zip(wanted, found, strict=True)]

    def dtype(self, value):
        return str(value.dtype).removeprefix("torch.")

    def array(self, value):
        value = value.detach().resolve_conj()
        return (value.double() if value.is_floating_point() else value).numpy()


class Jax:
    def __init__(self):
        self.jax = pytest.importorskip("jax")
        self.jax.config.update("jax_enable_x64", True)
        self.backend = importlib.import_module("lemmata.backends.jax")

    def tensor(self, array, dtype=None):
        return self.jax.numpy.asarray(array, dtype)

    def call(self, program, values):
        """Traced and compiled as one: step by step it would be compiled as often as there are steps."""
        return self.jax.jit(lambda *given: program(*given))(*values)

    def gradients(self, function, values, at):
        slope = self.jax.grad(lambda *given: function(*_put(values, at, given)), tuple(range(len(at))))
        return self.jax.jit(slope)(*(values[i] for i in at))

    def dtype(self, value):
        return str(value.dtype)

    def array(self, value):
        return _plain(value)


class TensorFlow:
    def __init__(self):
        self.tf = pytest.importorskip("tensorflow")
        self.backend = importlib.import_module("lemmata.backends.tensorflow")

    def tensor(self, array, dtype=None):
        found = self.tf.constant(array)
        return found if dtype is None else self.tf.cast(found, dtype)

    def call(self, program, values):
        return program(*values)

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

    def array(self, value):
        return _plain(value.numpy())


def _plain(value):
    array = np.asarray(value)
    return array if array.dtype.kind in "biuc" else array.astype(float)  # of bfloat16, too


def _put(values, at, given):
    found = list(values)
    for i, value in zip(at, given, strict=True):
        found[i] = value
    return found


KINDS = {"torch": Torch, "jax": Jax, "tensorflow": TensorFlow}
_made = {}


def library(name):
    """The library of this name; the test that asks for it is skipped where it is not installed."""
    if name not in _made:
        _made[name] = KINDS[name]()
    return _made[name]


def same(found, expected, dtype="float64", factor=1.0):
    """Arrays of one shape, apart by at most what the precision allows."""
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=factor * TOLERANCE[dtype] * scale)
