"""softplus: log(1 + exp(x)), elementwise."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node


def softplus(x: Node) -> Node:
    return build.unary("log", build.binary("add", build.constant(1), build.unary("exp", x)))


OPERATION = Operation(
    "softplus",
    ("softplus", "Softplus"),
    "log(1 + exp(x)), elementwise.",
    softplus,
    (Example((0.0,), 0.6931471805599453),),
    {"torch": "torch.nn.functional.softplus"},
)
