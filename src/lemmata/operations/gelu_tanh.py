"""gelu_tanh: the approximation of GELU by a hyperbolic tangent (Hendrycks and Gimpel 2016), elementwise."""

from __future__ import annotations

from fractions import Fraction

from lemmata.operations.operation import Example, Operation
from lemmata.program import build
from lemmata.program.node import Node

CUBIC = Fraction(44715, 1_000_000)


def gelu_tanh(x: Node) -> Node:
    """x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    cubic = build.binary("mul", build.constant(CUBIC), build.binary("pow", x, build.constant(3)))
    root = build.unary("sqrt", build.binary("div", build.constant(2), build.special("pi")))
    bend = build.unary("tanh", build.binary("mul", root, build.binary("add", x, cubic)))
    half = build.binary("mul", build.constant(Fraction(1, 2)), x)
    return build.binary("mul", half, build.binary("add", build.constant(1), bend))


OPERATION = Operation(
    "gelu_tanh",
    (),
    "x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))), elementwise.",
    gelu_tanh,
    (Example((1.0,), 0.8411919906082768),),
    {"torch": 'torch.nn.functional.gelu(x, approximate="tanh")'},
)
