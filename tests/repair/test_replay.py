"""Counterexamples: small, with the place where the sides part, and replayed by NumPy alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lemmata.pipeline import explain
from lemmata.report.result import StatementResult

GIVEN = (
    "Let $A, B \\in \\mathbb{R}^{n \\times n}$ be invertible, $x \\in \\mathbb{R}^n$, $\\hat y \\in \\mathbb{R}^n$, "
    "$S \\in \\mathbb{R}^{m \\times n}$, and $c, d > 0$.\n\n"
)
FALSE = {
    "gradient": r"\nabla_A \operatorname{tr}(A B) = B",
    "inverse": r"(A B)^{-1} = A^{-1} B^{-1}",
    "determinant": r"\det(2 A) = 2 \det A",
    "sum": r"\sum_{i=1}^n x_i \hat y_i = \sum_{i=1}^n x_i \sum_{i=1}^n \hat y_i",
    "index": r"(S^\top S)_{ij} = \sum_{k=1}^m S_{ki} S_{kj} + x_i",
    "softmax": r"\operatorname{softmax}(x)^\top x = \operatorname{softmax}(2x)^\top x",
    "Kronecker": r"\operatorname{vec}(x \hat y^\top) = x \otimes \hat y",
    "blocks": r"\begin{bmatrix} x \\ x \end{bmatrix}^\top \begin{bmatrix} \hat y \\ x \end{bmatrix} = x^\top \hat y",
    "maximum": r"\max_i x_i = \min_i x_i",
    "powers": r"c^2 d^{-1} + \sqrt{c} = \frac{c^2 + \sqrt c}{d}",
    "inequality": r"\|x\|_2 \ge \|x\|_1",
    "cumulative": r"\sum_{i=1}^n \sum_{j=1}^i x_j = \sum_{j=1}^n j x_j",
    "variance": r"\frac{1}{n} \sum_{i=1}^n (x_i - \frac{1}{n} \sum_{j=1}^n x_j)^2 = \frac{1}{n} \sum_{i=1}^n x_i^2",
    "log-determinant": r"\log |\det A| = 2 \log |\det B|",
}


def refuted(tmp_path: Path, formula: str) -> tuple[StatementResult, dict[str, str]]:
    file = tmp_path / "notes.md"
    file.write_text(f"{GIVEN}Then\n\n$$\n{formula}\n$$\n")
    result, details = explain(file, code=False)
    ((at, statement),) = [(k, s) for k, s in enumerate(result) if s.verdict == "refuted"]
    return statement, dict(details[at])


@pytest.mark.parametrize("name", FALSE)
def test_the_program_prints_the_two_sides(tmp_path, name):
    statement, details = refuted(tmp_path, FALSE[name])
    program = details["replay"]
    assert "lemmata" not in program
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    left, right = (line.split() for line in ran.stdout.splitlines())
    assert (left[0], right[0]) == ("left", "right")
    example = statement.counterexample
    assert float(left[1]) == pytest.approx(example["left"], rel=1e-6, abs=1e-9)
    assert float(right[1]) == pytest.approx(example["right"], rel=1e-6, abs=1e-9)
    assert float(left[1]) != pytest.approx(float(right[1]), rel=1e-6)


def numbers(value: object) -> list[float]:
    return [x for v in value for x in numbers(v)] if isinstance(value, list) else [float(str(value))]


@pytest.mark.parametrize("name", ["gradient", "sum", "Kronecker", "powers", "cumulative"])
def test_counterexamples_have_few_numbers_that_are_not_0_or_1(tmp_path, name):
    statement, _ = refuted(tmp_path, FALSE[name])
    values = [x for v in statement.counterexample["values"].values() for x in numbers(v)]
    assert sum(abs(x) not in (0, 1) for x in values) <= 1
    assert max(statement.counterexample["sizes"].values(), default=0) <= 3


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        (r"\operatorname{tr}(A B A) = \operatorname{tr}(B A B)", ("A", "B")),
        (r"x^\top A x + c = x^\top A x + d", ("c", "d")),
        (r"A x + B \hat y = A x", (r"B \, \hat y", "nothing")),
        (r"\nabla_x\, (x^\top x) = x", ("x", r"2 \cdot x")),
    ],
)
def test_the_first_sub_expression_that_differs_is_named(tmp_path, formula, parts):
    statement, _ = refuted(tmp_path, formula)
    text = statement.counterexample["parts"]
    assert all(part in text for part in parts), text


def test_thresholds_are_no_counterexamples(tmp_path):
    statement, _ = refuted(tmp_path, r"\sum_{i=1}^n |x_i| = 2 \sum_{i=1}^n \max(0, x_i)")
    assert 0 not in numbers(statement.counterexample["values"]["x"])
