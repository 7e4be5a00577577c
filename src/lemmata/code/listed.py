"""Lists given member by member against the arrays that code makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, cast

import numpy as np

from lemmata.code.agreement import Comparison, compare_arrays, roundoff
from lemmata.code.equations import EquationChecks
from lemmata.code.names import fits, leaf_names
from lemmata.code.pieces import Piece, program, source, writers
from lemmata.code.spelling import match
from lemmata.code.symbols import frontier, inputs
from lemmata.code.target import Atom, CannotLower, CodeFinding, Equation, Target
from lemmata.verify.verdict import Counterexample, Verdict

NUMBERS = ((8, 3.5), (12, 7.25), (24, 2.5))
"""What symbols that the number of members depends on are, and what others are, give or take."""
FREQUENCY = re.compile(r"frequenc|频率")


class Listed(Target, Protocol):
    equation: Equation
    letter: str
    first: int
    last: object
    free: Sequence[Atom]


def judged(checks: EquationChecks, targets: Sequence[Target], found: Sequence[CodeFinding]) -> Iterator[CodeFinding]:
    """Arrays that are called as the members of a list, against the formula for these, at several lengths."""
    for target in targets:
        if target.kind != "list":
            continue
        for piece in checks.pieces:
            finding = _judge(cast(Listed, target), piece, checks)
            if finding is not None:
                yield finding
                break


def called(target: Target, piece: Piece, text: str) -> bool:
    """Whether a word of the piece's name is the name of the members: rope_thetas; inv_freq where text says so."""
    words = re.split(r"_|(?<=[a-z])(?=[A-Z])", piece.name)
    plain = [*words, *(w[:-1] for w in words if len(w) > 3 and w.endswith("s"))]
    if any(len(w) > 1 and match(target.names, w) >= 0.9 for w in plain) or match(target.names, piece.name) >= 0.95:
        return True
    return bool(FREQUENCY.search(text.lower())) and any(w.lower() in ("freq", "frequency", "frequencie") for w in plain)


def _judge(target: Listed, piece: Piece, checks: EquationChecks) -> CodeFinding | None:
    equation = target.equation
    if equation.order >= piece.order or equation.ambiguous or not called(target, piece, equation.text):
        return None
    free = list(target.free)
    opened: set[str] = set()
    while True:
        leaves = frontier(piece, opened)
        more = {n for n in leaves if n not in opened and writers(piece, n)
                and max((fits(a.names, leaf_names(n, piece)) for a in free), default=0.0) < 0.9}  # fmt: skip
        if not more:
            break
        opened |= more
    names: dict[str, str] = {}
    sure = bool(free)  # an array of numbers alone may be another one of that name
    given = [n for n in leaves if n in inputs(piece, leaves) or n in piece.parameters]
    for atom in free:
        best = max(
            ((fits(atom.names, leaf_names(n, piece)), n) for n in given if n not in names.values()), default=None
        )
        if best is not None and best[0] >= 0.9:
            names[atom.latex] = best[1]
            sure = sure and best[0] >= 0.95
    open_ = [a for a in free if a.latex not in names]
    spare = [n for n in inputs(piece, leaves) if n not in names.values()]
    if len(open_) == len(spare) == 1:
        names[open_[0].latex], sure = spare[0], False
    elif open_ or spare:
        return None
    made = program(piece, frozenset(names.values()))
    if made is None:
        return None
    defaults = {n: d for n, d in piece.parameters.items() if n in made.needs and d is not None}
    text = source(piece, made, sorted(names.values()), defaults)
    counted = set() if isinstance(target.last, int) else {a.latex for a in cast(Equation, target.last).atoms}
    results: list[tuple[Comparison, Mapping[str, object], str]] = []
    for size, other in NUMBERS if free else NUMBERS[:1]:
        values = {a.latex: np.asarray(size if a.latex in counted else other + 0.25 * at) for at, a in enumerate(free)}
        try:
            wanted = target.evaluate(values)
        except (CannotLower, ArithmeticError, ValueError, KeyError):
            return None
        answer = checks.ask(text, {names[a.latex]: values[a.latex] for a in free})
        if answer is None or np.squeeze(answer[0]).shape != wanted.shape or len(wanted) < 2:
            return None
        array = np.squeeze(answer[0])
        eps = roundoff((array.dtype.name,))
        compared = compare_arrays(wanted, array, eps, 8 * eps * float(np.max(np.abs(wanted))))
        if compared.outcome == "differ" and _reordered(target, wanted, array, values):
            return None
        results.append((compared, {k: v.item() for k, v in values.items()}, answer[1]))
    return _told(target, piece, names, results, sure and checks.closed(piece, made))


def _reordered(target: Listed, wanted: np.ndarray, array: np.ndarray, values: Mapping[str, np.ndarray]) -> bool:
    """Whether the array has the members in another order, or numbered from the number before or after."""
    scale = 1e-5 * float(np.max(np.abs(wanted)))
    if np.allclose(np.sort(wanted), np.sort(array), atol=scale):
        return True
    member = target.equation.typed({a.key: 0 for a in target.equation.atoms})
    fixed = {a.key: values[a.latex] for a in target.equation.atoms if a.key != target.letter}
    for shift in (-1, 1):
        try:
            other = [float(member.evaluate({**fixed, target.letter: np.asarray(target.first + shift + k)}))
                     for k in range(len(wanted))]  # fmt: skip
        except (CannotLower, ArithmeticError, ValueError):
            continue
        if np.allclose(other, array, atol=scale):
            return True
    return False


def _told(
    target: Listed, piece: Piece, names: Mapping[str, str],
    results: Sequence[tuple[Comparison, Mapping[str, object], str]], sure: bool,
) -> CodeFinding | None:  # fmt: skip
    where = piece.owner or piece.name
    bound = (f"{target.latex} is {piece.name}", *(f"{latex} is {n}" for latex, n in names.items()))
    evidence = tuple(
        f"{', '.join(f'{k} = {v}' for k, v in values.items())}: largest difference {c.difference:.2g} ({like})"
        for c, values, like in results
    )
    outcomes = {c.outcome for c, _, _ in results}
    if outcomes == {"equal"}:
        reason = f"line {piece.line} makes the list that the formula gives"
        verdict = Verdict("verified", reason, "code on fresh inputs", evidence)
    elif outcomes == {"differ"} and sure and not all(c.slight for c, _, _ in results):
        compared, values, _ = results[0]
        example = Counterexample(
            values=dict(values), left=compared.left, right=compared.right,
            where=f"component {list(compared.where)}", note=f"formula against line {piece.line}",
        )  # fmt: skip
        verdict = Verdict(
            "refuted", f"line {piece.line} makes another list than the formula gives", "code on fresh inputs", evidence,
            example,
        )  # fmt: skip
    else:
        return None
    return CodeFinding(target.key, verdict, piece.cell, where, piece.line, bound)
