"""relu: max(0, x), elementwise."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node


def relu(x: Node) -> Node:
    return build.binary("maximum", x, build.constant(0))


OPERATION = Operation(
    "relu",
    ("relu", "ReLU", "RELU"),
    "max(0, x), elementwise.",
    relu,
    (Example(([-1.0, 2.0],), [0.0, 2.0]),),
    {"torch": "torch.relu"},
)
