"""Every spelling of attention in benchmarks/spellings is one fused call, with the values and gradients of others."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from model_documents import loaded

import lemmata
from lemmata.model.recognised import runs_as

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
cases = pytest.importorskip("attention_cases")
functional = torch.nn.functional
pytestmark = pytest.mark.torch


@pytest.fixture
def calls(monkeypatch):
    """The keywords of every fused call."""
    found = []
    original = functional.scaled_dot_product_attention

    def spy(*args, **named):
        found.append(named)
        return original(*args, **named)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", spy)
    return found


def shape_of(case, length=12, keys=9):
    return cases.Shape(length, length if case.square else keys, heads=8, width=4, batch=2)


def run(case, tensors, fuse=True):
    function = lemmata.load(case.path, fuse=fuse)[case.function]
    return function(**tensors)


def gradients(value, tensors, case):
    wanted = [x for name, x in tensors.items() if name not in case.fixed]
    weight = torch.linspace(-1, 1, value.numel(), dtype=value.dtype).reshape(value.shape)
    return torch.autograd.grad((value * weight).sum(), wanted)


@pytest.mark.parametrize("case", cases.CASES, ids=lambda c: c.document)
def test_every_spelling_is_one_fused_call(case, calls):
    tensors = case.arguments(shape_of(case), torch.float64)
    for name, x in tensors.items():
        x.requires_grad_(name not in case.fixed)
    value = run(case, tensors)
    assert len(calls) == 1
    assert calls[0]["is_causal"] == case.causal
    assert (calls[0]["attn_mask"] is not None) == case.mask
    assert calls[0]["enable_gqa"] == case.grouped
    assert calls[0]["scale"] == pytest.approx(1 / 3 if case.document == "temperature" else 1 / 2)
    found = gradients(value, tensors, case)
    plain = run(case, tensors, fuse=False)
    assert len(calls) == 1, "the plain expansion makes no fused call"
    for expected in (case.naive(tensors), case.fused(tensors), plain):
        torch.testing.assert_close(value, expected)
        torch.testing.assert_close(found, gradients(expected, tensors, case))


@pytest.mark.parametrize("length, keys", [(1, 5), (7, 1), (5, 17)])
def test_other_lengths(length, keys):
    for case in cases.CASES:
        tensors = case.arguments(shape_of(case, length, keys), torch.float64, seed=length)
        torch.testing.assert_close(run(case, tensors), case.naive(tensors), msg=case.document)


HEAD = r"""For $Q \in \mathbb{R}^{n \times d}$, $K \in \mathbb{R}^{n \times d}$, $V \in \mathbb{R}^{n \times d}$ and
$B \in \mathbb{R}^{n \times n}$ let

"""
ROWS = r"""For $q_i, k_i, v_i \in \mathbb{R}^d$, $i = 1, \dots, n$, let

"""


def scores(t):
    return t["Q"] @ t["K"].mT / 3**0.5


def lower(n):
    return torch.ones(n, n, dtype=torch.float64).tril()


NEAR = {
    "softmax over the queries": (
        HEAD + r"$$ f(Q, K, V) = \text{softmax}\left(\frac{K Q^\top}{\sqrt{d}}\right)^\top V $$",
        lambda t: torch.softmax(scores(t), -2) @ t["V"],
    ),
    "a mask multiplied after the softmax": (
        HEAD + r"$$ f(Q, K, V) = \left(B \odot \text{softmax}\left(\frac{Q K^\top}{\sqrt{d}}\right)\right) V $$",
        lambda t: t["B"] * torch.softmax(scores(t), -1) @ t["V"],
    ),
    "a mask multiplied before the softmax": (
        HEAD + r"$$ f(Q, K, V) = \text{softmax}\left(B \odot \frac{Q K^\top}{\sqrt{d}}\right) V $$",
        lambda t: torch.softmax(t["B"] * scores(t), -1) @ t["V"],
    ),
    "scores through a function": (
        HEAD + r"$$ f(Q, K, V) = \text{softmax}\left(\tanh(Q K^\top)\right) V $$",
        lambda t: torch.softmax(torch.tanh(t["Q"] @ t["K"].mT), -1) @ t["V"],
    ),
    "no softmax": (
        HEAD + r"$$ f(Q, K, V) = \exp\left(\frac{Q K^\top}{\sqrt{d}}\right) V $$",
        lambda t: torch.exp(scores(t)) @ t["V"],
    ),
    "a sum to the query above, to the end below": (
        ROWS + r"$$ o_i = \frac{\sum_{j \le i} \exp(q_i^\top k_j) v_j}{\sum_{j=1}^{n} \exp(q_i^\top k_j)} $$",
        lambda t: torch.softmax(t["q"] @ t["k"].mT, -1) * lower(t["q"].shape[-2]) @ t["v"],
    ),
    "normalised over the queries": (
        ROWS + r"$$ o_i = \sum_{j=1}^{n} \frac{\exp(q_i^\top k_j)}{\sum_{l=1}^{n} \exp(q_l^\top k_j)} v_j $$",
        lambda t: torch.softmax(t["q"] @ t["k"].mT, -2) @ t["v"],
    ),
    "another exponent below": (
        ROWS + r"$$ o_i = \frac{\sum_{j=1}^{n} \exp(q_i^\top k_j) v_j}{\sum_{j=1}^{n} \exp(2 q_i^\top k_j)} $$",
        lambda t: torch.exp(t["q"] @ t["k"].mT) @ t["v"] / torch.exp(2 * t["q"] @ t["k"].mT).sum(-1, keepdim=True),
    ),
    "squared distances": (
        ROWS + r"$$ o_i = \frac{\sum_{j=1}^{n} \exp(-\|q_i - k_j\|^2) v_j}{\sum_{j=1}^{n} \exp(-\|q_i - k_j\|^2)} $$",
        lambda t: torch.softmax(-torch.cdist(t["q"], t["k"]) ** 2, -1) @ t["v"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("title", NEAR)
def test_near_misses_are_not_fused_and_right(tmp_path, title, calls):
    text, expected = NEAR[title]
    generator = torch.Generator().manual_seed(1)
    names = "QKVB" if text.startswith(HEAD) else "qkv"
    tensors = {n: torch.randn(5, 5 if n == "B" else 3, generator=generator, dtype=torch.float64) for n in names}
    function = loaded(tmp_path, text)["f" if "Q" in names else "o"]
    given = {n: tensors[n] for n in names if n != "B" or "B \\odot" in text}
    value = function(**given)
    assert not calls
    torch.testing.assert_close(value, expected(tensors))


def test_a_scale_after_the_softmax_is_none_of_the_scores(tmp_path, calls):
    text = HEAD + r"$$ f(Q, K, V) = \frac{\text{softmax}(Q K^\top)}{\sqrt{d}} V $$"
    q, k, v = (torch.randn(5, 3, dtype=torch.float64) for _ in range(3))
    value = loaded(tmp_path, text).f(q, k, v)
    assert [c["scale"] for c in calls] == [1.0]
    torch.testing.assert_close(value, torch.softmax(q @ k.T, -1) / 3**0.5 @ v)


MASKS = {
    "strictly before": r"0 & j < i \\ -\infty & \text{otherwise}",
    "keys not before the query": r"0 & j \ge i \\ -\infty & \text{otherwise}",
    "a large number only": r"0 & j \le i \\ -5 & \text{otherwise}",
}


@pytest.mark.parametrize("title", MASKS)
def test_masks_that_are_not_quite_causal_are_arguments(tmp_path, title, calls):
    text = HEAD + "$$ M_{ij} = \\begin{cases} " + MASKS[title] + r" \end{cases} $$"
    text += "\n\n" + r"$$ f(Q, K, V) = \text{softmax}(Q K^\top + M) V $$"
    q, k, v = (torch.randn(6, 3, dtype=torch.float64) for _ in range(3))
    value = loaded(tmp_path, text).f(q, k, v)
    i, j = torch.arange(6)[:, None], torch.arange(6)
    seen = {"strictly before": j < i, "keys not before the query": j >= i, "a large number only": j <= i}[title]
    mask = torch.where(seen, 0.0, -5.0 if "large" in title else -torch.inf).double()
    assert [(c["is_causal"], c["attn_mask"] is not None) for c in calls] == [(False, True)]
    rows = slice(1, None) if title == "strictly before" else slice(None)
    torch.testing.assert_close(value[rows], (torch.softmax(q @ k.T + mask, -1) @ v)[rows])


def test_the_table_of_the_documentation_is_what_runs():
    page = (Path(__file__).parents[2] / "docs" / "lowering.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([\w-]+)` \| .* \| `(scaled.*)` \|$", page, re.MULTILINE))
    for case in cases.CASES:
        definition = lemmata.load(case.path)[case.function].definition
        assert runs_as(definition) == [told.pop(case.document)], case.document
    assert not told
