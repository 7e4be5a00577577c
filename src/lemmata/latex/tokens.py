"""LaTeX text to tokens: one regular expression, every character in exactly one token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

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


@dataclass(slots=True)
class Tokens:
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
    return Tokens(texts, starts, ends)


def _tokens_with_verb(latex: str) -> list[str]:
    texts: list[str] = []
    at = 0
    for verb in _VERB.finditer(latex):
        texts += _TOKEN.findall(latex, at, verb.start())
        texts.append(verb.group())
        at = verb.end()
    return texts + _TOKEN.findall(latex, at)
