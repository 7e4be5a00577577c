"""normal_pdf: The density of the standard normal law."""

from __future__ import annotations

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node


def normal_pdf(x: Node) -> Node:
    return build.binary(
        "div",
        build.unary("exp", build.binary("div", build.binary("mul", x, x), build.constant(-2))),
        build.unary("sqrt", build.binary("mul", build.constant(2), build.special("pi"))),
    )


OPERATION = Operation(
    "normal_pdf",
    ("varphi",),
    "The density of the standard normal law.",
    normal_pdf,
    (Example((0.0,), 0.3989422804014327),),
    {},
)
