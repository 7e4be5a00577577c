"""Products summed over axes, planned for any library: which pair comes next, and what its axes are to each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.program.node import Axis

Axes = tuple[Axis, ...]


class Pair(Struct, frozen=True):
    """A product of two factors, summed over every axis that nothing else needs."""

    batch: Axes
    """In both, and needed."""
    rows: Axes
    """In the first only."""
    inner: Axes
    """In both, and summed."""
    columns: Axes
    """In the second only."""
    alone: tuple[Axes, Axes]
    """In one of them and summed there beforehand."""

    @property
    def axes(self) -> Axes:
        return (*self.batch, *self.rows, *self.columns)

    @staticmethod
    def of(a: Axes, b: Axes, needed: set[Axis]) -> Pair:
        return Pair(
            tuple(x for x in a if x in b and x in needed),
            tuple(x for x in a if x not in b and x in needed),
            tuple(x for x in a if x in b and x not in needed),
            tuple(x for x in b if x not in a and x in needed),
            (
                tuple(x for x in a if x not in b and x not in needed),
                tuple(x for x in b if x not in a and x not in needed),
            ),
        )


class Step(Struct, frozen=True):
    """Take the factors at `first` < `second` out of the list and append their product."""

    first: int
    second: int
    left: Axes
    right: Axes
    """The axes of the two factors."""
    pair: Pair


def plan(operands: list[Axes], kept: Axes) -> list[Step]:
    """Pairs in a cheap order; the last step gives the result, on `pair.axes`."""
    steps: list[Step] = []
    factors = list(operands)
    for i, j in _order(operands, kept):
        rest = [x for n, x in enumerate(factors) if n not in (i, j)]
        pair = Pair.of(factors[i], factors[j], {x for axes in rest for x in axes} | set(kept))
        steps.append(Step(i, j, factors[i], factors[j], pair))
        factors = [*rest, pair.axes]
    return steps


def _order(operands: list[Axes], kept: Axes) -> list[tuple[int, int]]:
    if len(operands) == 2:
        return [(0, 1)]
    labels = {a: n for n, a in enumerate(dict.fromkeys(x for axes in operands for x in axes))}
    given: list[Any] = []
    for axes in operands:
        given += [np.broadcast_to(0.0, tuple(a.size for a in axes)), [labels[a] for a in axes]]
    path = np.einsum_path(*given, [labels[a] for a in kept], optimize="greedy")[0][1:]
    pairs: list[tuple[int, int]] = []
    for step in path:
        chosen = sorted(step)
        if len(chosen) == 2:
            pairs.append((chosen[0], chosen[1]))
            continue
        # Several at once: pair by pair, the product always last in the list.
        rest = len(operands) - len(pairs)
        pairs.append((chosen[0], chosen[1]))
        for done, other in enumerate(chosen[2:], start=2):
            rest -= 1
            pairs.append((other - done, rest - 1))
    return pairs
