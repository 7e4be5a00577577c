"""How far a big operator reaches: up to the next + at its level, or further where its index would dangle."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax.choices import Budget

MAX_OPTIONS = 4
_OPTIMA = frozenset({"\\max", "\\min", "\\sup", "\\inf", "\\lim", "\\arg\\max", "\\arg\\min", "\\limsup", "\\liminf"})


def with_reach(budget: Budget, ops: tuple[str, ...], items: tuple[s.Expr, ...]) -> s.Expr:
    """The sum as written; where later terms use the index of a big operator in an earlier one, also its wider reach.

    For a sum or product the narrow reach is the convention; for an optimum or a limit, whose variable has no other
    meaning after it, the wide one.
    """
    narrow = _chain(ops, items)
    wide: list[s.Expr] = []
    optimum = False
    for at in range(len(items) - 1):
        for big, rebuild in _last_bigs(items[at]):
            letters = index_letters(big.lower)
            dangling = [j for j in range(at + 1, len(items)) if occurs(letters, items[j])]
            if not dangling:
                continue
            optimum = optimum or (not wide and big.op in _OPTIMA)
            for last in dict.fromkeys((dangling[-1], len(items) - 1)):
                body = _chain(ops[at:last], (big.body, *items[at + 1 : last + 1]))
                reached = rebuild(replace(big, body=body, end=body.end))
                wide.append(_chain(ops[:at] + ops[last:], (*items[:at], reached, *items[last + 1 :])))
    if not wide:
        return narrow
    wide = wide[: MAX_OPTIONS - 1]
    options = (wide[0], narrow, *wide[1:]) if optimum else (narrow, *wide)
    return budget.choose(options, "reach")


def _chain(ops: tuple[str, ...], items: tuple[s.Expr, ...]) -> s.Expr:
    return items[0] if not ops else s.Infix(items[0].start, items[-1].end, ops, items)


def _last_bigs(expr: s.Expr) -> Iterator[tuple[s.Big, Callable[[s.Expr], s.Expr]]]:
    """The big operators whose body ends the term, outermost first, with how to put back what replaces them."""
    layers: list[Callable[[s.Expr], s.Expr]] = []

    def rebuild_at(depth: int) -> Callable[[s.Expr], s.Expr]:
        def rebuild(inner: s.Expr) -> s.Expr:
            for layer in reversed(layers[:depth]):
                inner = layer(inner)
            return inner

        return rebuild

    while True:
        node: s.Expr = expr
        match node:
            case s.Sign(body=body):
                layers.append(lambda x, n=node: replace(n, body=x, end=x.end))  # type: ignore[misc]
                expr = body
            case s.Juxt(items=items) | s.Infix(items=items):
                layers.append(lambda x, n=node: replace(n, items=(*n.items[:-1], x), end=x.end))  # type: ignore[misc]
                expr = items[-1]
            case s.Call(bracketed=False, arguments=(argument,)):
                layers.append(lambda x, n=node: replace(n, arguments=(x,), end=x.end))  # type: ignore[misc]
                expr = argument
            case s.Derivative(numerator=s.Expr() as numerator, style="nabla"):
                layers.append(lambda x, n=node: replace(n, numerator=x, end=x.end))  # type: ignore[misc]
                expr = numerator
            case s.Big(differential=None, body=body):
                yield node, rebuild_at(len(layers))
                layers.append(lambda x, n=node: replace(n, body=x, end=x.end))  # type: ignore[misc]
                expr = body
            case _:
                return


def index_letters(lower: s.Expr | None) -> frozenset[str]:
    """The letters that the limits of a big operator bind."""
    match lower:
        case s.Name():
            return frozenset({letter_of(lower)})
        case s.Relation(ops=("=" | "\\in" | "\\to" | "\\sim", *_), items=(first, *_)):
            return index_letters(first)
        case s.Relation(items=items):
            return frozenset().union(*(index_letters(i) for i in items if isinstance(i, s.Name)))
        case s.Listing(items=items) | s.Juxt(items=items) | s.Paren(items=items):
            return frozenset().union(*(index_letters(i) for i in items))
    return frozenset()


def letter_of(name: s.Name) -> str:
    return "".join(f"\\{a} " for a in name.accents) + name.base


def occurs(letters: frozenset[str], expr: s.Expr) -> bool:
    """Whether one of the letters stands in the expression, not bound by a big operator inside it."""
    if not letters:
        return False
    pending: list[tuple[s.Expr, frozenset[str]]] = [(expr, letters)]
    while pending:
        node, free = pending.pop()
        if isinstance(node, s.Name) and letter_of(node) in free:
            return True
        if isinstance(node, s.Choice):
            pending.append((node.options[0], free))
            continue
        if isinstance(node, s.Big):
            free = free - index_letters(node.lower)
        if free:
            pending.extend((child, free) for child in s.children(node))
    return False
