"""How one line was understood: what `lemmata explain FILE:LINE` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lemmata.report.layout import LABEL, SIGN, Line, counterexample, excerpt
from lemmata.report.result import DocumentResult, StatementResult

Details = Mapping[int, Sequence[tuple[str, str]]]
"""By the place of a statement in its document's result: (label, text) lines, such as the shape of every part."""


def on_line(result: DocumentResult, line: int, cell: int | None = None) -> tuple[int, ...]:
    """Places of the statements whose mathematics covers the line."""
    return tuple(
        at
        for at, s in enumerate(result.statements)
        if s.line <= line <= s.end_line and (cell is None or s.cell == cell)
    )


def nearest(result: DocumentResult, line: int, cell: int | None = None) -> StatementResult | None:
    """The statement closest to a line without mathematics."""
    near = [s for s in result.statements if cell is None or s.cell == cell]
    return min(near, key=lambda s: abs(s.line - line), default=None)


def explain(result: DocumentResult, places: Sequence[int], details: Details | None = None) -> Iterator[Line]:
    """Role, verdict, readings, shapes, assumptions and evidence of the statements at `places`."""
    for at in places:
        s = result.statements[at]
        where = f"{s.line}:{s.column}" if s.cell is None else f"cell {s.cell}, {s.line}:{s.column}"
        yield ((f"{result.path}:{where}", "path"),)
        yield from excerpt(s)
        for label, text in _answers(s):
            yield from _answer(label, text, s.verdict if label == "verdict" else "")
        for label, text in (details or {}).get(at, ()):
            yield from _answer(label, text)
        if s.counterexample:
            yield from counterexample(s.counterexample)
        yield ()


def _answers(s: StatementResult) -> Iterator[tuple[str, str]]:
    yield "role", s.role + (f" ({s.kind})" if s.kind and s.kind != s.role else "")
    yield "verdict", f"{SIGN[s.verdict]} {s.verdict}" + (f", by {s.method}" if s.method else "")
    if s.reason:
        yield "because", s.reason
    if s.reading:
        yield "read as", s.reading
    yield from (("otherwise", text) for text in s.alternatives)
    yield from (("assuming", text) for text in s.assumptions)
    yield from (("evidence", text) for text in s.evidence)


def _answer(label: str, text: str, style: str = "") -> Iterator[Line]:
    for at, line in enumerate(text.splitlines() or [""]):
        yield (("     " + (f"{label:<{LABEL}}" if not at else " " * LABEL), "dim"), (line, style))
