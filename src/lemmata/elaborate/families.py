"""Families of numbers that are differentiated by, as one vector or matrix each, and ranges that their bodies give."""

from __future__ import annotations

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
        r.shared.reading.add(key)
        saved = dict(r.solver.solution)
        try:
            body = stacked(r.at(binding.place, {}), binding)
        except Unreadable:
            r.solver.solution = saved
            return None
        finally:
            r.shared.reading.discard(key)
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


def reversed_axis(r: Reader, value: t.Term, var: t.IndexVar) -> None:
    """In w_{k-1-j} with w_0, …, w_{k-1}, j runs over the whole axis."""
    match value.body if isinstance(value, t.Defined) else value:
        case t.Item(base=base, indices=(t.Op(name="sub", args=(last, t.Var(var=own))),), origins=(origin,)) if (
            own == var
        ):
            end = size_of(last)
            size = r.solver.size(base.type.shape[0])
            start = r.solver.size(var.start).number
            if end is None or start is None or known(r.solver.size(var.count)):
                return
            if r.solver.size(end - Size.of(start)) == size + Size.of(origin - 1):
                r.solver.unify(var.count, size)
