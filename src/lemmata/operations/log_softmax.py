"""log_softmax: the logarithm of softmax, without overflow."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def log_softmax(x: Node, axis: Axis) -> Node:
    shifted = build.binary("sub", x, build.reduce("max", x, [axis]))
    return build.binary("sub", shifted, build.unary("log", build.reduce("sum", build.unary("exp", shifted), [axis])))


OPERATION = Operation(
    "log_softmax",
    ("log_softmax", "LogSoftmax", "logsoftmax"),
    "x_i − log Σ_j exp(x_j) along an axis.",
    log_softmax,
    (Example(([0.0, 0.0],), [-0.6931471805599453, -0.6931471805599453], {"axis": 0}),),
    {"torch": "torch.log_softmax"},
)
