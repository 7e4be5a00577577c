"""rms_norm: x over its root mean square along an axis (Zhang and Sennrich 2019), without gain and ε."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def rms_norm(x: Node, axis: Axis) -> Node:
    mean = build.binary("div", build.contract([x, x], [axis]), build.constant(axis.size))
    return build.binary("div", x, build.unary("sqrt", mean))


OPERATION = Operation(
    "rms_norm",
    ("RMSNorm",),
    "x over its root mean square along an axis.",
    rms_norm,
    (Example(([3.0, 3.0],), [1.0, 1.0], {"axis": 0}),),
    {"torch": "torch.nn.functional.rms_norm"},
)
