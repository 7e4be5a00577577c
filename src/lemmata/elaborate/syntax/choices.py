"""Alternative parses, with a limit on how many a formula may have."""

from __future__ import annotations

from msgspec import Struct

from lemmata.elaborate import surface as s

MAX_READINGS = 512
"""Combined parses of one formula that are kept apart."""


class Budget(Struct):
    """How many combined parses the formula may still get: nested alternatives multiply."""

    left: int = MAX_READINGS

    def choose(self, options: tuple[s.Expr, ...], key: str) -> s.Expr:
        """The alternatives as a Choice, the conventional one first; past the limit that one and a note."""
        first = options[0]
        start, end = min(o.start for o in options), max(o.end for o in options)
        if len(options) == 1:
            return first
        if len(options) > self.left:
            more = s.Unread(start, end, "", f"more than {MAX_READINGS} readings of the notation")
            return s.Choice(start, end, (first, more), key)
        self.left //= len(options)
        return s.Choice(start, end, options, key)
