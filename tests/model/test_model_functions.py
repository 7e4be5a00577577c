"""A document's definitions on arrays and tensors, against the same mathematics written by hand."""

from __future__ import annotations

import numpy as np
import pytest
from model_documents import ATTENTION, CAUSAL, LAYERS, POSITIONS, loaded

import lemmata
from lemmata.model import CannotRun, ShapeMismatch
from places import ROOT, SHARED

RNG = np.random.default_rng(7)


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def attend(q, k, v):
    return softmax(q @ np.swapaxes(k, -1, -2) / np.sqrt(k.shape[-1])) @ v


def multi_head(q, k, v, w):
    heads = [attend(q @ w["W^Q"][i], k @ w["W^K"][i], v @ w["W^V"][i]) for i in range(len(w["W^Q"]))]
    return np.concatenate(heads, -1) @ w["W^O"]


def head_weights(width=12, heads=3, inner=4):
    each = {name: RNG.normal(size=(heads, width, inner)) for name in ("W^Q", "W^K", "W^V")}
    return each | {"W^O": RNG.normal(size=(heads * inner, width))}


def positions(rows, width):
    angle = np.arange(rows)[:, None] / 10000 ** (2 * (np.arange(width) // 2) / width)
    return np.where(np.arange(width) % 2 == 0, np.sin(angle), np.cos(angle))


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    texts = {"layers": LAYERS, "attention": ATTENTION, "causal": CAUSAL, "positions": POSITIONS}
    return {name: loaded(tmp_path_factory.mktemp(name), text) for name, text in texts.items()}


def test_undeclared_parameters_take_the_shapes_of_their_arguments(documents):
    q, k, v = RNG.normal(size=(5, 8)), RNG.normal(size=(7, 8)), RNG.normal(size=(7, 3))
    found = documents["attention"].Attention(q, k, v)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, attend(q, k, v), atol=1e-12)


def test_batch_axes_stand_in_front_and_broadcast(documents):
    q, k, v = RNG.normal(size=(2, 1, 5, 8)), RNG.normal(size=(4, 7, 8)), RNG.normal(size=(2, 4, 7, 3))
    np.testing.assert_allclose(documents["attention"].Attention(q, k, v), attend(q, k, v), atol=1e-12)


def test_heads_with_their_own_weights(documents):
    x, w = RNG.normal(size=(2, 6, 12)), head_weights()
    model = documents["attention"]
    expected = multi_head(x, x, x, w)
    np.testing.assert_allclose(model.MultiHead(x, x, x, weights=w), expected, atol=1e-10)
    np.testing.assert_allclose(
        model.MultiHead(x, x, x, W_Q=list(w["W^Q"]), W_i_K=w["W^K"], W_V=w["W^V"], W_O=w["W^O"]), expected, atol=1e-10
    )
    second = model.head(2, Q=x, K=x, V=x, **{n: w[n] for n in ("W^Q", "W^K", "W^V")})
    np.testing.assert_allclose(second, attend(x @ w["W^Q"][1], x @ w["W^K"][1], x @ w["W^V"][1]), atol=1e-10)


def test_feed_forward_and_normalisation(documents):
    x = RNG.normal(size=(2, 5, 6))
    shapes = {"W_1": (6, 9), "b_1": (9,), "W_2": (9, 6), "b_2": (6,)}
    w = {name: RNG.normal(size=shape) for name, shape in shapes.items()}
    expected = np.maximum(0, x @ w["W_1"] + w["b_1"]) @ w["W_2"] + w["b_2"]
    np.testing.assert_allclose(documents["layers"].FFN(x, **w), expected, atol=1e-12)
    gain, shift = RNG.normal(size=6), RNG.normal(size=6)
    centred = x - x.mean(-1, keepdims=True)
    expected = gain * centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-3) + shift
    found = documents["layers"].Norm(x, gamma=gain, beta=shift, epsilon=1e-3)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_mask_given_by_its_entries(documents):
    q, k, v = RNG.normal(size=(5, 4)), RNG.normal(size=(5, 4)), RNG.normal(size=(5, 2))
    scores = np.where(np.tril(np.ones((5, 5))) > 0, q @ k.T / 2, -np.inf)
    np.testing.assert_allclose(documents["causal"].Causal(q, k, v), softmax(scores) @ v, atol=1e-12)


def test_a_family_is_a_function_of_its_indices(documents):
    found = documents["positions"].PE(np.arange(9)[:, None], np.arange(12), d=12)
    np.testing.assert_allclose(found, positions(9, 12), atol=1e-12)
    assert documents["positions"].PE(3, 5, d=12) == pytest.approx(positions(9, 12)[3, 5])


def test_values_take_their_symbols_by_name():
    model = lemmata.load(ROOT / "examples" / "linear-regression.md")
    x, y, w, b = RNG.normal(size=(7, 3)), RNG.normal(size=7), RNG.normal(size=3), 0.3
    np.testing.assert_allclose(model["\\hat y"](X=x, w=w, b=b), x @ w + b)
    assert model.L(X=x, y=y, w=w, b=b) == pytest.approx(((x @ w + b - y) ** 2).sum() / 14)
    batched = model.L(X=x, y=y, w=RNG.normal(size=(4, 3)), b=b)
    assert batched.shape == (4,)


def test_definitions_know_their_formula_and_weights(documents):
    ffn = documents["layers"].FFN
    assert ffn.parameters == ("X",)
    assert ffn.weights == {"W_1": "d × f", "b_1": "f", "W_2": "f × d", "b_2": "d"}
    assert r"\max(0, X W_1 + b_1)" in ffn.__doc__ and f"Line {ffn.definition.line} " in ffn.__doc__
    assert "FFN" in documents["layers"].functions


@pytest.mark.parametrize(
    "arguments, weights, says",
    [
        ((np.ones((5, 6)),), {"W_1": np.ones((6, 4)), "b_1": np.ones(3), "W_2": np.ones((4, 6)), "b_2": np.ones(6)},
         ["b_1 has shape 3", "expected f", "f = 4 by W_1"]),
        ((np.ones(6),), {"W_1": np.ones((6, 4)), "b_1": np.ones(4), "W_2": np.ones((4, 6)), "b_2": np.ones(6)},
         ["X has shape 6", "expected n × d"]),
        ((np.ones((5, 7)),), {"W_1": np.ones((6, 4)), "b_1": np.ones(4), "W_2": np.ones((4, 6)), "b_2": np.ones(6)},
         ["W_1 has shape 6 × 4", "d = 7", "by X"]),
    ],
)  # fmt: skip
def test_a_wrong_shape_names_symbol_and_shapes(documents, arguments, weights, says):
    with pytest.raises(ShapeMismatch) as raised:
        documents["layers"].FFN(*arguments, **weights)
    assert all(part in str(raised.value) for part in says), str(raised.value)


def test_batch_axes_that_do_not_fit(documents):
    with pytest.raises(ShapeMismatch, match="batch axes"):
        documents["attention"].Attention(np.ones((2, 5, 4)), np.ones((3, 5, 4)), np.ones((5, 4)))


def test_missing_unknown_and_superfluous_arguments(documents):
    ffn = documents["layers"].FFN
    with pytest.raises(TypeError, match=r"needs a value for W_1: d × f; b_1: f"):
        ffn(np.ones((5, 6)))
    with pytest.raises(TypeError, match="no symbol W_9"):
        ffn(np.ones((5, 6)), W_9=1)
    with pytest.raises(TypeError, match="takes X; 2 were given"):
        ffn(1, 2)
    with pytest.raises(AttributeError, match="defines no FNN; did you mean FFN"):
        _ = documents["layers"].FNN


def test_what_cannot_be_run_says_why(tmp_path):
    model = loaded(tmp_path, "With $x \\in \\mathbb{R}^n$ let\n\n$$\nf(x) = \\text{Mystery}(x) + 1\n$$\n")
    with pytest.raises(CannotRun, match=r"f \(line 4\).*Mystery"):
        model.f(np.ones(3))


def test_a_document_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.md: cannot read this file: no such file"):
        lemmata.load(tmp_path / "nothing.md")


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    ["0_formula_writing_transformer", "2_self_attention_tensorflow", "3_attention_scoring", "4_transformer_full_stack"],
)
def test_definitions_of_real_documents(name):
    path = SHARED / "seeds" / f"{name}.md"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    model = lemmata.load(path)
    q, k, v = RNG.normal(size=(5, 8)), RNG.normal(size=(7, 8)), RNG.normal(size=(7, 3))
    np.testing.assert_allclose(model.Attention(q, k, v), attend(q, k, v), atol=1e-12)
    if "MultiHead" in model.functions:
        x, w = RNG.normal(size=(2, 6, 12)), head_weights()
        np.testing.assert_allclose(model.MultiHead(x, x, x, weights=w), multi_head(x, x, x, w), atol=1e-10)
    if "FFN" in model.functions:
        x, w = RNG.normal(size=(2, 5, 6)), [RNG.normal(size=s) for s in ((6, 24), (24,), (24, 6), (6,))]
        found = model.FFN(x, W_1=w[0], b_1=w[1], W_2=w[2], b_2=w[3])
        np.testing.assert_allclose(found, np.maximum(0, x @ w[0] + w[1]) @ w[2] + w[3], atol=1e-12)
    if "PE" in model.functions:
        found = model.PE(np.arange(9)[:, None], np.arange(16), d_model=16)
        np.testing.assert_allclose(found, positions(9, 16), atol=1e-12)


def test_a_derivative_at_an_argument_needs_the_argument_alone(tmp_path):
    text = "For a number $x \\in \\mathbb{R}$ let $f(x) = x^3$ and\n\n$$\ng(x) = f'(2 x) + 1\n$$\n"
    assert loaded(tmp_path, text).g(2.0) == pytest.approx(3 * 4.0**2 + 1)


def test_a_function_known_by_its_type_alone_cannot_be_run(tmp_path):
    text = "Let $f: \\mathbb{R}^n \\to \\mathbb{R}$ and $x \\in \\mathbb{R}^n$.\n\n$$\ng(x) = f(x) + 1\n$$\n"
    with pytest.raises(CannotRun, match="depends on f, which the document leaves open"):
        loaded(tmp_path, text).g(np.ones(3))


def test_a_vector_beside_a_sequence_of_vectors_of_its_name_stays_an_argument(tmp_path):
    text = r"""
With $x \in \mathbb{R}^d$ and $A \in \mathbb{R}^{d \times d}$ let

$$
f(x) = A x
$$

Rows $z_i \in \mathbb{R}^d$ become $x_i = A z_i$ for $i = 1, \dots, n$, and

$$
g = \|x\|^2
$$
"""
    model = loaded(tmp_path, text)
    x = RNG.normal(size=4)
    assert model.g.weights == {"x": "d"}
    assert model.g(x=x) == pytest.approx(x @ x)
