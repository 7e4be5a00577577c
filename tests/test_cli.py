"""The command line as a user meets it: exit status, streams, messages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from doubles import line_by_line
from lemmata.surfaces import cli, run


@pytest.fixture
def lemmata(tmp_path, monkeypatch, capsys):
    """Runs the command line in a folder with three small documents; gives (exit status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "check_one", line_by_line)
    monkeypatch.setattr(run, "explain_one", lambda path, options, *how: (line_by_line(path, options), {}))
    for name, text in {
        "good.md": "verified a\nassumed b\n",
        "bad.md": "verified a\nrefuted b\n",
        "open.md": "unchecked c\n",
    }.items():
        Path(name).write_text(text)

    def call(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lemmata", *args])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return call


@pytest.mark.parametrize(
    "args, status",
    [
        (["good.md"], 0),
        (["good.md", "open.md"], 0),
        (["good.md", "bad.md", "open.md", "-j", "1"], 1),
        (["good.md", "open.md", "--strict"], 1),
        (["good.md", "--strict"], 0),
        (["absent.md"], 2),
        ([], 2),
        (["good.md", "--format", "xml"], 2),
        (["good.md", "-j", "0"], 2),
        (["good.md", "--nonsense"], 2),
    ],
)
def test_exit_status(lemmata, args, status):
    assert lemmata("check", "-j", "1", *args)[0] == status


def test_messages_have_no_traceback(lemmata):
    status, out, err = lemmata("check", "absent.md")
    assert (status, out) == (2, "") and err.splitlines()[-1] == "Error: no such file or folder: absent.md"


def test_the_report_of_a_run(lemmata):
    _, out, err = lemmata("check", "bad.md", "good.md", "-j", "1")
    assert out.splitlines()[0] == "bad.md  1 refuted · 1 verified"
    assert "  --> bad.md:2:1" in out and out.splitlines()[-1] == "2 documents: 1 refuted · 2 verified · 1 assumed"
    assert err == ""


def test_a_second_run_says_the_same(lemmata):
    first, second = lemmata("check", "bad.md", "--format", "jsonl"), lemmata("check", "bad.md", "--format", "jsonl")
    assert first == second and [json.loads(line)["line"] for line in first[1].splitlines()] == [1, 2]
    assert "1 unchanged" in lemmata("check", "bad.md")[1]


def test_no_cache_leaves_nothing_behind(lemmata):
    lemmata("check", "good.md", "--no-cache")
    assert not Path(".lemmata-cache").exists()


def test_the_seed_reaches_the_check(lemmata):
    _, out, _ = lemmata("check", "bad.md", "--seed", "7", "--format", "jsonl")
    assert json.loads(out.splitlines()[1])["counterexample"]["values"] == {"x": [7]}


def test_problems_go_to_stderr_beside_json_lines(lemmata):
    Path("dir.md").mkdir()
    Path("odd.md").symlink_to("odd.md")
    status, out, err = lemmata("check", "odd.md", "good.md", "--format", "jsonl", "-j", "1")
    assert status == 2 and len(out.splitlines()) == 2 and err.startswith("odd.md: error: cannot read this file")


@pytest.mark.parametrize(
    "place, message",
    [
        ("good.md", "expected FILE:LINE, such as notes.md:14, not 'good.md'"),
        ("good.md:x", "expected FILE:LINE, such as notes.md:14, not 'good.md:x'"),
        ("absent.md:3", "no such file: absent.md"),
        ("good.md:99", "no mathematics on line 99 of good.md; the nearest is on line 2"),
    ],
)
def test_explain_says_what_it_wants(lemmata, place, message):
    status, _, err = lemmata("explain", place)
    assert status == 2 and err.splitlines()[-1] == f"Error: {message}"


def test_explain_tells_what_is_known_of_a_line(lemmata):
    status, out, _ = lemmata("explain", "bad.md:2")
    assert status == 0 and "claim" in out and "refuted" in out


def test_python_dash_m(tmp_path):
    ran = subprocess.run([sys.executable, "-m", "lemmata", "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0 and ran.stdout.startswith("lemmata ")
    helped = subprocess.run(
        [sys.executable, "-m", "lemmata", "check", "--help"], capture_output=True, text=True, cwd=tmp_path
    )
    assert "Exit status: 0 nothing refuted" in helped.stdout


INTERRUPTED = """
import sys
sys.path.insert(0, {here!r})
from doubles import line_by_line
from lemmata.surfaces import cli, run
if __name__ == "__main__":
    run.check_one = line_by_line
    sys.argv = ["lemmata", "check", "good.md", "slow.md", "slower.md", "-j", {jobs!r}]
    print("started", flush=True)
    cli.main()
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_is_no_traceback_and_keeps_what_was_done(lemmata, jobs):
    Path("slow.md").write_text("slow\n")
    Path("slower.md").write_text("slow\nverified\n")
    Path("run.py").write_text(INTERRUPTED.format(here=str(Path(__file__).parent), jobs=jobs))
    command = [sys.executable, "run.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as process:
        process.stdout.readline()
        deadline = time.monotonic() + 20
        while not list(Path(".lemmata-cache").glob("*/*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.decode().strip() == "interrupted; documents that were done are in the cache"
    assert "1 unchanged" in lemmata("check", "good.md")[1]


def test_a_cell_has_the_time_that_is_given_to_it(tmp_path):
    (tmp_path / "notes.md").write_text("```python\nx = 1\nwhile True: pass\n```\n")
    command = [sys.executable, "-m", "lemmata", "check", "notes.md", "--no-cache", "--timeout", "0.5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=25, check=False)
    assert "ran longer than the time limit (line 3)" in done.stdout and done.returncode == 0
