"""Makes a cell tell what it computes: after every statement outside functions, and what it prints.

    y = X @ w        =>  y = X @ w; __lemmata_step__(3, ('y',))
    print("dw:", e)  =>  print("dw:", __lemmata_seen__(3, "dw:", e))

Lines and columns of the author's code stay as they are, so its error messages do too.
"""

from __future__ import annotations

import ast

STEP, SEEN = "__lemmata_step__", "__lemmata_seen__"


def instrument(tree: ast.Module) -> ast.Module:
    """The same module with calls of STEP(line, assigned names) and SEEN(line, label, value) added."""
    return ast.fix_missing_locations(_Recorder().visit(tree))


def assigned_names(node: ast.stmt) -> tuple[str, ...]:
    """Plain names that a statement binds: `a`, `a, b = ...`, `a += ...`."""
    if isinstance(node, ast.Assign):
        targets: list[ast.expr] = list(node.targets)
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        targets = [node.target]
    else:
        return ()
    return tuple(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))


class _Recorder(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        return node

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        return self._stepped(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        return self._stepped(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        return self._stepped(node)

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt] | ast.Expr:
        if isinstance(node.value, ast.Constant):
            return node  # a docstring, or `...`
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print":
            call.args = _seen(call.args, node.lineno)
            return node
        return self._stepped(node)

    def _stepped(self, node: ast.stmt) -> list[ast.stmt]:
        names = ast.Tuple([ast.Constant(n) for n in assigned_names(node)], ast.Load())
        call = ast.Call(ast.Name(STEP, ast.Load()), [ast.Constant(node.lineno), names], [])
        return [node, ast.copy_location(ast.Expr(call), node)]


MEASURES = frozenset({"abs", "fabs", "absolute", "norm", "dist", "allclose", "isclose", "equal", "array_equal"})
"""Functions that say how far values are apart: what they print is not the value that its label names."""


def _measures(value: ast.expr) -> bool:
    calls = (n.func for n in ast.walk(value) if isinstance(n, ast.Call))
    return any((f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "")) in MEASURES for f in calls)


def _seen(arguments: list[ast.expr], line: int) -> list[ast.expr]:
    """The arguments of a print, each value wrapped with the text that stands before it."""
    label, result = "", []

    def wrapped(value: ast.expr) -> ast.expr:
        if _measures(value):
            return value
        call = ast.Call(ast.Name(SEEN, ast.Load()), [ast.Constant(line), ast.Constant(label), value], [])
        return ast.copy_location(call, value)

    for argument in arguments:
        if isinstance(argument, ast.Constant):
            label = argument.value if isinstance(argument.value, str) else label
        elif isinstance(argument, ast.JoinedStr):
            for part in argument.values:
                if isinstance(part, ast.Constant):
                    label = str(part.value)
                elif isinstance(part, ast.FormattedValue):
                    part.value = wrapped(part.value)
        elif not isinstance(argument, ast.Starred):
            argument = wrapped(argument)
        result.append(argument)
    return result
