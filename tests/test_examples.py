"""The documents of examples/: their code computes their formulas, and only the planted error is refuted."""

from __future__ import annotations

import pytest

import lemmata
from places import ROOT


def checked(name: str, code: bool = True):
    return lemmata.check(ROOT / "examples" / name, code=code)


@pytest.mark.parametrize("name", ["linear-regression.md", "attention-scoring.zh.md", "transformer-encoder.md"])
def test_nothing_in_the_sound_documents_is_refuted(name):
    result = checked(name, code=False)
    assert [s.latex for s in result if s.verdict == "refuted"] == []
    assert result.counts()["verified"] >= 2


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
        ("attention-scoring.zh.md", ["attention"]),
        ("transformer-encoder.md", ["MultiHead", "Encoder.ffn", "Encoder"]),
    ],
)
def test_code_computes_the_formulas(name, code):
    pytest.importorskip("torch")
    found = {s.reason.split("`")[1]: s.verdict for s in checked(name) if s.kind == "code"}
    assert {c: found.get(c) for c in code} == dict.fromkeys(code, "verified")
