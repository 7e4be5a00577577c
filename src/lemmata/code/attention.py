"""Multi-head attention with one or more of its usual mistakes, to say which of them a piece of code makes.

q, k, v: (n, d), (m, d), (m, d) of one sequence; w: (d, h·d_k) for the projections, (h·d_k, d) for the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Protocol

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.target import CannotLower, Target

Array = np.ndarray


class Semantics(Struct, frozen=True):
    """One way to compute attention; the first value of every field is the right one."""

    scores: str = "positions"
    split: str = "moved"
    merge: str = "moved"
    scale: str = "root"
    axis: str = "keys"
    projected: str = "yes"


CHOICES: Mapping[str, tuple[str, ...]] = {
    "scores": ("positions", "heads"),
    "split": ("moved", "viewed"),
    "merge": ("moved", "mixed"),
    "scale": ("root", "none", "width", "model", "times", "after"),
    "axis": ("keys", "queries"),
    "projected": ("yes", "no"),
}
FAULTS: Mapping[tuple[str, str], str] = {
    ("scores", "heads"): "scores are taken between the heads of one position (h × h), not between positions (n × n): "
    "the head axis is not moved in front of the sequence axis",
    ("split", "viewed"): "splitting into heads mixes positions: the projection is reshaped to (h, n, d_k) directly, "
    "without moving the head axis",
    (
        "merge",
        "mixed",
    ): "merging the heads mixes positions: the axes are not in the order (sequence, head, d_k) when they are reshaped",
    ("scale", "none"): "scores are not divided by √d_k",
    ("scale", "width"): "scores are divided by d_k, not by √d_k",
    ("scale", "model"): "scores are divided by √d_model, not by √d_k",
    ("scale", "times"): "scores are multiplied by √d_k, not divided",
    ("scale", "after"): "the division by √d_k comes after the softmax",
    ("axis", "queries"): "softmax runs over the queries, not over the keys",
    ("projected", "no"): "the output projection is missing",
}


def softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return np.asarray(e / np.sum(e, axis=axis, keepdims=True))


def attend(q: Array, k: Array, v: Array, how: Semantics, model: int) -> Array:
    """Attention over the last two axes."""
    width = k.shape[-1]
    scores = q @ np.swapaxes(k, -1, -2)
    factor = {"root": width**-0.5, "none": 1.0, "width": 1.0 / width, "model": model**-0.5, "times": width**0.5}
    weights = softmax(scores * factor.get(how.scale, 1.0), -1 if how.axis == "keys" else -2)
    return (weights * width**-0.5 if how.scale == "after" else weights) @ v


def multi_head(qkv: Sequence[Array], w: Sequence[Array], heads: int, how: Semantics) -> Array:
    """Multi-head attention of one sequence computed `how`. Raises ValueError where that way has no shape."""
    (q, k, v), (wq, wk, wv, wo) = qkv, w
    q, k, v = q @ wq, k @ wk, v @ wv
    width = q.shape[-1] // heads

    def split(x: Array) -> Array:
        if how.split == "viewed":
            return x.reshape(heads, len(x), -1)
        return x.reshape(len(x), heads, -1).swapaxes(0, 1)

    q, k, v = split(q), split(k), split(v)
    if how.scores == "heads":
        out = attend(q.swapaxes(0, 1), k.swapaxes(0, 1), v.swapaxes(0, 1), how, heads * width).swapaxes(0, 1)
    else:
        out = attend(q, k, v, how, heads * width)
    count = out.shape[1]
    merged = (out.swapaxes(0, 1) if how.merge == "moved" else out).reshape(count, -1)
    return merged @ wo if how.projected == "yes" else np.asarray(merged)


def variants(names: Sequence[str]) -> Iterator[Semantics]:
    """Every combination over these fields, those with fewer mistakes first."""
    right = Semantics()
    combinations = [dict(zip(names, c, strict=True)) for c in product(*(CHOICES[n] for n in names))]
    combinations.sort(key=lambda c: sum(getattr(right, n) != value for n, value in c.items()))
    for combination in combinations:
        yield replace(right, **combination)


def faults(how: Semantics) -> tuple[str, ...]:
    """What is wrong with this way, in words."""
    pairs = ((name, getattr(how, name)) for name in how.__struct_fields__)
    return tuple(FAULTS[p] for p in pairs if p in FAULTS)


def close(left: Array, right: Array, tolerance: float = 1e-6) -> bool:
    if np.shape(left) != np.shape(right):
        return False
    return bool(np.max(np.abs(left - right), initial=0.0) <= tolerance * (1 + np.max(np.abs(right), initial=0.0)))


def matching(runs: Sequence[tuple[Sequence[Array], Sequence[Array], int, Array]]) -> tuple[str, ...]:
    """The mistakes that explain every run (q k v, weights, heads, result of the code); empty if none does."""
    for how in variants(tuple(CHOICES)):
        try:
            if all(close(multi_head(qkv, w, h, how), np.squeeze(code)) for qkv, w, h, code in runs):
                return faults(how)
        except ValueError:
            continue
    return ()


class Run(Protocol):
    @property
    def values(self) -> Mapping[str, Any]: ...

    @property
    def code(self) -> Array: ...


def explain_attention(target: Target, trials: Sequence[Run]) -> str:
    """What code does instead, if the formula is attention of three arguments; else empty."""
    keys = [p.key for p in target.parameters]
    if len(keys) != 3 or not trials:
        return ""
    runs = [([np.asarray(t.values[k], dtype=float) for k in keys], t.code) for t in trials]
    if any(x.ndim != 2 for xs, _ in runs for x in xs):
        return ""
    try:
        for xs, _ in runs:
            q, k, v = xs
            if not close(target.evaluate(dict(zip(keys, xs, strict=True))), attend(q, k, v, Semantics(), 1)):
                return ""
    except (CannotLower, ValueError):
        return ""
    for how in variants(("scale", "axis")):
        try:
            if how.scale != "model" and all(close(attend(q, k, v, how, 1), np.squeeze(c)) for (q, k, v), c in runs):
                return "; ".join(faults(how))
        except ValueError:
            continue
    return ""
