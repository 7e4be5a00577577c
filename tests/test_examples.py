"""The documents of examples/: their code computes their formulas, and only the planted error is refuted."""

from __future__ import annotations

import numpy as np
import pytest

import lemmata
from places import ROOT


def checked(name: str, code: bool = True):
    return lemmata.check(ROOT / "examples" / name, code=code)


SOUND = sorted(p.name for p in (ROOT / "examples").glob("*.md") if p.name != "planted-error.md")


@pytest.mark.parametrize("name", SOUND)
def test_everything_in_the_sound_documents_holds(name):
    result = checked(name, code=False)
    assert [(s.line, s.latex) for s in result if s.verdict in ("refuted", "unchecked")] == []
    assert result.counts()["verified"] >= 2


@pytest.mark.torch
@pytest.mark.parametrize("name", ["transformer.md", "transformer.zh.md", "text-classification.zh.md"])
def test_whole_documents_leave_nothing_unchecked(name):
    pytest.importorskip("torch")
    counts = checked(name).counts()
    assert (counts.get("refuted", 0), counts.get("unchecked", 0)) == (0, 0) and counts["verified"] >= 4


@pytest.mark.parametrize("name, least", [("bert-encoder.md", 5), ("gpt-decoder.md", 3)])
def test_every_claim_of_the_models_is_verified(name, least):
    counts = checked(name).counts()
    assert counts["verified"] >= least and not counts.get("refuted") and not counts.get("unchecked")


def test_the_planted_error_and_nothing_else_is_refuted():
    (wrong,) = (s for s in checked("planted-error.md") if s.verdict == "refuted")
    assert (wrong.line, wrong.kind) == (13, "gradient") and wrong.latex.endswith(r"+ \lambda w")
    assert wrong.counterexample["left"] != wrong.counterexample["right"]


@pytest.mark.torch
@pytest.mark.parametrize(
    "name, code",
    [
        ("linear-regression.md", ["y_hat", "loss", "w.grad", "b.grad", "w_star"]),
        ("attention-scoring.zh.md", ["attention", "additive_score"]),
        ("scoring.md", ["additive_score", "dot_score", "scaled_score"]),
        ("attention.md", ["attention", "masked", "multi_head", "Delta", "Q.grad", "K.grad", "V.grad"]),
        ("attention.zh.md", ["attention", "masked", "multi_head", "Delta", "Q.grad", "K.grad", "V.grad"]),
        ("backpropagation.md", ["P", "L", "D", "E", "W_1.grad", "b_1.grad", "W_2.grad", "b_2.grad"]),
        ("logistic-regression.zh.md", ["z", "p", "L", "w.grad"]),
        ("efficient-attention.md", ["full", "Y"]),
        ("efficient-attention.zh.md", ["full", "Y"]),
        ("transformer-encoder.md", ["MultiHead", "Encoder.ffn", "Encoder"]),
    ],
)
def test_code_computes_the_formulas(name, code):
    pytest.importorskip("torch")
    told = [(s.reason.split("`")[1], s.verdict) for s in checked(name) if s.kind == "code"]
    assert {verdict for _, verdict in told} == {"verified"}
    assert set(code) <= {found for found, _ in told}


PLANTED = {
    "attention.md": [
        (r"\sum_{l=1}^{d_k} K_{jl} q_l", r"\sum_{l=1}^{d_k} K_{lj} q_l"),
        (r"= \sum_{j=1}^{m} p_j V_j", r"= \sum_{j=1}^{m} s_j V_j"),
        (r"= p_i (\delta_{ij} - p_j)", r"= p_j (\delta_{ij} - p_j)"),
        (r"{\partial s} = \operatorname{diag}(p) - p p^\top", r"{\partial s} = \operatorname{diag}(p) - p^\top p"),
        (r"= p \odot (g - p^\top g)", r"= p \odot (g + p^\top g)"),
        (r"{\sum_{r=1}^{m} \exp(S_{ir})}", r"{\sum_{r=1}^{n} \exp(S_{rj})}"),
        (r"= \operatorname{Attention}(Q, K, V) .", r"= \Pi \operatorname{Attention}(Q, K, V) ."),
        (r"= \operatorname{tr}(G^\top O)", r"= \operatorname{tr}(G O)"),
        (r"{\partial V} = P^\top G", r"{\partial V} = P G"),
        (r"\sum_{r=1}^{m} P_{ir} D_{ir}\right)", r"\sum_{r=1}^{m} P_{ir} D_{ij}\right)"),
        (r"= \sum_{c=1}^{d_v} G_{ic} O_{ic} .", r"= \sum_{c=1}^{d_v} G_{ic} O_{ci} ."),
        (r"{\partial Q} &= \frac{1}{\sqrt{d_k}} \Delta K", r"{\partial Q} &= \frac{1}{d_k} \Delta K"),
        (r"\Delta^\top Q", r"\Delta Q"),
        (r"{\sum_{r=1}^{i} \exp(T_{ir})} .", r"{\sum_{r=i}^{n} \exp(T_{ir})} ."),
        (r"= \sum_{i=1}^{h} H_i W_i^O", r"= \frac{1}{h} \sum_{i=1}^{h} H_i W_i^O"),
        (r"= 4 d^2", r"= 3 d^2"),
    ],
    "scoring.md": [
        (r"\begin{bmatrix} W_q & W_k \end{bmatrix}", r"\begin{bmatrix} W_k & W_q \end{bmatrix}"),
        (r"\nabla_k s(q, k) = q", r"\nabla_k s(q, k) = k"),
        (r"W_q^\top \left( w_v \odot (1 - z \odot z) \right)", r"W_q^\top \left( w_v \odot (1 - z) \right)"),
        (r"{\partial W_k} &= \left( w_v", r"{\partial W_k} &= -\left( w_v"),
        (r"\mathbb{E}[q^\top k] = 0", r"\mathbb{E}[q^\top k] = 1"),
        (r"\mathbb{E}[k_i^2] = d_k", r"\mathbb{E}[k_i^2] = \sqrt{d_k}"),
        (r"{\sqrt{d_k}}\right] = 1", r"{\sqrt{d_k}}\right] = d_k"),
        (r"{d_k}\right] = \frac{1}{d_k}", r"{d_k}\right] = \frac{1}{d_k^2}"),
        (r"\operatorname{tr}(J) = 1 - \sum_{i=1}^{m} p_i^2", r"\operatorname{tr}(J) = 1 - \sum_{i=1}^{m} p_i"),
        (r"= \sigma(\beta (x_1 - x_2))", r"= \sigma(\beta (x_2 - x_1))"),
        (r"\sigma'(t) = \sigma(t) (1 - \sigma(t))", r"\sigma'(t) = \sigma(t) (\sigma(t) - 1)"),
    ],
    "efficient-attention.md": [
        (r"= 4 \cdot 2 n^2 d", r"= 2 \cdot 2 n^2 d"),
        (r"\sum_{j=1}^{n} A_{ij} = 1", r"\sum_{i=1}^{n} A_{ij} = 1"),
        (r"A_{ij} P_{il} = A_{il} P_{ij}", r"A_{ij} P_{ij} = A_{il} P_{il}"),
        (r"(F H^\top) V = F (H^\top V)", r"(F H^\top) V = F (V^\top H)"),
        (r"= F (H^\top \mathbf{1})", r"= H (F^\top \mathbf{1})"),
        (r"= e^{\|u\|^2 / 2}", r"= e^{\|u\|^2}"),
        (r"= \|x\|^2 + 2 x^\top y + \|y\|^2", r"= \|x\|^2 + x^\top y + \|y\|^2"),
        (r"- \|y\|^2 / 2} \right] = e^{x^\top y}", r"+ \|y\|^2 / 2} \right] = e^{x^\top y}"),
        (r"= e^{\|x + y\|^2 + 2 x^\top y}", r"= e^{\|x + y\|^2 + x^\top y}"),
        (r"= \frac{q^\top k}{\sqrt{d}},", r"= \frac{q^\top k}{d},"),
    ],
}
"""Errors of claims, one a line: they must not hide each other."""


@pytest.mark.parametrize("name", PLANTED)
def test_planted_errors_are_refuted_at_their_lines_and_nothing_else_is(name, tmp_path):
    text = (ROOT / "examples" / name).read_text(encoding="utf-8")
    spoiled = set()
    for right, wrong in PLANTED[name]:
        assert text.count(right) == 1, right
        spoiled.add(text[: text.index(right)].count("\n") + 1)
        text = text.replace(right, wrong)
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert {s.end_line for s in lemmata.check(path, code=False) if s.verdict == "refuted"} == spoiled


def _arrays(*shapes):
    generator = np.random.default_rng(0)
    return [generator.standard_normal(shape) for shape in shapes]


def _softmax(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _attention(Q, K, V, M=0.0):
    return _softmax(Q @ K.T / np.sqrt(K.shape[1]) + M) @ V


def _heads(X, Q, K, V, W):
    return np.concatenate([_attention(X @ q, X @ k, X @ v) for q, k, v in zip(Q, K, V, strict=True)], axis=1) @ W


def _additive(q, k, W_q, W_k, w_v):
    return w_v @ np.tanh(W_q @ q + W_k @ k)


QKV = [(5, 4), (7, 4), (7, 3)]
RUNS = [
    ("attention", "Attention", QKV, (), _attention),
    ("attention", "Masked", [*QKV, (5, 7)], (), _attention),
    ("attention", "MultiHead", [(5, 6), (2, 6, 4), (2, 6, 4), (2, 6, 3), (6, 6)], ("W_Q", "W_K", "W_V", "W_O"), _heads),
    ("scoring", "a", [(4,), (4,), (3, 4), (3, 4), (3,)], ("W_q", "W_k", "w_v"), _additive),
    ("scoring", "u", [(4,), (4,)], (), lambda q, k: q @ k / 2),
    ("efficient-attention", "Y", [(6, 4)] * 3, ("Q", "K", "V"), _attention),
]
TWINS = {"scoring": ("scoring.md", "attention-scoring.zh.md")}


@pytest.mark.torch
@pytest.mark.parametrize("document, name, shapes, named, reference", RUNS, ids=[f"{r[0]}-{r[1]}" for r in RUNS])
def test_definitions_run_on_numpy_and_pytorch(document, name, shapes, named, reference):
    torch = pytest.importorskip("torch")
    arrays = _arrays(*shapes)
    first = len(arrays) - len(named)
    for path in TWINS.get(document, (f"{document}.md", f"{document}.zh.md")):
        model = lemmata.load(ROOT / "examples" / path)
        if name not in model.functions:
            assert (name, path) == ("u", "attention-scoring.zh.md")
            continue
        function = model[name]
        result = function(*arrays[:first], **dict(zip(named, arrays[first:], strict=True)))
        tensors = [torch.tensor(a) for a in arrays]
        with_torch = function(*tensors[:first], **dict(zip(named, tensors[first:], strict=True)))
        assert isinstance(result, np.ndarray) and isinstance(with_torch, torch.Tensor)
        np.testing.assert_allclose(result, reference(*arrays), rtol=1e-12)
        np.testing.assert_allclose(with_torch.numpy(), result, rtol=1e-12)


@pytest.mark.torch
def test_the_window_runs_on_numpy_and_pytorch():
    torch = pytest.importorskip("torch")
    (x,) = _arrays((6, 4))
    distance = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
    expected = _softmax(np.where(distance <= 2, x @ x.T / 2, -np.inf))
    for path in ("efficient-attention.md", "efficient-attention.zh.md"):
        weights = lemmata.load(ROOT / "examples" / path).A
        np.testing.assert_allclose(weights(Q=x, K=x, w=2), expected, rtol=1e-12)
        np.testing.assert_allclose(weights(Q=torch.tensor(x), K=torch.tensor(x), w=2).numpy(), expected, rtol=1e-12)
