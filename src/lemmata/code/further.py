"""Comparisons of formulas with code that need more than names, one rule a module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lemmata.code import draws, listed, neighbourhoods, open_layers, tied, whole_tables
from lemmata.code.equations import EquationChecks
from lemmata.code.session import Failed
from lemmata.code.target import CodeFinding, Target

RULES = (whole_tables.judged, tied.judged, open_layers.judged, listed.judged, draws.judged, neighbourhoods.judged)


def further(checks: EquationChecks, targets: Sequence[Target], found: Sequence[CodeFinding]) -> Iterator[CodeFinding]:
    """What the rules find beside `found`, one decision for each line of formulas and piece of code. Raises Failed."""
    lines = {t.key: t.line for t in targets}
    decided = {(lines[f.target], f.cell, f.name) for f in found if f.verdict.kind != "unchecked"}
    for rule in RULES:
        for finding in rule(checks, targets, found):
            place = (lines[finding.target], finding.cell, finding.name)
            if place not in decided:
                decided.add(place)
                yield finding
        if not checks.session.alive:
            raise Failed("the worker is gone")
