"""Arb's balls (python-flint), loaded with the first number: most documents hold nothing that needs them here."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    import flint

    found = globals()[name] = getattr(flint, name)
    return found
