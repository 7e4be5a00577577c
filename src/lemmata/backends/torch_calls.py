"""Operations of the catalogue as PyTorch spells them; what is missing here is run by its definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lemmata.backends.torch_layout import Kind, Rule, as_tensor, rearrange
from lemmata.program.node import Node


def _attr(node: Node, name: str) -> Any:
    return dict(node.attr("attrs"))[name]


def _elementwise(function: Callable[[Tensor], Tensor]) -> Callable[[Node], Rule]:
    return lambda node: lambda kind, x: function(kind.number(x[0]))


def _along(function: Callable[[Tensor, int], Tensor]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        axes = node.args[0].axes
        dim, back = axes.index(_attr(node, "axis")), rearrange(axes, node.axes)
        return lambda kind, x: back(function(kind.number(x[0]), dim))

    return make


def _normalised(function: Callable[..., Tensor]) -> Callable[[Tensor, int], Tensor]:
    """A norm that PyTorch takes over the last dimension, without ε."""

    def apply(x: Tensor, dim: int) -> Tensor:
        return function(x.movedim(dim, -1), (x.shape[dim],), eps=0.0).movedim(-1, dim)

    return apply


def _attention(node: Node) -> Rule:
    """softmax(scale · q kᵀ + mask) v, any leading axes; `is_causal` where every key comes before its query."""
    q, k, v, _, *masks = node.args[:-1]
    query, key, feature, value = (_attr(node, name) for name in ("query", "key", "feature", "value"))
    causal = bool(dict(node.attr("attrs")).get("causal"))
    own = {query, key, feature, value}
    batch = tuple(a for a in node.axes if a not in own)
    sizes = tuple(a.size for a in batch)
    layouts = [rearrange(n.axes, (*batch, *pair)) for n, pair in
               ((q, (query, feature)), (k, (key, feature)), (v, (key, value)))]  # fmt: skip
    lay_mask = rearrange(masks[0].axes, (*batch, query, key)) if masks else None
    back = rearrange((*batch, query, value), node.axes)
    four = (math.prod(sizes[:-1]), sizes[-1] if sizes else 1)

    def four_dimensional(x: Tensor) -> Tensor:
        return x if len(sizes) == 2 else x.reshape(*four, *x.shape[-2:])

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        parts = [f(kind.number(x)) for f, x in zip(layouts, args[:3], strict=True)]
        parts = [four_dimensional(x.expand(*sizes, *x.shape[-2:])) for x in parts]
        factor = args[3]
        if isinstance(factor, Tensor):
            parts[0], factor = parts[0] * factor, 1.0
        mask = None
        if lay_mask is not None:
            mask = lay_mask(as_tensor(kind, args[4], masks[0].dtype)).to(parts[0].dtype)
            before = (-1, -1) if len(sizes) == 2 else sizes
            mask = four_dimensional(mask.expand(*before, query.size, key.size))
        found = functional.scaled_dot_product_attention(
            parts[0], parts[1], parts[2], attn_mask=mask, is_causal=causal and mask is None, scale=float(factor)
        )
        return back(found.reshape(*sizes, query.size, value.size))

    return rule


NATIVE: dict[str, Callable[[Node], Rule]] = {
    "sigmoid": _elementwise(torch.sigmoid), "relu": _elementwise(torch.relu), "gelu": _elementwise(functional.gelu),
    "silu": _elementwise(functional.silu), "elu": _elementwise(functional.elu), "logit": _elementwise(torch.logit),
    "softplus": _elementwise(lambda x: functional.softplus(x, threshold=40)),
    "normal_cdf": _elementwise(torch.special.ndtr),
    "softmax": _along(torch.softmax), "log_softmax": _along(torch.log_softmax), "logsumexp": _along(torch.logsumexp),
    "layer_norm": _along(_normalised(functional.layer_norm)), "attention": _attention,
}  # fmt: skip
if hasattr(functional, "rms_norm"):  # since PyTorch 2.4
    NATIVE["rms_norm"] = _along(_normalised(functional.rms_norm))
