"""What the text of the cells says without running it: what statements read and assign, which loss runs backward."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from lemmata.code.cells import Prepared, place
from lemmata.code.worker.instrument import assigned_names

RANDOM = ("rand", "normal", "dropout", "shuffle", "sample", "permutation", "noise", "bernoulli", "choice")


@dataclass(frozen=True, slots=True)
class Line:
    """A statement outside functions."""

    cell: int
    line: int
    """In the document."""
    assigned: tuple[str, ...]
    reads: frozenset[str]
    random: bool
    backward: str | None
    """The variable whose `backward` is called."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class in a cell."""

    name: str
    cell: int
    line: int


def lines(prepared: Sequence[Prepared]) -> tuple[Line, ...]:
    """Statements outside functions, in order."""
    found = []
    for entry in prepared:
        if entry.tree is None or entry.skipped:
            continue
        for node in ast.walk(entry.tree):
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr)) and _outside(entry.tree, node):
                reads = frozenset(
                    n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
                )
                own = assigned_names(node)
                reads |= frozenset(own) if isinstance(node, ast.AugAssign) else frozenset()
                where = place(entry.cell, node.lineno).line
                found.append(Line(entry.cell.index, where, own, reads, _random(node), _backward(node)))
    return tuple(sorted(found, key=lambda s: (s.cell, s.line)))


def definitions(prepared: Sequence[Prepared]) -> tuple[Definition, ...]:
    """Functions and classes at the top of cells."""
    return tuple(
        Definition(node.name, entry.cell.index, place(entry.cell, node.lineno).line)
        for entry in prepared
        if entry.tree is not None
        for node in entry.tree.body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    )


def sources(lines_: Sequence[Line], cell: int, line: int, stop: frozenset[str]) -> tuple[frozenset[str], bool]:
    """(names that a statement rests on, whether chance takes part), following assignments back to those in `stop`."""
    at = next((i for i, s in enumerate(lines_) if s.cell == cell and s.line == line), None)
    if at is None:
        return frozenset(), True
    found: set[str] = set()
    chance = lines_[at].random
    waiting = [(name, at) for name in lines_[at].reads]
    done: set[tuple[str, int]] = set()
    while waiting:
        name, before = waiting.pop()
        if (name, before) in done:
            continue
        done.add((name, before))
        found.add(name)
        if name in stop:
            continue
        origin = next((i for i in range(before - 1, -1, -1) if name in lines_[i].assigned), None)
        if origin is not None:
            chance |= lines_[origin].random
            waiting += [(n, origin) for n in lines_[origin].reads]
    return frozenset(found), chance


def _outside(tree: ast.Module, wanted: ast.AST) -> bool:
    """Whether a statement stands outside functions and classes."""

    def reach(node: ast.AST) -> bool:
        if node is wanted:
            return True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            return False
        return any(reach(child) for child in ast.iter_child_nodes(node))

    return reach(tree)


def _random(node: ast.AST) -> bool:
    called = [
        c.func.attr if isinstance(c.func, ast.Attribute) else c.func.id if isinstance(c.func, ast.Name) else ""
        for c in ast.walk(node)
        if isinstance(c, ast.Call)
    ]
    return any(word in name.lower() for name in called for word in RANDOM)


def _backward(node: ast.AST) -> str | None:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "backward":
            return call.func.value.id if isinstance(call.func.value, ast.Name) else ""
    return None
