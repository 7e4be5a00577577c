"""Brackets, bars, fractions, roots, matrices and cases."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import BOOL, SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import script_items, spell, stem, suffix
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.references import component, suffixed
from lemmata.elaborate.sequences import has_dots, sequence
from lemmata.elaborate.solver import Misfit, Unreadable


def num(r: Reader, expr: s.Num) -> t.Term:
    return t.Num(SCALAR, expr.value)


def const(r: Reader, expr: s.Const) -> t.Term:
    if expr.name.lstrip("\\") in ("infty", "inf"):
        return t.Special(SCALAR, "inf")
    raise Unreadable(f"the set {expr.name} as a value")


def sign(r: Reader, expr: s.Sign) -> t.Term:
    body = r.term(expr.body)
    if expr.op == "-":
        return a.negate(body)
    if expr.op == "+":
        return body
    raise Unreadable("±")


def quotient(r: Reader, expr: s.Quotient) -> t.Term:
    if expr.command == "\\binom":
        raise Unreadable("a binomial coefficient")
    return a.divide(r.solver, r.term(expr.numerator), r.term(expr.denominator))


def root(r: Reader, expr: s.RootOf) -> t.Term:
    body = r.term(expr.body)
    if expr.degree is None:
        return t.Op(replace(body.type, dtype="real"), "sqrt", (body,))
    return a.elementwise("pow", body, a.elementwise("div", a.number(1), r.term(expr.degree)))


def paren(r: Reader, expr: s.Paren) -> t.Term:
    """A group; several parts are a tuple: a vector, or rows stacked, as [a, b] and (a_1, …, a_n) show."""
    if len(expr.items) == 1 and not has_dots(expr.items):
        inner = r.term(expr.items[0])
        if expr.open == "{" and expr.close == "}" and expr.start >= 0 and isinstance(expr.items[0], s.Relation):
            raise Unreadable("a set")
        return inner
    if not expr.items or any(x not in (",", ";") for x in expr.separators):
        raise Unreadable("a bracket with a bar")
    if expr.open not in ("(", "["):
        raise Unreadable("a set")
    if has_dots(expr.items):
        built = sequence(r, expr.items)
        if built.body.type.rank == 1 and built.body.type.row is False:
            return built
        return built
    values = tuple(r.term(i) for i in expr.items)
    return _column(r, values)


def _column(r: Reader, values: tuple[t.Term, ...]) -> t.Term:
    if all(v.type.rank == 0 for v in values):
        return t.Op(Tensor((Size.of(len(values)),), False, a.join_dtype(*(v.type for v in values))), "list", values)
    if all(v.type.rank == 1 for v in values):
        total = Size.of(0)
        for v in values:
            total = total + v.type.shape[0]
        return t.Op(Tensor((total,), False, a.join_dtype(*(v.type for v in values))), "concat", values, (("axis", 0),))
    raise Unreadable("a list of matrices")


def scripted(r: Reader, expr: s.Scripted) -> t.Term:
    base = expr.base
    if isinstance(base, s.Bars) and base.kind == "||":
        return norm(r, base, expr.sub, expr.sup, expr)
    value = r.term(base)
    if expr.primes:
        raise Unreadable("a prime on a bracket")
    if expr.sub is not None:
        value = component(r, value, script_items(expr.sub), expr)
    kind = suffix(expr.sup, r.shared.conventions.transpose_letter)
    if kind is not None and kind.kind == "label":
        kind = replace(kind, kind="power")
    listed = isinstance(base, s.Paren) and len(base.items) > 1
    if kind is not None and kind.kind == "transpose" and listed and value.type.rank == 1 and not value.type.row:
        return value  # (1, 2, 3)^⊤ is the column that (1, 2, 3) is already
    return value if kind is None else suffixed(r, value, kind, expr)


def bars(r: Reader, expr: s.Bars) -> t.Term:
    if expr.kind == "||":
        return norm(r, expr, None, None, expr)
    if isinstance(expr.body, s.Paren) and len(expr.body.items) > 1:
        raise Unreadable("the length of an interval, or the number of its elements")
    x = r.term(expr.body)
    if x.type.rank == 2:
        if r.solver.equal(*x.type.shape):
            return t.Op(SCALAR, "det", (x,))
        raise Unreadable("|·| of a matrix")
    return t.Op(replace(x.type, dtype="real"), "abs", (x,))


NORMS = {
    "": "2",
    "2": "2",
    "F": "F",
    "1": "1",
    "\\infty": "inf",
    "infty": "inf",
    "*": "nuclear",
    "\\text{F}": "F",
    "\\ell_2": "2",
    "Fro": "F",
}


def norm(r: Reader, body: s.Bars, sub: s.Expr | None, sup: s.Expr | None, expr: s.Expr) -> t.Term:
    x = r.term(body.body)
    label = spell(sub)
    kind = NORMS.get(label)
    if kind is None:
        raise Unreadable(f"the norm with subscript {label}")
    if x.type.rank == 0:
        value: t.Term = t.Op(SCALAR, "abs", (x,))
    elif x.type.rank == 1:
        value = t.Op(SCALAR, "norm", (x,), (("kind", {"F": "2", "nuclear": "2"}.get(kind, kind)),))
    else:
        if kind == "2":
            bare = label == ""
            options = ("F", "spectral") if bare else ("spectral", "F")
            picked = r.choice(
                "matrix norm",
                expr,
                2,
                tuple(
                    {"F": "the norm read as the Frobenius norm", "spectral": "the norm read as the spectral norm"}[o]
                    for o in options
                ),
            )
            kind = options[picked]
        elif kind == "1":
            kind = ("entrywise 1", "1")[
                r.choice("matrix 1-norm", expr, 2, ("the norm read entrywise", "the norm read as the operator norm"))
            ]
        value = t.Op(SCALAR, "norm", (x,), (("kind", kind),))
    if sup is None:
        return value
    return a.power(r.solver, value, r.term(sup))


def angle(r: Reader, expr: s.Angle) -> t.Term:
    if len(expr.items) != 2:
        raise Unreadable("angle brackets without two parts")
    x, y = (r.term(i) for i in expr.items)
    if x.type.rank != y.type.rank or x.type.rank == 0:
        if x.type.rank == 0 and y.type.rank == 0:
            return a.elementwise("mul", x, y)
        raise Misfit("an inner product of different shapes", x.type.shape, y.type.shape)
    a.unify_shapes(
        r.solver, replace(x.type, row=False), replace(y.type, row=False), "an inner product of different shapes"
    )
    return t.Op(SCALAR, "inner", (x, y))


def matrix(r: Reader, expr: s.Matrix) -> t.Term:
    """A block matrix; rows and columns with dots are generic."""
    if any(isinstance(e, s.Mark) and e.name == "dots" for row in expr.rows for e in row):
        return _dotted(r, expr)
    rows = tuple(tuple(r.term(e) for e in row) for row in expr.rows if row)
    if expr.kind in ("vmatrix", "Vmatrix"):
        raise Unreadable("a determinant or norm written with bars")
    return blocks(r, rows)


def blocks(r: Reader, rows: tuple[tuple[t.Term, ...], ...]) -> t.Term:
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        raise Unreadable("a matrix whose rows differ in length")
    width = widths.pop()
    flat = [x for row in rows for x in row]
    if all(x.type.rank == 0 for x in flat):
        dtype = a.join_dtype(*(x.type for x in flat))
        if width == 1:
            return t.Op(Tensor((Size.of(len(rows)),), False, dtype), "list", tuple(flat))
        if len(rows) == 1:
            return t.Op(Tensor((Size.of(width),), True, dtype), "list", tuple(flat))
        return t.Blocks(Tensor((Size.of(len(rows)), Size.of(width)), dtype=dtype), rows)
    if width == 1 and all(x.type.rank == 1 and not x.type.row for x in flat):
        return _column(r, tuple(flat))
    heights = [_extent(r, [row[j] for j in range(width)], 0) for row in rows]
    columns = [_extent(r, [row[j] for row in rows], 1) for j in range(width)]
    height, breadth = Size.of(0), Size.of(0)
    for h in heights:
        height = height + h
    for c in columns:
        breadth = breadth + c
    placed = tuple(tuple(_sized(r, x, heights[i], columns[j]) for j, x in enumerate(row)) for i, row in enumerate(rows))
    return t.Blocks(Tensor((height, breadth), dtype=a.join_dtype(*(x.type for x in flat))), placed)


def _extent(r: Reader, entries: list[t.Term], axis: int) -> Size:
    """The common height (axis 0) of a row of blocks or width (axis 1) of a column of blocks."""
    found: Size | None = None
    for x in entries:
        size = _side(x, axis)
        if size is None:
            continue
        if found is not None:
            r.solver.unify(found, size)
        found = size
    return found if found is not None else Size.of(1)


def _side(x: t.Term, axis: int) -> Size | None:
    if x.type.rank == 2:
        return x.type.shape[axis]
    if x.type.rank == 1:
        along = 1 if x.type.row else 0
        return x.type.shape[0] if along == axis else Size.of(1)
    return None


def _sized(r: Reader, x: t.Term, height: Size, width: Size) -> t.Term:
    kind = Tensor((height, width), dtype=x.type.dtype)
    if x.type.rank == 2:
        return x
    if x.type.rank == 1:
        return t.Op(kind, "as_row" if x.type.row else "as_column", (x,))
    if a.literal(x) == 0 or a.literal(x) == 1 or (height.number == 1 and width.number == 1):
        return t.Op(kind, "spread", (x,))
    raise Misfit("a number as a block of a matrix", height.atoms and (height,) or (), (width,))


def _dotted(r: Reader, expr: s.Matrix) -> t.Term:
    """Rows and columns given by their first and last members."""
    rows = [row for row in expr.rows if row and not all(isinstance(e, s.Mark) for e in row)]
    if all(len(row) == 1 for row in expr.rows):
        items = tuple(row[0] for row in expr.rows)
        built = sequence(r, items)
        if built.body.type.rank == 2:
            shape = (built.vars[0].count * built.body.type.shape[0], built.body.type.shape[1])
            return t.Stacked(Tensor(shape, dtype=built.type.dtype), built.vars[0], built.body, 0)
        if built.body.type.rank <= 1:
            return built
        raise Unreadable("a stack of tensors with dots")
    if len(expr.rows) == 1:
        built = sequence(r, expr.rows[0])
        if built.body.type.rank == 0:
            return replace(built, type=replace(built.type, row=True))
        if built.body.type.rank == 1:
            return a.transpose(built)
        shape = (built.body.type.shape[0], built.vars[0].count * built.body.type.shape[1])
        return t.Stacked(Tensor(shape, dtype=built.type.dtype), built.vars[0], built.body, 1)
    if len(rows) < 2:
        raise Unreadable("a matrix with dots that shows no first and last row")
    first = s.Paren(rows[0][0].start, rows[0][-1].end, "(", ")", tuple(rows[0]), (",",) * (len(rows[0]) - 1))
    last = s.Paren(rows[-1][0].start, rows[-1][-1].end, "(", ")", tuple(rows[-1]), (",",) * (len(rows[-1]) - 1))
    dots = s.Mark(first.end, first.end, "dots")
    if not has_dots(rows[0]):
        raise Unreadable("a matrix with dots in some rows only")
    return sequence_of_rows(r, first, dots, last)


def sequence_of_rows(r: Reader, first: s.Paren, dots: s.Mark, last: s.Paren) -> t.Term:
    from lemmata.elaborate.sequences import generalise

    pattern, low, high = generalise(first, last)
    if low is None or high is None:
        raise Unreadable("a matrix with dots whose rows do not differ")
    start, stop = r.size(low), r.size(high)
    var = r.index_var("row", start, stop - start + Size.of(1))
    renamed = _rename_hole(pattern, "□row")
    assert isinstance(renamed, s.Paren)
    body = sequence(r.bind({"□row": var}), renamed.items)
    if body.body.type.rank:
        raise Unreadable("a matrix of blocks with dots")
    return t.Build(Tensor((var.var.count, body.vars[0].count), dtype=body.type.dtype), (var.var, *body.vars), body.body)


def _rename_hole(expr: s.Expr, name: str) -> s.Expr:

    from lemmata.elaborate.sequences import HOLE

    def change(value: object) -> object:
        if isinstance(value, s.Name) and value.base == HOLE:
            return replace(value, base=name)
        if isinstance(value, s.Expr):
            parts: dict[str, Any] = {
                n: change(getattr(value, n)) for n in value.__struct_fields__ if n not in ("start", "end")
            }
            return replace(value, **parts)
        if isinstance(value, tuple):
            return tuple(change(v) for v in value)
        return value

    result = change(expr)
    assert isinstance(result, s.Expr)
    return result


def cases(r: Reader, expr: s.CasesOf) -> t.Term:
    branches: list[tuple[t.Term, t.Term]] = []
    otherwise: t.Term | None = None
    for value, condition in expr.branches:
        term = r.term(value)
        if condition is None or (isinstance(condition, s.Words) and _is_otherwise(condition.text)):
            otherwise = term
            continue
        test = r.term(condition)
        if test.type.dtype != "bool":
            raise Unreadable("a case whose condition is no relation")
        branches.append((term, test))
    if not branches:
        raise Unreadable("cases without conditions")
    values = [v for v, _ in branches] + ([otherwise] if otherwise is not None else [])
    shaped = max((v.type for v in values), key=lambda x: x.rank)
    for test in (c for _, c in branches):
        if test.type.rank > shaped.rank:
            shaped = replace(shaped, shape=test.type.shape)
    return t.Cases(replace(shaped, dtype=a.join_dtype(*(v.type for v in values))), tuple(branches), otherwise)


def _is_otherwise(text: str) -> bool:
    return text.strip(" ,.").lower() in (
        "otherwise",
        "else",
        "其他",
        "否则",
        "其它",
        "其余",
        "其他情况",
        "in other cases",
    )


def relation(r: Reader, expr: s.Relation) -> t.Term:
    """A relation as a condition; chains hold link by link."""
    if not all(op in ("<", "\\le", ">", "\\ge", "=", "\\ne") for op in expr.ops):
        raise Unreadable("a relation that is no comparison")
    parts = [r.term(i) for i in expr.items]
    result: t.Term | None = None
    for op, left, right in zip(expr.ops, parts, parts[1:], strict=False):
        link = a.compare(r.solver, op, left, right)
        result = link if result is None else t.Op(link.type if link.type.rank else BOOL, "and", (result, link))
    assert result is not None
    return result


def choice(r: Reader, expr: s.Choice) -> t.Term:
    """Alternatives of the syntax: as decided for this reading; one that cannot be read gives way to the next."""
    picked = r.shared.choices.pick(f"{expr.key}@{r.place.at}:{expr.start}", len(expr.options))
    saved = dict(r.solver.solution)
    try:
        return r.term(expr.options[picked])
    except Misfit:
        raise
    except Unreadable:
        if picked + 1 == len(expr.options):
            raise
        r.solver.solution = saved
        return r.term(expr.options[picked + 1])


def words(r: Reader, expr: s.Words) -> t.Term:
    raise Unreadable(f"the words “{expr.text}”")


def floor(r: Reader, expr: s.Floor) -> t.Term:
    return a.elementwise(expr.kind, r.term(expr.body))


def unread(r: Reader, expr: s.Unread) -> t.Term:
    raise Unreadable(expr.reason)


def key_of(expr: s.Name) -> str:
    return stem(expr)


ZERO = Fraction(0)
