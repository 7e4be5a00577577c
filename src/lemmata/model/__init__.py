"""The document as a model: its functions on arrays and tensors, its definitions as trainable modules."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lemmata.model.functions import Model

__all__ = ["load"]


def load(path: str | PathLike[str]) -> Model:
    """The functions and values that the document at `path` defines.

    Raises OSError where there is no readable document.
    """
    from lemmata.documents import read
    from lemmata.elaborate.document import elaborate
    from lemmata.lower.targets import targets
    from lemmata.model.functions import Function, Model

    document = read(fspath(path))
    if any(d.severity == "error" for d in document.diagnostics) and not document.blocks:
        raise OSError(f"{fspath(path)}: {document.diagnostics[0].message}")
    found: dict[str, Function] = {}
    elaboration = elaborate(document)
    for target in targets(elaboration):
        if target.kind in ("function", "value") and not target.operations:
            function = Function.of(target)
            found.setdefault(function.name, function)
    return Model(fspath(path), found, tuple((a, b) for _, a, b in elaboration.roles.size_equations))
