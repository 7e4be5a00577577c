"""Layers with a fixed make-up: how many weights, biases and gains each has, from the sizes that describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Sizes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Layer:
    """One kind of layer, its counts as functions of its sizes."""

    sizes: tuple[str, ...]
    """Names of the lists `size_…` that must be given."""
    weights: Callable[[Sizes], Any]
    biases: Callable[[Sizes], Any] | None = None
    """Of one set of biases; None where none belong to it."""
    norms: Callable[[Sizes], Any] | None = None
    """Gains and shifts of its normalisations."""
    twice: bool = False
    """Whether some keep two sets of biases."""
    contains: tuple[str, ...] = ()
    """Other kinds that its description may name as parts."""


def _gated(gates: int) -> Layer:
    """A recurrent cell: for each gate and the candidate an input matrix, a recurrent matrix and a bias."""
    return Layer(
        ("in", "hidden"),
        lambda s: gates * (s["in"] * s["hidden"] + s["hidden"] * s["hidden"]),
        lambda s: gates * s["hidden"],
        twice=True,
    )


def _pairs(widths: tuple[Any, ...]) -> Any:
    return sum((a * b for a, b in zip(widths, widths[1:], strict=False)), 0)


LAYERS: Mapping[str, Layer] = {
    "dense": Layer(("in", "out"), lambda s: s["in"] * s["out"], lambda s: s["out"]),
    "mlp": Layer(("widths",), lambda s: _pairs(s["widths"]), lambda s: sum(s["widths"][1:], 0), contains=("dense",)),
    "conv2d": Layer(
        ("area", "channels_in", "channels_out"),
        lambda s: s["area"] * s["channels_in"] * s["channels_out"],
        lambda s: s["channels_out"],
    ),
    "conv1d": Layer(
        ("kernel", "channels_in", "channels_out"),
        lambda s: s["kernel"] * s["channels_in"] * s["channels_out"],
        lambda s: s["channels_out"],
        contains=("conv2d",),
    ),
    "depthwise": Layer(
        ("area", "channels_in"),
        lambda s: s["area"] * s["channels_in"],
        lambda s: s["channels_in"],
        contains=("conv2d",),
    ),
    "separable": Layer(
        ("area", "channels_in", "channels_out"),
        lambda s: s["area"] * s["channels_in"] + s["channels_in"] * s["channels_out"],
        lambda s: s["channels_in"] + s["channels_out"],
        contains=("conv2d", "depthwise"),
    ),
    "lstm": _gated(4),
    "gru": _gated(3),
    "rnn": _gated(1),
    "embedding": Layer(("vocabulary", "width"), lambda s: s["vocabulary"] * s["width"]),
    "layernorm": Layer(("features",), lambda s: 2 * s["features"]),
    "batchnorm": Layer(("features",), lambda s: 2 * s["features"]),
    "feedforward": Layer(
        ("width", "inner"),
        lambda s: 2 * s["width"] * s["inner"],
        lambda s: s["width"] + s["inner"],
        contains=("dense",),
    ),
    "attention": Layer(("width",), lambda s: 4 * s["width"] * s["width"], lambda s: 4 * s["width"]),
    "block": Layer(
        ("width", "inner"),
        lambda s: 4 * s["width"] * s["width"] + 2 * s["width"] * s["inner"],
        lambda s: 5 * s["width"] + s["inner"],
        lambda s: 4 * s["width"],
        contains=("attention", "feedforward", "dense"),
    ),
}


def options(layer: Layer, biases: str, norms: str) -> list[tuple[str, bool, Callable[[Sizes], Any]]]:
    """The ways to count it: in words, whether the text or custom says so, and the count.

    `biases` is `none`, `one`, `two` or empty where the text does not say; `norms` is `none` or empty.
    """
    sets: list[tuple[str, bool, int]] = [("without biases", biases == "none", 0)]
    if layer.biases is None:
        sets = [("", True, 0)]
    elif biases != "none":
        sets = [("with biases", True, 1)] if biases != "two" else []
        sets += [("with two sets of biases", biases == "two", 2)] if layer.twice else []
        sets += [("without biases", False, 0)] if not biases else []
    found = []
    for words, said, times in sets:
        found.append((words, said and (layer.norms is None or norms == "none"), _count(layer, times, 0)))
        if layer.norms is not None and norms != "none":
            found.append((f"{words} and with normalisation parameters", False, _count(layer, times, 1)))
    return found


def _count(layer: Layer, biases: int, norms: int) -> Callable[[Sizes], Any]:
    def count(sizes: Sizes) -> Any:
        total = layer.weights(sizes)
        if biases and layer.biases is not None:
            total = total + biases * layer.biases(sizes)
        if norms and layer.norms is not None:
            total = total + norms * layer.norms(sizes)
        return total

    return count
