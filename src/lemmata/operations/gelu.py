"""gelu: x Φ(x) with the normal distribution function, elementwise (Hendrycks and Gimpel 2016)."""

from __future__ import annotations

from lemmata.operations.normal_cdf import normal_cdf
from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node


def gelu(x: Node) -> Node:
    return build.binary("mul", x, normal_cdf(x))


OPERATION = Operation(
    "gelu",
    ("gelu", "GELU"),
    "x Φ(x) with the normal distribution function, elementwise (Hendrycks and Gimpel 2016).",
    gelu,
    (Example((1.0,), 0.8413447460685429),),
    {"torch": "torch.nn.functional.gelu"},
)
