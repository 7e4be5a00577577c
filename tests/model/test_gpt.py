"""examples/gpt-decoder.md: the model and its loss, trained as they stand."""

from __future__ import annotations

import pytest

import lemmata
from places import ROOT

torch = pytest.importorskip("torch")
functional = torch.nn.functional
pytestmark = pytest.mark.torch

SIZES = {"V": 20, "N": 12, "d": 16, "h": 2, "d_k": 8, "L": 2, "d_f": 32}


@pytest.fixture(scope="module")
def model():
    return lemmata.load(ROOT / "examples" / "gpt-decoder.md")


def by_hand(w, tokens, following):
    x = w["E"][tokens] + w["P"][: tokens.shape[1]]
    for layer in range(SIZES["L"]):
        y = functional.layer_norm(x, x.shape[-1:], w[r"\gamma^A"][layer], w[r"\beta^A"][layer])
        q, k, v = ([y @ w[f"W^{c}"][layer, a] + w[f"b^{c}"][layer, a] for a in range(SIZES["h"])] for c in "QKV")
        heads = [functional.scaled_dot_product_attention(*each, is_causal=True) for each in zip(q, k, v, strict=True)]
        x = x + torch.cat(heads, -1) @ w["W^O"][layer] + w["b^O"][layer]
        y = functional.layer_norm(x, x.shape[-1:], w[r"\gamma^F"][layer], w[r"\beta^F"][layer])
        y = functional.gelu(y @ w["W^in"][layer] + w["b^in"][layer])
        x = x + y @ w["W^out"][layer] + w["b^out"][layer]
    scores = functional.layer_norm(x, x.shape[-1:], w[r"\gamma^H"], w[r"\beta^H"]) @ w["E"].T
    return functional.cross_entropy(scores.transpose(1, 2), following, reduction="none").mean(1)


def test_loss_and_gradients_are_those_of_a_model_by_hand(model):
    loss = model.module(r"\ell", SIZES, dtype=torch.float64)
    assert loss.data == ("t", "y")
    with torch.no_grad():
        for weight in loss.parameters():
            weight += torch.randn(weight.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64) / 5
    text = torch.randint(SIZES["V"], (3, 9), generator=torch.Generator().manual_seed(0))
    tokens, following = text[:, :-1], text[:, 1:]
    found = loss(tokens, following)
    found.sum().backward()
    weights = {n: p.detach().clone().requires_grad_() for n, p in loss.named_parameters()}
    wanted = by_hand(weights, tokens, following)
    wanted.sum().backward()
    torch.testing.assert_close(found, wanted)
    for name, weight in loss.named_parameters():
        torch.testing.assert_close(weight.grad, weights[name].grad, atol=1e-9, rtol=1e-7, msg=name)


def test_no_position_sees_what_follows(model):
    scores = model.module("Scores", SIZES, inputs=["t"])
    tokens = torch.randint(SIZES["V"], (1, 8), generator=torch.Generator().manual_seed(0))
    other = tokens.clone()
    other[0, 5:] = (other[0, 5:] + 1) % SIZES["V"]
    first, second = scores(tokens), scores(other)
    torch.testing.assert_close(first[:, :5], second[:, :5])
    assert (first[:, 5:] - second[:, 5:]).abs().max() > 1e-3


def test_weights_begin_as_the_document_states(model):
    weights = dict(model.module(r"\ell", {**SIZES, "V": 400, "d": 64, "d_k": 32, "d_f": 256}).named_parameters())
    for name in ("E", "P", "W^Q", "W^O", "W^in"):
        assert 0.9 * 0.02 < weights[name].std() < 1.1 * 0.02, name
    assert not weights["b^Q"].any() and torch.equal(weights[r"\gamma^H"], torch.ones(64))
    side_by_side = weights["W^Q"][1].permute(1, 0, 2).reshape(64, 64)
    assert side_by_side.data_ptr() == weights["W^Q"][1].data_ptr()


def test_a_law_without_numbers_is_told(tmp_path):
    path = tmp_path / "law.md"
    path.write_text(
        "Let $x \\in \\mathbb{R}^{p}$ and $A \\in \\mathbb{R}^{p \\times q}$ with\n"
        "$A \\sim \\mathcal{N}(0, \\tau^2)$.\n\n"
        "$$\nf(x) = x A\n$$\n",
        encoding="utf-8",
    )
    with pytest.raises(ValueError, match="line 2 states a law"):
        lemmata.load(path).module("f", {"p": 3, "q": 4})
    path.write_text(path.read_text("utf-8").replace(r"\mathcal{N}(0, \tau^2)", r"\mathcal{U}(2, 3)"), encoding="utf-8")
    weight = lemmata.load(path).module("f", {"p": 30, "q": 40}).A
    assert weight.min() >= 2 and weight.max() <= 3 and abs(weight.mean() - 2.5) < 0.05
