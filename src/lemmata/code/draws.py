"""Noise that code draws against the law that the text gives: at one draw both sides are compared as any others are."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

import numpy as np
from msgspec.structs import replace

from lemmata.code.equations import EquationChecks
from lemmata.code.pieces import Piece
from lemmata.code.symbols import Binding, bindings
from lemmata.code.target import CodeFinding, Equation, Target
from lemmata.verify.verdict import Counterexample, Verdict

DRAW = "the_draw"
STANDARD = frozenset({"randn", "randn_like", "standard_normal"})
"""Functions that draw with mean 0 and variance 1."""
PLACES = {"normal": ("loc", "scale"), "normal_": ("mean", "std")}
OTHER = {"mean": "loc", "std": "scale", "stddev": "scale", "loc": "loc", "scale": "scale"}


class NormalNoise(Target, Protocol):
    mean: float
    variance: float
    symbol: str
    equations: tuple[Equation, ...]
    settled: bool
    variances: bool


def judged(checks: EquationChecks, targets: Sequence[Target], found: Sequence[CodeFinding]) -> Iterator[CodeFinding]:
    """Code that computes an equation with noise in it: whether its draws have the variance that the text gives.

    They are held against the text only where the code is the equation with the second number as standard deviation,
    and refuted only where the document says or shows that this number is a variance.
    """
    for target in targets:
        if target.kind != "noise":
            continue
        noise = cast(NormalNoise, target)
        for equation in noise.equations:
            finding = next((f for p in checks.pieces if (f := _judge(noise, equation, p, checks)) is not None), None)
            if finding is not None:
                yield finding
                break


def _judge(noise: NormalNoise, equation: Equation, piece: Piece, checks: EquationChecks) -> CodeFinding | None:
    if equation.order >= piece.order:
        return None
    deviation = float(np.sqrt(noise.variance))
    stated = replace(equation, atoms=tuple(  # type: ignore[type-var]
        replace(a, names=(DRAW,)) if a.latex == noise.symbol else a for a in equation.atoms
    ))  # fmt: skip
    for scale in dict.fromkeys((deviation, noise.variance)):
        drawn = _drawn(piece, noise.mean, scale)
        if drawn is None:
            return None
        for binding in bindings(stated, drawn):
            evidence = _equal(binding, checks)
            if evidence:
                return _told(noise, equation, piece, binding, scale, deviation, evidence)
    return None


def _equal(binding: Binding, checks: EquationChecks) -> tuple[str, ...]:
    """How far both sides are apart, where they agree and the noise is one of the inputs."""
    if DRAW not in binding.names.values() or binding.constants or binding.rest:
        return ()
    for outcomes in checks.compare(binding):
        if {o.comparison.outcome for o in outcomes} == {"equal"}:
            return tuple(o.evidence for o in outcomes)
    return ()


def _told(
    noise: NormalNoise, equation: Equation, piece: Piece, binding: Binding, scale: float, deviation: float,
    evidence: tuple[str, ...],
) -> CodeFinding | None:  # fmt: skip
    bound = tuple(t for t in binding.told if DRAW not in t) + (f"{noise.latex} is what line {piece.line} draws",)
    if not noise.settled and noise.variance != 1:
        return None
    if scale == deviation:
        reason = f"line {piece.line} draws noise of variance {noise.variance:g}"
        verdict = Verdict("verified", reason, "code on fresh inputs", evidence)
    elif not noise.variances:
        reason = (
            f"line {piece.line} draws noise of standard deviation {scale:g}; whether {scale:g} is the standard "
            "deviation or the variance of the law, the document does not say"
        )
        verdict = Verdict("unchecked", reason)
    else:
        example = Counterexample(
            values={f"variance of {noise.latex}": noise.variance, "variance in the code": scale * scale},
            left=noise.variance, right=scale * scale, note=f"the law against line {piece.line}",
        )  # fmt: skip
        reason = (
            f"line {piece.line} draws noise of standard deviation {scale:g}, variance {scale * scale:.4g}, "
            f"where the law has the variance {noise.variance:g}"
        )
        verdict = Verdict("refuted", reason, "code on fresh inputs", evidence, example)
    return CodeFinding(noise.key, verdict, piece.cell, piece.owner or piece.name, piece.line, bound)


def _drawn(piece: Piece, mean: float, scale: float) -> Piece | None:
    """The piece with its only draw as an input with this mean and standard deviation; None if it has not one."""
    visitor = _Draws(mean, scale)

    def changed(node: ast.AST) -> ast.AST:
        return visitor.visit(ast.parse(ast.unparse(node)).body[0])  # type: ignore[no-any-return]

    value = cast(ast.Expr, changed(ast.Expr(piece.value))).value
    before = (
        tuple(_numbered(cast(ast.stmt, changed(s)), s) for s in piece.before) if not visitor.count else piece.before
    )
    parameters = {**piece.parameters, DRAW: None}
    return replace(piece, value=value, before=before, parameters=parameters) if visitor.count == 1 else None


def _numbered(new: ast.stmt, old: ast.stmt) -> ast.stmt:
    new.lineno = old.lineno
    return new


class _Draws(ast.NodeTransformer):
    """Calls that draw from a normal law in terms of a draw of the law that the text gives."""

    def __init__(self, mean: float, scale: float) -> None:
        self.count = 0
        self.mean = mean
        self.scale = scale

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        standard = ast.parse(f"(({DRAW} - {self.mean!r}) / {self.scale!r})", mode="eval").body
        if name in STANDARD:
            self.count += 1
            return standard
        if name == "normal":
            given = {OTHER[k.arg]: k.value for k in node.keywords if k.arg in OTHER}
            library = ast.unparse(node.func)
            if library.split(".")[0] in ("np", "numpy", "rng", "torch", "random", "generator", "gen"):
                given |= dict(zip(("loc", "scale"), node.args, strict=False))
            self.count += 1
            loc, scale = given.get("loc", ast.Constant(0.0)), given.get("scale", ast.Constant(1.0))
            return ast.BinOp(loc, ast.Add(), ast.BinOp(scale, ast.Mult(), standard))
        return self.generic_visit(node)
