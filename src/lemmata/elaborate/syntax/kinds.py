"""What a token can begin, judged by itself alone."""

from __future__ import annotations

from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.flatten import tokens
from lemmata.elaborate.syntax.token import Token
from lemmata.latex.tree import Fraction

OPERANDS = frozenset({"letter", "number", "word", "op", "big", "group", "node", "dots", "gap", "other"})
"""Kinds that are, or begin, a factor."""

BRACKETS = ("(", "[", "{")


def is_bracket(token: Token | None) -> bool:
    return token is not None and token.kind == "group" and token.name in BRACKETS


def is_d(token: Token) -> bool:
    return (
        token.kind == "letter"
        and token.name == "d"
        and token.font in ("", "roman")
        and token.sub is None
        and not token.accents
    )


def is_partial(token: Token) -> bool:
    return token.kind == "letter" and token.name == "\\partial" and token.sub is None and not token.accents


def marks_derivative(token: Token) -> bool:
    return is_partial(token) or is_d(token)


def begins_derivative(token: Token) -> bool:
    """Whether the token is a differential operator that needs an operand: \\nabla, \\partial, d/dx."""
    if token.kind == "letter":
        return token.name in ("\\nabla", "\\partial")
    if token.kind != "node" or not isinstance(token.node, Fraction):
        return False
    top = tokens((token.node.numerator,))
    return len(top) == 1 and marks_derivative(top[0])


def is_sum(group: Token) -> bool:
    """(1-y) rather than (x, y): a sum in a bracket."""
    return any(t.kind == "bin" and t.name in v.SIGNS for t in group.inner) and not any(
        t.kind == "punct" for t in group.inner
    )
