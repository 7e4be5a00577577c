"""The rules of matrix calculus on forms: gradients by adjoints, Jacobians and rates by tangents.

Each rule speaks of one operation. `me` is the value itself where the rule mentions it, so that the result keeps the
author's symbol: with s = softmax(z) the Jacobian is diag(s) − s sᵀ.
"""

from __future__ import annotations

from fractions import Fraction

from lemmata.derive import form as f
from lemmata.derive import indexed
from lemmata.derive.form import Form, NoForm, add, had, mul, neg, num, power, transpose

HALF = Fraction(1, 2)


def slope(name: str, x: Form, me: Form) -> Form:
    """The derivative of an elementwise function at x, elementwise; me = name(x)."""
    one = f.ones(x.shape)
    match name:
        case "exp":
            return me
        case "log":
            return power(x, Fraction(-1))
        case "sin":
            return f.apply("cos", x)
        case "cos":
            return neg(f.apply("sin", x))
        case "tan":
            return add(one, power(me, Fraction(2)))
        case "sinh":
            return f.apply("cosh", x)
        case "cosh":
            return f.apply("sinh", x)
        case "tanh":
            return add(one, neg(power(me, Fraction(2))))
        case "arctan":
            return power(add(one, power(x, Fraction(2))), Fraction(-1))
        case "arcsin":
            return power(add(one, neg(power(x, Fraction(2)))), -HALF)
        case "arccos":
            return neg(power(add(one, neg(power(x, Fraction(2)))), -HALF))
        case "sigmoid":
            return had(me, add(one, neg(me)))
        case "softplus":
            return f.apply("sigmoid", x)
        case "relu":
            return f.apply("positive", x)
        case "abs":
            return f.apply("sign", x)
        case "silu":
            s = f.apply("sigmoid", x)
            return had(s, add(one, had(x, add(one, neg(s)))))
        case "normal_cdf":
            return f.apply("normal_pdf", x)
        case "normal_pdf":
            return neg(had(x, me))
        case "gelu":
            return add(f.apply("normal_cdf", x), had(x, f.apply("normal_pdf", x)))
        case "positive" | "sign":
            return mul(num(0), one)
        case "erf":
            scale = mul(num(2), power(Form("special", (), ("pi",)), -HALF))
            return mul(scale, f.apply("exp", neg(power(x, Fraction(2)))))
    raise NoForm(f"the derivative of {name}")


class Calculus:
    """Differentiation with respect to one symbol, everything that does not pass through it held constant."""

    def __init__(self, key: str, held: frozenset[str] = frozenset(), member: tuple[Form, ...] = ()) -> None:
        self.key = key
        self.member = member
        self.held = held
        self._depends: dict[int, tuple[Form, bool]] = {}

    def depends(self, form: Form) -> bool:
        found = self._depends.get(id(form))
        if found is None:
            found = (form, self._reach(form))
            self._depends[id(form)] = found
        return found[1]

    def _reach(self, form: Form) -> bool:
        if form.op == "sym" and form.data[0] == self.key:
            return True
        if form.op in ("sym", "call") and form.data[0] in self.held:
            return False
        if form.op == "sym" and form.body is None and "recurrent" in form.properties and "[" not in self.key:
            raise NoForm("the derivative through every step of a recurrence")
        if form.op == "sym":
            return form.body is not None and self.depends(form.body)
        if form.op == "call" and form.body is not None:
            return self.depends(form.body)
        return any(self.depends(a) for a in form.args)

    # Gradients: from a number to anything.

    def gradient(self, form: Form, shape: f.Shape) -> Form:
        """The gradient of a number, shaped like the variable."""
        found = self.adjoint(form, f.ONE)
        return found if found is not None else mul(num(0), f.ones(shape))

    def adjoint(self, form: Form, g: Form, me: Form | None = None) -> Form | None:
        """What the variable receives when `form` receives g; None where it does not depend on the variable."""
        if not self.depends(form):
            return None
        if form.op == "sym" and form.data[0] == self.key:
            return mul(g, *(indexed.delta(i, j) for i, j in zip(form.args, self.member, strict=False)))
        if form.op in ("sym", "call"):
            assert form.body is not None
            return self.adjoint(form.body, g, me or form)
        me = me or form
        shares = self.shares(form, g, me)
        found = [x for part, share in shares if (x := self.adjoint(part, share)) is not None]
        return add(*found) if found else None

    def shares(self, form: Form, g: Form, me: Form) -> list[tuple[Form, Form]]:
        """(argument, what it receives) for an operation that receives g."""
        args = form.args
        match form.op:
            case "mul":
                return self._product_shares(form, g, me)
            case "add":
                return [(a, g) for a in args]
            case "chain":
                return [
                    (a, mul(transpose(mul(*args[:k])), g, transpose(mul(*args[k + 1 :]))))
                    for k, a in enumerate(args)
                    if self.depends(a)
                ]
            case "T":
                return [(args[0], transpose(g))]
            case "had":
                return [(a, had(g, *args[:k], *args[k + 1 :])) for k, a in enumerate(args) if self.depends(a)]
            case "epow":
                exponent: Fraction = form.data[0]  # type: ignore[assignment]
                return [(args[0], had(g, num(exponent), power(args[0], exponent - 1)))]
            case "fn":
                return [(args[0], had(g, slope(str(form.data[0]), args[0], me)))]
            case "inv":
                back = transpose(me)
                return [(args[0], neg(mul(back, g, back)))]
            case "diag":
                return [(args[0], f.diagonal(g))]
            case "diagonal":
                return [(args[0], f.diag(g))]
            case "trace":
                size = args[0].shape[0]
                assert size is not None
                return [(args[0], mul(g, f.eye(size)))]
            case "det":
                return [(args[0], mul(g, me, transpose(f.inverse(args[0]))))]
            case "norm":
                return self._norm_shares(form, g, me)
            case "softmax":
                return [(args[0], _softmax_adjoint(me, g, str(form.data[0])))]
            case "lse":
                return [(args[0], mul(g, Form("softmax", args, ("column",), args[0].shape)))]
            case "sum":
                return self._under_sum(form, g)
            case "build":
                where = tuple(indexed.index(v.label, v.uid) for v in form.data)  # type: ignore[attr-defined]
                found = self.adjoint(args[0], indexed.elem(g, where))
                assert found is not None
                return [(_direct(self.key, found), indexed.total(form.data, found))]
            case "elem":
                return [(args[0], _placed(args[0], args[1:], g))]
            case "row":
                return [(args[0], mul(indexed.unit(args[1], args[0].shape[0]), transpose(g)))]
            case "reduce_sum":
                return [(args[0], mul(g, f.ones(args[0].shape)))]
            case "general_power":
                base, exponent_ = args
                pairs = [(base, mul(g, exponent_, Form("general_power", (base, add(exponent_, num(-1))))))]
                return pairs + [(exponent_, mul(g, me, f.apply("log", base)))] if self.depends(exponent_) else pairs
            case "opaque":
                return [(a, mul(g, _upstream(form, k))) for k, a in enumerate(args) if self.depends(a)]
            case "expect":
                found = self.adjoint(args[0], g)
                assert found is not None
                return [(_direct(self.key, found), Form("expect", (found,), (), found.shape))]
            case "mexp":
                if g.op == "eye":
                    return [(args[0], transpose(me))]
        raise NoForm(f"the derivative of {NAMES.get(form.op, form.op)} in matrix form")

    def _product_shares(self, form: Form, g: Form, me: Form) -> list[tuple[Form, Form]]:
        coefficient, powers, matrix = f.parts(form)
        found = []
        for k, (base, exponent) in enumerate(powers):
            if not self.depends(base):
                continue
            others = powers[:k] + powers[k + 1 :]
            if exponent == 1:
                outer = f.product(coefficient, others, None)
            elif me is not form and exponent == HALF and matrix is None:
                outer = mul(
                    num(HALF), power(f.product(coefficient, others, None), Fraction(2)), power(me, Fraction(-1))
                )
            else:
                outer = f.product(coefficient * exponent, [*others, (base, exponent - 1)], None)
            through = g if matrix is None else f.inner_product(g, matrix)
            found.append((base, mul(outer, through)))
        if matrix is not None and self.depends(matrix):
            found.append((matrix, mul(f.product(coefficient, powers, None), g)))
        return found

    def _norm_shares(self, form: Form, g: Form, me: Form) -> list[tuple[Form, Form]]:
        x = form.args[0]
        match form.data[0]:
            case "2" | "F":
                return [(x, mul(g, power(me, Fraction(-1)), x))]
            case "entrywise 1" | "1" if form.data[0] != "1" or not x.matrix:
                return [(x, mul(g, f.apply("sign", x)))]
        raise NoForm("the derivative of this norm in matrix form")

    def _under_sum(self, form: Form, g: Form) -> list[tuple[Form, Form]]:
        inner = self.adjoint(form.args[0], g)
        if inner is None:
            return []
        return [(_direct(self.key, inner), indexed.total(form.data, inner))]

    # Rates: from anything with respect to a number.

    def rate(self, form: Form, me: Form | None = None) -> Form | None:
        """The derivative with respect to a number, shaped like the form; None where it is constant."""
        if not self.depends(form):
            return None
        if form.op == "sym" and form.data[0] == self.key:
            return f.ONE
        if form.op in ("sym", "call"):
            assert form.body is not None
            if form.op == "sym" and form.body.op == "opaque" and form.body.args[0].data[:1] == (self.key,):
                letter = str(form.data[1])
                return Form("sym", (), (f"{form.data[0]} in time", f"\\dot {letter}"), form.shape)
            return self.rate(form.body, me or form)
        me = me or form
        args = form.args
        if form.number and form.op != "add":
            pairs = self.shares(form, f.ONE, me)
            found = []
            for part, share in pairs:
                inner = self.rate(part)
                if inner is not None:
                    found.append(f.inner_product(share, inner))
            return add(*found) if found else None
        rates = [self.rate(a) for a in args]
        match form.op:
            case "add":
                return add(*(r for r in rates if r is not None))
            case "mul":
                coefficient, powers, matrix = f.parts(form)
                assert matrix is not None
                scalar = f.product(coefficient, powers, None)
                first, second = self.rate(scalar), self.rate(matrix)
                terms = [mul(first, matrix)] if first is not None else []
                return add(*terms, *([mul(scalar, second)] if second is not None else []))
            case "chain":
                return add(*(mul(*args[:k], r, *args[k + 1 :]) for k, r in enumerate(rates) if r is not None))
            case "had":
                return add(*(had(*args[:k], r, *args[k + 1 :]) for k, r in enumerate(rates) if r is not None))
            case "T":
                return transpose(rates[0])  # type: ignore[arg-type]
            case "inv":
                return neg(mul(me, rates[0], me))  # type: ignore[arg-type]
            case "diag":
                return f.diag(rates[0])  # type: ignore[arg-type]
            case "fn":
                return had(rates[0], slope(str(form.data[0]), args[0], me))  # type: ignore[arg-type]
            case "epow":
                exponent: Fraction = form.data[0]  # type: ignore[assignment]
                return had(num(exponent), power(args[0], exponent - 1), rates[0])  # type: ignore[arg-type]
            case "sum":
                return indexed.total(form.data, rates[0])  # type: ignore[arg-type]
            case "row":
                return indexed.row(rates[0], args[1])  # type: ignore[arg-type]
            case "softmax":
                return _softmax_adjoint(me, rates[0], str(form.data[0]))  # type: ignore[arg-type]
        raise NoForm(f"the rate of {NAMES.get(form.op, form.op)}")

    # Jacobians: from a column to a column.

    def jacobian(self, form: Form, size: object, me: Form | None = None) -> Form | None:
        """∂form/∂x for columns, rows of the result being outputs; None where it is constant."""
        if not self.depends(form):
            return None
        if form.op == "sym" and form.data[0] == self.key:
            return f.eye(form.shape[0])  # type: ignore[arg-type]
        if form.op in ("sym", "call"):
            assert form.body is not None
            return self.jacobian(form.body, size, me or form)
        me = me or form
        args = form.args

        def inner(x: Form) -> Form:
            found = self.jacobian(x, size)
            assert found is not None
            return found

        if form.number:
            found = self.adjoint(form, f.ONE, me)
            return transpose(found) if found is not None else None
        if form.shape[1] is not None:
            raise NoForm("the Jacobian of a matrix or a row in matrix form")
        match form.op:
            case "mul":
                coefficient, powers, matrix = f.parts(form)
                assert matrix is not None
                scalar = f.product(coefficient, powers, None)
                terms = []
                if self.depends(scalar):
                    terms.append(mul(matrix, inner(scalar)))
                if self.depends(matrix):
                    terms.append(mul(scalar, inner(matrix)))
                return add(*terms)
            case "add":
                return add(*(inner(a) for a in args if self.depends(a)))
            case "chain":
                terms = []
                for k, a in enumerate(args):
                    if not self.depends(a):
                        continue
                    left, right = args[:k], args[k + 1 :]
                    if not right:
                        terms.append(mul(*left, inner(a)))
                        continue
                    terms.append(mul(*left, self._moving(a, mul(*right), size)))
                return add(*terms)
            case "had":
                terms = [
                    _scaled(had(*args[:k], *args[k + 1 :]), inner(a)) for k, a in enumerate(args) if self.depends(a)
                ]
                return add(*terms)
            case "epow":
                exponent: Fraction = form.data[0]  # type: ignore[assignment]
                return _scaled(had(num(exponent), power(args[0], exponent - 1)), inner(args[0]))
            case "fn":
                return _scaled(slope(str(form.data[0]), args[0], me), inner(args[0]))
            case "softmax" if form.data[0] == "column":
                return mul(add(f.diag(me), neg(mul(me, transpose(me)))), inner(args[0]))
            case "diagonal":
                raise NoForm("the Jacobian of a diagonal")
            case "sum":
                found = self.jacobian(args[0], size)
                return indexed.total(form.data, found) if found is not None else None
        raise NoForm(f"the Jacobian of {NAMES.get(form.op, form.op)}")

    def _moving(self, matrix: Form, column: Form, size: object) -> Form:
        """The Jacobian of A(x) v with v held."""
        if matrix.op in ("sym", "call") and matrix.body is not None and matrix.data[0] != self.key:
            matrix = matrix.body
        coefficient, powers, inner = f.parts(matrix)
        if inner is not None and (powers or coefficient != 1):
            scalar = f.product(coefficient, powers, None)
            terms = []
            if self.depends(scalar):
                terms.append(mul(inner, column, self.jacobian(scalar, size)))  # type: ignore[arg-type]
            if self.depends(inner):
                terms.append(mul(scalar, self._moving(inner, column, size)))
            return add(*terms)
        match matrix.op:
            case "diag":
                found = self.jacobian(matrix.args[0], size)
                assert found is not None
                return _scaled(column, found)
            case "add":
                return add(*(self._moving(a, column, size) for a in matrix.args if self.depends(a)))
            case "chain":
                found = self.jacobian(mul(matrix, column), size)
                if matrix.args[-1].shape[0] is None and found is not None:
                    return found
            case "inv":
                back = self._moving(matrix.args[0], mul(matrix, column), size)
                return neg(mul(matrix, back))
        raise NoForm("the Jacobian of a product whose matrix depends on the variable")


NAMES = {
    "sum": "a sum over an index",
    "mexp": "the matrix exponential",
    "mpow": "a matrix power",
    "cases": "a definition by cases",
    "softmax": "softmax over a matrix",
    "upstream": "the derivative of a function that the document leaves open",
    "opaque": "a function that the document leaves open",
}


def _scaled(v: Form, jacobian: Form) -> Form:
    """diag(v) J."""
    if v.op == "one":
        return jacobian
    return mul(f.diag(v), jacobian)


def _softmax_adjoint(s: Form, g: Form, axis: str) -> Form:
    """(diag(s) − s sᵀ) g along the axis; it is symmetric, so the rate has the same writing."""
    if axis == "column":
        return add(had(s, g), neg(mul(s, transpose(s), g)))
    if axis == "rows":
        n = s.shape[1]
        total = mul(had(s, g), f.ones((n, None)), f.ones((None, n)))
        return had(s, add(g, neg(total)))
    raise NoForm("the derivative of softmax along the columns of a matrix")


def _placed(base: Form, where: tuple[Form, ...], g: Form) -> Form:
    """The tensor shaped like `base` with g at one element."""
    if len(where) == 1:
        column = base.shape[1] is None
        placed = mul(g, indexed.unit(where[0], base.shape[0] if column else base.shape[1]))
        return placed if column else transpose(placed)
    return mul(g, indexed.unit(where[0], base.shape[0]), transpose(indexed.unit(where[1], base.shape[1])))


def _upstream(form: Form, position: int) -> Form:
    """∂L/∂y of a function that the document leaves open."""
    y = form.args[position]
    return Form("upstream", (y,), form.data, y.shape)


def _direct(key: str, value: Form) -> Form:
    """Stands for the variable where a share is already what the variable receives."""
    return Form("sym", (), (key, ""), value.shape)
