"""The modules, layers and initial weights of emitted files, used as a programmer would."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from click.testing import CliRunner

from lemmata.surfaces.cli import cli

TEXT = r"""
Let $X \in \mathbb{R}^{n \times d}$, $W \in \mathbb{R}^{d \times k}$, $b \in \mathbb{R}^{k}$, and for a vector
$x \in \mathbb{R}^d$ let $\gamma \in \mathbb{R}^d$, $\beta \in \mathbb{R}^d$ and $\epsilon > 0$ be given, with

$$
\mu(x) = \frac{1}{d} \sum_{i=1}^{d} x_i, \quad \nu(x) = \frac{1}{d} \sum_{i=1}^{d} (x_i - \mu(x))^2 .
$$

$$
\text{Dense}(X) = \tanh(X W + b)
$$

$$
\text{Norm}(x) = \gamma \odot \frac{x - \mu(x)}{\sqrt{\nu(x) + \epsilon}} + \beta
$$
"""


@pytest.fixture
def emitted(tmp_path):
    def make(target):
        (tmp_path / "layers.md").write_text(TEXT, encoding="utf-8")
        out = tmp_path / f"{target}_model.py"
        options = ["compile", str(tmp_path / "layers.md"), "--to", target, "-o", str(out), "--no-check"]
        result = CliRunner().invoke(cli, options)
        assert result.exit_code == 0, result.output
        spec = importlib.util.spec_from_file_location(out.stem, out)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return make


def normed(x, eps=1e-5):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


@pytest.mark.torch
def test_torch_modules(emitted):
    torch = pytest.importorskip("torch")
    model = emitted("torch")
    dense, norm, x = model.Dense(d=4, k=3), model.Norm(d=4), torch.randn(2, 5, 4)
    assert {n: tuple(p.shape) for n, p in dense.named_parameters()} == {"W": (4, 3), "b": (3,)}
    assert torch.equal(dense(x), torch.tanh(x @ dense.W + dense.b)) and dense.W.std() > 0
    np.testing.assert_allclose(norm(x).detach(), normed(x.numpy()), atol=1e-5)
    dense(x).sum().backward()
    assert dense.W.grad is not None


def test_numpy_weights(emitted):
    model = emitted("numpy")
    params, x = model.init_dense(np.random.default_rng(0), d=4, k=3), np.random.default_rng(1).normal(size=(2, 5, 4))
    np.testing.assert_allclose(model.dense(params, x), np.tanh(x @ params["W"] + params["b"]))
    np.testing.assert_allclose(model.norm(model.init_norm(np.random.default_rng(0), d=4), x), normed(x), atol=1e-12)


@pytest.mark.jax
def test_jax_weights(emitted):
    jax = pytest.importorskip("jax")
    model = emitted("jax")
    params = model.init_dense(jax.random.key(0), d=4, k=3)
    x = jax.numpy.ones((5, 4))
    slope = jax.jit(jax.grad(lambda p: model.dense(p, x).sum()))(params)
    assert {n: v.shape for n, v in slope.items()} == {"W": (4, 3), "b": (3,)}


@pytest.mark.tensorflow
def test_keras_layers(emitted):
    pytest.importorskip("tensorflow")
    model = emitted("tensorflow")
    layer, x = model.Dense(d=4, k=3), np.ones((2, 5, 4), np.float32)
    found = np.asarray(layer(x))
    again = model.Dense.from_config(layer.get_config())
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(x), found)
    assert sorted(w.name for w in layer.trainable_weights) == ["W", "b"]


def test_weights_begin_as_the_document_says(tmp_path):
    """A normal law in numbers is kept; the second number is the variance."""
    (tmp_path / "law.md").write_text(TEXT + "\nFirst $W \\sim \\mathcal{N}(0, 0.02^2)$.\n", encoding="utf-8")
    for target, wanted in (
        ("numpy", "rng.normal(0, 0.02, (d, k))"),
        ("torch", "torch.empty(d, k).normal_(0, 0.02)"),
        ("jax", "0.02 * jax.random.normal(keys[0], (d, k))"),
        ("tensorflow", "keras.initializers.RandomNormal(0, 0.02)"),
    ):
        out = tmp_path / f"{target}_law.py"
        options = ["compile", str(tmp_path / "law.md"), "--to", target, "-o", str(out), "--no-check"]
        result = CliRunner().invoke(cli, options)
        assert result.exit_code == 0 and wanted in out.read_text(encoding="utf-8"), result.output
