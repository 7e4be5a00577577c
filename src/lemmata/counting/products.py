"""Products of matrices that a sentence says are formed, and what each costs."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from lemmata.counting import words
from lemmata.counting.passage import Passage, Unclear, dimensions
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell

Shape = tuple[s.Expr, ...]


class Product(Struct, frozen=True):
    """Of an a × b and a b × c matrix, a and c empty for vectors."""

    rows: Shape
    inner: s.Expr
    columns: Shape


def products(passage: Passage) -> tuple[Product, ...]:
    """What is formed, in the order of the text. Raises Unclear."""
    text, shapes = passage.sentence.text, passage.declared()
    steps = sorted(
        (f.start, kind, f) for kind in ("evaluating", "continuing", "product_of_shapes") for f in words.find(kind, text)
    )
    done: list[Product] = []
    last: Shape | None = None
    for _, kind, found in steps:
        assert found.chosen is not None
        passage.used.update(found.formulas)
        if kind == "product_of_shapes":
            left, right = (dimensions(passage.expression(k)) for k in found.formulas)
            last = _joined(left, right, done)
        elif kind == "evaluating":
            last = _formed(passage.expression(found.chosen), shapes, done)
        elif last is None:
            raise Unclear("a factor of nothing")
        else:
            last = _joined(last, _formed(passage.expression(found.chosen), shapes, done), done)
    for formula in passage.sentence.formulas:
        expr = passage.expression(formula)
        if isinstance(expr, s.Relation) and expr.ops == ("\\in",):
            passage.used.add(formula)
    for found in words.find("declared_sizes", text):
        passage.used.update(found.formulas)
    return tuple(done)


def _formed(expr: s.Expr, shapes: Mapping[str, Shape], done: list[Product]) -> Shape:
    """The shape of a product as bracketed; what it takes is added to `done`."""
    match expr:
        case s.Name(sup=s.Mark(name="top")):
            bare = s.Name(expr.start, expr.end, expr.base, expr.accents, expr.font, expr.word, expr.sub)
            return tuple(reversed(_shape(bare, shapes)))
        case s.Name():
            return _shape(expr, shapes)
        case s.Paren(items=(only,)):
            return _formed(only, shapes, done)
        case s.Juxt(items=(left, right)):
            return _joined(_formed(left, shapes, done), _formed(right, shapes, done), done)
    raise Unclear("an expression other than products of two")


def _shape(name: s.Name, shapes: Mapping[str, Shape]) -> Shape:
    if spell(name) not in shapes:
        raise Unclear("a factor without a shape")
    return shapes[spell(name)]


def _joined(left: Shape, right: Shape, done: list[Product]) -> Shape:
    if not left or not right or len(left) > 2 or len(right) > 2 or spell(left[-1]) != spell(right[0]):
        raise Unclear("shapes that do not meet")
    done.append(Product(left[:-1], left[-1], right[1:]))
    return (*left[:-1], *right[1:])
