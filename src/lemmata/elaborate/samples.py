"""Random symbols where a claim is read: laws stated after a definition, means of samples."""

from __future__ import annotations

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.reader import Reader, size_number


def with_law(r: Reader, binding: Binding) -> Binding:
    """A symbol of an earlier definition whose law a later sentence states, before the claim that is read."""
    home = r.shared.home
    if binding.law is not None or home is None:
        return binding
    later = r.shared.environment.visible_before(binding.key, binding.font, home)
    if later is None or later.law is None or later.kind != binding.kind or later.type != binding.type:
        return binding
    return later if binding.place.scopes == later.place.scopes[: len(binding.place.scopes)] else binding


def sample_mean(r: Reader, expr: s.Name) -> t.Term | None:
    """\\bar X of random X_1, …, X_n is their mean, in a text that speaks of means of samples."""
    if not r.shared.conventions.sample_means or expr.accents not in (("bar",), ("overline",)):
        return None
    from lemmata.elaborate.references import member

    key = stem(replace(expr, accents=()))
    binding = r.shared.environment.family(key, r.place)
    if binding is None or binding.law is None or len(binding.indices) != 1:
        return None
    if binding.place.scopes != r.place.scopes[: len(binding.place.scopes)]:
        return None
    letter = spell(binding.indices[0])
    start, count = binding.ranges.get(letter, (None, None))
    if count is None:
        return None
    var = r.index_var(letter, start, count)
    value, _ = member(r.bind({letter: var}), binding, binding.indices, None)
    return a.divide(r.solver, t.Reduce(value.type, "sum", (var.var,), value), size_number(count))
