"""Functions of vectors at matrices, and of numbers at tensors: taken to each row, to each entry.

`Norm(u)` with u ∈ ℝ^d says what happens to one vector; of an n × d matrix it is the matrix of the normalised rows. Only
where the body has no meaning for the whole is a function taken to the parts.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import parameter_key
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable


def by_parts(
    r: Reader, binding: Binding, arguments: tuple[t.Term, ...], body: Callable[[dict[str, t.Term]], t.Term]
) -> t.Term | None:
    """The tensor of the function's values at the rows or entries of its arguments; None where none has more axes.

    `body` reads the function's body with its parameters bound. Raises Unreadable where the parts do not fit either.
    """
    excess: list[int] = []
    for parameter, argument in zip(binding.params, arguments, strict=True):
        own = r.shared.environment.find(parameter_key(parameter), parameter.font, binding.place)
        if own is None or own.kind != "variable" or own.type is None or own.indices:
            excess.append(0)
            continue
        more = argument.type.rank - own.type.rank
        ends = argument.type.shape[more:]
        fits = more > 0 and own.type.rank < 2 and all(map(r.solver.equal, ends, own.type.shape))
        excess.append(more if fits else 0)
    axes = max(excess, default=0)
    if not axes or any(e not in (0, axes) for e in excess):
        return None
    lead = next(x.type.shape[:axes] for x, e in zip(arguments, excess, strict=True) if e)
    places = tuple(r.index_var(f"row {k + 1}" if axes == 1 else f"entry {k + 1}", None, n) for k, n in enumerate(lead))
    bound: dict[str, t.Term] = {}
    for parameter, argument, e in zip(binding.params, arguments, excess, strict=True):
        bound[parameter_key(parameter)] = _part(argument, places, lead) if e else argument
    value = body(bound)
    shape = (*lead, *value.type.shape)
    return t.Build(replace(value.type, shape=shape, row=False), tuple(p.var for p in places), value)


def _part(argument: t.Term, places: tuple[t.Var, ...], lead: tuple[Size, ...]) -> t.Term:
    rest = argument.type.shape[len(places) :]
    if argument.type.shape[: len(places)] != lead:
        raise Unreadable("arguments with different numbers of rows")
    indices = (*places, *([None] * len(rest)))
    first = places[0].var.start.number
    origins = (*([int(first or 0)] * len(places)), *([1] * len(rest)))
    return t.Item(replace(argument.type, shape=rest, row=False), argument, indices, origins)
