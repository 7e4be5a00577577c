"""Messages between the check and its worker: a JSON header and the bytes of its arrays. Never pickle.

    4 bytes length of the header, 8 bytes length of the arrays, header, arrays

An array stands in the header as {"$array": [dtype, shape, offset, bytes]}.
"""

from __future__ import annotations

import json
import struct
from typing import Any

HEAD = struct.Struct("!IQ")
KINDS = "fiub"
"""Arrays are real numbers, whole numbers or truth values, in native byte order."""


class BadMessage(Exception):
    """The bytes are no message of this kind."""


def pack(message: dict[str, Any]) -> bytes:
    """The bytes of a message: JSON data that may hold NumPy arrays, real and contiguous or not."""
    chunks: list[bytes] = []
    total = 0

    def spell(value: object) -> object:
        nonlocal total
        if hasattr(value, "tobytes") and hasattr(value, "dtype") and hasattr(value, "shape"):
            data = value.tobytes()
            chunks.append(data)
            start, total = total, total + len(data)
            return {"$array": [value.dtype.str, list(value.shape), start, len(data)]}
        raise TypeError(f"{type(value).__name__} is no data")

    header = json.dumps(message, default=spell).encode("utf-8", errors="replace")
    return HEAD.pack(len(header), total) + header + b"".join(chunks)


def unpack(header: bytes, arrays: bytes) -> dict[str, Any]:
    """The message of these bytes, which may come from a hostile process. Raises BadMessage."""

    def read(data: dict[str, Any]) -> Any:
        if "$array" not in data:
            return data
        import numpy as np

        dtype, shape, start, size = data["$array"]
        kind = np.dtype(str(dtype))
        if kind.kind not in KINDS or start < 0 or size < 0 or start + size > len(arrays):
            raise BadMessage("an array outside the message")
        return np.frombuffer(arrays[start : start + size], dtype=kind).reshape([int(n) for n in shape]).copy()

    try:
        message = json.loads(header.decode("utf-8"), object_hook=read)
    except (ValueError, TypeError, KeyError, RecursionError, MemoryError, OverflowError) as error:
        raise BadMessage(f"not a message: {type(error).__name__}") from None
    if not isinstance(message, dict):
        raise BadMessage("not a message: no object")
    return message
