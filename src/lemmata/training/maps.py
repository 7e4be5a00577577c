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
        known = {n.uid for n in nodes(*node.args[:3])}
        for inner in nodes(node.args[-1]):
            if inner.uid in known or inner.op != "call" or inner.attr("name") != "softmax":
                continue
            if dict(inner.attr("attrs"))["axis"] is key and query in inner.axes:
                batch = [a for a in program.axes if a in inner.axes]
                rest = [*batch, *(a for a in inner.axes if a not in (query, key, *batch))]
                found.append((inner, (*rest, query, key)))
                break
    if not found:
        return []
    run = compile([n for n, _ in found], program.inputs)
    feeds = [values[n.attr("name")].reshape([a.size for a in n.axes]) for n in program.inputs]
    with torch.no_grad():
        results = run(*feeds)
    return [x.permute([n.axes.index(a) for a in axes]) for x, (n, axes) in zip(results, found, strict=True)]
