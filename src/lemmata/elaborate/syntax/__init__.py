"""Notation tree to surface syntax: precedence, parts, calls, reach; what needs types stays open.

Row --token--> tokens --letters, brackets--> paired tokens --parts--> pieces --grammar--> Part, Expr
"""

from __future__ import annotations

from lemmata.elaborate import surface as s
from lemmata.elaborate.surface import children
from lemmata.elaborate.syntax.brackets import pair
from lemmata.elaborate.syntax.conditions import conditions, is_conclusion, is_condition
from lemmata.elaborate.syntax.flatten import tokens
from lemmata.elaborate.syntax.grammar import Context, Parser
from lemmata.elaborate.syntax.letters import join
from lemmata.elaborate.syntax.parts import combined, pieces, read
from lemmata.elaborate.syntax.quantity import d_is_quantity
from lemmata.elaborate.syntax.show import show
from lemmata.latex.tree import Row

__all__ = ["conditions", "expression", "is_conclusion", "is_condition", "parse", "show"]

MAX_TREE_DEPTH = 120
"""Expressions within one another, scripts included."""


def parse(row: Row, *, words: frozenset[str] = frozenset()) -> tuple[s.Part, ...]:
    """The statement-like parts of a formula, in order. Never raises: what has no reading is `Unread`.

    words: names of several letters that the document writes as one (`dO`, `pos`); `d` alone says that the letter d
    stands for a number there, so that `dm` is rather a product than a differential.
    """
    parser = _parser(row, words)
    parts: list[s.Part] = []
    for piece in pieces(parser.tokens):
        expr = _within_depth(read(parser, piece))
        start, end = expr.start, expr.end
        if piece.tokens:
            start, end = min(start, piece.tokens[0].start), max(end, piece.tokens[-1].end)
        parts.append(s.Part(start, end, expr, "" if piece.words is not None else piece.lead, piece.row))
    return tuple(parts)


def expression(row: Row, *, words: frozenset[str] = frozenset()) -> s.Expr:
    """The whole row as one expression; several parts become a Listing."""
    parser = _parser(row, words)
    if not parser.tokens:
        return s.Mark(row.start, row.end, "blank")
    return _within_depth(combined(parser))


def _within_depth(expr: s.Expr) -> s.Expr:
    """The expression, or Unread where it is too deep to be walked: a/b c/d e/ ... nests to the left."""
    level: dict[int, s.Expr] = {id(expr): expr}
    for _ in range(MAX_TREE_DEPTH):
        level = {id(child): child for node in level.values() for child in children(node)}
        if not level:
            return expr
    return s.Unread(expr.start, expr.end, "", f"an expression nested more than {MAX_TREE_DEPTH} deep")


def _parser(row: Row, words: frozenset[str]) -> Parser:
    context = Context(words, d_is_quantity(row))
    return Parser(pair(join(tokens(row.items), words)), context)
