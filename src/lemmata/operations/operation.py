"""What the catalogue says of an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from lemmata.program.node import Node


class Example(Struct, frozen=True):
    """Literal numbers, computed by hand: arguments as nested lists, attributes by axis position, and the value."""

    arguments: tuple[Any, ...]
    value: Any
    attrs: Mapping[str, Any] = field(default_factory=dict)
    """Axis attributes as positions in the first argument, or as letters of `axes`."""
    axes: tuple[str, ...] = ()
    """Where arguments share axes: a letter per dimension for each argument, and last for the value."""


class Operation(Struct, frozen=True):
    name: str
    spellings: tuple[str, ...]
    """Words as authors write them, without backslash."""
    description: str
    definition: Callable[..., Node]
    """(argument nodes, axis attributes) to primitives."""
    examples: tuple[Example, ...] = ()
    native: Mapping[str, str] = field(default_factory=dict)
    """The framework's own function by backend, where it is better than the definition."""
