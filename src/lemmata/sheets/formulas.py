"""Formulas of cells: what each element of a step is computed from, in functions that every spreadsheet program has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product

import numpy as np
from msgspec import Struct, field

from lemmata.backends.numpy import run
from lemmata.program.build import SPECIALS
from lemmata.program.graph import nodes
from lemmata.program.node import Axis, Node
from lemmata.sheets.steps import NoSheet, Step, base

At = Mapping[Axis, int]
LONGEST = 8000
"""Characters of a formula that Excel takes, with some to spare."""
HUGE = 1e300
"""Stands for infinity, which cells cannot hold: e to the power −HUGE is 0 as well."""

COMPARE, ADD, MULTIPLY, POWER, ATOM = range(5)
FUNCTIONS = {
    "exp": "EXP", "log": "LN", "sin": "SIN", "cos": "COS", "tan": "TAN", "sinh": "SINH", "cosh": "COSH",
    "tanh": "TANH", "arcsin": "ASIN", "arccos": "ACOS", "arctan": "ATAN", "erf": "ERF", "lgamma": "GAMMALN",
    "abs": "ABS", "sign": "SIGN", "floor": "INT", "sqrt": "SQRT", "not_": "NOT", "maximum": "MAX", "minimum": "MIN",
    "mod": "MOD", "and_": "AND", "or_": "OR",
}  # fmt: skip
SIGNS = {"add": ("+", ADD, 0), "sub": ("-", ADD, 1), "mul": ("*", MULTIPLY, 0), "div": ("/", MULTIPLY, 1)}
RELATIONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "<>"}
REDUCTIONS = {"sum": "SUM", "prod": "PRODUCT", "max": "MAX", "min": "MIN", "any": "OR", "all": "AND"}


class Placed(Struct, frozen=True):
    """A step with the cell of its first element for each tuple of outer indices: (row, column) from zero."""

    step: Step
    corners: Mapping[tuple[int, ...], tuple[int, int]]

    def corner(self, at: At) -> tuple[int, int]:
        return self.corners[tuple(at[a] for a in self.step.outer)]

    def cell(self, at: At) -> str:
        row, column = self.corner(at)
        rows, columns = self.step.rows, self.step.columns
        return address(row + (at[rows] if rows else 0), column + (at[columns] if columns else 0))

    def area(self, at: At, over: Sequence[Axis] = ()) -> str:
        """The cells over these axes of its own, the others fixed; without any, the whole block."""
        row, column = self.corner(at)
        rows, columns = self.step.rows, self.step.columns
        every = not over
        first, last = [row, column], [row, column]
        for k, axis in enumerate((rows, columns)):
            if axis is None:
                continue
            if every or axis in over:
                last[k] += axis.size - 1
            else:
                first[k] += at[axis]
                last[k] += at[axis]
        start, end = address(*first), address(*last)
        return start if start == end else f"{start}:{end}"


class Operand(Struct, frozen=True):
    """A placed step as a product sees it, perhaps under other names of its axes."""

    source: Placed
    names: Mapping[Axis, Axis]
    """The step's own axis by the one of the product."""

    def repeats(self, axis: Axis) -> bool:
        """Whether there is a block for each index of this axis."""
        return self.names.get(axis) in self.source.step.outer

    def laid(self, rows: Axis | None, columns: Axis | None) -> Callable[[At], str] | None:
        """The cells with these axes along rows and columns, transposed where they lie the other way."""
        own = (self.source.step.rows, self.source.step.columns)
        wanted = tuple(None if a is None else self.names.get(a, a) for a in (rows, columns))
        if own == wanted:
            return self._area
        if own == wanted[::-1]:
            return lambda at: f"TRANSPOSE({self._area(at)})"
        return None

    def _area(self, at: At) -> str:
        return self.source.area({**at, **{own: at[user] for user, own in self.names.items() if user in at}})


def address(row: int, column: int) -> str:
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return f"{name}{row + 1}"


class Writer(Struct):
    """Writes the formulas of one definition's steps, all of which have their places."""

    placed: Mapping[int, Placed]
    line: int = 0
    """Of the step that is being written."""
    _fixed: dict[int, np.ndarray] = field(default_factory=dict)
    _live: dict[int, bool] = field(default_factory=dict)

    def array(self, step: Step, where: At) -> str | None:
        """One formula for the whole block, where it is a product or an inverse of matrices."""
        node = step.node
        if node.op == "inv":
            inner = self.placed.get(base(node.args[0]).uid)
            row, column = node.attr("row"), node.attr("column")
            if inner is None or {inner.step.rows, inner.step.columns} != {row, column}:
                return None
            text = inner.area(where)
            return f"MINVERSE({text})" if inner.step.rows is step.rows else f"TRANSPOSE(MINVERSE({text}))"
        if node.op != "contract" or len(node.args) != 2:
            return None
        over = node.attr("over")
        left, right = (self._operand(a) for a in node.args)
        if left is None or right is None or not over:
            return None
        outer = [a for a in over if left.repeats(a) and right.repeats(a)]
        summed = [a for a in over if a not in outer]
        if len(summed) != 1:
            return None
        (along,) = summed
        for first, second in ((left, right), (right, left)):
            one, two = first.laid(step.rows, along), second.laid(along, step.columns)
            if one is None or two is None:
                continue
            products = []
            for index in product(*(range(a.size) for a in outer)):
                here = {**where, **dict(zip(outer, index))}
                products.append(f"MMULT({one(here)},{two(here)})")
            return "+".join(products)
        return None

    def _operand(self, node: Node) -> Operand | None:
        """The placed step that a factor shows, and what its axes are called there."""
        node = base(node)
        names = {a: a for a in node.axes}
        while node.op == "rename" and node.uid not in self.placed:
            back = {new: old for old, new in node.attr("mapping")}
            names = {user: back.get(own, own) for user, own in names.items()}
            node = base(node.args[0])
        found = self.placed.get(node.uid)
        return None if found is None else Operand(found, names)

    def cell(self, step: Step, at: At) -> str:
        """The formula of one element. Raises NoSheet."""
        self.line = step.section.line
        text = self._own(step.node, at)[0]
        if len(text) > LONGEST:
            raise NoSheet(f"a formula of {len(text)} characters for one cell", self.line)
        return text

    def fixed(self, node: Node) -> bool:
        """Whether no input is needed for its value."""
        found = self._live.get(node.uid)
        if found is None:
            found = self._live[node.uid] = any(n.op == "input" for n in nodes(node))
        return not found

    def value(self, node: Node, at: At) -> float:
        """An element that depends on no input."""
        if node.uid not in self._fixed:
            self._fixed[node.uid] = run([node], {})[0]
        found = self._fixed[node.uid]
        return float(found[tuple(at[a] for a in node.axes)]) if node.axes else float(found)

    def _text(self, node: Node, at: At) -> tuple[str, int]:
        node = base(node)
        found = self.placed.get(node.uid)
        return (found.cell(at), ATOM) if found is not None else self._own(node, at)

    def _tight(self, node: Node, at: At, level: int) -> str:
        text, own = self._text(node, at)
        return text if own >= level else f"({text})"

    def _own(self, node: Node, at: At) -> tuple[str, int]:
        args, op = node.args, node.op
        match op:
            case "constant":
                return number(node.attr("value"))
            case "special":
                name = node.attr("name")
                return {"pi": "PI()", "e": "EXP(1)"}.get(name) or number(SPECIALS[name])[0], ATOM
            case "iota":
                return number(node.attr("start") + at[node.axes[0]])
            case "array":
                return number(self.value(node, at))
            case "rename":
                back = {new: old for old, new in node.attr("mapping")}
                return self._text(args[0], {**at, **{old: at[new] for new, old in back.items()}})
            case "broadcast" | "real" | "conj":
                return self._text(args[0], at)
            case "diagonal":
                kept, gone = node.attr("pair")
                return self._text(args[0], {**at, gone: at[kept]})
            case "neg":
                return f"-{self._tight(args[0], at, ATOM)}", ADD
            case "square":
                return f"{self._tight(args[0], at, ATOM)}^2", POWER
            case "reciprocal":
                return f"1/{self._tight(args[0], at, POWER)}", MULTIPLY
            case "ceil":
                return f"-INT(-{self._tight(args[0], at, ATOM)})", ADD
            case "pow":
                return f"{self._tight(args[0], at, ATOM)}^{self._tight(args[1], at, ATOM)}", POWER
            case "atan2":
                return f"ATAN2({self._text(args[1], at)[0]},{self._text(args[0], at)[0]})", ATOM
            case "select":
                return self._select(node, at)
            case "take":
                return self._take(node, at)
            case "concat":
                index = at[node.attr("axis")]
                for part, along in zip(args, node.attr("along"), strict=True):
                    if index < along.size:
                        return self._text(part, {**at, along: index})
                    index -= along.size
            case "stack":
                return self._text(args[at[node.attr("axis")]], at)
            case "merge":
                index, here = at[node.attr("new")], dict(at)
                for axis in reversed(node.attr("axes")):
                    index, here[axis] = divmod(index, axis.size)
                return self._text(args[0], here)
            case "split":
                index = 0
                for axis in node.attr("new"):
                    index = index * axis.size + at[axis]
                return self._text(args[0], {**at, node.attr("axis"): index})
            case "contract":
                return self._contract(node, at)
            case "argmax" | "argmin":
                area = self._area(base(args[0]), at, node.attr("over"))
                if area is not None:
                    return f"MATCH({op[3:].upper()}({area}),{area},0)-1", ADD
            case "det" | "logabsdet":
                inner = self.placed.get(base(args[0]).uid)
                if inner is not None and {inner.step.rows, inner.step.columns} == {
                    node.attr("row"),
                    node.attr("column"),
                }:
                    text = f"MDETERM({inner.area(at)})"
                    return (text if op == "det" else f"LN(ABS({text}))"), ATOM
            case _ if op in SIGNS:
                sign, level, more = SIGNS[op]
                left, right = self._tight(args[0], at, level), self._tight(args[1], at, level + more)
                return f"{left}{sign}{right if not right.startswith('-') else f'({right})'}", level
            case _ if op in RELATIONS:
                left, right = self._tight(args[0], at, ADD), self._tight(args[1], at, ADD)
                return f"{left}{RELATIONS[op]}{right}", COMPARE
            case _ if op in FUNCTIONS:
                return f"{FUNCTIONS[op]}({','.join(self._text(a, at)[0] for a in args)})", ATOM
            case _ if op in REDUCTIONS:
                return self._reduce(node, at), ATOM
        raise NoSheet(f"{OTHER.get(op, op)} has no form as a spreadsheet formula", self.line)

    def _select(self, node: Node, at: At) -> tuple[str, int]:
        test, yes, no = (base(a) for a in node.args)
        if self.fixed(test):
            return self._text(yes if self.value(test, at) else no, at)
        parts = (self._text(x, at)[0] for x in (test, yes, no))
        return f"IF({','.join(parts)})", ATOM

    def _take(self, node: Node, at: At) -> tuple[str, int]:
        source, index = (base(a) for a in node.args)
        axis = node.attr("axis")
        if self.fixed(index):
            position = int(self.value(index, at))
            if 0 <= position < axis.size:
                return self._text(source, {**at, axis: position})
            if node.attr("fill") is not None:
                return "0", ATOM
            raise NoSheet("an index outside of its range at these sizes", self.line)
        where, level = self._text(index, at)
        area = self._area(source, at, (axis,))
        if node.attr("fill") is not None:
            raise NoSheet("an index that may leave its range", self.line)
        if area is not None:
            return f"INDEX({area},{_next(where, level)})", ATOM
        members = [self._text(source, {**at, axis: k})[0] for k in range(axis.size)]
        return f"CHOOSE({_next(where, level)},{','.join(members)})", ATOM

    def _area(self, node: Node, at: At, over: Sequence[Axis]) -> str | None:
        """The cells of a placed step over axes that it shows, as one area."""
        here = at
        while node.op in ("rename", "call"):
            if node.op == "rename" and node.uid not in self.placed:
                back = {new: old for old, new in node.attr("mapping")}
                over = [back.get(a, a) for a in over]
                here = {**here, **{old: here[new] for new, old in back.items() if new in here}}
            node = base(node.args[0])
        found = self.placed.get(node.uid)
        if found is None or not set(over) <= {found.step.rows, found.step.columns}:
            return None
        return found.area(here, over)

    def _reduce(self, node: Node, at: At) -> str:
        source, over = base(node.args[0]), node.attr("over")
        found = REDUCTIONS[node.op]
        area = self._area(source, at, over)
        if area is not None:
            return f"{found}({area})"
        inner, loop = self._shown(source, over)
        parts = []
        for index in product(*(range(a.size) for a in loop)):
            here = {**at, **dict(zip(loop, index))}
            area = self._area(source, here, inner) if inner else None
            if area is None:
                rest = [a for a in over if a not in loop]
                for more in product(*(range(a.size) for a in rest)):
                    parts.append(self._text(source, {**here, **dict(zip(rest, more))})[0])
            else:
                parts.append(area)
        return f"{found}({','.join(parts)})"

    def _shown(self, node: Node, over: Sequence[Axis]) -> tuple[list[Axis], list[Axis]]:
        """The axes of a sum that a block shows side by side, and those that it repeats blocks for."""
        found = self.placed.get(node.uid)
        own = {found.step.rows, found.step.columns} if found is not None else set()
        return [a for a in over if a in own], [a for a in over if a not in own]

    def _contract(self, node: Node, at: At) -> tuple[str, int]:
        over = list(node.attr("over"))
        factors = [base(a) for a in node.args]
        outside = [f for f in factors if not set(f.axes) & set(over)]
        inside = [f for f in factors if set(f.axes) & set(over)]
        areas = [self._area(f, at, [a for a in over if a in f.axes]) for f in inside]
        text = None
        whole = all(set(over) <= set(f.axes) for f in inside)
        if None not in areas and whole and len({_extent(str(a)) for a in areas}) == 1:
            if len(areas) == 2 and areas[0] == areas[1]:
                text = f"SUMSQ({areas[0]})"
            else:
                text = f"SUMPRODUCT({','.join(map(str, areas))})"
        if text is None:
            parts = []
            for index in product(*(range(a.size) for a in over)):
                here = {**at, **dict(zip(over, index))}
                parts.append("*".join(self._tight(f, here, POWER) for f in inside))
            text = f"SUM({','.join(parts)})" if len(parts) > 1 else parts[0]
        shown = [self._tight(f, at, POWER) for f in outside]
        return "*".join((*shown, text)), MULTIPLY if shown or "*" in text else ATOM


def _next(text: str, level: int) -> str:
    """A position counted from zero as one counted from one."""
    if text.endswith("-1") and level == ADD:
        return text[:-2]
    return f"{text}+1" if level >= ADD else f"({text})+1"


def _extent(area: str) -> tuple[int, int]:
    """Rows and columns of an area such as B2:D4."""
    first, _, last = area.partition(":")
    ends = []
    for cell in (first, last or first):
        letters = cell.rstrip("0123456789")
        column = 0
        for letter in letters:
            column = column * 26 + ord(letter) - 64
        ends.append((int(cell[len(letters) :]), column))
    return ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]


def number(value: object) -> tuple[str, int]:
    """A number as formulas take it; fractions stay fractions."""
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), ATOM
    if isinstance(value, Fraction) and abs(value.numerator) < 10**15 and value.denominator < 10**15:
        if value.denominator == 1:
            return number(value.numerator)
        short = repr(float(value))
        if Fraction(short) == value:
            return number(float(value))
        return f"{value.numerator}/{value.denominator}", MULTIPLY if value >= 0 else ADD
    if isinstance(value, int) and abs(value) < 10**15:
        return str(value), ATOM if value >= 0 else ADD
    if isinstance(value, int | float | Fraction):
        found = finite(float(value))
        if found != found:
            raise NoSheet("a constant that is no number")
        text = str(int(found)) if found == int(found) and abs(found) < 1e15 else repr(found).upper()
        return text, ATOM if found >= 0 else ADD
    raise NoSheet("complex numbers have no form as a spreadsheet formula")


def finite(value: float) -> float:
    """The number that stands in a cell: infinity as HUGE."""
    return math.copysign(HUGE, value) if math.isinf(value) else value


OTHER = {
    "eigvalsh": "an eigenvalue", "svdvals": "a singular value", "eigh_outer": "an eigenvector",
    "svd_outer": "a singular vector", "matrix_exp": "the exponential of a matrix", "cholesky": "a Cholesky factor",
    "scatter": "a sum at computed places", "imag": "an imaginary part", "digamma": "the digamma function",
    "inv": "the inverse of a product in one step",
}  # fmt: skip
