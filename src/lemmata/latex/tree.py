"""The notation tree: what TeX shows on the page, with positions, and nothing about meaning.

Every node has `start` and `end`, offsets into the formula's source text (of the macro call, for what a macro made).
"""

from __future__ import annotations

from msgspec import Struct


class Node(Struct, frozen=True):
    start: int
    end: int


class Symbol(Node, frozen=True):
    """One mathematical atom.

    kind, after TeX's classes: `letter` (Latin, Greek, \\infty, \\ell, \\hbar, CJK ...), `digit run` is Number instead,
    `op` (named operator such as \\log, \\max, \\det, and \\operatorname{...}), `big` (\\sum, \\prod, \\int, ...),
    `bin` (+ - \\cdot \\times \\odot \\otimes / * \\circ ...), `rel` (= \\in \\le \\sim \\to \\mid ...),
    `open`, `close`, `punct` (, ; \\cdots \\ldots count as `dots`), `bar` (| \\| \\vert \\Vert), `dots`, `prime`,
    `partial` (\\partial and \\nabla count as `letter`), `other`.
    """

    name: str
    """The character itself or the command with backslash (`x`, `+`, `\\alpha`, `\\log`); of \\operatorname{tr} `tr`."""
    kind: str
    limits: bool | None = None
    """\\limits, \\nolimits, \\operatorname* where written."""


class Number(Node, frozen=True):
    text: str
    """Digits with at most one decimal point, as written (`10000`, `0.5`, `.5`)."""


class Row(Node, frozen=True):
    """A list of nodes side by side: a braced group, or the formula itself."""

    items: tuple[Node, ...]
    braced: bool = False


class Script(Node, frozen=True):
    """base_sub^sup; primes are counted apart (x''). The base may be an empty Row."""

    base: Node
    sub: Node | None
    sup: Node | None
    primes: int = 0


class Fraction(Node, frozen=True):
    """\\frac, \\dfrac, \\tfrac, \\cfrac, \\over; `command` keeps which; \\binom is command `\\binom`."""

    numerator: Node
    denominator: Node
    command: str = "\\frac"


class Root(Node, frozen=True):
    body: Node
    degree: Node | None = None


class Fenced(Node, frozen=True):
    """\\left( ... \\right): delimiters as written (`(`, `\\{`, `.` for none, `\\|`, ...).

    `\\middle` delimiters are Symbol items of kind `bar` (or their own kind) inside the body row.
    Plain ( ... ) stay as open and close Symbols in their row.
    """

    left: str
    right: str
    body: Row


class Font(Node, frozen=True):
    """\\mathbf{..}, \\mathrm, \\mathcal, \\mathbb, \\boldsymbol, \\bm, \\mathsf, \\rm ...: command as written."""

    command: str
    body: Node


class Accent(Node, frozen=True):
    """\\hat, \\bar, \\tilde, \\vec, \\dot, \\overline, \\widehat, \\underline, ...: command as written."""

    command: str
    body: Node


class TextRun(Node, frozen=True):
    """\\text{..}, \\textrm, \\mbox, ...: the words as written; inline $..$ inside are `parts` of type Row."""

    command: str
    text: str
    parts: tuple[Node, ...] = ()


class Environment(Node, frozen=True):
    """matrix, pmatrix, bmatrix, array, cases, aligned, align, split, gathered, ...; rows of cells.

    Also \\substack, as environment `substack`. A formula that is `a & b \\\\ c & d` at top level (inside `align` given
    by the document, or bare) is an Environment `aligned`.
    """

    name: str
    rows: tuple[tuple[Row, ...], ...]
    argument: str = ""
    """The column specification of array, as written."""


class Stack(Node, frozen=True):
    """\\overset, \\underset, \\stackrel, \\overbrace, \\underbrace, \\xrightarrow ...: things above or below a base."""

    command: str
    base: Node
    above: Node | None = None
    below: Node | None = None


class Phantom(Node, frozen=True):
    """Layout only, nothing to read: \\, \\quad ~ \\displaystyle \\phantom{..} \\label{..} \\tag{..} \\hline ...

    `command` keeps which; `argument` its text; `width` in em where it is a space (\\quad 1, \\, 0.167).
    """

    command: str
    argument: str = ""
    width: float = 0.0


class Styled(Node, frozen=True):
    """\\color{..}{..}, \\boxed{..}, \\cancel, \\mathop, \\mathrel, \\href ...: decoration around something to read."""

    command: str
    body: Node
    argument: str = ""


class Gap(Node, frozen=True):
    """What could not be read: the source text and why. Never silently dropped."""

    source: str
    reason: str
