"""Which functions are called as the gradient of what, and what is done with their results where they are called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from lemmata.code.spelling import gradient_names, spellings, squash
from lemmata.code.target import Derivative

WORDS = ("gradient", "gradients", "grads", "grad", "derivative", "deriv", "backward", "nabla", "jacobian")
LOSSES = ("loss", "cost", "objective", "error", "risk")
AROUND = re.compile(
    r"^(compute|calc|calculate|get|eval|evaluate|analytic|analytical|manual|my|exact|true|full)_|"
    r"_(fn|func|function|np|numpy|torch|jax|manual|analytic|analytical|vectorized|vectorised|by_hand|hand|exact)$"
)
"""Words that say nothing about what is differentiated."""

PRIMES = re.compile(r"\^?\{?\\prime\}?|'")


def bare(latex: str) -> str:
    """Without primes, braces and spaces: f' and f are one."""
    return re.sub(r"[\s{}^]", "", PRIMES.sub("", latex))


def likeness(target: Derivative, name: str) -> int:
    """How a name fits a derivative: 4 as that of this by that, 3 as that of this, 2 as one by that, 1 as any, 0 not."""
    short = name
    while (shorter := AROUND.sub("", short)) != short:
        short = shorter
    of = [n for n in spellings(PRIMES.sub("", target.of)) if n]
    by = spellings(target.by)
    words = squash(short)
    loss = of if not {"loss", "cost"} & set(of) else [*of, *LOSSES]
    exact = [x for f in loss for w in WORDS for x in (w + f, f + w)]
    exact += [x for f in of for x in (f"d{f}", f"{f}prime", f"{f}p" if len(f) == 1 else "")]
    full = [f"d{f}d{x}" for f in loss for x in by]
    full += [f"{w}{f}{x}" for w in WORDS for f in loss for x in by]
    variable = [n for n in gradient_names(target.of, target.by) if "." not in n and not _rate(n, by)] if by else []
    full += [n for n in variable if n.startswith("d") and "_d" in n]
    variable += [w + x for w in WORDS for x in by]
    for rank, names in ((4, full), (3, exact), (2, variable)):
        if words in {squash(x) for x in names if x}:
            return rank
    return int(words in WORDS or words in {x for f in LOSSES for w in WORDS for x in (w + f, f + w)})


def _rate(name: str, by: Sequence[str]) -> bool:
    """Whether a name is `dx` or `d_x` alone, which a rate of x or a small x is called, too."""
    return name in {x for w in by for x in (f"d{w}", f"d_{w}")}


def makes_up(trees: Sequence[ast.AST], name: str) -> str:
    """How the code makes up for a sign, a factor or a layout where it calls the function; empty if it does not."""

    def called(node: ast.AST, names: set[str]) -> bool:
        return any(
            isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name
            or isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in names
            for n in ast.walk(node)
        )  # fmt: skip

    results = {
        x.id for t in trees for n in ast.walk(t) if isinstance(n, ast.Assign) and called(n.value, set())
        for target in n.targets for x in ast.walk(target) if isinstance(x, ast.Name)
    }  # fmt: skip
    results -= {n for _, n in _updated(trees)}
    for node in (n for t in trees for n in ast.walk(t)):
        if not isinstance(node, (ast.BinOp, ast.AugAssign, ast.UnaryOp, ast.Attribute)) or not called(node, results):
            continue
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, (ast.Div, ast.Add)):
            return "the code divides it, or adds it, where it is called"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            other = node.right if called(node.left, results) else node.left
            if any(isinstance(n, (ast.Div, ast.Call, ast.USub)) for n in ast.walk(other)):
                return "the code scales it where it is called"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return "the code takes its negative where it is called"
        if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "transpose"):
            return "the code transposes it where it is called"
    return ""


def _updated(trees: Sequence[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """Assignments of a name in terms of itself: `w = w - lr * grad(w)`."""
    for node in (n for t in trees for n in ast.walk(t)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            if any(isinstance(n, ast.Name) and n.id == node.targets[0].id for n in ast.walk(node.value)):
                yield node, node.targets[0].id
