"""Records of what a check found: written, read back, compared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

import lemmata
from doubles import line_by_line
from lemmata.report import record
from lemmata.report.record import Entry, NotARecord, Record, Section
from lemmata.surfaces import cli, run

OLD = Record(
    {"lemmata": "0.1.0", "python": "3.11", "seed": "0", "python-flint": "0.8"},
    (
        Section(
            "a b/notes.md",
            "0123456789abcdef",
            ("c1", "c2"),
            {"my data.csv": "d1"},
            (
                Entry("verified", "equation", "by instances", r"x = y \cdot z"),
                Entry("unchecked", "inequality", "-", r"a \le b"),
                Entry("verified", "code", "by instances", r"\text{f} is `f`"),
            ),
        ),
    ),
)


def changed(**sections):
    return Record(OLD.facts, (replace(OLD.sections[0], **sections),))


def test_a_record_is_read_back_as_it_was_written():
    text = record.write(OLD)
    assert record.read(text) == OLD and record.write(record.read(text)) == text
    assert record.read(text.replace("\n", "\r\n")) == OLD
    assert record.changes(OLD, record.read(text)) == ()


def test_an_edit_of_one_claim_is_an_edit_of_one_line():
    entries = OLD.sections[0].entries
    text, other = (
        record.write(OLD),
        record.write(changed(entries=(replace(entries[0], verdict="refuted"), *entries[1:]))),
    )
    assert len(set(text.splitlines()) ^ set(other.splitlines())) == 2


@pytest.mark.parametrize("text", ["", "lemmata record 2\n", "lemmata record 1\n\ndocument  x\n", "<html>"])
def test_other_files_are_no_records(text):
    with pytest.raises(NotARecord):
        record.read(text)


def say(old, new):
    return [(c.line, c.text, c.weighs) for c in record.changes(old, new)]


def test_what_changed_is_told():
    first, second, third = (replace(e, line=n) for n, e in enumerate(OLD.sections[0].entries, 5))
    assert say(OLD, changed(entries=(replace(first, verdict="refuted"), second, third))) == [
        (5, r"was verified, now refuted: x = y \cdot z", True)
    ]
    assert say(OLD, changed(entries=(first, third))) == [(0, r"gone (unchecked): a \le b", True)]
    new = Entry("refuted", "equation", "-", "u = v", 9)
    assert say(OLD, changed(entries=(first, second, new, third))) == [(9, "new (refuted): u = v", True)]
    assert say(OLD, changed(content="f")) == [(1, "the document has changed; its verdicts have not", True)]
    assert say(OLD, changed(cells=("c1", "c3"))) == [
        (1, "code cells have changed; new or changed among those that ran: 2", True)
    ]
    assert say(OLD, changed(cells=("c2",))) == [(1, "2 code cells ran, now 1; none of them is new", True)]
    assert say(OLD, changed(files={"my data.csv": "d2"})) == [(1, "the file my data.csv has changed", True)]
    assert say(OLD, Record({**OLD.facts, "python": "3.12"}, OLD.sections)) == [(0, "python: 3.11, now 3.12", False)]
    assert say(OLD, Record({**OLD.facts, "seed": "1"}, OLD.sections)) == [(0, "seed: 0, now 1", True)]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "check_one", line_by_line)
    Path("notes.md").write_text("verified a\nassumed b\n")

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["lemmata", "check", "notes.md", "--no-cache", *args])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, capsys.readouterr().out

    return call


def test_a_reviewer_reruns_and_compares(command):
    assert command("--record", "notes.lemmata")[0] == 0
    status, out = command("--against", "notes.lemmata")
    assert status == 0 and out.endswith("nothing has changed since notes.lemmata\n")
    Path("notes.md").write_text("unchecked a\nassumed b\n")
    status, out = command("--against", "notes.lemmata")
    assert status == 1 and "  notes.md:1  gone (verified): verified a\n" not in out
    assert "new (unchecked): unchecked a" in out and "the document has changed\n" in out
    status, out = command("--against", "notes.lemmata", "--format", "github")
    assert status == 1 and "::error file=notes.md,line=1,title=changed since notes.lemmata::new" in out
    assert command("--against", "notes.md")[0] == 2
    assert command("--record", "nowhere/notes.lemmata")[0] == 2


def test_code_data_and_versions_are_recorded(tmp_path):
    (tmp_path / "numbers.txt").write_text("1 2 3\n")
    (tmp_path / "notes.md").write_text(
        "Let $s = 1 + 2$.\n\n```python\nimport numpy as np\nx = np.loadtxt('numbers.txt')\n"
        "open('mine.txt', 'w').write('x')\nopen('mine.txt').read()\n```\n"
    )
    result = lemmata.check(tmp_path / "notes.md")
    assert result.depends["numbers.txt"] is not None and "mine.txt" not in result.depends
    assert result.environment["device"] == "cpu" and result.environment["numpy"][0].isdigit()
    text = record.write(record.current([result], {"seed": 0}))
    assert "\nfile          numbers.txt  " in text and len([t for t in text.splitlines() if t.startswith("cell ")]) == 1
    (tmp_path / "numbers.txt").write_text("1 2 4\n")
    again = record.current([lemmata.check(tmp_path / "notes.md")], {"seed": 0})
    assert [c.text for c in record.changes(record.read(text), again)] == ["the file numbers.txt has changed"]
