"""The stages between a document that has been read and verdicts on its formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lemmata.consistency import contradictions
from lemmata.consistency.merge import merged
from lemmata.counting import counts
from lemmata.diagnostic import Diagnostic, mistake, stage_failed
from lemmata.documents.model import Document
from lemmata.elaborate.document import Elaboration, elaborate
from lemmata.elaborate.statement import Statement
from lemmata.lower.judge import judge_statement, under_conditions
from lemmata.report.collect import Examination
from lemmata.verify.verdict import Verdict

if TYPE_CHECKING:
    from lemmata.consistency.survey import Contradiction
    from lemmata.lint.finding import Finding
    from lemmata.repair import Fix


def judged(document: Document, seed: int, lint: bool) -> Examination:
    """Verdicts on the formulas of a document, with corrections and what it contradicts."""
    elaboration = elaborate(document)
    verdicts = under_conditions([(statement, verdict(statement, seed)) for statement in elaboration.statements])
    told: list[Diagnostic] = []

    def failed(stage: str, error: Exception) -> None:
        told.append(stage_failed(stage, error, document.path))

    against = contradictions(elaboration, failed)
    stated = merged(verdicts, (*against, *counts(elaboration, failed)))
    fixes = corrections(elaboration, stated, against, seed, told)
    remarks = notation(elaboration, told) if lint else ()
    return Examination(document, stated, fixes=fixes, lint=remarks, told=tuple(told), elaboration=elaboration)


def notation(elaboration: Elaboration, told: list[Diagnostic]) -> tuple[Finding, ...]:
    """What lint finds; a mistake of ours there costs the remarks, not the verdicts."""
    from lemmata.lint import lint

    try:
        return lint(elaboration)
    except Exception as error:
        told.append(stage_failed("lint", error, elaboration.document.path))
        return ()


def verdict(statement: Statement, seed: int) -> Verdict:
    """The verdict on one statement; a mistake of ours in judging it costs this statement, not the document."""
    try:
        return judge_statement(statement, seed)
    except Exception as error:
        return Verdict("unchecked", reason=mistake(error))


def corrections(
    elaboration: Elaboration,
    judged: Sequence[tuple[Statement, Verdict]],
    against: Sequence[Contradiction],
    seed: int,
    told: list[Diagnostic],
) -> dict[int, tuple[Fix, ...]]:
    """Small corrections of what was refuted, by the identity of the statement."""
    refuted = [(statement, verdict) for statement, verdict in judged if verdict.kind == "refuted"]
    if not refuted:
        return {}
    from lemmata.consistency.removal import corrected
    from lemmata.repair import repair

    found: dict[int, tuple[Fix, ...]] = {}
    for statement, verdict in refuted:
        try:
            fixes = repair(elaboration, statement, seed)
            fixes += corrected(elaboration, against, statement.formula, verdict.reason, seed)
            found[id(statement)] = tuple({fix.formula: fix for fix in fixes}.values())[:3]
        except Exception as error:  # a mistake of ours here must not cost the verdict
            told.append(stage_failed("the search for corrections", error, elaboration.document.path))
    return found
