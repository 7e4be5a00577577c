"""What a definition runs as: the operations recognised in it at sizes of our choice."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.environment import Place
from lemmata.model.definitions import Definition, definitions
from lemmata.model.function import CannotRun, Function, atoms
from lemmata.model.sizes import ShapeMismatch
from lemmata.operations.recognise import fuse
from lemmata.operations.spelled import spelled


def runs_as(definition: Definition) -> list[str]:
    """The calls that the definition runs as; none where it does not run or nothing was recognised."""
    function = Function(definition)
    if definition.family:
        function = function.whole
    try:
        expression = function.expression
        names = sorted(atoms(expression))
    except CannotRun:
        return []
    for turn in range(min(4, len(names)) or 1):
        # Powers of two, so that quotients are whole whichever size divides which.
        known = {name: 2 ** (len(names) - (i + turn) % len(names)) for i, name in enumerate(names)}
        shapes = {}
        for symbol in expression.symbols:
            sizes = [Fraction(x.at(known)) for x in symbol.shape]
            if any(x.denominator != 1 or x < 1 for x in sizes):
                break
            shapes[symbol.name] = tuple(map(int, sizes))
        if len(shapes) < len(expression.symbols):
            continue
        stated = {n: v for n, v in known.items() if n[0] != "?" and n not in expression.solution}
        try:
            program = function.program(expression, shapes, stated)
        except (CannotRun, ShapeMismatch, ValueError):
            continue
        return spelled([fuse(program.output)])
    return []


def at(elaboration: Elaboration, place: Place) -> Iterator[Definition]:
    """The definitions of a formula, in its order."""
    return (d for d in definitions(elaboration) if d.binding.place.at == place.at)
