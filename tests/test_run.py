"""Many documents: the cache, worker processes, and what happens when one of them goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from msgspec.structs import replace

from doubles import line_by_line
from lemmata.report.result import DocumentResult
from lemmata.surfaces import cache as cache_module
from lemmata.surfaces.cache import Cache, content
from lemmata.surfaces.discover import NoSuchPath, documents
from lemmata.surfaces.run import MAX_BYTES, Options, run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"a.md": "verified a\n", "b.md": "refuted b\n", "c.ipynb": "unchecked c\n"}.items():
        Path(name).write_text(text)
    return tmp_path


def test_folders_are_searched_in_order_without_hidden_and_foreign_files(folder):
    for name in ("sub/z.qmd", "sub/y.MDX", ".git/x.md", "node_modules/x.md", "code.py", ".hidden.md"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("")
    assert documents(["."]) == ["./a.md", "./b.md", "./c.ipynb", "./sub/y.MDX", "./sub/z.qmd"]
    assert documents(["code.py", "a.md", "a.md"]) == ["code.py", "a.md"]
    with pytest.raises(NoSuchPath, match=r"no such file or folder: nowhere.md"):
        documents(["a.md", "nowhere.md"])


def test_links_in_circles_end(folder):
    Path("sub").mkdir()
    os.symlink("..", "sub/up")
    os.symlink("loop.md", "loop.md")
    assert documents(["."]) == ["./a.md", "./b.md", "./c.ipynb", "./loop.md"]
    (outcome,) = run(["loop.md"], Options(), check=line_by_line)
    assert not outcome.result.readable


def test_outcomes_keep_the_order_of_the_paths_whatever_the_jobs(folder):
    paths = ["c.ipynb", "a.md", "b.md"]
    alone = run(paths, Options(), check=line_by_line)
    heard = []
    together = run(paths, Options(), jobs=2, check=line_by_line, done=heard.append)
    assert [o.result.path for o in alone] == paths
    assert alone == together and sorted(o.result.path for o in heard) == sorted(paths)


def test_a_document_that_ends_its_process_hurts_no_other(folder):
    Path("bad.md").write_text("crash\n")
    outcomes = run(["a.md", "bad.md", "b.md", "c.ipynb"], Options(), jobs=2, check=line_by_line)
    assert [o.result.readable for o in outcomes] == [True, False, True, True]
    assert outcomes[1].result.problems[0].message == "checking this document ended its process"
    assert [s.verdict for o in outcomes for s in o.result] == ["verified", "refuted", "unchecked"]


def test_an_unexpected_error_is_a_message(folder, monkeypatch):
    pipeline = types.ModuleType("lemmata.pipeline")
    pipeline.check = lambda path, **options: 1 // 0
    monkeypatch.setitem(sys.modules, "lemmata.pipeline", pipeline)
    (outcome,) = run(["a.md"], Options())
    assert "ZeroDivisionError" in outcome.result.problems[0].message
    assert "test_run.py:" in outcome.result.problems[0].help


@pytest.mark.parametrize("jobs", [1, 2])
def test_unreadable_files_are_named_and_the_rest_is_checked(folder, jobs):
    Path("big.md").write_bytes(b"")
    os.truncate("big.md", MAX_BYTES + 1)
    os.mkfifo("pipe.md")
    os.symlink("nowhere", "dangling.md")
    outcomes = run(["big.md", "pipe.md", "dangling.md", "a.md"], Options(), jobs=jobs, check=line_by_line)
    messages = [o.result.problems[0].message for o in outcomes[:3]]
    assert "64 MiB" in messages[0] and all(m.startswith("cannot read this file") for m in messages[1:])
    assert outcomes[3].result.readable


def test_a_second_run_checks_nothing(folder):
    cache = Cache(folder / "cache", {"seed": 0})
    first = run(["a.md", "b.md"], Options(), cache, check=line_by_line)
    second = run(["a.md", "b.md"], Options(), cache, check=None)
    assert [o.cached for o in first] == [False, False] and [o.cached for o in second] == [True, True]
    assert [o.result for o in first] == [o.result for o in second]


def test_the_same_content_elsewhere_is_known_under_its_own_name(folder):
    cache = Cache(folder / "cache", {})
    run(["b.md"], Options(), cache, check=line_by_line)
    Path("copy.md").write_bytes(Path("b.md").read_bytes())
    (outcome,) = run(["copy.md"], Options(), cache, check=None)
    assert outcome.cached and outcome.result.path == "copy.md" and outcome.result.statements[0].doc == "copy.md"


def test_what_decides_the_outcome_decides_the_key(folder, monkeypatch):
    data = b"text"
    key = Cache(folder, {"seed": 0}).key(data)
    assert Cache(folder, {"seed": 0}).key(data) == key
    assert len({key, Cache(folder, {"seed": 1}).key(data), Cache(folder, {"seed": 0}).key(b"other")}) == 3
    for name in ("program", "packages"):
        monkeypatch.setattr(cache_module, name, lambda: "changed")
        assert Cache(folder, {"seed": 0}).key(data) != key
        monkeypatch.undo()


def test_a_changed_local_module_is_noticed(folder):
    cache = Cache(folder / "cache", {})
    Path("helper.py").write_text("x = 1\n")
    depends = {"helper.py": content(Path("helper.py")), "absent.py": None}
    cache.store("a.md", b"data", replace(line_by_line("a.md", Options()), depends=depends))
    assert cache.load("a.md", b"data") is not None
    Path("absent.py").write_text("")
    assert cache.load("a.md", b"data") is None
    Path("absent.py").unlink()
    Path("helper.py").write_text("x = 2\n")
    assert cache.load("a.md", b"data") is None


def test_results_that_may_change_are_not_kept(folder):
    cache = Cache(folder / "cache", {})
    cache.store("a.md", b"data", DocumentResult("a.md", reproducible=False))
    assert cache.load("a.md", b"data") is None


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"path": 1}', b'{"path":"a","statements":[{}],"problems":[],"depends":{}}', b"\xff\x00"],
)
def test_a_damaged_entry_costs_a_check_and_no_more(folder, damage):
    cache = Cache(folder / "cache", {})
    run(["a.md"], Options(), cache, check=line_by_line)
    (entry,) = (folder / "cache").glob("*/*.json")
    entry.write_bytes(damage)
    (outcome,) = run(["a.md"], Options(), cache, check=line_by_line)
    assert not outcome.cached and outcome.result.readable
    assert run(["a.md"], Options(), cache, check=line_by_line)[0].cached


def test_a_place_where_no_cache_can_be_is_no_error(folder):
    cache = Cache(folder / "a.md" / "cache", {})
    (outcome,) = run(["b.md"], Options(), cache, check=line_by_line)
    assert outcome.result.readable
    cache.prune()


def test_the_cache_stays_below_its_size(folder, monkeypatch):
    cache = Cache(folder / "cache", {})
    for number in range(5):
        Path(f"{number}.md").write_text(f"verified {number}\n")
        run([f"{number}.md"], Options(), cache, check=line_by_line)
    entries = sorted((folder / "cache").glob("*/*.json"))
    for age, entry in enumerate(entries):
        os.utime(entry, (1000 - age, 1000 - age))
    monkeypatch.setattr(cache_module, "KEEP_BYTES", 2 * entries[0].stat().st_size)
    cache.prune()
    assert sorted((folder / "cache").glob("*/*.json")) == entries[:2]


INTERRUPTED = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from doubles import line_by_line
from lemmata.surfaces.cache import Cache
from lemmata.surfaces.run import Options, run
paths = [f"{{n}}.md" for n in range(400)]
print("started", flush=True)
run(paths, Options(), Cache(Path("cache"), {{}}), check=line_by_line)
"""


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03, 0.06])
def test_a_run_killed_at_any_moment_leaves_a_usable_cache(folder, delay):
    for number in range(400):
        Path(f"{number}.md").write_text(f"verified {number}\n" * 20)
    script = INTERRUPTED.format(here=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    entries = list((folder / "cache").glob("*/*.json"))
    assert all(json.loads(e.read_text())["statements"] for e in entries)
    outcomes = run([f"{n}.md" for n in range(400)], Options(), Cache(folder / "cache", {}), check=line_by_line)
    assert sum(o.cached for o in outcomes) == len(entries) and all(len(o.result) == 20 for o in outcomes)
