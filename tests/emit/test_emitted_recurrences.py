"""Layers one upon the other and steps one after the other: written as loops, held as lists of modules."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from click.testing import CliRunner

from lemmata.surfaces.cli import cli
from places import ROOT

TEXT = r"""
# Stacks

For $X \in \mathbb{R}^{n \times d}$ and $l = 1, \dots, L$, with $W_l \in \mathbb{R}^{d \times k}$,
$b_l \in \mathbb{R}^k$ and $V_l \in \mathbb{R}^{k \times d}$, let

$$
\text{Block}_l(X) = X + \tanh(X W_l + b_l) V_l .
$$

Tokens $t_1, \dots, t_n \in \{1, \dots, c\}$ are rows of $E \in \mathbb{R}^{c \times d}$, $U_i = E_{t_i}$, and

$$
H_l = \text{Block}_l(H_{l-1}), \qquad H_0 = U, \qquad \text{Net} = H_L .
$$

# A recurrent network

A sequence $X \in \mathbb{R}^{T \times d}$ has the rows $x_1, \dots, x_T$. With $A \in \mathbb{R}^{k \times d}$,
$R \in \mathbb{R}^{k \times k}$ and $a \in \mathbb{R}^k$ the state follows

$$
h_t = \tanh(A x_t + R h_{t-1} + a), \qquad h_0 = 0 .
$$

$$
s = \sum_{t=1}^{T} h_t
$$

# Long short-term memory

The sequence $Z \in \mathbb{R}^{T \times d}$ has the rows $z_t$, and there are
$W_f, W_i, W_o, W_g \in \mathbb{R}^{k \times d}$ and $U_f, U_i, U_o, U_g \in \mathbb{R}^{k \times k}$.

$$
\begin{aligned}
f_t &= \sigma(W_f z_t + U_f v_{t-1}) \\
i_t &= \sigma(W_i z_t + U_i v_{t-1}) \\
o_t &= \sigma(W_o z_t + U_o v_{t-1}) \\
g_t &= \tanh(W_g z_t + U_g v_{t-1}) \\
c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
v_t &= o_t \odot \tanh(c_t)
\end{aligned}
$$

with $v_0 = 0$ and $c_0 = 0$, so that at last

$$
\text{Last} = v_T .
$$
"""
TARGETS = ["numpy", *(pytest.param(n, marks=getattr(pytest.mark, n)) for n in ("torch", "jax", "tensorflow"))]
RNG = np.random.default_rng(4)


def compiled(document, target, out, *options):
    return CliRunner().invoke(cli, ["compile", str(document), "--to", target, "-o", str(out), *options])


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    path = tmp_path_factory.mktemp("stacks") / "stacks.md"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.mark.parametrize("target", TARGETS)
def test_loops_agree_with_the_document(target, document, tmp_path):
    """Every function is held against the document before it is written; none is refused."""
    out = tmp_path / "model.py"
    result = compiled(document, target, out)
    assert result.exit_code == 0, result.output
    assert "block, U, net, x, s, z, last" in result.output and "largest difference" in result.output
    text = out.read_text(encoding="utf-8")
    assert "for depth in range(L):\n        H = block(" in text
    assert "h_steps.append(h)" in text
    for tool in (["ruff", "check", "--isolated"], ["ruff", "format", "--isolated", "--check"], ["mypy"]):
        if find_spec(tool[0]) is not None:
            done = subprocess.run(
                [sys.executable, "-m", *tool, str(out)], capture_output=True, text=True, cwd=tmp_path, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr


def stack(weights, tokens):
    value = weights["E"][tokens - 1]
    for layer in weights["blocks"]:
        value = value + np.tanh(value @ layer["W"] + layer["b"]) @ layer["V"]
    return value


@pytest.mark.torch
def test_torch_holds_a_list_of_modules(document, tmp_path):
    torch = pytest.importorskip("torch")
    assert compiled(document, "torch", tmp_path / "torch_stack.py", "--no-check").exit_code == 0
    net = imported(tmp_path / "torch_stack.py").Net(L=3, d=4, k=5, c=6)
    names = {n: tuple(p.shape) for n, p in net.state_dict().items()}
    assert names["blocks.2.W"] == (4, 5) and names["E"] == (6, 4) and len(names) == 10
    tokens = torch.tensor([[1, 6, 2], [3, 3, 5]])
    state = {n: p.numpy() for n, p in net.state_dict().items()}
    weights = {"E": state["E"], "blocks": [{x: state[f"blocks.{i}.{x}"] for x in "WbV"} for i in range(3)]}
    np.testing.assert_allclose(net(tokens).detach(), stack(weights, tokens.numpy()), atol=1e-5)
    net(tokens).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_numpy_weights_are_a_list_of_dictionaries(document, tmp_path):
    assert compiled(document, "numpy", tmp_path / "numpy_stack.py", "--no-check").exit_code == 0
    model = imported(tmp_path / "numpy_stack.py")
    params = model.init_net(RNG, L=3, d=4, k=5, c=6)
    assert len(params["blocks"]) == 3 and params["blocks"][0]["W"].shape == (4, 5)
    tokens = np.array([[1, 6, 2], [3, 3, 5]])
    np.testing.assert_allclose(model.net(params, tokens), stack(params, tokens))


@pytest.mark.jax
def test_jax_weights_are_a_pytree_of_layers(document, tmp_path):
    jax = pytest.importorskip("jax")
    assert compiled(document, "jax", tmp_path / "jax_stack.py", "--no-check").exit_code == 0
    model = imported(tmp_path / "jax_stack.py")
    params = model.init_net(jax.random.key(0), L=3, d=4, k=5, c=6)
    tokens = jax.numpy.array([1, 6, 2])
    slope = jax.jit(jax.grad(lambda p: model.net(p, tokens).sum()))(params)
    assert [set(layer) for layer in slope["blocks"]] == [{"W", "b", "V"}] * 3
    assert not np.allclose(slope["blocks"][0]["W"], slope["blocks"][1]["W"])


@pytest.mark.tensorflow
def test_keras_layers_hold_layers(document, tmp_path):
    pytest.importorskip("tensorflow")
    assert compiled(document, "tensorflow", tmp_path / "keras_stack.py", "--no-check").exit_code == 0
    model = imported(tmp_path / "keras_stack.py")
    layer, tokens = model.Net(L=3, d=4, k=5, c=6), np.array([[1, 6, 2]])
    found = np.asarray(layer(tokens))
    assert len(layer.trainable_weights) == 10
    again = model.Net.from_config(layer.get_config())
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(tokens), found)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "wanted"), [("bert-encoder", "encoder"), ("gpt-decoder", "ell"), ("transformer", "P")]
)
def test_whole_models_are_written(name, wanted, tmp_path):
    out = tmp_path / "model.py"
    result = compiled(ROOT / "examples" / f"{name}.md", "torch", out)
    assert f" {wanted}" in result.output and "largest difference" in result.output, result.output
    text = out.read_text(encoding="utf-8")
    assert "nn.ModuleList(" in text and "F.scaled_dot_product_attention" in text and "lemmata" not in text


def test_weights_of_one_layer_are_arguments_without_an_index(tmp_path):
    compiled(ROOT / "examples/bert-encoder.md", "numpy", tmp_path / "m.py", "--functions", "Layer", "--no-check")
    text = (tmp_path / "m.py").read_text(encoding="utf-8")
    assert "def layer(params: Params, X: Array, m: Array) -> Array:" in text
    assert "W_Q (h, d, d_k)" in text and "special.softmax" in text
