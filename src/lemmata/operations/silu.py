"""silu: x σ(x), elementwise."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.operations.sigmoid import sigmoid
from lemmata.program import build
from lemmata.program.node import Node


def silu(x: Node) -> Node:
    return build.binary("mul", x, sigmoid(x))


OPERATION = Operation(
    "silu",
    ("silu", "SiLU", "swish", "Swish"),
    "x σ(x), elementwise.",
    silu,
    (Example((1.0,), 0.7310585786300049),),
    {"torch": "torch.nn.functional.silu"},
)
