"""Noise whose law the text gives, $\\epsilon \\sim \\mathcal{N}(0, 0.04)$, with the equations that it enters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.code.target import CannotLower, Parameter, Value
from lemmata.documents.model import Block, Text
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.names import spell, walk
from lemmata.elaborate.statement import Statement
from lemmata.lower.equations import StatedEquation

DEVIATION = re.compile(
    r"standard deviation|\bscale\b|\bspread\b|std|stdev|\bs\.?d\.?\b|标准差|standardabweichung|[ée]cart[- ]type", re.I
)


class NormalNoise(Struct, frozen=True):
    """A `Target` of kind `noise`: a normal law in numbers, and the equations that hold what follows it."""

    key: str
    latex: str
    line: int
    statement: Statement
    mean: float
    variance: float
    symbol: str
    """As the atoms of the equations are spelled."""
    equations: tuple[StatedEquation, ...]
    settled: bool
    """Whether nothing in the document speaks for a standard deviation as the second number."""
    kind: str = "noise"
    parameters: Sequence[Parameter] = ()
    subject: str | None = None
    sizes: Sequence[str] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """Raises CannotLower."""
        raise CannotLower("noise has no value")


def noises(elaboration: Elaboration, stated: Sequence[StatedEquation]) -> Iterator[NormalNoise]:
    """Every symbol whose normal law is given in numbers, with the equations in which it stands."""
    words = " ".join(
        x.text for b in elaboration.document.blocks if isinstance(b, Block) for x in b.inlines if isinstance(x, Text)
    )
    settled = not DEVIATION.search(words) and not any(_deviation(i.part.expr) for i in elaboration.items)
    for item in elaboration.items:
        match item.part.expr:
            case s.Relation(ops=("\\sim",), items=(s.Name() as head, law)) if not item.withdrawn:
                numbers = _normal(law)
            case _:
                continue
        if numbers is None or item.limited or item.conditional:
            continue
        symbol = spell(head)
        using = tuple(e for e in stated if any(a.latex == symbol for a in e.atoms) and len(e.atoms) > 1)
        formula, expr = item.formula, item.part.expr
        start, end = formula.position(expr.start), formula.position(max(expr.start, expr.end - 1))
        latex = formula.latex[expr.start : expr.end].replace("&", "").strip()
        statement = Statement(formula, start, end, latex, item.role, "law", expr, place=item.place)
        yield NormalNoise(
            f"noise {formula.index}:{expr.start}", formula.latex[head.start : head.end].strip(), start.line, statement,
            *numbers, symbol, using, settled,
        )  # fmt: skip


def _normal(law: s.Expr) -> tuple[float, float] | None:
    """(mean, variance) of N(0, 0.04), N(1, 0.2^2)."""
    match law:
        case s.Call(function=s.Name(base="N"), arguments=(mean, variance)):
            pass
        case s.Juxt(items=(s.Name(base="N"), s.Paren(open="(", items=(mean, variance)))):
            pass
        case _:
            return None
    one, two = _number(mean), _number(variance)
    return (one, two) if one is not None and two is not None and two > 0 else None


def _number(expr: s.Expr) -> float | None:
    match expr:
        case s.Num(value=value):
            return float(value)
        case s.Sign(op=op, body=body) if (inner := _number(body)) is not None:
            return -inner if op == "-" else inner
        case s.Scripted(base=base, sub=None, sup=s.Num(value=power)) if (inner := _number(base)) is not None:
            return float(inner ** float(power))
    return None


def _deviation(expr: s.Expr) -> bool:
    """N(μ, σ): a bare σ as the second argument, or a square written out, for which numbers alone would be no square."""
    for node in walk(expr):
        match node:
            case (
                s.Call(function=s.Name(base="N"), arguments=(_, *rest))
                | s.Juxt(items=(s.Name(base="N"), s.Paren(items=(_, *rest))))
            ):
                pass
            case _:
                continue
        if any(isinstance(x, s.Name) and x.base in ("\\sigma", "s") and x.sup is None for x in rest):
            return True
    return False
