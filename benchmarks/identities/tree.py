"""The tree of an expression, read from Python's own syntax: `X.T @ (X @ w - y) / n`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.MatMult: "matmul", ast.Div: "div", ast.Pow: "pow"}
RELATIONS = {ast.Eq: "=", ast.LtE: "<=", ast.GtE: ">=", ast.In: "in"}
BINDERS = ("sum", "prod", "mean")
"""`sum(i, a, b, body)`: the first argument is bound in the last."""


@dataclass(frozen=True, slots=True)
class Node:
    """`num`, `sym` (with a name), `at` (component), `T`, `neg`, a binary operation, or a function by its name."""

    op: str
    args: tuple[Node, ...] = ()
    name: str = ""

    def walk(self, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Node]]:
        yield path, self
        for k, arg in enumerate(self.args):
            yield from arg.walk((*path, k))

    def at(self, path: tuple[int, ...]) -> Node:
        return self if not path else self.args[path[0]].at(path[1:])

    def put(self, path: tuple[int, ...], node: Node) -> Node:
        """The same tree with another one at `path`."""
        if not path:
            return node
        k = path[0]
        return replace(self, args=self.args[:k] + (self.args[k].put(path[1:], node),) + self.args[k + 1 :])

    def map(self, change: Callable[[Node], Node]) -> Node:
        """Apply `change` to every node, innermost first."""
        return change(replace(self, args=tuple(a.map(change) for a in self.args)))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(n.name for _, n in self.walk() if n.op in ("sym", "call"))


def num(value: object) -> Node:
    return Node("num", (), str(value))


def sym(name: str) -> Node:
    return Node("sym", (), name)


def parse(text: str) -> Node:
    """A term, or a relation between two terms.

    Raises:
        ValueError: not in the notation.
    """
    try:
        return _node(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError as error:
        raise ValueError(f"cannot read {text!r}: {error}") from error


def _node(e: ast.expr) -> Node:
    match e:
        case ast.Constant(value=value):
            return num(value)
        case ast.Name(id=name):
            return sym(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Node("neg", (_node(operand),))
        case ast.BinOp(left=left, op=op, right=right):
            return Node(BINARY[type(op)], (_node(left), _node(right)))
        case ast.Attribute(value=value, attr="T"):
            return Node("T", (_node(value),))
        case ast.Subscript(value=value, slice=index):
            indices = index.elts if isinstance(index, ast.Tuple) else [index]
            return Node("at", (_node(value), *map(_node, indices)))
        case ast.Call(func=ast.Name(id=name), args=args):
            return Node("call" if name.startswith("_") else name, tuple(map(_node, args)), name.lstrip("_"))
        case ast.List(elts=rows):
            return Node("row", tuple(map(_node, rows)))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return Node(RELATIONS[type(op)], (_node(left), _node(right)))
    raise ValueError(f"not in the notation: {ast.unparse(e)}")
