"""Formulas in the values of numbered layers against the methods of classes that hold layers of these names."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Protocol, cast

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.agreement import Comparison, compare_arrays, roundoff
from lemmata.code.equations import EquationChecks
from lemmata.code.pieces import Piece, Program, program, source
from lemmata.code.purposes import another, speaks_of_another_order
from lemmata.code.spelling import match
from lemmata.code.symbols import frontier
from lemmata.code.target import Atom, CannotLower, CodeFinding, Equation, Target
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

VALUE = "layer_value_"
SHAPES = ((5,), (3, 4), (2, 3, 6))


class OpenLayers(Target, Protocol):
    equation: Equation
    argument: str


class Trial(Struct, frozen=True):
    comparison: Comparison
    values: Mapping[str, np.ndarray]
    like: str


def judged(checks: EquationChecks, targets: Sequence[Target], found: Sequence[CodeFinding]) -> Iterator[CodeFinding]:
    """What methods make of the values of their layers, against formulas that number the same layers.

    A difference is held against the formula only where exchanging two of its layers makes it what the code computes.
    """
    for target in targets:
        if target.kind != "open layers":
            continue
        stated = cast(OpenLayers, target)
        if stated.equation.order >= max((p.order for p in checks.pieces), default=(0, 0)):
            continue
        for piece in checks.pieces:
            finding = _judge(stated, piece, checks)
            if finding is not None:
                yield finding
                break


def _judge(stated: OpenLayers, piece: Piece, checks: EquationChecks) -> CodeFinding | None:
    if "." not in piece.owner or stated.equation.order >= piece.order or not piece.returned:
        return None
    atoms = list(stated.equation.atoms)
    for part in _parts(piece):
        names = _layers(part, atoms)
        if names is None:
            continue
        cut, made = _cut(part, set(names.values()))
        if made is None or not checks.closed(cut, made) or frontier(cut, everything=True) == []:
            continue
        straight = _trials(stated.equation, cut, made, atoms, names, atoms, checks)
        if not straight:
            continue
        bound = (f"{stated.latex} is a part of {piece.owner}", *(
            f"{a.latex} is {piece.shown.get(names[a.key], names[a.key])}" for a in atoms
        ))  # fmt: skip
        kinds = {t.comparison.outcome for t in straight}
        lines = tuple(_line(t) for t in straight)
        if kinds == {"equal"}:
            reason = f"line {piece.line} of {piece.owner} uses what the formula makes of its layers"
            verdict = Verdict("verified", reason, "code on fresh inputs", lines)
            return CodeFinding(stated.key, verdict, piece.cell, piece.owner, piece.line, bound)
        if kinds != {"differ"}:
            continue
        if speaks_of_another_order(stated.equation.text) or another(piece):
            continue
        for order in permutations(atoms):
            if sum(a is not b for a, b in zip(order, atoms, strict=True)) != 2:
                continue
            turned = _trials(stated.equation, cut, made, atoms, names, order, checks)
            if not turned or {t.comparison.outcome for t in turned} != {"equal"}:
                continue
            first, second = (a.latex for a, b in zip(atoms, order, strict=True) if a is not b)
            trial = straight[0]
            example = Counterexample(
                values={a.latex: shown(trial.values[a.key]) for a in atoms}, left=trial.comparison.left,
                right=trial.comparison.right, where=f"component {list(trial.comparison.where)}",
                note=f"formula against {piece.owner}",
            )  # fmt: skip
            reason = f"line {piece.line} of {piece.owner} computes the formula with {first} and {second} exchanged"
            verdict = Verdict("refuted", reason, "code on fresh inputs", lines, example)
            return CodeFinding(stated.key, verdict, piece.cell, piece.owner, piece.line, bound)
    return None


def _parts(piece: Piece) -> Iterator[Piece]:
    """The value that is returned, and what further layers around it are applied to."""
    value: ast.expr = piece.value
    while True:
        yield replace(piece, value=value)
        if not isinstance(value, ast.Call) or len(value.args) != 1 or value.keywords:
            return
        if not isinstance(value.func, ast.Name) or not value.func.id.startswith("self__"):
            return
        value = value.args[0]


class _Values(ast.NodeTransformer):
    """Calls `self.fc1(x)` as names of their own."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.arguments: set[str] = set()

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id in self.names and len(node.args) == 1:
            self.arguments.add(ast.unparse(node.args[0]))
            return ast.copy_location(ast.Name(VALUE + node.func.id, ast.Load()), node)
        return self.generic_visit(node)


def _layers(piece: Piece, atoms: Sequence[Atom]) -> dict[str, str] | None:
    """Key of the atom to the layer of the class that is called alike, one for each."""
    calls = [n.func for x in (piece.value, *piece.before) for n in ast.walk(x) if isinstance(n, ast.Call)]
    called = {f.id for f in calls if isinstance(f, ast.Name) and f.id.startswith("self__")}
    found: dict[str, str] = {}
    for atom in atoms:
        fitting = [n for n in sorted(called) if match(atom.names, n.removeprefix("self__")) >= 0.9]
        if len(fitting) != 1 or fitting[0] in found.values():
            return None
        found[atom.key] = fitting[0]
    return found


def _cut(piece: Piece, layers: set[str]) -> tuple[Piece, Program | None]:
    """The piece with the values of the layers as inputs; no program where they are not all applied to one input."""
    visitor = _Values(layers)

    def changed(node: ast.AST) -> ast.AST:
        return visitor.visit(ast.parse(ast.unparse(node)).body[0])  # type: ignore[no-any-return]

    value = cast(ast.Expr, changed(ast.Expr(piece.value))).value
    before = tuple(cast(ast.stmt, changed(s)) for s in piece.before)
    made = replace(piece, value=value, before=before)
    found = program(made, frozenset(VALUE + n for n in layers))
    if found is None or len(visitor.arguments) != 1 or found.needs & set(piece.parameters):
        return made, None
    return made, found


def _trials(
    equation: Equation, piece: Piece, made: Program, atoms: Sequence[Atom], names: Mapping[str, str],
    order: Sequence[Atom], checks: EquationChecks,
) -> list[Trial]:  # fmt: skip
    """Both sides at arrays of several shapes, the formula's layers in this order."""
    rng = np.random.default_rng([checks.seed, 31])
    try:
        target = equation.typed({a.key: 0 for a in atoms})
    except CannotLower:
        return []
    found: list[Trial] = []
    for shape in SHAPES:
        values = {a.key: np.round(rng.normal(size=shape), 3) for a in atoms}
        given = {VALUE + names[k]: v for k, v in values.items()}
        answer = checks.ask(source(piece, made, sorted(given), {}), given)
        if answer is None:
            return []
        turned = {b.key: values[a.key] for a, b in zip(atoms, order, strict=True)}
        try:
            wanted = np.array([float(target.evaluate({k: np.asarray(v[at]) for k, v in turned.items()}))
                               for at in np.ndindex(shape)]).reshape(shape)  # fmt: skip
        except (CannotLower, ValueError, TypeError):
            return []
        eps = roundoff((answer[1].split(" ")[1], answer[0].dtype.name))
        compared = compare_arrays(wanted, answer[0], eps, 4 * eps * float(np.max(np.abs(wanted))))
        found.append(Trial(compared, values, answer[1]))
    return found


def _line(trial: Trial) -> str:
    shape = " × ".join(map(str, next(iter(trial.values.values())).shape))
    return f"values of the layers {shape}: largest difference {trial.comparison.difference:.2g} ({trial.like})"
