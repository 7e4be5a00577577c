"""Layers against multi-head attention, feed-forward and residual formulas: right ones verified, wrong ones named."""

from __future__ import annotations

import numpy as np
import pytest
from code_documents import cells
from fake_targets import ADD_AND_NORM, ATTENTION, FEED_FORWARD, MULTI_HEAD, normalise

from lemmata.code.check import check_code

pytestmark = pytest.mark.torch
pytest.importorskip("torch")

HEAD = "import math\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
MHA = (
    HEAD
    + """
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model=512, num_heads=8):
        super().__init__()
        self.h, self.d_k = num_heads, d_model // num_heads
        self.W_q = nn.Linear(d_model, d_model)
        self.W_k = nn.Linear(d_model, d_model)
        self.W_v = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def split(self, x):
        return x.view(x.size(0), -1, self.h, self.d_k).transpose(1, 2)

    def forward(self, q, k, v, mask=None):
        n = q.size(1)
        q, k, v = self.split(self.W_q(q)), self.split(self.W_k(k)), self.split(self.W_v(v))
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.d_k)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        attn = scores.softmax(dim=-1)
        out = (attn @ v).transpose(1, 2).reshape(q.size(0), n, -1)
        return self.out_proj(out), attn
"""
)
SELF = (
    HEAD
    + """
class MultiHeadSelfAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(B, N, C))
"""
)
HEADS = (
    HEAD
    + """
class Head(nn.Module):
    def __init__(self, n_embd, head_size):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)

    def forward(self, x):
        w = self.query(x) @ self.key(x).transpose(-2, -1) * self.key(x).shape[-1] ** -0.5
        return F.softmax(w, dim=-1) @ self.value(x)

class MultiHeadAttention(nn.Module):
    def __init__(self, n_embd, n_head, dropout=0.1):
        super().__init__()
        self.heads = nn.ModuleList([Head(n_embd, n_embd // n_head) for _ in range(n_head)])
        self.proj = nn.Linear(n_embd, n_embd)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(self.proj(torch.cat([h(x) for h in self.heads], dim=-1)))
"""
)
STRIDED = MHA.replace(
    "return x.view(x.size(0), -1, self.h, self.d_k).transpose(1, 2)",
    "return x.view(x.size(0), -1, self.d_k, self.h).permute(0, 3, 1, 2)",
)
SEQUENCE_FIRST = (
    HEAD
    + """
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, nhead):
        super().__init__()
        self.d_model, self.h = d_model, nhead
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x):
        def split(t):
            return t.reshape(t.shape[0], t.shape[1], self.h, -1).permute(1, 2, 0, 3)
        q, k, v = split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x))
        out = F.scaled_dot_product_attention(q, k, v)
        return self.o_proj(out.permute(2, 0, 1, 3).reshape(x.shape))
"""
)
RIGHT = {
    "three inputs": MHA,
    "packed": SELF,
    "a list of heads": HEADS,
    "strided": STRIDED,
    "sequence first": SEQUENCE_FIRST,
}
WRONG = {
    "scale missing": (" / math.sqrt(self.d_k)", "", "not divided by √d_k"),
    "divided by d_k": ("math.sqrt(self.d_k)", "self.d_k", "divided by d_k, not by √d_k"),
    "divided by the model's width": ("math.sqrt(self.d_k)", "math.sqrt(self.h * self.d_k)", "√d_model"),
    "softmax over queries": ("softmax(dim=-1)", "softmax(dim=-2)", "softmax runs over the queries"),
    "heads not split off": (
        "return x.view(x.size(0), -1, self.h, self.d_k).transpose(1, 2)",
        "return x.view(x.size(0), self.h, -1, self.d_k)", "splitting into heads mixes positions",
    ),
    "heads not merged": (".transpose(1, 2).reshape(", ".reshape(", "merging the heads mixes positions"),
    "scale after softmax": (
        "scores = q @ k.transpose(-2, -1) / math.sqrt(self.d_k)",
        "scores = q @ k.transpose(-2, -1)", "not divided by √d_k",
    ),
    "no output projection": ("return self.out_proj(out), attn", "return out, attn", "the output projection is missing"),
    "scores between heads": (
        "return x.view(x.size(0), -1, self.h, self.d_k).transpose(1, 2)",
        "return x.view(x.size(0), -1, self.h, self.d_k)", "scores are taken between the heads",
    ),
}  # fmt: skip


def only(source, target):
    report = check_code(cells(source), [target])
    assert not report.errors and not report.problem, (report.errors, report.problem)
    (finding,) = report.findings
    return finding


@pytest.mark.parametrize("name", RIGHT)
def test_right_attention_is_verified(name):
    verdict = only(RIGHT[name], MULTI_HEAD).verdict
    assert verdict.kind == "verified", verdict
    assert len(verdict.evidence) == 3


@pytest.mark.parametrize("name", WRONG)
def test_wrong_attention_is_refuted_at_its_place(name):
    old, new, reason = WRONG[name]
    assert old in MHA
    verdict = only(MHA.replace(old, new), MULTI_HEAD).verdict
    assert verdict.kind == "refuted", verdict
    assert reason in verdict.reason
    found = verdict.counterexample
    values = {k: np.array(v) for k, v in found.values.items()}
    formula = MULTI_HEAD.evaluate(values)
    assert found.sizes["h"] == len(values["W_i^Q"]) == 2 and formula.shape == (2, 4)


def test_biases_are_said_to_be_left_out():
    assert "equal up to its biases" in only(MHA, MULTI_HEAD).verdict.reason


def test_a_layer_with_more_than_the_formula_is_not_judged():
    source = MHA.replace(
        "self.h, self.d_k =", "self.gate = nn.Linear(d_model, d_model)\n        self.h, self.d_k ="
    ).replace("return self.out_proj(out), attn", "return self.out_proj(out) * torch.sigmoid(self.gate(out)), attn")
    assert only(source, MULTI_HEAD).verdict.kind == "unchecked"


BLOCK = (
    HEAD
    + """
class Block(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.mix = nn.Linear(d_model, d_model)
        self.ffn = nn.Sequential(nn.Linear(d_model, d_ff), nn.ReLU(), nn.Linear(d_ff, d_model))
        self.norm1 = nn.LayerNorm(d_model)
        self.norm2 = nn.LayerNorm(d_model)

    def forward(self, x):
        x = self.norm1(x + self.mix(x))
        return self.norm2(x + self.ffn(x))
"""
)


def test_residual_and_normalisation_are_judged_by_themselves():
    assert only(BLOCK, ADD_AND_NORM).verdict.kind == "verified"
    assert np.allclose(normalise(np.array([1.0, 2, 3])).mean(), 0)


def test_normalisation_before_the_sublayer_is_refuted_where_the_formula_has_it_after():
    source = BLOCK.replace("self.norm1(x + self.mix(x))", "x + self.mix(self.norm1(x))").replace(
        "self.norm2(x + self.ffn(x))", "x + self.ffn(self.norm2(x))"
    )
    verdict = only(source, ADD_AND_NORM).verdict
    assert verdict.kind == "refuted" and "before each sublayer" in verdict.reason


def test_a_missing_residual_is_not_taken_for_the_formula():
    assert only(BLOCK.replace("x + self.mix(x)", "self.mix(x)"), ADD_AND_NORM).verdict.kind == "unchecked"


def test_a_child_is_compared_with_the_function_it_is_called_after():
    finding = only(BLOCK, FEED_FORWARD)
    assert finding.verdict.kind == "verified" and finding.name == "Block.ffn"
    assert "W_1 is ffn.0.weight" in finding.bound
    wrong = only(BLOCK.replace("nn.ReLU()", "nn.GELU()"), FEED_FORWARD)
    assert wrong.verdict.kind == "refuted"


def test_a_layer_that_cannot_be_made_is_not_judged():
    source = MHA.replace("d_model=512, num_heads=8", "d_model, num_heads, colour")
    verdict = only(source, MULTI_HEAD).verdict
    assert verdict.kind == "unchecked" and "colour" in verdict.reason


def test_a_layer_without_weights_is_a_function():
    source = (
        HEAD
        + """
class DotProductAttention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries, keys, values, valid_lens=None):
        d = queries.shape[-1]
        scores = torch.bmm(queries, keys.transpose(1, 2)) / math.sqrt(d)
        self.attention_weights = torch.softmax(scores, dim=-1)
        return torch.bmm(self.dropout(self.attention_weights), values)
"""
    )
    assert only(source, ATTENTION).verdict.kind == "verified"
    wrong = only(source.replace("math.sqrt(d)", "d"), ATTENTION).verdict
    assert wrong.kind == "refuted", wrong


def test_parameters_bound_by_their_order_alone_refute_nothing():
    source = MHA
    for old, new in (
        ("self.W_q", "self.c"),
        ("self.W_k", "self.b"),
        ("self.W_v", "self.a"),
        ("self.out_proj", "self.d"),
    ):
        source = source.replace(old, new)
    lines = source.split("\n")
    made = [n for n, row in enumerate(lines) if "nn.Linear(d_model, d_model)" in row]
    for n, letter in zip(made, "abcd", strict=True):
        lines[n] = f"        self.{letter} = nn.Linear(d_model, d_model)"
    assert only("\n".join(lines), MULTI_HEAD).verdict.kind == "unchecked"


def test_a_normalisation_of_what_is_normalised_already_is_not_the_formula():
    source = BLOCK.replace("self.norm2(x + self.ffn(x))", "x + self.ffn(self.norm2(x))")
    verdict = only(source, ADD_AND_NORM).verdict
    assert verdict.kind == "refuted" and "before one of its sublayers" in verdict.reason


def test_chance_in_a_layer_is_no_difference():
    source = MHA.replace(
        "return self.out_proj(out), attn", "return self.out_proj(out) + torch.rand_like(q[:, 0, :, :1]).sum(), attn"
    )
    verdict = only(source, MULTI_HEAD).verdict
    assert verdict.kind == "unchecked" and "chance" in verdict.reason
