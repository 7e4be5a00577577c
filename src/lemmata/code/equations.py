"""Equations against the instructions that carry them out: state updates, method bodies, scripts of several lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lemmata.code.agreement import Comparison, compare_arrays, noise, roundoff
from lemmata.code.pieces import Piece, module, pieces, source
from lemmata.code.session import Failed, Session
from lemmata.code.shapes import choose_sizes, describe, lengths
from lemmata.code.symbols import Binding, bindings
from lemmata.code.target import Atom, CannotLower, CodeFinding, Equation, Target
from lemmata.verify.verdict import Verdict

TRIALS = 3


@dataclass(frozen=True)
class Outcome:
    binding: Binding
    comparison: Comparison
    sizes: Mapping[str, int]
    values: Mapping[str, np.ndarray]
    evidence: str


@dataclass
class EquationChecks:
    """Judges equations against the pieces of one session's code."""

    session: Session
    seed: int = 0
    pieces: tuple[Piece, ...] = field(init=False)
    absent: frozenset[str] = frozenset()
    """Names of libraries that are not installed."""

    def __post_init__(self) -> None:
        self.pieces = pieces(self.session.prepared)

    def findings(self, equations: Sequence[Equation]) -> Iterator[CodeFinding]:
        """What the code says of these equations, once for each function and place. Raises Failed."""
        if not equations or not self.pieces:
            return
        self.absent = frozenset(self.session.ask("prelude", **prelude(self.session))["absent"])
        for equation in equations:
            seen: set[tuple[int, str]] = set()
            for piece in self.pieces:
                if (piece.cell, piece.owner) in seen:
                    continue
                found = self.judge(equation, piece)
                if found is not None:
                    seen.add((piece.cell, piece.owner))
                    yield found

    def judge(self, equation: Equation, piece: Piece) -> CodeFinding | None:
        """What a piece of code says about an equation; None if they seem to have nothing to do with each other."""
        for binding in bindings(equation, piece):
            outcomes = self.compare(binding)
            if outcomes is None:
                continue
            kinds = {o.comparison.outcome for o in outcomes}
            if kinds == {"equal"}:
                return self.verified(binding, outcomes)
        return None

    def verified(self, binding: Binding, outcomes: Sequence[Outcome]) -> CodeFinding:
        where = binding.piece.owner or binding.piece.name
        what = f"line {binding.piece.line}" + (f" of {where}" if binding.piece.owner else "")
        reason = f"{what} computes the right side"
        if binding.constants:
            reason += " with " + ", ".join(t for t in binding.told if " = " in t)
        verdict = Verdict("verified", reason, "code on fresh inputs", tuple(o.evidence for o in outcomes))
        piece, bound = binding.piece, [f"{binding.equation.latex} is {binding.piece.name}", *binding.told]
        alien = sorted(self.absent & binding.used)
        bound += [f"{name} is not installed: its functions are taken to be what their names say" for name in alien]
        return CodeFinding(binding.equation.key, verdict, piece.cell, where, piece.line, tuple(bound))

    def compare(self, binding: Binding) -> list[Outcome] | None:
        """Both sides on fresh inputs of several sizes; None where they cannot be had."""
        for ranks in _ranks(binding.equation):
            try:
                target = binding.equation.typed(ranks)
            except CannotLower:
                continue
            outcomes = self._trials(binding, target)
            if outcomes:
                return outcomes
        return None

    def _trials(self, binding: Binding, target: Target) -> list[Outcome]:
        """Both sides at several sizes, on positive numbers and, where the formula has a value, on any."""
        parameters = list(target.parameters)
        if {p.key for p in parameters} - {a.key for a in binding.equation.atoms}:
            return []  # a function of the document that it leaves open
        rng = np.random.default_rng([self.seed, 19])
        found: list[Outcome] = []
        tried = choose_sizes(parameters, TRIALS, rng) or [{}]
        for sizes in (*tried, *tried[-1:] * (TRIALS - len(tried))):
            for positive in (True, False):
                values = {p.key: _draw(binding, p.key, lengths(p, sizes), rng, positive) for p in parameters}
                outcome = self._once(binding, target, sizes, values)
                if isinstance(outcome, Outcome):
                    found.append(outcome)
                elif positive or outcome == "code":
                    return []
        return found

    def _once(
        self, binding: Binding, target: Target, sizes: Mapping[str, int], values: Mapping[str, np.ndarray]
    ) -> Outcome | str:
        """A comparison, or which side has no value there."""
        try:
            formula = np.asarray(target.evaluate(_numbered(binding, values)), dtype=float)
        except (CannotLower, ArithmeticError, ValueError):
            return "formula"
        if not np.all(np.isfinite(formula)):
            return "formula"
        answer = self._run(binding, values)
        if answer is None:
            return "code"
        code, like = answer
        eps = roundoff((like.split(" ")[1], code.dtype.name))
        result = compare_arrays(formula, code, eps, noise(target, _numbered(binding, values), formula, eps))
        shapes = ", ".join(f"{p.latex} {describe(values[p.key].shape)}" for p in target.parameters)
        return Outcome(binding, result, sizes, values, f"{shapes}: largest difference {result.difference:.2g} ({like})")

    def _run(self, binding: Binding, values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, str] | None:
        names = {n: values[k] for k, n in binding.names.items()}
        found = self._call(binding, names)
        if found is None and max((v.ndim for v in names.values()), default=0) > 1:
            found = self._call(binding, {n: v[None] if v.ndim else v for n, v in names.items()})
        return found

    def _call(self, binding: Binding, names: Mapping[str, np.ndarray]) -> tuple[np.ndarray, str] | None:
        text = source(binding.piece, binding.program, sorted(names), binding.defaults)
        likes = ["torch float64", "numpy float64", "torch float32"]
        try:
            answer = self.session.ask("piece", source=text, values=dict(names), likes=likes)
        except Failed:
            if not self.session.alive:
                raise
            return None
        value, like = answer.get("value"), answer.get("like")
        return (value, str(like)) if isinstance(value, np.ndarray) else None


def prelude(session: Session) -> dict[str, list[str]]:
    """Imports and plain definitions of the cells, as text; those of cells that run come first."""
    imports: list[str] = []
    definitions: list[str] = []
    entries = sorted(session.prepared, key=lambda e: bool(e.skipped))
    for entry in entries:
        tree = module(entry)
        for node in ast.walk(tree) if tree is not None and entry.cell.executable else ():
            if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0):
                imports += [ast.unparse(n) for n in _single(node)]
        failed = any(r.index == entry.cell.index and r.error is not None for r in session.results)
        for statement in tree.body if tree is not None and failed else ():
            plain = isinstance(statement, ast.Assign) and _literal(statement.value)
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) or plain:
                definitions.append(ast.unparse(statement))
    return {"imports": list(dict.fromkeys(imports)), "definitions": definitions}


def _single(node: ast.Import | ast.ImportFrom) -> Iterator[ast.stmt]:
    """An import of several names as one import each."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield ast.Import([alias])
        elif alias.name != "*":
            yield ast.ImportFrom(node.module, [alias], 0)


def _literal(value: ast.expr) -> bool:
    return all(isinstance(n, (ast.Constant, ast.Tuple, ast.UnaryOp, ast.USub, ast.Load)) for n in ast.walk(value))


def _ranks(equation: Equation) -> Iterator[dict[str, int]]:
    """Numbers of axes to try: as written, and everything a number where nothing is a matrix or has an index."""
    written = {a.key: a.rank for a in equation.atoms}
    yield written
    if max(written.values(), default=0) > 1:
        vectors = {a.key: 1 if _letter(a) else a.rank for a in equation.atoms}
        if vectors != written:
            yield vectors
    if any(written.values()) and all(a.rank <= 1 for a in equation.atoms) and not equation.indices:
        yield {a.key: 0 for a in equation.atoms}


def _letter(atom: Atom) -> bool:
    """A letter that may stand for a vector."""
    return atom.rank == 0 and not atom.whole and not atom.norm and not _counts(atom) and atom.latex[:1].islower()


def _draw(binding: Binding, key: str, shape: tuple[int, ...], rng: np.random.Generator, positive: bool) -> np.ndarray:
    if key in binding.constants:
        return np.asarray(binding.constants[key])
    atom = next(a for a in binding.equation.atoms if a.key == key)
    if atom.whole:
        return np.asarray(int(rng.integers(0, 2)))
    if _counts(atom):
        return np.asarray(int(rng.integers(2, 7)))
    drawn = np.round(rng.normal(size=shape), 3)
    return np.asarray(np.abs(drawn) * 0.5 + 0.1 if positive or atom.norm else drawn)


def _numbered(binding: Binding, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The values as the formula has them: where it counts elements from 1, indices are one more than in the code."""
    chosen = {a.key for a in binding.equation.atoms if a.whole}
    return {k: v + binding.equation.origin if k in chosen else v for k, v in values.items()}


def _counts(atom: Atom) -> bool:
    return atom.whole or atom.rank == 0 and atom.latex in ("t", "pos", "i", "k", "n", "m")
