"""Bugs of attention and Transformer code: refuted at their place, their correct twins verified.

`benchmarks/bugs.py` runs all of them; here stand those that are quick and of every kind.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import bugs

FAMILIES = {f"{f.name} ({f.framework})": f for f in bugs.families()}
QUICK = {
    "attention (torch)": ("scaled by the length of the sequence", "the scale after the softmax"),
    "causal attention (torch)": ("the mask the wrong way round", "the mask after the softmax"),
    "causal attention with a past (torch)": ("the mask starts in the corner",),
    "multi-head attention (torch)": ("split without a transpose", "dropout that stays on"),
    "layer normalisation (torch)": ("n - 1 in the variance", "epsilon outside the root"),
    "residual block (torch)": ("one normalised before",),
    "sinusoidal positions (torch)": ("the exponent twice",),
    "padding (torch)": ("padding counts",),
    "adam (torch)": ("epsilon under the root",),
}


def needed(family):
    pytest.importorskip(family.framework, reason=f"{family.framework} is not installed")


def check(family, names):
    twin = bugs.examine(family.text)
    assert twin.verdicts["verified"] and not twin.refuted, twin.report
    for bug in family.bugs:
        if bug.name in names:
            text, lines = bugs.wrong(family, bug)
            found = bugs.examine(text, lines, bug.words)
            assert found.refuted and found.place and found.words, (bug.name, lines, found.report)


@pytest.mark.torch
@pytest.mark.parametrize("name", QUICK)
def test_bugs_of_pytorch(name):
    family = FAMILIES[name]
    needed(family)
    assert set(QUICK[name]) <= {b.name for b in family.bugs}
    check(family, QUICK[name])


@pytest.mark.jax
def test_bugs_of_jax():
    family = FAMILIES["causal attention (jax)"]
    needed(family)
    check(family, ("where the wrong way round",))


@pytest.mark.tensorflow
def test_bugs_of_tensorflow():
    family = FAMILIES["multi-head attention (tensorflow)"]
    needed(family)
    check(family, ("merged without a transpose",))


def test_there_are_enough_bugs_and_each_changes_code_that_is_python():
    count: Counter[str] = Counter()
    for family in FAMILIES.values():
        count[family.framework] += len(family.bugs)
        assert len({b.name for b in family.bugs}) == len(family.bugs)
        for bug in family.bugs:
            text, lines = bugs.wrong(family, bug)
            assert text != family.text and lines and bug.source
            for cell in text.split("```python\n")[1:]:
                ast.parse(cell.split("```")[0])
    assert sum(count.values()) >= 60 and 3 * (count["tensorflow"] + count["jax"]) >= 60
