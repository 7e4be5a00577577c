"""Members of a family that are taken one by one, as weights of layers are: the family is taken apart once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lemmata.backends.torch_layout import Rule, rearrange
from lemmata.program.node import Node


def families(nodes: Sequence[Node], numbers: Mapping[int, Any]) -> dict[int, tuple[int, int, int]]:
    """By node that takes a member at a known place: its family, the dimension, the place; families of several uses.

    Taken apart at once, the gradients of the members are put together once; taken one by one, each would bring zeros
    of the size of the whole family.
    """
    found: dict[int, tuple[int, int, int]] = {}
    for node in nodes:
        if node.op != "take":
            continue
        source, index = node.args
        place = np.asarray(numbers[index.uid]) if index.uid in numbers else None
        if place is not None and not place.ndim and place.dtype.kind in "iu" and 0 <= place < node.attr("axis").size:
            found[node.uid] = (source.uid, source.axes.index(node.attr("axis")), int(place))
    uses: dict[tuple[int, int], int] = {}
    for family, dim, _ in found.values():
        uses[family, dim] = uses.get((family, dim), 0) + 1
    return {uid: use for uid, use in found.items() if uses[use[:2]] > 1}


def apart(dim: int) -> Rule:
    """All members of a family along a dimension, as a tuple."""
    return lambda kind, x: x[0].unbind(dim)  # type: ignore[no-any-return,return-value]


def member(node: Node, place: int) -> Rule:
    """One of the members that `apart` gives, its dimensions as the node has them."""
    source = node.args[0]
    back = rearrange(tuple(a for a in source.axes if a != node.attr("axis")), node.axes)
    return lambda kind, x: back(x[0][place])
