"""Methods of layers on graphs against formulas with a degree matrix: which normalisation the code carries out."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, cast

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.equations import EquationChecks
from lemmata.code.factors import named
from lemmata.code.pieces import Piece, module, program, source
from lemmata.code.purposes import another
from lemmata.code.spelling import match
from lemmata.code.target import CodeFinding, Target
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

WEIGHT = "layer_weight"
METHODS = ("forward", "call", "__call__")
Factors = tuple[tuple[str, float], ...]
VARIANTS: Mapping[Factors, str] = {
    (("D", -1.0), ("A", 1.0)): "each row divided by its degree",
    (("A", 1.0), ("D", -1.0)): "each column divided by its degree",
    (("A", 1.0),): "sums over the neighbours without division",
    (("D", -0.5), ("A", 1.0), ("D", -0.5)): "each entry divided by the roots of both degrees",
}
"""Normalisations that code uses in place of each other."""
ACTIVATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "the identity": lambda x: x,
    "ReLU": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "the logistic sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


OWN_NAMES = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "the logistic sigmoid"}
"""Functions that a formula calls by their names."""


class Neighbourhood(Target, Protocol):
    factors: Factors
    symbols: Mapping[str, str]
    calls: Mapping[str, tuple[str, ...]]
    words: Mapping[str, frozenset[str]]
    loops: bool
    activation: str
    free: bool
    text: str
    order: tuple[int, int]


class Trial(Struct, frozen=True, eq=False):
    """One graph without loops, with features and weights, and what the code makes of them."""

    graph: np.ndarray
    features: np.ndarray
    weights: np.ndarray
    code: np.ndarray

    def value(self, factors: Factors, loops: bool, own: bool) -> np.ndarray:
        """The product; `loops`: of the graph with loops; `own`: loops count as neighbours."""
        matrix = self.graph + np.eye(len(self.graph)) * loops
        degrees = (matrix if own else self.graph).sum(1)
        mixed = self.features @ self.weights
        for kind, power in reversed(factors):
            mixed = degrees[:, None] ** power * mixed if kind == "D" else matrix @ mixed
        return np.asarray(mixed)


def judged(checks: EquationChecks, targets: Sequence[Target], found: Sequence[CodeFinding]) -> Iterator[CodeFinding]:
    """Methods of classes that the paragraph names, each with one linear layer, on small graphs.

    A difference is held against the formula only where another normalisation makes it what the code computes.
    """
    for target in targets:
        if target.kind != "neighbourhood":
            continue
        stated = cast(Neighbourhood, target)
        for piece in checks.pieces:
            method = piece.owner.rsplit(".", 1)[-1]
            if method in METHODS and piece.returned and piece.order > stated.order and named(piece, stated.text):
                finding = _judged(stated, piece, checks)
                if finding is not None:
                    yield finding
                    break


def _judged(stated: Neighbourhood, piece: Piece, checks: EquationChecks) -> CodeFinding | None:
    given = [n for n in piece.parameters if n != "self"]
    names = {k: [n for n in given if _called(stated, k, n)] for k in ("A", "H")}
    layers = _linear_layers(checks, piece)
    if any(len(x) != 1 for x in names.values()) or names["A"] == names["H"] or len(given) != 2 or len(layers) != 1:
        return None
    adjacency, features = names["A"][0], names["H"][0]
    trials = [list(_trials(piece, adjacency, features, layers[0], checks, looped)) for looped in (True, False)]
    bound = (
        f"{stated.symbols['A']} is {adjacency}", f"{stated.symbols['H']} is {features}",
        f"{stated.symbols['W']} is the weight of {piece.shown.get(layers[0], layers[0])}",
        f"{stated.symbols['D']} holds the numbers of neighbours, as the text says",
    )  # fmt: skip
    own = OWN_NAMES.get(stated.activation.lstrip("\\").lower())
    kinds = {
        name: f
        for name, f in ACTIVATIONS.items()
        if name == "the identity" or stated.activation and own in (None, name)
    }
    sure = {own} if own else set(kinds) if stated.free or not stated.activation else set()
    seen = [(t, name, f, way) for t in trials if t for name, f in kinds.items() for way in _ways(stated)]
    for tried, name, function, way in seen:
        if _equal(tried, stated.factors, function, *way):
            if name not in sure:
                return None  # another activation than the document's, or one that the caller applies
            extra = f" ({stated.activation} is {name})" if stated.activation else ""
            reason = f"line {piece.line} of {piece.owner} computes the formula{extra}"
            verdict = Verdict("verified", reason, "code on fresh inputs", _lines(tried))
            return CodeFinding(stated.key, verdict, piece.cell, piece.owner, piece.line, bound)
    if another(piece):
        return None
    for tried, name, function, way in seen:
        for factors, words in VARIANTS.items():
            if factors != stated.factors and _equal(tried, factors, function, *way):
                taken = (f"{stated.activation} taken as {name}",) if stated.activation else ()
                return _refuted(stated, piece, checks, tried, function, words, way, taken, bound)
    return None


def _lines(trials: Sequence[Trial]) -> tuple[str, ...]:
    return tuple(f"a graph of {len(t.graph)} nodes" for t in trials)


def _refuted(
    stated: Neighbourhood, piece: Piece, checks: EquationChecks, trials: Sequence[Trial],
    function: Callable[..., np.ndarray], words: str, way: tuple[bool, bool], taken: tuple[str, ...],
    bound: tuple[str, ...],
) -> CodeFinding:  # fmt: skip
    trial = trials[0]
    formula = function(trial.value(stated.factors, *way))
    at = np.unravel_index(int(np.argmax(np.abs(formula - trial.code))), formula.shape)
    matrix = trial.graph + np.eye(len(trial.graph)) * way[0]
    values = {"A": matrix, "H": trial.features, "W": trial.weights}
    own = (p for p in checks.pieces if p.owner == piece.owner and p.cell == piece.cell and p.line <= piece.line)
    products = (ast.Div, ast.Mult, ast.MatMult)
    divided = [
        p.line for p in own
        if any(isinstance(n, ast.BinOp) and isinstance(n.op, products) for n in ast.walk(p.value))
    ]  # fmt: skip
    line = max(divided, default=piece.line)
    example = Counterexample(
        sizes={}, values={stated.symbols[k]: shown(v) for k, v in values.items()}, left=float(formula[at]),
        right=float(trial.code[at]), where=f"component {[int(i) for i in at]}",
        note=f"formula against {piece.owner}",
    )  # fmt: skip
    said = next((w for f, w in VARIANTS.items() if f == stated.factors), "another product of degrees")
    reason = f"line {line} of {piece.owner} has {words}, where the formula has {said}"
    verdict = Verdict("refuted", reason, "code on fresh inputs", (*_lines(trials), *taken), example)
    return CodeFinding(stated.key, verdict, piece.cell, piece.owner, line, bound)


def _ways(stated: Neighbourhood) -> list[tuple[bool, bool]]:
    """Whether the matrix has loops, and whether they count as neighbours; the text may leave both open."""
    return [(True, True), (True, False), (False, True)] if stated.loops else [(False, True), (True, True)]


def _equal(
    trials: Sequence[Trial], factors: Factors, function: Callable[..., np.ndarray], loops: bool, own: bool
) -> bool:
    return all(np.allclose(function(t.value(factors, loops, own)), t.code, rtol=1e-8, atol=1e-10) for t in trials)


def _called(stated: Neighbourhood, key: str, name: str) -> bool:
    """Whether a parameter is spelled as the symbol, or each of its words begins a word that the text has for it."""
    if match(stated.calls[key], name) >= 0.9:
        return True
    words = [w.rstrip("s") for w in name.lower().split("_") if w]
    return all(len(w) > 2 and any(x.startswith(w) for x in stated.words[key]) for w in words)


def _linear_layers(checks: EquationChecks, piece: Piece) -> list[str]:
    """The linear layers that the method calls; none where it uses anything else of its object."""
    used = {n.id for part in (piece.value, *piece.before) for n in ast.walk(part)
            if isinstance(n, ast.Name) and n.id.startswith("self__")}  # fmt: skip
    made: set[str] = set()
    for entry in checks.session.prepared:
        tree = module(entry) if entry.cell.index == piece.cell else None
        for node in tree.body if tree is not None else ():
            if isinstance(node, ast.ClassDef) and node.name == piece.owner.split(".")[0]:
                for assign in (n for n in ast.walk(node) if isinstance(n, ast.Assign)):
                    call = assign.value.func if isinstance(assign.value, ast.Call) else None
                    kind = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
                    if str(kind) in ("Linear", "Dense"):
                        made |= {f"self__{t.attr}" for t in assign.targets if isinstance(t, ast.Attribute)}
    return sorted(used) if used <= made else []


class _Applied(ast.NodeTransformer):
    """self.linear(x) as x @ layer_weight."""

    def __init__(self, layer: str) -> None:
        self.layer = layer

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == self.layer and len(node.args) == 1:
            return ast.copy_location(ast.BinOp(node.args[0], ast.MatMult(), ast.Name(WEIGHT, ast.Load())), node)
        return node


def _trials(
    piece: Piece, adjacency: str, features: str, layer: str, checks: EquationChecks, looped: bool
) -> Iterator[Trial]:
    """Connected graphs with different degrees, all of the code's values; nothing where it cannot be run on one."""
    change = _Applied(layer)

    def applied(node: ast.AST) -> ast.AST:
        return change.visit(ast.parse(ast.unparse(node)).body[0])  # type: ignore[no-any-return]

    value = cast(ast.Expr, applied(ast.Expr(piece.value))).value
    cut = replace(piece, value=value, before=tuple(cast(ast.stmt, applied(x)) for x in piece.before))
    made = program(cut, frozenset())
    inputs = {adjacency, features, WEIGHT}
    if made is None or not checks.closed(cut, replace(made, needs=made.needs - inputs), units=()):
        return
    text = source(cut, made, sorted(inputs), {})
    rng = np.random.default_rng([checks.seed, 43])
    found: list[Trial] = []
    for count in (4, 5, 7):
        graph = np.zeros((count, count))
        graph[0, 1:3] = graph[range(count - 1), range(1, count)] = 1
        graph = np.maximum(graph, graph.T)
        x, w = np.round(rng.normal(size=(count, 3)), 2), np.round(rng.normal(size=(3, 2)), 2)
        matrix = graph + np.eye(count) * looped
        for batch in (False, True):
            given = {adjacency: matrix[None] if batch else matrix, features: x[None] if batch else x, WEIGHT: w}
            answer = checks.ask(text, given)
            if answer is not None and answer[0].shape[-2:] == (count, 2) and answer[0].size == 2 * count:
                found.append(Trial(graph, x, w, answer[0].reshape(count, 2)))
                break
    if len(found) == 3:
        yield from found
