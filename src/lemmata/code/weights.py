"""What the weights of softmax-weighted sums look like when the cells run: heat maps, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct, field

from lemmata.documents.model import Position

ROWS, COLUMNS = 24, 48
"""Of a heat map; larger ones are averaged over blocks."""
MOST_WARNINGS = 3
"""Of one place."""
SUM = {"float16": 2e-2, "bfloat16": 5e-2}
"""How far sums may be off in low precision; otherwise 1e-3."""
LEAK = 1e-6
PEAK, SHARE = 0.999, 0.9


class HeatMap(Struct, frozen=True):
    """Weights of one place in the code."""

    cell: int
    line: int
    """In the document."""
    name: str
    shape: tuple[int, ...]
    rows: tuple[tuple[float, ...], ...]
    """Queries by keys, of the first sequence and head; NaN as -1."""
    notebook_cell: int | None = None
    """In notebooks: the cell that the line counts in."""


class Concern(Struct, frozen=True):
    """Something about weights that is seldom meant."""

    cell: int
    line: int
    message: str
    help: str = ""
    notebook_cell: int | None = None


class Sum(Struct, frozen=True):
    """One weighted sum as it was run: weights with queries in rows and keys in columns."""

    name: str
    weights: np.ndarray
    origin: str
    """`softmax`, `quotient` of exponentials, `dropout`, or `fused`: within PyTorch's attention in one call."""
    ordered: bool = True
    """Whether it is known over which axis the sum runs."""
    attention: bool = True
    """Whether words around it speak of attention; products with other stochastic matrices have ways of their own."""
    dtype: str = "float64"
    scores: np.ndarray | None = None
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)
    widths: Mapping[str, float] = field(default_factory=dict)


def read(event: Mapping[str, Any]) -> Sum | None:
    """A weighted sum from what the worker told; None for a quotient that is no softmax."""
    weights, scores = event["weights"].astype(float), event.get("scores")
    role, origin = str(event["role"]), str(event["origin"])
    if role == "right" and weights.ndim >= 2:
        weights = np.swapaxes(weights, -1, -2)
        scores = None if scores is None else np.swapaxes(scores, -1, -2)
    if not role and weights.ndim >= 2 and not _sums(weights) and _sums(np.swapaxes(weights, -1, -2)):
        weights = np.swapaxes(weights, -1, -2)
        scores = None if scores is None else np.swapaxes(scores, -1, -2)
    if origin == "quotient":
        rows = np.atleast_2d(weights)
        whole = rows[~np.isnan(rows).any(-1)]
        if not whole.size or not (_sums(whole) or _sums(np.swapaxes(rows, -1, -2))):
            return None
    if weights.shape[-1] < 2:
        return None
    masks = {str(k): v for k, v in event.get("masks", {}).items() if isinstance(v, np.ndarray)}
    scores = None if scores is None else scores.astype(float)
    widths = {str(k): float(v) for k, v in event.get("widths", {}).items()}
    attention = bool(event["attention"])
    return Sum(str(event["name"]), weights, origin, bool(role), attention, str(event["dtype"]), scores, masks, widths)


def heat_map(found: Sum, cell: int, at: Position) -> HeatMap:
    """Weights averaged down to what a page can show."""
    shown = found.weights.reshape(-1, *found.weights.shape[-2:])[0] if found.weights.ndim > 1 else found.weights[None]
    shown = np.nan_to_num(_blocks(_blocks(shown, ROWS, 0), COLUMNS, 1), nan=-1.0, posinf=-1.0, neginf=-1.0)
    rows = tuple(tuple(round(float(v), 4) for v in row) for row in shown)
    return HeatMap(cell, at.line, found.name, tuple(map(int, found.weights.shape)), rows, at.cell)


def _blocks(array: np.ndarray, most: int, axis: int) -> np.ndarray:
    size = array.shape[axis]
    if size <= most:
        return array
    return np.stack([part.mean(axis=axis) for part in np.array_split(array, most, axis=axis)], axis=axis)


def complaints(found: Sum) -> Iterator[tuple[str, str]]:
    """(what is wrong, what cures it) of one weighted sum."""
    table = np.atleast_2d(found.weights)
    lost = np.isnan(table).any(-1)
    if lost.any():
        yield _lost(found, table, lost)
        return
    if not found.attention and not found.masks:
        return
    if (
        found.origin in ("softmax", "quotient")
        and found.ordered
        and found.attention
        and not _sums(table, SUM.get(found.dtype, 1e-3))
    ):
        yield _unnormalised(found, table)
        return
    allowed = np.ones(table.shape, dtype=bool)
    for name, mask in found.masks.items():
        kept = _kept(mask, table.shape, name)
        if kept is None:
            continue
        allowed &= kept
        if told := _leaking(name, table, kept):
            yield told
            return
    if found.attention:
        yield from _one_place(table, allowed, found)


def _sums(table: np.ndarray, tolerance: float = 1e-3) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(table.sum(-1) - 1) <= tolerance) and np.all(table >= -tolerance))


def _lost(found: Sum, table: np.ndarray, lost: np.ndarray) -> tuple[str, str]:
    rows = _listed(np.flatnonzero(lost.reshape(-1, lost.shape[-1]).any(0)))
    scores = None if found.scores is None else np.atleast_2d(found.scores)
    if scores is not None and scores.shape == table.shape and np.all(np.isneginf(scores[lost]).all(-1)):
        return (
            f"{found.name}: the weights of query {rows} are NaN, since every key is masked with −∞",
            "leave such queries one key, or mask with a large finite number and ignore their result",
        )
    if scores is not None and np.isnan(scores).any():
        return f"{found.name}: the weights of query {rows} are NaN, since their scores are", ""
    cure = "subtract the largest score of each row before taking exponentials"
    return f"{found.name}: the weights of query {rows} are NaN", cure if scores is None or found.scores is None else ""


def _unnormalised(found: Sum, table: np.ndarray) -> tuple[str, str]:
    sums = table.sum(-1)
    spread = f"between {sums.min():.3g} and {sums.max():.3g}"
    if table.shape[-2] > 1 and _sums(np.swapaxes(table, -1, -2)):
        return (
            f"{found.name}: the weights of a query do not sum to one (but to {spread}); those of a key do",
            "the softmax runs over another axis than the weighted sum",
        )
    return (
        f"{found.name}: the weights of a query do not sum to one (but to {spread})",
        "masks and other factors belong in front of the softmax" if found.origin == "softmax" else "",
    )


def _kept(mask: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray | None:
    """Where a mask lets weights be, in the weights' shape; None where that cannot be told.

    Whether True keeps or hides is taken from the place that is never hidden: a position itself in a mask that differs
    between queries, the first position in one that does not.
    """
    lengths = False
    if mask.ndim == 0:
        return None
    if mask.dtype.kind == "f" and mask.size and np.all((mask == 0) | (mask <= -1e3)):
        mask, additive = mask < 0, True
    elif mask.dtype.kind in "iu" and "len" in name.lower() and mask.ndim == 1:
        mask, additive, lengths = np.arange(shape[-1]) >= mask[:, None], True, True
    elif np.all((mask == 0) | (mask == 1)):
        mask, additive = mask.astype(bool), False
    else:
        return None
    wide = _fitted(mask, shape, lengths)
    if wide is None or wide.all() or not wide.any():
        return None
    if additive:
        return ~wide
    same = bool(np.all(wide == wide[..., :1, :]))
    own = wide[..., 0] if same else np.diagonal(wide, axis1=-2, axis2=-1)
    if not same and shape[-1] != shape[-2]:
        return None
    return wide if own.all() else ~wide if not own.any() else None


def _fitted(mask: np.ndarray, shape: tuple[int, ...], batch: bool) -> np.ndarray | None:
    """A mask in the weights' shape: its own axes last, or (only so with `batch`) batch first and keys last.

    None if it fits in neither way, or in both with different results.
    """
    forms = [] if batch else [mask.shape]
    if mask.ndim >= 2 and len(shape) > mask.ndim:
        forms.append((mask.shape[0], *(1,) * (len(shape) - mask.ndim), *mask.shape[1:]))
    fits = [
        np.broadcast_to(mask.reshape(form), shape)
        for form in forms
        if len(form) <= len(shape)
        and all(a in (1, b) for a, b in zip(form[::-1], shape[::-1]))
        and form[-1] == shape[-1]
    ]
    return fits[0] if fits and all(np.array_equal(fits[0], other) for other in fits[1:]) else None


def _leaking(name: str, table: np.ndarray, kept: np.ndarray) -> tuple[str, str] | None:
    rows = kept.any(-1)  # a query that may look nowhere looks anywhere
    hidden = np.where(kept, 0.0, table).sum(-1)[rows]
    if not hidden.size or hidden.max() <= LEAK:
        return None
    if hidden.min() >= PEAK:
        text = f"all weight lies on positions that {name} hides"
        return text, f"{name} is taken the wrong way round"
    share = f"up to {hidden.max():.2g} of a query's weight"
    return (
        f"{share} lies on positions that {name} hides",
        "set their scores to −∞ before the softmax" if hidden.max() > 0.01 else "the mask's number is not large enough",
    )


def _one_place(table: np.ndarray, allowed: np.ndarray, found: Sum) -> Iterator[tuple[str, str]]:
    """All weight on the first position, or on one position each: scores too far apart."""
    open_ = allowed.sum(-1) >= 3
    if found.scores is not None and np.shape(found.scores) == found.weights.shape:
        scores = np.atleast_2d(found.scores)
        allowed = allowed & (scores > -1e3) & np.isfinite(scores)
        open_ &= allowed.sum(-1) >= 3
    if open_.sum() < 3:
        return
    rows = table[open_]
    top = rows.max(-1)
    if table.shape[-2] >= 4 and (rows[:, 0] > PEAK).mean() >= SHARE:
        yield f"{found.name}: nearly every query puts all its weight on the first position", ""
        return
    text = f"{found.name}: the softmax is saturated: on average {top.mean():.0%} of the weight lies on one key"
    if found.scores is None or np.shape(found.scores) != found.weights.shape:
        if top.mean() > 0.99:
            yield text, "make the scores smaller"
        return
    spread = float(np.mean([np.std(s[a]) for s, a in zip(scores[open_], allowed[open_])]))
    cure = f"divide the scores by {spread:.3g}, their standard deviation"
    for name, width in found.widths.items():
        if width >= 9 and 0.6 < spread / np.sqrt(width) < 1.6 and top.mean() > (0.6 if spread > 5 else 0.8):
            cure = f"divide the scores by {np.sqrt(width):.3g} = √{width:.0f}, the width of {name}"
            yield text, f"{cure}; their standard deviation is {spread:.3g}"
            return
    if spread >= 4 and top.mean() > 0.95:
        yield text, cure


def _listed(numbers: Sequence[int] | np.ndarray) -> str:
    shown = ", ".join(str(int(n) + 1) for n in numbers[:4])
    return shown + (" …" if len(numbers) > 4 else "")


def survey(events: Sequence[Mapping[str, Any]]) -> tuple[tuple[HeatMap, ...], tuple[Concern, ...]]:
    """Heat maps, the last values of each place, and warnings, each once."""
    maps: dict[tuple[int, int, str], HeatMap] = {}
    told: dict[tuple[int, int, str], dict[str, Concern]] = {}
    for event in events:
        found = read(event)
        if found is None:
            continue
        at = event["at"]
        place = (int(event["cell"]), int(at.line), found.name)
        maps.pop(place, None)
        maps[place] = heat_map(found, place[0], at)
        kinds = told.setdefault(place, {})
        for message, help in complaints(found):
            kind = message.split("%")[0][:40]
            if kind not in kinds and len(kinds) < MOST_WARNINGS:
                kinds[kind] = Concern(place[0], at.line, message, help, at.cell)
    return tuple(maps.values()), tuple(w for kinds in told.values() for w in kinds.values())
