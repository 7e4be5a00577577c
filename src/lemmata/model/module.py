"""A definition as an `nn.Module`: its free symbols are the parameters, named as in the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import torch
from torch import Tensor, nn

from lemmata.model.checkpoint import save
from lemmata.model.function import Function
from lemmata.model.weights import Held, prepare


class DocumentModule(nn.Module):
    """Runs a definition of the document on tensors; `forward` takes the definition's own parameters."""

    def __init__(self, held: Held, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self.function = held.function
        self.sizes = dict(held.sizes)
        self.data = held.data
        self._order, self.stated = held.order, held.stated
        self._names = {key(n): n for n in (*held.learnt, *held.constants)}
        for name, value in held.learnt.items():
            self.register_parameter(key(name), nn.Parameter(_tensor(value, dtype)))
        for name, constant in held.constants.items():
            self.register_buffer(key(name), _tensor(constant, dtype))

    def forward(self, *args: Any, **named: Any) -> Tensor:
        """The definition at its parameters and then its data, in order or by keyword, batch axes in front."""
        held: dict[str, Any] = {**self.held()}
        count = len(self.function.parameters)
        if len(args) > len(self._order):
            takes = ", ".join(self._order) or "no data"
            raise TypeError(f"{self.function.name} takes {takes}; {len(args)} were given")
        held |= zip(self.data, args[count:], strict=False)
        result = self.function(*args[:count], weights=held, sizes=self.stated, **named)
        assert isinstance(result, Tensor)
        return result

    def save(self, path: str | PathLike[str]) -> None:
        """The state as a safetensors file, by the document's names. Raises BadCheckpoint, OSError."""
        save({self._names[n]: x for n, x in self.state_dict().items()}, path)

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
    weights: str | PathLike[str] | Mapping[str, Tensor] | None = None,
    mapping: str | PathLike[str] | Mapping[str, str] | None = None,
    strict: bool = True,
    dtype: torch.dtype | None = None,
    seed: int = 0,
) -> DocumentModule:
    """The definition as a module; `lemmata.model.weights.prepare` tells of the arguments and the errors raised."""
    held = prepare(function, sizes, inputs=inputs, weights=weights, mapping=mapping, strict=strict, seed=seed)
    return DocumentModule(held, dtype)


def _tensor(value: Any, dtype: torch.dtype | None) -> Tensor:
    """In the precision asked for; first values of weights in PyTorch's default one."""
    if isinstance(value, Tensor):
        return value if dtype is None else value.to(dtype)
    return torch.from_numpy(value).to(dtype or torch.get_default_dtype())
