"""Residual connections and normalisations of the document's layers, apart from the sublayers between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lemmata.code.attention import close
from lemmata.code.layers import SCALES, Layer, LayerClass, build, fresh, likes, required
from lemmata.code.session import Failed, Session
from lemmata.code.target import CannotLower, CodeFinding, Target
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict


def judge_sublayers(target: Target, layer: LayerClass, session: Session, seed: int) -> CodeFinding | None:
    """Residual and normalisation of a layer against LayerNorm(x + Sublayer(x)), each sublayer taken as it is.

    What went into and came out of every child is recorded; the formula gets the sublayer's own result, so that a
    mistake inside a sublayer does not count here. None where the layer has no normalisations.
    """
    operation = next((p.key for p in target.parameters if p.role == "operation"), None)
    argument = next((p.key for p in target.parameters if p.role == "argument"), None)
    if operation is None or argument is None:
        return None
    bound = (f"{target.latex} is every normalisation of {layer.name}",)

    def finding(verdict: Verdict) -> CodeFinding:
        return CodeFinding(target.key, verdict, layer.cell, layer.name, layer.line, bound)

    try:
        made = build(session, layer, SCALES[0])
        if isinstance(made, str) or not any("norm" in t.lower() for t in made.leaves.values()):
            return None
        rng = np.random.default_rng([seed, 17])
        session.ask("set", handle=made.handle, values=fresh(made, rng, True), eps=0.0)
        x = np.round(rng.normal(size=(2, 5, SCALES[0].model)), 2)
        given = [x] * len(required(layer.forward))
        answer = session.ask(
            "forward", handle=made.handle, values=given, named={}, likes=likes(layer), path="", seed=0, trace=True
        )
    except Failed as failed:
        return finding(Verdict("unchecked", f"{layer.name}: {failed}")) if session.alive else None
    return finding(_sublayers(target, layer, answer, made, operation, argument))


def _sublayers(
    target: Target, layer: LayerClass, answer: Mapping[str, Any], made: Layer, operation: str, argument: str
) -> Verdict:
    calls = [c for c in answer.get("calls", ()) if isinstance(c.get("output"), np.ndarray) and c.get("inputs")]
    norms = [c for c in calls if "norm" in str(c["type"]).lower() and isinstance(c["inputs"][0], np.ndarray)]
    others = [c for c in calls if c not in norms and isinstance(c["inputs"][0], np.ndarray)]
    result = answer.get("value")
    evidence: list[str] = []
    before: list[str] = []
    for norm in norms:
        given, made_of = norm["inputs"][0], norm["output"]
        partner = next((c for c in others if _holds(target, c, made_of, operation, argument)), None)
        if partner is not None:
            evidence.append(
                f"{norm['path']}: the normalisation of x + {partner['path']}(x), x being what {partner['path']} gets"
            )
            continue
        fed = [c for c in others if close(c["inputs"][0], made_of)]
        sums = [c["inputs"][0] for c in calls] + ([result] if isinstance(result, np.ndarray) else [])
        if any(_adds(given, c["output"], s) for c in fed for s in sums):
            before.append(str(norm["path"]))
    if norms and len(evidence) == len(norms):
        note = f" (with ε = {made.eps[0]:g} left out)" if made.eps and made.eps[0] else ""
        return Verdict(
            "verified",
            f"residual and normalisation of {layer.name} are the formula's{note}",
            "code on fresh inputs",
            tuple(evidence),
        )
    if norms and len(before) == len(norms):
        norm = norms[0]
        partner = next(c for c in others if close(c["inputs"][0], norm["output"]))
        x = norm["inputs"][0]
        formula = _formula(target, x, partner["output"], operation, argument)
        code = x + partner["output"]
        if formula is not None and not close(formula, code):
            at = np.unravel_index(int(np.argmax(np.abs(formula - code))), code.shape)
            example = Counterexample(
                sizes={"d": int(x.shape[-1])},
                values={"x": shown(x[0][0])},
                left=float(formula[at]),
                right=float(code[at]),
                where=f"component {[int(i) for i in at]}",
                note=f"{layer.name} adds before it normalises the next input",
            )
            reason = f"{layer.name} normalises before each sublayer, x + Sublayer(LayerNorm(x)), the formula after it"
            return Verdict("refuted", reason, "code on fresh inputs", tuple(before), example)
    return Verdict("unchecked", f"not every normalisation of {layer.name} could be matched with a sublayer")


def _adds(x: np.ndarray, y: np.ndarray, total: object) -> bool:
    return isinstance(total, np.ndarray) and x.shape == y.shape == total.shape and close(x + y, total)


def _holds(target: Target, call: Mapping[str, Any], wanted: np.ndarray, operation: str, argument: str) -> bool:
    x, out = call["inputs"][0], call["output"]
    if np.shape(x) != np.shape(out) or np.shape(x) != np.shape(wanted):
        return False
    found = _formula(target, x, out, operation, argument)
    return found is not None and close(found, wanted)


def _formula(target: Target, x: np.ndarray, out: np.ndarray, operation: str, argument: str) -> np.ndarray | None:
    """The formula for each member of the batch, its open function giving `out`."""
    rows = []
    for one, result in zip(x, out, strict=True):

        def sublayer(_: np.ndarray, result: np.ndarray = result) -> np.ndarray:
            return result

        try:
            rows.append(np.asarray(target.evaluate({argument: one, operation: sublayer}), dtype=float))
        except CannotLower:
            return None
    return np.stack(rows)
