"""Definitions with weights as each library holds them: modules, layers, or functions over a dictionary."""

from __future__ import annotations

from lemmata.emit import layout
from lemmata.emit.source import INDENT, Sizes, Wrapper, start, uses
from lemmata.emit.units import Unit


class Numpy(Wrapper):
    """Pure functions over a dictionary of weights, and one that draws fresh ones."""

    helper = '''
def _uniform(rng: np.random.Generator, *shape: int, fans: int) -> Array:
    """Fresh weights, uniform as Glorot and Bengio (2010) have it; `fans` is in + out."""
    bound = math.sqrt(6 / fans)
    return rng.uniform(-bound, bound, shape)
'''

    def imports(self, body: str) -> list[str]:
        lines = ["import math"] if uses(body, "math.") or "math.sqrt" in body else []
        if uses(body, "Params"):
            lines.append("from collections.abc import Mapping")
        lines += ["from typing import Any", "", "import numpy as np", "from numpy.typing import NDArray"]
        if uses(body, "special."):
            lines.append("from scipy import special  # type: ignore[import-untyped]")
        lines += ["", "Array = NDArray[Any]"]
        if uses(body, "Params"):
            lines.append("Params = Mapping[str, Array]")
        return lines

    def layer(self, unit: Unit) -> list[list[str]]:
        sizes = Sizes(unit, ["rng"])
        arguments = ["rng: np.random.Generator", *(f"{n}: int" for n in sizes.names.values())]
        arguments += _numbers(unit)
        lines = layout.call(f"def init_{unit.name}", arguments, " -> dict[str, Array]:", "")
        lines += layout.docstring([f"Fresh weights for `{unit.name}`."], INDENT)
        lines.append(f"{INDENT}return {{")
        for argument in unit.weights:
            if argument.role == "number":
                value = f"np.asarray({argument.name})"
            else:
                shape = sizes.shape(argument)
                kind = start(argument, shape)
                where = f"({', '.join(shape)}{',' if len(shape) == 1 else ''})"
                if kind in ("zeros", "ones"):
                    value = f"np.{kind}({where})"
                else:
                    value = f"_uniform(rng, {', '.join(shape)}, fans={kind})"
            lines += _entry(argument.name, value)
        return [[*lines, f"{INDENT}}}"]]


class Torch(Wrapper):
    """An `nn.Module` that holds the weights under the document's names."""

    helper = '''
def _uniform(*shape: int, fans: int) -> nn.Parameter:
    """Fresh weights, uniform as Glorot and Bengio (2010) have it; `fans` is in + out."""
    bound = math.sqrt(6 / fans)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
'''

    def imports(self, body: str) -> list[str]:
        lines = ["import math", ""] if uses(body, "math.") or "math.sqrt" in body else []
        if uses(body, "torch.") or uses(body, "torch"):
            lines.append("import torch")
        if uses(body, "F."):
            lines.append("import torch.nn.functional as F")
        lines.append("from torch import Tensor, nn" if uses(body, "nn.") else "from torch import Tensor")
        return lines

    def layer(self, unit: Unit) -> list[list[str]]:
        sizes = Sizes(unit, ["self"])
        lines = [f"class {unit.class_name}(nn.Module):"]
        lines += layout.docstring([f"`{unit.name}` with its weights."], INDENT)
        lines.append("")
        arguments = ["self", *(f"{n}: int" for n in sizes.names.values()), *_numbers(unit)]
        lines += layout.call("def __init__", arguments, " -> None:", INDENT)
        inner = INDENT * 2
        lines.append(f"{inner}super().__init__()")
        for argument in unit.weights:
            if argument.role == "number":
                lines.append(f"{inner}self.{argument.name} = {argument.name}")
                continue
            shape = sizes.shape(argument)
            kind = start(argument, shape)
            if kind in ("zeros", "ones"):
                value = f"nn.Parameter(torch.{kind}({', '.join(shape)}))"
            else:
                value = f"_uniform({', '.join(shape)}, fans={kind})"
            lines += layout.statement(f"self.{argument.name} = {value}", inner)
        lines.append("")
        taken = [*(f"{a.name}: {_kind(a.kind)}" for a in unit.inputs), *(f"{n}: int" for n in unit.asked.values())]
        lines += layout.call("def forward", ["self", *taken], " -> Tensor:", INDENT)
        lines += layout.docstring([f"`{unit.name}` at these arguments."], inner)
        values = [a.name if a.role == "input" else f"self.{a.name}" for a in unit.arguments]
        lines += layout.statement(f"return {unit.name}({', '.join([*values, *unit.asked.values()])})", inner)
        return [lines]


def _kind(kind: str) -> str:
    return {"tensor": "Tensor", "index": "int"}.get(kind, "float | Tensor")


def _numbers(unit: Unit) -> list[str]:
    """Constants among the weights; ε has the value that keeps a quotient finite."""
    numbers = sorted((a for a in unit.weights if a.role == "number"), key=lambda a: a.small)
    return [f"{a.name}: float = 1e-5" if a.small else f"{a.name}: float" for a in numbers]


def _entry(name: str, value: str) -> list[str]:
    inner = INDENT * 2
    whole = f'{inner}"{name}": {value},'
    if len(whole) <= layout.WIDTH:
        return [whole]
    return [f'{inner}"{name}": (', f"{inner}{INDENT}{value}", f"{inner}),"]
