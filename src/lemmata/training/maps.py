"""What the attentions of a definition look at: the weights of every fused attention in it, as arrays."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from lemmata.backends.torch import compile
from lemmata.model.function import Function
from lemmata.operations.recognise import fuse
from lemmata.program.graph import nodes
from lemmata.program.node import Axis, Node


def attention_weights(function: Function, values: Mapping[str, Tensor], sizes: Mapping[str, int]) -> list[Tensor]:
    """The softmax of each attention, in the order of the program: batch axes, heads, queries, keys.

    `values` by the document's names, batch axes in front. Raises as the function itself does.
    """
    expression = function.expression
    program = function.program(expression, {n: tuple(x.shape) for n, x in values.items()}, sizes)
    found: list[tuple[Node, tuple[Axis, ...]]] = []
    for node in nodes(fuse(program.output)):
        if node.op != "call" or node.attr("name") != "attention":
            continue
        attrs = dict(node.attr("attrs"))
        query, key = attrs["query"], attrs["key"]
        weights = _weights(node.args[-1], query, key)
        if weights is not None:
            batch = [a for a in program.axes if a in weights.axes]
            rest = [*batch, *(a for a in weights.axes if a not in (query, key, *batch))]
            found.append((weights, (*rest, query, key)))
    if not found:
        return []
    run = compile([n for n, _ in found], program.inputs)
    feeds = [values[n.attr("name")].reshape([a.size for a in n.axes]) for n in program.inputs]
    with torch.no_grad():
        results = run(*feeds)
    return [x.permute([n.axes.index(a) for a in axes]) for x, (n, axes) in zip(results, found, strict=True)]


def _weights(expansion: Node, query: Axis, key: Axis) -> Node | None:
    """The factor beside the values in the sum over the keys that attention comes down to."""
    for node in reversed(nodes(expansion)):
        if node.op == "contract" and key in node.attr("over"):
            return next((x for x in node.args if query in x.axes and key in x.axes), None)
    return None
