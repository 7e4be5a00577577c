"""Arrays that the text gives in numbers right before the code that makes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.code.spelling import spellings
from lemmata.code.target import CannotLower, Parameter, Value
from lemmata.documents.model import Block, CodeCell, Formula, Text
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.statement import Statement

SENTENCE = re.compile(r"[.!?。！？](?:\s|$)")
FORMULA = "\x00"
"""Stands for a formula in the words around it."""


class StatedValue(Struct, frozen=True):
    """A `Target` of kind `stated value`: `$x = [1, 2, 3]$` in the paragraph before a code cell."""

    key: str
    latex: str
    line: int
    statement: Statement
    value: np.ndarray
    follows: int
    """Number of the code cell right behind the paragraph."""
    sentence: str
    """The words around it, to the next full stops."""
    digits: float
    """Half a unit of the last digit that is printed."""
    kind: str = "stated value"
    parameters: Sequence[Parameter] = ()
    subject: str | None = None
    sizes: Sequence[str] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return spellings(self.latex)

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """Raises CannotLower."""
        raise CannotLower("numbers that the text gives depend on nothing")


def stated_values(elaboration: Elaboration) -> Iterator[StatedValue]:
    """Every list or matrix of numbers that a paragraph right before a code cell gives to a symbol."""
    blocks = elaboration.document.blocks
    behind = {
        formula.index: (cell, block)
        for block, cell in zip(blocks, blocks[1:], strict=False)
        if isinstance(block, Block) and isinstance(cell, CodeCell)
        for formula in block.inlines
        if isinstance(formula, Formula)
    }
    for item in elaboration.items:
        expr = item.part.expr
        place = behind.get(item.formula.index)
        if place is None or item.withdrawn or item.approximate or item.limited or item.conditional:
            continue
        match expr:
            case s.Relation(ops=("=" | ":=",), items=(s.Name() as head, right)) if item.role != "condition":
                value = numbers(right)
            case _:
                continue
        if value is None or value.size < 2:
            continue
        formula = item.formula
        latex = formula.latex[head.start : head.end].strip()
        start, end = formula.position(expr.start), formula.position(max(expr.start, expr.end - 1))
        source = formula.latex[expr.start : expr.end].strip()
        statement = Statement(formula, start, end, source, item.role, "equation", expr, place=item.place)
        written = formula.latex[right.start : right.end]
        decimals = max((len(d) for d in re.findall(r"\d\.(\d+)", written)), default=0)
        cell, block = place
        yield StatedValue(
            f"value {formula.index}:{expr.start}", latex, start.line, statement, value, cell.index,
            sentence_around(block, formula), 0.5 * 10.0**-decimals if decimals else 0.0,
        )  # fmt: skip


def sentence_around(block: Block, formula: Formula) -> str:
    """The words of the sentence that a formula of a paragraph stands in, other formulas as a sign."""
    before = after = ""
    seen = False
    for inline in block.inlines:
        if inline is formula:
            seen = True
            continue
        text = inline.text if isinstance(inline, Text) else FORMULA
        before, after = (before, after + text) if seen else (before + text, after)
    return f"{SENTENCE.split(before)[-1]}{FORMULA}{SENTENCE.split(after)[0]}"


def numbers(expr: s.Expr) -> np.ndarray | None:
    """A list or matrix of numbers, transposed or not; None for anything else."""
    match expr:
        case s.Scripted(base=base, sub=None, sup=(s.Mark(name="top") | s.Name(base="T"))):
            inner = numbers(base)
            return None if inner is None else inner.T
        case s.Matrix(rows=rows) if rows and len({len(r) for r in rows}) == 1:
            found = [[_number(x) for x in row] for row in rows]
        case s.Paren(open="[" | "(", items=items, separators=separators) if set(separators) <= {",", ";"}:
            found = [[_number(x) for x in items]]
        case _:
            return None
    if any(x is None for row in found for x in row):
        return None
    return np.squeeze(np.array(found, dtype=float))


def _number(expr: s.Expr) -> float | None:
    match expr:
        case s.Num(value=value):
            return float(value)
        case s.Sign(op=op, body=s.Num(value=value)):
            return -float(value) if op == "-" else float(value)
    return None
