"""Running what was written, in a Python of its own, against the document's values."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, field

from lemmata.emit import driver
from lemmata.emit.dialect import Dialect
from lemmata.emit.request import Refusal
from lemmata.emit.stacks import Stack
from lemmata.emit.units import Argument, Unit
from lemmata.model.function import CannotRun
from lemmata.model.sizes import Given, solve

TOLERANCE = {"tensorflow": 1e-7}
"""Largest difference in double precision, beside the largest value; TensorFlow's GELU has constants of single one."""
CLOSE = 1e-9
SIZES = ((3, 4, 5, 7, 6, 9, 8, 11, 10, 12), (4, 6, 3, 5, 8, 7, 10, 9, 12, 11))
KINDS = ((-1.5, False), (0.2, False), (-1.5, True))
"""Least value, and whether vectors of data are masks; the first one at which the document has a value is taken."""
SECONDS = 300


class Instance(Struct):
    """A definition at some arguments, and its value there by the document."""

    unit: Unit
    values: dict[str, Any]
    """By the document's name."""
    sizes: dict[str, int]
    """Those that are arguments."""
    lengths: dict[str, int]
    """All of them."""
    expected: Any
    found: Any = None
    error: str = ""

    def value(self, argument: Argument) -> Any:
        """What the source is given: of a family, its member."""
        value = self.values[argument.symbol.name]
        member = self.unit.source.members.get(argument.symbol.name)
        for index, shift in member.places if member is not None else ():
            value = value[int(self.values[index] + shift.at(self.lengths))]
        return value

    @property
    def difference(self) -> float:
        """Relative to the largest value; infinite where shapes differ or one is not a number."""
        found, expected = np.asarray(self.found), np.asarray(self.expected)
        if found.shape != expected.shape:
            return float("inf")
        endless = np.isinf(expected)
        if (found[endless] != expected[endless]).any():
            return float("inf")
        found, expected = found[~endless], expected[~endless]
        if not expected.size:
            return 0.0
        scale = max(1.0, float(np.abs(expected).max()))
        gap = float(np.abs(found - expected).max()) / scale
        return gap if np.isfinite(gap) else float("inf")


class Trial(Struct):
    """Definitions at random arguments, twice: bare, and with a batch axis in front."""

    seed: int = 0
    instances: list[Instance] = field(default_factory=list)
    steps: Mapping[str, int] = field(default_factory=dict)
    """Numbers of layers or steps that are not chosen freely."""
    rng: np.random.Generator = field(default_factory=np.random.default_rng)

    def add(self, unit: Unit) -> str:
        """Arguments for a definition; the reason where the document itself has no value there."""
        return self.add_batches(unit, ((), (2,)), {})

    def add_batches(self, unit: Unit, batches: Sequence[tuple[int, ...]], held: Mapping[str, np.ndarray]) -> str:
        """Instances with these batch axes, and these values of some symbols, by the document's names."""
        for number, batch in enumerate(batches):
            reason = "it has no value at the numbers tried"
            ways = [(*kind, turned, scale) for scale in (1, 2, 4) for turned in (False, True) for kind in KINDS]
            for attempt, (low, binary, turned, scale) in enumerate(ways):
                self.rng = np.random.default_rng((self.seed, len(self.instances), attempt))
                try:
                    instance = self.instance(unit, batch, low, number, held, binary, turned, scale)
                except (CannotRun, ValueError, TypeError) as error:
                    prefix = f"{unit.function.name} (line {unit.function.definition.line}): "
                    reason = str(error).removeprefix(prefix)
                    continue
                if not np.isnan(np.asarray(instance.expected)).any():
                    self.instances.append(instance)
                    reason = ""
                    break
            if reason:
                return reason
        return ""

    def instance(
        self,
        unit: Unit,
        batch: tuple[int, ...],
        low: float,
        number: int,
        held: Mapping[str, np.ndarray],
        binary: bool,
        turned: bool,
        scale: int,
    ) -> Instance:
        """Uniform values from `low` on; with `binary`, vectors among the data of zeros and ones, as masks are.

        With `turned`, sizes that come first in the alphabet are the larger ones: n ≤ N. All but numbers of steps are
        multiples of `scale`.
        """
        rng = self.rng
        symbols = unit.source.expression.symbols
        atoms = sorted({a for x in symbols for size in x.shape for a in size.atoms} | set(unit.asked))
        lengths = (SIZES[number] * 3)[: len(atoms)]
        sizes = dict(zip(atoms, sorted(lengths, reverse=True) if turned else lengths, strict=True))
        sizes = {name: scale * size for name, size in sizes.items()}
        sizes |= {name: self.steps.get(name, 2 + (number + place) % 2) for place, name in enumerate(unit.steps)}
        shapes = [Given(x.name, x.shape, held[x.name].shape) for x in symbols if x.name in held]
        sizes |= solve([g for g in shapes if len(g.shape) == len(g.lengths)])
        if any(size.at(sizes).denominator != 1 for x in symbols for size in x.shape):
            raise CannotRun("a size is no whole number")
        values: dict[str, Any] = {}
        arguments = {a.symbol.name: a for a in unit.arguments}
        for symbol in symbols:
            argument = arguments.get(symbol.name)
            shape = tuple(int(size.at(sizes)) for size in symbol.shape)
            if argument is None:
                values[symbol.name] = 2
            elif symbol.name in held:
                values[symbol.name] = held[symbol.name]
            elif argument.kind == "index":
                values[symbol.name] = 2
            elif not shape:
                values[symbol.name] = float(rng.uniform(0.3, 1.5))
            elif argument.whole:
                lead = batch if argument.batched else ()
                domain = symbol.variable.domain
                least = 0 if domain.low == 0 or "binary" in domain.properties else 1
                values[symbol.name] = rng.integers(least, least + 2, (*lead, *shape))
            elif binary and len(shape) == 1 and argument.batched:
                mask = rng.integers(0, 2, (*batch, *shape)).astype(float)
                mask[..., 0] = 1
                values[symbol.name] = mask
            else:
                lead = batch if argument.batched else ()
                values[symbol.name] = rng.uniform(low, 1.5, (*lead, *shape))
        asked = {a: sizes[a] for a in unit.asked}
        own = unit.source.expression.parameters
        given = [values[x.name] for x in own]
        rest = {x.name: values[x.name] for x in symbols if x not in own}
        expected = unit.function(*given, weights=rest, sizes=asked)
        return Instance(unit, values, asked, sizes, expected)

    def run(self, source: str, dialect: Dialect) -> str:
        """Fills in what the source gives. The reason where it could not be run at all."""
        with tempfile.TemporaryDirectory(prefix="lemmata-") as folder:
            home = Path(folder)
            (home / "model.py").write_text(source, encoding="utf-8")
            arrays: dict[str, Any] = {}
            calls = []
            for number, instance in enumerate(self.instances):
                call = self.call(instance, dialect, number, arrays)
                calls.append(call)
            np.savez(home / "arguments.npz", **arrays)
            (home / "calls.json").write_text(json.dumps({"library": dialect.name, "calls": calls}), encoding="utf-8")
            command = [sys.executable, "-P", driver.__file__, str(home)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=home)
            except subprocess.TimeoutExpired:
                return f"what was written ran for {SECONDS} seconds"
            if not (home / "values.npz").exists():
                lines = done.stderr.strip().splitlines()
                return lines[-1] if lines else "what was written could not be run"
            with np.load(home / "values.npz") as found:
                errors = json.loads((home / "errors.json").read_text(encoding="utf-8"))
                for number, instance in enumerate(self.instances):
                    instance.error = errors.get(str(number), "")
                    if not instance.error:
                        instance.found = found[f"{number}"]
        return ""

    @staticmethod
    def call(instance: Instance, dialect: Dialect, number: int, arrays: dict[str, Any]) -> dict[str, Any]:
        """The call as the driver reads it: the names of arrays, numbers, and a dictionary of weights."""
        unit = instance.unit
        together = unit.layer and dialect.params

        def spelled(name: str, kind: str, value: Any) -> Any:
            if kind == "index":
                return {"int": int(value)}
            if kind in ("number", "float"):
                return {"float": float(value)}
            key = f"{number} {name}"
            arrays[key] = np.asarray(value)
            return {"array": key}

        given: list[Any] = []
        weights: dict[str, Any] = {}
        for slot in unit.slots:
            if isinstance(slot, Stack):
                families = {a.name: instance.value(a) for a in slot.arguments}
                value: Any = {"layers": [
                    {n: spelled(f"{n} {at}", "tensor", x[at]) for n, x in families.items()}
                    for at in range(len(next(iter(families.values()))))
                ]}  # fmt: skip
            else:
                value = spelled(slot.name, slot.kind, instance.value(slot))
            if together and (isinstance(slot, Stack) or slot.role != "input"):
                weights[slot.name] = value
            else:
                given.append(value)
        if together:
            given.insert(0, {"params": weights})
        given += [{"int": instance.sizes[a]} for a in unit.asked]
        return {"function": unit.name, "arguments": given}


def agreeing(
    units: Sequence[Unit], dialect: Dialect, render: Callable[[Sequence[Unit]], str]
) -> tuple[list[Unit], list[Refusal], list[str]]:
    """(the definitions whose source gives the document's values, refusals of the others, remarks)."""
    trial, refusals = Trial(), []
    kept = []
    for unit in units:
        reason = trial.add(unit)
        if reason:
            refusals.append(_refusal(unit, f"it could not be compared with the document: {reason}"))
        else:
            kept.append(unit)
    trial.instances = [i for i in trial.instances if i.unit in kept]
    kept, lost = _closed(kept)
    refusals += lost
    trial.instances = [i for i in trial.instances if i.unit in kept]
    if not kept:
        return [], refusals, []
    failed = trial.run(render(kept), dialect)
    if "ModuleNotFoundError" in failed or "ImportError" in failed:
        return kept, refusals, [f"not compared with the document: {failed.split(':', 1)[1].strip()}"]
    if failed:
        return [], [*refusals, *(_refusal(u, failed) for u in kept)], []
    wrong: dict[int, str] = {}
    for instance in trial.instances:
        if instance.error:
            wrong.setdefault(id(instance.unit), f"what was written fails: {instance.error}")
        elif not instance.difference <= TOLERANCE.get(dialect.name, CLOSE):
            wrong.setdefault(
                id(instance.unit), f"what was written is {instance.difference:.2g} away from the document's value"
            )
    largest = max((i.difference for i in trial.instances if id(i.unit) not in wrong), default=0.0)
    refusals += [_refusal(u, wrong[id(u)]) for u in kept if id(u) in wrong]
    good, lost = _closed([u for u in kept if id(u) not in wrong])
    remarks = [f"largest difference from the document, in double precision: {largest:.1g}"] if good else []
    return good, [*refusals, *lost], remarks


def _closed(units: Sequence[Unit]) -> tuple[list[Unit], list[Refusal]]:
    """Without those that call what is no longer there."""
    kept, lost = list(units), list[Refusal]()
    while True:
        ids = {id(u) for u in kept}
        broken = [u for u in kept if any(id(c) not in ids for c in u.calls)]
        if not broken:
            return kept, lost
        for unit in broken:
            missing = next(c for c in unit.calls if id(c) not in ids)
            lost.append(_refusal(unit, f"it calls {missing.function.name}, which is not written"))
            kept.remove(unit)


def _refusal(unit: Unit, reason: str) -> Refusal:
    return Refusal(unit.function.name, unit.function.definition.line, reason)
