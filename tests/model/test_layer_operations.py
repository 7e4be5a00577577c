"""Layers as people write them run as PyTorch's own operations; what only looks like them does not."""

from __future__ import annotations

import pytest
from model_documents import loaded

from lemmata.model import Model
from lemmata.operations.recognise import fuse
from lemmata.program.node import Node

torch = pytest.importorskip("torch")
functional = torch.nn.functional
pytestmark = pytest.mark.torch

VECTOR = r"For $x \in \mathbb{R}^d$, $\gamma \in \mathbb{R}^d$, $\beta \in \mathbb{R}^d$ and $\epsilon > 0$ let "
MOMENTS = r"""$\mu = \frac{1}{d} \sum_{i=1}^{d} x_i$, and

$$
\sigma^2 = \frac{1}{d} \sum_{i=1}^{d} (x_i - \mu)^2
$$
"""
ROWS = r"""For $X \in \mathbb{R}^{n \times d}$ with rows $x_i$ and $W \in \mathbb{R}^{d \times f}$, $b \in \mathbb{R}^f$
let

"""


def shown(formula: str) -> str:
    return f"\n$$\nf {formula}\n$$\n"


def called(model: Model, *tensors, **weights) -> tuple[set[str], torch.Tensor, torch.Tensor]:
    """The operations that f runs as, its value, and its value step by step."""
    f = model.functions["f"]
    value = f(*tensors, **weights)
    (program,) = f._programs.values()
    slow = type(f)(f.definition, False)
    return operations(fuse(program.output)), value, slow(*tensors, **weights)


def operations(node: Node) -> set[str]:
    found: set[str] = set()
    stack, seen = [node], set()
    while stack:
        top = stack.pop()
        if top.uid not in seen:
            seen.add(top.uid)
            found |= {top.attr("name")} if top.op == "call" else set()
            stack.extend(top.args[:-1] if top.op == "call" else top.args)
    return found


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


NORMS = {
    r"(x) = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta": {"layer_norm"},
    r"(x) = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \odot \gamma + \beta": {"layer_norm"},
    r"(x) = \frac{x - \mu}{\sqrt{\epsilon + \sigma^2}}": {"layer_norm"},
    r"(x) = \frac{x - \mu}{\sigma}": {"layer_norm"},
    r"(x) = \beta + \frac{x - \mu}{\sigma} \odot \gamma": {"layer_norm"},
    r"(x) = \frac{x}{\sqrt{\frac{1}{d} \sum_{i=1}^{d} x_i^2 + \epsilon}} \odot \gamma": {"rms_norm"},
    r"(x) = \gamma \odot \frac{x}{\sqrt{\|x\|^2 / d}}": {"rms_norm"},
    r"(x) = \frac{x - \mu}{\sigma + \epsilon}": set(),
    r"(x) = \frac{x - \mu}{\sqrt{\sigma^2 \frac{d}{d - 1} + \epsilon}}": set(),
    r"(x) = \frac{x}{\sqrt{\sigma^2 + \epsilon}}": set(),
    r"(x) = \frac{x + \mu}{\sqrt{\sigma^2 + \epsilon}}": set(),
    r"(x) = \frac{x - \mu}{\sigma^2}": set(),
}


@pytest.mark.parametrize("formula", NORMS)
def test_normalisation(tmp_path, formula):
    model = loaded(tmp_path, VECTOR + MOMENTS + shown(formula))
    values = {"γ": double(6), "β": double(6), "ε": torch.tensor(0.1, dtype=torch.float64)}
    needed = {n: values["γβε"["gbe".index(n[1])]] for n in model.functions["f"].weights}
    found, value, expected = called(model, double(3, 6), **needed)
    assert found == NORMS[formula]
    torch.testing.assert_close(value, expected)


PHI = r"""Let $\Phi$ be the cumulative distribution function of the standard normal distribution. For
$x \in \mathbb{R}^d$ let
"""
ACTIVATIONS = {
    r"(x) = \frac{x}{2} \odot (1 + \operatorname{erf}(x / \sqrt{2}))": {"gelu"},
    r"(x) = x \odot \Phi(x)": {"gelu"},
    r"(x) = \frac{1}{2} x \odot \left(1 + \operatorname{erf}\left(\frac{1}{\sqrt 2} x\right)\right)": {"gelu"},
    r"(x) = \frac{x}{2} \odot (1 + \tanh(\sqrt{2 / \pi} (x + 0.044715 x^3)))": {"gelu_tanh"},
    r"(x) = 0.5 x \odot \left(1 + \tanh\left(\sqrt{\frac{2}{\pi}} x \odot (1 + 0.044715 x^2)\right)\right)":
        {"gelu_tanh"},
    r"(x) = \frac{x}{1 + e^{-x}}": {"silu"},
    r"(x) = \frac{x}{2} \odot (1 + \operatorname{erf}(x / 2))": set(),
    r"(x) = x \odot (1 + \operatorname{erf}(x / \sqrt{2}))": set(),
    r"(x) = \frac{x}{2} \odot (1 + \tanh(\sqrt{2 / \pi} (x + 0.0447 x^3)))": set(),
    r"(x) = \frac{x}{2} \odot (1 + \tanh(\sqrt{2 / \pi} (x + 0.044715 x^2)))": set(),
}  # fmt: skip


@pytest.mark.parametrize("formula", ACTIVATIONS)
def test_activations(tmp_path, formula):
    model = loaded(tmp_path, PHI + shown(formula))
    found, value, expected = called(model, double(3, 6))
    assert found == ACTIVATIONS[formula]
    torch.testing.assert_close(value, expected)


LAYERS = {
    "(X) = X W + b": {"linear"},
    "(X) = b + X W": {"linear"},
    r"(X) = \max(0, X W + b)": {"linear", "relu"},
    "(X) = X W": set(),
}


@pytest.mark.parametrize("formula", LAYERS)
def test_linear_layers(tmp_path, formula):
    model = loaded(tmp_path, ROWS + shown(formula))
    weights = {"W": double(5, 4), "b": double(4)} if "b" in formula else {"W": double(5, 4)}
    found, value, expected = called(model, double(2, 3, 5), **weights)
    assert found == LAYERS[formula]
    torch.testing.assert_close(value, expected)


TOKENS = r"""Let $E \in \mathbb{R}^{V \times d}$ be the embeddings, $W \in \mathbb{R}^{d \times V}$ and
$y_t \in \{1, \dots, V\}$ the token at $t = 1, \dots, n$. With $h_t = E_{y_t}$ and the logits $Z = X W$ of
$X \in \mathbb{R}^{n \times d}$ let

"""
LOSSES = {
    r"= -\frac{1}{n} \sum_{t=1}^{n} \log \frac{\exp(Z_{t y_t})}{\sum_{k=1}^{V} \exp(Z_{tk})}": {"cross_entropy"},
    r"= \frac{1}{n} \sum_{t=1}^{n} \left(\log \sum_{k=1}^{V} \exp(Z_{tk}) - Z_{t y_t}\right)": {"cross_entropy"},
    r"= -\frac{1}{n} \sum_{t=1}^{n} \log \text{softmax}(Z)_{t y_t}": {"cross_entropy"},
    r"= \frac{1}{n} \sum_{t=1}^{n} \left(\log \sum_{k=1}^{V} \exp(2 Z_{tk}) - Z_{t y_t}\right)": {"logsumexp"},
}


@pytest.mark.parametrize("formula", LOSSES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_losses_at_a_class(tmp_path, formula, dtype):
    model = loaded(tmp_path, TOKENS + shown(formula))
    x, w = torch.randn(5, 3, dtype=dtype), torch.randn(3, 600, dtype=dtype)
    y = torch.tensor([1, 600, 513, 258, 257])
    found, value, expected = called(model, X=x, W=w, y=y)
    assert found == LOSSES[formula]
    torch.testing.assert_close(value, expected)
    logits = (x @ w).double()
    factor = 2 if "2 Z" in formula else 1
    right = (torch.logsumexp(factor * logits, -1) - logits[torch.arange(5), y - 1]).mean()
    torch.testing.assert_close(value.double(), right, rtol=0.02 if dtype == torch.bfloat16 else 1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_embeddings_are_looked_up_by_whole_numbers(tmp_path, dtype):
    model = loaded(tmp_path, TOKENS)
    table = torch.randn(70_001, 3, dtype=dtype, requires_grad=True)
    y = torch.tensor([[70_001, 1], [65_537, 257]])
    value = model.h(E=table, y=y)
    assert torch.equal(value, table[y - 1])
    value.sum().backward()
    assert table.grad.sum() == 12
    assert model.h(E=table, y=torch.tensor([0, 2])).isnan().tolist() == [[True] * 3, [False] * 3]
