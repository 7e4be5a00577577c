"""What several tests share: the collections of real documents beside the repository, where they are."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from places import SHARED

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start background jobs so; the programs that the tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
