"""sigmoid: 1/(1+exp(-x)), elementwise."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node


def sigmoid(x: Node) -> Node:
    return build.binary(
        "div", build.constant(1), build.binary("add", build.constant(1), build.unary("exp", build.unary("neg", x)))
    )


OPERATION = Operation(
    "sigmoid",
    ("sigmoid", "Sigmoid", "logistic", "expit"),
    "1/(1+exp(-x)), elementwise.",
    sigmoid,
    (Example((0.0,), 0.5), Example((1.0,), 0.7310585786300049)),
    {"torch": "torch.sigmoid"},
)
