"""Broken and hostile files: a document that says what is wrong, in bounded time, whatever is in it."""

from __future__ import annotations

import os
import time

import pytest
from document_slices import check_formula, read_checked
from hypothesis import given, settings
from hypothesis import strategies as st

from lemmata.documents import find, read, read_text

SECONDS = 60
"""A wide bound: the machine may be busy, and what grows with the square of these sizes takes far longer."""


def problem(document):
    assert document.blocks == ()
    (only,) = document.diagnostics
    assert only.severity == "error" and only.path == document.path
    return only.message


def test_files_that_cannot_be_read(tmp_path):
    assert "no such file" in problem(read(tmp_path / "absent.md"))
    assert "folder" in problem(read(tmp_path))
    loop = tmp_path / "loop.md"
    loop.symlink_to(loop)
    assert "cannot read this file" in problem(read(loop))
    assert "cannot read this file" in problem(read("a\0b.md"))
    os.mkfifo(tmp_path / "pipe.md")
    assert "regular" in problem(read(tmp_path / "pipe.md"))


def test_a_file_without_permission(tmp_path, monkeypatch):
    file = tmp_path / "secret.md"
    file.write_text("$x$")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert problem(read(file)) == "cannot read this file: permission denied"


def test_broken_utf8_is_told_and_the_rest_read(tmp_path):
    file = tmp_path / "a.md"
    file.write_bytes("设$x$\nb ".encode() + b"\xff\xfe c $y$\n")
    document = read(file)
    (only,) = document.diagnostics
    assert (only.severity, only.code, only.span.start.line, only.span.start.column) == (
        "warning",
        "broken-encoding",
        2,
        3,
    )
    assert [f.latex for f in document.formulas] == ["x", "y"]


def test_utf16(tmp_path):
    file = tmp_path / "a.md"
    file.write_bytes("设$x$\n".encode("utf-16"))
    assert [f.latex for f in read(file).formulas] == ["x"]


def test_nul_characters_are_told(tmp_path):
    file = tmp_path / "a.md"
    file.write_bytes(b"a\n$x$ \0 $y\0$")
    document = read(file)
    (only,) = document.diagnostics
    assert (only.code, only.span.start.line, only.span.start.column) == ("nul", 2, 5)
    assert [f.latex for f in document.formulas] == ["x", "y\ufffd"]


def test_a_huge_file_is_read_in_part(tmp_path):
    file = tmp_path / "a.md"
    file.write_bytes(b"$x$\n\n" + b"$" * 20_000_000)
    start = time.perf_counter()
    document = read(file)
    assert time.perf_counter() - start < SECONDS
    assert "too-large" in {d.code for d in document.diagnostics}
    assert [f.latex for f in document.formulas][:1] == ["x"]


def test_a_huge_notebook_is_not_read(tmp_path):
    file = tmp_path / "a.ipynb"
    with open(file, "wb") as sparse:
        sparse.truncate(2_000_000_000)
    assert "larger than" in problem(read(file))


REPEATED = [
    "$ ", "$a ", "$a\n", "$$a\n", "$$\n", "$$ ", "\\\\[\n", "\\\\(", "\\(x=1 ", "\\begin{align}\n", "\\begin{align}",
    "$\\text{", "${", "$`", "\\", "[", "![", "[a](", "[^a", "*a_ ", "**a", "`a``b```", "<!--", "a <!-- \n", "<a ",
    "<div>\n", ">", "> > > > > \n", "- ", "* a\n  ", ":::{note}\n", ":::\n", "!!! note\n", "|", "a|", "{% math %}",
    "{/*", "{math}`a", "\n", "# a\n", "```a\n", "&#x", "[^a]: b\n", "[a]: b\n", "a\n=\n", "a\n", "$a\n- b\n", "~~a",
    "\t", "-\t", "<!-- lemmata: $x$ -->\n", "\u2028", "\x1c",
]  # fmt: skip


@pytest.mark.parametrize("piece", REPEATED)
def test_repetition_takes_bounded_time(piece):
    start = time.perf_counter()
    read_text(piece * (60_000 // len(piece)), "a.mdx")
    assert time.perf_counter() - start < SECONDS


NESTED = [
    "> " * 100_000 + "$x$",
    "- " * 100_000 + "$x$",
    "\n".join("  " * k + "- $x$" for k in range(600)),
    "".join(f"{':' * (700 - k)}{{note}}\n" for k in range(600)) + "$x$",
    "\n".join("    " * k + "!!! note" for k in range(300)),
    "[" * 100_000 + "$x$" + "]" * 100_000,
    "**a " * 30_000 + "$x$" + "**" * 30_000,
    "<div>" * 50_000,
]


@pytest.mark.parametrize("source", NESTED, ids=range(len(NESTED)))
def test_nesting_takes_bounded_time_and_depth(source):
    start = time.perf_counter()
    document = read_text(source)
    assert time.perf_counter() - start < SECONDS
    for formula in document.formulas:
        check_formula(source, formula)


def test_too_deep_nesting_is_told():
    document = read_text("> " * 200 + "$x$\n\nafter $y$")
    assert [d.code for d in document.diagnostics] == ["deep-nesting"]
    assert [f.latex for f in document.formulas] == ["y"]


def test_many_lines_and_long_paragraphs_are_told():
    assert "too-large" in {d.code for d in read_text("\n" * 100_000).diagnostics}
    assert "long-paragraph" in {d.code for d in read_text("a" * 100_000).diagnostics}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "$ $$ \n \n\n \\[ \\] \\\\[ \\\\] \\( \\) - > # ``` ~~~ ::: :::{note} | |-|-| `a` ` * ** _ [ ] ( ) "
            "<!-- --> <div> </div> {math} {% --- === \\ \\$ 5 x 中 ， \t 1. [^1]: \\begin{align} \\end{align} {#eq-a} "
            "!!! : ! & lemmata: :eqlabel:`a`".split(" ")
            + [" "]
        ),
        max_size=40,
    ).map("".join)
)
def test_every_position_is_right_in_any_text(source):
    document = read_checked(source)
    places = [f.span.start for f in document.formulas]
    assert len(set(places)) == len(places)


def test_find(tmp_path):
    for name in ("b.md", "a.ipynb", "sub/c.QMD", "sub/d.markdown", "e.mdx", ".hidden/f.md", ".g.md", "h.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    found = find([tmp_path, tmp_path / "b.md", tmp_path / "h.txt", "absent"])
    names = [os.path.relpath(f, tmp_path) if os.path.isabs(f) else f for f in found]
    assert names == [
        "a.ipynb",
        "b.md",
        "e.mdx",
        os.path.join("sub", "c.QMD"),
        os.path.join("sub", "d.markdown"),
        "h.txt",
        "absent",
    ]
