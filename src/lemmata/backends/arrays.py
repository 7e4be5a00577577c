"""Programs as lists of steps for libraries that trace: what depends on no input is worked out once with NumPy.

`jax` and `tensorflow` share this; each brings a rule for every primitive and a `Kind` that says what constants become.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.backends import numpy as plain
from lemmata.program.graph import dependent, independent, ordered
from lemmata.program.node import Axis, Node

Rule = Callable[[Any, list[Any]], Any]
"""(the kind of the inputs, the values of the arguments) to a value. Constants without axes are Python numbers."""
Make = Callable[[Node], Rule]


class NotSupported(ValueError):
    """A primitive or a type that a library has no operation for."""


class Library(ABC):
    """What a backend says of its library: tensors by methods, operations by the tables that it is made with."""

    name: str

    def __init__(
        self, rules: Mapping[str, Make], natives: Mapping[str, Make], take: Callable[[Node, Any], Rule]
    ) -> None:
        """The rules of primitives, of calls of the catalogue, and of `take`, which may know its places beforehand."""
        self._rules, self._natives, self._take = rules, natives, take

    @abstractmethod
    def kind(self, values: Sequence[Any], precision: str | None) -> Any:
        """What constants become beside these inputs."""

    @abstractmethod
    def given(self, kind: Any, node: Node, value: Any) -> Any:
        """An input in the type that the program calculates in."""

    @abstractmethod
    def constant(self, kind: Any, array: Any) -> Any:
        """A NumPy array as a tensor."""

    @abstractmethod
    def whole(self, kind: Any, value: Any, node: Node) -> Any:
        """An output as a tensor of its full shape."""

    def native(self, node: Node) -> bool:
        """Whether a call of the catalogue has a rule of its own."""
        return node.attr("name") in self._natives

    def rule(self, node: Node, known: list[Any]) -> Rule:
        """The rule of a node; `known` holds the values of constant arguments, None for others. Raises NotSupported."""
        if node.op == "call":
            return self._natives[node.attr("name")](node) if self.native(node) else lambda kind, x: x[0]
        if node.op == "take":
            return self._take(node, known[1])
        if node.op not in self._rules:
            raise NotSupported(f"{node.op} has no rule on {self.name}")
        return self._rules[node.op](node)


def type_of(array: np.ndarray) -> str:
    """What the numbers of an array are in a program."""
    return {"b": "bool", "i": "int", "u": "int", "c": "complex"}.get(array.dtype.kind, "real")


class _Step(Struct, frozen=True):
    slot: int
    args: tuple[int, ...]
    rule: Rule


class Compiled(Struct):
    """A program as a function of tensors."""

    library: Library
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    steps: list[_Step]
    constants: dict[int, Any]
    precision: str | None

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        """The outputs at these inputs, in the order of `inputs`. Raises ValueError for another shape or number."""
        if len(values) != len(self.inputs):
            raise ValueError(f"{len(values)} tensors for {len(self.inputs)} inputs")
        kind = self.library.kind(values, self.precision)
        found: dict[int, Any] = {}
        for uid, value in self.constants.items():
            found[uid] = self.library.constant(kind, value) if isinstance(value, np.ndarray) else value
        for node, value in zip(self.inputs, values, strict=True):
            wanted = tuple(a.size for a in node.axes)
            if tuple(value.shape) != wanted:
                raise ValueError(f"{node.attr('name')} has shape {tuple(value.shape)}, not {wanted}")
            found[node.uid] = self.library.given(kind, node, value)
        for step in self.steps:
            found[step.slot] = step.rule(kind, [found[a] for a in step.args])
        return tuple(self.library.whole(kind, found[o.uid], o) for o in self.outputs)


def compile_for(
    library: Library, outputs: Sequence[Node], inputs: Sequence[Node], precision: str | None = None
) -> Compiled:
    """The program as a function of the library's tensors, one for each of the `input` nodes given, in their order.

    `precision` is that of real numbers where no input has one. Raises KeyError where the program needs an input that is
    not among them, NotSupported for what the library cannot do.
    """

    def arguments(node: Node) -> tuple[Node, ...]:
        if node.op != "call":
            return node.args
        return node.args[:-1] if library.native(node) else node.args[-1:]

    order = ordered(outputs, arguments)
    moving, varying = dependent(order, inputs, arguments)
    fixed = independent(moving, outputs, varying, arguments)
    numbers = dict(zip(fixed, map(_constant, plain.run(list(fixed.values()), {})), strict=True))
    steps = []
    for node in moving:
        args = arguments(node)
        known = [numbers.get(a.uid) for a in args]
        steps.append(_Step(node.uid, tuple(a.uid for a in args), library.rule(node, known)))
    return Compiled(library, tuple(inputs), tuple(outputs), steps, numbers, precision)


def run_on(
    library: Library, outputs: Sequence[Node], feeds: Mapping[str, Any], convert: Callable[[Any], Any]
) -> list[Any]:
    """The values of the outputs at these feeds, in double precision where a feed says nothing."""
    from lemmata.program.graph import inputs as leaves

    wanted = leaves(*outputs)
    values = []
    for node in wanted:
        value = feeds[node.attr("name")]
        if isinstance(value, np.ndarray | float | int | np.generic):
            array = np.asarray(value)
            if array.dtype == object or (node.dtype == "real" and array.dtype.kind in "biu"):
                array = array.astype(complex if node.dtype == "complex" else float)
            value = convert(array)
        values.append(value)
    return list(compile_for(library, outputs, wanted, "float64")(*values))


def _constant(value: Any) -> Any:
    array = np.asarray(value)
    return array.item() if not array.ndim else array


def rearranged(
    axes: tuple[Axis, ...], wanted: Sequence[Axis], transpose: Callable[[Any, list[int]], Any]
) -> Callable[[Any], Any]:
    """One dimension per wanted axis, of length 1 where the value lacks it; Python numbers stay numbers."""
    if axes == tuple(wanted) or not axes:
        return lambda x: x
    order = [axes.index(a) for a in wanted if a in axes]
    straight = order == list(range(len(axes)))
    gaps = tuple(slice(None) if a in axes else None for a in wanted)
    if None not in gaps:
        return lambda x: transpose(x, order)
    if straight:
        return lambda x: x[gaps]
    return lambda x: transpose(x, order)[gaps]


def slots(node: Node, known: Any) -> tuple[Any, bool] | None:
    """Of a `take`: the places known beforehand, all inside, and whether they are consecutive."""
    source, index = node.args
    rest = tuple(a for a in source.axes if a != node.attr("axis"))
    if known is None or set(index.axes) & set(rest):
        return None
    places = np.asarray(known)
    if places.dtype.kind not in "iu" or not places.size:
        return None
    if places.min() < 0 or places.max() >= node.attr("axis").size:
        return None
    straight = places.ndim == 1 and bool((places == int(places.flat[0]) + np.arange(len(places))).all())
    return places, straight
