"""Whether a program is one: every node against the table of primitives."""

from __future__ import annotations

from lemmata.program.build import ORDER, BadProgram
from lemmata.program.graph import nodes
from lemmata.program.node import Node
from lemmata.program.primitives import PRIMITIVES


def validate(*outputs: Node) -> None:
    """Raises BadProgram for the first node, arguments before their users, that breaks the rules of its primitive."""
    for node in nodes(*outputs):
        fault = _fault(node)
        if fault:
            raise BadProgram(f"{node.op} {fault}")


def _fault(node: Node) -> str:
    primitive = PRIMITIVES.get(node.op)
    if primitive is None:
        return "is no primitive"
    count = len(node.args)
    if count != primitive.arguments and (primitive.arguments is not None or not count):
        return f"has {count} arguments"
    given = {name for name, _ in node.attrs}
    if given != primitive.attrs:
        return f"has the attributes {', '.join(sorted(given)) or 'none'}"
    if len({a.uid for a in node.axes}) != len(node.axes):
        return "has an axis twice"
    axes = primitive.axes(node)
    if axes is None:
        return "has arguments that do not fit"
    if axes != node.axes:
        return f"has the axes {_labels(node.axes)} where {_labels(axes)} follow"
    dtype = primitive.dtype(node)
    if dtype is None or node.dtype not in ORDER:
        return "has arguments of a wrong type"
    return "" if dtype == node.dtype else f"is {node.dtype} where {dtype} follows"


def _labels(axes: tuple[object, ...]) -> str:
    return ", ".join(f"{getattr(a, 'label', a)}" for a in axes) or "none"
