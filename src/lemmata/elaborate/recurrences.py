"""Members of recurrences: kept folded, their bodies read once, first values beside them."""

from __future__ import annotations

from fractions import Fraction

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.reader import Reader, Recurrence, size_of
from lemmata.elaborate.solver import Misfit, Unreadable, unknown

INTEGRAL = replace(SCALAR, dtype="int")


def step(r: Reader, binding: Binding, values: list[t.Term], label: str = "") -> t.Term:
    """A member of a recurrence: kept as `Unrolled`, its body read once."""
    if len(values) != 1:
        raise Unreadable(f"a recurrence over several indices: {binding.latex}")
    index = size_of(values[0])
    if index is None:
        return step_along(r, binding, values[0])
    kind = recurrence(r, binding)
    return t.Unrolled(kind, f"{binding.key}#{binding.uid}", binding.latex, index, t.Told(label))


def step_along(r: Reader, binding: Binding, index: t.Term) -> t.Term:
    kind = recurrence(r, binding)
    marker = t.Unrolled(kind, f"{binding.key}#{binding.uid}", binding.latex, Size.of("*"))
    return t.Op(kind, "along steps", (marker, index))


def recurrence(r: Reader, binding: Binding) -> Tensor:
    """The type of a recurrence's members; its body is read on first use."""
    key = f"{binding.key}#{binding.uid}"
    found = r.shared.recurrences.get(key)
    if found is not None:
        return found.body.type
    letter, shift = _step_letter(binding.indices[0])
    kind = binding.type or r.shared.values.get(("type", binding.uid), t.Num(SCALAR, Fraction(0))).type
    if binding.uid in r.shared.reading:
        return kind
    r.shared.reading[binding.uid] = binding.latex
    try:
        kind = _recurrence_type(r, binding, letter, shift, kind)
    finally:
        r.shared.reading.pop(binding.uid, None)
    return kind


def _recurrence_type(r: Reader, binding: Binding, letter: str, shift: int, kind: Tensor) -> Tensor:
    key = f"{binding.key}#{binding.uid}"
    assert binding.body is not None
    step = Size.of(letter) - Size.of(shift)
    bound: dict[str, t.Term] = {letter: t.SizeNum(INTEGRAL, step)}
    body: t.Term | None = None
    told = None if binding.type is not None else _first_shape(r, binding)
    guesses = [SCALAR, Tensor((unknown(letter),)), Tensor((unknown(letter), unknown(letter)))]
    if binding.type is not None or told is not None:
        guesses = [kind if told is None else told]
    for guess in guesses:
        saved, read, values = dict(r.solver.solution), dict(r.shared.recurrences), dict(r.shared.values)
        r.shared.values[("type", binding.uid)] = t.Num(guess, Fraction(0))
        try:
            body = r.at(binding.place, bound).term(binding.body)
            a.unify_shapes(r.solver, guess, body.type, f"the members of {binding.latex}")
            break
        except Misfit:
            # What was read under this guess about other families goes with it.
            r.solver.solution = saved
            r.shared.recurrences.clear()
            r.shared.recurrences.update(read)
            r.shared.values.clear()
            r.shared.values.update(values)
            if guess is guesses[-1]:
                raise
    assert body is not None
    entry = Recurrence(letter, body, latex=binding.latex)
    for pattern, value in binding.clauses:
        if not pattern:
            raise Unreadable(f"{binding.latex} has a value that is said of no member")
        first = a.literal(r.term(pattern[0]))
        if first is not None:
            base = r.at(binding.place, {}).term(value)
            entry.bases[int(first)] = base
    r.shared.recurrences[key] = entry
    return body.type


def _first_shape(r: Reader, binding: Binding) -> Tensor | None:
    """The shape of the members where the first one tells: H_0 = X makes them matrices, while v_0 = 0 says nothing."""
    for _, value in binding.clauses:
        try:
            kind = r.at(binding.place, {}).term(value).type
        except Unreadable:
            continue
        if kind.rank:
            return kind
    return None


def _step_letter(index: s.Expr) -> tuple[str, int]:
    """The letter of a recurrence's head and its shift: t is (t, 0), t+1 is (t, 1), t-1 is (t, -1)."""
    match index:
        case s.Name():
            return stem(index), 0
        case s.Infix(ops=("+" | "-" as op,), items=(s.Name() as letter, s.Num(value=shift))):
            return stem(letter), int(shift) if op == "+" else -int(shift)
    raise Unreadable(f"a recurrence over {spell(index)}")
