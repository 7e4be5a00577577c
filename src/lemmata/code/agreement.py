"""When two arrays count as equal: the rounding that the formula itself turns into differences decides."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from lemmata.code.target import CannotLower, Target, Value

EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
SLACK, CLEAR = 16.0, 100.0
"""Differences up to SLACK roundings agree; only those past CLEAR times that are held against anybody."""


class Comparison(Struct, frozen=True):
    outcome: str
    """`equal`, `differ`, `unclear`, `broken` (the formula is finite, the code is not) or `shape`."""
    difference: float = 0.0
    tolerance: float = 0.0
    where: tuple[int, ...] = ()
    """Index of the largest difference, in the formula's shape."""
    left: float = 0.0
    right: float = 0.0
    """Formula's and code's value there."""
    scale: float = 0.0
    """The largest value of the formula."""

    @property
    def slight(self) -> bool:
        """Less than a hundredth: an approximation or an ε may be meant."""
        return self.outcome == "differ" and self.difference < 0.01 * self.scale


def roundoff(dtypes: tuple[str, ...]) -> float:
    """The relative rounding of the least precise of these types."""
    return max((EPS.get(d, EPS["float64"]) for d in dtypes), default=EPS["float64"])


def noise(target: Target, values: Mapping[str, Value], exact: np.ndarray, eps: float) -> float:
    """How far the formula's value moves when every input is off by a rounding."""
    rng = np.random.default_rng(7)
    worst = 0.0
    for _ in range(3):
        moved = {
            k: v * (1 + eps * rng.uniform(-1, 1, np.shape(v)))
            if isinstance(v, np.ndarray) and v.dtype.kind == "f"
            else v
            for k, v in values.items()
        }
        try:
            other = target.evaluate(moved)
        except CannotLower:
            continue
        with np.errstate(invalid="ignore"):  # where both are infinite
            worst = max(worst, float(np.max(np.abs(other - exact), initial=0.0)))
    return worst


def compare_arrays(formula: np.ndarray, code: np.ndarray, eps: float, moved: float) -> Comparison:
    """Compare up to axes of length one. `moved`: see `noise`."""
    left, right = np.squeeze(np.asarray(formula, dtype=float)), np.squeeze(np.asarray(code, dtype=float))
    if left.shape != right.shape:
        return Comparison("shape")
    if left.size == 0 or not (np.all(np.isfinite(left)) and np.all(np.isfinite(right))):
        broken = left.size > 0 and bool(np.all(np.isfinite(left)))
        return Comparison("broken" if broken else "unclear", float("nan"))
    gap = np.abs(left - right)
    at = np.unravel_index(int(np.argmax(gap)), left.shape)
    difference = float(gap[at])
    tolerance = SLACK * (moved + eps * float(np.max(np.abs(left)) + np.max(np.abs(right))))
    outcome = "equal" if difference <= tolerance else "differ" if difference > CLEAR * tolerance else "unclear"
    place = tuple(int(i) for i in at)
    return Comparison(
        outcome, difference, tolerance, place, float(left[at]), float(right[at]), float(np.max(np.abs(left)))
    )
