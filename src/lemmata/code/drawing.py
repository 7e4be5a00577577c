"""Inputs on which a function is compared with its formula."""

from __future__ import annotations

import numpy as np

from lemmata.verify.problem import Domain
from lemmata.verify.sampling import one
from lemmata.verify.values import CannotDraw, Style


def drawn(
    domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, positive: bool, wide: bool = False
) -> np.ndarray:
    """Values of the declared domain; of an unbounded one, positive ones if asked. No row of a mask is all zero.

    `wide`: of another size each time, so that both branches of a minimum or a case are met.

    Raises ValueError.
    """
    scale = 2.0 ** rng.uniform(-2, 3) if wide else 1.0
    if domain != Domain():
        try:
            values = np.asarray(
                one(domain, shape, "real", rng, Style(scale=scale, positive=positive)).floats, dtype=float
            )
        except CannotDraw as cannot:
            raise ValueError(str(cannot)) from None
        if "binary" in domain.properties and values.ndim > 1:
            values[..., 0] = np.maximum(values[..., 0], values.max(-1) == 0)
        return values
    values = np.asarray(np.round(scale * rng.normal(size=shape), 3))
    return np.asarray(np.abs(values) + 0.1) if positive else values
