"""Trials: the claim at several sizes, with several draws at each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from msgspec import Struct

from lemmata.program.build import BadProgram
from lemmata.program.graph import inputs, nodes
from lemmata.verify import double
from lemmata.verify.outcome import Limits, Trial
from lemmata.verify.problem import CannotLower, Instance, Problem
from lemmata.verify.sampling import draw, generator
from lemmata.verify.sizes import assignments, smallest
from lemmata.verify.values import CannotDraw, Style

SCALES = (1.0, 1.0, 0.5, 2.0, 1.0, 4.0, 0.25)
"""How magnitudes vary from draw to draw, so that saturations are met."""
BRANCH_SCALES = (1.0, 1.0, 0.5, 2.0, 8.0, 4.0, 0.125, 16.0)
"""The same for programs with cases, whose thresholds lie anywhere."""
BRANCHING = frozenset({"lt", "le", "gt", "ge", "maximum", "minimum", "abs", "sign", "floor", "ceil", "mod"})


SHORT = 24
"""Nodes of a program that is tried at three assignments of sizes instead of two."""


class TooBig(Exception):
    """The program at its sizes would cost too much; the message says how much."""


class Late(Exception):
    """The time for one claim is over."""


class Clock(Struct, frozen=True):
    """Processor time, so that a busy machine changes no verdict."""

    end: float

    @staticmethod
    def start(seconds: float) -> Clock:
        return Clock(time.process_time() + seconds)

    def check(self) -> None:
        """Raises Late."""
        if time.process_time() > self.end:
            raise Late("judging it takes too long")


class Tried(Struct, frozen=True):
    """A trial with the values of its sides in double precision."""

    trial: Trial
    values: double.Values
    cost: int
    """Elements of the program."""


class Bench(Struct, frozen=True):
    """Every trial that counts."""

    problem: Problem
    tried: tuple[Tried, ...]
    assignments: int
    """How many different sizes were asked for."""
    drawn: int
    """How many draws were made, those included that met no condition or had no value."""
    unmet: int
    """Draws at which a condition did not hold."""
    undefined: int
    """Draws at which a side had no value."""

    def instances(self) -> list[Instance]:
        """The claim at each of the sizes that were tried."""
        return list({id(t.trial.instance): t.trial.instance for t in self.tried}.values())


def instance_at(problem: Problem, sizes: dict[str, int]) -> Instance:
    """The claim at these sizes. Raises CannotLower, also for what a program's rules forbid."""
    try:
        instance = problem.instance(sizes)
    except CannotLower:
        raise
    except (BadProgram, ValueError, ArithmeticError, RecursionError) as error:
        raise CannotLower(f"no program could be made: {error}") from error
    if len(instance.relations) != len(instance.sides) - 1:
        raise CannotLower("the sides and relations of the claim do not match")
    given = {i.node.uid for i in instance.inputs}
    for leaf in inputs(*instance.sides, *instance.conditions):
        if leaf.uid not in given:
            raise CannotLower(f"nothing says what values {leaf.attr('name')} takes")
    return instance


def set_up(problem: Problem, seed: int, limits: Limits, clock: Clock) -> Bench:
    """Draw and evaluate. Raises NoSizes, CannotLower, CannotDraw, TooBig, Late."""
    chosen = _instances(problem, limits, clock)
    tried: list[Tried] = []
    drawn = unmet = undefined = 0
    for number, (sizes, instance, cost) in enumerate(chosen):
        branching = has_branches(instance)
        wanted = _draws(instance, cost, len(chosen), number, branching)
        attempts = 8 * wanted if instance.inputs else 1
        met = 0
        for attempt in range(attempts):
            if met == wanted:
                break
            if attempt == 3 * wanted and not met and not unmet:
                break
            clock.check()
            values = draw(instance.inputs, generator(seed, number, attempt), _style(attempt, branching))
            drawn += 1
            found = double.evaluate(instance, values)
            if found is None:
                undefined += 1
                continue
            if not found.conditions:
                unmet += 1
                continue
            if not found.defined:
                undefined += 1
                continue
            met += 1
            tried.append(Tried(Trial(sizes, instance, values), found, cost))
    return Bench(problem, tuple(tried), len(chosen), drawn, unmet, undefined)


def _instances(problem: Problem, limits: Limits, clock: Clock) -> list[tuple[dict[str, int], Instance, int]]:
    """The claim at a few sizes: generic ones where that is cheap, the smallest where it is not."""
    generic = assignments(problem, 3)
    first = _at(problem, generic[0])
    small = first[2] > limits.elements // 40
    chosen: list[tuple[dict[str, int], Instance, int]] = [] if small else [first]
    # A third assignment where it costs little: programs of a page take longer to make than to run.
    enough = 2 if len(nodes(*first[1].sides)) > SHORT else 3
    for sizes in list(smallest(problem))[:2] if small else generic[1:enough]:
        clock.check()
        found = _at(problem, sizes)
        if found[2] <= limits.elements:
            chosen.append(found)
    if not chosen:
        raise TooBig(f"its smallest test needs {first[2]} array elements")
    if problem.sizes and not any(double.depends_on_inputs(s) for s in chosen[0][1].sides):
        # Nothing varies but the sizes themselves, so more of them are the test.
        more = (_at(problem, sizes) for sizes in assignments(problem, 8) if sizes not in generic)
        chosen += [found for found in more if found[2] <= limits.elements]
    return chosen


def _at(problem: Problem, sizes: dict[str, int]) -> tuple[dict[str, int], Instance, int]:
    instance = instance_at(problem, sizes)
    return sizes, instance, double.elements((*instance.sides, *instance.conditions))


def small_trials(problem: Problem, seed: int, limits: Limits) -> Iterator[Tried]:
    """A few trials at sizes small enough for the referee."""
    for number, sizes in enumerate(smallest(problem)):
        try:
            _, instance, cost = _at(problem, sizes)
            if cost > limits.referee_elements:
                continue
            for attempt in range(3):
                draws = draw(instance.inputs, generator(seed, 49979687, number, attempt), Style())
                values = double.evaluate(instance, draws)
                if values is not None and values.conditions and values.defined:
                    yield Tried(Trial(sizes, instance, draws), values, cost)
        except (CannotLower, CannotDraw):
            continue


def has_branches(instance: Instance) -> bool:
    """Whether different inputs may take different cases; comparisons of indices are none."""
    return any(n.op in BRANCHING and any(a.dtype != "int" for a in n.args) for n in nodes(*instance.sides))


def _draws(instance: Instance, cost: int, count: int, number: int, branching: bool) -> int:
    if not instance.inputs:
        return 1
    if cost > 200_000:
        return 2
    if cost > 5_000:
        return 3
    usual = 12 if count == 1 else 6 if number == 0 else max(1, 6 // (count - 1))
    return 2 * usual if branching else usual


def _style(attempt: int, branching: bool) -> Style:
    sign = 1 if attempt == 0 else -1 if attempt == 1 else 0
    scales = BRANCH_SCALES if branching else SCALES
    return Style(scale=scales[attempt % len(scales)], sign=sign)


def sizes_text(bench: Bench) -> str:
    """The sizes that were tried, in words."""
    seen: list[str] = []
    for tried in bench.tried:
        text = ", ".join(f"{name} = {value}" for name, value in _named(tried.trial.sizes))
        if text and text not in seen:
            seen.append(text)
    return "; ".join(seen)


def _named(sizes: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Sizes that the author has a name for."""
    for name, value in sizes.items():
        if not name.startswith("?"):
            yield name, value
