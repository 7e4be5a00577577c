"""How well the names of a piece of code fit those of a symbol, conventions of optimisers included."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import permutations

from lemmata.code.pieces import Piece
from lemmata.code.spelling import match, rank, squash

PARAMETERS = frozenset({"x", "w", "theta", "W"})
"""What formulas call what an optimiser moves."""
MOVED = frozenset({"p", "param", "params", "parameter", "theta", "weights", "x", "w"})
GRADIENT = frozenset({"grad", "g", "grads", "gradient", "d_p", "dp"})
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
LOOSE = 0.7
BEGINNING = 0.62
"""A word that begins with the symbol's letter: `scores` for s."""
COMPONENT_FIT = 0.8


def leaf_names(name: str, piece: Piece) -> tuple[str, ...]:
    """What a name made from an attribute, a key or a variable may be called by."""
    last = name.rsplit("__", 1)[-1]
    found = [last, name] if last != name else [name]
    if last.endswith("_t"):
        found.append(last[:-2])
    if name in MOVED and f"{name}__grad" in piece.shown:
        found.append("moved parameter")
    return tuple(found)


COMPONENT = re.compile(r"^([A-Za-z]+?)_?([0-9])$")


def component(name: str) -> str:
    """`g` of `g1`, `x` of `x_2`: a component of a vector that is spelled out; empty for other names."""
    found = COMPONENT.match(name)
    return found[1] if found else ""


def place(names: tuple[str, ...], code: Sequence[str]) -> int:
    """Which of the names of a symbol, likeliest first, the code uses."""
    return min(rank(names, n) for n in code)


def called_as(names: Sequence[str], name: str) -> bool:
    """Whether a name has the words of one of these names, in whatever order: min_count_loss, L_{MinCount}."""
    words = [w for w in name.lower().split("_") if w] if "_" in name else [w.lower() for w in WORDS.findall(name)]
    if not 1 < len(words) < 5:
        return False
    orders = {"".join(p) for p in permutations(words)}
    return any(squash(n) in orders for n in names)


def fits(names: Sequence[str], code: Sequence[str], gradient: bool = False) -> float:
    """How well names of the code fit those of a symbol: 1 as spelled, less for conventions and beginnings."""
    best = max((match(names, n) for n in code), default=0.0)
    if gradient and any(n in GRADIENT or component(n) in GRADIENT for n in code):
        best = max(best, 0.97)
    if "moved parameter" in code and PARAMETERS & set(names):
        best = max(best, 0.9)
    if best < COMPONENT_FIT and any(component(n) in names for n in code if component(n)):
        best = COMPONENT_FIT
    if best < BEGINNING and any(
        len(n) == 1 and len(w) > 2 and w.lower().startswith(n.lower()) and w not in GRADIENT and "__" not in w
        for n in names
        for w in code
    ):
        best = BEGINNING
    for full in names:
        base = full.split("_")[0]
        for word in code:
            if best < LOOSE and "_" in full and word.startswith(base + "_") and len(word) > len(base) + 1:
                best = LOOSE
    return best
