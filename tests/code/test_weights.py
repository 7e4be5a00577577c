"""Weights of softmax-weighted sums: where they are seen, and what is said about them."""

from __future__ import annotations

import numpy as np
import pytest

from lemmata.code.weights import Sum, complaints, survey
from lemmata.report import layout

NUMPY = """
import numpy as np
def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
rng = np.random.default_rng(0)
Q, K, V = rng.normal(size=(8, 64)), rng.normal(size=(8, 64)), rng.normal(size=(8, 4))
S = Q @ K.T / 8
causal_mask = np.tril(np.ones((8, 8), bool))
"""
FUNCTION = """
def attention(Q, K, V, mask=None):
    S = Q @ K.T / np.sqrt(K.shape[-1])
    if mask is not None:
        S = np.where(mask, S, -1e9)
    A = softmax(S)
    return A @ V
attention(Q, K, V, {mask})
"""

RIGHT = [
    "softmax(S) @ V",
    FUNCTION.format(mask="None"),
    FUNCTION.format(mask="causal_mask"),
    "A = softmax(np.where(causal_mask, S, -np.inf))\nA @ V",
    "A = softmax(S) * causal_mask\nA = A / A.sum(-1, keepdims=True)\nA @ V",  # normalised anew
    "e = np.exp(S)\nA = e / e.sum(1, keepdims=True)\nnp.matmul(A, V)",
    "A = softmax(S.T, axis=0)\nV.T @ A",  # keys in rows: the sum runs over them
    "np.einsum('ij,jk->ik', softmax(S), V)",
    "plain = softmax(S) @ V\nB = np.where(causal_mask, S, -1e9)\nmasked = softmax(B) @ V",
    "P = softmax(Q @ rng.normal(size=(64, 3)))\nT = np.eye(3)[[0] * 8]\nG = Q.T @ (P - T)",  # a classifier's gradient
    "A = softmax(S)\nG = A * (S - (A * S).sum(-1, keepdims=True))\nG @ K",  # the softmax's gradient
]
WRONG = [
    ("A = softmax(S, axis=0)\nA @ V", "do not sum to one"),
    ("A = softmax(S) * causal_mask\nA @ V", "do not sum to one"),
    ("A = softmax(np.where(causal_mask, S, 0))\nA @ V", "positions that causal_mask hides"),
    ("A = softmax(np.where(~causal_mask, S, -1e9) )\nA[1:] @ V", None),  # a slice is not followed
    ("A = softmax(np.where(causal_mask[::-1, ::-1], S, -3))\nA @ V", "positions that causal_mask hides"),
    ("mask = np.arange(8) < 5\nA = softmax(np.where(mask, -1e9, S))\nA @ V", "all weight lies on positions that mask"),
    ("def f(q, k, v, mask):\n    return softmax(q @ k.T / 8) @ v\nf(Q, K, V, causal_mask)", "that mask hides"),
    ("S = Q @ K.T\nA = softmax(S)\nA @ V", "saturated"),
    ("S = S + np.where(np.arange(8) == 0, 40, 0)\nA = softmax(S)\nA @ V", "on the first position"),
    ("S[2] = -np.inf\ne = np.exp(S)\nA = e / e.sum(1, keepdims=True)\nA @ V", "query 3 are NaN"),
]


def told(run, source):
    session = run(NUMPY, source)
    assert session.results[1].error is None, session.results[1].error
    return survey(session.weights())


@pytest.mark.parametrize("source", RIGHT)
def test_right_attention_raises_no_concern(run, source):
    assert told(run, source)[1] == ()


@pytest.mark.parametrize(("source", "message"), WRONG)
def test_what_is_seldom_meant_is_told_at_its_line(run, source, message):
    _, concerns = told(run, source)
    assert len(concerns) == (message is not None)
    if message is not None:
        assert message in concerns[0].message
        assert 110 <= concerns[0].line <= 110 + source.count("\n")


CHAINS = [
    "T = softmax(rng.normal(size=(5, 5)) * 9)\npi = np.ones(5) / 5\npi = pi @ T",  # a Markov chain
    "M = softmax(rng.normal(size=(5, 5)) * 9, axis=0)\nr = M @ np.ones(5)",  # columns sum to one, as for PageRank
    "T = np.exp(rng.normal(size=(5, 5)))\nT /= T.sum(1, keepdims=True)\npi = np.ones(5) @ T",
    "mask = np.eye(5)\nT = softmax(rng.normal(size=(5, 5)))\npi = np.ones(5) @ T",
]


@pytest.mark.parametrize("source", CHAINS)
def test_other_stochastic_matrices_have_ways_of_their_own(run, source):
    session = run(NUMPY[: NUMPY.index("Q, K")], source)
    assert session.results[1].error is None and survey(session.weights())[1] == ()


@pytest.mark.torch
def test_attention_in_one_call_shows_its_weights(run):
    source = """
import torch
from torch.nn import functional as F
q, k, v = torch.randn(3, 2, 4, 6, 16).unbind(0)
FIRST
F.scaled_dot_product_attention(q, k, v, is_causal=True)
"""
    session = run(source.replace("FIRST", "mask = torch.ones(6, 6).bool().tril()"))
    maps, concerns = survey(session.weights())
    assert [(m.line, m.shape) for m in maps] == [(15, (2, 4, 6, 6))] and concerns == ()
    assert maps[0].rows[0] == (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    hidden = "m = torch.ones(6, 6).bool().tril()\nm[2] = False\nout = F.scaled_dot_product_attention(q, k, v, m)"
    hidden += "\nprint(out.isnan().any())"
    session = run(source.replace("FIRST", hidden))
    _, concerns = survey(session.weights())
    lost = "True" in session.results[0].output  # newer versions give zeros to queries without keys
    assert [("query 3 are NaN" in c.message) for c in concerns] == [True] * lost


def test_a_classifier_is_no_weighted_sum(run):
    assert told(run, "P = softmax(S)\nloss = -np.log(P[np.arange(8), 0]).mean()") == ((), ())


def test_the_last_values_of_a_place_are_shown(run):
    maps, _ = told(run, "for n in range(5):\n    A = softmax(S * n)\n    A @ V")
    assert [(m.line, m.shape) for m in maps] == [(112, (8, 8))]
    assert max(map(max, maps[0].rows)) > 0.2  # the first ones are uniform


@pytest.mark.torch
def test_torch_modules_are_seen_with_their_masks(run):
    source = """
import torch
from torch import nn
class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.fill = FILL
    def forward(self, q, k, v, key_padding_mask=None):
        scores = q @ k.transpose(-2, -1) / 4
        scores = scores.masked_fill(key_padding_mask[:, None, None, :], self.fill)
        self.attn = self.dropout(scores.softmax(-1))
        return torch.matmul(self.dropout(scores.softmax(dim=-1)), v), self.attn @ v
q = torch.randn(2, 3, 5, 16)
pad = torch.tensor([[0, 0, 0, 0, 1], [0, 0, 0, 1, 1]]).bool()
Attention()(q, q, q, pad)
"""
    maps, concerns = survey(run(source.replace("FILL", "-1e9")).weights())
    assert [m.shape for m in maps] == [(2, 3, 5, 5)] * 2 and concerns == ()
    _, concerns = survey(run(source.replace("FILL", "-1.0")).weights())
    assert concerns and all("key_padding_mask hides" in c.message for c in concerns)


def test_the_cure_of_saturation_names_the_width():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(20, 20)) * 16
    e = np.exp(scores - scores.max(-1, keepdims=True))
    found = Sum("A", e / e.sum(-1, keepdims=True), "softmax", scores=scores, widths={"Q": 256.0})
    ((message, cure),) = complaints(found)
    assert "saturated" in message and cure.startswith("divide the scores by 16 = √256, the width of Q")


@pytest.mark.parametrize(
    ("mask", "shape"),
    [
        (np.zeros((5, 5), bool), (5, 5)),  # hides nothing, or everything
        (np.array([0, 3, 1, 2, 1]), (3, 5)),  # no mask but tokens
        (np.eye(4), (4, 5)),
        (np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]]), (3, 2, 3, 3)),  # of the batch or of the queries?
        (np.float64(1), (3, 3)),
    ],
)
def test_doubtful_masks_say_nothing(mask, shape):
    weights = np.full(shape, 1 / shape[-1])
    assert list(complaints(Sum("A", weights, "softmax", masks={"mask": mask}))) == []


def test_a_heat_map_is_drawn_in_blocks():
    found = {"cell": 0, "line": 7, "name": "A", "shape": [2, 2], "rows": [[1.0, 0.0], [0.5, -1.0]]}
    lines = ["".join(text for text, _ in line) for line in layout.heat_map(found)]
    assert lines == ["  weights A on line 7: 2 × 2, █ is 1", "    │██  │", "    │▒▒!!│"]


def test_places_in_a_notebook_name_the_cell(tmp_path):
    import json

    import lemmata

    code = [{"cell_type": "code", "metadata": {}, "source": s} for s in (NUMPY, "x = 1\n!ls\nA = softmax(S, 0)\nA @ V")]
    text = {"cell_type": "markdown", "metadata": {}, "source": "Text."}
    (tmp_path / "notes.ipynb").write_text(json.dumps({"cells": [text, *code], "metadata": {}, "nbformat": 4}))
    result = lemmata.check(tmp_path / "notes.ipynb")
    found = {(p.cell, p.line): p.message for p in result.problems}
    assert "shell command not run" in found[2, 2] and "do not sum to one" in found[2, 4]
    assert [(m["notebook_cell"], m["line"]) for m in result.heat_maps] == [(2, 4)]
    shown = ["".join(text for text, _ in line) for line in layout.document(result)]
    assert any(line.endswith("(cell 2, line 4)") for line in shown)
