"""Types of the core language: tensors with symbolic shapes."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from lemmata.core.size import Size


class Tensor(Struct, frozen=True):
    """A value with one axis per entry of `shape`; () is a number."""

    shape: tuple[Size, ...] = ()
    row: bool = False
    """Vectors only: written as a row (a transposed column). A column otherwise."""
    dtype: str = "real"
    """`real`, `int`, `bool` or `complex`."""

    @property
    def rank(self) -> int:
        return len(self.shape)

    def substitute(self, solution: Mapping[str, Size]) -> Tensor:
        return replace(self, shape=tuple(s.substitute(solution) for s in self.shape))

    def __str__(self) -> str:
        if not self.shape:
            return "number" if self.dtype != "bool" else "condition"
        body = " × ".join(str(s) for s in self.shape)
        if self.rank == 1:
            return f"row {body}" if self.row else body
        return body


SCALAR = Tensor()
INTEGER = Tensor(dtype="int")
BOOL = Tensor(dtype="bool")


def join_dtype(*types: Tensor) -> str:
    """The dtype of arithmetic on these: complex wins, then real, then int."""
    names = {t.dtype for t in types}
    return "complex" if "complex" in names else "real" if "real" in names else "int"
