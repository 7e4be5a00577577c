"""Bounds hold: a second opinion by evaluating at many points of the domain."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lemmata.backends import numpy as backend
from lemmata.program import build as b
from lemmata.verify.bounds import Interval, bound, certainly
from lemmata.verify.problem import Instance
from lemmata.verify.sampling import draw, generator
from lemmata.verify.values import Style

from .claims import Scene, add, div, mul, num, square, sub, total

DOMAINS = [(None, None), (0, None), (0, 1), (-1, 1), (1, 3), (None, 0), (-2, -1)]
UNARY = "exp tanh erf arctan sin cos cosh abs neg sqrt log square reciprocal sign".split()
FUNCTIONS = {
    **{op: (lambda x, y, op=op: b.unary(op, x)) for op in UNARY},
    **{op: (lambda x, y, op=op: b.binary(op, x, y)) for op in ("add", "sub", "mul", "div", "maximum", "minimum")},
    "even power": lambda x, y: b.binary("pow", x, num(4)),
    "odd power": lambda x, y: b.binary("pow", x, num(3)),
    "root power": lambda x, y: b.binary("pow", x, num(0.5)),
    "square of a difference": lambda x, y: square(sub(x, y)),
    "sum": lambda x, y: total(mul(x, x)),
    "contraction": lambda x, y: b.contract([x, x, y], x.axes),
    "product": lambda x, y: b.reduce("prod", x, x.axes),
    "logistic": lambda x, y: div(num(1), add(num(1), b.unary("exp", b.unary("neg", x)))),
    "select": lambda x, y: b.select(b.binary("lt", x, y), x, mul(y, num(2))),
    "nested": lambda x, y: b.unary("log", add(b.unary("exp", x), b.unary("exp", y))),
    "constants": lambda x, y: add(mul(b.special("pi"), x), mul(num(0.1), y)),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_value_lies_in_its_interval(name, domain):
    s = Scene({"n": 40})
    x, y = s.input("x", "n", low=domain[0], high=domain[1]), s.input("y", "n", low=domain[0], high=domain[1])
    node = FUNCTIONS[name](x, y)
    found = bound(node, Instance(tuple(s.inputs), (node, node), ("=",)))
    for number, scale in enumerate((0.01, 1.0, 30.0)):
        draws = draw(s.inputs, generator(0, number), Style(scale=scale))
        (values,) = backend.run([node], {k: d.floats for k, d in draws.items()})
        values = values[np.isfinite(values)]
        slack = 1e-12 * np.maximum(1, abs(values))
        assert (values >= found.low - slack).all() and (values <= found.high + slack).all()


def test_comparisons_of_intervals():
    assert certainly(Interval(0, 1), "<", Interval(2, 3))
    assert certainly(Interval(0, 1), "\\le", Interval(1, 3))
    assert not certainly(Interval(0, 1), "<", Interval(1, 3))
    assert certainly(Interval(0, 1, high_open=True), "<", Interval(1, 3))
    assert not certainly(Interval(-math.inf, math.inf), "\\le", Interval(-math.inf, math.inf))
    assert not certainly(Interval(0, math.inf), "\\le", Interval(0, math.inf))
    assert certainly(Interval(2, 3), ">", Interval(0, 1)) and certainly(Interval(1, 3), "\\ge", Interval(0, 1))
