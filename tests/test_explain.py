"""How a statement is explained: the reading written out, the shape of every part, the program."""

from __future__ import annotations

import pytest

from lemmata.pipeline import explain
from lemmata.report.explain import on_line
from lemmata.report.spelling import bare
from places import ROOT


@pytest.fixture(scope="module")
def regression():
    return explain(ROOT / "examples" / "linear-regression.md", code=False)


def told(regression, line: int) -> dict[str, str]:
    result, details = regression
    (place,) = on_line(result, line)
    return dict(details[place])


def test_reading_and_shapes_of_a_gradient(regression):
    answers = told(regression, 34)
    assert answers["reading 1"].startswith(r"\frac{\partial\, L}{\partial\, w} = ")
    assert {r"X^\top : d × n", r"\hat y : n", "L : number"} <= set(answers["shapes"].splitlines())


def test_the_program_names_its_inputs_and_sides(regression):
    program = told(regression, 64)["program"].splitlines()
    assert program[0].startswith("at ") and any("input X" in line for line in program)
    assert program[-1].startswith("sides ")


def test_definitions_have_shapes_too(regression):
    assert told(regression, 12)["shape"].endswith(" : n")


@pytest.mark.parametrize(
    "text, expected", [("(a + b)", "a + b"), ("(a) + (b)", "(a) + (b)"), ("a", "a"), ("((a))", "(a)")]
)
def test_brackets_around_the_whole_are_dropped(text, expected):
    assert bare(text) == expected


@pytest.mark.parametrize(
    "document, line, fuse, expected",
    [
        ("causal-mask", 12, True, "scaled_dot_product_attention(is_causal=True)"),
        ("heads", 8, True, "scaled_dot_product_attention()"),
        ("mask", 7, True, "scaled_dot_product_attention(attn_mask=M)"),
        ("grouped", 12, True, "scaled_dot_product_attention(enable_gqa=True)"),
        ("temperature", 7, True, "scaled_dot_product_attention(scale=…)"),
        ("index", 19, True, "scaled_dot_product_attention()"),
        ("causal-mask", 12, False, "the formula stands, step by step"),
    ],
)
def test_definitions_say_what_they_run_as(document, line, fuse, expected):
    path = ROOT / "benchmarks" / "spellings" / f"{document}.md"
    result, details = explain(path, code=False, line=line, fuse=fuse)
    (place,) = on_line(result, line)
    assert dict(details[place])["runs as"] == expected


def test_definitions_on_other_lines_are_not_run(regression):
    assert "runs as" not in told(regression, 12)
