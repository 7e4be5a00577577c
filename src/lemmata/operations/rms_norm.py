"""rms_norm: x over its root mean square along an axis (Zhang and Sennrich 2019); ε and gain where they are given."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def rms_norm(x: Node, eps: Node | None = None, gain: Node | None = None, *, axis: Axis) -> Node:
    """gain · x / √(mean of squares + ε); ε is a number, the gain runs along the axis."""
    mean = build.binary("div", build.contract([x, x], [axis]), build.constant(axis.size))
    if eps is not None:
        mean = build.binary("add", mean, eps)
    result = build.binary("div", x, build.unary("sqrt", mean))
    return result if gain is None else build.binary("mul", result, gain)


OPERATION = Operation(
    "rms_norm",
    ("RMSNorm",),
    "x over its root mean square along an axis.",
    rms_norm,
    (Example(([3.0, 3.0],), [1.0, 1.0], {"axis": 0}),),
    {"torch": "torch.nn.functional.rms_norm"},
)
