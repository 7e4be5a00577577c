"""What the variables of a document hold at every step, so that a value can be judged with the inputs of its time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lemmata.code.worker import arrays

STEPS, REPEATS, NAMES = 1000, 2, 200
BUDGET = 256 * 2**20
"""Bytes kept for all steps of a document; afterwards nothing more is recorded."""
LOOK = 32
"""Comparing so many bytes with those kept costs no more than keeping one."""


class Recorder:
    """Keeps states: names (`w`, `w.grad`, `model.weight`) with the key of an array each; equal arrays are kept once."""

    def __init__(self, names: dict[str, Any], most: int) -> None:
        self.cell = 0
        self.steps: list[dict[str, Any]] = []
        self.seen: list[dict[str, Any]] = []
        self.store: dict[str, Any] = {}
        self._names = names
        self._most = most
        self._count: dict[tuple[int, int], int] = {}
        self._known: dict[str, tuple[object, int | None, str]] = {}
        self._budget = BUDGET

    def step(self, line: int, assigned: tuple[str, ...]) -> None:
        """After a statement."""
        place = (self.cell, line)
        self._count[place] = self._count.get(place, 0) + 1
        if self._count[place] > REPEATS or len(self.steps) >= STEPS or self._budget <= 0:
            return
        self.steps.append({"cell": self.cell, "line": line, "assigned": list(assigned), "state": self.state()})

    def value(self, line: int, label: str, value: Any) -> Any:
        """A value on its way to `print`."""
        if len(self.seen) < STEPS and self._budget > 0:
            try:
                key = self._keep(label, value)
                if key is not None:
                    self.seen.append(
                        {"cell": self.cell, "line": line, "label": label, "key": key, "state": self.state()}
                    )
            except Exception:  # a value may do anything when looked at; that is no fault of the cell
                pass
        return value

    def state(self) -> dict[str, str]:
        """Every numeric variable by name, with the key of its array."""
        found: dict[str, str] = {}
        for name, value in list(self._names.items()):
            if name.startswith("_") or len(found) >= NAMES:
                continue
            try:
                for path, part in _parts(name, value):
                    key = self._keep(path, part)
                    if key is not None:
                        found[path] = key
            except Exception:  # as above
                continue
        return found

    def _keep(self, path: str, value: object) -> str | None:
        """The key of the value, which is kept unless an equal one is; None if it is no array of numbers."""
        known = self._known.get(path)
        version = _version(value)
        if known is not None and known[0] is value and version is not None and known[1] == version:
            return known[2]
        array = arrays.to_numpy(value, self._most)
        if array is None:
            return None
        if known is not None and known[0] is value and _same(array, self.store[known[2]]):
            self._budget -= array.nbytes // LOOK
            return known[2]
        key = self._filed(array)
        self._known[path] = (value, version, key)
        return key

    def _filed(self, array: Any) -> str:
        """The key under which an array equal to this one is in the store from now on."""
        data = array.tobytes()
        self._budget -= len(data) + 64
        key = f"{hash(data) & (2**64 - 1):016x}:{array.dtype.str}:{array.shape}"
        while key in self.store and not _same(array, self.store[key]):
            key += "'"
        if key not in self.store:
            self.store[key] = type(array)(array.shape, array.dtype, data)
        return key


def _version(value: object) -> int | None:
    """What grows whenever the value is changed in place; None if nothing tells."""
    if arrays.is_torch(value):
        return int(value._version)  # type: ignore[attr-defined]
    return 0 if arrays.framework(value) in ("python", "jax") else None


def _same(array: Any, kept: Any) -> bool:
    """Whether two contiguous arrays agree bit for bit."""
    if array.dtype != kept.dtype or array.shape != kept.shape:
        return False
    bits = f"u{array.itemsize}"
    return bool((array.reshape(-1).view(bits) == kept.reshape(-1).view(bits)).all())


def _parts(name: str, value: object) -> list[tuple[str, object]]:
    """The value with the arrays that belong to it: a gradient, the parameters of a module."""
    if arrays.is_torch(value):
        found: list[tuple[str, object]] = [(name, value)]
        if value.is_leaf and value.grad is not None:  # type: ignore[attr-defined]
            found.append((f"{name}.grad", value.grad))  # type: ignore[attr-defined]
        return found
    torch = arrays.loaded("torch")
    if torch is not None and isinstance(value, torch.nn.Module):
        parts = list(value.named_parameters())[:24]
        return [(f"{name}.{p}", v) for p, v in parts] + [
            (f"{name}.{p}.grad", v.grad) for p, v in parts if v.grad is not None
        ]
    return [(name, value)] if arrays.framework(value) else []


def states(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries with states as differences to the entry before: changed names, and None for names that are gone."""
    before: Mapping[str, str] = {}
    result = []
    for entry in entries:
        now = entry["state"]
        change: dict[str, str | None] = {n: k for n, k in now.items() if before.get(n) != k}
        change |= {n: None for n in before if n not in now}
        result.append({**entry, "state": change})
        before = now
    return result
