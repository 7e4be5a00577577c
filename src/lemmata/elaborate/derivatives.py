"""Gradients, Jacobians, Hessians and rates, in every spelling; with respect to inputs and intermediates."""

from __future__ import annotations

from fractions import Fraction

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import joint_laws
from lemmata.elaborate import surface as s
from lemmata.elaborate.calls import call_function, function_binding
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.named_quantities import DENSITY, called
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable


def derivative(r: Reader, expr: s.Derivative) -> t.Term:
    if expr.numerator is None:
        raise Unreadable("a derivative of nothing")
    match expr.numerator:
        case s.Juxt(items=(s.Paren() as first, *rest)) if rest and expr.style != "fraction":
            labels = ("the derivative taken of everything that follows", "the derivative taken of the bracket alone")
            alone = first.open == "["
            if alone != bool(r.choice("operand", expr, 2, labels[::-1] if alone else labels)):
                from lemmata.elaborate.calls import product

                return product(r, [derivative(r, replace(expr, numerator=first)), *(r.term(x) for x in rest)])
    held = _held_point(r, expr)
    if held is not None:
        value = _derivative(r, expr)
        return t.Held(value.type, value, held)
    return _derivative(r, expr)


def _held_point(r: Reader, expr: s.Derivative) -> t.Term | None:
    """∂ log p(z)/∂m of a density p: its point z, which stays where it is although z = m + sε; None if it is free."""
    if expr.style == "d" or len(expr.wrt) != 1 or expr.numerator is None:
        return None
    found = called(expr.numerator)
    if found is None or spell(expr.wrt[0][0]) == spell(found[1]):
        return None
    binding = r.shared.environment.find(stem(found[0]), found[0].font, r.place)
    normal = found[0].base == "N" and found[0].font == "cal"
    if not normal and (binding is None or DENSITY not in binding.facts):
        return None
    point = r.term(found[1])
    return point if isinstance(point, t.Defined) else None


def _derivative(r: Reader, expr: s.Derivative) -> t.Term:
    assert expr.numerator is not None
    numerator, parameters = operand(r, expr.numerator)
    wrt = expr.wrt
    if not wrt:
        taken_at = not parameters or len(parameters) == 1 and isinstance(parameters[0], t.Defined)
        point = _gradient_at(r, expr) if taken_at and expr.order == 1 else None
        if point is not None:
            return point
        if len(parameters) == 1:
            r.shared.gradient_of = parameters[0]
        elif r.shared.gradient_of is not None:
            parameters = (r.shared.gradient_of,)
        if len(parameters) != 1:
            raise Unreadable("a gradient that does not say with respect to what")
        value = differentiate(r, numerator, parameters[0], expr)
        for _ in range(expr.order - 1):
            value = differentiate(r, value, parameters[0], expr)
        return value
    value = numerator
    steps = [(v, n) for v, n in wrt]
    if expr.style == "nabla" and len(steps) == 1:
        steps = [(steps[0][0], expr.order)]
    for variable, times in reversed(steps):
        target = variable_of(r, variable)
        for _ in range(times):
            value = differentiate(r, value, target, expr)
    return value


def _gradient_at(r: Reader, expr: s.Derivative) -> t.Term | None:
    """∇f(θ_s) with s running, ∇f(x) for an x that has a value: the gradient of f, taken there."""
    match expr.numerator:
        case (
            s.Juxt(items=(s.Name() as head, s.Paren(items=(argument,)))) | s.Call(function=head, arguments=(argument,))
        ):
            found = function_binding(r, head, 1)
        case _:
            return None
    point = r.term(argument)
    steps = isinstance(point, t.Op) and point.name == "along steps"
    if found is None or not (steps or isinstance(point, t.Defined)):
        return None
    variable = t.Variable(f"∇{spell(head)} argument {r.place.at}", "\\cdot", replace(point.type, row=False))
    free = t.Input(variable.type, variable)
    value = call_function(r, found[0], (free,), spell(head))
    if value.type.rank:
        return None
    return t.At(point.type, differentiate(r, value, free, expr), variable, point)


def operand(r: Reader, expr: s.Expr) -> tuple[t.Term, tuple[t.Term, ...]]:
    """What is differentiated; a bare function name stands for its value at its own parameters, returned too."""
    if isinstance(expr, s.Name):
        found = function_binding(r, expr)
        if found is not None and found[0].kind == "function" and found[1] is None:
            arguments = own_arguments(r, found[0])
            return call_function(r, found[0], arguments, stem(expr)), arguments
        if found is not None and found[0].kind == "abstract":
            raise Unreadable(f"the derivative of {spell(expr)} without its argument")
    parameters: tuple[t.Term, ...] = ()
    match expr:
        case s.Juxt(items=(s.Name() as head, s.Paren(items=items))):
            if function_binding(r, head, len(items)) is not None:
                parameters = tuple(x for i in items if (x := _target(r, i)) is not None)
        case s.Call(function=head, arguments=items):
            parameters = tuple(x for i in items if (x := _target(r, i)) is not None)
    return r.term(_called(r, expr)), parameters


def _called(r: Reader, expr: s.Expr) -> s.Expr:
    """L + λ‖W‖² with L(W) a function here: a bare function among the terms of a sum is its value at its own symbols."""
    match expr:
        case s.Paren(items=(inner,)):
            return replace(expr, items=(_called(r, inner),))
        case s.Infix(ops=ops, items=items) if all(op in ("+", "-") for op in ops):
            return replace(expr, items=tuple(_called_term(r, x) for x in items))
    return expr


def _called_term(r: Reader, expr: s.Expr) -> s.Expr:
    if isinstance(expr, s.Name):
        found = function_binding(r, expr)
        if found is not None and found[0].kind == "function" and found[1] is None:
            params = found[0].params
            return s.Call(expr.start, expr.end, expr, params, (",",) * (len(params) - 1), True)
    return expr


def own_arguments(r: Reader, binding: Binding) -> tuple[t.Term, ...]:
    """The symbols that a function was defined with, as values where it was defined."""
    return tuple(r.at(binding.place, {}).term(p) for p in binding.params)


def _target(r: Reader, expr: s.Expr) -> t.Term | None:
    try:
        return variable_of(r, expr)
    except Unreadable:
        return None


def variable_of(r: Reader, expr: s.Expr) -> t.Term:
    """What one differentiates with respect to: a symbol, a component, vec of a symbol, a transposed symbol."""
    value = r.term(expr)
    if is_variable(value):
        return value
    raise Unreadable(f"a derivative with respect to {spell(expr)}, which is no variable")


def is_variable(value: t.Term) -> bool:
    match value:
        case t.Input() | t.Defined() | t.Unrolled():
            return True
        case t.Item(base=base):
            return is_variable(base)
        case t.Op(name="vec" | "transpose", args=(x,)):
            return is_variable(x)
    return False


def differentiate(r: Reader, of: t.Term, wrt: t.Term, expr: s.Expr) -> t.Term:
    """The derivative with its shape: of a number, the shape of wrt; otherwise outputs first, then wrt.

    A document with the numerator layout (and ∂/∂x of a vector by convention rows are outputs) may state otherwise.
    """
    match wrt:
        case t.Op(name="transpose", args=(inner,)):
            result = differentiate(r, of, inner, expr)
            if of.type.rank == 0 and inner.type.rank in (1, 2):
                from lemmata.elaborate.arithmetic import transpose

                return transpose(result)
            return result
        case t.Op(name="vec", args=(inner,)):
            jacobian = t.Deriv(Tensor(of.type.shape + inner.type.shape), of, inner)
            if of.type.rank > 1:
                raise Unreadable("a derivative of a matrix with respect to a vec")
            return t.Op(Tensor((*of.type.shape, wrt.type.shape[0])), "vec_last", (jacobian,))
    shape = of.type.shape + wrt.type.shape
    row = False
    if of.type.rank == 1 and wrt.type.rank == 0:
        row = of.type.row
    kind = Tensor(shape, row if len(shape) == 1 else False)
    if len(shape) > 2:
        return t.Deriv(kind, of, wrt)
    return t.Deriv(kind, of, wrt)


def evaluated(r: Reader, expr: s.Evaluated) -> t.Term:
    """f |_{x = a}: the body with x free, then x set to a."""
    match expr.at:
        case s.Relation(ops=("=",), items=(s.Name() as variable, point)) if _is_bound_by_bar(r, variable):
            value = r.term(point)
            hole = t.Variable(
                f"{stem(variable)} under a bar {r.place.at}", stem(variable), replace(value.type, row=False)
            )
            # A ∇ under the bar that names no variable means the one that the bar sets.
            free, outer = t.Input(hole.type, hole), r.shared.gradient_of
            r.shared.gradient_of = free
            try:
                body = r.bind({stem(variable): free}).term(expr.body)
            finally:
                r.shared.gradient_of = outer
            return t.At(body.type, body, hole, value)
        case s.Relation(ops=("=",), items=(s.Name() as variable, point)):
            target = r.term(variable)
            value = r.term(point)
            body = r.term(expr.body)
            while isinstance(target, t.Defined) and not isinstance(target, t.Input):
                raise Unreadable(f"evaluation at a value of {spell(variable)}, which is defined")
            if not isinstance(target, t.Input):
                raise Unreadable(f"evaluation at {spell(expr.at)}")
            if value.type.rank != target.type.rank and value.type.rank:
                raise Unreadable(f"evaluation at {spell(expr.at)}")
            return t.At(body.type, body, target.variable, value)
    raise Unreadable(f"evaluation at {spell(expr.at)}")


def _is_bound_by_bar(r: Reader, variable: s.Name) -> bool:
    """Whether x of …|_{x=x_t} has no value of its own beside the family x_t."""
    if variable.sub is not None or variable.sup is not None or stem(variable) in r.locals:
        return False
    found = r.shared.environment.find(stem(variable), variable.font, r.place, indexed=False)
    return found is not None and bool(found.indices)


def expectation(r: Reader, expr: s.Expectation) -> t.Term:
    """𝔼, Var and Cov as expectations over the random variables that occur."""
    named = joint_laws.expectation(r, expr)
    if named is not None:
        return named
    values = tuple(r.term(x) for x in expr.arguments)
    given = tuple(r.term(x) for x in expr.given)
    match expr.op, values:
        case "E" | "E?", (x,):
            result: t.Term = t.Expect(x.type, x, given=given)
        case "Var", (x,):
            result = _variance(r, x, given, expr)
        case "Cov", (x, y):
            result = variance(r, x, y, given)
        case "Cov", (x,):
            result = variance(r, x, x, given)
        case _:
            raise Unreadable(f"{expr.op} here")
    if expr.sup is not None:
        from lemmata.elaborate.arithmetic import power

        return power(r.solver, result, r.term(expr.sup))
    return result


def _variance(r: Reader, x: t.Term, given: tuple[t.Term, ...], expr: s.Expr) -> t.Term:
    """Of a vector its covariance matrix, or else the variance of its entries, over n or n − 1."""
    labels = (
        "Var of a vector read as its covariance matrix",
        "Var of a vector read as the variance of its entries",
        "Var of a vector read as the variance of its entries, with n − 1",
    )
    option = r.choice("variance", expr, 3, labels) if x.type.rank == 1 and not given else 0
    if not option:
        return variance(r, x, x, given)
    (size,) = x.type.shape
    number = t.SizeNum(replace(SCALAR, dtype="int"), size)
    index = r.index_var("j", None, size)
    start = index.var.start.number
    entry = t.Item(SCALAR, x, (index,), (int(start) if start is not None else 1,))
    mean = t.Op(SCALAR, "div", (t.Reduce(SCALAR, "sum", (index.var,), entry), number))
    apart = t.Op(SCALAR, "sub", (entry, mean))
    total = t.Reduce(SCALAR, "sum", (index.var,), t.Op(SCALAR, "mul", (apart, apart)))
    less = t.Op(SCALAR, "sub", (number, t.Num(SCALAR, Fraction(1)))) if option == 2 else number
    return t.Op(SCALAR, "div", (total, less))


def variance(r: Reader, x: t.Term, y: t.Term, given: tuple[t.Term, ...] = ()) -> t.Term:
    """E[x yᵀ] − E[x] E[y]ᵀ; of vectors the covariance matrix."""
    from lemmata.elaborate import arithmetic as a

    if x.type.rank == 0 and y.type.rank == 0:
        product: t.Term = a.elementwise("mul", x, y)
        mean: t.Term = a.elementwise("mul", t.Expect(SCALAR, x, given=given), t.Expect(SCALAR, y, given=given))
    elif x.type.rank == 1 and y.type.rank == 1:
        right = replace(y.type, row=True)
        product = a.multiply(r.solver, x, t.Op(right, "transpose", (y,)))
        mean = a.multiply(
            r.solver, t.Expect(x.type, x, given=given), t.Op(right, "transpose", (t.Expect(y.type, y, given=given),))
        )
    else:
        raise Unreadable("the variance of a matrix")
    return a.elementwise("sub", t.Expect(product.type, product, given=given), mean)
