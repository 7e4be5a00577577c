"""Families of numbers that are differentiated by, as one vector or matrix each, and ranges that their bodies give."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell
from lemmata.elaborate.reader import Reader, known, size_of
from lemmata.elaborate.references import match_range, stacked
from lemmata.elaborate.solver import Misfit, Unreadable


def whole(r: Reader, binding: Binding) -> t.Term | None:
    """A family of numbers as one symbol, where something is differentiated by it."""
    key = ("whole", binding.uid)
    if "whole" not in binding.facts or key in r.shared.reading:
        return None
    cached = r.shared.values.get(key)
    if cached is None:
        r.shared.reading[key] = ""
        saved = dict(r.solver.solution)
        try:
            body = stacked(r.at(binding.place, {}), binding)
        except Unreadable:
            r.solver.solution = saved
            return None
        finally:
            r.shared.reading.pop(key, None)
        cached = t.Defined(body.type, f"{binding.key}#{binding.uid}", binding.key, body)
        r.shared.values[key] = cached
    return cached if cached.type.rank == len(binding.indices) else None


def component_of_whole(r: Reader, binding: Binding, values: list[t.Term], items: tuple[s.Expr, ...]) -> t.Term | None:
    """A member as a component of its family."""
    all_of_it = whole(r, binding)
    if not isinstance(all_of_it, t.Defined) or not isinstance(all_of_it.body, t.Build):
        return None
    beyond = "zero beyond" in binding.facts
    origins = []
    for value, var, item in zip(values, all_of_it.body.vars, items, strict=True):
        start = r.solver.size(var.start).number
        if start is None:
            return None
        try:
            origins.append(match_range(r, value, var.count, int(start), spell(item)))
        except Misfit as misfit:  # members beyond the range may be zero by custom
            raise Unreadable(str(misfit)) from misfit
    return t.Item(Tensor(dtype=all_of_it.type.dtype), all_of_it, tuple(values), tuple(origins), beyond)


def bound_by_use(r: Reader, value: t.Term, var: t.IndexVar) -> None:
    """An index whose range nothing gives runs as far as there are entries.

    In w_{k-1-j} with w_0, …, w_{k-1}, j runs over the whole axis; in X_{i+u} with u over k
    of the p rows, i over p - k + 1.
    """
    if known(r.solver.size(var.count)) or r.place.sentence in r.shared.conventions.zero_outside:
        return
    counts = {count for item in _items(value) if (count := _count_in(r, item, var)) is not None}
    if len(counts) == 1:
        r.solver.unify(var.count, counts.pop())


def _items(value: t.Term) -> Iterator[tuple[t.Term, Size, int]]:
    """Every index in a term, with the length of its axis and the first index on it."""
    for term in t.walk([value]):
        if isinstance(term, t.Item):
            for index, size, origin in zip(term.indices, term.base.type.shape, term.origins, strict=True):
                if index is not None:
                    yield index, size, origin


def _count_in(r: Reader, item: tuple[t.Term, Size, int], var: t.IndexVar) -> Size | None:
    index, size, origin = item
    size = r.solver.size(size)
    start = r.solver.size(var.start)
    if not known(size):
        return None
    match index:
        case t.Op(name="sub", args=(last, t.Var(var=own))) if own == var:
            end = size_of(last)
            if end is not None and r.solver.size(end - start) == size + Size.of(origin - 1):
                return size
        case t.Op(name="add", args=(t.Var(var=one), t.Var(var=two))) if var in (one, two):
            other = two if one == var else one
            count, first = r.solver.size(other.count), r.solver.size(other.start)
            if known(count) and start + first == Size.of(origin):
                return size - count + Size.of(1)
    return None
