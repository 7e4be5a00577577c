"""Formulas against code where names alone do not tell: each rule beside a false and a true twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from lemmata.pipeline import check


def verdicts(folder: Path, *parts: str) -> list[tuple[str, str]]:
    """(verdict, LaTeX) of the comparisons with code; the parts are text and code by turns."""
    text = "\n\n".join(f"```python\n{p}\n```" if at % 2 else p for at, p in enumerate(parts))
    path = folder / "document.md"
    path.write_text(text + "\n", encoding="utf-8")
    return [(s.verdict, s.latex) for s in check(path) if s.kind == "code" and s.verdict != "unchecked"]


def kinds(folder: Path, *parts: str) -> set[str]:
    return {verdict for verdict, _ in verdicts(folder, *parts)}


WAVES = r"""$$P_{(t, j)} = \begin{cases} \sin(t / 100^{j / w}) & \text{if } j \bmod 2 = 0 \\
\cos(t / 100^{(j - 1) / w}) & \text{otherwise} \end{cases}$$ is the table of waves."""
WAVES_CODE = """import numpy as np
def P(rows, w):
    t = np.arange(rows)[:, None]
    table = np.zeros((rows, w))
    table[:, 0::2] = np.sin(t / 100 ** (np.arange(0, w, 2) / w))
    table[:, 1::2] = np.cos(t / 100 ** (np.arange(0, w, 2) / w))
    return table
"""


@pytest.mark.parametrize(
    "old, new, wanted",
    [
        ("", "", {"verified"}),
        ("(j - 1) / w", "j / w", {"refuted"}),
        (r"\cos(t", r"\sin(t", {"refuted"}),
        (r"t / 100^{(j - 1) / w}", r"(t + 1) / 100^{(j - 1) / w}", {"refuted"}),
    ],
)
def test_a_table_given_by_cases(tmp_path, old, new, wanted):
    assert kinds(tmp_path, WAVES.replace(old, new), WAVES_CODE) == wanted


@pytest.mark.parametrize(
    "old, new",
    [
        ("np.arange(rows)", "np.arange(1, rows + 1)"),  # positions counted from 1
        (
            "    return table",
            "    return np.concatenate([table[:, 0::2], table[:, 1::2]], axis=1)",
        ),  # in halves
        ("def P(rows, w)", "def Q(rows, w)"),  # another function
    ],
)
def test_a_table_in_another_order_is_not_held_against_anybody(tmp_path, old, new):
    assert old in WAVES_CODE
    assert "refuted" not in kinds(tmp_path, WAVES, WAVES_CODE.replace(old, new))


@pytest.mark.parametrize(
    "text, code, wanted",
    [
        ("Here we use $u = [4, 5, 7]$ as a start.", "u = np.array([4, 5, 7.])", {"verified"}),
        ("Here we use $u = [4, 5, 7]$ as a start.", "u = np.array([4, 6, 7.])", {"refuted"}),
        ("We take $\\mathbf{A} = \\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}$.", "A = np.array([[1, 3], [2, 4]])",
         {"refuted"}),
        ("We take $\\mathbf{A} = \\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}$.",
         "A = np.arange(1, 5).reshape(2, 2)", {"verified"}),
        ("We use $u = [0.33, 0.67]$.", "u = np.array([1, 2]) / 3", {"verified"}),
        ("我们使用 $u = [4, 5]$ 作为输入。", "u = np.array([5, 4])", {"refuted"}),
        # other values, said or computed
        ("If we used $u = [4, 5, 7]$, nothing would change.", "u = np.array([4, 6, 7.])", set()),
        ("For instance, for $u = [4, 5, 7]$ the sum is 16.", "u = np.array([4, 6, 7.])", set()),
        ("We use $u = [4, 5, 7]$ as a start.", "base = 2\nu = base * np.array([4, 5, 7])", set()),
        ("We use $u = [4, 5, 7]$ as a start.", "u = np.array([2, 2.5, 3.5])\nu = 2 * u", {"verified"}),
        ("We use $u = [4, 5, 7]$ as a start.", "u = np.random.rand(3)", set()),
        ("We use $u = [4, 5, 7]$ as a start.", "u = np.zeros((3, 2))", set()),
        ("We take the labels $u = [1, 2, 3]$.", "u = np.arange(3)", set()),  # counted from 0 in code
        ("We use $u = [4, 5, 7]$ first, then $u = [1, 2, 3]$.", "u = np.array([1, 2, 3])", {"verified"}),
    ],
)  # fmt: skip
def test_numbers_in_the_text_before_a_cell(tmp_path, text, code, wanted):
    assert kinds(tmp_path, text, "import numpy as np\n" + code) == wanted


WEIGHED = r"""The score of a pair is

$$s = \max(0, \kappa - a + b)^2 + \frac{\nu}{2} \|u\|^2$$

In the code, `near` is $a$, `far` is $b$, `margin` is $\kappa$, `weights` is $u$, `reg` is $\nu$ and `out` is $s$."""
WEIGHED_CODE = """import numpy as np
def compute(near, far, weights, margin, reg):
    gap = np.maximum(margin - near + far, 0)
    out = gap ** 2 + reg / 2 * (weights ** 2).sum()
    return out
"""
FACTORS = r"""With $R$ upper triangular and $D$ diagonal, $G = R^{-1} M D^{-1}$.
Here `inv` holds the diagonal of $D^{-1}$, `Ms` is $M$, and the variable `G` holds $G^T$."""
FACTORS_CODE = """import numpy as np
def factor(R, Ms, inv):
    G = (inv[:, None] * Ms.T) @ np.linalg.inv(R).T
    return (G * G).sum(1)
"""
TERMS = r"""The total is $$L_{\text{gap}} = \sum_{c \in C} \max(0, 2 - |h_c|).$$ In the code, `size` is $|h_c|$."""
TERMS_CODE = """import numpy as np
def gap_loss(h, cells):
    total = np.zeros(())
    for first, last in cells:
        size = np.abs(h[first:last].sum())
        short = np.maximum(2 - size, 0)
        total = total + short
    return total
"""
LOGARITHM = r"""What is left is $$\rho = e^{-\lambda t} (1 - s).$$
($\lambda$ is called `rate` in the code, $s$ (`share`) is lost, and `log_rho` is the logarithm of $\rho$.)"""
LOGARITHM_CODE = """import numpy as np
def left(rate, t, share):
    log_rho = -rate * t + np.log(1 - share)
    return log_rho
"""


@pytest.mark.parametrize(
    "text, code, old, new, wanted",
    [
        (WEIGHED, WEIGHED_CODE, "", "", {"verified"}),
        (WEIGHED, WEIGHED_CODE, "gap ** 2", "gap", {"refuted"}),
        (WEIGHED, WEIGHED_CODE, "reg / 2 *", "reg *", {"refuted"}),
        (WEIGHED.replace("`near` is", "`near` is not"), WEIGHED_CODE, "gap ** 2", "gap", set()),
        (FACTORS, FACTORS_CODE, "", "", {"verified"}),
        (FACTORS, FACTORS_CODE, "np.linalg.inv(R).T", "np.linalg.inv(R)", {"refuted"}),
        (FACTORS, FACTORS_CODE, "Ms.T) @", "2 * Ms.T) @", {"refuted"}),
        # R is triangular, and the code may use it
        (FACTORS, FACTORS_CODE, "np.linalg.inv(R).T", "np.linalg.inv(np.triu(R)).T", {"verified"}),
        (FACTORS.replace("`Ms` is $M$,", ""), FACTORS_CODE, "inv(R).T", "inv(R)", set()),
        (TERMS, TERMS_CODE, "", "", {"verified"}),
        (TERMS, TERMS_CODE, "total + short", "total + short ** 2", {"refuted"}),
        # what is done to the sum may make up for it
        (TERMS, TERMS_CODE.replace("return total", "return total / 2"), "total + short", "total + 2 * short", set()),
        (TERMS, TERMS_CODE.replace("gap_loss", "other"), "total + short", "total + short ** 2", set()),
        (LOGARITHM, LOGARITHM_CODE, "", "", {"verified"}),
        (LOGARITHM, LOGARITHM_CODE, "1 - share", "1 + share", {"refuted"}),
    ],
)  # fmt: skip
def test_names_that_the_text_explains(tmp_path, text, code, old, new, wanted):
    assert old in code
    assert kinds(tmp_path, text, code.replace(old, new) if old else code) == wanted


GATED = r"""A gated unit is $$\text{Gated}(x) = \tanh(\text{Dense}_1(x)) \odot \text{Dense}_2(x),$$
where $\text{Dense}_1$ and $\text{Dense}_2$ are linear."""
GATED_CODE = """import torch
class Unit(torch.nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.dense1 = torch.nn.Linear(n, m)
        self.dense2 = torch.nn.Linear(n, m)
        self.last = torch.nn.Linear(m, n)
    def forward(self, x):
        opened = torch.tanh(self.dense1(x))
        return self.last(opened * self.dense2(x))
"""


@pytest.mark.parametrize(
    "old, new, wanted",
    [
        ("", "", {"verified"}),
        ("opened * self.dense2(x)", "self.dense2(x) * opened", {"verified"}),
        ("torch.tanh(self.dense1(x))", "torch.tanh(self.dense2(x))", set()),
        ("torch.tanh(self.dense1(x))\n        return self.last(opened * self.dense2(x))",
         "torch.tanh(self.dense2(x))\n        return self.last(opened * self.dense1(x))", {"refuted"}),
        # another function, other layers, other inputs
        ("torch.tanh", "torch.sigmoid", set()),
        ("opened * self.dense2(x)", "opened + self.dense2(x)", set()),
        ("self.dense2(x))", "self.dense2(x + 1))", set()),
    ],
)  # fmt: skip
def test_layers_that_the_formula_numbers(tmp_path, old, new, wanted):
    assert old in GATED_CODE
    assert kinds(tmp_path, GATED, GATED_CODE.replace(old, new)) == wanted


ANGLES = r"""The angles are $\theta_j = q^{-2j/d}$, $j = 0, 1, \dots, d/2 - 1$."""
ANGLES_CODE = """import numpy as np
def make_thetas(d, q=100.0):
    return 1.0 / q ** (np.arange(0, d, 2) / d)
"""


@pytest.mark.parametrize(
    "text, code, wanted",
    [
        (ANGLES, ANGLES_CODE, {"verified"}),
        (ANGLES.replace("-2j/d", "-j/d"), ANGLES_CODE, {"refuted"}),
        (ANGLES, ANGLES_CODE.replace("1.0 / q", "q"), {"refuted"}),
        (ANGLES, ANGLES_CODE.replace("d, 2) / d)", "d, 2) / d)[::-1]"), set()),
        (ANGLES.replace("j = 0, 1", "j = 1, 2").replace("d/2 - 1", "d/2"), ANGLES_CODE, set()),  # off by one number
        (ANGLES, ANGLES_CODE.replace("return 1.0 / q", "return np.arange(3)[:, None] * q"), set()),  # with positions
        (ANGLES, ANGLES_CODE.replace("make_thetas", "halves"), set()),
        (ANGLES, ANGLES_CODE.replace("d, q=100.0", "d, q, s").replace("return 1.0", "return s"), set()),
        (r"Let $\theta_j = \frac{j}{4}$, $j = 0, \dots, 4$.", "import numpy\ntheta = numpy.linspace(0, 3, 5)", set()),
    ],
)  # fmt: skip
def test_lists_given_member_by_member(tmp_path, text, code, wanted):
    assert kinds(tmp_path, text, code) == wanted


MARGIN = r"""The loss for the class $k$ is $L_k = T_k \max(0, m^{+} - \|\mathbf{v}_k\|)^2 + \mu (1 - T_k)
\max(0, \|\mathbf{v}_k\| - m^{-})^2$."""
MARGIN_CODE = """import numpy as np
m_plus, m_minus, mu = 0.9, 0.1, 0.25
rng = np.random.default_rng(3)
v = rng.uniform(-0.4, 0.4, size=(4, 3, 5))
v_norm = np.sqrt((v * v).sum(axis=2))
T = np.eye(3)[[0, 2, 1, 1]]
present = np.maximum(0, m_plus - v_norm) ** 2
absent = np.maximum(0, v_norm - m_minus) ** 2
L = T * present + mu * (1 - T) * absent
"""


@pytest.mark.parametrize(
    "text, old, new, wanted",
    [
        (MARGIN, "", "", {"verified"}),
        (MARGIN, "T * present + mu", "T * present - mu", {"refuted"}),
        (MARGIN, "m_plus - v_norm) ** 2", "m_plus - v_norm)", {"refuted"}),
        # the name says norm, and it is none
        (MARGIN, "v_norm = np.sqrt((v * v).sum(axis=2))", "v_norm = (v * v).sum(axis=2)", set()),
        (MARGIN.replace(r"^2 + \mu", r" + \mu"), "np.sqrt((v * v).sum(axis=2))", "(v * v).sum(axis=2)", set()),
        # more goes in, by chance or as a mask
        (MARGIN, "+ mu * (1 - T)", "+ 0.5 * mu * rng.random() * (1 - T)", set()),
        (MARGIN, "m_plus, m_minus, mu = 0.9, 0.1, 0.25", "m_plus, m_minus, mu = 0.9, 0.1, np.ones(3)", set()),
        (MARGIN, "L = T", "keep = np.ones((4, 3))\nkeep[0] = 0\nL = keep * T", set()),
    ],
)  # fmt: skip
def test_members_of_families_at_the_values_of_the_code(tmp_path, text, old, new, wanted):
    assert old in MARGIN_CODE
    assert kinds(tmp_path, text, MARGIN_CODE.replace(old, new)) == wanted


NOISE = r"""The data follow $$y = 3 x - 1 + \varepsilon, \qquad \varepsilon \sim \mathcal{N}(0, 0.3).$$"""
NOISE_CODE = """import numpy as np
rng = np.random.default_rng(1)
def data(x):
    return 3 * x - 1 + rng.normal(0, 0.3, size=x.shape)
"""


@pytest.mark.parametrize(
    "text, code, wanted",
    [
        (NOISE, NOISE_CODE, set()),
        (NOISE + r" In general $y \sim \mathcal{N}(\mu, \sigma^2)$.", NOISE_CODE, {"refuted"}),
        (NOISE.replace(".$$", "$$ of variance 0.3."), NOISE_CODE, {"refuted"}),
        (NOISE.replace(".$$", "$$ 其方差为 0.3。"), NOISE_CODE, {"refuted"}),
        (NOISE + " The variance of the estimate is another matter.", NOISE_CODE, set()),
        (NOISE.replace("0.3", "0.09"), NOISE_CODE, {"verified"}),
        (NOISE.replace("0.3", "0.3^2"), NOISE_CODE, {"verified"}),
        (NOISE, NOISE_CODE.replace("0.3", "np.sqrt(0.3)"), {"verified"}),
        (
            NOISE,
            NOISE_CODE.replace("rng.normal(0, 0.3, size=x.shape)", "0.3 * rng.standard_normal(x.shape)"),
            set(),
        ),
        # the second number may be the standard deviation, or the code does something else
        (NOISE + " The standard deviation is small.", NOISE_CODE, set()),
        (NOISE + r" In general $y \sim \mathcal{N}(\mu, \sigma)$.", NOISE_CODE, set()),
        (NOISE, NOISE_CODE.replace("3 * x", "2 * x"), set()),
        (NOISE, NOISE_CODE.replace("0.3", "0.5"), set()),
        (NOISE, NOISE_CODE.replace("rng.normal", "rng.normal(0, 1, x.shape) * rng.normal"), set()),
        (NOISE.replace("0.3", "1"), NOISE_CODE.replace("0.3", "1"), {"verified"}),
    ],
)
def test_noise_of_a_law_in_numbers(tmp_path, text, code, wanted):
    assert kinds(tmp_path, text, code) == wanted


def test_a_number_that_may_be_variance_or_deviation_is_told(tmp_path):
    (tmp_path / "a.md").write_text(f"{NOISE}\n\n```python\n{NOISE_CODE}\n```\n")
    (told,) = (s.reason for s in check(tmp_path / "a.md") if s.verdict == "unchecked")
    assert "whether 0.3 is the standard deviation or the variance of the law, the document does not say" in told


@pytest.mark.parametrize(
    "words, wanted",
    [
        ("`a` and `b` are $u$ and $v$", {"verified"}),
        ("`b` is $v$ and `a` is $u$", {"verified"}),
        ("`a` and `b` are $v$ and $u$", {"refuted"}),
        ("$v$ (`a`) and $u$ (`b`)", {"refuted"}),
        ("`a`, `b` and `c` are $v$, $u$", set()),
        ("`a` and `b` are not $v$ and $u$", set()),
        ("`a` is $v$ transposed and `b` is $u$", set()),
        ("`a` is $v$, divided by two, and `b` is $u$", set()),
        ("`a` is $v$ minus the mean and `b` is $u$", set()),
    ],
)
def test_lists_of_names_that_the_text_explains(tmp_path, words, wanted):
    text = rf"The gain is $$g = \frac{{u - 2 v}}{{u v + 3}}.$$ In the code, {words}, and `gain` is $g$."
    assert kinds(tmp_path, text, "def of(a, b):\n    gain = (a - 2 * b) / (a * b + 3)\n    return gain") == wanted


DISTILLED = r"""The student learns with $$L_{KD} = \tau^2 \sum_{c=1}^{C} p_c \log \frac{p_c}{q_c}$$
where `teacher` is $p$, `student` is $q$ and `T` is $\tau$."""
DISTILLED_CODE = """import numpy as np
def kd_loss(teacher, student, T):
    return T ** 2 * (teacher * (np.log(teacher) - np.log(student))).sum()
"""
STANDARD = r"""Features become $$z = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}.$$
Here `mean` is $\mu$, `var` is $\sigma^2$, `eps` is $\epsilon$, and `out` is $z$."""
STANDARD_CODE = """import numpy as np
def standardise(x, mean, var, eps=1e-5):
    out = (x - mean) / np.sqrt(var + eps)
    return out
"""
PAIRS = r"""The score is $$s_{ij} = \frac{q_i^\top k_j}{\sqrt{d}} + b_{ij},$$ where `Q` and `K` hold the $q_i$ and $k_j$
as rows, `bias` is the matrix of the $b_{ij}$, and `S` is the matrix of the $s_{ij}$."""
PAIRS_CODE = """import numpy as np
def scores(Q, K, bias):
    d = Q.shape[-1]
    S = Q @ K.T / np.sqrt(d) + bias
    return S
"""


@pytest.mark.parametrize(
    "text, code, old, new, wanted",
    [
        (DISTILLED, DISTILLED_CODE, "", "", {"verified"}),
        (DISTILLED, DISTILLED_CODE, "(teacher * (np", "(student * (np", {"refuted"}),
        (DISTILLED, DISTILLED_CODE, "T ** 2", "T", {"refuted"}),
        (DISTILLED, DISTILLED_CODE, "(student))).sum()", "(student))).sum(-1)", {"verified"}),
        (DISTILLED, DISTILLED_CODE, "def kd_loss", "def other", {"verified"}),
        (DISTILLED, DISTILLED_CODE.replace("kd_loss", "other"), "T ** 2", "T", set()),
        (STANDARD, STANDARD_CODE, "", "", {"verified"}),
        (STANDARD, STANDARD_CODE, "np.sqrt(var + eps)", "(np.sqrt(var) + eps)", {"refuted"}),
        (STANDARD, STANDARD_CODE, "np.sqrt(var + eps)", "(np.sqrt(var) + eps) if False else var", {"refuted"}),
        (STANDARD.replace("`var` is", "`std` is"), STANDARD_CODE, "var + eps", "var - eps", set()),
        (PAIRS, PAIRS_CODE, "", "", {"verified"}),
        (PAIRS, PAIRS_CODE, "Q @ K.T / np.sqrt(d) + bias", "(Q @ K.T + bias) / np.sqrt(d)", {"refuted"}),
        (PAIRS, PAIRS_CODE, "Q @ K.T", "K @ Q.T", set()),  # another shape
    ],
)
def test_code_with_explained_arguments(tmp_path, text, code, old, new, wanted):
    assert old in code
    assert kinds(tmp_path, text, code.replace(old, new) if old else code) == wanted


@pytest.mark.parametrize(
    "text, code, wanted",
    [
        # capital letters that may be numbers
        (r"The score is $$F = \frac{2 P R}{P + R}$$", "def score(P, R):\n    F = 2 * P * R / (P + R)\n    return F",
         {"verified"}),
        (r"The energy is $$E = M V^2 + M G H$$",
         "def energy(M, V, G, H):\n    E = M * V ** 2 + M * G * H\n    return E", set()),
        (r"The energy is $$E = M V^2 + M G H$$",
         "def energy(M, V, G, H):\n    E = M * V ** 2 - M * G * H\n    return E", {"refuted"}),
        (r"With matrices, $$E = A B + C.$$", "def e(A, B, C):\n    E = A @ B + C\n    return E", {"verified"}),
        (r"With matrices, $$E = A B - C.$$", "def e(A, B, C):\n    E = A @ B + C\n    return E", {"refuted"}),
        (r"The mean moves as $$\hat\mu \leftarrow (1 - m) \hat\mu + m \mu$$",
         "def move(mu_hat, mu, m):\n    mu_hat = (1 - m) * mu_hat + m * mu\n    return mu_hat", {"verified"}),
        (r"The mean moves as $$\hat\mu \leftarrow (1 - m) \hat\mu + m \mu$$",
         "def move(mu_hat, mu, m):\n    mu_hat = m * mu_hat + (1 - m) * mu\n    return mu_hat", {"refuted"}),
        (r"$\text{freq}_k = 2^k \pi$, $k = 0, \dots, L - 1$",
         "import numpy as np\ndef freqs(L):\n    return 2.0 ** np.arange(L) * np.pi", {"verified"}),
        (r"$\text{freq}_k = 2^k \pi$, $k = 0, \dots, L - 1$",
         "import numpy as np\ndef freqs(L):\n    return 2.0 * np.arange(L) * np.pi", {"refuted"}),
    ],
)  # fmt: skip
def test_letters_of_either_case(tmp_path, text, code, wanted):
    assert kinds(tmp_path, text, code) == wanted


def test_a_function_that_a_loop_takes_up_is_none_of_the_formulas(tmp_path):
    text = r"The entropy is $$U(p) = -\sum_{i=1}^{n} p_i \log p_i.$$"
    code = """import numpy as np
def entropy(p):
    return -np.sum(p * np.log(p))
def gini(p):
    return 1 - np.sum(p ** 2)
p = np.array([0.2, 0.3, 0.5])
for U in (entropy, gini):
    print(U(p))
"""
    assert kinds(tmp_path, text, code) == set()
    assert kinds(tmp_path, text, code.split("for U")[0] + "def U(p):\n    return gini(p)") == {"refuted"}


@pytest.mark.parametrize(
    "text, code",
    [
        # other units, other constants, another purpose, another order: said by names, numbers or words
        (r"The angles are $\theta_i = \frac{\pi i}{6}$, $i = 0, \dots, n - 1$.",
         "import numpy as np\ndef thetas(n):\n    return np.arange(n) * 30.0"),
        (r"The wavelengths are $\lambda_i = 100^{2i/d}$, $i = 0, \dots, d/2 - 1$, the inverse of frequencies.",
         "import numpy as np\ndef inv_freq(d):\n    return 1.0 / 100 ** (np.arange(0, d, 2) / d)"),
        (r"We move by $$\theta \leftarrow \theta - \eta g$$",
         "def ascend(theta, eta, g):\n    theta = theta + eta * g\n    return theta"),
        (r"The rate is $$k = A e^{-E / (R T)}.$$ Here $E$ is given in kJ.",
         "import numpy as np\ndef rate(A, E, R, T):\n    k = A * np.exp(-1000 * E / (R * T))\n    return k"),
        (WAVES, WAVES_CODE.replace("rows, w)", "rows, w, base=50)", 1).replace("100 **", "base **")),
        (GATED + " In older code the halves are swapped.",
         GATED_CODE.replace("dense1(x)", "DENSE").replace("dense2(x)", "dense1(x)").replace("DENSE", "dense2(x)")),
    ],
)  # fmt: skip
def test_code_that_differs_on_purpose(tmp_path, text, code):
    assert "refuted" not in kinds(tmp_path, text, code)


def test_a_fixed_point_is_no_definition(tmp_path):
    text = r"A contraction has one point with $$f[z] = z.$$"
    assert kinds(tmp_path, text, "def f(z):\n    return 0.3 + 0.4 * z") == set()
