"""From the text of a paragraph to prose and formulas with positions.

markdown-it's inline rules do the reading; it records no positions, so its state is extended to note where in the
text every token starts. Formulas are one more rule, ahead of escapes and emphasis, which therefore never see them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token
from mdit_py_plugins.footnote.index import footnote_ref
from msgspec import Struct, field

from lemmata.documents.delimiters import Found, Scanner
from lemmata.documents.model import Formula, Inline, Text
from lemmata.documents.place import Place

NESTING = 40
"""Depth to which links and emphasis, quotes and lists are followed."""
LINK_LIMIT = 20_000
"""Opening brackets of a document; after so many links are no longer looked for, which takes time where none are."""
_LABEL = re.compile(r"\\label\s*\{([^{}]*)\}")
_HINT = re.compile(r"(?:<!--|\{/\*)\s*lemmata:\s*(.*?)\s*(?:-->|\*/\})\Z", re.DOTALL)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_BREAKS = frozenset("br p div td th tr table li ul ol dl dd dt figure figcaption blockquote details summary hr".split())
_BREAKS |= {f"h{k}" for k in range(1, 7)} | {"section", "center", "article", "aside", "main", "header", "footer"}
_OPAQUE = frozenset("script style pre code textarea svg iframe kbd samp math".split())
_STRONG, _EMPHASIS = frozenset(("b", "strong")), frozenset(("i", "em"))


class _State(StateInline):
    """Notes the offset of every token in `meta["at"]`, and finds formulas."""

    def __init__(self, text: str, md: MarkdownIt, env: dict, tokens: list[Token]) -> None:
        super().__init__(text, md, env, tokens)
        self.scanner = Scanner(text, env["brackets"])

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        token.meta["at"] = self.pos
        return token

    def pushPending(self) -> Token:
        token = super().pushPending()
        token.meta["at"] = max(0, self.src.rfind(token.content, 0, self.pos))
        return token

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        """Chinese has no spaces around words: `**定义：**设` is strong there, as its readers' editors show it.

        Source: the amendment of CommonMark's flanking rules at https://github.com/tats-u/markdown-cjk-friendly.
        """
        scanned = super().scanDelims(start, canSplitWord)
        end = start + scanned.length
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        if self.src[start] != "*" or not (_chinese(before) or _chinese(after)):
            return scanned
        return Scanned(not after.isspace(), not before.isspace(), scanned.length)


def _chinese(sign: str) -> bool:
    return "\u2e80" <= sign <= "\u9fff" or "\uf900" <= sign <= "\ufaff" or "\uff00" <= sign <= "\uffef"


def _formula(state: StateInline, silent: bool) -> bool:
    sign = state.src[state.pos]
    if sign not in "$\\{:" or not isinstance(state, _State):  # texts of images are read on their own
        return False
    found = state.scanner.at(state.pos, state.posMax)
    if found is not None:
        if not silent:
            state.push("formula", "", 0).meta["found"] = found
        state.pos = max(found.end, found.after)
        return True
    if sign != "$":
        return False
    length = min(state.scanner.run(state.pos), state.posMax - state.pos)
    if not silent:
        state.pending += state.src[state.pos : state.pos + length]
    state.pos += length
    return True


def _comment(state: StateInline, silent: bool) -> bool:
    """`{/* ... */}`, the comment of MDX."""
    if not state.src.startswith("{/*", state.pos) or not isinstance(state, _State):
        return False
    end = state.scanner.find("*/}", state.pos + 3, state.posMax)
    if end < 0:
        return False
    if not silent:
        state.push("html_inline", "", 0).content = state.src[state.pos : end + 3]
    state.pos = end + 3
    return True


@cache
def _parser(markdown: bool, links: bool) -> MarkdownIt:
    """markdown-it for inline text: with `markdown` CommonMark, strikethrough and footnotes, else only HTML."""
    md = MarkdownIt("commonmark", {"maxNesting": NESTING, "html": True})
    md.inline.ruler.before("escape", "formula", _formula)
    md.inline.ruler.before("formula", "mdx_comment", _comment)
    if markdown:
        md.inline.ruler.after("image", "footnote_ref", footnote_ref)
        md.enable("strikethrough")
        md.inline.ruler2.disable("fragments_join")
        if not links:
            md.disable(["link", "image", "footnote_ref"])
    else:
        md.inline.ruler.enableOnly(["text", "newline", "escape", "mdx_comment", "formula", "html_inline", "entity"])
        md.inline.ruler2.enableOnly([])
    return md


class Reading(Struct):
    """What a piece of text holds."""

    runs: list[list[Inline]] = field(default_factory=lambda: [[]])
    """Inlines in reading order; HTML elements such as `<p>` and `<td>` start another run."""
    hints: list[tuple[int, int]] = field(default_factory=list)
    """The insides of `<!-- lemmata: ... -->` comments, as offsets."""
    captions: list[tuple[int, int]] = field(default_factory=list)
    """The texts that stand for images, as offsets."""


def read_inlines(place: Place, env: dict, start: int = 0, end: int | None = None, markdown: bool = True) -> Reading:
    """Read `place.text[start:end]`; `env` is markdown-it's environment with `brackets` in it."""
    text = place.text[start:end]
    env["brackets_seen"] = env.get("brackets_seen", 0) + text.count("[")
    md = _parser(markdown, env["brackets_seen"] < LINK_LIMIT)
    tokens: list[Token] = []
    state = _State(text, md, env, tokens)
    md.inline.tokenize(state)
    for rule in md.inline.ruler2.getRules(""):
        rule(state)
    return _Writer(place, text, start).write(tokens)


class _Writer:
    """From markdown-it's tokens to our inlines."""

    def __init__(self, place: Place, text: str, base: int) -> None:
        self._place, self._text, self._base = place, text, base
        self._reading = Reading()
        self._strong = self._emphasis = self._opaque = 0
        self._run: list[str] = []
        self._style = (False, False)
        self._start = self._end = 0

    def write(self, tokens: Sequence[Token]) -> Reading:
        for token, following in zip(tokens, [*(t.meta.get("at", 0) for t in tokens[1:]), len(self._text)]):
            self._token(token, token.meta.get("at", 0), following)
        self._flush()
        return self._reading

    def _token(self, token: Token, at: int, following: int) -> None:
        match token.type:
            case "text":
                self._add(token.content, at, at + len(token.content))
            case "text_special":
                self._add(token.content, at, at + len(token.markup))
            case "softbreak" | "hardbreak":
                self._add("\n", at, at + 1)
            case "strong_open" | "strong_close":
                self._strong += token.nesting
            case "em_open" | "em_close":
                self._emphasis += token.nesting
            case "code_inline" if not self._opaque:
                self._flush()
                span = self._place.span(self._base + at, self._base + max(following, at + 1))
                self._reading.runs[-1].append(Text(token.content, span, *self._now(), code=True))
            case "formula" if not self._opaque:
                self._flush()
                self._reading.runs[-1].append(formula(self._place, token.meta["found"], self._base))
            case "image" if token.content.strip():
                self._reading.captions.append((self._base + at + 2, self._base + at + 2 + len(token.content)))
            case "html_inline":
                self._html(token.content, at)

    def _now(self) -> tuple[bool, bool]:
        return self._strong > 0, self._emphasis > 0

    def _add(self, text: str, start: int, end: int) -> None:
        if self._opaque or not text:
            return
        if self._run and self._style != self._now():
            self._flush()
        if not self._run:
            self._start, self._style = start, self._now()
        self._run.append(text)
        self._end = end

    def _flush(self) -> None:
        if self._run:
            span = self._place.span(self._base + self._start, self._base + self._end)
            self._reading.runs[-1].append(Text("".join(self._run), span, *self._style))
            self._run = []

    def _html(self, content: str, at: int) -> None:
        hint = _HINT.match(content)
        if hint is not None:
            self._reading.hints.append((self._base + at + hint.start(1), self._base + at + hint.end(1)))
        tag = _TAG.match(content)
        if tag is None:
            return
        step, name = -1 if tag.group(1) else 1, tag.group(2).lower()
        if name in _OPAQUE and not content.endswith("/>"):
            self._opaque = max(0, self._opaque + step)
        elif name in _STRONG:
            self._strong = max(0, self._strong + step)
        elif name in _EMPHASIS:
            self._emphasis = max(0, self._emphasis + step)
        elif name == "br":
            self._add("\n", at, at + len(content))
        elif name in _BREAKS:
            self._flush()
            self._reading.runs.append([])


def formula(place: Place, found: Found, base: int = 0) -> Formula:
    """The formula at `found` in `place.text[base:]`, outer white space left out of its LaTeX."""
    start, end = base + found.start, base + found.end
    first, last = start + found.open, end - found.close
    inside = place.text[first:last]
    latex = inside.strip()
    first += len(inside) - len(inside.lstrip()) if latex else 0
    label = found.label
    if label is None and len(labels := _LABEL.findall(latex)) == 1:
        label = labels[0].strip()
    return Formula(
        latex=latex,
        span=place.span(start, end),
        display=found.display,
        anchors=place.anchors(first, first + len(latex)),
        label=label or None,
    )


def paragraphs(inlines: Sequence[Inline]) -> Iterator[list[Inline]]:
    """Cut at display formulas, each a piece of its own; pieces without visible text are left out."""
    piece: list[Inline] = []
    for inline in inlines:
        if isinstance(inline, Formula) and inline.display:
            if _visible(piece):
                yield piece
            yield [inline]
            piece = []
        else:
            piece.append(inline)
    if _visible(piece):
        yield piece


def _visible(piece: Sequence[Inline]) -> bool:
    return any(isinstance(i, Formula) or i.text.strip() for i in piece)
