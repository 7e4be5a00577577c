"""What the governing words make of each formula of a snippet."""

from __future__ import annotations

import pytest
from prose_snippets import document

from lemmata.elaborate.context import context


def cues(markdown: str) -> list[str]:
    return [f.cue for f in context(document(markdown)).formulas]


ENGLISH = [
    ("Let $A \\in \\mathbb{R}^{n\\times n}$ be given. Then $x = y$.", ["define", "claim"]),
    (
        "Let $X \\in \\mathbb{R}^{n\\times d}$ have full rank, $y \\in \\mathbb{R}^n$ and $w \\in R$; let $v \\in R$.",
        ["define"] * 4,
    ),
    ("We denote the empirical risk by $R(w)$.", ["define"]),
    ("With $\\hat w = y$,\n\n$$a = b.$$", ["where", "none"]),
    ("With $u = 1/K$ the uniform distribution, $K = H - 1$.", ["where", "none"]),
    ("With $F \\in R$, $N \\in R$ and $H \\in R$ there are two terms: $$a = b$$", ["where", "where", "where", "claim"]),
    ("With $A = B$, $C = D$ and $E = F$ we get $G = H$.", ["where", "where", "where", "claim"]),
    ("Setting $d_i = 0$ for $i \\notin S$,\n\n$$a = b.$$", ["define", "declare", "none"]),
    ("Using $\\det(X) = 1$ one gets $x = y$.", ["recall", "claim"]),
    ("By Jensen's inequality\n\n$$a \\le b.$$", ["none"]),
    ("Recall that $a = b$.", ["recall"]),
    ("For $d = 4$ it is $T = 1$.", ["declare", "claim"]),
    ("For $n = 4$ and $k = 2$ it is $T = 1$.", ["declare", "declare", "claim"]),
    ("For every $\\alpha > 0$, $f(\\alpha x) = f(x)$.", ["declare", "none"]),
    ("For a positive sample $w$ we minimise $L(w) = w^2$.", ["declare", "none"]),
    ("The loss is $$L = x^2,$$ and its gradient is $$\\nabla L = 2x.$$", ["claim", "claim"]),
    ("The trace ratio has\n\n$$a = b,$$\n\nwhile for the inverse alone\n\n$$c = d.$$", ["claim", "claim"]),
    ("If $A = A^T$, then $x = y$.", ["condition", "claim"]),
    ("If $\\epsilon = 0$ is permitted,\n\n$$a = b.$$", ["condition", "none"]),
    (
        "When $D = 0$ the matrix is block upper triangular, and the formula reduces to $$a = b.$$",
        ["condition", "claim"],
    ),
    ("If $h d = D$ the block has $N = 4 d^2$ parameters.", ["condition", "claim"]),
    (
        "If $u = K b$ and $p = c^T u$ with $c \\in R$, the vector $l = K c$ gives both: $$a = b$$",
        ["condition", "condition", "where", "none", "claim"],
    ),
    ("Both agree if $\\alpha = (1-\\beta)\\eta$.", ["condition"]),
    ("At $t = 0$ the rule becomes $a = b$.", ["condition", "claim"]),
    ("We look at $x$ again.", ["none"]),
    ("Suppose $Q = XW$ and $K = XU$ with $X \\in R$. Then $a = b$.", ["assume", "assume", "where", "claim"]),
    ("We assume $n > d$ and that $X$ has full column rank.", ["assume", "assume"]),
    ("$O = AV$, where $o_i$ is row $i$ of $O$.", ["none", "where", "where", "where"]),
    ("Here $b' = b - c$.", ["where"]),
    ("The inputs, which satisfy $E = s^2$ for each $j$, give $V = 2 s^2$.", ["condition", "declare", "claim"]),
    ("The outer product satisfies $a = b$.", ["claim"]),
    ("The identity for $U$ and $V$ reads $a = b$.", ["declare", "declare", "claim"]),
    ("The method with parameter $\\beta \\in (0,1)$ is $$v = g.$$", ["where", "claim"]),
    ("Adding the term ($\\lambda > 0$) gives $a = b$.", ["where", "claim"]),
    ("Write $\\dot Y$ for $dY/dt$.", ["define", "define"]),
    ("One can write the variance as $a = b$.", ["claim"]),
    ("$X$ is invertible, $\\det X > 0$ where needed.", ["none", "none"]),
    ("The parameters are updated by the update rule\n\n$$x = x - g.$$", ["update"]),
    ("For example, $x = 5$.", ["example"]),
    (
        "Consider\n\n$$M = B,$$\n\nand define the complement $S = E - D$. Then\n\n$$a = b$$",
        ["define", "define", "claim"],
    ),
    ("<!-- lemmata: $K \\in \\mathbb{R}^{m \\times d}$ -->", ["declare"]),
    ("Let $W$ be a random variable with mean $\\mu$:\n\n$$a = b.$$", ["define", "where", "none"]),
    ("Just words around $x$ and $y$.", ["none", "none"]),
]

CHINESE = [
    ("设 $A\\in\\mathbb{R}^{n}$，则 $x=y$。", ["define", "claim"]),
    ("记残差 $E=M-N$，则有\n\n$$a=b,$$\n\n以及\n\n$$c=d.$$", ["define", "claim", "claim"]),
    ("令 $p=q$，于是 $a=b$。", ["define", "claim"]),
    ("若 $A=B$，则 $x=y$。", ["condition", "claim"]),
    ("当 $m=4d$ 时，总数为 $N=8d^2$。", ["condition", "claim"]),
    ("假设 $x>0$。", ["assume"]),
    ("$f(x)=y$，其中 $x\\in R$，$y\\in R$。", ["none", "where", "where"]),
    ("对矩阵 $X\\in R$ 有 $a=b$。", ["declare", "claim"]),
    ("对任意 $c\\in R$，$z\\in R$，\n\n$$a=b.$$", ["declare", "declare", "none"]),
    ("对 $w$ 求偏导\n\n$$a=b$$\n\n对 $b$ 求偏导\n\n$$c=d$$", ["none", "claim", "none", "claim"]),
    ("设 $y$ 为常量，函数 $c(x)=xy$ 的梯度为 $$a=b.$$", ["define", "define", "claim"]),
    ("高斯型函数满足\n\n$$a=b.$$", ["claim"]),
    ("归一化矩阵记作 $A=B$。", ["define"]),
    ("范数满足 $a=b$，于是 $c=d$。", ["claim", "claim"]),
    ("- $\\alpha\\in[0,1]$：权重，满足 $\\sum\\alpha=1$", ["none", "condition"]),
    ("设无向图有 $n$ 个结点，矩阵 $A\\in R$。", ["define", "define"]),
    ("加上正则 $R$（$\\lambda>0$）后，梯度变为 $a=b$。", ["none", "where", "claim"]),
    ("把 $\\log$ 展开可得 $a=b$。", ["define", "claim"]),
    ("参数更新采用 $x\\leftarrow y$。", ["update"]),
    ("正则项 $R$ 与对数 $l$ 有关。", ["none", "none"]),
]


@pytest.mark.parametrize(("markdown", "expected"), ENGLISH + CHINESE)
def test_cue(markdown: str, expected: list[str]) -> None:
    assert cues(markdown) == expected


def test_cue_text_names_the_governing_words() -> None:
    formulas = context(document("Suppose that $a = b$. Hence $c = d$.")).formulas
    assert [f.cue_text for f in formulas] == ["suppose that", "hence"]


def test_before_and_after_hold_other_formulas_as_numbers() -> None:
    formula = context(document("Let $x$ be small; then $y = x$ holds.")).formulas[1]
    assert formula.before == "Let ⟦0⟧ be small; then"
    assert formula.after == "holds."


WITHDRAWN = [
    ("One might guess $a = b$, but $c = d$.", [True, False]),
    (
        "We get\n\n$$a = b.$$\n\nHowever, if we look at this it does not quite work. Recall $X$.\n\n$$c = d.$$",
        [True, False, False],
    ),
    ("We get\n\n$$a = b.$$\n\nThis is fine.", [False]),
    ("It is tempting to write\n\n$$a = b.$$\n\nUnfortunately, the signs differ.", [True]),
    ("Use $a = b$ instead of $c = d$.", [False, True]),
    ("A common mistake is $a = b$.", [True]),
    ("The formula $a = b$ is wrong.", [True]),
    ("If $i = k$ does not hold, the term is $x = 0$.", [False, False]),
    ("$$a = b.$$\n\nIf either of those conditions does not hold, the sum is zero.", [False]),
    ("可能会认为 $a=b$，但实际上 $c=d$。", [True, False]),
    ("应为 $a=b$，而不是 $c=d$。", [False, True]),
    ("写成 $a=b$ 是错误的。", [True]),
    ("错误的写法：$$a=b$$", [True]),
]


@pytest.mark.parametrize(("markdown", "expected"), WITHDRAWN)
def test_withdrawn(markdown: str, expected: list[bool]) -> None:
    assert [f.withdrawn for f in context(document(markdown)).formulas] == expected


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("It is approximately $a = b$, and $c = d$.", [True, False]),
        ("This costs roughly $n$ steps.", [True]),
        ("They are about the same as $x = y$.", [False]),
        ("总数约为 $N=8$。", [True]),
        ("约束 $x>0$。", [False]),
    ],
)
def test_approximate(markdown: str, expected: list[bool]) -> None:
    assert [f.approximate for f in context(document(markdown)).formulas] == expected
