"""Derivatives in every spelling: fractions of ∂ or d, ∇, ∂_x, ∂f/∂x on a line, differentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import names
from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.differential_operators import Wrt, applied, collect, complete, on
from lemmata.elaborate.syntax.kinds import OPERANDS, is_bracket, is_d, is_partial, marks_derivative
from lemmata.elaborate.syntax.names import juxt
from lemmata.elaborate.syntax.token import Token
from lemmata.latex.tree import Fraction, Node, Number, Row

if TYPE_CHECKING:
    from lemmata.elaborate.syntax.grammar import Parser


def _order(sup: Node | None) -> int | None:
    """The order that a superscript states; 1 without one, None where it is no small number."""
    node = sup
    while isinstance(node, Row) and len(node.items) == 1:
        node = node.items[0]
    if node is None:
        return 1
    if isinstance(node, Number) and node.text.isdigit() and 1 <= int(node.text) <= 9 and len(node.text) == 1:
        return int(node.text)
    return None


def fraction(p: Parser, token: Token, node: Fraction) -> s.Expr | None:
    """\\frac{\\partial f}{\\partial x}, \\frac{d}{dt} f, \\frac{d^2 f}{dx\\,dy}; None for other fractions."""
    if p.depth >= v.MAX_DEPTH or node.command.endswith("binom") or not token.bare and token.sub is not None:
        return None
    top = _prepared(p, node.numerator)
    bottom = _prepared(p, node.denominator)
    if not top or not bottom or not (marks_derivative(top[0]) and marks_derivative(bottom[0])):
        return None
    order = _order(top[0].sup)
    if order is None or top[0].primes:
        return None
    italic = is_d(top[0]) and is_d(bottom[0]) and not top[0].font and not bottom[0].font
    wrt = _wrt(p, bottom, order, italic)
    if wrt is None:
        return None
    style = "partial" if is_partial(top[0]) or is_partial(bottom[0]) else "d"
    if len(top) > 1:
        numerator = p.deeper(top[1:], p.mode).statement()
        found: s.Expr = s.Derivative(token.start, token.end, style, order, numerator, wrt)
        found = names.with_scripts(p, found, token)
        if italic and p.context.d_is_quantity:
            factors = [names.letter(p, top[0]), numerator]
            below = [names.letter(p, bottom[0]), *(x for x, _ in wrt)]
            quotient = s.Quotient(token.start, token.end, juxt(tuple(factors)), juxt(tuple(below)))
            return p.context.budget.choose((found, quotient), "derivative")
        return found
    operator = s.Derivative(token.start, token.end, style, order, None, wrt)
    following = p.peek()
    if not token.bare or following is None or following.kind not in OPERANDS:
        if italic and not (following is not None and following.kind in OPERANDS) and p.context.d_is_quantity:
            return None
        return names.with_scripts(p, operator, token)
    return applied(p, operator, wrt, across=True)


def _prepared(p: Parser, node: Node) -> list[Token]:
    return p.prepared(node.items if isinstance(node, Row) else (node,), p.mode)


def _wrt(p: Parser, items: Sequence[Token], order: int, italic: bool) -> Wrt | None:
    """The variables of a denominator with their multiplicities; None where it is no denominator of a derivative."""
    variables: list[tuple[s.Expr, int]] = []
    at = 0
    while at < len(items):
        if not marks_derivative(items[at]) or at + 1 >= len(items):
            return None
        end = at + 2
        while end < len(items) and not (is_partial(items[end]) or (is_d(items[end]) and is_d(items[at]))):
            end += 1
        variable = list(items[at + 1 : end])
        if italic and (len(variable) != 1 or variable[0].kind not in ("letter", "word", "node", "group", "number")):
            return None
        if italic and variable[0].kind == "number":
            return None
        times = 1
        power = _order(variable[-1].sup) if variable[-1].sup is not None else None
        if power is not None and 1 < power <= order and order > 1:
            times = power
            variable[-1] = replace(variable[-1], sup=None)
        elif _order(items[at].sup) not in (1, None):
            times = _order(items[at].sup) or 1
        variables.append((p.deeper(variable, p.mode).statement(), times))
        at = end
    return tuple(variables)


def nabla(p: Parser, token: Token) -> s.Expr:
    """\\nabla f, \\nabla_x f(x), \\nabla^2_w L."""
    order = _order(token.sup)
    sub = names.script(p, token.sub, "sub")
    wrt: Wrt = ((sub, order or 1),) if sub is not None else ()
    if order is None:
        bare = s.Derivative(token.start, token.end, "nabla", 1, None, wrt)
        return s.Scripted(token.start, token.end, bare, None, names.script(p, token.sup, "sup"))
    return applied(p, s.Derivative(token.start, token.end, "nabla", order, None, wrt), wrt)


def partial(p: Parser, token: Token) -> s.Expr:
    """\\partial_x f, \\partial f/\\partial x, and \\partial f alone."""
    order = _order(token.sup)
    if order is None:
        return s.Unread(token.start, token.end, "", "∂ with a superscript that is no order")
    if token.sub is not None:
        sub = names.script(p, token.sub, "sub")
        assert sub is not None
        wrt: Wrt = ((sub, order),)
        return applied(p, s.Derivative(token.start, token.end, "partial", order, None, wrt), wrt)
    found = collect(p)
    slash, marker = p.peek(), p.peek(1)
    numerator = juxt(tuple(found.factors)) if found.factors else None
    if _is_slash(slash) and marker is not None and marks_derivative(marker):
        p.at += 1
        variables = _slash_variables(p, order)
        if variables:
            end = p.tokens[p.at - 1].end
            operator = s.Derivative(token.start, end, "partial", order, numerator, variables)
            return operator if numerator is not None else applied(p, operator, variables, across=True)
        p.at -= 1
    operator = s.Derivative(token.start, token.end, "partial", order, None, ())
    if not found.factors:
        return operator
    return on(operator, found.factors, complete(found.factors, 1))


def _slash_variables(p: Parser, order: int) -> Wrt:
    """\\partial x\\,\\partial y behind a slash: as many as the order asks for."""
    variables: list[tuple[s.Expr, int]] = []
    count = 0
    while count < order and (marker := p.peek()) is not None and marks_derivative(marker):
        variable = p.peek(1)
        if variable is None or variable.kind not in OPERANDS:
            break
        p.at += 2
        times = 1
        power = _order(variable.sup) if variable.sup is not None else None
        if power is not None and 1 < power <= order:
            times = power
            variable = replace(variable, sup=None)
        group = p.peek() if variable.kind in ("op", "word") else None
        items = [variable]
        if group is not None and is_bracket(group):
            items.append(p.take())
        variables.append((p.deeper(items, p.mode).statement(), times))
        count += times
    return tuple(variables)


def differential(p: Parser, token: Token) -> s.Expr | None:
    """d x, \\mathrm d X, dL/dx; None where d is an ordinary letter."""
    following = p.peek()
    if not token.bare and _order(token.sup) is None or token.primes:
        return None
    inline = _inline(p, token)
    if inline is not None:
        return inline
    if following is None or following.kind not in ("letter", "word") or is_d(following):
        return None
    upright = token.font == "roman"
    if token.sup is not None or (following.space and not upright):
        return None
    if following.name in ("\\partial", "\\nabla", "\\infty"):
        return None
    if not upright and p.context.d_is_quantity:
        return None
    body = names.word(p, p.take()) if following.kind == "word" else names.letter(p, p.take())
    found = s.Differential(token.start, body.end, body)
    if upright:
        return found
    product = s.Juxt(token.start, body.end, (names.letter(p, token), body))
    options = (product, found) if "d" in p.context.words else (found, product)
    return s.Choice(token.start, body.end, options, "differential")


def _inline(p: Parser, token: Token) -> s.Expr | None:
    """dL/dx, d^2 f/dx^2 and d/dx f typed with a slash."""
    shift = 0 if _is_slash(p.peek()) else 1
    order = _order(token.sup)
    marker, variable = p.peek(shift + 1), p.peek(shift + 2)
    if (
        order is None
        or not _is_slash(p.peek(shift))
        or marker is None
        or variable is None
        or not is_d(marker)
        or not marker.bare
    ):
        return None
    if variable.kind not in ("letter", "word") or not variable.tight and not marker.font:
        return None
    numerator = None
    if shift:
        head = p.peek()
        if head is None or head.kind not in ("letter", "word") or (not head.tight and not token.font):
            return None
        p.at += 1
        numerator = names.word(p, head) if head.kind == "word" else names.letter(p, head)
    p.at += 1
    variables = _slash_variables(p, order)
    operator = s.Derivative(token.start, p.tokens[p.at - 1].end, "d", order, numerator, variables)
    return operator if numerator is not None else applied(p, operator, variables, across=True)


def _is_slash(token: Token | None) -> bool:
    return token is not None and token.kind == "bin" and token.name == "/"
