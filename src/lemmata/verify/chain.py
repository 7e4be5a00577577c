"""One reading examined: its links in turn, each by the method its relation needs."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from lemmata.backends.numpy import TooLarge
from lemmata.core.size import Size
from lemmata.program.build import BadProgram
from lemmata.verify.equations import EMPTY, equation
from lemmata.verify.inequalities import inequality, unequal
from lemmata.verify.outcome import Limits, Outcome
from lemmata.verify.problem import CannotLower, Domain, Instance, Problem, SizeRule
from lemmata.verify.sizes import NoSizes
from lemmata.verify.trials import Bench, Clock, Late, TooBig, set_up
from lemmata.verify.values import CannotDraw


def examine(problem: Problem, seed: int, limits: Limits) -> Outcome:
    """Whether the claim holds under this reading: every link must, and the first wrong one makes it fail."""
    clock = Clock.start(limits.seconds)
    try:
        bench = set_up(problem, seed, limits, clock)
        return _links(bench, problem, seed, limits, clock)
    except (CannotLower, NoSizes, CannotDraw, TooBig, Late, BadProgram, TooLarge) as reason:
        return Outcome("undecided", reason=str(reason))
    except (MemoryError, RecursionError):
        return Outcome("undecided", reason="its program is too large")


class _Loosened(Struct, frozen=True):
    """The same claim of positive vectors, where its own are probabilities."""

    problem: Problem
    sizes: tuple[str, ...]
    rules: tuple[SizeRule, ...]
    integral: tuple[Size, ...]

    def instance(self, sizes: Mapping[str, int]) -> Instance:
        found = self.problem.instance(sizes)
        return replace(found, inputs=tuple(replace(i, domain=_loosened(i.domain)) for i in found.inputs))


def _loosened(domain: Domain) -> Domain:
    if "simplex" not in domain.properties:
        return domain
    return Domain(0.0, None, domain.properties - {"simplex"})


def _without_sums(problem: Problem, link: int, seed: int, limits: Limits, clock: Clock) -> Outcome | None:
    """A link whose sides both vanish as probabilities sum to one: it holds if it does for all positive vectors."""
    loose = _Loosened(problem, problem.sizes, problem.rules, problem.integral)
    bench = set_up(loose, seed, limits, clock)
    outcome = equation(bench, link, seed, limits, clock) if bench.tried else None
    if outcome is None or outcome.kind != "holds":
        return None
    return replace(outcome, evidence=(*outcome.evidence, "also where the probabilities do not sum to one"))


def _links(bench: Bench, problem: Problem, seed: int, limits: Limits, clock: Clock) -> Outcome:
    if not bench.tried:
        reason = "a side has no value at any instance"
        if bench.unmet:
            reason = f"no instance among {bench.drawn} met the conditions"
        return Outcome("undecided", reason=reason)
    relations = bench.tried[0].trial.instance.relations
    found: list[Outcome] = []
    for link, relation in enumerate(relations):
        match relation:
            case "=":
                outcome = equation(bench, link, seed, limits, clock)
            case "<" | "\\le" | ">" | "\\ge":
                outcome = inequality(bench, link, seed, limits, clock)
            case "\\ne":
                outcome = unequal(bench, link, seed, limits, clock)
            case _:
                outcome = Outcome("undecided", reason=f"there is no test for the relation {relation}")
        if outcome.kind == "undecided" and outcome.reason == EMPTY:
            outcome = _without_sums(problem, link, seed, limits, clock) or outcome
        if outcome.kind == "fails":
            return outcome
        found.append(outcome)
    if len(found) == 1:
        return found[0]
    for link, outcome in enumerate(found):
        if outcome.kind == "undecided":
            return Outcome("undecided", outcome.method, outcome.evidence, f"link {link + 1}: {outcome.reason}")
    methods = ", ".join(dict.fromkeys(o.method for o in found))
    lines = tuple(f"link {n}: {line}" for n, o in enumerate(found, start=1) for line in o.evidence)
    return Outcome("holds", methods, lines)
