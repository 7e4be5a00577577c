"""normal_cdf: The distribution function of the standard normal law."""

from __future__ import annotations

from fractions import Fraction

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node


def normal_cdf(x: Node) -> Node:
    return build.binary(
        "mul",
        build.constant(Fraction(1, 2)),
        build.binary(
            "add", build.constant(1), build.unary("erf", build.binary("div", x, build.unary("sqrt", build.constant(2))))
        ),
    )


OPERATION = Operation(
    "normal_cdf",
    ("Phi",),
    "The distribution function of the standard normal law.",
    normal_cdf,
    (Example((0.0,), 0.5), Example((1.0,), 0.8413447460685429)),
    {},
)
