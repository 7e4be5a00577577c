"""The commands and environments of TeX mathematics that are not symbols, as data.

Sources: The LaTeX Companion, amsmath, mathtools, xcolor and the functions of KaTeX 0.19.1; old TeX spellings included.
"""

from __future__ import annotations

FONTS = frozenset(
    r"""
    \mathrm \mathit \mathbf \mathnormal \mathsfit \mathbb \mathcal \mathfrak \mathscr \mathsf \mathtt \mathbfit
    \mathbfcal \mathds \mathbbm \mathup \symbf \symbfit \symrm \symit \symbb \symcal \symscr \symfrak \symsf
    \boldsymbol \bm \pmb \Bbb \bold \frak \bbm
    """.split()
)
"""Fonts that take an argument."""

FONT_SWITCHES = frozenset(r"\rm \sf \tt \bf \it \cal \mit \sl \bfseries \rmfamily \itshape".split())
"""Fonts that hold up to the end of the group."""

ACCENTS = frozenset(
    r"""
    \acute \grave \ddot \dddot \ddddot \tilde \bar \breve \check \hat \vec \dot \mathring \widecheck \widehat
    \widetilde \widebar \overrightarrow \overleftarrow \Overrightarrow \overleftrightarrow \overgroup
    \overlinesegment \overleftharpoon \overrightharpoon \overline \underline \underbar \underleftarrow
    \underrightarrow \underleftrightarrow \undergroup \underlinesegment \utilde \overarc \wideparen
    \' \` \^ \~ \= \u \. \" \c \r \H \v \textcircled
    """.split()
)

COMBINING_ACCENTS = {
    "\u0300": "\\grave",
    "\u0301": "\\acute",
    "\u0302": "\\hat",
    "\u0303": "\\tilde",
    "\u0304": "\\bar",
    "\u0305": "\\overline",
    "\u0306": "\\breve",
    "\u0307": "\\dot",
    "\u0308": "\\ddot",
    "\u030a": "\\mathring",
    "\u030c": "\\check",
    "\u0332": "\\underline",
    "\u20d7": "\\vec",
}

FRACTIONS = frozenset(r"\frac \dfrac \tfrac \cfrac \nicefrac \sfrac \binom \dbinom \tbinom".split())

INFIX_FRACTIONS = frozenset(r"\over \choose \atop \brace \brack \above".split())
"""They split the group they stand in; \\above is followed by a length."""

TEXTS = frozenset(
    r"""
    \text \textrm \textsf \texttt \textnormal \textbf \textmd \textit \textup \textsc \textsl \emph \mbox \hbox
    \fbox \intertext \shortintertext \textsuperscript \textsubscript \ref \eqref \cite \url
    """.split()
)

DECORATIONS = frozenset(
    r"""
    \boxed \cancel \bcancel \xcancel \phase \sout \angl \mathord \mathop \mathbin \mathrel \mathopen \mathclose
    \mathpunct \mathinner \smash \mathllap \mathrlap \mathclap \vcenter \mathreflectbox \ensuremath \pmod \pod \mod
    \Aboxed \uline
    """.split()
)
"""Decoration of one argument."""

DECORATIONS_WITH_ARGUMENTS = {
    "\\textcolor": 1,
    "\\href": 1,
    "\\htmlClass": 1,
    "\\htmlId": 1,
    "\\htmlStyle": 1,
    "\\htmlData": 1,
    "\\class": 1,
    "\\cssId": 1,
    "\\style": 1,
    "\\multicolumn": 2,
    "\\enclose": 1,
}
"""Decoration whose last argument is read, with the number of arguments before it."""

TEXT_BOXES = {
    "\\colorbox": 1,
    "\\fcolorbox": 2,
    "\\raisebox": 1,
    "\\reflectbox": 0,
    "\\llap": 0,
    "\\rlap": 0,
    "\\clap": 0,
}
"""Decoration of words, with the number of arguments before them."""

STACKS_ABOVE = frozenset(r"\overset \stackrel".split())
STACKS_BELOW = frozenset(["\\underset"])
BRACES_ABOVE = frozenset(r"\overbrace \overbracket".split())
BRACES_BELOW = frozenset(r"\underbrace \underbracket".split())
ARROWS = frozenset(
    r"""
    \xleftarrow \xrightarrow \xLeftarrow \xRightarrow \xleftrightarrow \xLeftrightarrow \xhookleftarrow
    \xhookrightarrow \xmapsto \xrightharpoondown \xrightharpoonup \xleftharpoondown \xleftharpoonup
    \xrightleftharpoons \xleftrightharpoons \xlongequal \xtwoheadrightarrow \xtwoheadleftarrow \xtofrom
    \xrightleftarrows \xrightequilibrium \xleftequilibrium
    """.split()
)
"""Extensible arrows: [below]{above}."""

SPACES = {
    "\\,": 0.167,
    "\\thinspace": 0.167,
    "\\:": 0.222,
    "\\>": 0.222,
    "\\medspace": 0.222,
    "\\;": 0.278,
    "\\thickspace": 0.278,
    "\\!": -0.167,
    "\\negthinspace": -0.167,
    "\\negmedspace": -0.222,
    "\\negthickspace": -0.278,
    "\\enspace": 0.5,
    "\\enskip": 0.5,
    "\\quad": 1.0,
    "\\qquad": 2.0,
    "\\ ": 0.333,
    "\\space": 0.333,
    "\\nobreakspace": 0.333,
    "~": 0.333,
    "\\/": 0.0,
}
"""Width in em."""

LENGTHS = frozenset(r"\kern \mkern \hskip \mskip".split())
"""Spaces whose length follows without braces."""

UNITS = {
    "em": 1.0,
    "ex": 0.431,
    "mu": 1 / 18,
    "pt": 0.1,
    "bp": 0.100375,
    "px": 0.075,
    "pc": 1.2,
    "cm": 2.845,
    "mm": 0.2845,
    "in": 7.227,
    "dd": 0.107,
    "cc": 1.284,
    "sp": 0.0,
}
"""Units of length in em of a 10 point font."""

RULES = frozenset(r"\hline \hdashline \toprule \midrule \bottomrule".split())
"""Horizontal lines between rows."""

LAYOUT = (
    frozenset(
        r"""
    \displaystyle \textstyle \scriptstyle \scriptscriptstyle \tiny \sixptsize \scriptsize \footnotesize \small
    \normalsize \large \Large \LARGE \huge \Huge \nonumber \notag \allowbreak \nobreak \relax \hfill \hfil \hss
    \noindent \mathstrut \strut \null \protect \displaylimits \centering \break \DOTSB \DOTSI \DOTSX \par
    \leavevmode \unskip \boldmath \unboldmath \normalfont \smallskip \medskip \bigskip
    """.split()
    )
    | RULES
)
"""Layout without arguments."""

LAYOUT_WITH_ARGUMENTS = {
    "\\phantom": 1,
    "\\hphantom": 1,
    "\\vphantom": 1,
    "\\label": 1,
    "\\tag": 1,
    "\\hspace": 1,
    "\\vspace": 1,
    "\\rule": 2,
    "\\cline": 1,
    "\\includegraphics": 1,
}
"""Layout with the number of its arguments; a star and optional arguments are allowed."""

SIZES = {
    f"\\{size}{side}": kind
    for size in ("big", "Big", "bigg", "Bigg")
    for side, kind in (("", ""), ("l", "open"), ("r", "close"), ("m", "rel"))
}
"""Delimiter sizes with the kind they give to the delimiter (`\\bigl` opens)."""

SIZED_BARS = {
    ("|", "open"): "\\lvert",
    ("|", "close"): "\\rvert",
    ("|", "rel"): "\\mid",
    ("\\|", "open"): "\\lVert",
    ("\\|", "close"): "\\rVert",
    ("\\|", "rel"): "\\parallel",
}
"""A bar that opens, closes or relates is the symbol TeX has for that."""

DELIMITERS = {
    name: name
    for name in r"""
    ( ) [ ] / | . \| \{ \} \lparen \rparen \lbrack \rbrack \lbrace \rbrace \lfloor \rfloor \lceil \rceil \langle
    \rangle \lvert \rvert \lVert \rVert \vert \Vert \lgroup \rgroup \lmoustache \rmoustache \backslash \uparrow
    \Uparrow \downarrow \Downarrow \updownarrow \Updownarrow \ulcorner \urcorner \llcorner \lrcorner \llbracket
    \rrbracket \lBrace \rBrace
    """.split()
} | {"<": "\\langle", ">": "\\rangle", "\\lt": "\\langle", "\\gt": "\\rangle"}
"""What may follow \\left, \\right, \\middle and the sizes, with the name it gets: `<` there is drawn as an angle."""

ENVIRONMENTS: dict[str, int] = {
    **dict.fromkeys(
        """
        matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix matrix* pmatrix* bmatrix* Bmatrix* vmatrix* Vmatrix*
        smallmatrix psmallmatrix bsmallmatrix Bsmallmatrix vsmallmatrix Vsmallmatrix cases dcases rcases drcases
        cases* dcases* rcases* drcases* align align* aligned split gather gather* gathered equation equation* multline
        multline* multlined eqnarray eqnarray* flalign flalign* math displaymath subequations lgathered rgathered
        substack
        """.split(),
        0,
    ),
    **dict.fromkeys(
        """
        array darray subarray alignat alignat* alignedat xalignat xalignat* IEEEeqnarray IEEEeqnarray* tabular
        """.split(),
        1,
    ),
}
"""Environments of rows and cells, with the number of their arguments."""

PLACED_ENVIRONMENTS = frozenset(
    """
    aligned gathered alignedat multlined array darray tabular matrix* pmatrix* bmatrix* Bmatrix* vmatrix* Vmatrix*
    """.split()
)
PLACES = frozenset(f"[{letter}]" for letter in "tcbrlm")
"""What may stand in brackets after \\begin of a PLACED_ENVIRONMENT: layout."""

TEXT_MODE_COMMANDS = frozenset(
    r"""
    \textdagger \textdaggerdbl \textdollar \textunderscore \textbraceleft \textbraceright \textless \textgreater
    \textbar \textbardbl \textasciitilde \textbackslash \textasciicircum \textellipsis \i \j \ss \ae \oe \o \AE \OE
    \O \aa \AA \l \L \textendash \textemdash \textquoteleft \textquoteright \textquotedblleft \textquotedblright
    \textdegree \textsterling \textregistered \textcopyright \texttrademark \TeX \LaTeX \KaTeX \dag \ddag \S \P
    \pounds \ldots \dots \textbullet \color \textcolor \colorbox \fcolorbox \ensuremath \verb \lq \rq \degree
    \checkmark \copyright \circledR \yen \maltese \newline \footnote \underline \char \d \b \t \k \raisebox \href
    \smash \sout \cancel \char \expandafter \rule \large \bf \rm \it \sf \tt \sl \em \bfseries \itshape
    """.split()
)
"""Commands besides fonts, accents, spaces and sizes that may stand among words."""
