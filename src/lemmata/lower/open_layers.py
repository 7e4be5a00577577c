"""Formulas in layers that the document leaves open: $\\text{SiLU}(\\text{Linear}_1(x)) \\odot \\text{Linear}_2(x)$."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.spelling import symbol_names
from lemmata.code.target import Atom, CannotLower, Parameter, Value
from lemmata.documents.model import Block, Text
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.functions import is_operator
from lemmata.elaborate.names import script_items, spell, stem
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.references import is_defined
from lemmata.elaborate.roles import Item
from lemmata.elaborate.statement import Statement
from lemmata.lower.equations import StatedEquation, _equation, _map


class OpenLayers(Struct, frozen=True):
    """A `Target` of kind `open layers`: what a formula makes of the values of layers that it does not define."""

    key: str
    latex: str
    line: int
    statement: Statement
    names: tuple[str, ...]
    equation: StatedEquation
    """The values of the layers are its atoms; other symbols it has none."""
    argument: str
    """What all of the layers are applied to."""
    kind: str = "open layers"
    parameters: Sequence[Parameter] = ()
    subject: str | None = None
    sizes: Sequence[str] = ()

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """Raises CannotLower."""
        raise CannotLower("the layers of the formula are open")


def open_layers(elaboration: Elaboration) -> Iterator[OpenLayers]:
    """Every definition f(x) = … in values of two or more numbered layers that nothing in the document defines."""
    blocks = [b for b in elaboration.document.blocks if isinstance(b, Block)]
    text = " ".join(x.text for b in blocks for x in b.inlines if isinstance(x, Text))
    for item in elaboration.items:
        expr = item.part.expr
        expr = expr.options[0] if isinstance(expr, s.Choice) else expr
        if item.role not in ("definition", "claim") or item.withdrawn or item.approximate:
            continue
        match expr:
            case s.Relation(ops=("=" | ":=",), items=(head, side)):
                argument = _argument(head)
            case _:
                continue
        if argument is None:
            continue
        found = _made(elaboration, item, expr, head, side, argument)
        if found is not None:
            yield replace(found, equation=replace(found.equation, text=text))


def _argument(head: s.Expr) -> str | None:
    match head:
        case (
            s.Call(arguments=(s.Name() as argument,)) | s.Juxt(items=(s.Name(), s.Paren(items=(s.Name() as argument,))))
        ):
            return spell(argument)
    return None


def _made(
    elaboration: Elaboration, item: Item, relation: s.Relation, head: s.Expr, side: s.Expr, argument: str
) -> OpenLayers | None:
    reader = Reader(Elaborator.of(elaboration).shared(Choices(), item), item.place)
    formula = item.formula
    atoms: dict[str, Atom] = {}

    def layer(function: s.Expr, given: s.Expr) -> bool:
        return (
            isinstance(function, s.Name) and function.word and isinstance(given, s.Name) and spell(given) == argument
            and function.sub is not None and not is_operator(reader, function) and not is_defined(reader, function)
        )  # fmt: skip

    def value(function: s.Name, expr: s.Expr) -> s.Expr:
        latex = formula.latex[expr.start : expr.end].strip()
        called = spell(function)
        if called not in atoms:
            labels = tuple(spell(x) for x in script_items(function.sub))
            names = symbol_names(function.base, (), labels, 0)
            atoms[called] = Atom(f"⟦layer {len(atoms)}⟧", latex, names, 1)
        return s.Name(expr.start, expr.end, atoms[called].key)

    def cut(expr: s.Expr) -> s.Expr:
        match expr:
            case s.Call(function=function, arguments=(given,)) if layer(function, given):
                return value(function, expr)
            case s.Juxt(items=items):
                made: list[s.Expr] = []
                for x in items:
                    before = made[-1] if made else None
                    if isinstance(before, s.Name) and isinstance(x, s.Paren) and len(x.items) == 1 and (
                        layer(before, x.items[0])
                    ):  # fmt: skip
                        made[-1] = value(before, s.Juxt(before.start, x.end, (before, x)))
                    else:
                        made.append(cut(x))
                return made[0] if len(made) == 1 else s.Juxt(expr.start, expr.end, tuple(made))
        return _map(expr, cut)

    whole = cut(side)
    if len(atoms) < 2:
        return None
    start, end = formula.position(relation.start), formula.position(max(relation.start, relation.end - 1))
    called = head.function if isinstance(head, s.Call) else head.items[0] if isinstance(head, s.Juxt) else head
    latex = formula.latex[called.start : called.end].strip()
    source = formula.latex[relation.start : relation.end].strip()
    statement = Statement(formula, start, end, source, item.role, "equation", relation, place=item.place)
    cell = start.cell
    first = StatedEquation(
        f"layers {formula.index}:{relation.start}", latex, "equation", start.line, statement, (stem(called),) if
        isinstance(called, s.Name) else (), (), item.role, tuple(atoms.values()), (), whole, elaboration, item,
        order=(-1 if cell is None else cell, start.line),
    )  # fmt: skip
    made = _equation(first, whole)
    if made is None or {a.key for a in made.atoms} != {a.key for a in atoms.values()}:
        return None
    return OpenLayers(made.key, latex, start.line, statement, made.names, made, argument)
