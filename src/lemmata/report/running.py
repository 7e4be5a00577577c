"""What `explain` says of how a definition runs: which of a framework's own operations were recognised in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.statement import Statement

STEPWISE = "the formula stands, step by step"


def running(
    elaboration: Elaboration, statements: Sequence[tuple[int, Statement]], fuse: bool
) -> Iterator[tuple[int, str]]:
    """(place, what it runs as) of definitions, given with their places in the result."""
    if not fuse:
        yield from ((at, STEPWISE) for at, _ in statements)
        return
    if not statements:
        return
    from lemmata.model.recognised import at as defined
    from lemmata.model.recognised import runs_as

    for formula in dict.fromkeys(s.place.at for _, s in statements):
        here = [(at, s) for at, s in statements if s.place.at == formula]
        found = list(defined(elaboration, here[0][1].place))
        for (at, _), definition in zip(here, found, strict=False):
            calls = runs_as(definition)
            if calls:
                yield at, "\n".join(calls)
