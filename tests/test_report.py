"""The terminal report and JSON lines: whole texts, so that a worse one shows."""

from __future__ import annotations

import io
import json
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemmata.report import jsonl, layout
from lemmata.report.result import DocumentResult, Problem, StatementResult, jsonable
from lemmata.report.source import Source
from lemmata.report.terminal import Plain, writer

REFUTED = StatementResult(
    doc="notes.md",
    line=14,
    end_line=14,
    column=3,
    end_column=24,
    verdict="refuted",
    role="claim",
    kind="gradient",
    latex=r"\nabla_w L = X^\top r",
    reason="the sides differ by a factor of 2",
    method="instances",
    evidence=("n = 3, d = 2: difference 1.5",),
    counterexample={
        "sizes": {"n": 2, "d": 3},
        "values": {"X": [[1, 2, 3], [4, 5, -6]], "r": [1.0, -0.5], "b": 2},
        "left": [2.0, 1.0, 12.0],
        "right": [1.0, 0.5, 6.0],
        "where": "component 1",
    },
    assumptions=(r"X \in \mathbb{R}^{n \times d} (line 3)",),
    excerpt=(r"$$\nabla_w L = X^\top r$$",),
)
VERIFIED = StatementResult(
    "notes.md", 20, 20, 1, "verified", "claim", "equation", "a = b", method="prime field", evidence=("degree 2",)
)
UNCHECKED = StatementResult(
    "notes.md", 22, 23, 5, "unchecked", "claim", "equation", "c = d", reason="`c` is not declared"
)
ASSUMED = StatementResult("notes.md", 3, 3, 5, "assumed", "declaration", "membership", r"X \in \mathbb{R}^{n \times d}")
RESULT = DocumentResult(
    "notes.md", (ASSUMED, REFUTED, VERIFIED, UNCHECKED), (Problem("a code cell was not closed", "warning", 40),)
)


def plain(lines) -> str:
    stream = io.StringIO()
    Plain(stream).write(lines)
    return stream.getvalue()


def test_a_whole_report():
    assert (
        plain(layout.document(RESULT))
        == r"""notes.md  1 refuted · 1 verified · 1 unchecked · 1 assumed
  warning: a code cell was not closed (line 40)

refuted  this gradient does not hold
  --> notes.md:14:3
    │
 14 │ $$\nabla_w L = X^\top r$$
    │   ~~~~~~~~~~~~~~~~~~~~~
   = the sides differ by a factor of 2
     sizes     n = 2, d = 3
     with      X = ⎡1  2   3⎤   r = [1  −0.5]   b = 2
                   ⎣4  5  −6⎦
     left      [2  1  12]
     right     [1  0.5  6]
     differ at component 1
     evidence  n = 3, d = 2: difference 1.5
     assuming  X \in \mathbb{R}^{n \times d} (line 3)

  ✓    20:1  a = b                                                                   by prime field
  ?    22:5  c = d
             `c` is not declared

"""
    )


def test_quiet_and_verbose():
    quiet, verbose = plain(layout.document(RESULT, verbosity=0)), plain(layout.document(RESULT, verbosity=2))
    assert "20:1" not in quiet and "14:3" in quiet
    assert "evidence  degree 2" in verbose and "declaration" in verbose


def test_summary_counts_all_documents():
    assert plain(layout.summary([RESULT, DocumentResult("b.md")], cached=1)) == (
        "2 documents: 1 refuted · 1 verified · 1 unchecked · 1 assumed  (1 unchanged)\n"
    )
    assert plain(layout.summary([DocumentResult("b.md")])) == "1 document: nothing to check\n"


def test_underline_accounts_for_wide_characters():
    s = StatementResult("注.md", 1, 1, 4, "refuted", "claim", "equation", "a=b", end_column=7, excerpt=("损失$a=b$。",))
    lines = plain(layout.excerpt(s)).splitlines()
    assert lines[-1] == "    │ " + " " * 5 + "~~~"


def test_every_row_of_a_display_is_underlined():
    s = StatementResult(
        "n.md", 9, 11, 1, "refuted", "claim", "equation", "a=b", end_column=4, excerpt=("a &= b", "  &= c", "d")
    )
    marks = [line.partition("│ ")[2] for line in plain(layout.excerpt(s)).splitlines() if "~" in line]
    assert marks == ["~~~~~~", "  ~~~~", "~"]


@pytest.mark.parametrize(
    "value, lines",
    [
        (3, ["a = 3"]),
        (-0.25, ["a = −0.25"]),
        (1234567.0, ["a = 1.2346e+06"]),
        ([1, 2], ["a = [1  2]"]),
        ([[1, 2]], ["a = [1  2]"]),
        ([[1], [2], [3]], ["a = ⎡1⎤", "    ⎢2⎥", "    ⎣3⎦"]),
        ([[[1, 2], [3, 4]]], ["a[0] = ⎡1  2⎤", "       ⎣3  4⎦"]),
        ([], ["a = []"]),
        ("1/3", ["a = 1/3"]),
    ],
)
def test_small_values_as_people_write_them(value, lines):
    assert layout.block("a", value) == lines


def test_blocks_wrap_at_the_width():
    assert list(layout.side_by_side([["x = 1"], ["y = 2"], ["z = 3"]], 15)) == ["x = 1   y = 2", "z = 3"]


def test_json_lines_are_complete_and_strict():
    stream = io.StringIO()
    jsonl.write(RESULT, stream)
    records = [json.loads(line, parse_constant=lambda c: pytest.fail(c)) for line in stream.getvalue().splitlines()]
    assert [r["verdict"] for r in records] == ["assumed", "refuted", "verified", "unchecked"]
    required = "doc line end_line column verdict role kind latex reason method evidence counterexample".split()
    assert all(set(required) <= set(r) for r in records)
    assert records[1]["counterexample"]["sizes"] == {"n": 2, "d": 3}


def test_results_survive_json():
    assert DocumentResult.from_json(json.loads(json.dumps(RESULT.to_json()))) == RESULT


@pytest.mark.parametrize("record", [{}, {"path": "a", "statements": [{"doc": 1}], "problems": [], "depends": {}}])
def test_records_of_another_form_are_refused(record):
    with pytest.raises((KeyError, TypeError, ValueError)):
        DocumentResult.from_json(record)


def test_jsonable_values():
    value = {
        "a": np.array([[1.5, float("nan")]]),
        "b": np.int64(3),
        "c": Fraction(1, 3),
        "d": {2, 1},
        "e": 1j,
        "f": Fraction(4),
    }
    assert jsonable(value) == {"a": [[1.5, "nan"]], "b": 3, "c": "1/3", "d": [1, 2], "e": "1j", "f": 4}


def test_unknown_verdicts_cannot_be_reported():
    with pytest.raises(ValueError, match="no such verdict"):
        StatementResult("n.md", 1, 1, 1, "fine", "claim", "equation", "a")


def test_source_lines_of_text_and_notebooks():
    assert Source("a.md", "一\r\n二\n三".encode()).excerpt(2, 3) == ("二", "三")
    cells = {"cells": [{"source": ["a\n", "b"]}, {"source": "c\nd"}]}
    assert Source("a.ipynb", json.dumps(cells).encode()).excerpt(2, 2, cell=0) == ("b",)
    assert Source("a.ipynb", json.dumps(cells).encode()).excerpt(1, 2, cell=1) == ("c", "d")
    assert Source("a.ipynb", b'{"cells": [').excerpt(1, 1, cell=0) == ()
    assert Source("absent.md").excerpt(1, 5) == ("",)


def test_a_pipe_gets_no_colours():
    stream = io.StringIO()
    writer(stream).write(layout.document(RESULT))
    assert "\x1b" not in stream.getvalue() and "refuted" in stream.getvalue()


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours_and_the_same_words(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen()
    writer(screen).write(layout.document(RESULT))
    assert "\x1b[" in screen.getvalue()
    assert re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()).replace(" \n", "\n") == plain(layout.document(RESULT))
    monkeypatch.setenv("NO_COLOR", "1")
    assert isinstance(writer(Screen()), Plain)


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(values=st.dictionaries(st.text(max_size=5), nested, max_size=3), left=nested, right=nested)
def test_any_counterexample_has_a_layout(values, left, right):
    example = {"sizes": {}, "values": jsonable(values), "left": jsonable(left), "right": jsonable(right)}
    lines = list(layout.counterexample(example, 80))
    assert all(isinstance(text, str) for line in lines for text, _ in line)
    json.dumps(example, allow_nan=False)


@given(st.text(max_size=60), st.integers(4, 40))
def test_shortened_text_fits(text, columns):
    short = layout.shorten(text, columns)
    assert layout.width(short) <= columns and "\n" not in short
