"""Gradients that a document's code computes by hand, against the derivatives of what the document defines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.calls import Arguments, Function, bind_arguments, fixed_sizes, judge_function
from lemmata.code.cells import place
from lemmata.code.drawing import drawn
from lemmata.code.gradient_names import bare, likeness, makes_up
from lemmata.code.pieces import module, reads, writes
from lemmata.code.session import Failed, Session
from lemmata.code.shapes import choose_sizes, lengths
from lemmata.code.spelling import gradient_names, match, spellings
from lemmata.code.target import CannotLower, CodeFinding, Derivative, Parameter, Target, Value
from lemmata.code.values import shown
from lemmata.verify.verdict import Counterexample, Verdict

LOOSE = re.compile(r"factor|constant|absorb|up to|proportional|ignor|omit|scale|常数|系数|忽略|省略", re.IGNORECASE)
"""Words in code with which a factor may be left out."""
OTHER = re.compile(r"clip|clamp|norm|noise|rand|momentum|eps|hessian|newton|decay", re.IGNORECASE)
"""Words for what a gradient may be made into before it is used."""
STEP = 1e-6
TRIALS = 3


class Joined(Struct, frozen=True):
    """A `Target`: derivatives by several variables, one after the other."""

    parts: tuple[Derivative, ...]
    names: tuple[str, ...] = ()
    kind: str = "derivative"

    @property
    def key(self) -> str:
        return self.parts[0].key

    @property
    def latex(self) -> str:
        return ", ".join(p.latex for p in self.parts)

    @property
    def line(self) -> int:
        return self.parts[0].line

    @property
    def subject(self) -> str | None:
        return self.parts[0].subject

    @property
    def sizes(self) -> Sequence[str]:
        return sorted({x for p in self.parts for x in p.sizes})

    @property
    def parameters(self) -> Sequence[Parameter]:
        found: dict[str, Parameter] = {}
        for part in self.parts:
            for parameter in part.parameters:
                if parameter.key not in found or parameter.role == "argument":
                    found[parameter.key] = parameter
        order = {p.variable: n for n, p in enumerate(self.parts)}
        return sorted(found.values(), key=lambda p: order.get(p.key, len(order)))

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """The derivatives at these values, as one array. Raises CannotLower."""
        return np.concatenate([np.ravel(part.evaluate(values)) for part in self.parts])


class _Named(Struct, frozen=True):
    """A `Target` that is called as the function is."""

    inner: Target
    names: tuple[str, ...]

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


def judge_gradients(
    targets: Sequence[Target], functions: Sequence[Function], state: Mapping[str, str], session: Session, seed: int,
    rivals: Sequence[tuple[str, int]] = (),
) -> Iterator[CodeFinding]:  # fmt: skip
    """Every function that is called as a gradient is, against the derivatives that it may be. Raises Failed."""
    known = [cast(Derivative, t) for t in targets if t.kind == "derivative"]
    for function in functions if known else ():
        candidates = [c for c in known if (likeness(c, function.name) > 0)]
        node = _definition(session, function)
        if candidates and node is not None:
            yield from _Gradient(function, node, candidates, functions, state, session, seed, rivals).findings()


class _Gradient(Struct):
    function: Function
    node: ast.FunctionDef
    candidates: Sequence[Derivative]
    functions: Sequence[Function]
    state: Mapping[str, str]
    session: Session
    seed: int
    rivals: Sequence[tuple[str, int]]

    def findings(self) -> Iterator[CodeFinding]:
        """What the function was found to be: that it is a derivative, or where it parts from the only one it can be."""
        tried: list[tuple[Derivative, Target, CodeFinding]] = []
        for first, target in self._targets():
            names = (self.function.name,)
            whole = replace(self.function, whole=isinstance(target, Joined))
            named = cast(Target, _Named(target, names))
            finding = judge_function(named, whole, self.state, self.session, self.seed, False)
            if finding.verdict.kind == "verified":
                what = target.latex if first.claimed else f"{target.latex}, the derivative of the formula"
                reason = f"{self.function.name} computes {what}"
                yield replace(finding, verdict=replace(finding.verdict, reason=reason))
                return
            if not finding.fixes and (verdict := self._related(target)) is not None:
                finding = replace(finding, verdict=verdict)
            tried.append((first, target, finding))
        refuted = [(c, t, f) for c, t, f in tried if f.verdict.kind == "refuted"]
        if not refuted:
            return
        first, target, finding = min(refuted, key=lambda x: (not x[0].claimed, not x[2].fixes))
        doubt = self._doubt(tried, first, target, finding)
        if doubt:
            why = f"{self.function.name} differs from {target.latex}, but {doubt}"
            yield replace(finding, verdict=Verdict("unchecked", why), fixes=())
            return
        what = target.latex if first.claimed else f"{target.latex}, the derivative of the formula"
        reason = finding.verdict.reason.replace("does not compute the formula", f"does not compute {what}")
        yield replace(finding, verdict=replace(finding.verdict, reason=reason))

    def _related(self, target: Target) -> Verdict | None:
        """That the function gives a multiple or the transpose of the derivative at several sizes, or None."""
        arguments = self._arguments(target)
        if isinstance(arguments, str):
            return None
        tried = [p for p in target.parameters if p.key not in arguments.constants]
        seen = self._compared(target, arguments)
        relation = _relation(seen) if seen else ""
        if not relation:
            return None
        sizes, values, wanted, found = min(seen, key=lambda x: x[2].size)
        if wanted.shape != found.shape:
            wanted, found = wanted.ravel(), found.ravel()
        at = np.unravel_index(int(np.argmax(np.abs(wanted - found))), wanted.shape)
        example = Counterexample(
            sizes={n: k for n, k in sizes.items() if not n.startswith("?")},
            values={p.latex: shown(np.asarray(values[p.key])) for p in tried if p.key in values},
            left=float(wanted[at]),
            right=float(found[at]),
            where=f"component {[int(i) for i in at]}" if at else "",
            note=f"derivative against {self.function.name}",
        )
        reason = f"{self.function.name} does not compute the formula: it is {relation}"
        shapes = ("; ".join(f"{name} = {k}" for name, k in s.items() if not name.startswith("?")) for s, *_ in seen)
        return Verdict("refuted", reason, "code on fresh inputs", tuple(shapes), example)

    def _compared(
        self, target: Target, arguments: Arguments
    ) -> list[tuple[Mapping[str, int], Mapping[str, np.ndarray], np.ndarray, np.ndarray]]:
        """(sizes, inputs, the derivative, what the function gives), a few times; none where one has no value."""
        rng = np.random.default_rng([self.seed, 29])
        tried = [p for p in target.parameters if p.key not in arguments.constants]
        function = replace(self.function, whole=isinstance(target, Joined))
        seen: list[tuple[Mapping[str, int], Mapping[str, np.ndarray], np.ndarray, np.ndarray]] = []
        sizes = choose_sizes(tried, TRIALS, rng, fixed_sizes(target, arguments))
        for chosen in (*sizes, *sizes[-1:] * (TRIALS - len(sizes))):
            values = self._drawn(tried, arguments, chosen, rng)
            if values is None:
                return []
            try:
                wanted = target.evaluate({**values, **arguments.constants})
            except CannotLower:
                return []
            found = self._value(function, {arguments.by_key[k]: v for k, v in values.items()})
            if found is None or not np.all(np.isfinite(found)) or not np.all(np.isfinite(wanted)) or not np.any(wanted):
                return []
            seen.append((chosen, values, np.squeeze(wanted), np.squeeze(found)))
        return seen

    def _arguments(self, target: Target) -> Arguments | str:
        named = cast(Target, _Named(target, (self.function.name,)))
        return bind_arguments(named, self.function, self.state, self.session)

    def _drawn(
        self, parameters: Sequence[Parameter], arguments: Arguments, sizes: Mapping[str, int], rng: np.random.Generator
    ) -> dict[str, np.ndarray] | None:
        try:
            return {p.key: drawn(p.domain, lengths(p, sizes), rng, False) for p in parameters
                    if p.key in arguments.by_key}  # fmt: skip
        except ValueError:
            return None

    def _targets(self) -> list[tuple[Derivative, Target]]:
        """What may be meant, likeliest first: written out in the document before what follows from a definition."""
        parts, several = _returned(self.node)
        ranked = sorted(
            self.candidates,
            key=lambda c: (-likeness(c, self.function.name), not c.claimed, c.order > self._place(), -c.order[1]),
        )
        found: list[tuple[Derivative, Target]] = []
        if not several:
            needed = self.function.required
            for c in ranked:
                called = next((p for p in c.parameters if p.key == c.variable), None)
                first = bool(needed) and called is not None and match(called.names, needed[0]) >= 0.6
                own = called is not None and called.role == "argument" and len(needed) == 1
                how = likeness(c, self.function.name)
                if c.claimed or own or how in (2, 4) or not _given(c, ranked) and (first or how > 2):
                    found.append((c, c))
        groups: dict[tuple[str, int, bool], list[Derivative]] = {}
        for c in ranked:
            groups.setdefault((c.of, c.line, c.claimed), []).append(c)
        for group in groups.values() if len(parts) != 1 or len(self.function.required) > 1 else ():
            if joined := _joined(group, parts):
                found.append((joined[0], Joined(joined)))
        return found

    def _place(self) -> tuple[int, int]:
        cell = next(e.cell for e in self.session.prepared if e.cell.index == self.function.cell)
        where = place(cell, self.node.lineno)
        return (-1 if where.cell is None else where.cell, where.line)

    def _doubt(
        self, tried: Sequence[tuple[Derivative, Target, CodeFinding]], first: Derivative, target: Target,
        finding: CodeFinding,
    ) -> str:  # fmt: skip
        """Why a difference may be no error of this function; empty if nothing speaks for that."""
        name = self.function.name
        exact = max(likeness(c, name) for c, _, _ in tried)
        if len({c.line for c, _, _ in tried if not c.claimed}) > 1:
            return "several formulas of the document may be meant"
        if len({bare(c.of) for c, _, _ in tried if likeness(c, name) == exact}) > 1:
            return "it may be the gradient of something else in this document"
        if exact < 3 and any(first.order[1] < line <= self._place()[1] for _, line in self.rivals):
            return "a formula between them was not understood"
        related = "it is" in finding.verdict.reason and not finding.fixes
        repaired = bool(finding.fixes) and not finding.fixes[0].rebinds
        text = ast.get_source_segment(self._source(), self.node) or ast.unparse(self.node)
        if OTHER.search(text):
            return "more than the gradient is computed there"
        if not related and not repaired and not (exact > 2 and self._meant(first, target)):
            return "no small edit makes it that"
        before = self._source().split("\n")[max(0, self.node.lineno - 3) : self.node.lineno]
        if first.loose or LOOSE.search("\n".join((*before, text)).replace(name, "")):
            return "factors may be left out on purpose"
        if how := makes_up([x for e in self.session.prepared if (x := module(e)) is not None], name):
            return how
        arguments = self._arguments(target)
        if isinstance(arguments, str):
            return arguments
        if others := self._others(target):
            return f"{others[0]} takes part in it, which the formula does not have"
        loss = self._differentiated(target, arguments, self.functions)
        if loss:
            return f"it is the gradient of {loss} in the code"
        return self._convention(first, target, arguments)

    def _convention(self, first: Derivative, target: Target, arguments: Arguments) -> str:
        """What its argument would have to be for the function to be right: the value of f, a symmetric matrix."""
        for _, given, _, _ in self._compared(target, arguments):
            matrices = [p.key for p in target.parameters if _square(p)]
            values: dict[str, Value] = {**given, **arguments.constants}
            for key in matrices:
                values[key] = (np.asarray(values[key]) + np.asarray(values[key]).T) / 2
            if matrices and self._same(target, values, arguments, values):
                return "it is right where the matrix is symmetric"
            if first.value is None or first.variable not in given:
                continue
            try:
                put = first.value.evaluate({**given, **arguments.constants})
            except (CannotLower, KeyError):
                continue
            if put.shape == np.shape(given[first.variable]):
                if self._same(target, {**given, **arguments.constants}, arguments, {**given, first.variable: put}):
                    return f"it is right if it takes the value of {bare(first.of)}"
        return ""

    def _same(
        self, target: Target, values: Mapping[str, Value], arguments: Arguments, given: Mapping[str, Value]
    ) -> bool:
        """Whether the function at `given` has the derivative's value at `values`."""
        try:
            wanted = np.asarray(target.evaluate(values))
        except CannotLower:
            return False
        found = self._value(
            replace(self.function, whole=isinstance(target, Joined)),
            {arguments.by_key[k]: np.asarray(v) for k, v in given.items() if k in arguments.by_key},
        )
        return found is not None and found.size == wanted.size and np.allclose(
            np.ravel(found), np.ravel(wanted), rtol=1e-4, atol=1e-6)  # fmt: skip

    def _source(self) -> str:
        return next(e.source for e in self.session.prepared if e.cell.index == self.function.cell)

    def _others(self, target: Target) -> list[str]:
        """Variables of the document that go into the function and are no symbols of the formula."""
        own = {a.arg for a in (*self.node.args.posonlyargs, *self.node.args.args, *self.node.args.kwonlyargs)}
        made = {n for x in self.node.body for n in writes(x)}
        read = {n for x in self.node.body for n in reads(x)} - own - made
        names = [n for p in target.parameters for n in p.names] + [n for x in target.sizes for n in spellings(x)]
        return sorted(n for n in read & set(self.state) if match(names, n) < 0.6)

    def _meant(self, first: Derivative, target: Target) -> bool:
        """Whether the derivative is written out, or code computes what is differentiated."""
        arguments = self._arguments(target)
        if first.claimed or isinstance(arguments, str):
            return first.claimed
        known = spellings(bare(first.of))
        functions = [f for f in self.functions if match(known, f.name) >= 0.9]
        return bool(self._differentiated(target, arguments, functions, True))

    def _differentiated(
        self, target: Target, arguments: Arguments, functions: Sequence[Function], formula: bool = False
    ) -> str:
        """One of these functions that this one, or the formula, is the gradient of, by difference quotients, or ""."""
        parameters = [p for p in target.parameters if p.key in arguments.by_key]
        rng = np.random.default_rng([self.seed, 23])
        sizes = next(iter(choose_sizes(parameters, 1, rng, fixed_sizes(target, arguments))), None)
        variables = [p.variable for p in target.parts] if isinstance(target, Joined) else [
            cast(Derivative, target).variable]  # fmt: skip
        if sizes is None or not all(v in arguments.by_key for v in variables):
            return ""
        values = self._drawn(parameters, arguments, sizes, rng)
        if values is None:
            return ""
        given = {arguments.by_key[k]: v for k, v in values.items()}
        if formula:
            try:
                wanted: np.ndarray | None = target.evaluate({**values, **arguments.constants})
            except CannotLower:
                return ""
        else:
            wanted = self._value(replace(self.function, whole=True), given)
        for other in functions:
            if other.name == self.function.name or not set(other.required) <= set(given) or wanted is None:
                continue
            taken = {n: v for n, v in given.items() if n in (*other.required, *other.optional)}
            slopes = [self._slope(other, taken, arguments.by_key[v]) for v in variables]
            if any(x is None for x in slopes):
                continue
            found = np.concatenate([x for x in slopes if x is not None])
            if found.size == wanted.size and np.allclose(found, np.ravel(wanted), rtol=1e-4, atol=1e-6):
                return other.name
        return ""

    def _slope(self, other: Function, given: Mapping[str, np.ndarray], name: str) -> np.ndarray | None:
        if name not in given:
            return None
        base, found = np.asarray(given[name], dtype=float), []
        for at in np.ndindex(base.shape):
            sides = []
            for sign in (1, -1):
                moved = base.copy()
                moved[at] += sign * STEP
                value = self._value(other, {**given, name: moved})
                if value is None or value.size != 1:
                    return None
                sides.append(float(np.ravel(value)[0]))
            found.append((sides[0] - sides[1]) / (2 * STEP))
        return np.asarray(found)

    def _value(self, function: Function, given: Mapping[str, np.ndarray]) -> np.ndarray | None:
        likes = [f"{f} float64" for f in function.frameworks if f != "jax"] or ["numpy float64"]
        try:
            answer = self.session.ask(
                "call", name=function.name, values=dict(given), extra={}, likes=likes, seed=self.seed,
                whole=function.whole,
            )  # fmt: skip
        except Failed:
            if not self.session.alive:
                raise
            return None
        value = answer.get("value")
        return np.asarray(value, dtype=float) if isinstance(value, np.ndarray) else None


def _definition(session: Session, function: Function) -> ast.FunctionDef | None:
    for entry in session.prepared:
        tree = module(entry) if entry.cell.index == function.cell else None
        for node in tree.body if tree is not None else ():
            if isinstance(node, ast.FunctionDef) and node.name == function.name:
                return node
    return None


def _returned(node: ast.FunctionDef) -> tuple[list[str], bool]:
    """The names in what the function returns, several of a tuple or of an array of them; whether it is a tuple."""
    found = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
    if len(found) != 1:
        return [], False
    value = found[0]
    if isinstance(value, ast.Call) and len(value.args) == 1 and isinstance(value.args[0], (ast.List, ast.Tuple)):
        value = value.args[0]
    parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
    several = isinstance(found[0], (ast.Tuple, ast.List)) and len(parts) > 1
    return [p.id if isinstance(p, ast.Name) else "" for p in parts], several


def _plain_names(target: Derivative) -> list[str]:
    return [n for n in gradient_names(target.of, target.by) if "." not in n]


def _joined(group: Sequence[Derivative], parts: Sequence[str]) -> tuple[Derivative, ...]:
    """Derivatives in the order of what is returned: by the names there, or by a function's arguments in their order."""
    if len(parts) < 2:
        return ()
    named = []
    for part in parts:
        fits = [c for c in group if part and match(_plain_names(c), part) >= 0.9]
        named.append(fits[0] if len(fits) == 1 else None)
    if all(n is not None for n in named) and len({n.by for n in named if n is not None}) == len(parts):
        return tuple(n for n in named if n is not None)
    order = {p.key: at for c in group for at, p in enumerate(c.parameters) if p.role == "argument"}
    own = [c for c in group if not c.claimed and c.variable in order]
    if any(n is not None for n in named) or len(own) != len(parts):
        return ()
    return tuple(own)


def _relation(seen: Sequence[tuple[Mapping[str, int], object, np.ndarray, np.ndarray]]) -> str:
    """How what was found is a multiple of what was wanted, or its transpose; empty if it is neither."""
    if all(w.ndim == 2 and f.shape == w.T.shape and np.allclose(f, w.T, rtol=1e-4) for _, _, w, f in seen):
        return "its transpose" if any(not np.allclose(w, w.T) for _, _, w, _ in seen if w.shape == w.T.shape) or any(
            w.shape != w.T.shape for _, _, w, _ in seen) else ""  # fmt: skip
    if any(w.shape != f.shape for _, _, w, f in seen):
        return ""
    ratios = []
    for _, _, wanted, found in seen:
        ratio = float(np.vdot(wanted, found) / np.vdot(wanted, wanted))
        if not np.allclose(found, ratio * wanted, rtol=1e-4, atol=1e-6 * float(np.abs(wanted).max())):
            return ""
        ratios.append(ratio)
    if all(abs(r - 1) < 1e-4 for r in ratios) or min(map(abs, ratios)) < 1e-9:
        return ""
    names = set.intersection(*({n for n in sizes if not n.startswith("?")} for sizes, *_ in seen))
    for name in sorted(names):
        if all(abs(r / sizes[name] - 1) < 1e-4 for r, (sizes, *_) in zip(ratios, seen, strict=True)):
            return f"{name} times that"
        if all(abs(r * sizes[name] - 1) < 1e-4 for r, (sizes, *_) in zip(ratios, seen, strict=True)):
            return f"that divided by {name}"
    if max(ratios) - min(ratios) > 1e-4 * abs(ratios[0]) or len(seen) < 2:
        return ""
    return "the negative of that" if abs(ratios[0] + 1) < 1e-4 else f"{ratios[0]:.4g} times that"


def _square(parameter: Parameter) -> bool:
    """Whether a parameter is a matrix with as many rows as columns by its declaration."""
    return parameter.shape is not None and len(parameter.shape) == 2 and parameter.shape[0] == parameter.shape[1]


def _given(target: Derivative, others: Sequence[Derivative]) -> bool:
    """Whether a variable is data, x or y, beside variables that are not."""
    data = ("x", "X", "y", "Y")
    same = [c for c in others if c.of == target.of and c.line == target.line]
    return bare(target.by) in data and any(bare(c.by) not in data for c in same)
