"""The worker that starts while its document is read, and the cells that run while the formulas are."""

from __future__ import annotations

import os
import threading

import pytest
from code_documents import cells

from lemmata.code import early as module
from lemmata.code.early import early
from lemmata.code.limits import Limits
from lemmata.code.session import Session

QUICK = Limits(cell_seconds=5, total_seconds=20)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("```python\nimport numpy as np\n```\n", True),
        ('{"cells": [{"source": ["from numpy import array\\n"]}]}', True),
        ("no code here\n", False),
        ("```python\nimport numpy as np\nimport torch\n```\n", False),
        ("```python\nprint(1)\n```\n", False),
    ],
)
def test_only_documents_that_name_numpy_alone_have_one(tmp_path, text, starts):
    (tmp_path / "a.md").write_text(text)
    with early(str(tmp_path / "a.md"), QUICK, 0) as process:
        assert (process is not None) == starts
        scratch = process.scratch if process else ""
    assert process is None or not process.alive and not os.path.exists(scratch)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_file_starts_none_and_does_not_wait(tmp_path, kind):
    path = tmp_path / "a.md"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with early(str(path), QUICK, 0) as process:
        assert process is None


def test_it_is_used_if_it_imports_what_the_cells_do(tmp_path):
    (tmp_path / "a.md").write_text("import numpy")
    for source, used in (("import numpy as np\na = np.ones(2)", True), ("a = 1", False)):
        with (
            early(str(tmp_path / "a.md"), QUICK, 0) as process,
            Session(cells(source), QUICK, folder=tmp_path, process=process) as session,
        ):
            session.run()
            assert [r.status for r in session.results] == ["ran"]
            assert (session._process is process) == used
        assert process is not None and not process.alive


def test_cells_run_while_the_caller_does_something_else():
    with Session(cells("a = 1", "b = a + 1"), QUICK) as session:
        session.start()
        assert session._running is not None
        session._running.result(timeout=20)
        session.run()
        assert [r.status for r in session.results] == ["ran", "ran"]


def test_closing_ends_cells_that_still_run():
    before = threading.active_count()
    session = Session(cells("import time\ntime.sleep(60)", "b = 1"), Limits(cell_seconds=60, total_seconds=60))
    session.start()
    while session._process is None:
        pass
    process = session._process
    session.close()
    assert not process.alive and not os.path.exists(process.scratch)
    assert threading.active_count() == before


def test_the_early_worker_is_closed_when_reading_fails(tmp_path, monkeypatch):
    made = []

    class Noted(module.Process):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            made.append(self)

    monkeypatch.setattr(module, "Process", Noted)
    monkeypatch.setattr("lemmata.documents.read", lambda path: 1 // 0)
    (tmp_path / "a.md").write_text("import numpy")
    from lemmata.pipeline import check

    with pytest.raises(ZeroDivisionError):
        check(str(tmp_path / "a.md"))
    assert len(made) == 1 and not made[0].alive
