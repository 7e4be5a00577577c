"""Unicode characters in mathematics: styled letters, full-width forms, raised and lowered characters."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from lemmata.latex.symbols import CHARACTERS, SYMBOL_KINDS
from lemmata.latex.tokens import UNREADABLE
from lemmata.latex.tree import Font, Gap, Node, Number, Symbol

_FONT_WORDS = (
    ("DOUBLE-STRUCK", "\\mathbb"),
    ("BOLD ITALIC", "\\boldsymbol"),
    ("SANS-SERIF", "\\mathsf"),
    ("BOLD", "\\mathbf"),
    ("BLACK-LETTER", "\\mathfrak"),
    ("FRAKTUR", "\\mathfrak"),
    ("SCRIPT", "\\mathscr"),
    ("MONOSPACE", "\\mathtt"),
)

_INVISIBLE = frozenset("\u200b\u200c\u200d\u2060\ufeff\u2061\u2062\u2063\u2064\ufe0e\ufe0f")


@lru_cache(maxsize=4096)
def _reading(character: str) -> tuple[str, str, str]:
    """(font, name, kind) of a character that is no ASCII symbol; kind `digit`, `space` or empty where it is that."""
    if character in _INVISIBLE or character.isspace():
        return "", "", "space"
    if character == UNREADABLE or character in "#$\\":
        return "", character, ""
    name = CHARACTERS.get(character)
    if name is not None:
        return "", name, SYMBOL_KINDS.get(name, "prime")
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 1 and plain != character:
        title = unicodedata.name(character, "")
        full_width = title.startswith(("FULLWIDTH", "HALFWIDTH"))
        font = "" if full_width else next((f for word, f in _FONT_WORDS if word in title), "")
        if plain.isascii() and plain.isdigit():
            return font, plain, "digit"
        plain = CHARACTERS.get(plain, plain)
        if plain in SYMBOL_KINDS and (font or full_width or not plain.isascii() or title.startswith("MATHEMATICAL")):
            return font, plain, SYMBOL_KINDS[plain]
        if full_width and plain.isascii():
            return "", "\\" + plain if plain in "%&_#$" else character, "other"
    return "", character, "letter" if character.isalpha() else "other"


def character(text: str, start: int, end: int, source: str) -> Node | None:
    """The node of one character that is no plain symbol; None for a space.

    ℝ is \\mathbb R, full-width forms are their ASCII counterparts, CJK and other letters are letters.
    """
    font, name, kind = _reading(text)
    if kind == "space":
        return None
    if not kind:
        return Gap(start, end, source[start:end], f"the character U+{ord(source[start]):04X} has no meaning here")
    if kind == "digit":
        node: Node = Number(start, end, name)
    else:
        node = Symbol(start, end, name, kind)
    return Font(start, end, font, node) if font else node


def _script_characters(tag: str) -> dict[str, str]:
    """Characters that Unicode decomposes as `<super>` or `<sub>`, with the plain character."""
    ranges = (
        range(0xAA, 0xBB),
        range(0x2B0, 0x2FF),
        range(0x1D2C, 0x1DC0),
        range(0x2070, 0x20A0),
        range(0x2C7C, 0x2C7E),
    )
    found = {}
    for code in (code for part in ranges for code in part):
        words = unicodedata.decomposition(chr(code)).split()
        if len(words) == 2 and words[0] == tag:
            plain = chr(int(words[1], 16))
            found[chr(code)] = "-" if plain == "\u2212" else plain
    return found


SUPERSCRIPTS = _script_characters("<super>")
SUBSCRIPTS = _script_characters("<sub>")
