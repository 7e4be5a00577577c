"""Functions of the document's code against the functions its formulas define, on fresh inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.agreement import Comparison, compare_arrays, noise, roundoff
from lemmata.code.attention import explain_attention
from lemmata.code.drawing import drawn
from lemmata.code.edits.search import Check, corrections, located
from lemmata.code.masks import doubt
from lemmata.code.session import Failed, Session
from lemmata.code.shapes import choose_sizes, describe, fit, guessed, lengths, unify
from lemmata.code.spelling import match, rank
from lemmata.code.target import CannotLower, CodeFinding, CodeFix, Parameter, Target, Value
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

TRIALS = 3
FEW, MANY = 2, 16
"""Further trials of a function that agreed, of arrays and of numbers."""
HARMLESS: dict[str, object] = {
    "axis": -1,
    "dim": -1,
    "mask": None,
    "training": False,
    "dropout": None,
    "dropout_p": 0.0,
}
"""Arguments without default that mean nothing to a formula, with what switches them off."""
LIKES = {
    "torch": ("torch float64", "torch float32"),
    "tensorflow": ("tensorflow float64", "tensorflow float32"),
    "jax": ("jax float32",),
    "numpy": ("numpy float64",),
}


class Function(Struct, frozen=True):
    """A function of the document, as the worker describes it."""

    name: str
    cell: int
    line: int
    """In the document."""
    parameters: tuple[Mapping[str, Any], ...]
    frameworks: tuple[str, ...]
    """Kinds of array to try, likeliest first."""
    whole: bool = False
    """The elements of a tuple that it returns are taken together, not the first alone."""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the arguments that must be given."""
        plain = ("positional_only", "positional_or_keyword", "keyword_only")
        return tuple(str(p["name"]) for p in self.parameters if not p["optional"] and p["kind"] in plain)

    @property
    def optional(self) -> tuple[str, ...]:
        return tuple(str(p["name"]) for p in self.parameters if p["optional"])


class Arguments(Struct, frozen=True):
    """The formula's parameters by the function's arguments."""

    by_key: Mapping[str, str]
    """Parameter key to argument name."""
    constants: Mapping[str, Value]
    """Parameters that the function takes from its surroundings, at their value in the document."""
    extra: Mapping[str, object]
    sure: bool
    bound: tuple[str, ...]


def bind_arguments(target: Target, function: Function, state: Mapping[str, str], session: Session) -> Arguments | str:
    """Which argument is which parameter, or why that cannot be said. Raises Failed."""
    arguments = [p for p in target.parameters if p.role == "argument"]
    others = [p for p in target.parameters if p.role != "argument"]
    wanted = [
        n for p in target.parameters for n in (*function.required, *function.optional) if match(p.names, n) >= 0.9
    ]
    required = [n for n in function.required if n not in HARMLESS or n in wanted]
    by_key, by_order = _by_name(arguments, [*required, *(n for n in function.optional if n in wanted)]), False
    if len(by_key) < len(arguments):
        settled = set(_by_name(others, [n for n in required if n in wanted]).values())
        ordered = [n for n in required if n not in settled]
        if len(ordered) != len(arguments):
            return f"{function.name} takes {len(ordered)} arguments, the formula {len(arguments)}"
        by_key = {p.key: n for p, n in zip(arguments, ordered, strict=True)}
        by_order = True
    left = [n for n in (*required, *function.optional) if n not in by_key.values()]
    inputs = _by_name(others, left)
    if missing := [n for n in required if n not in by_key.values() and n not in inputs.values()]:
        return f"{function.name} also needs {', '.join(missing)}"
    constants: dict[str, Value] = {}
    bound = [f"{p.latex} is {(by_key | inputs)[p.key]}" for p in target.parameters if p.key in by_key | inputs]
    for parameter in others:
        if parameter.key in inputs:
            continue
        fits = [(match(parameter.names, n), -rank(parameter.names, n), n) for n in state]
        best = max((f for f in fits if f[0] >= 0.9), default=None)
        array = session.array(state[best[2]]) if best else None
        fitted = fit(parameter, array, {}) if array is not None else None
        if best is None or fitted is None:
            return f"{parameter.latex} is not an argument of {function.name}"
        constants[parameter.key] = fitted.astype(float)
        bound.append(f"{parameter.latex} is {best[2]} of the document")
    if by_order:
        bound.append("arguments in their order")
    extra = {n: HARMLESS[n] for n in function.required if n in HARMLESS and n not in required}
    mixed = by_order and bool(_by_name(arguments, required))
    return Arguments(by_key | inputs, constants, extra, not mixed and not constants, tuple(bound))


def _by_name(parameters: Sequence[Parameter], names: Sequence[str]) -> dict[str, str]:
    """Parameters and the names that fit them, each name used once."""
    found: dict[str, str] = {}
    for parameter in parameters:
        fits = [(match(parameter.names, n), -rank(parameter.names, n), n) for n in names if n not in found.values()]
        best = max((f for f in fits if f[0] >= 0.6), default=None)
        if best is not None:
            found[parameter.key] = best[2]
    return found


class Trial(Struct, frozen=True):
    """One call of the function beside the formula."""

    sizes: Mapping[str, int]
    values: Mapping[str, Value]
    formula: np.ndarray
    code: np.ndarray
    result: Comparison
    batch: tuple[int, ...]
    like: str
    moved: float
    """How far rounding of the inputs moves the formula's value."""


def judge_function(
    target: Target, function: Function, state: Mapping[str, str], session: Session, seed: int, hinted: bool
) -> CodeFinding:
    """Compare a function with the formula on fresh inputs of several shapes, single and batched."""

    fixes: list[CodeFix] = []

    def finding(verdict: Verdict, bound: Sequence[str] = ()) -> CodeFinding:
        head = f"{target.latex} is {function.name}" + (" (by hint)" if hinted else "")
        edits = tuple(fixes) if verdict.kind == "refuted" else ()
        return CodeFinding(target.key, verdict, function.cell, function.name, function.line, (head, *bound), edits)

    try:
        arguments = bind_arguments(target, function, state, session)
        if isinstance(arguments, str):
            return finding(Verdict("unchecked", arguments))
        tried = [p for p in target.parameters if p.key not in arguments.constants]
        if unknown := [p.latex for p in tried if p.shape is None]:
            return finding(Verdict("unchecked", f"the shape of {unknown[0]} is not known"), arguments.bound)
        rng = np.random.default_rng([seed, 11])
        trials: list[Trial] = []
        failure = ""
        for sizes in choose_sizes(tried, TRIALS, rng, fixed_sizes(target, arguments)):
            if failure.startswith("timeout"):
                break
            for batch in ((), (2,)):
                outcome = _try(target, function, arguments, sizes, batch, rng, session, seed)
                if isinstance(outcome, Trial):
                    trials.append(outcome)
                elif not batch:
                    failure = outcome
        if trials and {t.result.outcome for t in trials} == {"equal"}:
            trials += _wide(target, function, arguments, trials, rng, session, seed)
        verdict = _verdict(target, function, arguments, trials, failure, session, seed, hinted, fixes)
    except Failed as failed:
        verdict, arguments = Verdict("unchecked", str(failed)), None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        verdict, arguments = Verdict("unchecked", f"{function.name} could not be compared: {error}"), None
    return finding(verdict, arguments.bound if isinstance(arguments, Arguments) else ())


def fixed_sizes(target: Target, arguments: Arguments) -> dict[str, int]:
    """Sizes that the values of the document's own variables have."""
    sizes: dict[str, int] = {}
    for parameter in target.parameters:
        value = arguments.constants.get(parameter.key)
        if isinstance(value, np.ndarray):
            sizes |= unify(parameter.shape or (), value.shape, sizes) or {}
    return sizes


def _wide(
    target: Target, function: Function, arguments: Arguments, known: Sequence[Trial], rng: np.random.Generator,
    session: Session, seed: int,
) -> list[Trial]:  # fmt: skip
    """Further trials with inputs of very different size; many where the inputs are numbers."""
    smallest = min(known, key=lambda t: t.formula.size)
    numbers = all(np.size(v) == 1 for v in smallest.values.values() if isinstance(v, np.ndarray))
    found = []
    for _ in range(MANY if numbers else FEW):
        outcome = _try(target, function, arguments, smallest.sizes, (), rng, session, seed, True)
        if isinstance(outcome, Trial) and outcome.result.outcome in ("equal", "differ"):
            found.append(outcome)
    return found


def _try(
    target: Target, function: Function, arguments: Arguments, sizes: Mapping[str, int], batch: tuple[int, ...],
    rng: np.random.Generator, session: Session, seed: int, wide: bool = False,
) -> Trial | str:  # fmt: skip
    """A trial, or why there is none. Raises Failed where the worker has ended."""
    single = {p.key: lengths(p, sizes) for p in target.parameters if p.key in arguments.by_key}
    batched = {p.key for p in target.parameters if p.role == "argument"}
    for positive in (False, True):
        domains = {p.key: p.domain for p in target.parameters}
        given = {
            key: drawn(domains[key], (*(batch if key in batched else ()), *shape), rng, positive, wide)
            for key, shape in single.items()
        }
        try:
            parts = []
            moved = 0.0
            for index in np.ndindex(batch):
                values = {k: v[index] if k in batched else v for k, v in given.items()}
                whole: dict[str, Value] = {**values, **arguments.constants}
                parts.append(np.asarray(target.evaluate(whole), dtype=float))
            answer = _call(function, arguments, given, session, seed)
            if isinstance(answer, str):
                return answer
            code, like = answer
            eps = roundoff((like.split(" ")[1], code.dtype.name))
            moved = max(moved, noise(target, whole, parts[-1], eps))
        except CannotLower as cannot:
            return f"the formula cannot be evaluated: {cannot}"
        formula = np.stack(parts).reshape(*batch, *parts[0].shape) if batch else parts[0]
        if np.all(np.isfinite(formula)):
            break
    result = compare_arrays(formula, code, eps, moved)
    return Trial(sizes, {**given, **arguments.constants}, formula, code, result, batch, like, moved)


def _call(
    function: Function, arguments: Arguments, given: Mapping[str, np.ndarray], session: Session, seed: int
) -> tuple[np.ndarray, str] | str:
    """(the function's result, the kind of array it worked with), or why there is none."""
    values = {arguments.by_key[k]: v for k, v in given.items()}
    likes = [like for f in function.frameworks for like in LIKES[f]]
    try:
        request = {"values": values, "extra": arguments.extra, "likes": likes, "seed": seed, "whole": function.whole}
        answer = session.ask("call", name=function.name, **request)
    except Failed as failed:
        if not session.alive:
            raise
        return str(failed)
    value, like = answer.get("value"), answer.get("like")
    return (value, str(like)) if isinstance(value, np.ndarray) else "it returns no array"


def _verdict(
    target: Target, function: Function, arguments: Arguments, trials: Sequence[Trial], failure: str, session: Session,
    seed: int, hinted: bool, fixes: list[CodeFix],
) -> Verdict:  # fmt: skip
    """The verdict; `fixes` gets the edits of the code that repair it."""
    trials = [t for t in trials if np.all(np.isfinite(t.formula))] or trials
    single = [t for t in trials if not t.batch]
    batched = [t for t in trials if t.batch]
    main = single or batched
    if not main:
        return Verdict("unchecked", f"{function.name} could not be called: {failure or 'no sizes fit its shapes'}")
    outcomes = {t.result.outcome for t in main}
    if outcomes == {"equal"} and any(np.any(t.formula) for t in main):
        fine = [t for t in (*main, *batched) if t.result.outcome == "equal"]
        evidence = tuple(dict.fromkeys(_line(t, target) for t in fine))
        note = "" if any(t.batch for t in fine) or not single else "; only single inputs were compared"
        if note and any(t.result.outcome == "differ" for t in batched):
            note = "; on a batch of inputs it gives something else"
        masks = [p.latex for p in target.parameters if "binary" in p.domain.properties and len(p.shape or ()) > 1]
        note += "".join(f"; no row of {latex} was all zero" for latex in masks)
        return Verdict("verified", f"{function.name} computes the formula{note}", "code on fresh inputs", evidence)
    unsure = doubt(target, arguments.by_key, main) if outcomes & {"differ", "broken"} else ""
    if unsure:
        return Verdict("unchecked", f"{function.name} differs from the formula, but {unsure}")
    broken = "broken" in outcomes and outcomes <= {"broken", "differ"}
    if broken:
        fixes += corrections(
            session, function.name, function.frameworks[0], [_check(function, arguments, t, seed) for t in main]
        )
        if fixes and not fixes[0].rebinds:
            return _refuted(target, function, main, f"it gives {_unusual(main)}: {located(fixes)}")
        fixes.clear()
        return Verdict("unchecked", f"{function.name} gives {_unusual(main)} where the formula is finite")
    if outcomes <= {"shape", "unclear"} or "differ" not in outcomes:
        trial = main[0]
        if trial.result.outcome == "shape":
            shapes = describe(trial.code.shape), describe(trial.formula.shape)
            why = f"{function.name} returns {shapes[0]}, the formula gives {shapes[1]}"
        else:
            why = "the difference cannot be told from rounding, or the values are not finite"
        return Verdict("unchecked", why)
    if outcomes != {"differ"}:
        checks = [_check(function, arguments, t, seed) for t in main]
        fixes += corrections(session, function.name, function.frameworks[0], checks) if "equal" in outcomes else ()
        if fixes and fixes[0].exact:
            return _refuted(target, function, main, located(fixes))
        fixes.clear()
        return Verdict("unchecked", f"{function.name} agrees with the formula at some inputs and not at others")
    trial = min(main, key=lambda t: t.formula.size)
    again = _call(function, arguments, {k: v for k, v in trial.values.items() if k in arguments.by_key and
                                        isinstance(v, np.ndarray)}, session, seed + 1)  # fmt: skip
    if isinstance(again, str) or not np.array_equal(again[0], trial.code):
        return Verdict("unchecked", f"chance takes part in {function.name}")
    fixes += corrections(
        session, function.name, function.frameworks[0], [_check(function, arguments, t, seed) for t in main]
    )
    place = located(fixes)
    repaired = bool(fixes) and not fixes[0].rebinds
    if all(t.result.slight for t in main) and not (fixes and fixes[0].exact):
        return Verdict(
            "unchecked", f"{function.name} is close to the formula, as an approximation or an ε would make it"
        )
    ordered = "arguments in their order" in arguments.bound and bool(fixes) and fixes[0].rebinds
    if ordered or not (arguments.sure or hinted or repaired):
        return Verdict(
            "unchecked", f"{function.name} differs from the formula, but which argument is which is not sure"
        )
    if not hinted and match(target.names, function.name) < 0.9:
        return Verdict("unchecked", f"{function.name} differs from the formula, but may be another function")
    why = explain_attention(target, [replace(t, batch=()) for t in single])
    why = f"{why} (line {fixes[0].lines[0]})" if why and fixes else why or place
    if not why and guessed(target.parameters):
        return Verdict("unchecked", f"{function.name} differs from the formula, but its shapes were not declared")
    return _refuted(target, function, main, why)


def _refuted(target: Target, function: Function, trials: Sequence[Trial], why: str) -> Verdict:
    trial = min(trials, key=lambda t: (t.result.outcome != "differ", t.formula.size))
    left, right, where = trial.result.left, trial.result.right, trial.result.where
    if trial.result.outcome == "broken":
        code, formula = np.squeeze(trial.code), np.squeeze(trial.formula)
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(code))[0])
        left, right = float(formula[where]), float(code[where])
    example = Counterexample(
        sizes={name: n for name, n in trial.sizes.items() if not name.startswith("?")},
        values={p.latex: shown(trial.values[p.key]) for p in target.parameters if p.key in trial.values},
        left=left,
        right=right if np.isfinite(right) else str(right),
        where=f"component {list(where)}" if where else "",
        note=f"formula against {function.name}",
    )
    reason = f"{function.name} does not compute the formula" + (f": {why}" if why else "")
    return Verdict("refuted", reason, "code on fresh inputs", tuple(_line(t, target) for t in trials), example)


def _unusual(trials: Sequence[Trial]) -> str:
    return "NaN" if any(np.any(np.isnan(t.code)) for t in trials) else "infinite values"


def _check(function: Function, arguments: Arguments, trial: Trial, seed: int) -> Check:
    values = {arguments.by_key[k]: v for k, v in trial.values.items() if k in arguments.by_key}
    request = {
        "op": "call", "name": function.name, "values": values, "extra": dict(arguments.extra), "likes": [trial.like],
        "seed": seed, "whole": function.whole,
    }  # fmt: skip
    return Check((request,), trial.formula, trial.moved)


def _line(trial: Trial, target: Target) -> str:
    given = [(p.latex, trial.values[p.key]) for p in target.parameters]
    shapes = ", ".join(f"{latex} {describe(v.shape)}" for latex, v in given if isinstance(v, np.ndarray))
    shapes += f" (batch of {trial.batch[0]})" if trial.batch else ""
    return f"{shapes}: largest difference {trial.result.difference:.2g} ({trial.like})"
