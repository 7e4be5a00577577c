"""Elements, rows and sums over indices: unit vectors gather into vectors, deltas pick."""

from __future__ import annotations

from fractions import Fraction

from lemmata.core.size import Size
from lemmata.derive.form import (
    ONE,
    Form,
    add,
    apply,
    diag,
    entries,
    had,
    mul,
    num,
    ones,
    parts,
    power,
    product,
    substitute,
    transpose,
    untransposed,
    zero,
)


def index(label: str, uid: int) -> Form:
    return Form("idx", (), (label, uid))


def unit(where: Form, size: Size | None) -> Form:
    return Form("unit", (where,), (), (size, None))


def row(matrix: Form, where: Form) -> Form:
    """Row `where` of a matrix, as a column; a member of a family."""
    coefficient, powers, inner = parts(matrix)
    if inner is not None:
        if inner is not matrix:
            return product(coefficient, powers, row(inner, where))
        match matrix.op:
            case "had":
                return had(*(row(a, where) for a in matrix.args))
            case "add":
                return add(*(row(a, where) for a in matrix.args))
            case "epow":
                return power(row(matrix.args[0], where), matrix.data[0])  # type: ignore[arg-type]
            case "one":
                return ones((matrix.shape[1], None))
            case "eye":
                return unit(where, matrix.shape[1])
            case "chain" if matrix.args[0].op == "one":
                return transpose(mul(*matrix.args[1:]))
    return Form("row", (matrix, where), (), (matrix.shape[1], None))


def delta(i: Form, j: Form) -> Form:
    return ONE if i.key == j.key else Form("delta", (i, j))


def elem(form: Form, where: tuple[Form, ...]) -> Form:
    """An element of a vector or matrix, reached through sums and products."""
    coefficient, powers, matrix = parts(form)
    outside = product(coefficient, powers, None)
    if matrix is None:
        return outside
    result: Form | None = None
    match matrix.op:
        case "add":
            result = add(*(elem(a, where) for a in matrix.args))
        case "had":
            result = mul(*(elem(a, where) for a in matrix.args))
        case "epow":
            result = power(elem(matrix.args[0], where), matrix.data[0])  # type: ignore[arg-type]
        case "fn":
            result = apply(str(matrix.data[0]), elem(matrix.args[0], where))
        case "one":
            result = ONE
        case "eye":
            result = delta(*where)
        case "diag":
            result = mul(delta(*where), elem(matrix.args[0], where[:1]))
        case "T" if matrix.args[0].matrix:
            result = elem(matrix.args[0], where[::-1])
        case "unit":
            result = delta(matrix.args[0], where[0])
        case "sum":
            result = total(matrix.data, elem(matrix.args[0], where))
        case "build":
            names = {index(v.label, v.uid).key: w for v, w in zip(matrix.data, where, strict=True)}  # type: ignore[attr-defined]
            result = substitute(matrix.args[0], lambda x: names.get(x.key))
        case "row":
            result = elem(matrix.args[0], (matrix.args[1], where[0]))
        case "chain":
            for k in range(1, len(matrix.args)):
                if matrix.args[k].shape[0] is None:
                    left, right = mul(*matrix.args[:k]), transpose(mul(*matrix.args[k:]))
                    result = mul(elem(left, where[:1]), elem(right, where[1:]))
            if result is None and matrix.args[-1].op == "unit":
                result = elem(mul(*matrix.args[:-1]), (where[0], matrix.args[-1].args[0]))
    if result is None:
        result = Form("elem", (matrix, *where))
    return mul(outside, result)


def mentions(form: Form, key: str) -> bool:
    """Whether an index or symbol occurs, other than as one that the form itself binds."""
    if form.op in ("sum", "build") and any(f"@{v.uid}@" == key for v in form.data):  # type: ignore[attr-defined]
        return False
    return any(mentions(a, key) for a in form.args) or form.key == key


def total(variables: tuple[object, ...], body: Form) -> Form:
    """Σ over the variables: unit vectors gather into vectors, deltas pick."""
    for var in reversed(variables):
        body = _sum_one(var, body)
    return body


def _sum_one(var: object, body: Form) -> Form:
    i = index(var.label, var.uid)  # type: ignore[attr-defined]
    count: Size = var.count  # type: ignore[attr-defined]
    if zero(body):
        return body
    if not mentions(body, i.key):
        size = Form("size", (), (count,)) if count.number is None else num(count.number)
        return mul(size, body)
    if body.op == "add" and not body.number:
        pieces = [_sum_one(var, a) for a in body.args]
        if all(_left_open(p, var) for p in pieces):
            return Form("sum", (body,), (var,), body.shape)
        return add(*pieces)
    coefficient, powers, matrix = parts(body)
    if matrix is not None and matrix.op == "add":
        free = [(b, e) for b, e in powers if not mentions(b, i.key)]
        bound = product(coefficient, [(b, e) for b, e in powers if mentions(b, i.key)], None)
        pieces = [_sum_one(var, mul(bound, a)) for a in matrix.args]
        outer = product(Fraction(1), free, None)
        if all(_left_open(p, var) for p in pieces):
            return mul(outer, Form("sum", (mul(bound, matrix),), (var,), matrix.shape))
        return mul(outer, add(*pieces))
    free = [(b, e) for b, e in powers if not mentions(b, i.key)]
    inside = [(b, e) for b, e in powers if mentions(b, i.key)]
    outside = product(coefficient, free, None)
    if matrix is not None and not mentions(matrix, i.key):
        return mul(outside, _sum_one(var, product(Fraction(1), inside, None)), matrix)
    for k, (factor, exponent) in enumerate(inside):
        if factor.op == "delta" and exponent == 1:
            other = factor.args[1] if factor.args[0].key == i.key else factor.args[0]
            rest = product(Fraction(1), inside[:k] + inside[k + 1 :], matrix)
            return mul(outside, _replaced(rest, i, other))
    factors = list(matrix.args) if matrix is not None and matrix.op == "chain" else [matrix] if matrix else []
    places = [k for k, f in enumerate(factors) if mentions(f, i.key)]
    if len(places) == 1 and factors[places[0]].op == "add":
        k = places[0]
        scale = product(Fraction(1), inside, None)
        spread = [_sum_one(var, mul(scale, *factors[:k], a, *factors[k + 1 :])) for a in factors[k].args]
        return mul(outside, add(*spread))
    scalar = product(Fraction(1), inside, None)
    if len(places) == 1:
        k = places[0]
        column = factors[k].shape[1] is None
        item = factors[k] if column else transpose(factors[k])
        gathered = None
        if item.op == "unit" and item.args[0].key == i.key:
            gathered = gather(scalar, i, count)
        elif item.op == "row" and item.args[0].op != "family" and item.args[1].key == i.key:
            vector = gather(scalar, i, count)
            gathered = mul(transpose(item.args[0]), vector) if vector is not None else None
        if gathered is not None:
            gathered = gathered if column else transpose(gathered)
            return mul(outside, *factors[:k], gathered, *factors[k + 1 :])
    if len(places) == 2 and matrix is not None:
        a, b = factors[places[0]], factors[places[1]]
        left, right = _before_unit(a, i), _before_unit(transpose(b), i)
        if places[1] == places[0] + 1 and left is not None and right is not None:
            vector = gather(scalar, i, count)
            if vector is not None:
                middle = [*left, diag(vector), *(transpose(x) for x in right)]
                return mul(outside, *factors[: places[0]], *middle, *factors[places[1] + 1 :])
    if matrix is None:
        vector = gather(scalar, i, count)
        if vector is not None and vector.op == "had" and len(vector.args) == 2:
            return mul(outside, transpose(vector.args[0]), vector.args[1])
        if vector is not None and vector.op in ("sym", "add") and vector.shape[1] is None:
            return mul(outside, entries(vector))
    rest = product(Fraction(1), inside, matrix)
    return mul(outside, Form("sum", (rest,), (var,), rest.shape))


def _before_unit(column: Form, i: Form) -> tuple[Form, ...] | None:
    """What stands before e_i in a column: nothing for e_i itself, Mᵀ for row i of M; None for another column."""
    if column.op == "unit" and column.args[0].key == i.key:
        return ()
    if column.op == "row" and column.args[1].key == i.key and column.args[0].op != "family":
        return None if mentions(column.args[0], i.key) else (transpose(column.args[0]),)
    return None


def _replaced(form: Form, i: Form, value: Form) -> Form:
    return substitute(form, lambda x: value if x.key == i.key else None)


def _left_open(form: Form, var: object) -> bool:
    """Whether a sum over the variable stayed a sum."""
    matrix = parts(form)[2]
    return matrix is not None and matrix.op == "sum" and matrix.data == (var,)


def gather(body: Form, i: Form, count: Size) -> Form | None:
    """The column whose element at `i` is `body`; None where there is no writing for it."""
    if not mentions(body, i.key):
        return mul(body, ones((count, None)))
    match body.op:
        case "mul":
            coefficient, powers, _ = parts(body)
            found = []
            for base, exponent in powers:
                column = gather(base, i, count)
                if column is None:
                    return None
                found.append(power(column, exponent))
            return mul(num(coefficient), had(*found))
        case "add":
            columns = [gather(a, i, count) for a in body.args]
            return None if any(c is None for c in columns) else add(*columns)  # type: ignore[arg-type]
        case "fn":
            column = gather(body.args[0], i, count)
            return None if column is None else apply(str(body.data[0]), column)
        case "elem" if body.args[0].op != "family":
            base, where = body.args[0], body.args[1:]
            if mentions(base, i.key):
                return None
            if len(where) == 1 and where[0].key == i.key:
                return base if base.shape[1] is None else transpose(base)
            if len(where) == 2 and where[0].key == i.key and not mentions(where[1], i.key):
                return Form("chain", (base, unit(where[1], base.shape[1])), (), (base.shape[0], None))
            if len(where) == 2 and where[1].key == i.key and not mentions(where[0], i.key):
                return row(base, where[0])
        case "chain":
            for factors in (body.args, tuple(transpose(a) for a in reversed(body.args))):
                first = untransposed(factors[0])
                if (
                    first.op == "row"
                    and first.args[0].op != "family"
                    and first.args[1].key == i.key
                    and not any(mentions(f, i.key) for f in factors[1:])
                    and not mentions(first.args[0], i.key)
                ):
                    return mul(first.args[0], *factors[1:])
        case "delta":
            other = body.args[1] if body.args[0].key == i.key else body.args[0]
            return unit(other, count)
    return None
