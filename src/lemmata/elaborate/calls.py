"""Juxtaposition and calls: f(x) is application where f is a function here, otherwise a product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import curves, gaussians, joint_laws, spectra
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.functions import apply_operator, is_operator
from lemmata.elaborate.lifting import by_parts
from lemmata.elaborate.names import parameter_key, script_items, spell, stem, suffix
from lemmata.elaborate.open_functions import is_open_letter, open_call
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.references import component, free_index, match_pattern, suffixed
from lemmata.elaborate.solver import Misfit, Unreadable


def function_binding(r: Reader, expr: s.Name, arity: int | None = None) -> tuple[Binding, s.Expr | None] | None:
    """The function that a name denotes and the superscript it leaves over; None if it is no function here."""
    keys: list[tuple[str, s.Expr | None]] = []
    if expr.sub is not None and expr.sup is not None:
        keys.append((f"{stem(expr)}_{spell(expr.sub)}^{spell(expr.sup)}", None))
    if expr.sub is not None:
        keys.append((f"{stem(expr)}_{spell(expr.sub)}", expr.sup))
    elif expr.sup is not None:
        keys.append((f"{stem(expr)}^{spell(expr.sup)}", None))
    if expr.sub is None:
        keys.append((stem(expr), expr.sup))
    for key, sup in keys:
        if key in r.locals:
            return None
        binding = r.shared.environment.find(key, expr.font, r.place, arity)
        if binding is not None:
            return (binding, sup) if binding.kind in ("function", "abstract") else None
    return None


def call_function(
    r: Reader,
    binding: Binding,
    arguments: tuple[t.Term, ...],
    name: str,
    indices: Mapping[str, t.Term] = MappingProxyType({}),
) -> t.Term:
    """A function of the document at these arguments: its body with the parameters bound, read for their types.

    `indices` are the values of the letters of a family of functions, f_l(x).
    """
    if binding.kind == "abstract":
        return _abstract_call(r, binding, arguments)
    if binding.make is not None:
        return binding.make(r, arguments)
    if len(arguments) != len(binding.params):
        raise Unreadable(f"{name} takes {len(binding.params)} arguments, not {len(arguments)}")
    own = {parameter_key(p): x for p, x in zip(binding.params, arguments, strict=True)}
    body = _body(r, binding, arguments, own, indices)
    return t.Apply(body.type, name, arguments, body, tuple(indices.values()), binding.uid)


def _body(
    r: Reader,
    binding: Binding,
    arguments: tuple[t.Term, ...],
    own: dict[str, t.Term],
    indices: Mapping[str, t.Term],
) -> t.Term:
    """The body with parameters and indices bound; of a function of vectors at a matrix, row by row where it fits."""

    def body(bound: dict[str, t.Term]) -> t.Term:
        inside = r.at(binding.place, {**indices, **bound})
        if indices:
            inside.free = {k: v for k, v in r.free.items() if k not in indices}
        assert binding.body is not None
        return inside.term(binding.body)

    saved = dict(r.solver.solution)
    try:
        return body(own)
    except Misfit:
        tried = r.solver.solution
        r.solver.solution = saved
        try:
            found = by_parts(r, binding, arguments, body)
        except Unreadable:
            found = None
        if found is None:
            r.solver.solution = tried
            raise
        return found


def _abstract_call(r: Reader, binding: Binding, arguments: tuple[t.Term, ...]) -> t.Term:
    """A function known only by its type: some smooth function, the same wherever it is used."""
    if r.shared.environment.signatures(binding.key) > 1:
        # The latest one counts; what disagrees with it may mean another.
        if binding.place.at > r.place.at or binding.place.scopes != r.place.scopes[: len(binding.place.scopes)]:
            raise Unreadable(f"{binding.latex} has several signatures")
    for declared, argument in zip(binding.argument_types, arguments, strict=False):
        a.unify_shapes(r.solver, declared, argument.type, f"the argument of {binding.latex}")
    return t.Op(binding.type or SCALAR, "opaque", arguments, (("name", f"{binding.key}#{binding.uid}"),))


def derivative_of_call(r: Reader, binding: Binding, arguments: tuple[t.Term, ...], name: s.Name) -> t.Term:
    """f'(x) of a function of the document; `name` has the primes."""
    if len(arguments) != 1:
        raise Unreadable(f"the derivative of {stem(name)}, a function of several arguments")
    argument = _number(r, binding, arguments[0])
    return prime(r, lambda x: call_function(r, binding, (x,), stem(replace(name, primes=0))), argument, name)


def _number(r: Reader, binding: Binding, argument: t.Term) -> t.Term:
    """ν'(μ) after ν(μ) = … in the same plain letter: μ is a number, as the prime says, although nothing declares it."""
    own = binding.params[0] if len(binding.params) == 1 else None
    if own is None or own.font == "bold" or own.base.isupper() or not isinstance(argument, t.Input):
        return argument
    variable = argument.variable
    if variable.type.rank or variable.latex != stem(own):
        return argument
    for slot, known in r.shared.guessed.items():
        if known is variable and call_function(r, binding, (argument,), "").type.rank == 0:
            number = replace(variable, declared=True)
            r.shared.guessed[slot] = number
            return t.Input(number.type, number)
    return argument


def prime(r: Reader, function: Callable[[t.Term], t.Term], argument: t.Term, name: s.Name) -> t.Term:
    """f'(x): for a number x the derivative; for a vector entry by entry, or else gradient or Jacobian matrix."""
    variable = t.Variable(
        f"{stem(replace(name, primes=0))}' argument {r.place.at}", "\\cdot", replace(argument.type, row=False)
    )
    point: t.Term = t.Input(variable.type, variable)
    value = function(point)
    shape = argument.type.shape
    alike = len(value.type.shape) == len(shape) and all(map(r.solver.equal, value.type.shape, shape))
    labels = ("the derivative read entry by entry", "the derivative read as the Jacobian matrix")
    by_entry = bool(shape) and alike and not r.choice("prime", name, 2, labels)
    for _ in range(name.primes):
        kind = value.type if by_entry else Tensor(value.type.shape + shape)
        value = t.Deriv(kind, value, point, elementwise=by_entry)
    return t.At(value.type, value, variable, argument)


def juxt(r: Reader, expr: s.Juxt) -> t.Term:
    """Factors side by side, application found first, then the product from the left."""
    factors: list[t.Term] = []
    items = expr.items
    position = 0
    while position < len(items):
        value, position = factor(r, items, position)
        factors.append(value)
    return product(r, factors, expr)


def product(r: Reader, factors: list[t.Term], expr: s.Expr | None = None) -> t.Term:
    """The product from the left; where that does not fit, from the right."""
    try:
        result = factors[0]
        for factor in factors[1:]:
            result = _beside(r, result, factor, expr)
        return result
    except Misfit as misfit:
        misfit.between = misfit.between or tuple(factors)
        if len(factors) < 3:
            raise
        saved = dict(r.solver.solution)
        try:
            result = factors[-1]
            for factor in reversed(factors[:-1]):
                result = a.multiply(r.solver, factor, result)
            return result
        except Unreadable:
            r.solver.solution = saved
        raise


def _beside(r: Reader, left: t.Term, right: t.Term, expr: s.Expr | None) -> t.Term:
    """Two factors; of two columns the elementwise product, or their inner product as the second reading."""
    alike = left.type.rank == right.type.rank == 1 and left.type.row == right.type.row
    labels = ("vectors side by side read elementwise", "vectors side by side read as their inner product")
    if alike and expr is not None and r.choice("beside", expr, 2, labels):
        return a.multiply(r.solver, replace_row(left, True), replace_row(right, False))
    return a.multiply(r.solver, left, right)


def factor(r: Reader, items: tuple[s.Expr, ...], position: int) -> tuple[t.Term, int]:
    """The factor at a position, with the bracket it is applied to, and the position after it."""
    item = items[position]
    following = items[position + 1] if position + 1 < len(items) else None
    if isinstance(item, s.Name) and following is not None:
        group, scripts = group_of(following)
        if group is not None:
            value = application(r, item, group)
            if value is not None:
                return scripted(r, value, scripts, following), position + 2
        applied = _operation(r, item, following)
        if applied is not None:
            return applied, position + 2
    if isinstance(item, s.Name) and item.font == "bb" and item.base == "1" and following is not None:
        group, _ = group_of(following)
        if group is not None:
            return indicator(r, group), position + 2
    return r.term(item), position + 1


def _operation(r: Reader, name: s.Name, operand: s.Expr) -> t.Term | None:
    """Fa where (Fa)_r = … gives F on every vector."""
    found = function_binding(r, name, 1) if isinstance(operand, s.Name) else None
    if found is None or "operation" not in found[0].facts or found[1] is not None:
        return None
    return call_function(r, found[0], (r.term(operand),), stem(name))


def group_of(expr: s.Expr) -> tuple[s.Paren | None, s.Scripted | None]:
    """A bracket right after a name, with scripts on it or not."""
    if isinstance(expr, s.Paren):
        return expr, None
    if isinstance(expr, s.Scripted) and isinstance(expr.base, s.Paren):
        return expr.base, expr
    return None, None


def scripted(r: Reader, value: t.Term, scripts: s.Scripted | None, expr: s.Expr) -> t.Term:
    """A call with the scripts that stand on its bracket."""
    if scripts is None:
        return value
    if scripts.sub is not None:
        value = component(r, value, script_items(scripts.sub), expr)
    kind = suffix(scripts.sup, r.shared.conventions.transpose_letter)
    return value if kind is None else suffixed(r, value, kind, expr)


def indicator(r: Reader, group: s.Paren) -> t.Term:
    """\\mathbb{1}[condition]: 1 where it holds, else 0."""
    condition = r.term(group.items[0])
    if condition.type.dtype != "bool":
        raise Unreadable("an indicator of something that is no condition")
    return t.Op(replace(condition.type, dtype="real"), "indicator", (condition,))


def application(r: Reader, name: s.Name, group: s.Paren) -> t.Term | None:
    """name(group) as a call, or None where it is a product."""
    bare = replace(name, primes=0)
    law = (
        gaussians.density(r, name, group)
        or gaussians.divergence(r, name, group.items, group.separators)
        or gaussians.entropy(r, name, group.items)
        or joint_laws.application(r, name, group)
        or joint_laws.divergence(r, name, group.items, group.separators)
        or spectra.application(r, name, group)
    )
    if law is not None:
        return law
    curve = r.shared.environment.find(stem(name), name.font, r.place) if name.sub is None and name.sup is None else None
    if curve is not None and curve.kind == "curve" and len(group.items) == 1 and group.open == "(":
        return curves.at(r, curve, group.items[0])
    found = function_binding(r, name, len(group.items))
    primes = 0
    if found is None and name.primes:
        found = function_binding(r, bare, len(group.items))
        primes = name.primes
    if found is not None:
        binding, sup = found
        arguments = tuple(joint_laws.marker(r, i) or r.term(i) for i in group.items)
        if primes:
            value = derivative_of_call(r, binding, arguments, name)
        elif binding.indices:
            return None
        else:
            value = call_function(r, binding, arguments, stem(name))
        kind = suffix(sup, r.shared.conventions.transpose_letter)
        return value if kind is None else suffixed(r, value, kind, name)
    jacobian = _jacobian_at(r, name, group)
    if jacobian is not None:
        return jacobian
    if group.open != "(" or is_value(r, name):
        return None
    member = _member_of_functions(r, name, group.items)
    if member is not None:
        return member
    if is_operator(r, bare):
        call = s.Call(name.start, group.end, bare, group.items, group.separators, True)
        if name.primes:
            return prime(r, lambda x: apply_operator(r, call, (x,)), r.term(group.items[0]), name)
        return apply_operator(r, call, None)
    opened = _open(r, name, group)
    if opened is not None:
        return opened
    if _looks_called(r, name, group):
        raise Unreadable(f"the function {spell(name)} is not defined")
    return None


def _open(r: Reader, name: s.Name, group: s.Paren) -> t.Term | None:
    """g(x), g'(x), g^2(x) of some smooth function g of a number."""
    if len(group.items) != 1 or not is_open_letter(r, name):
        return None
    argument = r.term(group.items[0])
    if name.primes:
        value = prime(r, lambda x: open_call(r, name, x), argument, name)
    else:
        value = open_call(r, name, argument)
    kind = suffix(name.sup, r.shared.conventions.transpose_letter)
    return value if kind is None else suffixed(r, value, kind, name)


def _jacobian_at(r: Reader, name: s.Name, group: s.Paren) -> t.Term | None:
    """J_f(x): the Jacobian of the function f at x."""
    if name.base != "J" or not isinstance(name.sub, s.Name) or len(group.items) != 1 or is_value(r, name):
        return None
    found = function_binding(r, name.sub, 1)
    if found is None or found[1] is not None:
        return None
    point = r.term(group.items[0])
    variable = t.Variable(f"J_{stem(name.sub)} argument {r.place.at}", "\\cdot", replace(point.type, row=False))
    free = t.Input(variable.type, variable)
    value = call_function(r, found[0], (free,), stem(name.sub))
    shape = Tensor(value.type.shape + point.type.shape)
    return t.At(shape, t.Deriv(shape, value, free), variable, point)


def is_value(r: Reader, name: s.Name) -> bool:
    """Whether a name has a value here, so that a bracket after it is a factor."""
    key = stem(name)
    if key in r.locals:
        return True
    return any(b.kind not in ("function", "abstract") for b in r.shared.environment.all(key))


def _member_of_functions(r: Reader, name: s.Name, given: tuple[s.Expr, ...]) -> t.Term | None:
    """p_k(τ) where p_k(τ) = … defines a function for every index: its body at this index and these arguments."""
    items = script_items(name.sub)
    if not items or name.sup is not None or name.primes:
        return None
    binding = r.shared.environment.find(stem(name), name.font, r.place, len(given))
    if binding is None or binding.kind != "function" or binding.body is None or len(binding.indices) != len(items):
        return None
    if len(binding.params) != len(given):
        return None
    values = [r.term(i) for i in items]
    for place, (item, value) in enumerate(zip(items, values, strict=True)):
        if value.type.rank and isinstance(item, s.Name) and item == replace(item, sub=None, sup=None, primes=0):
            values[place] = free_index(r, stem(item))
    bound = match_pattern(r, binding.indices, values, items)
    if bound is None:
        return None
    arguments = tuple(r.term(i) for i in given)
    own = {parameter_key(p): x for p, x in zip(binding.params, arguments, strict=True)}
    body = _body(r, binding, arguments, own, bound)
    plain = all(isinstance(i, s.Name) for i in binding.indices)
    return t.Apply(body.type, spell(name), arguments, body, tuple(values) if plain else (), binding.uid)


def _looks_called(r: Reader, name: s.Name, group: s.Paren) -> bool:
    """f(x), p(x, y), h([u, v]) with an unbound name before a list or a lone symbol is a call of something unknown."""
    if len(group.items) > 1 or group.separators:
        return True
    if group.items and isinstance(group.items[0], s.Paren) and len(group.items[0].items) > 1:
        return True
    return bool(group.items) and isinstance(group.items[0], s.Name) and name.sup is None


def call(r: Reader, expr: s.Call) -> t.Term:
    """A word or operator command with its operand: the document's own function, or the catalogue's."""
    bare = replace(expr.function, primes=0)
    law = (
        gaussians.divergence(r, expr.function, expr.arguments, expr.separators)
        or gaussians.entropy(r, expr.function, expr.arguments)
        or joint_laws.divergence(r, expr.function, expr.arguments, expr.separators)
    )
    if law is not None:
        return law
    found = function_binding(r, bare, len(expr.arguments))
    if found is not None:
        binding, sup = found
        arguments = tuple(joint_laws.marker(r, i) or r.term(i) for i in expr.arguments)
        if expr.function.primes:
            value = derivative_of_call(r, binding, arguments, expr.function)
        else:
            value = call_function(r, binding, arguments, stem(bare))
        kind = suffix(sup, r.shared.conventions.transpose_letter)
        return value if kind is None else suffixed(r, value, kind, expr.function)
    member = _member_of_functions(r, expr.function, expr.arguments)
    if member is not None:
        return member
    if is_value(r, bare) and expr.bracketed:
        return product(r, [r.term(bare), *(r.term(i) for i in expr.arguments)])
    if expr.function.primes:
        if not expr.arguments:
            raise Unreadable(f"the derivative of {stem(bare)} has no argument")
        return prime(r, lambda x: apply_operator(r, expr, (x,)), r.term(expr.arguments[0]), expr.function)
    return apply_operator(r, expr, None)


def infix(r: Reader, expr: s.Infix) -> t.Term:
    """Sums from the left; products by \\cdot, \\times, \\odot, \\otimes, / and their kin."""
    result = r.term(expr.items[0])
    for op, item in zip(expr.ops, expr.items[1:], strict=True):
        result = _infix(r, op, result, r.term(item), expr)
    return result


def _infix(r: Reader, op: str, left: t.Term, right: t.Term, expr: s.Infix) -> t.Term:
    match op:
        case "+" | "-":
            return a.add(r.solver, op, left, right)
        case "\\odot" | "\\circ" | "\\ast" if op != "\\ast":
            return a.hadamard(r.solver, left, right)
        case "/" | "\\oslash" | "\\div":
            return a.divide(r.solver, left, right)
        case "\\otimes":
            return kronecker(r, left, right)
        case "\\bmod" | "\\mod" | "\\%":
            return t.Op(left.type, "mod", (left, right))
        case "\\cdot":
            return _dot(r, left, right, expr)
        case "\\times" | "*":
            operator = r.shared.environment.find(op, "", r.place)
            if operator is not None:
                return call_function(r, operator, (left, right), op)
            if op == "*" and left.type.rank and right.type.rank:
                raise Unreadable("∗ between vectors or matrices")
            if left.type.rank == 1 and right.type.rank == 1:
                raise Unreadable("× between vectors")
            return a.multiply(r.solver, left, right)
    operator = r.shared.environment.find(op, "", r.place)
    if operator is not None and operator.kind == "function":
        return call_function(r, operator, (left, right), op)
    raise Unreadable(f"the operator {op} has no meaning here")


def _dot(r: Reader, left: t.Term, right: t.Term, expr: s.Infix) -> t.Term:
    """\\cdot: a product; of two vectors the inner product, or elementwise as the second reading."""
    if left.type.rank == 1 and right.type.rank == 1 and left.type.row == right.type.row:
        if r.choice("dot", expr, 2, ("· read as the inner product", "· read elementwise")):
            return a.hadamard(r.solver, left, right)
        return a.multiply(r.solver, replace_row(left, True), replace_row(right, False))
    return a.multiply(r.solver, left, right)


def replace_row(term: t.Term, row: bool) -> t.Term:
    return term if term.type.row == row else a.transpose(term)


def kronecker(r: Reader, left: t.Term, right: t.Term) -> t.Term:
    x, y = left.type, right.type
    if x.rank == 0 or y.rank == 0:
        return a.scale(left, right)
    if x.rank == 1 and y.rank == 1 and x.row == y.row:
        return t.Op(Tensor((x.shape[0] * y.shape[0],), x.row, a.join_dtype(x, y)), "kron", (left, right))
    if x.rank == 2 and y.rank == 2:
        return t.Op(
            Tensor((x.shape[0] * y.shape[0], x.shape[1] * y.shape[1]), False, a.join_dtype(x, y)), "kron", (left, right)
        )
    if x.rank == 1 and y.rank == 1:
        return a.multiply(r.solver, replace_row(left, False), replace_row(right, True))
    raise Unreadable("⊗ of a matrix and a vector")
