"""Products summed over axes, as matrix products of pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lemmata.backends.torch_layout import Kind, Rule, as_tensor, rearrange
from lemmata.program.node import Axis, Node

Pair = Callable[[Tensor, Tensor], Tensor]
Axes = tuple[Axis, ...]


def contraction(node: Node) -> Rule:
    """The rule of a `contract` node."""
    plan, last = _plan([a.axes for a in node.args], node.axes)
    back = rearrange(last, node.axes)
    sources = node.args

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        values = [as_tensor(kind, x, a.dtype) for x, a in zip(args, sources, strict=True)]
        values = [kind.whole(x) if node.dtype == "int" else kind.number(x) for x in values]
        for i, j, multiply in plan:
            right, left = values.pop(j), values.pop(i)
            values.append(multiply(left, right))
        result = back(values[0])
        assert isinstance(result, Tensor)
        return result

    return rule


def _plan(operands: list[Axes], kept: Axes) -> tuple[list[tuple[int, int, Pair]], Axes]:
    """Pairs in a cheap order, by position among the values left, i < j; and the axes of the result."""
    steps: list[tuple[int, int, Pair]] = []
    left = list(operands)
    for i, j in _order(operands, kept):
        a, b = left[i], left[j]
        others = {x for n, axes in enumerate(left) if n not in (i, j) for x in axes} | set(kept)
        multiply, axes = pair(a, b, others)
        steps.append((i, j, multiply))
        left = [x for n, x in enumerate(left) if n not in (i, j)] + [axes]
    return steps, left[0]


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


def pair(a: Axes, b: Axes, needed: set[Axis]) -> tuple[Pair, Axes]:
    """A product of two tensors summed over every axis that is not needed, and the axes of its result."""
    batch = tuple(x for x in a if x in b and x in needed)
    inner = tuple(x for x in a if x in b and x not in needed)
    rows, columns = tuple(x for x in a if x not in b and x in needed), tuple(x for x in b if x not in a and x in needed)
    lone_a = tuple(n for n, x in enumerate(a) if x not in b and x not in needed)
    lone_b = tuple(n for n, x in enumerate(b) if x not in a and x not in needed)
    a, b = tuple(x for n, x in enumerate(a) if n not in lone_a), tuple(x for n, x in enumerate(b) if n not in lone_b)
    axes = (*batch, *rows, *columns)
    summed = len(axes)
    product_a, product_b = rearrange(a, (*axes, *inner)), rearrange(b, (*axes, *inner))
    matrix_a, matrix_b = rearrange(a, (*batch, *rows, *inner)), rearrange(b, (*batch, *inner, *columns))
    counts = [math.prod(x.size for x in group) for group in (batch, rows, inner, columns)]
    n, r, k, c = counts
    shape = tuple(x.size for x in axes)
    dims = tuple(range(summed, summed + len(inner)))

    def multiply(x: Tensor, y: Tensor) -> Tensor:
        x, y = x.sum(lone_a) if lone_a else x, y.sum(lone_b) if lone_b else y
        if not inner:
            return product_a(x) * product_b(y)
        if not (x.is_floating_point() or x.is_complex()) or not (rows or columns):
            return (product_a(x) * product_b(y)).sum(dims)
        if x.dtype != y.dtype:
            joint = torch.promote_types(x.dtype, y.dtype)
            x, y = x.to(joint), y.to(joint)
        if not batch:
            return (matrix_a(x).reshape(r, k) @ matrix_b(y).reshape(k, c)).reshape(shape)
        return torch.bmm(matrix_a(x).reshape(n, r, k), matrix_b(y).reshape(n, k, c)).reshape(shape)

    return multiply, axes
