"""Where in a layer's class the steps of attention stand: splitting into heads, scores, scale, softmax, merging."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from lemmata.code.attention import FAULTS
from lemmata.code.layers import LayerClass
from lemmata.code.session import Session

RESHAPES = frozenset({"view", "reshape", "unflatten", "flatten"})
PRODUCTS = frozenset({"matmul", "bmm", "einsum", "dot", "batch_dot"})


def with_lines(session: Session, layer: LayerClass, faults: Sequence[str]) -> tuple[str, ...]:
    """The faults of a layer with the lines of the step that each of them is about, where these can be told."""
    fields = {text: name for (name, _), text in FAULTS.items()}
    entry = next((p for p in session.prepared if p.cell.index == layer.cell), None)
    tree = entry.tree if entry is not None else None
    body = (
        next((n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == layer.name), None)
        if tree
        else None
    )
    if body is None:
        return tuple(faults)
    told = []
    for fault in faults:
        at = sorted({session.position_line(layer.cell, n) for n in _step(body, fields.get(fault, ""))})
        lines = f"line{'s' if len(at) > 1 else ''} {', '.join(map(str, at))}"
        told.append(f"{fault} ({lines})" if at else fault)
    return tuple(told)


def _step(body: ast.ClassDef, name: str) -> list[int]:
    """Lines of the class where this step is taken."""
    shaped = list(_reshapes(body))
    if name == "split":
        return [line for line, axes in shaped if axes > 3]
    if name == "merge":
        return [line for line, axes in shaped if axes <= 3][-1:]
    if name == "scores":
        return [n.lineno for n in _products(body)][:1]
    if name == "axis":
        return [n.lineno for n in ast.walk(body) if isinstance(n, ast.Call) and "softmax" in _called(n).lower()][:1]
    return []


def _reshapes(body: ast.ClassDef) -> Iterator[tuple[int, int]]:
    """(line, number of axes) of everything that is reshaped, in the order of the text."""
    found = []
    for node in ast.walk(body):
        if isinstance(node, ast.Call) and _called(node) in RESHAPES:
            sizes = list(node.args)
            lists = [a for a in sizes if isinstance(a, (ast.Tuple, ast.List))]
            plain = [a for a in sizes if not isinstance(a, ast.Name) or _called(node) == "view"]
            found.append((node.lineno, len(lists[-1].elts) if lists else len(plain)))
    return iter(sorted(found))


def _products(body: ast.ClassDef) -> Iterator[ast.expr]:
    for node in sorted(
        (n for n in ast.walk(body) if isinstance(n, (ast.Call, ast.BinOp))), key=lambda n: (n.lineno, n.col_offset)
    ):
        if isinstance(node, ast.Call) and _called(node) in PRODUCTS:
            yield node
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            yield node


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
