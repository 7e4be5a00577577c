"""Functions that return a whole table, against the formula that gives every entry of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from lemmata.code.equations import EquationChecks
from lemmata.code.spelling import match
from lemmata.code.tables import tables
from lemmata.code.target import CodeFinding, Equation, Target
from lemmata.verify.verdict import Verdict


def judged(checks: EquationChecks, targets: Sequence[Target], found: Sequence[CodeFinding]) -> Iterator[CodeFinding]:
    """A function called as the table whose entries differ from the formula's in whatever order they are counted."""
    settled = {f.target for f in found if f.verdict.kind == "verified"}
    for equation in (cast(Equation, t) for t in targets if t.kind == "equation"):
        plain = [place[1:] for place in equation.places] == [(1, 0), (1, 0)]
        if not plain or equation.key in settled or equation.role != "definition" or equation.ambiguous:
            continue
        for piece in checks.pieces:
            named = piece.returned and piece.position is None and match(equation.names, piece.name) >= 0.9
            if not named or equation.order >= piece.order:
                continue
            made = list(tables(equation, piece, checks.ask))
            apart = [t.comparison for t in made]
            if len(made) < 2 or any(t.displaced for t in made) or {c.outcome for c in apart} != {"differ"}:
                continue
            if any(c.slight for c in apart):
                continue
            reason = f"{piece.owner} does not fill the table that the formula gives"
            evidence = tuple(t.evidence for t in made)
            verdict = Verdict("refuted", reason, "code on fresh inputs", evidence, made[0].example)
            bound = (f"{equation.latex} is {piece.name}", *made[0].bound)
            yield CodeFinding(equation.key, verdict, piece.cell, piece.owner, piece.line, bound)
