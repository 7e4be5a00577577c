"""Corrections of a claimed shape: the dimensions that were worked out, in the author's names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.roles import Item
from lemmata.elaborate.statement import Statement
from lemmata.lower.judge import judge_statement
from lemmata.repair.edit import Change, Edit, apply, smallest
from lemmata.repair.found import Fix
from lemmata.repair.operators import first_option


def repair_shape(elaboration: Elaboration, statement: Statement, seed: int) -> tuple[Fix, ...]:
    """The set with the dimensions that the left side has."""
    if statement.membership is None:
        return ()
    item = next(
        (i for i in elaboration.items if i.formula is statement.formula and i.membership and _same(i, statement)), None
    )
    if item is None or item.membership is None:
        return ()
    worked, claimed = (tuple(x.substitute(statement.solution) for x in shape) for shape in statement.membership)
    latex = statement.formula.latex
    for edit in _dimensions(latex, item.membership[1], worked, claimed):
        text = apply(latex, edit.changes)
        corrected = _reread(elaboration, item, text)
        if corrected is not None and judge_statement(corrected, seed).kind == "verified":
            return (Fix(text, corrected.latex, edit.what, smallest(latex, text), "shapes", edit.cost),)
    return ()


def _same(item: Item, statement: Statement) -> bool:
    assert item.membership is not None
    left, right = item.membership
    return left.start == statement.expr.start and right.end == statement.expr.end


def _reread(elaboration: Elaboration, item: Item, text: str) -> Statement | None:
    elaborator = Elaborator.of(elaboration)
    parts = elaborator.reread(text)[1]
    own = [i for i in elaboration.items if i.formula is item.formula]
    if len(parts) != len(own):
        return None
    part = parts[own.index(item)]
    expr = first_option(part.expr)
    if not isinstance(expr, s.Relation) or expr.ops[-1] != "\\in":
        return None
    member = (expr.items[-2], expr.items[-1])
    corrected = replace(item, formula=replace(item.formula, latex=text), part=part, membership=member)
    return elaborator.shape_claim(corrected)


def _dimensions(latex: str, target: s.Expr, worked: Sequence[Size], claimed: Sequence[Size]) -> Iterator[Edit]:
    """ℝ^{n×d} dimension by dimension, where as many are claimed; otherwise all of them."""
    sup = target.sup if isinstance(target, s.Const | s.Name) else None
    if sup is None or not worked or any("?" in str(x) for x in worked):
        return
    sup = first_option(sup)
    times = isinstance(sup, s.Infix) and set(sup.ops) <= {"\\times"}
    parts = sup.items if isinstance(sup, s.Infix) and times else (sup,)
    if len(parts) == len(worked) == len(claimed):
        changes = [
            Change(part.start, part.end, spelled(true))
            for part, true, wrong in zip(parts, worked, claimed, strict=True)
            if true != wrong
        ]
        what = ", ".join(
            f"{spelled(t)} for {latex[p.start : p.end].strip()}"
            for p, t, w in zip(parts, worked, claimed, strict=True)
            if t != w
        )
        yield Edit(tuple(changes), what, 1.0 * len(changes))
    text = " \\times ".join(spelled(x) for x in worked)
    yield Edit((Change(sup.start, sup.end, text),), f"the shape is {text}", 2.0)


def spelled(size: Size) -> str:
    """A size as LaTeX: positive terms first, then negative ones, a written number last."""
    terms = sorted(size.terms, key=lambda t: (not t[0], t[1] < 0, -sum(e for _, e in t[0])))
    text = ""
    for monomial, coefficient in terms:
        factors = [atom if e == 1 else f"{atom}^{{{e}}}" for atom, e in monomial]
        number = "" if abs(coefficient) == 1 and factors else str(abs(coefficient))
        body = " ".join(x for x in (number, *factors) if x)
        sign = "-" if coefficient < 0 else "+" if text else ""
        text += sign + body
    return text or "0"
