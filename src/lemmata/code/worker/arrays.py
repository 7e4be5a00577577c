"""Values of any framework as NumPy arrays and back. A framework is touched only if the document imported it."""

from __future__ import annotations

import sys
from typing import Any

FRAMEWORKS = ("torch", "tensorflow", "jax", "numpy")


def loaded(name: str) -> Any:
    """The module if the document has imported it, else None."""
    return sys.modules.get(name)


def is_torch(value: object) -> bool:
    torch = loaded("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def framework(value: object) -> str:
    """`torch`, `numpy`, `tensorflow`, `jax`, `python`; empty for what is no number or array."""
    if isinstance(value, (bool, int, float)):
        return "python"
    if is_torch(value):
        return "torch"
    numpy = loaded("numpy")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return "numpy"
    home = type(value).__module__.split(".")[0]
    if home in ("tensorflow", "keras") and hasattr(value, "numpy"):
        return "tensorflow"
    if home in ("jax", "jaxlib") and hasattr(value, "shape") and hasattr(value, "dtype"):
        return "jax"
    return ""


def to_numpy(value: object, most: int) -> Any:
    """The value as an array of real numbers; None if it is none or has more than `most` bytes."""
    kind = framework(value)
    if not kind:
        return None
    import numpy as np

    if kind == "torch":
        if value.numel() * value.element_size() > most or value.is_sparse or value.is_quantized:  # type: ignore[attr-defined]
            return None
        tensor = value.detach().cpu()  # type: ignore[attr-defined]
        if str(tensor.dtype) in ("torch.bfloat16", "torch.float16"):
            tensor = tensor.float()
        array = tensor.resolve_conj().numpy() if not tensor.is_complex() else None
    elif kind == "tensorflow":
        array = value.numpy()  # type: ignore[attr-defined]
    elif kind == "python" and isinstance(value, int) and abs(value) >= 2**63:
        array = None
    else:
        array = np.asarray(value)
    if array is None or array.dtype.kind not in "fiub" or array.dtype.itemsize > 8 or array.nbytes > most:
        return None
    return np.ascontiguousarray(array).reshape(array.shape)


def from_numpy(array: Any, like: str, double: bool = True) -> Any:
    """A value of framework `like` from an array; real numbers in double precision, or single."""
    import numpy as np

    if array.dtype.kind == "f":
        array = array.astype(np.float64 if double else np.float32)
    if like == "torch":
        return loaded("torch").from_numpy(array.copy())
    if like == "tensorflow":
        return loaded("tensorflow").constant(array)
    if like == "jax":
        return loaded("jax").numpy.asarray(array)
    return array.copy()


def dtype_name(value: object) -> str:
    """`float32`, `int64`, ... of an array; the type's name of a number."""
    kind = getattr(value, "dtype", None)
    return (
        type(value).__name__
        if kind is None
        else str(kind).removeprefix("torch.").split("'")[-2 if "'" in str(kind) else -1]
    )
