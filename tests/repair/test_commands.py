"""`check --fix` never changes a file unasked; `replay` prints a program; the formats come out of the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lemmata.surfaces import cli

FALSE = "Let $a, b > 0$.\n\n$$(a - b)^2 = a^2 + 2ab + b^2$$\n"


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "notes.md"
    path.write_text(FALSE)
    return path


def run(*args: str) -> Result:
    return CliRunner().invoke(cli.cli, list(args))


def test_fix_asks_in_a_terminal_only(file):
    result = run("check", "notes.md", "--fix")
    assert result.exit_code == 2 and "no terminal" in result.output
    assert file.read_text() == FALSE


@pytest.mark.parametrize("wrong", [("--yes",), ("--fix", "--yes", "--format", "sarif")])
def test_fix_options_that_make_no_sense(file, wrong):
    assert run("check", "notes.md", *wrong).exit_code == 2
    assert file.read_text() == FALSE


def test_yes_takes_the_nearest_and_checks_again(file):
    result = run("check", "notes.md", "--fix", "--yes")
    assert result.exit_code == 0
    assert file.read_text() == FALSE.replace("+ 2ab", "- 2ab")
    assert result.output.splitlines()[-1].startswith("notes.md  corrected, now 1 verified")
    assert "1 unchanged" in run("check", "notes.md").output


@pytest.mark.parametrize(("answer", "expected"), [("y", "- 2ab"), ("n", "+ 2ab"), ("q", "+ 2ab"), ("\n", "+ 2ab")])
def test_each_correction_is_offered(file, monkeypatch, answer, expected):
    monkeypatch.setattr(cli, "_fix_options", lambda fix, yes, format_: None)
    result = CliRunner().invoke(cli.cli, ["check", "notes.md", "--fix"], input=f"{answer}\n" * 4)
    assert "apply?" in result.output and expected in file.read_text()
    assert result.exit_code == (0 if answer == "y" else 1)


def test_fixes_in_json_lines():
    records = map(json.loads, run("check", "notes.md", "--format", "jsonl").output.splitlines())
    (record,) = [r for r in records if r["fixes"]]
    fix = record["fixes"][0]
    assert fix["latex"] == "(a - b)^2 = a^2 - 2ab + b^2" and fix["edit"] == "sign"
    assert (fix["line"], fix["column"], fix["end_line"], fix["end_column"]) == (3, 19, 3, 20)
    assert (fix["original"], fix["replacement"]) == ("+", "-")


def test_a_cached_result_has_its_fixes():
    first = run("check", "notes.md").output
    again = run("check", "notes.md").output
    assert "- 2ab" in first and again.replace("  (1 unchanged)", "") == first


@pytest.mark.parametrize(
    ("name", "start"), [("sarif", "{"), ("junit", "<?xml"), ("github", "::error file=notes.md,line=3")]
)
def test_formats(name, start):
    result = run("check", "notes.md", "--format", name)
    assert result.exit_code == 1 and result.output.startswith(start)


def test_replay_prints_a_program():
    result = run("replay", "notes.md:3")
    assert result.exit_code == 0
    compile(result.output, "replay", "exec")
    assert "import numpy as np" in result.output


def test_replay_of_what_has_no_values(file):
    assert "nothing on it is refuted" in run("replay", "notes.md:1").output
    file.write_text(
        "Let $A, B \\in \\mathbb{R}^{m \\times n}$.\n\n$$\\operatorname{tr}(A B) = \\operatorname{tr}(B A)$$\n"
    )
    result = run("replay", "notes.md:3")
    assert result.exit_code == 2 and "do not have one shape" in result.output
