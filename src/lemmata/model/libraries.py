"""Arrays of JAX and TensorFlow as arguments of definitions: which library they are of, and how it runs a program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.program.node import Axis, Node


class Library(Struct, frozen=True):
    """A library, asked only where the program of the user has imported it."""

    module: str
    backend: str
    is_array: Callable[[Any, Any], bool]
    """(the module, a value)."""
    convert: Callable[[Any, Any, Any], Any]
    """(the module, a NumPy array, an array beside it or None): the array in that one's precision."""
    stack: Callable[[Any, Sequence[Any]], Any]
    transpose: Callable[[Any, Any, Sequence[int]], Any]


def _keras_or_tensorflow(tf: Any, value: Any) -> bool:
    keras = sys.modules.get("keras")
    return bool(tf.is_tensor(value)) or keras is not None and isinstance(value, keras.Variable)


def _jax_like(jax: Any, array: np.ndarray, like: Any) -> Any:
    real = like is not None and array.dtype.kind in "biuf"
    return jax.numpy.asarray(array, like.real.dtype if real else None)


def _tensorflow_like(tf: Any, array: np.ndarray, like: Any) -> Any:
    real = like is not None and array.dtype.kind in "biuf"
    return tf.constant(array, tf.as_dtype(like.dtype).real_dtype) if real else tf.constant(array)


LIBRARIES = (
    Library(
        "jax",
        "lemmata.backends.jax",
        lambda jax, x: isinstance(x, jax.Array),
        _jax_like,
        lambda jax, parts: jax.numpy.stack(list(parts)),
        lambda jax, x, order: jax.numpy.transpose(x, order),
    ),
    Library(
        "tensorflow",
        "lemmata.backends.tensorflow",
        _keras_or_tensorflow,
        _tensorflow_like,
        lambda tf, parts: tf.stack([tf.convert_to_tensor(x) for x in parts]),
        lambda tf, x, order: tf.transpose(x, order),
    ),
)


def of(value: Any) -> Library | None:
    """The library that a value is an array of; None for NumPy, PyTorch and numbers."""
    for library in LIBRARIES:
        module = sys.modules.get(library.module)
        if module is not None and library.is_array(module, value):
            return library
    return None


def among(values: Iterable[Any]) -> Library | None:
    """The library of the first array that is of one. Raises TypeError where two libraries meet."""
    found = list(dict.fromkeys(x for x in map(of, values) if x is not None))
    if len(found) > 1:
        raise TypeError(f"arrays of {' and '.join(x.module for x in found)} cannot be arguments of one call")
    return found[0] if found else None


def stacked(parts: Sequence[Any]) -> Any:
    """The members of a family as one array; None where they are of no library here."""
    library = among(parts)
    return None if library is None else library.stack(sys.modules[library.module], parts)


def converted(library: Library, values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and NumPy arrays as arrays of the library, in the precision of those beside them."""
    module = sys.modules[library.module]
    like = next((v for v in values.values() if library.is_array(module, v) and _inexact(v)), None)
    found = {}
    for name, value in values.items():
        if not library.is_array(module, value):
            array = np.asarray(value)
            if like is None and array.dtype.kind in "biu":
                array = array.astype(np.float32)
            value = library.convert(module, array, like)
        found[name] = value
    return found


def _inexact(value: Any) -> bool:
    name = str(getattr(value.dtype, "name", value.dtype))
    return "float" in name or "complex" in name


def shape(value: Any) -> tuple[int, ...]:
    """The shape of an array. Raises ValueError where a graph leaves a length open."""
    found = tuple(value.shape)
    if any(n is None for n in found):
        raise ValueError(
            f"a tensor has the shape {found} in this graph; a definition runs at known lengths: give the function an "
            "input signature with them, or call it eagerly"
        )
    return tuple(int(n) for n in found)


def compiled(
    library: Library, inputs: Sequence[Node], output: Node, axes: Sequence[Axis]
) -> Callable[[Mapping[str, Any]], Any]:
    """The program as a function of arrays by name; each is reshaped to the axes of its input."""
    run = import_module(library.backend).compile([output], inputs)
    module = sys.modules[library.module]
    order = [output.axes.index(a) for a in axes]

    def apply(arrays: Mapping[str, Any]) -> Any:
        given = []
        for node in inputs:
            value, wanted = arrays[node.attr("name")], tuple(a.size for a in node.axes)
            if tuple(value.shape) != wanted:
                value = (
                    module.numpy.reshape(value, wanted) if library.module == "jax" else module.reshape(value, wanted)
                )
            given.append(value)
        result = run(*given)[0]
        return result if order == sorted(order) else library.transpose(module, result, order)

    return apply
