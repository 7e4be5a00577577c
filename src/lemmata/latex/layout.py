"""Handlers of what only lays out: spaces, lengths, switches, labels."""

from __future__ import annotations

from collections.abc import Iterable

from lemmata.latex import commands as c
from lemmata.latex.reader import Handler, Reader
from lemmata.latex.tree import Node, Phantom, Styled


def raw_arguments(reader: Reader, count: int) -> str | None:
    """Arguments that are no mathematics, joined with `}{`; optional ones (a colour's model) are passed over."""
    arguments = []
    for _ in range(count):
        skip_optional(reader)
        argument = reader.raw_argument()
        if argument is None:
            return None
        arguments.append(argument)
    return "}{".join(arguments)


def skip_optional(reader: Reader) -> None:
    if reader.texts[reader.at] == "[":
        reader.raw_argument("[", "]")


def _space(reader: Reader, text: str, at: int) -> Node:
    return Phantom(reader.starts[at], reader.ends[at], text, "", c.SPACES[text])


def _length(reader: Reader, text: str, at: int) -> Node:
    length = reader.length()
    if not length:
        return reader.gap(at, f"`{text}` lacks a length")
    return Phantom(reader.starts[at], reader.ends[reader.at - 1], text, length, _width(length))


def _width(length: str) -> float:
    """A length in em of a 10 point font; 0 where it is none."""
    length = length.replace(" ", "")
    try:
        return round(float(length[:-2]) * c.UNITS[length[-2:]], 3)
    except (KeyError, ValueError):
        return 0.0


def _layout(reader: Reader, text: str, at: int) -> Node:
    return Phantom(reader.starts[at], reader.ends[at], text)


def _layout_with_arguments(reader: Reader, text: str, at: int) -> Node:
    if reader.texts[reader.at] == "*":
        reader.at += 1
        command = text + "*"
    else:
        command = text
    argument = raw_arguments(reader, c.LAYOUT_WITH_ARGUMENTS[text])
    if argument is None:
        return reader.gap(at, f"`{text}` lacks an argument")
    width = _width(argument) if text == "\\hspace" else 0.0
    return Phantom(reader.starts[at], reader.ends[reader.at - 1], command, argument, width)


def _color(reader: Reader, text: str, at: int) -> Node:
    """\\color{c}{body} decorates the group; before anything else \\color{c} is a switch, layout only."""
    skip_optional(reader)
    color = reader.raw_argument()
    if color is None:
        return reader.gap(at, "`\\color` lacks its argument")
    end = reader.ends[reader.at - 1]
    if reader.texts[reader.skip_spaces()] == "{":
        body = reader.group()
        return Styled(reader.starts[at], body.end, text, body, color)
    return Phantom(reader.starts[at], end, text, color)


LAYOUT_HANDLERS: list[tuple[Handler, Iterable[str]]] = [
    (_color, ["\\color"]),
    (_space, c.SPACES),
    (_length, c.LENGTHS),
    (_layout, c.LAYOUT),
    (_layout_with_arguments, c.LAYOUT_WITH_ARGUMENTS),
]
"""Handlers with their commands."""
