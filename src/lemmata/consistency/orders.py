"""Factors in the wrong order: a definition whose product does not fit as written, and fits exactly turned round."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.core.size import Size
from lemmata.elaborate import surface as s
from lemmata.elaborate.declarations import membership
from lemmata.elaborate.document import Elaborator
from lemmata.elaborate.reader import Reader, known
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Unreadable
from lemmata.elaborate.syntax.show import show
from lemmata.lower.judge import at, distinct, text
from lemmata.verify.verdict import Counterexample

Shape = tuple[Size, ...]
Scopes = tuple[int, ...]
CONVENTION = re.compile(
    r"transpos|convention|column[- ](?:vector|major)|row[- ](?:vector|major)|layout|转置|列向量|行向量|约定", re.I
)


def turned_round(survey: Survey) -> Iterator[Contradiction]:
    """Ŷ = softmax(W H + b) for declared Ŷ, W, H of which only H W has the shape of Ŷ.

    A text that equates sizes may make the product fit, one that speaks of transposes or columns may mean another
    convention than that of the declarations: nothing is said of these.
    """
    if survey.elaboration.roles.size_equations:
        return
    shapes = None
    for item in survey.asserted():
        match item.part.expr:
            case s.Relation(ops=("=" | ":=",), items=(s.Name() as head, body)) if item.role == "definition":
                pass
            case _:
                continue
        products = list(_products(body))
        if not products or survey.guarded(item):
            continue
        shapes = shapes if shapes is not None else _stated(survey)
        if CONVENTION.search(survey.words(item).passage + survey.words(item).after[:200]):
            continue
        for first, second in products:
            wanted, left, right = (_here(shapes.get(show(x)), item) for x in (head, first, second))
            if not (wanted and left and right) or not all(len(x) == 2 for x in (wanted, left, right)):
                continue
            if left[1] == right[0] and wanted == (left[0], right[1]):
                survey.agree(item)
            elif left[1] != right[0] and right[1] == left[0] and wanted == (right[0], left[1]):
                yield from _told(item, head, body, left, right, wanted)
                break


def _told(item: Item, head: s.Expr, body: s.Expr, left: Shape, right: Shape, wanted: Shape) -> Iterator[Contradiction]:
    sizes = distinct(sorted({a for x in (*left, *right) for a in x.atoms}), (*left, *right))
    if sizes is None:
        return
    misfit = f"the inner sizes of a product differ: {text(left)} times {text(right)}"
    example = Counterexample(sizes=sizes, left=at(left, sizes), right=at(right, sizes), note=misfit)
    reason = f"{misfit}; with the factors the other way round the shape is {text(wanted)}, as declared"
    yield refutation(item, s.Relation(head.start, body.end, ("=",), (head, body)), reason, "shapes", example)


def _products(body: s.Expr) -> Iterator[tuple[s.Name, s.Name]]:
    """Products of two names that are terms of what is defined, inside functions of one argument, too."""
    match body:
        case s.Infix(ops=ops, items=items) if set(ops) <= {"+", "-"}:
            for item in items:
                yield from _products(item)
        case s.Paren(items=(inner,)) | s.Call(arguments=(inner,)):
            yield from _products(inner)
        case s.Juxt(items=(s.Name(), s.Paren(items=(inner,)))):
            yield from _products(inner)
        case s.Juxt(items=(s.Name() as first, s.Name() as second)):
            yield first, second


def _here(stated: tuple[Shape, set[Scopes]] | None, item: Item) -> Shape | None:
    """A stated shape where it is stated in a section around the item."""
    if stated is None or not any(x == item.place.scopes[: len(x)] for x in stated[1]):
        return None
    return stated[0]


def _stated(survey: Survey) -> dict[str, tuple[Shape, set[Scopes]]]:
    """The shapes that memberships state, of names for which only one is stated, every size of it named; and where."""
    places: dict[str, set[Scopes]] = {}
    elaborator = Elaborator.of(survey.elaboration)
    found: dict[str, set[Shape]] = {}
    for item in survey.items:
        match item.part.expr:
            case s.Relation(ops=("\\in",), items=(s.Name() as name, kind)):
                try:
                    shape = membership(Reader(elaborator.shared(Choices(), item), item.place), kind).type.shape
                except Unreadable:
                    shape = ()
                found.setdefault(show(name), set()).add(shape)
                places.setdefault(show(name), set()).add(item.place.scopes)
    single = {name: next(iter(shapes)) for name, shapes in found.items() if len(shapes) == 1}
    return {name: (shape, places[name]) for name, shape in single.items() if shape and all(map(known, shape))}
