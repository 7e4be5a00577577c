"""What the prose says names in the code are: “`X` is $\\|Z_b\\|_1$”, “`Q` holds the diagonal of $P^{-1}$”."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.code.target import Atom, CannotLower, Parameter, Value
from lemmata.documents.model import Block, Document, Formula, Inline, Text
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.names import script_items, spell, walk
from lemmata.elaborate.roles import Item
from lemmata.elaborate.statement import Statement
from lemmata.lower.equations import StatedEquation, _equation, _map

IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
OPERATIONS = {
    "transpose": r"transpose of|transposed of",
    "diagonal": r"diagonal (?:entries |elements )?of|diagonal vector of",
    "inverse": r"inverse of",
    "log": r"(?:natural )?log(?:arithm)? of",
    "root": r"square root of",
    "square": r"square of",
    "reciprocal": r"reciprocal of",
    "negative": r"negative of",
    "": r"vector of|matrix of|matrix|vector|entries of|values? of|value|scalar|number|quantity|symbol|array of|array|"
        r"tensor|variable",
}  # fmt: skip
"""What code may hold instead of the expression itself, with the words for it."""
ARTICLE = r"(?:(?:the|a|an)(?: |$))?"
VERB = (
    r"(?:is|are|holds?|contains?|denotes?|stands for|means|represents?|stores?|corresponds to|refers to|=|:"
    r"|plays the role of|for|为|是|表示|代表|存放|对应)"
)
PHRASE = "|".join(f"(?P<{k or 'plain'}>{v})" for k, v in OPERATIONS.items())
FORWARD = re.compile(
    rf"^[,;]?\s*(?P<verb>{VERB})?\s*(?:just |simply |exactly )?{ARTICLE}(?:(?:{PHRASE})\s*{ARTICLE})?$"
)
BACKWARD = re.compile(
    r"^\s*(?:is|are|goes by|,)?\s*"
    r"(?:called|named|written(?: as)?|stored (?:in|as)|denoted(?: by)?|held (?:in|by)|given by)?\s*"
    r"(?:in (?:the |our )?code\s*)?(?:as |by )?(?:the )?(?:variable |array |tensor |argument )?$"
)
FOLLOWED = re.compile(
    r"^\s*(?:$|[.,;:)(，。；：）（]|(?:for|in (?:the|this|our|code)|of shape|with shape|and|as|at|here|over)\b)"
)
"""What may come behind the formula without changing what the name is."""
LINK = re.compile(r",|,? ?and|，|、|和|与|及")
"""What stands between the members of a list."""
MODIFIED = re.compile(
    r"^[\s,;(（]*(?:but|except|scaled|divided|multiplied|normali[sz]|transpos|squared|clipped|clamped|shifted|masked"
    r"|averaged|summed|flattened|sorted|up to|without|after|before|plus|minus|times|in (?:log|units|degrees|percent)"
    r"|转置|除以|乘)"
)
"""What takes back that the name is just that."""
INDICES = frozenset("ijklmnrst")
STRUCTURES = {
    "lower": r"lower[- ]triangular|cholesky|下三角",
    "upper": r"upper[- ]triangular|上三角",
    "symmetric": r"symmetric|covariance|precision|gram|kernel|hessian|positive|对称|协方差|正定",
    "orthogonal": r"orthogonal|orthonormal|rotation|unitary|正交|旋转",
    "diagonal": r"diagonal|对角",
}
BREAK = re.compile(r"[.;。；]")


class Tie(Struct, frozen=True):
    """A `Target` of kind `tie`: a name of the code and what it holds."""

    key: str
    latex: str
    line: int
    statement: Statement
    name: str
    operation: str
    """Of `OPERATIONS`: what is done to the expression."""
    equation: StatedEquation
    """The expression."""
    kind: str = "tie"
    parameters: Sequence[Parameter] = ()
    subject: str | None = None
    sizes: Sequence[str] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def symbol(self) -> str:
        """The symbol that it is, spelled as the keys of atoms are; empty for an expression."""
        (atom, *more) = self.equation.atoms
        return atom.latex if not more and not self.operation and self.equation.expr == _bare(self.equation) else ""

    @property
    def whole(self) -> str:
        """The array whose entries or rows it is said to hold: e of $e_{ij}$."""
        expr = self.equation.statement.expr
        match expr:
            case s.Name(sub=sub, sup=None) if sub is not None and self.symbol:
                items = script_items(sub)
                indices = all(isinstance(x, s.Name) and x.base in INDICES and x.sub is None for x in items)
                return spell(replace(expr, sub=None)) if indices else ""
        return ""

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """Raises CannotLower."""
        raise CannotLower("a name of the code has no value of its own")


def _bare(equation: StatedEquation) -> s.Expr:
    expr = equation.expr
    return s.Name(expr.start, expr.end, equation.atoms[0].key)


class Tied(Struct, frozen=True):
    """A `Target` of kind `tied`: an equation whose code the prose helps to read, with the ties that may matter."""

    key: str
    latex: str
    line: int
    statement: Statement
    names: tuple[str, ...]
    equation: StatedEquation
    ties: tuple[Tie, ...]
    structures: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What the words beside a symbol say of the matrix."""
    summand: bool = False
    """Whether the equation is the term of the sum that the formula is."""
    kind: str = "tied"
    parameters: Sequence[Parameter] = ()
    subject: str | None = None
    sizes: Sequence[str] = ()

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """Raises CannotLower."""
        raise CannotLower("the symbols of an equation have no shapes of their own")


def ties(elaboration: Elaboration) -> tuple[Tie, ...]:
    """Everything that the prose says of names in the code; names of which it says two things are left out."""
    items = {i.formula.index: i for i in reversed(elaboration.items)}
    found: dict[str, list[Tie]] = {}
    for name, formula, operation in _said(elaboration.document):
        item = items.get(formula.index)
        if item is None or isinstance(item.part.expr, s.Relation):
            continue
        equation = expression(elaboration, item)
        if equation is not None:
            key = f"tie {formula.index} {name}"
            latex = formula.latex.strip()
            tie = Tie(key, latex, equation.line, equation.statement, name, operation, equation)
            found.setdefault(name, []).append(tie)
    return tuple(t[0] for t in found.values() if len({(x.latex, x.operation) for x in t}) == 1)


def _said(document: Document) -> Iterator[tuple[str, Formula, str]]:
    """(name of the code, formula, what is done to it), for lists of both in their order."""
    for block in document.blocks:
        if not isinstance(block, Block):
            continue
        inlines = [x for x in block.inlines if isinstance(x, Formula) or x.text]
        at = 0
        while at < len(inlines):
            run, behind = _run(inlines, at)
            other, end = _run(inlines, behind + 1)
            between = inlines[behind] if behind < len(inlines) else None
            at = max(at + 1, behind)
            if not run or len(run) != len(other) or not isinstance(between, Text) or between.code:
                continue
            rest = inlines[end] if end < len(inlines) else None
            after = rest.text if isinstance(rest, Text) and not rest.code else "," if rest is None else "?"
            text = " ".join(between.text.split()).lower()
            forward = isinstance(run[0], Text)
            operation = _operation(text, after, forward)
            if operation is None:
                continue
            names, formulas = (run, other) if forward else (other, run)
            for name, formula in zip(names, formulas, strict=True):
                if isinstance(name, Text) and isinstance(formula, Formula):
                    yield name.text.strip(), formula, operation


def _run(inlines: Sequence[Inline], at: int) -> tuple[list[Inline], int]:
    """The names of the code, or the formulas, of a list that begins here, and the place behind it."""
    found: list[Inline] = []
    while at < len(inlines) and (not found or type(inlines[at]) is type(found[0])):
        if isinstance(inlines[at], Text) and not _name(inlines[at]):
            break
        found.append(inlines[at])
        link = inlines[at + 1] if at + 1 < len(inlines) else None
        more = inlines[at + 2] if at + 2 < len(inlines) else None
        same = isinstance(more, Formula) if isinstance(inlines[at], Formula) else more is not None and _name(more)
        if not (same and isinstance(link, Text) and not link.code and LINK.fullmatch(link.text.strip().lower())):
            return found, at + 1
        at += 2
    return found, at


def _operation(text: str, after: str, forward: bool) -> str | None:
    """What the words between names and formulas say that the names hold; None where they say no such thing."""
    if text in ("(", "（"):
        return "" if after.lstrip().startswith((")", "）")) else None
    if not FOLLOWED.match(after) or MODIFIED.match(after.lower()):
        return None
    if not forward:
        return "" if text not in ("", ",", "is", "are") and BACKWARD.match(text) else None
    said = FORWARD.match(text)
    if said is None or not (said["verb"] or said.lastgroup not in (None, "verb")):
        return None
    return next((k for k in OPERATIONS if k and said[k]), "")


def _name(text: Inline) -> str:
    if isinstance(text, Formula) or not text.code or not IDENTIFIER.fullmatch(text.text.strip()):
        return ""
    return text.text.strip()


def expression(elaboration: Elaboration, item: Item) -> StatedEquation | None:
    """The expression of a part with its symbols as inputs; None where it cannot be read so."""
    expr = item.part.expr
    expr = expr.options[0] if isinstance(expr, s.Choice) else expr
    formula = item.formula
    start, end = formula.position(expr.start), formula.position(max(expr.start, expr.end - 1))
    latex = formula.latex[expr.start : expr.end].strip()
    statement = Statement(formula, start, end, latex, item.role, "expression", expr, place=item.place)
    key = f"expression {formula.index}:{expr.start}"
    first = StatedEquation(
        key, latex, "equation", start.line, statement, (), (), "expression", (), (), expr, elaboration, item
    )
    made = _equation(first, expr)
    return made if made is not None and made.atoms else None


def tied(elaboration: Elaboration, stated: Sequence[StatedEquation], known: Sequence[Tie]) -> Iterator[Tied]:
    """Equations with what the prose says of the names in their code; terms of sums that it names."""
    if not known:
        return
    said = structures(elaboration)
    for equation in stated:
        if equation.role not in ("definition", "claim", "update") or not equation.names:
            continue
        for whole, summand in ((equation, False), (_summand(equation, known), True)):
            if whole is not None and len(whole.latex) > 0:
                yield Tied(
                    f"{'term of ' if summand else 'tied '}{equation.key}", equation.latex, equation.line,
                    equation.statement, equation.names, whole, tuple(known), said, summand,
                )  # fmt: skip


def _summand(equation: StatedEquation, known: Sequence[Tie]) -> StatedEquation | None:
    """The term of the sum that the right side is, with the expressions that the code names as symbols."""
    relation = equation.statement.expr
    side = next((x for x in relation.items[1:]), None) if isinstance(relation, s.Relation) else None
    if not isinstance(side, s.Big) or side.op != "\\sum":
        return None
    body, latex = side.body, equation.item.formula.latex
    atoms: list[Atom] = []

    def put(expr: s.Expr) -> s.Expr:
        text = squashed(latex[expr.start : expr.end])
        for tie in known:
            if text and text == squashed(tie.latex) and not tie.operation:
                new = Atom(f"⟦tie {len(atoms)}⟧", tie.latex, (tie.name,), 0, told=True)
                atoms.append(new)
                return s.Name(expr.start, expr.end, new.key)
        return _map(expr, put)

    changed = put(body)
    if not atoms:
        return None
    return _equation(replace(equation, atoms=tuple(atoms), indices=(), expr=changed), changed)


def squashed(latex: str) -> str:
    return re.sub(r"\s|\\,|\\;|\\left|\\right", "", latex)


def structures(elaboration: Elaboration) -> dict[str, frozenset[str]]:
    """What words beside a symbol say of it, by its spelling: between it and the formulas or the stops around it."""
    plain = {i.formula.index: i.part.expr for i in elaboration.items if isinstance(i.part.expr, s.Name)}
    found: dict[str, set[str]] = {}
    for block in elaboration.document.blocks:
        if not isinstance(block, Block):
            continue
        for at, inline in enumerate(block.inlines):
            if not isinstance(inline, Formula) or inline.index not in plain:
                continue
            before = block.inlines[at - 1] if at else None
            after = block.inlines[at + 1] if at + 1 < len(block.inlines) else None
            words = BREAK.split(before.text)[-1] if isinstance(before, Text) else ""
            words += " " + (BREAK.split(after.text)[0] if isinstance(after, Text) else "")
            said = {k for k, pattern in STRUCTURES.items() if re.search(pattern, words.lower())}
            found.setdefault(spell(plain[inline.index]), set()).update(said)
    return {k: frozenset(v) for k, v in found.items()}


def named(equation: StatedEquation, known: Sequence[Tie]) -> Iterator[StatedEquation]:
    """The equation, its symbols called in the code as the prose says; also with expressions that it names put in."""
    own = {a.latex for a in equation.atoms}
    called = {t.whole: t.name for t in known if t.whole and t.symbol not in own}
    called |= {t.symbol: t.name for t in known if t.symbol}
    atoms = tuple(replace(a, names=(called[a.latex],), told=True) if a.latex in called else a for a in equation.atoms)
    head = next((t.name for t in known if squashed(t.latex) == squashed(equation.latex) and not t.operation), "")
    names = (head, *equation.names) if head else equation.names
    told = replace(equation, atoms=atoms, names=names, tied=head)
    yield told
    put = _put_in(told, known)
    if put is not None:
        yield put


def _put_in(equation: StatedEquation, known: Sequence[Tie]) -> StatedEquation | None:
    """The equation with a symbol for every expression in it that the code has a name for; None where it has none."""
    latex = equation.item.formula.latex
    made: dict[str, Atom] = {}

    def put(expr: s.Expr) -> s.Expr:
        text = squashed(latex[expr.start : expr.end])
        for tie in known:
            if text and not tie.symbol and not tie.operation and text == squashed(tie.latex):
                new = made.setdefault(tie.name, Atom(f"⟦put {len(made)}⟧", tie.latex, (tie.name,), 0, told=True))
                return s.Name(expr.start, expr.end, new.key)
        return _map(expr, put)

    changed = put(equation.expr)
    used = {n.base for n in walk(changed) if isinstance(n, s.Name)}
    if not made or len(used) < 2:
        return None
    kept = tuple(a for a in equation.atoms if a.key in used)
    key = f"{equation.key} put in"
    return replace(equation, key=key, expr=changed, atoms=(*kept, *made.values()), places=())


__all__ = ["Tie", "Tied", "expression", "named", "structures", "tied", "ties"]
