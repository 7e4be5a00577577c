"""Tensor programs: interned nodes over named axes with concrete sizes.

A node's value is an array with one dimension per axis of `axes`, in that order. Axes have identity (`uid`), so
broadcasting is union of axes, a contraction is a product summed over axes, a transpose is nothing at all.
"""

from __future__ import annotations

import itertools
from typing import Any

from msgspec import Struct

_fresh = itertools.count(1)


class Axis(Struct, frozen=True):
    label: str
    """The author's name of the index or the size, for people."""
    size: int
    uid: int

    @staticmethod
    def fresh(label: str, size: int) -> Axis:
        return Axis(label, size, next(_fresh))


class Node:
    """One operation of the closed set in `primitives` or a call of the catalogue. Never constructed directly:
    see `lemmata.program.build`."""

    __slots__ = ("args", "attrs", "axes", "dtype", "op", "uid", "__weakref__")

    op: str
    args: tuple[Node, ...]
    attrs: tuple[tuple[str, Any], ...]
    axes: tuple[Axis, ...]
    dtype: str
    """`real`, `int`, `bool` or `complex`."""

    def __init__(
        self,
        op: str,
        args: tuple[Node, ...],
        attrs: tuple[tuple[str, Any], ...],
        axes: tuple[Axis, ...],
        dtype: str,
        uid: int,
    ) -> None:
        self.op, self.args, self.attrs, self.axes, self.dtype, self.uid = op, args, attrs, axes, dtype, uid

    def attr(self, name: str) -> Any:
        for key, value in self.attrs:
            if key == name:
                return value
        raise KeyError(name)

    def __repr__(self) -> str:
        return f"<{self.op} {'×'.join(f'{a.label}:{a.size}' for a in self.axes) or 'scalar'}>"
