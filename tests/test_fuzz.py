"""A small share of what `benchmarks/fuzz.py` generates, and what it found once."""

from __future__ import annotations

import sys
import time

import pytest

from lemmata import latex
from lemmata.documents import read_text
from lemmata.elaborate.document import elaborate
from places import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import fuzz


@pytest.mark.parametrize("first", range(0, 1200, 300))
def test_generated_inputs(first):
    wrong = {}
    for number in range(first, first + 300):
        found, _ = fuzz.run(number, 7, "")
        if found:
            wrong[number] = found
    assert not wrong


@pytest.mark.parametrize("formula", [r"x()^2 - 2x = 0", r"\sin'() = x", r"f()()() = f", r"\log'' = 1"])
def test_calls_without_arguments(formula):
    source = f"Let $x \\in \\mathbb{{R}}$. Then ${formula}$."
    statements = elaborate(read_text(source)).statements
    assert len(statements) == 2
    assert "mistake" not in statements[1].reason


def test_a_mistake_of_ours_costs_one_statement(monkeypatch):
    from lemmata.elaborate.document import Elaborator

    whole = Elaborator.statements

    def broken(self, item):
        if "y" in item.formula.latex:
            raise AssertionError("boom")
        return whole(self, item)

    monkeypatch.setattr(Elaborator, "statements", broken)
    statements = elaborate(read_text("$x + x = 2x$, $y + y = 2y$, $z + z = 2z$")).statements
    assert [s.reason for s in statements] == ["", "a mistake in lemmata: AssertionError: boom", ""]


def test_long_runs_of_letters_are_read_in_time_of_their_length():
    started = time.process_time()
    elaborate(read_text(f"$${'dx' * 4000}$$"))
    assert time.process_time() - started < 5


def test_a_percent_sign_at_the_end_and_text_without_braces():
    assert latex.parse("50%").items[1].name == "\\%"
    assert list(latex.gaps(latex.parse(r"\text\int_0^1 x")))
