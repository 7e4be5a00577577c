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
from lemmata.verify.trials import has_branches, instance_at
from lemmata.verify.values import CannotDraw, Draw, Style
from lemmata.verify.verdict import Counterexample

DRAWS = 6
CLEAR = 1e-3
"""The relative difference that a small counterexample should show."""
SIMPLER = 120
"""Evaluations that looking for rounder numbers may cost."""
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
            for trial in (simplified(Trial(sizes, instance, draws), failure.link), Trial(sizes, instance, draws)):
                ruling = referee.rule(instance, trial.draws, failure.link, min(512, limits.precision))
                if ruling.kind in ("differ", "violated"):
                    return Failure(trial, failure.link, ruling.index, ruling.left, ruling.right, ruling.enclosure)
    return failure


def simplified(trial: Trial, link: int) -> Trial:
    """The same sizes with as many zeros and ones as the claim clearly fails with, number by number; no array vanishes.

    Zero is left out where programs have branches: at their thresholds a claim may fail for that alone.
    """
    instance, draws = trial.instance, dict(trial.draws)
    relation = instance.relations[link]
    simple = (1.0, -1.0, 2.0) if has_branches(instance) else (0.0, 1.0, -1.0, 2.0)
    tries = 0
    for given in instance.inputs:
        name, domain = given.node.attr("name"), given.domain
        values = draws[name].floats
        if domain.properties - {"invertible"} or values.dtype.kind != "f" or draws[name].exact is not None:
            continue
        for index in np.ndindex(values.shape):
            for number in simple:
                if number == values[index] or tries == SIMPLER:
                    break
                low, high = domain.low, domain.high
                if (low is not None and number <= low) or (high is not None and number >= high):
                    continue
                tries += 1
                changed = values.copy()
                changed[index] = number
                if not changed.any() and values.size > 1:
                    continue
                if domain.properties and np.ndim(changed) > 1 and not (abs(np.linalg.det(changed)) > 0.5).all():
                    continue
                found = double.evaluate(instance, {**draws, name: Draw(changed)})
                if found is None or not (found.conditions and found.defined):
                    continue
                if _clearly_fails(found.sides[link], found.sides[link + 1], relation):
                    values = changed
                    draws[name] = Draw(changed)
                    break
    return Trial(trial.sizes, instance, draws)


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
        failure=failure,
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
