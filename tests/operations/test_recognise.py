"""What is recognised in programs of primitives, what is not, and that values stay the same."""

from __future__ import annotations

import numpy as np
import pytest

from lemmata.backends import numpy as plain
from lemmata.operations import call
from lemmata.operations.recognise import fuse, fuse_all
from lemmata.program import build as b
from lemmata.program.graph import inputs, nodes
from lemmata.program.node import Axis, Node
from primitive_cases import laid_out

I_, J, R, D, E = (Axis.fresh(n, s) for n, s in zip("ijrde", (4, 5, 5, 3, 2), strict=True))
Q, K, V = b.input("q", [I_, D]), b.input("k", [J, D]), b.input("v", [J, E])
X, W = b.input("x", [I_, J]), b.input("w", [J])
HIDDEN = b.unary("neg", b.special("inf"))
SCORES = b.contract([Q, K], [D])


def names(*outputs: Node) -> list[str]:
    """Calls outside the definitions of other calls."""
    found: list[str] = []
    seen: set[int] = set()
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if node.uid in seen:
            continue
        seen.add(node.uid)
        if node.op == "call":
            found.append(node.attr("name"))
        stack.extend(node.args[:-1] if node.op == "call" else node.args)
    return sorted(found)


def agree(node: Node, fused: Node, scale: float = 1.0) -> None:
    rng = np.random.default_rng(0)
    feeds = {i.attr("name"): scale * rng.normal(size=tuple(a.size for a in i.axes)) for i in inputs(node)}
    (value,), (ours,) = plain.run([node], feeds), plain.run([fused], feeds)
    assert np.isfinite(value).all()
    np.testing.assert_allclose(laid_out(ours, fused, node.axes), value, rtol=1e-12, atol=1e-13)


def exp(x: Node) -> Node:
    return b.unary("exp", x)


def total(x: Node, axis: Axis) -> Node:
    return b.reduce("sum", x, [axis])


def one_plus(x: Node) -> Node:
    return b.binary("add", b.constant(1), x)


def renamed(x: Node) -> Node:
    return b.rename(x, {J: R})


SPELLED = {
    "softmax": b.binary("div", exp(X), total(exp(X), J)),
    "softmax of other names": b.binary("div", exp(X), total(exp(renamed(X)), R)),
    "softmax shifted": b.binary("div", exp(b.binary("sub", X, b.reduce("max", X, [J]))),
                                total(exp(b.binary("sub", X, b.reduce("max", X, [J]))), J)),
    "logsumexp": b.unary("log", total(exp(X), J)),
    "logsumexp shifted": b.binary("add", b.reduce("max", X, [J]), b.unary("log", total(
        exp(b.binary("sub", X, b.reduce("max", X, [J]))), J))),
    "log_softmax": b.unary("log", b.binary("div", exp(X), total(exp(renamed(X)), R))),
    "log_softmax by difference": b.binary("sub", X, b.unary("log", total(exp(renamed(X)), R))),
    "log_softmax of an element": b.unary("log", b.take(call("softmax", [X], axis=J), J, b.constant(2))),
    "log_softmax of elements chosen": b.unary("log", b.take(call("softmax", [X], axis=J), J, b.iota(I_))),
    "log_softmax renamed": b.unary("log", b.rename(call("softmax", [X], axis=J), {J: R})),
    "softplus of the other outcome": b.unary("log", b.binary("sub", b.constant(1), call("sigmoid", [X]))),
    "cross_entropy in a quotient": b.unary("log", b.binary("div", exp(b.take(X, J, b.constant(2))), total(exp(X), J))),
    "sigmoid": b.binary("div", b.constant(1), one_plus(exp(b.unary("neg", X)))),
    "sigmoid by quotient": b.binary("div", exp(X), one_plus(exp(X))),
    "softplus": b.unary("log", one_plus(exp(X))),
    "softplus of a sigmoid": b.unary("log", call("sigmoid", [X])),
    "silu": b.binary("mul", X, b.binary("div", b.constant(1), one_plus(exp(b.unary("neg", X))))),
    "relu": b.binary("maximum", b.constant(0), X),
}  # fmt: skip


@pytest.mark.parametrize("title", SPELLED)
def test_functions_spelled_out(title):
    fused = fuse(SPELLED[title])
    expected = title.split()[0]
    assert names(fused) == [expected]
    agree(SPELLED[title], fused)


@pytest.mark.parametrize("title", ["softmax", "logsumexp", "log_softmax", "log_softmax by difference"])
def test_the_recognised_form_does_not_overflow(title):
    feeds = {"x": np.full((4, 5), 1000.0)}
    assert not np.isfinite(plain.run([SPELLED[title]], feeds)[0]).all()
    assert np.isfinite(plain.run([fuse(SPELLED[title])], feeds)[0]).all()


def test_the_logarithm_of_a_probability_that_vanishes_is_finite():
    title = "log_softmax of an element"
    feeds = {"x": np.array([[1000.0, 0, 0, 0, 0]] * 4)}
    assert plain.run([SPELLED[title]], feeds)[0].tolist() == [-np.inf] * 4
    assert plain.run([fuse(SPELLED[title])], feeds)[0].tolist() == [-1000.0] * 4


def test_the_logarithm_of_nothing_beside_a_softmax_stays():
    """Zeros outside the range have the logarithm −∞."""
    padded = b.unary("log", b.take(call("softmax", [X], axis=J), J, b.iota(R, 1), fill=0))
    assert names(fuse(padded)) == ["softmax"]


def weights(scores: Node, axis: Axis = J) -> Node:
    return call("softmax", [scores], axis=axis)


def attended(scores: Node) -> Node:
    return b.contract([weights(scores), V], [J])


ROOT = b.unary("sqrt", b.constant(3))
LATER = b.binary("gt", b.iota(J), b.iota(I_))
ATTENTION = {
    "plain": attended(SCORES),
    "scaled": attended(b.binary("div", SCORES, ROOT)),
    "scaled by a product": attended(b.binary("mul", b.binary("div", b.constant(1), ROOT), SCORES)),
    "scaled twice": attended(b.binary("mul", b.binary("div", SCORES, ROOT), b.constant(0.5))),
    "scaled inside": b.contract([weights(b.contract([b.constant(0.5), Q, K], [D])), V], [J]),
    "temperature": attended(b.binary("div", SCORES, b.unary("exp", b.input("t", [])))),
    "values first": b.contract([V, weights(SCORES)], [J]),
    "a sum of products": b.reduce("sum", b.binary("mul", weights(SCORES), V), [J]),
    "scores a sum of products": attended(b.reduce("sum", b.binary("mul", Q, K), [D])),
    "spelled out": b.reduce("sum", b.binary("mul", b.binary("div", exp(SCORES),
                                                            total(exp(renamed(SCORES)), R)), V), [J]),
    "one quotient": b.binary("div", b.reduce("sum", b.binary("mul", exp(SCORES), V), [J]), total(exp(SCORES), J)),
    "a result renamed": b.contract([b.rename(weights(SCORES), {J: R}), b.rename(V, {J: R})], [R]),
    "a bias": attended(b.binary("add", X, b.binary("div", SCORES, ROOT))),
    "a bias before scaling": attended(b.binary("div", b.binary("add", SCORES, X), ROOT)),
    "projected": b.contract([attended(SCORES), b.input("o", [E, R])], [E]),
    "projected at once": b.contract([weights(SCORES), V, b.input("o", [E, R])], [J, E]),
}  # fmt: skip


@pytest.mark.parametrize("title", ATTENTION)
def test_attention_in_its_spellings(title):
    fused = fuse(ATTENTION[title])
    assert names(fused) == ["attention"]
    agree(ATTENTION[title], fused)


CAUSAL = {
    "keys not after the query": b.select(b.binary("le", b.iota(J), b.iota(I_)), SCORES, HIDDEN),
    "queries not before the key": b.select(b.binary("ge", b.iota(I_), b.iota(J)), SCORES, HIDDEN),
    "later keys hidden": b.select(LATER, HIDDEN, SCORES),
    "an added mask": b.binary("add", SCORES, b.select(LATER, HIDDEN, b.constant(0))),
    "an added mask of other names": b.binary("add", SCORES, b.rename(b.select(
        b.binary("gt", b.iota(R), b.iota(I_)), b.constant(float("-inf")), b.constant(0)), {R: J})),
    "counted from one": b.select(b.binary("le", b.iota(J, 1), b.iota(I_, 1)), SCORES, HIDDEN),
}  # fmt: skip


@pytest.mark.parametrize("title", CAUSAL)
def test_causal_masks(title):
    node = attended(CAUSAL[title])
    fused = fuse(node)
    assert fused.attr("name") == "attention" and dict(fused.attr("attrs"))["causal"]
    assert len(fused.args) == 5, "the mask is no argument any more"
    agree(node, fused)


OTHER_MASKS = {
    "the query itself hidden": b.select(b.binary("lt", b.iota(J, -1), b.iota(I_)), SCORES, HIDDEN),
    "keys before the query hidden": b.select(b.binary("ge", b.iota(J), b.iota(I_)), SCORES, HIDDEN),
    "a window": b.select(b.binary("lt", b.unary("abs", b.binary("sub", b.iota(J), b.iota(I_))), b.constant(2)),
                         SCORES, HIDDEN),
    "a soft mask": b.binary("add", SCORES, b.select(LATER, b.constant(-3), b.constant(0))),
}  # fmt: skip


@pytest.mark.parametrize("title", OTHER_MASKS)
def test_other_masks_are_arguments(title):
    node = attended(OTHER_MASKS[title])
    fused = fuse(node)
    assert fused.attr("name") == "attention" and not dict(fused.attr("attrs")).get("causal")
    assert len(fused.args) == 6
    agree(node, fused)


LOOKALIKES = {
    "another sum": b.binary("div", exp(X), total(exp(b.unary("neg", X)), J)),
    "a sum over rows": b.binary("div", exp(b.rename(X, {})), b.reduce("sum", exp(X), [I_, J])),
    "one and a half": b.binary("div", b.constant(1), b.binary("add", b.constant(1.5), exp(b.unary("neg", X)))),
    "log of one plus": b.unary("log", one_plus(b.unary("square", X))),
    "a maximum with one": b.binary("maximum", X, b.constant(1)),
    "scores through a function": b.contract([b.binary("mul", weights(b.unary("tanh", SCORES)), X), V], [J]),
}  # fmt: skip


@pytest.mark.parametrize("title", LOOKALIKES)
def test_lookalikes_stay(title):
    fused = fuse(LOOKALIKES[title])
    assert set(names(fused)) <= {"softmax", "logsumexp"} & set(names(LOOKALIKES[title]))
    agree(LOOKALIKES[title], fused)


def test_a_softmax_over_queries_is_no_attention_over_keys():
    node = b.contract([weights(SCORES, I_), V], [J])
    assert names(fuse(node)) == ["softmax"]
    agree(node, fuse(node))


def test_weights_that_are_used_themselves_stay_available():
    both = fuse_all([weights(SCORES), attended(SCORES)])
    assert names(both[0]) == ["softmax"] and names(both[1]) == ["attention"]


def test_sums_of_products_become_contractions_with_common_factors_outside():
    y = b.input("y", [I_])
    node = b.reduce("sum", b.binary("mul", b.binary("mul", y, X), W), [J])
    fused = fuse(node)
    assert fused.op == "mul" and {a.op for a in fused.args} == {"input", "contract"}
    agree(node, fused)


def test_long_programs_are_walked_without_recursion():
    node = b.input("x", [])
    for _ in range(5000):
        node = b.unary("sin", b.binary("mul", node, node))
    assert len(nodes(fuse(node))) == len(nodes(node))


def kernel(x: Node) -> Node:
    return b.unary("square", x)


LONG = [Axis.fresh(n, s) for n, s in zip("ijl", (40, 30, 30), strict=True)]
LONG_Q, LONG_K, LONG_V = b.input("q", [LONG[0], D]), b.input("k", [LONG[1], D]), b.input("v", [LONG[1], E])
SIMILAR = b.contract([kernel(LONG_Q), kernel(LONG_K)], [D])
TOTAL = b.reduce("sum", b.rename(SIMILAR, {LONG[1]: LONG[2]}), [LONG[2]])
LINEAR = {
    "a product": b.contract([SIMILAR, LONG_V], [LONG[1]]),
    "a quotient": b.binary("div", b.contract([SIMILAR, LONG_V], [LONG[1]]), TOTAL),
    "weights": b.contract([b.binary("div", SIMILAR, TOTAL), LONG_V], [LONG[1]]),
    "a sum of weights": b.reduce("sum", b.binary("mul", b.binary("div", SIMILAR, TOTAL), LONG_V), [LONG[1]]),
}


@pytest.mark.parametrize("title", LINEAR)
def test_attention_by_kernels_stays_linear_in_the_length(title):
    fused = fuse(LINEAR[title])
    assert not any({LONG[0], LONG[1]} <= set(n.axes) for n in nodes(fused))
    agree(LINEAR[title], fused)


def test_a_product_that_is_used_itself_is_not_computed_twice():
    both = fuse_all([SIMILAR, b.contract([SIMILAR, LONG_V], [LONG[1]])])
    assert both[1].op == "contract" and both[0] in both[1].args


def test_parts_that_differ_in_the_names_of_axes_are_computed_once():
    here, there = (b.unary("sin", b.contract([b.rename(X, {J: a}), b.rename(W, {J: a})], [a])) for a in (J, R))
    other = b.rename(there, {I_: Axis.fresh("o", 4)})
    node = b.binary("mul", here, other)
    fused = fuse(node)
    assert [n.op for n in nodes(fused)].count("contract") == 1
    agree(node, fused)


def test_parts_on_swapped_axes_are_not_the_same():
    square = b.input("s", [J, R])
    node = b.binary("sub", b.unary("exp", square), b.unary("exp", b.rename(square, {J: R, R: J})))
    fused = fuse(node)
    assert [n.op for n in nodes(fused)].count("exp") == 1
    agree(node, fused)


def test_differences_and_positions_keep_their_order():
    swapped = b.binary("sub", b.binary("sub", W, b.rename(b.input("u", [R]), {R: J})), b.binary("sub", b.rename(
        b.input("u", [R]), {R: J}), W))  # fmt: skip
    agree(swapped, fuse(swapped))
    shifted = b.binary("mul", b.binary("add", W, b.iota(J, 1)), b.binary("add", W, b.iota(J, 2)))
    agree(shifted, fuse(shifted))
