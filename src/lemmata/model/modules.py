"""A definition with declared weights as a `torch.nn.Module`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import torch
from torch import Tensor, nn

from lemmata.code.target import Parameter
from lemmata.core.size import Size
from lemmata.model.functions import Function, ShapeMismatch, identifier


def module(function: Function, sizes: Mapping[str, int], dtype: torch.dtype | None, seed: int) -> DocumentModule:
    return DocumentModule(function, sizes, dtype or torch.get_default_dtype(), seed)


class DocumentModule(nn.Module):
    """A function of a document whose weights are parameters, named as the document names them.

    Matrices start with Glorot and Bengio's uniform law (2010, eq. 16), vectors called b or β with zeros, γ with ones.
    A family W_i^Q is one parameter with its members in front. forward takes the function's own arguments, batches allowed.
    """

    def __init__(self, function: Function, sizes: Mapping[str, int], dtype: torch.dtype, seed: int) -> None:
        super().__init__()
        self.function = function
        self.keys: dict[str, str] = {}
        generator = torch.Generator().manual_seed(seed)
        for p in function.target.parameters:
            if p.role != "weight":
                continue
            shape = concrete(p, sizes)
            self.keys[p.key] = p.latex
            self.register_parameter(p.latex, nn.Parameter(initial(p, shape, dtype, generator)))
        self.arguments = [p for p in function.target.parameters if p.role != "weight"]

    def forward(self, *args: Tensor) -> Tensor:
        if len(args) != len(self.arguments):
            names = ", ".join(identifier(p.latex) for p in self.arguments)
            raise TypeError(f"{self.function.name} takes {names}")
        weights = dict(self.named_parameters())
        feeds = {p.key: x for p, x in zip(self.arguments, args, strict=True)}
        feeds |= {key: weights[name] for key, name in self.keys.items()}
        result = self.function.compiled({k: tuple(v.shape) for k, v in feeds.items()}, args[0].dtype)(feeds)
        assert isinstance(result, Tensor)
        return result

    def extra_repr(self) -> str:
        return f"{self.function.target.statement.latex}  (line {self.function.line})"


def concrete(parameter: Parameter, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of a weight in numbers. Raises ShapeMismatch where a size is missing or broken."""
    found = []
    for size in parameter.shape or ():
        missing = [a for a in size.atoms if a not in sizes]
        if missing:
            raise ShapeMismatch(f"the size {missing[0].split('?')[-1]} of {parameter.latex} is not given")
        value = _at(size, sizes)
        if value.denominator != 1 or value < 1:
            raise ShapeMismatch(f"{parameter.latex}: {size} is {value}, which is no length")
        found.append(int(value))
    return tuple(found)


def _at(size: Size, sizes: Mapping[str, int]) -> Fraction:
    return size.at(sizes)


def initial(parameter: Parameter, shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    name = identifier(parameter.latex)
    if name.startswith("gamma"):
        return torch.ones(shape, dtype=dtype)
    if len(shape) - parameter.indexed < 2:
        if name.startswith(("b", "beta")):
            return torch.zeros(shape, dtype=dtype)
        return torch.randn(shape, dtype=dtype, generator=generator) / math.sqrt(shape[-1] if shape else 1)
    bound = math.sqrt(6 / (shape[-2] + shape[-1]))
    return (torch.rand(shape, dtype=dtype, generator=generator) * 2 - 1) * bound
