"""Tables of languages are parsed once, and anew when their file changes or what is kept of them is damaged."""

from __future__ import annotations

import os
import sys

import pytest

from lemmata.elaborate import prose_lexicon

TEXT = 'language = "xx"\n[cues]\ndefine = ["is"]\n'


@pytest.fixture
def tables(tmp_path, monkeypatch):
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "xx.toml").write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(prose_lexicon.resources, "files", lambda package: tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "languages"


def test_a_table_is_parsed_once_while_its_file_stays_as_it_is(tables, monkeypatch):
    first = prose_lexicon._read("xx")
    monkeypatch.setattr(prose_lexicon.tomllib, "loads", lambda text: pytest.fail("parsed again"))
    assert prose_lexicon._read("xx") == first == {"language": "xx", "cues": {"define": ["is"]}}


def test_a_changed_file_is_parsed_anew(tables):
    prose_lexicon._read("xx")
    (tables / "xx.toml").write_text(TEXT.replace("is", "be"), encoding="utf-8")
    os.utime(tables / "xx.toml", ns=(1, 1))
    assert prose_lexicon._read("xx")["cues"] == {"define": ["be"]}


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[1]", b'{"stamp": 1}', b'{"table": []}'])
def test_what_is_damaged_is_not_used(tables, damage):
    expected = prose_lexicon._read("xx")
    (tables / "__pycache__" / "xx.toml.json").write_bytes(damage)
    assert prose_lexicon._read("xx") == expected


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tables):
    (tables / "__pycache__").write_text("a file where the folder would be")
    assert prose_lexicon._read("xx")["language"] == "xx"


def test_nothing_is_written_where_python_writes_nothing(tables, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    prose_lexicon._read("xx")
    assert not (tables / "__pycache__").exists()
