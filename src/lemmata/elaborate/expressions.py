"""Which rule reads which surface form: the table of contents of expression reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lemmata.core import terms as t
from lemmata.elaborate import calls, derivatives, references, structures, sums
from lemmata.elaborate import surface as s
from lemmata.elaborate.reader import Handler, Reader


def _name(r: Reader, expr: s.Name) -> t.Term:
    return (
        references.identity(r, expr)
        if references.is_identity(r, expr) and expr.sup is None
        else references.name(r, expr)
    )


_RULES: dict[type, Any] = {
    s.Num: structures.num,
    s.Name: _name,
    s.Const: structures.const,
    s.Juxt: calls.juxt,
    s.Call: calls.call,
    s.Infix: calls.infix,
    s.Sign: structures.sign,
    s.Quotient: structures.quotient,
    s.RootOf: structures.root,
    s.Paren: structures.paren,
    s.Scripted: structures.scripted,
    s.Bars: structures.bars,
    s.Angle: structures.angle,
    s.Floor: structures.floor,
    s.Big: sums.big,
    s.Derivative: derivatives.derivative,
    s.Evaluated: derivatives.evaluated,
    s.Expectation: derivatives.expectation,
    s.Matrix: structures.matrix,
    s.CasesOf: structures.cases,
    s.Relation: structures.relation,
    s.Choice: structures.choice,
    s.Words: structures.words,
    s.Unread: structures.unread,
}

HANDLERS: Mapping[type, Handler] = _RULES
