"""From what the stages made to the result: one plain record for every statement, in the order of the document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from lemmata.core.terms import Num, Term
from lemmata.diagnostic import Diagnostic
from lemmata.documents.model import Document, Formula
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.statement import Statement
from lemmata.report.details import understanding
from lemmata.report.result import DocumentResult, LintResult, Problem, StatementResult, jsonable
from lemmata.report.source import Source
from lemmata.report.spelling import bare, chain, spell
from lemmata.verify.verdict import Counterexample, Verdict

if TYPE_CHECKING:
    from lemmata.code.check import CodeReport
    from lemmata.code.target import CodeFinding, CodeFix
    from lemmata.lint.finding import Finding
    from lemmata.repair import Fix

FRAMEWORKS = ("numpy", "torch", "tensorflow", "keras", "jax", "scipy", "sklearn", "pandas")
"""Packages whose version is told where cells used them."""
LEGIBLE = 200
"""Characters that two sub-expressions with their values may take."""
AS_WRITTEN = "as written"
"""What the judge calls the preferred reading."""
LIMITS = frozenset({"timeout", "memory", "processes", "disk", "start", "output", "died", "not tried"})
"""Errors of cells that may not happen the next time."""


class Examination(Struct, frozen=True):
    """Everything the stages found out about one document."""

    document: Document
    judged: tuple[tuple[Statement, Verdict], ...]
    """Every statement with its verdict."""
    targets: Mapping[str, Statement] = field(default_factory=dict)
    """Statements that code was compared with, by the key of the target."""
    code: CodeReport | None = None
    depends: Mapping[str, str | None] = field(default_factory=dict)
    """Local modules of the code: path to content hash."""
    lint: tuple[Finding, ...] = ()
    fixes: Mapping[int, tuple[Fix, ...]] = field(default_factory=dict)
    """Corrections of refuted statements, by the identity of the statement."""
    told: tuple[Diagnostic, ...] = ()
    """What a stage beside the verdicts has to say: that it failed."""
    elaboration: Elaboration | None = None
    """What the verdicts are on, for questions about its definitions."""


def collect(found: Examination) -> DocumentResult:
    """The result of a document."""
    source = Source(found.document.path)
    records = tuple(
        record(found.document, source, *parts[:3], found.fixes.get(id(parts[0]), ()) if parts[3] is None else parts[3])
        for parts in ordered(found)
    )
    diagnostics = [*found.document.diagnostics, *found.told]
    reproducible = True
    cells: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    if found.code is not None:
        from lemmata.code.check import diagnostics as code_diagnostics

        diagnostics += code_diagnostics(found.code, found.document.path)
        # a kernel's packages are not among those that the cache knows
        reproducible = "kernel" not in found.code.layers and not any(e.kind in LIMITS for e in found.code.errors)
        ran = {r.index for r in found.code.cells if r.status != "skipped"}
        cells = tuple(digest(c.source) for c in found.document.cells if c.index in ran)
        environment = rested_on(found.code)
    return DocumentResult(
        found.document.path,
        records,
        tuple(map(problem, diagnostics)),
        dict(found.depends),
        reproducible,
        tuple(notation(found.document.path, source, finding) for finding in found.lint),
        cells,
        () if found.code is None else tuple(jsonable(asdict(m)) for m in found.code.weights),  # type: ignore[misc]
        environment,
    )


def rested_on(code: CodeReport) -> dict[str, str]:
    """The frameworks that the cells ran with, and the devices of their arrays."""
    versions = code.surroundings.versions
    found = {name: versions[name] for name in FRAMEWORKS if name in versions}
    return found | ({"device": ", ".join(code.surroundings.devices)} if code.surroundings.devices else {})


def digest(text: str) -> str:
    return blake2b(text.encode("utf-8", errors="surrogatepass"), digest_size=8).hexdigest()


def notation(path: str, source: Source, finding: Finding) -> LintResult:
    """A lint finding as plain data."""
    start, end = finding.formula.position(finding.start), finding.formula.position(finding.end)
    fixes: tuple[dict[str, object], ...] = ()
    if finding.edit is not None:
        edit = finding.edit
        corrected = edit.formula.latex[: edit.start] + edit.replacement + edit.formula.latex[edit.end :]
        fixes = (replaced(edit.formula, source, edit.start, edit.end, edit.replacement, corrected, edit.description),)
    return LintResult(
        path,
        finding.rule,
        finding.message,
        start.line,
        start.column,
        end.line,
        end.column,
        start.cell,
        finding.help,
        fixes,
    )


def details(found: Examination, line: int | None = None, fuse: bool = True) -> dict[int, tuple[tuple[str, str], ...]]:
    """How each statement was understood, by its place in the result; definitions on the line also say how they run."""
    from lemmata.report.replay import replay
    from lemmata.report.running import running

    known: dict[int, tuple[tuple[str, str], ...]] = {}
    here: list[tuple[int, Statement]] = []
    for at, (statement, verdict, kind, _) in enumerate(ordered(found)):
        if kind != "code":
            program = replay(statement, verdict)
            known[at] = (*understanding(statement), *([("replay", program)] if program else []))
            if (
                line is not None
                and statement.role == "definition"
                and statement.start.line <= line <= statement.end.line
            ):
                here.append((at, statement))
    if found.elaboration is not None:
        for at, text in running(found.elaboration, here, fuse):
            known[at] = (*known[at], ("runs as", text))
    return known


def ordered(found: Examination) -> list[tuple[Statement, Verdict, str, tuple[CodeFix, ...] | None]]:
    """Statements with verdict and kind in reading order; comparisons with code after the formula they are about.

    The last is what of the code to change; None for statements of the text.
    """
    pairs: list[tuple[Statement, Verdict, str, tuple[CodeFix, ...] | None]] = [
        (statement, verdict, statement.kind, None) for statement, verdict in found.judged
    ]
    if found.code is not None:
        pairs += [(found.targets[f.target], compared(f), "code", f.fixes) for f in telling(found.code.findings)]
    return sorted(pairs, key=lambda p: (-1 if p[0].start.cell is None else p[0].start.cell, p[0].start, p[2] == "code"))


def telling(findings: Sequence[CodeFinding]) -> list[CodeFinding]:
    """Without the comparisons that came to nothing for code that was compared with another formula."""
    settled = {(f.cell, f.name) for f in findings if f.verdict.kind != "unchecked"}
    return [f for f in findings if f.verdict.kind != "unchecked" or (f.cell, f.name) not in settled]


def compared(finding: CodeFinding) -> Verdict:
    """The verdict of a comparison, saying which code it is about and what was identified with what."""
    where = f"`{finding.name}` in code cell {finding.cell + 1} (line {finding.line})"
    reason = f"{where}: {finding.verdict.reason}" if finding.verdict.reason else where
    bound = (b for b in finding.bound if b not in finding.verdict.evidence)
    return replace(finding.verdict, reason=reason, assumptions=(*finding.verdict.assumptions, *bound))


def record(
    document: Document,
    source: Source,
    statement: Statement,
    verdict: Verdict,
    kind: str,
    fixes: Sequence[Fix | CodeFix] = (),
) -> StatementResult:
    start, end = statement.start, statement.end
    ours, theirs = split(fixes)
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
        counterexample=None if verdict.counterexample is None else example(verdict.counterexample, statement, ours),
        understood=statement.understood,
        outlined=bool(statement.reason) and statement.outline is not None,
        outline=statement.outline or (),
        reading=reading(statement, verdict),
        assumptions=tuple(dict.fromkeys((*statement.assumptions, *verdict.assumptions))),
        alternatives=tuple(verdict.alternatives),
        excerpt=source.excerpt(start.line, end.line, start.cell),
        fixes=(
            *(correction(statement, source, fix) for fix in ours),
            *(changed for fix in theirs if (changed := edit_of_code(document, source, fix)) is not None),
        ),
    )


def correction(statement: Statement, source: Source, fix: Fix) -> dict[str, object]:
    """A fix as plain data: where the text of the file changes, and into what."""
    change = fix.change
    plain = replaced(statement.formula, source, change.start, change.end, change.text, fix.latex, fix.what)
    return {**plain, "method": fix.method}


def split(fixes: Sequence[Fix | CodeFix]) -> tuple[list[Fix], list[CodeFix]]:
    """Edits of formulas, edits of code."""
    from lemmata.repair import Fix

    return [f for f in fixes if isinstance(f, Fix)], [f for f in fixes if not isinstance(f, Fix)]


def edit_of_code(document: Document, source: Source, fix: CodeFix) -> dict[str, object] | None:
    """An edit of a code cell as plain data; None where the cell's lines do not stand in the file as they ran."""
    cell = next((c for c in document.cells if c.index == fix.cell), None)
    if cell is None:
        return None
    last = fix.line + len(fix.before) - 1
    lines = source.excerpt(fix.line, last, cell.body.cell)
    margin = lines[0][: len(lines[0]) - len(fix.before[0])] if lines else ""
    if list(lines) != [margin + text if text.strip() else written for text, written in zip(fix.before, lines)]:
        return None
    return {
        "latex": "\n".join(fix.after),
        "edit": f"{fix.what} (line {fix.lines[0]})" if fix.lines else fix.what,
        "line": fix.line,
        "column": len(margin) + 1,
        "end_line": last,
        "end_column": len(lines[-1]) + 1,
        "original": "\n".join([fix.before[0], *lines[1:]]),
        "replacement": "\n".join([fix.after[0], *(margin + text for text in fix.after[1:])]),
        "before": list(fix.before),
        "after": list(fix.after),
        "cell": cell.body.cell,
        "method": "code on fresh inputs",
    }


def replaced(
    formula: Formula, source: Source, first: int, last: int, text: str, latex: str, what: str
) -> dict[str, object]:
    """A span of a formula and its replacement, in the coordinates of the file."""
    start, end = formula.position(first), formula.position(last)
    margins = source.margins([place for offset, place in formula.anchors if first < offset])
    return {
        "latex": latex,
        "edit": what,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "original": with_margins(formula.latex[first:last], margins),
        "replacement": with_margins(text, margins),
    }


def with_margins(text: str, margins: Sequence[str]) -> str:
    """Lines of a formula as they stand in the file, after quote marks and indentation."""
    first, *rest = text.split("\n")
    lines = [first]
    for at, line in enumerate(rest):
        lines.append((margins[min(at, len(margins) - 1)] if margins else "") + line)
    return "\n".join(lines)


def reading(statement: Statement, verdict: Verdict) -> str:
    """The chosen reading, written out where the judge only names it."""
    for candidate in statement.readings:
        if verdict.reading == (candidate.note or AS_WRITTEN):
            return chain(candidate) + (f"  ({candidate.note})" if candidate.note else "")
    return verdict.reading


def example(found: Counterexample, statement: Statement, fixes: Sequence[Fix]) -> dict[str, object]:
    """A counterexample as plain data."""
    return {
        "sizes": jsonable(found.sizes),
        "values": jsonable(found.values),
        "left": jsonable(found.left),
        "right": jsonable(found.right),
        "where": found.where,
        "parts": parts(statement, found, fixes),
        "note": found.note,
    }


def parts(statement: Statement, found: Counterexample, fixes: Sequence[Fix]) -> str:
    """The first sub-expressions that differ, in the author's symbols, with their values where those are short.

    Where the sides are built too differently to be compared part by part, the nearest fix tells what is wrong.
    """
    if found.failure is None or not statement.readings:
        return ""
    from lemmata.lower.parting import parting, slip
    from lemmata.lower.problem import ReadingProblem
    from lemmata.report.layout import number

    problem = ReadingProblem(statement.readings[0])
    pair, between = parting(problem, found.failure), "  against  "
    corrected = next((fix.reading for fix in fixes if fix.reading is not None), None)
    if pair is None and corrected is not None and len(corrected.sides) == len(problem.reading.sides):
        pair, between = slip(problem, ReadingProblem(corrected), found.failure), "  in place of  "
    if pair is None:
        return ""

    def side(term: Term | None, value: object) -> str:
        if term is None:
            return "nothing"
        shown = bare(spell(term))
        return shown if value is None or isinstance(term, Num) else f"{shown} = {_short(value, number)}"

    text = f"{side(pair.left, pair.left_value)}{between}{side(pair.right, pair.right_value)}"
    return text if len(text) <= LEGIBLE and "Held" not in text else ""


def _short(value: object, number: Callable[[object], str]) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_short(v, number) for v in value) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return number(value)


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
