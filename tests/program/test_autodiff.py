"""Derivatives of programs against central differences, closed forms and themselves."""

from __future__ import annotations

import numpy as np
import pytest

from lemmata.backends import numpy as plain
from lemmata.operations import call, catalogue
from lemmata.program import build as b
from lemmata.program.autodiff import DERIVATIVES, RULES, NoGradient, gradient, jacobian
from lemmata.program.graph import inputs, nodes, substitute
from lemmata.program.node import Axis
from primitive_cases import CASES, laid_out, weighted

SMOOTH = [c for c in CASES if c.smooth and c.node.dtype == "real"]
STEP = 1e-5


def value(node, feeds):
    return plain.run([node], feeds)[0]


def differences(loss, leaf, feeds):
    """Central differences, second order."""
    name = leaf.attr("name")
    base = np.asarray(feeds[name], dtype=float)
    found = np.empty(base.shape)
    for at in np.ndindex(base.shape):
        up, down = base.copy(), base.copy()
        up[at] += STEP
        down[at] -= STEP
        found[at] = (value(loss, {**feeds, name: up}) - value(loss, {**feeds, name: down})) / (2 * STEP)
    return found


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_gradients_against_differences(case):
    symmetric = {"cholesky", "eigvalsh", "eigh_outer"} & {n.op for n in nodes(case.node)}
    loss = weighted(case.node)
    for leaf in inputs(loss):
        if leaf.dtype != "real":
            continue
        node = gradient(loss, leaf)
        ours = laid_out(value(node, case.feeds), node, leaf.axes)
        expected = differences(_symmetrised(loss, leaf) if symmetric else loss, leaf, case.feeds)
        if symmetric:
            ours = (ours + ours.T) / 2
        np.testing.assert_allclose(ours, expected, rtol=2e-7, atol=2e-7)


def _symmetrised(loss, leaf):
    """The program on (x + xᵀ)/2, since these primitives read one triangle only."""
    i, j = leaf.axes
    both = b.binary("add", leaf, b.rename(leaf, {i: j, j: i}))
    return substitute(loss, {leaf: b.binary("div", both, b.constant(2))})


def test_every_rule_is_tried():
    tried = {n.op for c in SMOOTH for n in nodes(weighted(c.node))}
    flat = {"floor", "ceil", "sign", "and_", "or_", "not_", "argmax", "argmin", "any", "all"}
    assert (set(RULES) | set(DERIVATIVES)) - tried <= flat | {"lt", "le", "gt", "ge", "eq", "ne"}


@pytest.mark.parametrize("name", sorted(set(catalogue()) - {"attention"}))
def test_gradients_of_operations_against_differences(name):
    i, j = Axis.fresh("i", 2), Axis.fresh("j", 3)
    x = b.input("x", [i, j])
    named = {a for e in catalogue()[name].examples for a in e.attrs}
    along = dict.fromkeys(named & {"axis", "feature"}, j)
    o = Axis.fresh("o", 2)
    rest = {
        "linear": [
            b.array(np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]]), [j, o]),
            b.array(np.array([1.0, 2.0]), [o]),
        ],
        "cross_entropy": [b.array(np.array([2, 0]), [i])],
    }
    low, high = (0.1, 0.9) if name == "logit" else (0.2, 2.0)
    feeds = {"x": np.random.default_rng(3).uniform(low, high, (2, 3))}
    loss = weighted(call(name, [x, *rest.get(name, ())], **along))
    node = gradient(loss, x)
    found = laid_out(value(node, feeds), node, x.axes)
    np.testing.assert_allclose(found, differences(loss, x, feeds), rtol=2e-7, atol=1e-8)


def test_the_jacobian_of_a_jacobian_is_the_hessian():
    """f(x) = Σ exp(A x): the Hessian is Aᵀ diag(exp(Ax)) A."""
    i, j = Axis.fresh("i", 3), Axis.fresh("j", 4)
    a, x = b.input("a", [i, j]), b.input("x", [j])
    f = b.reduce("sum", b.unary("exp", b.contract([a, x], [j])), [i])
    first, rows, columns = jacobian(f, x)
    assert rows == () and set(first.axes) == set(columns)
    second, outer, inner = jacobian(first, x)
    rng = np.random.default_rng(0)
    feeds = {"a": rng.normal(size=(3, 4)), "x": rng.normal(size=4)}
    expected = feeds["a"].T @ np.diag(np.exp(feeds["a"] @ feeds["x"])) @ feeds["a"]
    np.testing.assert_allclose(laid_out(value(second, feeds), second, (*outer, *inner)), expected, rtol=1e-12)


def test_the_jacobian_of_a_jacobian_of_a_softmax():
    """∂²s_i/∂x_j∂x_k by hand, since ∂s_i/∂x_j = s_i (δ_ij − s_j)."""
    i = Axis.fresh("i", 4)
    x = b.input("x", [i])
    first, rows, columns = jacobian(call("softmax", [x], axis=i), x)
    second, outer, inner = jacobian(first, x)
    feeds = {"x": np.array([0.3, -1.0, 0.7, 0.1])}
    s = np.exp(feeds["x"]) / np.exp(feeds["x"]).sum()
    eye = np.eye(4)
    jac = s[:, None] * (eye - s[None])
    np.testing.assert_allclose(laid_out(value(first, feeds), first, (*rows, *columns)), jac, rtol=1e-12)
    expected = jac[:, None, :] * (eye - s[None])[:, :, None] - s[:, None, None] * jac[None]
    order = [first.axes.index(a) for a in (*rows, *columns)]
    found = laid_out(value(second, feeds), second, (*(outer[n] for n in order), *inner))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


def test_paths_around_an_intermediate_value_are_constant():
    """∂L/∂h of L = h·x with h = x²: x is held."""
    x = b.input("x", [])
    h = b.unary("square", x)
    assert value(gradient(b.binary("mul", h, x), h), {"x": 3.0}) == 3.0


def test_products_with_zeros_have_gradients():
    i = Axis.fresh("i", 3)
    x = b.input("x", [i])
    found = value(gradient(b.reduce("prod", x, [i]), x), {"x": np.array([2.0, 0.0, 5.0])})
    assert found.tolist() == [0.0, 10.0, 0.0]


def test_the_hessian_of_an_eigenvalue():
    """λ''(0) of λ(A + tB) is 2 Σ_{j≠k} (v_kᵀ B v_j)² / (λ_k − λ_j) (Magnus 1985)."""
    i, j, values = Axis.fresh("i", 3), Axis.fresh("j", 3), Axis.fresh("λ", 3)
    a, c, t = b.input("a", [i, j]), b.input("c", [i, j]), b.input("t", [])
    moved = b.binary("add", a, b.binary("mul", t, c))
    second = t
    for _ in range(2):
        largest = b.take(b.eigvalsh(moved, i, j, values), values, b.constant(2)) if second is t else second
        second = gradient(largest, t)
    rng = np.random.default_rng(4)
    p, q = rng.normal(size=(2, 3, 3))
    p, q = p + p.T, q + q.T
    w, v = np.linalg.eigh(p)
    expected = 2 * sum((v[:, 2] @ q @ v[:, k]) ** 2 / (w[2] - w[k]) for k in range(2))
    assert value(second, {"a": p, "c": q, "t": 0.0}) == pytest.approx(expected, rel=1e-12)


def test_gradients_of_singular_values_can_be_taken_elsewhere():
    """The nuclear norm is even, so its gradient is odd."""
    i, j, values = Axis.fresh("i", 3), Axis.fresh("j", 4), Axis.fresh("σ", 3)
    x = b.input("x", [i, j])
    slope = gradient(b.reduce("sum", b.svdvals(x, i, j, values), [values]), x)
    feeds = {"x": np.random.default_rng(6).normal(size=(3, 4))}
    there = value(substitute(slope, {x: b.unary("neg", x)}), feeds)
    np.testing.assert_allclose(there, -value(slope, feeds), rtol=1e-12)


def test_what_has_no_gradient_is_said():
    i = Axis.fresh("i", 3)
    x = b.input("x", [i])
    with pytest.raises(NoGradient, match="digamma"):
        gradient(b.reduce("sum", b.unary("digamma", x), [i]), x)
    c = b.input("c", [], "complex")
    with pytest.raises(NoGradient, match="complex"):
        gradient(b.unary("abs", c), c)
    with pytest.raises(NoGradient, match="no number"):
        gradient(x, x)


def test_what_a_value_does_not_depend_on_has_a_zero_gradient():
    i = Axis.fresh("i", 3)
    x, y = b.input("x", [i]), b.input("y", [])
    assert value(gradient(y, x), {}).tolist() == [0.0, 0.0, 0.0]
