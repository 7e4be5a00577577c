"""A definition as an `nn.Module`: its free symbols are the parameters, named as in the document."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lemmata.core.size import Size
from lemmata.model.definitions import Symbol, describe
from lemmata.model.function import Function, atoms
from lemmata.model.naming import plain, resolve
from lemmata.model.numbers import numbers
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
        self.stated = {n: v for n, v in self.sizes.items() if n in atoms(function.expression)}
        self._names = {key(n): n for n in (*parameters, *constants)}
        for name, value in parameters.items():
            self.register_parameter(key(name), value)
        for name, constant in constants.items():
            self.register_buffer(key(name), constant)

    def forward(self, *args: Any, **named: Any) -> Tensor:
        """The definition at these arguments, batch axes in front; for a value, its data in order or by keyword."""
        held: dict[str, Any] = {**self.held()}
        if not self.function.parameters:
            if len(args) > len(self.data):
                takes = ", ".join(self.data) or "no data"
                raise TypeError(f"{self.function.name} takes {takes}; {len(args)} were given")
            held |= dict(zip(self.data, args, strict=False))
            args = ()
        result = self.function(*args, weights=held, sizes=self.stated, **named)
        assert isinstance(result, Tensor)
        return result

    def held(self) -> dict[str, Tensor]:
        """Weights and constants by the document's names."""
        return {name: self._get(k) for k, name in self._names.items()}

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
    dtype: torch.dtype | None = None,
    seed: int = 0,
) -> DocumentModule:
    """The definition as a module with fresh weights.

    `sizes` by the document's names. For a value without parameters, `inputs` names the symbols that are data. Matrices
    start uniform as Glorot and Bengio (2010) have it, biases b and β at zero, gains γ and g at one; ε, and what the
    document gives a number, are constants.
    Raises ValueError for sizes that are missing or do not fit, CannotRun where the definition cannot be run.
    """
    function = function.given(inputs)
    expression = function.expression
    symbols = [(x.name, x.latex) for x in expression.free]
    named = set()
    for wanted in inputs:
        found = resolve(wanted, symbols)
        if found is None:
            raise ValueError(f"{function.name} has no symbol {wanted}; it has {', '.join(n for n, _ in symbols)}")
        named.add(found)
    if not function.parameters and not named:
        raise ValueError(
            f"say which symbols of {function.name} are data: inputs=(…) of {', '.join(n for n, _ in symbols)}"
        )
    weights = [x for x in expression.free if x.name not in named]
    known = _known(function, sizes, weights)
    generator = torch.Generator().manual_seed(seed)
    given = numbers(function.definition.elaboration)
    stated = [(n, n) for n in given]
    parameters: dict[str, nn.Parameter] = {}
    constants: dict[str, Tensor] = {}
    for symbol in weights:
        shape = tuple(int(x.at(known)) for x in symbol.shape)
        number = resolve(symbol.name, stated) if not symbol.shape else None
        if number is not None:
            constants[symbol.name] = torch.tensor(given[number], dtype=dtype or torch.get_default_dtype())
        elif plain(symbol.name) in ("epsilon", "varepsilon"):
            constants[symbol.name] = torch.full(shape, SMALL, dtype=dtype)
        else:
            parameters[symbol.name] = nn.Parameter(_fresh(symbol, shape, generator, dtype))
    order = {n: i for i, n in enumerate(inputs)}
    data = sorted(
        (x for x in expression.free if x.name in named),
        key=lambda x: next((i for w, i in order.items() if resolve(w, symbols) == x.name), 0),
    )
    return DocumentModule(function, known, data, parameters, constants)


def _known(function: Function, sizes: Mapping[str, int], weights: Sequence[Symbol]) -> dict[str, int]:
    """Every size of the weights, from the sizes given and the document's equations between them."""
    expression = function.expression
    roles = function.definition.elaboration.roles
    names = atoms(expression) | {a for _, *sides in roles.size_equations for x in sides for a in x.atoms}
    given = []
    for name, value in sizes.items():
        atom = resolve(name, ((a, a) for a in sorted(names)))
        if atom is None:
            has = ", ".join(sorted(n for n in names if n[0] != "?")) or "none"
            raise ValueError(f"{function.name} has no size {name}; it has {has}")
        given.append(Given(name, (Size.of(atom).substitute(expression.solution),), (int(value),), size=True))
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


def _fresh(symbol: Symbol, shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype | None) -> Tensor:
    letter = plain(symbol.name).split("_")[0]
    own = shape[symbol.variable.family :]
    if letter in ("b", "beta", "c"):
        return torch.zeros(shape, dtype=dtype)
    if letter in ("g", "gamma"):
        return torch.ones(shape, dtype=dtype)
    if not own:
        return torch.zeros(shape, dtype=dtype)
    bound = math.sqrt(6 / (own[0] + (own[-1] if len(own) > 1 else 1)))
    return (2 * torch.rand(shape, generator=generator, dtype=dtype) - 1) * bound
