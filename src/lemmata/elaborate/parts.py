"""Tensors that are declared with a shape and given by their entries, rows, columns or blocks."""

from __future__ import annotations

from lemmata.core import terms as t
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding, Place
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.references import free_index, law, member, refer, stacked
from lemmata.elaborate.solver import Unreadable


def parts_of(r: Reader, whole: Binding) -> list[Binding]:
    """The equations for entries, rows, columns or blocks that say more of a declared tensor than its shape.

    A_{ij} = i + j, T_{12} = 0 and z_i = 2x_i (of Z) do. An equation of another section does not, nor one in terms of
    the tensor itself (q_i = Q_{i,:}), nor the iterates x_t.
    """
    if whole.type is None or not whole.type.rank or whole.place.at < 0:
        return []
    letters = {whole.key}
    if whole.type.rank == 2 and len(whole.key) == 1:
        letters.add(whole.key.lower())
    found: list[Binding] = []
    environment = r.shared.environment
    for key in environment.keys():
        letter, _, label = key.partition("_")
        if letter not in letters or label and not label.replace(",", "").isdigit():
            continue
        for part in environment.all(key):
            if (
                part.kind == "definition"
                and (label or part.indices)
                and not part.stepwise
                and not any(spell(i) in r.shared.conventions.step_letters for i in part.indices)
                and not _in_terms_of(part, whole)
                and _in_force_together(part, whole, r.place)
            ):
                found.append(part)
    return found


def _in_terms_of(part: Binding, whole: Binding) -> bool:
    return part.body is not None and any(isinstance(n, s.Name) and stem(n) == whole.key for n in walk(part.body))


def _in_force_together(part: Binding, whole: Binding, place: Place) -> bool:
    """Whether a definition stands where the declaration is in force: around the place, or below the declaration."""
    around = part.place.scopes == place.scopes[: len(part.place.scopes)]
    below = whole.place.scopes == part.place.scopes[: len(whole.place.scopes)] and part.place.at <= place.at
    return around or below


def declared(r: Reader, binding: Binding) -> t.Term:
    """A declared symbol: what its entries are defined to be, or else free to be anything of its type."""
    assert binding.type is not None
    parts = parts_of(r, binding)
    later = _given_later(r, binding)
    if later is not None:
        return later
    if len(parts) == 1:
        given = _from_entries(r, binding, parts[0])
        if given is not None:
            return given
    described = any(_fits_inside(r, binding, p) for p in parts)
    variable = t.Variable(
        f"{binding.key}#{binding.uid}",
        binding.latex,
        binding.type,
        binding.domain,
        binding.declared,
        described or "described" in binding.facts,
        0,
        law(r, binding),
    )
    return t.Input(binding.type, variable)


def _given_later(r: Reader, binding: Binding) -> t.Term | None:
    """What a declared symbol of an earlier definition has become by the statement that is read.

    “ℓ = f(z). Adding a layer z = W x + b with x ∈ …”: z is given in symbols that come with it, so ℓ depends on them.
    """
    home = r.shared.home
    if home is None or r.place.at >= home.at or binding.indices:
        return None
    found = r.shared.environment.visible_before(binding.key, binding.font, home)
    if found is None or found.kind != "definition" or found.indices or found.body is None or found.literal:
        return None
    if found.type is not binding.type or found.place.at <= r.place.at or found.uid in r.shared.reading:
        return None
    if binding.place.scopes != found.place.scopes or found.only_in is not None:
        return None
    names = [n for n in walk(found.body) if isinstance(n, s.Name)]
    fresh = [b for n in names for b in r.shared.environment.all(stem(n)) if b.place.sentence == found.place.sentence]
    return refer(r, found) if any(b.kind == "variable" for b in fresh) else None


def _from_entries(r: Reader, whole: Binding, part: Binding) -> t.Term | None:
    """A tensor all of whose entries one equation gives, A_{ij} = …; None where the equation gives another thing."""
    assert whole.type is not None
    letters = {stem(i) for i in part.indices if isinstance(i, s.Name)}
    if (
        part.key != whole.key
        or len(letters) != len(part.indices)
        or len(letters) != whole.type.rank
        or part.clauses
        or part.only_in is not None
        or part.restricted
        or part.place.at > r.place.at
        or part.uid in r.shared.reading
    ):
        return None
    saved = dict(r.solver.solution)
    try:
        value = stacked(r, part)
        a.unify_shapes(r.solver, whole.type, value.type, f"{whole.latex} was declared with another shape")
    except Unreadable:
        r.solver.solution = saved
        return None
    return value


def _fits_inside(r: Reader, whole: Binding, part: Binding) -> bool:
    """Whether what is defined may be a part of the tensor: of fewer axes, or a block (two indices) of a matrix."""
    assert whole.type is not None
    if part.uid in r.shared.reading or len(part.indices) == 2 or part.key[-3:-2] == "_" or "," in part.key:
        return True
    saved = dict(r.solver.solution)
    try:
        letters = {stem(n): free_index(r, stem(n)) for i in part.indices for n in walk(i) if isinstance(n, s.Name)}
        value = member(r.bind(letters), part, part.indices, None)[0] if part.indices else refer(r, part)
    except Unreadable:
        return True
    finally:
        r.solver.solution = saved
    return value.type.rank < whole.type.rank
