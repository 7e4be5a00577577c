"""Derivatives on the program: reverse mode from a cut at the variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lemmata.core import terms as t
from lemmata.lower.value import Value, aligned, fresh, full, relabel
from lemmata.program import autodiff, build
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

if TYPE_CHECKING:
    from lemmata.lower.lowering import Lowering


def derivative(low: Lowering, term: t.Deriv) -> Value:
    """Of a number: the gradient, shaped like the variable. Otherwise the Jacobian, outputs first.

    Everything that does not pass through the variable is held constant, also where the variable is itself defined.
    """
    base, indices = _base(term.wrt)
    key = _key(low, base)
    here = full(low.value(base))
    axes = tuple(fresh(a) for a in here.axes)
    free = [a for a in here.node.axes if a not in here.axes]
    hole = Value(build.input(f"∂{key}@{id(term)}", (*axes, *free)), axes)
    inner = low.under({key: relabel(hole, here.axes) if here.axes else hole})
    of = full(inner.value(term.of))
    if not _depends(of.node, hole.node):
        rerouted = _through_inverse(low, term, base, here, of)
        if rerouted is not None:
            return _pick(low, rerouted, indices, of.axes)
        if not (low.concluded and isinstance(base, t.Input) and base.variable.declared):
            raise CannotLower(f"what is differentiated does not depend on {_latex(base)}")
    drawn = [a for a in of.node.axes if a.uid in low.outcomes]
    if drawn and not of.axes and of.node.axes == tuple(drawn) and not _averages(term.of):
        return _pick(low, _by_outcome(low, term.of, key, here, drawn), indices, ())
    if term.elementwise and axes:
        if not _is_elementwise(of.node, hole.node):
            raise CannotLower("the derivative of a function that does not act on each entry by itself")
        total = build.reduce("sum", of.node, list(of.axes)) if of.axes else of.node
        node = autodiff.gradient(total, hole.node)
        result = relabel(Value(node, axes), of.axes)
        return Value(_back(result.node, hole.node, relabel(here, axes).node), result.axes)
    value = _jacobian(of, hole)
    back = relabel(here, axes).node if axes else here.node
    value = Value(_back(value.node, hole.node, back), value.axes)
    return _pick(low, value, indices, of.axes)


def _by_outcome(low: Lowering, body: t.Term, key: str, here: Value, drawn: list[Axis]) -> Value:
    """The gradient of a random number at each outcome: no outcome's value depends on the variable at another."""
    axes = tuple(fresh(a) for a in here.axes)
    free = [a for a in here.node.axes if a not in here.axes and a not in drawn]
    hole = Value(build.input(f"∂{key} by outcome@{id(body)}", (*axes, *free, *drawn)), axes)
    of = low.under({key: relabel(hole, here.axes) if here.axes else hole}).value(body)
    gradient = autodiff.gradient(build.reduce("sum", of.node, list(of.node.axes)), hole.node)
    back = relabel(here, axes).node if axes else here.node
    return Value(_back(gradient, hole.node, build.broadcast(back, hole.node.axes)), axes)


def _averages(body: t.Term) -> bool:
    return any(isinstance(term, t.Expect) for term in t.walk([body]))


def _back(node: Node, hole: Node, real: Node) -> Node:
    return autodiff.substitute(node, {hole: real})


def _base(wrt: t.Term) -> tuple[t.Term, tuple[t.Item, ...]]:
    """The variable below components: ∂/∂X_{ij} is a component of ∂/∂X."""
    items: list[t.Item] = []
    while isinstance(wrt, t.Item) and not _family_member(wrt):
        items.append(wrt)
        wrt = wrt.base
    if isinstance(wrt, t.Item):
        items.append(wrt)
        wrt = wrt.base
    return wrt, tuple(reversed(items))


def _family_member(item: t.Item) -> bool:
    return False


def _key(low: Lowering, base: t.Term) -> str:
    match base:
        case t.Input(variable=variable):
            return variable.key
        case t.Defined(key=key):
            return key
        case t.Unrolled():
            return low.member_key(base)
    raise CannotLower("a derivative with respect to something that is no variable")


def _latex(base: t.Term) -> str:
    match base:
        case t.Input(variable=variable):
            return variable.latex
        case t.Defined(latex=latex) | t.Unrolled(latex=latex):
            return latex
    return "it"


def _depends(node: Node, leaf: Node) -> bool:
    return any(n is leaf for n in autodiff.nodes(node))


def _is_elementwise(node: Node, leaf: Node) -> bool:
    """Whether each entry of the result is made of the same entry of the leaf: its axes are kept at every step."""
    images: dict[Node, tuple[Axis, ...]] = {leaf: leaf.axes}
    for each in autodiff.nodes(node):
        found = {images[a] for a in each.args if a in images}
        if not found or each in images:
            continue
        if each.op == "rename":
            mapping = dict(each.attr("mapping"))
            found = {tuple(mapping.get(a, a) for a in image) for image in found}
        image = found.pop()
        if found or not set(image) <= set(each.axes) or each.op not in _BY_ENTRY:
            return False
        images[each] = image
    return True


_BY_ENTRY = frozenset(
    {"rename", "broadcast", "select", *build.UNARY, *build.ARITHMETIC, *build.COMPARISON, *build.LOGIC}
)


def _jacobian(of: Value, hole: Value) -> Value:
    """d of / d hole with axes (of's, hole's); free axes of `of` stay free."""
    outputs = of.node.axes
    if not outputs:
        return Value(autodiff.gradient(of.node, hole.node), hole.axes)
    node, out_axes, in_axes = autodiff.jacobian(of.node, hole.node)
    mapping = dict(zip(out_axes, outputs, strict=True))
    by_hole = dict(zip(hole.node.axes, in_axes, strict=True))
    node = build.rename(node, {k: v for k, v in mapping.items() if k in node.axes and k is not v})
    positions = of.axes + tuple(by_hole[a] for a in hole.axes)
    for axis in hole.node.axes:
        if axis not in hole.axes and axis in outputs:
            # The variable itself has a free index: only the matching member counts.
            node = build.diagonal(full(Value(node, (axis, by_hole[axis]))).node, axis, by_hole[axis])
    return full(Value(node, positions))


def _pick(low: Lowering, value: Value, items: tuple[t.Item, ...], outputs: tuple[Axis, ...]) -> Value:
    """Components of the derivative for ∂/∂x_j: the last axes of `value` are the variable's."""
    axes, node = list(value.axes[len(outputs) :]), value.node
    for item in items:
        kept: list[Axis] = []
        for axis, index, origin in zip(axes, item.indices, item.origins, strict=True):
            if index is None:
                kept.append(axis)
                continue
            if isinstance(index, t.Var):
                target = low.axis(index.var)
                if target.size == axis.size and low.size(index.var.start) == origin:
                    node = (
                        build.diagonal(node, target, axis)
                        if target in node.axes
                        else build.rename(node, {axis: target})
                    )
                    continue
            position = build.binary("sub", low.value(index).node, build.constant(origin))
            node = build.take(node, axis, position)
        axes = kept
    return Value(node, (*value.axes[: len(outputs)], *axes))


def _through_inverse(low: Lowering, term: t.Deriv, base: t.Term, here: Value, of: Value) -> Value | None:
    """∂ℓ/∂Λ where ℓ is written in Σ and Λ = Σ⁻¹: Λ as the variable, Σ as what it determines.

    With Λ an invertible function of one input Σ, ∂ℓ/∂Λ solves (∂Λ/∂Σ)ᵀ g = ∂ℓ/∂Σ. None where there is no such input.
    """
    if not isinstance(base, t.Defined) or of.axes or of.node.axes or not here.axes:
        return None
    for value, _ in list(low.inputs.values()):
        leaf = value.node
        if not _depends(here.node, leaf) or not _depends(of.node, leaf):
            continue
        if [a for a in here.node.axes if a not in here.axes] or _count(here.axes) != _count(value.axes):
            continue
        shift, out_axes, in_axes = autodiff.jacobian(here.node, leaf)
        rows = tuple(out_axes[list(here.node.axes).index(a)] for a in here.axes)
        gradient = autodiff.gradient(of.node, leaf)
        row = Axis.fresh("out", _count(rows))
        column = Axis.fresh("in", row.size)
        flat = full(Value(shift, (*rows, *in_axes))).node
        flat = build.merge(flat, rows, row) if len(rows) > 1 else build.rename(flat, {rows[0]: row})
        flat = (
            build.merge(flat, tuple(in_axes), column) if len(in_axes) > 1 else build.rename(flat, {in_axes[0]: column})
        )
        side = full(Value(gradient, value.axes)).node
        along = fresh(column)
        side = (
            build.merge(side, value.axes, along) if len(value.axes) > 1 else build.rename(side, {value.axes[0]: along})
        )
        inverse = build.inv(flat, row, column)
        # inv has the axes of its argument with rows and columns exchanged in meaning: (J⁻¹)ᵀ g sums over J's inputs.
        solved = build.contract([inverse, build.rename(side, {along: row})], [row])
        target = tuple(fresh(a) for a in here.axes)
        result = build.split(solved, column, target) if len(target) > 1 else build.rename(solved, {column: target[0]})
        return Value(result, target)
    return None


def _count(axes: tuple[Axis, ...]) -> int:
    count = 1
    for axis in axes:
        count *= axis.size
    return count


def elementwise_pair(left: Value, right: Value) -> Value:
    return aligned(left, right)
