"""layer_norm: zero mean and unit variance along an axis (Ba et al. 2016); ε, gain and shift where they are given."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def layer_norm(
    x: Node, eps: Node | None = None, gain: Node | None = None, shift: Node | None = None, *, axis: Axis
) -> Node:
    """gain · (x − mean) / √(variance + ε) + shift; ε is a number, gain and shift run along the axis."""
    count = build.constant(axis.size)
    centred = build.binary("sub", x, build.binary("div", build.reduce("sum", x, [axis]), count))
    variance = build.binary("div", build.contract([centred, centred], [axis]), count)
    if eps is not None:
        variance = build.binary("add", variance, eps)
    result = build.binary("div", centred, build.unary("sqrt", variance))
    if gain is not None:
        result = build.binary("mul", result, gain)
    return result if shift is None else build.binary("add", result, shift)


OPERATION = Operation(
    "layer_norm",
    ("LayerNorm", "layernorm", "LN", "Layernorm"),
    "(x − mean) / standard deviation along an axis.",
    layer_norm,
    (Example(([1.0, 3.0],), [-1.0, 1.0], {"axis": 0}),),
    {"torch": "torch.nn.functional.layer_norm"},
)
