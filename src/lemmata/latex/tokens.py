"""LaTeX text to tokens: one regular expression, every character in exactly one token."""

from __future__ import annotations

import re
from itertools import accumulate

from msgspec import Struct

_TOKEN = re.compile(
    r"""
    \\(?:[a-zA-Z]+|\s+|.)                 # a command, a control space, a control symbol
    | [a-zA-Z0-9{}()_^&=+\-,|*/<>']
    | \s+
    | %[^\n]*(?:\n\s*)?                   # a comment takes the line end and the next line's indentation
    | \#[1-9]                             # a macro parameter
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_VERB = re.compile(r"\\verb\*?([^a-zA-Z*\n]).{0,400}?\1")
_CONTROL_CHARACTER = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

UNREADABLE = "\ufffd"
"""Stands for a control character or half a surrogate pair."""


class Tokens(Struct):
    """Parallel lists: the text of each token and where it stands; texts ends with one empty string more."""

    texts: list[str]
    starts: list[int]
    ends: list[int]


def tokenize(latex: str) -> Tokens:
    """The tokens of a formula; joined, they are the formula (control characters replaced, one for one)."""
    if _CONTROL_CHARACTER.search(latex):
        latex = _CONTROL_CHARACTER.sub(UNREADABLE, latex)
    texts = _TOKEN.findall(latex) if "\\verb" not in latex else _tokens_with_verb(latex)
    ends = list(accumulate(map(len, texts)))
    starts = [0, *ends]
    ends.append(len(latex))
    texts.append("")
    tokens = Tokens(texts, starts, ends)
    return _with_set_braces(tokens) if "\\\\}" in latex and "\\\\{" in latex else tokens


def _tokens_with_verb(latex: str) -> list[str]:
    texts: list[str] = []
    at = 0
    for verb in _VERB.finditer(latex):
        texts += _TOKEN.findall(latex, at, verb.start())
        texts.append(verb.group())
        at = verb.end()
    return texts + _TOKEN.findall(latex, at)


def _with_set_braces(tokens: Tokens) -> Tokens:
    """`\\\\{a, b\\\\}`, written for a Markdown processor that halves backslashes, as the set `\\{a, b\\}`.

    A group right after a line break that ends in a line break can be nothing else.
    """
    texts = tokens.texts
    opened: list[int] = []
    doubled: set[int] = set()
    for at, text in enumerate(texts):
        if text == "{":
            opened.append(at)
        elif text == "}" and opened:
            opening = opened.pop()
            if texts[at - 1] == "\\\\" and opening and texts[opening - 1] == "\\\\" and opening < at - 1:
                doubled |= {opening, at}
    merged = Tokens([], [], [])
    for at, text in enumerate(texts):
        if at in doubled:
            merged.texts[-1] = "\\" + text
            merged.ends[-1] = tokens.ends[at]
        else:
            merged.texts.append(text)
            merged.starts.append(tokens.starts[at])
            merged.ends.append(tokens.ends[at])
    return merged
