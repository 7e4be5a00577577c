"""logsumexp: log Σ exp(x) along an axis, without overflow."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def logsumexp(x: Node, axis: Axis) -> Node:
    top = build.reduce("max", x, [axis])
    powers = build.unary("exp", build.binary("sub", x, top))
    return build.binary("add", top, build.unary("log", build.reduce("sum", powers, [axis])))


OPERATION = Operation(
    "logsumexp",
    ("logsumexp", "LogSumExp"),
    "log Σ_j exp(x_j) along an axis.",
    logsumexp,
    (Example(([0.0, 0.0],), 0.6931471805599453, {"axis": 0}),),
    {"torch": "torch.logsumexp"},
)
