"""layer_norm: zero mean and unit variance along an axis (Ba et al. 2016), without gain, bias and ε."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def layer_norm(x: Node, axis: Axis) -> Node:
    count = build.constant(axis.size)
    centred = build.binary("sub", x, build.binary("div", build.reduce("sum", x, [axis]), count))
    variance = build.binary("div", build.contract([centred, centred], [axis]), count)
    return build.binary("div", centred, build.unary("sqrt", variance))


OPERATION = Operation(
    "layer_norm",
    ("LayerNorm", "layernorm", "LN", "Layernorm"),
    "(x − mean) / standard deviation along an axis.",
    layer_norm,
    (Example(([1.0, 3.0],), [-1.0, 1.0], {"axis": 0}),),
    {"torch": "torch.nn.functional.layer_norm"},
)
