"""What a model of a definition holds: its sizes, which symbols are data, the first values of its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.core.size import Size
from lemmata.model.definitions import Symbol, describe
from lemmata.model.function import Function, atoms
from lemmata.model.initial import fresh
from lemmata.model.naming import plain, resolve
from lemmata.model.numbers import numbers
from lemmata.model.sizes import Given, ShapeMismatch, solve

SMALL = 1e-5
"""ε, where the document gives it no value: what keeps a quotient finite."""


class BadCheckpoint(ValueError):
    """Tensors that are missing, unexpected or of another shape, or a mapping that cannot be read."""


class Held(Struct, frozen=True):
    """A definition with values for all its symbols but its data."""

    function: Function
    sizes: Mapping[str, int]
    data: tuple[str, ...]
    """Symbols that a call is given, after the definition's own parameters."""
    learnt: Mapping[str, Any]
    """Weights by name: arrays, or tensors of PyTorch where they come from a checkpoint."""
    constants: Mapping[str, np.ndarray]

    @property
    def order(self) -> tuple[str, ...]:
        """What a call takes, in order."""
        return (*self.function.parameters, *self.data)

    @property
    def stated(self) -> dict[str, int]:
        """The sizes that the definition depends on."""
        return {n: v for n, v in self.sizes.items() if n in atoms(self.function.expression)}


def prepare(
    function: Function,
    sizes: Mapping[str, int],
    *,
    inputs: Sequence[str] = (),
    weights: str | PathLike[str] | Mapping[str, Any] | None = None,
    mapping: str | PathLike[str] | Mapping[str, str] | None = None,
    strict: bool = True,
    seed: int = 0,
) -> Held:
    """A definition with fresh weights, or with those of a checkpoint.

    `sizes` by the document's names; more come from `lemmata: {sizes: …}` in its front matter and from the shapes of a
    checkpoint. `inputs` names the symbols that are data, in the order of the call; without it, those that the document
    declares as whole numbers (tokens, masks). `weights` is a safetensors file or tensors by name, `mapping` says which
    tensor each symbol is (`lemmata.model.checkpoint`); with `strict`, tensors that it says nothing of are an error.

    Without a checkpoint, weights for which the document states a law (W ∼ N(0, σ²)) are drawn from it; other matrices
    start uniform as Glorot and Bengio (2010) have it, biases b and β at zero, gains γ and g at one; ε, and
    what the document gives a number, are constants.
    Raises ValueError for sizes that are missing or do not fit and for tensors that are missing, unexpected or of
    another shape, CannotRun where the definition cannot be run.
    """
    if inputs and function.definition.family:
        function = function.whole
    function = function.given(inputs)
    expression = function.expression
    symbols = [(x.name, x.latex) for x in expression.free]
    named: list[str] = []
    for wanted in inputs:
        found = resolve(wanted, symbols)
        if found is None:
            raise ValueError(f"{function.name} has no symbol {wanted}; it has {', '.join(n for n, _ in symbols)}")
        named.append(found)
    if not named:
        named = [x.name for x in sorted(expression.free, key=declared) if counts(x)]
    if not function.parameters and not named:
        raise ValueError(
            f"say which symbols of {function.name} are data: inputs=(…) of {', '.join(n for n, _ in symbols)}"
        )
    held = [x for x in expression.free if x.name not in named]
    given = numbers(function.definition.elaboration)
    stated = {x.name: resolve(x.name, ((n, n) for n in given)) for x in held if not x.shape}
    constants = {x.name for x in held if stated.get(x.name) or plain(x.name) in ("epsilon", "varepsilon")}
    learnt = [x for x in held if x.name not in constants]
    stored = None
    if weights is not None:
        from lemmata.model.checkpoint import Checkpoint

        stored = Checkpoint.open(weights, mapping, function)
    known = _known(function, sizes, held, stored.given(function, learnt) if stored is not None else ())
    if stored is not None and strict and (unexpected := stored.unexpected(function)):
        raise BadCheckpoint(
            f"{stored.label} holds {len(unexpected)} tensors that the mapping says nothing of: "
            f"{', '.join(unexpected[:5])}{', …' if len(unexpected) > 5 else ''}; strict=False leaves them out"
        )
    generator = np.random.default_rng(seed)
    values: dict[str, Any] = {}
    for symbol in learnt:
        if stored is None:
            values[symbol.name] = fresh(function, symbol, known, generator)
        else:
            values[symbol.name] = stored.value(function, symbol, known)
    fixed = {
        x.name: np.full([int(n.at(known)) for n in x.shape], given[number] if (number := stated.get(x.name)) else SMALL)
        for x in held
        if x.name in constants
    }
    return Held(function, known, tuple(named), values, fixed)


def counts(symbol: Symbol) -> bool:
    """Whether the document declares the symbol as whole numbers, so that it is data."""
    return bool(symbol.variable.domain.properties & {"finite", "binary", "integer", "one-hot"})


def declared(symbol: Symbol) -> int:
    """The order of declarations."""
    uid = symbol.variable.key.partition("#")[2]
    return int(uid) if uid.isdigit() else 0


def _known(
    function: Function, sizes: Mapping[str, int], weights: Sequence[Symbol], more: Sequence[Given] = ()
) -> dict[str, int]:
    """Every size of the weights: from those given, from a checkpoint, by the document's equations between them."""
    expression = function.expression
    roles = function.definition.elaboration.roles
    names = atoms(expression) | {a for _, *sides in roles.size_equations for x in sides for a in x.atoms}
    given = []
    for name, value in sizes.items():
        atom = resolve(name, ((a, a) for a in sorted(names)))
        if atom is None and resolve(name, _all_sizes(function)) is not None:
            continue
        if atom is None:
            has = ", ".join(sorted(n for n in names if n[0] != "?")) or "none"
            raise ValueError(f"{function.name} has no size {name}; it has {has}")
        given.append(Given(name, (Size.of(atom).substitute(expression.solution),), (int(value),), size=True))
    said = {x.name for x in given}
    for name, value in stated(function).items():
        atom = resolve(name, ((a, a) for a in sorted(names)))
        if atom is not None and name not in said and atom not in {a for g in given for x in g.shape for a in x.atoms}:
            given.append(Given(name, (Size.of(atom).substitute(expression.solution),), (value,), size=True))
    given += more
    known = solve(given)
    for _, *sides in roles.size_equations:
        for left, right in (sides, sides[::-1]):
            if right.atoms <= known.keys() and not left.atoms <= known.keys() and right.at(known).denominator == 1:
                given.append(Given(str(right), (left,), (int(right.at(known)),), size=True))
                known = solve(given)
    open_sizes = sorted({a for x in weights for size in x.shape for a in size.atoms if a not in known})
    if open_sizes:
        shapes = "; ".join(map(str, weights))
        lacking = ", ".join(describe((Size.of(a),)) for a in open_sizes)
        raise ShapeMismatch(f"{function.name} also needs the sizes {lacking}: its weights are {shapes}")
    for x in weights:
        for size in x.shape:
            if size.at(known).denominator != 1 or size.at(known) < 1:
                raise ShapeMismatch(f"{x.name} is {describe(x.shape)}, but {size} = {size.at(known)} at these sizes")
    return known


def _all_sizes(function: Function) -> list[tuple[str, str]]:
    """Every size of the document, whether this definition depends on it or not."""
    environment = function.definition.elaboration.roles.environment
    return [(k, b.latex) for k in environment.keys() for b in environment.all(k) if b.kind == "size"]


def stated(function: Function) -> dict[str, int]:
    """Sizes in the front matter: `lemmata: {sizes: {h: 12}}`. Raises ValueError for anything but whole numbers."""
    document = function.definition.elaboration.document
    section = document.metadata.get("lemmata")
    sizes = section.get("sizes") if isinstance(section, Mapping) else None
    if sizes is None:
        return {}
    if not isinstance(sizes, Mapping) or not all(isinstance(v, int) and v > 0 for v in sizes.values()):
        raise ValueError(f"{document.path}: `sizes` in the front matter is no list of positive whole numbers by name")
    return {str(n): v for n, v in sizes.items()}
