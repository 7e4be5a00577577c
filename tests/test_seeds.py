"""The user's own documents: nothing in their formulas is refuted, and what must be verified is."""

from __future__ import annotations

import pytest

import lemmata
from places import SHARED

SEEDS = (
    "0_formula_writing_transformer.md",
    "1_latex_derivation_gradients.md",
    "2_self_attention_tensorflow.md",
    "3_attention_scoring.md",
    "4_transformer_full_stack.md",
)
VERIFIED = {
    "1_latex_derivation_gradients.md": [
        r"\frac{\partial L}{\partial w} = \frac{2}{n} X^\top (Xw + b - y)",
        r"\frac{\partial L}{\partial b} = \frac{2}{n} \sum_{i=1}^n (\hat{y}_i - y_i)",
    ],
    "3_attention_scoring.md": [
        r"\mathbf{h} = \mathbf{h}_q + \mathbf{h}_k = \mathbf{W}_q \mathbf{q} + \mathbf{W}_k \mathbf{k}_i",
        r"\mathbf{h}' = \tanh(\mathbf{h}) = \tanh(\mathbf{W}_q \mathbf{q} + \mathbf{W}_k \mathbf{k}_i)",
        r"e_i = \mathbf{v}^T \mathbf{h}' = \mathbf{v}^T \tanh(\mathbf{W}_q \mathbf{q} + \mathbf{W}_k \mathbf{k}_i)",
        r"\mathbf{E} = \mathbf{Q}\mathbf{K}^T \in \mathbb{R}^{n_q \times n_k}",
        r"E_{ij} = \mathbf{q}_i^T \mathbf{k}_j",
        r"\mathbf{q}^T \mathbf{k} = \sum_{i=1}^{d_k} q_i k_i",
        r"\mathbb{E}[\mathbf{q}^T \mathbf{k}] = \sum_{i=1}^{d_k} \mathbb{E}[q_i k_i] "
        r"= \sum_{i=1}^{d_k} \mathbb{E}[q_i]\mathbb{E}[k_i] = 0",
        r"\text{Var}[\mathbf{q}^T \mathbf{k}] = \sum_{i=1}^{d_k} \text{Var}[q_i k_i]",
        r"\text{Var}[q_i k_i] = \mathbb{E}[q_i^2 k_i^2] - \mathbb{E}[q_i k_i]^2 "
        r"= \mathbb{E}[q_i^2] \mathbb{E}[k_i^2] - 0 = 1 \cdot 1 = 1",
    ],
}


def squeeze(latex: str) -> str:
    return "".join(latex.split()).rstrip(".,;")


@pytest.mark.shared
@pytest.mark.parametrize("name", SEEDS)
def test_no_formula_is_refuted(shared, name):
    result = lemmata.check(shared / "seeds" / name, code=False)
    assert result.readable and len(result) > 0
    assert [(s.line, s.latex, s.reason) for s in result if s.verdict == "refuted"] == []


@pytest.mark.shared
@pytest.mark.parametrize("name, latex", [(name, latex) for name, claims in VERIFIED.items() for latex in claims])
def test_what_must_be_verified_is(shared, name, latex):
    result = lemmata.check(shared / "seeds" / name, code=False)
    parts = [s for s in result if squeeze(s.latex) in squeeze(latex) or squeeze(latex) in squeeze(s.latex)]
    assert any(s.verdict == "verified" for s in parts), [(s.line, s.verdict, s.reason) for s in parts]


@pytest.fixture(scope="module")
def compared():
    """Comparisons with code of the two PyTorch documents."""
    pytest.importorskip("torch")
    if not SHARED.is_dir():
        pytest.skip(f"no collections of real documents at {SHARED} (set LEMMATA_SHARED)")
    names = ("1_latex_derivation_gradients.md", "4_transformer_full_stack.md")
    return {name[0]: [s for s in lemmata.check(SHARED / "seeds" / name) if s.kind == "code"] for name in names}


@pytest.mark.shared
@pytest.mark.torch
@pytest.mark.parametrize(
    "line, code", [(24, "`y_pred`"), (30, "`loss`"), (36, "`w.grad`"), (36, "理论梯度"), (42, "`b.grad`")]
)
def test_code_of_the_regression_computes_its_formulas(compared, line, code):
    assert {s.verdict for s in compared["1"] if s.line == line and code in s.reason} == {"verified"}


@pytest.mark.shared
@pytest.mark.torch
def test_attention_of_the_full_stack_document_is_wrong_about_the_head_axis(compared):
    (wrong,) = (s for s in compared["4"] if s.verdict == "refuted")
    assert "MultiHead" in wrong.latex and "head axis" in wrong.reason and wrong.counterexample
    assert "sequence axis (line 59)" in wrong.reason and "merging the heads mixes positions" in wrong.reason
    assert wrong.reason.endswith("reshaped (line 66)")
    judged_apart = [s.verdict for s in compared["4"] if "LayerNorm" in s.latex]
    assert judged_apart == ["verified"]


@pytest.fixture(scope="module")
def with_tensorflow():
    """The two TensorFlow documents, checked with their code."""
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: make test-all installs it")
    if not SHARED.is_dir():
        pytest.skip(f"no collections of real documents at {SHARED} (set LEMMATA_SHARED)")
    names = ("0_formula_writing_transformer.md", "2_self_attention_tensorflow.md")
    return {name[0]: lemmata.check(SHARED / "seeds" / name) for name in names}


@pytest.mark.shared
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "number, name",
    [("0", "ScaledDotProductAttention"), ("0", "MultiHeadAttention"), ("2", "scaled_dot_product_attention")],
)
def test_functions_and_layers_of_tensorflow_compute_their_formulas(with_tensorflow, number, name):
    found = [s.verdict for s in with_tensorflow[number] if s.kind == "code" and f"`{name}`" in s.reason]
    assert found == ["verified"]


@pytest.mark.shared
@pytest.mark.tensorflow
def test_cells_that_cannot_run_are_reported_with_what_would_make_them(with_tensorflow):
    symbolic, data = with_tensorflow["2"].problems
    assert symbolic.line == 55 and "KerasTensor" in symbolic.message and "TF_USE_LEGACY_KERAS=1" in symbolic.help
    assert data.line == 68 and "train_data, val_data are defined nowhere in the document" in data.help
    assert [s for s in with_tensorflow["2"] if s.verdict == "refuted"] == []
