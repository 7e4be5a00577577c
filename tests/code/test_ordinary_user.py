"""The cells that mean harm once more, when it is no root who checks: namespaces of the user, or Landlock alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
USER = 54321

BECOME = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def reachable(path):
    # a folder of root's above the interpreter is covered, in this process's own mounts, by one that anybody may enter
    closed = next((p for p in reversed([path, *path.parents]) if p.exists() and not p.stat().st_mode & 0o001), None)
    if closed is None:
        return
    aside = os.fsencode(sys.argv[1])
    assert libc.unshare(0x20000) == 0 and libc.mount(b"none", b"/", None, 16384 | (1 << 18), None) == 0
    assert libc.mount(os.fsencode(path), aside, None, 4096, None) == 0
    assert libc.mount(b"tmpfs", os.fsencode(closed), b"tmpfs", 0, b"mode=755") == 0
    os.makedirs(path)
    assert libc.mount(aside, os.fsencode(path), None, 4096, None) == 0
from pathlib import Path
if os.geteuid() == 0:
    reachable(Path(sys.base_prefix))
    os.setgroups([]); os.setresgid(USER, USER, USER); os.setresuid(USER, USER, USER)
sys.path.insert(0, SOURCE)
"""
CHECK = """
import json, os
from pathlib import Path
from lemmata.code.limits import MIB, Limits
from lemmata.code.session import run_cells
from lemmata.documents.model import CodeCell, Position, Span
PREPARE
cells = []
for n, source in enumerate(json.loads(sys.argv[3])):
    at = Position(100 * n + 10, 1)
    cells.append(CodeCell(source, "python", Span(at, at), at, {}, n))
limits = Limits(cell_seconds=1, total_seconds=25, memory=500 * MIB, processes=16, output=10_000, file=MIB)
with run_cells(cells, limits, folder=Path(sys.argv[2])) as session:
    scratch = session._process.scratch if session._process else ""
    print(json.dumps({
        "user": os.getuid(), "layers": session.layers, "scratch": scratch,
        "results": [[r.status, r.error.kind if r.error else "", r.error.position.line if r.error else 0, r.output]
                    for r in session.results],
    }))
print(os.path.exists(scratch))
"""
NO_NAMESPACES = """
import lemmata.code.worker.sandbox as sandbox
import lemmata.code.process as process
process.PROGRAM = process.PROGRAM.replace("main()", "sandbox.isolate = lambda scratch: (); main()").replace(
    "; from", "; from lemmata.code.worker import sandbox; from", 1)
"""
HOSTILE = [
    # (cell, what its error may be)
    ("a = 5", ""),
    ("while True:\n    pass", "timeout"),
    ("import os\nwhile True:\n    os.fork()", "processes timeout BlockingIOError died memory"),
    ("import numpy as np\nx = np.ones(100 * 2**30, dtype='u1')", "_ArrayMemoryError memory"),
    ("print('x' * 2**26)", "output memory"),
    ("import shutil\nshutil.rmtree(FOLDER)", "PermissionError OSError"),
    ("import ctypes\nassert ctypes.CDLL(None).unlink(FOLDER.encode() + b'/victim.txt') == 0", "AssertionError"),
    ("import ctypes\nassert ctypes.CDLL(None).socket(2, 1, 0) >= 0", "AssertionError"),
    ("import ctypes\nassert ctypes.CDLL(None).kill(PARENT, 9) == 0", "AssertionError PermissionError"),
    ("import os\nos._exit(0)", "died"),
    (r"raise ValueError('\ud800\x00' * 1000)", "ValueError"),
    ("print(a + 1, open('victim.txt').read())\nopen('mine.txt', 'w').write('fine')", ""),
]


@pytest.mark.skipif(sys.platform != "linux", reason="users and namespaces as Linux has them")
@pytest.mark.parametrize("namespaces", [True, False])
def test_hostile_cells_harm_an_ordinary_user_as_little_as_root(namespaces):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder, aside = Path(place) / "notes", Path(place) / "aside"
        aside.mkdir()
        folder.mkdir()
        (folder / "victim.txt").write_text("precious")
        if os.geteuid() == 0:
            os.chown(folder, USER, USER)
            os.chown(folder / "victim.txt", USER, USER)
        # the parent that the cell aims at must belong to the user too: it is a process beside the check
        bystander = "import os, time; " + (f"os.setresuid({USER}, {USER}, {USER}); " if os.geteuid() == 0 else "")
        with subprocess.Popen([sys.executable, "-c", bystander + "print(1, flush=True); time.sleep(60)"],
                              stdout=subprocess.PIPE) as other:  # fmt: skip
            assert other.stdout is not None
            other.stdout.readline()
            cells = [s.replace("FOLDER", repr(str(folder))).replace("PARENT", str(other.pid)) for s, _ in HOSTILE]
            script = BECOME.replace("USER", str(USER)).replace("SOURCE", repr(str(SOURCE)))
            script += CHECK.replace("PREPARE", "" if namespaces else NO_NAMESPACES)
            started = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-c", script, str(aside), str(folder), json.dumps(cells)],
                capture_output=True, text=True, cwd="/", timeout=60,
                env={k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "HOME")},
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            alive = other.poll() is None
            other.kill()
        told, left = done.stdout.splitlines()
        answer = json.loads(told)
        assert time.monotonic() - started < 25
        assert answer["user"] != 0 and answer["scratch"] and left == "False"
        assert "own user" not in answer["layers"] and ("processes" in answer["layers"]) <= namespaces
        signals = {"processes", "signals"} & set(answer["layers"])  # Landlock knows them from Linux 6.12 on
        for at, ((source, kinds), (status, kind, line, _)) in enumerate(zip(HOSTILE, answer["results"])):
            if ".kill(" in source and not signals:
                continue
            assert status == ("failed" if kinds else "ran") and kind in (kinds.split() or [""]), (source, status, kind)
            assert not kinds or 100 * at + 10 <= line <= 100 * at + 12
        assert answer["results"][-1][3] == "6 precious\n"
        assert alive or not signals, "a process beside the check was ended"
        assert [p.name for p in folder.iterdir()] == ["victim.txt"]
        assert (folder / "victim.txt").read_text() == "precious"
