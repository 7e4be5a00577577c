"""A document's definitions as JAX pytrees and Keras layers: values and gradients are those of the PyTorch module."""

from __future__ import annotations

import numpy as np
import pytest

import lemmata
from places import ROOT

torch = pytest.importorskip("torch")
SIZES = {"V": 20, "N": 12, "d": 16, "h": 2, "d_k": 8, "L": 2, "d_f": 32}


@pytest.fixture(scope="module")
def model():
    return lemmata.load(ROOT / "examples" / "gpt-decoder.md")


@pytest.fixture(scope="module")
def text():
    found = np.random.default_rng(0).integers(SIZES["V"], size=(3, 9))
    return found[:, :-1], found[:, 1:]


@pytest.fixture(scope="module")
def wanted(model, text):
    """The losses of three texts, and the gradient of their sum by weight."""
    module = model.module(r"\ell", SIZES, seed=3)
    losses = module(*map(torch.from_numpy, text))
    losses.sum().backward()
    return losses.detach().numpy(), {n: p.grad.numpy() for n, p in module.named_parameters()}


@pytest.mark.jax
def test_a_pytree_and_a_pure_function(model, text, wanted):
    jax = pytest.importorskip("jax")
    weights, loss = model.pytree(r"\ell", SIZES, seed=3)
    tokens, following = map(jax.numpy.asarray, text)
    np.testing.assert_allclose(loss(weights, tokens, following), wanted[0], rtol=1e-5)
    gradient = jax.jit(jax.grad(lambda w: loss(w, tokens, y=following).sum()))(weights)
    assert gradient.keys() == wanted[1].keys()
    for name, value in gradient.items():
        np.testing.assert_allclose(value, wanted[1][name], atol=1e-5, err_msg=name)
    with pytest.raises(TypeError, match="takes t, y; 3 were given"):
        loss(weights, tokens, following, following)


@pytest.mark.tensorflow
def test_a_keras_layer(model, text, wanted):
    tf = pytest.importorskip("tensorflow")
    layer = model.layer(r"\ell", SIZES, seed=3)
    with tf.GradientTape() as tape:
        losses = layer(*text)
        total = tf.reduce_sum(losses)
    np.testing.assert_allclose(losses, wanted[0], rtol=1e-5)
    for weight, value in zip(layer.trainable_weights, tape.gradient(total, layer.trainable_variables), strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(value), wanted[1][weight.name], atol=1e-5, err_msg=weight.name)
    layer.trainable_weights[0].assign(2 * layer.trainable_weights[0])
    assert np.abs(layer(*text) - losses).max() > 1e-4
