"""Whether code that agrees with a formula at some inputs may be meant for those alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

Trial = Callable[[Mapping[str, np.ndarray]], str]
"""The outcome of a comparison at some inputs."""
TRIES = 3


def unexplained(keys: Sequence[str], draw: Callable[[str], np.ndarray], trial: Trial) -> bool:
    """Whether formula and code part for either sign of every input, so that no sign of one input explains where not.

    `draw` gives positive values; each input in turn is taken negative.
    """
    for key in keys:
        outcomes = []
        for _ in range(TRIES):
            values = {k: -draw(k) if k == key else draw(k) for k in keys}
            outcomes.append(trial(values))
        if "differ" not in outcomes:
            return False
    return True
