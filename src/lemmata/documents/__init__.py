"""Reading documents: files to `Document`, prose, formulas and code cells with exact positions.

    read(path)                        a file, whatever its state
    read_text(source, path, format)   text already in hand
    find(paths)                       the documents that paths name, folders expanded

Importing this package is cheap; the parsers are loaded when a document is read.
"""

from __future__ import annotations

from lemmata.documents.files import SUFFIXES, find, read, read_text
from lemmata.documents.model import Block, CodeCell, Document, Formula, Inline, Position, Span, Text

__all__ = [
    "SUFFIXES",
    "Block",
    "CodeCell",
    "Document",
    "Formula",
    "Inline",
    "Position",
    "Span",
    "Text",
    "find",
    "read",
    "read_text",
]
