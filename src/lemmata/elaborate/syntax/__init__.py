"""Notation tree to surface syntax: precedence, parts, calls, reach; what needs types stays open.

    Row --token--> tokens --letters, brackets--> paired tokens --parts--> pieces --grammar--> Part, Expr
"""

from __future__ import annotations

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax.brackets import pair
from lemmata.elaborate.syntax.grammar import Context, Parser, join
from lemmata.elaborate.syntax.parts import combined, pieces, read
from lemmata.elaborate.syntax.quantity import d_is_quantity
from lemmata.elaborate.syntax.show import show
from lemmata.elaborate.syntax.token import tokens
from lemmata.latex.tree import Row

__all__ = ["expression", "parse", "show"]


def parse(row: Row, *, words: frozenset[str] = frozenset()) -> tuple[s.Part, ...]:
    """The statement-like parts of a formula, in order. Never raises: what has no reading is `Unread`.

    words: names of several letters that the document writes as one (`dO`, `pos`); `d` alone says that the letter d
    stands for a number there, so that `dm` is rather a product than a differential.
    """
    parser = _parser(row, words)
    parts: list[s.Part] = []
    for piece in pieces(parser.tokens):
        expr = read(parser, piece)
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
    return combined(parser)


def _parser(row: Row, words: frozenset[str]) -> Parser:
    context = Context(words, d_is_quantity(row))
    return Parser(pair(join(tokens(row.items), words)), context)
