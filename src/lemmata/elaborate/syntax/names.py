"""Names and their scripts."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.token import Token
from lemmata.latex.tree import Node

if TYPE_CHECKING:
    from lemmata.elaborate.syntax.grammar import Parser

_UPRIGHT = frozenset({"sans", "roman", "mono"})


def name_of(p: Parser, token: Token, base: str | None = None) -> s.Name:
    """The name that a letter, word or operator token writes, with its scripts."""
    word = token.kind in ("word", "op")
    font = "" if token.font == "italic" or (word and token.font == "roman") else token.font
    return s.Name(
        token.start,
        token.end,
        base or (("\\" + token.name) if token.kind == "op" and _is_command(token) else token.name),
        token.accents,
        font,
        word,
        script(p, token.sub, "sub"),
        script(p, token.sup, "sup"),
        token.primes,
    )


def _is_command(token: Token) -> bool:
    return getattr(token.node, "name", "").startswith("\\")


def script(p: Parser, node: Node | None, mode: str) -> s.Expr | None:
    """A subscript or superscript: an expression, a list, a relation, a word, or a mark with no value."""
    return None if node is None else p.inside(node, mode)


def with_scripts(p: Parser, base: s.Expr, token: Token) -> s.Expr:
    """The expression with the scripts of the token that ends it."""
    if token.bare:
        return base
    sub, sup = script(p, token.sub, "sub"), script(p, token.sup, "sup")
    return s.Scripted(token.start if base.start > token.start else base.start, token.end, base, sub, sup, token.primes)


def number(token: Token) -> s.Num:
    text = token.name
    return s.Num(token.start, token.end, Fraction(text if text[0] != "." else "0" + text), "." in text or "e" in text)


def numeral(p: Parser, token: Token) -> s.Expr:
    """A number; \\mathbf 1 and \\mathbb 1 are names."""
    if token.font in ("bold", "bb") or token.accents:
        return name_of(p, token)
    if len(token.name) > 400 or ("e" in token.name and len(token.name.rpartition("e")[2]) > 4):
        return s.Unread(token.start, token.end, token.name[:40], "a number with too many digits")
    return with_scripts(p, number(token), token)


def mark(p: Parser, token: Token) -> s.Expr:
    return with_scripts(p, s.Mark(token.start, token.end, v.MARKS.get(token.name, token.name or v.BLANK)), token)


def letter(p: Parser, token: Token) -> s.Expr:
    """A letter that is just a name, a set of numbers, infinity, or the T of a transpose."""
    if token.name == "\\infty" or token.name in ("\\emptyset", "\\varnothing"):
        name = "infty" if token.name == "\\infty" else "emptyset"
        sup, sub = script(p, token.sup, "sup"), script(p, token.sub, "sub")
        return s.Const(token.start, token.end, name, sup, sub)
    if token.font == "bb" and token.name in v.NUMBER_SETS and not token.accents and not token.primes:
        sup, sub = script(p, token.sup, "sup"), script(p, token.sub, "sub")
        return s.Const(token.start, token.end, token.name, sup, sub)
    if p.mode == "sup" and token.name == "T" and token.font in _UPRIGHT and token.bare:
        return s.Mark(token.start, token.end, "top")
    return name_of(p, token)


def word(p: Parser, token: Token) -> s.Expr:
    """A word as a name; bold capitals may also be a product."""
    name = name_of(p, token)
    if not token.alternative:
        return name
    product = s.Juxt(token.start, token.end, tuple(letter(p, t) for t in token.inner))
    options: tuple[s.Expr, ...] = (name, product) if token.alternative == "word" else (product, name)
    return s.Choice(token.start, token.end, options, "word")


def juxt(items: tuple[s.Expr, ...]) -> s.Expr:
    if len(items) == 1:
        return items[0]
    return s.Juxt(items[0].start, items[-1].end, items)


def too_deep(start: int, end: int) -> s.Unread:
    return s.Unread(start, end, "", f"expressions are nested more than {v.MAX_DEPTH} deep")
