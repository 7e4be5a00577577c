"""Cells that mean harm: each is bounded, reported at its line, and costs nobody else anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from code_documents import QUICK, cells
from msgspec.structs import replace

from lemmata.code.session import run_cells

AFTER = "print('still here')"

DEAF = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
SLEEPERS = "import os, time\nfor _ in range(60):\n    if os.fork() == 0:\n        time.sleep(100)\ntime.sleep(9)"
GROWING = "x = []\nwhile True:\n    x.append(bytearray(2**24))"
SCRIBBLING = "import os\nfor fd in range(3, 256):\n    try: os.write(fd, b'\\xff' * 64)\n    except OSError: pass"
TEARING = "import sys, builtins\nsys.modules.clear()\nbuiltins.__dict__.clear()"
DEEP = "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\nos.chmod('.', 0)\nraise KeyError"
FILLING = "n = 0\nwhile True:\n    open(f'f{n}', 'wb').write(bytes(900_000))\n    n += 1"
UNPRINTABLE = "class E(Exception):\n    def __str__(self): raise self\nraise E()"

HOSTILE: dict[str, tuple[str, set[str], int | None]] = {
    "endless": ("x = 1\nwhile True:\n    pass", {"timeout"}, 3),
    "endless, deaf to exceptions": (DEAF, {"timeout"}, 5),
    "endless in native code": ("x = 7 ** (7 ** 12)", {"timeout"}, 1),
    "sleeping": ("import time\ntime.sleep(1000)", {"timeout"}, 2),
    "fork bomb": ("import os\nwhile True:\n    os.fork()", {"processes", "timeout", "BlockingIOError", "died"}, None),
    "forked sleepers": (SLEEPERS, {"processes"}, None),
    "100 GB": ("import numpy as np\nx = np.ones(100 * 2**30, dtype='u1')", {"_ArrayMemoryError", "memory"}, 2),
    "growing": (GROWING, {"memory", "timeout"}, None),
    "printing": ("while True:\n    print('x' * 1000)", {"output"}, 2),
    "printing 1 GB": ("print('x' * 2**26)", {"output", "memory"}, 1),
    "os._exit": ("import os\nos._exit(0)", {"died"}, 1),
    "sys.exit": ("import sys\n\nsys.exit(3)", {"exit"}, 3),
    "signals itself": ("import os\nos.kill(os.getpid(), 9)\nos.abort()", {"died"}, None),
    "segmentation fault": ("import ctypes\nctypes.string_at(0)", {"died"}, 1),
    "deep recursion": ("def f(): f()\nf()", {"RecursionError"}, 2),
    "unprintable": (UNPRINTABLE, {"E"}, 3),
    "surrogates": (r"raise ValueError('\ud800\x00\x1b[31m' * 1000)", {"ValueError"}, 1),
    "no syntax": ("x = 1\ny = = 2", {"SyntaxError"}, 2),
    "writes to every descriptor": (SCRIBBLING, {"protocol", "died"}, 1),
    "closes every descriptor": ("import os\nos.closerange(0, 512)", {"died", "timeout"}, 1),
    "folders inside folders": (DEEP, {"KeyError", "timeout", "disk"}, None),
    "fills the disk": (FILLING, {"disk", "timeout"}, 4),
    "one large file": ("open('f', 'wb').write(bytes(2**24))", {"OSError"}, 1),
    "tears down the interpreter": (TEARING, {"died", "protocol", "KeyError", "timeout"}, None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_cell_costs_only_itself(run, name):
    source, kinds, line = HOSTILE[name]
    started = time.monotonic()
    session = run("a = 5", source, "print(a + 1)")
    assert time.monotonic() - started < 12
    first, second, third = session.results
    assert first.status == "ran"
    assert second.status == "failed" and second.error is not None
    assert second.error.kind in kinds, second.error
    assert second.error.cell == 1
    assert second.error.message.isprintable() and 0 < len(second.error.message) <= 400
    if line is not None and second.error.kind not in ("died", "protocol"):
        assert 110 <= second.error.position.line <= 110 + line - 1
    assert third.status == "ran" and third.output == "6\n", third
    scratch = session._process.scratch
    session.close()
    assert not os.path.exists(scratch)


def test_the_line_of_an_error_is_that_of_the_document(run):
    session = run("x = 1\n\ny = x / 0\n", "def f(n):\n    return 1 / n\n\nf(0)")
    assert session.results[0].error.position.line == 12
    assert session.results[1].error.position.line in (111, 113)
    assert session.results[0].error.kind == "ZeroDivisionError"


def test_cells_cannot_write_outside_the_scratch_folder(run, tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deep.txt").write_text("precious")
    before = victim.stat()
    session = run(
        f"open({str(victim)!r}, 'w').write('gone')",
        f"import os; os.remove({str(victim)!r})",
        f"import shutil; shutil.rmtree({str(tmp_path)!r})",
        f"import subprocess; subprocess.run(['rm', '-rf', {str(tmp_path)!r}], check=True)",
        f"import ctypes; assert ctypes.CDLL(None).unlink({os.fsencode(victim)!r}) == 0",
        f"import os; os.chmod({str(victim)!r}, 0o777)",
        f"import os; os.rename({str(victim)!r}, 'stolen')",
        "open('victim.txt', 'a').write('through the link')",
        "open('mine.txt', 'w').write('fine'); print(open('mine.txt').read())",
        "print(open('victim.txt').read())",
        folder=tmp_path,
    )
    statuses = [r.status for r in session.results]
    assert statuses == ["failed"] * 8 + ["ran"] * 2, [(r.status, r.error) for r in session.results]
    assert session.results[-1].output == "precious\n"
    assert victim.read_text() == "precious" and victim.stat().st_mode == before.st_mode
    assert (tmp_path / "folder" / "deep.txt").read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "victim.txt"]


def test_cells_have_no_network(run):
    session = run(
        "import socket\ns = socket.create_connection(('127.0.0.1', 22), timeout=1)",
        "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.connect(('8.8.8.8', 53))",
        "import urllib.request\nurllib.request.urlopen('http://example.org', timeout=1)",
    )
    assert [r.status for r in session.results] == ["failed"] * 3


def test_cells_cannot_end_the_process_that_checks(run):
    parent = os.getpid()
    session = run(
        f"import os\nos.kill({parent}, 9)",
        f"import ctypes\nassert ctypes.CDLL(None).kill({parent}, 9) == 0",
        "import os\nos.kill(os.getppid(), 9)",
        "import os\nos.killpg(0, 9)",
        AFTER,
    )
    assert session.results[0].status == session.results[1].status == "failed"
    assert session.results[-1].status == "ran"


def test_nothing_is_left_running_and_no_folder_is_left_behind(run, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    session = run("import subprocess, os\nif os.fork() == 0:\n    os.setsid()\n    import time\n    time.sleep(77)")
    pid = session._process._popen.pid
    scratch = session._process.scratch
    session.close()
    assert not os.path.exists(scratch)
    assert not os.path.exists(f"/proc/{pid}/fd/0")
    assert not list(tmp_path.iterdir())
    assert not _processes(scratch.encode())


def test_a_document_that_keeps_ending_its_worker_is_given_up(run):
    session = run(*["import os\nos._exit(1)"] * 6, AFTER)
    assert [r.status for r in session.results] == ["failed"] * 7
    assert session.results[-1].error.kind == "not tried"


def test_the_time_of_the_whole_document_is_bounded():
    limits = replace(QUICK, cell_seconds=1, total_seconds=2)
    started = time.monotonic()
    with run_cells(cells(*["while True: pass"] * 5), limits) as session:
        kinds = [r.error.kind for r in session.results]
    assert time.monotonic() - started < 6
    assert kinds[0] == "timeout" and kinds[-1] == "not tried"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_daemons_do_not_get_away(run, tmp_path):
    """A grandchild that leaves the session and outlives both its parents."""
    source = """import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open('daemon', 'w').write(str(os.getpid()))
        while True: time.sleep(0.1)
    os._exit(0)
while not os.path.exists('daemon'): time.sleep(0.01)
"""
    for ending in ("", "os._exit(1)"):
        run(source + ending, folder=tmp_path).close()  # the folder's name stands in the worker's command line
        assert not _processes(os.fsencode(tmp_path)), ending


@pytest.mark.parametrize("group", [False, True])
def test_ctrl_c_ends_a_check_and_leaves_nothing(tmp_path, group):
    """As from a terminal, where the whole group of processes gets the signal, or sent to the check alone."""
    (tmp_path / "notes.md").write_text("```python\nimport os\nos.fork()\nwhile True: pass\n```\n")
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "lemmata", "check", "notes.md", "--no-cache"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as check:
        deadline = time.monotonic() + 20
        while not (scratch := list(tmp_path.glob("lemmata-*"))) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)  # so that the cell is running
        started = time.monotonic()
        (os.killpg if group else os.kill)(check.pid, signal.SIGINT)
        _, error = check.communicate(timeout=20)
    assert check.returncode == 130 and time.monotonic() - started < 5
    assert b"Traceback" not in error and scratch
    assert not list(tmp_path.glob("lemmata-*"))
    assert not _processes(os.fsencode(scratch[0]))


def _processes(word: bytes) -> list[str]:
    """Running processes with this in their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                ours = word in file.read()
            with open(f"/proc/{name}/stat", "rb") as file:
                ended = b") Z" in file.read()
        except OSError:
            continue
        found += [name] if ours and not ended else []
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Landlock is Linux's")
def test_graphics_processors_stay_usable(tmp_path):
    """Device files are opened for writing; beside them nothing outside the scratch folder is."""
    scratch, device, other = tmp_path / "scratch", tmp_path / "nvidia0", tmp_path / "other"
    scratch.mkdir()
    device.write_text("")
    other.write_text("")
    script = (
        "import ctypes, sys; from lemmata.code.worker import sandbox; scratch, device, other = sys.argv[1:]\n"
        "sandbox.ACCELERATORS = (device[:-1] + '*',); libc = ctypes.CDLL(None); libc.prctl(38, 1, 0, 0, 0)\n"
        "if not sandbox._landlock(libc, scratch): sys.exit(9)\n"
        "open(device, 'r+').write('x'); open(scratch + '/x', 'w').write('x')\n"
        "try: open(other, 'r+')\n"
        "except PermissionError: sys.exit(0)\n"
        "sys.exit(1)"
    )
    source = Path(__file__).resolve().parents[2] / "src"
    done = subprocess.run(
        [sys.executable, "-c", script, str(scratch), str(device), str(other)],
        env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 9:
        pytest.skip("this system has no Landlock")
    assert done.returncode == 0, done.stderr
