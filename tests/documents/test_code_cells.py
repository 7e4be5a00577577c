"""Code cells: language, options, whether they run, and where their first character stands."""

from __future__ import annotations

import subprocess
import sys

import pytest
from document_slices import read_checked, slice_of

CELLS = [
    # (source, language, options, executable, code, line and column of its first character)
    ("```python\na = 1\n```", "python", {}, True, "a = 1", (2, 1)),
    ("~~~py\na\n\n  b\n~~~", "python", {}, True, "a\n\n  b", (2, 1)),
    ("- x\n\n  ```Python3\n  a\n    b\n  ```", "python", {}, True, "a\n  b", (4, 3)),
    ("> ```python\n> a\n> ```", "python", {}, True, "a", (2, 3)),
    ("```\nout\n```", "", {}, False, "out", (2, 1)),
    ("```bash\npip install x\n```", "bash", {}, False, "pip install x", (2, 1)),
    ("```python\n>>> 1\n1\n```", "python", {}, False, ">>> 1\n1", (2, 1)),
    ("```pycon\n>>> 1\n```", "pycon", {}, False, ">>> 1", (2, 1)),
    ("    indented\n    more", "", {}, False, "indented\nmore", (1, 5)),
    ("```{.python .input n=7}\n#@tab pytorch\na\n```", "python", {"input": True, "n": "7", "tab": "pytorch"}, True,
     "#@tab pytorch\na", (2, 1)),
    ("```{.python .input}\n%%tab mxnet, pytorch\na\n```", "python", {"input": True, "tab": "mxnet, pytorch"}, True,
     "%%tab mxnet, pytorch\na", (2, 1)),
    ("```{code-cell} ipython3\n:tags: [hide-input, skip-execution]\n\na\n```", "python",
     {"tags": ["hide-input", "skip-execution"]}, False, "a", (4, 1)),
    ("```{code-cell} python\n---\ntags: [a]\nname: b\n---\nc\n```", "python", {"tags": ["a"], "name": "b"}, True,
     "c", (6, 1)),
    ("```{code-cell}\na\n```", "python", {}, True, "a", (2, 1)),
    ("```{code-block} python\n:linenos: true\na\n```", "python", {"linenos": True}, True, "a", (3, 1)),
    ("```{python}\n#| label: fig-a\n#| eval: false\n#| tags:\n#|   - x\na\n```", "python",
     {"label": "fig-a", "eval": False, "tags": ["x"]}, False,
     "#| label: fig-a\n#| eval: false\n#| tags:\n#|   - x\na", (2, 1)),
    ("```{python, echo=false}\na\n```", "python", {"echo": False}, True, "a", (2, 1)),
    ("```{r}\na\n```", "r", {}, True, "a", (2, 1)),
    ("```python title=\"a b.py\" hl='1'\na\n```", "python", {"title": "a b.py", "hl": "1"}, True, "a", (2, 1)),
    ("```python\n\n  a\n```", "python", {}, True, "\n  a", (2, 1)),
    ("```python\nnever closed", "python", {}, True, "never closed", (2, 1)),
    ("```{eval-rst}\n.. math:: x\n```", "eval-rst", {}, False, ".. math:: x", (2, 1)),
    (":::{code-cell} python\na\n:::", "python", {}, True, "a", (2, 1)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "language", "options", "executable", "code", "body"), CELLS, ids=[c[0] for c in CELLS]
)
def test_cell(source, language, options, executable, code, body):
    document = read_checked("text\n\n" + source + "\n")
    (cell,) = document.cells
    assert (cell.language, cell.options, cell.executable, cell.source) == (language, options, executable, code)
    assert (cell.body.line - 2, cell.body.column) == body
    assert slice_of("text\n\n" + source, cell.span).rstrip().endswith(source.rstrip().split("\n")[-1].lstrip("> "))
    assert document.formulas == ()


def test_cells_and_prose_keep_their_order():
    document = read_checked("a\n\n```python\nx\n```\n\nb\n\n```python\ny\n```")
    assert [type(b).__name__ for b in document.blocks] == ["Block", "CodeCell", "Block", "CodeCell"]
    assert [c.index for c in document.cells] == [0, 1]


def test_cells_take_the_language_of_the_kernel():
    document = read_checked("---\nkernelspec:\n  language: julia\n---\n\n```{code-cell}\na\n```")
    assert document.cells[0].language == "julia"


@pytest.mark.parametrize("first", ["lemmata.diagnostic", "lemmata.documents", "lemmata.documents.model"])
def test_modules_can_be_imported_in_any_order(first):
    done = subprocess.run([sys.executable, "-c", f"import {first}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
