"""What each notation becomes: LaTeX on the left, the tree in short text (see notation_text.brief) on the right."""

from __future__ import annotations

import pytest
from notation_text import brief

from lemmata.latex import gaps, parse, print_latex, walk
from lemmata.latex import tree as t

CASES = [
    # scripts
    ("x_1^2", "(x _1 ^2)"),
    ("x^2_1", "(x _1 ^2)"),
    ("x^12", "(x ^1) 2"),
    ("x'", "(x')"),
    ("x''^2", "(x'' ^2)"),
    ("x'_i", "(x' _i)"),
    (r"x^{\prime}", "(x')"),
    (r"x^\prime_i", "(x' _i)"),
    (r"x^{\prime T}", "(x' ^{T})"),
    ("x^{'}", "(x')"),
    (r"x^\top", r"(x ^\top)"),
    ("x^{(l)}", "(x ^{( l )})"),
    ("{}_i^j x", "({} _i ^j) x"),
    ("^2", "([] ^2)"),
    (r"\, _i", r"<\,> ([] _i)"),
    ("x ^ 2", "(x ^2)"),
    (r"x_\mathrm{model}", r"(x _(\mathrm {m o d e l}))"),
    (r"x^\frac12", r"(x ^(\frac 1 2))"),
    ("W_i^Q", "(W _i ^Q)"),
    ("(a+b)^2", "( a + b () ^2)"),
    ("x²", "(x ^2)"),
    ("x₁₂", "(x _{12})"),
    ("10^{-3}", "(10 ^{- 3})"),
    (r"\sum\limits_{i=1}^n x_i", r"(\sum! _{i = 1} ^n) (x _i)"),
    (r"\int\nolimits_0^1", r"(\int~ _0 ^1)"),
    ("f'(x)", "(f') ( x )"),
    # fractions
    (r"\frac12", r"(\frac 1 2)"),
    (r"\frac1d", r"(\frac 1 d)"),
    (r"\frac a b", r"(\frac a b)"),
    (r"\frac{a}{b}", r"(\frac {a} {b})"),
    (r"\dfrac{\partial L}{\partial x}", r"(\dfrac {\partial L} {\partial x})"),
    (r"a \over b", r"(\over [a] [b])"),
    (r"{a+1 \over b}", r"{(\over [a + 1] [b])}"),
    (r"{n \choose k}", r"{(\choose [n] [k])}"),
    (r"\binom nk", r"(\binom n k)"),
    (r"\genfrac{(}{)}{0pt}{}{n}{k}", r"(\genfrac{(}{)}{0pt}{} {n} {k})"),
    (r"\sqrt d", "(root d)"),
    (r"\sqrt{d_k}", "(root {(d _k)})"),
    (r"\sqrt[3]{x}", "(root {x} [3])"),
    (r"\sqrt2 x", "(root 2) x"),
    # numbers
    ("1.5", "1.5"),
    (".5", ".5"),
    ("1.", "1 ."),
    ("1,000", "1 , 000"),
    ("1..2", "1 . .2"),
    ("x.5", "x .5"),
    ("1, ..., n", r"1 , \ldots , n"),
    # fences
    (r"\left(a\right)", "(fence ( [a] ))"),
    (r"\left[ a \right)", "(fence [ [a] ))"),
    (r"\left. f \right|_{x=0}", "((fence . [f] |) _{x = 0})"),
    (r"\left\{a\middle|b\right\}", r"(fence \{ [a | b] \})"),
    (r"\left<a\right>", r"(fence \langle [a] \rangle)"),
    ("(a]", "( a ]"),
    (r"\bigl(a\bigr)", "( a )"),
    (r"\big|_{x}", "(| _{x})"),
    (r"\bigl|x\bigr|", r"\lvert x \rvert"),
    (r"\Bigm|", r"\mid"),
    (r"\bigl]a\bigr[", "] a ["),
    (r"\left\|x\right\|_2", r"((fence \| [x] \|) _2)"),
    (r"\lVert x\rVert", r"\lVert x \rVert"),
    # fonts
    (r"\mathbf Z", r"(\mathbf Z)"),
    (r"\mathbf{Z Z}", r"(\mathbf {Z Z})"),
    (r"\mathbb R^n", r"((\mathbb R) ^n)"),
    (r"\mathrm{d}x", r"(\mathrm {d}) x"),
    (r"{\rm softmax} x", r"{(\rm [s o f t m a x])} x"),
    (r"\rm a b", r"(\rm [a b])"),
    (r"{\bf x \over y}", r"{(\over [(\bf [x])] [y])}"),
    (r"\hat p_i", r"((\hat p) _i)"),
    (r"\hat{\mathbf x}", r"(\hat {(\mathbf x)})"),
    (r"\overline{AB}", r"(\overline {A B})"),
    ("x̂_i", r"((\hat x) _i)"),
    (r"\bm\theta", r"(\bm \theta)"),
    (r"\boldsymbol{\beta}", r"(\boldsymbol {\beta})"),
    # words
    (r"\text{if $x>0$ then}", r"(\text 'if $x>0$ then' [x > 0])"),
    (r"\text { a }", r"(\text ' a ')"),
    (r"\mbox{a b}", r"(\mbox 'a b')"),
    (r"\operatorname{tr} A", "tr A"),
    (r"\operatorname*{argmin}_w", "(argmin! _w)"),
    (r"\operatorname{arg\,max}", "arg max"),
    (r"\operatorname{\mathrm{diag}}", "diag"),
    (r"\operatorname{\mathbf{E}}", r"(\operatorname {(\mathbf {E})})"),
    (r"\mathop{\rm arg\,max}\limits_x", "(arg max! _x)"),
    (r"\mathop{\mathbb E}_x", r"((\mathop {(\mathbb E)}) _x)"),
    (r"\arg\max_x", r"\arg (\max _x)"),
    (r"\log x", r"\log x"),
    (r"\verb|a_b|", r"(\verb 'a_b')"),
    # stacks
    (r"\overset{a}{b}", r"(\overset {b} above {a} below -)"),
    (r"\stackrel{def}{=}", r"(\stackrel {=} above {d e f} below -)"),
    (r"\underset{x}{\min}", r"(\underset {\min} above - below {x})"),
    (r"\underbrace{a+b}_{n}", r"(\underbrace {a + b} above - below {n})"),
    (r"\overbrace{a}^n", r"(\overbrace {a} above n below -)"),
    (r"\xrightarrow[a]{b}", r"(\xrightarrow \xrightarrow above {b} below [a])"),
    (r"\substack{a\\b}", "(substack [a] / [b])"),
    # environments
    (r"\begin{bmatrix}1&2\\3&4\end{bmatrix}", "(bmatrix [1] & [2] / [3] & [4])"),
    (r"\begin{array}{c|c}a&b\end{array}", "(array c|c [a] & [b])"),
    (r"\begin{cases}1&x>0\\0&\text{otherwise}\end{cases}", r"(cases [1] & [x > 0] / [0] & [(\text 'otherwise')])"),
    (r"a&=b\\&=c", "(aligned [a] & [= b] / [] & [= c])"),
    ("a=b\\\\", "a = b"),
    (r"\begin{aligned}[t]a\\[2pt]b\end{aligned}", "(aligned [a] / [b])"),
    (r"\begin{matrix}a\\[x]\end{matrix}", "(matrix [a] / [[ x ]])"),
    (r"\begin{matrix}\hline a\\\hline\end{matrix}", r"(matrix [<\hline> a])"),
    (r"\begin{align}a&=\begin{pmatrix}1\\2\end{pmatrix}\end{align}", "(align [a] & [= (pmatrix [1] / [2])])"),
    (r"{a\\b}", r"{a <\\> b}"),
    # layout
    (r"a\,b\quad c~d\ e", r"a <\,> b <\quad> c <~> d <\ > e"),
    (r"\displaystyle x", r"<\displaystyle> x"),
    (r"a\label{eq:1}\tag{1}", r"a <\label eq:1> <\tag 1>"),
    (r"\hspace{1em}x", r"<\hspace 1em> x"),
    (r"\kern1em x", r"<\kern 1em> x"),
    (r"\phantom{x}y", r"<\phantom x> y"),
    (r"\color{red}x", r"<\color red> x"),
    (r"\color{red}{x}y", r"(\color 'red' {x}) y"),
    (r"\textcolor{red}{x}", r"(\textcolor 'red' {x})"),
    (r"\boxed{x}", r"(\boxed {x})"),
    ("x % comment\n+y", "x + y"),
    (r"\mathrel{R}", r"(\mathrel {R})"),
    # sets with doubled backslashes
    (r"i \in \\{1, 2\\}", r"i \in \{ 1 , 2 \}"),
    (r"a \\{b\\} + \\{c}", r"(aligned [a \{ b \} +] / [{c}])"),
    # relations
    (r"a\not=b", r"a \ne b"),
    (r"a\not\in B", r"a \notin B"),
    (r"a\not\subset B", r"a \not\subset B"),
    ("a ≤ b", r"a \le b"),
    ("α×β→γ", r"\alpha \times \beta \to \gamma"),
    ("（ａ，b）＝１", "( a , b ) = 1"),
    ("𝐱∈ℝ", r"(\mathbf x) \in (\mathbb R)"),
    ("温度", "温 度"),
]

GAPS = [
    # (formula, source of the first gap, its offset, reason)
    (r"a+\foo b", r"\foo", 2, "unknown command `\\foo`"),
    (r"{a", "{a", 0, "`{` is never closed"),
    (r"a}b", "}", 1, "`}` closes nothing"),
    (r"\left(a", r"\left(a", 0, "`\\left` has no `\\right`"),
    (r"a\right)", r"\right)", 1, "`\\right` closes nothing"),
    (r"\left x\right)", r"\left", 0, "`\\left` lacks a delimiter"),
    (r"\frac{a}", "", 8, "`\\frac` lacks its argument"),
    (r"x^", "", 2, "a superscript lacks its argument"),
    (r"x_a_b", "_b", 3, "a second subscript"),
    (r"x^a^b", "^b", 3, "a second superscript"),
    (r"x^2'", "'", 3, "a prime after a superscript"),
    (r"{a & b}", "&", 3, "`&` outside rows and cells"),
    (r"a \over b \over c", r"\over", 10, "a second `\\over` in one group"),
    (r"x\limits_a", r"\limits", 1, "`\\limits` follows no operator"),
    (r"\begin{foo}a\end{foo}b", r"\begin{foo}a\end{foo}", 0, "unknown environment `foo`"),
    (
        r"\begin{matrix}a\end{cases}",
        r"\begin{matrix}a\end{cases}",
        0,
        "`\\begin{matrix}` ends with `\\end{cases}`",
    ),
    (r"a $ b", "$", 2, "`$` closes nothing"),
    (r"a # b", "#", 2, "the character U+0023 has no meaning here"),
    ("a\x00b", "\x00", 1, "the character U+0000 has no meaning here"),
    ("a\ud800b", "\ud800", 1, "the character U+D800 has no meaning here"),
    (r"\text{\frac12}", r"\frac", 6, "`\\frac` among words"),
    (r"\text{a", r"\text{a", 0, "`\\text{` is never closed"),
]

KINDS = {
    "letter": r"x \alpha \infty \ell \hbar \partial \nabla 温",
    "op": r"\log \max \det \arg \operatorname{tr} \argmax",
    "big": r"\sum \prod \int \bigcup \bigoplus",
    "bin": r"+ - \cdot \times \odot \otimes / * \circ \pm",
    "rel": r"= \in \le \sim \to \mid := \leftarrow \ne \coloneqq".replace(" :=", " :"),
    "open": r"( [ \{ \langle \lVert \lfloor",
    "close": r") ] \} \rangle \rVert \rfloor",
    "punct": r", ;",
    "dots": r"\cdots \ldots \dots \vdots",
    "bar": r"| \| \vert \Vert",
    "prime": r"\prime",
    "other": r"\forall \top \%",
}


@pytest.mark.parametrize(("latex", "expected"), CASES)
def test_tree(latex: str, expected: str) -> None:
    tree = parse(latex)
    assert " ".join(map(brief, tree.items)) == expected
    assert (tree.start, tree.end) == (0, len(latex))


@pytest.mark.parametrize(("latex", "source", "offset", "reason"), GAPS)
def test_what_cannot_be_read_is_a_gap_at_its_place(latex: str, source: str, offset: int, reason: str) -> None:
    first = gaps(parse(latex))[0]
    assert (first.source, first.start, first.reason) == (source, offset, reason)
    assert latex[first.start : first.end] == source


def test_the_rest_of_a_formula_with_a_gap_is_read() -> None:
    tree = parse(r"a = \foo + \frac12")
    assert " ".join(map(brief, tree.items)) == r"a = GAP('\\foo': unknown command `\foo`) + (\frac 1 2)"


@pytest.mark.parametrize(("kind", "latex"), KINDS.items())
def test_kinds(kind: str, latex: str) -> None:
    symbols = parse(latex).items
    assert len(symbols) == len(latex.split())
    assert [s.kind for s in symbols if isinstance(s, t.Symbol)] == [kind] * len(symbols)


def test_offsets_are_exact() -> None:
    latex = r"  \hat y_i = \frac{ a }{b'} % note"
    tree = parse(latex)
    spans = [(type(n).__name__, latex[n.start : n.end]) for n in walk(tree)][1:]
    assert spans == [
        ("Script", r"\hat y_i"),
        ("Accent", r"\hat y"),
        ("Symbol", "y"),
        ("Symbol", "i"),
        ("Symbol", "="),
        ("Fraction", r"\frac{ a }{b'}"),
        ("Row", "{ a }"),
        ("Symbol", "a"),
        ("Row", "{b'}"),
        ("Script", "b'"),
        ("Symbol", "b"),
    ]


def test_sized_delimiters_keep_what_the_size_says() -> None:
    kinds = [(s.name, s.kind) for s in parse(r"\bigl]a\bigr[ \bigm/ \big|").items if isinstance(s, t.Symbol)]
    assert kinds == [("]", "open"), ("a", "letter"), ("[", "close"), ("/", "rel"), ("|", "bar")]


def test_spaces_have_widths() -> None:
    widths = {
        p.command: p.width for p in parse(r"\,\quad\qquad\!\hspace{2em}\kern18mu~").items if isinstance(p, t.Phantom)
    }
    assert widths == {r"\,": 0.167, r"\quad": 1, r"\qquad": 2, r"\!": -0.167, r"\hspace": 2, r"\kern": 1, "~": 0.333}


def test_walk_gives_parents_first_in_reading_order() -> None:
    names = [n.name for n in walk(parse(r"\frac{a}{b}_c \sqrt[d]{e}")) if isinstance(n, t.Symbol)]
    assert names == ["a", "b", "c", "d", "e"]


def test_printing_refuses_what_is_no_node() -> None:
    with pytest.raises(TypeError, match="no node"):
        print_latex(t.Node(0, 0))
