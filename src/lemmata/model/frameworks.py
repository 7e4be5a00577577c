"""A definition for JAX, as weights and a pure function of them, and for Keras, as a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lemmata.model.function import Function
from lemmata.model.weights import Held, prepare


def pytree(
    function: Function, sizes: Mapping[str, int], *, dtype: Any = None, **options: Any
) -> tuple[dict[str, Any], Callable[..., Any]]:
    """The weights as JAX arrays by the document's names, and the function (weights, *arguments) → value.

    The function has no state: it goes through `jax.jit`, `jax.grad` and `jax.vmap`, and the weights into any optimiser
    of pytrees. `options` are those of `lemmata.model.weights.prepare`, which tells the errors; ImportError without JAX.
    """
    try:
        import jax.numpy as jnp
    except ImportError as error:
        raise ImportError("model.pytree needs JAX: pip install 'lemmata[jax]'") from error
    held = prepare(function, sizes, **options)
    kind = dtype or jnp.float32
    weights = {name: jnp.asarray(_array(value), kind) for name, value in held.learnt.items()}
    constants = {name: jnp.asarray(value, kind) for name, value in held.constants.items()}

    def apply(weights: Mapping[str, Any], *args: Any, **named: Any) -> Any:
        return _call(held, {**constants, **weights}, args, named)

    apply.__name__ = apply.__qualname__ = function.name
    apply.__doc__ = f"{function.__doc__}\n\nTakes the weights, then {', '.join(held.order)}."
    return weights, apply


def layer(function: Function, sizes: Mapping[str, int], *, dtype: Any = None, **options: Any) -> Any:
    """The definition as a `keras.layers.Layer` on TensorFlow; its weights bear the document's names.

    `options` are those of `lemmata.model.weights.prepare`, which tells the errors; ImportError without Keras and
    TensorFlow. Called with the definition's parameters and then its data, at known lengths.
    """
    try:
        import keras
        import tensorflow  # noqa: F401, the definition runs on its tensors
    except ImportError as error:
        raise ImportError("model.layer needs Keras and TensorFlow: pip install 'lemmata[tensorflow]'") from error
    if keras.backend.backend() != "tensorflow":
        raise ImportError(f"model.layer runs on TensorFlow, but Keras is set to {keras.backend.backend()}")
    held = prepare(function, sizes, **options)

    class DocumentLayer(keras.layers.Layer):  # type: ignore[misc]
        """Runs a definition of the document on tensors."""

        def __init__(self) -> None:
            super().__init__(dtype=dtype)
            self.data = held.data
            self.sizes = dict(held.sizes)
            self._own = {}
            for name, value in held.learnt.items():
                array = _array(value)
                self._own[name] = self.add_weight(shape=array.shape, name=name.replace("/", "·"))
                self._own[name].assign(array)

        def build(self, *shapes: Any) -> None:
            """Nothing depends on the shapes of the data."""

        def call(self, *args: Any) -> Any:
            values = {n: keras.ops.convert_to_tensor(v) for n, v in self._own.items()}
            kind = self.compute_dtype
            values |= {n: keras.ops.convert_to_tensor(v, dtype=kind) for n, v in held.constants.items()}
            return _call(held, values, args, {})

    DocumentLayer.__name__ = "".join(c for c in function.name if c.isalnum()) or "Definition"
    return DocumentLayer()


def _call(held: Held, values: dict[str, Any], args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    count = len(held.function.parameters)
    if len(args) > len(held.order):
        takes = ", ".join(held.order) or "no data"
        raise TypeError(f"{held.function.name} takes {takes}; {len(args)} were given")
    values |= zip(held.data, args[count:], strict=False)
    return held.function(*args[:count], weights=values, sizes=held.stated, **named)


def _array(value: Any) -> np.ndarray:
    return value if isinstance(value, np.ndarray) else np.asarray(value.detach().float().numpy())
