"""From what the stages made to the result: one plain record for every statement, in the order of the document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lemmata.diagnostic import Diagnostic
from lemmata.documents.model import Document
from lemmata.elaborate.statement import Statement
from lemmata.report.result import DocumentResult, Problem, StatementResult, jsonable
from lemmata.report.source import Source
from lemmata.report.spelling import chain
from lemmata.verify.verdict import Counterexample, Verdict

AS_WRITTEN = "as written"
"""What the judge calls the preferred reading."""
Judged = tuple[Statement, Verdict]
Placed = tuple[Statement, Verdict, str]
"""With its kind."""


def collect(
    document: Document,
    judged: Sequence[Judged],
    compared: Sequence[Judged] = (),
    depends: Mapping[str, str | None] | None = None,
    reproducible: bool = True,
) -> DocumentResult:
    """The result of a document: `judged` statements, and formulas `compared` with code."""
    source = Source(document.path)
    pairs = [*((s, v, s.kind) for s, v in judged), *((s, v, "code") for s, v in compared)]
    records = tuple(record(document, source, statement, verdict, kind) for statement, verdict, kind in ordered(pairs))
    problems = tuple(map(problem, document.diagnostics))
    return DocumentResult(document.path, records, problems, dict(depends or {}), reproducible)


def ordered(found: Iterable[Placed]) -> list[Placed]:
    """In reading order; comparisons with code after the formula they are about."""
    return sorted(found, key=lambda f: (-1 if f[0].start.cell is None else f[0].start.cell, f[0].start, f[2] == "code"))


def record(document: Document, source: Source, statement: Statement, verdict: Verdict, kind: str) -> StatementResult:
    start, end = statement.start, statement.end
    return StatementResult(
        doc=document.path,
        line=start.line,
        end_line=end.line,
        column=start.column,
        end_column=end.column + 1,
        cell=start.cell,
        verdict=verdict.kind,
        role=statement.role,
        kind=kind,
        latex=statement.latex,
        reason=verdict.reason,
        method=verdict.method,
        evidence=tuple(verdict.evidence),
        counterexample=None if verdict.counterexample is None else example(verdict.counterexample),
        understood=not statement.reason,
        reading=reading(statement, verdict),
        assumptions=tuple(dict.fromkeys((*statement.assumptions, *verdict.assumptions))),
        alternatives=tuple(verdict.alternatives),
        excerpt=source.excerpt(start.line, end.line, start.cell),
    )


def reading(statement: Statement, verdict: Verdict) -> str:
    """The chosen reading, written out where the judge only names it."""
    for candidate in statement.readings:
        if verdict.reading == (candidate.note or AS_WRITTEN):
            return chain(candidate) + (f"  ({candidate.note})" if candidate.note else "")
    return verdict.reading


def example(found: Counterexample) -> dict[str, object]:
    """A counterexample as plain data."""
    return {
        "sizes": jsonable(found.sizes),
        "values": jsonable(found.values),
        "left": jsonable(found.left),
        "right": jsonable(found.right),
        "where": found.where,
        "note": found.note,
    }


def problem(diagnostic: Diagnostic) -> Problem:
    start = diagnostic.span.start if diagnostic.span else None
    return Problem(
        diagnostic.message,
        diagnostic.severity,
        start.line if start else None,
        start.column if start else None,
        start.cell if start else None,
        diagnostic.help or "",
    )
