"""The catalogue of operations: each one value in one file; discovery is `catalogue()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from lemmata.operations.operation import Operation
from lemmata.program import build
from lemmata.program.node import Node

__all__ = ["Operation", "call", "catalogue", "define", "did_you_mean", "lookup"]


@cache
def catalogue() -> Mapping[str, Operation]:
    """Every operation by name: the `OPERATION` of each module of this package."""
    found: dict[str, Operation] = {}
    for module in iter_modules(__path__):
        value = getattr(import_module(f"{__name__}.{module.name}"), "OPERATION", None)
        if isinstance(value, Operation):
            found[value.name] = value
    return found


def define(name: str, args: tuple[Node, ...], attrs: Mapping[str, Any]) -> Node:
    """The definition of an operation at these arguments. Raises KeyError for an unknown name."""
    operation = import_module(f"{__name__}.{name}").OPERATION
    result = operation.definition(*args, **attrs)
    assert isinstance(result, Node)
    return result


def call(name: str, args: Sequence[Node], **attrs: Any) -> Node:
    """A call node of an operation at these arguments, its definition beside it."""
    return build.call(name, args, define(name, tuple(args), attrs), tuple(sorted(attrs.items())))


def lookup(spelling: str) -> Operation | None:
    """The operation that an author spells so."""
    for operation in catalogue().values():
        if spelling in operation.spellings:
            return operation
    return None


def did_you_mean(spelling: str) -> str | None:
    """The nearest known spelling of a word nobody defined."""
    known = [s for o in catalogue().values() for s in o.spellings]
    near = get_close_matches(spelling, known, n=1, cutoff=0.75)
    return near[0] if near else None
