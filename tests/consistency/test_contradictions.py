"""Every rule about what a document cannot mean, with a true twin for each false statement."""

from __future__ import annotations

from pathlib import Path

import pytest

import lemmata

CASES = (Path(__file__).parent / "pairs.txt").read_text(encoding="utf-8")
PAIRS = {
    name: tuple(part.strip() for part in texts.split("--- true twin"))
    for name, _, texts in (case.partition("\n") for case in CASES.split("=== ") if case.strip())
}
"""By name: a text with one false statement, and one of the same kind that is true."""


def refuted(folder: Path, text: str) -> list[str]:
    path = folder / "note.md"
    path.write_text(text + "\n", encoding="utf-8")
    return [s.reason for s in lemmata.check(path) if s.verdict == "refuted"]


@pytest.mark.parametrize("name", PAIRS)
def test_the_false_one_is_refuted(tmp_path, name):
    assert len(refuted(tmp_path, PAIRS[name][0])) == 1


@pytest.mark.parametrize("name", PAIRS)
def test_the_true_one_raises_no_alarm(tmp_path, name):
    assert refuted(tmp_path, PAIRS[name][1]) == []


def test_what_the_text_takes_back_raises_no_alarm(tmp_path):
    false = PAIRS["running index"][0]
    assert refuted(tmp_path, false.replace("For disjoint", "One might write for disjoint") + " This is wrong.") == []


def test_a_piecewise_variant_of_tanh_is_no_contradiction(tmp_path):
    cases = "\\begin{cases} -1 & x < -1 \\\\ x & -1 \\le x \\le 1 \\\\ 1 & x > 1 \\end{cases}"
    assert refuted(tmp_path, f"The layer uses $$\\tanh(x) = {cases}$$") == []


def test_prose_of_an_unknown_language_contradicts_nothing(tmp_path):
    false, _ = PAIRS["running index"]
    formula = false[false.index("$$") : false.rindex("$$") + 2]
    assert refuted(tmp_path, f"Для непересекающихся событий имеем {formula} Это верно всегда и везде.") == []
