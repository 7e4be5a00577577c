"""Weights of others under the document's names: examples/bert-encoder.md with tensors named as BERT's are."""

from __future__ import annotations

import re

import pytest

import lemmata
from lemmata.model import ShapeMismatch
from places import ROOT

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")
functional = torch.nn.functional
pytestmark = pytest.mark.torch

V, N, D, HEADS, WIDE, LAYERS = 50, 16, 24, 3, 40, 2
PARTS = {"attention.self.query": (D, D), "attention.self.key": (D, D), "attention.self.value": (D, D),
         "attention.output.dense": (D, D), "intermediate.dense": (WIDE, D), "output.dense": (D, WIDE)}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return lemmata.load(ROOT / "examples" / "bert-encoder.md")


@pytest.fixture
def foreign():
    """A small checkpoint as BERT's authors name its tensors."""
    generator = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(*shape, generator=generator) / 3

    found = {f"embeddings.{n}_embeddings.weight": draw(rows, D) for n, rows in
             (("word", V), ("position", N), ("token_type", 2))}  # fmt: skip
    norms = ["embeddings"]
    for layer in range(LAYERS):
        for part, shape in PARTS.items():
            name = f"encoder.layer.{layer}.{part}"
            found |= {f"{name}.weight": draw(*shape), f"{name}.bias": draw(shape[0])}
        norms += [f"encoder.layer.{layer}.attention.output", f"encoder.layer.{layer}.output"]
    for name in norms:
        found |= {f"{name}.LayerNorm.weight": 1 + draw(D), f"{name}.LayerNorm.bias": draw(D)}
    return {**found, "pooler.dense.weight": draw(D, D), "pooler.dense.bias": draw(D),
            "embeddings.position_ids": torch.arange(N)[None]}  # fmt: skip


def batch():
    generator = torch.Generator().manual_seed(2)
    tokens, segments = (torch.randint(n, (3, 7), generator=generator) for n in (V, 2))
    mask = torch.ones(3, 7, dtype=torch.long)
    mask[1, 4:] = 0
    return tokens, segments, mask


def by_hand(w, tokens, segments, mask):
    def linear(x, name):
        return functional.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def norm(x, name):
        return functional.layer_norm(x, (D,), w[f"{name}.LayerNorm.weight"], w[f"{name}.LayerNorm.bias"], 1e-12)

    def split(x):
        return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)

    x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.position_embeddings.weight"][:7]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][segments], "embeddings")
    hidden = torch.where(mask == 1, 0.0, -torch.inf)[:, None, None]
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        q, k, v = (split(linear(x, f"{at}.attention.self.{n}")) for n in ("query", "key", "value"))
        heads = torch.softmax(q @ k.transpose(-1, -2) / (D // HEADS) ** 0.5 + hidden, -1) @ v
        heads = heads.transpose(1, 2).flatten(2)
        x = norm(x + linear(heads, f"{at}.attention.output.dense"), f"{at}.attention.output")
        wide = functional.gelu(linear(x, f"{at}.intermediate.dense"))
        x = norm(x + linear(wide, f"{at}.output.dense"), f"{at}.output")
    return x


def test_the_document_computes_what_the_checkpoint_means(model, foreign, tmp_path):
    safetensors.save_file({n: x.contiguous() for n, x in foreign.items()}, tmp_path / "bert.safetensors")
    module = model.module("Encoder", {"h": HEADS}, weights=tmp_path / "bert.safetensors")
    assert module.data == ("t", "s", "m")
    assert {n: module.sizes[n] for n in ("V", "N", "d", "h", "d_k", "d_f", "L")} == {
        "V": V, "N": N, "d": D, "h": HEADS, "d_k": D // HEADS, "d_f": WIDE, "L": LAYERS,
    }  # fmt: skip
    tokens, segments, mask = batch()
    found, wanted = module(tokens, segments, mask), by_hand(foreign, tokens, segments, mask)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(module(tokens[1, :4], segments[1, :4], mask[1, :4]), wanted[1, :4], atol=1e-5, rtol=1e-5)
    pooled = model.module("Pooled", weights=foreign)(found)
    first = functional.linear(wanted[:, 0], foreign["pooler.dense.weight"], foreign["pooler.dense.bias"])
    torch.testing.assert_close(pooled, torch.tanh(first), atol=1e-5, rtol=1e-5)


@pytest.fixture
def calls(monkeypatch):
    """The fused calls that run."""
    made = []
    original = functional.scaled_dot_product_attention

    def spy(*args, **named):
        made.append(args[0].shape)
        return original(*args, **named)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", spy)
    return made


def test_every_layer_runs_once_and_all_heads_at_once(foreign, calls):
    module = lemmata.load(ROOT / "examples" / "bert-encoder.md").module("Encoder", {"h": HEADS}, weights=foreign)
    module(*batch())
    assert [tuple(x) for x in calls] == [(3, HEADS, 7, D // HEADS)] * LAYERS


def test_projections_of_all_heads_are_one_matrix_without_a_copy(model, foreign):
    weight = model.module("Encoder", {"h": HEADS}, weights=foreign).state_dict()["W^Q"]
    assert weight.shape == (LAYERS, HEADS, D, D // HEADS)
    side_by_side = weight[0].permute(1, 0, 2).reshape(D, D)
    assert side_by_side.data_ptr() == weight.data_ptr()
    torch.testing.assert_close(side_by_side, foreign["encoder.layer.0.attention.self.query.weight"].T)


def test_a_state_goes_into_a_file_and_comes_back(model, foreign, tmp_path):
    module = model.module("Encoder", {"h": HEADS}, weights=foreign)
    module.save(tmp_path / "own.safetensors")
    again = model.module("Encoder", {"h": HEADS}, weights=tmp_path / "own.safetensors", mapping={})
    assert all(torch.equal(x, again.state_dict()[n]) for n, x in module.state_dict().items())
    fresh = model.module("Encoder", module.sizes, seed=3)
    fresh.load_state_dict(module.state_dict())
    torch.testing.assert_close(fresh(*batch()), module(*batch()))


def test_what_does_not_fit_is_told(model, foreign):
    def message(weights, sizes=None, **options):
        with pytest.raises(ValueError) as error:
            model.module("Encoder", sizes or {"h": HEADS}, weights=weights, **options)
        return str(error.value)

    name = "encoder.layer.1.attention.self.key.bias"
    less = {n: x for n, x in foreign.items() if n != name}
    assert message(less) == (
        f"the checkpoint has no tensor {name}, which the document calls b^K; "
        "did you mean encoder.layer.0.attention.self.key.bias?"
    )
    assert "1 tensors that the mapping says nothing of: cls.bias; strict=False" in message(
        {**foreign, "cls.bias": torch.zeros(3)}
    )
    assert model.module("Encoder", {"h": HEADS}, weights={**foreign, "cls.bias": torch.zeros(3)}, strict=False)
    wrong = {**foreign, name: torch.zeros(D + 1)}
    assert message(wrong) == (f"the checkpoint: {name} has shape {D + 1}; b^K needs {D}: L × h × d_k at these sizes")
    assert "an axis of length 24 where d_k·h is expected (h = 5)" in message(foreign, {"h": 5})
    assert "has no symbol E^tokk; did you mean E^tok?" in message(foreign, mapping={"E^tokk": "x"})
    assert "E^tok: a b is no name of a tensor" in message(foreign, mapping={"E^tok": "a b"})
    with pytest.raises(ShapeMismatch):
        model.module("Encoder", {"h": HEADS, "d": 25}, weights=foreign)
    with pytest.raises(ValueError, match="there is no file"):
        model.module("Encoder", {"h": HEADS}, weights="nowhere.safetensors")


def test_a_mapping_in_a_file_is_named_with_its_line(model, foreign, tmp_path):
    path = tmp_path / "names.yaml"
    path.write_text("E^tok: embeddings.word_embeddings.weight\n  \nW^Z: nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{path}:3:1: ") + ".*has no symbol W\\^Z"):
        model.module("Encoder", {"h": HEADS}, weights=foreign, mapping=path)
    path.write_text("E^tok: [", encoding="utf-8")
    with pytest.raises(ValueError, match=r"names\.yaml"):
        model.module("Encoder", {"h": HEADS}, weights=foreign, mapping=path)


def test_parts_of_one_tensor(tmp_path):
    path = tmp_path / "parts.md"
    path.write_text(
        "---\nlemmata:\n  weights:\n    A: both.weight[1/2]\n    B: both.weight[2/2]\n---\n\n"
        "Let $x \\in \\mathbb{R}^{p}$, $A, B \\in \\mathbb{R}^{p \\times q}$.\n\n$$\nf(x) = x A \\odot x B\n$$\n",
        encoding="utf-8",
    )
    both, x = torch.randn(3, 8), torch.randn(5, 3)
    module = lemmata.load(path).module("f", weights={"both.weight": both})
    torch.testing.assert_close(module(x), (x @ both[:, :4]) * (x @ both[:, 4:]))
