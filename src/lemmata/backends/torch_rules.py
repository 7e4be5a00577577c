"""Primitives on PyTorch tensors: one rule each, and how the rule of a node is found."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from lemmata.backends.torch_calls import NATIVE
from lemmata.backends.torch_layout import Kind, Rule, as_index, as_tensor, rearrange
from lemmata.backends.torch_products import contraction
from lemmata.program import build
from lemmata.program.node import Axis, Node


def rule_of(node: Node, known: list[Any], native: bool, layout: tuple[Axis, ...], place: bool) -> Rule:
    """The rule of a node; `known` holds the values of constant arguments, `layout` the axes that it is read in.

    `native`: calls of the catalogue run as PyTorch's own functions. `place`: the value only says places along an axis.
    """
    op = node.op
    if op == "call":
        return NATIVE[node.attr("name")](node) if native and node.attr("name") in NATIVE else lambda kind, x: x[0]
    if op in ELEMENTWISE:
        return _elementwise(node, layout, place)
    if op == "select":
        return _select(node, layout)
    if op == "take":
        return _take(node, known[1], layout)
    return RULES[op](node)


def _real_only(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: function(x) if x.is_complex() else x


def _pair(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any, Any], Tensor]:
    """Of two tensors, where one may be a number."""

    def apply(x: Any, y: Any) -> Tensor:
        if not isinstance(x, Tensor):
            x = torch.as_tensor(x, dtype=y.dtype, device=y.device)
        elif not isinstance(y, Tensor):
            y = torch.as_tensor(y, dtype=x.dtype, device=x.device)
        return function(x, y)

    return apply


def _maximum(x: Any, y: Any) -> Tensor:
    if isinstance(y, Tensor) and isinstance(x, Tensor):
        return torch.maximum(x, y)
    return torch.clamp(y, min=x) if isinstance(y, Tensor) else torch.clamp(x, min=y)


def _minimum(x: Any, y: Any) -> Tensor:
    if isinstance(y, Tensor) and isinstance(x, Tensor):
        return torch.minimum(x, y)
    return torch.clamp(y, max=x) if isinstance(y, Tensor) else torch.clamp(x, max=y)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **{op: getattr(torch, op) for op in (
        "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "erf",
        "lgamma", "digamma", "floor", "ceil", "reciprocal", "square",
    )},
    "neg": operator.neg, "abs": torch.abs, "sign": torch.sgn, "conj": lambda x: torch.conj(x).resolve_conj(),
    "real": _real_only(torch.real), "imag": lambda x: torch.imag(x) if x.is_complex() else torch.zeros_like(x),
    "not_": torch.logical_not, "and_": _pair(torch.logical_and), "or_": _pair(torch.logical_or),
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": torch.pow,
    "maximum": _maximum, "minimum": _minimum, "mod": torch.remainder, "atan2": _pair(torch.atan2),
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq, "ne": operator.ne,
}  # fmt: skip
SAME = build.LOGIC | build.COMPARISON | {"not_"}


def _elementwise(node: Node, order: tuple[Axis, ...], place: bool) -> Rule:
    function, back = ELEMENTWISE[node.op], rearrange(order, node.axes)
    layouts = [rearrange(a.axes, order) for a in node.args]
    whole, numeric = node.dtype == "int" or place, node.op not in SAME

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        laid = [f(x) for f, x in zip(layouts, args, strict=True)]
        if numeric:
            laid = [kind.whole(x) if whole else kind.number(x) for x in laid]
        result = back(function(*laid))
        assert isinstance(result, Tensor)
        return result

    return rule


def _select(node: Node, order: tuple[Axis, ...]) -> Rule:
    layouts, back = [rearrange(a.axes, order) for a in node.args], rearrange(order, node.axes)

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        condition, x, y = (f(v) for f, v in zip(layouts, args, strict=True))
        if isinstance(condition, bool):
            x, y = as_tensor(kind, x, node.dtype), as_tensor(kind, y, node.dtype)
            return back((x if condition else y).expand(tuple(a.size for a in order)))
        if node.dtype == "real":
            x, y = kind.number(x), kind.number(y)
        if not isinstance(x, Tensor) and not isinstance(y, Tensor):
            x = as_tensor(kind, x, node.dtype)
        return back(torch.where(condition, x, y))

    return rule


def _reduction(function: Callable[[Tensor, tuple[int, ...]], Tensor]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        dims = tuple(node.args[0].axes.index(a) for a in node.attr("over"))

        def rule(kind: Kind, args: list[Any]) -> Tensor:
            x = args[0]
            return function(kind.whole(x) if node.dtype != "bool" else x, dims)

        return rule

    return make


def _prod(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    for dim in sorted(dims, reverse=True):
        x = x.prod(dim)
    return x


def _quantifier(function: Callable[..., Tensor]) -> Callable[[Tensor, tuple[int, ...]], Tensor]:
    def apply(x: Tensor, dims: tuple[int, ...]) -> Tensor:
        for dim in sorted(dims, reverse=True):
            x = function(x, dim)
        return x

    return apply


def _diagonal(node: Node) -> Rule:
    a, c = node.attr("pair")
    axes = node.args[0].axes
    rest = [*(y for y in axes if y not in (a, c)), a]
    back = rearrange(tuple(rest), node.axes)
    return lambda kind, x: back(torch.diagonal(x[0], dim1=axes.index(a), dim2=axes.index(c)))


def _take(node: Node, known: Any, order: tuple[Axis, ...]) -> Rule:
    source, index = node.args
    axis, dim = node.attr("axis"), source.axes.index(node.attr("axis"))
    rest = tuple(a for a in source.axes if a != axis)
    if known is not None and not set(index.axes) & set(rest):
        places = np.asarray(known)
        if places.dtype.kind in "iu" and places.size and places.min() >= 0 and places.max() < axis.size:
            return _take_known(node, dim, places, rest, order)
    shape = tuple(a.size for a in node.axes)
    lay_source, lay_index = rearrange(source.axes, (*node.axes, axis)), rearrange(index.axes, node.axes)
    apart = not set(index.axes) & set(rest)
    back = rearrange((*index.axes, *rest), node.axes)
    fill = float("nan") if node.attr("fill") is None else node.attr("fill")

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        source_value = as_tensor(kind, args[0], source.dtype)
        place, inside = as_index(as_tensor(kind, args[1], index.dtype), axis.size)
        if apart and source_value.dim() == 2:
            found = back(functional.embedding(place, source_value.movedim(dim, 0)))
        elif apart:
            found = back(source_value.movedim(dim, 0)[place])
        else:
            rows = lay_source(source_value).expand(*shape, axis.size)
            found = torch.gather(rows, -1, lay_index(place).expand(shape)[..., None])[..., 0]
        if isinstance(fill, float):
            found = kind.number(found)
        if inside.device.type == "cpu" and not torch.compiler.is_compiling() and bool(inside.all()):
            return found
        return torch.where(lay_index(inside), found, fill)

    return rule


def _take_known(node: Node, dim: int, places: Any, rest: tuple[Axis, ...], order: tuple[Axis, ...]) -> Rule:
    """At indices known beforehand: a slice where they are consecutive."""
    index = node.args[1]
    own = tuple(a for a in order if a in index.axes)
    lay, places = rearrange(index.axes, own), places.transpose([index.axes.index(a) for a in own])
    if not places.ndim:
        back = rearrange(rest, node.axes)
        return lambda kind, x: back(x[0].select(dim, int(places)))
    axes = (*rest[:dim], *own, *rest[dim:])
    back = rearrange(axes, node.axes)
    first = int(places.flat[0])
    if places.ndim == 1 and (places == first + np.arange(len(places))).all():
        return lambda kind, x: back(x[0].narrow(dim, first, len(places)))
    return lambda kind, x: back(x[0].index_select(dim, lay(x[1]).reshape(-1)).unflatten(dim, places.shape))


def _scatter(node: Node) -> Rule:
    x, index = node.args
    axis, over = node.attr("axis"), node.attr("over")
    kept = tuple(a for a in build.union(node.args) if a not in over)
    axes = (*kept, *over)
    shape = tuple(a.size for a in kept)
    whole = tuple(a.size for a in axes)
    layouts = rearrange(x.axes, axes), rearrange(index.axes, axes)
    back = rearrange((*kept, axis), node.axes)

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        data = layouts[0](as_tensor(kind, args[0], x.dtype)).expand(whole).reshape((*shape, -1))
        place = layouts[1](as_tensor(kind, args[1], index.dtype)).expand(whole).reshape((*shape, -1))
        inside = (place >= 0) & (place < axis.size)
        result = torch.zeros((*shape, axis.size), dtype=data.dtype, device=data.device)
        added = result.scatter_add(-1, torch.where(inside, place, 0).long(), torch.where(inside, data, 0))
        return back(added)

    return rule


def _joined(node: Node, parts: Sequence[tuple[Any, ...]]) -> Rule:
    """Arguments laid out on the axes given for each, side by side along the last of them."""
    layouts = [rearrange(a.axes, axes) for a, axes in zip(node.args, parts, strict=True)]
    shapes = [tuple(a.size for a in axes) for axes in parts]

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        laid = [f(as_tensor(kind, x, node.dtype)).expand(s) for f, x, s in zip(layouts, args, shapes, strict=True)]
        if node.dtype != "bool":
            laid = [kind.number(x) if node.dtype == "real" else kind.whole(x) for x in laid]
        return torch.cat(laid, -1) if node.op == "concat" else torch.stack(laid, -1)

    return rule


def _merge(node: Node) -> Rule:
    lay = rearrange(node.args[0].axes, (*node.axes[:-1], *node.attr("axes")))
    shape = tuple(a.size for a in node.axes)
    return lambda kind, x: lay(x[0]).reshape(shape)


def _split(node: Node) -> Rule:
    rest = node.axes[: len(node.axes) - len(node.attr("new"))]
    lay = rearrange(node.args[0].axes, (*rest, node.attr("axis")))
    shape = tuple(a.size for a in node.axes)
    return lambda kind, x: lay(x[0]).reshape(shape)


def _matrix(function: Callable[[Tensor], Tensor]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        row, column = node.attr("row"), node.attr("column")
        axes = node.args[0].axes
        lay = rearrange(axes, (*(a for a in axes if a not in (row, column)), row, column))
        return lambda kind, x: function(lay(kind.number(x[0])))

    return make


def _inv(x: Tensor) -> Tensor:
    inverse, info = torch.linalg.inv_ex(x)
    return torch.where((info == 0)[..., None, None], inverse, torch.nan)


def _cholesky(x: Tensor) -> Tensor:
    lower, info = torch.linalg.cholesky_ex(x)
    return torch.where((info == 0)[..., None, None], lower, torch.nan)


def _svd_outer(x: Tensor) -> Tensor:
    u, _, v = torch.linalg.svd(x, full_matrices=False)
    return torch.einsum("...ik,...kj->...ijk", u, v)


def _eigh_outer(x: Tensor) -> Tensor:
    _, v = torch.linalg.eigh(x)
    return torch.einsum("...ik,...jk->...ijk", v, v)


def _broadcast(node: Node) -> Rule:
    lay, shape = rearrange(node.args[0].axes, node.axes), tuple(a.size for a in node.axes)
    return lambda kind, x: lay(x[0]).expand(shape)


RULES: dict[str, Callable[[Node], Rule]] = {
    "broadcast": _broadcast, "contract": contraction,
    "sum": _reduction(lambda x, dims: x.sum(dims)), "prod": _reduction(_prod),
    "max": _reduction(lambda x, dims: torch.amax(x, dims)), "min": _reduction(lambda x, dims: torch.amin(x, dims)),
    "any": _reduction(_quantifier(torch.any)), "all": _reduction(_quantifier(torch.all)),
    "argmax": _reduction(lambda x, dims: torch.argmax(x, dims[0])),
    "argmin": _reduction(lambda x, dims: torch.argmin(x, dims[0])),
    "diagonal": _diagonal, "scatter": _scatter, "merge": _merge, "split": _split,
    "concat": lambda n: _joined(n, [(*n.axes[:-1], own) for own in n.attr("along")]),
    "stack": lambda n: _joined(n, [n.axes[:-1]] * len(n.args)),
    "inv": _matrix(_inv), "matrix_exp": _matrix(torch.linalg.matrix_exp), "cholesky": _matrix(_cholesky),
    "det": _matrix(torch.linalg.det), "logabsdet": _matrix(lambda x: torch.linalg.slogdet(x)[1]),
    "eigvalsh": _matrix(torch.linalg.eigvalsh), "svdvals": _matrix(torch.linalg.svdvals),
    "svd_outer": _matrix(_svd_outer), "eigh_outer": _matrix(_eigh_outer),
}  # fmt: skip
