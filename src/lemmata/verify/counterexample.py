"""A failing instance that can be followed by hand: small sizes, small whole numbers, the first differing component."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lemmata.verify import double, referee
from lemmata.verify.outcome import Failure, Limits, Trial
from lemmata.verify.problem import CannotLower, Problem
from lemmata.verify.sampling import draw, generator
from lemmata.verify.sizes import smallest
from lemmata.verify.trials import instance_at
from lemmata.verify.values import CannotDraw, Draw, Style
from lemmata.verify.verdict import Counterexample

DRAWS = 6
CLEAR = 1e-3
"""The relative difference that a small counterexample should show."""
SHOWN = 64
"""Numbers of one input that are worth printing."""


def shrink(problem: Problem, failure: Failure, seed: int, limits: Limits) -> Failure:
    """The same link failing at smaller sizes and rounder numbers, confirmed by the referee; otherwise as it was."""
    relation = failure.trial.instance.relations[failure.link]
    for number, sizes in enumerate(itertools.islice(smallest(problem), 3)):
        try:
            instance = instance_at(problem, sizes)
        except CannotLower:
            continue
        if double.elements(instance.sides) > limits.referee_elements:
            continue
        for attempt in range(DRAWS):
            rng = generator(seed, 7919, number, attempt)
            try:
                draws = draw(instance.inputs, rng, Style(whole=True, sign=0 if attempt else 1))
            except CannotDraw:
                break
            values = double.evaluate(instance, draws)
            if values is None or not values.conditions:
                continue
            left, right = values.sides[failure.link], values.sides[failure.link + 1]
            if not _clearly_fails(left, right, relation):
                continue
            ruling = referee.rule(instance, draws, failure.link, min(512, limits.precision))
            if ruling.kind in ("differ", "violated"):
                trial = Trial(sizes, instance, draws)
                return Failure(trial, failure.link, ruling.index, ruling.left, ruling.right, ruling.enclosure)
    return failure


def _clearly_fails(left: Any, right: Any, relation: str) -> bool:
    with np.errstate(all="ignore"):
        if left.dtype == bool or right.dtype == bool:
            return bool((left != right).any())
        if not (np.isfinite(left).all() and np.isfinite(right).all()):
            return False
        scale = max(float(abs(left).max(initial=0.0)), float(abs(right).max(initial=0.0)))
        if relation in ("=", "\\ne"):
            return bool(float(abs(left - right).max(initial=0.0)) > CLEAR * scale)
        excess = np.real(left - right if relation in ("<", "\\le") else right - left).astype(float)
        return bool(float(excess.max(initial=-math.inf)) > CLEAR * scale)


def describe(failure: Failure) -> Counterexample:
    """The failing instance in the author's names."""
    trial = failure.trial
    values: dict[str, object] = {}
    hidden = False
    for given in trial.instance.inputs:
        if not given.latex:
            hidden = True
            continue
        values[given.latex] = plain(trial.draws[given.node.attr("name")])
    note = "the functions that the document leaves open are smooth examples" if hidden else ""
    return Counterexample(
        sizes=_sizes(trial.sizes),
        values=values,
        left=_tidy(failure.left),
        right=_tidy(failure.right),
        where=_where(failure),
        note=note,
    )


def _sizes(sizes: Mapping[str, int]) -> dict[str, int]:
    named = {name.strip("?").split(":")[0]: value for name, value in sizes.items() if not name.startswith("?")}
    return {name: value for name, value in named.items() if name}


def _where(failure: Failure) -> str:
    parts = []
    instance = failure.trial.instance
    if len(instance.relations) > 1:
        parts.append(f"link {failure.link + 1} of {len(instance.relations)}")
    axes = double.common_axes(instance.sides)
    if axes:
        places = ", ".join(str(i + 1) for i in failure.index)
        labels = ", ".join(a.label for a in axes)
        several = len(axes) > 1
        place = f"component ({places})" if several else f"component {places}"
        # Sizes that nobody named have labels with a question mark, plain lengths are no names either.
        named = all(a.label and a.label[0] not in "?0123456789" for a in axes)
        parts.append(f"{place} over ({labels})" if several and named else f"{place} over {labels}" if named else place)
    return "; ".join(parts)


def plain(value: Draw) -> object:
    """Numbers and nested lists, whole ones as integers, no more than can be read."""
    if value.floats.size > SHOWN:
        shape = " × ".join(map(str, value.floats.shape))
        return f"{shape} numbers, the first {_tidy(float(np.real(value.floats.flat[0])))}"
    nested: object = value.floats.tolist()
    return _tidy(nested)


def _tidy(value: object) -> object:
    if isinstance(value, list):
        return [_tidy(v) for v in value]
    if isinstance(value, complex):
        return [_tidy(value.real), _tidy(value.imag)]
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return int(value) if value == int(value) and abs(value) < 1e15 else value
    return value
