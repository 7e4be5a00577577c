"""Contradictions and confirmations as verdicts on the statements where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lemmata.consistency.survey import Confirmation, Contradiction
from lemmata.elaborate import surface as s
from lemmata.elaborate.statement import Statement
from lemmata.verify.verdict import Verdict

Judged = tuple[tuple[Statement, Verdict], ...]


def merged(judged: Judged, found: Sequence[Contradiction | Confirmation]) -> Judged:
    """The verdicts with every finding at the statement that covers it, or as a statement of its own.

    What instances verified or refuted stays as it is.
    """
    result = list(judged)
    for finding in found:
        at = _place(result, finding)
        if at is None:
            result.append((_statement(finding), verdict(finding)))
        elif result[at][1].kind not in ("verified", "refuted"):
            statement = result[at][0]
            role = statement.role if statement.role in ("claim", "definition") else "claim"
            result[at] = replace(statement, role=role), verdict(finding)
    return tuple(result)


def verdict(finding: Contradiction | Confirmation) -> Verdict:
    if isinstance(finding, Confirmation):
        return Verdict("verified", method=finding.method, evidence=finding.evidence)
    return Verdict(
        "refuted",
        reason=finding.reason,
        method=finding.method,
        evidence=finding.evidence,
        counterexample=finding.counterexample,
    )


def _place(judged: Sequence[tuple[Statement, Verdict]], found: Contradiction | Confirmation) -> int | None:
    """The narrowest statement of the formula that covers the finding."""
    start = found.formula.position(found.start)
    end = found.formula.position(max(found.start, found.end - 1))
    covering = [
        (len(statement.latex), at)
        for at, (statement, _) in enumerate(judged)
        if statement.formula.index == found.formula.index and statement.start <= start and end <= statement.end
    ]
    return min(covering)[1] if covering else None


def _statement(found: Contradiction | Confirmation) -> Statement:
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
