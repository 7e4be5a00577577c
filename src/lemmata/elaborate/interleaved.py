"""Vectors given clause by clause: PE_{p,2i} = sin …, PE_{p,2i+1} = cos … give the vector PE_p."""

from __future__ import annotations

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.patterns import affine, index_value, match_pattern
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable


def interleaved(r: Reader, binding: Binding, items: tuple[s.Expr, ...]) -> tuple[t.Term, int]:
    """The vector of all components of a family whose last index is 2i, 2i+1, …, and its first index.

    `items` are the subscripts before the last one. Raises Unreadable where the clauses leave gaps.
    """
    clauses = [(binding.indices, binding.body), *binding.clauses]
    forms = [affine(pattern[-1]) for pattern, _ in clauses]
    if not all(forms) or len(clauses) < 2:
        raise Unreadable(f"{binding.latex} needs {len(binding.indices)} indices")
    known = [f for f in forms if f is not None]
    factor, letter, _ = known[0]
    ordered = sorted(zip(known, clauses, strict=True), key=lambda c: c[0][2])
    shifts = [form[2] for form, _ in ordered]
    if any(f[0] != factor or f[1] != letter for f in known) or shifts != [shifts[0] + k for k in range(int(factor))]:
        raise Unreadable(f"the clauses of {binding.latex} leave gaps")
    start, count = _range(r, binding, letter, int(factor))
    var = r.index_var(letter, start, count)
    values = tuple(index_value(r, i) for i in items)
    parts: list[t.Term] = []
    for _, (pattern, body) in ordered:
        bound = match_pattern(r, pattern[:-1], list(values), items)
        if bound is None or body is None:
            raise Unreadable(f"{binding.latex} is not given at {', '.join(spell(i) for i in items)}")
        inner = r.at(binding.place, {**bound, letter: var})
        inner.free = {k: v for k, v in r.free.items() if k not in bound and k != letter}
        parts.append(inner.term(body))
    if any(p.type.rank for p in parts):
        raise Unreadable(f"the components of {binding.latex} are no numbers")
    dtype = a.join_dtype(*(p.type for p in parts))
    block = t.Op(Tensor((Size.of(len(parts)),), dtype=dtype), "list", tuple(parts))
    whole = t.Stacked(Tensor((Size.of(len(parts)) * var.var.count,), dtype=dtype), var.var, block, 0)
    first = r.solver.size(start).number
    if first is None:
        raise Unreadable(f"the first index of {binding.latex}")
    key = f"{binding.key}#{binding.uid}[{','.join(spell(i) for i in items)}@{id(values[0]) if values else 0}]"
    return t.Defined(whole.type, key, binding.latex, whole), int(factor * first + shifts[0])


def _range(r: Reader, binding: Binding, letter: str, factor: int) -> tuple[Size, Size]:
    """How far the clauses' letter runs: as said, or through the declared length of the vector."""
    start, count = binding.ranges.get(letter, (None, None))
    if start is not None and count is not None and not any(x.startswith("?") for x in count.atoms):
        return start, count
    for other in r.shared.environment.all(binding.key):
        if other.kind in ("family", "variable") and other.type is not None and other.type.rank == 1:
            size = other.type.shape[0].divide(Size.of(factor))
            shift = min(f[2] for f in map(affine, _lasts(binding)) if f is not None)
            if size is not None:
                return start or Size.of(0 if shift >= 0 else 1), size
    raise Unreadable(f"how many components {binding.latex} has is not said")


def _lasts(binding: Binding) -> list[s.Expr]:
    return [binding.indices[-1], *(pattern[-1] for pattern, _ in binding.clauses)]


def is_interleaved(binding: Binding) -> bool:
    """Whether the last index of every clause is of the form 2i, 2i+1."""
    return bool(binding.clauses) and all(affine(x) is not None for x in _lasts(binding))


def literal_component(r: Reader, binding: Binding, items: tuple[s.Expr, ...]) -> t.Term | None:
    """PE_{p,0}: a component singled out by its number, or by an index that runs over all of them."""
    if not is_interleaved(binding) or not isinstance(items[-1], s.Num | s.Name):
        return None
    if isinstance(items[-1], s.Name) and stem(items[-1]) in _clause_letters(binding):
        return None
    whole, first = interleaved(r, binding, items[:-1])
    return t.Item(Tensor(dtype=whole.type.dtype), whole, (r.term(items[-1]),), (first,))


def _clause_letters(binding: Binding) -> set[str]:
    return {f[1] for f in map(affine, _lasts(binding)) if f is not None}
