"""A query whose keys are all hidden: the formula has no value there, and every other row keeps its own."""

from __future__ import annotations

import numpy as np
import pytest

import lemmata
from libraries import library
from places import ROOT

DOCUMENT = ROOT / "benchmarks" / "spellings" / "mask.md"
HIDDEN = 2


@pytest.fixture
def arrays():
    rng = np.random.default_rng(4)
    q, k, v = rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 6))
    mask = np.where(rng.uniform(size=(5, 3)) < 0.4, -np.inf, 0.0)
    mask[:, 1] = 0.0
    mask[HIDDEN] = -np.inf
    return q, k, v, mask


def by_hand(q, k, v, mask):
    scores = np.exp(q @ k.swapaxes(-1, -2) / 2 + mask)
    with np.errstate(invalid="ignore"):
        return scores / scores.sum(-1, keepdims=True) @ v


def others(array):
    return np.delete(np.asarray(array), HIDDEN, axis=-2)


def test_on_numpy_the_row_is_not_a_number(arrays):
    found, expected = lemmata.load(DOCUMENT).Attention(*arrays), by_hand(*arrays)
    assert np.isnan(found[:, HIDDEN]).all() and np.isnan(expected[:, HIDDEN]).all()
    np.testing.assert_allclose(others(found), others(expected), rtol=1e-12)


@pytest.mark.parametrize(
    "name", [pytest.param("jax", marks=pytest.mark.jax), pytest.param("tensorflow", marks=pytest.mark.tensorflow)]
)
def test_on_libraries_that_run_the_definition_too(arrays, name):
    lib = library(name)
    found = lib.array(lemmata.load(DOCUMENT).Attention(*map(lib.tensor, arrays)))
    assert np.isnan(found[:, HIDDEN]).all()
    np.testing.assert_allclose(others(found), others(by_hand(*arrays)), rtol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("dtype, close", [("float64", 1e-12), ("float32", 1e-5), ("bfloat16", 4e-2), ("float16", 5e-3)])
def test_the_fused_call_gives_zeros_and_no_gradient(arrays, dtype, close):
    lib = library("torch")
    tensors = [lib.tensor(x, dtype) for x in arrays]
    q, k, v, _ = leaves = [t.requires_grad_(n < 3) for n, t in enumerate(tensors)]
    found = lemmata.load(DOCUMENT).Attention(*leaves)
    assert (found[:, HIDDEN] == 0).all()
    rounded = [lib.array(t) for t in tensors]
    np.testing.assert_allclose(others(lib.array(found)), others(by_hand(*rounded)), rtol=close, atol=close)
    found.sum().backward()
    assert (q.grad[:, HIDDEN] == 0).all() and q.grad.abs().sum() > 0
    assert all(bool(lib.torch.isfinite(x.grad).all()) for x in (q, k, v))


@pytest.mark.torch
def test_gradients_of_the_other_rows_are_those_without_the_hidden_one(arrays):
    lib = library("torch")
    attention = lemmata.load(DOCUMENT).Attention
    q, k, v, mask = arrays
    grads = []
    for given in ((q, k, v, mask), (others(q), k, v, np.delete(mask, HIDDEN, axis=0))):
        leaves = [lib.tensor(x).requires_grad_(n < 3) for n, x in enumerate(given)]
        value = attention(*leaves)
        (value * lib.torch.linspace(1, 2, value.shape[-1], dtype=value.dtype)).sum().backward()
        grads.append([lib.array(x.grad) for x in leaves[:3]])
    (first, *whole), (second, *without) = grads
    np.testing.assert_allclose(others(first), second, atol=1e-12)
    for a, b in zip(whole, without, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


@pytest.mark.torch
def test_without_fusion_the_row_and_the_gradients_are_not_numbers_on_pytorch_either(arrays):
    lib = library("torch")
    q, k, v, mask = (lib.tensor(x) for x in arrays)
    found = lemmata.load(DOCUMENT, fuse=False).Attention(q, k.requires_grad_(), v, mask)
    value = lib.array(found)
    assert np.isnan(value[:, HIDDEN]).all()
    np.testing.assert_allclose(others(value), others(by_hand(*arrays)), rtol=1e-12)
    found[:, :HIDDEN].sum().backward()
    assert bool(lib.torch.isnan(k.grad).any())
