"""Layers that compute a product of a formula times numbers of their own, which the formula does not have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lemmata.code.equations import _ranks
from lemmata.code.names import fits, leaf_names
from lemmata.code.pieces import Piece, module, pieces, program, source
from lemmata.code.session import Failed, Session
from lemmata.code.shapes import choose_sizes, lengths
from lemmata.code.spelling import match
from lemmata.code.symbols import SURE, frontier
from lemmata.code.target import CannotLower, CodeFinding, Equation
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

ENDINGS = re.compile(r"(Layer|Linear|Module|Block|Net|Model|Dense|Cell|With)+$")
TRIALS = 3


def judge_factors(equations: Sequence[Equation], session: Session, seed: int) -> Iterator[CodeFinding]:
    """Every method of a class that the formula's paragraph names, against the formula's products. Raises Failed."""
    known = pieces(session.prepared) if equations else ()
    for equation in equations:
        for piece in known:
            if piece.order > equation.order and named(piece, equation.text):
                found = _judged(equation, piece, session, seed)
                if found is not None:
                    yield found


def named(piece: Piece, text: str) -> bool:
    """Whether the paragraph names the class, as “for LoRA” does LoRALayer."""
    name = ENDINGS.sub("", piece.owner.split(".")[0])
    return "." in piece.owner and len(name) > 2 and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def _judged(equation: Equation, piece: Piece, session: Session, seed: int) -> CodeFinding | None:
    leaves = frontier(piece, everything=True)
    names: dict[str, str] = {}
    for atom in equation.atoms:
        fitting = [n for n in leaves if fits(atom.names, leaf_names(n, piece)) >= SURE]
        if len(fitting) != 1:
            return None
        names[atom.key] = fitting[0]
    own = _hyperparameters(session, piece)
    spare = [n for n in leaves if n not in names.values() and (n in piece.parameters or "__" in n)]
    if len(set(names.values())) < len(names) or not all(n in own for n in spare):
        return None
    if any(match(other, own[n]) >= SURE for other in equation.others for n in spare):
        return None  # a formula of the document has it
    made = program(piece, frozenset((*names.values(), *spare)))
    if made is None:
        return None
    text = source(piece, made, sorted((*names.values(), *spare)), {})
    tried = (list(_trials(equation, ranks, names, spare, text, session, seed)) for ranks in _ranks(equation))
    seen = next((found for found in tried if len(found) == TRIALS), None)
    if seen is None:
        return None
    bound = tuple(f"{a.latex} is {piece.shown.get(names[a.key], names[a.key])}" for a in equation.atoms)
    place, owner = piece.line, piece.owner
    ratios = [r for *_, r in seen]
    if all(abs(r - 1) < 1e-6 for r in ratios):
        verdict = Verdict("verified", f"line {place} of {owner} computes {equation.latex}", "code on fresh inputs",
                          (f"{TRIALS} times, at several sizes",))  # fmt: skip
        return CodeFinding(equation.key, verdict, piece.cell, owner, place, bound)
    if not spare or any(abs(r - 1) < 1e-6 for r in ratios) or max(ratios) - min(ratios) < 1e-6:
        return None
    given, formula, code, ratio = min(seen, key=lambda x: x[1].size)
    factor = _factor(piece, frozenset(spare), given, ratio)
    if not factor:
        return None
    at = np.unravel_index(int(np.argmax(np.abs(formula - code))), formula.shape)
    latex = {names[a.key]: a.latex for a in equation.atoms} | {n: piece.shown.get(n, n) for n in spare}
    example = Counterexample(
        sizes={}, values={latex[n]: shown(v) for n, v in given.items()}, left=float(formula[at]), right=float(code[at]),
        where=f"component {[int(i) for i in at]}" if at else "", note=f"formula against line {place}",
    )  # fmt: skip
    reason = f"line {place} of {owner} computes {equation.latex} times `{factor}`, a factor that the formula lacks"
    verdict = Verdict("refuted", reason, "code on fresh inputs", (f"{TRIALS} times, at several sizes",), example)
    return CodeFinding(equation.key, verdict, piece.cell, owner, place, bound)


def _hyperparameters(session: Session, piece: Piece) -> Mapping[str, str]:
    """What the class keeps of its constructor's arguments as they are: `self.alpha = alpha`, by the name in pieces."""
    found: dict[str, str] = {}
    for entry in session.prepared:
        tree = module(entry) if entry.cell.index == piece.cell else None
        for node in tree.body if tree is not None else ():
            if not isinstance(node, ast.ClassDef) or node.name != piece.owner.split(".")[0]:
                continue
            for method in (m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"):
                given = {a.arg for a in (*method.args.args, *method.args.kwonlyargs)}
                for assign in (n for n in ast.walk(method) if isinstance(n, ast.Assign)):
                    for target in assign.targets:
                        if isinstance(target, ast.Attribute) and isinstance(assign.value, ast.Name):
                            if assign.value.id in given:
                                found[f"self__{target.attr}"] = target.attr
    return found


def _trials(
    equation: Equation, ranks: Mapping[str, int], names: Mapping[str, str], spare: Sequence[str], text: str,
    session: Session, seed: int,
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, float]]:  # fmt: skip
    """(inputs, formula, code, how many times the formula the code is); ends where that is no number."""
    rng = np.random.default_rng([seed, 37])
    try:
        target = equation.typed(ranks)
    except CannotLower:
        return
    if {p.key for p in target.parameters} != set(names):
        return
    for sizes in choose_sizes(target.parameters, TRIALS, rng):
        values = {p.key: np.round(rng.normal(size=lengths(p, sizes)), 3) for p in target.parameters}
        given = {names[k]: v for k, v in values.items()} | {n: np.asarray(int(rng.integers(2, 9))) for n in spare}
        try:
            formula = np.asarray(target.evaluate(values), dtype=float)
            answer = session.ask("piece", source=text, values=given, likes=["torch float64", "numpy float64"])
        except CannotLower:
            return
        except Failed:
            if not session.alive:
                raise
            return
        code = answer.get("value")
        if not isinstance(code, np.ndarray) or code.shape != formula.shape or not np.any(formula):
            return
        ratio = float(np.vdot(formula, code) / np.vdot(formula, formula))
        if not np.allclose(code, ratio * formula, rtol=1e-8, atol=1e-10):
            return
        yield given, formula, code, ratio


def _factor(piece: Piece, spare: frozenset[str], given: Mapping[str, np.ndarray], ratio: float) -> str:
    """The largest part of the piece that is made of its own numbers alone, if it is the factor."""
    for node in ast.walk(piece.value):
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        plain = all(isinstance(n, (ast.Name, ast.BinOp, ast.operator, ast.Constant, ast.Load)) for n in ast.walk(node))
        if isinstance(node, ast.expr) and plain and names and names <= spare:
            value = _number(node, {n: float(given[n]) for n in names})
            if value is not None and abs(value - ratio) < 1e-9 * abs(ratio):
                return re.sub(r"\w*__\w*", lambda m: piece.shown.get(m[0], m[0]), ast.unparse(node))
            return ""
    return ""


def _number(node: ast.AST, names: Mapping[str, float]) -> float | None:
    match node:
        case ast.Name(id=name):
            return names.get(name)
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _number(left, names), _number(right, names)
            if a is None or b is None:
                return None
            match op:
                case ast.Mult():
                    return a * b
                case ast.Div():
                    return a / b if b else None
                case ast.Pow():
                    return float(a**b)
    return None
