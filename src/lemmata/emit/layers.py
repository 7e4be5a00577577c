"""Definitions with weights as each library holds them: modules, layers, or functions over a dictionary."""

from __future__ import annotations

from lemmata.emit import layout
from lemmata.emit.source import INDENT, Sizes, Wrapper, start, uses
from lemmata.emit.units import Argument, Unit


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


class Jax(Wrapper):
    """Pure functions over a dictionary of weights, and one that draws fresh ones from a key."""

    helper = '''
def _uniform(key: Array, *shape: int, fans: int) -> Array:
    """Fresh weights, uniform as Glorot and Bengio (2010) have it; `fans` is in + out."""
    bound = math.sqrt(6 / fans)
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)
'''

    def imports(self, body: str) -> list[str]:
        lines = ["import math"] if uses(body, "math.") else []
        if uses(body, "Params"):
            lines.append("from collections.abc import Mapping")
        lines += [""] if lines else []
        if uses(body, "jax."):
            lines.append("import jax")
        if uses(body, "jnp."):
            lines.append("import jax.numpy as jnp")
        lines.append("from jax import Array")
        return [*lines, "", "Params = Mapping[str, Array]"] if uses(body, "Params") else lines

    def layer(self, unit: Unit) -> list[list[str]]:
        sizes = Sizes(unit, ["key", "keys"])
        arguments = ["key: Array", *(f"{n}: int" for n in sizes.names.values()), *_numbers(unit)]
        lines = layout.call(f"def init_{unit.name}", arguments, " -> dict[str, Array]:", "")
        lines += layout.docstring([f"Fresh weights for `{unit.name}`."], INDENT)
        entries, drawn = [], 0
        for argument in unit.weights:
            shape = sizes.shape(argument)
            kind = start(argument, shape)
            if argument.role == "number":
                value = f"jnp.asarray({argument.name})"
            elif kind in ("zeros", "ones"):
                value = f"jnp.{kind}(({', '.join(shape)}{',' if len(shape) == 1 else ''}))"
            else:
                value = f"_uniform(keys[{drawn}], {', '.join(shape)}, fans={kind})"
                drawn += 1
            entries += _entry(argument.name, value)
        if drawn:
            lines.append(f"{INDENT}keys = jax.random.split(key, {drawn})")
        return [[*lines, f"{INDENT}return {{", *entries, f"{INDENT}}}"]]


class Tensorflow(Wrapper):
    """A Keras layer that holds the weights under the document's names."""

    helper = '''
def _uniform(fans: int) -> keras.initializers.Initializer:
    """Fresh weights, uniform as Glorot and Bengio (2010) have it; `fans` is in + out."""
    bound = math.sqrt(6 / fans)
    return keras.initializers.RandomUniform(-bound, bound)
'''

    def imports(self, body: str) -> list[str]:
        lines = ["import math"] if uses(body, "math.") else []
        lines += ["from typing import Any", ""]
        untyped = "  # type: ignore[import-untyped]"
        if uses(body, "keras."):
            lines.append(f"import keras{untyped}")
        if uses(body, "tf."):
            lines.append(f"import tensorflow as tf{untyped}")
        if uses(body, "ops."):
            lines.append(f"from keras import ops{untyped}")
        return [*lines, "", "Tensor = Any  # tf.Tensor, or what Keras takes for one"]

    def layer(self, unit: Unit) -> list[list[str]]:
        sizes = Sizes(unit, ["self", "kwargs"])
        inner = INDENT * 2
        lines = ["@keras.saving.register_keras_serializable()", f"class {unit.class_name}(keras.layers.Layer):"]
        lines += layout.docstring([f"`{unit.name}` with its weights."], INDENT)
        own = [*sizes.names.values(), *(a.name for a in _number_arguments(unit))]
        arguments = ["self", *(f"{n}: int" for n in sizes.names.values()), *_numbers(unit), "**kwargs: Any"]
        lines += [
            "",
            *layout.call("def __init__", arguments, " -> None:", INDENT),
            f"{inner}super().__init__(**kwargs)",
        ]
        items = ", ".join(f'"{n}": {n}' for n in own)
        lines += layout.braced(f"self.config = {{{items}}}", inner)
        for argument in unit.weights:
            if argument.role == "number":
                lines.append(f"{inner}self.{argument.name} = {argument.name}")
                continue
            shape = sizes.shape(argument)
            kind = start(argument, shape)
            first = f'"{kind}"' if kind in ("zeros", "ones") else f"_uniform({kind})"
            where = f"({', '.join(shape)}{',' if len(shape) == 1 else ''})"
            value = f'self.add_weight(shape={where}, initializer={first}, name="{argument.name}")'
            lines += layout.statement(f"self.{argument.name} = {value}", inner)
        taken = [*(f"{a.name}: {_kind(a.kind)}" for a in unit.inputs), *(f"{n}: int" for n in unit.asked.values())]
        lines += ["", *layout.call("def call", ["self", *taken], " -> Tensor:", INDENT)]
        lines += layout.docstring([f"`{unit.name}` at these arguments."], inner)
        values = [a.name if a.role == "input" else f"self.{a.name}" for a in unit.arguments]
        lines += layout.statement(f"return {unit.name}({', '.join([*values, *unit.asked.values()])})", inner)
        lines += ["", f"{INDENT}def get_config(self) -> dict[str, Any]:"]
        lines += layout.docstring(["The sizes, for saving."], inner)
        lines.append(f"{inner}return {{**super().get_config(), **self.config}}")
        return [lines]


def _kind(kind: str) -> str:
    return {"tensor": "Tensor", "index": "int", "float": "float"}.get(kind, "float | Tensor")


def _numbers(unit: Unit) -> list[str]:
    """Constants among the weights; ε has the value that keeps a quotient finite."""
    return [f"{a.name}: float = 1e-5" if a.small else f"{a.name}: float" for a in _number_arguments(unit)]


def _number_arguments(unit: Unit) -> list[Argument]:
    return sorted((a for a in unit.weights if a.role == "number"), key=lambda a: a.small)


def _entry(name: str, value: str) -> list[str]:
    inner = INDENT * 2
    whole = f'{inner}"{name}": {value},'
    if len(whole) <= layout.WIDTH:
        return [whole]
    return [f'{inner}"{name}": (', f"{inner}{INDENT}{value}", f"{inner}),"]
