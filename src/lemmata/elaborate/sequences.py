"""Lists with dots: k_1, …, k_n is one expression with an index that runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable

HOLE = "□"


def has_dots(items: Sequence[s.Expr]) -> bool:
    return any(isinstance(i, s.Mark) and i.name == "dots" for i in items)


def generalise(first: s.Expr, last: s.Expr) -> tuple[s.Expr, s.Expr | None, s.Expr | None]:
    """The common pattern of two expressions with a hole where they differ, and what fills it in each.

    Raises Unreadable where they differ in more than one thing.
    """
    if spell(first) == spell(last):
        same = _identical(first, last)
        if same:
            return first, None, None
    if type(first) is type(last) and not isinstance(first, s.Num):
        changes = {}
        low: s.Expr | None = None
        high: s.Expr | None = None
        plain = True
        for field in first.__struct_fields__:
            if field in ("start", "end"):
                continue
            x, y = getattr(first, field), getattr(last, field)
            merged = _merge(x, y)
            if merged is None:
                plain = False
                break
            value, a, b = merged
            changes[field] = value
            if a is not None:
                if low is not None and (spell(low) != spell(a) or high is None or b is None or spell(high) != spell(b)):
                    raise Unreadable("a list whose first and last members differ in more than their index")
                low, high = a, b
        if plain:
            return replace(first, **changes), low, high
    return s.Name(first.start, first.end, HOLE), first, last


def _identical(x: s.Expr, y: s.Expr) -> bool:
    return not spell(x).count("@") and spell(x) == spell(y)


def _merge(x: object, y: object) -> tuple[Any, s.Expr | None, s.Expr | None] | None:
    if isinstance(x, s.Expr) and isinstance(y, s.Expr):
        return generalise(x, y)
    if isinstance(x, tuple) and isinstance(y, tuple):
        if len(x) != len(y):
            return None
        merged, low, high = [], None, None
        for p, q in zip(x, y, strict=True):
            part = _merge(p, q)
            if part is None:
                return None
            merged.append(part[0])
            if part[1] is not None:
                if low is not None and (spell(low) != spell(part[1]) or spell(high) != spell(part[2])):
                    raise Unreadable("a list whose first and last members differ in more than their index")
                low, high = part[1], part[2]
        return tuple(merged), low, high
    return (x, None, None) if x == y else None


def sequence(r: Reader, items: Sequence[s.Expr]) -> t.Build:
    """The members from the first to the last as a stack along a new leading axis.

    Raises Unreadable where the list is no simple run.
    """
    members = [i for i in items if not (isinstance(i, s.Mark) and i.name == "dots")]
    if len(members) < 2 or not has_dots(items):
        raise Unreadable("a list with dots that has no first and last member")
    pattern, low, high = generalise(members[0], members[-1])
    if low is None or high is None:
        var = r.index_var(HOLE)
        body = r.term(members[0])
        return t.Build(Tensor((var.var.count, *body.type.shape), dtype=body.type.dtype), (var.var,), body)
    start, stop = r.size(low), r.size(high)
    _steps_of_one(r, items, start, stop)
    var = r.index_var(HOLE, start, stop - start + Size.of(1))
    body = r.bind({HOLE: var}).term(pattern)
    return t.Build(Tensor((var.var.count, *body.type.shape), dtype=body.type.dtype), (var.var,), body)


def _steps_of_one(r: Reader, items: Sequence[s.Expr], start: Size, stop: Size) -> None:
    """Check the members shown beside the dots. Raises Unreadable for 1, 3, …, 2n - 1 and the like."""
    at = next(k for k, i in enumerate(items) if isinstance(i, s.Mark) and i.name == "dots")
    last = len(items) - 1
    shown = [(k, start + Size.of(k)) for k in range(1, at)]
    shown += [(k, stop - Size.of(last - k)) for k in range(at + 1, last)]
    for place, expected in shown:
        member = items[place]
        if isinstance(member, s.Mark):
            raise Unreadable("a list with dots in more than one place")
        _, _, filler = generalise(items[0], member)
        if filler is None or r.size(filler) != expected:
            raise Unreadable("a list whose members do not run in steps of one")
