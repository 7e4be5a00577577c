"""From what the stages made to the result: one plain record for every statement, in the order of the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lemmata.diagnostic import Diagnostic
from lemmata.documents.model import Document, Position
from lemmata.elaborate.statement import Statement
from lemmata.report.result import DocumentResult, Problem, StatementResult, jsonable
from lemmata.report.source import Source
from lemmata.verify.verdict import Counterexample, Verdict

Judged = tuple[Statement, Verdict]


def collect(
    document: Document,
    judged: Sequence[Judged],
    compared: Sequence[Judged] = (),
    depends: Mapping[str, str | None] | None = None,
    reproducible: bool = True,
) -> DocumentResult:
    """The result of a document: `judged` statements, and formulas `compared` with code."""
    source = Source(document.path)
    records = [record(document, source, statement, verdict) for statement, verdict in judged]
    records += [record(document, source, statement, verdict, kind="code") for statement, verdict in compared]
    records.sort(key=lambda s: (-1 if s.cell is None else s.cell, s.line, s.column))
    problems = tuple(map(problem, document.diagnostics))
    return DocumentResult(document.path, tuple(records), problems, dict(depends or {}), reproducible)


def record(
    document: Document, source: Source, statement: Statement, verdict: Verdict, kind: str | None = None
) -> StatementResult:
    start, end = statement.start, last(statement)
    return StatementResult(
        doc=document.path,
        line=start.line,
        end_line=end.line,
        column=start.column,
        end_column=end.column,
        cell=start.cell,
        verdict=verdict.kind,
        role=statement.role,
        kind=kind or statement.kind,
        latex=statement.latex,
        reason=verdict.reason,
        method=verdict.method,
        evidence=tuple(verdict.evidence),
        counterexample=None if verdict.counterexample is None else example(verdict.counterexample),
        understood=not statement.reason,
        reading=verdict.reading,
        assumptions=tuple(dict.fromkeys((*statement.assumptions, *verdict.assumptions))),
        alternatives=tuple(verdict.alternatives),
        excerpt=source.excerpt(start.line, end.line, start.cell),
    )


def last(statement: Statement) -> Position:
    """The end of a statement; its line is that of the last character, even where that ends a line."""
    end = statement.end
    return end if end.column > 1 or end.line <= statement.start.line else Position(end.line - 1, 0, end.cell)


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
