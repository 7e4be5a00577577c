"""LaTeX to notation tree."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from lemmata.latex.macros import EXPANDED, Macro, TooManyExpansions, compile_macro, expand
from lemmata.latex.reader import MAX_DEPTH, Reader, TooDeep
from lemmata.latex.structures import HANDLERS
from lemmata.latex.tokens import tokenize
from lemmata.latex.tree import Environment, Gap, Row

MAX_LENGTH = 1_000_000
"""Characters of a formula that is read; beyond, it is a text that lost its closing dollar sign."""


def parse(
    latex: str,
    macros: Mapping[str, str | Macro] | None = None,
    *,
    definitions: MutableMapping[str, Any] | None = None,
) -> Row:
    """The notation tree of one formula. Never raises: what cannot be read is a `Gap`.

    macros: bodies by name (`\\R` or `R`), with #1, #2, ... where arguments go.
    definitions: the Macros that earlier formulas of the document defined; those of this formula are added.
    """
    if len(latex) > MAX_LENGTH:
        return _unread(latex, f"the formula has more than {MAX_LENGTH} characters")
    tokens = tokenize(latex)
    table = {}
    if macros:
        table = {_command(name): compile_macro(body) for name, body in macros.items()}
    if definitions:
        table |= definitions
    try:
        if not (EXPANDED.isdisjoint(tokens.texts) and table.keys().isdisjoint(tokens.texts)):
            tokens = expand(tokens, table, definitions)
        reader = Reader(latex, tokens, HANDLERS)
        rows = reader.rows()
    except TooManyExpansions as problem:
        return _unread(latex, str(problem))
    except (TooDeep, RecursionError):
        return _unread(latex, f"groups are nested more than {MAX_DEPTH} deep")
    if len(rows) == 1 and len(rows[0]) == 1:
        return Row(0, len(latex), rows[0][0].items)
    return Row(0, len(latex), (Environment(0, len(latex), "aligned", rows),))


def _command(name: str) -> str:
    return name if name.startswith("\\") or not name[:1].isalpha() else "\\" + name


def _unread(latex: str, reason: str) -> Row:
    return Row(0, len(latex), (Gap(0, len(latex), latex, reason),))
