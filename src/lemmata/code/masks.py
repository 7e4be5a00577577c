"""Masks among a function's arguments: code and formula may mean opposite things by 1, or one of them adds −∞."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from lemmata.code.agreement import compare_arrays, roundoff
from lemmata.code.target import CannotLower, Parameter, Target, Value


class Run(Protocol):
    @property
    def values(self) -> Mapping[str, Value]: ...

    @property
    def code(self) -> np.ndarray: ...

    @property
    def like(self) -> str: ...

    @property
    def moved(self) -> float: ...


def doubt(target: Target, by_key: Mapping[str, str], runs: Sequence[Run]) -> str:
    """Why a difference may lie in what the mask means; empty if there is no mask or that is no matter."""
    masks = [p for p in target.parameters if p.key in by_key and "mask" in by_key[p.key].lower()]
    for parameter in masks:
        if "binary" not in parameter.domain.properties:
            return f"{by_key[parameter.key]} may hold another kind of mask than {parameter.latex}"
    if masks and all(_equal(target, run, masks) for run in runs):
        names = ", ".join(f"{by_key[p.key]} is 1 − {p.latex}" for p in masks)
        return f"the code computes the formula if {names}"
    return ""


def _equal(target: Target, run: Run, masks: Sequence[Parameter]) -> bool:
    """Whether the code computed the formula with every mask the other way round."""
    turned: dict[str, Value] = dict(run.values)
    for parameter in masks:
        value = turned[parameter.key]
        if isinstance(value, np.ndarray):
            turned[parameter.key] = 1 - value
    try:
        other = np.asarray(target.evaluate(turned), dtype=float)
    except CannotLower:
        return False
    eps = roundoff((run.like.split(" ")[-1], run.code.dtype.name))
    if other.shape != run.code.shape:
        return False
    rows = np.isfinite(other) & np.isfinite(run.code)
    for parameter in masks:  # a query that may look nowhere has no defined result
        value = np.asarray(turned[parameter.key])
        if value.ndim > 1 and value.shape[:-1] == rows.shape[:-1]:
            rows &= value.max(-1, keepdims=True) > 0
    if not rows.any():
        return False
    return compare_arrays(other[rows], run.code[rows], eps, run.moved).outcome == "equal"
