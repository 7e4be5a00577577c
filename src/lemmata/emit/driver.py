"""Runs functions of a written file at given arguments; started as a program of its own, apart from this package.

Its one argument is a folder with model.py, calls.json and arguments.npz; it leaves values.npz and errors.json there.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def converter(library: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """From an array to a tensor of the library, and back."""
    if library == "torch":
        import torch

        torch.set_default_dtype(torch.float64)
        return torch.from_numpy, lambda x: x.numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    if library == "jax":
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        import jax

        jax.config.update("jax_enable_x64", True)
        return jax.numpy.asarray, np.asarray
    if library == "tensorflow":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        import keras
        import tensorflow as tf

        keras.config.set_floatx("float64")
        return tf.constant, np.asarray
    return np.asarray, np.asarray


def main(folder: Path) -> None:
    wanted = json.loads((folder / "calls.json").read_text(encoding="utf-8"))
    into, back = converter(wanted["library"])
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    assert spec is not None and spec.loader is not None
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    arrays = np.load(folder / "arguments.npz")

    def value(given: dict[str, Any]) -> Any:
        ((kind, content),) = given.items()
        if kind == "array":
            return into(arrays[content])
        if kind == "layers":
            return [value({"params": x}) for x in content]
        return {n: value(x) for n, x in content.items()} if kind == "params" else content

    values, errors = {}, {}
    for number, call in enumerate(wanted["calls"]):
        try:
            found = getattr(model, call["function"])(*map(value, call["arguments"]))
            values[str(number)] = np.asarray(back(found))
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            errors[str(number)] = f"{type(error).__name__}: {first}"
    (folder / "errors.json").write_text(json.dumps(errors), encoding="utf-8")
    np.savez(folder / "values.npz", **values)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
