"""Variables, `.grad`s and printed expressions against the formulas for them, at the document's own values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.code.agreement import Comparison, compare_arrays, noise, roundoff
from lemmata.code.session import Failed, Session, Step
from lemmata.code.shapes import describe, fit
from lemmata.code.spelling import match, rank
from lemmata.code.statics import Line, Rests, sources
from lemmata.code.target import CannotLower, CodeFinding, Parameter, Target, Value
from lemmata.verify.verdict import Counterexample, Verdict

SHOWN = 40
"""Numbers of one array that a counterexample prints."""
SMALL = 1e-3
"""Of the formula's largest number: what is printed below it may be an error."""
WORD = re.compile(r"[A-Za-z_][\w.]*")


class Occurrence(Struct, frozen=True):
    """A place where code may hold what a target says."""

    name: str
    key: str
    """Of its array."""
    state: Mapping[str, str]
    cell: int
    line: int
    fit: float
    kind: str
    """`variable`, `grad` or `print`."""
    step: int
    """How many statements had been recorded."""


class Inputs(Struct, frozen=True):
    """The formula's parameters in the variables of one moment."""

    values: dict[str, Value]
    bound: tuple[str, ...]
    names: frozenset[str]
    dtypes: tuple[str, ...]
    sure: bool
    """Every name as spelled in the formula."""


def occurrences(target: Target, steps: Sequence[Step], seen: Sequence[Step]) -> Iterator[Occurrence]:
    """Places that fit by name, in the order of execution, printed ones last."""
    before: Mapping[str, str] = {}
    for number, step in enumerate(steps):
        places = [(n, step.state[n], "variable") for n in step.assigned if n in step.state]
        if target.kind == "gradient":
            places += [(n, k, "grad") for n, k in step.state.items() if n.endswith(".grad") and n not in before]
        for name, key, kind in places:
            if (fits := match(target.names, name)) >= 0.9:
                yield Occurrence(name, key, step.state, step.cell, step.line, fits, kind, number)
        before = step.state
    plain = [n for n in target.names if "." not in n]
    for print_ in seen if target.kind == "gradient" else ():
        fits = max((match(plain, word) for word in WORD.findall(print_.label)), default=0.0)
        if fits >= 0.9:
            name = print_.label.strip(" :=,")
            yield Occurrence(name, print_.value, print_.state, print_.cell, print_.line, fits, "print", len(steps))


def bind_inputs(target: Target, state: Mapping[str, str], session: Session) -> Inputs | str:
    """The parameters' values in a state, or which one is missing. Raises Failed."""
    values: dict[str, Value] = {}
    bound: list[str] = []
    names: set[str] = set()
    dtypes: list[str] = []
    sizes: dict[str, int] = {}
    sure = True
    for parameter in sorted(target.parameters, key=lambda p: p.shape is None):
        chosen = _best(parameter, state, names) or _of_layer(parameter, state)
        if chosen is None:
            return f"no variable for {parameter.latex}"
        name, fits = chosen
        array = session.array(state[name])
        if array is None:
            return f"{name} is too large to look at"
        array = array.T if name.endswith(".weight") else array
        fitted = fit(parameter, array, sizes)
        if fitted is None:
            return f"{name} is {describe(array.shape)}, which does not fit {parameter.latex}"
        values[parameter.key] = fitted.astype(float)
        names.add(name)
        dtypes.append(array.dtype.name)
        sure = sure and fits >= 0.95
        bound.append(f"{parameter.latex} is {name} ({describe(array.shape)})")
    return Inputs(values, tuple(bound), frozenset(names), tuple(dtypes), sure)


def _best(parameter: Parameter, state: Mapping[str, str], taken: set[str]) -> tuple[str, float] | None:
    fits = [(match(parameter.names, name), -rank(parameter.names, name), name) for name in state if name not in taken]
    best = max((f for f in fits if f[0] >= 0.9), default=None)
    return None if best is None else (best[2], best[0])


def _of_layer(parameter: Parameter, state: Mapping[str, str]) -> tuple[str, float] | None:
    """The weight or bias of the only linear layer among the variables, for w and b that no variable is called after."""
    letter = parameter.latex.rpartition("{")[2].strip("\\{} ")[:1]
    ends = {"w": ".weight", "W": ".weight", "b": ".bias"}.get(letter)
    found = [name for name in state if ends is not None and name.endswith(ends)]
    return (found[0], 0.9) if len(found) == 1 else None


class ValueChecks:
    """Judges targets against the values of one session."""

    def __init__(self, session: Session, lines: Sequence[Line], targets: Sequence[Target]) -> None:
        """Raises Failed."""
        self.session = session
        self.lines = lines
        self.targets = {t.key: t for t in targets}
        self.steps, self.seen = session.steps()

    def findings(self, target: Target) -> Iterator[CodeFinding]:
        """What the code says about a target, one finding per kind of place; constants are for the code to choose."""
        if target.kind not in ("value", "gradient") or not target.parameters:
            return
        groups: dict[tuple[str, str], list[Occurrence]] = {}
        for occurrence in occurrences(target, self.steps, self.seen):
            groups.setdefault((occurrence.kind, occurrence.name), []).append(occurrence)
        for group in groups.values():
            found: list[CodeFinding] = []
            for occurrence in sorted(group, key=lambda o: (o.line < target.line, abs(o.line - target.line))):
                found.append(self._judged(target, occurrence))
                if found[-1].verdict.kind == "verified":  # the nearest agreement settles it
                    break
            settled = _settle(found, target.line)
            if (
                settled.verdict.kind != "unchecked" or group[0].kind != "print"
            ):  # a label may stand for an error, a norm
                yield settled

    def _judged(self, target: Target, occurrence: Occurrence) -> CodeFinding:
        try:
            return self._judge(target, occurrence)
        except Failed as failed:
            return self._finding(target, occurrence, Verdict("unchecked", str(failed)))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            why = f"{occurrence.name} could not be compared: {error}"
            return self._finding(target, occurrence, Verdict("unchecked", why))

    def _judge(self, target: Target, occurrence: Occurrence) -> CodeFinding:
        inputs = bind_inputs(target, occurrence.state, self.session)
        if isinstance(inputs, str):
            return self._finding(target, occurrence, Verdict("unchecked", inputs))
        observed = self.session.array(occurrence.key)
        if observed is None:
            return self._finding(target, occurrence, Verdict("unchecked", f"{occurrence.name} is too large to look at"))
        compared = _against(target, inputs, observed)
        if isinstance(compared, str):
            return self._finding(target, occurrence, Verdict("unchecked", compared), inputs)
        formula, result = compared
        if result.outcome == "equal" and not np.any(formula):
            verdict = Verdict("unchecked", "every number is zero at the document's own values, which proves nothing")
        elif result.outcome == "equal" and (doubt := self._norm_doubt(target, occurrence, inputs)):
            verdict = Verdict("unchecked", f"{occurrence.name} agrees, but {doubt}")
        elif result.outcome == "equal":
            evidence = (
                f"{occurrence.name} and the formula differ by {result.difference:.2g} at most "
                f"(rounding allows {result.tolerance:.2g}) over {formula.size} numbers",
                *inputs.bound,
            )
            verdict = Verdict("verified", self._same(occurrence), "code values", evidence)
        else:
            verdict = self._differing(target, occurrence, inputs, formula, observed, result)
        return self._finding(target, occurrence, verdict, inputs)

    def _same(self, occurrence: Occurrence) -> str:
        what = {"variable": "the variable", "grad": "the gradient", "print": "the printed"}[occurrence.kind]
        return f"{what} {occurrence.name} has the formula's value"

    def _differing(
        self, target: Target, occurrence: Occurrence, inputs: Inputs, formula: np.ndarray, observed: np.ndarray,
        result: Comparison,
    ) -> Verdict:  # fmt: skip
        if result.outcome == "shape":
            return Verdict(
                "unchecked",
                f"{occurrence.name} is {describe(observed.shape)}, the formula gives {describe(formula.shape)}",
            )
        if result.outcome == "unclear":
            return Verdict(
                "unchecked", f"{occurrence.name} differs from the formula by less than what can be told from rounding"
            )
        doubt = self._doubt(target, occurrence, inputs)
        if occurrence.kind == "print" and np.abs(observed).max() <= SMALL * np.abs(formula).max():
            doubt = doubt or "it is so small that it may be how far two values are apart"
        if doubt:
            return Verdict("unchecked", f"{occurrence.name} differs from the formula, but {doubt}")
        values = {p.latex: shown(inputs.values[p.key]) for p in target.parameters}
        where = f"component {list(result.where)}" if result.where else ""
        example = Counterexample(
            values=values, left=result.left, right=result.right, where=where,
            note=f"formula against {occurrence.name} of line {occurrence.line}",
        )  # fmt: skip
        reason = f"{occurrence.name} is not what the formula says: {result.right:.6g} instead of {result.left:.6g}"
        return Verdict("refuted", reason, "code values", inputs.bound, example)

    def _doubt(self, target: Target, occurrence: Occurrence, inputs: Inputs) -> str:
        """Why a difference need not be an error of either side; empty if it is one."""
        if not inputs.sure or occurrence.fit < 0.95:
            return "its name or those of its inputs fit only loosely"
        roots = frozenset(n.split(".")[0] for n in inputs.names)
        if occurrence.kind == "grad":
            return self._loss_doubt(target, occurrence)
        if doubt := self._norm_doubt(target, occurrence, inputs):
            return doubt
        rests = sources(self.lines, occurrence.cell, occurrence.line, roots)
        if rests is None or rests.random:
            return "chance takes part in computing it"
        if not roots <= rests.names:
            return f"it is not computed from {', '.join(sorted(roots - rests.names))}"
        if taken := sorted(rests.parts & rests.names & (roots | set(occurrence.state))):
            return f"it uses a part of {', '.join(taken)}"
        if moved := self._moved(rests, occurrence, inputs):
            return f"{moved} has changed since it was used"
        lengths = {n for v in inputs.values.values() if isinstance(v, np.ndarray) for n in v.shape}
        own = {occurrence.name} if occurrence.kind == "variable" else set()
        reached = (n for n in sorted(rests.names - roots - own) if n in occurrence.state)
        others = [n for n in reached if not self._computed(n, occurrence, lengths)]
        return f"it also rests on {', '.join(others)}" if others else ""

    def _norm_doubt(self, target: Target, occurrence: Occurrence, inputs: Inputs) -> str:
        """Whether what is called a norm is none of what the formula takes the norm of."""
        for parameter in target.parameters:
            value = inputs.values.get(parameter.key)
            if not parameter.norm_of or not isinstance(value, np.ndarray):
                continue
            names = [n for n in occurrence.state if match(parameter.norm_of, n) >= 0.95]
            whole = self.session.array(occurrence.state[names[0]]) if names else None
            if whole is None or not any(
                np.size(norms := np.sqrt(np.sum(np.square(whole), axis=axis))) == value.size
                and np.allclose(np.squeeze(norms), np.squeeze(value), rtol=1e-4)
                for axis in range(whole.ndim)
            ):
                return f"it is not known whether {parameter.latex} is what the code calls so"
        return ""

    def _computed(self, name: str, occurrence: Occurrence, lengths: set[int]) -> bool:
        """Whether a variable is made from others, or a number that is a size of the inputs."""
        number = self.session.array(occurrence.state[name])
        if number is not None and number.ndim == 0 and number.item() in lengths:
            return True
        place = (occurrence.cell, occurrence.line)
        made = [s for s in self.lines if name in s.assigned and (s.cell, s.line) <= place]
        return bool(made) and any(n in occurrence.state for n in made[-1].reads)

    def _moved(self, rests: Rests, occurrence: Occurrence, inputs: Inputs) -> str:
        """An input that had another value when an earlier statement of the computation read it; empty if none had."""
        reads = {(s.cell, s.line): s.reads for s in self.lines}
        for place in rests.places:
            past = next((s for s in reversed(self.steps[: occurrence.step]) if (s.cell, s.line) == place), None)
            for name in inputs.names if past is not None else ():
                used = name.split(".")[0] in reads[place]
                if past is not None and used and past.state.get(name) != occurrence.state.get(name):
                    return name
        return ""

    def _loss_doubt(self, target: Target, occurrence: Occurrence) -> str:
        made = [
            s for s in self.lines
            if s.backward is not None and (s.cell, s.line) <= (occurrence.cell, occurrence.line)
        ]  # fmt: skip
        subject = self.targets.get(target.subject or "")
        if not made or subject is None:
            return "it is not known which formula was differentiated"
        loss = made[-1].backward or ""
        if match(subject.names, loss) < 0.9 or loss not in occurrence.state:
            return f"it is the gradient of {loss or 'something else'}"
        inputs = bind_inputs(subject, occurrence.state, self.session)
        observed = self.session.array(occurrence.state[loss])
        if isinstance(inputs, str) or observed is None:
            return f"{loss} could not be compared with {subject.latex}"
        compared = _against(subject, inputs, observed)
        if isinstance(compared, str) or compared[1].outcome != "equal":
            return f"{loss} is not {subject.latex}"
        return ""

    def _finding(
        self, target: Target, occurrence: Occurrence, verdict: Verdict, inputs: Inputs | None = None
    ) -> CodeFinding:
        name = f"print: {occurrence.name}" if occurrence.kind == "print" else occurrence.name
        bound = (f"{target.latex} is {name}", *(inputs.bound if inputs else ()))
        return CodeFinding(target.key, verdict, occurrence.cell, name, occurrence.line, bound)


def _against(target: Target, inputs: Inputs, observed: np.ndarray) -> tuple[np.ndarray, Comparison] | str:
    """(the formula's value, its comparison with the code's), or why there is none."""
    try:
        formula = np.asarray(target.evaluate(inputs.values), dtype=float)
        eps = roundoff((*inputs.dtypes, observed.dtype.name))
        result = compare_arrays(formula, observed, eps, 0.0)
        if result.outcome in ("differ", "unclear"):  # what the formula makes of rounded inputs may explain it
            result = compare_arrays(formula, observed, eps, noise(target, inputs.values, formula, eps))
    except CannotLower as cannot:
        return f"the formula cannot be evaluated: {cannot}"
    return formula, result


def _settle(group: Sequence[CodeFinding], line: int) -> CodeFinding:
    """One finding for several places of one name: an agreement counts; disagreement only if all say so."""
    order = sorted(group, key=lambda f: (f.line < line, abs(f.line - line)))
    for kind in ("verified", "unchecked", "refuted"):
        for finding in order:
            if finding.verdict.kind == kind:
                return finding
    return order[0]


def shown(value: object) -> object:
    """A value for a counterexample: as nested lists, or by its shape if it is large."""
    if not isinstance(value, np.ndarray):
        return "a function"
    if value.size > SHOWN:
        return f"{describe(value.shape)} array"
    return np.round(value, 10).tolist()
