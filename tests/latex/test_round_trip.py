"""Printing a tree and reading it again gives the same tree; nothing the reader is given makes it fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from notation_text import without_positions

from lemmata.latex import gaps, parse, print_latex, walk

ATOMS = st.sampled_from(
    r"""x y Z 1 23 .5 \alpha \theta \ell \sum \int\limits \prod \max \log \arg\min
    \operatorname{tr} \operatorname*{arg\,max}
    + - = < \in \le \to , ; . ( ) [ ] | \| \{ \} \langle \rangle \cdot \times \odot / * \cdots \ldots ... \dots : ! ' ''
    \quad \, ~ \; \displaystyle \label{a} \not= \not\in \not\subset \bigl( \Bigr] \big| \bigl]
    \prime \% 温 α ≤ ² ₁ x̂ 𝐱 ℝ （
    \text{if~$x$} \mathrm{d} \partial \nabla \mid \hspace{1em} \kern2pt \phantom{x} \color{red} \top""".split()
)


ONE_ARGUMENT = (
    r"""\hat \mathbf \mathbb \sqrt \sqrt[3] \boxed \overline \underbrace \mathop \mathrel \textcolor{red} \bm""".split()
)
TWO_ARGUMENTS = r"""\frac \binom \overset \underset \stackrel \dfrac""".split()
FRAMES = [
    r"\left( % \right)",
    r"\left\{ % \right.",
    r"\left| % \middle| x\right|",
    r"\begin{bmatrix} % & b \\ c & % \end{bmatrix}",
    r"\begin{cases} % & x \\ % \end{cases}",
    r"\begin{aligned} [t] % \end{aligned}",
    r"\begin{array}{c|c} % & 1 \end{array}",
    r"\substack{ % \\ j }",
    r"{ % \over % }",
    r"{\rm % }",
    r"{ % \\ % }",
    r"\xrightarrow[a]{ % }",
]


@st.composite
def formulas(draw: st.DrawFn, depth: int = 0) -> str:
    """Rows of atoms, commands with arguments and frames around smaller formulas."""

    def argument() -> str:
        return draw(st.sampled_from(["x", "1", "Z", r"\beta "])) if draw(st.booleans()) else f"{{{draw(inner)}}}"

    inner = formulas(depth + 1)
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        match draw(st.integers(0, 4)) if depth < 3 else 0:
            case 0:
                parts.append(draw(ATOMS))
            case 1:
                parts.append(draw(st.sampled_from(ONE_ARGUMENT)) + " " + argument())
            case 2:
                parts.append(f"{draw(st.sampled_from(TWO_ARGUMENTS))} {argument()}{argument()}")
            case 3:
                parts.append(f"{argument()}'_{argument()}" if draw(st.booleans()) else f"x_{argument()}^{argument()}")
            case _:
                parts.append(draw(st.sampled_from(FRAMES)).replace("%", draw(inner)))
    return " ".join(parts)


@settings(max_examples=400, deadline=None)
@given(formulas())
def test_print_then_read_gives_the_same_tree(latex: str) -> None:
    tree = parse(latex)
    printed = print_latex(tree)
    again = parse(printed)
    if gaps(tree):
        assert gaps(again)
    else:
        assert without_positions(again) == without_positions(tree), printed


@settings(max_examples=400, deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from(list("{}[]()$&%#^_'~\\ \n|1.ax") + [r"\frac", r"\left", r"\end", r"\def\a"])).map(
        "".join
    )
)
def test_any_text_is_read_with_exact_offsets(latex: str) -> None:
    tree = parse(latex)
    for node in walk(tree):
        assert 0 <= node.start <= node.end <= len(latex)
    for gap in gaps(tree):
        assert gap.source == latex[gap.start : gap.end]
        assert gap.reason
    assert parse(print_latex(tree)) is not None


@pytest.mark.shared
@pytest.mark.parametrize("collection", ["formulas_dev.jsonl", "testsuites_dev.jsonl"])
def test_round_trip_over_real_formulas(shared: Path, collection: str) -> None:
    lines = (shared / "corpus" / collection).read_text(encoding="utf-8").splitlines()
    trees = [(latex, parse(latex)) for latex in (json.loads(line)["latex"] for line in lines)]
    read = [(latex, tree) for latex, tree in trees if not gaps(tree)]
    different = [x for x, tree in read if without_positions(parse(print_latex(tree))) != without_positions(tree)]
    assert not different
    assert len(read) > 0.6 * len(trees)


@pytest.mark.shared
def test_real_formulas_are_read(shared: Path) -> None:
    lines = (shared / "corpus" / "formulas_dev.jsonl").read_text(encoding="utf-8").splitlines()
    unread = [g[0].reason for line in lines if (g := gaps(parse(json.loads(line)["latex"])))]
    unknown = [reason for reason in unread if reason.startswith("unknown")]
    assert len(unread) - len(unknown) < 0.0025 * len(lines), (
        "besides commands that the documents' own macros would define"
    )
    assert len(unread) < 0.012 * len(lines)
