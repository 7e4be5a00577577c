"""How each core operation becomes nodes: one short rule each, by name."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lemmata.core import terms as t
from lemmata.lower.value import Value, aligned, contract, fresh, full, relabel, transposed
from lemmata.operations import call
from lemmata.program import build
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

if TYPE_CHECKING:
    from lemmata.lower.lowering import Lowering

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
        "abs",
        "sign",
        "floor",
        "ceil",
        "real",
        "imag",
        "conj",
    }
)
BINARY = frozenset({"add", "sub", "mul", "div", "pow", "maximum", "minimum", "mod"})
CATALOGUE = frozenset({"sigmoid", "relu", "gelu", "silu", "softplus", "elu", "normal_cdf", "normal_pdf", "logit"})
ALONG_AXIS = frozenset({"softmax", "log_softmax", "layer_norm", "rms_norm"})


def lower(low: Lowering, term: t.Op) -> Value:
    if term.name in UNARY:
        x = low.value(term.args[0])
        return Value(build.unary(term.name, x.node), x.axes)
    if term.name in BINARY:
        return elementwise(term.name, low.value(term.args[0]), low.value(term.args[1]))
    if term.name in CATALOGUE:
        x = low.value(term.args[0])
        return Value(call(term.name, [x.node]), x.axes)
    if term.name in ALONG_AXIS:
        x = full(low.value(term.args[0]))
        return Value(call(term.name, [x.node], axis=x.axes[int(_attr(term, "axis"))]), x.axes)
    if term.name == "logsumexp":
        x, place = full(low.value(term.args[0])), int(_attr(term, "axis"))
        left = x.axes[:place] + x.axes[place + 1 :]
        return Value(call(term.name, [x.node], axis=x.axes[place]), left)
    rule = RULES.get(term.name)
    if rule is None:
        raise CannotLower(f"the operation {term.name} has no program")
    return rule(low, term)


def _attr(term: t.Op, name: str) -> Any:
    return dict(term.attrs)[name]


def elementwise(op: str, left: Value, right: Value) -> Value:
    """Equal shapes, a number with anything, or a vector over the rows of a matrix."""
    if len(left.axes) >= len(right.axes):
        return Value(build.binary(op, left.node, aligned(right, left).node), left.axes)
    return Value(build.binary(op, aligned(left, right).node, right.node), right.axes)


def eye(row: Axis, column: Axis) -> Node:
    return build.select(build.binary("eq", build.iota(row), build.iota(column)), build.constant(1), build.constant(0))


def _one(low: Lowering, term: t.Op) -> Value:
    return full(low.value(term.args[0]))


def _dot(low: Lowering, term: t.Op) -> Value:
    return contract(low.value(term.args[0]), low.value(term.args[1]))


def _outer(low: Lowering, term: t.Op) -> Value:
    left, right = full(low.value(term.args[0])), full(low.value(term.args[1]))
    right = relabel(right, tuple(fresh(a) for a in right.axes))
    return Value(build.binary("mul", left.node, right.node), left.axes + right.axes)


def _transpose(low: Lowering, term: t.Op) -> Value:
    return transposed(low.value(term.args[0]))


def _trace(low: Lowering, term: t.Op) -> Value:
    x = _one(low, term)
    return Value(build.reduce("sum", build.diagonal(x.node, x.axes[0], x.axes[1]), [x.axes[0]]))


def _square(name: str) -> Callable[[Lowering, t.Op], Value]:
    def rule(low: Lowering, term: t.Op) -> Value:
        x = _one(low, term)
        node = getattr(build, name)(x.node, x.axes[0], x.axes[1])
        return Value(node, x.axes if name in ("inv", "matrix_exp") else ())

    return rule


def _diag(low: Lowering, term: t.Op) -> Value:
    x = _one(low, term)
    other = fresh(x.axes[0])
    return Value(build.binary("mul", eye(x.axes[0], other), x.node), (x.axes[0], other))


def _diagonal(low: Lowering, term: t.Op) -> Value:
    x = _one(low, term)
    return Value(build.diagonal(x.node, x.axes[0], x.axes[1]), (x.axes[0],))


def _vec(low: Lowering, term: t.Op) -> Value:
    x = _one(low, term)
    rows, columns = x.axes
    merged = Axis.fresh(f"{rows.label}{columns.label}", rows.size * columns.size)
    return Value(build.merge(x.node, (columns, rows), merged), (merged,))


def _vec_last(low: Lowering, term: t.Op) -> Value:
    x = _one(low, term)
    *first, rows, columns = x.axes
    merged = Axis.fresh(f"{rows.label}{columns.label}", rows.size * columns.size)
    return Value(build.merge(x.node, (columns, rows), merged), (*first, merged))


def _kron(low: Lowering, term: t.Op) -> Value:
    left, right = full(low.value(term.args[0])), full(low.value(term.args[1]))
    right = relabel(right, tuple(fresh(a) for a in right.axes))
    node = build.binary("mul", left.node, right.node)
    axes = []
    for a, b in zip(left.axes, right.axes, strict=True):
        merged = Axis.fresh(f"{a.label}{b.label}", a.size * b.size)
        node = build.merge(node, (a, b), merged)
        axes.append(merged)
    return Value(node, tuple(axes))


def _norm(low: Lowering, term: t.Op) -> Value:
    x = _one(low, term)
    kind = _attr(term, "kind")
    if kind in ("2", "F"):
        return Value(build.unary("sqrt", build.reduce("sum", build.binary("mul", x.node, x.node), list(x.axes))))
    size = build.unary("abs", x.node)
    if kind == "entrywise 1" or (kind == "1" and len(x.axes) == 1):
        return Value(build.reduce("sum", size, list(x.axes)))
    if kind == "1":
        return Value(build.reduce("max", build.reduce("sum", size, [x.axes[0]]), [x.axes[1]]))
    if kind == "inf":
        return Value(
            build.reduce("max", build.reduce("sum", size, [x.axes[1]]) if len(x.axes) == 2 else size, [x.axes[0]])
        )
    values = Axis.fresh("σ", min(a.size for a in x.axes))
    singular = build.svdvals(x.node, x.axes[0], x.axes[1], values)
    return Value(build.reduce("max" if kind == "spectral" else "sum", singular, [values]))


def _spectrum(low: Lowering, term: t.Op) -> Value:
    """Eigenvalues of a symmetric matrix or the first singular values, the largest first."""
    x = _one(low, term)
    if term.name == "eigenvalues":
        values = Axis.fresh("λ", x.axes[0].size)
        ascending = build.eigvalsh(x.node, x.axes[0], x.axes[1], values)
        place = Axis.fresh("λ", values.size)
        order = _attr(term, "order")
        where = build.iota(place, 0)
        if order == "descending":
            where = build.binary("sub", build.constant(values.size - 1), where)
        elif order == "in no order":
            where = build.binary("mod", build.binary("add", where, build.constant(1)), build.constant(values.size))
        return Value(build.take(ascending, values, where), (place,))
    values = Axis.fresh("σ", min(a.size for a in x.axes))
    node = build.svdvals(x.node, x.axes[0], x.axes[1], values)
    count = low.size(term.type.shape[0])
    if count == values.size:
        return Value(node, (values,))
    if count > values.size:
        raise CannotLower("more singular values than there are")
    first = Axis.fresh("σ", count)
    return Value(build.take(node, values, build.iota(first, 0)), (first,))


def _extreme(low: Lowering, term: t.Op) -> Value:
    """The largest or smallest eigenvalue or singular value."""
    x = _one(low, term)
    values = Axis.fresh("λ", min(a.size for a in x.axes))
    make = build.eigvalsh if _attr(term, "of") == "eigenvalues" else build.svdvals
    return Value(build.reduce(str(_attr(term, "end")), make(x.node, x.axes[0], x.axes[1], values), [values]))


def _inner(low: Lowering, term: t.Op) -> Value:
    left, right = full(low.value(term.args[0])), full(low.value(term.args[1]))
    return Value(build.contract([left.node, aligned(right, left).node], list(left.axes)))


def _identity(low: Lowering, term: t.Op) -> Value:
    row, column = low.new_axis(term.type.shape[0]), low.new_axis(term.type.shape[1])
    return Value(eye(row, column), (row, column))


def _fill(low: Lowering, term: t.Op) -> Value:
    return full(Value(build.constant(_attr(term, "value")), tuple(low.new_axis(s) for s in term.type.shape)))


def _list(low: Lowering, term: t.Op) -> Value:
    axis = Axis.fresh("entry", len(term.args))
    return Value(build.stack([low.value(x).node for x in term.args], axis), (axis,))


def _concat(low: Lowering, term: t.Op) -> Value:
    along = int(_attr(term, "axis"))
    parts = [full(low.value(x)) for x in term.args]
    first = parts[0]
    total = Axis.fresh("concatenated", sum(p.axes[along].size for p in parts))
    placed = []
    for part in parts:
        own = fresh(part.axes[along])
        part = relabel(part, tuple(own if i == along else a for i, a in enumerate(first.axes)))
        placed.append((part.node, own))
    return Value(build.concat(placed, total), tuple(total if i == along else a for i, a in enumerate(first.axes)))


def _as_matrix(low: Lowering, term: t.Op) -> Value:
    x = _one(low, term)
    unit = Axis.fresh("1", 1)
    axes = (unit, *x.axes) if term.name == "as_row" else (*x.axes, unit)
    return full(Value(x.node, axes))


def _spread(low: Lowering, term: t.Op) -> Value:
    x = low.value(term.args[0])
    return full(Value(x.node, tuple(low.new_axis(s) for s in term.type.shape)))


def _mul_column(low: Lowering, term: t.Op) -> Value:
    column, row = _one(low, term), full(low.value(term.args[1]))
    target = (fresh(row.axes[0]), fresh(row.axes[1]))
    row = relabel(row, target)
    node = build.reduce("sum", build.binary("mul", column.node, row.node), [target[0]])
    return Value(node, (column.axes[0], target[1]))


def _matrix_power(low: Lowering, term: t.Op) -> Value:
    exponent = _attr(term, "exponent")
    count = exponent if isinstance(exponent, int) else low.size(exponent)
    x = _one(low, term)
    if count < 0:
        x = Value(build.inv(x.node, x.axes[0], x.axes[1]), x.axes)
        count = -count
    if count == 0:
        return Value(eye(x.axes[0], x.axes[1]), x.axes)
    result = x
    for _ in range(count - 1):
        result = contract(result, x)
    return result


def _matrix_real_power(low: Lowering, term: t.Op) -> Value:
    """A real power of a diagonal or a positive definite matrix."""
    inner = term.args[0]
    while isinstance(inner, t.Defined):
        inner = inner.body
    exponent = _attr(term, "exponent")
    if isinstance(inner, t.Op) and inner.name == "diag":
        x = full(low.value(inner.args[0]))
        other = fresh(x.axes[0])
        powered = build.binary("pow", x.node, build.constant(Fraction(exponent)))
        return Value(build.binary("mul", eye(x.axes[0], other), powered), (x.axes[0], other))
    if isinstance(inner, t.Input) and "positive definite" in inner.variable.domain.properties:
        x = full(low.value(inner))
        row, column = x.axes
        values = Axis.fresh("eigenvalue", row.size)
        roots = build.binary("pow", build.eigvalsh(x.node, row, column, values), build.constant(Fraction(exponent)))
        return Value(build.contract([roots, build.eigh_outer(x.node, row, column, values)], [values]), x.axes)
    raise CannotLower("a broken power of a matrix that is neither diagonal nor positive definite")


def _reduce(name: str) -> Callable[[Lowering, t.Op], Value]:
    def rule(low: Lowering, term: t.Op) -> Value:
        x = _one(low, term)
        return Value(build.reduce(name, x.node, list(x.axes)))

    return rule


def _mean(low: Lowering, term: t.Op) -> Value:
    x = _one(low, term)
    count = 1
    for axis in x.axes:
        count *= axis.size
    return Value(build.binary("div", build.reduce("sum", x.node, list(x.axes)), build.constant(count)))


def _indicator(low: Lowering, term: t.Op) -> Value:
    x = low.value(term.args[0])
    return Value(build.select(x.node, build.constant(1), build.constant(0)), x.axes)


def _and(low: Lowering, term: t.Op) -> Value:
    return elementwise("and_", low.value(term.args[0]), low.value(term.args[1]))


def _opaque(low: Lowering, term: t.Op) -> Value:
    """Some smooth function of its arguments: Σ_k a_k sin(⟨B_k, x⟩ + c_k) with free a, B, c, the same at every use."""
    name = str(_attr(term, "name"))
    arguments = [full(low.value(x)) for x in term.args]
    key = "·".join([name, *("×".join(str(a.size) for a in v.axes) for v in arguments)])
    waves = low.constant_axis(f"{key} waves", 3)
    results = tuple(low.constant_axis(f"{key} out {i}", low.size(size)) for i, size in enumerate(term.type.shape))
    phase = low.parameter(f"{key} c", (waves,))
    for number, argument in enumerate(arguments):
        axes = tuple(low.constant_axis(f"{key} in {number},{i}", a.size) for i, a in enumerate(argument.axes))
        weight = low.parameter(f"{key} B{number}", (waves, *axes))
        moved = relabel(argument, axes)
        product = build.contract([weight, moved.node], list(axes)) if axes else build.binary("mul", weight, moved.node)
        phase = build.binary("add", phase, product)
    amplitude = low.parameter(f"{key} a", (waves, *results))
    node = build.contract([amplitude, build.unary("sin", phase)], [waves])
    if not results:
        return Value(node)
    target = tuple(fresh(a) for a in results)
    return relabel(Value(node, results), target)


def _along_steps(low: Lowering, term: t.Op) -> Value:
    """Members of a recurrence along an index: each step unrolled, then stacked."""
    marker, index = term.args
    if not isinstance(marker, t.Unrolled):
        raise CannotLower("members of something that is no recurrence")
    var, shift = _shifted(low, index)
    axis = low.axis(var)
    start = low.size(var.start) + shift
    members = [low.member(marker.family, start + i) for i in range(axis.size)]
    axes = members[0].axes
    nodes = [relabel(m, axes).node for m in members]
    return Value(build.stack(nodes, axis), axes)


def _shifted(low: Lowering, index: t.Term) -> tuple[t.IndexVar, int]:
    match index:
        case t.Var(var=var):
            return var, 0
        case t.Op(name="add" | "sub" as op, args=(t.Var(var=var), t.Num(value=value))):
            return var, int(value) if op == "add" else -int(value)
    raise CannotLower("an index of a recurrence that is neither a step nor a running index")


RULES: dict[str, Callable[[Lowering, t.Op], Value]] = {
    "dot": _dot,
    "outer": _outer,
    "transpose": _transpose,
    "trace": _trace,
    "det": _square("det"),
    "inv": _square("inv"),
    "matrix_exp": _square("matrix_exp"),
    "diag": _diag,
    "diagonal": _diagonal,
    "vec": _vec,
    "vec_last": _vec_last,
    "kron": _kron,
    "norm": _norm,
    "inner": _inner,
    "eigenvalues": _spectrum,
    "singular values": _spectrum,
    "extreme": _extreme,
    "identity": _identity,
    "fill": _fill,
    "list": _list,
    "concat": _concat,
    "as_row": _as_matrix,
    "as_column": _as_matrix,
    "spread": _spread,
    "mul_column": _mul_column,
    "matrix_power": _matrix_power,
    "matrix_real_power": _matrix_real_power,
    "reduce_max": _reduce("max"),
    "reduce_min": _reduce("min"),
    "mean": _mean,
    "indicator": _indicator,
    "and": _and,
    "opaque": _opaque,
    "along steps": _along_steps,
}
