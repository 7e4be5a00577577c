"""The report as styled lines, before any terminal: each line a tuple of (text, style) pieces.

Styles are names (`refuted`, `path`, `dim`, ...); `terminal` turns them into colours or leaves them away.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lemmata.report.result import DocumentResult, LintResult, Problem, StatementResult

Line = tuple[tuple[str, str], ...]

SIGN = {"verified": "✓", "refuted": "✗", "unchecked": "?", "assumed": "·"}
LABEL = 10
"""Width of the column of names such as `left`, before their values."""


def width(text: str) -> int:
    """Columns of a terminal that the text takes; wide characters take two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: str, columns: int) -> str:
    """The text on one line, cut with `…` to the given width."""
    text = " ".join(text.split())
    if width(text) <= columns:
        return text
    taken = 0
    for at, c in enumerate(text):
        taken += width(c)
        if taken > columns - 1:
            return text[:at].rstrip() + "…"
    return text


def document(result: DocumentResult, columns: int = 100, verbosity: int = 1) -> Iterator[Line]:
    """One document. verbosity 0: refutations alone; 1: a line for every claim; 2: evidence and assumptions too."""
    shown = [s for s in result.statements if _shows(s, verbosity)]
    yield ((result.path, "path"), ("  ", ""), *tally(result.counts()))
    for problem in result.problems:
        yield from _problem(problem)
    for statement in shown:
        if statement.verdict == "refuted":
            yield ()
            yield from refutation(statement, columns)
            yield ()
        else:
            yield from _row(statement, columns, verbosity)
    for finding in result.lint:
        yield from _lint(finding, columns)
    if verbosity > 1:
        for found in result.heat_maps:
            yield from heat_map(found)
    if shown or result.problems or result.lint:
        yield ()


SHADES = " ░▒▓█"


def heat_map(found: Mapping[str, Any]) -> Iterator[Line]:
    """Weights as a map of block characters: queries down, keys across; `!` where there is no number."""
    rows = found["rows"]
    most = max((v for row in rows for v in row), default=0.0)
    size = " × ".join(str(n) for n in found["shape"])
    cell = "" if found.get("notebook_cell") is None else f"cell {found['notebook_cell']}, "
    first = ", the first of them" if len(found["shape"]) > 2 else ""
    yield (
        (f"  weights {found['name']}", "strong"),
        (f" on {cell}line {found['line']}: {size}{first}, █ is {most:.2g}", "dim"),
    )
    times = 2 if max(map(len, rows), default=0) <= 24 else 1
    for row in rows:
        steps = ("!" if v < 0 else SHADES[round(v / (most or 1.0) * (len(SHADES) - 1))] for v in row)
        yield (("    │", "dim"), ("".join(c * times for c in steps), ""), ("│", "dim"))


def _lint(f: LintResult, columns: int) -> Iterator[Line]:
    """A line for the finding, and one for what to write instead."""
    place = f"{f.line}:{f.column}" if f.cell is None else f"cell {f.cell}, {f.line}:{f.column}"
    yield (("  ~", "dim"), (f"{place:>8}", "dim"), ("  ", ""), (f"{f.message}  ({f.rule})", ""))
    indent = max(8, len(place)) + 5
    for fix in f.fixes:
        was, now = " ".join(str(fix["original"]).split()), " ".join(str(fix["replacement"]).split())
        half = max(12, (columns - indent - 12) // 2)
        text = f"write {shorten(now, half)} for {shorten(was, half)}"
        yield ((" " * indent + text, "dim"),)
    if f.help:
        yield ((" " * indent + f.help, "dim"),)


def _shows(statement: StatementResult, verbosity: int) -> bool:
    return statement.verdict == "refuted" or verbosity > 1 or (verbosity == 1 and statement.verdict != "assumed")


def _place(s: StatementResult) -> str:
    return f"{s.line}:{s.column}" if s.cell is None else f"cell {s.cell}, {s.line}:{s.column}"


def _row(s: StatementResult, columns: int, verbosity: int) -> Iterator[Line]:
    place = f"{_place(s):>8}"
    remark = "" if s.verdict == "unchecked" else f"by {s.method}" if s.method else s.role
    latex = shorten(s.latex, max(20, columns - len(place) - width(remark) - 8))
    gap = " " * max(2, columns - len(place) - width(latex) - width(remark) - 6)
    line = (("  ", ""), (SIGN[s.verdict], s.verdict), (place, "dim"), ("  ", ""), (latex, "code"))
    yield (*line, (gap, ""), (remark, "dim")) if remark else line
    indent = len(place) + 5
    if s.reason:
        yield from (((" " * indent + text, "dim"),) for text in wrap(s.reason, columns - indent))
    if verbosity > 1:
        for label, text in _details(s):
            yield _labelled(label, text, indent)


def wrap(text: str, columns: int) -> list[str]:
    """The text in lines of at most this width, broken at spaces where there are any."""
    lines: list[str] = []
    for word in text.split():
        if lines and width(lines[-1]) + 1 + width(word) <= columns:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def _details(s: StatementResult) -> Iterator[tuple[str, str]]:
    if s.reading:
        yield "read as", s.reading
    yield from (("evidence", e) for e in s.evidence)
    yield from (("assuming", a) for a in s.assumptions)
    yield from (("otherwise", a) for a in s.alternatives)


def _labelled(label: str, text: str, indent: int, style: str = "") -> Line:
    return ((" " * indent + f"{label:<{LABEL}}", "dim"), (" ".join(text.split()), style))


def refutation(s: StatementResult, columns: int = 100) -> Iterator[Line]:
    """The place, the author's line underlined, and values that anyone can put in to see the sides differ."""
    yield (("refuted", "refuted"), (f"  {_title(s)}", "strong"))
    yield ((f"  --> {s.doc}:{_place(s)}", "dim"),)
    yield from excerpt(s)
    for at, text in enumerate(wrap(s.reason, columns - 5)):
        yield (("   = " if not at else "     ", "dim"), (text, "strong"))
    if s.counterexample:
        sides = ("formula", "code") if s.kind == "code" else ("left", "right")
        yield from counterexample(s.counterexample, columns, sides)
    yield from fixes(s)
    for label, text in _details(s):
        yield _labelled(label, text, indent=5)


def fixes(s: StatementResult) -> Iterator[Line]:
    """Each verified correction as a small diff of the author's lines."""
    for at in range(len(s.fixes)):
        yield from _fix(s, at)


def _fix(s: StatementResult, number: int) -> Iterator[Line]:
    fix = s.fixes[number]
    yield _labelled("or" if number else "fix", str(fix["edit"]), indent=5)
    before, after = diff(s, fix)
    for sign, lines, style in (("-", before, "refuted"), ("+", after, "verified")):
        for text in lines:
            yield ((" " * (3 + LABEL) + f"{sign} ", style), (text.strip(), style))


def offer(s: StatementResult, number: int) -> Iterator[Line]:
    """One correction on its own, with its place."""
    yield ()
    yield ((f"  --> {s.doc}:{_place(s)}", "dim"),)
    yield from _fix(s, number)


def diff(s: StatementResult, fix: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """The lines that a fix changes, before and after; without an excerpt, the mathematics alone."""
    if isinstance(before := fix.get("before"), Sequence) and isinstance(after := fix.get("after"), Sequence):
        return list(before), list(after)
    first, last = (int(str(fix[key])) - s.line for key in ("line", "end_line"))
    lines = list(s.excerpt[first : last + 1])
    if len(lines) != last - first + 1 or not lines:
        return [s.latex], [str(fix["latex"])]
    column, end_column = int(str(fix["column"])), int(str(fix["end_column"]))
    text = lines[0][: column - 1] + str(fix["replacement"]) + lines[-1][end_column - 1 :]
    return lines, text.split("\n")


def _title(s: StatementResult) -> str:
    return (
        "the code does not do what the formula says" if s.kind == "code" else f"this {s.kind or 'claim'} does not hold"
    )


def excerpt(s: StatementResult) -> Iterator[Line]:
    """The source lines with the statement underlined."""
    if not s.excerpt:
        return
    gutter = max(3, len(str(s.line + len(s.excerpt) - 1)))
    yield ((" " * gutter + " │", "dim"),)
    for at, text in enumerate(s.excerpt):
        text = text.replace("\t", " ")
        yield ((f"{s.line + at:>{gutter}} │ ", "dim"), (text, "code"))
        first, last = at == 0, at == s.end_line - s.line
        start = max(0, s.column - 1) if first else len(text) - len(text.lstrip())
        end = s.end_column - 1 if last and s.end_column else len(text.rstrip())
        if end > start and text[start:end].strip():
            pad = " " * width(text[:start])
            yield ((" " * gutter + " │ ", "dim"), (pad + "~" * width(text[start:end]), "marker"))


def counterexample(
    example: Mapping[str, object], columns: int = 100, sides: tuple[str, str] = ("left", "right")
) -> Iterator[Line]:
    """Sizes, inputs side by side as small matrices, then the two sides under their names."""
    sizes = example.get("sizes")
    if isinstance(sizes, Mapping) and sizes:
        yield _labelled("sizes", ", ".join(f"{k} = {v}" for k, v in sizes.items()), indent=5)
    values = example.get("values")
    if isinstance(values, Mapping) and values:
        blocks = [block(str(name), value) for name, value in values.items()]
        for at, text in enumerate(side_by_side(blocks, columns - 5 - LABEL)):
            yield ((" " * 5 + f"{'with' if not at else '':<{LABEL}}", "dim"), (text, ""))
    for key, side in zip(("left", "right"), sides):
        if example.get(key) is not None:
            for at, text in enumerate(block("", example[key])):
                yield ((" " * 5 + f"{side if not at else '':<{LABEL}}", "dim"), (text, "marker"))
    if example.get("where"):
        yield _labelled("differ at", str(example["where"]), indent=5)
    if example.get("parts"):
        yield _labelled("first in", str(example["parts"]), indent=5)
    if example.get("note"):
        yield _labelled("note", str(example["note"]), indent=5)


def number(value: object) -> str:
    """A number as people write it: at most five significant digits."""
    if isinstance(value, float):
        return f"{value:.5g}".replace("-", "−") if value else "0"
    return str(value).replace("-", "−") if isinstance(value, int) else str(value)


def block(name: str, value: object) -> list[str]:
    """`name = value` as lines of one width: a scalar, a vector in brackets, a matrix with tall brackets."""
    head = f"{name} = " if name else ""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return [head + number(value)]
    if not any(_nested(row) for row in value):
        return [head + "[" + "  ".join(number(v) for v in value) + "]"]
    if any(_nested(entry) for row in value if _nested(row) for entry in row):
        parts = [block(f"{name}[{at}]", slab) for at, slab in enumerate(value[:4])]
        rows = [line for part in parts for line in part]
    else:
        rows = _matrix(head, [[number(v) for v in row] if _nested(row) else [number(row)] for row in value])
    wide = max((width(r) for r in rows), default=0)
    return [r + " " * (wide - width(r)) for r in rows]


def _nested(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _matrix(head: str, rows: list[list[str]]) -> list[str]:
    count = max((len(r) for r in rows), default=0)
    wide = [max((len(r[c]) for r in rows if c < len(r)), default=0) for c in range(count)]
    lines = []
    for at, row in enumerate(rows):
        one, first, last = len(rows) == 1, at == 0, at == len(rows) - 1
        left, right = ("[", "]") if one else ("⎡", "⎤") if first else ("⎣", "⎦") if last else ("⎢", "⎥")
        body = "  ".join(f"{entry:>{w}}" for entry, w in zip(row, wide))
        lines.append((head if first else " " * width(head)) + left + body + right)
    return lines


def side_by_side(blocks: Iterable[list[str]], columns: int) -> Iterator[str]:
    """Blocks in rows, as many beside each other as fit."""
    row: list[list[str]] = []
    for part in [*blocks, None]:
        taken = sum(width(b[0]) + 3 for b in row)
        if row and (part is None or taken + width(part[0]) > columns):
            for at in range(max(map(len, row))):
                yield "   ".join(b[at] if at < len(b) else " " * width(b[0]) for b in row).rstrip()
            row = []
        if part is not None:
            row.append(part)


def _problem(problem: Problem) -> Iterator[Line]:
    cell = "" if problem.cell is None else f"cell {problem.cell}, "
    at = "" if problem.line is None else f" ({cell}line {problem.line})"
    style = "refuted" if problem.severity == "error" else "unchecked"
    yield (("  ", ""), (problem.severity, style), (f": {problem.message}{at}", ""))
    if problem.help:
        yield ((f"    help: {problem.help}", "dim"),)


def tally(counts: Counter[str]) -> Line:
    """How many statements came out as what."""
    parts: list[tuple[str, str]] = []
    for verdict in ("refuted", "verified", "unchecked", "assumed"):
        if counts[verdict]:
            parts += [(" · ", "dim")] if parts else []
            parts.append((f"{counts[verdict]} {verdict}", verdict))
    return tuple(parts) or (("nothing to check", "dim"),)


def summary(results: Sequence[DocumentResult], seconds: float | None = None, cached: int = 0) -> Iterator[Line]:
    """The last line: what was found in all documents together."""
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.counts())
    documents = f"{len(results)} document{'s' if len(results) != 1 else ''}: "
    remarks = [f"{cached} unchanged"] if cached else []
    remarks += [f"{seconds:.1f} s"] if seconds is not None else []
    tail: Line = ((f"  ({', '.join(remarks)})", "dim"),) if remarks else ()
    yield ((documents, "strong"), *tally(total), *tail)
