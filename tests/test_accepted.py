"""The whole terminal report of the example documents, formulas only. `make accept` updates the expected texts."""

from __future__ import annotations

import io
import os

import pytest

import lemmata
from lemmata.report import layout
from lemmata.report.terminal import Plain
from places import ROOT

EXPECTED = ROOT / "tests" / "accepted"
DOCUMENTS = sorted(path.name for path in (ROOT / "examples").glob("*.md"))


def test_there_are_documents():
    assert len(DOCUMENTS) >= 4


@pytest.mark.parametrize("name", DOCUMENTS)
def test_report_is_as_accepted(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    stream = io.StringIO()
    Plain(stream).write(layout.document(lemmata.check(f"examples/{name}", code=False), verbosity=2))
    expected = EXPECTED / f"{name.removesuffix('.md')}.txt"
    if os.environ.get("LEMMATA_ACCEPT"):
        EXPECTED.mkdir(exist_ok=True)
        expected.write_text(stream.getvalue(), encoding="utf-8")
    assert stream.getvalue() == expected.read_text(encoding="utf-8")


def test_reports_do_not_depend_on_what_was_read_before():
    def report(name: str) -> str:
        stream = io.StringIO()
        Plain(stream).write(layout.document(lemmata.check(str(ROOT / "examples" / name), code=False), verbosity=2))
        return stream.getvalue()

    before = [report(name) for name in DOCUMENTS]
    assert [report(name) for name in reversed(DOCUMENTS)] == before[::-1]
