"""What is offered where a document contradicts itself: edits at which the rule compares again and finds agreement."""

from __future__ import annotations

from pathlib import Path

import pytest

import lemmata

CASES = [
    (r"$$ 3 - 1 = 5 - 2 $$", r"3 - 1 = 5 - 3"),
    (
        "The kernel is given by\n\n" r"$$ k(x_i, x_j) = \exp(-\|x - x_j\|^2) $$",
        r"k(x_i, x_j) = \exp(-\|x_i - x_j\|^2)",
    ),
    (
        "A distribution function is defined as\n\n" r"$$ F(z) = \exp(\exp(-z)) $$",
        r"F(z) = \exp(-\exp(-z))",
    ),
    (
        "By Hoeffding $P(|X - m| > t) \\le 2 e^{-t}$, so that\n\n" r"$$ P(|X - m| \le t) \le 1 - 2 e^{-t} . $$",
        r"P(|X - m| \le t) \ge 1 - 2 e^{-t}",
    ),
    (r"$$ f''(x) = \lim_{h \to 0} \frac{f(x+h) + f(x-h) - 2f(x)}{h} $$", "{h^2}"),
]


def offered(path: Path, text: str) -> list[str]:
    path.write_text(text + "\n", encoding="utf-8")
    (refuted,) = [s for s in lemmata.check(path, code=False) if s.verdict == "refuted"]
    return [str(fix["latex"]) for fix in refuted.fixes]


@pytest.mark.parametrize(("text", "wanted"), CASES, ids=range(len(CASES)))
def test_the_correction_is_among_the_first_three(text, wanted, tmp_path):
    assert any(wanted in fix for fix in offered(tmp_path / "a.md", text))


@pytest.mark.parametrize(("text", "wanted"), CASES, ids=range(len(CASES)))
def test_every_offered_text_stands(text, wanted, tmp_path):
    for latex in offered(tmp_path / "a.md", text):
        start, end = text.index("$$") + 2, text.rindex("$$")
        path = tmp_path / "b.md"
        path.write_text(f"{text[:start]} {latex} {text[end:]}\n", encoding="utf-8")
        assert not [s for s in lemmata.check(path, code=False) if s.verdict == "refuted"], latex


def test_an_edit_that_breaks_a_claim_is_not_offered(tmp_path):
    text = (
        "Let $z \\in \\mathbb{R}$. A distribution function is defined as\n\n$$ F(z) = \\exp(\\exp(-z)) $$\n\n"
        "It satisfies\n\n$$ F(0)^2 = e^2 . $$"
    )
    assert not offered(tmp_path / "a.md", text)


def test_a_failing_rule_is_told_and_costs_nothing_else(tmp_path, monkeypatch):
    def broken(seen):
        raise ZeroDivisionError("of ours")
        yield

    monkeypatch.setattr("lemmata.consistency.RULES", (broken, *lemmata.consistency.RULES))
    path = tmp_path / "a.md"
    path.write_text("$$ 3 - 1 = 5 - 2 $$\n")
    result = lemmata.check(path, code=False)
    assert [s.verdict for s in result] == ["refuted"]
    (problem,) = result.problems
    assert problem.severity == "warning" and "(broken) failed, verdicts are not affected" in problem.message


@pytest.mark.parametrize("stage", ["lemmata.repair.repair", "lemmata.lint.lint"])
def test_failing_corrections_and_lint_are_told(stage, tmp_path, monkeypatch):
    def broken(*_):
        raise KeyError("of ours")

    monkeypatch.setattr(stage, broken)
    path = tmp_path / "a.md"
    path.write_text("Let $a, b > 0$.\n\n$$(a - b)^2 = a^2 + 2ab + b^2$$\n")
    result = lemmata.check(path, code=False, lint=True)
    assert [s.verdict for s in result][-1] == "refuted"
    assert any("verdicts are not affected" in p.message for p in result.problems)
