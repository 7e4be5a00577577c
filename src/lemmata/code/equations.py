"""Equations against the instructions that carry them out: state updates, method bodies, scripts of several lines."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct

from lemmata.code.agreement import Comparison, compare_arrays, noise, roundoff
from lemmata.code.domains import unexplained
from lemmata.code.names import called_as, fits, leaf_names
from lemmata.code.pieces import Piece, Program, module, pieces, reads, source
from lemmata.code.purposes import another, converts, speaks_of_units
from lemmata.code.session import Failed, Session
from lemmata.code.shapes import choose_sizes, describe, lengths
from lemmata.code.statics import RANDOM
from lemmata.code.symbols import HEAVY, NEAR, SURE, Binding, bindings
from lemmata.code.tables import tables
from lemmata.code.target import Atom, CannotLower, CodeFinding, Equation, Target
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

TRIALS = 3
OTHER_UNITS = ("deg", "radian", "log2", "log10", "percent", "abs(")
"""Words in code for units, bases and norms that a formula may leave unsaid."""
MATRICES = re.compile(r"@|matmul|dot\b|\.m?T\b|einsum|transpose|\bmm\b|bmm|inv\b|linalg|tensordot|outer|trace")
"""What code does with matrices only."""
USUAL = {
    "np": "import numpy as np",
    "torch": "import torch",
    "nn": "import torch.nn as nn",
    "F": "import torch.nn.functional as F",
    "math": "import math",
}
"""What names mean that a document uses and imports nowhere."""


class Outcome(Struct, frozen=True):
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

    def findings(self, equations: Sequence[Equation], agreed: Set[tuple[int, str]]) -> Iterator[CodeFinding]:
        """What the code says of these equations, once for each function and place. Raises Failed.

        Those agreed, by line and left side, have been found to hold at the document's own values; of them only
        functions are asked.
        """
        if not equations or not self.pieces:
            return
        self.absent = frozenset(self.session.ask("prelude", **prelude(self.session))["absent"])
        agreeing: list[tuple[Equation, Piece]] = []
        parting: list[Outcome] = []
        for equation in equations:
            seen: set[tuple[int, str]] = set()
            for piece in self.pieces:
                if (piece.cell, piece.owner) in seen:
                    continue
                if not piece.owner and (equation.line, equation.latex) in agreed:
                    continue
                found = self.judge(equation, piece)
                if isinstance(found, CodeFinding):
                    seen.add((piece.cell, piece.owner))
                    agreeing.append((equation, piece))
                    yield found
                elif found is not None:
                    parting.append(found)
        for outcome in parting:
            why = blamed(outcome.binding, equations, agreeing, self.pieces)
            if why:
                yield self.refuted(outcome, why)

    def judge(self, equation: Equation, piece: Piece) -> CodeFinding | Outcome | None:
        """That a piece of code computes an equation, or where they surely part; None where nothing can be said."""
        if equation.places and (found := self.table(equation, piece)) is not None:
            return found
        parting: Outcome | None = None
        for binding in bindings(equation, piece):
            readings = self.compare(binding)
            for outcomes in readings:
                if {o.comparison.outcome for o in outcomes} == {"equal"}:
                    return self.verified(binding, outcomes)
            apart = [o for outcomes in readings for o in outcomes]
            if parting is None and apart and binding.sure and self._plain(binding):
                kinds = {"unclear"} if self._open(binding, apart) else {o.comparison.outcome for o in apart}
                if kinds == {"differ", "equal"} and self._apart(binding, readings):
                    kinds = {"differ"}
                apart = [o for o in apart if o.comparison.outcome == "differ"]
                if kinds <= {"differ", "broken"} and not all(o.comparison.slight for o in apart):
                    parting = min(apart, key=lambda o: sum(v.size for v in o.values.values()))
        return parting

    def _apart(self, binding: Binding, readings: Sequence[Sequence[Outcome]]) -> bool:
        """Whether both sides part at positive inputs, and for either sign of each, although they meet at some."""
        if not all(o.comparison.outcome == "differ" for outcomes in readings for o in outcomes[::2]):
            return False
        rng = np.random.default_rng([self.seed, 29])
        for ranks in _ranks(binding.equation):
            try:
                target = binding.equation.typed(ranks)
            except CannotLower:
                continue
            parameters = {p.key: p for p in target.parameters}
            sizes = (choose_sizes(list(parameters.values()), 1, rng) or [{}])[0]
            counted = [a.key for a in binding.equation.atoms if _counts(a)]

            shapes = {key: lengths(p, sizes) for key, p in parameters.items()}

            def draw(key: str, shapes: Mapping[str, tuple[int, ...]] = shapes) -> np.ndarray:
                return _draw(binding, key, shapes[key], rng, True)

            def trial(values: Mapping[str, np.ndarray], of: Target = target, at: Mapping[str, int] = sizes) -> str:
                outcome = self._once(binding, of, at, dict(values))
                return outcome.comparison.outcome if isinstance(outcome, Outcome) else "differ"

            if counted or not unexplained(list(parameters), draw, trial):
                return False
        return True

    def _open(self, binding: Binding, apart: Sequence[Outcome]) -> bool:
        """Whether types leave the reading open, or both sides differ by a power of ten, as other units would."""
        for ranks in _ranks(binding.equation):
            try:
                if getattr(binding.equation.typed(ranks), "ambiguous", False):
                    return True
            except CannotLower:
                continue
        ratios = [o.comparison.right / o.comparison.left for o in apart if o.comparison.left]
        if not ratios or max(ratios) - min(ratios) > 1e-9 * abs(max(ratios)) or ratios[0] <= 0:
            return False
        return abs(np.log10(ratios[0]) - round(np.log10(ratios[0]))) < 1e-9

    def _plain(self, binding: Binding) -> bool:
        return self.closed(binding.piece, binding.program)

    def closed(self, piece: Piece, made: Program, units: tuple[str, ...] = OTHER_UNITS) -> bool:
        """Whether nothing but libraries and functions takes part beside the symbols, no chance, none of the units."""
        trees = [t for e in self.session.prepared if (t := module(e)) is not None]
        functions = {n.name for t in trees for n in ast.walk(t) if isinstance(n, ast.FunctionDef)}
        imported = {(a.asname or a.name).split(".")[0] for t in trees for n in ast.walk(t)
                    if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}  # fmt: skip
        known = functions | imported | set(USUAL) | set(dir(builtins))
        text = source(piece, made, (), {})
        doubt = any(word in text.lower() for word in (*RANDOM, *units))
        used = frozenset(n for s in (piece.value, *made.statements) for n in reads(s))
        return made.needs <= known and not self.absent & used and not doubt

    def refuted(self, outcome: Outcome, why: str) -> CodeFinding:
        binding, compared = outcome.binding, outcome.comparison
        piece, where = binding.piece, binding.piece.owner or binding.piece.name
        latex = {a.key: a.latex for a in binding.equation.atoms}
        example = Counterexample(
            sizes={},
            values={latex[k]: shown(v) for k, v in outcome.values.items()},
            left=compared.left,
            right=compared.right,
            where=f"component {list(compared.where)}" if compared.where else "",
            note=f"formula against line {piece.line}",
        )
        reason = f"line {piece.line} computes `{piece.written}`, which is not the right side ({why})"
        verdict = Verdict("refuted", reason, "code on fresh inputs", (outcome.evidence,), example)
        bound = (f"{binding.equation.latex} is {piece.name}", *binding.told)
        return CodeFinding(binding.equation.key, verdict, piece.cell, where, piece.line, bound)

    def table(self, equation: Equation, piece: Piece) -> CodeFinding | None:
        """What a table that the piece fills says about a formula for its elements."""

        def run(text: str, given: Mapping[str, np.ndarray]) -> tuple[np.ndarray, str] | None:
            return self.ask(text, given)

        made = list(tables(equation, piece, run))
        kinds = {t.comparison.outcome for t in made}
        if len(made) < 2 or kinds not in ({"equal"}, {"differ"}):
            return None
        where = piece.owner or piece.name
        evidence, bound = tuple(t.evidence for t in made), (f"{equation.latex} is {piece.name}", *made[0].bound)
        if kinds == {"equal"}:
            reason = f"line {piece.line} of {where} holds the table that the formula gives"
            verdict = Verdict("verified", reason, "code on fresh inputs", evidence)
        else:
            return None
        return CodeFinding(equation.key, verdict, piece.cell, where, piece.line, bound)

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

    def compare(self, binding: Binding) -> list[list[Outcome]]:
        """Both sides on fresh inputs of several sizes, for every number of axes under which they can be had."""
        found: list[list[Outcome]] = []
        for ranks in (*_ranks(binding.equation), _numbers(binding)):
            if ranks is None:
                continue
            try:
                target = binding.equation.typed(ranks)
            except CannotLower:
                continue
            if outcomes := self._trials(binding, target):
                found.append(outcomes)
                if {o.comparison.outcome for o in outcomes} == {"equal"}:
                    if ranks == _numbers(binding) and not binding.equation.numeric:
                        return []  # right if capital letters are numbers
                    break
        return found

    def _trials(self, binding: Binding, target: Target) -> list[Outcome]:
        """Both sides at several sizes, on positive numbers and, where the formula has a value, on any."""
        parameters = list(target.parameters)
        if {p.key for p in parameters} - {a.key for a in binding.equation.atoms}:
            return []  # a function of the document that it leaves open
        rng = np.random.default_rng([self.seed, 19])
        found: list[Outcome] = []
        lost: list[Outcome] = []
        outside = False  # some signed inputs are none of the formula's, so that code need not take them either
        tried = choose_sizes(parameters, TRIALS, rng) or [{}]
        for sizes in (*tried, *tried[-1:] * (TRIALS - len(tried))):
            for positive in (True, False):
                values = {p.key: _draw(binding, p.key, lengths(p, sizes), rng, positive) for p in parameters}
                outcome = self._once(binding, target, sizes, values)
                if isinstance(outcome, Outcome):
                    if outcome.comparison.outcome == "broken" and not positive:
                        lost.append(outcome)
                        continue
                    found.append(outcome)
                    if outcome.comparison.outcome != "equal" and not binding.sure:
                        return found  # neither shows agreement nor is held against anybody
                elif positive or outcome == "code":
                    return []
                else:
                    outside = True
        return found if outside else [*found, *lost]

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
        return self.ask(text, names)

    def ask(self, text: str, names: Mapping[str, np.ndarray]) -> tuple[np.ndarray, str] | None:
        likes = ["torch float64", "numpy float64", "torch float32"]
        try:
            answer = self.session.ask("piece", source=text, values=dict(names), likes=likes)
        except Failed:
            if not self.session.alive:
                raise
            return None
        value, like = answer.get("value"), answer.get("like")
        return (value, str(like)) if isinstance(value, np.ndarray) else None


def blamed(
    binding: Binding, equations: Sequence[Equation], agreeing: Sequence[tuple[Equation, Piece]],
    known: Sequence[Piece] = (),
) -> str:  # fmt: skip
    """Why a difference is an error of one side; empty where the code may mean something else.

    The code has to stand behind the equation and to be tied to it: by the name of what the equation defines, by
    standing right behind it, by the words that lead to the equation, or by another version of the same instruction
    that does compute it. Code that some equation explains, or that stands nearer to another equation for the same
    name, is not held against this one.
    """
    equation, piece = binding.equation, binding.piece
    if any(p is piece for _, p in agreeing) or equation.order >= piece.order or equation.ambiguous:
        return ""
    if another(piece) or speaks_of_units(equation.text) or converts(piece, binding.program, equation.numbers):
        return ""
    same = [p for e, p in agreeing if (e.line, e.latex, e.order) == (equation.line, equation.latex, equation.order)]
    twins = [p for p in same if (p.name, p.owner, p.position) == (piece.name, piece.owner, piece.position)
             and p.tab and piece.tab and p.tab != piece.tab and abs(p.cell - piece.cell) <= 4]  # fmt: skip
    if twins:
        return f"the version for {twins[0].tab} on line {twins[0].line} computes it"
    if same or equation.role == "approximation":
        return ""
    if equation.follows == piece.cell and not piece.owner and meant(binding, known):
        return "it stands right behind the formula"
    if equation.role not in ("update", "definition"):
        return ""
    rivals = [e for e in equations if e.key != equation.key and equation.order < e.order < piece.order]
    if any(fits(e.names, leaf_names(piece.name, piece)) >= NEAR or set(e.names) & set(equation.names) for e in rivals):
        return ""
    if equation.tied and equation.tied == piece.name:
        return "the text says that it is the left side"
    named = fits(equation.names, (piece.name,)) >= SURE and len(equation.atoms) >= 3
    if named and (piece.owner or equation.order[1] > piece.order[1] - 40):
        return "it is called as the left side"
    if piece.returned and piece.position is None and all(a.told for a in equation.atoms):
        if called_as(equation.names, piece.name):
            return "it is called as the left side, and the text says what its arguments are"
    words = [w for w in piece.name.lower().split("_") if len(w) > 2]
    given = set(binding.names.values()) == set(piece.parameters)
    if piece.returned and piece.position is None and given and len(words) > 1:
        if all(w in equation.text.lower() for w in words):
            return f"the text speaks of the {' '.join(words)}"
    return ""


def meant(binding: Binding, known: Sequence[Piece]) -> bool:
    """Whether an instruction behind a formula is there to compute it.

    It is called as the left side, or makes without any help a new value of several symbols of a long formula, or is the
    only one that makes a value of an expression's symbols.
    """
    equation, piece = binding.equation, binding.piece
    if binding.head >= NEAR:
        return True
    used = set(binding.names.values())
    called = any(isinstance(n, ast.Call) and isinstance(n.func, ast.Name) for n in ast.walk(piece.value))
    if called or piece.name in used:
        return False
    if not equation.names:
        return sum(p.cell == piece.cell and bool(reads(p.value) & used) for p in known) == 1
    return equation.weight >= HEAVY and len(equation.atoms) > 1


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
    bound = {
        n.asname or n.name.split(".")[0]
        for text in imports
        for s in ast.parse(text).body
        if isinstance(s, (ast.Import, ast.ImportFrom))
        for n in s.names
    }
    trees = [t for e in entries if e.cell.executable and (t := module(e)) is not None]
    used = {n.id for t in trees for n in ast.walk(t) if isinstance(n, ast.Name)}
    imports += [text for name, text in USUAL.items() if name in used - bound]
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
    rows = {a.key: 2 if a.told and a.rank == 1 else a.rank for a in equation.atoms}
    if equation.indices and rows != written:
        yield rows  # the members of a family of vectors, one a row
    if max(written.values(), default=0) > 1:
        vectors = {a.key: 1 if _letter(a) else a.rank for a in equation.atoms}
        if vectors != written:
            yield vectors
    if any(written.values()) and all(a.rank <= 1 for a in equation.atoms) and not equation.indices:
        yield {a.key: 0 for a in equation.atoms}


def _numbers(binding: Binding) -> dict[str, int] | None:
    """Every symbol a number, for capital letters in code that multiplies no matrices; None where they may be some."""
    equation = binding.equation
    text = source(binding.piece, binding.program, (), {})
    capital = max((a.rank for a in equation.atoms), default=0) > 1
    if equation.indices or equation.declared or not capital or MATRICES.search(text):
        return None
    return {a.key: 0 for a in equation.atoms}


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
    drawn = rng.uniform(0.1, 0.9, size=shape) if positive or atom.norm else rng.normal(size=shape)
    return np.asarray(np.round(drawn, 3))


def _numbered(binding: Binding, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The values as the formula has them: where it counts elements from 1, indices are one more than in the code."""
    chosen = {a.key for a in binding.equation.atoms if a.whole}
    return {k: v + binding.equation.origin if k in chosen else v for k, v in values.items()}


def _counts(atom: Atom) -> bool:
    return atom.whole or atom.rank == 0 and atom.latex in ("t", "pos", "i", "k", "n", "m")
