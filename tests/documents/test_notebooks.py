"""Notebooks: cells keep their numbers, lines count inside the cell, damage is told."""

from __future__ import annotations

import json

import nbformat
import pytest
from document_slices import check_formula, prose

from lemmata.documents import CodeCell, read, read_text


def notebook(*cells: dict, **more: object) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more})


def markdown(text: str | list[str]) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code(text: str, **metadata: object) -> dict:
    return {"cell_type": "code", "metadata": metadata, "source": text, "outputs": [], "execution_count": None}


def test_positions_are_of_the_cell():
    second = "Then\n\n$$\ny\n$$"
    raw = {"cell_type": "raw", "metadata": {}, "source": "$n$"}
    document = read_text(
        notebook(markdown(["# A\n", "with $x$"]), raw, code("a\nbc"), markdown(second)), "n.ipynb", "notebook"
    )
    x, y = document.formulas
    assert (x.span.start.cell, x.span.start.line, x.span.start.column) == (0, 2, 6)
    assert (y.span.start.cell, y.span.start.line, y.span.end.line, y.index) == (3, 3, 5, 1)
    check_formula(second, y)
    (cell,) = document.cells
    assert (cell.language, cell.source, cell.body.cell, cell.span.end.line, cell.span.end.column) == (
        "python", "a\nbc", 2, 2, 3,
    )  # fmt: skip
    assert prose(document)[0] == ("heading", "A")
    assert document.format == "notebook"


def test_containers_differ_between_cells():
    document = read_text(notebook(markdown("- a"), markdown("- b")), "n.ipynb", "notebook")
    first, second = document.blocks
    assert first.containers != second.containers


def test_language_tags_and_magics():
    cells = (code("a", tags=["skip-execution"]), code("%%bash\nls"), code("%%time\nb"), code("%matplotlib inline\nc"))
    metadata = {"language_info": {"name": "python"}, "kernelspec": {"name": "k"}}
    document = read_text(notebook(*cells, metadata=metadata), "n.ipynb", "notebook")
    assert [(c.language, c.executable) for c in document.cells] == [
        ("python", False), ("bash", False), ("python", True), ("python", True),
    ]  # fmt: skip
    assert document.cells[0].options == {"tags": ["skip-execution"]}
    assert document.metadata["kernelspec"] == {"name": "k"}


def test_front_matter_of_the_first_cell():
    first = markdown("---\nmath:\n  '\\R': '\\mathbb{R}'\n---\n$x$")
    assert read_text(notebook(first), "n.ipynb", "notebook").macros == {"\\R": "\\mathbb{R}"}


def test_what_nbformat_writes_is_read(tmp_path):
    v4 = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("a $x$\n\n$$\ny\n$$"), nbformat.v4.new_code_cell("z = 1\n")]
    )
    for version in (4, 3):
        file = tmp_path / f"v{version}.ipynb"
        nbformat.write(nbformat.convert(v4, version), file, version=version)
        document = read(file)
        assert not document.diagnostics
        assert [(f.latex, f.span.start.cell, f.span.start.line) for f in document.formulas] == [
            ("x", 0, 1),
            ("y", 0, 3),
        ]
        assert [c.source.strip() for c in document.cells] == ["z = 1"]


def test_headings_of_version_3():
    sheet = {"cells": [{"cell_type": "heading", "level": 2, "source": "A $x$"}, {"cell_type": "code", "input": "b"}]}
    document = read_text(json.dumps({"nbformat": 3, "worksheets": [sheet]}), "n.ipynb", "notebook")
    assert document.blocks[0].level == 2 and document.cells[0].source == "b"


BROKEN = [
    "",
    "{",
    notebook(markdown("$x$"))[:-30],
    "[1, 2]",
    "null",
    "{}",
    '{"cells": 3}',
    "[" * 100_000,
    '{"cells": [' + "1" * 10_000 + "]",
    "not json",
]


@pytest.mark.parametrize("source", BROKEN, ids=range(len(BROKEN)))
def test_broken_notebooks_are_told(source):
    document = read_text(source, "n.ipynb", "notebook")
    assert document.blocks == ()
    (problem,) = document.diagnostics
    assert (problem.severity, problem.code, problem.path) == ("error", "broken-notebook", "n.ipynb")


def test_a_truncated_notebook_is_told_with_its_place():
    source = json.dumps(json.loads(notebook(markdown("$x$"))), indent=1)
    (problem,) = read_text(source[: len(source) // 2], "n.ipynb", "notebook").diagnostics
    assert problem.span is not None and problem.span.start.line > 1


def test_strange_cells_do_not_stop_the_others():
    odd = [
        3,
        None,
        {},
        {"cell_type": "markdown"},
        {"cell_type": "markdown", "source": 7},
        {"cell_type": 4, "source": ""},
    ]
    document = read_text(notebook(*odd, markdown([1, "$x$"]), markdown("$y$")), "n.ipynb", "notebook")
    assert [(f.latex, f.span.start.cell) for f in document.formulas] == [("x", 6), ("y", 7)]
    assert {d.code for d in document.diagnostics} == {"broken-cell"}
    assert not any(isinstance(b, CodeCell) for b in document.blocks)
