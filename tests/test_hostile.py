"""The command line in the hands of somebody careless: bad files, bad arguments, closed pipes, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lemmata.files import put
from lemmata.surfaces import cli

GOOD = (
    "Let $x \\in \\mathbb{R}^n$.\n\n$$ L = x^\\top x $$\n\n$$ \\text{my loss}(x) = \\|x\\|^2 $$\n\n$$ x + x = 2x $$\n"
)
LINE = "设 $x \\in \\mathbb{R}^n$。$$ x + x = 2 x $$\n"
FILES: dict[str, bytes] = {
    "good.md": GOOD.encode(),
    "with space.md": GOOD.encode(),
    "empty.md": b"",
    "binary.md": bytes(range(256)) * 20,
    "nul.md": b"nul \x00 $x=\x00 1$\n",
    "gb18030.md": LINE.encode("gb18030"),
    "utf16.md": LINE.encode("utf-16"),
    "windows.md": b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(),
    "mac.md": GOOD.replace("\n", "\r").encode(),
    "long.md": b"$" + b"x+" * 100_000 + b"x = 1$\n" + b"word " * 200_000,
    "deep.md": b"$" + b"{" * 20_000 + b"x" + b"}" * 20_000 + b" = 1$\n" + b">" * 20_000 + b" hi\n",
    "cut.ipynb": b'{"cells": [',
    "list.ipynb": b"[]",
    "cells.ipynb": b'{"cells": 3, "nbformat": 4}',
    "broken.py": b'def f(:\n  """ $x = 1$ """\n',
    "matter.md": b"---\n: : [\n---\n$x=1$\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile")
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    (path / "folder").mkdir()
    (path / "a file").write_text("in the way")
    return path


@pytest.fixture
def lemmata(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lemmata", *args])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code, *capsys.readouterr())

    return call


PLAIN = ("--no-cache", "--no-code", "-j", "1")


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["check", *PLAIN, "absent.md"], 2, "no such file or folder: absent.md"),
        (["check", *PLAIN, ""], 2, "no such file or folder"),
        (["check", *PLAIN, "folder"], 0, "nothing to check"),
        (["check", *PLAIN, "empty.md"], 0, "nothing to check"),
        (["check", *PLAIN, "binary.md"], 0, "not valid UTF-8"),
        (["check", *PLAIN, "nul.md"], 0, "NUL characters"),
        (["check", *PLAIN, "gb18030.md"], 0, "not valid UTF-8"),
        (["check", *PLAIN, "utf16.md"], 0, "1 verified"),
        (["check", *PLAIN, "windows.md"], 0, "7:4"),
        (["check", *PLAIN, "mac.md"], 0, "7:4"),
        (["check", *PLAIN, "with space.md"], 0, "1 verified"),
        (["check", *PLAIN, "long.md"], 0, "are read"),
        (["check", *PLAIN, "deep.md"], 0, "are read"),
        (["check", *PLAIN, "matter.md"], 0, "1 assumed"),
        (["check", *PLAIN, "cut.ipynb"], 2, "the notebook ends in the middle"),
        (["check", *PLAIN, "list.ipynb"], 2, "no notebook"),
        (["check", *PLAIN, "cells.ipynb"], 2, "no notebook"),
        (["check", *PLAIN, "broken.py"], 0, "not valid Python"),
        (["check", *PLAIN, "--seed", "-7", "good.md"], 0, "1 verified"),
        (["check", *PLAIN, "--seed", "9" * 30, "good.md"], 0, "1 verified"),
        (["check", *PLAIN, "--seed", "x", "good.md"], 2, "not a valid integer"),
        (["check", *PLAIN, "--timeout", "nan", "good.md"], 2, "not in the range"),
        (["check", *PLAIN, "--format", "pdf", "good.md"], 2, "'pdf' is not one of"),
        (["check", "--no-code", "--cache-dir", "a file", "good.md"], 0, "1 verified"),
        (["check", "--no-code", "--cache-dir", "a file/below", "good.md"], 0, "1 verified"),
        (["check", *PLAIN, "--record", "absent/r.txt", "good.md"], 2, "cannot be written"),
        (["check", *PLAIN, "--record", "folder", "good.md"], 2, "is a directory"),
        (["check", *PLAIN, "--against", "binary.md", "good.md"], 2, "is no record"),
        (["check", *PLAIN, "--against", "empty.md", "good.md"], 2, "is no record"),
        (["check", *PLAIN, "--fix", "good.md"], 2, "no terminal"),
        (["explain", "good.md"], 2, "expected FILE:LINE"),
        (["explain", "good.md:①"], 2, "expected FILE:LINE"),
        (["explain", "good.md:" + "9" * 5000], 2, "expected FILE:LINE"),
        (["explain", "good.md:0"], 2, "no mathematics on line 0"),
        (["explain", "good.md:2:1"], 2, "no mathematics on line 1"),
        (["explain", "folder:1"], 2, "no such file: folder"),
        (["explain", "cut.ipynb:1"], 2, "the notebook ends in the middle"),
        (["replay", "empty.md:1"], 2, "no mathematics on line 1"),
        (["derive", "absent.md", "L", "x"], 2, "does not exist"),
        (["derive", "folder", "L", "x"], 2, "is a directory"),
        (["derive", "cut.ipynb", "L", "x"], 2, "the notebook ends in the middle"),
        (["derive", "empty.md", "L", "x"], 2, "defines nothing"),
        (["derive", "binary.md", "L", "x"], 2, "binary.md"),
        (["derive", "good.md", "", "x"], 2, "it defines L"),
        (["derive", "good.md", "{{{", "$(x)"], 2, "does not define {{{"),
        (["derive", "good.md", "L", "y"], 2, "it depends on x"),
        (["derive", "windows.md", "L", "x"], 0, "\\nabla_x L = 2x"),
        (["derive", "with space.md", "my loss", "x"], 0, "= 2x"),
        (["compile", "absent.md", "--to", "xlsx", "-o", "x"], 2, "does not exist"),
        (["compile", "cut.ipynb", "--to", "xlsx", "-o", "x"], 2, "the notebook ends in the middle"),
        (["compile", "binary.md", "--to", "xlsx", "-o", "x"], 2, "defines nothing"),
        (["compile", "good.md", "--to", "pdf", "-o", "x"], 2, "'pdf' is not one of"),
        (["compile", "good.md", "--to", "xlsx"], 2, "Missing option"),
        (["compile", "good.md", "--to", "xlsx", "-o", "folder"], 2, "folder is a folder"),
        (["compile", "good.md", "--to", "xlsx", "-o", ""], 2, "is a folder"),
        (["compile", "good.md", "--to", "xlsx", "-o", "absent/x"], 2, "cannot write absent/x"),
        (["compile", "good.md", "--to", "xlsx", "-o", "a file/x"], 2, "cannot write a file/x"),
        (["compile", "good.md", "--to", "xlsx", "-o", "x", "--functions", "my loss"], 0, "my loss"),
        (["compile", "good.md", "--to", "xlsx", "-o", "x", "--functions", "loss 2"], 2, "it defines"),
        (["compile", "good.md", "--to", "xlsx", "-o", "x", "--sizes", "n"], 2, "expected sizes such as"),
        (["compile", "good.md", "--to", "xlsx", "-o", "x", "--sizes", "n=²"], 2, "expected sizes such as"),
        (["compile", "good.md", "--to", "xlsx", "-o", "x", "--sizes", "n=" + "9" * 20], 2, "expected sizes such as"),
        (["compile", "good.md", "--to", "xlsx", "-o", "x", "--sizes", "n=999999999"], 2, "smaller sizes"),
        (["compile", "good.md", "--to", "xlsx", "-o", "x", "--sizes", "rows=3"], 2, "has no size rows; it has n"),
        (["compile", "windows.md", "--to", "numpy", "-o", "x", "--no-check"], 0, "my_loss"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_every_invocation_ends_with_a_message(lemmata, args, status, said):
    found, out, err = lemmata(*args)
    assert "Traceback" not in out + err
    assert (found, said in out + err) == (status, True), out + err


def test_a_mistake_of_ours_is_one_line(lemmata, monkeypatch):
    monkeypatch.setattr("lemmata.pipeline.derive", lambda *args, **options: 1 // 0)
    status, out, err = lemmata("derive", "good.md", "L", "x")
    assert (status, out) == (3, "")
    assert "mistake in lemmata" in err and "Traceback" not in err and len(err.splitlines()) == 1


def program(*args: str) -> list[str]:
    return [sys.executable, "-m", "lemmata", *args]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")
@pytest.mark.parametrize("args", [["check", *PLAIN, "good.md"], ["derive", "good.md", "L", "x"], ["--help"]])
def test_output_that_nobody_reads_or_that_cannot_be_written(folder, args):
    reading, writing = os.pipe()
    os.close(reading)
    closed = subprocess.run(program(*args), cwd=folder, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (closed.returncode, closed.stderr) == (141, "")
    if not Path("/dev/full").exists():
        return
    with open("/dev/full", "w") as device:
        full = subprocess.run(program(*args), cwd=folder, stdout=device, stderr=subprocess.PIPE, text=True, check=False)
    assert full.returncode == 2
    assert full.stderr == "Error: cannot read or write the output: No space left on device\n"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_being_ended_leaves_no_processes_behind(folder, number, status):
    cell = "```python\nimport time\nprint(1)\ntime.sleep(60)\n```\n"
    for name in ("slow.md", "slower.md"):
        (folder / name).write_text(cell)
    with subprocess.Popen(
        program("check", "--no-cache", "-j", "2", "slow.md", "slower.md"), cwd=folder, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 30
        while len(members(process.pid)) < 4 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (status, "") and "Traceback" not in err
    deadline = time.monotonic() + 10
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not members(process.pid)


def members(session: int) -> list[int]:
    """Processes of a session that are alive."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
        except OSError:
            continue
        if fields and int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_devices_and_links_are_not_replaced_by_files(tmp_path):
    with pytest.raises(OSError, match="No space left"):
        put("/dev/full", b"much")
    assert not Path("/dev/full").is_file()
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "target").chmod(0o640)
    (tmp_path / "link").symlink_to("target")
    put(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_bytes() == b"new"
    assert (tmp_path / "target").stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link", "target"]
