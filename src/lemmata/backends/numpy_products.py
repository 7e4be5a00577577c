"""Products summed over axes in NumPy: by einsum where they are small, as matrix products where they are not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lemmata.backends.contraction import Step, plan
from lemmata.program.node import Axis, Node
from lemmata.program.primitives import cost

Array = NDArray[Any]

LARGE = 2**15
"""Multiplications from which a matrix product is faster. Below, sums run in one order on every machine."""
MOST_AXES = 50
"""How many labels einsum has."""


class TooLarge(ValueError):
    """A program whose values would not fit."""


def lay(x: Array, axes: Sequence[Axis], wanted: Sequence[Axis]) -> Array:
    """The dimensions in another order, of size 1 for axes that are not there."""
    moved = x.transpose([axes.index(a) for a in wanted if a in axes])
    return moved.reshape(tuple(a.size if a in axes else 1 for a in wanted))


def contract(node: Node, args: list[Array]) -> Array:
    """The value of a `contract` node. Raises TooLarge."""
    if cost(node) >= LARGE and all(x.dtype.kind in "fc" for x in args):
        factors = list(args)
        steps = plan([a.axes for a in node.args], node.axes)
        for step in steps:
            right, left = factors.pop(step.second), factors.pop(step.first)
            factors.append(_product(step, left, right))
        return lay(factors[0], steps[-1].pair.axes, node.axes)
    labels: dict[int, int] = {}
    operands: list[Any] = []
    for x, source in zip(args, node.args, strict=True):
        operands += [x, [labels.setdefault(a.uid, len(labels)) for a in source.axes]]
    if len(labels) > MOST_AXES:
        raise TooLarge("a contraction over more than fifty axes")
    out = [labels[a.uid] for a in node.axes]
    return np.asarray(np.einsum(*operands, out, optimize="greedy" if len(args) > 2 else False))


def _product(step: Step, x: Array, y: Array) -> Array:
    pair = step.pair
    first, second = pair.alone
    x = x.sum(axis=tuple(step.left.index(a) for a in first)) if first else x
    y = y.sum(axis=tuple(step.right.index(a) for a in second)) if second else y
    left, right = (tuple(a for a in own if a not in gone) for own, gone in
                   ((step.left, first), (step.right, second)))  # fmt: skip
    if not pair.inner:
        return np.asarray(lay(x, left, pair.axes) * lay(y, right, pair.axes))
    n, r, k, c = (math.prod(a.size for a in group) for group in (pair.batch, pair.rows, pair.inner, pair.columns))
    rows = lay(x, left, (*pair.batch, *pair.rows, *pair.inner)).reshape(n, r, k)
    columns = lay(y, right, (*pair.batch, *pair.inner, *pair.columns)).reshape(n, k, c)
    return np.asarray(rows @ columns).reshape(tuple(a.size for a in pair.axes))
