"""What the parent may ask about and do with the functions and modules that a document defines."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from lemmata.code.worker import arrays, keras_layers
from lemmata.code.worker.cells import Runner, clean
from lemmata.code.worker.pieces import Pieces

KERAS = ("tensorflow float32", "jax float32", "torch float32", "numpy float32")


class Objects:
    def __init__(self, runner: Runner, most: int) -> None:
        self.runner = runner
        self.names = runner.names
        self.most = most
        self.built: dict[int, Any] = {}
        self.pieces = Pieces(runner, most, self._seed)

    def describe(self) -> dict[str, Any]:
        """Functions, classes of modules and variables that the cells have made, in order."""
        found: dict[str, list[dict[str, Any]]] = {"functions": [], "modules": [], "variables": []}
        for name, value in list(self.names.items()):
            if name.startswith("_") or name == "display":
                continue
            try:
                if inspect.isfunction(value) and value.__code__.co_filename.startswith("<cell "):
                    found["functions"].append({"name": name, **_function(value)})
                elif inspect.isclass(value) and _is_layer(value) and value.__module__ == "__main__":
                    found["modules"].append({"name": name, **_layer(value)})
                elif arrays.framework(value) or (not inspect.isclass(value) and _is_layer(type(value))):
                    found["variables"].append({"name": name, **_variable(value)})
            except Exception:  # an object may do anything when looked at
                continue
        return found

    def call(
        self, name: str, values: dict[str, Any], extra: dict[str, Any], likes: list[str], seed: int,
        whole: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Call the function `name` by keyword; of a tuple, list or mapping the first element. `extra`: plain data.

        `whole`: the elements of a tuple or list, one after the other, as one array.

        `likes`: kinds of array to try, such as `torch float64`, until one works.
        """
        function = self.names[name]

        def action(given: dict[str, Any]) -> Any:
            result = function(**given, **extra)
            return self._joined(result) if whole and isinstance(result, (tuple, list)) else result

        return self._attempt(action, values, likes, seed)

    def _joined(self, parts: Any) -> Any:
        import numpy as np

        found = [arrays.to_numpy(part, self.most) for part in parts]
        if not found or any(part is None for part in found):
            return parts
        return np.concatenate([np.ravel(part) for part in found])

    def prelude(self, imports: list[str], definitions: list[str]) -> dict[str, Any]:
        """See `lemmata.code.worker.pieces`."""
        return self.pieces.prelude(imports, definitions)

    def piece(self, source: str, values: dict[str, Any], likes: list[str]) -> dict[str, Any]:
        """The value of a part of the cells' code on these inputs; see `lemmata.code.worker.pieces`."""
        return self.pieces.run(source, values, likes)

    def build(
        self, name: str, arguments: dict[str, Any], double: bool, samples: list[list[Any]] | None = None
    ) -> dict[str, Any]:
        """An instance of a layer class in evaluation mode; `handle` names it in later requests.

        `samples`: inputs for layers that make their weights when they are called first, tried in turn.
        """
        self._seed(0)
        layer = self.names[name](**arguments)
        if double and hasattr(layer, "double"):
            layer = layer.double()
        if hasattr(layer, "eval"):
            layer.eval()
        if keras_layers.is_keras(layer):
            self._first_call(layer, samples or [])
        handle = len(self.built)
        self.built[handle] = layer
        return {"handle": handle, "numbers": _numbers(layer), **self.inside(handle)}

    def _first_call(self, layer: Any, samples: list[list[Any]]) -> None:
        failure: dict[str, Any] = {}
        for values in samples:
            positions = {str(i): v for i, v in enumerate(values)}
            failure = self._attempt(lambda given: layer(*given.values()), positions, list(KERAS), 0)
            if "failed" not in failure:
                keras_layers.finish(layer, values[0].shape[-1])
                return
        if failure:
            raise ValueError(failure["failed"])

    def inside(self, handle: int) -> dict[str, Any]:
        """Parameters by path, and children with their type, attributes and own parameters."""
        layer = self.built[handle]
        if not hasattr(layer, "named_parameters"):
            return keras_layers.describe(layer, self.most)
        children = [
            {
                "path": path,
                "type": type(child).__name__,
                "leaf": not list(child.children()),
                "home": type(child).__module__,
                "eps": getattr(child, "eps", None) if isinstance(getattr(child, "eps", None), float) else None,
            }
            for path, child in layer.named_modules()
            if path
        ]
        return {
            "parameters": {p: arrays.to_numpy(v, self.most) for p, v in layer.named_parameters()},
            "children": children,
        }

    def set(
        self, handle: int, values: dict[str, Any], eps: float | None, numbers: dict[str, float] | None = None
    ) -> dict[str, Any]:
        """Give parameters new values, every normalisation this ε, attributes of the layer these numbers."""
        layer = self.built[handle]
        if not hasattr(layer, "named_parameters"):
            keras_layers.assign(layer, values, eps)
            vars(layer).update(numbers or {})
            return {}
        torch = sys.modules["torch"]
        with torch.no_grad():
            for path, parameter in layer.named_parameters():
                if path in values:
                    parameter.copy_(torch.from_numpy(values[path]).to(parameter.dtype))
        if eps is not None:
            for child in layer.modules():
                if isinstance(getattr(child, "eps", None), float):
                    child.eps = eps
        for name, number in (numbers or {}).items():
            setattr(layer, name, number)
        return {}

    def forward(
        self, handle: int, values: list[Any], named: dict[str, Any], likes: list[str], path: str, seed: int, trace: bool
    ) -> dict[str, Any]:
        """Run a layer, or its child at `path`, on arrays. With `trace`: what went into and came out of every child."""
        layer = self.built[handle]
        if path:
            layer = (
                dict(keras_layers.children(layer))[path] if keras_layers.is_keras(layer) else layer.get_submodule(path)
            )
        calls: list[dict[str, Any]] = []
        hooks = []
        if trace and hasattr(layer, "named_modules"):
            for where, child in layer.named_modules():
                if where:
                    hooks.append(child.register_forward_hook(self._witness(where, calls)))
        undo = keras_layers.watched(layer, self._saw(calls)) if trace and keras_layers.is_keras(layer) else None
        try:
            positions = {str(i): v for i, v in enumerate(values)}
            count = len(values)

            def run(given: dict[str, Any]) -> Any:
                calls.clear()
                return layer(*(given[str(i)] for i in range(count)), **{k: given[k] for k in named})

            answer = self._attempt(run, positions | named, likes, seed)
        finally:
            for hook in hooks:
                hook.remove()
            if undo is not None:
                undo()
        return answer | ({"calls": calls} if trace else {})

    def under(self, texts: list[str], requests: list[dict[str, Any]]) -> dict[str, Any]:
        """For each text, a changed definition: its requests' last answer while the document has it in place of its own.

        A handle of -1 is the layer built last.
        """
        return {"answers": [self._under(text, requests) for text in texts]}

    def _under(self, text: str, requests: list[dict[str, Any]]) -> dict[str, Any]:
        before, count = dict(self.names), len(self.built)
        answer: dict[str, Any] = {}
        try:
            exec(compile(text, "<edited>", "exec"), self.names)
            for request in requests:
                given = {k: v for k, v in request.items() if k != "op"}
                if given.get("handle") == -1:
                    given["handle"] = max(self.built)
                answer = getattr(self, request["op"])(**given)
        except Exception as error:
            return {"failed": clean(f"{type(error).__name__}: {error}")}
        finally:
            for name in [n for n in self.names if n not in before]:
                del self.names[name]
            self.names.update(before)
            for handle in [h for h in self.built if h >= count]:
                del self.built[handle]
        return answer

    def _saw(self, calls: list[dict[str, Any]]) -> Any:
        def witness(path: str, child: object, inputs: tuple[object, ...], output: object) -> None:
            self._witness(path, calls)(child, inputs, output)

        return witness

    def _witness(self, path: str, calls: list[dict[str, Any]]) -> Any:
        def hook(module: object, inputs: tuple[object, ...], output: object) -> None:
            given = [arrays.to_numpy(v, self.most) for v in inputs]
            result = arrays.to_numpy(_first(output), self.most)
            if len(calls) < 400:
                calls.append({"path": path, "type": type(module).__name__, "inputs": given, "output": result})

        return hook

    def _attempt(self, action: Any, values: dict[str, Any], likes: list[str], seed: int) -> dict[str, Any]:
        failure: Exception | None = None
        for like in likes:
            kind, precision = like.split(" ")
            if arrays.loaded(kind) is None:
                continue
            self._seed(seed)
            try:
                given = {
                    k: v.item()
                    if v.ndim == 0 and kind != "tensorflow"
                    else arrays.from_numpy(v, kind, precision == "float64")
                    for k, v in values.items()
                }
                torch = arrays.loaded("torch")
                if kind == "torch":
                    with torch.no_grad():
                        result = action(given)
                else:
                    result = action(given)
                several = isinstance(result, (tuple, list, dict))
                first = _first(result)
                array = arrays.to_numpy(first, self.most)
            except Exception as error:
                failure = error
                continue
            if array is None:
                return {"failed": f"it returns {type(first).__name__}, not an array of real numbers"}
            return {"value": array, "like": like, "dtype": arrays.dtype_name(first), "several": several}
        why = "no framework of the document is loaded" if failure is None else f"{type(failure).__name__}: {failure}"
        return {"failed": clean(why)}

    def _seed(self, seed: int) -> None:
        self.runner.seed = seed
        for name in ("torch", "numpy", "tensorflow"):
            if name in sys.modules:
                self.runner.reseed(name)


def _numbers(layer: object) -> dict[str, float]:
    """Attributes of the layer's own class that are numbers."""
    found = {n: v for n, v in vars(layer).items() if not n.startswith("_") and type(v) in (int, float)}
    return {n: float(v) for n, v in found.items()}


def _first(value: object) -> object:
    if isinstance(value, (tuple, list)) and value and not isinstance(value[0], (bool, int, float)):
        return value[0]
    if isinstance(value, dict) and value:
        return next(iter(value.values()))
    return value


def _is_layer(kind: type) -> bool:
    torch, keras = arrays.loaded("torch"), arrays.loaded("keras")
    bases = tuple(
        b for b in (getattr(getattr(torch, "nn", None), "Module", None), getattr(keras, "Layer", None)) if b is not None
    )
    return bool(bases) and issubclass(kind, bases)


def _parameters(function: Any) -> list[dict[str, Any]]:
    """Name, kind and whether there is a default, of every parameter but self."""
    found = []
    for p in inspect.signature(function).parameters.values():
        default = p.default if p.default is not p.empty else None
        found.append(
            {
                "name": p.name,
                "kind": p.kind.name.lower(),
                "optional": p.default is not p.empty,
                "default": default if isinstance(default, (bool, int, float, str)) else None,
            }
        )
    return [p for p in found if p["name"] != "self"]


def _where(code: Any) -> dict[str, Any]:
    name = code.co_filename
    cell = int(name[6:-1]) if name.startswith("<cell ") else None
    return {"cell": cell, "line": code.co_firstlineno}


def _function(value: Any) -> dict[str, Any]:
    return {
        "parameters": _parameters(value),
        "doc": (value.__doc__ or "")[:4000],
        **_where(value.__code__),
    }


def _layer(kind: Any) -> dict[str, Any]:
    forward = kind.forward if hasattr(kind, "forward") else kind.call
    own = kind.__dict__.get("__init__")
    return {
        "constructor": _parameters(own) if own is not None else [],
        "forward": _parameters(forward),
        "doc": (kind.__doc__ or "")[:4000],
        "framework": "torch" if hasattr(kind, "named_parameters") else "tensorflow",
        **_where(forward.__code__),
    }


def _variable(value: Any) -> dict[str, Any]:
    shape = getattr(value, "shape", ())
    return {
        "type": type(value).__name__,
        "framework": arrays.framework(value),
        "shape": [int(n) for n in shape] if isinstance(shape, tuple) or hasattr(shape, "__iter__") else [],
        "dtype": arrays.dtype_name(value) if arrays.framework(value) else "",
        "device": str(getattr(value, "device", "cpu")),
    }
