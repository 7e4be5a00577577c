"""Whether the letter d stands for a number in a formula."""

from __future__ import annotations

from lemmata.latex.tree import Accent, Font, Fraction, Node, Number, Row, Script, Symbol, TextRun
from lemmata.latex.walk import walk


def d_is_quantity(row: Row) -> bool:
    """It does where d stands without a letter after it: in d^2, \\sqrt d, n \\times d, 2d."""
    numerators = {id(n.numerator) for n in walk(row) if isinstance(n, Fraction) and _begins_with_d(n.denominator)}
    for node in walk(row):
        if isinstance(node, Row):
            if any(_alone(node.items, at, id(node) in numerators) for at in range(len(node.items))):
                return True
        elif isinstance(node, Script):
            if any(_is_d(n) for n in (node.sub, node.sup)):
                return True
        elif isinstance(node, Fraction) and (
            _is_d(node.denominator) or (_is_d(node.numerator) and id(node.numerator) not in numerators)
        ):
            return True
    return False


def _is_d(node: Node | None) -> bool:
    return isinstance(node, Symbol) and node.name == "d" and node.kind == "letter"


def _begins_with_d(node: Node) -> bool:
    first = node.items[0] if isinstance(node, Row) and node.items else node
    return _is_d(first)


def _alone(items: tuple[Node, ...], at: int, operator: bool) -> bool:
    node = items[at]
    powered = isinstance(node, Script) and _is_d(node.base) and node.sub is None and isinstance(node.sup, Number | Row)
    if not (_is_d(node) or powered) or (operator and at == 0):
        return False
    following = items[at + 1] if at + 1 < len(items) else None
    while isinstance(following, Script):
        following = following.base
    if isinstance(following, Symbol):
        return following.kind not in ("letter", "open", "op", "bar")
    return not isinstance(following, Font | Accent | TextRun | Row | Fraction)
