"""Compiled programs: precision, devices, shapes, gradients, memory, fused calls."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from lemmata.backends import numpy as plain
from lemmata.operations import call, catalogue
from lemmata.operations.recognise import fuse
from lemmata.program import build as b
from lemmata.program.autodiff import gradient
from lemmata.program.graph import inputs, nodes
from lemmata.program.node import Axis
from primitive_cases import CASES, laid_out, weighted

torch = pytest.importorskip("torch")
backend = pytest.importorskip("lemmata.backends.torch")
calls = pytest.importorskip("lemmata.backends.torch_calls")
pytestmark = pytest.mark.torch

SMOOTH = [c for c in CASES if c.smooth and c.node.dtype == "real" and inputs(c.node)]


def real_inputs(node):
    return [i for i in inputs(node) if i.dtype == "real"]


@pytest.mark.parametrize("case", SMOOTH, ids=str)
def test_gradients_of_programs_are_those_of_autograd(case):
    loss = weighted(case.node)
    wanted, fed = real_inputs(loss), inputs(loss)
    tensors = [torch.tensor(np.asarray(case.feeds[i.attr("name")])) for i in fed]
    own = [t.requires_grad_(t.is_floating_point()) for t in tensors]
    (value,) = backend.compile([loss], fed)(*own)
    found = torch.autograd.grad(value, [t for t in own if t.requires_grad], allow_unused=True)
    for leaf, expected in zip(wanted, found, strict=True):
        node = gradient(loss, leaf)
        ours = laid_out(plain.run([node], case.feeds)[0], node, leaf.axes)
        expected = torch.zeros(ours.shape) if expected is None else expected
        if any(n.op == "eigh_outer" for n in nodes(loss)):  # defined for symmetric matrices only
            ours, expected = ours + ours.T, expected + expected.T
        np.testing.assert_allclose(ours, expected.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_precision_of_the_inputs_is_kept(dtype):
    i, j = Axis.fresh("i", 3), Axis.fresh("j", 4)
    x, w = b.input("x", [i, j]), b.input("w", [j])
    counted = b.binary("mul", b.iota(j), b.binary("div", b.constant(1), b.unary("sqrt", b.constant(3))))
    node = b.binary("add", b.contract([x, w], [j]), b.reduce("sum", b.binary("mul", x, counted), [j]))
    masked = b.select(b.binary("gt", b.iota(j), b.constant(1)), b.constant(0), b.constant(0.5))
    outputs = [node, call("softmax", [x], axis=j), b.binary("mul", masked, x), b.unary("sqrt", b.constant(2)), masked]
    for value in backend.compile(outputs, [x, w])(torch.ones(3, 4, dtype=dtype), torch.ones(4, dtype=dtype)):
        assert value.dtype == dtype


def test_whole_number_inputs_stay_whole_and_index():
    v, d, t = Axis.fresh("v", 7), Axis.fresh("d", 3), Axis.fresh("t", 5)
    table, ids = b.input("table", [v, d]), b.input("ids", [t], "int")
    program = backend.compile([b.take(table, v, ids)], [table, ids])
    weights, where = torch.randn(7, 3, requires_grad=True), torch.tensor([6, 0, 6, 1, 2])
    (rows,) = program(weights, where)
    assert program.outputs[0].axes == (d, t)
    assert torch.equal(rows, weights[where].T)
    rows.sum().backward()
    assert weights.grad[6].tolist() == [2.0] * 3 and weights.grad[3].tolist() == [0.0] * 3


def test_wrong_shapes_counts_and_missing_inputs_are_said():
    i = Axis.fresh("i", 3)
    x, y = b.input("x", [i]), b.input("y", [i])
    program = backend.compile([b.binary("add", x, y)], [x, y])
    with pytest.raises(ValueError, match=r"y has shape \(4,\), not \(3,\)"):
        program(torch.zeros(3), torch.zeros(4))
    with pytest.raises(ValueError, match="1 tensors for 2 inputs"):
        program(torch.zeros(3))
    with pytest.raises(KeyError, match="y"):
        backend.compile([b.binary("add", x, y)], [x])


def test_a_singular_matrix_is_not_a_number_as_on_numpy():
    i, j = Axis.fresh("i", 2), Axis.fresh("j", 2)
    x = b.input("x", [i, j])
    for node in (b.inv(x, i, j), b.cholesky(b.unary("neg", x), i, j)):
        feeds = {"x": np.ones((2, 2))}
        ours, theirs = plain.run([node], feeds)[0], backend.run([node], feeds)[0]
        assert np.isnan(ours).all() and torch.isnan(theirs).all()


def test_constant_masks_take_no_memory_where_they_repeat():
    n, batch = Axis.fresh("n", 64), Axis.fresh("b", 100_000)
    x = b.input("x", [n])
    wide = b.broadcast(b.iota(n), [batch])
    program = backend.compile([b.reduce("sum", b.binary("mul", x, wide), [n])], [x])
    program(torch.ones(64))
    (stored,) = (t for made in program._made.values() for t in made if t is not None)
    assert stored.untyped_storage().nbytes() <= 64 * 8 and tuple(stored.shape) == (64, 100_000)


def test_a_program_first_used_for_inference_can_be_trained_and_copied():
    n = Axis.fresh("n", 3)
    x = b.input("x", [n])
    program = copy.deepcopy(backend.compile([b.contract([x, b.unary("sqrt", b.iota(n))], [n])], [x]))
    with torch.inference_mode():
        program(torch.ones(3))
    leaf = torch.ones(3, requires_grad=True)
    program(leaf)[0].backward()
    np.testing.assert_allclose(leaf.grad, np.sqrt([0, 1, 2]), rtol=1e-6)


def test_every_native_spelling_has_an_implementation():
    named = {o.name for o in catalogue().values() if "torch" in o.native}
    newer = {n for n in named if not hasattr(torch.nn.functional, n) and n == "rms_norm"}
    assert named - newer <= set(calls.NATIVE)


def attention_program(batch, masked):
    axes = [Axis.fresh(f"b{n}", s) for n, s in enumerate(batch)]
    i, j, d, e = (Axis.fresh(n, s) for n, s in (("i", 5), ("j", 6), ("d", 4), ("e", 3)))
    q, k, v = b.input("q", [*axes, i, d]), b.input("k", [*axes, j, d]), b.input("v", [*axes, j, e])
    scores = b.binary("div", b.contract([q, k], [d]), b.unary("sqrt", b.constant(d.size)))
    hidden = b.unary("neg", b.special("inf"))
    given = [q, k, v]
    if masked == "causal":
        scores = b.select(b.binary("le", b.iota(j), b.iota(i)), scores, hidden)
    elif masked == "padding":
        keep = b.input("keep", [*axes[:1], j], "bool")
        given.append(keep)
        scores = b.select(keep, scores, hidden)
    elif masked == "bias":
        bias = b.input("bias", [i, j])
        given.append(bias)
        scores = b.binary("add", scores, bias)
    return b.contract([call("softmax", [scores], axis=j), v], [j]), given


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (2, 2, 3)])
@pytest.mark.parametrize("masked", ["no", "causal", "padding", "bias"])
def test_attention_becomes_the_fused_call_and_agrees(batch, masked, monkeypatch):
    node, given = attention_program(batch, masked)
    fused = fuse(node)
    assert fused.op == "call" and fused.attr("name") == "attention"
    seen = []
    real = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention",
                        lambda *a, **k: seen.append(k) or real(*a, **k))  # fmt: skip
    rng = np.random.default_rng(1)
    feeds = {g.attr("name"): rng.normal(size=tuple(a.size for a in g.axes)) for g in given}
    if "keep" in feeds:
        feeds["keep"] = np.arange(feeds["keep"].size).reshape(feeds["keep"].shape) % 3 != 1
    (expected,), (found,) = plain.run([node], feeds), backend.run([fused], feeds)
    assert len(seen) == 1 and seen[0]["is_causal"] is (masked == "causal")
    order = [fused.axes.index(a) for a in node.axes]
    np.testing.assert_allclose(found.permute(order).numpy(), expected, rtol=1e-9, atol=1e-12)
    (defined,) = plain.run([fused], feeds)
    np.testing.assert_allclose(found.numpy(), defined, rtol=1e-9, atol=1e-12)


def test_heads_split_from_one_projection_are_one_fused_call():
    """Multi-head self-attention from x (n, d) and weights (d, h·e), split and merged again."""
    n, m, d, f, h, e, u = (Axis.fresh(a, s) for a, s in zip("nmdfheu", (5, 5, 6, 6, 2, 3, 3), strict=True))
    x = b.input("x", [n, d])
    wq, wk, wv = (b.input(w, [d, f]) for w in ("wq", "wk", "wv"))
    q, k, v = (b.split(b.contract([x, w], [d]), f, (h, e)) for w in (wq, wk, wv))
    k, v = b.rename(k, {n: m}), b.rename(v, {n: m, e: u})
    scores = b.binary("mul", b.contract([q, k], [e]), b.constant(3**-0.5))
    out = b.merge(b.contract([call("softmax", [scores], axis=m), v], [m]), (h, u), f)
    fused = fuse(out)
    assert fused.op == "merge" and fused.args[0].attr("name") == "attention"
    rng = np.random.default_rng(2)
    feeds = {i.attr("name"): rng.normal(size=tuple(a.size for a in i.axes)) for i in (x, wq, wk, wv)}
    np.testing.assert_allclose(backend.run([fused], feeds)[0].numpy(), plain.run([out], feeds)[0], rtol=1e-9)
