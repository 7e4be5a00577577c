"""Attention as people write it: each document of `spellings/` beside PyTorch by hand, fused and naive.

Tensors are named as in the document; `make` gives them for queries and keys of a length and for heads of a width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

FOLDER = Path(__file__).parent / "spellings"
Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Shape:
    """Of one call: `heads` heads of `width` columns, made of tokens of heads · width columns."""

    length: int
    keys: int
    heads: int = 8
    width: int = 64
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """A document's definition and the same by hand."""

    document: str
    function: str
    make: Callable[[Shape, torch.Generator, torch.dtype], dict[str, Tensor]]
    fused: Callable[[Tensors], Tensor]
    naive: Callable[[Tensors], Tensor]
    causal: bool = False
    """Whether keys after the query are hidden, which the fused call takes as a flag."""
    mask: bool = False
    """Whether the fused call needs a mask or bias as an argument."""
    grouped: bool = False
    fixed: frozenset[str] = frozenset()
    """Tensors that no gradient is asked for: masks, lengths, widths of windows."""
    square: bool = False
    """Whether there are as many queries as keys."""
    small: bool = False
    """A call so short that a ratio says nothing but what Python takes."""

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.document}.md"

    def arguments(self, shape: Shape, dtype: torch.dtype = torch.float32, seed: int = 0) -> dict[str, Tensor]:
        return self.make(shape, torch.Generator().manual_seed(seed), dtype)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, scale: float | None = None) -> Tensor:
    """Attention as it is first written down: every step a tensor."""
    scores = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    return torch.softmax(scores if mask is None else scores + mask, -1) @ v


def fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False, **more: object) -> Tensor:
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, **more)


def past(n: int, like: Tensor) -> Tensor:
    """0 where the key is not after the query, −∞ elsewhere."""
    return torch.full((n, n), -torch.inf, dtype=like.dtype).triu(1)


def distance(n: int) -> Tensor:
    """i − j."""
    at = torch.arange(n)
    return at[:, None] - at


def heads_of(names: str, per_key: str = "", columns: bool = False) -> Callable[..., dict[str, Tensor]]:
    """Queries, keys and values under these three names, one matrix for each head."""
    q, k, v = names.split()

    def make(s: Shape, g: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        def one(n: int) -> Tensor:
            size = (s.width, n) if columns else (n, s.width)
            return torch.randn(s.batch, s.heads, *size, generator=g, dtype=dtype)

        return {q: one(s.length), k: one(s.keys), v: one(s.keys)}

    return make


def tokens(names: str, weights: Mapping[str, str]) -> Callable[..., dict[str, Tensor]]:
    """Tokens under some names, and weights by the letters of their shapes: heads, tokens' width, head's width."""

    def make(s: Shape, g: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
        size = {"h": s.heads, "r": max(1, s.heads // 4), "d": s.heads * s.width, "k": s.width}
        found = {}
        for at, name in enumerate(names.split()):
            n = s.length if at == 0 else s.keys
            found[name] = torch.randn(s.batch, n, size["d"], generator=g, dtype=dtype)
        for name, letters in weights.items():
            shape = [size[c] for c in letters]
            found[name] = torch.randn(*shape, generator=g, dtype=dtype) * shape[-2] ** -0.5
        return found

    return make


def with_extra(
    make: Callable[..., dict[str, Tensor]], extra: Callable[[Shape, torch.Generator, torch.dtype], dict[str, Tensor]]
) -> Callable[..., dict[str, Tensor]]:
    return lambda s, g, dtype: {**make(s, g, dtype), **extra(s, g, dtype)}


def number(name: str, value: float) -> Callable[..., dict[str, Tensor]]:
    return lambda s, g, dtype: {name: torch.tensor(value, dtype=dtype)}


def apart(x: Tensor, w: Tensor) -> Tensor:
    """x W of every head as (batch, head, token, column), by one product."""
    heads, inner, width = w.shape
    product = x @ w.transpose(0, 1).reshape(inner, heads * width)
    return product.view(*x.shape[:-1], heads, width).transpose(-2, -3)


def together(x: Tensor) -> Tensor:
    return x.transpose(-2, -3).flatten(-2)


def _heads(t: Tensors, names: str, of: str, causal: bool) -> Tensor:
    q, k, v = (apart(t[x], t[w]) for x, w in zip(names.split(), of.split(), strict=True))
    return together(fused(q, k, v, causal=causal)) @ t["W^O"]


def _naive_heads(t: Tensors, names: str, of: str, causal: bool) -> Tensor:
    found = []
    for i in range(t["W^Q"].shape[0]):
        q, k, v = (t[x] @ t[w][i] for x, w in zip(names.split(), of.split(), strict=True))
        found.append(attend(q, k, v, past(q.shape[-2], q) if causal else None))
    return torch.cat(found, -1) @ t["W^O"]


def _shared(t: Tensors) -> tuple[Tensor, Tensor, Tensor]:
    return apart(t["X"], t["W^Q"]), apart(t["X"], t["W^K"]), apart(t["X"], t["W^V"])


def _naive_grouped(t: Tensors) -> Tensor:
    found, share = [], t["W^Q"].shape[0] // t["W^K"].shape[0]
    for i in range(t["W^Q"].shape[0]):
        found.append(attend(t["X"] @ t["W^Q"][i], t["X"] @ t["W^K"][i // share], t["X"] @ t["W^V"][i // share]))
    return torch.cat(found, -1) @ t["W^O"]


def _one_key(t: Tensors) -> Tensor:
    q, k, v = apart(t["X"], t["W^Q"]), (t["X"] @ t["W^K"])[:, None], (t["X"] @ t["W^V"])[:, None]
    return together(fused(q, k.expand_as(q), v.expand_as(q))) @ t["W^O"]


def _naive_one_key(t: Tensors) -> Tensor:
    k, v = t["X"] @ t["W^K"], t["X"] @ t["W^V"]
    return torch.cat([attend(t["X"] @ w, k, v) for w in t["W^Q"]], -1) @ t["W^O"]


def turned(x: Tensor) -> Tensor:
    return x.transpose(-1, -2).contiguous()


def _matrix(document: str, function: str, names: str = "Q K V") -> Case:
    q, k, v = names.split()
    return Case(document, function, heads_of(names), lambda t: fused(t[q], t[k], t[v]),
                lambda t: attend(t[q], t[k], t[v]))  # fmt: skip


def _causal(document: str, function: str, names: str = "Q K V") -> Case:
    q, k, v = names.split()
    return Case(document, function, heads_of(names), lambda t: fused(t[q], t[k], t[v], causal=True),
                lambda t: attend(t[q], t[k], t[v], past(t[q].shape[-2], t[q])), causal=True, square=True)  # fmt: skip


def _masked(
    document: str,
    function: str,
    extra: Callable[..., dict[str, Tensor]],
    mask: Callable[[Tensors], Tensor],
    fixed: str,
    **more: bool,
) -> Case:
    return Case(
        document, function, with_extra(heads_of("Q K V"), extra), lambda t: fused(t["Q"], t["K"], t["V"], mask(t)),
        lambda t: attend(t["Q"], t["K"], t["V"], mask(t)), mask=True, fixed=frozenset(fixed.split()), **more,
    )  # fmt: skip


def _lengths(s: Shape, g: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    return {"\\ell": torch.full((s.batch, 1), s.keys - s.keys // 3, dtype=dtype)}


def _valid(s: Shape, g: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    return {"a": (torch.arange(s.keys) < s.keys - s.keys // 3).to(dtype).expand(s.batch, 1, s.keys).clone()}


def _slopes(s: Shape, g: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    return {"m": 2.0 ** -torch.linspace(8 / s.heads, 8, s.heads).to(dtype)}


def _biases(s: Shape, g: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    return {"b": torch.randn(s.heads, 2 * s.length - 1, generator=g, dtype=dtype)}


def _mask(s: Shape, g: torch.Generator, dtype: torch.dtype) -> dict[str, Tensor]:
    return {"M": torch.randn(s.length, s.keys, generator=g, dtype=dtype)}


def _padding(t: Tensors) -> Tensor:
    hidden = torch.arange(1, t["K"].shape[-2] + 1) > t["\\ell"]
    mask = torch.zeros(hidden.shape, dtype=t["K"].dtype).masked_fill(hidden, -torch.inf)[:, None, None]
    return mask.expand(-1, -1, t["Q"].shape[-2], -1)


def _tokens_only(t: Tensors) -> Tensor:
    mask = (1 - t["a"]) * -1e9
    return mask[:, :, None].expand(-1, -1, t["Q"].shape[-2], -1)


def _window(t: Tensors) -> Tensor:
    n = t["Q"].shape[-2]
    return torch.where(distance(n).abs() <= t["w"], 0.0, -torch.inf).to(t["Q"].dtype)


def _recent(t: Tensors) -> Tensor:
    between = distance(t["Q"].shape[-2])
    return torch.where((between >= 0) & (between < t["w"]), 0.0, -torch.inf).to(t["Q"].dtype)


# Masks of one matrix for each head have four axes: with three, PyTorch leaves the fused kernel.


def _alibi(t: Tensors) -> Tensor:
    between = distance(t["Q"].shape[-2])
    return torch.where(between >= 0, -t["m"][:, None, None] * between, -torch.inf)[None]


def _relative(t: Tensors) -> Tensor:
    n = t["Q"].shape[-2]
    return t["b"][:, n - 1 - distance(n)][None]


HEADS = {"W^Q": "hdk", "W^K": "hdk", "W^V": "hdk", "W^O": "dd"}
CASES = (
    _matrix("matrix", "Attention"),
    _matrix("undeclared", "Attention"),
    Case("rows", "o", lambda s, g, dtype: {
            n: torch.randn(s.batch, s.heads, *rows, s.width, generator=g, dtype=dtype)
            for n, rows in (("q", (s.length, 1)), ("K", (s.keys,)), ("V", (s.keys,)))},
         lambda t: fused(t["q"][..., 0, :], t["K"], t["V"])[..., None, :],
         lambda t: attend(t["q"][..., 0, :], t["K"], t["V"])[..., None, :]),
    _matrix("index", "o", "q k v"),
    _matrix("entries", "O"),
    _matrix("quotient", "o", "q k v"),
    Case("steps", "Z", tokens("X", {"W_Q": "dk", "W_K": "dk", "W_V": "dk"}),
         lambda t: fused(*((t["X"] @ t[w])[:, None] for w in ("W_Q", "W_K", "W_V")))[:, 0],
         lambda t: attend(*(t["X"] @ t[w] for w in ("W_Q", "W_K", "W_V"))), square=True),
    Case("columns", "Attention", heads_of("Q K V", columns=True),
         lambda t: fused(*map(turned, (t["Q"], t["K"], t["V"]))).transpose(-1, -2),
         lambda t: t["V"] @ torch.softmax(t["K"].mT @ t["Q"] * t["Q"].shape[-2] ** -0.5, -2)),
    Case("columns-transposed", "Attention", heads_of("Q K V", columns=True),
         lambda t: fused(*map(turned, (t["Q"], t["K"], t["V"]))).transpose(-1, -2),
         lambda t: t["V"] @ torch.softmax(t["Q"].mT @ t["K"] * t["Q"].shape[-2] ** -0.5, -1).mT),
    Case("heads", "MultiHead", tokens("Q K V", HEADS), lambda t: _heads(t, "Q K V", "W^Q W^K W^V", False),
         lambda t: _naive_heads(t, "Q K V", "W^Q W^K W^V", False)),
    Case("cross", "Cross", tokens("Y X", {"W^Q": "dk", "W^K": "dk", "W^V": "dk"}),
         lambda t: fused(*((t[x] @ t[w])[:, None] for x, w in zip("YXX", ("W^Q", "W^K", "W^V"), strict=True)))[:, 0],
         lambda t: attend(*(t[x] @ t[w] for x, w in zip("YXX", ("W^Q", "W^K", "W^V"), strict=True)))),
    Case("grouped", "Grouped", tokens("X", {"W^Q": "hdk", "W^K": "rdk", "W^V": "rdk", "W^O": "dd"}),
         lambda t: together(fused(*_shared(t), enable_gqa=True)) @ t["W^O"], _naive_grouped, grouped=True,
         square=True),
    Case("multi-query", "MultiQuery", tokens("X", {"W^Q": "hdk", "W^K": "dk", "W^V": "dk", "W^O": "dd"}),
         _one_key, _naive_one_key, square=True),
    Case("temperature", "Attention", with_extra(heads_of("Q K V"), number("\\tau", 3.0)),
         lambda t: fused(t["Q"], t["K"], t["V"], scale=1 / t["\\tau"].item()),
         lambda t: attend(t["Q"], t["K"], t["V"], scale=1 / t["\\tau"].item()), fixed=frozenset({"\\tau"})),
    _matrix("scale-width", "Attention"),
    Case("query", "Attend", lambda s, g, dtype: {
            "q": torch.randn(s.batch, s.heads, s.width, generator=g, dtype=dtype),
            **{n: torch.randn(s.batch, s.heads, s.keys, s.width, generator=g, dtype=dtype) for n in "KV"}},
         lambda t: fused(t["q"][..., None, :], t["K"], t["V"])[..., 0, :],
         lambda t: attend(t["q"][..., None, :], t["K"], t["V"])[..., 0, :], small=True),
    _causal("causal-mask", "Causal"),
    _causal("causal-cases", "Causal"),
    _causal("causal-le", "o", "q k v"),
    _causal("causal-past", "o", "q k v"),
    Case("causal-columns", "Causal", heads_of("Q K V", columns=True),
         lambda t: fused(*map(turned, (t["Q"], t["K"], t["V"])), causal=True).transpose(-1, -2),
         lambda t: t["V"] @ torch.softmax(
             t["K"].mT @ t["Q"] * t["Q"].shape[-2] ** -0.5 + past(t["Q"].shape[-1], t["Q"]).mT, -2),
         causal=True, square=True),
    Case("causal-heads", "MultiHead", tokens("X", HEADS), lambda t: _heads(t, "X X X", "W^Q W^K W^V", True),
         lambda t: _naive_heads(t, "X X X", "W^Q W^K W^V", True), causal=True, square=True),
    _masked("mask", "Attention", _mask, lambda t: t["M"], "M"),
    _masked("padding-length", "Attention", _lengths, _padding, "\\ell"),
    _masked("padding-mask", "Attention", _valid, _tokens_only, "a"),
    _masked("window", "Window", number("w", 64), _window, "w", square=True),
    _masked("causal-window", "Window", number("w", 64), _recent, "w", square=True),
    _masked("alibi", "ALiBi", _slopes, _alibi, "m", square=True),
    _masked("relative", "Attention", _biases, _relative, "b", square=True),
)  # fmt: skip
