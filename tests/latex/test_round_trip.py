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


def _commands(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    argument = inside.map("{{{}}}".format) | st.sampled_from("x1Z") | st.just(r"\beta ")
    one = st.sampled_from(
        r"\hat \mathbf \mathbb \sqrt \sqrt[3] \boxed \overline \underbrace \mathop \mathrel \textcolor{red} \bm".split()
    )
    two = st.sampled_from(r"\frac \binom \overset \underset \stackrel \dfrac".split())
    frames = st.sampled_from(
        [
            r"\left( {} \right)",
            r"\left\{{ {} \right.",
            r"\left| {} \middle| x\right|",
            r"\begin{{bmatrix}} {} & b \\ c & {} \end{{bmatrix}}",
            r"\begin{{cases}} {} & x \\ {} \end{{cases}}",
            r"\begin{{aligned}} [t] {} \end{{aligned}}",
            r"\begin{{array}}{{c|c}} {} & 1 \end{{array}}",
            r"\substack{{ {} \\ j }}",
            r"{{ {} \over {} }}",
            r"{{\rm {} }}",
            r"{{ {} \\ {} }}",
            r"\xrightarrow[a]{{ {} }}",
        ]
    )
    return (
        st.builds("{} {}".format, one, argument)
        | st.builds("{} {}{}".format, two, argument, argument)
        | st.builds("{}_{}^{}".format, argument, argument, argument)
        | st.builds("x'_{}".format, argument)
        | st.builds(lambda frame, a: frame.format(a, a), frames, inside)
    )


FORMULAS = st.recursive(
    ATOMS, lambda inside: st.lists(inside | _commands(inside), max_size=5).map(" ".join), max_leaves=25
)


@settings(max_examples=400, deadline=None)
@given(FORMULAS)
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
