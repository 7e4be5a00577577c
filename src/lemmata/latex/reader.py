"""The heart of the reader: rows of atoms, scripts, groups and arguments. What each command takes is in structures."""

from __future__ import annotations

import re
from collections.abc import Callable

from lemmata.latex.characters import character
from lemmata.latex.commands import DELIMITERS, INFIX_FRACTIONS, RULES, SPACES, UNITS
from lemmata.latex.scripts import SCRIPT_STARTS, read_scripts
from lemmata.latex.symbols import CHARACTERS, SYMBOL_KINDS
from lemmata.latex.tokens import Tokens
from lemmata.latex.tree import Fraction, Gap, Node, Number, Phantom, Row, Symbol, TextRun

MAX_DEPTH = 50
"""Groups within groups that are read; people write up to about ten."""

LINE_ENDS = frozenset(["\\\\", "\\cr", "\\newline"])
_CLOSERS = frozenset(["}", "\\right", "\\end", "$", "\\)", "&"]) | LINE_ENDS
_KINDS = {name: kind for name, kind in SYMBOL_KINDS.items() if name != "."}
"""A point may begin a number or an ellipsis, so it has a handler."""
DIGITS = frozenset("0123456789")
_LENGTH = re.compile(rf"[-+]?\s*(?:[0-9]+\.?[0-9]*|\.[0-9]+)\s*(?:{'|'.join(UNITS)})")

Handler = Callable[["Reader", str, int], "Node | None"]
"""Reads what follows a command; gets its name and the index of its token, gives None where it shows nothing."""


class TooDeep(Exception):
    """More groups within groups than MAX_DEPTH."""


class Reader:
    """One pass over the tokens of one formula.

    `closers` holds what the open constructs wait for, innermost last: `}`, `\\right`, `\\end`, `]`, `$`, or the empty
    string for the formula itself.
    """

    __slots__ = ("at", "closers", "depth", "ends", "handlers", "source", "starts", "texts")

    def __init__(self, source: str, tokens: Tokens, handlers: dict[str, Handler]) -> None:
        self.source = source
        self.texts = tokens.texts
        self.starts = tokens.starts
        self.ends = tokens.ends
        self.handlers = handlers
        self.at = 0
        self.closers = [""]
        self.depth = 0

    # rows

    def sequence(self, before_infix: bool = False) -> list[Node]:
        """The items up to what closes the innermost construct, which is left; `a \\over b` becomes one item.

        before_infix: stop before `\\over` and its like too.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeep
        texts, starts, ends, handlers = self.texts, self.starts, self.ends, self.handlers
        kind_of = _KINDS.get
        items: list[Node] = []
        infix = ""
        split = 0
        node: Node | None
        while True:
            at = self.at
            text = texts[at]
            kind = kind_of(text)
            if kind is not None:
                if kind == "close" and text == "]" == self.closers[-1]:
                    break
                self.at = at + 1
                node = Symbol(starts[at], ends[at], text, kind)
            elif text < "!":
                if not text:
                    break
                self.at = at + 1
                continue
            elif text in _CLOSERS:
                if self._closes(text):
                    break
                self.at = at + 1
                node = self._stray(text, at)
            elif text in INFIX_FRACTIONS:
                if before_infix:
                    break
                self.at = at + 1
                if not infix:
                    infix = text + "{" + self.length() + "}" if text == "\\above" else text
                    split = len(items)
                    continue
                node = self.gap(at, f"a second `{text}` in one group")
            else:
                self.at = at + 1
                handler = handlers.get(text)
                node = handler(self, text, at) if handler is not None else self.other(text, at)
                if node is None:
                    continue
            following = texts[self.at]
            while following < "!" and following:
                self.at += 1
                following = texts[self.at]
            if following in SCRIPT_STARTS:
                node = read_scripts(self, node, items)
            items.append(node)
        self.depth -= 1
        if infix:
            bottom = self._row(items[split:], ends[self.at - 1])
            top = self._row(items[:split], bottom.start)
            return [Fraction(top.start, bottom.end, top, bottom, infix)]
        return items

    @staticmethod
    def _row(items: list[Node], start: int) -> Row:
        return Row(items[0].start, items[-1].end, tuple(items)) if items else Row(start, start, ())

    def row(self, before_infix: bool = False) -> Row:
        """The items of `sequence` as a row."""
        start = self.starts[self.at]
        return self._row(self.sequence(before_infix), start)

    def rows(self) -> tuple[tuple[Row, ...], ...]:
        """Rows of cells, up to what closes the innermost construct; last rows with nothing to read are left out."""
        rows: list[tuple[Row, ...]] = []
        cells: list[Row] = []
        while True:
            cells.append(self.row())
            text = self.texts[self.at]
            if text == "&":
                self.at += 1
            elif text in LINE_ENDS:
                self.at += 1
                self._skip_row_distance()
                rows.append(tuple(cells))
                cells = []
            else:
                break
        rows.append(tuple(cells))
        while len(rows) > 1 and _is_blank(rows[-1]):
            rows.pop()
        return tuple(rows)

    def _skip_row_distance(self) -> None:
        if self.texts[self.at] == "*":
            self.at += 1
        if self.texts[self.at] == "[":
            inside = "".join(self.texts[self.at + 1 : self.at + 9]).partition("]")
            if inside[1] and _LENGTH.fullmatch(inside[0].strip()):
                self.at = self.texts.index("]", self.at) + 1

    def _closes(self, text: str) -> bool:
        if text == "&" or text in LINE_ENDS:
            return self.closers[-1] in ("", "\\end")
        return text in self.closers

    def _stray(self, text: str, at: int) -> Node:
        if text in LINE_ENDS:
            self._skip_row_distance()
            return Phantom(self.starts[at], self.ends[self.at - 1], "\\\\")
        if text == "\\right":
            self.delimiter()
        elif text == "\\end":
            self.raw_argument()
        return self.gap(at, f"`{text}` closes nothing" if text != "&" else "`&` outside rows and cells")

    # atoms

    def other(self, text: str, at: int) -> Node | None:
        """Characters beyond ASCII, comments, and commands nobody knows."""
        start, end = self.starts[at], self.ends[at]
        if text == "%":
            return Symbol(start, end, "\\%", "other")  # a comment of nothing is somebody's percent sign
        if len(text) == 1 and text != "\\":
            return character(text, start, end, self.source)
        if text[0] == "%":
            return None
        if text[1:].isspace():
            return Phantom(start, end, "\\ ", "", SPACES["\\ "])
        if text.startswith("\\?") and len(text) > 2:
            return Gap(start, end, self.source[start:end], text[2:])
        if text.startswith("\\verb") and len(text) > 6:
            command = "\\verb*" if text[5] == "*" else "\\verb"
            return TextRun(start, end, command, text[len(command) + 1 : -1])
        return Gap(start, end, self.source[start:end], f"unknown command `{text}`")

    def gap(self, at: int, reason: str) -> Gap:
        """A gap from token `at` up to where the reader stands, spaces before that left out."""
        last = self.at - 1
        while last > at and self.texts[last] < "!":
            last -= 1
        start = self.starts[at]
        end = max(start, self.ends[last]) if last >= at else start
        return Gap(start, end, self.source[start:end], reason)

    # arguments

    def skip_spaces(self) -> int:
        """The index of the next token that is no space or comment."""
        at = self.at
        while ((text := self.texts[at]) < "!" and text) or text[:1] == "%":
            at += 1
        self.at = at
        return at

    def group(self) -> Node:
        """{...}"""
        opening = self.at
        self.at = opening + 1
        self.closers.append("}")
        items = self.sequence()
        self.closers.pop()
        if self.texts[self.at] != "}":
            return self.gap(opening, "`{` is never closed")
        self.at += 1
        return Row(self.starts[opening], self.ends[self.at - 1], tuple(items), True)

    def argument(self, owner: str) -> Node:
        """A group, one symbol, one digit, or one command with its own arguments; a gap where there is none."""
        while True:
            at = self.skip_spaces()
            text = self.texts[at]
            if text == "{":
                return self.group()
            kind = SYMBOL_KINDS.get(text)
            if kind is not None and not (text == "]" == self.closers[-1]):
                self.at = at + 1
                return Symbol(self.starts[at], self.ends[at], text, kind)
            if kind is not None or not text or text in _CLOSERS or text in SCRIPT_STARTS or text in INFIX_FRACTIONS:
                return Gap(self.starts[at], self.starts[at], "", f"{owner} lacks its argument")
            self.at = at + 1
            if text in DIGITS:
                return Number(self.starts[at], self.ends[at], text)
            handler = self.handlers.get(text)
            if handler is None:
                node = self.other(text, at)
            else:
                self.depth += 1
                if self.depth > MAX_DEPTH:
                    raise TooDeep
                node = handler(self, text, at)
                self.depth -= 1
            if type(node) is Phantom:
                return self.gap(at, f"`{text}` is no argument for {owner}")
            if node is not None:
                return node

    def raw_argument(self, opening: str = "{", closing: str = "}") -> str | None:
        """The source text of a group (or the next token) that is no mathematics; None where it is missing.

        Of a group that is never closed everything up to the end is taken.
        """
        at = self.skip_spaces()
        texts = self.texts
        if texts[at] != opening:
            if opening == "[" or not texts[at] or texts[at] in _CLOSERS:
                return None
            self.at = at + 1
            return texts[at]
        depth = 0
        first = at + 1
        while text := texts[at]:
            if text == "{":
                depth += 1
            elif text == "}":
                depth -= 1
            if text == closing and depth <= 0:
                self.at = at + 1
                return "".join(t for t in texts[first:at] if t[0] != "%" or t == "%")
            at += 1
        self.at = at
        return None

    def length(self) -> str:
        """A length without braces (`1em`, `-.5 pt`), or in braces; empty where there is none."""
        at = self.skip_spaces()
        if self.texts[at] == "{":
            return self.raw_argument() or ""
        found = _LENGTH.match("".join(self.texts[at : at + 12]))
        if found is None:
            return ""
        rest = found.end()
        while rest > 0:
            rest -= len(self.texts[self.at])
            self.at += 1
        return found.group().replace(" ", "")

    def delimiter(self) -> str | None:
        """The token after \\left and its like, by name; None (and nothing taken) where it is none."""
        at = self.skip_spaces()
        text = self.texts[at]
        name = DELIMITERS.get(CHARACTERS.get(text, text))
        if name is not None:
            self.at = at + 1
        return name


def _is_blank(cells: tuple[Row, ...]) -> bool:
    return len(cells) == 1 and all(type(item) is Phantom and item.command in RULES for item in cells[0].items)
