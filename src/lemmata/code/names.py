"""How well the names of a piece of code fit those of a symbol, conventions of optimisers included."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.code.pieces import Piece
from lemmata.code.spelling import match

PARAMETERS = frozenset({"x", "w", "theta", "W"})
"""What formulas call what an optimiser moves."""
MOVED = frozenset({"p", "param", "params", "parameter", "theta", "weights", "x", "w"})
GRADIENT = frozenset({"grad", "g", "grads", "gradient", "d_p", "dp"})
LOOSE = 0.7


def leaf_names(name: str, piece: Piece) -> tuple[str, ...]:
    """What a name made from an attribute, a key or a variable may be called by."""
    last = name.rsplit("__", 1)[-1]
    found = [last, name] if last != name else [name]
    if name in MOVED and f"{name}__grad" in piece.shown:
        found.append("moved parameter")
    return tuple(found)


def fits(names: Sequence[str], code: Sequence[str], gradient: bool = False) -> float:
    """How well names of the code fit those of a symbol: 1 as spelled, less for conventions and beginnings."""
    best = max((match(names, n) for n in code), default=0.0)
    if gradient and any(n in GRADIENT for n in code):
        best = max(best, 0.97)
    if "moved parameter" in code and PARAMETERS & set(names):
        best = max(best, 0.9)
    for full in names:
        base = full.split("_")[0]
        for word in code:
            if best < LOOSE and "_" in full and word.startswith(base + "_") and len(word) > len(base) + 1:
                best = LOOSE
    return best
