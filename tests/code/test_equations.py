"""Equations of a document against the instructions that carry them out, each beside code that does something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lemmata.pipeline import check

FENCE = "```python\n{}\n```\n"


def verified(folder: Path, text: str, code: str) -> list[str]:
    """LaTeX of the formulas that the code was found to compute, and of nothing else; none may be refuted."""
    path = folder / "document.md"
    path.write_text(text + "\n" + FENCE.format(code), encoding="utf-8")
    found = [s for s in check(path) if s.kind == "code"]
    assert not [s for s in found if s.verdict == "refuted"], [s.reason for s in found]
    return [s.latex for s in found if s.verdict == "verified"]


MOMENTUM = r"""The velocity and the parameters move as

$$\begin{aligned}
\mathbf{v}_t &\leftarrow \beta \mathbf{v}_{t-1} + \mathbf{g}_t, \\
\mathbf{x}_t &\leftarrow \mathbf{x}_{t-1} - \eta \mathbf{v}_t.
\end{aligned}$$
"""
MOMENTUM_CODE = """import torch
def step(params, velocities, config):
    for p, v in zip(params, velocities):
        with torch.no_grad():
            v[:] = config['momentum'] * v + p.grad
            p[:] -= config['lr'] * v
"""
ADAM = r"""The moments are
$$m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2,$$
with the corrections $\hat m_t = \frac{m_t}{1 - \beta_1^t}$ and $\hat v_t = \frac{v_t}{1 - \beta_2^t}$, and the step is
$$\theta_t = \theta_{t-1} - \frac{\alpha \hat m_t}{\sqrt{\hat v_t} + \epsilon}.$$
"""
ADAM_CODE = """import numpy as np
def adam(theta, grad, m, v, t, alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad ** 2
    m_hat = m / (1 - beta1 ** t)
    v_hat = v / (1 - beta2 ** t)
    theta = theta - alpha * m_hat / (np.sqrt(v_hat) + eps)
    return theta, m, v
"""
CELL = r"""One step of the recurrent cell is
$$\mathbf{R}_t = \sigma(\mathbf{X}_t \mathbf{W}_{xr} + \mathbf{H}_{t-1} \mathbf{W}_{hr} + \mathbf{b}_r), \quad
\mathbf{H}_t =
\tanh(\mathbf{X}_t \mathbf{W}_{xh} + (\mathbf{R}_t \odot \mathbf{H}_{t-1}) \mathbf{W}_{hh} + \mathbf{b}_h).$$
"""
CELL_CODE = """import torch
class Cell:
    def forward(self, inputs, H):
        outputs = []
        for X in inputs:
            R = torch.sigmoid(X @ self.W_xr + H @ self.W_hr + self.b_r)
            H = torch.tanh(X @ self.W_xh + (R * H) @ self.W_hh + self.b_h)
            outputs.append(H)
        return outputs, H
"""
SCRIPT = r"""With $z = w x + b$ and $a = \sigma(z)$ the loss is $L = \frac{1}{2} (a - y)^2$."""
SCRIPT_CODE = """import numpy as np
w, x, b, y = 0.5, 2.0, -0.3, 1.0
z = w * x + b
a = 1 / (1 + np.exp(-z))
L = 0.5 * (a - y) ** 2
"""
DECAY = r"""The rate falls over time: $$\begin{aligned}
\eta(t) &= \eta_0 e^{-\lambda t} && \text{exponential decay} \\
\eta(t) &= \eta_0 (\beta t + 1)^{-\alpha} && \text{polynomial decay}
\end{aligned}$$"""
DECAY_CODE = """import math
def exponential_rate():
    global t
    t += 1
    return math.exp(-0.1 * t)
def polynomial_rate():
    global t
    t += 1
    return (1 + 0.2 * t) ** (-0.5)
t = 1
"""
KERNEL = r"""The kernel is
$k(\mathbf{p}, \mathbf{q}) = \exp\left(-\frac{1}{2 \sigma^2} \|\mathbf{p} - \mathbf{q}\|^2\right)$."""
KERNEL_CODE = """import numpy as np
def kernel_of_width(sigma):
    return lambda x: np.exp(-x ** 2 / (2 * sigma ** 2))
"""
HINGE = r"""The scores are $s = f(x_i)$ and the loss of example $i$ is
$$L_i = \sum_{j \neq y_i} \max(0, w_j^T x_i - w_{y_i}^T x_i + \Delta).$$
"""
HINGE_CODE = """import numpy as np
def L_i(x, y, W):
    delta = 1.0
    scores = W.dot(x)
    loss = 0.0
    for j in range(W.shape[0]):
        if j == y:
            continue
        loss += max(0, scores[j] - scores[y] + delta)
    return loss
"""
SHIFT = r"""The gradient step moves $\mathbf{x} \leftarrow \mathbf{x} - \eta \nabla f(\mathbf{x})$."""
SHIFT_CODE = """def step(x1, x2, grad_f, eta_t):
    g1, g2 = grad_f(x1, x2)
    return x1 - eta_t * g1, x2 - eta_t * g2
"""


@pytest.mark.parametrize(
    "text, code, count, old, new",
    [
        (MOMENTUM, MOMENTUM_CODE, 2, "* v + p.grad", "* v - p.grad"),
        (MOMENTUM, MOMENTUM_CODE, 2, "-= config", "+= config"),
        (ADAM, ADAM_CODE, 5, "(1 - beta1 ** t)", "(1 - beta1)"),
        (ADAM, ADAM_CODE, 5, "(1 - beta2) * grad ** 2", "(1 - beta2) * grad"),
        (ADAM, ADAM_CODE, 5, "np.sqrt(v_hat) + eps", "np.sqrt(v_hat + eps)"),
        (CELL, CELL_CODE, 2, "(R * H) @ self.W_hh", "R * (H @ self.W_hh)"),
        (CELL, CELL_CODE, 2, "torch.sigmoid(X @", "torch.tanh(X @"),
        (SCRIPT, SCRIPT_CODE, 3, "0.5 * (a", "(a"),
        (DECAY, DECAY_CODE, 2, "math.exp(-0.1 * t)", "math.exp(0.1 * t)"),
        (DECAY, DECAY_CODE, 2, "** (-0.5)", "** 0.5"),
        (KERNEL, KERNEL_CODE, 1, "(2 * sigma ** 2)", "sigma ** 2"),
        (HINGE, HINGE_CODE, 1, "if j == y:\n            continue", "pass"),
        (HINGE, HINGE_CODE, 1, "scores[j] - scores[y]", "scores[y] - scores[j]"),
        (SHIFT, SHIFT_CODE, 1, "x1 - eta_t * g1, x2 - eta_t * g2", "x1 - eta_t * g2, x2 - eta_t * g1"),
    ],
)
def test_what_instructions_compute_and_what_they_do_not(tmp_path, text, code, count, old, new):
    right = verified(tmp_path, text, code)
    assert len(set(right)) == count, right
    assert old in code
    wrong = code.replace(old, new)
    assert (
        len({s.latex for s in check(_written(tmp_path, text, wrong)) if s.kind == "code" and s.verdict == "verified"})
        < count
    )


def _written(folder: Path, text: str, code: str) -> Path:
    path = folder / "wrong.md"
    path.write_text(text + "\n" + FENCE.format(code), encoding="utf-8")
    return path


def refuted(folder: Path, text: str, *codes: str) -> list[str]:
    """Reasons of the refutations by code."""
    path = folder / "document.md"
    path.write_text(text + "\n" + "\n".join(map(FENCE.format, codes)), encoding="utf-8")
    return [s.reason for s in check(path) if s.kind == "code" and s.verdict == "refuted"]


CALLED = MOMENTUM_CODE.replace("momentum", "beta")
ROOT = "$\\sqrt{1 - \\bar\\alpha}$"
BUMP = r"""The bump kernel of two points with bandwidth $h$ is

$$k(x, y) = \exp\left(-\frac{\|x - y\|^2}{h}\right).$$
"""
BUMP_CODE = """import numpy as np
def bump_kernel(x, y, h):
    return np.exp(-np.dot(x - y, x - y) / h)
"""


@pytest.mark.parametrize(
    "text, right, wrong, reason",
    [
        (ROOT, "import numpy as np\nroot = np.sqrt(1 - alpha_bar)", "import numpy as np\nroot = np.sqrt(alpha_bar)",
         "right behind the formula"),
        (BUMP, BUMP_CODE, BUMP_CODE.replace("-np.dot", "np.dot"), "bump kernel"),
        (MOMENTUM, CALLED, CALLED.replace("* v + p.grad", "* v - p.grad"), "called as the left side"),
    ],
)  # fmt: skip
def test_instructions_tied_to_an_equation_are_held_against_it(tmp_path, text, right, wrong, reason):
    assert not refuted(tmp_path, text, right)
    found = refuted(tmp_path, text, wrong)
    assert len(found) == 1 and reason in found[0]


@pytest.mark.parametrize(
    "text, code",
    [
        (ROOT + " and nothing else of it is needed in what follows, as the next lines show.",
         "import numpy as np\nbeta = np.sqrt(alpha_bar)"),  # not its instruction
        (BUMP, BUMP_CODE.replace("bump_kernel", "tent").replace("-np.dot", "np.dot")),  # another function
        (BUMP, BUMP_CODE.replace("x, y, h)", "x, y, h, scale)").replace("/ h", "/ h * scale")),  # of more
        ("We move $v \\leftarrow b v + g$.\n\nLater\n\n$$v \\leftarrow b v - g$$",
         "def step(v, g, b):\n    v = b * v - g\n    return v"),  # nearer to another equation
        ("The noise is $e = s z$.", "import numpy as np\ndef draw(s, z):\n    e = s + np.random.randn()\n    return e"),
        ("The rate is $r = a / b$.", "eps = 0.5\ndef rate(a, b):\n    r = a / (b + eps)\n    return r"),
    ],
)  # fmt: skip
def test_what_may_be_something_else_is_not_held_against_an_equation(tmp_path, text, code):
    assert not refuted(tmp_path, text, code)


POSITIONS = r"""Position $p$ and dimension $i$ of the encoding are
$$PE_{(p, 2i)} = \sin\left(\frac{p}{10000^{2i / d}}\right), \quad
PE_{(p, 2i+1)} = \cos\left(\frac{p}{10000^{2i / d}}\right).$$
"""
POSITIONS_CODE = """import numpy as np
def positional_encoding(length, d):
    table = np.zeros((length, d))
    for p in range(length):
        for i in range(d // 2):
            angle = p / 10000 ** (2 * i / d)
            table[p, 2 * i] = np.sin(angle)
            table[p, 2 * i + 1] = np.cos(angle)
    return table
"""


def written(folder: Path, text: str, code: str, kind: str) -> list[str]:
    """LaTeX of the formulas with such a verdict by code."""
    return [s.latex for s in check(_written(folder, text, code)) if s.kind == "code" and s.verdict == kind]


def test_tables_of_positions(tmp_path):
    assert len(verified(tmp_path, POSITIONS, POSITIONS_CODE)) == 2
    assert len(written(tmp_path, POSITIONS, POSITIONS_CODE.replace("np.cos", "np.sin"), "verified")) < 2
    assert not written(tmp_path, POSITIONS, POSITIONS_CODE.replace("2 * i / d", "i / d"), "verified")


@pytest.mark.parametrize(
    "text, right, old, new",
    [
        (r"$$v \leftarrow \beta v + g$$" + "\n" + r"$$\theta \leftarrow \theta - \eta v$$",
         "def step(theta, v, g, beta, eta):\n    v = beta * v + g\n    theta = theta - eta * v\n    return theta, v",
         "eta * v", "eta * g"),
        (r"$$\hat v_t = \frac{v_t}{1-\beta^t}$$" + "\n"
         r"$$\theta_t = \theta_{t-1} - \frac{\alpha g_t}{\sqrt{\hat v_t} + \epsilon}$$",
         "def step(theta, g, v, t, alpha, beta, eps):\n    v_hat = v / (1 - beta**t)\n"
         "    theta = theta - alpha * g / (np.sqrt(v_hat) + eps)\n    return theta", "sqrt(v_hat)", "sqrt(v)"),
        (r"$$r_t = \sigma(W_r x_t + U_r h_{t-1})$$" + "\n" + r"$$z_t = \sigma(W_z x_t + U_z h_{t-1})$$" + "\n"
         r"$$\tilde h_t = \tanh(W_h x_t + U_h (r_t \odot h_{t-1}))$$",
         "def cell(x, h, p):\n    r = 1 / (1 + np.exp(-p['W_r'] @ x - p['U_r'] @ h))\n"
         "    z = 1 / (1 + np.exp(-p['W_z'] @ x - p['U_z'] @ h))\n"
         "    h_tilde = np.tanh(p['W_h'] @ x + p['U_h'] @ (r * h))\n    return h_tilde, z", "(r * h)", "(z * h)"),
        (r"$$S = QK^\top/\sqrt{d},\quad P = \mathrm{softmax}(S),\quad O = PV$$",
         "def out(P, V, K):\n    O = P @ V\n    return O", "P @ V", "P @ K"),
        (r"$r = y - Xw$, the loss is $L = \frac{1}{n} \|r\|^2$ and the penalty $P = \lambda\|w\|^2$.",
         "def penalty(w, r, lam):\n    return lam * np.sum(w**2)", "w**2", "r**2"),
    ],
)  # fmt: skip
def test_another_symbol_of_the_document_is_not_taken_for_one_that_is_missing(tmp_path, text, right, old, new):
    assert old in right
    path = tmp_path / "document.md"

    def last(code: str) -> list[str]:
        path.write_text(f"{text}\n\n```python\nimport numpy as np\n{code}\n```\n", encoding="utf-8")
        found = [s for s in check(path) if s.kind == "code" and s.verdict == "verified"]
        wanted = 1 + max(
            n for n, row in enumerate(path.read_text().split("\n"), 1) if (new if new in code else old) in row
        )
        return [s.reason for s in found if f"line {wanted - 1} " in s.reason]

    assert last(right)
    assert not last(right.replace(old, new))
