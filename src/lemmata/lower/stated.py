"""What every target has that the document states beside its definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from msgspec import Struct

from lemmata.code.target import CannotLower, Parameter, Value
from lemmata.elaborate.statement import Statement


class Stated(Struct, frozen=True):
    """A `Target` without parameters: where it stands, and why it has no value alone."""

    key: str
    latex: str
    line: int
    statement: Statement

    kind: ClassVar[str]
    valueless: ClassVar[str] = ""
    parameters: ClassVar[Sequence[Parameter]] = ()
    subject: ClassVar[str | None] = None
    sizes: ClassVar[Sequence[str]] = ()

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """Raises CannotLower."""
        raise CannotLower(self.valueless)
