r"""How people type the document's names: `\hat y` as y_hat, `W^Q` and `W_i^Q` as W_Q, `d_{\text{model}}` as d_model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lemmata.code.spelling import FONTS, spellings

FONT = re.compile(r"\\(?:" + "|".join(sorted(FONTS)) + r")(?![A-Za-z])")


def plain(name: str) -> str:
    """A name without fonts, braces and backslashes; superscripts become subscripts."""
    return re.sub(r"[\\{}\s]", "", FONT.sub("", name)).replace("^", "_")


def resolve(wanted: str, names: Iterable[tuple[str, str]]) -> str | None:
    """The name that is meant among (name, its LaTeX): as written, as plain text, or as programmers spell it.

    None where nothing, or more than one name, fits equally well.
    """
    known = list(names)
    if any(name == wanted for name, _ in known):
        return wanted
    tests = (
        lambda name, latex: wanted == latex,
        lambda name, latex: plain(wanted) in (plain(name), plain(latex)),
        lambda name, latex: wanted in (*spellings(name)[:1], *spellings(latex)[:1]),
        lambda name, latex: wanted in spellings(name) or wanted in spellings(latex),
    )
    for test in tests:
        found = {name for name, latex in known if test(name, latex)}
        if len(found) == 1:
            return found.pop()
        if found:
            return None
    return None
