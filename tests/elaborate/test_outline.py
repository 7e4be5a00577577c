"""Equations with something left open are understood in outline and never decided; misfits are not understood."""

import pytest

from lemmata.documents import read_text
from lemmata.elaborate.document import elaborate
from lemmata.lower.judge import judge_statement

UNDERSTOOD = [
    (r"$f(x) = g(x) h(x)$", {"g(·) : number", "h(·) : number"}),
    (r"$f'(x) = g'(h(x))\, h'(x)$", set()),
    (r"$f(x + \epsilon) = g(x + \epsilon) + h(x)$ and $g(x) = 1$", {"h(·) : number"}),
    (r"$e_{ij} = f(\mathbf a_i)^\top f(\mathbf b_j)$", {"f(·) : vector"}),
    (r"$\hat{\mathbf y} = h([\mathbf u, \mathbf v])$", {"h(·) : vector"}),
    (r"$\|\mathbf x - \mathbf x^*\|^2 = 2 \eta R^*$", {"bold x^* : vector", "R^* : number"}),
    (r"$P(y = 0 \mid x; w) = 1 - P(y = 1 \mid x; w)$", set()),
    (r"$\mathbf m = \frac{1}{|\mathcal B|} \sum_{\mathbf x \in \mathcal B} \mathbf x$", {r"a sum over the set x\inB"}),
    (r"$\sum_{\tau=0}^\infty \beta^\tau = \frac{1}{1 - \beta}$", set()),
    (r"$\det(\mathbf A) = \lambda_1 \cdots \lambda_n$", set()),
    (r"$|\alpha| \to \infty$", set()),
    (r"$\sum_{i=1}^m \boldsymbol{z}_i = \mathbf{0}$", {"bold z_i : vector"}),
    (r"$R Y + Y S^T = F$", {"F : matrix"}),
    (r"$P(|X - c| \ge \varepsilon) \le \delta$", {"P(·) : number"}),
    (r"$|A \cap B| = |B \cap A|$", {"A : set", "B : set"}),
    (r"$x_i \in [0, 1], i \in [m]$", set()),
    (
        r"$V^\pi(s) = \sum_a \pi(a \mid s) \sum_z P(z \mid s, a) [R(s, a, z) + \gamma V^\pi(z)]$",
        {"R(·,·,·) : number"},
    ),
    (r"$\text{准确率} = \frac{\text{正确数}}{\text{总数}}$", {"正确数 : number"}),
    (r"$k : \mathcal X \times \mathcal X \to \mathbb R$", set()),
    (r"$\nabla f(\mathbf x) = 2 \mathbf x$ 其中函数 $f$ 未知", set()),
]

OPEN = [
    "$= n$",
    r"$\frac{d}{dx} f(x) = \;?$",
    r"$\mathbf{u} = g(\mathbf{x})^\top \mathbf{y}$",
    r"$o_3 : 16$",
    r"$g(\mathbf{x}) + \mathbf{y} \in \mathbb{R}^{m \times n}$",
    r"Let $A \in \mathbb{R}^{m \times n}$ and $B \in \mathbb{R}^{k \times l}$. $$ A + B = g(A) $$",
]


@pytest.mark.parametrize(("text", "supposed"), UNDERSTOOD, ids=[t for t, _ in UNDERSTOOD])
def test_understood_in_outline(text: str, supposed: set[str]) -> None:
    statement = elaborate(read_text(text)).statements[0]
    assert statement.understood
    assert not statement.reason or supposed <= set(statement.outline or ()), statement.outline
    assert judge_statement(statement).kind in ("unchecked", "assumed")


@pytest.mark.parametrize("text", OPEN)
def test_not_understood(text: str) -> None:
    statement = elaborate(read_text(text)).statements[-1]
    assert statement.reason
    assert statement.outline is None


@pytest.mark.parametrize(
    "text",
    [
        "Let $x > 0$. $$ g(x) = g(x) + 1 $$",
        "Let $x > 0$. $$ g(x) h(x) = h(x) g(x) $$",
        "Let $x > 0$. $$ x^* = 2 x^* $$",
        r"$$ \sum_{x \in \mathcal B} x = 0 $$",
    ],
)
def test_what_is_open_decides_nothing(text: str) -> None:
    for statement in elaborate(read_text(text)).statements:
        assert judge_statement(statement).kind in ("unchecked", "assumed")
