"""Accepted corrections change the file where they should and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lemmata
from lemmata.report.result import StatementResult
from lemmata.surfaces import fixing


def accepted(file: Path) -> list[tuple[StatementResult, fixing.Fix]]:
    chosen, more = fixing.choose(lemmata.check(file, code=False), lambda statement, number: "y")
    assert more
    return chosen


def corrected(file: Path) -> bytes:
    fixing.write(str(file), accepted(file))
    return file.read_bytes()


def refuted(file: Path) -> int:
    return lemmata.check(file, code=False).counts()["refuted"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("head", ["", "\ufeff"])
def test_only_the_changed_span_differs(tmp_path, end, head):
    text = (
        "---\ntitle: ü\n---\nLet $A \\in \\mathbb{R}^{n \\times n}$.  \n\n"
        "$$\n\\nabla_A \\operatorname{tr}(A A^\\top) = A.\n$$\n\tlast"
    )
    before = (head + text).replace("\n", end).encode()
    file = tmp_path / "notes.md"
    file.write_bytes(before)
    assert refuted(file) == 1
    assert corrected(file) == before.replace(b"= A.", b"= 2A.")
    assert refuted(file) == 0


def test_lines_in_quotes_and_lists_keep_their_margins(tmp_path):
    file = tmp_path / "notes.md"
    before = (
        "Let $A, B \\in \\mathbb{R}^{n \\times n}$.\n\n> 1. Then\n>\n>    $$\n>    (A B)^\\top\n>    = A^\\top\n"
        ">    B^\\top\n>    $$\n"
    )
    file.write_text(before)
    after = corrected(file).decode()
    assert refuted(file) == 0 and after != before
    assert all(line.startswith(">") for line in after.splitlines()[2:])
    assert after.count("\n") == before.count("\n")


def test_several_corrections_of_one_file(tmp_path):
    file = tmp_path / "notes.md"
    file.write_text(
        "Let $a, b > 0$.\n\nThen $$(a - b)^2 = a^2 + 2ab + b^2$$ and $$\\log\\frac{1}{a} = \\log a$$ hold.\n"
    )
    assert refuted(file) == 2
    assert corrected(file).decode().splitlines()[-1] == (
        "Then $$(a - b)^2 = a^2 - 2ab + b^2$$ and $$\\log\\frac{1}{a} = -\\log a$$ hold."
    )


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("listed", [True, False])
def test_a_notebook_keeps_every_other_byte(tmp_path, ascii_only, listed):
    text = "对所有 $a, b > 0$\n\n$$\n(a - b)^2 = a^2 + 2ab + b^2\n$$\n"
    source = text.splitlines(keepends=True) if listed else text
    other = {"cell_type": "code", "source": ["x = 'é\"\\n'"], "metadata": {}, "outputs": [], "execution_count": None}
    cells = [other, {"cell_type": "markdown", "metadata": {"tags": ["source"]}, "source": source}, other]
    book = {"cells": cells, "metadata": {"source": "a + b"}, "nbformat": 4, "nbformat_minor": 5}
    file = tmp_path / "notes.ipynb"
    before = json.dumps(book, indent=1, ensure_ascii=ascii_only)
    file.write_text(before, encoding="utf-8")
    assert refuted(file) == 1
    assert corrected(file).decode() == before.replace("a^2 + 2ab", "a^2 - 2ab")


def test_a_file_that_changed_in_the_meantime_is_left_alone(tmp_path):
    file = tmp_path / "notes.md"
    file.write_text("Let $a, b > 0$.\n\n$$(a - b)^2 = a^2 + 2ab + b^2$$\n")
    chosen = accepted(file)
    file.write_text("Another line.\n\n" + file.read_text())
    changed = file.read_bytes()
    with pytest.raises(fixing.CannotWrite):
        fixing.write(str(file), chosen)
    assert file.read_bytes() == changed and [f.name for f in tmp_path.iterdir()] == ["notes.md"]


def test_mode_and_links_survive(tmp_path):
    file, link = tmp_path / "notes.md", tmp_path / "link.md"
    file.write_text("Let $a, b > 0$.\n\n$$(a - b)^2 = a^2 + 2ab + b^2$$\n")
    file.chmod(0o640)
    link.symlink_to(file)
    fixing.write(str(link), accepted(link))
    assert link.is_symlink() and file.stat().st_mode & 0o777 == 0o640 and "- 2ab" in file.read_text()


def test_answers(tmp_path):
    file = tmp_path / "notes.md"
    file.write_text("Let $a, b > 0$.\n\n$$(a - b)^2 = a^2 + 2ab + b^2$$ and $$\\log\\frac{1}{a} = \\log a$$\n")
    result = lemmata.check(file, code=False)
    asked: list[tuple[int, int]] = []

    def ask(statement: StatementResult, number: int) -> str:
        asked.append((statement.column, number))
        return "n" if statement.column == asked[0][0] else "q"

    chosen, more = fixing.choose(result, ask)
    first = len(next(s for s in result if s.verdict == "refuted").fixes)
    assert chosen == [] and not more
    assert [n for _, n in asked] == [*range(first), 0]
