"""ONNX files and SavedModels: written, read back, compared, with weights inside where they are given."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from lemmata.surfaces.cli import cli

FFN = r"""
Let $X \in \mathbb{R}^{n \times d}$, $W_1 \in \mathbb{R}^{d \times f}$, $b_1 \in \mathbb{R}^f$,
$W_2 \in \mathbb{R}^{f \times d}$ and $b_2 \in \mathbb{R}^d$.

$$
\text{FFN}(X) = \max(0, X W_1 + b_1) W_2 + b_2
$$

$$
\text{Rows}(X) = \text{softmax}(X)
$$
"""
RNG = np.random.default_rng(2)
WEIGHTS = {n: RNG.normal(size=s) for n, s in {"W_1": (4, 6), "b_1": (6,), "W_2": (6, 4), "b_2": (4,)}.items()}


@pytest.fixture
def document(tmp_path):
    (tmp_path / "ffn.md").write_text(FFN, encoding="utf-8")
    np.savez(tmp_path / "weights.npz", **WEIGHTS)
    return tmp_path / "ffn.md"


def compiled(document, target, out, *options):
    return CliRunner().invoke(cli, ["compile", str(document), "--to", target, "-o", str(out), *options])


def expected(x):
    return np.maximum(0, x @ WEIGHTS["W_1"] + WEIGHTS["b_1"]) @ WEIGHTS["W_2"] + WEIGHTS["b_2"]


@pytest.mark.onnx
def test_onnx_with_its_weights_runs_at_any_sizes(document, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    out, weights = tmp_path / "ffn.onnx", str(tmp_path / "weights.npz")
    result = compiled(document, "onnx", out, "--functions", "FFN", "--weights", weights)
    assert result.exit_code == 0, result.output
    assert "from the document in single precision, at any sizes, by onnxruntime" in result.output
    session = runtime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    assert [x.name for x in session.get_inputs()] == ["X"]
    x = RNG.normal(size=(7, 5, 4)).astype(np.float32)
    np.testing.assert_allclose(session.run(None, {"X": x})[0], expected(x), atol=1e-4)


STACK = r"""
For $X \in \mathbb{R}^{n \times d}$ and $l = 1, \dots, L$, with $W_l \in \mathbb{R}^{d \times d}$, let

$$
\text{Block}_l(X) = X + \tanh(X W_l), \qquad H_l = \text{Block}_l(H_{l-1}), \qquad H_0 = X, \qquad \text{Net} = H_L .
$$
"""


@pytest.mark.onnx
def test_onnx_unrolls_layers(tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    (tmp_path / "stack.md").write_text(STACK, encoding="utf-8")
    weights = RNG.normal(size=(3, 4, 4)).astype(np.float32)
    np.savez(tmp_path / "weights.npz", W=weights)
    out, options = tmp_path / "net.onnx", ("--functions", "Net", "--weights", str(tmp_path / "weights.npz"))
    result = compiled(tmp_path / "stack.md", "onnx", out, *options)
    assert result.exit_code == 0, result.output
    assert "at any sizes, with L = 3 unrolled, by onnxruntime" in result.output
    x = RNG.normal(size=(5, 7, 4)).astype(np.float32)
    value = x
    for weight in weights:
        value = value + np.tanh(value @ weight)
    found = runtime.InferenceSession(str(out), providers=["CPUExecutionProvider"]).run(None, {"X": x})[0]
    np.testing.assert_allclose(found, value, atol=1e-4)


def test_onnx_holds_one_function(document, tmp_path):
    result = compiled(document, "onnx", tmp_path / "m.onnx")
    assert result.exit_code == 2
    assert "an ONNX file holds one function; choose one of FFN, Rows with --functions" in result.output


@pytest.mark.tensorflow
def test_saved_models_hold_every_definition(document, tmp_path):
    tf = pytest.importorskip("tensorflow")
    out = tmp_path / "saved"
    result = compiled(document, "savedmodel", out, "--weights", str(tmp_path / "weights.npz"))
    assert result.exit_code == 0, result.output
    loaded = tf.saved_model.load(str(out))
    assert set(loaded.signatures) == {"ffn", "rows"}
    x = RNG.normal(size=(2, 3, 4)).astype(np.float32)
    found = loaded.signatures["ffn"](X=tf.constant(x))["value"]
    np.testing.assert_allclose(found, expected(x), atol=1e-4)


def test_weights_that_cannot_be_read(document, tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    result = compiled(document, "savedmodel", tmp_path / "m", "--weights", str(tmp_path / "bad.npz"))
    assert result.exit_code == 2 and "cannot read the weights in" in result.output
