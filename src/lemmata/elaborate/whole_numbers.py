"""What is said of whole numbers: parity, which values meet, and primes, powers, divisors, which they do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from lemmata.core.size import Size
from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context
from lemmata.elaborate.declarations import head_key
from lemmata.elaborate.environment import Environment, Place
from lemmata.elaborate.facts import names_of
from lemmata.elaborate.names import letters_of, stem, walk
from lemmata.elaborate.prose_plain import ARITHMETIC
from lemmata.elaborate.roles import Item, Roles


def parities(context: Context, items: Sequence[Item], roles: Roles) -> None:
    """An even size is twice a whole number; an odd one is that less one."""
    for fact in context.facts:
        if fact.kind not in ("even", "odd") or fact.conditional:
            continue
        for item in items:
            if item.formula.index not in fact.subjects:
                continue
            for name in names_of(item.part.expr):
                key, _ = head_key(name, roles.letters, roles.environment, item.place)
                binding = roles.environment.find(key, name.font, item.place)
                if binding is not None and binding.kind == "size":
                    size = Size.of(key)
                    half = (size if fact.kind == "even" else size + Size.of(1)) * Size.of(Fraction(1, 2))
                    roles.parities.append((item.place, half, "\\le", size))


class Said(Struct, frozen=True):
    """A sentence that says something of a number that no value drawn for it meets."""

    letters: frozenset[str]
    place: Place
    text: str


def restrictions(context: Context, items: Sequence[Item]) -> tuple[Said, ...]:
    """Primes, powers, divisors: what sentences say of the letters in them."""
    found = []
    for sentence in context.sentences:
        if sentence.formulas and ARITHMETIC.search(sentence.text):
            own = [i for i in items if i.formula.index in sentence.formulas]
            letters = frozenset(stem(n) for i in own for n in walk(i.part.expr) if isinstance(n, s.Name))
            if own:
                found.append(Said(letters, own[0].place, " ".join(sentence.text.split())[:120].strip(" .。")))
    return tuple(found)


def said_of(item: Item, environment: Environment, said: Sequence[Said]) -> Iterator[str]:
    """What is said of the sizes of an item, in its sentence or before it in a section around it."""
    if not said:
        return
    sizes = {x for x in letters_of(item.part.expr) if any(b.kind == "size" for b in environment.all(x))}
    for one in said:
        around = one.place.scopes == item.place.scopes[: len(one.place.scopes)] and one.place.at <= item.place.at
        if one.letters & sizes and (around or one.place.sentence == item.place.sentence):
            yield one.text
