"""The notation tree: what TeX shows on the page, with positions, and nothing about meaning.

Every node has `start` and `end`, offsets into the formula's source text (of the macro call, for what a macro made).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Symbol(Node):
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


@dataclass(frozen=True, slots=True)
class Number(Node):
    text: str
    """Digits with at most one decimal point, as written (`10000`, `0.5`, `.5`)."""


@dataclass(frozen=True, slots=True)
class Row(Node):
    """A list of nodes side by side: a braced group, or the formula itself."""

    items: tuple[Node, ...]
    braced: bool = False


@dataclass(frozen=True, slots=True)
class Script(Node):
    """base_sub^sup; primes are counted apart (x''). The base may be an empty Row."""

    base: Node
    sub: Node | None
    sup: Node | None
    primes: int = 0


@dataclass(frozen=True, slots=True)
class Fraction(Node):
    """\\frac, \\dfrac, \\tfrac, \\cfrac, \\over; `command` keeps which; \\binom is command `\\binom`."""

    numerator: Node
    denominator: Node
    command: str = "\\frac"


@dataclass(frozen=True, slots=True)
class Root(Node):
    body: Node
    degree: Node | None = None


@dataclass(frozen=True, slots=True)
class Fenced(Node):
    """\\left( ... \\right): delimiters as written (`(`, `\\{`, `.` for none, `\\|`, ...).

    `\\middle` delimiters are Symbol items of kind `bar` (or their own kind) inside the body row.
    Plain ( ... ) stay as open and close Symbols in their row.
    """

    left: str
    right: str
    body: Row


@dataclass(frozen=True, slots=True)
class Font(Node):
    """\\mathbf{..}, \\mathrm, \\mathcal, \\mathbb, \\boldsymbol, \\bm, \\mathsf, \\rm ...: command as written."""

    command: str
    body: Node


@dataclass(frozen=True, slots=True)
class Accent(Node):
    """\\hat, \\bar, \\tilde, \\vec, \\dot, \\overline, \\widehat, \\underline, ...: command as written."""

    command: str
    body: Node


@dataclass(frozen=True, slots=True)
class TextRun(Node):
    """\\text{..}, \\textrm, \\mbox, ...: the words as written; inline $..$ inside are `parts` of type Row."""

    command: str
    text: str
    parts: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment(Node):
    """matrix, pmatrix, bmatrix, array, cases, aligned, align, split, gathered, ...; rows of cells.

    Also \\substack, as environment `substack`. A formula that is `a & b \\\\ c & d` at top level (inside `align` given
    by the document, or bare) is an Environment `aligned`.
    """

    name: str
    rows: tuple[tuple[Row, ...], ...]
    argument: str = ""
    """The column specification of array, as written."""


@dataclass(frozen=True, slots=True)
class Stack(Node):
    """\\overset, \\underset, \\stackrel, \\overbrace, \\underbrace, \\xrightarrow ...: things above or below a base."""

    command: str
    base: Node
    above: Node | None = None
    below: Node | None = None


@dataclass(frozen=True, slots=True)
class Phantom(Node):
    """Layout only, nothing to read: \\, \\quad ~ \\displaystyle \\phantom{..} \\label{..} \\tag{..} \\hline ...

    `command` keeps which; `argument` its text; `width` in em where it is a space (\\quad 1, \\, 0.167).
    """

    command: str
    argument: str = ""
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Styled(Node):
    """\\color{..}{..}, \\boxed{..}, \\cancel, \\mathop, \\mathrel, \\href ...: decoration around something to read."""

    command: str
    body: Node
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Gap(Node):
    """What could not be read: the source text and why. Never silently dropped."""

    source: str
    reason: str
