"""Real documents: every formula listed for them is found, at its place; claims span the lines their index gives."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from document_slices import check_formula

from lemmata.documents import Document, find, read

pytestmark = pytest.mark.shared
_ROLE_LINE = re.compile(r"\s*:[a-z_]+:`")


def squeezed(latex: str) -> str:
    return re.sub(r"\s+", "", latex)


def test_listed_formulas_are_found_at_their_lines(shared: Path, capsys):
    """At least 99 %; the list was made after d2l's lines for its own tool had been cut out, hence its smaller lines."""
    documents: dict[Path, Document] = {}
    outcomes: Counter[str] = Counter()
    missing = []
    for line in (shared / "corpus/formulas_dev.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        path = shared / "corpus/docs" / row["source"] / row["file"]
        if not path.is_file():
            continue
        if path not in documents:
            documents[path] = read(path)
        same = [f for f in documents[path].formulas if squeezed(f.latex) == squeezed(row["latex"])]
        places = [f.position(0) for f in same if f.display == (row["mode"] == "display")]
        if any((p.line, p.cell) == (row["line"], row.get("cell")) for p in places):
            outcomes["at its line"] += 1
        elif row["source"].startswith("d2l") and any(
            0 < p.line - row["line"] <= role_lines(path, p.line) for p in places
        ):
            outcomes["at its line, lines for d2l's tool counted"] += 1
        else:
            outcomes["not found"] += 1
            missing.append((row["file"], row["line"], row["latex"]))
    total = sum(outcomes.values())
    with capsys.disabled():
        print(f"\n{total} listed formulas: {dict(outcomes)}")
    assert total > 1000
    assert outcomes["not found"] <= 0.01 * total, missing


def role_lines(path: Path, before: int) -> int:
    lines = path.read_text("utf-8").split("\n")[:before]
    return sum(1 for line in lines if _ROLE_LINE.match(line))


def test_claims_span_their_lines(shared: Path):
    documents: dict[str, Document] = {}
    rows = [json.loads(line) for line in (shared / "claims/index.jsonl").read_text("utf-8").splitlines()]
    assert rows
    for row in rows:
        if row["doc"] not in documents:
            documents[row["doc"]] = read(shared / "claims/docs" / row["doc"])
        spans = {
            (f.span.start.line, f.span.end.line)
            for f in documents[row["doc"]].formulas
            if squeezed(f.latex) == squeezed(row["latex"])
        }
        assert (row["line"], row["end_line"]) in spans, (row, spans)


def test_positions_in_real_documents(shared: Path):
    files = find([shared / "corpus/docs", shared / "claims/docs", shared / "seeds"])
    assert len(files) > 60
    checked = 0
    for file in files:
        document = read(file)
        assert not document.diagnostics, file
        sources = cells(file) if document.format == "notebook" else {None: text(Path(file).read_text("utf-8"))}
        for formula in document.formulas:
            check_formula(sources[formula.span.start.cell], formula)
            checked += 1
        for cell in document.cells:
            lines = sources[cell.span.start.cell].split("\n")
            for number, line in enumerate(cell.source.split("\n")):
                if line.strip():
                    assert lines[cell.body.line - 1 + number].endswith(line), (file, cell.index)
    assert checked > 3000


def cells(file: str) -> dict[int | None, str]:
    notebook = json.loads(Path(file).read_text("utf-8"))
    return {k: text("".join(cell["source"])) for k, cell in enumerate(notebook["cells"])}


def text(source: str) -> str:
    return source.replace("\r\n", "\n").replace("\r", "\n")
