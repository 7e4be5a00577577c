"""Variables, gradients and printed expressions against formulas, in and out of step with them."""

from __future__ import annotations

import numpy as np
import pytest
from code_documents import cells
from fake_targets import GRADIENT_B, GRADIENT_W, LOSS, PREDICTION, REGRESSION
from msgspec.structs import replace

from lemmata.code.check import check_code

DATA = """import numpy as np
n, d = 20, 3
X = np.random.randn(n, d)
y = np.random.randn(n)
w = np.random.randn(d)
b = 0.5
"""
GOOD = DATA + "y_pred = X @ w + b\nloss = np.mean((y_pred - y) ** 2)\ndw = 2 / n * X.T @ (y_pred - y)\n"


def verdicts(targets, *sources):
    report = check_code(cells(*sources), targets)
    assert not report.errors and not report.problem, report.errors
    return {f.name: f.verdict for f in report.findings}


def test_values_that_agree_are_verified():
    found = verdicts(REGRESSION, GOOD)
    assert {name: v.kind for name, v in found.items()} == dict.fromkeys(("y_pred", "loss", "dw"), "verified")


@pytest.mark.parametrize(
    "old, new, name",
    [
        ("X @ w + b", "X @ w - b", "y_pred"),
        ("np.mean((y", "np.sum((y", "loss"),
        ("2 / n * X.T", "2 * X.T", "dw"),
        ("2 / n * X.T", "-2 / n * X.T", "dw"),
    ],
)
def test_values_that_differ_are_refuted_with_both_numbers(old, new, name):
    verdict = verdicts(REGRESSION, GOOD.replace(old, new))[name]
    assert verdict.kind == "refuted"
    assert verdict.counterexample.left != verdict.counterexample.right
    assert f"{verdict.counterexample.right:.6g}" in verdict.reason


@pytest.mark.parametrize(
    "source, name",
    [
        ("y_pred = X @ w + b + 0.1 * np.random.randn(n)\n", "y_pred"),
        ("y_pred = np.tanh(X) @ np.random.randn(d, 5) @ np.ones(5)\n", "y_pred"),
        ("hidden = np.arange(20.0)\ny_pred = X @ w + b + hidden\n", "y_pred"),
        ("def model(X):\n    return X @ np.ones(d)\ny_pred = model(X)\n", "y_pred"),
        ("y_pred = X @ w + b\ny = y[:10]\nloss = np.mean((y_pred[:10] - y) ** 2)\n", "loss"),
        ("y_pred = X @ w + b\nother = np.ones(20)\nloss = np.mean((y_pred - other) ** 2)\n", "loss"),
    ],
)  # fmt: skip
def test_a_doubtful_binding_never_refutes(source, name):
    assert verdicts(REGRESSION, DATA + source)[name].kind == "unchecked"


def test_values_are_those_of_their_time():
    """The weights move after the loss was computed; the loss is compared with the weights it was computed from."""
    loop = "for step in range(5):\n    y_pred = X @ w + b\n    loss = np.mean((y_pred - y) ** 2)\n"
    loop += "    dw = 2 / n * X.T @ (y_pred - y)\n"
    found = verdicts(REGRESSION, DATA + loop + "    w = w - 0.1 * dw\n")
    assert {v.kind for v in found.values()} == {"verified"} and len(found) == 3
    found = verdicts(REGRESSION, DATA + loop + "    w -= 0.1 * dw\n")
    assert {v.kind for v in found.values()} == {"verified"} and len(found) == 3


def test_everything_zero_proves_nothing():
    source = DATA.replace("np.random.randn(d)", "np.zeros(d)").replace("b = 0.5", "b = 0.0") + "y_pred = X @ w + b\n"
    verdict = verdicts((PREDICTION,), source)["y_pred"]
    assert verdict.kind == "unchecked" and "zero" in verdict.reason


def test_shapes_that_do_not_fit_are_not_judged():
    source = DATA.replace("np.random.randn(d)", "np.random.randn(d + 1)") + "y_pred = X @ w[:d] + b\n"
    verdict = verdicts((PREDICTION,), source)["y_pred"]
    assert verdict.kind == "unchecked" and "w is 4" in verdict.reason


TORCH = """import torch
n, d = 50, 4
X = torch.randn(n, d)
y = torch.randn(n, 1)
w = torch.randn(d, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
y_hat = X @ w + b
loss = ((y_hat - y) ** 2).mean()
loss.backward()
print("by hand dw:", (2 / n) * X.T @ (y_hat.detach() - y))
print(f"autograd dw = {w.grad}, db = {b.grad}")
"""


@pytest.mark.torch
def test_gradients_of_autograd_and_printed_ones():
    pytest.importorskip("torch")
    found = verdicts(REGRESSION, TORCH)
    assert {"y_hat", "loss", "w.grad", "b.grad", "print: by hand dw", "print: autograd dw", "print: db"} <= set(found)
    assert {v.kind for v in found.values()} == {"verified"}


@pytest.mark.torch
def test_a_wrong_printed_gradient_is_refuted_and_the_right_one_is_not():
    pytest.importorskip("torch")
    found = verdicts((LOSS, GRADIENT_W, GRADIENT_B), TORCH.replace("(2 / n) * X.T", "(1 / n) * X.T"))
    assert found["print: by hand dw"].kind == "refuted"
    assert found["w.grad"].kind == found["print: autograd dw"].kind == "verified"


@pytest.mark.torch
def test_a_gradient_of_another_loss_is_not_held_against_the_formula():
    pytest.importorskip("torch")
    found = verdicts((LOSS, GRADIENT_W), TORCH.replace("loss.backward()", "(3 * loss).backward()").split("print")[0])
    assert found["loss"].kind == "verified" and found["w.grad"].kind == "unchecked"
    found = verdicts((LOSS, GRADIENT_W), TORCH.replace("** 2).mean()", "** 2).sum()").split("print")[0])
    assert found["loss"].kind == "refuted" and found["w.grad"].kind == "unchecked"


@pytest.mark.torch
def test_a_wrong_formula_for_the_gradient_is_refuted_by_autograd():
    pytest.importorskip("torch")
    wrong = replace(GRADIENT_W, formula=lambda x, w, b, y: 1 / len(y) * x.T @ (x @ w + b - y))
    found = verdicts((LOSS, wrong), TORCH.split("print")[0])
    assert found["w.grad"].kind == "refuted" and found["loss"].kind == "verified"


@pytest.mark.parametrize(
    "source, name, why",
    [
        ("x = X[0]\ndw = 2 * (x @ w + b - y[0]) * x\n", "dw", "a part of X, y"),
        ("for x, t in zip(X, y):\n    dw = 2 * (x @ w + b - t) * x\n", "dw", "a part of X, y"),
        ("y_pred = X @ w + b\nw = w - 0.1\nloss = np.mean((y_pred - y) ** 2)\n", "loss", "w has changed"),
        ("lam = 0.1\nloss = np.mean((X @ w + b - y) ** 2) + lam * w @ w\n", "loss", "rests on lam"),
    ],
)
def test_parts_and_later_values_are_not_held_against_the_formula(source, name, why):
    verdict = verdicts(REGRESSION, DATA + source)[name]
    assert verdict.kind == "unchecked" and why in verdict.reason


def test_code_that_stands_nearer_to_another_formula_refutes_nothing():
    wrong = DATA + "y_pred = 1 / (1 + np.exp(-(X @ w + b)))\n"
    assert verdicts((PREDICTION,), wrong)["y_pred"].kind == "refuted"
    nearer = replace(PREDICTION, key="other", line=5, formula=lambda x, w, b: 1 / (1 + np.exp(-(x @ w + b))))
    assert verdicts((PREDICTION, nearer), wrong)["y_pred"].kind == "verified"
    report = check_code(cells(wrong), [PREDICTION], rivals=[(r"\hat{y}", 5)])
    assert [f.verdict.kind for f in report.findings] == ["unchecked"]


@pytest.mark.torch
def test_the_weights_of_a_linear_layer_are_w_and_b():
    pytest.importorskip("torch")
    source = "import torch\nX = torch.randn(9, 4)\nmodel = torch.nn.Linear(4, 1)\ny_pred = model(X)\n"
    assert verdicts((PREDICTION,), source)["y_pred"].kind == "verified"
    assert verdicts((PREDICTION,), source.replace("model(X)", "2 * model(X)"))["y_pred"].kind == "unchecked"


def test_a_constant_of_the_text_is_not_compared_with_a_setting_of_the_code():
    width = replace(PREDICTION, latex=r"d_{\text{model}}", parameters=(), formula=lambda: np.array(512.0))
    assert verdicts((width,), "d_model = 64\n") == {}


@pytest.mark.parametrize(
    "failing",
    [
        "X = X * 2\ny_pred = missing(\n    X,\n) @ w",
        "X = X * 2\nraise ValueError\ny_pred = X @ w + b",
        "X = X * 2\nfor _ in range(3):\n    missing()\ny_pred = X @ w + b",
        "X = X * 2\nimport os\nos._exit(1)\ny_pred = X @ w + b",
    ],
)
def test_what_rests_on_statements_that_did_not_run_is_not_held_against_the_formula(failing):
    report = check_code(cells(DATA + "y_pred = X @ w + b", failing, "loss = np.mean((y_pred - y) ** 2)"), [LOSS])
    kinds = {f.name: f.verdict.kind for f in report.findings}
    assert report.errors and kinds.get("loss") in ("unchecked", "verified")
    wrong = check_code(cells(DATA + "y_pred = X @ w + b", "missing()", "loss = np.sum((y_pred - y) ** 2)"), [LOSS])
    assert wrong.errors and {f.name: f.verdict.kind for f in wrong.findings}["loss"] == "refuted"


def test_a_label_in_front_of_an_error_or_a_norm_is_no_gradient():
    """What stands behind “dw:” may say how far two gradients are apart; only a gradient is judged."""
    source = DATA + "y_hat = X @ w + b\nloss = np.mean((y_hat - y) ** 2)\nby_hand = 2 / n * X.T @ (y_hat - y)\n"
    source += "again = X.T @ (y_hat - y) * 2 / n\n"
    shown = verdicts(REGRESSION, source + 'print("dw:", by_hand)\n')
    wrong = verdicts(REGRESSION, source + 'print("dw:", 2 * by_hand)\n')
    assert shown["print: dw"].kind == "verified" and wrong["print: dw"].kind == "refuted"
    for apart in ("np.linalg.norm(by_hand - again)", "np.max(np.abs(by_hand - again))", "by_hand - again"):
        assert "print: dw" not in verdicts(REGRESSION, source + f'print("dw:", {apart})\n')
