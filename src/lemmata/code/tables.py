"""Tables that code fills, such as positional encodings, against a formula for their elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from msgspec import Struct

from lemmata.code.agreement import Comparison, compare_arrays, roundoff
from lemmata.code.names import fits, leaf_names
from lemmata.code.pieces import Piece, program, source
from lemmata.code.symbols import NEAR, frontier, inputs
from lemmata.code.target import CannotLower, Equation
from lemmata.verify.verdict import Counterexample

ROWS, WIDTHS = 9, (6, 8)
"""Rows and columns of the tables that the code is asked for."""
Run = Callable[[str, Mapping[str, np.ndarray]], "tuple[np.ndarray, str] | None"]


class Table(Struct, frozen=True):
    """A table of the code beside the formula for its elements."""

    comparison: Comparison
    evidence: str
    bound: tuple[str, ...]
    example: Counterexample
    displaced: bool = False
    """The table is the formula's with its rows or columns numbered or ordered otherwise."""


def tables(equation: Equation, piece: Piece, run: Run) -> Iterator[Table]:
    """The code's tables of two sizes against the formula; nothing where the piece is no such table."""
    owner = piece.owner.split(".")
    called = max(fits(equation.names, (n,)) for n in (piece.name, *owner))
    if len(equation.places) != 2 or called < NEAR:
        return
    letters = [key for key, _, _ in equation.places]
    names: dict[str, str] = {}
    opened = frontier(piece, everything=True)
    for atom in equation.atoms:
        best = max(((fits(atom.names, leaf_names(n, piece)), n) for n in opened), default=(0.0, ""))
        if atom.key not in letters and best[0] >= NEAR:
            names[atom.key] = best[1]
    if [a for a in equation.atoms if a.key not in letters and a.key not in names] or len(names) != 1:
        return
    lengths = [n for n in opened if n not in names.values() and n in inputs(piece, opened)]
    made = program(piece, frozenset((*names.values(), *lengths)))
    if made is None or len(lengths) > 1:
        return
    defaults = {n: d for n, d in piece.parameters.items() if n in made.needs and d is not None}
    text = source(piece, made, sorted((*names.values(), *lengths)), defaults)
    try:
        target = equation.typed({a.key: 0 for a in equation.atoms})
    except CannotLower:
        return
    for width in WIDTHS:
        given = {n: np.asarray(width) for n in names.values()} | {n: np.asarray(ROWS) for n in lengths}
        answer = run(text, given)
        if answer is None:
            return
        whole = np.squeeze(answer[0])
        if whole.ndim != 2 or whole.shape[1] != width or len(whole) < 4:
            return
        found = _against(equation, target.evaluate, whole, width, names, answer[1])
        if found is not None:
            yield found


def _against(
    equation: Equation,
    evaluate: Callable[[Mapping[str, np.ndarray]], np.ndarray],
    whole: np.ndarray,
    width: int,
    names: Mapping[str, str],
    like: str,
) -> Table | None:
    (row, times, plus), (column, factor, addend) = equation.places
    points, formula, code = [], [], []
    rows = min(len(whole), ROWS)

    def entry(pos: int, i: int) -> float:
        return float(evaluate({row: np.asarray(pos), column: np.asarray(i)} | {k: np.asarray(width) for k in names}))

    for pos in range(rows):
        for i in range(width):
            at = times * pos + plus, factor * i + addend
            if not (0 <= at[0] < len(whole) and 0 <= at[1] < width):
                continue
            try:
                value = entry(pos, i)
            except (CannotLower, ArithmeticError, ValueError, TypeError):
                return None
            points.append((pos, i))
            formula.append(value)
            code.append(float(whole[at]))
    if len(points) < 8:
        return None
    compared = compare_arrays(np.asarray(formula), np.asarray(code), roundoff((whole.dtype.name,)), 0.0)
    latex = {a.key: a.latex for a in equation.atoms}
    worst = compared.where[0] if compared.where else 0
    pos, i = points[worst]
    example = Counterexample(
        sizes={latex[k]: width for k in names},
        values={latex[row]: pos, latex[column]: i},
        left=formula[worst],
        right=code[worst],
        note="formula against the table",
    )
    bound = tuple(f"{latex[k]} is {n}" for k, n in names.items())
    evidence = (
        f"{len(points)} elements of a table of {len(whole)} × {width}: largest difference {compared.difference:.2g}"
    )
    displaced = False
    if compared.outcome == "differ" and equation.places[0][1:] == equation.places[1][1:] == (1, 0):
        try:
            displaced = _displaced(entry, whole[:rows])
        except (CannotLower, ArithmeticError, ValueError, TypeError):
            displaced = True
    return Table(compared, f"{evidence} ({like})", bound, example, displaced)


def _displaced(entry: Callable[[int, int], float], whole: np.ndarray) -> bool:
    """Whether the table is the formula's with rows or columns counted from 1, or with its columns in another order."""
    rows, width = whole.shape
    wanted = np.array([[entry(pos, i) for i in range(width + 1)] for pos in range(rows + 1)])
    eps = roundoff((whole.dtype.name, "float32"))
    for first, start in ((0, 0), (0, 1), (1, 0), (1, 1)):
        left = list(whole.T)
        for column in wanted[first : first + rows, start : start + width].T:
            at = next((k for k, other in enumerate(left) if np.allclose(column, other, atol=32 * eps * rows)), None)
            if at is None:
                break
            left.pop(at)
        if not left:
            return True
    return False
