"""The semantics page, rule by rule: documents whose comments say what must come out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lemmata

FOLDER = Path(__file__).parent / "semantics"
EXPECT = re.compile(r"^<!-- (verified|refuted|unchecked|assumed) -->$")


def expectations(path: Path) -> list[tuple[int, str]]:
    """(line of the formula after the comment, verdict)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [(number + 1, match[1]) for number, line in enumerate(lines, 1) if (match := EXPECT.match(line))]
    assert found, f"{path.name} expects nothing"
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda p: p.stem)
def test_rule(path: Path) -> None:
    result = lemmata.check(path)
    got = {}
    for statement in result.statements:
        got.setdefault(statement.line, []).append(statement)
    wrong = []
    for line, verdict in expectations(path):
        found = [s.verdict for s in got.get(line, [])]
        if not found or any(v != verdict for v in found):
            reasons = [s.reason for s in got.get(line, [])]
            wrong.append(f"{path.name}:{line} should be {verdict}, is {found or 'nothing'} {reasons}")
    assert not wrong, "\n".join(wrong)
