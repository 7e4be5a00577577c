"""Equations against the instructions that carry them out: state updates, method bodies, scripts of several lines."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lemmata.code.agreement import Comparison, compare_arrays, noise, roundoff
from lemmata.code.names import fits, leaf_names
from lemmata.code.pieces import Piece, Program, definition, module, pieces, program, reads, source
from lemmata.code.session import Failed, Session
from lemmata.code.shapes import choose_sizes, describe, lengths
from lemmata.code.target import Atom, CannotLower, CodeFinding, Equation, Target
from lemmata.verify.verdict import Verdict

NEAR = 0.6
"""From here on a name fits."""
SURE = 0.95
TRIALS = 3
DEEP = 6


@dataclass(frozen=True)
class Binding:
    """Which names of the code are which symbols of an equation."""

    equation: Equation
    piece: Piece
    program: Program
    names: Mapping[str, str]
    """Key of the atom to name in the code."""
    scores: Mapping[str, float]
    defaults: Mapping[str, ast.expr]
    constants: Mapping[str, float]
    """Symbols that only a number in the code can be, with that number."""
    head: float
    """How well the code's name fits the left side."""

    @property
    def told(self) -> tuple[str, ...]:
        by_key = {a.key: a for a in self.equation.atoms}
        said = [f"{by_key[k].latex} is {self.piece.shown.get(n, n)}" for k, n in self.names.items()]
        said += [f"{by_key[k].latex} = {v:g}" for k, v in self.constants.items()]
        if self.equation.expanded:
            said.append(f"with the document's {', '.join(self.equation.expanded)} put in")
        return tuple(said)


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
        alien = sorted(self.absent & _used(piece, binding.program))
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
            formula = np.asarray(target.evaluate(values), dtype=float)
        except (CannotLower, ArithmeticError, ValueError):
            return "formula"
        if not np.all(np.isfinite(formula)):
            return "formula"
        answer = self._run(binding, values)
        if answer is None:
            return "code"
        code, like = answer
        eps = roundoff((like.split(" ")[1], code.dtype.name))
        result = compare_arrays(formula, code, eps, noise(target, values, formula, eps))
        shapes = ", ".join(f"{p.latex} {describe(values[p.key].shape)}" for p in target.parameters)
        return Outcome(binding, result, sizes, values, f"{shapes}: largest difference {result.difference:.2g} ({like})")

    def _run(self, binding: Binding, values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, str] | None:
        names = {n: values[k] for k, n in binding.names.items()}
        text = source(binding.piece, binding.program, sorted(names), binding.defaults)
        likes = ["torch float64", "numpy float64", "torch float32"]
        try:
            answer = self.session.ask("piece", source=text, values=names, likes=likes)
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
    if any(written.values()) and all(a.rank <= 1 for a in equation.atoms) and not equation.indices:
        yield {a.key: 0 for a in equation.atoms}


def _draw(binding: Binding, key: str, shape: tuple[int, ...], rng: np.random.Generator, positive: bool) -> np.ndarray:
    if key in binding.constants:
        return np.asarray(binding.constants[key])
    atom = next(a for a in binding.equation.atoms if a.key == key)
    if _counts(atom):
        return np.asarray(int(rng.integers(2, 7)))
    drawn = np.round(rng.normal(size=shape), 3)
    return np.asarray(np.abs(drawn) * 0.5 + 0.1 if positive else drawn)


def _counts(atom: Atom) -> bool:
    return atom.whole or atom.rank == 0 and atom.latex in ("t", "pos", "i", "k", "n", "m")


def bindings(equation: Equation, piece: Piece) -> Iterator[Binding]:
    """Ways to tell the equation's symbols in a piece, likeliest first; symbols may be replaced by their definitions."""
    head = _head(equation, piece)
    seen: set[tuple[str, ...]] = set()
    for _ in range(DEEP):
        found, missing = _bind(equation, piece, head)
        if found is not None:
            yield found
        nearer = next((e for a in missing if (e := equation.expand(a.key)) is not None), None)
        if nearer is None or nearer.expanded in seen:
            return
        seen.add(nearer.expanded)
        equation = nearer


def _head(equation: Equation, piece: Piece) -> float:
    plain = fits(equation.names, leaf_names(piece.name, piece))
    if piece.returned:
        words = {w.lower() for text in equation.words for w in text.replace("-", " ").split() if len(w) > 3}
        if any(w.strip(".;,") in piece.name.lower() for w in words):
            return max(plain, 0.9)
    return plain


def _bind(equation: Equation, piece: Piece, head: float) -> tuple[Binding | None, list[Atom]]:
    """A binding if there is one, and the atoms that nothing in the piece is called after."""
    names: dict[str, str] = {}
    scores: dict[str, float] = {}
    opened: set[str] = set()
    for _ in range(DEEP):
        frontier = _frontier(piece, opened)
        pairs = sorted(
            (
                (-fits(a.names, leaf_names(n, piece), a.gradient), at, n, a.key)
                for at, a in enumerate(equation.atoms)
                for n in frontier
                if a.key not in names and n not in names.values()
            ),
        )
        for score, _, name, key in pairs:
            if -score >= NEAR and key not in names and name not in names.values():
                names[key], scores[key] = name, -score
        left = [n for n in frontier if n not in names.values() and definition(piece, n) is not None]
        if not left or len(names) == len(equation.atoms) and not left:
            break
        opened |= set(left)
    missing = [a for a in equation.atoms if a.key not in names]
    spare = [n for n in _frontier(piece, opened) if n not in names.values() and _open(n, piece)]
    if len(missing) == 1 and len(spare) == 1 and (names or head >= NEAR):
        names[missing[0].key], scores[missing[0].key] = spare[0], 0.3
        missing, spare = [], []
    constants: dict[str, float] = {}
    if missing or not names or spare:
        return None, missing
    made = program(piece, frozenset(names.values()))
    if made is None or not frozenset(names.values()) <= _used(piece, made):
        return None, missing
    defaults = {n: d for n, d in piece.parameters.items() if n in made.needs and d is not None}
    if head < NEAR and min(scores.values()) < 0.9:
        return None, missing
    if _trivial(piece, names):
        return None, missing
    return Binding(equation, piece, made, names, scores, defaults, constants, head), missing


def _used(piece: Piece, made: Program) -> frozenset[str]:
    return frozenset(n for s in (piece.value, *made.statements) for n in reads(s))


def _trivial(piece: Piece, names: Mapping[str, str]) -> bool:
    return isinstance(piece.value, (ast.Name, ast.Constant))


def _frontier(piece: Piece, opened: set[str]) -> list[str]:
    """Names that the value rests on once those `opened` are replaced by what they are made of."""
    found: list[str] = []
    waiting: list[ast.AST] = [piece.value]
    done: set[str] = set()
    while waiting:
        node = waiting.pop(0)
        for name in sorted(reads(node)):
            if name in opened and name not in done:
                done.add(name)
                made = definition(piece, name)
                if made is not None:
                    waiting.append(made)
            elif name not in opened and name not in found:
                found.append(name)
    return found


def _open(name: str, piece: Piece) -> bool:
    """Whether a name is an input of the piece: an argument without default, an attribute, something assigned."""
    if hasattr(builtins, name):
        return False
    if name in piece.parameters:
        return piece.parameters[name] is None
    return "__" in name or definition(piece, name) is not None
