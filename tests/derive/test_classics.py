"""Classic derivatives, as an author would write them; each is derived, printed, and judged in its document."""

from __future__ import annotations

import pytest

from lemmata.derive.derivation import Underivable
from lemmata.pipeline import derive

REGRESSION = r"Let $X \in \mathbb{R}^{n \times d}$, $y \in \mathbb{R}^n$ and $w \in \mathbb{R}^d$."
SQUARE = r"Let $A \in \mathbb{R}^{n \times n}$ and $x, b \in \mathbb{R}^n$."

CLASSICS = {
    "least squares": (
        REGRESSION + r" Define $$L(w) = \frac{1}{2n} \|Xw - y\|_2^2.$$",
        ("L", "w", 1),
        r"\nabla_w L(w) = \frac{1}{n}X^\top(Xw - y)",
    ),
    "its Hessian": (
        REGRESSION + r" Define $$L(w) = \frac{1}{2} \|Xw - y\|_2^2.$$",
        ("L", "w", 2),
        r"\nabla^2_w L(w) = X^\top X",
    ),
    "multiplied out": (
        REGRESSION + r" Define $$L(w) = w^\top X^\top X w - 2 y^\top X w.$$",
        ("L", "w", 1),
        r"\nabla_w L(w) = 2X^\top(Xw - y)",
    ),
    "quadratic form": (
        SQUARE + r" Define $$q(x) = x^\top A x + b^\top x.$$",
        ("q", "x", 1),
        r"\nabla_x q(x) = (A + A^\top)x + b",
    ),
    "symmetric quadratic form": (
        SQUARE + r" Let $A$ be symmetric. Define $$q(x) = x^\top A x.$$",
        ("q", "x", 1),
        r"\nabla_x q(x) = 2Ax",
    ),
    "Rayleigh quotient": (
        SQUARE + r" Let $A$ be symmetric and $x \neq 0$. Define $$r(x) = \frac{x^\top A x}{x^\top x}.$$",
        ("r", "x", 1),
        r"\nabla_x r(x) = \frac{2}{x^\top x}(Ax - r(x)x)",
    ),
    "norm": (
        SQUARE + r" Let $x \neq 0$. Define $$f(x) = \|x\|_2.$$",
        ("f", "x", 1),
        r"\nabla_x f(x) = \frac{x}{f(x)}",
    ),
    "trace of a product": (
        r"Let $A \in \mathbb{R}^{m \times n}$ and $X \in \mathbb{R}^{n \times m}$. "
        r"Define $$f(X) = \operatorname{tr}(A X).$$",
        ("f", "X", 1),
        r"\nabla_X f(X) = A^\top",
    ),
    "log-determinant": (
        r"Let $X \in \mathbb{R}^{n \times n}$ be invertible with $\det X > 0$. Define $$f(X) = \log \det X.$$",
        ("f", "X", 1),
        r"\nabla_X f(X) = X^{-\top}",
    ),
    "inverse in a bilinear form": (
        r"Let $X \in \mathbb{R}^{n \times n}$ be invertible and $a, b \in \mathbb{R}^n$. "
        r"Define $$f(X) = a^\top X^{-1} b.$$",
        ("f", "X", 1),
        r"\nabla_X f(X) = -X^{-\top}ab^\top X^{-\top}",
    ),
    "softmax": (
        r"Let $z \in \mathbb{R}^K$ and $p = \operatorname{softmax}(z)$.",
        ("p", "z", 1),
        r"\frac{\partial p}{\partial z} = \operatorname{diag}(p) - pp^\top",
    ),
    "cross-entropy with softmax": (
        r"Let $z \in \mathbb{R}^K$, let $t \in \mathbb{R}^K$ be a one-hot vector and $p = \operatorname{softmax}(z)$. "
        r"Define $$\ell = -\sum_{k=1}^K t_k \log p_k.$$",
        ("ell", "z", 1),
        r"\nabla_z \ell = p - t",
    ),
    "logistic function": (
        r"Let $z \in \mathbb{R}$. Define $$\sigma(z) = \frac{1}{1 + e^{-z}}.$$",
        ("sigma", "z", 1),
        r"\frac{\partial \sigma(z)}{\partial z} = \sigma(z)(1 - \sigma(z))",
    ),
    "a layer": (
        r"Let $W \in \mathbb{R}^{m \times n}$, $x \in \mathbb{R}^n$ and $b \in \mathbb{R}^m$. "
        r"Define $$h = \tanh(W x + b).$$",
        ("h", "x", 1),
        r"\frac{\partial h}{\partial x} = \operatorname{diag}(\mathbf{1} - h \odot h)W",
    ),
    "weighted sum of squares": (
        REGRESSION + r" Let $D \in \mathbb{R}^{n \times n}$ be diagonal. "
        r"Define $$L(w) = (y - Xw)^\top D (y - Xw).$$",
        ("L", "w", 1),
        r"\nabla_w L(w) = -2X^\top D(y - Xw)",
    ),
}


@pytest.fixture
def write(tmp_path):
    def file(text: str) -> str:
        path = tmp_path / "notes.md"
        path.write_text(text + "\n", encoding="utf-8")
        return str(path)

    return file


@pytest.mark.parametrize("name", CLASSICS)
def test_classics_are_written_as_in_a_book(name, write):
    text, (function, variable, order), expected = CLASSICS[name]
    found = derive(write(text), function, variable, order=order).result
    assert f"{found.left} = {found.right}" == expected
    assert found.verdict.kind == "verified"


def test_steps_name_the_values_on_the_way(write):
    text = CLASSICS["cross-entropy with softmax"][0]
    (step,) = derive(write(text), "ell", "z", steps=True).steps
    assert (step.left, step.verdict.kind) == (r"\nabla_p \ell", "verified")
    assert step.right == r"-t \odot \frac{1}{p}"


def test_steps_substitute_where_the_document_names_nothing(write):
    steps = derive(write(CLASSICS["least squares"][0]), "L", "w", steps=True).steps
    assert steps == (
        "u = Xw - y",
        r"\frac{\partial L(w)}{\partial u} = \frac{u}{n}",
        r"\frac{\partial u}{\partial w} = X",
    )


@pytest.mark.parametrize(
    ("function", "variable", "message"),
    [
        ("M", "w", "does not define M; it defines L(w)"),
        ("L", "q", "L(w) does not depend on q; it depends on w, y, X"),
    ],
)
def test_unknown_names_are_answered_with_what_there_is(function, variable, message, write):
    with pytest.raises(Underivable, match="; it de") as error:
        derive(write(CLASSICS["least squares"][0]), function, variable)
    assert message in str(error.value)


def test_nothing_is_derived_for_a_variable_that_an_expectation_averages_over(write):
    text = r"Let $X$ be a random variable with mean $\mu$. Define $$v = \mathbb{E}[X^2] - \mathbb{E}[X]^2.$$"
    with pytest.raises(Underivable, match="random variable"):
        derive(write(text), "v", "X")


def test_a_wrong_result_would_be_said_to_be_wrong(write):
    from lemmata.derive.derivation import Deriver
    from lemmata.documents import read
    from lemmata.elaborate.document import elaborate

    deriver = Deriver(elaborate(read(write(CLASSICS["least squares"][0]))))
    item = deriver.elaboration.items[-1]
    assert deriver.judge(item, r"\nabla_w L(w) = X^\top (Xw - y)").kind == "refuted"
    assert deriver.judge(item, r"\nabla_w L(w) = \frac{1}{n} X^\top (Xw - y)").kind == "verified"
