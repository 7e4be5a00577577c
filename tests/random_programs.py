"""Small random programs that are defined everywhere, for tests that compare interpreters."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lemmata.operations import call
from lemmata.program import build as b
from lemmata.program.node import Axis, Node

ROWS, COLUMNS, OTHER = Axis.fresh("i", 2), Axis.fresh("j", 3), Axis.fresh("k", 2)
INPUTS = {"x": (ROWS, COLUMNS), "y": (COLUMNS,), "z": (ROWS, OTHER), "t": ()}
SMOOTH = ("neg", "square", "tanh", "sin", "cos", "arctan", "erf")
RATIONAL = ("neg", "square")


@dataclass(frozen=True)
class Program:
    node: Node
    feeds: dict[str, Any]
    """Arrays of fractions with small numerators over powers of two."""

    @property
    def floats(self) -> dict[str, Any]:
        return {name: value.astype(float) for name, value in self.feeds.items()}


def leaves() -> list[Node]:
    return [b.input(name, axes) for name, axes in INPUTS.items()]


@st.composite
def programs(draw: st.DrawFn, rational: bool = False, smooth: bool = False) -> Program:
    """A program of up to eight steps; `rational` has no functions, `smooth` no cases."""
    known = leaves()
    for _ in range(draw(st.integers(1, 8))):
        found = _step(draw, known, rational, smooth)
        if found is not None and found.dtype == "real":
            known.append(found)
    numbers = st.integers(-12, 12).map(lambda n: Fraction(n, 4))
    feeds = {}
    for name, axes in INPUTS.items():
        shape = tuple(a.size for a in axes)
        count = int(np.prod(shape, dtype=int))
        flat = draw(st.lists(numbers, min_size=count, max_size=count))
        array = np.empty(count, dtype=object)
        array[:] = flat
        feeds[name] = array.reshape(shape)
    return Program(known[-1], feeds)


def _step(draw: st.DrawFn, known: list[Node], rational: bool, smooth: bool) -> Node | None:
    x, y = draw(st.sampled_from(known)), draw(st.sampled_from(known))
    kinds = ["unary", "binary", "sum", "contract", "quotient", "rename", "index", "stack", "merge", "prod", "diagonal"]
    kinds += [] if rational else ["softmax", "exp"]
    kinds += [] if rational or smooth else ["extreme", "cases", "max"]
    kind = draw(st.sampled_from(kinds))
    if kind in ("sum", "max", "prod", "softmax", "index", "merge") and not x.axes:
        return None
    axis = draw(st.sampled_from(x.axes)) if x.axes else ROWS
    match kind:
        case "unary":
            return b.unary(draw(st.sampled_from(RATIONAL if rational else SMOOTH)), x)
        case "binary":
            return b.binary(draw(st.sampled_from(["add", "sub", "mul"])), x, y)
        case "quotient":
            return b.binary("div", x, b.binary("add", b.unary("square", y), b.constant(1)))
        case "exp":
            return b.unary("exp", b.unary("sin", x))
        case "extreme":
            return b.binary(draw(st.sampled_from(["maximum", "minimum"])), x, y)
        case "cases":
            return b.select(b.binary(draw(st.sampled_from(["lt", "ge"])), x, y), x, b.constant(1))
        case "sum" | "max" | "prod":
            return b.reduce(kind, x, [axis])
        case "softmax":
            return call("softmax", [x], axis=axis)
        case "contract":
            axes = b.union([x, y])
            return b.contract([x, y], [draw(st.sampled_from(axes))]) if axes else None
        case "rename":
            swap = {ROWS: OTHER, OTHER: ROWS}
            return b.rename(x, swap)
        case "diagonal":
            return b.diagonal(x, ROWS, OTHER) if {ROWS, OTHER} <= set(x.axes) else None
        case "index":
            shifted = b.binary("sub", b.iota(axis), b.constant(draw(st.integers(0, 2))))
            return b.take(x, axis, shifted, fill=0)
        case "stack":
            return b.stack([x, y], OTHER) if OTHER not in b.union([x, y]) else None
        case "merge":
            if len(x.axes) < 2:
                return None
            pair = x.axes[-2:]
            merged = Axis.fresh("m", pair[0].size * pair[1].size)
            return b.split(b.unary("neg", b.merge(x, pair, merged)), merged, pair)
    return None
