"""What several tests share: the collections of real documents beside the repository, and what is optional."""

from __future__ import annotations

import signal
import tomllib
from pathlib import Path

import pytest

from places import ROOT, SHARED

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start background jobs so; the programs that the tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

CORE = {"torch", "test"}
"""The extras of `make test`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test marked with any other extra of the project is `optional`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    further = project["optional-dependencies"].keys() - CORE
    for item in items:
        if any(mark.name in further for mark in item.iter_markers()):
            item.add_marker("optional")


def pytest_report_header() -> str:
    if SHARED.is_dir():
        return f"collections of real documents: {SHARED}"
    return f"collections of real documents: ABSENT ({SHARED}); the tests marked `shared` are skipped"


@pytest.fixture
def shared() -> Path:
    """The folder with seeds, claims, errata and corpus; a test that asks for it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no collections of real documents at {SHARED} (set LEMMATA_SHARED)")
    return SHARED
