"""Counts in words: a false and a true text for every rule, and texts that leave open what is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from lemmata.pipeline import check

HERE = Path(__file__).parent
PAIRS = [p for p in (HERE / "pairs.txt").read_text(encoding="utf-8").split("=== ") if p.strip()]
TRUE, FALSE = ((HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines() for name in ("true", "false"))
DOUBTFUL = [line for line in (HERE / "doubtful.txt").read_text(encoding="utf-8").splitlines() if line.strip()]


def verdicts(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    file = tmp_path / "counts.md"
    file.write_text(f"# Counts\n\n{text}\n", encoding="utf-8")
    return [(s.verdict, s.method or "") for s in check(file, code=False)]


@pytest.mark.parametrize("pair", PAIRS, ids=[p.splitlines()[0] for p in PAIRS])
def test_a_false_count_is_refuted_and_its_true_twin_verified(tmp_path, pair):
    false, true = pair.split("\n", 1)[1].split("--- true\n")
    assert ("refuted", "counting") in verdicts(tmp_path, false)
    judged = verdicts(tmp_path, true)
    assert ("verified", "counting") in judged and "refuted" not in [kind for kind, _ in judged]


@pytest.mark.parametrize("text", DOUBTFUL)
def test_what_may_be_counted_otherwise_is_left_alone(tmp_path, text):
    assert all(kind != "refuted" and method != "counting" for kind, method in verdicts(tmp_path, text))


@pytest.mark.parametrize("text", TRUE)
def test_what_is_true_in_some_sense_is_never_refuted(tmp_path, text):
    assert "refuted" not in [kind for kind, _ in verdicts(tmp_path, text)]


def test_what_is_false_is_never_verified_and_mostly_refuted(tmp_path):
    judged = [[v for v in verdicts(tmp_path, text) if v[1] == "counting"] for text in FALSE]
    assert not [v for found in judged for v in found if v[0] == "verified"]
    assert sum(bool(found) for found in judged) >= 0.75 * len(FALSE)
