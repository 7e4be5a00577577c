"""Derivatives in every spelling: fractions of \\partial or d, \\nabla, \\partial_x, \\partial f/\\partial x, differentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import names, operators, reach, structures
from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.token import Token, tokens
from lemmata.latex.tree import Fraction, Node, Number, Row

if TYPE_CHECKING:
    from lemmata.elaborate.syntax.grammar import Parser

Wrt = tuple[tuple[s.Expr, int], ...]


def is_d(token: Token) -> bool:
    return token.kind == "letter" and token.name == "d" and token.font in ("", "roman") and token.sub is None and not token.accents


def _is_partial(token: Token) -> bool:
    return token.kind == "letter" and token.name == "\\partial" and token.sub is None and not token.accents


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


# fractions


def fraction(p: Parser, token: Token, node: Fraction) -> s.Expr | None:
    """\\frac{\\partial f}{\\partial x}, \\frac{d}{dt} f, \\frac{d^2 f}{dx\\,dy}; None for what is an ordinary fraction."""
    if p.depth >= v.MAX_DEPTH or node.command.endswith("binom") or not token.bare and token.sub is not None:
        return None
    top = _prepared(p, node.numerator)
    bottom = _prepared(p, node.denominator)
    if not top or not bottom or not (_marks(top[0]) and _marks(bottom[0])):
        return None
    order = _order(top[0].sup)
    if order is None or top[0].primes:
        return None
    italic = is_d(top[0]) and is_d(bottom[0]) and not top[0].font and not bottom[0].font
    wrt = _wrt(p, bottom, order, italic)
    if wrt is None:
        return None
    style = "partial" if _is_partial(top[0]) or _is_partial(bottom[0]) else "d"
    if len(top) > 1:
        numerator = p.deeper(top[1:], p.mode).statement()
        found: s.Expr = s.Derivative(token.start, token.end, style, order, numerator, wrt)
        found = names.with_scripts(p, found, token)
        if italic and p.context.d_is_quantity:
            factors = [names.letter(p, top[0]), numerator]
            below = [names.letter(p, bottom[0]), *(x for x, _ in wrt)]
            quotient = s.Quotient(token.start, token.end, structures.juxt(tuple(factors)), structures.juxt(tuple(below)))
            return p.context.budget.choose((found, quotient), "derivative")
        return found
    operator = s.Derivative(token.start, token.end, style, order, None, wrt)
    following = p.peek()
    if not token.bare or following is None or following.kind not in operators.OPERANDS:
        if italic and not _operated_on(following) and p.context.d_is_quantity:
            return None
        return names.with_scripts(p, operator, token)
    return _applied(p, operator, wrt, across=True)


def begins_derivative(token: Token) -> bool:
    """Whether the token is a differential operator that needs an operand: \\nabla, \\partial, d/dx."""
    if token.kind == "letter":
        return token.name in ("\\nabla", "\\partial")
    if token.kind != "node" or not isinstance(token.node, Fraction):
        return False
    top = tokens((token.node.numerator,))
    return len(top) == 1 and _marks(top[0])


def _operated_on(following: Token | None) -> bool:
    return following is not None and following.kind in operators.OPERANDS


def _prepared(p: Parser, node: Node) -> list[Token]:
    return p.prepared(node.items if isinstance(node, Row) else (node,), p.mode)


def _marks(token: Token) -> bool:
    return _is_partial(token) or is_d(token)


def _wrt(p: Parser, items: Sequence[Token], order: int, italic: bool) -> Wrt | None:
    """The variables of a denominator with their multiplicities; None where it is no denominator of a derivative."""
    variables: list[tuple[s.Expr, int]] = []
    at = 0
    while at < len(items):
        if not _marks(items[at]) or at + 1 >= len(items):
            return None
        end = at + 2
        while end < len(items) and not (_is_partial(items[end]) or (is_d(items[end]) and is_d(items[at]))):
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


# operators with an operand


@dataclass(slots=True)
class _Operand:
    factors: list[s.Expr]
    starts: list[Token]


def _collect(p: Parser) -> _Operand:
    """The factors behind a differential operator."""
    found = _Operand([], [])
    p.depth += 1
    while (token := p.peek()) is not None and token.kind in operators.OPERANDS:
        if token.kind == "other" and token.name in ("!", "\\%") or found.factors and begins_derivative(token):
            break
        found.starts.append(token)
        found.factors.append(p.factor())
    p.depth -= 1
    return found


def _applied(p: Parser, operator: s.Derivative, wrt: Wrt, across: bool = False) -> s.Expr:
    """The operator on the factors behind it: on all of them while its variable goes on occurring, else on the first.

    `across`: on a product by \\cdot and the like too, while the variable occurs. A fraction d/dx takes all its factors
    by convention; \\nabla f(x)^T v is the gradient, transposed, times v.
    """
    found = _collect(p)
    factors, starts = found.factors, found.starts
    if not factors:
        return operator
    letters = frozenset().union(*(reach.index_letters(x) | _letters(x) for x, _ in wrt)) if wrt else frozenset()
    if across and letters:
        whole = _across(p, factors, letters)
        if whole is not None:
            return replace(operator, numerator=whole, end=whole.end)
    lifted: s.Expr | None = None
    if isinstance(factors[-1], s.Choice) and factors[-1].key in ("operand", "derivative reach"):
        choice = factors[-1]
        split = next((o for o in choice.options if isinstance(o, s.Juxt)), None)
        if split is not None:
            lifted = structures.juxt((*factors[:-1], next(o for o in choice.options if not isinstance(o, s.Juxt))))
            starts = starts + [starts[-1]] * (len(split.items) - 1)
            factors = [*factors[:-1], *split.items]
    everything = len(factors)
    first = _first_unit(factors, letters)
    last = max((i + 1 for i, x in enumerate(factors) if reach.occurs(letters, x)), default=first)
    last = _complete(factors, max(first, last))
    if operator.style == "nabla":
        alone = _stands_alone(factors, first, letters)
        cuts = [first, everything] if alone and last <= first else [everything, *([first] if alone else [])]
    else:
        cuts = [everything, *([last] if _stands_alone(factors, last, letters) else [])]
    options = [_on(operator, factors, cut) for cut in dict.fromkeys(cuts)]
    if lifted is not None:
        options.append(replace(operator, numerator=lifted, end=lifted.end))
    return p.context.budget.choose(tuple(options), "derivative reach")


def _across(p: Parser, factors: list[s.Expr], letters: frozenset[str]) -> s.Expr | None:
    """The operand continued over \\cdot, \\odot ... as far as the variable occurs at this level; None if it does not."""
    following = p.peek()
    if following is None or following.kind != "bin" or following.name in v.SIGNS or not following.bare:
        return None
    end = p.at
    while end < len(p.tokens) and p.tokens[end].kind not in ("rel", "punct", "sep", "quad", "row"):
        if p.tokens[end].kind == "bin" and p.tokens[end].name in v.SIGNS:
            break
        end += 1
    if not any(_mentions(t, letters) for t in p.tokens[p.at : end]):
        return None
    items: list[s.Expr] = [structures.juxt(tuple(factors))]
    ops: list[str] = []
    p.depth += 1
    while (token := p.peek()) is not None and token.kind == "bin" and token.name not in v.SIGNS and token.bare:
        p.at += 1
        ops.append(token.name)
        items.append(p.operand())
    p.depth -= 1
    return s.Infix(items[0].start, items[-1].end, tuple(ops), tuple(items))


def _mentions(token: Token, letters: frozenset[str]) -> bool:
    """Whether a letter stands somewhere in a token, judged by its notation alone."""
    from lemmata.latex.tree import Symbol
    from lemmata.latex.walk import walk

    pending = [token]
    while pending:
        current = pending.pop()
        if current.kind in ("letter", "word") and "".join(f"\\{a} " for a in current.accents) + current.name in letters:
            return True
        pending.extend(current.inner)
        for node in (current.node, current.sub, current.sup):
            if node is not None and current.kind in ("node", "group", "letter", "word", "number"):
                if any(isinstance(n, Symbol) and n.name in letters for n in walk(node)):
                    return True
    return False


def _letters(expr: s.Expr) -> frozenset[str]:
    """The letters of a variable that one differentiates by: x of x_i, X of vec(X)^T."""
    found: set[str] = set()
    pending = [expr]
    while pending:
        node = pending.pop()
        if isinstance(node, s.Name):
            if not node.word or node.sub is None and len(node.base) > 0 and isinstance(expr, s.Name):
                found.add(reach.letter_of(node))
        elif isinstance(node, s.Call):
            pending.extend(node.arguments)
        elif isinstance(node, s.Scripted):
            pending.append(node.base)
        else:
            pending.extend(reach.children(node))
    return frozenset(found)


def _first_unit(factors: list[s.Expr], letters: frozenset[str]) -> int:
    """How many factors make the least operand: up to the first that holds the variable, coefficients before it too."""
    end = 1
    if letters:
        while end < len(factors) and not any(reach.occurs(letters, x) for x in factors[:end]):
            end += 1
        if not any(reach.occurs(letters, x) for x in factors[:end]):
            end = 1
    while end < len(factors) and isinstance(factors[end - 1], s.Num | s.Quotient) and not letters:
        end += 1
    return _complete(factors, end)


def _complete(factors: list[s.Expr], end: int) -> int:
    """An application f(x) is not cut in two."""
    if end < len(factors) and isinstance(factors[end - 1], s.Name) and _bracket(factors[end]) is not None:
        return end + 1
    return end


def _bracket(expr: s.Expr) -> s.Paren | None:
    base = expr.base if isinstance(expr, s.Scripted) else expr
    return base if isinstance(base, s.Paren) and base.open in ("(", "[") else None


def _stands_alone(factors: list[s.Expr], end: int, letters: frozenset[str]) -> bool:
    """Whether the factors up to here may be all that is differentiated: a function, bars or a bracket with its
    coefficients, but not the variable itself and no beginning of a longer product."""
    begin = 0
    while begin < end - 1 and isinstance(factors[begin], s.Num | s.Quotient):
        begin += 1
    head = factors[begin]
    if end - begin == 2:
        return isinstance(head, s.Name) and _bracket(factors[end - 1]) is not None
    if end - begin > 2:
        return False
    if isinstance(head, s.Name):
        return reach.letter_of(head) not in letters
    return not (isinstance(head, s.Scripted) and _bracket(head) is not None and _is_transposed(head.sup))


def _on(operator: s.Derivative, factors: list[s.Expr], cut: int) -> s.Expr:
    """The operator on the first factors, the others behind it; a transpose on f(x)^T is one of the gradient."""
    inside = list(factors[:cut])
    last = inside[-1]
    sup: s.Expr | None = None
    applied = cut == 2 and isinstance(inside[0], s.Name)
    if operator.style == "nabla" and isinstance(last, s.Scripted) and applied and last.sub is None and _is_transposed(last.sup):
        sup, inside[-1] = last.sup, last.base
    elif operator.style == "nabla" and cut == 1 and isinstance(last, s.Name) and _is_transposed(last.sup):
        sup, inside[-1] = last.sup, replace(last, sup=None)
    body = structures.juxt(tuple(inside))
    result: s.Expr = replace(operator, numerator=body, end=body.end)
    if sup is not None:
        result = s.Scripted(operator.start, sup.end, result, None, sup)
    return structures.juxt((result, *factors[cut:]))


def _is_transposed(sup: s.Expr | None) -> bool:
    match sup:
        case s.Mark(name="top") | s.Name(base="T", sub=None, sup=None):
            return True
    return False


def nabla(p: Parser, token: Token) -> s.Expr:
    """\\nabla f, \\nabla_x f(x), \\nabla^2_w L."""
    order = _order(token.sup)
    sub = names.script(p, token.sub, "sub")
    wrt: Wrt = ((sub, order or 1),) if sub is not None else ()
    if order is None:
        bare = s.Derivative(token.start, token.end, "nabla", 1, None, wrt)
        return s.Scripted(token.start, token.end, bare, None, names.script(p, token.sup, "sup"))
    return _applied(p, s.Derivative(token.start, token.end, "nabla", order, None, wrt), wrt)


def partial(p: Parser, token: Token) -> s.Expr:
    """\\partial_x f, \\partial f/\\partial x, and \\partial f alone."""
    order = _order(token.sup)
    if order is None:
        return s.Unread(token.start, token.end, "", "∂ with a superscript that is no order")
    if token.sub is not None:
        sub = names.script(p, token.sub, "sub")
        assert sub is not None
        wrt: Wrt = ((sub, order),)
        return _applied(p, s.Derivative(token.start, token.end, "partial", order, None, wrt), wrt)
    found = _collect(p)
    slash, marker = p.peek(), p.peek(1)
    numerator = structures.juxt(tuple(found.factors)) if found.factors else None
    if slash is not None and slash.kind == "bin" and slash.name == "/" and marker is not None and _marks(marker):
        p.at += 1
        variables = _slash_variables(p, order)
        if variables:
            end = p.tokens[p.at - 1].end
            operator = s.Derivative(token.start, end, "partial", order, numerator, variables)
            return operator if numerator is not None else _applied(p, operator, variables, across=True)
        p.at -= 1
    operator = s.Derivative(token.start, token.end, "partial", order, None, ())
    if not found.factors:
        return operator
    return _on(operator, found.factors, _complete(found.factors, 1))


def _slash_variables(p: Parser, order: int) -> Wrt:
    """\\partial x\\,\\partial y behind a slash: as many as the order asks for."""
    variables: list[tuple[s.Expr, int]] = []
    count = 0
    while count < order and (marker := p.peek()) is not None and _marks(marker):
        variable = p.peek(1)
        if variable is None or variable.kind not in operators.OPERANDS:
            break
        p.at += 2
        times = 1
        power = _order(variable.sup) if variable.sup is not None else None
        if power is not None and 1 < power <= order:
            times = power
            variable = replace(variable, sup=None)
        group = p.peek() if variable.kind in ("op", "word") else None
        items = [variable]
        if group is not None and operators.is_bracket(group):
            items.append(p.take())
        variables.append((p.deeper(items, p.mode).statement(), times))
        count += times
    return tuple(variables)


# differentials


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
    if order is None or not _is_slash(p.peek(shift)) or marker is None or variable is None or not is_d(marker) or not marker.bare:
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
    return operator if numerator is not None else _applied(p, operator, variables, across=True)


def _is_slash(token: Token | None) -> bool:
    return token is not None and token.kind == "bin" and token.name == "/"
