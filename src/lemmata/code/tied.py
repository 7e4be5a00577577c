"""Code whose names the prose explains, against the formulas: “`F` holds $F^T$, `Q` the diagonal of $P^{-1}$”."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, cast

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.agreement import Comparison, compare_arrays, roundoff
from lemmata.code.equations import EquationChecks
from lemmata.code.names import called_as, fits, leaf_names
from lemmata.code.pieces import Piece, Program, program, source, writers
from lemmata.code.purposes import another, converts, speaks_of_units
from lemmata.code.shapes import choose_sizes, describe, lengths
from lemmata.code.symbols import frontier, inputs
from lemmata.code.target import CannotLower, CodeFinding, Equation, Target
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

TRIALS = 3
SHAKEN = 8.0
"""By how much more than the formula's own the rounding of code that inverts matrices is counted."""
HELD: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "transpose": np.transpose, "diagonal": np.diag, "inverse": np.linalg.inv, "log": np.log, "root": np.sqrt,
    "square": np.square, "reciprocal": np.reciprocal, "negative": np.negative,
}  # fmt: skip


class Tie(Target, Protocol):
    name: str
    operation: str
    equation: Equation
    symbol: str


class Tied(Target, Protocol):
    equation: Equation
    ties: tuple[Tie, ...]
    structures: Mapping[str, frozenset[str]]
    summand: bool


class Fitting(Struct, frozen=True):
    """Which names of a piece hold what."""

    piece: Piece
    program: Program
    symbols: Mapping[str, str]
    """Key of the atom to the name that is it."""
    ties: tuple[Tie, ...]
    """Names that hold something made from the symbols."""
    head: Tie | None
    """What the piece's own name holds, if it is not the left side itself."""


def judged(checks: EquationChecks, targets: Sequence[Target], found: Sequence[CodeFinding]) -> Iterator[CodeFinding]:
    """Findings about equations that the prose ties to the code, where their names alone do not."""
    settled = {f.target for f in found if f.verdict.kind != "unchecked"}
    for target in targets:
        if target.kind != "tied":
            continue
        stated = cast(Tied, target)
        if stated.equation.key in settled and not stated.summand:
            continue
        pieces = _increments(checks.pieces) if stated.summand else checks.pieces
        for piece in pieces:
            fitting = _fitting(stated, piece)
            finding = _judge(stated, fitting, checks) if fitting is not None else None
            if finding is not None:
                yield finding
                break


def _increments(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """What loops of functions add up and return without doing more to it."""
    for piece in pieces:
        value = piece.value
        match value:
            case ast.BinOp(left=ast.Name(id=name), op=ast.Add(), right=added) if name == piece.name and piece.owner:
                pass
            case _:
                continue
        ends = [p for p in pieces if p.owner == piece.owner and p.cell == piece.cell and p.returned]
        sums = [p for p in pieces if p.owner == piece.owner and p.cell == piece.cell and p.name == piece.name]
        later = [p for p in sums if p.line > piece.line]
        if len(ends) == 1 and isinstance(ends[0].value, ast.Name) and ends[0].value.id == piece.name and not later:
            yield replace(piece, value=added, name=piece.owner.rsplit(".", 1)[-1])


def _fitting(stated: Tied, piece: Piece) -> Fitting | None:
    equation = stated.equation
    head = None
    if stated.summand:
        if not called_as(equation.names, piece.name):
            return None
    else:
        head = next((t for t in stated.ties if t.name == piece.name and _of(t, equation)), None)
        if head is None and fits(equation.names, leaf_names(piece.name, piece)) < 0.95:
            return None
    if equation.order >= piece.order:
        return None
    atoms = {a.latex: a.key for a in equation.atoms}
    known = {t.name: t for t in stated.ties if {a.latex for a in t.equation.atoms} <= set(atoms) and not t.symbol}
    exact = {t.name: atoms[t.symbol] for t in stated.ties if t.symbol in atoms}
    exact |= {n: k for n, k in ((t.name, _atom(equation, t)) for t in stated.ties) if k}

    def chosen(name: str) -> bool:
        return name in known or name in exact or any(
            fits(a.names, leaf_names(name, piece)) >= 0.95 for a in equation.atoms
        )  # fmt: skip

    leaves = _leaves(piece, chosen)
    symbols: dict[str, str] = {}
    ties: list[Tie] = []
    given = [n for n in leaves if n in piece.parameters and chosen(n)]
    for name in dict.fromkeys((*inputs(piece, leaves), *given)):
        if name in known:
            ties.append(known[name])
            continue
        best = max((fits(a.names, leaf_names(name, piece)), a.key) for a in equation.atoms)
        key = exact.get(name) or (best[1] if best[0] >= 0.95 else "")
        if not key or key in symbols:
            return None
        symbols[key] = name
    if not (ties or head is not None or stated.summand) or not (symbols or ties):
        return None
    open_ = {a.key for a in equation.atoms} - set(symbols)
    reached = {atoms[a.latex] for t in ties for a in t.equation.atoms}
    made = program(piece, frozenset((*symbols.values(), *(t.name for t in ties))))
    if made is None or not open_ <= reached:
        return None
    return Fitting(piece, made, symbols, tuple(ties), head)


def _leaves(piece: Piece, chosen: Callable[[str], bool]) -> list[str]:
    """What the piece rests on, traced back to the chosen names."""
    opened: set[str] = set()
    while True:
        found = frontier(piece, opened)
        more = {n for n in found if not chosen(n) and n not in opened and writers(piece, n)}
        if not more:
            return found
        opened |= more


def _of(tie: Tie, equation: Equation) -> bool:
    """Whether a tie speaks of the left side alone: `F` holds $F^T$."""
    return len(tie.equation.atoms) == 1 and tie.equation.atoms[0].latex == equation.latex and not tie.symbol


def _atom(equation: Equation, tie: Tie) -> str:
    """The atom that was put in for the tie's expression."""
    return next((a.key for a in equation.atoms if tie.name in a.names[:1] and a.latex == tie.latex), "")


def _judge(stated: Tied, fitting: Fitting, checks: EquationChecks) -> CodeFinding | None:
    equation, piece = stated.equation, fitting.piece
    ranks = {a.key: a.rank for a in equation.atoms}
    try:
        target = equation.typed(ranks)
        parts = {t.name: t.equation.typed(_ranks(t.equation, equation, ranks)) for t in fitting.ties}
        whole = None if fitting.head is None else fitting.head.equation.typed(
            {fitting.head.equation.atoms[0].key: 2 if any(r == 2 for r in ranks.values()) else max(ranks.values())}
        )  # fmt: skip
    except CannotLower:
        return None
    parameters = list(target.parameters)
    if {p.key for p in parameters} - set(ranks):
        return None
    latex = {a.key: a.latex for a in equation.atoms}
    diagonal = {latex[k] for t in fitting.ties if t.operation == "diagonal" for k in latex
                if latex[k] in {a.latex for a in t.equation.atoms}}  # fmt: skip
    outcomes: list[Comparison] = []
    evidence: list[str] = []
    example: tuple[dict[str, np.ndarray], Comparison] | None = None
    rng = np.random.default_rng([checks.seed, 23])
    sizes_ = choose_sizes(parameters, TRIALS, rng) or [{}]
    for kinds in _choices(stated.structures, latex, diagonal):
        for number, sizes in enumerate((*sizes_, *sizes_[-1:] * (TRIALS - len(sizes_)))):
            values = {p.key: _drawn(lengths(p, sizes), kinds[latex[p.key]], rng) for p in parameters}
            for key, value in values.items():
                if number == 0 and value.ndim < 2 or latex[key].lstrip("\\").startswith("|"):
                    values[key] = np.asarray(np.abs(value))
            try:
                wanted = np.asarray(target.evaluate(values), dtype=float)
                moved = _moved(target, values, wanted, rng)
                if whole is not None and fitting.head is not None:
                    wanted = _held(fitting.head, whole.evaluate({whole.parameters[0].key: wanted}))
                given = {n: values[k] for k, n in fitting.symbols.items()}
                for tie in fitting.ties:
                    own = {a.key: values[next(k for k in latex if latex[k] == a.latex)] for a in tie.equation.atoms}
                    given[tie.name] = _held(tie, np.asarray(parts[tie.name].evaluate(own), dtype=float))
            except (CannotLower, ArithmeticError, ValueError, StopIteration):
                return None
            defaults = {n: d for n, d in piece.parameters.items() if n in fitting.program.needs and d is not None}
            answer = checks.ask(source(piece, fitting.program, sorted(given), defaults), given)
            if answer is None:
                return None
            if not np.all(np.isfinite(wanted)):
                continue
            eps = roundoff((answer[1].split(" ")[1], answer[0].dtype.name))
            outcomes.append(compare_arrays(wanted, answer[0], eps, SHAKEN * moved * eps / np.finfo(float).eps))
            shapes = ", ".join(f"{latex[p.key]} {describe(values[p.key].shape)}" for p in parameters)
            evidence.append(f"{shapes}: largest difference {outcomes[-1].difference:.2g} ({answer[1]})")
            if outcomes[-1].outcome == "differ" and (example is None or _entries(values) < _entries(example[0])):
                example = {latex[k]: v for k, v in values.items()}, outcomes[-1]
    return _told(stated, fitting, outcomes, evidence, example, checks)


def _entries(values: Mapping[str, np.ndarray]) -> int:
    return sum(v.size for v in values.values())


def _ranks(part: Equation, equation: Equation, ranks: Mapping[str, int]) -> dict[str, int]:
    by_latex = {a.latex: ranks[a.key] for a in equation.atoms}
    return {a.key: by_latex[a.latex] for a in part.atoms}


def _choices(
    said: Mapping[str, frozenset[str]], latex: Mapping[str, str], diagonal: set[str]
) -> Iterator[dict[str, str]]:
    """Structures of the matrices to try: what words beside each of them may say of it, one after the other."""
    options = {x: ["diagonal"] if x in diagonal else sorted(said.get(x, ())) or ["general"] for x in latex.values()}
    for at in range(max(map(len, options.values()), default=1)):
        yield {x: kinds[min(at, len(kinds) - 1)] for x, kinds in options.items()}


def _drawn(shape: tuple[int, ...], kind: str, rng: np.random.Generator) -> np.ndarray:
    values = np.round(rng.normal(size=shape), 3)
    if len(shape) != 2 or shape[0] != shape[1]:
        return np.asarray(values)
    n = shape[0]
    if kind == "orthogonal":
        return np.asarray(np.linalg.qr(values)[0])
    if kind == "symmetric":
        return np.asarray(values @ values.T + np.eye(n))
    if kind == "diagonal":
        return np.diag(np.round(rng.uniform(0.5, 2.0, size=n), 3))
    if kind in ("lower", "upper"):
        values = np.tril(values, -1) + np.diag(np.round(rng.uniform(0.8, 2.0, size=n), 3))
        return np.asarray(values if kind == "lower" else values.T)
    return np.asarray(values + 2 * np.eye(n))


def _held(tie: Tie, value: np.ndarray) -> np.ndarray:
    """What the name holds of the expression's value. Raises ValueError."""
    if tie.operation == "diagonal" and (value.ndim != 2 or value.shape[0] != value.shape[1]):
        raise ValueError("no square matrix")
    with np.errstate(all="ignore"):
        return np.asarray(HELD[tie.operation](value) if tie.operation else value, dtype=float)


def _moved(target: Target, values: Mapping[str, np.ndarray], exact: np.ndarray, rng: np.random.Generator) -> float:
    """How far the formula's value moves when the inputs are off by a rounding of double precision."""
    eps = float(np.finfo(float).eps)
    other = target.evaluate({k: v * (1 + eps * rng.uniform(-1, 1, v.shape)) for k, v in values.items()})
    return float(np.max(np.abs(other - exact), initial=0.0)) + eps * float(np.max(np.abs(exact), initial=0.0))


def _told(
    stated: Tied, fitting: Fitting, outcomes: Sequence[Comparison], evidence: Sequence[str],
    example: tuple[dict[str, np.ndarray], Comparison] | None, checks: EquationChecks,
) -> CodeFinding | None:  # fmt: skip
    equation, piece = stated.equation, fitting.piece
    by_key = {a.key: a.latex for a in equation.atoms}
    bound = [f"{by_key[k]} is {n}" for k, n in fitting.symbols.items()]
    bound += [f"{t.name} holds {'the ' + t.operation + ' of ' if t.operation else ''}{t.latex}, as the text says"
              for t in (*fitting.ties, *([fitting.head] if fitting.head else []))]  # fmt: skip
    what = "adds up the terms of the sum" if stated.summand else "computes the right side"
    kinds = {o.outcome for o in outcomes}
    if kinds == {"equal"} and _often(outcomes, "equal"):
        verdict = Verdict("verified", f"line {piece.line} {what}", "code on fresh inputs", tuple(evidence))
    elif (
        kinds - {"broken"} == {"differ"}
        and _often(outcomes, "differ")
        and not all(o.slight for o in outcomes)
        and _sure(fitting, equation, checks)
    ):
        assert example is not None
        values, compared = example
        counter = Counterexample(
            sizes={}, values={k: shown(v) for k, v in values.items()}, left=compared.left, right=compared.right,
            where=f"component {list(compared.where)}" if compared.where else "",
            note=f"formula against line {piece.line}",
        )  # fmt: skip
        side = "the term of the sum" if stated.summand else "the right side"
        reason = (
            f"line {piece.line} computes `{piece.written}`, which is not {side} (the text says what the names hold)"
        )
        verdict = Verdict("refuted", reason, "code on fresh inputs", tuple(evidence), counter)
    else:
        return None
    return CodeFinding(stated.key, verdict, piece.cell, piece.owner or piece.name, piece.line, tuple(bound))


def _often(outcomes: Sequence[Comparison], kind: str) -> bool:
    return sum(o.outcome == kind for o in outcomes) > 1


def _sure(fitting: Fitting, equation: Equation, checks: EquationChecks) -> bool:
    """Whether nothing but the named things takes part, and no equation is open to another reading."""
    if another(fitting.piece) or converts(fitting.piece, fitting.program, equation.numbers):
        return False
    return (
        not equation.ambiguous and not speaks_of_units(equation.text) and checks.closed(fitting.piece, fitting.program)
    )
