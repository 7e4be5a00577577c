"""Definitions with weights as each library holds them: modules, layers, or functions over a dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lemmata.emit import layout
from lemmata.emit.expression import shape_text
from lemmata.emit.source import INDENT, Sizes, Wrapper, start, uses
from lemmata.emit.stacks import Stack
from lemmata.emit.units import Argument, Unit

INNER = INDENT * 2


class Holder(Wrapper):
    """What makes the weights of a definition, each an expression in their sizes."""

    def weight(self, name: str, shape: Sequence[str], kind: str) -> str:
        """A fresh weight: `zeros`, `ones`, or uniform with `kind` as the sum of its fans."""
        raise NotImplementedError

    def layers(self, holder: Unit, sizes: Sequence[str], count: str) -> str:
        """The weights of so many layers."""
        raise NotImplementedError

    def number(self, name: str) -> str:
        """A constant among the weights."""
        return name

    def held(self, unit: Unit, sizes: Sizes) -> Iterator[tuple[str, str]]:
        """All weights: their names, and what makes them."""
        for slot in unit.slots:
            if isinstance(slot, Stack):
                yield slot.name, self.layers(slot.holder, sizes.given(slot), sizes.count(slot))
            elif slot.role == "number":
                yield slot.name, self.number(slot.name)
            elif slot.role == "weight":
                shape = sizes.shape(slot)
                yield slot.name, self.weight(slot.name, shape, start(slot, shape))


class Functions(Holder):
    """Pure functions over a dictionary of weights, and one that draws fresh ones from a source of randomness."""

    source = ""
    """The argument that numbers are drawn from: `rng: np.random.Generator`."""

    def layer(self, unit: Unit) -> list[list[str]]:
        name = self.source.partition(":")[0]
        sizes = Sizes(unit, [name, f"{name}s"])
        arguments = [self.source, *(f"{n}: int" for n in sizes.names.values()), *_numbers(unit)]
        held = "Any" if unit.stacks else "Array"
        lines = layout.call(f"def init_{unit.name}", arguments, f" -> dict[str, {held}]:", "")
        lines += layout.docstring([f"Fresh weights for `{unit.name}`."], INDENT)
        entries = [line for n, value in self.held(unit, sizes) for line in _entry(n, value)]
        return [[*lines, *self.before(), f"{INDENT}return {{", *entries, f"{INDENT}}}"]]

    def before(self) -> list[str]:
        """Statements that the weights made so far need."""
        return []


class Classes(Holder):
    """A class that holds the weights under the document's names."""

    parts = ""
    """The weights of one of several layers, `part`, by name."""
    method = ""
    """What is called with the arguments of the definition."""

    def body(self, unit: Unit, sizes: Sizes) -> list[str]:
        """The statements of the constructor that make the weights."""
        return [
            line for name, value in self.held(unit, sizes) for line in layout.statement(f"self.{name} = {value}", INNER)
        ]

    def called(self, unit: Unit) -> list[str]:
        """The method that calls the function on what the object holds."""
        taken = [*(f"{a.name}: {_kind(a.kind)}" for a in unit.inputs), *(f"{n}: int" for n in unit.asked.values())]
        lines = ["", *layout.call(f"def {self.method}", ["self", *taken], " -> Tensor:", INDENT)]
        lines += layout.docstring([f"`{unit.name}` at these arguments."], INNER)
        values = []
        for slot in unit.slots:
            if isinstance(slot, Stack):
                values.append(f"[{self.parts} for part in self.{slot.name}]")
            else:
                values.append(slot.name if slot.role == "input" else f"self.{slot.name}")
        return lines + layout.statement(f"return {unit.name}({', '.join([*values, *unit.asked.values()])})", INNER)


class Numpy(Functions):
    """NumPy, from a generator."""

    source = "rng: np.random.Generator"
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
            lines.append(f"Params = Mapping[str, {'Any' if 'dict[str, Any]' in body else 'Array'}]")
        return lines

    def weight(self, name: str, shape: Sequence[str], kind: str) -> str:
        if kind in ("zeros", "ones"):
            return f"np.{kind}({shape_text(shape)})"
        return f"_uniform(rng, {', '.join(shape)}, fans={kind})"

    def layers(self, holder: Unit, sizes: Sequence[str], count: str) -> str:
        return f"[init_{holder.name}({', '.join(['rng', *sizes])}) for _ in range({count})]"

    def number(self, name: str) -> str:
        return f"np.asarray({name})"


class Jax(Functions):
    """JAX, from a key."""

    source = "key: Array"
    drawn = 0
    """Keys that the weights so far take."""
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
        layered = "dict[str, Any]" in body
        if layered:
            lines.append("from typing import Any")
        lines += [""] if lines else []
        if uses(body, "jax."):
            lines.append("import jax")
        if uses(body, "jnp."):
            lines.append("import jax.numpy as jnp")
        lines.append("from jax import Array")
        if not uses(body, "Params"):
            return lines
        return [*lines, "", f"Params = Mapping[str, {'Any' if layered else 'Array'}]"]

    def weight(self, name: str, shape: Sequence[str], kind: str) -> str:
        if kind in ("zeros", "ones"):
            return f"jnp.{kind}({shape_text(shape)})"
        return f"_uniform({self.key()}, {', '.join(shape)}, fans={kind})"

    def layers(self, holder: Unit, sizes: Sequence[str], count: str) -> str:
        made = f"init_{holder.name}({', '.join(['part', *sizes])})"
        return f"[{made} for part in jax.random.split({self.key()}, {count})]"

    def number(self, name: str) -> str:
        return f"jnp.asarray({name})"

    def key(self) -> str:
        """A key that nothing else takes."""
        self.drawn += 1
        return f"keys[{self.drawn - 1}]"

    def before(self) -> list[str]:
        drawn, self.drawn = self.drawn, 0
        return [f"{INDENT}keys = jax.random.split(key, {drawn})"] if drawn else []


class Torch(Classes):
    """An `nn.Module`."""

    parts, method = "dict(part.named_parameters())", "forward"
    helper = '''
def _uniform(*shape: int, fans: int) -> nn.Parameter:
    """Fresh weights, uniform as Glorot and Bengio (2010) have it; `fans` is in + out."""
    bound = math.sqrt(6 / fans)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))
'''

    def imports(self, body: str) -> list[str]:
        lines = ["import math"] if uses(body, "math.") or "math.sqrt" in body else []
        if uses(body, "Sequence"):
            lines.append("from collections.abc import Mapping, Sequence")
        lines += [""] if lines else []
        if uses(body, "torch.") or uses(body, "torch"):
            lines.append("import torch")
        if uses(body, "F."):
            lines.append("import torch.nn.functional as F")
        lines.append("from torch import Tensor, nn" if uses(body, "nn.") else "from torch import Tensor")
        return lines

    def weight(self, name: str, shape: Sequence[str], kind: str) -> str:
        if kind in ("zeros", "ones"):
            return f"nn.Parameter(torch.{kind}({', '.join(shape)}))"
        return f"_uniform({', '.join(shape)}, fans={kind})"

    def layers(self, holder: Unit, sizes: Sequence[str], count: str) -> str:
        return f"nn.ModuleList({holder.class_name}({', '.join(sizes)}) for _ in range({count}))"

    def layer(self, unit: Unit) -> list[list[str]]:
        sizes = Sizes(unit, ["self"])
        lines = [f"class {unit.class_name}(nn.Module):"]
        lines += [*layout.docstring([f"`{unit.name}` with its weights."], INDENT), ""]
        arguments = ["self", *(f"{n}: int" for n in sizes.names.values()), *_numbers(unit)]
        lines += [*layout.call("def __init__", arguments, " -> None:", INDENT), f"{INNER}super().__init__()"]
        return [[*lines, *self.body(unit, sizes), *self.called(unit)]]


class Tensorflow(Classes):
    """A Keras layer."""

    parts, method = "{w.name: w for w in part.weights}", "call"
    helper = '''
def _uniform(fans: int) -> keras.initializers.Initializer:
    """Fresh weights, uniform as Glorot and Bengio (2010) have it; `fans` is in + out."""
    bound = math.sqrt(6 / fans)
    return keras.initializers.RandomUniform(-bound, bound)
'''

    def imports(self, body: str) -> list[str]:
        lines = ["import math"] if uses(body, "math.") else []
        if uses(body, "Sequence"):
            lines.append("from collections.abc import Mapping, Sequence")
        lines += ["from typing import Any", ""]
        untyped = "  # type: ignore[import-untyped]"
        if uses(body, "keras."):
            lines.append(f"import keras{untyped}")
        if uses(body, "tf."):
            lines.append(f"import tensorflow as tf{untyped}")
        if uses(body, "ops."):
            lines.append(f"from keras import ops{untyped}")
        return [*lines, "", "Tensor = Any  # tf.Tensor, or what Keras takes for one"]

    def weight(self, name: str, shape: Sequence[str], kind: str) -> str:
        first = f'"{kind}"' if kind in ("zeros", "ones") else f"_uniform({kind})"
        return f'self.add_weight(shape={shape_text(shape)}, initializer={first}, name="{name}")'

    def layers(self, holder: Unit, sizes: Sequence[str], count: str) -> str:
        return f"[{holder.class_name}({', '.join(sizes)}) for _ in range({count})]"

    def layer(self, unit: Unit) -> list[list[str]]:
        sizes = Sizes(unit, ["self", "kwargs"])
        lines = ["@keras.saving.register_keras_serializable()", f"class {unit.class_name}(keras.layers.Layer):"]
        lines += [*layout.docstring([f"`{unit.name}` with its weights."], INDENT), ""]
        own = [*sizes.names.values(), *(a.name for a in _number_arguments(unit))]
        arguments = ["self", *(f"{n}: int" for n in sizes.names.values()), *_numbers(unit), "**kwargs: Any"]
        lines += [*layout.call("def __init__", arguments, " -> None:", INDENT), f"{INNER}super().__init__(**kwargs)"]
        items = ", ".join(f'"{n}": {n}' for n in own)
        lines += layout.braced(f"self.config = {{{items}}}", INNER)
        lines += [*self.body(unit, sizes), f"{INNER}self.built = True", *self.called(unit)]
        lines += ["", f"{INDENT}def get_config(self) -> dict[str, Any]:"]
        lines += layout.docstring(["The sizes, for saving."], INNER)
        return [[*lines, f"{INNER}return {{**super().get_config(), **self.config}}"]]


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
    if value.startswith("["):
        return layout.listed(f'"{name}": ', value, ",", inner)
    return [f'{inner}"{name}": (', f"{inner}{INDENT}{value}", f"{inner}),"]
