"""Programs on PyTorch tensors: differentiable, on the device and in the precision of the inputs.

What depends on no input is worked out once with NumPy. Calls of the catalogue use PyTorch's own functions; products
summed over axes become matrix products.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from msgspec import Struct, field
from torch import Tensor

from lemmata.backends import numpy as plain
from lemmata.backends.torch_beside import beside, linear_beside, part
from lemmata.backends.torch_calls import NATIVE
from lemmata.backends.torch_layout import Kind, Laid, Rule, as_tensor, index_only, rearrange, wanted_layouts
from lemmata.backends.torch_rules import ELEMENTWISE, SAME, rule_of
from lemmata.program.graph import dependent, independent, ordered
from lemmata.program.graph import inputs as leaves
from lemmata.program.node import Axis, Node


def run(outputs: Sequence[Node], feeds: Mapping[str, Any]) -> list[Tensor]:
    """The values of the outputs, each with its dimensions in the order of `node.axes`.

    Feeds are tensors or anything NumPy takes, in double precision then. Raises KeyError for an input not fed.
    """
    wanted = leaves(*outputs)
    return list(compile(outputs, wanted, torch.float64)(*(_fed(n, feeds[n.attr("name")]) for n in wanted)))


def _fed(node: Node, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    array = np.asarray(value)
    if array.dtype == object or (node.dtype == "real" and array.dtype.kind in "biu"):
        array = array.astype(complex if node.dtype == "complex" else float)
    return torch.tensor(array)


Step = tuple[Rule, tuple[int, ...], int, tuple[int, ...]]
"""A rule, where its arguments stand, where its value goes, and the values that no later step needs."""


class Compiled(Struct):
    """A program as a list of tensor operations on numbered values: the inputs, the constants, one value a step."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    steps: list[Step]
    constants: list[Any]
    """Behind the inputs."""
    results: tuple[int, ...]
    real: tuple[bool, ...]
    """Which inputs are real numbers; whole numbers that are places along an axis stay whole."""
    size: int
    precision: torch.dtype | None = None
    """Of real numbers where no input is one; None is PyTorch's default."""
    _made: dict[Kind, list[Any]] = field(default_factory=dict)

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The outputs at these inputs, given in the order of `inputs`. Raises ValueError for another shape."""
        if len(tensors) != len(self.inputs):
            raise ValueError(f"{len(tensors)} tensors for {len(self.inputs)} inputs")
        for node, tensor in zip(self.inputs, tensors, strict=True):
            wanted = tuple(a.size for a in node.axes)
            if tuple(tensor.shape) != wanted:
                raise ValueError(f"{node.attr('name')} has shape {tuple(tensor.shape)}, not {wanted}")
        return self.run(self.kind(tensors), tensors)

    def kind(self, tensors: Sequence[Tensor]) -> Kind:
        """The precision and the device that these inputs set."""
        return Kind.of(tensors, self.precision)

    def run(self, kind: Kind, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The outputs at inputs of the right shapes."""
        values = [kind.number(t) if real else t for real, t in zip(self.real, tensors, strict=True)]
        values += self._made.get(kind) or self._constants(kind)
        for rule, args, slot, free in self.steps:
            values[slot] = rule(kind, [values[a] for a in args])
            for unused in free:
                values[unused] = None
        return tuple([_whole(kind, values[r], o) for r, o in zip(self.results, self.outputs, strict=True)])

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        """Copies of a module share their program."""
        return self

    def _constants(self, kind: Kind) -> list[Any]:
        with torch.inference_mode(False):
            made = [_made(kind, x) for x in self.constants]
        made += [None] * (self.size - len(self.inputs) - len(made))
        self._made = {kind: made}
        return made


def _made(kind: Kind, value: Any) -> Any:
    if isinstance(value, Laid):
        return kind.constant(value.array.transpose(value.order)).permute(tuple(np.argsort(value.order).tolist()))
    return kind.constant(value) if isinstance(value, np.ndarray) else value


def _whole(kind: Kind, value: Any, node: Node) -> Tensor:
    """A constant output as a tensor, in the precision of the inputs."""
    if isinstance(value, Tensor) and value.dim() == len(node.axes):
        shape = tuple(a.size for a in node.axes)
        return value if value.shape == shape else value.expand(shape)
    return as_tensor(kind, value, node.dtype).expand(tuple(a.size for a in node.axes))


def compile(
    outputs: Sequence[Node], inputs: Sequence[Node], precision: torch.dtype | None = None, *, native: bool = True
) -> Compiled:
    """The program as a function of tensors, one for each of the `input` nodes given, in their order.

    Calls of the catalogue run as PyTorch's own functions, or by their definitions where `native` is False. Raises
    KeyError where the program needs an input that is not among them.
    """
    reads = _arguments if native else _definition
    order = ordered(outputs, reads)
    moving, varying = dependent(order, inputs, reads)
    moving, groups = beside(moving, reads) if native else (moving, [])
    fixed = independent(moving, outputs, varying, reads)
    numbers = dict(zip(fixed, map(_constant, plain.run(list(fixed.values()), {})), strict=True))
    layouts = wanted_layouts(moving) if native else {}
    places = index_only(order, outputs)
    place = {n.uid: at for at, n in enumerate(inputs)}
    place.update({uid: len(inputs) + at for at, uid in enumerate(numbers)})
    work: list[Node] = []
    for node in moving:
        if node.op == "rename":  # the same tensor
            place[node.uid] = place[node.args[0].uid]
        else:
            place[node.uid] = len(inputs) + len(numbers) + len(work)
            work.append(node)
    last = {place[a.uid]: at for at, node in enumerate(work) for a in reads(node)}
    kept = {place[o.uid] for o in outputs} | {place[uid] for uid in numbers}
    steps: list[Step] = []
    size = len(inputs) + len(numbers) + len(work)
    apart, more = _members(work, numbers, {n.uid for n in inputs}), dict[tuple[int, Axis | None], int]()
    group_of = {node.uid: (number, at) for number, group in enumerate(groups) for at, node in enumerate(group)}
    for at, node in enumerate(work):
        if node.uid in apart:
            source, axis = reads(node)[0], node.attr("axis")
            if (source.uid, axis) not in more:
                slot = more[source.uid, axis] = size + len(more)
                steps.append((_unbind(source.axes.index(axis)), (place[source.uid],), slot, ()))
            steps.append((_member(node, apart[node.uid]), (more[source.uid, axis],), place[node.uid], ()))
            continue
        args = tuple(place[a.uid] for a in reads(node))
        free = tuple(sorted({p for p in args if last[p] == at and p not in kept}))
        if node.uid in group_of:
            number, which = group_of[node.uid]
            group = groups[number]
            slot = more.setdefault((group[0].uid, None), size + len(more))
            if which == 0:
                given = (args[0], *(place[a.uid] for n in group for a in reads(n)[1:]))
                steps.append((linear_beside(group), given, slot, ()))
            done = (slot,) if which == len(group) - 1 else ()
            steps.append((part(which), (slot,), place[node.uid], (*free, *done)))
            continue
        known = [numbers.get(a.uid) for a in reads(node)]
        rule = rule_of(node, known, native, layouts.get(node.uid, node.axes), node.uid in places)
        steps.append((rule, args, place[node.uid], free))
    real = tuple(n.dtype == "real" and n.uid not in places for n in inputs)
    stored = [_stored(fixed[uid], value, layouts.get(uid), reads, moving) for uid, value in numbers.items()]
    results = tuple(place[o.uid] for o in outputs)
    size += len(more)
    return Compiled(tuple(inputs), tuple(outputs), steps, stored, results, real, size, precision)


def _members(moving: Sequence[Node], numbers: Mapping[int, Any], inputs: Collection[int]) -> dict[int, int]:
    """Members of families of weights, W_l at a known l, by node: several of one input are taken apart at once.

    The gradient of each member alone would be as large as the whole family.
    """
    found: dict[tuple[int, Axis], dict[int, int]] = {}
    for node in moving:
        if node.op != "take" or node.args[0].uid not in inputs:
            continue
        place, axis = numbers.get(node.args[1].uid), node.attr("axis")
        if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < axis.size:
            found.setdefault((node.args[0].uid, axis), {})[node.uid] = place
    return {uid: place for group in found.values() if len(group) > 1 for uid, place in group.items()}


def _unbind(dim: int) -> Rule:
    return lambda kind, x: x[0].unbind(dim)


def _member(node: Node, place: int) -> Rule:
    source, axis = node.args[0], node.attr("axis")
    back = rearrange(tuple(a for a in source.axes if a != axis), node.axes)
    return lambda kind, x: back(x[0][place])


def _arguments(node: Node) -> tuple[Node, ...]:
    """What the step of a node reads: a call reads its arguments or its definition."""
    if node.op != "call":
        return node.args
    return node.args[:-1] if node.attr("name") in NATIVE else node.args[-1:]


def _definition(node: Node) -> tuple[Node, ...]:
    return node.args[-1:] if node.op == "call" else node.args


def _constant(value: Any) -> Any:
    """A Python number, or an array with dimensions of size 1 where it only repeats."""
    array = np.asarray(value)
    if not array.ndim:
        return array.item()
    repeats = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)
    return np.broadcast_to(np.array(array[repeats]), array.shape)


def _stored(
    node: Node,
    value: Any,
    layout: tuple[Axis, ...] | None,
    reads: Callable[[Node], tuple[Node, ...]],
    moving: Sequence[Node],
) -> Any:
    """A constant as it is kept: whole numbers that only real numbers come of as such, axes as they will be read."""
    if not isinstance(value, np.ndarray):
        return value
    users = [n for n in moving if any(a is node for a in reads(n))]
    real = all(n.op in ELEMENTWISE and n.op not in SAME and n.dtype == "real" for n in users)
    if users and real and value.dtype.kind in "iu":
        own = value[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in value.strides)]
        if np.abs(own).max(initial=0) < EXACT:
            value = np.broadcast_to(own.astype(float), value.shape)
    return value if layout is None or layout == node.axes else Laid(value, tuple(map(node.axes.index, layout)))


EXACT = 2**24
"""Whole numbers below it are exact in single precision."""
