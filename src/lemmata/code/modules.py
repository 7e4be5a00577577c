"""Layers of the document's code, with their own parameters, against the functions its formulas define."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.agreement import Comparison, compare_arrays, noise, roundoff
from lemmata.code.attention import Semantics, close, matching, multi_head
from lemmata.code.edits.search import Check, corrections, located
from lemmata.code.fault_lines import with_lines
from lemmata.code.layers import (
    SCALES,
    Layer,
    LayerClass,
    Scale,
    Weights,
    bind_weights,
    build,
    building,
    formula_weights,
    fresh,
    is_bias,
    likes,
    required,
    settings,
)  # fmt: skip
from lemmata.code.session import Failed, Session
from lemmata.code.shapes import guessed
from lemmata.code.spelling import match
from lemmata.code.target import CannotLower, CodeFinding, CodeFix, Target, Value
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

LENGTHS = {8: (5, 3), 12: (4, 7), 4: (2, 3)}
"""Sequence lengths (queries, keys) by width of the model: different from widths and numbers of heads."""


class Run(Struct, frozen=True):
    """One call of a layer beside the formula."""

    scale: Scale
    arguments: Mapping[str, np.ndarray]
    """Of the formula, for one member of the batch."""
    weights: Mapping[str, np.ndarray]
    """Of the formula, heads in neighbouring columns."""
    code: np.ndarray
    best: Comparison
    reading: str
    """How heads or axes had to be read."""
    batch: bool
    whole: Mapping[str, np.ndarray]
    """The formula's arguments with their batch; one object for arguments that are the same."""
    wanted: np.ndarray
    """The formula's value with its batch, heads in neighbouring columns."""
    moved: float
    """How far rounding moves it."""
    check: Check | None = None
    """The call, to be made again with edited code."""
    by_order: bool = False
    """Which argument is which was taken from their order, not from their names."""


def judge_layer(
    target: Target, layer: LayerClass, session: Session, seed: int, hinted: bool, path: str = ""
) -> CodeFinding:
    """Compare a layer (or its child at `path`) with a formula at several sizes, its parameters drawn afresh."""
    name = f"{layer.name}.{path}" if path else layer.name
    bound: list[str] = [f"{target.latex} is {name}" + (" (by hint)" if hinted else "")]
    fixes: list[CodeFix] = []
    try:
        verdict = _judge(target, layer, session, seed, hinted, path, bound, fixes)
    except Failed as failed:
        verdict = Verdict("unchecked", str(failed))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        verdict = Verdict("unchecked", f"{name} could not be compared: {error}")
    edits = tuple(fixes) if verdict.kind == "refuted" else ()
    return CodeFinding(target.key, verdict, layer.cell, name, layer.line, tuple(bound), edits)


def _judge(
    target: Target, layer: LayerClass, session: Session, seed: int, hinted: bool, path: str, bound: list[str],
    fixes: list[CodeFix],
) -> Verdict:  # fmt: skip
    runs: list[Run] = []
    weights: Weights | None = None
    instance: Layer | None = None
    rng = np.random.default_rng([seed, 13])
    for scale in SCALES:
        made = build(session, layer, scale)
        if isinstance(made, str):
            return Verdict("unchecked", f"{layer.name}: {made}")
        instance = made
        found = bind_weights(target, instance, f"{path}." if path else "")
        if isinstance(found, str):
            return Verdict("unchecked", f"{layer.name}: {found}")
        if weights is None:
            bound += [
                f"{p.latex} is {', '.join(found.paths[p.key])}" for p in target.parameters if p.key in found.paths
            ]
        weights = found
        outcome = _run(target, layer, instance, weights, scale, rng, session, path)
        if isinstance(outcome, str):
            return Verdict("unchecked", f"{layer.name}: {outcome}")
        runs.append(outcome)
    assert weights is not None and instance is not None
    called = path.rsplit(".", 1)[-1] if path else layer.name
    return _verdict(
        target,
        f"{layer.name}.{path}" if path else layer.name,
        instance,
        weights,
        runs,
        hinted or match(target.names, called) >= 0.9,
        lambda: _correct(layer, session, runs, fixes),
        lambda: _stable(session, runs[-1]),
        lambda faults: with_lines(session, layer, faults),
    )


def _run(
    target: Target, layer: LayerClass, instance: Layer, weights: Weights, scale: Scale, rng: np.random.Generator,
    session: Session, path: str,
) -> Run | str:  # fmt: skip
    """One comparison, or why there is none. Raises Failed where the worker has ended."""
    formula_biases = any(is_bias(p) for paths in weights.paths.values() for p in paths)
    values = fresh(instance, rng, formula_biases)
    session.ask("set", handle=instance.handle, values=values, **settings(weights))
    called = {p.key: p.names for p in target.parameters if p.role == "argument"}
    names = list(called)
    needed = required(layer.forward) if not path else names[:1]
    if not names or len(needed) not in (1, len(names)):
        return f"takes {len(needed)} arguments, the formula {len(names)}"
    failure = ""
    for lengths in dict.fromkeys((LENGTHS[scale.model], LENGTHS[scale.model][:1] * 2)):
        given = [
            np.round(rng.normal(size=(2, lengths[0 if i == 0 else 1], scale.model)), 2) for i in range(len(needed))
        ]
        order = [next((i for i, n in enumerate(needed) if match(called[key], n) >= 0.6), -1) for key in names]
        straight = sorted(order) != list(range(len(needed)))
        arguments = {key: given[0 if len(needed) == 1 else i if straight else order[i]] for i, key in enumerate(names)}
        answer, batch = _forward(session, layer, instance, given, path)
        if isinstance(answer, str):
            failure = failure or answer
            continue
        code = answer if batch else answer[None]
        compared = _compare(target, instance, weights, values, scale, arguments, code, batch)
        if isinstance(compared, str):
            return compared
        return replace(
            compared,
            check=_check(layer, instance, weights, values, given, path, compared),
            by_order=straight and len(needed) > 1,
        )
    return failure


def _forward(
    session: Session, layer: LayerClass, instance: Layer, given: Sequence[np.ndarray], path: str
) -> tuple[np.ndarray | str, bool]:
    """(the layer's result or why there is none, whether it took a batch)."""
    failure = ""
    for batch in (True, False):
        inputs = [x if batch else x[0] for x in given]
        try:
            answer = session.ask(
                "forward",
                handle=instance.handle,
                values=inputs,
                named={},
                likes=likes(layer),
                path=path,
                seed=0,
                trace=False,
            )
        except Failed as failed:
            if not session.alive:
                raise
            failure = failure or f"it could not be called: {failed}"
            continue
        value = answer.get("value")
        return (value if isinstance(value, np.ndarray) else "it returns no array"), batch
    return failure, False


def _compare(
    target: Target, instance: Layer, weights: Weights, values: Mapping[str, np.ndarray], scale: Scale,
    arguments: Mapping[str, np.ndarray], code: np.ndarray, batch: bool,
) -> Run | str:  # fmt: skip
    """The formula on each member of the batch, under every sensible assignment of columns to heads."""
    best: tuple[Comparison, str] | None = None
    plain: tuple[dict[str, np.ndarray], np.ndarray, float] | None = None
    failure = ""
    indexed = any(p.indexed for p in target.parameters)
    for strided in ((False, False), (True, True), (True, False), (False, True)) if indexed else ((False, False),):
        try:
            chosen = formula_weights(target, weights, values, instance, scale.heads, strided)
            formula = _members(target, arguments, chosen, 0)
            first = _first(target, arguments)
            moved = noise(target, {**first, **chosen}, _at(target, first, chosen, ()), roundoff((code.dtype.name,)))
            turned = _members(target, arguments, chosen, 1) if batch else formula
        except (CannotLower, ValueError) as cannot:
            failure = f"the formula cannot be evaluated: {cannot}"
            continue
        plain = plain or (chosen, formula if batch else formula[:1], moved)
        for result, way in (
            (compare_arrays(formula, code, roundoff((code.dtype.name,)), moved), ""),
            (compare_arrays(turned, code, roundoff((code.dtype.name,)), moved), "the sequence is the first axis"),
        ):
            reading = "; ".join(w for w in (way, "heads take every h-th column" if any(strided) else "") if w)
            if best is None or (result.outcome == "equal" and best[0].outcome != "equal"):
                best = (result, reading)
        if best is not None and best[0].outcome == "equal":
            break
    if best is None or plain is None:
        return failure
    return Run(scale, _first(target, arguments), plain[0], code[0], *best, batch, arguments, *plain[1:])


def _check(
    layer: LayerClass,
    instance: Layer,
    weights: Weights,
    values: Mapping[str, np.ndarray],
    given: Sequence[np.ndarray],
    path: str,
    run: Run,
) -> Check:
    """The layer built anew, given the same parameters and called in the same way."""
    inputs = [x if run.batch else x[0] for x in given]
    requests = (
        {"op": "build", **building(layer, instance.arguments, run.scale)},
        {"op": "set", "handle": -1, "values": dict(values), **settings(weights)},
        {"op": "forward", "handle": -1, "values": inputs, "named": {}, "likes": likes(layer), "path": path, "seed": 0,
         "trace": False},
    )  # fmt: skip
    return Check(requests, run.wanted if run.batch else run.wanted[0], run.moved)


def _stable(session: Session, run: Run) -> bool:
    """Whether the layer returns the same for another seed."""
    requests = run.check.requests if run.check is not None else ()
    values = []
    for seed in (0, 1):
        handle = -1
        answer: Mapping[str, Any] = {}
        for request in requests:
            given = {k: v for k, v in request.items() if k not in ("op", "handle")}
            given |= {"handle": handle} if "handle" in request else {}
            given |= {"seed": seed} if "seed" in request else {}
            answer = session.ask(str(request["op"]), **given)
            handle = int(answer.get("handle", handle))
        values.append(answer.get("value"))
    first, second = values
    return isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and np.array_equal(first, second)


def _correct(layer: LayerClass, session: Session, runs: Sequence[Run], fixes: list[CodeFix]) -> tuple[str, bool]:
    """Look for edits of the code that repair it: where they are, in words; whether they only exchange variables."""
    checks = [r.check for r in runs if r.check is not None]
    fixes += corrections(session, layer.name, layer.framework, checks)
    return located(fixes), bool(fixes) and fixes[0].rebinds


def _first(target: Target, arguments: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The formula's arguments at the first member of the batch, and the first position for a formula of one vector."""
    ranks = {p.key: 2 if p.shape is None else len(p.shape) for p in target.parameters}
    return {k: v[(0,) * max(0, v.ndim - ranks[k])] for k, v in arguments.items()}


def _members(
    target: Target, arguments: Mapping[str, np.ndarray], weights: Mapping[str, np.ndarray], axis: int
) -> np.ndarray:
    """The formula on every member of the batch, which is this axis of the arguments and of the result.

    A formula of one vector is taken at every position.
    """
    ranks = {len(p.shape) for p in target.parameters if p.role == "argument" and p.shape is not None}
    if ranks == {1}:
        lead = next(iter(arguments.values())).shape[:-1]
        places = [_at(target, arguments, weights, place) for place in np.ndindex(lead)]
        return np.stack(places).reshape(*lead, *places[0].shape)
    count = min(v.shape[axis] for v in arguments.values())
    index = [(slice(None),) * axis + (member,) for member in range(count)]
    return np.stack([_at(target, arguments, weights, place) for place in index], axis)


def _at(
    target: Target,
    arguments: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray],
    place: tuple[int | slice, ...],
) -> np.ndarray:
    inputs: dict[str, Value] = {**{k: v[place] for k, v in arguments.items()}, **weights}
    return np.asarray(target.evaluate(inputs), dtype=float)


def _verdict(
    target: Target, name: str, instance: Layer, weights: Weights, runs: Sequence[Run], named: bool,
    correct: Callable[[], tuple[str, bool]], stable: Callable[[], bool],
    placed: Callable[[Sequence[str]], tuple[str, ...]],
) -> Verdict:  # fmt: skip
    outcomes = {r.best.outcome for r in runs}
    notes = []
    if len(runs[0].arguments) > 1 and len({id(v) for v in runs[0].whole.values()}) == 1:
        notes.append(f"as self-attention, {' = '.join(runs[0].arguments)}")
    if instance.biased and not any(is_bias(p) for paths in weights.paths.values() for p in paths):
        notes.append("equal up to its biases, which the formula does not have (they are zero here)")
    if readings := sorted({r.reading for r in runs if r.reading}):
        notes.append(readings[0])
    evidence = tuple(_line(r) for r in runs)
    if outcomes == {"equal"}:
        extra = f" ({'; '.join(notes)})" if notes else ""
        if weights.unused:
            return Verdict("unchecked", f"{name} agrees, but {weights.unused[0]} has no counterpart in the formula")
        return Verdict("verified", f"{name} computes the formula{extra}", "code on fresh inputs", evidence)
    if "differ" not in outcomes:
        return Verdict("unchecked", f"{name} returns another shape than the formula, or values that are not finite")
    if "equal" in outcomes:
        return Verdict("unchecked", f"{name} agrees with the formula at some sizes and not at others")
    if all(r.best.slight for r in runs):
        return Verdict("unchecked", f"{name} is close to the formula, as an approximation or an ε would make it")
    place, rebinds = correct() if not weights.unused else ("", False)
    steady = stable()
    if rebinds and (not weights.sure or runs[0].by_order):
        place = ""
    if not steady and "dropout" not in place:
        return Verdict("unchecked", f"chance takes part in {name}")
    why = placed(explain(target, runs)) or ((place,) if place else ())
    if not why and weights.unused:
        return Verdict("unchecked", f"{name} differs, and {weights.unused[0]} has no counterpart in the formula")
    if not why and not (weights.sure and named):
        return Verdict("unchecked", f"{name} differs from the formula, but which parameter is which is not sure")
    if not why and guessed(target.parameters):
        return Verdict("unchecked", f"{name} differs from the formula, but its shapes were not declared")
    if not why and not runs[0].batch:
        return Verdict("unchecked", f"{name} differs from the formula, but what its axes mean is not sure")
    run = runs[-1]
    shown_values = {**run.arguments, **run.weights}
    first = {p.key: p.latex for p in target.parameters}
    same = len({id(v) for v in run.whole.values()}) < len(run.whole)
    values: dict[str, object] = {first[k]: shown(v) for k, v in shown_values.items()}
    sizes = {"n": LENGTHS[run.scale.model][0], "d": run.scale.model}
    if any(p.indexed for p in target.parameters):
        sizes["h"] = run.scale.heads
    example = Counterexample(
        sizes=sizes, values=values, left=run.best.left, right=run.best.right,
        where=f"component {list(run.best.where)} (batch, position, feature)",
        note=f"formula against {name}" + (", the same x for every argument" if same else ""),
    )  # fmt: skip
    reason = "; ".join(why) if why else "their values differ"
    return Verdict(
        "refuted", f"{name} does not compute the formula: {reason}", "code on fresh inputs", evidence, example
    )


def explain(target: Target, runs: Sequence[Run]) -> tuple[str, ...]:
    """The mistakes that turn multi-head attention into what the code computes, if that is the formula."""
    arguments = [p.key for p in target.parameters if p.role == "argument"]
    heads = [p.key for p in target.parameters if p.indexed]
    output = [p.key for p in target.parameters if p.role != "argument" and not p.indexed]
    if len(arguments) not in (1, 3) or len(heads) != 3 or len(output) != 1:
        return ()
    known = []
    for run in runs:
        qkv = [run.arguments[k] for k in (arguments if len(arguments) == 3 else arguments * 3)]
        w = [np.concatenate(list(run.weights[k]), axis=1) for k in heads] + [run.weights[output[0]]]
        try:
            formula = target.evaluate({**run.arguments, **run.weights})
            if not close(formula, multi_head(qkv, w, run.scale.heads, Semantics())):
                return ()
        except (CannotLower, ValueError):
            return ()
        known.append((qkv, w, run.scale.heads, run.code))
    return matching(known)


def _line(run: Run) -> str:
    lengths = "×".join(str(v.shape[1]) for v in run.whole.values())
    batch = ", batch of 2" if run.batch else ""
    sizes = f"d={run.scale.model}, h={run.scale.heads}, lengths {lengths}{batch}"
    return f"{sizes}: largest difference {run.best.difference:.2g}"
