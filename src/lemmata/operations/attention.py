"""attention: softmax(scale · q kᵀ + mask) v (Vaswani et al. 2017), over any leading axes."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.operations.softmax import softmax
from lemmata.program import build
from lemmata.program.node import Axis, Node


def attention(
    q: Node,
    k: Node,
    v: Node,
    scale: Node,
    mask: Node | None = None,
    *,
    query: Axis,
    key: Axis,
    feature: Axis,
    value: Axis,
    causal: bool = False,
    heads: Axis | None = None,
    groups: Axis | None = None,
) -> Node:
    """q has axes query and feature, k key and feature, v key and value; the mask is added to the scores.

    With `causal`, keys after the query's position are left out. With `groups` (Ainslie et al. 2023), k and v have this
    axis in the place of q's axis `heads`, and each of their heads serves as many heads of q, side by side.
    """
    if heads is not None and groups is not None:
        share = build.constant(heads.size // groups.size)
        place = build.unary("floor", build.binary("div", build.iota(heads), share))
        k, v = (build.take(x, groups, place) for x in (k, v))
    scores = build.binary("mul", scale, build.contract([q, k], [feature]))
    if mask is not None:
        scores = build.binary("add", scores, mask)
    if causal:
        scores = build.binary("add", scores, causal_mask(query, key))
    weights = softmax(build.broadcast(scores, [key]), key)
    return build.broadcast(build.contract([weights, v], [key]), [query, value])


def causal_mask(query: Axis, key: Axis) -> Node:
    """0 where the key is not after the query, −∞ elsewhere."""
    hidden = build.unary("neg", build.special("inf"))
    return build.select(build.binary("le", build.iota(key), build.iota(query)), build.constant(0), hidden)


OPERATION = Operation(
    "attention", (), "softmax(scale · q kᵀ + mask) v, over any leading axes.", attention,
    (Example(([[0.0], [1.0]], [[0.0], [0.6931471805599453]], [[3.0], [6.0]], 1.0), [[4.5], [5.0]],
             {"query": "q", "key": "k", "feature": "f", "value": "v"}, ("qf", "kf", "kv", "", "qv")),),
    {"torch": "torch.nn.functional.scaled_dot_product_attention"},
)  # fmt: skip
