"""SARIF 2.1.0, as code scanning services and editors read it: refutations and lint findings with their fixes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TextIO
from urllib.parse import quote

from lemmata.report.result import DocumentResult, LintResult, StatementResult
from lemmata.version import VERSION

RULES = {
    "refuted": "A claim does not hold: there are values at which its sides differ.",
    "code": "The code does not compute what the formula says.",
    "unchecked": "A claim could not be decided.",
    "unreadable": "A document could not be read.",
}


def write(results: Sequence[DocumentResult], stream: TextIO, strict: bool = False) -> None:
    """One log with one run. With `strict`, unchecked claims are warnings."""
    found = [_result(s) for r in results for s in r if s.verdict == "refuted" or strict and s.verdict == "unchecked"]
    lint = [finding for r in results for finding in r.lint]
    rules = RULES | {rule_id(f): f"Notation: {f.rule.replace('-', ' ')}." for f in lint}
    notes = [_notification(r, p.message, p.severity, p.line) for r in results for p in r.problems]
    run = {
        "tool": {
            "driver": {
                "name": "lemmata",
                "version": VERSION,
                "rules": [{"id": k, "shortDescription": {"text": text}} for k, text in rules.items()],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": all(r.readable for r in results), "toolExecutionNotifications": notes}],
        "results": [*found, *map(_remark, lint)],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    json.dump(log, stream, indent=2, ensure_ascii=True)
    stream.write("\n")


def _result(s: StatementResult) -> dict[str, object]:
    rule = "unchecked" if s.verdict == "unchecked" else "code" if s.kind == "code" else "refuted"
    result: dict[str, object] = {
        "ruleId": rule,
        "level": "warning" if rule == "unchecked" else "error",
        "message": {"text": message(s)},
        "locations": [_location(s)],
    }
    if s.fixes and s.cell is None:
        result["fixes"] = [_fix(s, fix) for fix in s.fixes]
    return result


def _remark(f: LintResult) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": rule_id(f),
        "level": "note",
        "message": {"text": remark(f)},
        "locations": [_location(f)],
    }
    if f.fixes and f.cell is None:
        result["fixes"] = [_fix(f, fix) for fix in f.fixes]
    return result


def rule_id(f: LintResult) -> str:
    return f"notation/{f.rule}"


def remark(f: LintResult) -> str:
    """What lint says, and what to write instead."""
    where = f"cell {f.cell}, line {f.line}: " if f.cell is not None else ""
    instead = "".join(
        f"; write {' '.join(str(x['replacement']).split())} for {' '.join(str(x['original']).split())}" for x in f.fixes
    )
    return where + f.message + instead + (f" ({f.help})" if f.help else "")


def message(s: StatementResult) -> str:
    """What was found, and the nearest correction, as running text."""
    where = f"cell {s.cell}, line {s.line}: " if s.cell is not None else ""
    text = f"{where}{' '.join(s.latex.split())}: {s.reason or s.verdict}"
    how = "agrees with" if s.kind == "code" else "holds with"
    return text + (f"; {how}: {' '.join(str(s.fixes[0]['latex']).split())}" if s.fixes else "")


def _location(s: StatementResult | LintResult) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": uri(s.doc)}}
    if s.cell is not None:
        # Lines of a notebook count inside its cells, not in the file.
        return {"physicalLocation": place, "logicalLocations": [{"name": f"cell {s.cell}", "kind": "element"}]}
    place["region"] = region(s.line, s.column, s.end_line, s.end_column)
    return {"physicalLocation": place}


def _fix(s: StatementResult | LintResult, fix: Mapping[str, object]) -> dict[str, object]:
    line, column, end_line, end_column = (int(str(fix[k])) for k in ("line", "column", "end_line", "end_column"))
    replacement = {
        "deletedRegion": region(line, column, end_line, end_column),
        "insertedContent": {"text": str(fix["replacement"])},
    }
    change = {"artifactLocation": {"uri": uri(s.doc)}, "replacements": [replacement]}
    return {"description": {"text": str(fix["edit"])}, "artifactChanges": [change]}


def region(line: int, column: int, end_line: int, end_column: int) -> dict[str, int]:
    found = {"startLine": line, "startColumn": column, "endLine": end_line}
    return {**found, "endColumn": end_column} if end_column else found


def _notification(result: DocumentResult, text: str, severity: str, line: int | None) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": uri(result.path)}}
    if line is not None:
        place["region"] = {"startLine": line}
    return {"level": severity, "message": {"text": text}, "locations": [{"physicalLocation": place}]}


def uri(path: str) -> str:
    return quote(path.replace("\\", "/"))
