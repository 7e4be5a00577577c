"""Brackets, bars, fractions, roots, matrices, cases, division by a slash, evaluation at a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import derivatives, names
from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.brackets import pair
from lemmata.elaborate.syntax.kinds import OPERANDS, is_sum
from lemmata.elaborate.syntax.letters import join
from lemmata.elaborate.syntax.names import juxt
from lemmata.elaborate.syntax.parts import Piece, condition, pieces, read
from lemmata.elaborate.syntax.token import Token
from lemmata.latex.tree import Accent, Environment, Fenced, Fraction, Phantom, Root

if TYPE_CHECKING:
    from lemmata.elaborate.syntax.grammar import Parser

_FLOORS = {"\\lfloor": "floor", "\\lceil": "ceil"}
_BARS = ("|", "||")
_SEPARATING = {"\\mid": "|", "\\parallel": "||", "\\shortmid": "|", "\\shortparallel": "||"}
_PLAIN = ("array", "matrix", "smallmatrix", "matrix*")
_OF_BRACKET = {"(": "pmatrix", "[": "bmatrix", "|": "vmatrix", "||": "Vmatrix", "{": "Bmatrix"}
_LEFT_OF = {"pmatrix": "(", "bmatrix": "[", "psmallmatrix": "(", "bsmallmatrix": "["}


def inner_tokens(p: Parser, token: Token) -> list[Token]:
    """What a bracket holds, paired: that of \\left ... \\right has not been looked at before."""
    if isinstance(token.node, Fenced) or (token.node is not None and not token.close):
        return pair(join(list(token.inner), p.context.words, bool(p.mode)), True)
    return pair(token.inner, True)


def items(p: Parser, token: Token) -> tuple[tuple[s.Expr, ...], tuple[str, ...]]:
    """The parts of a bracket and what separates them."""
    if p.depth >= v.MAX_DEPTH:
        return (names.too_deep(token.start, token.end),), ()
    found: list[s.Expr] = []
    separators: list[str] = []
    segment: list[Token] = []
    inside = inner_tokens(p, token)

    def flush(separator: str | None, end: int) -> None:
        if segment:
            found.append(p.deeper(list(segment), p.mode).statement())
            segment.clear()
        elif separator is not None and (not found or len(separators) == len(found)):
            found.append(s.Mark(end, end, v.BLANK))
        if separator is not None and len(separators) < len(found):
            separators.append(separator)

    for at, item in enumerate(inside):
        if item.kind in ("align", "column"):
            continue
        if item.kind in ("punct", "sep"):
            flush(item.name, item.start)
        elif item.kind == "rel" and item.name in _SEPARATING and item.bare:
            flush(_SEPARATING[item.name], item.start)
        elif item.kind in ("quad", "row"):
            before = inside[at - 1] if at else None
            after = inside[at + 1] if at + 1 < len(inside) else None
            if segment and after is not None and not _operates(before) and not _operates(after):
                flush(" " if item.kind == "quad" else ";", item.start)
        elif item.kind == "words":
            if segment or found and len(separators) < len(found):
                flush(" ", item.start)
            found.append(s.Words(item.start, item.end, item.name))
            if at + 1 < len(inside):
                separators.append(" ")
        else:
            segment.append(item)
    flush(None, token.end)
    return tuple(found), tuple(separators[: max(0, len(found) - 1)])


def _operates(token: Token | None) -> bool:
    return token is None or token.kind in ("rel", "bin", "punct", "sep", "quad", "row")


def group(p: Parser, token: Token) -> s.Expr:
    """A bracketed expression with the scripts on its closing bracket."""
    if token.name in _BARS and token.close in _BARS:
        return names.with_scripts(p, _bars(p, token), token)
    if not token.name and token.close:
        body = p.deeper(inner_tokens(p, token), p.mode).everything(token.start, token.end)
        return evaluated(p, body, token)
    if not token.name:
        body = p.deeper(inner_tokens(p, token), p.mode).everything(token.start, token.end)
        return names.with_scripts(p, body, token)
    sole = _sole_environment(token)
    if sole is not None and token.name in _OF_BRACKET and token.close:
        return names.with_scripts(p, _matrix(p, sole, _OF_BRACKET[token.name], token), token)
    if token.name in _FLOORS and token.close in ("\\rfloor", "\\rceil"):
        body = p.deeper(inner_tokens(p, token), p.mode).everything(token.start, token.end)
        return names.with_scripts(p, s.Floor(token.start, token.end, _FLOORS[token.name], body), token)
    parts, separators = items(p, token)
    if token.name in ("\\langle", "\\lAngle"):
        return names.with_scripts(p, s.Angle(token.start, token.end, parts), token)
    base = s.Paren(token.start, token.end, token.name, token.close, parts, separators)
    return names.with_scripts(p, base, token)


def _bars(p: Parser, token: Token) -> s.Expr:
    sole = _sole_environment(token)
    if sole is not None:
        return _matrix(p, sole, _OF_BRACKET[token.name], token)
    body = p.deeper(inner_tokens(p, token), p.mode).everything(token.start, token.end)
    return s.Bars(token.start, token.end, token.name if token.name == token.close else "||", body)


def _sole_environment(token: Token) -> Environment | None:
    if len(token.inner) == 1 and isinstance(token.inner[0].node, Environment) and token.inner[0].bare:
        environment = token.inner[0].node
        return environment if environment.name in _PLAIN else None
    return None


def evaluated(p: Parser, body: s.Expr, token: Token) -> s.Expr:
    """f|_{x=a}; between two points, f|_a^b, both are listed."""
    low, high = names.script(p, token.sub, "sub"), names.script(p, token.sup, "sup")
    points = [x for x in (low, high) if x is not None]
    at: s.Expr
    if len(points) == 2:
        at = s.Listing(token.start, token.end, tuple(points), (";",))
    else:
        at = points[0] if points else s.Mark(token.end, token.end, v.BLANK)
    return s.Evaluated(min(body.start, token.start), token.end, body, at)


def divide(p: Parser, parts: list[s.Expr], ops: list[str]) -> None:
    """a/b after its slash. Of a/bc the convention is a/(bc), (a/b)c the other reading; a space ends the denominator."""
    signs: list[Token] = []
    while (sign := p.peek()) is not None and sign.kind == "bin" and sign.name in v.SIGNS:
        signs.append(p.take())
    first = p.peek()
    if first is None or first.kind not in OPERANDS:
        ops.append("/")
        parts.append(p.product())
        return
    factors = [p.factor()]
    last = first
    choice = False
    several = isinstance(parts[0], s.Choice)
    while (
        (token := p.peek()) is not None
        and token.kind in ("letter", "number", "word", "group", "other")
        and token.tight
        and not token.space
    ):
        if last.kind in ("group", "node", "op", "big") or (
            token.kind in ("word",) and token.name in v.PREFIX_OPERATORS
        ):
            break
        if token.kind == "group" and token.name not in ("(", "["):
            break
        if token.kind == "other" and token.name not in ("!", "\\%"):
            break
        if token.kind != "group" or last.kind not in ("letter", "word") or is_sum(token):
            choice = token.kind != "other"
        factors.append(p.factor())
        last = token
    bottom = juxt(tuple(factors))
    head = factors[0]
    for sign in reversed(signs):
        bottom = s.Sign(sign.start, bottom.end, sign.name, bottom)
        head = s.Sign(sign.start, head.end, sign.name, head)
    together = s.Infix(parts[0].start, bottom.end, (*ops, "/"), (*parts, bottom))
    if not choice or len(factors) == 1 or several and parts[0].key == "slash":  # type: ignore[attr-defined]
        ops.append("/")
        parts.append(bottom)
        return
    apart = juxt((s.Infix(parts[0].start, head.end, (*ops, "/"), (*parts, head)), *factors[1:]))
    order = (apart, together) if last.kind == "group" else (together, apart)
    parts[:] = [p.context.budget.choose(order, "slash")]
    ops.clear()


def node(p: Parser, token: Token) -> s.Expr:
    match token.node:
        case Fraction() as fraction:
            return _fraction(p, token, fraction)
        case Root(body=body, degree=degree):
            inside = p.inside(body)
            base: s.Expr = s.RootOf(token.start, token.end, inside, p.inside(degree) if degree is not None else None)
            return names.with_scripts(p, base, token)
        case Accent(command=command, body=body):
            name = command.lstrip("\\")
            function = s.Name(token.start, token.start, "\\" + v.ACCENTS.get(name, name), word=True)
            return names.with_scripts(p, s.Call(token.start, token.end, function, (p.inside(body),)), token)
        case Environment() as environment:
            return names.with_scripts(p, _environment(p, environment, token), token)
    return s.Unread(token.start, token.end, "", "notation of an unknown kind")


def _fraction(p: Parser, token: Token, fraction: Fraction) -> s.Expr:
    derivative = derivatives.fraction(p, token, fraction)
    if derivative is not None:
        return derivative
    command = fraction.command
    kind = "\\binom" if "binom" in command or command == "\\choose" or command.startswith("\\genfrac{(") else "\\frac"
    base = s.Quotient(token.start, token.end, p.inside(fraction.numerator), p.inside(fraction.denominator), kind)
    return names.with_scripts(p, base, token)


def _environment(p: Parser, environment: Environment, token: Token) -> s.Expr:
    name = environment.name
    if name.endswith(("cases", "cases*")):
        return _cases(p, environment, token)
    if name in ("substack", "subarray", "darray") and name != "darray":
        cells = [p.inside(cell) for row in environment.rows for cell in row if cell.items]
        if len(cells) == 1:
            return cells[0]
        return s.Listing(token.start, token.end, tuple(cells), ("\\\\",) * (len(cells) - 1))
    return _matrix(p, environment, name.rstrip("*"), token)


def _matrix(p: Parser, environment: Environment, kind: str, token: Token) -> s.Expr:
    rows = tuple(
        tuple(p.inside(cell) for cell in row)
        for row in environment.rows
        if any(not isinstance(i, Phantom) for cell in row for i in cell.items)
    )
    width = max((len(row) for row in rows), default=0)
    empty = {j for j in range(width) if all(j >= len(row) or _is_blank(row[j]) for row in rows)}
    if empty and len(empty) < width:
        rows = tuple(tuple(x for j, x in enumerate(row) if j not in empty) for row in rows)
    return s.Matrix(token.start, token.end, kind, rows)


def _is_blank(expr: s.Expr) -> bool:
    return isinstance(expr, s.Mark) and expr.name == v.BLANK


def _cases(p: Parser, environment: Environment, token: Token) -> s.Expr:
    branches: list[tuple[s.Expr, s.Expr | None]] = []
    for row in environment.rows:
        cells = [x for x in (p.prepared(cell.items) for cell in row) if x]
        if not cells:
            continue
        head, *rest = cells
        tail = [t for cell in rest for t in cell]
        found = pieces(head)
        if not tail and len(found) > 1:
            value, conditions = found[:1], found[1:]
        else:
            value, conditions = found, pieces(tail)
        start = row[0].start
        branches.append((_value(p, value, start), condition(p, conditions)))
    return s.CasesOf(token.start, token.end, tuple(branches))


def _value(p: Parser, parts: list[Piece], start: int) -> s.Expr:
    if not parts:
        return s.Mark(start, start, v.BLANK)
    exprs = [read(p, x) for x in parts]
    return (
        exprs[0]
        if len(exprs) == 1
        else s.Listing(exprs[0].start, exprs[-1].end, tuple(exprs), (",",) * (len(exprs) - 1))
    )
