"""Each rule finds what it is about, offers its fix, and keeps quiet about the twin that is written well."""

from __future__ import annotations

import pytest

from lemmata.documents import read
from lemmata.elaborate.document import elaborate
from lemmata.lint import catalogue, lint
from lemmata.pipeline import check

REGRESSION = r"Let $X \in \mathbb{R}^{n \times d}$, $y \in \mathbb{R}^n$ and $w \in \mathbb{R}^d$."

CASES = {
    # name: (rule, text with the slip, the well-written twin, what the fix writes)
    "max in italics": (
        "upright",
        r"Let $x \in \mathbb{R}$. Define $$f(x) = max(0, x).$$",
        r"Let $x \in \mathbb{R}$. Define $$f(x) = \max(0, x).$$",
        r"\max",
    ),
    "an operator in italics": (
        "upright",
        r"Let $z \in \mathbb{R}^K$. Define $$p = softmax(z).$$",
        r"Let $z \in \mathbb{R}^K$. Define $$p = \operatorname{softmax}(z).$$",
        r"\operatorname{softmax}",
    ),
    "small brackets": (
        "brackets",
        r"Let $a, b \in \mathbb{R}$ with $b > 0$. Then $$2 (\frac{a}{b}) = \frac{2a}{b}.$$",
        r"Let $a, b \in \mathbb{R}$ with $b > 0$. Then $$2 \left(\frac{a}{b}\right) = \frac{2a}{b}.$$",
        r"\left(\frac{a}{b}\right)",
    ),
    "brackets inside a script": (
        "brackets",
        r"Let $a \in \mathbb{R}$. Then $$[\sum_{k=1}^{3} a] = 3 a.$$",
        r"Let $a \in \mathbb{R}$ with $a > 0$. Then $$(a^{\frac{1}{2}})^2 = a.$$",
        r"\left[\sum_{k=1}^{3} a\right]",
    ),
    "a bold vector in plain type": (
        "bold",
        r"Let $\mathbf{v} \in \mathbb{R}^n$ and $\mathbf{w} \in \mathbb{R}^n$. Then "
        r"$\|\mathbf{v} + \mathbf{w}\|^2 = \|\mathbf{v}\|^2 + 2 v^\top \mathbf{w} + \|\mathbf{w}\|^2$ and "
        r"$\mathbf{v}^\top v = \|\mathbf{v}\|^2$ and $\mathbf{v}^\top \mathbf{w} = \mathbf{w}^\top \mathbf{v}$, so "
        r"$2 \mathbf{v} = \mathbf{v} + \mathbf{v}$.",
        r"Let $\mathbf{v} \in \mathbb{R}^n$ and $v \in \mathbb{R}$. "
        r"Then $v \mathbf{v} + \mathbf{v} = (v + 1) \mathbf{v}$.",
        None,
    ),
    "an index bound and free": (
        "indices",
        r"Let $z \in \mathbb{R}^K$. Define $$p_i = \frac{e^{z_i}}{\sum_{i=1}^K e^{z_i}}.$$",
        r"Let $z \in \mathbb{R}^K$. Define $$p_i = \frac{e^{z_i}}{\sum_{j=1}^K e^{z_j}}.$$",
        r"\sum_{j=1}^K e^{z_j}",
    ),
    "a transpose and a number of steps": (
        "meanings",
        r"Let $Q, K \in \mathbb{R}^{T \times d}$. Then $$(Q^T K)^\top = K^\top Q.$$",
        r"Let $Q, K \in \mathbb{R}^{T \times d}$. Then $$(Q^\top K)^\top = K^\top Q.$$",
        r"\top",
    ),
    "a symbol from nowhere": (
        "undeclared",
        REGRESSION + r" Then $$\|Xw\|^2 + \lambda \|w\|^2 = w^\top (X^\top X + \lambda I) w.$$",
        REGRESSION + r" Let $\lambda > 0$. Then $$\|Xw\|^2 + \lambda \|w\|^2 = w^\top (X^\top X + \lambda I) w.$$",
        None,
    ),
}


def findings(tmp_path, text: str):
    path = tmp_path / "notes.md"
    path.write_text(text + "\n", encoding="utf-8")
    return lint(elaborate(read(str(path))))


@pytest.mark.parametrize("name", CASES)
def test_a_slip_is_found_and_its_twin_is_not(name, tmp_path):
    rule, slip, twin, written = CASES[name]
    found = [f for f in findings(tmp_path, slip) if f.rule == rule]
    assert found, "the slip was overlooked"
    if written is not None:
        assert found[0].edit is not None
        assert found[0].edit.replacement == written
    assert [f.message for f in findings(tmp_path, twin) if f.rule == rule] == []


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case[3] is not None])
def test_fixes_leave_nothing_to_find(name, tmp_path):
    rule, slip, _, _ = CASES[name]
    path = tmp_path / "notes.md"
    text = slip
    for _ in range(4):
        path.write_text(text + "\n", encoding="utf-8")
        found = [f for f in check(path, code=False, lint=True).lint if f.rule == rule and f.fixes]
        if not found:
            break
        (fix,) = found[0].fixes
        lines = text.split("\n")
        line = lines[fix["line"] - 1]
        assert fix["line"] == fix["end_line"]
        assert line[fix["column"] - 1 : fix["end_column"] - 1] == fix["original"]
        lines[fix["line"] - 1] = line[: fix["column"] - 1] + fix["replacement"] + line[fix["end_column"] - 1 :]
        text = "\n".join(lines)
    assert [f for f in check(path, code=False, lint=True).lint if f.rule == rule and f.fixes] == []


def test_lint_is_silent_unless_it_is_asked_for(tmp_path):
    path = tmp_path / "notes.md"
    path.write_text(CASES["max in italics"][1] + "\n", encoding="utf-8")
    assert check(path, code=False).lint == ()


def test_rules_have_names_and_sentences():
    names = [rule.name for rule in catalogue()]
    assert names == sorted(set(names))
    assert all(rule.description.endswith(".") for rule in catalogue())
