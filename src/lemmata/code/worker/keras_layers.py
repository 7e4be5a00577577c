"""Layers of Keras: their variables and children by the names that the document's own class gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lemmata.code.worker import arrays

KEPT = frozenset({"_layers", "_metrics", "_variables", "_trainable_variables", "_non_trainable_variables", "_tracker"})
DEPTH = 5


def is_keras(layer: object) -> bool:
    return hasattr(layer, "weights") and not hasattr(layer, "named_parameters")


def children(layer: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(path, child) of every layer inside: `wq`, `blocks.0.ffn`; each once, public names first."""
    seen: set[int] = set()
    yield from _children(layer, prefix, depth, seen)


def _children(layer: Any, prefix: str, depth: int, seen: set[int]) -> Iterator[tuple[str, Any]]:
    base = type(layer).__mro__
    kind = next(
        (c for c in base if c.__name__ == "Layer" and c.__module__.split(".")[0] in ("keras", "tf_keras")), None
    )
    if kind is None or depth > DEPTH:
        return
    inside = [(n, v) for n, v in vars(layer).items() if n not in KEPT]
    inside.sort(key=lambda item: item[0].startswith("_"))
    if type(layer).__name__ == "Sequential":
        inside = [(str(i), child) for i, child in enumerate(layer.layers)]
    for name, value in inside:
        members = enumerate(value) if isinstance(value, (list, tuple)) else [(None, value)]
        for number, child in members:
            if isinstance(child, kind) and id(child) not in seen:
                seen.add(id(child))
                path = prefix + name.lstrip("_") + ("" if number is None else f".{number}")
                yield path, child
                yield from _children(child, path + ".", depth + 1, seen)


def variables(layer: Any) -> dict[str, Any]:
    """Every trainable variable by path: `wq.kernel`, `norm.gamma`, `W`."""
    found: dict[str, Any] = {}
    taken: set[int] = set()
    for path, child in [*children(layer), ("", layer)]:
        own = list(getattr(child, "_trainable_variables", ())) or (
            [] if any(True for _ in children(child)) else list(child.trainable_weights)
        )
        named = {id(v): n for n, v in vars(child).items() if not n.startswith("_")}
        for variable in own:
            if id(variable) in taken:
                continue
            taken.add(id(variable))
            name = named.get(id(variable)) or str(variable.name).split(":")[0].rsplit("/", 1)[-1]
            found[f"{path}.{name}" if path else name] = variable
    for variable in layer.trainable_weights:
        if id(variable) not in taken:
            found[str(variable.name).split(":")[0]] = variable
    return found


def finish(layer: Any, width: int) -> None:
    """Make the weights of dense layers that the layer has but never calls, for inputs of this width."""
    for _, child in children(layer):
        if type(child).__name__ == "Dense" and not child.built:
            child.build((None, width))


def describe(layer: Any, most: int) -> dict[str, Any]:
    """Parameters by path, and children, as for modules of PyTorch."""
    entries = [
        {
            "path": path,
            "type": type(child).__name__,
            "leaf": not any(True for _ in children(child)),
            "home": type(child).__module__,
            "eps": eps if isinstance(eps := getattr(child, "epsilon", None), float) else None,
        }
        for path, child in children(layer)
    ]
    return {"parameters": {p: arrays.to_numpy(v, most) for p, v in variables(layer).items()}, "children": entries}


def assign(layer: Any, values: dict[str, Any], eps: float | None) -> None:
    """Give variables new values, and every normalisation this ε."""
    for path, variable in variables(layer).items():
        if path in values:
            variable.assign(values[path])
    for _, child in children(layer):
        if eps is not None and isinstance(getattr(child, "epsilon", None), float):
            child.epsilon = eps


def watched(layer: Any, witness: Callable[[str, Any, tuple[object, ...], object], None]) -> Callable[[], None]:
    """Let `witness` see what goes into and comes out of every child; the result ends that."""
    changed = []
    for path, child in children(layer):
        original = child.call

        def call(
            *given: object, _path: str = path, _child: Any = child, _call: Any = original, **named: object
        ) -> object:
            result = _call(*given, **named)
            witness(_path, _child, given, result)
            return result

        child.__dict__["call"] = call
        changed.append(child)

    def undo() -> None:
        for child in changed:
            child.__dict__.pop("call", None)

    return undo
