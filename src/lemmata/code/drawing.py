"""Inputs on which a function is compared with its formula."""

from __future__ import annotations

import numpy as np

from lemmata.verify.problem import Domain
from lemmata.verify.sampling import one
from lemmata.verify.values import CannotDraw, Style


def drawn(domain: Domain, shape: tuple[int, ...], rng: np.random.Generator, positive: bool) -> np.ndarray:
    """Values of the declared domain; of an unbounded one, positive ones if asked. No row of a mask is all zero.

    Raises ValueError.
    """
    if domain != Domain():
        try:
            values = np.asarray(one(domain, shape, "real", rng, Style(positive=positive)).floats, dtype=float)
        except CannotDraw as cannot:
            raise ValueError(str(cannot)) from None
        if "binary" in domain.properties and values.ndim > 1:
            values[..., 0] = np.maximum(values[..., 0], values.max(-1) == 0)
        return values
    values = np.asarray(np.round(rng.normal(size=shape), 3))
    return np.asarray(np.abs(values) + 0.1) if positive else values
