"""Formulas of every dialect, with their exact places."""

from __future__ import annotations

import pytest
from document_slices import prose, read_checked, slice_of

INLINE = [
    # (source, [(latex, line, column of the opening delimiter)])
    ("a $x$ b", [("x", 1, 3)]),
    ("$ L $ 对 $ W $", [("L", 1, 1), ("W", 1, 9)]),
    ("设$x$为$y_1$的", [("x", 1, 2), ("y_1", 1, 6)]),
    ("$x_i * y_j$ and $a * b_k$", [("x_i * y_j", 1, 1), ("a * b_k", 1, 17)]),
    ("*$x$* **$y_1$** _$z_2$_", [("x", 1, 2), ("y_1", 1, 9), ("z_2", 1, 18)]),
    ("one\ntwo $x\n+ y$ three", [("x\n+ y", 2, 5)]),
    (r"$a \text{ if $b$ holds} + c$", [(r"a \text{ if $b$ holds} + c", 1, 1)]),
    (r"$\{x\}$ and $\text{US\$}$", [(r"\{x\}", 1, 1), (r"\text{US\$}", 1, 13)]),
    (r"$a \\$", [(r"a \\", 1, 1)]),
    ("$`x^2`$ and `$y$`", [("x^2", 1, 1)]),
    ("$a$$b$", [("a", 1, 1), ("b", 1, 4)]),
    ('$a$-$b$ ($c$), $d$: "$e$"', [("a", 1, 1), ("b", 1, 5), ("c", 1, 10), ("d", 1, 16), ("e", 1, 22)]),
    (r"see \\(x_i \in R^D\\) and \\( y \\).", [(r"x_i \in R^D", 1, 5), ("y", 1, 27)]),
    (r"see \(x_i \in R^D\) and \( y \).", [(r"x_i \in R^D", 1, 5), ("y", 1, 25)]),
    ("role {math}`x^2` and :math:`y`", [("x^2", 1, 6), ("y", 1, 22)]),
    ("{% katex %}x^2{% endkatex %}", [("x^2", 1, 1)]),
    ("# Head $x$ #", [("x", 1, 8)]),
    ("Head $x$\n===", [("x", 1, 6)]),
    ("- item $x$\n  - inner $y$\n\n    more $z$", [("x", 1, 8), ("y", 2, 11), ("z", 4, 10)]),
    ("1. a\n   $x$\nlazy $y$", [("x", 2, 4), ("y", 3, 6)]),
    ("> quote $x$\n> $y$\nlazy $z$", [("x", 1, 9), ("y", 2, 3), ("z", 3, 6)]),
    ("> - a $x$\n>   b $y$", [("x", 1, 7), ("y", 2, 7)]),
    ("[link $x$](u$v$) ![$y$](w)", [("x", 1, 7), ("y", 1, 20)]),
    ("a [^1].\n\n[^1]: note $x$\n    more $y$", [("x", 3, 12), ("y", 4, 10)]),
    ("| a | b |\n|---|---|\n| $|x|$ | $y$ |", [("|x|", 3, 3), ("y", 3, 11)]),
    ("| $a$ |\n|:-:|\n| \\| $c$", [("a", 1, 3), ("c", 3, 6)]),
    ("<div>\nin $x$\n</div>", [("x", 2, 4)]),
    ("<p>a $x$</p><p>b $y$</p>", [("x", 1, 6), ("y", 1, 18)]),
    ("a <b>$x$</b>", [("x", 1, 6)]),
    ("$x$\n\n\u2028$y$ and \x0b $z$", [("x", 1, 1), ("y", 3, 2), ("z", 3, 12)]),
    ("tab\t$x$\n\t$y$", [("x", 1, 5), ("y", 2, 2)]),
    ("-\t$x$\n\n\t$y$", [("x", 1, 3), ("y", 3, 2)]),
    ("&amp; $x$ \\* $y$", [("x", 1, 7), ("y", 1, 14)]),
    ("$x$2", [("x", 1, 1)]),
    ("costs $5, but $x$ is free", [("x", 1, 15)]),
    ("共$5元，设$x$为", [("x", 1, 7)]),
    ("$softmax$ of $attention\\ score$", [("softmax", 1, 1), ("attention\\ score", 1, 14)]),
]


@pytest.mark.parametrize(("source", "expected"), INLINE, ids=[s for s, _ in INLINE])
def test_inline(source, expected):
    document = read_checked(source)
    assert [(f.latex, f.span.start.line, f.span.start.column) for f in document.formulas] == expected
    assert not any(f.display for f in document.formulas)


NONE = [
    "$5 and $6 is money",
    "from $5 to $10, or US$20/US$30.",
    "it is 5 $ and 6 $ each",
    "5$-6$ and 10$ more",
    "$100 million",
    "价格$5到$6元",
    "a \\$x\\$ b",
    "`$x$` and ``$`y`$ ``",
    "```\n$x$\n```",
    "~~~tex\n$$\nx\n$$\n~~~",
    "    $$x$$",
    "<!-- $x$ -->\n\ntext <!-- $$y$$ --> text",
    "<!--\n\n$$\nx\n$$\n\n-->",
    "<pre>$x$</pre>",
    "<script>\nlet a = `$x$`;\n</script>",
    "text <code>$x$</code>",
    "$$ alone",
    "$ $ and $$$$ and $$ $$",
    "$\n\n$",
    r"see \[1\] and \[2, 3\] and \(a\)",
    r"\[not a link\](x)",
    "export const a = '$x$'\n",
    "echo $HOME and $PATH",
    "[a]: http://x/$y$",
]


@pytest.mark.parametrize("source", NONE, ids=NONE)
def test_no_formula(source):
    assert read_checked(source, "page.mdx").formulas == ()


DISPLAY = [
    # (source, latex, span as the source's own text, label)
    ("$$x$$", "x", "$$x$$", None),
    ("$$\nx\n+ y\n$$", "x\n+ y", "$$\nx\n+ y\n$$", None),
    ("$$ x\n= y $$", "x\n= y", "$$ x\n= y $$", None),
    ("$$\n\nx\n\ny\n\n$$", "x\n\ny", "$$\n\nx\n\ny\n\n$$", None),
    ("$$\na\n---\nb\n- c\n# d\n> e\n1. f\n```\n$$", "a\n---\nb\n- c\n# d\n> e\n1. f\n```", None, None),
    ("text $$a\n- b\n===\n+ c$$ where", "a\n- b\n===\n+ c", "$$a\n- b\n===\n+ c$$", None),
    ("$$\na\n- b\n$$ where", "a\n- b", "$$\na\n- b\n$$", None),
    ("text\n$$\nx\n$$\ntext", "x", "$$\nx\n$$", None),
    ("- item\n  $$\n  x\n    y\n  $$\n  text", "x\n  y", "$$\n  x\n    y\n  $$", None),
    ("- $$\n  x\n  $$", "x", "$$\n  x\n  $$", None),
    ("1. item\n\n   $$x$$\n", "x", "$$x$$", None),
    ("- a\n  $$\nx\n  $$", "x", "$$\nx\n  $$", None),
    ("> $$\n> x\n> - y\n> $$\n", "x\n- y", "$$\n> x\n> - y\n> $$", None),
    ("> text $$x$$ text", "x", "$$x$$", None),
    ("```math\nx\ny\n```", "x\ny", "```math\nx\ny\n```", None),
    ("- a\n  ```math\n  x\n  ```", "x", "```math\n  x\n  ```", None),
    ("```{math}\n:label: eq-x\nx\n```", "x", "```{math}\n:label: eq-x\nx\n```", "eq-x"),
    ("```{math}\n---\nlabel: eq-y\n---\nx\n```", "x", None, "eq-y"),
    (":::{math}\n:label: eq-z\nx\n:::", "x", ":::{math}\n:label: eq-z\nx\n:::", "eq-z"),
    ("$$\nx\n$$ (my-label)", "x", "$$\nx\n$$", "my-label"),
    ("$$ x $$ {#eq-a}", "x", "$$ x $$", "eq-a"),
    ("$$\nx\n$$ {#eq-b}\n\ntext", "x", "$$\nx\n$$", "eq-b"),
    ("text $$x$$ {#eq-c} text", "x", "$$x$$", "eq-c"),
    ("$$x$$\n:eqlabel:`eq_d`\n\ntext", "x", "$$x$$", "eq_d"),
    ("$$\nx\n$$\n\n:eqlabel:`eq_e`\ntext", "x", "$$\nx\n$$", "eq_e"),
    ("text $$x$$ :eqlabel:`eq_f`", "x", "$$x$$", "eq_f"),
    ("\\\\[ x_1 \\\\]", "x_1", "\\\\[ x_1 \\\\]", None),
    ("text\n\\\\[\nx_1\n\\\\]\ntext", "x_1", "\\\\[\nx_1\n\\\\]", None),
    ("\\[ x = 1 \\]", "x = 1", "\\[ x = 1 \\]", None),
    ("\\[\nx = 1 \\\\[2pt]\ny\n\\]", "x = 1 \\\\[2pt]\ny", "\\[\nx = 1 \\\\[2pt]\ny\n\\]", None),
    ("text \\[ x = 1 \\] text", "x = 1", "\\[ x = 1 \\]", None),
    ("\\begin{align}\nx &= 1 \\\\\n- y &= 2\n\\end{align}", None, None, None),
    ("text\n\\begin{equation*}\nx\n\\end{equation*}\ntext", None, "\\begin{equation*}\nx\n\\end{equation*}", None),
    ("text \\begin{equation} x \\label{q} \\end{equation} text", None, None, "q"),
    ("$\\begin{align*} x \\end{align*}$", "\\begin{align*} x \\end{align*}", None, None),
    ("$$\nx \\label{eq:p} \\tag{1}\n$$", "x \\label{eq:p} \\tag{1}", None, "eq:p"),
    ("{% math %}\nx\n{% endmath %}", "x", "{% math %}\nx\n{% endmath %}", None),
    ("> [!NOTE]\n> $$x$$", "x", "$$x$$", None),
    ("<div>\n$$\nx\n$$\n</div>", "x", "$$\nx\n$$", None),
]


@pytest.mark.parametrize(("source", "latex", "whole", "label"), DISPLAY, ids=[d[0] for d in DISPLAY])
def test_display(source, latex, whole, label):
    (formula,) = read_checked(source).formulas
    assert formula.display
    assert formula.label == label
    found = slice_of(source, formula.span)
    assert found == whole if whole else found in source
    assert formula.latex == (latex if latex is not None else found)


FLOW = [
    (
        "Before $x$ then $$y$$ after.",
        [("paragraph", "Before ⟨x⟩ then "), ("display", "⟨y⟩"), ("paragraph", " after.")],
    ),
    ("a\n$$b$$\nc", [("paragraph", "a"), ("display", "⟨b⟩"), ("paragraph", "c")]),
    ("- a $$b$$ c", [("item", "a "), ("display", "⟨b⟩"), ("item", " c")]),
    ("$$a$$ $$b$$", [("display", "⟨a⟩"), ("display", "⟨b⟩")]),
    ("$$a$$.", [("display", "⟨a⟩"), ("paragraph", ".")]),
    ("a `b` &lt; \\* [c](d) <i>e</i><br>f ~~g~~", [("paragraph", "a b < * c e\nf g")]),
    ("a\nb  \nc", [("paragraph", "a\nb\nc")]),
    ("T\n---\ntext", [("heading", "T"), ("paragraph", "text")]),
    ("$x\n---\n1$", [("paragraph", "⟨x\n---\n1⟩")]),
    (":begin_tab:`mxnet`\ntext\n:end_tab:\n\n:label:`sec_a`", [("paragraph", "text")]),
    ("import A from 'a'\nimport B from 'b'\n\n<A x={1}>\n\ntext\n\n</A>", [("paragraph", "text")]),
    ("a {/* b $x$ */} c", [("paragraph", "a  c")]),
    ("![a caption $x$](b)", [("paragraph", "a caption ⟨x⟩")]),
]


@pytest.mark.parametrize(("source", "expected"), FLOW, ids=[s for s, _ in FLOW])
def test_flow(source, expected):
    assert prose(read_checked(source, "page.mdx")) == expected


def test_crlf_and_byte_order_mark_do_not_move_columns(tmp_path):
    from lemmata.documents import read

    file = tmp_path / "a.md"
    file.write_bytes("\ufeff$x$\r\n\r\n$$\r\ny\r\n$$\r\n".encode())
    x, y = read(file).formulas
    assert (x.span.start.line, x.span.start.column, y.latex) == (1, 1, "y")
    assert (y.span.start.line, y.span.end.line, y.span.end.column) == (3, 5, 3)
