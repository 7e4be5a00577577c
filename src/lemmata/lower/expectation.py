"""Expectations as exact finite sums: random variables get laws with generic outcomes that meet what is stated.

Each independent component has an outcome axis of its own with weights; 𝔼 contracts over the axes that occur. Both sides
of a claim about moments are polynomials in outcomes and weights, so agreement at generic laws is agreement at all.
Normal variables are integrated: by Gauss–Hermite nodes (exact for polynomials up to degree nine), or, one number alone,
by a fine rule on both half-lines that also meets kinks at the mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.lower import exponentials
from lemmata.lower.operations import elementwise
from lemmata.lower.value import Value, aligned, contract, full, relabel
from lemmata.program import build
from lemmata.program.graph import nodes, substitute
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

if TYPE_CHECKING:
    from lemmata.lower.lowering import Lowering

ATOMS = 3
MANY = 4
JOINT = 5
HERMITE = 5


class NoPolynomial(CannotLower):
    """A function of one normal variable that the few nodes for polynomials do not integrate."""


POLYNOMIAL = frozenset(
    {
        "add",
        "sub",
        "mul",
        "neg",
        "square",
        "contract",
        "sum",
        "rename",
        "broadcast",
        "stack",
        "take",
        "diagonal",
        "constant",
        "input",
        "array",
        "select",
        "iota",
        "special",
        "merge",
        "split",
        "concat",
    }
)


def expectation(low: Lowering, term: t.Expect) -> Value:
    """Σ over the outcomes of everything random in the body. Raises CannotLower where nothing is."""
    body = low.value(term.body)
    body = Value(substitute(body.node, _squared_norms(body.node)), body.axes)
    kept = {a.uid for x in term.given for a in low.value(x).node.axes}
    axes = [a for a in body.node.axes if a.uid in low.outcomes and a.uid not in kept]
    if term.given and not axes:
        return body
    if not axes:
        if _mentions_random(term.body):
            return body
        if low.concluded:
            return body
        raise CannotLower("nothing in the expectation is random")
    if any(a.label.startswith("normal") for a in axes) and _degree(body.node, axes) > 2 * HERMITE - 1:
        if all(a.label in ("normal", "normal line") for a in axes):
            closed = exponentials.mean(body.node, axes, lambda node: _degree(node, axes))
            if closed is not None:
                return Value(closed, body.axes)
        if len(axes) > 1:
            raise CannotLower("an expectation of a function of several normal variables that is no polynomial")
        if not axes[0].label.startswith("normal line"):
            raise NoPolynomial("an expectation of a function of a normal variable that is no polynomial")
    weights = [low.outcomes[a.uid][1] for a in axes]
    return Value(build.contract([body.node, *weights], axes), body.axes)


def _squared_norms(node: Node) -> dict[Node, Node]:
    """‖z‖² without the root that is squared again: a polynomial."""
    found = {}
    for n in nodes(node):
        twice = n.op == "square" or n.op == "pow" and build.literal(n.args[1]) == 2
        if twice and n.args[0].op == "sqrt" and _is_sum_of_squares(n.args[0].args[0]):
            found[n] = n.args[0].args[0]
    return found


def _is_sum_of_squares(node: Node) -> bool:
    if node.op == "sum":
        return _is_sum_of_squares(node.args[0])
    return (
        node.op == "square" or node.op in ("mul", "contract") and len(node.args) == 2 and node.args[0] is node.args[1]
    )


def levels(terms: Iterable[t.Term]) -> dict[str, int]:
    """The variables that expectations are conditional on: those of the coarsest condition first.

    A law of (X, Y, …) is drawn in this order, each from what came before: every joint law can be. Then conditioning on
    the first few keeps their outcomes and sums over the others, since different outcomes have different values. Raises
    CannotLower where conditions are not nested, or are no variables.
    """
    conditions: set[frozenset[str]] = set()
    for term in terms:
        if isinstance(term, t.Expect) and term.given:
            names = [x.variable for x in term.given if isinstance(x, t.Input) and x.variable.law is not None]
            if len(names) < len(term.given):
                raise CannotLower("an expectation conditional on something that is no random variable")
            if any(stated(v.law) for v in names):
                raise CannotLower("an expectation conditional on a variable with a stated law")
            names = [v for v in names if v.law is not None and not v.law.independent]
            if names:
                conditions.add(frozenset(v.key for v in names))
    found: dict[str, int] = {}
    before: frozenset[str] = frozenset()
    for level, condition in enumerate(sorted(conditions, key=lambda c: (len(c), sorted(c)))):
        if not before <= condition:
            raise CannotLower("expectations conditional on several things")
        found.update((key, level) for key in sorted(condition - before))
        before = condition
    return found


def independent(terms: Iterable[t.Term]) -> tuple[str, ...]:
    """The variables of which nothing is stated but that they are independent."""
    found = {
        x.variable.key
        for x in terms
        if isinstance(x, t.Input) and x.variable.law is not None and x.variable.law.independent
        if not stated(x.variable.law)
    }
    return tuple(sorted(found))


def stated(law: t.Law | None) -> bool:
    return law is not None and not (law.mean is None and law.variance is None and law.covariance is None)


def _mentions_random(term: t.Term) -> bool:
    return any(isinstance(x, t.Input) and x.variable.law is not None for x in t.walk([term]))


def _degree(node: Node, axes: list[Axis]) -> float:
    """The degree of the body as a polynomial in the outcomes; infinite where it is none."""
    degrees: dict[int, float] = {}
    for n in nodes(node):
        found = [degrees.get(x.uid, 0.0) for x in n.args]
        random = any(a in n.axes for a in axes) or any(found)
        if not random:
            continue
        if n.op in ("input", "array", "constant"):
            degree = 1.0 if any(a in n.axes for a in axes) else 0.0
        elif n.op == "pow":
            exponent = build.literal(n.args[1])
            degree = math.inf
            if isinstance(exponent, int | float | Fraction) and 0 <= exponent == int(exponent) and not found[1]:
                degree = found[0] * int(exponent)
        elif n.op == "square":
            degree = 2 * found[0]
        elif n.op == "div":
            degree = math.inf if found[1] or any(a in n.args[1].axes for a in axes) else found[0]
        elif n.op in ("mul", "contract"):
            degree = sum(found)
        elif n.op == "select":
            degree = math.inf if found[0] or any(a in n.args[0].axes for a in axes) else max(found)
        else:
            degree = max(found, default=0.0) if n.op in POLYNOMIAL else math.inf
        degrees[n.uid] = degree
    return degrees.get(node.uid, 0.0)


def random_value(low: Lowering, variable: t.Variable) -> Value:
    """The variable as a function of the outcome. Raises CannotLower."""
    found = low.random.get(variable.key)
    if found is None:
        found = low.random[variable.key] = _draw(low, variable)
    return found


def _draw(low: Lowering, variable: t.Variable) -> Value:
    law = variable.law
    assert law is not None
    axes = tuple(low.new_axis(s) for s in variable.type.shape)
    if law.mean is None and law.variance is None and law.covariance is None:
        return _any(low, variable, axes)
    count = math.prod(a.size for a in axes)
    if count > 12:
        raise CannotLower("too many random components to sum over")
    if law.form == "bernoulli" and law.mean is not None:
        chance = full(low.value(law.mean))
        if chance.axes:
            raise CannotLower("a Bernoulli variable with several probabilities")
        return _arrange([_zero_or_one(low, f"{variable.key}[{i}]", chance.node) for i in range(count)], axes)
    parts = [_standard(low, variable, law, i, count) for i in range(count)]
    mean = full(low.value(law.mean)) if law.mean is not None else _open(low, variable, law, axes, "mean")
    if law.covariance is None and law.variance is not None:
        deviation = low.value(law.variance)
        if not deviation.axes and not mean.axes:
            # Component by component, so that one of them does not bring the outcomes of all.
            root = build.unary("sqrt", deviation.node)
            scaled = [build.binary("add", build.binary("mul", x, root), mean.node) for x in parts]
            return _arrange(scaled, axes)
    value = _arrange(parts, axes)
    if law.covariance is None and law.variance is None:
        value = elementwise("mul", value, aligned(_open(low, variable, law, axes, "deviation"), value))
    elif law.covariance is not None:
        covariance = full(low.value(law.covariance))
        if len(axes) != 1 or len(covariance.axes) != 2:
            raise CannotLower("the covariance of something that is no vector")
        root = build.cholesky(covariance.node, *covariance.axes)
        value = relabel(contract(Value(root, covariance.axes), value), axes)
    elif law.variance is not None:
        deviation = low.value(law.variance)
        value = elementwise("mul", value, Value(build.unary("sqrt", deviation.node), deviation.axes))
    return elementwise("add", value, aligned(mean, value))


def _zero_or_one(low: Lowering, key: str, chance: Node) -> Node:
    axis = low.constant_axis(f"{key} outcome", 2)
    weights = build.stack([build.binary("sub", build.constant(1), chance), chance], axis)
    low.outcomes[axis.uid] = (axis, weights)
    return build.stack([build.constant(0), build.constant(1)], axis)


def _open(low: Lowering, variable: t.Variable, law: t.Law, axes: tuple[Axis, ...], what: str) -> Value:
    """A moment of which nothing is said: some number, the same for all components of one law."""
    key = f"{variable.key} {what}"
    found = low.inputs.get(key)
    if found is None:
        own = () if law.identical else axes
        kind = Tensor(tuple(Size.of(x.size) for x in own))
        latex = f"\\text{{{what} of }}{variable.latex}"
        unnamed = t.Variable(key, latex, kind, t.Domain(low=0.0 if what == "deviation" else None))
        found = low.inputs[key] = (Value(build.input(key, own), own), unnamed)
    return relabel(found[0], axes) if found[0].axes else found[0]


def _arrange(parts: list[Node], axes: tuple[Axis, ...]) -> Value:
    if not axes:
        return Value(parts[0])
    if len(axes) == 1:
        return Value(build.stack(parts, axes[0]), axes)
    flat = Axis.fresh("component", len(parts))
    return Value(build.split(build.stack(parts, flat), flat, axes), axes)


def _standard(low: Lowering, variable: t.Variable, law: t.Law, index: int, count: int) -> Node:
    """One component with mean 0 and variance 1 on an outcome axis of its own."""
    if law.form == "uniform":
        # Gauss–Legendre: exact for polynomials of the degree that the Hermite nodes integrate.
        low.exact = False
        places, masses = np.polynomial.legendre.leggauss(HERMITE)
        axis = Axis.fresh("normal uniform", len(places))
        low.outcomes[axis.uid] = (axis, build.array(masses / 2, [axis]))
        return build.array(places * math.sqrt(3), [axis])
    if law.normal:
        low.exact = False
        line = count == 1 and not low.polynomial
        places, masses = _line() if line else _hermite()
        axis = Axis.fresh("normal line" if line else "normal", len(places))
        low.outcomes[axis.uid] = (axis, build.array(masses, [axis]))
        return build.array(places, [axis])
    atoms = 2 if count > MANY else ATOMS
    axis = low.constant_axis(f"{variable.key}[{index}] outcome", atoms)
    which = variable.key if law.identical else f"{variable.key}[{index}]"
    raw = _parameter(low, f"{which} outcomes", axis, frozenset({"distinct"}))
    weights = _parameter(low, f"{which} weights", axis, frozenset({"simplex"}))
    low.outcomes[axis.uid] = (axis, weights)
    mean = build.contract([raw, weights], [axis])
    centred = build.binary("sub", raw, mean)
    variance = build.contract([centred, centred, weights], [axis])
    return build.binary("div", centred, build.unary("sqrt", variance))


def _parameter(low: Lowering, key: str, axis: Axis, properties: frozenset[str]) -> Node:
    found = low.inputs.get(key)
    if found is None:
        kind = Tensor((Size.of(axis.size),))
        variable = t.Variable(key, key, kind, t.Domain(properties=properties))
        found = low.inputs[key] = (Value(build.input(key, (axis,)), (axis,)), variable)
    value = found[0]
    return value.node if value.axes == (axis,) else relabel(value, (axis,)).node


def _any(low: Lowering, variable: t.Variable, axes: tuple[Axis, ...]) -> Value:
    """A variable of which nothing is stated: jointly distributed with all others of its kind, on one outcome axis."""
    last = max(low.levels.values(), default=-1)
    level = low.levels.get(variable.key, last + 1)
    own = variable.key in low.independent
    # Whatever is not said to be independent may depend on everything that is.
    labels = [variable.key] if own else list(low.independent)
    labels += [] if own else ["joint" if earlier > last else f"condition {earlier}" for earlier in range(level + 1)]
    drawn = []
    for label in labels:
        axis = low.constant_axis(f"{label} outcome", ATOMS if low.levels or low.independent else JOINT)
        weights = _parameter(low, f"{label} weights", axis, frozenset({"simplex"}))
        low.outcomes[axis.uid] = (axis, weights)
        drawn.append(axis)
    key = f"{variable.key} outcomes"
    found = low.inputs.get(key)
    if found is None:
        kind = Tensor((*(Size.of(a.size) for a in drawn), *variable.type.shape))
        found = low.inputs[key] = (
            Value(build.input(key, (*drawn, *axes)), axes),
            t.Variable(key, variable.latex, kind, variable.domain),
        )
    return found[0]


def _hermite() -> tuple[np.ndarray, np.ndarray]:
    places, masses = np.polynomial.hermite_e.hermegauss(HERMITE)
    return places, masses / masses.sum()


def _line() -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre on pieces of both half-lines against the normal density."""
    base, weight = np.polynomial.legendre.leggauss(20)
    edges = np.array([0.0, 0.75, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5])
    places, masses = [], []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        x = (high - low) / 2 * base + (high + low) / 2
        places.append(x)
        masses.append((high - low) / 2 * weight * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))
    x, m = np.concatenate(places), np.concatenate(masses)
    return np.concatenate([-x[::-1], x]), np.concatenate([m[::-1], m])
