"""Where a formula starts and ends in running text: every dialect of delimiters, and money told from mathematics.

Works on plain strings and knows nothing of Markdown blocks. All searches remember failure, so that a text full of
unmatched delimiters is read in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

ENVIRONMENTS = (
    "equation|align|gather|multline|eqnarray|alignat|flalign|math|displaymath|dmath|IEEEeqnarray|split|aligned|"
    "gathered|alignedat|cases|array|subequations|[pbvBV]?matrix"
)
"""Environments that are mathematics without dollars around them."""

DISPLAYED = re.compile(r"\s*\\begin\{(?:equation|align|gather|multline|eqnarray|alignat|flalign)\*?\}")
"""Environments that TeX displays wherever they stand."""
BEGIN = re.compile(rf"\\begin\{{((?:{ENVIRONMENTS})\*?)\}}")
EQLABEL = re.compile(r"[ \t]*\n?[ \t]*:eqlabel:`([^`\n]+)`")
QUARTO_LABEL = re.compile(r"[ \t]*\{[ \t]*#([\w:.\-]+)[^}\n]*\}")
MYST_LABEL = re.compile(r"[ \t]*\(([\w:.\-]+)\)[ \t]*\Z")
ROLE = re.compile(r"(?:\{math\}|:math:)(`+)")
LIQUID = re.compile(r"\{%-?\s*(math|katex|latex)(\s+display)?\s*-?%\}")
LIQUID_END = {name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("math", "katex", "latex")}

_BODY = re.compile(r"(?>(?:\\(?:text[a-z]*|mbox|hbox)\s*\{(?:[^{}\\]|\\.)*\}|\\.|[^$\\])+)\$", re.DOTALL)
"""To the closing dollar; dollars inside `\\text{...}` belong to the text."""
_PLAIN = re.compile(r"(?>(?:\\.|[^$\\])+)\$", re.DOTALL)
_DOUBLE = re.compile(r"(?>(?:\\.|[^$\\]|\$(?!\$))*)\$\$", re.DOTALL)
_CLOSERS = {"\\\\(": "\\\\)", "\\\\[": "\\\\]", "\\(": "\\)", "\\[": "\\]"}
_TEX = re.compile(r"\\[A-Za-z]{2,}|[=^]|[A-Za-z0-9})]_[A-Za-z0-9{\\]")
"""Signs of TeX that prose does not have."""
_SIGN = re.compile(r"[\\^_={}]")
_WORDS = re.compile(r"(?:^|\s)[A-Za-z]{3,}(?:[.,;:]?\s|[.,;:]?$)|(?:^|\s)[A-Za-z]{2}[.,;:]?\s")
_CHINESE = re.compile(r"[\u3400-\u9fff，。；：、]")
_STOPS = re.compile(r"[，。；：、]")
_NUMBER = re.compile(r"\s*[\d.,]+\s*")
_CITATION = re.compile(r"[\d,;\s\-–]+")
_LETTER = re.compile(r"[A-Za-z]")
_DIGITS = frozenset("0123456789")
_LINKING = frozenset("and or to per for from in of the is with by at plus minus than".split())
_BLANK = re.compile(r"\n[ \t]*\n")


class Found(Struct, frozen=True):
    """A formula in a text: `text[start:end]`, delimiters of `open` and `close` characters included."""

    start: int
    end: int
    open: int
    close: int
    display: bool
    label: str | None = None
    after: int = 0
    """Where reading goes on: past `end` and past a label."""


class Brackets(Struct, frozen=True):
    """Whether a document writes formulas as `\\(...\\)` and `\\[...\\]`, which otherwise are escaped brackets."""

    round: bool = False
    square: bool = False


def brackets(source: str) -> Brackets:
    """Such brackets count in a document where at least one pair of the kind holds unmistakable TeX."""
    return Brackets(_used(source, "\\(", "\\)"), _used(source, "\\[", "\\]"))


def _used(source: str, opener: str, closer: str) -> bool:
    start = source.find(opener)
    while start >= 0:
        end = source.find(closer, start + 2)
        if end < 0:
            return False
        inside = source[start + 2 : min(end, start + 4000)]
        plain = source[start - 1 : start] != "\\" and "$" not in inside and not _BLANK.search(inside)
        if plain and _TEX.search(inside):
            return True
        start = source.find(opener, start + 2 if _BLANK.search(inside) else end + 2)
    return False


class Scanner:
    """Finds formulas in one text."""

    def __init__(self, text: str, brackets: Brackets) -> None:
        self.text = text
        self._brackets = brackets
        self._absent: dict[str, int] = {}
        """By closing delimiter: from this offset on there is none."""

    def at(self, pos: int, end: int | None = None) -> Found | None:
        """The formula that starts at `pos` and ends by `end`, if there is one."""
        stop = len(self.text) if end is None else end
        match self.text[pos]:
            case "$":
                return self._dollars(pos, stop)
            case "\\":
                return self._backslash(pos, stop)
            case "{":
                return self._liquid(pos, stop) or self._role(pos, stop)
            case ":":
                return self._role(pos, stop)
        return None

    def all(self) -> Iterator[Found]:
        """Every formula of the text, code spans and escapes skipped; emphasis and links play no part."""
        pos, text = 0, self.text
        starts = re.compile(r"[$\\{:`]")
        while (sign := starts.search(text, pos)) is not None:
            pos = sign.start()
            if text[pos] == "`":
                pos = self._past_code(pos)
            elif (found := self.at(pos)) is not None:
                yield found
                pos = max(found.end, found.after)
            else:
                pos += self.run(pos)

    def run(self, pos: int) -> int:
        """How many characters at `pos` are plain text together, given that no formula starts there."""
        if self.text[pos] == "\\":
            return 2
        if self.text[pos] != "$":
            return 1
        end = pos + 1
        while end < len(self.text) and self.text[end] == "$":
            end += 1
        return end - pos

    def _past_code(self, pos: int) -> int:
        ticks = re.compile(r"`+").match(self.text, pos)
        assert ticks is not None
        fence = ticks.group()
        if not self._may_have(fence, ticks.end()):
            return ticks.end()
        close = re.compile(rf"(?<!`){fence}(?!`)").search(self.text, ticks.end())
        if close is None:
            self._absent[fence] = ticks.end()
            return ticks.end()
        return close.end()

    def _dollars(self, pos: int, stop: int) -> Found | None:
        text = self.text
        if text.startswith("$$", pos):
            return None if text.startswith("$$$", pos) else self._double(pos, stop)
        if text.startswith("$`", pos) and self._may_have("`$", pos + 2):
            close = self.find("`$", pos + 2, stop)
            if close > pos + 2 and not _BLANK.search(text, pos, close):
                return Found(pos, close + 2, 2, 2, False)
        for body in (_BODY, _PLAIN):
            match = body.match(text, pos + 1, stop)
            if match is not None and self._mathematics(pos, match.end()):
                return Found(pos, match.end(), 1, 1, bool(DISPLAYED.match(text, pos + 1)))
        return None

    def _double(self, pos: int, stop: int) -> Found | None:
        if not self._may_have("$$", pos + 2):
            return None
        match = _DOUBLE.match(self.text, pos + 2)
        if match is None:
            self._absent["$$"] = pos + 2
            return None
        if match.end() > stop:
            return None
        inside = self.text[pos + 2 : match.end() - 2]
        if not inside.strip() or _BLANK.search(inside):
            return None
        return self._labelled(Found(pos, match.end(), 2, 2, True), stop)

    def _labelled(self, found: Found, stop: int) -> Found:
        for label in (EQLABEL, QUARTO_LABEL):
            match = label.match(self.text, found.end, stop)
            if match is not None:
                return Found(found.start, found.end, found.open, found.close, True, match.group(1), match.end())
        return found

    def _mathematics(self, start: int, end: int) -> bool:
        """Whether `$...$` between the two offsets is a formula rather than sums of money and the words between."""
        text = self.text
        inside = text[start + 1 : end - 1]
        if not inside.strip() or _BLANK.search(inside):
            return False
        after, before = text[end : end + 1], text[start - 1 : start] if start else ""
        tex = bool(_TEX.search(inside) or _SIGN.search(inside))
        left, right = inside[0].isspace(), inside[-1].isspace()
        if after in _DIGITS and (right or not (tex or inside[0].isalpha())):
            return False
        if before in _DIGITS and not tex and not _LETTER.search(inside):
            return False
        prose = not tex and bool(_WORDS.search(inside) or _STOPS.search(inside))
        if left and right and inside.strip().isalpha() and inside.strip() not in _LINKING:
            return True
        if left or right:
            return not prose and not (left != right and _NUMBER.fullmatch(inside))
        return not (inside[0].isdecimal() and not tex and (prose or _CHINESE.search(inside)))

    def _backslash(self, pos: int, stop: int) -> Found | None:
        text = self.text
        begin = BEGIN.match(text, pos, stop)
        if begin is not None:
            closer = f"\\end{{{begin.group(1)}}}"
            close = self.find(closer, begin.end(), stop)
            if close < 0 or _BLANK.search(text, pos, close):
                return None
            return Found(pos, close + len(closer), 0, 0, True)
        opener = text[pos : pos + 3] if text.startswith("\\\\", pos) else text[pos : pos + 2]
        closer = _CLOSERS.get(opener, "")
        if not closer or (len(opener) == 2 and not self.counts(opener)):
            return None
        start = pos + len(opener)
        close = self.find(closer, start, stop)
        while len(opener) == 2 and close > 0 and text[close - 1] == "\\" and text[close - 2] != "\\":
            close = self.find(closer, close + 1, stop)
        if close < 0 or _BLANK.search(text, start, close):
            return None
        inside = text[start:close]
        if not inside.strip() or (len(opener) == 2 and ("$" in inside or _CITATION.fullmatch(inside))):
            return None
        found = Found(pos, close + len(closer), len(opener), len(closer), opener.endswith("["))
        return self._labelled(found, stop) if found.display else found

    def counts(self, opener: str) -> bool:
        return self._brackets.round if opener == "\\(" else self._brackets.square

    def _role(self, pos: int, stop: int) -> Found | None:
        role = ROLE.match(self.text, pos, stop)
        if role is None:
            return None
        ticks = role.group(1)
        close = self.find(ticks, role.end(), stop)
        if close <= role.end():
            return None
        return Found(pos, close + len(ticks), role.end() - pos, len(ticks), False)

    def _liquid(self, pos: int, stop: int) -> Found | None:
        tag = LIQUID.match(self.text, pos, stop)
        if tag is None:
            return None
        name = "end" + tag.group(1)
        if not self._may_have(name, tag.end()):
            return None
        close = LIQUID_END[tag.group(1)].search(self.text, tag.end(), stop)
        if close is None:
            self._absent[name] = tag.end()
            return None
        display = tag.group(1) != "katex" or bool(tag.group(2))
        return Found(pos, close.end(), tag.end() - pos, close.end() - close.start(), display)

    def _may_have(self, closer: str, start: int) -> bool:
        return start < self._absent.get(closer, len(self.text))

    def find(self, closer: str, start: int, stop: int) -> int:
        """The offset of the next `closer` that ends by `stop`, or -1."""
        if not self._may_have(closer, start):
            return -1
        close = self.text.find(closer, start)
        if close < 0:
            self._absent[closer] = start
        return close if 0 <= close <= stop - len(closer) else -1
