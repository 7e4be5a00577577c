"""Blocks, styles, containers, hints, front matter."""

from __future__ import annotations

import pytest
from document_slices import check_formula, prose, read_checked, slice_of

from lemmata.documents import Block, Formula, Text, read_text


def blocks(source: str, path: str = "page.md") -> list[Block]:
    return [b for b in read_checked(source, path).blocks if isinstance(b, Block)]


def test_headings_have_levels():
    found = blocks("# A $x$\n\n## B ##\n\nC\n===\n\nD\n---\n")
    assert [(b.kind, b.level) for b in found] == [("heading", 1), ("heading", 2), ("heading", 1), ("heading", 2)]
    assert isinstance(found[0].inlines[1], Formula)


def test_styles_and_their_places():
    source = "**Bias $b$ trick.** Then *let* `x_1` and ***both***, a__b__c"
    (block,) = blocks(source)
    runs = [(i.text, i.strong, i.emphasis, i.code) for i in block.inlines if isinstance(i, Text)]
    assert runs == [
        ("Bias ", True, False, False),
        (" trick.", True, False, False),
        (" Then ", False, False, False),
        ("let", False, True, False),
        (" ", False, False, False),
        ("x_1", False, False, True),
        (" and ", False, False, False),
        ("both", True, True, False),
        (", a__b__c", False, False, False),
    ]
    for inline in block.inlines:
        if isinstance(inline, Text):
            found = slice_of(source, inline.span)
            assert found == (f"`{inline.text}`" if inline.code else inline.text)


CHINESE = [
    ("**定义：**设$x$为", ["定义："]),
    ("设**$x$（输入）**为", ["（输入）"]),
    ("这是**重点**。", ["重点"]),
    ("甲**乙**丙**丁**戊", ["乙", "丁"]),
    ("**Step 1.**先求", ["Step 1."]),
    ("2 * 3 ** 中", []),
]


@pytest.mark.parametrize(("source", "strong"), CHINESE, ids=[s for s, _ in CHINESE])
def test_strong_words_without_spaces_around_them(source, strong):
    (block,) = blocks(source)
    assert [i.text for i in block.inlines if isinstance(i, Text) and i.strong] == strong


def test_items_nest():
    found = blocks("before\n\n1. one\n   - two $x$\n\n     still two\n   - three\n2. four\n\nafter")
    assert [(b.kind, b.level) for b in found] == [
        ("paragraph", 0), ("item", 1), ("item", 2), ("item", 2), ("item", 2), ("item", 1), ("paragraph", 0),
    ]  # fmt: skip
    one, two, still, three, four = (b.containers for b in found[1:-1])
    assert len(one) == len(four) == 1 and one != four
    assert two == still and two[:1] == one and len(two) == 2 and three != two
    assert found[0].containers == found[-1].containers == ()


def test_quotes_directives_and_footnotes_are_containers():
    source = "> q\n\n:::{note}\nn\n:::\n\n!!! tip\n    t\n\n[^1]: f\n\ng"
    found = blocks(source)
    assert [(b.kind, len(b.containers)) for b in found] == [("paragraph", 1)] * 4 + [("paragraph", 0)]
    assert len({b.containers for b in found}) == 5


def test_theorems():
    source = """:::{prf:theorem} Mean of $X$
:label: thm-a

Let $x$ be

::::{note}
inner
::::

```{prf:proof}
By $y$.
```
:::

::: {#def-b name="Softmax"}
Text $z$.
:::

```{admonition} A *title*
Body.
```

!!! lemma "Trace"
    Body.
"""
    found = blocks(source)
    assert prose(read_text(source)) == [
        ("theorem", "Theorem Mean of ⟨X⟩"), ("paragraph", "Let ⟨x⟩ be"), ("paragraph", "inner"),
        ("theorem", "Proof"), ("paragraph", "By ⟨y⟩."),
        ("theorem", "Definition Softmax"), ("paragraph", "Text ⟨z⟩."),
        ("theorem", "A title"), ("paragraph", "Body."),
        ("theorem", "Lemma Trace"), ("paragraph", "Body."),
    ]  # fmt: skip
    theorem, body, inner, proof, by, *_ = found
    assert theorem.containers == body.containers == inner.containers[:1] == proof.containers[:1]
    assert len(by.containers) == 2


def test_nested_containers_of_pandoc_close_by_counting():
    source = "::: {.callout-note}\na\n\n::: {.aside}\nb\n:::\n\nc\n:::\n\nd"
    assert [(p, len(b.containers)) for b, (_, p) in zip(blocks(source), prose(read_text(source)))] == [
        ("a", 1), ("b", 2), ("c", 1), ("d", 0),
    ]  # fmt: skip


def test_hints():
    source = (
        "Text <!-- lemmata: $K \\in \\mathbb{R}^{m \\times d_k}$ --> goes on.\n\n"
        "<!-- lemmata: $\\text{Attention}$ is scaled_dot_product_attention,\n  $x$ -->\n\n"
        "<!-- other $y$ -->\n\n- {/* lemmata: $z > 0$ */}\n"
    )
    document = read_checked(source)
    assert prose(document) == [
        ("paragraph", "Text  goes on."),
        ("hint", "⟨K \\in \\mathbb{R}^{m \\times d_k}⟩"),
        ("hint", "⟨\\text{Attention}⟩ is scaled_dot_product_attention,\n⟨x⟩"),
        ("hint", "⟨z > 0⟩"),
    ]
    assert [f.span.start.line for f in document.formulas] == [1, 3, 4, 8]
    for formula in document.formulas:
        check_formula(source, formula)


def test_table_cells_are_paragraphs():
    source = "| A | $b$ |\n| - | :-: |\n| c \\| d | |\n| e | f | g |\n\ntext"
    assert prose(read_checked(source)) == [
        ("paragraph", "A"), ("paragraph", "⟨b⟩"), ("paragraph", "c | d"), ("paragraph", "e"), ("paragraph", "f"),
        ("paragraph", "text"),
    ]  # fmt: skip


def test_html_elements_cut_paragraphs():
    source = (
        "<table><tr><td>a $x$</td><td>b</td></tr></table>\n\n<details><summary>S</summary>\n\nText **t**.\n\n</details>"
    )
    assert prose(read_checked(source)) == [
        ("paragraph", "a ⟨x⟩"), ("paragraph", "b"), ("paragraph", "S"), ("paragraph", "Text t."),
    ]  # fmt: skip


FRONT = """---
title: A page
math:
  \\R: \\mathbb{R}
  '\\norm': {macro: '\\left\\|#1\\right\\|'}
  argmax: ['\\operatorname{argmax}', 0]
kernelspec:
  name: python3
---

$x$
"""


def test_front_matter():
    document = read_checked(FRONT)
    assert document.macros == {
        "\\R": "\\mathbb{R}",
        "\\norm": "\\left\\|#1\\right\\|",
        "\\argmax": "\\operatorname{argmax}",
    }
    assert document.metadata == {"title": "A page", "kernelspec": {"name": "python3"}}
    assert document.formulas[0].span.start.line == 11
    assert prose(document) == [("paragraph", "⟨x⟩")]


def test_broken_front_matter_is_told_with_its_line():
    document = read_checked("---\ntitle: [a\nb: }\n---\n\n$x$")
    (problem,) = document.diagnostics
    assert problem.code == "front-matter" and problem.span is not None and problem.span.start.line in (3, 4)
    assert len(document.formulas) == 1


def test_aliases_in_front_matter_do_not_unfold():
    bomb = "---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n\n$x$"
    assert [d.code for d in read_checked(bomb).diagnostics] == ["front-matter"]


def test_a_rule_at_the_start_is_no_front_matter():
    assert len(read_checked("---\n\n$x$\n\n---\n\n$y$").formulas) == 2
