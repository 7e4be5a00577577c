"""Letters and words that act: named operators with their operands, big operators, expectations, differentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import derivatives, names, structures
from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.kinds import OPERANDS, begins_derivative, is_bracket, is_d, is_sum
from lemmata.elaborate.syntax.names import juxt
from lemmata.elaborate.syntax.token import Token

if TYPE_CHECKING:
    from lemmata.elaborate.syntax.grammar import Parser

_INTEGRALS = {
    "\\int": 1,
    "\\intop": 1,
    "\\smallint": 1,
    "\\oint": 1,
    "\\iint": 2,
    "\\oiint": 2,
    "\\iiint": 3,
    "\\oiiint": 3,
}
_BLACKBOARD = {"E": "E", "P": "P", "V": "Var"}


def letter(p: Parser, token: Token) -> s.Expr:
    following = p.peek()
    if token.name == "\\nabla":
        return derivatives.nabla(p, token)
    if token.name == "\\partial":
        return derivatives.partial(p, token)
    if token.name in ("\\Re", "\\Im") and token.bare and following is not None and following.kind in OPERANDS:
        return _call(p, replace(token, kind="word"))
    if token.font == "bb" and token.name in _BLACKBOARD and not token.accents:
        if token.name == "E" or (is_bracket(following) and token.sup is None):
            return expectation(p, token, _BLACKBOARD[token.name])
    if (
        token.name == "E"
        and not token.accents
        and not token.primes
        and following is not None
        and following.kind == "group"
    ):
        if token.font == "roman" and is_bracket(following):
            return expectation(p, token, "E")
        if not token.font and following.name == "[":
            return expectation(p, token, "E?")
    if token.name == "d" and token.font in ("", "roman") and not p.mode:
        found = derivatives.differential(p, token)
        if found is not None:
            return found
    return names.letter(p, token)


def word(p: Parser, token: Token) -> s.Expr:
    following = p.peek()
    name = token.name
    if name == "arg" and following is not None and following.kind in ("op", "word") and following.name in v.OPTIMA:
        p.at += 1
        merged = replace(following, start=token.start, name=f"arg{following.name}", sub=following.sub or token.sub)
        return _optimum(p, merged)
    if name in v.MOMENTS and not token.accents and not token.primes:
        operand_follows = following is not None and following.kind in OPERANDS
        if is_bracket(following) or (operand_follows and (token.kind == "op" or name in ("Var", "Cov"))):
            return expectation(p, token, v.MOMENTS[name])
    if p.mode and following is None and token.kind == "op":
        return replace(names.name_of(p, token), base=name)
    if name in v.OPTIMA and not token.primes and not (token.sub is None and is_bracket(following)):
        if token.sub is not None or token.kind == "op":
            return _optimum(p, token)
    if is_bracket(following):
        return _call(p, token)
    prefix = name in v.PREFIX_OPERATORS or (token.kind == "op" and _command(token)) or token.limits
    if prefix and following is not None and (following.kind in OPERANDS or _negated(p)):
        return _call(p, token)
    return names.word(p, token)


def _command(token: Token) -> bool:
    return getattr(token.node, "name", "").startswith("\\")


def _negated(p: Parser) -> bool:
    """\\exp -x: a sign right behind the operator."""
    sign, operand = p.peek(), p.peek(1)
    return (
        sign is not None
        and sign.kind == "bin"
        and sign.name == "-"
        and operand is not None
        and operand.kind in OPERANDS
    )


def _function(p: Parser, token: Token) -> s.Name:
    base = v.OPTIMA.get(token.name) if token.kind == "op" else None
    name = names.name_of(p, token, base)
    return name if name.word else replace(name, word=True)


def _call(p: Parser, token: Token) -> s.Expr:
    """The operator with the bracket behind it, or with the factors behind it."""
    function = _function(p, token)
    following = p.peek()
    if following is not None and is_bracket(following):
        return _bracketed(p, token, function, p.take())
    return _operand_call(p, token, function)


def _bracketed(p: Parser, token: Token, function: s.Name, group: Token) -> s.Expr:
    arguments, separators = structures.items(p, group)
    call = s.Call(token.start, group.end, function, arguments, separators)
    scripted = names.with_scripts(p, call, group)
    if group.sup is not None and group.sub is None and not group.tight and token.name in v.MONOTONE:
        paren = s.Paren(group.start, group.end, group.name, group.close, arguments, separators)
        inner = names.with_scripts(p, paren, group)
        other = s.Call(token.start, group.end, function, (inner,), bracketed=False)
        return p.context.budget.choose((scripted, other), "operand")
    return scripted


def _operand_call(p: Parser, token: Token, function: s.Name) -> s.Expr:
    """\\log p(x), \\sin m\\theta, \\log\\sum_k e^{z_k}: the factors up to the next operator.

    Where the author leaves a space, or an application such as p(x) is complete, the operand may end there.
    """
    sign = p.take() if _negated(p) else None
    factors, starts = operand_factors(p)
    cut, narrow_first = _cut(factors, starts)

    def call(inside: Sequence[s.Expr]) -> s.Expr:
        body = juxt(tuple(inside))
        if sign is not None:
            body = s.Sign(sign.start, body.end, sign.name, body)
        return s.Call(token.start, body.end, function, (body,), bracketed=False)

    if cut == len(factors):
        return call(factors)
    wide = call(factors)
    narrow = juxt((call(factors[:cut]), *factors[cut:]))
    options = (narrow, wide) if narrow_first else (wide, narrow)
    return p.context.budget.choose(options, "operand")


def operand_factors(p: Parser) -> tuple[list[s.Expr], list[Token]]:
    """Factors up to the next operator of any kind; a named or big operator only as the first, taken whole."""
    factors: list[s.Expr] = []
    starts: list[Token] = []
    p.depth += 1
    while (token := p.peek()) is not None and token.kind in OPERANDS:
        if factors and begins_operator(token):
            break
        if factors and token.kind == "other" and token.name in ("!", "\\%"):
            p.at += 1
            function = s.Name(token.start, token.end, token.name, word=True)
            factors[-1] = s.Call(factors[-1].start, token.end, function, (factors[-1],), bracketed=False)
            continue
        starts.append(token)
        factors.append(p.factor())
        if (
            len(factors) == 1
            and isinstance(factors[0], s.Big | s.Derivative | s.Choice)
            and token.kind in ("big", "op")
        ):
            break
    p.depth -= 1
    return factors, starts


def begins_operator(token: Token) -> bool:
    """Whether the token begins something with an operand of its own."""
    if token.kind in ("op", "big"):
        return True
    if token.kind == "word":
        return token.name in v.PREFIX_OPERATORS or token.name in v.OPTIMA or token.name in v.MOMENTS
    return (token.font == "bb" and token.name == "E") or begins_derivative(token)


def _cut(factors: list[s.Expr], starts: list[Token]) -> tuple[int, bool]:
    """(where the operand may already end, whether that is the conventional reading)."""
    for at in range(1, len(factors)):
        before, token = factors[at - 1], starts[at]
        applied = at >= 2 and _is_application(factors[at - 2], starts[at - 1])
        if isinstance(before, s.Call) and before.bracketed:
            applied = True
        if applied:
            again = (
                at + 1 < len(factors)
                and _is_application(factors[at], starts[at + 1])
                and at >= 2
                and isinstance(factors[at], s.Name)
                and isinstance(factors[at - 2], s.Name)
                and factors[at].base == factors[at - 2].base  # type: ignore[attr-defined]
            )
            return at, not again
        if token.space > 0:
            return at, True
        if isinstance(before, s.Name) and token.kind == "group" and token.name == "(" and is_sum(token):
            return at, token.space > 0
    return len(factors), False


def _is_application(head: s.Expr, bracket: Token) -> bool:
    return isinstance(head, s.Name) and bracket.kind == "group" and bracket.name in ("(", "[") and not bracket.space


def _optimum(p: Parser, token: Token) -> s.Expr:
    """max, min, arg max, lim with what stands under them."""
    op = v.OPTIMA[token.name]
    following = p.peek()
    if op.startswith("\\arg") and token.sub is None and following is not None and is_bracket(following):
        return _call(p, token)
    return _big_body(p, token, op)


def big(p: Parser, token: Token) -> s.Expr:
    if token.name in _INTEGRALS:
        return _integral(p, token)
    return _big_body(p, token, token.name)


def _big_body(p: Parser, token: Token, op: str) -> s.Expr:
    lower, upper = names.script(p, token.sub, "sub"), names.script(p, token.sup, "sub")
    p.depth += 1
    body = p.signed()
    p.depth -= 1
    return s.Big(token.start, max(token.end, body.end), op, lower, upper, body)


def _integral(p: Parser, token: Token) -> s.Expr:
    """The integrand reaches up to its differential, over + and - too."""
    found = _differentials(p, _INTEGRALS[token.name])
    if not found:
        return _big_body(p, token, token.name)
    lower, upper = names.script(p, token.sub, "sub"), names.script(p, token.sup, "sub")
    first = found[0]
    p.depth += 1
    if first == p.at:
        variable = _variables(p, found)
        body = p.signed()
    else:
        inner = p.deeper(p.tokens[p.at : first], p.mode)
        body = inner.statement()
        p.at = first
        variable = _variables(p, found)
    p.depth -= 1
    end = max(token.end, body.end, variable.end)
    return s.Big(token.start, end, token.name, lower, upper, body, variable)


def _variables(p: Parser, found: list[int]) -> s.Expr:
    variables: list[s.Expr] = []
    for at in found:
        p.at = at + 1
        variable = names.letter(p, p.take()) if p.tokens[p.at].kind == "letter" else p.factor()
        following = p.peek()
        if following is not None and following.kind == "group" and following.name == "(" and following.tight:
            variable = juxt((variable, p.factor()))
        variables.append(variable)
    if len(variables) == 1:
        return variables[0]
    return s.Listing(variables[0].start, variables[-1].end, tuple(variables), (",",) * (len(variables) - 1))


def _differentials(p: Parser, count: int) -> list[int]:
    """Where the differentials of an integral stand whose integrand begins here; empty if there are not enough."""
    places: list[int] = []
    wanted = count
    at = p.at
    while at < len(p.tokens) and len(places) < wanted:
        token = p.tokens[at]
        if token.kind in ("rel", "punct", "sep", "quad", "row", "words"):
            break
        if token.kind == "big" and token.name in _INTEGRALS:
            wanted += _INTEGRALS[token.name]
        elif is_d(token) and at + 1 < len(p.tokens) and p.tokens[at + 1].kind in ("letter", "word"):
            places.append(at)
            at += 1
        at += 1
    if len(places) < wanted:
        return []
    own = places[-count:]
    while at + 1 < len(p.tokens) and is_d(p.tokens[at]) and p.tokens[at + 1].kind in ("letter", "word"):
        own.append(at)
        at += 2
    return own


def expectation(p: Parser, token: Token, op: str) -> s.Expr:
    """𝔼[x], 𝔼_{x∼p}[f(x)], Var(x), Cov(x, y); without a bracket, of the factors that follow."""
    sub = names.script(p, token.sub, "sub")
    if token.sup is not None:
        function = replace(_function(p, replace(token, kind="word")), word=True)
        following = p.peek()
        if following is not None and is_bracket(following):
            return _bracketed(p, token, function, p.take())
        return names.name_of(p, token)
    following = p.peek()
    if following is None or not is_bracket(following):
        factors, _ = operand_factors(p)
        if not factors:
            return s.Expectation(token.start, token.end, op, sub, ())
        body = juxt(tuple(factors))
        return s.Expectation(token.start, body.end, op, sub, (body,))
    group = p.take()
    items, separators = structures.items(p, group)
    bar = separators.index("|") + 1 if "|" in separators else len(items)
    sup = names.script(p, group.sup, "sup")
    result = s.Expectation(token.start, group.end, op, sub, items[:bar], items[bar:], sup)
    if group.sub is not None or group.primes:
        return s.Scripted(
            token.start, group.end, replace(result, sup=None), names.script(p, group.sub, "sub"), sup, group.primes
        )
    return result


def other(p: Parser, token: Token) -> s.Expr:
    """Symbols that are neither letters nor operators."""
    if token.name in ("\\neg", "\\lnot") and (following := p.peek()) is not None and following.kind in OPERANDS:
        body = p.factor()
        return s.Call(
            token.start, body.end, s.Name(token.start, token.end, "\\neg", word=True), (body,), bracketed=False
        )
    if token.name in ("\\forall", "\\exists", "\\nexists"):
        text = {"\\forall": "for all", "\\exists": "there exists", "\\nexists": "there is no"}[token.name]
        return s.Words(token.start, token.end, text)
    if token.name in (
        "\\triangle",
        "\\angle",
        "\\sharp",
        "\\flat",
        "\\natural",
        "\\lozenge",
        "\\Diamond",
        "\\triangledown",
    ):
        return names.name_of(p, token)
    return names.mark(p, token)
