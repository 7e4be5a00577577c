"""Words inside mathematics: \\text{...} with its inline formulas, and operator names."""

from __future__ import annotations

from lemmata.latex import commands as c
from lemmata.latex.reader import Reader
from lemmata.latex.tree import Font, Gap, Node, Number, Phantom, Row, Symbol, TextRun

_IN_TEXT = frozenset().union(
    c.TEXT_MODE_COMMANDS, c.TEXT_BOXES, c.TEXTS, c.SPACES, c.LAYOUT, c.LAYOUT_WITH_ARGUMENTS, c.FONT_SWITCHES
) | {name for name in c.ACCENTS if not name[1:].isalpha() or len(name) == 2}
_ROMAN = frozenset(r"\mathrm \mathup \symrm \text \textrm \textnormal \textup \mbox \hbox \rm".split())


def text_argument(reader: Reader, command: str, at: int) -> Node:
    """The argument of a text command; `at` is where the command stands (the argument itself for an empty command)."""
    texts = reader.texts
    opening = reader.skip_spaces()
    if texts[opening] != "{":
        raw = reader.raw_argument()
        if raw is None:
            return reader.gap(at, f"`{command}` lacks its argument")
        last = reader.at - 1
        strange = (_stranger(reader, last),) if _is_strange(raw) else ()
        return TextRun(reader.starts[at], reader.ends[last], command, raw, strange)
    reader.at = opening + 1
    words: list[str] = []
    parts: list[Node] = []
    depth = 1
    while text := texts[reader.at]:
        here = reader.at
        reader.at = here + 1
        if text == "$" or text == "\\(":
            parts.append(_inline(reader, here, "$" if text == "$" else "\\)"))
        elif text == "{":
            depth += 1
        elif text == "}":
            depth -= 1
            if depth == 0:
                end = reader.ends[here]
                return TextRun(reader.starts[at], end, command, "".join(words), tuple(parts))
        elif _is_strange(text):
            parts.append(_stranger(reader, here))
        words += [t for t in texts[here : reader.at] if t[0] != "%"]
    return reader.gap(at, f"`{command}{{` is never closed")


def _is_strange(text: str) -> bool:
    """Whether it is a command of mathematics, which words do not hold."""
    return text[0] == "\\" and text[1:].isalpha() and text not in _IN_TEXT


def _stranger(reader: Reader, at: int) -> Gap:
    text = reader.texts[at]
    return Gap(reader.starts[at], reader.ends[at], text, f"`{text}` among words")


def _inline(reader: Reader, at: int, closing: str) -> Node:
    reader.closers.append(closing)
    row = reader.row()
    reader.closers.pop()
    if reader.texts[reader.at] != closing:
        return reader.gap(at, f"`{reader.texts[at]}` is never closed")
    reader.at += 1
    return row


def operator_word(body: Node) -> str | None:
    """The word that an operator's argument spells, `arg max` of `arg\\,max`; None if it is no word."""
    word = _spelled(body)
    if word is None:
        return None
    word = " ".join(word.split())
    return word if any(char.isalpha() for char in word) else None


def _spelled(node: Node) -> str | None:
    match node:
        case Number(text=text):
            return text
        case Symbol(name=name, kind="letter") if len(name) == 1:
            return name
        case Symbol(name="-" | "*" | "/" as name):
            return name
        case Symbol(name="\\_"):
            return "_"
        case Symbol(name=name, kind="op") if name != "\\Pr":
            return f" {name.removeprefix(chr(92))} "
        case Phantom(width=width, argument=""):
            return " " if width > 0 else ""
        case Font(command=command, body=inner) if command in _ROMAN:
            return _spelled(inner)
        case TextRun(command=command, text=text, parts=()) if command in _ROMAN and text.replace(" ", "").isalnum():
            return text
        case Row(items=items):
            parts = [_spelled(item) for item in items]
            return None if None in parts else "".join(map(str, parts))
    return None
