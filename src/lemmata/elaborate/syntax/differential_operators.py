"""Differential operators in front of their operand, and how far it reaches: d/dx f(x), ∇ f(x)ᵀ v."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import reach
from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.kinds import OPERANDS, begins_derivative
from lemmata.elaborate.syntax.names import juxt
from lemmata.elaborate.syntax.token import Token
from lemmata.latex.tree import Symbol
from lemmata.latex.walk import walk

if TYPE_CHECKING:
    from lemmata.elaborate.syntax.grammar import Parser

Wrt = tuple[tuple[s.Expr, int], ...]
"""Variables with their multiplicities."""


class Operand(Struct):
    factors: list[s.Expr]
    starts: list[Token]


def collect(p: Parser) -> Operand:
    """The factors behind a differential operator."""
    found = Operand([], [])
    p.depth += 1
    while (token := p.peek()) is not None and token.kind in OPERANDS:
        if token.kind == "other" and token.name in ("!", "\\%") or found.factors and begins_derivative(token):
            break
        found.starts.append(token)
        found.factors.append(p.factor())
    p.depth -= 1
    return found


def applied(p: Parser, operator: s.Derivative, wrt: Wrt, across: bool = False) -> s.Expr:
    """The operator on the factors behind it: on all of them while its variable goes on occurring, else on the first.

    `across`: on a product by \\cdot and the like too, while the variable occurs. A fraction d/dx takes all its factors
    by convention; \\nabla f(x)^T v is the gradient, transposed, times v.
    """
    found = collect(p)
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
            lifted = juxt((*factors[:-1], next(o for o in choice.options if not isinstance(o, s.Juxt))))
            starts = starts + [starts[-1]] * (len(split.items) - 1)
            factors = [*factors[:-1], *split.items]
    everything = len(factors)
    first = _first_unit(factors, letters)
    last = max((i + 1 for i, x in enumerate(factors) if reach.occurs(letters, x)), default=first)
    last = complete(factors, max(first, last))
    if operator.style == "nabla":
        alone = _stands_alone(factors, first, letters)
        cuts = [first, everything] if alone and last <= first else [everything, *([first] if alone else [])]
    else:
        cuts = [everything, *([last] if _stands_alone(factors, last, letters) else [])]
    options = [on(operator, factors, cut) for cut in dict.fromkeys(cuts)]
    if lifted is not None:
        options.append(replace(operator, numerator=lifted, end=lifted.end))
    return p.context.budget.choose(tuple(options), "derivative reach")


def _across(p: Parser, factors: list[s.Expr], letters: frozenset[str]) -> s.Expr | None:
    """The operand continued over \\cdot, \\odot ... where the variable occurs behind it; None where it does not."""
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
    items: list[s.Expr] = [juxt(tuple(factors))]
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
            pending.extend(s.children(node))
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
    return complete(factors, end)


def complete(factors: list[s.Expr], end: int) -> int:
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


def on(operator: s.Derivative, factors: list[s.Expr], cut: int) -> s.Expr:
    """The operator on the first factors, the others behind it; a transpose on f(x)^T is one of the gradient."""
    inside = list(factors[:cut])
    last = inside[-1]
    sup: s.Expr | None = None
    applied = cut == 2 and isinstance(inside[0], s.Name)
    if (
        operator.style == "nabla"
        and isinstance(last, s.Scripted)
        and applied
        and last.sub is None
        and _is_transposed(last.sup)
    ):
        sup, inside[-1] = last.sup, last.base
    elif operator.style == "nabla" and cut == 1 and isinstance(last, s.Name) and _is_transposed(last.sup):
        sup, inside[-1] = last.sup, replace(last, sup=None)
    body = juxt(tuple(inside))
    result: s.Expr = replace(operator, numerator=body, end=body.end)
    if sup is not None:
        result = s.Scripted(operator.start, sup.end, result, None, sup)
    return juxt((result, *factors[cut:]))


def _is_transposed(sup: s.Expr | None) -> bool:
    match sup:
        case s.Mark(name="top") | s.Name(base="T", sub=None, sup=None):
            return True
    return False
