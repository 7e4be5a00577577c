"""Definitions on tensors: autograd, the fused call, modules and their training."""

from __future__ import annotations

import copy
import pickle

import pytest
from model_documents import ATTENTION, CAUSAL, LAYERS, loaded

import lemmata
from lemmata.model import ShapeMismatch
from places import ROOT

torch = pytest.importorskip("torch")
functional = torch.nn.functional
pytestmark = pytest.mark.torch

SIZES = {"d_model": 12, "h": 3, "d_ff": 20}


@pytest.fixture(scope="module")
def encoder():
    return lemmata.load(ROOT / "examples" / "transformer-encoder.md")


@pytest.fixture
def fused(monkeypatch):
    """The keywords of every fused call."""
    calls = []
    original = functional.scaled_dot_product_attention

    def spy(*args, **named):
        calls.append(named)
        return original(*args, **named)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", spy)
    return calls


def attend(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5, -1) @ v


def by_hand(x, w):
    heads = [attend(x @ w["W^Q"][i], x @ w["W^K"][i], x @ w["W^V"][i]) for i in range(len(w["W^Q"]))]
    z = functional.layer_norm(x + torch.cat(heads, -1) @ w["W^O"], x.shape[-1:])
    ffn = torch.relu(z @ w["W_1"] + w["b_1"]) @ w["W_2"] + w["b_2"]
    return functional.layer_norm(z + ffn, x.shape[-1:])


def test_attention_in_matrix_form_runs_as_the_fused_call(tmp_path, fused):
    q, k, v = torch.randn(2, 5, 8), torch.randn(2, 7, 8), torch.randn(2, 7, 3)
    found = loaded(tmp_path, ATTENTION).Attention(q, k, v)
    assert len(fused) == 1 and found.dtype == torch.float32
    torch.testing.assert_close(found, attend(q, k, v))


def test_heads_run_together_in_one_fused_call(encoder, fused):
    module = encoder.module("Encoder", SIZES, dtype=torch.float64)
    x = torch.randn(2, 6, 12, dtype=torch.float64)
    found = module(x)
    assert len(fused) == 1
    torch.testing.assert_close(found, by_hand(x, module.state_dict()), atol=1e-4, rtol=1e-4)
    plain = encoder.Encoder(x.numpy(), weights={n: p.detach().numpy() for n, p in module.named_parameters()})
    torch.testing.assert_close(found.detach(), torch.from_numpy(plain), atol=1e-9, rtol=1e-9)


def test_a_causal_mask_becomes_the_flag_of_the_fused_call(tmp_path, fused):
    q, k, v = torch.randn(2, 5, 4), torch.randn(2, 5, 4), torch.randn(2, 5, 3)
    found = loaded(tmp_path, CAUSAL).Causal(q, k, v)
    assert [call["is_causal"] for call in fused] == [True]
    torch.testing.assert_close(found, functional.scaled_dot_product_attention(q, k, v, is_causal=True))


def test_gradients_flow_through_a_loss():
    model = lemmata.load(ROOT / "examples" / "linear-regression.md")
    x, y = torch.randn(9, 3, dtype=torch.float64), torch.randn(9, dtype=torch.float64)
    w = torch.randn(3, dtype=torch.float64, requires_grad=True)
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    model.L(X=x, y=y, w=w, b=b).backward()
    rest = (x @ w + b - y).detach()
    torch.testing.assert_close(w.grad, x.T @ rest / 9)
    torch.testing.assert_close(b.grad, rest.mean())


def test_a_module_holds_the_weights_of_the_document(encoder):
    module = encoder.module("Encoder", SIZES)
    assert {n: tuple(p.shape) for n, p in module.named_parameters()} == {
        "W^Q": (3, 12, 4), "W^K": (3, 12, 4), "W^V": (3, 12, 4), "W^O": (12, 12),
        "W_1": (12, 20), "b_1": (20,), "W_2": (20, 12), "b_2": (12,),
    }  # fmt: skip
    assert module.b_1.count_nonzero() == 0
    bound = (6 / (12 + 20)) ** 0.5
    assert 0.8 * bound < module.W_1.abs().max() <= bound
    again, other = encoder.module("Encoder", SIZES), encoder.module("Encoder", SIZES, seed=1)
    assert torch.equal(module.W_1, again.W_1) and not torch.equal(module.W_1, other.W_1)
    other.load_state_dict(module.state_dict())
    x = torch.randn(4, 5, 12)
    torch.testing.assert_close(module(x), other(x))
    torch.testing.assert_close(module(x)[1], module(x[1]))


def test_modules_can_be_copied_and_pickled(encoder):
    module, x = encoder.module("Encoder", SIZES), torch.randn(2, 5, 12)
    expected = module(x)
    torch.testing.assert_close(copy.deepcopy(module)(x), expected)
    torch.testing.assert_close(pickle.loads(pickle.dumps(module))(x), expected)


def test_gains_start_at_one_and_epsilon_is_no_weight(tmp_path):
    module = loaded(tmp_path, LAYERS).module("Norm", {"d": 6})
    assert torch.equal(module.state_dict()["\\gamma"], torch.ones(6))
    assert {n for n, _ in module.named_parameters()} == {"\\gamma", "\\beta"}
    x = torch.randn(3, 6)
    torch.testing.assert_close(module(x), functional.layer_norm(x, (6,)))


def test_a_value_becomes_a_module_once_its_data_are_named():
    model = lemmata.load(ROOT / "examples" / "linear-regression.md")
    with pytest.raises(ValueError, match="inputs="):
        model.module("\\hat y", {"d": 3})
    module = model.module("\\hat y", {"d": 3}, inputs=["X"])
    assert {n for n, _ in module.named_parameters()} == {"w", "b"}
    x = torch.randn(5, 3)
    torch.testing.assert_close(module(x), x @ module.w + module.b)


def test_sizes_that_are_missing_unknown_or_do_not_fit(encoder):
    with pytest.raises(ShapeMismatch, match="needs the sizes d_ff"):
        encoder.module("Encoder", {"d_model": 12, "h": 3})
    with pytest.raises(ValueError, match="no size width"):
        encoder.module("Encoder", {"width": 12})
    with pytest.raises(ShapeMismatch):
        encoder.module("Encoder", {"d_model": 12, "h": 5, "d_ff": 20})
    with pytest.raises(ShapeMismatch, match=r"d_model = 12"):
        encoder.module("FFN", {"d_model": 12, "d_ff": 20})(torch.randn(5, 7))
