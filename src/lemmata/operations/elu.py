"""elu: x for x > 0, exp(x) − 1 otherwise, elementwise (Clevert et al. 2015)."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node


def elu(x: Node) -> Node:
    return build.select(
        build.binary("gt", x, build.constant(0)), x, build.binary("sub", build.unary("exp", x), build.constant(1))
    )


OPERATION = Operation(
    "elu",
    ("elu", "ELU"),
    "x for x > 0, exp(x) − 1 otherwise, elementwise (Clevert et al. 2015).",
    elu,
    (Example(([1.0, -1.0],), [1.0, -0.6321205588285577]),),
    {"torch": "torch.nn.functional.elu"},
)
