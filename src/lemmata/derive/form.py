"""Forms: matrix expressions in which an author would write a derivative, kept in a normal form as they are built.

A form has rows and columns, each a size or None: a number has neither, a column has rows, a row has columns. Products
are a rational coefficient, powers of numbers, and one matrix part; a chain is a matrix product without a number inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

from msgspec import Struct, field

from lemmata.core.size import Size

Shape = tuple[Size | None, Size | None]
NUMBER: Shape = (None, None)


class NoForm(Exception):
    """No matrix form is known; the message says of what."""


class Form(Struct, frozen=True, eq=False):
    """`op` of `args`. Symbols and calls hold in `body` what they stand for."""

    op: str
    args: tuple[Form, ...] = ()
    data: tuple[object, ...] = ()
    shape: Shape = NUMBER
    body: Form | None = None
    symmetric: bool = False
    properties: frozenset[str] = frozenset()
    _key: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The same for forms that are written alike, up to the names of bound indices."""
        if not self._key:
            self._key.append(_key(self))
        return self._key[0]

    @property
    def number(self) -> bool:
        return self.shape == NUMBER

    @property
    def matrix(self) -> bool:
        return None not in self.shape


def _key(form: Form) -> str:
    if form.op == "chain" and form.number:
        own = " ".join(a.key for a in form.args)
        back = " ".join(transpose(a).key for a in reversed(form.args))
        return f"({min(own, back)})"
    if form.op in ("sym", "call"):
        return f"{form.data[0]}⟨{','.join(a.key for a in form.args)}⟩" if form.args else str(form.data[0])
    if form.op in ("sum", "build"):
        inner = form.args[0].key
        for depth, var in enumerate(form.data):
            inner = inner.replace(f"@{var.uid}@", f"@b{depth}@")  # type: ignore[attr-defined]
        return f"{form.op}{len(form.data)}({inner})"
    if form.op == "idx":
        return f"@{form.data[1]}@"
    if form.op in ("add", "had"):
        return f"{form.op}({','.join(sorted(a.key for a in form.args))})"
    if form.op == "mul":
        coefficient, powers = form.data
        parts = [f"{a.key}^{e}" for a, e in zip(form.args, powers, strict=False)]  # type: ignore[call-overload]
        rest = [a.key for a in form.args[len(powers) :]]  # type: ignore[arg-type]
        return f"mul({coefficient},{','.join(sorted(parts))};{','.join(rest)})"
    if form.op in ("one", "eye"):
        return form.op + "".join("|" if s is None else f"[{s}]" for s in form.shape)
    data = ",".join(map(str, form.data))
    return f"{form.op}[{data}]({','.join(a.key for a in form.args)})"


def num(value: Fraction | int) -> Form:
    return Form("mul", (), (Fraction(value), ()))


ZERO, ONE = num(0), num(1)


def ones(shape: Shape) -> Form:
    return ONE if shape == NUMBER else Form("one", (), (), shape)


def eye(size: Size) -> Form:
    return Form("eye", (), (), (size, size))


def zero(form: Form) -> bool:
    return form.op == "mul" and form.data[0] == 0


def constant(form: Form) -> Fraction | None:
    return form.data[0] if form.op == "mul" and not form.args else None  # type: ignore[return-value]


def parts(form: Form) -> tuple[Fraction, list[tuple[Form, Fraction]], Form | None]:
    """Coefficient, powers of numbers, and the matrix part of a form."""
    if form.op == "mul":
        coefficient, powers = form.data
        n = len(powers)  # type: ignore[arg-type]
        pairs = list(zip(form.args[:n], powers, strict=True))  # type: ignore[call-overload]
        return coefficient, pairs, form.args[n] if len(form.args) > n else None  # type: ignore[return-value]
    if form.number:
        return Fraction(1), [(form, Fraction(1))], None
    return Fraction(1), [], form


def product(coefficient: Fraction, powers: Iterable[tuple[Form, Fraction]], matrix: Form | None) -> Form:
    """The normal form of a product of numbers with at most one matrix."""
    found: dict[str, tuple[Form, Fraction]] = {}
    stack = list(powers)
    while stack:
        base, exponent = stack.pop(0)
        if base.op == "mul":
            value, inner, _ = parts(base)
            if inner and exponent.denominator != 1 and value < 0:
                pass
            elif exponent.denominator == 1 and (value or exponent > 0):
                coefficient *= value ** int(exponent)
                stack[:0] = [(b, e * exponent) for b, e in inner]
                continue
            elif value > 0 and value != 1 and inner:
                stack[:0] = [(num(value), exponent), *((b, e * exponent) for b, e in inner)]
                continue
            elif value == 1:
                stack[:0] = [(b, e * exponent) for b, e in inner]
                continue
        old = found.get(base.key)
        found[base.key] = (base, exponent + (old[1] if old else 0))
    kept = [(b, e) for b, e in found.values() if e]
    if coefficient == 0:
        return Form("mul", (), (Fraction(0), ()), matrix.shape if matrix is not None else NUMBER)
    shape = matrix.shape if matrix is not None else NUMBER
    if coefficient == 1 and matrix is not None and not kept:
        return matrix
    if coefficient == 1 and matrix is None and len(kept) == 1 and kept[0][1] == 1:
        return kept[0][0]
    args = tuple(b for b, _ in kept) + ((matrix,) if matrix is not None else ())
    return Form("mul", args, (coefficient, tuple(e for _, e in kept)), shape)


def mul(*factors: Form) -> Form:
    """The matrix product of the factors, numbers scaling."""
    coefficient, powers = Fraction(1), list[tuple[Form, Fraction]]()
    run: list[Form] = []
    shape = _outer_shape(factors)
    for factor in factors:
        value, own, matrix = parts(factor)
        coefficient *= value
        powers.extend(own)
        if matrix is not None:
            run.extend(matrix.args if matrix.op == "chain" else [matrix])
    if coefficient == 0:
        return Form("mul", (), (Fraction(0), ()), shape)
    run = _cancelled(run)
    segments: list[list[Form]] = []
    for factor in run:
        if segments and segments[-1][-1].shape[1] is not None and factor.shape[0] is not None:
            segments[-1].append(factor)
        else:
            segments.append([factor])
    outer: list[Form] = []
    for segment in segments:
        if segment[0].shape[0] is None and segment[-1].shape[1] is None:
            powers.append((_scalar(segment), Fraction(1)))
        else:
            outer.extend(segment)
    if not outer:
        return product(coefficient, powers, None)
    inner = []
    for factor in outer:
        value, own, matrix = parts(factor)
        coefficient *= value
        powers.extend(own)
        if matrix is not None:
            inner.append(matrix)
    if not inner:
        return product(coefficient, powers, None)
    last = inner[0] if len(inner) == 1 else Form("chain", tuple(inner), (), (inner[0].shape[0], inner[-1].shape[1]))
    return product(coefficient, powers, last)


def _outer_shape(factors: Iterable[Form]) -> Shape:
    shaped = [f for f in factors if not f.number]
    return (shaped[0].shape[0], shaped[-1].shape[1]) if shaped else NUMBER


def _scalar(segment: list[Form]) -> Form:
    """A row times … times a column."""
    from lemmata.derive.indexed import elem

    if len(segment) == 2:
        merged = had(transpose(segment[0]), segment[1])
        first, second = transpose(segment[0]), segment[1]
        if any(x.op in ("epow", "had") for x in (first, second)) and _pieces(merged) < _pieces(first) + _pieces(second):
            return entries(merged)
        if "one" in (first.op, second.op):
            return entries(second if first.op == "one" else first)
    if len(segment) == 2 and untransposed(segment[0]).op == "unit" and segment[1].op != "unit":
        return elem(segment[1], (untransposed(segment[0]).args[0],))
    if segment[-1].op == "unit" and len(segment) == 2:
        return elem(untransposed(segment[0]), (segment[-1].args[0],))
    if untransposed(segment[0]).op == "unit" and segment[-1].op == "unit":
        return elem(mul(*segment[1:-1]), (untransposed(segment[0]).args[0], segment[-1].args[0]))
    return Form("chain", tuple(segment))


def _pieces(form: Form) -> int:
    matrix = parts(form)[2]
    return 0 if matrix is None or matrix.op == "one" else len(matrix.args) if matrix.op == "had" else 1


STOCHASTIC = frozenset({"simplex", "one-hot"})


def entries(vector: Form) -> Form:
    """The sum of a column's entries; 1 for a probability vector."""
    coefficient, powers, matrix = parts(vector)
    outside = product(coefficient, powers, None)
    if matrix is None:
        return outside
    if matrix.op == "one":
        return mul(outside, Form("size", (), (matrix.shape[0],)))
    if matrix.op == "add":
        result = add(*(entries(a) for a in matrix.args))
        opened = substitute(result, lambda x: x.body if x.op == "sym" and x.number and x.body is not None else None)
        if zero(opened):
            return ZERO
        if result.op != "add" or len(result.args) < len(matrix.args):
            return mul(outside, result)
        return mul(outside, Form("chain", (ones((None, matrix.shape[0])), matrix)))
    if sums_to_one(matrix):
        return outside
    return mul(outside, Form("chain", (ones((None, matrix.shape[0])), matrix)))


def sums_to_one(form: Form) -> bool:
    """Of a column, or of every row of a matrix."""
    if form.op == "sym" and form.body is not None:
        return sums_to_one(form.body)
    if form.op == "softmax":
        return form.data[0] in ("column", "rows")
    if form.op == "unit":
        return True
    if form.op == "row":
        return sums_to_one(form.args[0])
    return form.op == "sym" and bool(form.properties & STOCHASTIC)


def untransposed(form: Form) -> Form:
    return form.args[0] if form.op == "T" else form


def _cancelled(run: list[Form]) -> list[Form]:
    """Without identities and pairs A A⁻¹; diag(u) v as u ⊙ v."""
    from lemmata.derive.indexed import row

    result: list[Form] = []
    for factor in run:
        if factor.op == "eye" and (len(run) > 1):
            if result or factor is not run[-1]:
                continue
        last = result[-1] if result else None
        if last is not None and factor.op == "one" and last.matrix and factor.shape[1] is None and sums_to_one(last):
            result[-1] = ones((last.shape[0], None))
            continue
        if last is not None and last.matrix and factor.matrix and (_inverse_pair(last, factor)):
            result.pop()
            if not result and factor is run[-1]:
                result.append(eye(last.shape[0]))  # type: ignore[arg-type]
            continue
        if last is not None and last.op == "diag" and factor.op == "diag":
            result[-1] = diag(had(last.args[0], factor.args[0]))
            continue
        if last is not None and last.op == "diag" and factor.shape[1] is None:
            result.pop()
            scaled = had(last.args[0], factor)
            result.append(scaled)
            continue
        if last is not None and factor.op == "unit" and last.op == "T" and last.args[0].matrix:
            result[-1] = row(last.args[0].args[0] if last.args[0].op == "T" else last.args[0], factor.args[0])
            continue
        result.append(factor)
    return result or run[:1]


def _inverse_pair(a: Form, b: Form) -> bool:
    return a.op == "inv" and a.args[0].key == b.key or b.op == "inv" and b.args[0].key == a.key


def add(*terms: Form) -> Form:
    """The sum, like terms collected."""
    found: dict[str, list[object]] = {}
    shape: Shape = NUMBER
    stack = list(terms)
    while stack:
        term = stack.pop(0)
        if not term.number:
            shape = term.shape
        if term.op == "add":
            stack[:0] = term.args
            continue
        coefficient, powers, matrix = parts(term)
        if matrix is not None and matrix.op == "add" and not powers and coefficient in (1, -1):
            stack[:0] = [mul(num(coefficient), a) for a in matrix.args]
            continue
        if len(powers) == 1 and powers[0][0].op == "add" and powers[0][1] == 1 and coefficient in (1, -1):
            if matrix is None:
                stack[:0] = [mul(num(coefficient), a) for a in powers[0][0].args]
                continue
        rest = product(Fraction(1), powers, matrix)
        old = found.setdefault(rest.key, [rest, Fraction(0)])
        old[1] += coefficient  # type: ignore[operator]
    kept = [mul(num(c), r) for r, c in found.values() if c]  # type: ignore[arg-type]
    if not kept:
        return Form("mul", (), (Fraction(0), ()), shape)
    return kept[0] if len(kept) == 1 else Form("add", tuple(kept), (), shape)


def neg(form: Form) -> Form:
    return mul(num(-1), form)


def power(base: Form, exponent: Fraction) -> Form:
    """Of a number; elementwise of a vector or matrix."""
    if exponent == 1:
        return base
    if base.number:
        return product(Fraction(1), [(base, exponent)], None)
    if exponent == 0:
        return ones(base.shape)
    coefficient, powers, matrix = parts(base)
    if matrix is None or matrix.op == "one":
        return product(Fraction(1), [(product(coefficient, powers, None), exponent)], matrix)
    if matrix is not base and exponent.denominator == 1:
        return product(coefficient ** int(exponent), [(b, e * exponent) for b, e in powers], power(matrix, exponent))
    if base.op == "epow":
        return power(base.args[0], base.data[0] * exponent)  # type: ignore[operator]
    return Form("epow", (base,), (exponent,), base.shape)


def had(*factors: Form) -> Form:
    """The elementwise product."""
    rows = [x.shape[0] is None for x in factors if not x.number]
    if any(rows) and not all(rows):
        raise NoForm("an elementwise product of a row and something else")
    if any(rows):
        return transpose(had(*(transpose(x) for x in factors)))
    from lemmata.derive.indexed import row

    coefficient, powers = Fraction(1), []
    found: dict[str, tuple[Form, Fraction]] = {}
    shape: Shape = NUMBER
    stack = list(factors)
    while stack:
        factor = stack.pop(0)
        if not factor.number:
            shape = factor.shape
        value, own, matrix = parts(factor)
        coefficient *= value
        powers.extend(own)
        if matrix is None or matrix.op == "one":
            continue
        if matrix.op == "had":
            stack[:0] = matrix.args
            continue
        base, exponent = matrix, Fraction(1)
        if matrix.op == "epow":
            base, exponent = matrix.args[0], matrix.data[0]  # type: ignore[assignment]
        old = found.get(base.key)
        found[base.key] = (base, exponent + (old[1] if old else 0))
    kept = [power(b, e) for b, e in found.values() if e]
    if coefficient == 0:
        return Form("mul", (), (Fraction(0), ()), shape)
    if not kept:
        return product(coefficient, powers, ones(shape) if shape != NUMBER else None)
    if len(kept) > 1 and all(k.op == "chain" and k.args[-1].op == "unit" for k in kept):
        if len({k.args[-1].key for k in kept}) == 1:
            merged = had(*(mul(*k.args[:-1]) for k in kept))
            return mul(product(coefficient, powers, None), merged, kept[0].args[-1])
    spread = next((k for k in kept if k.op == "add" and all(_unit_like(a) for a in k.args)), None)
    if spread is not None and len(kept) > 1:
        others = [k for k in kept if k is not spread]
        return mul(product(coefficient, powers, None), add(*(had(*others, a) for a in spread.args)))
    single = next((k for k in kept if k.op == "chain" and len(k.args) == 2 and _single(k)), None)
    if single is not None and len(kept) > 1:
        rest = had(*(k for k in kept if k is not single))
        first, second = single.args
        if first.op == "unit":
            inside: Form = mul(first, had(transpose(row(rest, first.args[0])), second))
        else:
            j = untransposed(second)
            inside = mul(had(mul(rest, j), first), second)
        return mul(product(coefficient, powers, None), inside)
    matrix = kept[0] if len(kept) == 1 else Form("had", tuple(kept), (), shape)
    return product(coefficient, powers, matrix)


def _unit_like(form: Form) -> bool:
    matrix = parts(form)[2]
    return matrix is not None and matrix.op == "chain" and len(matrix.args) == 2 and _single(matrix)


def _single(chain: Form) -> bool:
    """A matrix with one row or column that is not zero."""
    return chain.args[0].op == "unit" or chain.args[1].op == "T" and chain.args[1].args[0].op == "unit"


def apply(name: str, x: Form) -> Form:
    """An elementwise function."""
    if name == "log" and x.number:
        if x.op == "fn" and x.data[0] == "exp":
            return x.args[0]
        coefficient, powers, _ = parts(x)
        if coefficient == 1 and powers and not (len(powers) == 1 and powers[0][1] == 1):
            return add(*(mul(num(e), apply("log", b)) for b, e in powers))
    if x.op == "chain" and x.args[-1].op == "unit" and x.shape[1] is None:
        return mul(apply(name, mul(*x.args[:-1])), x.args[-1])
    return Form("fn", (x,), (name,), x.shape)


def transpose(form: Form) -> Form:
    match form.op:
        case "mul":
            coefficient, powers, matrix = parts(form)
            if matrix is None:
                return form if coefficient or form.number else Form("mul", (), form.data, form.shape[::-1])
            return product(coefficient, powers, transpose(matrix))
        case _ if form.number or form.symmetric or form.op in ("eye", "diag"):
            return form
        case "T":
            return form.args[0]
        case "one":
            return Form("one", (), (), form.shape[::-1])
        case "chain":
            return mul(*(transpose(a) for a in reversed(form.args)))
        case "sum":
            return Form("sum", (transpose(form.args[0]),), form.data, form.shape[::-1])
        case "add":
            other = add(*(transpose(a) for a in form.args))
            return form if other.key == form.key else _flip(form)
        case "inv" | "mexp" | "mpow":
            inner = transpose(form.args[0])
            return form if inner.key == form.args[0].key else _flip(form)
    return _flip(form)


def _flip(form: Form) -> Form:
    return Form("T", (form,), (), form.shape[::-1])


def inverse(form: Form) -> Form:
    coefficient, powers, matrix = parts(form)
    assert matrix is not None
    if matrix.op == "inv":
        result = matrix.args[0]
    elif matrix.op == "diag":
        result = diag(power(matrix.args[0], Fraction(-1)))
    elif matrix.op == "eye":
        result = matrix
    elif matrix.op == "T":
        result = _flip(inverse(matrix.args[0]))
    else:
        result = Form("inv", (matrix,), (), matrix.shape)
    return product(1 / coefficient, [(b, -e) for b, e in powers], result)


def diag(vector: Form) -> Form:
    vector = vector if vector.shape[1] is None else transpose(vector)
    coefficient, powers, matrix = parts(vector)
    assert matrix is not None
    size = vector.shape[0]
    inner = eye(size) if matrix.op == "one" else Form("diag", (matrix,), (), (size, size))  # type: ignore[arg-type]
    return product(coefficient, powers, inner)


def diagonal(form: Form) -> Form:
    """The diagonal as a column."""
    coefficient, powers, matrix = parts(form)
    if matrix is None:
        return form
    if matrix.op == "diag":
        return product(coefficient, powers, matrix.args[0])
    if matrix.op == "eye":
        return product(coefficient, powers, ones((matrix.shape[0], None)))
    return product(coefficient, powers, Form("diagonal", (matrix,), (), (matrix.shape[0], None)))


def trace(form: Form) -> Form:
    coefficient, powers, matrix = parts(form)
    if matrix is None:
        return form if form.number else ZERO
    if matrix.op == "chain":
        for k in range(1, len(matrix.args)):
            if matrix.args[k].shape[0] is None:
                turned = mul(*matrix.args[k:], *matrix.args[:k])
                return mul(product(coefficient, powers, None), turned)
    return product(coefficient, [*powers, (Form("trace", (matrix,)), Fraction(1))], None)


def unary(op: str, form: Form, *data: object) -> Form:
    """det, norm, matrix exponential and the like."""
    if op == "norm" and zero(form):
        return ZERO
    return Form(op, (form,), data, form.shape if op in ("mexp",) else NUMBER)


def determinant(form: Form) -> Form:
    if form.op == "inv":
        return power(determinant(form.args[0]), Fraction(-1))
    return unary("det", transpose(form) if form.op == "T" else form)


def inner_product(a: Form, b: Form) -> Form:
    """⟨a, b⟩ of equal shapes."""
    if a.number:
        return mul(a, b)
    if a.matrix:
        return trace(mul(transpose(a), b))
    column = (x if x.shape[1] is None else transpose(x) for x in (a, b))
    left, right = column
    return mul(transpose(left), right)


def substitute(form: Form, change: Callable[[Form], Form | None]) -> Form:
    """The form rebuilt with `change` applied where it gives something, outermost first."""
    found = change(form)
    if found is not None:
        return found
    if not form.args:
        return form
    if form.op in ("sum", "build"):
        bound, outer = {v.uid for v in form.data}, change  # type: ignore[attr-defined]
        change = lambda x: None if x.op == "idx" and x.data[1] in bound else outer(x)  # noqa: E731
    args = tuple(substitute(a, change) for a in form.args)
    if all(a is b for a, b in zip(args, form.args, strict=True)):
        return form
    if form.op in ("call", "sym") and form.body is not None:
        return Form(form.op, args, form.data, form.shape, substitute(form.body, change), form.symmetric)
    return rebuild(form, args)


def rebuild(form: Form, args: tuple[Form, ...]) -> Form:
    """The same operation on other arguments, in normal form."""
    from lemmata.derive.indexed import delta, elem, row, total

    match form.op:
        case "mul":
            coefficient, powers = form.data
            n = len(powers)  # type: ignore[arg-type]
            scale = product(coefficient, zip(args[:n], powers, strict=True), None)  # type: ignore[arg-type, call-overload]
            return mul(scale, *args[n:])
        case "add":
            return add(*args)
        case "chain":
            return mul(*args)
        case "had":
            return had(*args)
        case "epow":
            return power(args[0], form.data[0])  # type: ignore[arg-type]
        case "fn":
            return apply(str(form.data[0]), args[0])
        case "T":
            return transpose(args[0])
        case "inv":
            return inverse(args[0])
        case "diag":
            return diag(args[0])
        case "diagonal":
            return diagonal(args[0])
        case "trace":
            return trace(args[0])
        case "det":
            return determinant(args[0])
        case "elem":
            return elem(args[0], args[1:])
        case "delta":
            return delta(*args)
        case "row":
            return row(*args)
        case "sum":
            return total(form.data, args[0])
    shape = args[0].shape if form.op in ("softmax", "mexp", "mpow", "inv") else form.shape
    return Form(form.op, args, form.data, shape, form.body, form.symmetric, form.properties)
