"""Targets written in plain NumPy: what elaboration would provide."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from lemmata.code.spelling import spellings
from lemmata.code.target import CannotLower, Parameter
from lemmata.core.size import Size


def shape(text: str) -> tuple[Size, ...]:
    """`n d_k` or `h d h*d_k`."""
    sizes = []
    for word in text.split():
        size = Size.of(1)
        for factor in word.split("*"):
            size = size * Size.of(int(factor) if factor.isdigit() else factor)
        sizes.append(size)
    return tuple(sizes)


def parameter(latex: str, of: str | None, role: str = "input", indexed: int = 0) -> Parameter:
    return Parameter(latex, latex, spellings(latex), None if of is None else shape(of), role, indexed)


class FakeTarget(Struct, frozen=True):
    key: str
    latex: str
    kind: str
    parameters: Sequence[Parameter]
    formula: Callable[..., np.ndarray]
    """Takes the parameters by position."""
    line: int = 1
    subject: str | None = None

    @property
    def names(self):
        return spellings(self.latex)

    @property
    def sizes(self):
        return sorted({a for p in self.parameters for s in p.shape or () for a in s.atoms})

    def evaluate(self, values):
        try:
            return np.asarray(self.formula(*(values[p.key] for p in self.parameters)), dtype=float)
        except (ValueError, IndexError, KeyError) as error:
            raise CannotLower(str(error)) from None


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attend(q, k, v):
    return softmax(q @ k.T / np.sqrt(k.shape[-1])) @ v


def multi_head(q, k, v, wq, wk, wv, wo):
    heads = [attend(q @ wq[i], k @ wk[i], v @ wv[i]) for i in range(len(wq))]
    return np.concatenate(heads, -1) @ wo


X, W, B, Y = (parameter("X", "n d"), parameter("w", "d"), parameter("b", ""), parameter("y", "n"))
PREDICTION = FakeTarget("yhat", r"\hat{y}", "value", (X, W, B), lambda x, w, b: x @ w + b)
LOSS = FakeTarget("L", "L", "value", (X, W, B, Y), lambda x, w, b, y: np.mean((x @ w + b - y) ** 2))
GRADIENT_W = FakeTarget(
    "dw", r"\frac{\partial L}{\partial w}", "gradient", (X, W, B, Y),
    lambda x, w, b, y: 2 / len(y) * x.T @ (x @ w + b - y), subject="L",
)  # fmt: skip
GRADIENT_B = FakeTarget(
    "db", r"\frac{\partial L}{\partial b}", "gradient", (X, W, B, Y),
    lambda x, w, b, y: 2 / len(y) * np.sum(x @ w + b - y), subject="L",
)  # fmt: skip
REGRESSION = (PREDICTION, LOSS, GRADIENT_W, GRADIENT_B)

ATTENTION = FakeTarget(
    "Attention", r"\text{Attention}", "function",
    (parameter("Q", "n d_k", "argument"), parameter("K", "m d_k", "argument"), parameter("V", "m d_v", "argument")),
    attend,
)  # fmt: skip
MULTI_HEAD = FakeTarget(
    "MultiHead", r"\text{MultiHead}", "function",
    (
        *(parameter(name, "n d", "argument") for name in "QKV"),
        *(parameter(f"W_i^{name}", "h d d_k", "weight", 1) for name in "QKV"),
        parameter("W^O", "h*d_k d", "weight"),
    ),
    multi_head,
)  # fmt: skip
FEED_FORWARD = FakeTarget(
    "FFN", r"\text{FFN}", "function",
    (
        parameter("x", "n d", "argument"), parameter("W_1", "d d_ff", "weight"), parameter("b_1", "d_ff", "weight"),
        parameter("W_2", "d_ff d", "weight"), parameter("b_2", "d", "weight"),
    ),
    lambda x, w1, b1, w2, b2: np.maximum(0, x @ w1 + b1) @ w2 + b2,
)  # fmt: skip


def normalise(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True))


ADD_AND_NORM = FakeTarget(
    "addnorm", r"\text{LayerNorm}(x + \text{Sublayer}(x))", "function",
    (parameter("x", "n d", "argument"), parameter(r"\text{Sublayer}", None, "operation")),
    lambda x, sublayer: normalise(x + sublayer(x)),
)  # fmt: skip
