"""A definition as an `nn.Module`: its free symbols are the parameters, named as in the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import torch
from torch import Tensor, nn

from lemmata.core.size import Size
from lemmata.model.checkpoint import BadCheckpoint, Checkpoint, save
from lemmata.model.definitions import Symbol, describe
from lemmata.model.function import Function, atoms
from lemmata.model.initial import fresh
from lemmata.model.naming import plain, resolve
from lemmata.model.sizes import Given, ShapeMismatch, solve

SMALL = 1e-5
"""ε, where the document gives it no value: what keeps a quotient finite."""


class DocumentModule(nn.Module):
    """Runs a definition of the document on tensors; `forward` takes the definition's own parameters."""

    def __init__(
        self,
        function: Function,
        sizes: Mapping[str, int],
        data: Sequence[Symbol],
        parameters: Mapping[str, nn.Parameter],
        constants: Mapping[str, Tensor],
    ) -> None:
        super().__init__()
        self.function = function
        self.sizes = dict(sizes)
        self.data = tuple(x.name for x in data)
        self._order = (*function.parameters, *self.data)
        self._stated = {n: v for n, v in self.sizes.items() if n in atoms(function.expression)}
        self._names = {key(n): n for n in (*parameters, *constants)}
        for name, value in parameters.items():
            self.register_parameter(key(name), value)
        for name, constant in constants.items():
            self.register_buffer(key(name), constant)

    def forward(self, *args: Any, **named: Any) -> Tensor:
        """The definition at its parameters and then its data, in order or by keyword, batch axes in front."""
        held: dict[str, Any] = {name: self._get(k) for k, name in self._names.items()}
        count = len(self.function.parameters)
        if len(args) > len(self._order):
            takes = ", ".join(self._order) or "no data"
            raise TypeError(f"{self.function.name} takes {takes}; {len(args)} were given")
        held |= zip(self.data, args[count:], strict=False)
        result = self.function(*args[:count], weights=held, sizes=self._stated, **named)
        assert isinstance(result, Tensor)
        return result

    def save(self, path: str | PathLike[str]) -> None:
        """The state as a safetensors file, by the document's names. Raises BadCheckpoint, OSError."""
        save({self._names[n]: x for n, x in self.state_dict().items()}, path)

    def _get(self, name: str) -> Tensor:
        value = self._parameters.get(name)
        if value is None:
            value = self._buffers[name]
        assert value is not None
        return value

    def extra_repr(self) -> str:
        held = {**self._parameters, **self._buffers}
        return f"{self.function.name}: " + ", ".join(f"{n} {tuple(x.shape)}" for n, x in held.items() if x is not None)


def key(name: str) -> str:
    """The document's name as PyTorch allows it: without dots."""
    return name.replace(".", "·")


def module(
    function: Function,
    sizes: Mapping[str, int],
    *,
    inputs: Sequence[str] = (),
    weights: str | PathLike[str] | Mapping[str, Tensor] | None = None,
    mapping: str | PathLike[str] | Mapping[str, str] | None = None,
    strict: bool = True,
    dtype: torch.dtype | None = None,
    seed: int = 0,
) -> DocumentModule:
    """The definition as a module, with fresh weights or with those of a checkpoint.

    `sizes` by the document's names; more come from `lemmata: {sizes: …}` in its front matter and from the shapes of a
    checkpoint. `inputs` names the symbols that are data, in the order of the call; without it, those that the document
    declares as whole numbers (tokens, masks). `weights` is a safetensors file or tensors by name, `mapping` says which
    tensor each symbol is (`lemmata.model.checkpoint`); with `strict`, tensors that it says nothing of are an error.

    Without a checkpoint, weights for which the document states a law (W ∼ N(0, σ²)) are drawn from it; other matrices
    start uniform as Glorot and Bengio (2010) have it, biases b and β at zero, gains γ and g at one; ε is a constant.
    Raises ValueError for sizes that are missing or do not fit and for tensors that are missing, unexpected or of
    another shape, CannotRun where the definition cannot be run.
    """
    if inputs and function.definition.family:
        function = function.whole
    expression = function.expression
    symbols = [(x.name, x.latex) for x in expression.free]
    named: list[str] = []
    for wanted in inputs:
        found = resolve(wanted, symbols)
        if found is None:
            raise ValueError(f"{function.name} has no symbol {wanted}; it has {', '.join(n for n, _ in symbols)}")
        named.append(found)
    if not named:
        named = [x.name for x in sorted(expression.free, key=_place) if _counts(x)]
    if not function.parameters and not named:
        raise ValueError(
            f"say which symbols of {function.name} are data: inputs=(…) of {', '.join(n for n, _ in symbols)}"
        )
    held = [x for x in expression.free if x.name not in named]
    constants = {x.name for x in held if plain(x.name) in ("epsilon", "varepsilon")}
    learnt = [x for x in held if x.name not in constants]
    stored = None if weights is None else Checkpoint.open(weights, mapping, function)
    known = _known(function, sizes, held, stored.given(function, learnt) if stored is not None else ())
    if stored is not None and strict and (unexpected := stored.unexpected(function)):
        raise BadCheckpoint(
            f"{stored.label} holds {len(unexpected)} tensors that the mapping says nothing of: "
            f"{', '.join(unexpected[:5])}{', …' if len(unexpected) > 5 else ''}; strict=False leaves them out"
        )
    generator = torch.Generator().manual_seed(seed)
    parameters: dict[str, nn.Parameter] = {}
    buffers: dict[str, Tensor] = {}
    for symbol in held:
        shape = tuple(int(x.at(known)) for x in symbol.shape)
        if symbol.name in constants:
            buffers[symbol.name] = torch.full(shape, SMALL, dtype=dtype)
        elif stored is not None:
            value = stored.value(function, symbol, known)
            parameters[symbol.name] = nn.Parameter(value if dtype is None else value.to(dtype))
        else:
            parameters[symbol.name] = nn.Parameter(fresh(function, symbol, known, generator, dtype))
    data = [next(x for x in expression.free if x.name == n) for n in named]
    return DocumentModule(function, known, data, parameters, buffers)


def _counts(symbol: Symbol) -> bool:
    """Whether the document declares the symbol as whole numbers, so that it is data."""
    return bool(symbol.variable.domain.properties & {"finite", "binary", "integer", "one-hot"})


def _place(symbol: Symbol) -> int:
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
    for name, value in _stated(function).items():
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


def _stated(function: Function) -> dict[str, int]:
    """Sizes in the front matter: `lemmata: {sizes: {h: 12}}`. Raises ValueError for anything but whole numbers."""
    document = function.definition.elaboration.document
    section = document.metadata.get("lemmata")
    sizes = section.get("sizes") if isinstance(section, Mapping) else None
    if sizes is None:
        return {}
    if not isinstance(sizes, Mapping) or not all(isinstance(v, int) and v > 0 for v in sizes.values()):
        raise ValueError(f"{document.path}: `sizes` in the front matter is no list of positive whole numbers by name")
    return {str(n): v for n, v in sizes.items()}
