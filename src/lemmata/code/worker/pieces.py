"""Runs a part of the document's code on other inputs, with stand-ins for libraries that are not installed."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Mapping
from typing import Any

from lemmata.code.worker import arrays
from lemmata.code.worker.cells import Runner, clean

SYNONYMS = {"reduce_sum": "sum", "reduce_mean": "mean", "concat": "cat", "transpose": "t", "numpy": "asarray"}
PLAIN = frozenset(
    "exp log sqrt abs matmul sigmoid tanh relu sum mean square sign sin cos tan cosh sinh reshape zeros ones "
    "zeros_like ones_like eye arange maximum minimum max min where norm dot cat stack softmax float32 float64 int32 "
    "int64 t asarray acos arccos pow cumsum prod var std".split()
)


class StandIn:
    """A library that is not installed: functions of well-known names are those of PyTorch or NumPy."""

    def __getattr__(self, name: str) -> Any:
        word = SYNONYMS.get(name, name)
        if word.startswith("__") or word not in PLAIN:
            raise AttributeError(f"a library that is not installed would have to provide {name}")
        for home in (arrays.loaded("torch"), arrays.loaded("numpy")):
            if home is not None and hasattr(home, word):
                return getattr(home, word)
        import numpy

        return getattr(numpy, word)


class Pieces:
    """The names that parts of the cells may use: those of the document, and what cells that failed would have made."""

    def __init__(self, runner: Runner, most: int, seed: Callable[[int], None]) -> None:
        self.runner = runner
        self.most = most
        self.seed = seed
        self.extra: dict[str, Any] = {}
        self.absent: set[str] = set()

    def prelude(self, imports: list[str], definitions: list[str]) -> dict[str, Any]:
        """Take up imports and definitions that no cell got to. The answer names what stand-ins are there for."""
        for text in imports:
            (statement,) = ast.parse(text).body
            assert isinstance(statement, (ast.Import, ast.ImportFrom))
            names = [a.asname or a.name.split(".")[0] for a in statement.names if a.name != "*"]
            if all(n in self.runner.names or n in self.extra for n in names) and not self.absent & set(names):
                continue
            made: dict[str, Any] = {}
            try:
                exec(text, made)  # an import of the document's own
            except Exception:
                fresh = {n: StandIn() for n in names if n not in self.runner.names and n not in self.extra}
                self.extra |= fresh
                self.absent |= set(fresh)
                continue
            self.extra |= {n: made[n] for n in names if n in made}
            self.absent -= set(names)
        for text in definitions:
            space = {**self.extra, **self.runner.names}
            before = set(space)
            try:
                exec(compile(text, "<piece>", "exec"), space)
            except Exception:
                continue
            self.extra |= {n: v for n, v in space.items() if n not in before and n != "__builtins__"}
        return {"absent": sorted(self.absent)}

    def run(self, source: str, values: Mapping[str, Any], likes: list[str]) -> dict[str, Any]:
        """The value of `piece`, which the source defines, at these inputs."""
        name = "<piece>"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        names = {**self.extra, **self.runner.names}
        spaces = [self.runner.names, *(v.__globals__ for v in self.extra.values() if hasattr(v, "__globals__"))]
        lent = [(space, k, v) for space in spaces for k, v in names.items() if k not in space]
        try:
            for space, key, value in lent:  # functions look their names up where they were made
                space[key] = value
            exec(compile(source, name, "exec"), names)
            return self._tried(names["piece"], values, likes)
        finally:
            for space, key, _ in lent:
                space.pop(key, None)

    def _tried(self, piece: Any, values: Mapping[str, Any], likes: list[str]) -> dict[str, Any]:
        failure = "no framework of the document is loaded"
        for like in likes:
            kind, precision = like.split(" ")
            if kind != "numpy" and arrays.loaded(kind) is None:
                continue
            for plain in (True, False):
                self.seed(0)
                try:
                    given = {k: _given(v, kind, precision, plain) for k, v in values.items()}
                    result = piece(**given)
                    array = arrays.to_numpy(result, self.most)
                except Exception as error:
                    failure = f"{type(error).__name__}: {error}"
                    continue
                if array is not None:
                    return {"value": array, "like": like}
                failure = f"it is {type(result).__name__}, not an array of real numbers"
        return {"failed": clean(failure)}


def _given(value: Any, kind: str, precision: str, plain: bool) -> Any:
    if value.ndim == 0 and (plain or value.dtype.kind in "iu"):
        return value.item()
    return arrays.from_numpy(value, kind, precision == "float64")
