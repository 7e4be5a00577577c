"""Links with an order: a search that may refute, bounds over the whole domain that may prove, otherwise neither."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping

import numpy as np

from lemmata.program.node import Node
from lemmata.verify import bounds, double, referee
from lemmata.verify.bounds import Interval, bound, certainly
from lemmata.verify.equations import equation
from lemmata.verify.excuses import as_condition
from lemmata.verify.named import named
from lemmata.verify.outcome import Failure, Limits, Outcome, Trial
from lemmata.verify.problem import Domain, Input, Instance
from lemmata.verify.sampling import draw, generator
from lemmata.verify.trials import Bench, Clock, Tried
from lemmata.verify.values import CannotDraw, Draw, Style

FREE = frozenset({"nonzero", "distinct"})
"""Properties under which single numbers may be moved."""
BOXES = 400
EXCESS = 1e-9
"""Of the larger side: what double precision must show before the referee is asked."""


def inequality(bench: Bench, link: int, seed: int, limits: Limits, clock: Clock) -> Outcome:
    """Judge `left < right` and its kin. Raises Late."""
    relation = bench.tried[0].trial.instance.relations[link]
    if all(_pair(t.trial.instance, link)[0] is _pair(t.trial.instance, link)[1] for t in bench.tried):
        if relation in ("\\le", "\\ge"):
            return Outcome("holds", "same program", ("both sides are the same program, so they are equal",))
        first = bench.tried[0]
        value = float(np.real(first.values.sides[link]).flat[0])
        at = (0,) * first.values.sides[link].ndim
        return Outcome("fails", "same program", ("both sides are the same program, so they are equal",),
                       failure=Failure(first.trial, link, at, value, value, "[0]"))  # fmt: skip
    tries = 0
    best: tuple[float, Tried] | None = None
    for tried in bench.tried:
        clock.check()
        excess = _excess(tried.values, link, relation)
        if excess is None:
            continue
        tries += 1
        if excess > EXCESS:
            failure = _confirm(tried.trial, link, limits)
            if failure is not None:
                return as_condition(bench) or _fails(failure, "instances")
        if best is None or (excess, -tried.cost) > (best[0], -best[1].cost):
            best = (excess, tried)
    if not tries or best is None:
        return Outcome("undecided", reason="a side is not a finite real number at any instance")
    proof = _proof(bench, link, relation, clock)
    if proof is not None:
        return proof
    failure, more = _search(best[1], link, relation, seed, limits, clock)
    if failure is not None:
        return as_condition(bench) or _fails(failure, "search")
    theorem = named(bench, link, relation, clock)
    if theorem is not None:
        return theorem
    return Outcome("undecided", reason=f"no counterexample in {tries + more} tries, which proves nothing")


def unequal(bench: Bench, link: int, seed: int, limits: Limits, clock: Clock) -> Outcome:
    """`left ≠ right`, read as: not equal in general. Where they are equal at every instance nothing is said."""
    as_equation = equation(bench, link, seed, limits, clock)
    if as_equation.kind == "fails":
        return Outcome("holds", "witness", ("the sides differ at an instance", *as_equation.evidence))
    return Outcome("undecided", reason="the sides were equal wherever they were tried")


def _pair(instance: Instance, link: int) -> tuple[Node, Node]:
    return instance.sides[link], instance.sides[link + 1]


def _excess(values: double.Values, link: int, relation: str) -> float | None:
    """By how much the greater-to-be is exceeded, relative to the larger side; None where there is no telling."""
    left, right = values.sides[link], values.sides[link + 1]
    if relation in (">", "\\ge"):
        left, right = right, left
    if left.dtype.kind not in "fiu" or right.dtype.kind not in "fiu":
        return None
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    with np.errstate(all="ignore"):
        if not (np.isfinite(left).all() and np.isfinite(right).all()):
            return None
        scale = max(float(abs(left).max(initial=0.0)), float(abs(right).max(initial=0.0)), 1e-300)
        return float((left - right).max(initial=-math.inf)) / scale


def _confirm(trial: Trial, link: int, limits: Limits) -> Failure | None:
    if double.elements(trial.instance.sides) > limits.referee_elements:
        return None
    ruling = referee.rule(trial.instance, trial.draws, link, limits.precision)
    if ruling.kind != "violated":
        return None
    return Failure(trial, link, ruling.index, ruling.left, ruling.right, ruling.enclosure)


def _fails(failure: Failure, method: str) -> Outcome:
    line = f"the side that should be smaller exceeds the other by {failure.enclosure}"
    return Outcome("fails", method, (line,), failure=failure)


# --- search -----------------------------------------------------------------------------------------------------


def _search(
    start: Tried, link: int, relation: str, seed: int, limits: Limits, clock: Clock
) -> tuple[Failure | None, int]:
    """Climb towards a violation from the tightest trial: fresh draws, then moves of single inputs."""
    instance = start.trial.instance
    if not instance.inputs:
        return None, 0
    count = limits.searches if start.cost < 5_000 else limits.searches // 8
    current = dict(start.trial.draws)
    height = _excess(start.values, link, relation)
    best = -math.inf if height is None else height
    free = [i for i in instance.inputs if not i.domain.properties - FREE and i.node.dtype == "real"]
    refused = 0
    for step in range(count):
        clock.check()
        rng = generator(seed, 104729, link, step)
        candidate = dict(current)
        if step % 3 == 0 or not free:
            try:
                candidate = draw(instance.inputs, rng, Style(scale=float(2.0 ** rng.integers(-5, 5))))
            except CannotDraw:
                continue
        else:
            moved = free[int(rng.integers(len(free)))]
            changed = _move(moved, candidate, free, rng)
            if changed is None:
                continue
            candidate[moved.node.attr("name")] = changed
        values = double.evaluate(instance, candidate)
        if values is None or not values.conditions:
            continue
        found = _excess(values, link, relation)
        # Where both sides are equal, such as at zero, there is nothing to climb from.
        if found is None or found <= best or found == 0:
            continue
        best, current = found, candidate
        if found > EXCESS and refused < 3:
            failure = _confirm(Trial(start.trial.sizes, instance, candidate), link, limits)
            if failure is not None:
                return failure, step + 1
            refused += 1
    return None, count


def _move(chosen: Input, draws: Mapping[str, Draw], free: list[Input], rng: np.random.Generator) -> Draw | None:
    """The input's value changed a little or in a telling way; None where that leaves the domain."""
    value = draws[chosen.node.attr("name")].floats
    match int(rng.integers(7)):
        case 0:
            value = value * float(2.0 ** rng.integers(-4, 5))
        case 1:
            value = -value
        case 2:
            value = value + rng.integers(-64, 65, value.shape) / 256
        case 3:
            value = np.full(value.shape, float(value.mean()))
        case 4:
            others = [i for i in free if i is not chosen and i.node.axes and len(i.node.axes) == value.ndim]
            others = [i for i in others if draws[i.node.attr("name")].floats.shape == value.shape]
            if not others:
                return None
            value = draws[others[int(rng.integers(len(others)))].node.attr("name")].floats
        case 5:
            value = value.copy()
            if not value.size:
                return None
            value.flat[int(rng.integers(value.size))] *= float(rng.choice([-1.0, 0.125, 8.0]))
        case _:
            value = np.round(value * 2) / 2
    value = np.asarray(value)
    return Draw(value) if _admissible(value, chosen.domain) else None


def _admissible(value: np.ndarray, domain: Domain) -> bool:
    if not np.isfinite(value).all():
        return False
    if domain.low is not None and not (value > domain.low).all():
        return False
    if domain.high is not None and not (value < domain.high).all():
        return False
    if "nonzero" in domain.properties and not (value != 0).all():
        return False
    return "distinct" not in domain.properties or len(np.unique(value)) == value.size


# --- proof ------------------------------------------------------------------------------------------------------


def _proof(bench: Bench, link: int, relation: str, clock: Clock) -> Outcome | None:
    """Bounds over the whole domain at every size tried; boxes of it where there are few numbers, all bounded."""
    seen = bench.instances()
    boxes = 1
    for instance in seen:
        left, right = _pair(instance, link)
        if certainly(bound(left, instance), relation, bound(right, instance)):
            continue
        used = _by_boxes(instance, link, relation, clock)
        if used is None:
            return None
        boxes = max(boxes, used)
    how = f"bounds over the whole domain, in {boxes} boxes" if boxes > 1 else "bounds over the whole domain"
    sizes = "" if len(seen) == 1 else f" at each of {len(seen)} assignments of sizes"
    return Outcome("holds", "interval bounds", (f"{how}, prove it{sizes}",))


def _by_boxes(instance: Instance, link: int, relation: str, clock: Clock) -> int | None:
    """How many boxes prove the link; None where bounds do not. At most three numbers, each in a bounded interval."""
    start: dict[str, Interval] = {}
    for given in instance.inputs:
        interval = bounds.of_domain(given.domain)
        scalar = not given.node.axes and given.node.dtype == "real" and not given.domain.properties - FREE
        if not scalar or not math.isfinite(interval.low) or not math.isfinite(interval.high):
            return None
        start[given.node.attr("name")] = interval
    if not 1 <= len(start) <= 3:
        return None
    left, right = _pair(instance, link)
    heap: list[tuple[float, int, dict[str, Interval]]] = [(-1.0, 0, start)]
    count = 0
    while heap:
        _, _, box = heapq.heappop(heap)
        count += 1
        if count > BOXES:
            return None
        if count % 32 == 0:
            clock.check()
        if certainly(bound(left, instance, box), relation, bound(right, instance, box)):
            continue
        name = max(box, key=lambda n: box[n].high - box[n].low)
        whole = box[name]
        middle = (whole.low + whole.high) / 2
        halves = Interval(whole.low, middle, whole.low_open), Interval(middle, whole.high, False, whole.high_open)
        for number, half in enumerate(halves):
            heapq.heappush(heap, (-(half.high - half.low), 2 * count + number, {**box, name: half}))
    return count
