"""Noise whose law the text gives, $\\epsilon \\sim \\mathcal{N}(0, 0.04)$, with the equations that it enters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.code.target import CannotLower, Parameter, Value
from lemmata.documents.model import Block, Document, Formula, Text
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.names import spell, walk
from lemmata.elaborate.statement import Statement
from lemmata.lower.equations import StatedEquation
from lemmata.lower.stated_values import SENTENCE, sentence_around

DEVIATION = re.compile(
    r"standard deviation|\bscale\b|\bspread\b|std|stdev|\bs\.?d\.?\b|标准差|standardabweichung|[ée]cart[- ]type", re.I
)
VARIANCE = re.compile(r"\bvariances?\b|方差|\bvarianz", re.I)


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
    variances: bool
    """Whether its sentence says that it is a variance, or a normal law of the document has a square there."""
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
    seconds = [x for i in elaboration.items for x in _seconds(i.part.expr)]
    settled = not DEVIATION.search(words) and not any(_bare(x) for x in seconds)
    squared = any(_squared(x) for x in seconds)
    said = _sentences(elaboration.document)
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
            *numbers, symbol, using, settled, squared or bool(VARIANCE.search(said.get(formula.index, ""))),
        )  # fmt: skip


def _sentences(document: Document) -> dict[int, str]:
    """The words of the sentence that each formula stands in, around a display too."""
    blocks = [b for b in document.blocks if isinstance(b, Block)]
    words = [" ".join(x.text for x in b.inlines if isinstance(x, Text)) for b in blocks]
    found: dict[int, str] = {}
    for at, block in enumerate(blocks):
        for formula in (x for x in block.inlines if isinstance(x, Formula)):
            found[formula.index] = sentence_around(block, formula)
            if block.kind != "display":
                continue
            found[formula.index] += " " + (SENTENCE.split(words[at - 1])[-1] if at else "")
            if at + 1 < len(blocks) and not formula.latex.rstrip().endswith((".", "。")):
                found[formula.index] += " " + SENTENCE.split(words[at + 1])[0]
    return found


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


def _seconds(expr: s.Expr) -> Iterator[s.Expr]:
    """What normal laws have as their second argument."""
    for node in walk(expr):
        match node:
            case (
                s.Call(function=s.Name(base="N"), arguments=(_, second))
                | s.Juxt(items=(s.Name(base="N"), s.Paren(items=(_, second))))
            ):
                yield second


def _bare(second: s.Expr) -> bool:
    """N(μ, σ): where a variance would be a square written out."""
    return isinstance(second, s.Name) and second.base in ("\\sigma", "s") and second.sup is None


def _squared(second: s.Expr) -> bool:
    """N(μ, σ²), N(0, 0.2²), N(0, σ² I)."""
    return any(
        isinstance(x, s.Scripted | s.Name) and isinstance(x.sup, s.Num) and x.sup.value == 2 for x in walk(second)
    )
