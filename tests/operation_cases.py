"""Every operation of the catalogue in each form that it is called in, at random sizes, with batch axes and without."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lemmata.operations import Operation, call, catalogue
from lemmata.program import build as b
from lemmata.program.node import Axis, Node

DOMAIN = {"logit": (0.05, 0.95)}
"""Operations that want their values in an interval."""


class Draw:
    """Axes of random sizes and inputs of random values, with `batch` axes in front."""

    def __init__(self, seed: int, batch: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.feeds: dict[str, np.ndarray] = {}
        self.batch = [self.axis(f"b{n}") for n in range(batch)]

    def axis(self, name: str) -> Axis:
        return Axis.fresh(name, int(self.rng.integers(2, 7)))

    def real(self, name: str, axes: list[Axis], low: float = -3.0, high: float = 3.0) -> Node:
        self.feeds[name] = self.rng.uniform(low, high, [a.size for a in axes])
        return b.input(name, axes)

    def places(self, name: str, axes: list[Axis], along: Axis) -> Node:
        self.feeds[name] = self.rng.integers(along.size, size=[a.size for a in axes])
        return b.input(name, axes, "int")


@dataclass(frozen=True)
class Form:
    """One way to call an operation."""

    operation: str
    way: str
    make: Callable[[Draw], Node]

    def __str__(self) -> str:
        return f"{self.operation} {self.way}".strip()

    def drawn(self, batch: int) -> tuple[Node, dict[str, Any]]:
        """The call and its feeds: the same for the same form and number of batch axes."""
        draw = Draw(zlib.crc32(f"{self} {batch}".encode()), batch)
        return self.make(draw), draw.feeds


def _by_its_examples(operation: Operation) -> list[Form]:
    """Of an operation of one argument: elementwise, or along one axis."""
    name, (low, high) = operation.name, DOMAIN.get(operation.name, (-3.0, 3.0))
    if any(len(e.arguments) != 1 for e in operation.examples):
        return []

    def made(d: Draw, at: int | None) -> Node:
        axes = [*d.batch, d.axis("r"), d.axis("c")]
        return call(name, [d.real("x", axes, low, high)], **({} if at is None else {"axis": axes[at]}))

    if any("axis" in e.attrs for e in operation.examples):
        return [Form(name, "along the last", lambda d: made(d, -1)), Form(name, "along another", lambda d: made(d, -2))]
    return [Form(name, "", lambda d: made(d, None))]


def _norm(name: str, eps: str, *gains: str) -> Form:
    def make(d: Draw) -> Node:
        axis = Axis.fresh("c", 5)
        x = d.real("x", [*d.batch, d.axis("r"), axis])
        small = b.constant(0.1) if eps == "eps" else d.real("eps", [], 0.1, 0.2)
        return call(name, [x, small, *(d.real(g, [axis], 0.5, 2.0) for g in gains)], axis=axis)

    return Form(name, ", ".join((eps, *gains)), make)


def _linear(d: Draw) -> Node:
    rows, feature, out = d.axis("r"), d.axis("f"), d.axis("o")
    given = d.real("x", [*d.batch, rows, feature]), d.real("w", [feature, out]), d.real("b", [out])
    return call("linear", given, feature=feature)


def _cross_entropy(d: Draw) -> Node:
    rows, classes = d.axis("r"), d.axis("c")
    given = d.real("x", [*d.batch, rows, classes]), d.places("y", [*d.batch, rows], classes)
    return call("cross_entropy", given, axis=classes)


def _attention(way: str) -> Form:
    def make(d: Draw) -> Node:
        query, key, feature, value = (d.axis(x) for x in "qkfv")
        heads, groups, apart = [], [], d.batch if way != "shared keys" else []
        if way == "groups":
            groups = [Axis.fresh("g", 2)]
            heads = [Axis.fresh("h", 4)]
        q = d.real("q", [*d.batch, *heads, query, feature], -1.5, 1.5)
        k = d.real("k", [*apart, *groups, key, feature], -1.5, 1.5)
        v = d.real("v", [*apart, *groups, key, value])
        scale = d.real("s", [], 0.3, 0.8) if way == "scale" else b.constant(0.5)
        mask = [d.real("m", [query, key])] if way == "mask" else []
        shared = {"heads": heads[0], "groups": groups[0]} if heads else {}
        return call("attention", [q, k, v, scale, *mask], query=query, key=key, feature=feature, value=value,
                    causal=way == "causal", **shared)  # fmt: skip

    return Form("attention", way, make)


FORMS = [f for o in catalogue().values() for f in _by_its_examples(o)] + [
    _norm("layer_norm", "eps"), _norm("layer_norm", "eps", "gain"), _norm("layer_norm", "eps", "gain", "shift"),
    _norm("layer_norm", "eps as a weight", "gain", "shift"), _norm("rms_norm", "eps"), _norm("rms_norm", "eps", "gain"),
    _norm("rms_norm", "eps as a weight", "gain"),
    Form("linear", "", _linear), Form("cross_entropy", "", _cross_entropy),
    *map(_attention, ("bare", "shared keys", "scale", "mask", "causal", "groups")),
]  # fmt: skip
