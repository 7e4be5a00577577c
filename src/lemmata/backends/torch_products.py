"""Products summed over axes, as matrix products of pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lemmata.backends.contraction import Step, plan
from lemmata.backends.torch_layout import Kind, Rule, as_tensor, rearrange
from lemmata.program.node import Node


def contraction(node: Node) -> Rule:
    """The rule of a `contract` node."""
    steps = plan([a.axes for a in node.args], node.axes)
    products = [(s.first, s.second, _product(s)) for s in steps]
    back = rearrange(steps[-1].pair.axes, node.axes)
    sources = node.args

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        values = [as_tensor(kind, x, a.dtype) for x, a in zip(args, sources, strict=True)]
        values = [kind.whole(x) if node.dtype == "int" else kind.number(x) for x in values]
        for i, j, multiply in products:
            right, left = values.pop(j), values.pop(i)
            values.append(multiply(left, right))
        result = back(values[0])
        assert isinstance(result, Tensor)
        return result

    return rule


def _product(step: Step) -> Callable[[Tensor, Tensor], Tensor]:
    pair = step.pair
    batch, rows, inner, columns, axes = pair.batch, pair.rows, pair.inner, pair.columns, pair.axes
    lone_a, lone_b = (
        tuple(own.index(x) for x in alone) for own, alone in zip((step.left, step.right), pair.alone, strict=True)
    )
    a, b = (
        tuple(x for x in own if x not in alone) for own, alone in zip((step.left, step.right), pair.alone, strict=True)
    )
    product_a, product_b = rearrange(a, (*axes, *inner)), rearrange(b, (*axes, *inner))
    matrix_a, matrix_b = rearrange(a, (*batch, *rows, *inner)), rearrange(b, (*batch, *inner, *columns))
    n, r, k, c = (math.prod(x.size for x in group) for group in (batch, rows, inner, columns))
    shape = tuple(x.size for x in axes)
    dims = tuple(range(len(axes), len(axes) + len(inner)))

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

    return multiply
