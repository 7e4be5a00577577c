"""What code computes, piece by piece: an assigned or returned value with the statements it follows from."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.cells import Prepared, place

TABS = re.compile(r"^\s*%%\w+.*$", re.MULTILINE)
KEPT = frozenset({"T", "mT", "H", "shape", "size", "ndim", "dtype", "device", "real"})
"""Attributes of arrays that are no variables of their own."""
MOST = 400
"""Pieces of one document that are looked at."""


class Piece(Struct, frozen=True, eq=False):
    """One value that code computes."""

    name: str
    """The variable, or the function that returns it."""
    owner: str
    """The function around it, `Class.method`; empty outside of functions."""
    cell: int
    line: int
    """In the document."""
    value: ast.expr
    before: tuple[ast.stmt, ...]
    """Statements of the same block and the blocks around it, in order."""
    parameters: Mapping[str, ast.expr | None]
    """Arguments of the function, with their defaults."""
    shown: Mapping[str, str]
    """What is written in the code for names made here (`p__grad`: `p.grad`)."""
    position: int | None = None
    """Of a tuple that is returned."""
    returned: bool = False
    tab: str = ""
    """The framework variant that it belongs to."""
    order: tuple[int, int] = (-1, 0)
    """(notebook cell or -1, line)."""
    text: str = ""
    """Docstring of its function."""

    @property
    def written(self) -> str:
        """The value as the code has it."""
        return re.sub(r"\w*__\w*", lambda m: self.shown.get(m[0], m[0]), ast.unparse(self.value))


class Program(Struct, frozen=True):
    """A piece cut at some names: what is to be run, and what it needs."""

    statements: tuple[ast.stmt, ...]
    cuts: frozenset[str]
    needs: frozenset[str]
    """Names that are neither cut nor assigned."""


def pieces(prepared: Sequence[Prepared]) -> tuple[Piece, ...]:
    """Every piece of the cells, cells that do not run included, in order."""
    found: list[Piece] = []
    for entry in prepared:
        tree = module(entry)
        if tree is None or not entry.cell.executable:
            continue
        tab = str(entry.cell.options.get("tab", ""))
        for piece in _Block(entry, tab).walk(tree.body, (), {}, "", ""):
            found.append(piece)
            if len(found) >= MOST:
                return tuple(found)
    return tuple(found)


def module(entry: Prepared) -> ast.Module | None:
    """The cell's Python, also of one that does not run; None where it cannot be read."""
    if entry.tree is not None:
        return entry.tree
    try:
        return ast.parse(TABS.sub("", entry.cell.source, count=1))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Block(Struct):
    entry: Prepared
    tab: str

    def walk(
        self, body: Sequence[ast.stmt], before: tuple[ast.stmt, ...], parameters: Mapping[str, ast.expr | None],
        owner: str, text: str,
    ) -> Iterator[Piece]:  # fmt: skip
        for statement in body:
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                yield from self.inside(statement, before, parameters, owner)
                continue
            if isinstance(statement, ast.With):
                inner = list(self.walk(statement.body, before, parameters, owner, text))
                yield from inner
                before = (*before, *_flat(statement.body))
                continue
            if isinstance(statement, (ast.For, ast.While)):
                yield from self.walk(statement.body, before, parameters, owner, text)
            elif isinstance(statement, ast.If):
                yield from self.walk(statement.body, before, parameters, owner, text)
                yield from self.walk(statement.orelse, before, parameters, owner, text)
            else:
                yield from self.values(statement, before, parameters, owner, text)
            before = (*before, statement)

    def inside(
        self, node: ast.FunctionDef | ast.ClassDef, before: tuple[ast.stmt, ...],
        parameters: Mapping[str, ast.expr | None], owner: str,
    ) -> Iterator[Piece]:  # fmt: skip
        name = f"{owner}.{node.name}" if owner else node.name
        if isinstance(node, ast.ClassDef):
            for child in node.body:
                if isinstance(child, ast.FunctionDef):
                    yield from self.inside(child, (), {}, name)
            return
        arguments = _parameters(node)
        own, shown = normal(node, {*arguments, *parameters})
        doc = ast.get_docstring(node) or ""
        outer = before if owner else ()
        for piece in self.walk(own, outer, {**parameters, **arguments}, name, doc):
            yield replace(piece, shown={**shown, **piece.shown})

    def values(
        self, statement: ast.stmt, before: tuple[ast.stmt, ...], parameters: Mapping[str, ast.expr | None], owner: str,
        text: str,
    ) -> Iterator[Piece]:  # fmt: skip
        if not owner:
            (statement,), _ = normal_statements([statement], set())
        where = place(self.entry.cell, statement.lineno)
        line = where.line
        made: dict[str, object] = {
            "owner": owner, "cell": self.entry.cell.index, "line": line, "before": before, "parameters": parameters,
            "shown": {}, "tab": self.tab, "text": text, "order": (-1 if where.cell is None else where.cell, line),
        }  # fmt: skip
        if isinstance(statement, ast.Return) and statement.value is not None:
            value = statement.value
            if isinstance(value, ast.Lambda):
                extra = {a.arg: None for a in value.args.args}
                made["parameters"] = {**parameters, **extra}
                value = value.body
            name = owner.rsplit(".", 1)[-1]
            parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else None
            if parts is None and isinstance(value, ast.Call) and len(value.args) == 1 and isinstance(
                value.args[0], ast.List
            ):  # fmt: skip
                parts = value.args[0].elts
                yield Piece(name=name, value=value, returned=True, **made)  # type: ignore[arg-type]
            for number, part in enumerate(parts or [value]):
                position = None if parts is None else number
                yield Piece(name=name, value=part, position=position, returned=True, **made)  # type: ignore[arg-type]
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from self.assigned(target, statement.value, made)

    def assigned(self, target: ast.expr, value: ast.expr, made: Mapping[str, object]) -> Iterator[Piece]:
        if isinstance(target, ast.Name):
            yield Piece(name=target.id, value=value, **made)  # type: ignore[arg-type]
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, its in zip(target.elts, value.elts, strict=True):
                yield from self.assigned(one, its, made)


def _parameters(node: ast.FunctionDef) -> dict[str, ast.expr | None]:
    spec = node.args
    names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    defaults: list[ast.expr | None] = [None] * (len(names) - len(spec.defaults)) + list(spec.defaults)
    found = dict(zip(names, defaults, strict=True))
    found |= {a.arg: d for a, d in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)}
    return found


def _flat(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.With):
            yield from _flat(statement.body)
        else:
            yield statement


def normal(node: ast.FunctionDef, parameters: set[str]) -> tuple[list[ast.stmt], dict[str, str]]:
    """A function's body with attributes of its arguments as names, and in-place updates as assignments."""
    loops = {
        n.id for x in ast.walk(node) if isinstance(x, ast.For) for n in ast.walk(x.target) if isinstance(n, ast.Name)
    }
    return normal_statements(node.body, parameters | loops)


def normal_statements(body: Sequence[ast.stmt], roots: set[str]) -> tuple[list[ast.stmt], dict[str, str]]:
    """Statements with attributes of `roots` as names, and in-place updates as assignments."""
    rewrite = _Normal(roots)
    copied = [ast.parse(ast.unparse(s)).body[0] for s in body]
    result = []
    for old, new in zip(body, copied, strict=True):
        lines = dict(zip(_statements(old), _statements(new), strict=False))
        for before, after in lines.items():
            after.lineno = before.lineno
        result.append(ast.fix_missing_locations(rewrite.visit(new)))
    return result, rewrite.shown


def _statements(node: ast.stmt) -> list[ast.stmt]:
    return [n for n in ast.walk(node) if isinstance(n, ast.stmt)]


class _Normal(ast.NodeTransformer):
    def __init__(self, roots: set[str]) -> None:
        self.roots = roots
        self.shown: dict[str, str] = {}

    def name(self, made: str, node: ast.expr) -> ast.expr:
        self.shown[made] = ast.unparse(node)
        return ast.copy_location(ast.Name(made, ast.Load()), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        inner = self.visit(node.value)
        if isinstance(inner, ast.Name) and (inner.id in self.roots or "__" in inner.id) and node.attr not in KEPT:
            if node.attr == "data":
                return inner
            return self.name(f"{inner.id}__{node.attr}", node)
        node.value = inner
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        key = node.slice
        if isinstance(node.value, ast.Name) and isinstance(key, ast.Constant) and isinstance(key.value, str):
            if key.value.isidentifier():
                return self.name(f"{node.value.id}__{key.value}", node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if isinstance(function, ast.Attribute):
            if isinstance(function.value, ast.Call) and ast.unparse(function.value) == "super()":
                return self.name(f"super__{function.attr}", node)
            function.value = self.visit(function.value)
            if isinstance(function.value, ast.Name) and function.value.id == "self":
                node.func = self.name(f"self__{function.attr}", function)
        else:
            node.func = self.visit(function)
        node.args = [self.visit(a) for a in node.args]
        node.keywords = [self.visit(k) for k in node.keywords]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        node.value = self.visit(node.value)
        node.targets = [self.target(t) for t in node.targets]
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        target = self.target(node.target)
        value = self.visit(node.value)
        if not isinstance(target, ast.Name):
            node.target, node.value = target, value  # type: ignore[assignment]
            return node
        whole = ast.BinOp(ast.Name(target.id, ast.Load()), node.op, value)
        return ast.copy_location(ast.Assign([target], whole), node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """`v.mul_(b).add_(g)` as v = v.mul(b).add(g)."""
        root, chain = node.value, []
        while isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute):
            chain.append(root)
            root = root.func.value
        while isinstance(root, ast.Attribute) and root.attr == "data":
            root = root.value
        first = chain[-1].func if chain else None
        if not (
            isinstance(root, ast.Name | ast.Attribute) and isinstance(first, ast.Attribute)
            and first.attr.endswith("_") and not first.attr.endswith("__")
        ):  # fmt: skip
            self.generic_visit(node)
            return node
        target = self.target(root)
        if not isinstance(target, ast.Name):
            return node
        value: ast.expr = ast.Name(target.id, ast.Load())
        for call in reversed(chain):
            assert isinstance(call.func, ast.Attribute)
            arguments = [self.visit(a) for a in call.args]
            keywords = [self.visit(k) for k in call.keywords]
            plain = call.func.attr.rstrip("_")
            value = arguments[0] if plain == "copy" else ast.Call(
                ast.Attribute(value, plain, ast.Load()), arguments, keywords
            )  # fmt: skip
            if plain == "zero":
                return node
        return ast.copy_location(ast.Assign([ast.Name(target.id, ast.Store())], value), node)

    def target(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and ast.unparse(node.slice) == ":":
            return self.target(node.value)
        if isinstance(node, (ast.Tuple, ast.List)):
            return ast.copy_location(ast.Tuple([self.target(e) for e in node.elts], ast.Store()), node)
        seen = self.visit(node)
        return ast.copy_location(ast.Name(seen.id, ast.Store()), node) if isinstance(seen, ast.Name) else seen


@lru_cache(maxsize=20_000)  # pieces ask for the same few statements again and again, and never change them
def reads(node: ast.AST) -> frozenset[str]:
    """Names that are read somewhere inside before they are given a value there."""
    if isinstance(node, (ast.For, ast.While, ast.If, ast.With)):
        head = [node.iter] if isinstance(node, ast.For) else [node.test] if not isinstance(node, ast.With) else []
        own = {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)} if isinstance(node, ast.For) else set()
        found = set().union(*(reads(h) for h in head)) - own
        for body in (node.body, getattr(node, "orelse", [])):
            made = set(own)
            for statement in body:
                found |= reads(statement) - made
                if isinstance(statement, ast.Assign):
                    made |= {t.id for t in statement.targets if isinstance(t, ast.Name)}
        return frozenset(found)
    own = {
        n.id
        for loop in ast.walk(node)
        if isinstance(loop, (ast.For, ast.comprehension))
        for n in ast.walk(loop.target)
        if isinstance(n, ast.Name)
    }
    own |= {a.arg for n in ast.walk(node) if isinstance(n, ast.Lambda) for a in n.args.args}
    return frozenset(
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id not in own
    )


@lru_cache(maxsize=20_000)
def writes(node: ast.AST) -> frozenset[str]:
    """Names that are assigned, or whose elements are, somewhere inside."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    for target in (
        t for n in ast.walk(node) if isinstance(n, (ast.Assign, ast.AugAssign))
        for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
    ):  # fmt: skip
        while isinstance(target, (ast.Subscript, ast.Attribute)):
            target = target.value
        if isinstance(target, ast.Name):
            found.add(target.id)
    return frozenset(found)


def program(piece: Piece, cuts: frozenset[str]) -> Program | None:
    """What computes the piece from the cut names; None where one of them has two values on the way."""
    needed = set(reads(piece.value)) - cuts
    used: dict[str, set[int]] = {}
    chosen: list[ast.stmt] = []
    last = {name: _last(piece.before, name, len(piece.before)) for name in cuts}
    for name in reads(piece.value) & cuts:
        used.setdefault(name, set()).add(last[name])
    for at in range(len(piece.before) - 1, -1, -1):
        statement = piece.before[at]
        made = writes(statement)
        if not made & needed:
            continue
        chosen.append(statement)
        if isinstance(statement, ast.Assign) and all(isinstance(t, (ast.Name, ast.Tuple)) for t in statement.targets):
            needed -= made
        inner = reads(statement)
        for name in inner & cuts:
            used.setdefault(name, set()).add(_last(piece.before, name, at))
        needed |= inner - cuts
    if any(len(versions) > 1 for versions in used.values()):
        return None
    local = {n for s in chosen for n in writes(s)}
    return Program(tuple(reversed(chosen)), cuts, frozenset(needed - local))


def _last(before: Sequence[ast.stmt], name: str, end: int) -> int:
    return next((at for at in range(end - 1, -1, -1) if name in writes(before[at])), -1)


def writers(piece: Piece, name: str, end: int | None = None) -> tuple[int, ...]:
    """Places in `before` of the statements that give a name its value, last first, down to one that makes it anew."""
    found = []
    for at in range((len(piece.before) if end is None else end) - 1, -1, -1):
        statement = piece.before[at]
        if name in writes(statement):
            found.append(at)
            if isinstance(statement, ast.Assign) and all(
                isinstance(t, (ast.Name, ast.Tuple)) for t in statement.targets
            ):
                break
    return tuple(found)


def source(piece: Piece, made: Program, inputs: Sequence[str], defaults: Mapping[str, ast.expr]) -> str:
    """A function `piece` of the inputs, as Python."""
    lines = [ast.unparse(ast.Assign([ast.Name(n, ast.Store())], v, lineno=1)) for n, v in defaults.items()]
    lines += [ast.unparse(statement) for statement in made.statements]
    lines.append("return " + ast.unparse(piece.value))
    body = "\n".join("    " + line for text in lines for line in text.split("\n"))
    return f"def piece({', '.join(inputs)}):\n{body}\n"
