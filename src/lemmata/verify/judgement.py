"""The verdict on a claim from the outcomes of its readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lemmata.verify import chain, counterexample
from lemmata.verify.outcome import Limits, Outcome, Reading
from lemmata.verify.verdict import Counterexample, Verdict

DEFAULT = Limits()


def judge(readings: Sequence[Reading], *, seed: int, guards: Sequence[str] = (), limits: Limits = DEFAULT) -> Verdict:
    """Judge a claim under its readings, best ranked first.

    Verified needs the preferred reading to hold. Refuted needs every reading to fail, each at an instance that the
    referee confirmed, and no hypothesis in the text (`guards`) that could not be used. All else is unchecked.
    """
    if not readings:
        return Verdict("unchecked", reason="there is no reading to test")
    first = readings[0]
    if first.restates:
        reason = "it restates its own definition, so there is nothing to test"
        return Verdict("unchecked", reason=reason, reading=first.text)
    outcomes: list[Outcome] = []
    for reading in readings:
        outcomes.append(chain.examine(reading.problem, seed, limits))
        if outcomes[-1].kind == "holds":
            break
    tried = list(zip(readings, outcomes, strict=False))
    alternatives = tuple(f"{reading.text}: {_in_words(outcome)}" for reading, outcome in tried[1:])
    leading = outcomes[0]

    def unchecked(reason: str, reading: Reading = first, outcome: Outcome = leading) -> Verdict:
        return Verdict(
            "unchecked",
            reason=reason,
            method=outcome.method,
            evidence=outcome.evidence,
            reading=reading.text,
            alternatives=alternatives,
        )

    reading, last = tried[-1]
    if last.kind == "holds":
        if reading is not first or not first.preferred:
            return unchecked(f"holds if read as {reading.text}", reading, last)
        return Verdict("verified", method=last.method, evidence=last.evidence, reading=first.text)
    undecided = next((o for o in outcomes if o.kind != "fails"), None)
    if undecided is not None and leading.kind == "fails":
        return unchecked(f"fails as usually read, but another reading could not be tested: {undecided.reason}")
    if undecided is not None:
        return unchecked(undecided.reason)
    if guards:
        return unchecked(f"may depend on “{guards[0]}”")
    return _refuted(first, leading, alternatives, seed, limits)


def _refuted(first: Reading, outcome: Outcome, alternatives: tuple[str, ...], seed: int, limits: Limits) -> Verdict:
    assert outcome.failure is not None
    failure = counterexample.shrink(first.problem, outcome.failure, seed, limits)
    relations = failure.trial.instance.relations
    reason = "the sides differ" if relations[failure.link] in ("=", "\\ne") else "the inequality is violated"
    if len(relations) > 1:
        reason = f"{reason} at link {failure.link + 1} of {len(relations)}"
    return Verdict(
        "refuted",
        reason=reason,
        method=outcome.method,
        evidence=(*outcome.evidence, f"at the counterexample it lies in {failure.enclosure}"),
        counterexample=counterexample.describe(failure),
        reading=first.text,
        alternatives=alternatives,
    )


def _in_words(outcome: Outcome) -> str:
    match outcome.kind:
        case "holds":
            return "holds"
        case "fails":
            return "fails too"
    return f"not tested, {outcome.reason}"


def judge_shape_error(
    sizes: Mapping[str, int], left: Sequence[int], right: Sequence[int], message: str, *, guards: Sequence[str] = ()
) -> Verdict:
    """The verdict on an ill-typed claim whose every shape is declared or forced.

    `left` and `right` are the two shapes that do not fit, at these sizes; sizes at which they would fit refute nothing.
    """
    if list(left) == list(right):
        return Verdict("unchecked", reason=f"{message}, but no sizes tell the shapes apart")
    if guards:
        return Verdict("unchecked", reason=f"may depend on “{guards[0]}”")
    shown = Counterexample(sizes=dict(sizes), left=list(left), right=list(right), note=message)
    return Verdict("refuted", reason=message, method="shapes", evidence=(message,), counterexample=shown)
