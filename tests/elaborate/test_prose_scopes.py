"""Scopes, sentences and hypotheses; time on huge input."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prose_snippets import document

from lemmata.documents.model import Document
from lemmata.elaborate.context import Context, Hypothesis, context
from lemmata.elaborate.prose_flow import ending


def titles(found: Context, formula: int) -> list[str]:
    return [found.scopes[s].title for s in found.path(found.formulas[formula].scope)][1:]


def test_headings_nest_by_level() -> None:
    found = context(document("# One\n\n$a$\n\n## Two\n\n$b$\n\n# Three\n\n$c$"))
    assert [titles(found, k) for k in range(3)] == [["One"], ["One", "Two"], ["Three"]]


@pytest.mark.parametrize(
    ("opening", "title"),
    [
        ("**Ridge.** With penalty", "Ridge"),
        ("**Attribute classification**. Both losses", "Attribute classification"),
        ("**Classification** is the case", "Classification"),
        ("**B.1 Discrete identities.** Let", "B.1 Discrete identities"),
        ("**（一）迹。** 乘积的迹", "（一）迹"),
        ("**Linear in $X$.** Take", "Linear in $X$"),
    ],
)
def test_run_in_heading(opening: str, title: str) -> None:
    found = context(document(f"# Top\n\n{opening} $L = 1$."))
    scope = found.scopes[found.formulas[-1].scope]
    assert (scope.title, scope.kind) == (title, "runin")


@pytest.mark.parametrize(
    ("opening", "title"),
    [
        ("(2) Derivative of the sigmoid:", "(2) Derivative of the sigmoid"),
        ("（三）正定矩阵。", "（三）正定矩阵"),
        ("Step 1: take", "Step 1"),
    ],
)
def test_numbered_run_in(opening: str, title: str) -> None:
    found = context(document(f"{opening}\n\n$$a = b$$"))
    assert found.scopes[found.formulas[0].scope].title == title


def test_run_in_lasts_until_the_next_heading_or_run_in() -> None:
    found = context(document("# A\n\n**One.** $a$\n\n$$b$$\n\nText $c$.\n\n**Two.** $d$\n\n# B\n\n$e$"))
    assert [titles(found, k) for k in range(5)] == [["A", "One"], ["A", "One"], ["A", "One"], ["A", "Two"], ["B"]]


def test_items_are_scopes_of_their_own() -> None:
    found = context(document("# A\n\n1. First $a$.\n\n    More $b$.\n\n2. Second $c$.\n\nAfter $d$."))
    a, b, c, d = (f.scope for f in found.formulas)
    assert a == b != c
    assert found.scopes[a].kind == found.scopes[c].kind == "item"
    assert found.in_scope(a, d) and not found.in_scope(d, a) and not found.in_scope(a, c)


def test_theorems_and_their_proofs() -> None:
    found = context(document("**Theorem 1 (W).** Let $a = 1$.\n\n*Proof.* Then $b = 2$.\n\n**Lemma 2.** Let $c = 3$."))
    theorem, proof, lemma = (found.scopes[f.scope] for f in found.formulas)
    assert (theorem.kind, proof.kind, lemma.kind) == ("theorem", "proof", "theorem")
    assert proof.parent == theorem.id and lemma.parent == 0


@pytest.mark.parametrize(
    ("markdown", "sentences"),
    [
        ("Let $x$ be 3.5 e.g. here, cf. Eq. (1). Then $y$.", ["Let ⟦0⟧ be 3.5 e.g. here, cf. Eq. (1).", "Then ⟦1⟧."]),
        (
            "We take derivatives w.r.t. $x$ and stop. $y$ is next.",
            ["We take derivatives w.r.t. ⟦0⟧ and stop.", "⟦1⟧ is next."],
        ),
        ("It gives\n\n$$a = b,$$\n\nwhich is so.", ["It gives ⟦0⟧ which is so."]),
        ("It gives\n\n$$a = b.$$\n\nWe go on.", ["It gives ⟦0⟧", "We go on."]),
        ("It gives\n\n$$a = b$$\n\nWe go on.", ["It gives ⟦0⟧", "We go on."]),
        ("So\n\n$$a = b,$$\n\n$$c = d.$$", ["So ⟦0⟧ ⟦1⟧"]),
        ("at $t = 0, 1, \\dots$ The method is $v$.", ["at ⟦0⟧", "The method is ⟦1⟧."]),
        ("gradients $g_1, \\ldots$ Adam maintains $m$.", ["gradients ⟦0⟧ Adam maintains ⟦1⟧."]),
        ("设 $x$。则有\n\n$$a=b,$$\n\n以及\n\n$$c=d.$$", ["设 ⟦0⟧。", "则有 ⟦1⟧ 以及 ⟦2⟧"]),
        ("对 $w$ 求导\n\n$$a=b$$\n\n验证代码：", ["对 ⟦0⟧ 求导 ⟦1⟧", "验证代码："]),
        ("First $x$.\n\nsecond $y$", ["First ⟦0⟧.", "second ⟦1⟧"]),
        ("Why ⟦7⟧? Because.", ["Why [7]?", "Because."]),
    ],
)
def test_sentences(markdown: str, sentences: list[str]) -> None:
    assert [s.text for s in context(document(markdown)).sentences] == sentences


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("a = b .", "."),
        ("a = b,", ","),
        ("\\begin{aligned} a &= b . \\end{aligned}", "."),
        ("a = b. \\tag{1}", "."),
        ("a, b, \\dots", ""),
        ("a, b, ...", ""),
        ("a = b \\,", ""),
        ("a=b。", "."),
        ("", ""),
    ],
)
def test_ending_of_a_formula(latex: str, expected: str) -> None:
    assert ending(latex) == expected


def hypotheses(markdown: str, formula: int = -1) -> list[tuple[str, tuple[int, ...], bool]]:
    return [(h.kind, h.formulas, h.words_only) for h in context(document(markdown)).formulas[formula].hypotheses]


HYPOTHESES = [
    ("If $\\epsilon = 0$ is permitted,\n\n$$a = b.$$", [("if", (0,), False)]),
    ("If the gradient is the same number $g$ at every step, then $a = b$.", [("if", (0,), True)]),
    ("If $A$ is symmetric, then $a = b$.", [("if", (0,), False)]),
    ("If we sum over the diagonal instead,\n\n$$a = b.$$", [("action", (), False)]),
    ("When only the left factor is present, this becomes $a = b$.", [("when", (), True)]),
    ("For $g\\neq0$,\n\n$$a = b.$$", [("for", (0,), False)]),
    ("For all $i,j$,\n\n$$a = b.$$", [("forall", (0,), False)]),
    ("For the same sequence of gradients $m = v$.", [("for", (), True)]),
    ("For the trace of the inverse alone\n\n$$a = b.$$", []),
    ("For students, note that $a = b$.", []),
    ("At $t = 0$ the rule becomes $a = b$.", [("at", (0,), False)]),
    (
        "Suppose that all gradients are equal to a fixed vector $g$. Then after some steps $a = b$.",
        [("assume", (0,), True)],
    ),
    ("In the limit $\\epsilon \\to 0$ we have $a = b$.", [("limit", (0,), False)]),
    ("若只观测到部分评分，则 $a=b$。", [("if", (), True)]),
    ("若需要对输入求导，则 $a=b$。", [("action", (), False)]),
    ("当 $m=4d$ 时，总数为 $a=b$。", [("when", (0,), False)]),
    ("把门视为常量时，雅可比矩阵为 $a=b$。", [("set", (), True)]),
    ("当 $h$ 视为常量时\n\n$$a=b.$$", [("when", (0,), False)]),
    ("对任意 $x\\in R$ 有 $a=b$。", [("forall", (0,), False)]),
    ("对 $x$ 求导得 $a=b$。", []),
    ("softmax 正则有所不同，$a=b$。", []),
]


@pytest.mark.parametrize(("markdown", "expected"), HYPOTHESES)
def test_hypothesis_of_the_last_formula(markdown: str, expected: list[tuple[str, tuple[int, ...], bool]]) -> None:
    assert hypotheses(markdown) == expected


def test_a_trailing_condition_governs_what_stands_before_it() -> None:
    assert hypotheses("We have $a = b$ when $x = 0$.", 0) == [("when", (1,), False)]
    assert hypotheses("We have $a = b$, and if $x = 0$, then $c = d$.", 0) == []
    assert hypotheses("We have $a = b$, and if $x = 0$, then $c = d$.", 2) == [("if", (1,), False)]


def test_a_lead_sentence_hands_its_hypotheses_down() -> None:
    found = context(document("If $x = 0$, then:\n\n- $a = b$\n- $c = d$"))
    assert [[h.kind for h in f.hypotheses] for f in found.formulas] == [[], ["if"], ["if"]]


def test_then_goes_on_with_the_hypothesis_before() -> None:
    assert hypotheses("If $x = 0$ we stop. Then $a = b$.") == [("if", (0,), False)]
    assert hypotheses("If $x = 0$ we stop. Next, $a = b$.") == []


def test_hypotheses_know_their_facts() -> None:
    found = context(document("If $A$ is symmetric, then $a = b$."))
    hypothesis: Hypothesis = found.formulas[1].hypotheses[0]
    assert [found.facts[k].kind for k in hypothesis.facts] == ["symmetric"]
    assert hypothesis.text == "If ⟦0⟧ is symmetric"


def test_an_empty_document() -> None:
    found = context(Document("empty.md", "markdown", ()))
    assert (found.formulas, found.sentences, found.facts, len(found.scopes)) == ((), (), (), 1)


@pytest.mark.parametrize(
    "unit",
    [
        "if $x = 0$ and $A$ is symmetric, ",
        "for all $i$ ",
        "Let $A$ be symmetric. ",
        "$a$, $b$ and $c$ ",
        "(with $x$ ",
        "with mean $m$ and variance $v$ ",
        "令 $x=0$，对称正定矩阵 $A$、",
        "one might guess $a = b$ ",
        "word ",
        "not not symmetric ",
        "对称",
        "$x$ 的",
    ],
)
def test_time_grows_in_proportion(unit: str) -> None:
    """A paragraph of many thousand characters takes a moment, and twice the text about twice the time."""
    small, large = (document(unit * (count // len(unit))) for count in (15_000, 60_000))
    context(small)
    start = time.perf_counter()
    context(small)
    middle = time.perf_counter()
    context(large)
    end = time.perf_counter()
    assert end - middle < 12 * (middle - start) + 0.5


_SOUP = (
    "if|for all|with|$x = 0$|$n \\times d$|$$a = b.$$|$$c,$$|where|let|then|(|)|,|;|:|."
    "|symmetric|not|is|and|rows|mean|of|\n\n|\n- |\n# |**Bold.**|令|对|对称|为|，|。|、|时|若"
    "|$A$|one might guess|but|is wrong|at|⟦3⟧|by|setting|to|be"
    "|$\\{$|$}{$|"
).split("|")


@given(st.lists(st.sampled_from(_SOUP), max_size=60), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_order_of_words_is_read(words: list[str], spaced: bool) -> None:
    """Never an exception; every formula has its context, in order, and says the same the second time."""
    text = document((" " if spaced else "").join(words))
    found = context(text)
    assert [f.index for f in found.formulas] == list(range(len(text.formulas)))
    assert all(f.index in found.sentences[f.sentence].formulas for f in found.formulas)
    assert all(0 <= k < len(found.facts) for f in found.formulas for h in f.hypotheses for k in h.facts)
    assert found == context(text)
