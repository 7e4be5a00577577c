"""Instances of the document's layer classes: how to construct them small, and their weights as the formula has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import Struct, field

from lemmata.code.session import Failed, Session
from lemmata.code.shapes import guessed
from lemmata.code.spelling import match, rank, squash
from lemmata.code.target import Parameter, Target

MODEL = frozenset(
    "dmodel embeddim embedsize embsize embdim dim hiddensize hiddendim hidden modeldim nembd numhiddens inputdim din "
    "dimmodel units d infeatures inputsize embeddingdim features emsize "
    "normalizedshape size width dimension channels".split()
)
HEADS = frozenset("h heads numheads nheads nhead numattentionheads numofheads headcount".split())
INNER = frozenset(
    "dff ffdim dimfeedforward dhid ffnhidden feedforwarddim hiddenff dhidden ffnhiddensize intermediatesize "
    "ffnnumhiddens mlpdim dinner".split()
)
HEAD = frozenset("dk dv keydim headdim headsize dhead depth".split())
NOTHING = frozenset("dropout p droprate dropoutrate attndropout pdrop dropoutp resdropout".split())
LENGTH = frozenset(
    "maxlen maxlength seqlen blocksize contextlength ctxlen nctx maxseqlen maxpositionembeddings".split()
)
OUTER = frozenset("dout outdim outfeatures outputdim outputsize".split())


class LayerClass(Struct, frozen=True):
    """A layer class of the document, as the worker describes it."""

    name: str
    cell: int
    line: int
    constructor: tuple[Mapping[str, Any], ...]
    forward: tuple[Mapping[str, Any], ...]
    framework: str


class Scale(Struct, frozen=True):
    """Small sizes for a layer."""

    model: int
    heads: int
    inner: int

    @property
    def head(self) -> int:
        return self.model // self.heads


TORCH = ("torch float64",)
KERAS = ("tensorflow float32", "jax float32", "torch float32", "numpy float32")
SCALES = (Scale(8, 2, 12), Scale(12, 3, 10), Scale(4, 2, 6))
"""The last is for counterexamples."""


def constructor_arguments(layer: LayerClass, scale: Scale) -> dict[str, object] | str:
    """Arguments that make the layer small, or why we know none."""
    found: dict[str, object] = {}
    for parameter in layer.constructor:
        name = str(parameter["name"])
        kind = squash(name).replace("_", "")
        if parameter["kind"] in ("var_positional", "var_keyword"):
            continue
        for words, value in (
            (MODEL, scale.model), (HEADS, scale.heads), (INNER, scale.inner), (HEAD, scale.head), (OUTER, scale.model),
            (LENGTH, 32), (NOTHING, 0.0),
        ):  # fmt: skip
            if kind in words:
                found[name] = value
                break
        else:
            if not parameter["optional"]:
                return f"its constructor needs {name}"
    return found


@dataclass(frozen=True, slots=True)
class Layer:
    """An instance in the worker, with new values for its parameters."""

    handle: int
    parameters: Mapping[str, np.ndarray]
    """By path, as the framework stores them."""
    leaves: Mapping[str, str]
    """Child path to type."""
    arguments: Mapping[str, object]
    biased: bool
    """It has biases, which are zero here unless the formula has them too."""
    eps: tuple[float, ...]
    """ε of its normalisations."""
    numbers: Mapping[str, float]
    """Its own attributes that are numbers."""


def build(session: Session, layer: LayerClass, scale: Scale) -> Layer | str:
    """An instance, or why there is none. Raises Failed where the worker has ended."""
    arguments = constructor_arguments(layer, scale)
    if isinstance(arguments, str):
        return arguments
    try:
        answer = session.ask("build", **building(layer, arguments, scale))
    except Failed as failed:
        if not session.alive:
            raise
        return f"it could not be constructed: {failed}"
    parameters = {str(k): v for k, v in answer["parameters"].items() if isinstance(v, np.ndarray)}
    children = [c for c in answer["children"] if isinstance(c, dict)]
    leaves = {str(c["path"]): str(c["type"]) for c in children}
    eps = tuple(sorted({float(c["eps"]) for c in children if isinstance(c.get("eps"), float)}))
    biased = any(is_bias(path) for path in parameters)
    numbers = {str(k): float(v) for k, v in answer.get("numbers", {}).items()}
    return Layer(int(answer["handle"]), parameters, leaves, arguments, biased, eps, numbers)


def building(layer: LayerClass, arguments: Mapping[str, object], scale: Scale) -> dict[str, Any]:
    """The request for an instance; layers of Keras get first inputs, with and without a batch."""
    request: dict[str, Any] = {"name": layer.name, "arguments": dict(arguments), "double": True}
    if layer.framework != "torch":
        sample = np.linspace(-1.0, 1.0, 6 * scale.model).reshape(2, 3, scale.model)
        count = len(required(layer.forward))
        request["samples"] = [[sample] * count, [sample[0]] * count]
    return request


def is_bias(path: str) -> bool:
    return path.rsplit(".", 1)[-1] in ("bias", "in_proj_bias", "beta") or path.rsplit(".", 1)[-1].startswith("b_")


def is_norm(path: str, leaves: Mapping[str, str]) -> bool:
    return "norm" in leaves.get(path.rpartition(".")[0], "").lower()


def fresh(layer: Layer, rng: np.random.Generator, biases: bool) -> dict[str, np.ndarray]:
    """New values: weights at random on a grid of hundredths, biases zero unless wanted, norms neutral."""
    values = {}
    for path, old in layer.parameters.items():
        if is_norm(path, layer.leaves):
            values[path] = np.zeros(old.shape) if is_bias(path) else np.ones(old.shape)
        elif is_bias(path) and not biases:
            values[path] = np.zeros(old.shape)
        else:
            values[path] = np.round(rng.normal(size=old.shape), 2)
    return values


class Weights(Struct, frozen=True):
    """The formula's weights in those of a layer."""

    paths: Mapping[str, tuple[str, ...]]
    """Parameter key to the parameter's path; several paths are the members of a family, in order."""
    packed: Mapping[str, int]
    """Keys whose matrix is this third of a joint query-key-value matrix."""
    sure: bool
    unused: tuple[str, ...]
    """Paths of weights that the formula does not have."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Parameter key to the attribute that holds it; EPSILON for the ε of its normalisations."""


EPSILON = "*"
VISIBLE = 0.375
"""What such numbers are set to: an ε that the values show."""


def bind_weights(target: Target, layer: Layer, prefix: str = "") -> Weights | str:
    """Which parameter of a layer (below `prefix`) is which of the formula, or what is missing."""
    wanted = [p for p in target.parameters if p.role in ("weight", "input")]
    available = {
        path: value for path, value in layer.parameters.items()
        if path.startswith(prefix) and not is_norm(path, layer.leaves)
    }  # fmt: skip
    families = _families(available)
    found: dict[str, tuple[str, ...]] = {}
    packed: dict[str, int] = {}
    sure = True
    for parameter in wanted:
        fits = [
            (match(parameter.names, _called(path, prefix)), -rank(parameter.names, _called(path, prefix)), path)
            for path in families
            if _same_kind(path, available[families[path][0]], parameter) and families[path] not in found.values()
        ]
        best = max((f for f in fits if f[0] >= 0.6), default=None)
        if best is not None:
            found[parameter.key] = families[best[2]]
    numbers = _numbers([p for p in wanted if p.key not in found], layer, prefix)
    wanted = [p for p in wanted if p.key not in numbers]
    joint = [p for p, v in available.items() if not is_bias(p) and v.ndim == 2 and v.shape[0] == 3 * v.shape[1]]
    if len(joint) == 1:
        for parameter in wanted:
            if parameter.key not in found and (which := _projection(parameter)) is not None:
                found[parameter.key], packed[parameter.key] = (joint[0],), which
    for biases in (False, True):
        left = [p for p in wanted if p.key not in found and _bias_like(p) == biases]
        rest = [f for f in families.values() if f not in found.values() and (available[f[0]].ndim == 1) == biases]
        if left and len(left) == len(rest):
            sure = sure and (len(left) == 1 or len({p.shape for p in left}) == len(left) and not guessed(left))
            found |= {p.key: f for p, f in zip(left, rest, strict=True)}
    if missing := [p.latex for p in wanted if p.key not in found]:
        return f"no parameter of the layer could be told to be {missing[0]}"
    used = {path for paths in found.values() for path in paths}
    unused = tuple(p for p in available if p not in used and not is_bias(p))
    return Weights(found, packed, sure and not unused, unused, numbers)


def _same_kind(path: str, value: np.ndarray, parameter: Parameter) -> bool:
    if is_bias(path) == _bias_like(parameter):
        return True
    rank_ = len(parameter.shape) - parameter.indexed if parameter.shape is not None else None
    return rank_ == value.ndim and match(parameter.names, _called(path, "")) >= 0.9


def _numbers(parameters: Sequence[Parameter], layer: Layer, prefix: str) -> dict[str, str]:
    """Numbers of the formula that the layer keeps as attributes, such as ε."""
    found = {}
    for parameter in parameters:
        if parameter.shape != ():
            continue
        fits = [n for n in layer.numbers if not prefix and match(parameter.names, n) >= 0.9]
        if fits:
            found[parameter.key] = fits[0]
        elif "eps" in parameter.names and layer.eps:
            found[parameter.key] = EPSILON
    return found


def settings(weights: Weights) -> dict[str, Any]:
    """What `set` gives a layer beside its parameters."""
    numbers = {n: VISIBLE for n in weights.numbers.values() if n != EPSILON}
    return {"eps": VISIBLE if EPSILON in weights.numbers.values() else 0.0, "numbers": numbers}


def _families(available: Mapping[str, np.ndarray]) -> dict[str, tuple[str, ...]]:
    """Paths that differ in one number only (heads.0.query.weight, heads.1.query.weight) as one; others alone."""
    groups: dict[str, list[str]] = {}
    for path in available:
        match_ = re.search(r"(?<=\.)\d+(?=\..*\.)", path)
        key = path if match_ is None else path[: match_.start()] + "*" + path[match_.end() :]
        groups.setdefault(key, []).append(path)
    result = {}
    for key, paths in groups.items():
        if len(paths) > 1 and len({available[p].shape for p in paths}) == 1:
            result[key] = tuple(paths)
        else:
            result |= {p: (p,) for p in paths}
    return result


def _called(path: str, prefix: str) -> str:
    """The name that tells what a parameter is: W_Q of `W_Q.weight`, `heads.*.W_Q.weight`."""
    parts = [p for p in path.removeprefix(prefix).split(".") if p not in ("weight", "kernel", "bias", "*")]
    return parts[-1] if parts else path


def _bias_like(parameter: Parameter) -> bool:
    rank_ = len(parameter.shape) - parameter.indexed if parameter.shape is not None else None
    return rank_ == 1 or (rank_ is None and parameter.latex.lstrip("\\mathbf{ ").startswith("b"))


def _projection(parameter: Parameter) -> int | None:
    """0, 1, 2 for a query, key, value projection."""
    for number, word in enumerate(("query", "key", "value")):
        if word in parameter.names:
            return number
    return None


def formula_weights(
    target: Target,
    weights: Weights,
    values: Mapping[str, np.ndarray],
    layer: Layer,
    heads: int,
    strided: tuple[bool, bool],
) -> dict[str, np.ndarray]:
    """The formula's weights at these values: transposed where the framework stores (out, in), one matrix for each head.

    `strided`: heads take every h-th column instead of neighbouring ones, in the projections and in the output. Raises
    ValueError where the columns do not divide.
    """
    found: dict[str, np.ndarray] = {}
    for parameter in target.parameters:
        if parameter.key in weights.numbers:
            found[parameter.key] = np.array(VISIBLE)
        paths = weights.paths.get(parameter.key)
        if paths is None:
            continue
        matrices = [_as_written(path, values[path], layer) for path in paths]
        matrix = matrices[0]
        if parameter.key in weights.packed:
            matrix = np.split(matrix, 3, axis=1)[weights.packed[parameter.key]]
        if parameter.indexed:
            found[parameter.key] = np.stack(matrices) if len(matrices) > 1 else split_columns(matrix, heads, strided[0])
        elif _output(parameter) and strided[1]:
            found[parameter.key] = matrix.reshape(-1, heads, matrix.shape[1]).swapaxes(0, 1).reshape(matrix.shape)
        else:
            found[parameter.key] = matrix
    return found


def _as_written(path: str, value: np.ndarray, layer: Layer) -> np.ndarray:
    parent, _, name = path.rpartition(".")
    linear = name in ("weight", "in_proj_weight") and (
        layer.leaves.get(parent, "Linear").endswith("Linear") or name != "weight"
    )
    return value.T if linear and value.ndim == 2 else value


def _output(parameter: Parameter) -> bool:
    return bool({"out", "out_proj", "W_out"} & set(parameter.names))


def split_columns(matrix: np.ndarray, heads: int, strided: bool) -> np.ndarray:
    """(d, h·k) to (h, d, k)."""
    if matrix.ndim != 2 or matrix.shape[1] % heads:
        raise ValueError("the columns do not divide")
    if strided:
        return matrix.reshape(len(matrix), -1, heads).transpose(2, 0, 1)
    return matrix.reshape(len(matrix), heads, -1).swapaxes(0, 1)


def layer_paths(layer: Layer) -> Iterator[tuple[str, str]]:
    """Children that contain weights, with their own name: ('ffn', 'ffn')."""
    for path in layer.leaves:
        if any(p.startswith(path + ".") for p in layer.parameters):
            yield path, path.rsplit(".", 1)[-1]


def likes(layer: LayerClass) -> list[str]:
    """Kinds of array that a layer is called with, the first that works."""
    return list(TORCH if layer.framework == "torch" else KERAS)


def required(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    plain = ("positional_only", "positional_or_keyword")
    return [str(p["name"]) for p in parameters if not p["optional"] and p["kind"] in plain]
