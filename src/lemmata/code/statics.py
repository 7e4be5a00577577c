"""What the text of the cells says without running it: what statements read and assign, which loss runs backward."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from msgspec import Struct

from lemmata.code.cells import Prepared, place
from lemmata.code.worker.instrument import assigned_names

RANDOM = ("rand", "normal", "dropout", "shuffle", "sample", "permutation", "noise", "bernoulli", "choice")


class Line(Struct, frozen=True):
    """A statement outside functions."""

    cell: int
    line: int
    """In the document."""
    assigned: tuple[str, ...]
    reads: frozenset[str]
    random: bool
    backward: str | None
    """The variable whose `backward` is called."""
    parts: frozenset[str]
    """Names of which an element, a slice or one member after the other is taken."""


class Definition(Struct, frozen=True):
    """A function or class in a cell."""

    name: str
    cell: int
    line: int


class Rests(Struct, frozen=True):
    """What a statement rests on, directly or through earlier statements."""

    names: frozenset[str]
    random: bool
    parts: frozenset[str]
    """Names of which only a part goes in."""
    places: frozenset[tuple[int, int]]
    """(cell, line) of the earlier statements."""


def lines(prepared: Sequence[Prepared]) -> tuple[Line, ...]:
    """Statements outside functions, in order; the head of a loop is one that assigns its target."""
    found = []
    for entry in prepared:
        if entry.tree is None or entry.skipped:
            continue
        for node in _outside(entry.tree):
            where = place(entry.cell, node.lineno).line
            if isinstance(node, ast.For):
                head = (node.target, node.iter)
                own = tuple(n.id for n in ast.walk(node.target) if isinstance(n, ast.Name))
                reads = frozenset(n.id for n in ast.walk(node.iter) if isinstance(n, ast.Name))
                found.append(Line(entry.cell.index, where, own, reads, _random(*head), None, reads))
            elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr)):
                own = assigned_names(node)
                reads = frozenset(
                    n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
                ) | (frozenset(own) if isinstance(node, ast.AugAssign) else frozenset())
                found.append(Line(entry.cell.index, where, own, reads, _random(node), _backward(node), _parts(node)))
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


def looped(prepared: Sequence[Prepared]) -> frozenset[str]:
    """Names that loops outside functions give one value after the other, and that no function or class has."""
    own = {d.name for d in definitions(prepared)}
    loops = [n for p in prepared if p.tree is not None for n in _outside(p.tree) if isinstance(n, ast.For)]
    return frozenset(n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)) - own


def sources(lines_: Sequence[Line], cell: int, line: int, stop: frozenset[str]) -> Rests | None:
    """What a statement rests on, following assignments back to the names in `stop`; None if it is not known."""
    at = next((i for i, s in enumerate(lines_) if s.cell == cell and s.line == line), None)
    if at is None:
        return None
    found: set[str] = set()
    visited = {at}
    waiting = [(name, at) for name in lines_[at].reads]
    done: set[tuple[str, int]] = set()
    while waiting:
        name, before = waiting.pop()
        if (name, before) in done:
            continue
        done.add((name, before))
        found.add(name)
        origin = next((i for i in range(before - 1, -1, -1) if name in lines_[i].assigned), None)
        if name not in stop and origin is not None:
            visited.add(origin)
            waiting += [(n, origin) for n in lines_[origin].reads]
    seen = [lines_[i] for i in visited]
    parts = frozenset(n for s in seen for n in s.parts)
    places = frozenset((lines_[i].cell, lines_[i].line) for i in visited if i != at)
    return Rests(frozenset(found), any(s.random for s in seen), parts, places)


def _outside(tree: ast.AST) -> Iterator[ast.stmt]:
    """Statements outside functions and classes."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.stmt):
            yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _outside(child)


def _parts(node: ast.AST) -> frozenset[str]:
    taken = [n.value for n in ast.walk(node) if isinstance(n, ast.Subscript)]
    taken += [n.iter for n in ast.walk(node) if isinstance(n, ast.comprehension)]
    return frozenset(n.id for t in taken for n in ast.walk(t) if isinstance(n, ast.Name))


def _random(*nodes: ast.AST) -> bool:
    called = [
        c.func.attr if isinstance(c.func, ast.Attribute) else c.func.id if isinstance(c.func, ast.Name) else ""
        for node in nodes
        for c in ast.walk(node)
        if isinstance(c, ast.Call)
    ]
    return any(word in name.lower() for name in called for word in RANDOM)


def _backward(node: ast.AST) -> str | None:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "backward":
            return call.func.value.id if isinstance(call.func.value, ast.Name) else ""
    return None
