"""Weights that are indexed by layer, as one mapping for each layer: what a list of modules holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from lemmata.core.size import Size

if TYPE_CHECKING:
    from lemmata.emit.names import Names
    from lemmata.emit.units import Argument, Unit

TAKEN = re.compile(r'(?P<layer>.+\])\["(?P<weight>\w+)"\]')


class Stack(Struct, frozen=True):
    """Families of weights with one index in common, each layer's together."""

    name: str
    """`layers`, after the definition that takes the weights of one of them."""
    holder: Unit
    arguments: tuple[Argument, ...]
    count: Size

    @property
    def weights(self) -> tuple[str, ...]:
        return tuple(a.name for a in self.arguments)

    def sizes(self) -> dict[str, Size]:
        """The holder's sizes in those of the definition."""
        own = {a.symbol.variable.key: a.symbol.shape for a in self.holder.arguments}
        return {
            next(iter(theirs.atoms)): mine
            for a in self.arguments
            for theirs, mine in zip(own[a.symbol.variable.key], a.symbol.shape[1:], strict=True)
            if len(theirs.atoms) == 1 and theirs == Size.of(next(iter(theirs.atoms)))
        }


def stacks(unit: Unit, names: Names) -> Iterator[Stack]:
    """The stacks among the weights of a definition: all that one other definition takes a member of, and no more."""
    groups: dict[Size, list[Argument]] = {}
    for argument in unit.weights:
        if argument.role == "weight" and argument.symbol.variable.family:
            groups.setdefault(argument.symbol.shape[0], []).append(argument)
    for count, arguments in groups.items():
        holders = [u for u in _called(unit) if _holds_one_of(u, arguments)]
        if holders and _taken_singly(unit, arguments):
            holder = min(holders, key=lambda u: u.function.definition.line)
            stack = Stack(names.new(f"{holder.name}s"), holder, tuple(arguments), count)
            if all(atom in stack.sizes() for a in holder.weights for x in a.symbol.shape for atom in x.atoms):
                yield stack


def _called(unit: Unit) -> Iterator[Unit]:
    for callee in unit.calls:
        yield callee
        yield from _called(callee)


def _holds_one_of(unit: Unit, arguments: Sequence[Argument]) -> bool:
    """Whether the weights of a definition are one member of each of these families, under the same names."""
    own = {a.symbol.variable.key: a for a in unit.weights}
    if not unit.layer or own.keys() != {a.symbol.variable.key for a in arguments}:
        return False
    pairs = [(own[a.symbol.variable.key], a) for a in arguments]
    return all(x.name == a.name and x.symbol.shape == a.symbol.shape[1:] for x, a in pairs)


def _taken_singly(unit: Unit, arguments: Sequence[Argument]) -> bool:
    """Whether the families are used at single members only."""
    nodes = {symbol.name: (node, axes[0]) for symbol, node, axes in unit.source.inputs if axes}
    families = [nodes[a.symbol.name] for a in arguments]
    return all(
        n.op == "take" and n.args[0] is node and n.attr("axis") == axis and not n.args[1].axes
        for node, axis in families
        for n in unit.source.everything
        if node in n.args
    )


def spread(weights: Mapping[str, str], known: Sequence[Stack]) -> tuple[list[str], dict[str, str]]:
    """(layers whose weights are all among these, as they stand in the source; the rest), from weights by name."""
    layers: dict[str, set[str]] = {}
    for name, text in weights.items():
        found = TAKEN.fullmatch(text)
        if found is not None and found["weight"] == name:
            layers.setdefault(found["layer"], set()).add(name)
    whole = [layer for layer, names in layers.items() if any(names == set(s.weights) for s in known)]
    rest = {n: text for n, text in weights.items() if not any(n in layers[layer] for layer in whole)}
    return whole, rest
