"""Exports functions of a written file and runs what it exported; started as a program of its own.

Its one argument is a folder with model.py, task.json and arguments.npz; it leaves report.json and values.npz there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    assert spec is not None and spec.loader is not None
    model = importlib.util.module_from_spec(spec)
    arrays = dict(np.load(folder / "arguments.npz"))
    if task["format"] == "savedmodel":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    spec.loader.exec_module(model)
    report: dict[str, Any] = {"errors": {}, "fixed": {}, "runner": ""}
    values: dict[str, Any] = {}
    run = onnx if task["format"] == "onnx" else saved_model
    run(task, model, arrays, report, values)
    np.savez(folder / "values.npz", **values)
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def given(call: dict[str, Any], number: int, arrays: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call that are inputs of the model, by name."""
    return {
        a["name"]: arrays[f"{call['function']} {number} {a['name']}"]
        for a in call["arguments"]
        if not a["weight"] and a["kind"] not in ("index", "float")
    }


def fixed(call: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the model holds: weights, and numbers of Python."""
    found = {}
    for a in call["arguments"]:
        if a["weight"]:
            found[a["name"]] = arrays[f"{call['function']} {a['name']}"]
        elif a["kind"] == "index":
            found[a["name"]] = int(arrays[f"{call['function']} 0 {a['name']}"])
        elif a["kind"] == "float":
            found[a["name"]] = float(arrays[f"{call['function']} 0 {a['name']}"])
    return found | call["asked"]


def passed(call: dict[str, Any], held: dict[str, Any]) -> list[Any]:
    """The arguments of the function, weights of layers as one dictionary for each layer."""
    found: list[Any] = []
    for slot in call["slots"]:
        if isinstance(slot, str):
            found.append(held[slot])
        else:
            found.append([{n: held[n][at] for n in slot} for at in range(int(held[slot[0]].shape[0]))])
    return found


def layered(call: dict[str, Any]) -> set[str]:
    """Arguments with an axis that counts layers in front."""
    return {n for slot in call["slots"] if not isinstance(slot, str) for n in slot}


def told(call: dict[str, Any], inputs: dict[str, Any], open_sizes: bool) -> str:
    """The sizes that the model is fixed to, for people."""
    asked = [f"{n} = {x}" for n, x in call["asked"].items()]
    return ", ".join(asked if open_sizes else [*asked, shapes(inputs)])


def first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def shapes(inputs: dict[str, Any]) -> str:
    return ", ".join(f"{n} {'×'.join(map(str, x.shape))}" for n, x in inputs.items() if x.shape)


def onnx(task: dict[str, Any], model: Any, arrays: dict[str, Any], report: dict[str, Any], values: Any) -> None:
    import onnxscript  # noqa: F401  # what the exporter needs, so that it is missed by name
    import torch

    (call,) = task["calls"]
    function = getattr(model, call["function"])
    held = fixed(call, arrays)
    inputs = given(call, 0, arrays)

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, value in held.items():
                if isinstance(value, np.ndarray):
                    self.register_buffer(name, torch.from_numpy(value))

        def forward(self, *given: Any) -> Any:
            own = dict(zip(inputs, given, strict=True))
            kept = {n: getattr(self, n) if isinstance(v, np.ndarray) else v for n, v in held.items()}
            return function(*passed(call, kept | own))

    arguments = tuple(torch.from_numpy(x) for x in inputs.values())
    error: Exception | None = None
    for open_sizes in (True, False):
        auto = torch.export.Dim.AUTO
        dynamic = tuple(
            dict.fromkeys(range(int(n in layered(call)), x.dim()), auto) for n, x in zip(inputs, arguments, strict=True)
        ) if open_sizes else None  # fmt: skip
        try:
            torch.onnx.export(
                Whole().eval(), arguments, task["out"], input_names=list(inputs), output_names=["value"],
                dynamo=True, dynamic_shapes=(dynamic,) if dynamic else None, verbose=False, external_data=False,
            )  # fmt: skip
            count = 2 if open_sizes and not call["asked"] else 1
            found, report["runner"] = run_onnx(task["out"], [given(call, i, arrays) for i in range(count)])
        except Exception as failure:
            error = failure
            continue
        for number, value in enumerate(found):
            values[f"{call['function']} {number}"] = value
        if call["asked"] or not open_sizes:
            report["fixed"][call["function"]] = told(call, inputs, open_sizes)
        return
    assert error is not None
    report["errors"][call["function"]] = first_line(error)
    Path(task["out"]).unlink(missing_ok=True)


def run_onnx(path: str, feeds: list[dict[str, Any]]) -> tuple[list[Any], str]:
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(path)
        return [np.asarray(evaluator.run(None, feed)[0]) for feed in feeds], "the reference evaluator of onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = {x.name for x in session.get_inputs()}
    return [session.run(None, {n: x for n, x in feed.items() if n in wanted})[0] for feed in feeds], "onnxruntime"


def bound(function: Any, held: dict[str, Any], call: dict[str, Any]) -> Any:
    """The function of its inputs by name, the other arguments filled in."""
    return lambda **own: {"value": function(*passed(call, held | own))}


def saved_model(task: dict[str, Any], model: Any, arrays: dict[str, Any], report: dict[str, Any], values: Any) -> None:
    import tensorflow as tf

    module = tf.Module()
    signatures = {}
    report["runner"] = "TensorFlow"
    for call in task["calls"]:
        name = call["function"]
        held = {n: tf.Variable(v) if isinstance(v, np.ndarray) else v for n, v in fixed(call, arrays).items()}
        setattr(module, f"{name}_weights", {n: v for n, v in held.items() if isinstance(v, tf.Variable)})
        inputs = given(call, 0, arrays)
        run = bound(getattr(model, name), held, call)

        for open_sizes in (True, False):
            shapes_of = {
                n: [*x.shape[: int(n in layered(call))], *[None] * (x.ndim - int(n in layered(call)))]
                for n, x in inputs.items()
            }
            specs = {n: tf.TensorSpec(shapes_of[n] if open_sizes else x.shape, x.dtype, n) for n, x in inputs.items()}
            try:
                concrete = tf.function(run).get_concrete_function(**specs)
                for number in range(2 if open_sizes and not call["asked"] else 1):
                    own = {n: tf.constant(x) for n, x in given(call, number, arrays).items()}
                    concrete(**own)
            except Exception as error:
                if not open_sizes:
                    report["errors"][name] = first_line(error)
                continue
            signatures[name] = concrete
            if call["asked"] or not open_sizes:
                report["fixed"][name] = told(call, inputs, open_sizes)
            break
    if not signatures:
        return
    tf.saved_model.save(module, task["out"], signatures=signatures)
    loaded = tf.saved_model.load(task["out"])
    for call in task["calls"]:
        name = call["function"]
        if name in signatures:
            for number in range(1 if name in report["fixed"] else 2):
                own = {n: tf.constant(x) for n, x in given(call, number, arrays).items()}
                values[f"{name} {number}"] = loaded.signatures[name](**own)["value"].numpy()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
