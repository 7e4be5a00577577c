"""Markdown to blocks: CommonMark, GitHub, MyST, Quarto, d2l, Jekyll and MDX in one reader.

source --front matter--> metadata, macros
       --block rules---> markdown-it's block tokens --inline rules--> Block and CodeCell in reading order
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.token import Token
from mdit_py_plugins.footnote.index import footnote_def
from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.diagnostic import Diagnostic
from lemmata.documents.delimiters import Found, brackets
from lemmata.documents.directives import THEOREMS, admonition, directive
from lemmata.documents.fences import Info, body_options, directive_options, read_info, runs
from lemmata.documents.frontmatter import read_front_matter
from lemmata.documents.inlines import NESTING, formula, paragraphs, read_inlines
from lemmata.documents.model import Block, CodeCell, Document, Formula, Inline, Position, Span, Text
from lemmata.documents.place import Line, Place, aligned, place
from lemmata.documents.rules import Context, depth, display, notes, paragraph, table

LINE_LIMIT = 50_000
"""Lines of a document that are read."""
PARAGRAPH_LIMIT = 20_000
"""Characters of one paragraph that are read; more is no paragraph."""
_OPAQUE_BLOCK = re.compile(r"<(?:script|style|textarea|svg)\b", re.IGNORECASE)
_ALERT = re.compile(r"\[!\w+\]\s*\Z")


def read_markdown(source: str, path: str, problems: Sequence[Diagnostic] = ()) -> Document:
    """The document of a Markdown text with `\\n` line ends."""
    suffix = path.lower()
    page = read_page(source, front=True, mdx=suffix.endswith(".mdx"))
    diagnostics = (*problems, *(replace(d, path=path) for d in page.diagnostics))
    return Document(path, "markdown", number(page.blocks), page.macros, page.metadata, diagnostics)


class Page(Struct):
    """A Markdown text, or one Markdown cell of a notebook."""

    blocks: list[Block | CodeCell] = field(default_factory=list)
    macros: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, object] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def read_page(source: str, *, front: bool, mdx: bool = False, cell: int | None = None, containers: int = 0) -> Page:
    """Read one Markdown text; `containers` is the number of container identities that are taken."""
    page = Page()
    if "\0" in source:
        at = source.index("\0")
        here = Position(source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at), cell)
        page.diagnostics.append(Diagnostic("warning", "nul", "NUL characters in the text", span=Span(here, here)))
        source = source.replace("\0", "\ufffd")
    lines = source.split("\n")
    if len(lines) > LINE_LIMIT:
        here = Position(LINE_LIMIT + 1, 1, cell)
        message = f"only the first {LINE_LIMIT} lines are read"
        page.diagnostics.append(Diagnostic("warning", "too-large", message, span=Span(here, here)))
        lines = lines[:LINE_LIMIT]
        source = "\n".join(lines)
    if front:
        head = read_front_matter(source)
        page.macros, page.metadata = dict(head.macros), dict(head.metadata)
        if head.problem is not None:
            here = Position(head.problem[1], 1, cell)
            page.diagnostics.append(Diagnostic("warning", "front-matter", head.problem[0], span=Span(here, here)))
        if head.lines:
            lines[: head.lines] = [""] * head.lines
            source = "\n".join(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    context = Context(starts, brackets(source), mdx)
    env: dict[str, Any] = {"context": context, "brackets": context.brackets}
    md = _parser()
    tokens: list[Token] = []
    md.block.parse(source, md, env, tokens)
    writer = _Writer(page, lines, env, cell, containers)
    for token in tokens:
        writer.token(token)
    if context.too_deep is not None:
        here = Position(context.too_deep + 1, 1, cell)
        message = "lists, quotes and directives are nested too deeply here; what is inside is not read"
        page.diagnostics.append(Diagnostic("warning", "deep-nesting", message, span=Span(here, here)))
    return page


@cache
def _parser() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"maxNesting": NESTING + 4, "html": True})
    rule = md.block.ruler
    prose: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    rule.before("code", "depth", depth)
    rule.before("code", "formula", display, prose)
    rule.before("code", "notes", notes, {"alt": ["paragraph"]})
    rule.before("code", "grid", table, {"alt": ["paragraph", "reference"]})
    rule.before("fence", "directive", directive, prose)
    rule.before("fence", "admonition", admonition, prose)
    rule.before("reference", "footnote", footnote_def, {"alt": ["paragraph", "reference"]})
    rule.at("paragraph", paragraph)
    md.disable(["lheading", "table"], ignoreInvalid=True)
    return md


def number(blocks: Sequence[Block | CodeCell]) -> tuple[Block | CodeCell, ...]:
    """The blocks with formulas and code cells numbered in reading order."""
    done: list[Block | CodeCell] = []
    formulas = cells = 0
    for block in blocks:
        if isinstance(block, CodeCell):
            done.append(replace(block, index=cells))
            cells += 1
            continue
        inlines: list[Inline] = []
        for inline in block.inlines:
            if isinstance(inline, Formula):
                inline = replace(inline, index=formulas)
                formulas += 1
            inlines.append(inline)
        done.append(replace(block, inlines=tuple(inlines)))
    return tuple(done)


class _Writer:
    """From block tokens to blocks."""

    def __init__(self, page: Page, lines: list[str], env: dict[str, Any], cell: int | None, containers: int) -> None:
        self._page, self._lines, self._env, self._cell = page, lines, env, cell
        self._next = containers
        self._containers: list[tuple[int, str]] = []
        """(identity, token type) of what is open, outermost first."""
        self._heading = 0

    def token(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._heading = int(token.tag[1:])
            case "heading_close":
                self._heading = 0
            case "blockquote_open" | "list_item_open" | "footnote_reference_open" | "directive_open":
                self._next += 1
                self._containers.append((self._next, token.type))
                if token.type == "directive_open":
                    self._title(token)
            case "blockquote_close" | "list_item_close" | "footnote_reference_close" | "directive_close":
                self._containers.pop()
            case "inline" | "cell":
                self._prose(self._place(token))
            case "formula":
                where = self._place(token)
                self._block("display", (formula(where, token.meta["found"]),))
            case "html_block":
                self._html(token)
            case "fence":
                self._fence(token)
            case "code_block":
                self._code(token, Info(""), token.content, 0)

    def _place(self, token: Token) -> Place:
        lines: list[Line] | None = token.meta.get("lines")
        if lines is not None:
            return place(lines, self._cell)
        return aligned(token.content, self._lines, (token.map or [0])[0], self._cell)

    def _prose(self, where: Place, markdown: bool = True) -> None:
        if len(where.text) > PARAGRAPH_LIMIT:
            message = f"only the first {PARAGRAPH_LIMIT} characters of this paragraph are read"
            here = where.span(PARAGRAPH_LIMIT, PARAGRAPH_LIMIT)
            self._page.diagnostics.append(Diagnostic("warning", "long-paragraph", message, span=here))
        reading = read_inlines(where, self._env, 0, PARAGRAPH_LIMIT, markdown)
        self._runs(reading.runs)
        if self._heading:
            return
        for start, end in reading.captions:
            self._runs(read_inlines(where, self._env, start, end).runs)
        for start, end in reading.hints:
            for run in read_inlines(where, self._env, start, end, markdown=False).runs:
                self._block("hint", tuple(run))

    def _runs(self, runs: list[list[Inline]]) -> None:
        for run in runs:
            if self._heading:
                self._block("heading", tuple(run))
                continue
            for piece in paragraphs(run):
                alone = isinstance(piece[0], Formula) and piece[0].display
                self._block("display" if alone else "paragraph", self._cleaned(piece))

    def _cleaned(self, piece: list[Inline]) -> tuple[Inline, ...]:
        """GitHub's `[!NOTE]` marks a quote and is no prose."""
        first = piece[0]
        if isinstance(first, Text) and self._containers and self._containers[-1][1] == "blockquote_open":
            head, newline, rest = first.text.partition("\n")
            if _ALERT.match(head) and (newline or len(piece) == 1):
                return (replace(first, text=rest), *piece[1:])
        return tuple(piece)

    def _html(self, token: Token) -> None:
        if not _OPAQUE_BLOCK.match(token.content.lstrip()):
            self._prose(self._place(token), markdown=False)

    def _title(self, token: Token) -> None:
        title: Line | None = token.meta["title"]
        kind = token.info
        inlines: list[Inline] = []
        if kind in THEOREMS:
            line = (token.map or [0])[0]
            here = aligned(self._lines[line].strip(), self._lines, line, self._cell)
            inlines.append(Text(kind.capitalize() + (" " if title else ""), here.span(0, len(here.text)), strong=True))
        if title is not None:
            inlines += read_inlines(place([title], self._cell), self._env).runs[0]
        self._block("theorem", tuple(inlines))

    def _fence(self, token: Token) -> None:
        info = read_info(token.info)
        if info.language == "math":
            self._math_fence(token, info)
            return
        self._code(token, info, token.content, 1)

    def _math_fence(self, token: Token, info: Info) -> None:
        """```` ```math ```` and ```` ```{math} ```` with options: a display formula."""
        lines = token.content.removesuffix("\n").split("\n")
        options, count = directive_options(lines) if info.directive else ({}, 0)
        first, last = token.map or [0, 1]
        body = aligned("\n".join(lines[count:]), self._lines, first + 1 + count, self._cell)
        label = options.get("label")
        found = Found(0, len(body.text), 0, 0, True, str(label) if label else None)
        if body.text.strip():
            self._block("display", (replace(formula(body, found), span=self._span(first, last)),))

    def _code(self, token: Token, info: Info, content: str, skip: int) -> None:
        lines = content.removesuffix("\n").split("\n")
        options, count = directive_options(lines) if info.directive else ({}, 0)
        source = "\n".join(lines[count:])
        first, last = token.map or [0, 1]
        options = {**info.options, **options, **body_options(source)}
        body = aligned(source, self._lines, first + skip + count, self._cell)
        filled = next((k for k, line in enumerate(body.lines) if line.text.strip()), 0)
        start = Position(first + skip + count + 1, body.lines[filled].column, self._cell)
        language = info.language or (self._kernel() if info.cell else "")
        executable = skip > 0 and runs(language, options, info.cell, source)
        span = self._span(first, last)
        self._page.blocks.append(
            CodeCell(source, language, span, start, options, executable=executable, marked=info.cell)
        )

    def _kernel(self) -> str:
        """The language of cells that name none: that of the front matter's kernel, or Python."""
        kernel = self._page.metadata.get("kernelspec")
        name = kernel.get("language") if isinstance(kernel, dict) else None
        return read_info(name).language if isinstance(name, str) and name else "python"

    def _span(self, first: int, last: int) -> Span:
        """Of the whole lines from index `first` up to `last`, trailing blank ones and indentation left out."""
        while last > first + 1 and not self._lines[min(last, len(self._lines)) - 1].strip(" \t>"):
            last -= 1
        opening, closing = self._lines[first], self._lines[min(last, len(self._lines)) - 1]
        column = next((k for k, sign in enumerate(opening) if sign in "`~:"), len(opening) - len(opening.lstrip()))
        end = Position(min(last, len(self._lines)), len(closing.rstrip()) + 1, self._cell)
        return Span(Position(first + 1, column + 1, self._cell), end)

    def _block(self, kind: str, inlines: tuple[Inline, ...]) -> None:
        if not inlines:
            return
        items = 0
        if kind == "paragraph" and self._containers and self._containers[-1][1] == "list_item_open":
            kind = "item"
        if kind == "item":
            items = sum(1 for _, opened in self._containers if opened == "list_item_open")
        span = Span(inlines[0].span.start, inlines[-1].span.end)
        level = self._heading if kind == "heading" else items
        self._page.blocks.append(Block(kind, inlines, span, level, tuple(i for i, _ in self._containers)))
