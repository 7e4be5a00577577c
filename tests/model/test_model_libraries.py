"""A document's definitions on JAX arrays and TensorFlow tensors: values, gradients, batches, precision, graphs."""

from __future__ import annotations

import numpy as np
import pytest
from model_documents import ATTENTION, LAYERS, loaded

RNG = np.random.default_rng(11)


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    texts = {"layers": LAYERS, "attention": ATTENTION}
    return {name: loaded(tmp_path_factory.mktemp(name), text) for name, text in texts.items()}


def layer_weights(dtype=float):
    shapes = {"W_1": (6, 9), "b_1": (9,), "W_2": (9, 6), "b_2": (6,)}
    return {name: RNG.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


@pytest.fixture
def jax():
    found = pytest.importorskip("jax")
    found.config.update("jax_enable_x64", True)
    return found


@pytest.mark.jax
def test_jax_values_and_batches(documents, jax):
    x, w = RNG.normal(size=(2, 3, 5, 6)), layer_weights()
    found = documents["layers"].FFN(jax.numpy.asarray(x), weights={n: jax.numpy.asarray(v) for n, v in w.items()})
    assert isinstance(found, jax.Array) and found.dtype == "float64"
    np.testing.assert_allclose(found, documents["layers"].FFN(x, **w), atol=1e-12)
    q, k, v = RNG.normal(size=(2, 1, 5, 8)), RNG.normal(size=(4, 7, 8)), RNG.normal(size=(2, 4, 7, 3))
    found = documents["attention"].Attention(jax.numpy.asarray(q), k, v)
    np.testing.assert_allclose(found, documents["attention"].Attention(q, k, v), atol=1e-12)


@pytest.mark.jax
def test_jax_differentiates_and_compiles_definitions(documents, jax):
    x, w = RNG.normal(size=(5, 6)), layer_weights()

    def loss(weights, x):
        return (documents["layers"].FFN(x, weights=weights) ** 2).sum()

    slope = jax.jit(jax.grad(loss))({n: jax.numpy.asarray(v) for n, v in w.items()}, jax.numpy.asarray(x))
    assert set(slope) == set(w)
    step = 1e-6
    for name in w:
        moved = {**w, name: w[name] + step}
        numeric = (loss(moved, x) - loss({**w, name: w[name] - step}, x)) / (2 * step)
        assert float(slope[name].sum()) == pytest.approx(float(numeric), rel=1e-5)


@pytest.mark.jax
def test_jax_keeps_the_precision_of_its_arrays(documents, jax):
    for dtype in ("float32", "bfloat16", "float16"):
        x = jax.numpy.ones((5, 6), dtype)
        w = {n: jax.numpy.asarray(v, dtype) for n, v in layer_weights().items()}
        assert documents["layers"].FFN(x, weights=w).dtype == dtype
    members = [jax.numpy.ones((12, 4), "float32")] * 3
    found = documents["attention"].MultiHead(
        *[jax.numpy.ones((6, 12), "float32")] * 3, W_Q=members, W_K=members, W_V=members, W_O=np.ones((12, 12))
    )
    assert found.shape == (6, 12) and found.dtype == "float32"


@pytest.mark.jax
def test_jax_says_what_does_not_fit(documents, jax):
    with pytest.raises(ValueError, match="W_1 has shape 6 × 9"):
        documents["layers"].FFN(jax.numpy.ones((5, 7)), weights=layer_weights())


@pytest.mark.tensorflow
def test_tensorflow_values_batches_and_gradients(documents):
    tf = pytest.importorskip("tensorflow")
    x, w = RNG.normal(size=(2, 3, 5, 6)), layer_weights()
    variables = {n: tf.Variable(v) for n, v in w.items()}
    with tf.GradientTape() as tape:
        found = documents["layers"].FFN(tf.constant(x), weights=variables)
        total = tf.reduce_sum(found**2)
    assert found.dtype == tf.float64
    np.testing.assert_allclose(found, documents["layers"].FFN(x, **w), atol=1e-12)
    slopes = tape.gradient(total, variables)
    hidden = x @ w["W_1"] + w["b_1"]
    back = 2 * np.asarray(found)
    np.testing.assert_allclose(slopes["b_2"], back.sum((0, 1, 2)), rtol=1e-10)
    np.testing.assert_allclose(slopes["b_1"], ((back @ w["W_2"].T) * (hidden > 0)).sum((0, 1, 2)), rtol=1e-9)


@pytest.mark.tensorflow
def test_tensorflow_graphs_and_precision(documents):
    tf = pytest.importorskip("tensorflow")
    w = {n: tf.constant(v, tf.float32) for n, v in layer_weights().items()}
    graph = tf.function(lambda x: documents["layers"].FFN(x, weights=w))
    x = tf.ones((5, 6), tf.float32)
    assert graph(x).dtype == tf.float32
    np.testing.assert_allclose(graph(x), documents["layers"].FFN(x, weights=w), atol=1e-6)
    open_ended = tf.function(
        lambda x: documents["layers"].FFN(x, weights=w), input_signature=[tf.TensorSpec((None, 6), tf.float32)]
    )
    with pytest.raises(ValueError, match="runs at known lengths"):
        open_ended(x)


@pytest.mark.jax
@pytest.mark.tensorflow
def test_two_libraries_in_one_call(documents, jax):
    tf = pytest.importorskip("tensorflow")
    w = layer_weights() | {"W_1": tf.ones((6, 9))}
    with pytest.raises(TypeError, match="jax and tensorflow"):
        documents["layers"].FFN(jax.numpy.ones((5, 6)), weights=w)
