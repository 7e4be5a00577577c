"""The heart of the reader: rows of atoms, scripts, groups and arguments. What each command takes is in structures."""

from __future__ import annotations

import re
from collections.abc import Callable

from lemmata.latex.characters import SUBSCRIPTS, SUPERSCRIPTS, character
from lemmata.latex.commands import COMBINING_ACCENTS, DELIMITERS, INFIX_FRACTIONS, RULES, SPACES, UNITS
from lemmata.latex.symbols import CHARACTERS, SYMBOL_KINDS
from lemmata.latex.tokens import Tokens
from lemmata.latex.tree import Accent, Fraction, Gap, Node, Number, Phantom, Row, Script, Styled, Symbol

MAX_DEPTH = 50
"""Groups within groups that are read; people write up to about ten."""

LINE_ENDS = frozenset(["\\\\", "\\cr", "\\newline"])
_CLOSERS = frozenset(["}", "\\right", "\\end", "$", "\\)", "&"]) | LINE_ENDS
_PRIMES = frozenset("'") | {c for c, name in CHARACTERS.items() if name in ("'", "''", "'''")}
_SCRIPTS = (
    frozenset(["^", "_", "\\limits", "\\nolimits"]) | _PRIMES | SUPERSCRIPTS.keys() | SUBSCRIPTS.keys() | COMBINING_ACCENTS.keys()
)
_KINDS = {name: kind for name, kind in SYMBOL_KINDS.items() if name != "."}
"""A point may begin a number or an ellipsis, so it has a handler."""
DIGITS = frozenset("0123456789")
_LENGTH = re.compile(r"[-+]?\s*(?:[0-9]+\.?[0-9]*|\.[0-9]+)\s*(?:%s)" % "|".join(UNITS))

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
            if following in _SCRIPTS:
                node = self._scripts(node, items)
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
        if len(text) == 1 and text != "\\":
            return character(text, start, end, self.source)
        if text[0] == "%":
            return None
        if text[1:].isspace():
            return Phantom(start, end, "\\ ", "", SPACES["\\ "])
        if text.startswith("\\?") and len(text) > 2:
            return Gap(start, end, self.source[start:end], text[2:])
        return Gap(start, end, self.source[start:end], f"unknown command `{text}`")

    def gap(self, at: int, reason: str) -> Gap:
        """A gap from token `at` up to where the reader stands."""
        start = self.starts[at]
        end = max(start, self.ends[self.at - 1]) if self.at > at else start
        return Gap(start, end, self.source[start:end], reason)

    def _scripts(self, base: Node, items: list[Node]) -> Node:
        """The scripts of `base`; a space has none, so that they get an empty base after it.

        A second subscript or superscript is a gap; what it was on goes to `items` before it.
        """
        texts = self.texts
        if type(base) is Phantom:
            items.append(base)
            base = Row(base.end, base.end, ())
        sub: Node | None = None
        sup: Node | None = None
        primes = 0
        primed = False
        problem = ""
        end = base.end
        while True:
            at = self.at
            text = texts[at]
            if text < "!" and text:
                self.at = at + 1
                continue
            if text not in _SCRIPTS:
                break
            if text == "_":
                self.at = at + 1
                script = self.argument("a subscript")
                if sub is not None:
                    problem = "a second subscript"
                    break
                sub = script
            elif text == "^":
                self.at = at + 1
                script = self.argument("a superscript")
                if sup is not None or (primed and texts[at - 1] not in _PRIMES):
                    problem = "a second superscript"
                    break
                more, sup = _split_primes(script)
                primes += more
                primed = primed or sup is None
            elif text in _PRIMES:
                self.at = at + 1
                if sup is not None or (primed and texts[at - 1] not in _PRIMES):
                    problem = "a prime after a superscript"
                    break
                primes += len(CHARACTERS.get(text, text))
                primed = True
            elif text in COMBINING_ACCENTS:
                self.at = at + 1
                base = Accent(base.start, self.ends[at], COMBINING_ACCENTS[text], base)
            elif text == "\\limits" or text == "\\nolimits":
                self.at = at + 1
                limits = _with_limits(base, text)
                if limits is None:
                    problem = f"`{text}` follows no operator"
                    break
                base = limits
            elif text in SUPERSCRIPTS:
                script = self._characters(SUPERSCRIPTS)
                if sup is not None:
                    problem = "a second superscript"
                    break
                sup = script
            else:
                script = self._characters(SUBSCRIPTS)
                if sub is not None:
                    problem = "a second subscript"
                    break
                sub = script
            end = self.ends[self.at - 1]
        if sub is not None or sup is not None or primes:
            base = Script(base.start, end, base, sub, sup, primes)
        if problem:
            if not _is_nothing(base):
                items.append(base)
            return self.gap(at, problem)
        return base

    def _characters(self, table: dict[str, str]) -> Node:
        """A run of raised or lowered characters, x² or x₁₂."""
        first = self.at
        nodes: list[Node] = []
        while (plain := table.get(self.texts[self.at])) is not None:
            start, end = self.starts[self.at], self.ends[self.at]
            self.at += 1
            if plain.isdigit() and nodes and isinstance(nodes[-1], Number):
                nodes[-1] = Number(nodes[-1].start, end, nodes[-1].text + plain)
            elif plain.isdigit():
                nodes.append(Number(start, end, plain))
            else:
                name = CHARACTERS.get(plain, plain)
                nodes.append(Symbol(start, end, name, SYMBOL_KINDS.get(name, "letter")))
        if len(nodes) == 1 and self.at == first + 1:
            return nodes[0]
        return Row(self.starts[first], self.ends[self.at - 1], tuple(nodes), True)

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
            if kind is not None or not text or text in _CLOSERS or text in _SCRIPTS or text in INFIX_FRACTIONS:
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


def _is_nothing(node: Node) -> bool:
    return type(node) is Row and not node.items and not node.braced


def _split_primes(script: Node) -> tuple[int, Node | None]:
    """x^{\\prime\\prime T}: the primes that begin a superscript are counted apart, the rest stays."""
    if type(script) is Symbol:
        return (1, None) if script.kind == "prime" else (0, script)
    if type(script) is not Row or not script.items:
        return 0, script
    primes = used = 0
    for item in script.items:
        if type(item) is Symbol and item.kind == "prime":
            primes += 1
        elif type(item) is Script and _is_nothing(item.base) and item.sub is None is item.sup:
            primes += item.primes
        else:
            break
        used += 1
    rest = script.items[used:]
    return primes, Row(script.start, script.end, rest, True) if rest else None


def _with_limits(base: Node, command: str) -> Node | None:
    if isinstance(base, Symbol) and base.kind in ("op", "big"):
        return Symbol(base.start, base.end, base.name, base.kind, command == "\\limits")
    if isinstance(base, Styled) and base.command == "\\mathop":
        return Styled(base.start, base.end, base.command, base.body, command)
    return None
