"""All edits of a definition, the likeliest slips first."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lemmata.code.edits import arithmetic, axes, moves, words
from lemmata.code.edits.text import Definition, Edit, overlap

MOST = 900
"""Edits of one definition."""
RULES = (*moves.RULES, *words.RULES, *axes.RULES, *arithmetic.RULES)


def edits(definition: Definition) -> list[Edit]:
    """Single edits and the same slip at all its places, by cost; texts that are no Python are left out."""
    found: list[Edit] = []
    for rule in RULES:
        found.extend(rule(definition))
    found = sorted(found, key=lambda e: e.cost)[:MOST]
    whole = sorted([*found, *_together(found)], key=lambda e: e.cost)
    seen = {_meaning(definition.text)}
    kept = []
    for edit in whole:
        meaning = _meaning(definition.applied(edit.changes))
        if meaning is not None and meaning not in seen:
            seen.add(meaning)
            kept.append(edit)
    return kept


def _together(found: list[Edit]) -> Iterator[Edit]:
    groups: dict[str, list[Edit]] = {}
    for edit in found:
        members = groups.setdefault(edit.group, [])
        if edit.group and not any(overlap(edit, other) for other in members):
            members.append(edit)
    for members in groups.values():
        if 2 <= len(members) <= 6:
            changes = tuple(c for e in members for c in e.changes)
            yield Edit(changes, members[0].what, members[0].cost + 0.2, members[0].group + " everywhere")


def _meaning(text: str) -> str | None:
    """The text without what Python does not see; None for what is no Python."""
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
