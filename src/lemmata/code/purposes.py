"""Signs that code is meant to differ from a formula: its name, units that it converts, words of the text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lemmata.code.pieces import Piece, Program

PURPOSE = re.compile(
    r"wrong|naive|buggy|broken|incorrect|\bbad\b|_bad|bad_|alternative|variant|approx|invers|undo|revers|ascen|maximi[sz]|"
    r"negat|flipped|swapped|shifted"
)
"""Words in names of functions that do something else than the formula on purpose."""
UNITS = re.compile(
    r"\bin (?:[kmcμ]?(?:j|m|s|g|hz|ev|pa|mol|db)|degrees?|radians?|percent|%|units?|bits|nats|seconds|"
    r"minutes|hours|days|celsius|kelvin|thousands|millions)\b|单位"
)
ELSEWHERE = re.compile(
    r"swapped|exchanged|interchanged|other way (?:a?round)|reversed|opposite order|differs from|相反|互换"
)
CONVERSIONS = frozenset(
    {60.0, 3600.0, 24.0, 86400.0, 180.0, 360.0, 273.15, 100.0, 1e3, 1e6, 1e9, 1e-2, 1e-3, 1e-6, 1e-9}
)


def another(piece: Piece) -> bool:
    """Whether the code's name says that it is something else on purpose."""
    return bool(PURPOSE.search(f"{piece.owner} {piece.name}".lower()))


def converts(piece: Piece, made: Program, numbers: Iterable[float]) -> bool:
    """Whether the code has factors that convert units and that the formula does not have."""
    written = {
        float(n.value)
        for part in (piece.value, *made.statements)
        for n in ast.walk(part)
        if isinstance(n, ast.Constant) and isinstance(n.value, (int, float)) and not isinstance(n.value, bool)
    }
    return bool(written & CONVERSIONS - set(numbers))


def speaks_of_units(text: str) -> bool:
    """Whether the text around a formula gives its quantities in units."""
    return bool(UNITS.search(text.lower()))


def speaks_of_another_order(text: str) -> bool:
    """Whether the text says that something else is done, or in another order."""
    return bool(ELSEWHERE.search(text.lower()))
