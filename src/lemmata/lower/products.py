"""Products of three or more symbols in claims such as x(W + AB) = xW + xAB, which layers may compute by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.statement import Statement
from lemmata.lower.equations import StatedEquation, _equation, _surroundings

FEWEST = 3


def products(elaboration: Elaboration, symbols: frozenset[tuple[str, ...]]) -> tuple[StatedEquation, ...]:
    """Terms of sums on either side of what is claimed, each once in its formula; `symbols`: see `StatedEquation`."""
    around = _surroundings(elaboration.document)
    found: list[StatedEquation] = []
    for item in elaboration.items:
        expr = item.part.expr
        if item.role != "claim" or item.withdrawn or not isinstance(expr, s.Relation) or set(expr.ops) != {"="}:
            continue
        formula = item.formula
        seen: set[str] = set()
        for term in _terms(expr):
            latex = formula.latex[term.start : term.end].strip()
            if latex in seen:
                continue
            seen.add(latex)
            start, end = formula.position(term.start), formula.position(max(term.start, term.end - 1))
            statement = Statement(formula, start, end, latex, item.role, "equation", expr, place=item.place)
            first = StatedEquation(
                f"product {formula.index}:{term.start}", latex, "product", start.line, statement, (), (), item.role, (),
                (), term, elaboration, item, text=around.get(formula.index, ("", None))[0],
                order=(-1 if start.cell is None else start.cell, start.line), others=symbols,
            )  # fmt: skip
            made = _equation(first, term)
            if made is not None and len(made.atoms) >= FEWEST:
                found.append(replace(made, others=symbols))
    return tuple(found)


def _terms(expr: s.Relation) -> Iterator[s.Juxt]:
    for side in expr.items:
        for term in side.items if isinstance(side, s.Infix) and all("+" in op for op in side.ops) else ():
            if isinstance(term, s.Juxt) and all(isinstance(x, s.Name) for x in term.items):
                if len(term.items) >= FEWEST:
                    yield term
