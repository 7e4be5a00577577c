"""Layers of Keras and functions of TensorFlow and JAX against formulas; cells that newer versions reject."""

from __future__ import annotations

import pytest
from code_documents import cells
from fake_targets import ADD_AND_NORM, ATTENTION, FEED_FORWARD, MULTI_HEAD

from lemmata.code.check import check_code, diagnostics

KERAS = pytest.mark.tensorflow
HEAD = "import tensorflow as tf\nfrom tensorflow.keras import layers\n"
MHA = (
    HEAD
    + """
class MultiHeadAttention(layers.Layer):
    def __init__(self, d_model, num_heads):
        super(MultiHeadAttention, self).__init__()
        self.num_heads, self.depth = num_heads, d_model // num_heads
        self.d_model = d_model
        self.wq = layers.Dense(d_model)
        self.wk = layers.Dense(d_model)
        self.wv = layers.Dense(d_model)
        self.dense = layers.Dense(d_model)

    def split_heads(self, x, batch_size):
        x = tf.reshape(x, (batch_size, -1, self.num_heads, self.depth))
        return tf.transpose(x, perm=[0, 2, 1, 3])

    def call(self, q, k, v, mask=None):
        batch_size = tf.shape(q)[0]
        q = self.split_heads(self.wq(q), batch_size)
        k = self.split_heads(self.wk(k), batch_size)
        v = self.split_heads(self.wv(v), batch_size)
        scores = tf.matmul(q, k, transpose_b=True) / tf.math.sqrt(tf.cast(self.depth, tf.float32))
        weights = tf.nn.softmax(scores, axis=-1)
        out = tf.transpose(tf.matmul(weights, v), perm=[0, 2, 1, 3])
        return self.dense(tf.reshape(out, (batch_size, -1, self.d_model)))
"""
)
BLOCK = (
    HEAD
    + """
class Block(layers.Layer):
    def __init__(self, d_model, dff, rate=0.1):
        super().__init__()
        self.ffn = tf.keras.Sequential([layers.Dense(dff, activation="relu"), layers.Dense(d_model)])
        self.norm1 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout = layers.Dropout(rate)

    def call(self, x):
        return self.norm1(x + self.dropout(self.ffn(x)))
"""
)


def only(source, target):
    report = check_code(cells(source), [target])
    assert not report.errors and not report.problem, (report.errors, report.problem)
    (finding,) = report.findings
    return finding


@pytest.fixture(scope="module")
def tensorflow():
    return pytest.importorskip("tensorflow", reason="TensorFlow is not installed: make test-all installs it")


@KERAS
def test_a_layer_of_keras_is_verified_with_its_kernels_as_they_are(tensorflow):
    finding = only(MHA, MULTI_HEAD)
    assert finding.verdict.kind == "verified" and "equal up to its biases" in finding.verdict.reason
    assert "W_i^Q is wq.kernel" in finding.bound


@KERAS
@pytest.mark.parametrize(
    "old, new, words",
    [
        ("perm=[0, 2, 1, 3])\n\n", "perm=[0, 1, 2, 3])\n\n", "scores are taken between the heads"),
        ("self.depth, tf.float32", "self.d_model, tf.float32", "√d_model"),
        ("axis=-1", "axis=-2", "softmax runs over the queries"),
        ("return self.dense(tf.reshape(out, (batch_size, -1, self.d_model)))",
         "return tf.reshape(out, (batch_size, -1, self.d_model))", "the output projection is missing"),
    ],
)  # fmt: skip
def test_a_wrong_layer_of_keras_is_refuted_at_its_place(tensorflow, old, new, words):
    assert old in MHA
    verdict = only(MHA.replace(old, new), MULTI_HEAD).verdict
    assert verdict.kind == "refuted" and words in verdict.reason, verdict


@KERAS
def test_children_and_residuals_of_keras_layers(tensorflow):
    finding = only(BLOCK, FEED_FORWARD)
    assert finding.verdict.kind == "verified" and finding.name == "Block.ffn"
    assert only(BLOCK.replace('"relu"', '"gelu"'), FEED_FORWARD).verdict.kind == "refuted"
    assert only(BLOCK, ADD_AND_NORM).verdict.kind == "verified"


@KERAS
def test_a_function_of_keras_on_symbolic_input_is_told_what_to_write(tensorflow):
    source = HEAD + (
        "def attend(x):\n    return tf.matmul(x, x, transpose_b=True)\n"
        "inputs = layers.Input(shape=(4, 8))\ny = attend(inputs)\n"
    )
    later = "model.fit(train_data, epochs=1)"
    made = "model = 3 + y"
    report = check_code(cells(source, made, later), [])
    first, second, third = diagnostics(report, "a.md")
    assert first.span.start.line == 13 and "`call` of a layer" in first.help and "tf_keras" in first.help
    assert "y is made in the cell that failed on line 13" in second.help
    assert "model is made in the cell that failed" in third.help
    assert "train_data is defined nowhere in the document" in third.help


@pytest.mark.jax
@pytest.mark.parametrize("axis, kind", [(-1, "verified"), (-2, "refuted")])
def test_functions_of_jax(axis, kind):
    pytest.importorskip("jax", reason="JAX is not installed: make test-all installs it")
    source = f"""import jax
import jax.numpy as jnp

def attention(q, k, v):
    scores = jnp.einsum("...nd,...md->...nm", q, k) / jnp.sqrt(q.shape[-1])
    return jax.nn.softmax(scores, axis={axis}) @ v
"""
    finding = only(source, ATTENTION)
    assert finding.verdict.kind == kind, finding.verdict
    assert kind == "verified" or finding.fixes[0].lines == (15,)


@pytest.mark.parametrize(
    "message, words",
    [
        ("Argument(s) not recognized: {'lr': 0.001}", "learning_rate"),
        ("module 'tensorflow' has no attribute 'placeholder'", "tensorflow.compat.v1"),
        ("module 'keras._tf_keras.keras.backend' has no attribute 'dot'", "keras.ops"),
        ("cannot import name 'Tokenizer' from 'keras.preprocessing.text'", "TF_USE_LEGACY_KERAS=1"),
        ("Layer.add_weight() got multiple values for argument 'shape'", 'name="..."'),
    ],
)
def test_messages_of_newer_versions(message, words):
    source = f"def f():\n    raise TypeError({message!r})\nf()"
    (said,) = diagnostics(check_code(cells(source), []), "a.md")
    assert words in said.help


def test_names_that_nobody_defines_are_listed():
    sources = ("import math\nx = math.pi\ndef f(a):\n    return [a for b in a]", "print(x, data, f(labels), int(x))")
    (said,) = diagnostics(check_code(cells(*sources), []), "a.md")
    assert "data, labels are defined nowhere in the document" in said.help
