"""linear: a matrix product and a bias, over any leading axes."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def linear(x: Node, w: Node, b: Node, *, feature: Axis) -> Node:
    """Σ_feature x w + b; the bias runs along the axes that only w has."""
    return build.binary("add", build.contract([x, w], [feature]), b)


OPERATION = Operation(
    "linear",
    (),
    "x W + b, summed over one axis.",
    linear,
    (Example(([[1.0, 2.0]], [[3.0], [4.0]], [5.0]), [[16.0]], {"feature": "f"}, ("nf", "fo", "o", "no")),),
    {"torch": "torch.nn.functional.linear"},
)
