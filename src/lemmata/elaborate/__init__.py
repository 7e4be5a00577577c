"""Notation becomes statements over the core language, with roles, readings and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lemmata.documents.model import Document
    from lemmata.elaborate.document import Elaboration


def elaborate(document: Document) -> Elaboration:
    """What every formula of the document says. Never raises for what the document holds."""
    from lemmata.elaborate.document import elaborate as run

    return run(document)


__all__ = ["elaborate"]
