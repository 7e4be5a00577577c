"""softmax: exponentials that sum to one along an axis."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def softmax(x: Node, axis: Axis) -> Node:
    top = build.reduce("max", x, [axis])
    powers = build.unary("exp", build.binary("sub", x, top))
    return build.binary("div", powers, build.reduce("sum", powers, [axis]))


OPERATION = Operation(
    "softmax",
    ("softmax", "Softmax", "SoftMax"),
    "exp(x_i) / Σ_j exp(x_j) along an axis.",
    softmax,
    (Example(([0.0, 0.6931471805599453],), [1 / 3, 2 / 3], {"axis": 0}),),
    {"torch": "torch.softmax"},
)
