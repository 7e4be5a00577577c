"""The edits of the document's code that make it compute a formula: each is run on the inputs of every comparison."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.code.agreement import compare_arrays, roundoff
from lemmata.code.cells import Prepared
from lemmata.code.edits.catalogue import edits
from lemmata.code.edits.text import Definition, Edit
from lemmata.code.session import Failed, Session
from lemmata.code.target import CodeFix

SECONDS = 8.0
"""Time for one comparison."""
AT_ONCE = 24
"""Edited definitions in one request."""
SHOWN = 2
FARTHER = 0.35
"""How much less likely than the first correction another one may be."""


class Check(Struct, frozen=True):
    """Requests to the worker, the last of which has to give `wanted`."""

    requests: tuple[Mapping[str, Any], ...]
    wanted: np.ndarray
    noise: float
    """How far rounding of the inputs moves what is wanted."""


def corrections(session: Session, name: str, framework: str, checks: Sequence[Check]) -> tuple[CodeFix, ...]:
    """The nearest edits of `name`, or of what it calls, that make every check hold. Raises Failed."""
    if not checks:
        return ()
    deadline = time.monotonic() + SECONDS
    ranked: list[tuple[float, int, Definition, Edit]] = []
    for depth, definition in enumerate(reached(session.prepared, name, framework)):
        ranked += [(e.cost + 0.05 * depth, len(ranked) + i, definition, e) for i, e in enumerate(edits(definition))]
    ranked.sort(key=lambda r: r[:2])
    found: list[CodeFix] = []
    first = min(checks, key=lambda c: c.wanted.size)
    waiting = iter(ranked)
    best = float("inf")
    while (batch := list(islice(waiting, AT_ONCE))) and time.monotonic() < deadline and len(found) < SHOWN:
        for cost, _, definition, edit in _holding(session, batch, first):
            if cost > best + FARTHER:
                return tuple(found)
            text = definition.applied(edit.changes)
            if len(found) < SHOWN and all(_holds(session, text, c) for c in checks):
                best = min(best, cost)
                found.append(_fix(session, definition, edit))
        if batch[-1][0] > best + FARTHER:
            break
    return tuple(found)


def reached(prepared: Sequence[Prepared], name: str, framework: str) -> Iterator[Definition]:
    """The definition of a function or class, then those that it uses, nearest first."""
    known: dict[str, tuple[Prepared, ast.stmt]] = {}
    for entry in prepared:
        for node in entry.tree.body if entry.tree is not None and not entry.skipped else ():
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                known[node.name] = (entry, node)
    waiting, seen = [name], set[str]()
    while waiting:
        current = waiting.pop(0)
        if current in seen or current not in known:
            continue
        seen.add(current)
        entry, node = known[current]
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        text = "\n".join(entry.source.split("\n")[first - 1 : node.end_lineno])
        try:
            yield Definition(current, entry.cell.index, first, text, framework)
        except SyntaxError:
            continue
        waiting += [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]


def _holding(
    session: Session, batch: Sequence[tuple[float, int, Definition, Edit]], check: Check
) -> Iterator[tuple[float, int, Definition, Edit]]:
    texts = [definition.applied(edit.changes) for _, _, definition, edit in batch]
    for entry, answer in zip(batch, _ask(session, texts, check), strict=True):
        if _equal(answer, check):
            yield entry


def _holds(session: Session, text: str, check: Check) -> bool:
    return _equal(_ask(session, [text], check)[0], check)


def _ask(session: Session, texts: Sequence[str], check: Check) -> list[Mapping[str, Any]]:
    answer = session.ask("under", texts=list(texts), requests=[dict(r) for r in check.requests])
    found = answer.get("answers")
    if not isinstance(found, list) or len(found) != len(texts):
        raise Failed("the worker's answer cannot be read")
    return [a if isinstance(a, dict) else {} for a in found]


def _equal(answer: Mapping[str, Any], check: Check) -> bool:
    value = answer.get("value")
    if not isinstance(value, np.ndarray) or np.squeeze(value).shape != np.squeeze(check.wanted).shape:
        return False
    like = str(answer.get("like", "")).split(" ")[-1]
    return compare_arrays(check.wanted, value, roundoff((like, value.dtype.name)), check.noise).outcome == "equal"


def _fix(session: Session, definition: Definition, edit: Edit) -> CodeFix:
    changes = sorted(edit.changes, key=lambda c: c.start)
    rows = [definition.row(c.start) for c in changes]
    text = definition.text
    start = text.rfind("\n", 0, changes[0].start) + 1
    stop = text.find("\n", changes[-1].end)
    stop = len(text) if stop < 0 else stop
    after = definition.applied(changes)
    end = len(after) - (len(text) - stop)
    return CodeFix(
        edit.what, definition.name, definition.cell, session.position_line(definition.cell, rows[0]),
        tuple(text[start:stop].split("\n")), tuple(after[start:end].split("\n")),
        tuple(session.position_line(definition.cell, r) for r in dict.fromkeys(rows)),
        edit.group.startswith(("name ", "exchanged", "layer ")),
        edit.group.startswith("power ") or bool(re.fullmatch(r"number \d+ -?\d+", edit.group)),
    )  # fmt: skip


def located(fixes: Sequence[CodeFix]) -> str:
    """The first place where the code parts from the formula, in words; empty if none is known."""
    if not fixes:
        return ""
    lines = fixes[0].lines
    place = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(map(str, lines))}"
    return f"{fixes[0].what} ({place})"
