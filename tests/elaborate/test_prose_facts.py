"""Properties and relations stated in words: what is said of which formula, and what is denied."""

from __future__ import annotations

import pytest
from prose_snippets import document

from lemmata.elaborate.context import Context, context
from lemmata.elaborate.prose_lexicon import LanguageError, build, lexicon

Simple = set[tuple[str, tuple[int, ...], tuple[int, ...]]]
QUIET = {"matrix", "vector"}


def facts(markdown: str) -> Simple:
    return simple(context(document(markdown)))


def simple(found: Context) -> Simple:
    return {(f.kind, f.subjects, f.objects) for f in found.facts if f.kind not in QUIET}


PROPERTIES = [
    (
        "Let $C$ be a symmetric positive definite $n\\times n$ matrix.",
        {("symmetric", (0,), ()), ("positive definite", (0,), ())},
    ),
    (
        "Let $Z\\in R$ with $k < n$ and full column rank, and let $A\\in R$ be symmetric.",
        {("full column rank", (0,), ()), ("symmetric", (2,), ())},
    ),
    ("Let $G \\in R$ and $H \\in R$ be invertible.", {("invertible", (0, 1), ())}),
    (
        "$\\Sigma=D$ with positive $s_j$, $V\\in R$ orthogonal, and $\\lambda>0$.",
        {("positive", (1,), ()), ("orthogonal", (2,), ())},
    ),
    (
        "Suppose $Y(t)\\in R$ depends smoothly on a scalar $t$ and is invertible.",
        {("depends on", (0,), (1,)), ("scalar", (1,), ()), ("invertible", (0,), ())},
    ),
    ("with fixed $K, L \\in R$ and $K$ invertible", {("constant", (0,), ()), ("invertible", (1,), ())}),
    ("For a second invertible matrix $F\\in R$,", {("invertible", (0,), ())}),
    ("With $\\mathbf 1_m$ the all-ones vector, the rest follows.", {("ones", (0,), ())}),
    ("Let $b\\in R$ and $\\mathbf 1_n \\in R$ (all ones).", {("ones", (1,), ())}),
    ("where $\\delta_{ij}$ is the Kronecker delta", {("kronecker delta", (0,), ())}),
    ("For a one-hot (or any other) target vector $t$ it holds.", {("one-hot", (0,), ())}),
    (
        "Let $p$ and $q$ be strictly positive probability vectors of length $K$.",
        {("simplex", (0, 1), ()), ("of length", (0, 1), (2,))},
    ),
    ("with $\\tanh$ applied elementwise", {("elementwise", (0,), ())}),
    ("With $I$ the $n\\times n$ identity, it reads so.", {("identity", (0,), ())}),
    ("$n, m, p$ are pairwise different.", {("distinct", (0,), ())}),
    ("with a small constant $\\epsilon > 0$", {("small", (0,), ()), ("constant", (0,), ())}),
    ("If $\\Pi\\in R$ is a permutation matrix then $x = y$.", {("permutation", (0,), ())}),
    (
        "for $A + tB$ to be invertible with positive determinant",
        {("invertible", (0,), ()), ("positive determinant", (0,), ())},
    ),
    ("Let $f:R\\to R$ be differentiable.", {("differentiable", (0,), ())}),
    ("Let $X = U S V^T$ be a thin singular value decomposition.", {("svd", (0,), ())}),
    (
        "$W\\in\\mathbb{R}^{n\\times n}$ 对称正定，$b\\in R$。",
        {("symmetric", (0,), ()), ("positive definite", (0,), ())},
    ),
    (
        "其 Cholesky 分解为 $S=LL^T$，$L$ 为下三角且对角元为正。",
        {("cholesky", (0,), ()), ("lower triangular", (1,), ()), ("positive diagonal", (1,), ())},
    ),
    ("$A$、$B$、$c$ 为常量。", {("constant", (0, 1, 2), ())}),
    ("对称正定矩阵 $A$", {("symmetric", (0,), ()), ("positive definite", (0,), ())}),
    ("其中 $\\mathbf 1$ 为全一向量，$\\max$ 逐元素作用。", {("ones", (0,), ()), ("elementwise", (1,), ())}),
    ("设 $d$ 为偶数。", {("even", (0,), ())}),
    ("固定 $V$（列满秩）时", {("constant", (0,), ()), ("full column rank", (0,), ())}),
    ("$e_c$ 为第 $c$ 个标准基向量", {("basis vector", (0,), ())}),
    ("独热标签矩阵 $Y\\in R$", {("one-hot", (0,), ())}),
    ("当 $h$ 视为常量时 $$a=b$$", {("constant", (0,), ())}),
]

NEGATED = [
    "Let $M\\in R$, not necessarily symmetric.",
    "Let $M\\in R$ be a matrix that need not be invertible.",
    "A matrix $M$ is invertible if and only if its determinant is not zero.",
    "The mapping from the response $x$ to mean $m$ is called so.",
    "$M$ is not symmetric.",
    "$M$ is neither symmetric nor diagonal.",
    "Is $M$ symmetric?",
    "It is unclear whether $M$ is invertible.",
    "Let $M$ be a non-symmetric matrix.",
    "设 $A\\in R$（不要求对称）。",
    "$A$ 不一定可逆。",
    "$A$ 未必正定。",
    "With $x\\in R$ the matrix form is clear.",
    "It ignores positive rescaling: for every $a$ it holds.",
    "$A$ and $b$ are used in symmetric fashion elsewhere.",
    "The weights are independent of the inputs $x$.",
]

RELATIONS = [
    ("Let $X \\in R$ be the design matrix with rows $x_i^\\top$.", {("rows", (0,), (1,))}),
    ("let $V$ have rows $v_j$, let $O$ have rows $o_i$", {("rows", (0,), (1,)), ("rows", (2,), (3,))}),
    ("where $o_i$ is row $i$ of $O$", {("rows", (2,), (0,))}),
    ("There are $Q \\in R$, $K \\in R$. Rows are denoted $q_i$ and $k_j$.", {("rows", (0, 1), (2, 3))}),
    (
        "Vectors $x_1, x_n \\in R$ (the rows of $X\\in R$) with labels $y_i$, collected in $y$.",
        {("rows", (1,), (0,)), ("entries", (3,), (2,))},
    ),
    ("For a signal $x\\in R$ with entries $x_0, x_1$, $k \\le n$, let $y=x$.", {("entries", (0,), (1,))}),
    ("Let $L$ be a scalar function of $y$ and $d = 1$.", {("function of", (0,), (1,)), ("scalar", (0,), ())}),
    (
        "For a scalar loss $L$ that depends on these only through $O$",
        {("function of", (0,), (1,)), ("scalar", (0,), ())},
    ),
    ("$X^{-T}$ stands for $(X^{-1})^T$.", {("stands for", (0,), (1,))}),
    ("Write $\\dot Y$ for $dY/dt$.", {("stands for", (0,), (1,))}),
    ("where $t$ divides $s+2p-k$", {("divides", (0,), (1,))}),
    (
        "For independent scalar variables $X, Y$ with means $a, b$ and variances $c, d$",
        {("independent", (0,), ()), ("scalar", (0,), ()), ("mean", (0,), (1,)), ("variance", (0,), (2,))},
    ),
    ("标量损失 $L$ 对 $Y$ 的梯度记为 $D\\in R$。", {("gradient named", (2,), (0, 1)), ("scalar", (0,), ())}),
    ("若标量损失 $L$ 只依赖 $h$，则", {("function of", (0,), (1,)), ("scalar", (0,), ())}),
    (
        "随机向量 $x$ 的均值为 $\\mu$，协方差矩阵为 $\\Sigma$。",
        {("mean", (0,), (1,)), ("covariance", (0,), (2,)), ("random", (0,), ())},
    ),
    ("设 $X_1$ 独立同分布，方差为 $s^2$。", {("iid", (0,), ()), ("variance", (0,), (1,))}),
    ("$\\sigma_1\\ge\\sigma_r$ 为 $A$ 的非零奇异值", {("singular values", (1,), (0,)), ("nonzero", (1,), ())}),
]

CONVENTIONS = [
    ("The Jacobian, with rows indexed by outputs, is $J = 1$.", "rows are outputs"),
    ("雅可比矩阵按“行为输出、列为输入”的约定书写。", "rows are outputs"),
    ("The gradient has the same layout as its argument.", "gradient same shape"),
    ("标量对矩阵的导数与该矩阵形状相同。", "gradient same shape"),
    ("where gradients are column vectors", "gradients are columns"),
    ("All vectors are columns.", "vectors are columns"),
    ("We use $Y = X$ (indices from zero).", "indices from zero"),
    ("Softmax without further comment acts on each row.", "softmax over rows"),
    ("Everything is measured in nats.", "natural log"),
    ("Here a dot is the derivative in $t$.", "dot is derivative"),
    ("All other matrices are constants.", "others constant"),
    ("We assume every inverse written below exists.", "inverses exist"),
    ("本章采用分母布局。", "denominator layout"),
]


@pytest.mark.parametrize(("markdown", "expected"), PROPERTIES + RELATIONS)
def test_fact(markdown: str, expected: Simple) -> None:
    assert facts(markdown) == expected


@pytest.mark.parametrize("markdown", NEGATED)
def test_what_is_denied_or_said_of_something_else_is_no_fact(markdown: str) -> None:
    assert facts(markdown) == set()


@pytest.mark.parametrize(("markdown", "kind"), CONVENTIONS)
def test_convention(markdown: str, kind: str) -> None:
    assert (kind, (), ()) in facts(markdown)


def test_moments_of_components() -> None:
    found = context(
        document(
            "Let $q, k \\in R$ be independent random vectors "
            "whose components are independent with mean $0$ and variance $1$."
        )
    )
    said = {(f.kind, f.subjects, f.objects, f.part) for f in found.facts}
    assert {("independent", (0,), (), ""), ("independent", (0,), (), "components")} <= said
    assert {("mean", (0,), (1,), "components"), ("variance", (0,), (2,), "components")} <= said


def test_means_still_zero_speaks_of_all_that_have_a_variance() -> None:
    found = context(
        document(
            "If the components of $q$ have variance $a$ and those of $k$ have variance $b$ (means still zero), "
            "then $x = y$."
        )
    )
    assert ("zero mean", (0, 2), ()) in simple(found)
    assert all(f.conditional for f in found.facts)


def test_facts_in_a_condition_hold_only_there() -> None:
    found = context(document("If $A$ is symmetric, $x = y$. Let $B$ be symmetric."))
    assert [(f.subjects, f.conditional) for f in found.facts if f.kind == "symmetric"] == [((0,), True), ((2,), False)]


def test_words_inside_a_formula_speak_of_it() -> None:
    assert ("rowwise", (0,), ()) in facts("$$P = \\operatorname{softmax}(S) \\text{ (row by row)}$$")


def test_facts_of_a_formula() -> None:
    found = context(document("Let $A$ be symmetric and $B$ be diagonal."))
    assert [f.kind for f in found.facts_of(0)] == ["symmetric"]
    assert [f.kind for f in found.facts_of(1)] == ["diagonal"]


def test_every_pattern_compiles() -> None:
    words = lexicon()
    assert all(relation.pattern.pattern for relation in words.relations + words.conventions)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"colours": {}}, "unknown table `colours`"),
        ({"cues": {"shout": ["hey"]}}, "unknown list `cues.shout`"),
        ({"cues": {"define": "let"}}, "`cues.define` must be a list of phrases"),
        (
            {"cues": {"define": ["let"], "claim": ["let"]}},
            "`let` stands in more than one list of `cues`: define, claim",
        ),
    ],
)
def test_malformed_language_data(data: dict[str, object], message: str) -> None:
    with pytest.raises(LanguageError, match=message):
        build(iter([data]))


def test_no_table_of_whole_phrases_is_lost() -> None:
    assert all(lexicon().sets.values())


@pytest.mark.parametrize("markdown", [m for m, _ in RELATIONS + CONVENTIONS])
def test_the_letters_a_pattern_needs_are_in_what_it_matches(markdown: str) -> None:
    text = " ".join(s.text for s in context(document(markdown)).sentences)
    words = lexicon()
    matching = [r for r in words.relations + words.conventions if r.pattern.search(text)]
    assert matching
    assert all(r.may_occur(text.lower()) for r in matching)


def test_broken_pattern() -> None:
    words = build(iter([{"relations": {"rows": ["rows (<O>"]}}]))
    with pytest.raises(LanguageError, match="cannot be compiled"):
        _ = words.relations[0].pattern
