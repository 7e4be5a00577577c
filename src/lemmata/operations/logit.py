"""logit: log(x/(1−x)), the inverse of the sigmoid."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node


def logit(x: Node) -> Node:
    return build.unary("log", build.binary("div", x, build.binary("sub", build.constant(1), x)))


OPERATION = Operation(
    "logit",
    ("logit",),
    "log(x/(1−x)), the inverse of the sigmoid.",
    logit,
    (Example((0.5,), 0.0),),
    {"torch": "torch.logit"},
)
