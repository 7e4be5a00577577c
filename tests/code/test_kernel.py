"""Cells in a real Jupyter kernel: the same confinement, the kernel's interpreter."""

from __future__ import annotations

import os

import pytest
from code_documents import QUICK, cells

import lemmata
from lemmata.code.cells import kernel_of
from lemmata.code.session import run_cells


def test_a_document_asks_for_a_kernel_in_words_of_its_own():
    assert kernel_of({"lemmata": {"kernel": "python3"}}) == "python3"
    assert kernel_of({"kernelspec": {"name": "python3"}}) == kernel_of({"lemmata": "python3"}) == ""


def test_a_kernel_that_cannot_be_had_is_said_once_with_what_to_do():
    with run_cells(cells("a = 1", "b = 2"), QUICK, kernel="no-such-kernel") as session:
        first, second = (r.error for r in session.results)
    assert first.kind == "start" and ("no Jupyter kernel 'no-such-kernel'" in first.message or "pip" in first.message)
    assert second.kind == "not tried" and second.message == f"not run: {first.message}"


@pytest.mark.kernel
def test_cells_run_in_a_kernel_and_stay_confined(tmp_path):
    pytest.importorskip("ipykernel")
    pytest.importorskip("jupyter_client")
    (tmp_path / "victim.txt").write_text("precious")
    sources = (
        "import numpy as np\nx = np.ones(3)\nprint(get_ipython().kernel is not None)",
        "%timeit -n 1 x.sum()\n!touch shell\nx = x * 2",
        "while True: pass",
        f"import ctypes\nassert ctypes.CDLL(None).unlink({os.fsencode(tmp_path)!r} + b'/victim.txt') == 0",
        "import os\nos._exit(1)",
        "print(x, open('victim.txt').read())",
    )
    with run_cells(cells(*sources), QUICK, folder=tmp_path, kernel="python3") as session:
        kinds = [r.error.kind if r.error else r.status for r in session.results]
        scratch = session._process.scratch
        assert "kernel" in session.layers
        steps, _ = session.steps()
        assert steps[-1].state.keys() >= {"x"}
    assert kinds == ["ran", "ran", "timeout", "AssertionError", "died", "ran"]
    assert session.results[0].output == "True\n" and session.results[-1].output == "[2. 2. 2.] precious\n"
    assert (tmp_path / "victim.txt").read_text() == "precious" and not os.path.exists(scratch)


@pytest.mark.kernel
def test_what_a_kernel_found_is_not_cached(tmp_path):
    pytest.importorskip("ipykernel")
    pytest.importorskip("jupyter_client")
    (tmp_path / "notes.md").write_text("---\nlemmata: {kernel: python3}\n---\n\n$x = 1$\n\n```python\ny = 1\n```\n")
    asked = lemmata.check(tmp_path / "notes.md")
    assert not asked.reproducible and not asked.problems
