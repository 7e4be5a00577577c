"""Definitions as models for deployment: one as an ONNX file, any number as a TensorFlow SavedModel.

The definitions are written as source first, exported from there in a Python of its own, read back and run at other
sizes than they were exported with.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lemmata.emit import exporter
from lemmata.emit.request import Refusal, Request, Unavailable, Written
from lemmata.emit.source import dialect, text
from lemmata.emit.stacks import Stack
from lemmata.emit.trial import Instance, Trial, agreeing
from lemmata.emit.units import Unit, Workshop
from lemmata.model.naming import resolve
from lemmata.model.weights import stated

SOURCES = {"onnx": "torch", "savedmodel": "tensorflow"}
NEEDS = {"onnx": ("torch, onnx, onnxscript, onnxruntime", "onnx"), "savedmodel": ("tensorflow, keras", "tensorflow")}
"""The libraries of a format, and the extra that brings them."""
SINGLE = 1e-5
"""Largest difference in single precision, beside the largest value."""
SECONDS = 600
STEPS = 2
"""Layers, or steps of a recurrence, where nothing says how many."""


def write(request: Request) -> Written:
    """Writes the model, reads it back and compares it with the document. Raises Unavailable without its libraries."""
    shop = Workshop(request.model, dialect(SOURCES[request.target]))
    wanted = [u for u in map(shop.unit, request.functions) if u is not None]
    refusals = list(shop.refused.values())
    if request.target == "onnx" and len(wanted) > 1:
        names = ", ".join(u.function.name for u in wanted)
        raise Unavailable(f"an ONNX file holds one function; choose one of {names} with --functions")
    units, lost, _ = agreeing(list(shop.units.values()), shop.dialect, lambda kept: text(kept, shop.dialect))
    refusals += lost
    wanted = [u for u in wanted if u in units]
    if not wanted:
        return Written((), tuple(refusals))
    weights = _weights(request, wanted)
    done, failed, remarks = _export(request, wanted, text(units, shop.dialect), weights)
    return Written(tuple(u.name for u in done), (*refusals, *failed), remarks)


def _weights(request: Request, units: Sequence[Unit]) -> dict[str, dict[str, np.ndarray]]:
    """Of each definition, the weights that the model is to hold, by the names of its arguments."""
    if request.weights is None:
        return {u.name: {} for u in units}
    held = _read(request.weights)
    found: dict[str, dict[str, np.ndarray]] = {}
    for unit in units:
        symbols = [(a.symbol.name, a.symbol.latex) for a in unit.arguments]
        names = {a.symbol.name: a for a in unit.arguments}
        mine = found.setdefault(unit.name, {})
        for name, value in held.items():
            symbol = resolve(name.replace("·", "."), symbols)
            if symbol is not None:
                mine[names[symbol].name] = value
    return found


def _read(path: Path) -> dict[str, np.ndarray]:
    """Arrays by name from a .safetensors or an .npz file. Raises Unavailable."""
    try:
        if path.suffix == ".npz":
            with np.load(path) as found:
                return {name: found[name] for name in found.files}
        from safetensors.numpy import load_file

        return dict(load_file(path))
    except ImportError:
        raise Unavailable("reading .safetensors needs safetensors: pip install safetensors") from None
    except Exception as error:
        raise Unavailable(f"cannot read the weights in {path}: {error}") from None


def _export(
    request: Request, units: Sequence[Unit], source: str, weights: dict[str, dict[str, np.ndarray]]
) -> tuple[list[Unit], list[Refusal], list[str]]:
    """(what was exported, what was not, how far it is from the document)."""
    trials = {u.name: _instances(u, weights[u.name], request.sizes) for u in units}
    with tempfile.TemporaryDirectory(prefix="lemmata-") as folder:
        home = Path(folder)
        (home / "model.py").write_text(source, encoding="utf-8")
        arrays: dict[str, Any] = {}
        calls = []
        for unit in units:
            for name, value in weights[unit.name].items():
                arrays[f"{unit.name} {name}"] = value.astype(np.float32)
            for number, instance in enumerate(trials[unit.name]):
                for argument in unit.arguments:
                    value = np.asarray(instance.value(argument))
                    kind = np.int64 if argument.whole or argument.kind == "index" else np.float32
                    arrays[f"{unit.name} {number} {argument.name}"] = value.astype(kind)
            arguments = [
                {"name": a.name, "kind": a.kind, "weight": a.name in weights[unit.name], "whole": a.whole}
                for a in unit.arguments
            ]
            asked = {name: trials[unit.name][0].sizes[atom] for atom, name in unit.asked.items()}
            slots = [s.weights if isinstance(s, Stack) else s.name for s in unit.slots]
            calls.append({
                "function": unit.name, "arguments": arguments, "asked": asked, "slots": [*slots, *asked],
            })  # fmt: skip
        np.savez(home / "arguments.npz", **arrays)
        task = {"format": request.target, "out": str(request.out.absolute()), "calls": calls}
        (home / "task.json").write_text(json.dumps(task), encoding="utf-8")
        command = [sys.executable, "-P", exporter.__file__, str(home)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=home)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"the export ran for {SECONDS} seconds") from None
        if not (home / "report.json").exists():
            last = (done.stderr.strip().splitlines() or ["the export failed"])[-1]
            if "ModuleNotFoundError" in last:
                libraries, extra = NEEDS[request.target]
                raise Unavailable(f"this format needs {libraries}: pip install 'lemmata[{extra}]' ({last})")
            raise Unavailable(last)
        report = json.loads((home / "report.json").read_text(encoding="utf-8"))
        values = np.load(home / "values.npz") if (home / "values.npz").exists() else {}
        return _compared(units, trials, report, values)


def _compared(
    units: Sequence[Unit], trials: dict[str, list[Instance]], report: dict[str, Any], values: Any
) -> tuple[list[Unit], list[Refusal], list[str]]:
    done, failed, remarks = [], [], []
    for unit in units:
        definition = unit.function.definition
        error = report["errors"].get(unit.name)
        if error is not None:
            failed.append(Refusal(unit.function.name, definition.line, f"it cannot be exported: {error}"))
            continue
        worst = 0.0
        for number, instance in enumerate(trials[unit.name]):
            key = f"{unit.name} {number}"
            if key in values:
                instance.found = np.asarray(values[key], dtype=float)
                worst = max(worst, instance.difference)
        if not worst <= SINGLE:
            failed.append(
                Refusal(unit.function.name, definition.line, f"what was exported is {worst:.2g} away from the document")
            )
            continue
        done.append(unit)
        fixed = report["fixed"].get(unit.name)
        shapes = f", at the sizes {fixed} only" if fixed else ", at any sizes"
        counts = ", ".join(f"{n.strip('?')} = {trials[unit.name][0].lengths[n]}" for n in unit.steps)
        steps = f", with {counts} unrolled" if counts else ""
        remarks.append(
            f"{unit.name}: {worst:.1g} from the document in single precision{shapes}{steps}, by {report['runner']}"
        )
    return done, failed, remarks


def _instances(unit: Unit, weights: dict[str, np.ndarray], sizes: Mapping[str, int]) -> list[Instance]:
    """The definition at two sizes and batches: one to export with, another to compare at too.

    Both have as many layers or steps as the weights, `sizes` or the document say, else two: loops are unrolled.
    """
    named = {**stated(unit.function), **sizes}
    steps = {}
    for atom in unit.steps:
        found = resolve(atom, ((n, n) for n in named))
        steps[atom] = STEPS if found is None else named[found]
    trial = Trial(seed=1, steps=steps)
    trial.add_batches(unit, ((2,), (3,)), {a.symbol.name: weights[a.name] for a in unit.arguments if a.name in weights})
    return trial.instances
