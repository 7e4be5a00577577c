"""Annotations for GitHub Actions: one workflow command a line, shown at the author's lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from lemmata.report.record import Change
from lemmata.report.result import DocumentResult, LintResult, StatementResult
from lemmata.report.sarif import message, remark


def write(results: Sequence[DocumentResult], stream: TextIO, strict: bool = False) -> None:
    """Errors for refutations; with `strict`, warnings for what is unchecked; notices for what lint finds."""
    for result in results:
        for problem in result.problems:
            kind = {"error": "error", "warning": "warning"}.get(problem.severity, "notice")
            where = [("file", result.path)] + ([("line", str(problem.line))] if problem.line else [])
            stream.write(command(kind, where, problem.message))
        for statement in result:
            if statement.verdict == "refuted":
                stream.write(command("error", place(statement), _text(statement)))
            elif strict and statement.verdict == "unchecked":
                stream.write(command("warning", place(statement), _text(statement)))
        for finding in result.lint:
            stream.write(command("notice", place(finding), remark(finding)))


def write_changes(found: Sequence[Change], since: str, stream: TextIO) -> None:
    """A line for everything that differs from a record."""
    for change in found:
        where = [("file", change.path)] if change.path else []
        where += [("line", str(change.line))] if change.line else []
        title = [("title", f"changed since {since}")]
        stream.write(command("error" if change.weighs else "notice", [*where, *title], change.text))


def _text(s: StatementResult) -> str:
    lines = [message(s)]
    lines += [f"or: {' '.join(str(fix['latex']).split())} ({fix['edit']})" for fix in s.fixes[1:]]
    return "\n".join(lines)


def place(s: StatementResult | LintResult) -> list[tuple[str, str]]:
    """File and lines; columns only where the statement is on one line, as GitHub wants it."""
    found = [("file", s.doc)]
    if s.cell is None:
        found += [("line", str(s.line)), ("endLine", str(s.end_line))]
        if s.line == s.end_line:
            found += [("col", str(s.column)), ("endColumn", str(s.end_column))]
    title = f"notation: {s.rule}" if isinstance(s, LintResult) else f"{s.verdict} by lemmata"
    return [*found, ("title", title)]


def command(kind: str, properties: Sequence[tuple[str, str]], text: str) -> str:
    """A workflow command with everything that could end it early escaped."""
    listed = ",".join(f"{key}={_escape(value, ',:')}" for key, value in properties)
    return f"::{kind} {listed}::{_escape(text)}\n"


def _escape(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
