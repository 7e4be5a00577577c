"""From core terms to forms; derivatives inside a term are carried out on the way."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.derive import form as f
from lemmata.derive import indexed
from lemmata.derive.form import NUMBER, Form, NoForm, add, had, mul, neg, num, power, transpose
from lemmata.derive.rules import Calculus
from lemmata.elaborate.reader import Recurrence

ELEMENTWISE = frozenset(
    "exp log sin cos tan sinh cosh tanh arcsin arccos arctan erf abs sign sigmoid relu gelu silu softplus "
    "normal_cdf normal_pdf".split()
)


class TermReader:
    """Reads terms of one reading into forms."""

    def __init__(self, solution: Mapping[str, Size], recurrences: Mapping[str, Recurrence] | None = None) -> None:
        self.solution = solution
        self.recurrences = recurrences or {}
        self.memo: dict[int, tuple[t.Term, Form]] = {}
        self.held: frozenset[str] = frozenset()
        self.steps: list[tuple[str, Form, Form]] = []
        """(what was derived, with respect to what, the outcome) of every derivative, in order."""

    def size(self, size: Size) -> Size:
        return size.substitute(self.solution)

    def shape(self, term: t.Term) -> f.Shape:
        sizes = [self.size(s) for s in term.type.shape]
        match sizes:
            case []:
                return NUMBER
            case [n]:
                return (None, n) if term.type.row else (n, None)
            case [m, n]:
                return (m, n)
        raise NoForm("a tensor of rank three or more")

    def read(self, term: t.Term) -> Form:
        """The form of a term. Raises NoForm."""
        found = self.memo.get(id(term))
        if found is None:
            found = (term, self._read(term))
            self.memo[id(term)] = found
        return found[1]

    def _read(self, term: t.Term) -> Form:
        match term:
            case t.Num(value=value):
                return num(value)
            case t.Special(name=name):
                return Form("special", (), (name,))
            case t.SizeNum(size=size):
                size = self.size(size)
                return num(size.number) if size.number is not None else Form("size", (), (size,))
            case t.Input(variable=variable):
                return self._input(term, variable)
            case t.Defined(key=key, latex=latex, body=body):
                return self._defined(term, key, latex, body)
            case t.Apply(name=name, args=args, body=body):
                return self._call(term, name, args, body)
            case t.Unrolled():
                return self._member(term)
            case t.Var(var=var):
                return indexed.index(var.label, var.uid)
            case t.Op():
                return self._operation(term)
            case t.Reduce(op="sum", vars=variables, body=body, guard=None):
                own = tuple(replace(v, start=self.size(v.start), count=self.size(v.count)) for v in variables)
                return indexed.total(own, self.read(body))
            case t.Build(vars=variables, body=body) if body.type.rank == 0 and len(variables) < 3:
                return self._built(variables, self.read(body))
            case t.Item():
                return self._item(term)
            case t.Deriv():
                return self._derivative(term)
            case t.At(body=body, variable=variable, value=value):
                return self.at(self.read(body), variable.key, self.read(value))
            case t.Held(body=body, symbol=symbol):
                constant = self.read(symbol)
                while constant.op in ("elem", "row", "T"):
                    constant = constant.args[0]
                if constant.op not in ("sym", "call", "family"):
                    raise NoForm("something held constant that is no symbol")
                held = constant.data[0]
                inner = TermReader(self.solution, self.recurrences)
                inner.held = self.held | {str(held)}
                return inner.read(body)
            case t.Expect(body=body, over=None, given=()):
                return Form("expect", (self.read(body),), (), self.shape(term))
        raise NoForm(f"this has no matrix form ({type(term).__name__.lower()})")

    def _built(self, variables: tuple[t.IndexVar, ...], body: Form) -> Form:
        """The vector or matrix of these elements, where it is one that can be written."""
        own = tuple(replace(v, start=self.size(v.start), count=self.size(v.count)) for v in variables)
        units = [indexed.unit(indexed.index(v.label, v.uid), v.count) for v in own]
        found = indexed.total(own, mul(body, units[0], *(transpose(u) for u in units[1:])))
        if _sums_over(found, {v.uid for v in own}):
            shape = (own[0].count, own[1].count if len(own) > 1 else None)
            return Form("build", (body,), own, shape)
        return found

    def _input(self, term: t.Term, variable: t.Variable) -> Form:
        if variable.family:
            kind = "family"
            size = [self.size(s) for s in variable.type.shape]
            if len(size) > 2 or variable.family != 1:
                raise NoForm("a family of matrices")
            shape: f.Shape = (size[0], size[1]) if len(size) == 2 else (size[0], None)
            return Form(kind, (), (variable.key, variable.latex), shape)
        properties = variable.domain.properties | ({"random"} if variable.law is not None else frozenset())
        symmetric = bool(properties & {"symmetric", "positive definite", "diagonal", "positive semidefinite"})
        shape = self.shape(term)
        square = None not in shape
        return Form("sym", (), (variable.key, variable.latex), shape, None, symmetric and square, frozenset(properties))

    def _defined(self, term: t.Term, key: str, latex: str, body: t.Term) -> Form:
        inner = self.read(body)
        if isinstance(body, (t.Num, t.SizeNum)) or inner.op in ("elem", "row"):
            return inner
        free = _indices(inner) if body.type.rank < 2 and "_" in latex else []
        if inner.shape != self.shape(term) and inner.number:
            inner = mul(inner, f.ones(self.shape(term)))
        symmetric = inner.matrix and transpose(inner).key == inner.key
        if inner.op == "sym" and inner.data[0] == key:
            return inner
        if free:
            return Form("sym", tuple(free), (key.partition("[")[0], latex), self.shape(term), self._known(inner))
        return Form("sym", (), (key, latex), self.shape(term), self._known(inner), symmetric)

    def _known(self, body: Form) -> Form:
        """A definition recognised: 1/(1 + exp(−x)) is the logistic function, exp(z_i)/Σ exp(z_j) softmax."""
        coefficient, powers, matrix = f.parts(body)
        base = None
        if coefficient == 1 and len(powers) == 1 and matrix is None and powers[0][1] == -1:
            base = powers[0][0]
        elif body.op == "epow" and body.data[0] == -1:
            base = body.args[0]
        if base is not None and base.op == "add" and len(base.args) == 2:
            one = f.ones(base.shape).key
            others = [a for a in base.args if a.key != one]
            if len(others) == 1 and others[0].op == "fn" and others[0].data[0] == "exp":
                return f.apply("sigmoid", neg(others[0].args[0]))
        return body

    def _quotient(self, x: Form, y: Form) -> Form:
        """exp(z_k) / Σ_j exp(z_j) is an element of softmax(z)."""
        if x.op == "fn" and x.data[0] == "exp" and x.args[0].op == "elem" and y.op == "sum" and len(y.data) == 1:
            z, where, body = x.args[0].args[0], x.args[0].args[1:], y.args[0]
            if body.op == "fn" and body.data[0] == "exp" and body.args[0].op == "elem":
                other = body.args[0]
                summed = indexed.index(y.data[0].label, y.data[0].uid).key  # type: ignore[attr-defined]
                keys = [w.key for w in where[:-1]] + [summed]
                if other.args[0].key == z.key and [w.key for w in other.args[1:]] == keys and z.op != "family":
                    axis = "rows" if z.matrix else "column"
                    return indexed.elem(Form("softmax", (z,), (axis,), z.shape), where)
        return mul(x, power(y, Fraction(-1)))

    def _call(self, term: t.Term, name: str, args: tuple[t.Term, ...], body: t.Term) -> Form:
        inner = self._known(self.read(body))
        values = tuple(self.read(a) for a in args)
        if inner.shape != self.shape(term) and inner.number:
            inner = mul(inner, f.ones(self.shape(term)))
        return Form("call", values, (name,), self.shape(term), inner)

    def _member(self, term: t.Unrolled) -> Form:
        index = self.size(term.index)
        key = f"{term.family}[{index}]"
        stem = term.latex.split("_")[0]
        latex = f"{stem}_{{{index}}}".replace(" ", "") if len(str(index)) > 1 else f"{stem}_{index}"
        recurrence = self.recurrences.get(term.family)
        body = None
        if recurrence is not None and str(index) == recurrence.letter:
            body = self.read(recurrence.body)
        return Form("sym", (), (key, latex), self.shape(term), body, properties=frozenset({"recurrent"}))

    def _item(self, term: t.Item) -> Form:
        base = self.read(term.base)
        where = [None if i is None else self.read(i) for i in term.indices]
        match where:
            case [i] if i is not None:
                return indexed.elem(base, (i,))
            case [i, None] if i is not None:
                return indexed.row(base, i)
            case [None, j] if j is not None:
                return mul(base, indexed.unit(j, base.shape[1]))
            case [i, j] if i is not None and j is not None:
                return indexed.elem(base, (i, j))
        raise NoForm("a part of a tensor")

    def _operation(self, term: t.Op) -> Form:
        name, shape = term.name, self.shape(term)
        if name == "vec_last":
            return self._vec_jacobian(term)
        args = [self.read(a) for a in term.args]
        attrs = dict(term.attrs)
        match name, args:
            case "neg", [x]:
                return neg(x)
            case "add" | "sub", [x, y]:
                a, b = _spread(x, shape), _spread(y, shape)
                return add(a, neg(b) if name == "sub" else b)
            case "mul", [x, y]:
                if x.number or y.number:
                    return mul(x, y)
                return had(_spread(x, shape), _spread(y, shape))
            case "div", [x, y]:
                if y.number:
                    return self._quotient(_expanded(x), _expanded(y))
                return had(_spread(x, shape), power(_spread(y, shape), Fraction(-1)))
            case "pow", [x, y]:
                exponent = f.constant(y)
                if exponent is not None and exponent.denominator <= 2:
                    return power(x, exponent)
                if x.op == "special" and x.data[0] == "e":
                    return f.apply("exp", y)
                if x.number and y.number:
                    return Form("general_power", (x, y))
            case "sqrt", [x]:
                return power(x, Fraction(1, 2))
            case (("dot" | "outer"), [x, y]):
                if name == "outer":
                    x = x if x.shape[1] is None else transpose(x)
                    y = y if y.shape[0] is None else transpose(y)
                return mul(x, y)
            case "transpose", [x]:
                return transpose(x)
            case "trace", [x]:
                return f.trace(x)
            case "inv", [x]:
                return f.inverse(x)
            case "det", [x]:
                return f.determinant(x)
            case "matrix_exp", [x]:
                return f.unary("mexp", x)
            case "diag", [x]:
                return f.diag(x)
            case "diagonal", [x]:
                return f.diagonal(x)
            case "norm", [x]:
                return f.unary("norm", x, attrs["kind"])
            case "inner", [x, y]:
                return f.inner_product(x, y)
            case "identity", []:
                return f.eye(shape[0])  # type: ignore[arg-type]
            case "fill", []:
                return mul(num(attrs["value"]), f.ones(shape))  # type: ignore[arg-type]
            case "spread", [x]:
                return _spread(x, shape)
            case "softmax", [x]:
                axis = "column" if not x.matrix else ("rows" if attrs["axis"] == 1 else "columns")
                return Form("softmax", (x,), (axis,), shape)
            case "log_softmax", [x] if not x.matrix:
                return add(x, neg(mul(_lse(x), f.ones(x.shape))))
            case "logsumexp", [x]:
                return _lse(x)
            case "maximum", [x, y]:
                for one, other in ((x, y), (y, x)):
                    if f.zero(one):
                        return f.apply("relu", other)
            case "mean", [x]:
                return _mean(x)
            case "matrix_power", [x]:
                times = attrs["exponent"]
                if isinstance(times, int) and abs(times) <= 4:
                    factor = f.inverse(x) if times < 0 else x
                    return mul(*[factor] * abs(times)) if times else f.eye(shape[0])  # type: ignore[arg-type]
            case "opaque", _:
                return Form("opaque", tuple(args), (attrs["name"],), shape)
            case _, [x] if name in ELEMENTWISE:
                return f.apply(name, x)
        raise NoForm(f"{name} has no rule here")

    def at(self, form: Form, key: str, value: Form) -> Form:
        """The form where a symbol takes a value; definitions that mention it are opened."""
        calculus = Calculus(key)

        def change(x: Form) -> Form | None:
            if x.op == "sym" and x.data[0] == key:
                return _spread(value, x.shape) if not x.number else value
            if not calculus.depends(x):
                return x
            if x.op == "sym" and x.body is not None:
                return f.substitute(x.body, change)
            if x.op == "call" and x.body is not None:
                args = tuple(f.substitute(a, change) for a in x.args)
                shape = args[0].shape if x.shape == x.args[0].shape else x.shape
                return Form("call", args, x.data, shape, f.substitute(x.body, change))
            return None

        return f.substitute(form, change)

    # Derivatives.

    def _derivative(self, term: t.Deriv) -> Form:
        wrt, picked = term.wrt, []
        while isinstance(wrt, t.Item):
            picked.append(wrt)
            wrt = wrt.base
        of, variable = self.read(term.of), self.read(wrt)
        result = self.derive(of, variable, term.elementwise)
        for item in reversed(picked):
            where = tuple(self.read(i) for i in item.indices if i is not None)
            if len(where) != len(item.indices):
                raise NoForm("the derivative with respect to a part of a tensor")
            if result.shape[0] is not None and of.shape[0] is not None:
                raise NoForm("a column of a Jacobian")
            result = indexed.elem(result, where)
        return transpose(result) if term.transposed else result

    def derive(self, of: Form, variable: Form, elementwise: bool = False) -> Form:
        """The derivative of one form with respect to a symbol. Raises NoForm."""
        if variable.op not in ("sym", "call"):
            raise NoForm("the derivative with respect to something that is no symbol")
        if "random" in variable.properties:
            raise NoForm("the derivative with respect to a random variable")
        calculus = Calculus(str(variable.data[0]), self.held, variable.args if variable.op == "sym" else ())
        if not calculus.depends(of) and variable.body is not None and variable.body.op == "inv":
            of = self._through_inverse(of, variable)
        if not calculus.depends(of):
            raise NoForm("what is differentiated does not depend on the variable")
        if elementwise:
            found = calculus.adjoint(of, f.ones(of.shape))
        elif of.number:
            found = calculus.gradient(of, variable.shape)
        elif variable.number:
            found = calculus.rate(of)
        elif variable.matrix:
            raise NoForm("the derivative of a vector or matrix with respect to a matrix has more than two axes")
        else:
            found = calculus.jacobian(of if of.shape[1] is None else transpose(of), variable.shape[0])
        if found is None:
            raise NoForm("what is differentiated does not depend on the variable")
        self.steps.append((str(variable.data[0]), of, found))
        return found

    def _through_inverse(self, of: Form, variable: Form) -> Form:
        """ℓ written in Σ, with respect to Λ = Σ⁻¹: Σ as Λ⁻¹."""
        assert variable.body is not None
        inner = variable.body.args[0]
        if inner.op != "sym" or inner.body is not None:
            return of
        data, shape = variable.data, variable.shape
        free = Form("sym", (), data, shape, None, variable.symmetric, variable.properties)
        return self.at(of, str(inner.data[0]), f.inverse(free))

    def _vec_jacobian(self, term: t.Op) -> Form:
        """∂ vec(A X B) / ∂ vec(X)ᵀ = Bᵀ ⊗ A."""
        inner = term.args[0]
        if isinstance(inner, t.Deriv) and isinstance(inner.of, t.Op) and inner.of.name == "vec":
            body, variable = self.read(inner.of.args[0]), self.read(inner.wrt)
            calculus = Calculus(str(variable.data[0]), self.held)
            terms = []
            for part in body.args if body.op == "add" else (body,):
                coefficient, powers, matrix = f.parts(part)
                factors = matrix.args if matrix is not None and matrix.op == "chain" else (matrix,)
                at = [k for k, x in enumerate(factors) if x is not None and calculus.depends(x)]
                if len(at) != 1 or factors[at[0]].key != variable.key:  # type: ignore[union-attr]
                    if not at:
                        continue
                    raise NoForm("the Jacobian of this matrix")
                left = mul(*factors[: at[0]]) if at[0] else f.eye(variable.shape[0])  # type: ignore[arg-type]
                rest = factors[at[0] + 1 :]
                right = mul(*rest) if rest else f.eye(variable.shape[1])  # type: ignore[arg-type]
                shape = self.shape(term)
                kron = Form("kron", (transpose(right), left), (), shape)
                terms.append(mul(f.product(coefficient, powers, None), kron))
            return add(*terms)
        raise NoForm("the Jacobian of a matrix")


def _expanded(x: Form) -> Form:
    """A scalar definition such as s = Σ_j exp(z_j), opened."""
    if x.op == "sym" and x.number and x.body is not None and x.body.op == "sum":
        return x.body
    return x


def _sums_over(form: Form, uids: set[int]) -> bool:
    own = form.op == "sum" and any(v.uid in uids for v in form.data)  # type: ignore[attr-defined]
    return own or any(_sums_over(a, uids) for a in form.args)


def _indices(form: Form) -> list[Form]:
    """The index variables in a form that nothing in it binds, in order."""
    found: dict[str, Form] = {}

    def walk(x: Form, bound: frozenset[str]) -> None:
        if x.op == "idx" and x.key not in bound:
            found.setdefault(x.key, x)
        inside = bound
        if x.op == "sum":
            inside = bound | {indexed.index(v.label, v.uid).key for v in x.data}  # type: ignore[attr-defined]
        for a in x.args:
            walk(a, inside)

    walk(form, frozenset())
    return list(found.values())


def _spread(x: Form, shape: f.Shape) -> Form:
    """A number filled out, a vector over the rows of a matrix."""
    if x.shape == shape or (x.matrix and None not in shape):
        return x
    if x.number:
        return mul(x, f.ones(shape))
    if None not in shape and not x.matrix:
        return mul(f.ones((shape[0], None)), x if x.shape[0] is None else transpose(x))
    if x.shape[0] is None and shape[1] is None or x.shape[1] is None and shape[0] is None:
        return transpose(x)
    return x


def _lse(x: Form) -> Form:
    if x.matrix:
        raise NoForm("log-sum-exp of a matrix")
    return Form("lse", (x,))


def _mean(x: Form) -> Form:
    sizes = [s for s in x.shape if s is not None]
    count = mul(*(Form("size", (), (s,)) for s in sizes))
    return mul(power(count, Fraction(-1)), Form("reduce_sum", (x,)))
