"""Contradictions as verdicts on the statements where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lemmata.consistency.survey import Contradiction
from lemmata.elaborate import surface as s
from lemmata.elaborate.statement import Statement
from lemmata.verify.verdict import Verdict

Judged = tuple[tuple[Statement, Verdict], ...]


def merged(judged: Judged, found: Sequence[Contradiction]) -> Judged:
    """The verdicts with every contradiction at the statement that covers it, or as a statement of its own.

    What instances verified or refuted stays as it is.
    """
    result = list(judged)
    for contradiction in found:
        at = _place(result, contradiction)
        if at is None:
            result.append((_statement(contradiction), verdict(contradiction)))
        elif result[at][1].kind not in ("verified", "refuted"):
            statement = result[at][0]
            role = statement.role if statement.role in ("claim", "definition") else "claim"
            result[at] = replace(statement, role=role), verdict(contradiction)
    return tuple(result)


def verdict(contradiction: Contradiction) -> Verdict:
    return Verdict(
        "refuted",
        reason=contradiction.reason,
        method=contradiction.method,
        evidence=contradiction.evidence,
        counterexample=contradiction.counterexample,
    )


def _place(judged: Sequence[tuple[Statement, Verdict]], found: Contradiction) -> int | None:
    """The narrowest statement of the formula that covers the contradiction."""
    start = found.formula.position(found.start)
    end = found.formula.position(max(found.start, found.end - 1))
    covering = [
        (len(statement.latex), at)
        for at, (statement, _) in enumerate(judged)
        if statement.formula.index == found.formula.index and statement.start <= start and end <= statement.end
    ]
    return min(covering)[1] if covering else None


def _statement(found: Contradiction) -> Statement:
    formula = found.formula
    return Statement(
        formula,
        formula.position(found.start),
        formula.position(max(found.start, found.end - 1)),
        formula.latex[found.start : found.end].strip(),
        role="claim",
        kind="equation",
        expr=s.Words(found.start, found.end, formula.latex[found.start : found.end]),
    )
