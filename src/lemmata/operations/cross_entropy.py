"""cross_entropy: −log softmax at a class, along an axis (the logarithm of the likelihood of one class)."""

from __future__ import annotations

from lemmata.operations.logsumexp import logsumexp
from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Axis, Node


def cross_entropy(x: Node, place: Node, *, axis: Axis) -> Node:
    """log Σ exp(x) − x at a zero-based place along the axis; NaN outside."""
    return build.binary("sub", logsumexp(x, axis), build.take(x, axis, place))


OPERATION = Operation(
    "cross_entropy",
    (),
    "log Σ_j exp(x_j) − x_c for a class c, along an axis.",
    cross_entropy,
    (Example(([[0.0, 0.0], [3.0, 3.0]], [0, 1]), [0.6931471805599453] * 2, {"axis": "c"}, ("nc", "n", "n")),),
    {"torch": "torch.nn.functional.cross_entropy"},
)
