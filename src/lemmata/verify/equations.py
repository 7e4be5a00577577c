"""One link `left = right` over all trials: agreement, or a difference that the referee confirms."""

from __future__ import annotations

import math

from msgspec import Struct

from lemmata.program.node import Node
from lemmata.verify import double, prime, referee
from lemmata.verify.excuses import excuse
from lemmata.verify.outcome import Failure, Limits, Outcome
from lemmata.verify.trials import Bench, Clock, Tried, sizes_text, small_trials

EMPTY = "both sides are 0 at every instance, which proves nothing"
CONFIRMATIONS = 3
"""Doubtful trials that go to the referee before the others are trusted to be of the same kind."""
WIDE = 1e6
"""How far from 1 numbers on the way may lie before the referee looks once even where double precision agrees."""
FIELD_ELEMENTS = 20_000
"""Programs above this are not looked at in the prime field."""


class _Tally(Struct):
    agreed: int = 0
    largest: float = 0.0
    noise: int = 0
    empty: int = 0
    confirmed: int = 0
    bits: int = 0
    unclear: str = ""
    too_big: bool = False
    worthless: bool = False
    """Whether the trial at hand agrees up to noise that the referee could not confirm."""


def equation(bench: Bench, link: int, seed: int, limits: Limits, clock: Clock) -> Outcome:
    """Judge the link. Raises Late."""
    tally = _Tally()
    sized: set[tuple[tuple[str, int], ...]] = set()
    tiny = any(map(_has_tiny_inputs, bench.tried)) or any(
        double.has_tiny_constants(instance.sides[link : link + 2]) for instance in bench.instances()
    )
    wide = bench.tried[0] if _is_wide(bench.tried[0]) else None
    for tried in bench.tried:
        clock.check()
        left, right = tried.values.sides[link], tried.values.sides[link + 1]
        look = double.compare(left, right, tried.trial.instance.exact)
        if look.kind == "undefined":
            continue
        if look.kind == "empty" and not _zero_says_something(tried, link):
            tally.empty += 1
            continue
        closed = not tried.trial.instance.inputs  # one instance: e^{-1000} = 0 must not pass for rounding
        if look.kind == "doubt" or tried is wide or closed or (tiny and not tally.confirmed):
            failure = _referee(tried, link, look, tally, limits)
            if tally.too_big:
                failure = _at_small_sizes(bench, link, tally, seed, limits)
            if failure is not None:
                return excuse(bench, link, seed) or _fails(failure, link, bench)
            if tally.unclear and (tiny or look.kind == "doubt"):
                return Outcome("undecided", reason=tally.unclear)
            tally.unclear = ""
        if tally.worthless:
            tally.worthless = False
            continue
        tally.agreed += 1
        if look.kind == "agrees":
            tally.largest = max(tally.largest, look.difference)
        sized.add(tuple(sorted(tried.trial.sizes.items())))
    outcome = _result(bench, link, tally, len(sized))
    return _over_field(bench, link, seed, outcome, limits) if outcome.kind == "holds" else outcome


def _referee(tried: Tried, link: int, look: double.Look, tally: _Tally, limits: Limits) -> Failure | None:
    """Put a doubtful trial to the referee; what is plainly rounding only until it has been confirmed a few times."""
    trial = tried.trial
    noise = look.kind == "doubt" and _is_noise(tried, link, look)
    if noise:
        tally.noise += 1
        if tally.confirmed >= CONFIRMATIONS:
            return None
    if tried.cost > limits.referee_elements:
        if look.kind == "doubt" and not noise:
            tally.too_big = True
        return None
    thorough = look.kind != "doubt"
    ruling = referee.rule(trial.instance, trial.draws, link, limits.precision, thorough)
    tally.bits = max(tally.bits, ruling.bits)
    match ruling.kind:
        case "differ" if not double.resembles(tried.values, trial, link, ruling.index, ruling.left, ruling.right):
            tally.unclear = "double precision and ball arithmetic give different values"
        case "differ":
            return Failure(trial, link, ruling.index, ruling.left, ruling.right, ruling.enclosure)
        case "agree":
            tally.confirmed += 1
        case _ if look.kind == "doubt" and not (noise and look.difference < math.inf):
            tally.unclear = f"the sides differ in double precision, but {ruling.reason}"
        case _ if noise:
            tally.worthless = not ruling.gap
        case _:
            tally.unclear = f"its constants are too small for double precision, and {ruling.reason}"
    return None


def _at_small_sizes(bench: Bench, link: int, tally: _Tally, seed: int, limits: Limits) -> Failure | None:
    """The difference again where the referee can follow."""
    tally.too_big = False
    for tried in small_trials(bench.problem, seed, limits):
        left, right = tried.values.sides[link], tried.values.sides[link + 1]
        look = double.compare(left, right, tried.trial.instance.exact)
        failure = _referee(tried, link, look, tally, limits) if look.kind == "doubt" else None
        if failure is not None or tally.unclear:
            return failure
    tally.unclear = "the sides differ in double precision, at a size too big for the referee"
    return None


def _is_noise(tried: Tried, link: int, look: double.Look) -> bool:
    """Whether the difference is within rounding of the largest number on the way."""
    sides = tried.values.sides[link], tried.values.sides[link + 1]
    if any(s.dtype == bool for s in sides) or not math.isfinite(look.difference):
        return False
    scale = max(float(abs(s).max(initial=0.0)) for s in sides)
    if not math.isfinite(scale):
        return False
    largest = double.magnitude(tried.trial.instance, tried.trial.draws)
    return largest < 1e6 and look.difference * scale <= double.TOLERANCE * largest


def _is_wide(tried: Tried) -> bool:
    """Whether the numbers on the way differ so much in size that rounding may swallow some of them."""
    smallest, largest = double.extent(tried.trial.instance, tried.trial.draws)
    return largest > WIDE or smallest < 1 / WIDE


def _has_tiny_inputs(tried: Tried) -> bool:
    drawn = (d.floats for d in tried.trial.draws.values() if d.floats.dtype.kind in "fc" and d.floats.size)
    return any(0 < float(abs(values).max()) < double.TINY for values in drawn)


def _sides(tried: Tried, link: int) -> tuple[Node, Node]:
    return tried.trial.instance.sides[link], tried.trial.instance.sides[link + 1]


def _zero_says_something(tried: Tried, link: int) -> bool:
    """0 = 0 counts where the author wrote a 0 and the other side is more than that, or in numbers alone."""
    if tried.trial.instance.in_numbers:
        return True
    left, right, conditions = double.unmasked(*_sides(tried, link))
    if double.never_met(conditions, tried.trial.draws):
        return False
    return double.literal_zero(left) != double.literal_zero(right)


def _fails(failure: Failure, link: int, bench: Bench) -> Outcome:
    where = f"link {link + 1}: " if len(failure.trial.instance.relations) > 1 else ""
    evidence = (f"{where}the difference of the two sides lies in {failure.enclosure}",)
    return Outcome("fails", "instances", evidence, failure=failure)


def _result(bench: Bench, link: int, tally: _Tally, sizes: int) -> Outcome:
    if not tally.agreed:
        return Outcome("undecided", reason=_why_nothing(bench, tally))
    needed = 1 if not any(t.trial.instance.inputs for t in bench.tried) else 3
    if tally.agreed < needed or sizes < min(2, bench.assignments):
        few = f"it holds at the only {tally.agreed} instances that could be tried"
        return Outcome("undecided", reason=EMPTY if tally.empty > tally.agreed else few)
    instances = "1 instance" if tally.agreed == 1 else f"{tally.agreed} instances"
    text = sizes_text(bench)
    lines = [f"{instances}{f' at {text}' if text else ''}: largest relative difference {_bound(tally.largest)}"]
    if bench.undefined > len(bench.tried):
        lines.append(f"at {bench.undefined} further draws a side had no value")
    if tally.confirmed:
        lines.append(f"ball arithmetic with {tally.bits} bits encloses the difference around 0")
    return Outcome("holds", "instances", tuple(lines))


def _over_field(bench: Bench, link: int, seed: int, outcome: Outcome, limits: Limits) -> Outcome:
    """What holds in double precision looked at again in a prime field, where the claim is rational."""
    instances = [i for i in bench.instances() if double.elements(i.sides) <= FIELD_ELEMENTS]
    proof = prime.decide(instances, link, seed) if instances else None
    if proof is None:
        return outcome
    if proof.equal:
        method = "instances" if proof.opaque else "prime field"
        return Outcome("holds", method, (*outcome.evidence, proof.line))
    # Too small a difference for double precision: the referee finds it at more bits, or nothing is said.
    for tried in bench.tried:
        ruling = referee.rule(tried.trial.instance, tried.trial.draws, link, limits.precision, thorough=True)
        if ruling.kind == "differ":
            failure = Failure(tried.trial, link, ruling.index, ruling.left, ruling.right, ruling.enclosure)
            return _fails(failure, link, bench)
    return Outcome("undecided", reason="the sides agree in double precision but differ in a prime field")


def _why_nothing(bench: Bench, tally: _Tally) -> str:
    if not bench.tried:
        if bench.unmet:
            return f"no instance among {bench.drawn} met the conditions"
        return "a side has no value at any instance"
    if tally.empty:
        return EMPTY
    return "a side is not a finite number at any instance"


def _bound(difference: float) -> str:
    """A power of ten above the difference, the same on every machine that rounds alike."""
    if difference <= 1e-15:
        return "at most 1e-15"
    return f"at most 1e{math.ceil(math.log10(difference))}"
