"""Gradients written by hand, in documents with and without the gradient as a formula; each right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from lemmata.report.result import StatementResult
from lemmata.surfaces.run import Options, run

SQUARES = r"""Let $X \in \mathbb{R}^{n \times d}$, $y \in \mathbb{R}^n$ and $w \in \mathbb{R}^d$. The loss is

$$L(w) = \frac{1}{n} \|Xw - y\|^2.$$
"""
CLAIMED = (
    SQUARES
    + r"""
Its gradient is $\nabla L(w) = \frac{2}{n} X^\top (Xw - y)$.
"""
)
GRAD = "def grad(w, X, y):\n    return 2 / len(y) * X.T @ (X @ w - y)"
ENTROPY = r"""设 $z, y \in \mathbb{R}^K$，$p = \mathrm{softmax}(z)$，损失为
$L = -\sum_{k=1}^K y_k \log p_k$，其中 $\sum_k y_k = 1$，则

$$\frac{\partial L}{\partial z} = p - y.$$
"""
HALF = "def loss(w, X, y):\n    return 0.5 * np.mean((X @ w - y)**2)\n"
SOFTMAX = (
    "def softmax(z):\n    e = np.exp(z - z.max())\n    return e / e.sum()\ndef grad_z(z, y):\n    return softmax(z) - y"
)
VALLEY = "The Rosenbrock function is $f(x, y) = (1-x)^2 + 100(y-x^2)^2$.\n"
F = "def f(x, y):\n    return (1 - x)**2 + 100 * (y - x**2)**2\n"
PARTIALS = "def grad_f(x, y):\n    return np.array([-2*(1 - x) - 400*x*(y - x**2), 200*(y - x**2)])"
RIDGE = r"""$$J(w) = \|Xw-y\|_2^2 + \lambda \|w\|_2^2$$

where $X\in\mathbb{R}^{n\times d}$, $y\in\mathbb{R}^n$, $w\in\mathbb{R}^d$, $\lambda > 0$.
"""
CUBIC = "考虑函数 $f(x) = x^3 - 2x^2 + 5$，它的导数是 $f'(x) = 3x^2 - 4x$。\n"
DESCENT = "def df(x):\n    return 3*x**2 - 4*x\n\nx = 3.0\nfor i in range(20):\n    x = x - 0.1 * df(x)"
SIGMOID = r"The sigmoid is $\sigma(x) = \frac{1}{1+e^{-x}}$ with $\sigma'(x) = \sigma(x)(1-\sigma(x))$." + "\n"


def judged(folder: Path, text: str, code: str, name: str) -> StatementResult | None:
    """What is said of the function `name`: its refutation, else whatever was decided."""
    path = folder / "document.md"
    path.write_text(f"{text}\n```python\nimport numpy as np\n{code}\n```\n", encoding="utf-8")
    (outcome,) = run([str(path)], Options(code=True))
    about = [s for s in outcome.result.statements if s.kind == "code" and f"`{name}`" in (s.reason or "")]
    order = ("refuted", "verified", "unchecked")
    return min(about, key=lambda s: order.index(s.verdict), default=None)


@pytest.mark.parametrize(
    "text, name, right, old, new, where",
    [
        (CLAIMED, "grad", GRAD, "2 / len(y)", "1 / len(y)", "a factor 2 is missing"),
        (CLAIMED, "grad", GRAD, "X @ w - y", "y - X @ w", "the wrong way round"),
        (CLAIMED, "grad", GRAD, "2 / len(y)", "2", "n times that"),
        (SQUARES, "loss_grad", GRAD.replace("grad", "loss_grad"), "2 / len(y)", "1 / len(y)", "a factor 2 is missing"),
        (ENTROPY, "grad_z", SOFTMAX, "softmax(z) - y", "y - softmax(z)", "the wrong way round"),
        (VALLEY, "grad_f", F + PARTIALS, "400", "200", "the derivative of the formula"),
        (RIDGE, "gradient", "def gradient(w, X, y, lam):\n    return 2 * X.T @ (X @ w - y) + 2 * lam * w", "2 * lam",
         "lam", "a factor 2 is missing at lam * w"),
        (CUBIC, "df", DESCENT, "4*x", "2*x", "where the formula has 4"),
    ],
)  # fmt: skip
def test_a_gradient_by_hand_is_held_against_the_derivative(tmp_path, text, name, right, old, new, where):
    found = judged(tmp_path, text, right, name)
    assert found is not None and found.verdict == "verified", found
    assert old in right
    found = judged(tmp_path, text, right.replace(old, new), name)
    assert found is not None and found.verdict == "refuted" and where in found.reason


@pytest.mark.parametrize(
    "text, name, code",
    [
        (CLAIMED, "grad", "def grad(w, X, y):\n    return 2 * X.T @ (X @ w - y)\n"
         "def step(w, X, y, lr):\n    return w - lr * grad(w, X, y) / len(y)"),  # divided where it is used
        (CLAIMED, "grad", GRAD.replace("X @ w - y", "y - X @ w") + "\ndef step(w, X, y):\n    w += grad(w, X, y)"),
        (CLAIMED + "\nThe factor 2 is absorbed into the step.\n", "grad", GRAD.replace("2 / ", "1 / ")),
        (CLAIMED, "grad", "lam = 0.1\n" + GRAD + " + lam * w"),  # of another loss
        (CLAIMED, "grad", HALF + GRAD.replace("2 /", "1 /")),
        ("The energy is $V(x, y) = x^2 + x y + y^2$.\n", "dx",
         "def V(x, y):\n    return x**2 + x*y + y**2\ndef dx(x, y):\n    return -2*x - y"),  # a rate along the flow
        (SIGMOID, "sigmoid_prime", "def sigmoid_prime(a):\n    return a * (1 - a)"),  # of the function's value
        (r"Let $A\in\mathbb{R}^{d\times d}$, $x\in\mathbb{R}^d$ and $f(x) = \frac12 x^\top A x$." + "\n", "grad_f",
         "def f(x, A):\n    return 0.5 * x @ A @ x\ndef grad_f(x, A):\n    return A @ x"),  # A symmetric
        (CLAIMED, "grad", "def grad(w, X, y):\n    g = X.T @ (X @ w - y)\n    return g / np.linalg.norm(g)"),
        (CLAIMED, "grad", "def grad(w, X, y):\n    i = np.random.randint(3)\n    return 2 * X[i] * (X[i] @ w - y[i])"),
    ],
)  # fmt: skip
def test_what_may_be_meant_otherwise_is_not_held_against_a_gradient(tmp_path, text, name, code):
    found = judged(tmp_path, text, code, name)
    assert found is None or found.verdict != "refuted", found


def test_a_step_that_calls_the_derivative_is_no_wrong_derivative(tmp_path):
    found = judged(tmp_path, "它的导数是\n\n$$f'(x) = 3x^2 - 4x$$\n", DESCENT, "x")
    assert found is None or found.verdict != "refuted"


def test_a_name_that_is_given_anew_later_is_held_against_nothing_before(tmp_path):
    first = "def f(x):\n    return np.sin(x)\n```\n\n# Later\n\nNow an exponential.\n\n```python\nimport numpy as np\n"
    found = judged(tmp_path, "$$f(x) = \\sin x$$\n", first + "def f(x):\n    return np.exp(-x)", "f")
    assert found is not None and found.verdict != "refuted"
