"""Macros: given by the document, defined in formulas, seen by later formulas."""

from __future__ import annotations

import pytest

from lemmata.latex import Macro, gaps, parse, print_latex, walk

EXPANSIONS = [
    (r"\newcommand{\R}{\mathbb{R}} x \in \R^n", r"x\in\mathbb{R}^n"),
    (r"\newcommand\v[1]{\mathbf{#1}} \v x + \v{yz}", r"\mathbf{x}+\mathbf{yz}"),
    (r"\newcommand{\f}[2][n]{#1_{#2}} \f{i} \f[m]{j}", r"n_{i}m_{j}"),
    (r"\renewcommand*{\vec}[1]{\mathbf #1} \vec a", r"\mathbf a"),
    (r"\providecommand{\R}{R} \R", r"\mathbb{R}"),
    (r"\def\norm#1{\|#1\|} \norm{x}^2", r"\|x\|^2"),
    (r"\def\pair(#1,#2){\langle #1 \mid #2 \rangle} \pair(a,{b,c})", r"\langle a\mid b,c\rangle"),
    (r"\def\a{b}{\def\a{c}\a}\a", r"{c}b"),
    (r"{\gdef\a{c}}\a", "{}c"),
    (r"{\global\def\a{c}}\a", "{}c"),
    (r"\let\save\sin\let\sin\cos\let\cos\save \sin x \cos y", r"\cos x\sin y"),
    (r"\def\x{a}\edef\y{\x}\def\x{b}\y", "a"),
    (r"\def\x#1{\def\y##1{#1+##1}\y}\x a b", "a+b"),
    (r"\DeclareMathOperator{\tr}{tr} \tr A", r"\operatorname{tr}A"),
    (r"\DeclareMathOperator*{\argmin}{arg\,min} \argmin_x f", r"\operatorname*{arg\,min}_xf"),
    (r"\def\bmat{\begin{bmatrix}}\def\emat{\end{bmatrix}}\bmat 1\\2\emat", r"\begin{bmatrix}1 \\ 2\end{bmatrix}"),
    (r"\def\open{(}x^\frac12\open", r"x^\frac1 2("),
    (r"\def\d{d}\text{\d{} x}", r"\text{d{} x}"),
    (r"\def\s{a+b}\frac\s2 + \frac{1}\s + \sqrt[3]\s + \hat\s", r"\frac{a+b}2+\frac{1}{a+b}+\sqrt[3]{a+b}+\hat{a+b}"),
    (r"\def\s{ab}\frac{(a]}\s \sqrt[\s]\s [\s]", r"\frac{(a]}{ab}\sqrt[ab]{ab}[ab]"),
    (r"\def\s{ab}x^\s", "x^ab"),
    (r"\def\v{\mathbf v}\hat\v + \hat{\v}", r"\hat{\mathbf v}+\hat{\mathbf v}"),
    (r"\R \isin \red{x}", r"\mathbb{R}\in\textcolor{red}{x}"),
]

MALFORMED = [
    (r"\newcommand{\a}", "the definition is missing"),
    (r"\newcommand{ab}{c}", r"`\newcommand` defines no command"),
    (r"\newcommand{\a}[x]{c}", r"`\newcommand` has no number of arguments between its brackets"),
    (r"\def\a#2{x}", r"the parameters of `\a` are not numbered in order"),
    (r"\def\a#1{x}\a", r"the argument of `\a` is missing"),
    (r"\def\a(#1){x}\a[b]", r"`\a` is not used as it is defined"),
    (r"\def\a{\a}\a", "macros expand to more than 50000 tokens"),
    (r"\global x", r"`x` after `\global` is no definition"),
]


@pytest.mark.parametrize(("latex", "expected"), EXPANSIONS)
def test_expansion(latex: str, expected: str) -> None:
    tree = parse(latex)
    assert not gaps(tree)
    assert print_latex(tree) == expected


@pytest.mark.parametrize(("latex", "reason"), MALFORMED)
def test_what_tex_refuses_is_a_gap(latex: str, reason: str) -> None:
    assert gaps(parse(latex))[0].reason == reason


def test_macros_of_the_document() -> None:
    macros = {r"\vect": r"\mathbf{#1}", "RR": r"\mathbb{R}"}
    assert print_latex(parse(r"\vect{x} \in \RR^n", macros)) == r"\mathbf{x}\in\mathbb{R}^n"


def test_a_document_macro_goes_before_a_command_of_that_name() -> None:
    assert print_latex(parse(r"\vec x", {r"\vec": r"\mathbf{#1}"})) == r"\mathbf{x}"


def test_definitions_reach_later_formulas() -> None:
    definitions: dict[str, Macro] = {}
    assert parse(r"\newcommand{\W}{\mathbf W}\DeclareMathOperator{\tr}{tr}", definitions=definitions).items == ()
    assert set(definitions) == {r"\W", r"\tr"}
    assert print_latex(parse(r"\tr(\W)", definitions=definitions)) == r"\operatorname{tr}(\mathbf W)"
    assert gaps(parse(r"\tr(\W)"))


def test_definitions_inside_a_group_stay_there() -> None:
    definitions: dict[str, Macro] = {}
    parse(r"{\def\a{b}\a}", definitions=definitions)
    assert definitions == {}


def test_what_a_macro_made_stands_where_its_call_stands() -> None:
    latex = r"a + \v{x} - b"
    nodes = list(walk(parse(latex, {"v": r"\mathbf{#1}"})))
    assert {latex[n.start : n.end] for n in nodes[3:6]} == {r"\v{x}"}
    assert latex[nodes[-1].start : nodes[-1].end] == "b"
