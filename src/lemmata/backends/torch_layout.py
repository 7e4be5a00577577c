"""How tensors lie: dimensions by axes, and numbers in the precision and on the device of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor

from lemmata.program import build
from lemmata.program.node import Axis, Node


class Kind(Struct, frozen=True):
    """What constants become beside these inputs."""

    dtype: torch.dtype
    """Of real numbers."""
    device: torch.device

    @staticmethod
    def of(tensors: Sequence[Tensor], default: torch.dtype | None = None) -> Kind:
        floating = [t.dtype.to_real() for t in tensors if t.is_floating_point() or t.is_complex()]
        dtype = floating[0] if floating else default or torch.get_default_dtype()
        for other in floating[1:]:
            dtype = torch.promote_types(dtype, other)
        return Kind(dtype, tensors[0].device if tensors else torch.empty(0).device)

    def number(self, value: Any) -> Any:
        """Whole numbers and truth values as real numbers."""
        if isinstance(value, Tensor) and not value.is_floating_point() and not value.is_complex():
            return value.to(self.dtype)
        return value

    def whole(self, value: Any) -> Any:
        """Truth values as whole numbers."""
        if isinstance(value, Tensor) and value.dtype == torch.bool:
            return value.long()
        return int(value) if isinstance(value, bool) else value

    def of_type(self, dtype: str) -> torch.dtype:
        match dtype:
            case "bool":
                return torch.bool
            case "int":
                return torch.int64
            case "complex":
                return self.dtype.to_complex()
        return self.dtype

    def constant(self, array: Any) -> Tensor:
        """A NumPy array; dimensions that only repeat take no memory."""
        repeats = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)
        dtype = self.of_type({"b": "bool", "i": "int", "u": "int", "c": "complex"}.get(array.dtype.kind, "real"))
        return torch.tensor(np.ascontiguousarray(array[repeats])).to(self.device, dtype).expand(array.shape)


Rule = Callable[[Kind, list[Any]], Tensor]
"""A step: the values of the arguments (tensors, or Python numbers for constants without axes) to a tensor."""


def as_tensor(kind: Kind, value: Any, dtype: str) -> Tensor:
    """A value of the program type `dtype` as a tensor."""
    if isinstance(value, Tensor):
        return value
    return torch.as_tensor(value, dtype=kind.of_type(dtype), device=kind.device)


def as_index(place: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Places along an axis, 0 for those that are none, and which of them are some."""
    inside = (place >= 0) & (place < size)
    if place.is_floating_point():
        nearest = torch.round(place)
        inside = inside & torch.isclose(nearest, place)
        place = nearest
    return torch.where(inside, place, 0).long(), inside


def index_only(order: Sequence[Node], outputs: Sequence[Node]) -> set[int]:
    """Inputs, and sums of whole numbers with them, that serve as places along axes and for nothing else."""
    found = {n.uid for n in order} - {o.uid for o in outputs}
    places: set[int] = set()
    for node in reversed(order):
        args = node.args[:-1] if node.op == "call" else node.args
        at = 1 if node.op in ("take", "scatter") or node.op == "call" and node.attr("name") == "cross_entropy" else None
        passes = node.uid in places & found and node.op in ("add", "sub", "rename", "broadcast")
        for number, argument in enumerate(args):
            whole = argument.op == "constant" and argument.dtype == "int"
            if number == at or passes or whole:
                places.add(argument.uid)
            else:
                found.discard(argument.uid)
    return places & found


def rearrange(axes: tuple[Axis, ...], wanted: tuple[Axis, ...]) -> Callable[[Any], Any]:
    """A view with one dimension per wanted axis, of size 1 where the value lacks it; numbers stay numbers."""
    if axes == wanted or not axes:
        return _same
    order = [axes.index(a) for a in wanted if a in axes]
    straight = order == list(range(len(axes)))
    if straight and wanted[len(wanted) - len(axes) :] == axes:
        return _leading(len(wanted) - len(axes))
    gaps = tuple(slice(None) if a in axes else None for a in wanted)
    if None not in gaps:
        return lambda x: x.permute(order)
    return (lambda x: x[gaps]) if straight else (lambda x: x.permute(order)[gaps])


def _same(x: Any) -> Any:
    return x


def _leading(count: int) -> Callable[[Any], Any]:
    gaps = (None,) * count
    return lambda x: x[gaps]


class Laid(Struct, frozen=True):
    """A constant array whose memory is to follow its dimensions in another order."""

    array: Any
    order: tuple[int, ...]


def wanted_layouts(order: Sequence[Node]) -> dict[int, tuple[Axis, ...]]:
    """By node, the order of axes in memory that masks of attention are to be made in: batch, queries, keys."""
    found: dict[int, tuple[Axis, ...]] = {}
    for node in order:
        if node.op != "call" or node.attr("name") != "attention" or len(node.args) < 6:
            continue
        names = dict(node.attr("attrs"))
        last = (names["query"], names["key"])
        stack = [(node.args[4], (*(a for a in node.axes if a not in last), *last))]
        while stack:
            part, wanted = stack.pop()
            wanted = tuple(a for a in wanted if a in part.axes)
            if len(wanted) < 2 or len(wanted) < len(part.axes) or part.uid in found:
                continue
            if part.op == "rename":
                back = {new: old for old, new in part.attr("mapping")}
                stack.append((part.args[0], tuple(back.get(a, a) for a in wanted)))
                continue
            found[part.uid] = wanted
            if part.op == "take":
                stack.append((part.args[1], wanted))
            elif part.op in build.UNARY | build.ARITHMETIC | build.COMPARISON | build.LOGIC | {"select", "broadcast"}:
                stack += [(a, wanted) for a in part.args]
    return found
