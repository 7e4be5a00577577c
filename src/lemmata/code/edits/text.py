"""A definition of the document's code as text and tree, and edits of it as spans of that text."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Sequence

from msgspec import Struct

ATOMS = (ast.Name, ast.Call, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.List)


class Change(Struct, frozen=True):
    """The characters of a definition's text from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


class Edit(Struct, frozen=True):
    """A small edit of code."""

    changes: tuple[Change, ...]
    what: str
    """What the code does where the edit is needed, in words."""
    cost: float
    group: str = ""
    """Edits of one kind, which an author may need at several places at once."""

    @property
    def start(self) -> int:
        return min(c.start for c in self.changes)


class Definition:
    """A function or class of a cell, to be edited."""

    def __init__(self, name: str, cell: int, line: int, text: str, framework: str) -> None:
        """`line`: of the first line of `text` in the cell. Raises SyntaxError."""
        self.name = name
        self.cell = cell
        self.line = line
        self.text = textwrap.dedent(text)
        self.framework = framework
        self.tree = ast.parse(self.text).body[0]
        self._starts = [0]
        for row in self.text.split("\n"):
            self._starts.append(self._starts[-1] + len(row) + 1)
        self._rows = self.text.split("\n")

    def offset(self, line: int, column: int) -> int:
        """Of a position of the tree, whose columns count bytes."""
        row = self._rows[line - 1]
        return self._starts[line - 1] + len(row.encode()[:column].decode(errors="replace"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        first = self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        return first, self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def source(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def operand(self, node: ast.AST) -> str:
        """The node's text, in parentheses where it could fall apart beside an operator."""
        text = self.source(node)
        return text if isinstance(node, ATOMS) else f"({text})"

    def replace(self, node: ast.AST, text: str) -> Change:
        return Change(*self.span(node), text)

    def more(self, call: ast.Call, text: str) -> Change:
        """One more argument of a call."""
        end = self.span(call)[1] - 1
        before = self.text[:end].rstrip()
        return Change(end, end, text if before.endswith(("(", ",")) else f", {text}")

    def remove(self, statement: ast.stmt, block: Sequence[ast.stmt]) -> Change:
        """A statement taken out of its block, with its line where it has one for itself."""
        start, end = self.span(statement)
        first, last = self.text.rfind("\n", 0, start) + 1, self.text.find("\n", end)
        alone = not self.text[first:start].strip() and last >= 0 and not self.text[end:last].strip()
        return Change(first, last + 1, "") if alone and len(block) > 1 else Change(start, end, "pass")

    def row(self, offset: int) -> int:
        """The line of the cell at an offset of the text."""
        return self.line + self.text.count("\n", 0, offset)

    def applied(self, changes: Sequence[Change]) -> str:
        text = self.text
        for change in sorted(changes, key=lambda c: c.start, reverse=True):
            text = text[: change.start] + change.text + text[change.end :]
        return text

    def nodes(self) -> Iterator[ast.AST]:
        """Every node in the order of the text, but for type annotations and docstrings."""
        yield from _walk(self.tree)

    def blocks(self) -> Iterator[list[ast.stmt]]:
        """Every sequence of statements."""
        for node in self.nodes():
            for field in ("body", "orelse"):
                block = getattr(node, field, None)
                if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                    yield block


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.AST):
                yield from _walk(child)


def overlap(first: Edit, second: Edit) -> bool:
    return any(a.start < b.end and b.start < a.end or a == b for a in first.changes for b in second.changes)


def called(node: ast.AST) -> str:
    """The last name of what a call calls: softmax of F.softmax(x), x.softmax()."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_method(node: ast.Call, modules: Sequence[str]) -> bool:
    """Whether a call is of a value, not of a module's function: x.sum(), but not np.sum(x)."""
    head = node.func
    if not isinstance(head, ast.Attribute):
        return False
    root = head.value
    while isinstance(root, ast.Attribute):
        root = root.value
    return not (isinstance(root, ast.Name) and root.id in modules)


def number(node: ast.AST | None) -> int | float | None:
    """A literal number, with its sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return node.value
    return None
