"""Smart constructors of program nodes: each states its shape rule, checks it, folds what is constant and interns.

Axes are matched by identity: elementwise operations take the union of the axes of their arguments.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from lemmata.program.node import Axis, Node

UNARY = frozenset(
    {
        "neg",
        "exp",
        "log",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "erf",
        "lgamma",
        "digamma",
        "abs",
        "sign",
        "floor",
        "ceil",
        "reciprocal",
        "conj",
        "real",
        "imag",
        "not_",
        "square",
    }
)
ARITHMETIC = frozenset({"add", "sub", "mul", "div", "pow", "maximum", "minimum", "mod", "atan2"})
COMPARISON = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
LOGIC = frozenset({"and_", "or_"})
REDUCTIONS = frozenset({"sum", "prod", "max", "min", "any", "all", "argmax", "argmin"})
SPECIALS = {"pi": math.pi, "e": math.e, "inf": math.inf, "euler_gamma": 0.5772156649015329}
ORDER = {"bool": 0, "int": 1, "real": 2, "complex": 3}


class BadProgram(ValueError):
    """A node that the rules of its operation do not allow."""


_table: WeakValueDictionary[tuple[Any, ...], Node] = WeakValueDictionary()
_count = itertools.count(1)


def _node(op: str, args: tuple[Node, ...], shape: tuple[Axis, ...], dtype: str, /, **attrs: Any) -> Node:
    key = (op, tuple(a.uid for a in args), tuple(sorted(attrs.items(), key=lambda kv: kv[0])), shape, dtype)
    try:
        found = _table.get(key)
    except TypeError as error:
        raise BadProgram(f"{op} with an attribute that cannot be compared") from error
    if found is None:
        if len({a.uid for a in shape}) != len(shape):
            raise BadProgram(f"{op} would have an axis twice")
        found = Node(op, args, key[2], shape, dtype, next(_count))
        _table[key] = found
    return found


def union(nodes: Sequence[Node]) -> tuple[Axis, ...]:
    """The axes of several nodes in order of first appearance."""
    seen: dict[int, Axis] = {}
    for node in nodes:
        for axis in node.axes:
            known = seen.setdefault(axis.uid, axis)
            if known.size != axis.size:
                raise BadProgram(f"axis {axis.label} has two sizes")
    return tuple(seen.values())


def _join(nodes: Sequence[Node], least: str = "int") -> str:
    return max([least, *(n.dtype for n in nodes)], key=ORDER.__getitem__)


def constant(value: int | float | Fraction | complex) -> Node:
    """A number. Fractions and floats are kept exact."""
    if isinstance(value, bool):
        return _node("constant", (), (), "bool", value=value)
    if isinstance(value, complex):
        return _node("constant", (), (), "complex", value=value)
    if isinstance(value, Fraction):
        value = int(value) if value.denominator == 1 else value
    return _node("constant", (), (), "int" if isinstance(value, int) else "real", value=value)


def special(name: str) -> Node:
    """`pi`, `e`, `inf`, `euler_gamma`."""
    if name not in SPECIALS:
        raise BadProgram(f"no constant {name}")
    return _node("special", (), (), "real", name=name)


def input(name: str, axes: Sequence[Axis], dtype: str = "real") -> Node:
    """A value given from outside."""
    return _node("input", (), tuple(axes), dtype, name=name)


def iota(axis: Axis, start: int = 0) -> Node:
    """start, start + 1, … along an axis."""
    return _node("iota", (), (axis,), "int", start=start)


def array(values: Any, axes: Sequence[Axis]) -> Node:
    """A literal array with one dimension per axis."""
    data = np.asarray(values)
    if data.shape != tuple(a.size for a in axes):
        raise BadProgram(f"an array of shape {data.shape} on axes of sizes {tuple(a.size for a in axes)}")
    dtype = {"b": "bool", "i": "int", "u": "int", "f": "real", "c": "complex"}.get(data.dtype.kind)
    if dtype is None:
        raise BadProgram(f"an array of {data.dtype}")
    return _node("array", (), tuple(axes), dtype, value=tuple(data.reshape(-1).tolist()))


def literal(node: Node) -> int | float | Fraction | complex | None:
    return node.attr("value") if node.op == "constant" else None


def broadcast(node: Node, axes: Sequence[Axis]) -> Node:
    """The same value repeated along further axes."""
    missing = tuple(a for a in axes if a not in node.axes)
    return _node("broadcast", (node,), node.axes + missing, node.dtype) if missing else node


def unary(op: str, x: Node) -> Node:
    if op not in UNARY:
        raise BadProgram(f"no unary operation {op}")
    value = literal(x)
    if op == "neg":
        if value is not None:
            return constant(-value)
        if x.op == "neg":
            return x.args[0]
    if op == "sqrt" and value in (0, 1):
        return x
    if op == "exp" and value == 0:
        return constant(1)
    if op == "log" and value == 1:
        return constant(0)
    dtype = x.dtype
    if op in ("abs", "real", "imag"):
        dtype = "real" if dtype == "complex" else dtype
        if op == "real" and x.dtype != "complex":
            return x
    elif op in ("floor", "ceil", "sign"):
        pass
    elif op == "not_":
        dtype = "bool"
    elif op in ("neg", "conj", "square"):
        dtype = _join([x])
    else:
        dtype = _join([x], "real")
    return _node(op, (x,), x.axes, dtype)


def binary(op: str, a: Node, b: Node) -> Node:
    if op in COMPARISON or op in LOGIC:
        return _node(op, (a, b), union([a, b]), "bool")
    if op not in ARITHMETIC:
        raise BadProgram(f"no binary operation {op}")
    folded = _fold(op, a, b)
    if folded is not None:
        return folded
    least = "real" if op in ("div", "atan2") else "int"
    if op == "pow" and not (isinstance(literal(b), int) and literal(b) >= 0):  # type: ignore[operator]
        least = "real"
    return _node(op, (a, b), union([a, b]), _join([a, b], least))


def _fold(op: str, a: Node, b: Node) -> Node | None:
    x, y = literal(a), literal(b)
    exact = (int, Fraction)
    if isinstance(x, exact) and isinstance(y, exact) and not isinstance(x, bool) and not isinstance(y, bool):
        match op:
            case "add":
                return constant(Fraction(x) + y)
            case "sub":
                return constant(Fraction(x) - y)
            case "mul":
                return constant(Fraction(x) * y)
            case "div" if y:
                return constant(Fraction(x) / y)
            case "pow" if isinstance(y, int) and 0 <= y <= 64 and abs(Fraction(x)) < 10**6:
                return constant(Fraction(x) ** y)
    axes = None
    if op == "add" and y == 0 or op == "sub" and y == 0 or op == "mul" and y == 1 or op in ("div", "pow") and y == 1:
        axes = a
    elif op == "add" and x == 0 or op == "mul" and x == 1:
        axes = b
    if axes is not None and axes.dtype != "bool":
        return broadcast(axes, union([a, b]))
    return None


def select(condition: Node, a: Node, b: Node) -> Node:
    """a where the condition holds, else b."""
    if condition.dtype != "bool":
        raise BadProgram("select needs a condition")
    return _node("select", (condition, a, b), union([condition, a, b]), _join([a, b], "bool"))


def reduce(op: str, x: Node, axes: Sequence[Axis]) -> Node:
    if op not in REDUCTIONS:
        raise BadProgram(f"no reduction {op}")
    axes = tuple(dict.fromkeys(axes))
    for axis in axes:
        if axis not in x.axes:
            raise BadProgram(f"{op} over an axis {axis.label} that is not there")
    if not axes:
        return x
    if op in ("argmax", "argmin") and len(axes) != 1:
        raise BadProgram(f"{op} over several axes")
    dtype = "int" if op.startswith("arg") else "bool" if op in ("any", "all") else _join([x])
    return _node(op, (x,), tuple(a for a in x.axes if a not in axes), dtype, over=axes)


def contract(nodes: Sequence[Node], over: Sequence[Axis]) -> Node:
    """Sum over axes of the product of all nodes."""
    axes = union(nodes)
    over = tuple(dict.fromkeys(over))
    for axis in over:
        if axis not in axes:
            raise BadProgram(f"contraction over an axis {axis.label} that is not there")
    if len(nodes) == 1:
        return reduce("sum", nodes[0], over)
    return _node("contract", tuple(nodes), tuple(a for a in axes if a not in over), _join(nodes), over=over)


def rename(x: Node, mapping: Mapping[Axis, Axis]) -> Node:
    """The same value on other axes of the same sizes."""
    pairs = {old: new for old, new in mapping.items() if old in x.axes and old != new}
    if not pairs:
        return x
    for old, new in pairs.items():
        if old.size != new.size:
            raise BadProgram(f"axis {old.label} of size {old.size} renamed to one of size {new.size}")
    if x.op == "rename":
        inner: dict[Axis, Axis] = dict(x.attr("mapping"))
        composed = {o: pairs.get(n, n) for o, n in inner.items()}
        composed.update({o: n for o, n in pairs.items() if o not in inner.values()})
        return rename(x.args[0], composed)
    axes = tuple(pairs.get(a, a) for a in x.axes)
    return _node("rename", (x,), axes, x.dtype, mapping=tuple(pairs.items()))


def diagonal(x: Node, a: Axis, b: Axis) -> Node:
    """Elements where the indices of axes a and b agree; the result keeps a."""
    if a not in x.axes or b not in x.axes or a.size != b.size:
        raise BadProgram("a diagonal of axes that do not match")
    if a == b:
        return x
    return _node("diagonal", (x,), tuple(y for y in x.axes if y != b), x.dtype, pair=(a, b))


def take(x: Node, axis: Axis, index: Node, fill: int | None = None) -> Node:
    """The element of x at a (zero-based) index along an axis, for every value of the index's axes.

    Outside the range the value is `fill`, or NaN where fill is None.
    """
    if axis not in x.axes:
        raise BadProgram(f"no axis {axis.label} to take from")
    if axis in index.axes:
        fresh = Axis.fresh(axis.label, axis.size)
        return take(rename(x, {axis: fresh}), fresh, index, fill)
    position = literal(index)
    if x.op == "stack" and x.attr("axis") == axis and isinstance(position, int) and 0 <= position < axis.size:
        return x.args[position]
    rest = tuple(a for a in x.axes if a != axis)
    axes = rest + tuple(a for a in index.axes if a not in rest)
    return _node("take", (x, index), axes, x.dtype, axis=axis, fill=fill)


def scatter(x: Node, index: Node, axis: Axis, over: Sequence[Axis]) -> Node:
    """Adds the elements of x to position `index` of a new axis, summing over `over`: the adjoint of take."""
    axes = tuple(a for a in union([x, index]) if a not in over)
    return _node("scatter", (x, index), (*axes, axis), x.dtype, axis=axis, over=tuple(over))


def concat(parts: Sequence[tuple[Node, Axis]], axis: Axis) -> Node:
    """Parts side by side along a new axis; other axes are matched by identity and broadcast."""
    if sum(a.size for _, a in parts) != axis.size:
        raise BadProgram("a concatenation of another length")
    nodes = []
    for node, own in parts:
        nodes.append(broadcast(node, [own]))
    others = tuple(a for a in union(nodes) if a not in {own for _, own in parts})
    nodes = [broadcast(n, others) for n in nodes]
    return _node(
        "concat", tuple(nodes), (*others, axis), _join(nodes, "bool"), along=tuple(a for _, a in parts), axis=axis
    )


def stack(nodes: Sequence[Node], axis: Axis) -> Node:
    """Nodes as the slices of a new axis."""
    if len(nodes) != axis.size:
        raise BadProgram("a stack of another length")
    axes = union(nodes)
    return _node("stack", tuple(nodes), (*axes, axis), _join(nodes, "bool"), axis=axis)


def merge(x: Node, axes: Sequence[Axis], new: Axis) -> Node:
    """Several axes as one, the last of them varying fastest."""
    size = math.prod(a.size for a in axes)
    if size != new.size or any(a not in x.axes for a in axes):
        raise BadProgram("a merge of axes that do not fit")
    rest = tuple(a for a in x.axes if a not in axes)
    return _node("merge", (x,), (*rest, new), x.dtype, axes=tuple(axes), new=new)


def split(x: Node, axis: Axis, new: Sequence[Axis]) -> Node:
    """One axis as several, the last of them varying fastest."""
    if axis not in x.axes or math.prod(a.size for a in new) != axis.size:
        raise BadProgram("a split of an axis that does not fit")
    rest = tuple(a for a in x.axes if a != axis)
    return _node("split", (x,), (*rest, *new), x.dtype, axis=axis, new=tuple(new))


def _square(x: Node, row: Axis, column: Axis) -> None:
    if row not in x.axes or column not in x.axes or row.size != column.size:
        raise BadProgram("a square matrix is needed")


def _rest(x: Node, *axes: Axis) -> tuple[Axis, ...]:
    return tuple(a for a in x.axes if a not in axes)


def inv(x: Node, row: Axis, column: Axis) -> Node:
    """The inverse matrix, on the same axes."""
    _square(x, row, column)
    return _node("inv", (x,), (*_rest(x, row, column), row, column), _join([x], "real"), row=row, column=column)


def matrix_exp(x: Node, row: Axis, column: Axis) -> Node:
    _square(x, row, column)
    return _node("matrix_exp", (x,), (*_rest(x, row, column), row, column), _join([x], "real"), row=row, column=column)


def det(x: Node, row: Axis, column: Axis) -> Node:
    _square(x, row, column)
    return _node("det", (x,), _rest(x, row, column), _join([x]), row=row, column=column)


def logabsdet(x: Node, row: Axis, column: Axis) -> Node:
    _square(x, row, column)
    return _node("logabsdet", (x,), _rest(x, row, column), "real", row=row, column=column)


def solve(x: Node, row: Axis, column: Axis, b: Node) -> Node:
    """x⁻¹ b with b on `row`; the result is on `column`."""
    swapped = rename(inv(x, row, column), {row: column, column: row})
    return contract([swapped, b], [row])


def cholesky(x: Node, row: Axis, column: Axis) -> Node:
    """The lower triangular L with x = L Lᵀ."""
    _square(x, row, column)
    return _node("cholesky", (x,), (*_rest(x, row, column), row, column), "real", row=row, column=column)


def eigvalsh(x: Node, row: Axis, column: Axis, values: Axis) -> Node:
    """Eigenvalues of a symmetric matrix, ascending."""
    _square(x, row, column)
    return _node("eigvalsh", (x,), (*_rest(x, row, column), values), "real", row=row, column=column, values=values)


def svdvals(x: Node, row: Axis, column: Axis, values: Axis) -> Node:
    """Singular values, descending."""
    if values.size != min(row.size, column.size):
        raise BadProgram("singular values of another number")
    return _node("svdvals", (x,), (*_rest(x, row, column), values), "real", row=row, column=column, values=values)


def svd_outer(x: Node, row: Axis, column: Axis, values: Axis) -> Node:
    """u_i v_iᵀ for each singular value, largest first: axes (row, column, values)."""
    return _node(
        "svd_outer", (x,), (*_rest(x, row, column), row, column, values), "real", row=row, column=column, values=values
    )


def eigh_outer(x: Node, row: Axis, column: Axis, values: Axis) -> Node:
    """v_i v_iᵀ for each eigenvalue of a symmetric matrix, ascending."""
    return _node(
        "eigh_outer", (x,), (*_rest(x, row, column), row, column, values), "real", row=row, column=column, values=values
    )


def call(name: str, args: Sequence[Node], expansion: Node, attrs: tuple[tuple[str, Any], ...] = ()) -> Node:
    """An operation of the catalogue kept as a call beside its definition: see `lemmata.operations.call`."""
    if expansion.op == "constant":
        return expansion
    return _node("call", (*args, expansion), expansion.axes, expansion.dtype, name=name, attrs=attrs)
