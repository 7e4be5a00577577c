"""JUnit XML, as test reporters read it: a suite for every document, a case for every claim."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from lemmata.report.result import DocumentResult, LintResult, StatementResult
from lemmata.report.sarif import remark

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(results: Sequence[DocumentResult], stream: TextIO, strict: bool = False) -> None:
    """Refuted claims are failures, undecided ones are skipped (with `strict`, failures too); lint is output."""
    stream.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="lemmata">\n')
    for result in results:
        claims = [s for s in result if s.verdict != "assumed"]
        failed = sum(s.verdict == "refuted" or strict and s.verdict == "unchecked" for s in claims)
        skipped = 0 if strict else sum(s.verdict == "unchecked" for s in claims)
        errors = [p for p in result.problems if p.severity == "error"]
        stream.write(
            f'  <testsuite name={_attribute(result.path)} tests="{len(claims) + len(errors)}"'
            f' failures="{failed}" errors="{len(errors)}" skipped="{skipped}">\n'
        )
        for statement in claims:
            stream.writelines(_case(result.path, statement, strict))
        for problem in errors:
            stream.write(
                f'    <testcase classname={_attribute(result.path)} name="document">\n'
                f"      <error message={_attribute(problem.message)}/>\n    </testcase>\n"
            )
        notes = [_note(f) for f in result.lint]
        notes += [f"{p.severity}: {p.message}" for p in result.problems if p.severity != "error"]
        if notes:
            stream.write(f"    <system-out>{escape(_clean(chr(10).join(notes)))}</system-out>\n")
        stream.write("  </testsuite>\n")
    stream.write("</testsuites>\n")


def _case(path: str, s: StatementResult, strict: bool) -> Iterator[str]:
    where = f"line {s.line}" if s.cell is None else f"cell {s.cell} line {s.line}"
    name = f"{where}: {' '.join(s.latex.split())}"
    yield f'    <testcase classname={_attribute(path)} name={_attribute(name)} file={_attribute(path)} line="{s.line}"'
    if s.verdict == "refuted" or strict and s.verdict == "unchecked":
        body = escape(_clean("\n".join(_lines(s))))
        yield f">\n      <failure type={_attribute(s.verdict)} message={_attribute(s.reason)}>{body}</failure>\n"
        yield "    </testcase>\n"
    elif s.verdict == "unchecked":
        yield f">\n      <skipped message={_attribute(s.reason)}/>\n    </testcase>\n"
    else:
        yield "/>\n"


def _lines(s: StatementResult) -> Iterator[str]:
    example = s.counterexample or {}
    for key in ("sizes", "values", "left", "right", "where", "note"):
        if example.get(key):
            yield f"{key}: {example[key]}"
    for fix in s.fixes:
        yield f"holds with ({fix['edit']}): {' '.join(str(fix['latex']).split())}"


def _note(f: LintResult) -> str:
    where = f"line {f.line}, column {f.column}" if f.cell is None else f"line {f.line}, column {f.column} of its cell"
    return f"{where}: {remark(f)} [{f.rule}]"


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return _NOT_XML.sub("\ufffd", text)
