"""Products, sums, powers and transposes by type: what juxtaposition and + mean for numbers, vectors and matrices."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import BOOL, SCALAR, Tensor, join_dtype
from lemmata.elaborate.solver import Misfit, Solver, Unreadable, is_unknown


def number(value: int | Fraction | str) -> t.Num:
    return t.Num(SCALAR, Fraction(value))


def shape_text(tensor: Tensor) -> str:
    return str(tensor) if tensor.shape else "a number"


def is_number(term: t.Term) -> bool:
    return term.type.rank == 0


def literal(term: t.Term) -> Fraction | None:
    """The value of a written number, signs included."""
    match term:
        case t.Num(value=value):
            return value
        case t.Op(name="neg", args=(t.Num(value=value),)):
            return -value
        case t.SizeNum(size=size):
            return size.number
    return None


def _worked_out(term: t.Term) -> Fraction | None:
    """The value of a number or of a sum, difference or quotient of numbers: 2 - 1, -1/2."""
    match term:
        case t.Op(name="neg", args=(inner,)):
            value = _worked_out(inner)
            return None if value is None else -value
        case t.Op(name="div", args=(above, below)):
            x, y = _worked_out(above), _worked_out(below)
            return None if x is None or not y else x / y
        case t.Op(name="add" | "sub" as name, args=(left, right)):
            x, y = _worked_out(left), _worked_out(right)
            return None if x is None or y is None else x + y if name == "add" else x - y
    return literal(term)


def elementwise(name: str, *args: t.Term, type: Tensor | None = None) -> t.Op:
    shaped = max((a.type for a in args), key=lambda x: x.rank)
    return t.Op(type or replace(shaped, dtype=join_dtype(*(a.type for a in args))), name, args)


def unify_shapes(solver: Solver, a: Tensor, b: Tensor, what: str) -> None:
    if a.rank != b.rank:
        raise Misfit(f"{what}: {shape_text(a)} and {shape_text(b)}", a.shape, b.shape)
    for x, y in zip(a.shape, b.shape, strict=True):
        try:
            solver.unify(x, y)
        except Misfit as misfit:
            raise Misfit(
                f"{what}: {shape_text(solver.type(a))} and {shape_text(solver.type(b))}", a.shape, b.shape
            ) from misfit


def transpose(term: t.Term) -> t.Term:
    if term.type.rank == 0:
        return term
    if isinstance(term, t.Op) and term.name == "transpose":
        return term.args[0]
    if term.type.rank == 1:
        return t.Op(replace(term.type, row=not term.type.row), "transpose", (term,))
    if term.type.rank == 2:
        return t.Op(replace(term.type, shape=term.type.shape[::-1]), "transpose", (term,))
    raise Unreadable("the transpose of a tensor of rank three or more")


def negate(term: t.Term) -> t.Term:
    return elementwise("neg", term)


def _row_by_row(solver: Solver, left: t.Term, right: t.Term) -> tuple[t.Term, t.Term]:
    """Two matrices, one of a single row as that row. Raises Unreadable where one has a single column."""
    left, right = _to_each_row(solver, left, right), _to_each_row(solver, right, left)
    if left.type.rank == right.type.rank == 2:
        _no_column(solver, left.type, right.type)
    return left, right


def _no_column(solver: Solver, *shapes: Tensor) -> None:
    """A column beside a matrix may be meant for each column, or be a slip."""
    widths = [solver.size(shape.shape[1]).number for shape in shapes]
    if 1 in widths and any(w != 1 for w in widths):
        raise Unreadable("a column beside a matrix of several columns")


def _to_each_row(solver: Solver, term: t.Term, other: t.Term) -> t.Term:
    """A bias of shape 1 × h beside an n × h matrix: its row, which is added to each row; else the term itself."""
    if not term.type.rank == other.type.rank == 2:
        return term
    height, beside = solver.size(term.type.shape[0]), solver.size(other.type.shape[0])
    if height.number != 1 or beside.number == 1 or any(map(is_unknown, beside.atoms)):
        return term
    return t.Item(replace(term.type, shape=term.type.shape[1:]), term, (number(1), None), (1, 1))


def add(solver: Solver, op: str, left: t.Term, right: t.Term) -> t.Term:
    """left ± right; numbers broadcast, a vector is added to each row of a matrix."""
    name = {"+": "add", "-": "sub"}[op]
    a, b = left.type, right.type
    if a.rank == b.rank:
        left, right = _row_by_row(solver, left, right)
        if left.type.rank == right.type.rank:
            unify_shapes(solver, a, b, "the shapes of the terms of a sum differ")
            return elementwise(name, left, right)
        a, b = left.type, right.type
    if a.rank == 0 or b.rank == 0:
        return elementwise(name, left, right)
    if {a.rank, b.rank} == {1, 2}:
        matrix, vector = (a, b) if a.rank == 2 else (b, a)
        try:
            solver.unify(matrix.shape[1], vector.shape[0])
        except Misfit as misfit:
            raise Misfit(f"the shapes of the terms of a sum differ: {a} and {b}", a.shape, b.shape) from misfit
        return elementwise(name, left, right)
    raise Misfit(f"the shapes of the terms of a sum differ: {a} and {b}", a.shape, b.shape)


def scale(left: t.Term, right: t.Term) -> t.Term:
    if literal(left) == 1:
        return right
    return elementwise("mul", left, right)


def hadamard(solver: Solver, left: t.Term, right: t.Term, name: str = "mul") -> t.Term:
    """Elementwise product (or quotient, …) of equal shapes; numbers scale; a vector acts on each row of a matrix."""
    a, b = left.type, right.type
    if a.rank and b.rank:
        if {a.rank, b.rank} == {1, 2}:
            matrix, vector = (a, b) if a.rank == 2 else (b, a)
            solver.unify(matrix.shape[1], vector.shape[0])
        else:
            if a.rank == b.rank == 2:
                left, right = _row_by_row(solver, left, right)
            if left.type.rank == right.type.rank:
                unify_shapes(solver, a, b, "the shapes of an elementwise product differ")
            else:
                unify_shapes(
                    solver, replace(a, shape=a.shape[-1:]), replace(b, shape=b.shape[-1:]), "the widths differ"
                )
    return elementwise(name, left, right)


def dot(left: t.Term, right: t.Term, shape: tuple[Size, ...], row: bool = False) -> t.Term:
    """Contraction of the last axis of left with the first of right."""
    return t.Op(Tensor(shape, row, join_dtype(left.type, right.type)), "dot", (left, right))


def multiply(solver: Solver, left: t.Term, right: t.Term) -> t.Term:
    """left right side by side: scaling, contraction or outer product, by shape. Never commutes."""
    a, b = left.type, right.type
    if a.rank == 0 or b.rank == 0:
        return scale(left, right)
    if a.rank == 2 and b.rank == 2:
        _inner(solver, a, b)
        return dot(left, right, (a.shape[0], b.shape[1]))
    if a.rank == 2 and b.rank == 1:
        if b.row and a.shape[1].number == 1:
            solver.unify(a.shape[1], Size.of(1))
            return dot(
                left,
                t.Op(Tensor((Size.of(1), b.shape[0]), False, b.dtype), "as_row", (right,)),
                (a.shape[0], b.shape[0]),
            )
        _inner(solver, a, b)
        return dot(left, right, (a.shape[0],))
    if a.rank == 1 and b.rank == 2:
        if not a.row and b.shape[0].number == 1:
            return t.Op(Tensor((a.shape[0], b.shape[1]), False, join_dtype(a, b)), "mul_column", (left, right))
        _inner(solver, a, b)
        return dot(left, right, (b.shape[1],), row=True)
    if a.rank == 1 and b.rank == 1:
        if a.row and not b.row:
            _inner(solver, a, b)
            return dot(left, right, ())
        if not a.row and b.row:
            return t.Op(Tensor((a.shape[0], b.shape[0]), False, join_dtype(a, b)), "outer", (left, right))
        unify_shapes(solver, a, b, "the product of two vectors side by side")
        return elementwise("mul", left, right)
    if a.rank >= 1 and b.rank >= 1:
        _inner(solver, a, b)
        return dot(left, right, a.shape[:-1] + b.shape[1:])
    raise Unreadable(f"a product of {shape_text(a)} and {shape_text(b)}")


def _inner(solver: Solver, a: Tensor, b: Tensor) -> None:
    try:
        solver.unify(a.shape[-1], b.shape[0])
    except Misfit as misfit:
        raise Misfit(
            f"the inner sizes of a product differ: {solver.type(a)} times {solver.type(b)}",
            (a.shape[-1],),
            (b.shape[0],),
        ) from misfit


def divide(solver: Solver, left: t.Term, right: t.Term) -> t.Term:
    """A fraction: by a number, or elementwise for equal shapes (or a number over a vector)."""
    a, b = left.type, right.type
    if b.rank == 0 or a.rank == 0:
        return elementwise("div", left, right)
    if a.rank == b.rank:
        if a.rank == 2:
            _no_column(solver, a, b)
        unify_shapes(solver, a, b, "a fraction of different shapes")
        return elementwise("div", left, right)
    raise Misfit(f"a fraction of {shape_text(a)} and {shape_text(b)}", a.shape, b.shape)


def power(solver: Solver, base: t.Term, exponent: t.Term) -> t.Term:
    """Numbers as usual; whole powers of square matrices are products; of vectors elementwise."""
    if exponent.type.rank:
        if base.type.rank == 0:
            return elementwise("pow", base, exponent)
        unify_shapes(solver, base.type, exponent.type, "a power with an exponent of another shape")
        return elementwise("pow", base, exponent)
    if base.type.rank != 2:
        return elementwise("pow", base, exponent)
    rows, columns = base.type.shape
    value = _worked_out(exponent)
    try:
        solver.unify(rows, columns)
    except Misfit:
        return elementwise("pow", base, exponent)
    if value is not None and value.denominator == 1:
        return t.Op(base.type, "matrix_power", (base,), (("exponent", int(value)),))
    if isinstance(exponent, t.SizeNum):
        return t.Op(base.type, "matrix_power", (base,), (("exponent", exponent.size),))
    if value is not None:
        return t.Op(base.type, "matrix_real_power", (base,), (("exponent", value),))
    raise Unreadable("a matrix to a power that is no whole number")


def inverse(solver: Solver, base: t.Term) -> t.Term:
    if base.type.rank == 2:
        try:
            solver.unify(*base.type.shape)
        except Misfit as misfit:
            raise Misfit(
                f"the inverse of a matrix that is not square: {base.type}", base.type.shape[:1], base.type.shape[1:]
            ) from misfit
        return t.Op(base.type, "inv", (base,))
    return elementwise("pow", base, number(-1))


def compare(solver: Solver, op: str, left: t.Term, right: t.Term) -> t.Compare:
    a, b = left.type, right.type
    if a.rank and b.rank:
        unify_shapes(solver, a, b, "the shapes of the two sides differ")
    shape = a.shape if a.rank >= b.rank else b.shape
    return t.Compare(Tensor(shape, dtype=BOOL.dtype), op, left, right)


def all_equal(sizes: Sequence[Size]) -> bool:
    return all(s == sizes[0] for s in sizes)
