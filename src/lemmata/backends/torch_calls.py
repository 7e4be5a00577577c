"""Operations of the catalogue as PyTorch spells them; what is missing here is run by its definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lemmata.backends.torch_layout import Kind, Rule, as_index, as_tensor, rearrange
from lemmata.program.node import Axis, Node


def _attr(node: Node, name: str) -> Any:
    return dict(node.attr("attrs"))[name]


def _elementwise(function: Callable[[Tensor], Tensor]) -> Callable[[Node], Rule]:
    return lambda node: lambda kind, x: function(kind.number(x[0]))


def _along(function: Callable[[Tensor, int], Tensor]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        axes, axis = node.args[0].axes, _attr(node, "axis")
        dim = axes.index(axis)
        back = rearrange(axes if axis in node.axes else tuple(a for a in axes if a != axis), node.axes)
        return lambda kind, x: back(function(kind.number(x[0]), dim))

    return make


def _normalised(function: Callable[..., Tensor]) -> Callable[[Node], Rule]:
    """A norm that PyTorch takes over the last dimension, with its ε, gain and shift."""

    def make(node: Node) -> Rule:
        axes = node.args[0].axes
        axis = _attr(node, "axis")
        order = (*(a for a in axes if a != axis), axis)
        lay, back = rearrange(axes, order), rearrange((*(a for a in node.axes if a != axis), axis), node.axes)
        shape, extra = (axis.size,), set(node.axes) != set(axes)
        first = rearrange(axes, (*(a for a in node.axes if a != axis), axis)) if extra else lay
        plain = [(n.dtype, n.axes) for n in node.args[2:-1]]
        number = _Number()

        def rule(kind: Kind, args: list[Any]) -> Tensor:
            x = first(kind.number(args[0]))
            eps = args[1] if len(args) > 1 else 0.0
            gains = [as_tensor(kind, kind.number(g), d) for g, (d, _) in zip(args[2:], plain, strict=True)]
            gains = [g if g.dtype == x.dtype else g.to(x.dtype) for g in gains]
            if isinstance(eps, Tensor):
                if eps.requires_grad or torch.compiler.is_compiling():
                    return back(_by_definition(function, x, eps, gains))
                eps = number(eps)
            return back(function(x, shape, *gains, eps=float(eps)))

        return rule

    return make


class _Number:
    """The value of a tensor that holds one number, asked of its device once as long as it stays the same."""

    def __init__(self) -> None:
        self.known: tuple[Tensor, int, float] | None = None

    def __call__(self, x: Tensor) -> float:
        if x.is_inference():
            return float(x.item())
        if self.known is None or self.known[0] is not x or self.known[1] != x._version:
            self.known = x, x._version, float(x.item())
        return self.known[2]


def _by_definition(function: Callable[..., Tensor], x: Tensor, eps: Tensor, gains: list[Tensor]) -> Tensor:
    """With an ε that a gradient is asked for."""
    if function is functional.layer_norm:
        x = x - x.mean(-1, keepdim=True)
    x = x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps)
    x = x * gains[0] if gains else x
    return x + gains[1] if len(gains) > 1 else x


def _cross_entropy(node: Node) -> Rule:
    """−log softmax at a class, the class axis in second place; NaN for a class that is none."""
    x, place = node.args[:-1]
    axis = _attr(node, "axis")
    rest = tuple(a for a in x.axes if a != axis)
    lay, lay_place = rearrange(x.axes, (*rest, axis)), rearrange(place.axes, rest)
    back, shape = rearrange(rest, node.axes), tuple(a.size for a in rest)
    count = math.prod(shape)

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        logits = lay(kind.number(args[0])).reshape(count, axis.size)
        where, inside = as_index(as_tensor(kind, args[1], place.dtype), axis.size)
        where, inside = (lay_place(v).expand(shape).reshape(count) for v in (where, inside))
        found = functional.cross_entropy(logits, where, reduction="none")
        return back(torch.where(inside, found, torch.nan).reshape(shape))

    return rule


def _linear(node: Node) -> Rule:
    """One matrix product with its bias, the leading axes as rows."""
    x, w, b = node.args[:-1]
    feature = _attr(node, "feature")
    rows = tuple(a for a in x.axes if a != feature)
    columns = tuple(a for a in w.axes if a != feature)
    lay_x, lay_w = rearrange(x.axes, (*rows, feature)), rearrange(w.axes, (feature, *columns))
    lay_b, back = rearrange(b.axes, columns), rearrange((*rows, *columns), node.axes)
    shape = tuple(a.size for a in (*rows, *columns))
    count, width, inner = math.prod(a.size for a in rows), math.prod(a.size for a in columns), feature.size

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        first, second, third = (kind.number(as_tensor(kind, v, n.dtype)) for v, n in zip(args, (x, w, b), strict=True))
        first, second = lay_x(first).reshape(count, inner), lay_w(second).reshape(inner, width)
        third = lay_b(third).reshape(width)
        if not first.dtype == second.dtype == third.dtype:
            first, second, third = (t.to(kind.dtype) for t in (first, second, third))
        return back(torch.addmm(third, first, second).reshape(shape))

    return rule


def _attention(node: Node) -> Rule:
    """softmax(scale · q kᵀ + mask) v, any leading axes; `is_causal` where every key comes before its query."""
    q, k, v, _, *masks = node.args[:-1]
    names = dict(node.attr("attrs"))
    query, key, feature, value = (names[name] for name in ("query", "key", "feature", "value"))
    heads: tuple[Axis, ...] = (names["heads"],) if "groups" in names else ()
    groups: tuple[Axis, ...] = (names["groups"],) if "groups" in names else ()
    causal, grouped = bool(names.get("causal")), bool(groups)
    apart = tuple(a for a in node.axes if a not in (query, key, feature, value, *heads))
    batch, shared = (*apart, *heads), (*apart, *groups)
    forms = [_Form(q, batch, (query, feature)), _Form(k, shared, (key, feature)), _Form(v, shared, (key, value))]
    form = _Form(masks[0], batch, (query, key)) if masks else None
    back, shape = rearrange((*batch, query, value), node.axes), tuple(a.size for a in (*batch, query, value))
    number = _Number()

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        x, y, z = (f.tensor(kind, kind.number(a)) for f, a in zip(forms, args, strict=False))
        factor = args[3]
        if isinstance(factor, Tensor):
            if factor.requires_grad or torch.compiler.is_compiling():
                x, factor = x * factor, 1.0
            else:
                factor = number(factor)
        if not x.dtype == y.dtype == z.dtype:
            x, y, z = x.to(kind.dtype), y.to(kind.dtype), z.to(kind.dtype)
        mask = None if form is None else form.mask(kind, kind.number(args[4]), x.dtype)
        found = functional.scaled_dot_product_attention(
            x, y, z, attn_mask=mask, is_causal=causal and mask is None, scale=float(factor), enable_gqa=grouped
        )
        return back(found.reshape(shape))

    return rule


class _Form:
    """How an argument is laid out for the fused call: four dimensions, the last one without gaps."""

    def __init__(self, node: Node, batch: tuple[Axis, ...], last: tuple[Axis, Axis]) -> None:
        self.dtype = node.dtype
        self.lay = rearrange(node.axes, (*batch, *last))
        self.own = rearrange(node.axes, last) if not set(node.axes) & set(batch) else None
        self.sizes = tuple(a.size for a in batch)
        self.last = tuple(a.size for a in last)
        self.gaps = 2 - len(batch)
        whole = set(batch) <= set(node.axes)
        self.whole = whole and set(last) <= set(node.axes)
        self.four = (math.prod(self.sizes[:-1]), *self.sizes[-1:], *self.last)

    def tensor(self, kind: Kind, value: Any) -> Tensor:
        x: Tensor = self.lay(as_tensor(kind, value, self.dtype))
        if x.stride(-1) != 1:
            x = x.contiguous()
        return x if self.whole and not self.gaps else self._four(x.expand(*self.sizes, *self.last))

    def _four(self, x: Tensor) -> Tensor:
        if self.gaps < 0:
            return x.reshape(self.four)
        for _ in range(self.gaps):
            x = x.unsqueeze(0)
        return x

    def mask(self, kind: Kind, value: Any, dtype: torch.dtype) -> Tensor:
        """Without memory for the axes that the mask does not run along."""
        value = as_tensor(kind, value, self.dtype).to(dtype)
        if self.own is not None:
            found = self.own(value)
            return found.reshape((1,) * (2 - found.dim()) + tuple(found.shape)).expand(self.last)  # type: ignore[no-any-return]
        if self.gaps < 0:
            return self._four(self.lay(value).expand(*self.sizes, *self.last))
        found = self.lay(value)
        return self._four(found.expand(*found.shape[:-2], *self.last))


NATIVE: dict[str, Callable[[Node], Rule]] = {
    "sigmoid": _elementwise(torch.sigmoid), "relu": _elementwise(torch.relu), "gelu": _elementwise(functional.gelu),
    "gelu_tanh": _elementwise(lambda x: functional.gelu(x, approximate="tanh")),
    "silu": _elementwise(functional.silu), "elu": _elementwise(functional.elu), "logit": _elementwise(torch.logit),
    "softplus": _elementwise(lambda x: functional.softplus(x, threshold=40)),
    "normal_cdf": _elementwise(torch.special.ndtr),
    "softmax": _along(torch.softmax), "log_softmax": _along(torch.log_softmax), "logsumexp": _along(torch.logsumexp),
    "layer_norm": _normalised(functional.layer_norm), "attention": _attention, "linear": _linear,
    "cross_entropy": _cross_entropy,
}  # fmt: skip
if hasattr(functional, "rms_norm"):  # since PyTorch 2.4
    NATIVE["rms_norm"] = _normalised(functional.rms_norm)
