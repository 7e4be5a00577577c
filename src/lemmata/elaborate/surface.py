"""The surface syntax: a formula with precedence resolved and everything that needs types left open.

Made by `syntax.parse` from the notation tree; read by the typed elaboration. Spans are offsets into the formula's
LaTeX. Where notation alone cannot decide (call or product, reach of a sum), the surface keeps the parts apart
(`Juxt`, `Choice`) and the types decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

from msgspec import Struct


class Expr(Struct, frozen=True):
    start: int
    end: int


class Num(Expr, frozen=True):
    value: Fraction
    decimal: bool = False


class Name(Expr, frozen=True):
    """A symbol: base letter or word, with accents, font, labels, subscripts, superscripts and primes still apart.

    \\hat{\\mathbf x}_i^{(l)}' has base `x`, accents (`\\hat`,), font `\\mathbf`, sub = Name i, sup = ..., primes 1.
    `\\nabla`, `\\partial`, a differential d, `\\mathbb{E}`, \\infty are not Names: see below.
    """

    base: str
    """`x`, `\\alpha`, `head`, `Attention` (words from \\text, \\mathrm, \\operatorname, \\mathbf{dO})."""
    accents: tuple[str, ...] = ()
    """Outermost first, normalised: `hat`, `bar`, `tilde`, `vec`, `dot`; `overline` is `bar`, `widehat` `hat`."""
    font: str = ""
    """Normalised: `bold`, `cal`, `bb`, `frak`, `sans`, `mono`, `roman`, or empty for italic/none."""
    word: bool = False
    """Written as a word (\\text, \\mathrm with two letters or more, \\operatorname), or an operator command (\\log)."""
    sub: Expr | None = None
    sup: Expr | None = None
    """Any superscript that stands on the name, numbers, `T`, `\\top`, `*` and -1 included; types decide its meaning."""
    primes: int = 0


class Scripted(Expr, frozen=True):
    """A script on something that is not a Name: (AB)^T, [X]_{ij}, \\|x\\|_2^2, \\frac{a}{b}^2."""

    base: Expr
    sub: Expr | None
    sup: Expr | None
    primes: int = 0


class Mark(Expr, frozen=True):
    """A symbol with no value of its own, as a script or argument: `T`-like \\top \\intercal (`top`), `*` (`star`), `+`,
    `-`, `\\dagger`, `\\cdot` (a place holder), `:` (a full slice), `\\dots` (`dots`), `\\infty` is Const."""

    name: str


class Const(Expr, frozen=True):
    """\\infty, \\emptyset, \\mathbb{R} and the like (`R`, `N`, `Z`, `C` with `bb`): name without backslash."""

    name: str
    sup: Expr | None = None
    sub: Expr | None = None


class Juxt(Expr, frozen=True):
    """Factors side by side, still a flat list in the author's order: product, application or contraction by type.

    A bracketed group stays `Paren`, so f(x) is Juxt(Name f, Paren x). Spaces of a quad or more end a formula part.
    """

    items: tuple[Expr, ...]


class Paren(Expr, frozen=True):
    """( ), [ ], { } with what is inside; several parts when separated by `,` `;` or `|` at its level."""

    open: str
    close: str
    items: tuple[Expr, ...]
    separators: tuple[str, ...] = ()
    """One fewer than items: `,`, `;`, `|` (also \\mid), `||` (also \\|, \\parallel)."""


class Infix(Expr, frozen=True):
    """A left-associative chain of one binary operator level; ops are one fewer than items.

    Level 1: `+`, `-`, `\\pm`.
    Level 2: `\\cdot`, `\\times`, `\\odot`, `\\otimes`, `\\oplus`, `*`, `/`, `\\circ`, `\\ast`,
    `\\bmod`, `\\circledast` ... (juxtaposition binds tighter than these: a b \\cdot c d is (ab) \\cdot (cd)).
    """

    ops: tuple[str, ...]
    items: tuple[Expr, ...]


class Sign(Expr, frozen=True):
    """A leading `-`, `+`, `\\pm`; its operand is a level-2 expression."""

    op: str
    body: Expr


class Quotient(Expr, frozen=True):
    numerator: Expr
    denominator: Expr
    command: str = "\\frac"


class RootOf(Expr, frozen=True):
    body: Expr
    degree: Expr | None = None


class Bars(Expr, frozen=True):
    """|x|, \\|x\\|: `|` or `||`. The script of a norm stays in Scripted."""

    kind: str
    body: Expr


class Angle(Expr, frozen=True):
    """\\langle a, b \\rangle; items as separated by commas."""

    items: tuple[Expr, ...]


class Floor(Expr, frozen=True):
    kind: str
    """`floor` or `ceil`."""
    body: Expr


class Big(Expr, frozen=True):
    """\\sum, \\prod, \\int, \\max, \\min, \\arg\\max, \\sup, \\inf, \\lim, \\bigcup, \\bigoplus ... with
    limits and body.

    lower and upper are as written: `i=1` is Relation, `j \\le i` is Relation, `i` is Name, `i,j` is Listing,
    `i \\in S` is Relation, \\substack is Listing. The body reaches up to the next `+`/`-` or relation at its level;
    a wider reach is offered by `Choice`. For \\max, \\min with an immediate bracket and no limits see Call.
    """

    op: str
    """`\\sum`, `\\max`, `\\arg\\max` (also for \\argmax, \\operatorname*{arg\\,max}), `\\lim` ..."""
    lower: Expr | None
    upper: Expr | None
    body: Expr
    differential: Expr | None = None
    """\\int f(x)\\,dx: the variable."""


class Call(Expr, frozen=True):
    """A named operator on its operand: \\log x, \\exp(x), \\operatorname{tr}(AB), \\tanh^2(c_t), \\max(0, x), \\det X.

    With an immediate bracket the bracket's parts are the arguments, and nothing more is taken; without, the operand
    is the following juxtaposed factors, up to the next level-2 or level-1 operator, relation or another big operator
    (which it takes whole). Only for words: a Name that is a letter is never made a Call here.
    """

    function: Name
    """With sub (\\log_2), sup (\\tanh^2, \\operatorname{tr}^{-1}) and primes."""
    arguments: tuple[Expr, ...]
    separators: tuple[str, ...] = ()
    bracketed: bool = True
    """False where the operand was taken without a bracket."""


class Derivative(Expr, frozen=True):
    """\\frac{\\partial f}{\\partial x}, \\frac{d}{dt} f, \\nabla_x f, \\nabla^2 f, \\dot{} is not here.

    style: `partial` or `d` (a fraction, also written \\partial f/\\partial x or \\partial_x f), `nabla`.
    numerator is None when the operator stands alone (\\nabla as a value). For
    \\frac{\\partial}{\\partial x} f and \\nabla_x f the operand reaches like that of a big operator:
    juxtaposed factors up to + or -; of `\\nabla r(w)` it is `r(w)`.
    wrt: the variables with their multiplicity, as written ((x, 1),) ((x, 1), (y, 1)) ((t, 2),); empty if none is named.
    """

    style: str
    order: int
    numerator: Expr | None
    wrt: tuple[tuple[Expr, int], ...]


class Differential(Expr, frozen=True):
    """dX, \\mathrm{d}X standing alone (not in a fraction, not the differential of an integral)."""

    body: Expr


class Evaluated(Expr, frozen=True):
    """\\left. f \\right|_{t=0}, f\\big|_{x=x_0}: body and the relation under the bar."""

    body: Expr
    at: Expr


class Expectation(Expr, frozen=True):
    """\\mathbb{E}[x], \\mathbb{E}_{x \\sim p}[f(x)], \\operatorname{Var}(x), \\operatorname{Cov}(x, y), E[x] with
    E unbound as anything else is decided by types (then `op` is `E?`). Conditioning: `given` after the bar."""

    op: str
    """`E`, `Var`, `Cov`, `Std`, `E?`, `P` (\\mathbb{P}, \\Pr)."""
    sub: Expr | None
    arguments: tuple[Expr, ...]
    given: tuple[Expr, ...] = ()
    sup: Expr | None = None
    """\\mathbb{E}[x]^2: the power."""


class Matrix(Expr, frozen=True):
    """matrix-like environments; `dots` entries are Mark. kind: the environment's name."""

    kind: str
    rows: tuple[tuple[Expr, ...], ...]


class CasesOf(Expr, frozen=True):
    """cases: (value, condition); condition None for a lone value, Words(`otherwise`) for that word."""

    branches: tuple[tuple[Expr, Expr | None], ...]


class Words(Expr, frozen=True):
    """\\text{if}, \\text{otherwise}, ... as trimmed text; parts in between stay Expr of the list."""

    text: str


class Listing(Expr, frozen=True):
    """Parts separated by commas (or other separators) at top level of a script, limit or formula."""

    items: tuple[Expr, ...]
    separators: tuple[str, ...]


class Relation(Expr, frozen=True):
    """A chain a = b = c, a \\le b, x \\in S, f: A \\to B, x \\sim D: ops one fewer than items.

    ops normalised: `=`, `:=` (also \\triangleq, \\stackrel{def}{=}, \\coloneqq), `\\ne`, `<`, `>`, `\\le`,
    `\\ge`, `\\ll`, `\\gg`, `\\in`, `\\notin`, `\\subset`, `\\sim`, `\\approx` (\\simeq, \\doteq), `\\propto`,
    `\\to`, `\\mapsto`, `\\leftarrow`, `:`, `\\equiv`, `\\succ`, `\\succeq`, `\\implies`, `\\iff`, `\\perp`,
    `\\mid`.
    """

    ops: tuple[str, ...]
    items: tuple[Expr, ...]


class Choice(Expr, frozen=True):
    """Several parses, the conventional one first. `key` names the decision, so that a scope can decide it once."""

    options: tuple[Expr, ...]
    key: str


class Unread(Expr, frozen=True):
    """Something the syntax has no reading for; the reason in the author's words and symbols."""

    source: str
    reason: str


class Part(Struct, frozen=True):
    """One statement-like part of a formula: what stands between top-level commas that separate statements, quads,
    words such as \\text{and}, or row ends; rows of aligned that begin with a relation continue the chain."""

    start: int
    end: int
    expr: Expr
    lead: str = ""
    """Words just before it inside the formula (`where`, `if`, `and`, `s.t.`), trimmed."""
    row: int = 0


def children(expr: Expr) -> Iterator[Expr]:
    """The expressions directly inside one, scripts of names included."""
    kind: type = type(expr)
    for field in _fields(kind):
        value = getattr(expr, field)
        if isinstance(value, Expr):
            yield value
        elif isinstance(value, tuple):
            yield from _inside(value)


def _inside(values: tuple[object, ...]) -> Iterator[Expr]:
    for value in values:
        if isinstance(value, Expr):
            yield value
        elif isinstance(value, tuple):
            yield from _inside(value)


@cache
def _fields(kind: type[Expr]) -> tuple[str, ...]:
    """The fields of this kind of expression that may hold expressions."""
    types = {name: of for base in reversed(kind.__mro__) for name, of in getattr(base, "__annotations__", {}).items()}
    plain = ("int", "str", "bool", "Fraction", "tuple[str, ...]")
    return tuple(name for name in kind.__struct_fields__ if types[name] not in plain)
