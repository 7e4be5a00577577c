"""Functions and layers that make a table of positions, against the formula for its entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np

from lemmata.code.agreement import Comparison, compare_arrays, roundoff
from lemmata.code.calls import LIKES, Function
from lemmata.code.edits.search import Check, corrections, located
from lemmata.code.layers import LENGTH, MODEL, SCALES, LayerClass, building, constructor_arguments, likes
from lemmata.code.session import Failed, Session
from lemmata.code.spelling import squash
from lemmata.code.target import CannotLower, CodeFinding, CodeFix, Target
from lemmata.verify.verdict import Counterexample, Verdict

ROWS = LENGTH | frozenset(
    "position positions pos npos npositions nposition numpositions maxposition n length seqlength maxseqlength rows "
    "sequencelength maxlength".split()
)
SHAPES = ((5, 6), (7, 4), (4, 8))
"""Rows and columns that are tried on a function."""
REACH = 8.0
"""Roundings of the largest angle that a table of single precision may be off."""


class Table(Target, Protocol):
    def table(self, rows: Sequence[int], columns: int) -> np.ndarray:
        """These rows of the table. Raises CannotLower."""


def judge_table(target: Target, code: Function | LayerClass, session: Session, seed: int) -> CodeFinding:
    """Compare a function of the numbers of rows and columns, or a layer that adds its table, with the formula."""
    fixes: list[CodeFix] = []
    table = cast(Table, target)
    try:
        calls = _function(code) if isinstance(code, Function) else _layer(code)
        verdict = Verdict("unchecked", calls) if isinstance(calls, str) else _judge(table, code, calls, session, fixes)
    except Failed as failed:
        verdict = Verdict("unchecked", str(failed))
    except (CannotLower, ArithmeticError, LookupError, TypeError, ValueError) as error:
        verdict = Verdict("unchecked", f"{code.name} could not be compared: {error}")
    edits = tuple(fixes) if verdict.kind == "refuted" else ()
    return CodeFinding(target.key, verdict, code.cell, code.name, code.line, (f"{target.latex} is {code.name}",), edits)


Call = tuple[tuple[Mapping[str, Any], ...], int, int]
"""Requests, rows, columns."""


def _function(function: Function) -> list[Call] | str:
    names = function.required
    widths = [n for n in names if squash(n) in MODEL]
    rows = [n for n in names if squash(n) in ROWS and n not in widths]
    if len(names) != 2 or len(widths) != 1 or len(rows) != 1:
        return f"it is not known which arguments of {function.name} are the numbers of rows and columns"
    kinds = [like for f in function.frameworks for like in LIKES[f]]
    return [
        (({"op": "call", "name": function.name, "values": {}, "extra": {rows[0]: n, widths[0]: d}, "likes": kinds,
           "seed": 0},), n, d)
        for n, d in SHAPES
    ]  # fmt: skip


def _layer(layer: LayerClass) -> list[Call] | str:
    calls: list[Call] = []
    for scale in SCALES:
        arguments = constructor_arguments(layer, scale)
        if isinstance(arguments, str):
            return f"{layer.name}: {arguments}"
        x = np.zeros((2, 5, scale.model))
        requests = (
            {"op": "build", **building(layer, arguments, scale)},
            {"op": "forward", "handle": -1, "values": [x], "named": {}, "likes": likes(layer), "path": "", "seed": 0,
             "trace": False},
        )  # fmt: skip
        calls.append((requests, 5, scale.model))
    return calls


def _judge(
    table: Table, code: Function | LayerClass, calls: Sequence[Call], session: Session, fixes: list[CodeFix]
) -> Verdict:
    results: list[tuple[Comparison, int, int]] = []
    checks: list[Check] = []
    later = True
    for requests, rows, columns in calls:
        answer = session.ask("under", texts=["pass"], requests=[dict(r) for r in requests])["answers"][0]
        value = answer.get("value")
        if not isinstance(value, np.ndarray):
            return Verdict("unchecked", f"{code.name} could not be called: {answer.get('failed', 'no array')}")
        wanted = table.table(range(rows), columns)
        if isinstance(code, LayerClass):
            wanted, value = _batch(table, wanted, value, columns)
        eps = roundoff((value.dtype.name, "float32"))  # tables are made in single precision and converted
        moved = REACH * eps * rows
        results.append((compare_arrays(wanted, value, eps, moved), rows, columns))
        checks.append(Check(tuple(requests), wanted, moved))
        if np.squeeze(value).shape == np.squeeze(wanted).shape and value.ndim >= 2 and isinstance(code, Function):
            other = compare_arrays(table.table(range(1, rows + 1), columns), value, eps, moved)
            later = later and other.outcome == "equal"
    outcomes = {r.outcome for r, _, _ in results}
    lines = tuple(f"{n} positions × {d} features: largest difference {r.difference:.2g}" for r, n, d in results)
    if outcomes == {"equal"}:
        found = f"{code.name} computes the formula, positions counted from 0"
        return Verdict("verified", found, "code on fresh inputs", lines)
    if outcomes != {"differ"}:
        return Verdict(
            "unchecked", f"{code.name} returns another shape than positions × features, or agrees in part only"
        )
    if later and isinstance(code, Function):
        return Verdict("unchecked", f"{code.name} computes the formula with positions counted from 1")
    framework = code.frameworks[0] if isinstance(code, Function) else code.framework
    fixes += corrections(session, code.name, framework, checks)
    place = located(fixes)
    if not place and isinstance(code, LayerClass):
        return Verdict("unchecked", f"{code.name} differs from the formula, but may add something else to its input")
    worst, rows, columns = min(results, key=lambda r: r[1] * r[2])
    example = Counterexample(
        sizes={"positions": rows, "features": columns}, left=worst.left, right=worst.right,
        where=f"component {list(worst.where)}", note=f"formula against {code.name}",
    )  # fmt: skip
    reason = f"{code.name} does not compute the formula" + (f": {place}" if place else "")
    return Verdict("refuted", reason, "code on fresh inputs", lines, example)


def _batch(table: Table, wanted: np.ndarray, value: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The table for a batch of two sequences, or for sequences along the first axis if that is what the layer adds."""
    if value.shape != (2, *wanted.shape):
        return wanted, value
    if np.allclose(value[:, 0], value[:, 1]) and not np.allclose(value[0], value[1]):
        return np.repeat(table.table(range(2), columns)[:, None], wanted.shape[0], axis=1), value
    return np.stack([wanted, wanted]), value
