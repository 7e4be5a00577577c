"""Classes that wrap a sublayer in residual and normalisation, `forward(x, sublayer)`, read with stand-ins for children.

The method runs on arrays; a child that is made as a normalisation is one without weights, dropout does nothing, and the
sublayer is a smooth function. So the class need not be constructed, and what its children are made of may be absent.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lemmata.code.attention import close
from lemmata.code.cells import place
from lemmata.code.pieces import module
from lemmata.code.session import Failed, Session
from lemmata.code.spelling import squash
from lemmata.code.target import CannotLower, CodeFinding, Target
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

METHODS = ("forward", "call", "__call__")
STAND_INS = """
    def _norm(t):
        mean = t.mean(-1, keepdims=True)
        return (t - mean) / ((t - mean) ** 2).mean(-1, keepdims=True) ** 0.5
    def _same(t, *_, **__):
        return t
    class _Self:
        pass
    self = _Self()
"""
SHAPES = ((3, 5), (2, 4, 6), (1, 3, 8))


@dataclass(frozen=True)
class Wrapper:
    """A class whose method takes an array and a function that it calls."""

    name: str
    cell: int
    line: int
    """Of the returned value."""
    source: str
    """`piece(x)` with the sublayer `_inner` put in."""
    sublayer: str
    """What the method calls its function."""
    layered: bool
    """Its normalisations are made as layer normalisations."""


def judge_wrappers(targets: Sequence[Target], session: Session, seed: int) -> Iterator[CodeFinding]:
    """Every wrapper against LayerNorm(x + Sublayer(x)) where the function has the formula's name. Raises Failed."""
    for target in targets:
        operation = next((p for p in target.parameters if p.role == "operation"), None)
        arguments = [p for p in target.parameters if p.role == "argument"]
        if target.kind != "function" or operation is None or len(arguments) != 1:
            continue
        called = squash(re.sub(r"\\text|[{}\s]", "", operation.latex))
        for wrapper in wrappers(session):
            if squash(wrapper.sublayer) != called:
                continue
            verdict = _judged(target, wrapper, operation.key, arguments[0].key, session, seed)
            if verdict is not None:
                bound = (f"{target.latex} is {wrapper.name}", f"{operation.latex} is {wrapper.sublayer}")
                yield CodeFinding(target.key, verdict, wrapper.cell, wrapper.name, wrapper.line, bound)


def wrappers(session: Session) -> Iterator[Wrapper]:
    """The wrappers among the classes of the document."""
    for entry in session.prepared:
        tree = module(entry)
        for node in tree.body if tree is not None and entry.cell.executable else ():
            if isinstance(node, ast.ClassDef):
                method = next((m for m in node.body if isinstance(m, ast.FunctionDef) and m.name in METHODS), None)
                made = _source(node, method) if method is not None else None
                if made is not None and method is not None:
                    line = place(entry.cell, method.body[-1].lineno).line
                    yield Wrapper(node.name, entry.cell.index, line, *made)


def _source(node: ast.ClassDef, method: ast.FunctionDef) -> tuple[str, str, bool] | None:
    """The method as a function of its array, the name of the function that it takes, and what kind of norm it has."""
    names = [a.arg for a in method.args.args[1:]]
    called = {n.func.id for n in ast.walk(method) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    functions = [n for n in names if n in called]
    if len(names) != 2 or len(functions) != 1 or method.args.vararg or method.args.kwarg:
        return None
    array = next(n for n in names if n not in functions)
    children = _children(node)
    used = {
        n.attr for n in ast.walk(method)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "self"
    }  # fmt: skip
    if not used or not all(children.get(name) for name in used):
        return None
    lines = [f"    self.{name} = {'_norm' if 'norm' in children[name] else '_same'}" for name in sorted(used)]
    body = [s for s in method.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    if not any("norm" in children[name] for name in used) or not body or not isinstance(body[-1], ast.Return):
        return None
    text = "\n".join("    " + row for s in body for row in ast.unparse(s).split("\n"))
    source = f"def piece({array}):{STAND_INS}" + "\n".join(lines)
    source += f"\n    {functions[0]} = lambda t: t * t + 0.5 * t\n{text}\n"
    return source, functions[0], all("layer" in children[n] for n in used if "norm" in children[n])


def _children(node: ast.ClassDef) -> Mapping[str, str]:
    """Attributes by the lower-case name of what makes them; "" where that is neither normalisation nor dropout."""
    found: dict[str, str] = {}
    for assign in (n for n in ast.walk(node) if isinstance(n, ast.Assign)):
        for target in assign.targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
                made = assign.value.func if isinstance(assign.value, ast.Call) else None
                name = made.attr if isinstance(made, ast.Attribute) else made.id if isinstance(made, ast.Name) else ""
                word = name.lower()
                kind = word if any(w in word for w in ("norm", "dropout", "identity")) else ""
                found[target.attr] = kind if target.attr not in found else ""
    return found


def _judged(
    target: Target, wrapper: Wrapper, operation: str, argument: str, session: Session, seed: int
) -> Verdict | None:
    rng = np.random.default_rng([seed, 31])
    seen: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for shape in SHAPES:
        x = np.round(rng.normal(size=shape), 2)
        try:
            formula = _evaluate(target, x, operation, argument)
            answer = session.ask("piece", source=wrapper.source, values={_array(wrapper): x}, likes=["numpy float64"])
        except (CannotLower, Failed):
            if not session.alive:
                raise
            return None
        code = answer.get("value")
        if not isinstance(code, np.ndarray) or code.shape != formula.shape:
            return None
        seen.append((x, formula, code))
    what = f"each sublayer being any function ({', '.join('×'.join(map(str, s)) for s in SHAPES)})"
    if all(close(f, c) for _, f, c in seen):
        if not wrapper.layered:
            return None
        reason = f"residual and normalisation of {wrapper.name} are the formula's (line {wrapper.line})"
        return Verdict("verified", reason, "code on fresh inputs", (what,))
    before = all(close(x + _sub(_norm(x)), c) for x, _, c in seen)
    after = all(close(x + _norm(_sub(x)), c) for x, _, c in seen)
    if not (before or after) or "pre" in wrapper.name.lower() or any(close(f, c) for _, f, c in seen):
        return None
    x, formula, code = seen[0]
    at = np.unravel_index(int(np.argmax(np.abs(formula - code))), code.shape)
    does = "x + Sublayer(LayerNorm(x))" if before else "x + LayerNorm(Sublayer(x))"
    example = Counterexample(
        sizes={"d": int(x.shape[-1])},
        values={"x": shown(x)},
        left=float(formula[at]),
        right=float(code[at]),
        where=f"component {[int(i) for i in at]}",
        note="Sublayer(t) = t² + t/2 here, normalisations without weights",
    )
    how = "normalises before the sublayer" if before else "normalises the sublayer alone"
    reason = f"{wrapper.name} {how}, {does}, which is not the formula (line {wrapper.line})"
    return Verdict("refuted", reason, "code on fresh inputs", (what,), example)


def _array(wrapper: Wrapper) -> str:
    return re.split(r"[()]", wrapper.source, maxsplit=2)[1]


def _norm(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(-1, keepdims=True)))


def _sub(x: np.ndarray) -> np.ndarray:
    return x * x + 0.5 * x


def _evaluate(target: Target, x: np.ndarray, operation: str, argument: str) -> np.ndarray:
    """The formula for each matrix of a batch. Raises CannotLower."""
    if x.ndim > 2:
        return np.stack([_evaluate(target, one, operation, argument) for one in x])
    return np.asarray(target.evaluate({argument: x, operation: _sub}), dtype=float)
