"""The scorer of claims with ground truth: what counts as right, wrong, unchecked and stray."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from lemmata.report.result import StatementResult
from scoring import Claim, score


def statement(line: int, verdict: str, latex: str = "a = b") -> StatementResult:
    return StatementResult("docs/x.md", line, line, 1, verdict, "claim", "equation", latex)


ONE = Claim("x.md", 5, 5, True, "a = b,")
ROWS = Claim("x.md", 10, 14, False, "c = d")


def verdicts(*statements: StatementResult) -> tuple[str, str, int]:
    result = score([ONE, ROWS], statements)
    return result.verdicts[ONE], result.verdicts[ROWS], len(result.stray)


def test_nothing_said_is_unchecked():
    assert verdicts() == ("unchecked", "unchecked", 0)


def test_on_one_line_the_formula_decides_whose_verdict_it_is():
    assert verdicts(statement(5, "verified"), statement(5, "unchecked", "z = 1")) == ("verified", "unchecked", 0)
    assert verdicts(statement(5, "refuted", "z = 1"))[2] == 1


def test_every_row_must_be_verified_and_one_refuted_row_is_enough():
    assert verdicts(statement(11, "verified"), statement(12, "unchecked"))[1] == "unchecked"
    assert verdicts(statement(11, "verified"), statement(12, "verified"))[1] == "verified"
    assert verdicts(statement(11, "verified"), statement(12, "refuted"))[1] == "refuted"


def test_what_is_assumed_says_nothing_and_alarms_elsewhere_are_stray():
    assert verdicts(statement(5, "assumed"), statement(7, "refuted"), statement(7, "verified")) == (
        "unchecked",
        "unchecked",
        1,
    )


def test_right_and_wrong_compare_with_the_truth():
    result = score([ONE, ROWS], [statement(5, "verified"), statement(11, "verified")])
    assert (result.right, result.wrong) == ([ONE], [ROWS])
    assert next(line for line in result.table() if line.startswith("all")).split() == ["all", "2", "1", "1", "0"]
