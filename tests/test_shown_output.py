"""Every command that a page shows with its output prints just that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from places import ROOT

BLOCKS = re.compile(
    r"^```console\n(?P<commands>(?:(?!```).*\n)+)```\n\n```text\n(?P<output>(?:(?!```).*\n)+)```$", re.M
)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LONG = re.compile(r"^\$ (lemmata train|python|torchrun|make)", re.M)
"""Commands that train, or measure time."""
MACHINE = re.compile(r"\b[0-9a-f]{16}\b|\d+(?:\.\d+){1,3}(?:\+\w+)?$|\d+e-\d+|^platform .*$", re.M)
"""Hashes, versions and rounding, in which machines differ."""
NEEDS = {"onnx": pytest.mark.onnx, "savedmodel": pytest.mark.tensorflow}


def shown():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in BLOCKS.finditer(text):
            if LONG.search(block["commands"]):
                continue
            marks = [mark for word, mark in NEEDS.items() if f"--to {word}" in block["commands"]]
            line = text[: block.start()].count("\n") + 1
            name = f"{page.relative_to(ROOT)}:{line}"
            yield pytest.param(block["commands"], block["output"], marks=[pytest.mark.torch, *marks], id=name)


@pytest.fixture
def folder(tmp_path):
    """The samples of the pages, with the folders that pages speak of beside them."""
    shutil.copytree(ROOT / "docs" / "samples", tmp_path, dirs_exist_ok=True)
    for name in ("examples", "benchmarks"):
        os.symlink(ROOT / name, tmp_path / name)
    return tmp_path


def pattern(output: str) -> str:
    """What prints that: any lines for …, any of a machine's own numbers."""
    lines = ["(?:.*\\n)*" if line.strip() == "…" else re.escape(line) + "\\n" for line in plain(output).splitlines()]
    return "".join(lines)


def plain(output: str) -> str:
    return MACHINE.sub("#", output.strip("\n"))


@pytest.mark.parametrize("commands, output", list(shown()))
def test_output_is_what_the_page_shows(commands, output, folder):
    pytest.importorskip("torch")
    bin_ = folder / "bin"
    bin_.mkdir()
    (bin_ / "lemmata").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lemmata "$@"\n')
    (bin_ / "lemmata").chmod(0o755)
    script = "\n".join(line.removeprefix("$ ") for line in commands.splitlines())
    environment = os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert re.fullmatch(pattern(output), plain(ran.stdout) + "\n"), ran.stdout


def test_pages_show_output():
    assert len(list(shown())) >= 10
    assert Path(ROOT / "docs" / "samples").is_dir()
