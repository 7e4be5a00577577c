"""Documents from small pieces of Markdown, without the reader: paragraphs, headings, items, bold, `$`, `$$`."""

from __future__ import annotations

import re

from lemmata.documents.model import Block, Document, Formula, Inline, Position, Span, Text

_INLINE = re.compile(
    r"\$\$(?P<display>.+?)\$\$|\$(?P<inline>[^$]+)\$|\*\*(?P<strong>[^*]+)\*\*|\*(?P<emphasis>[^*]+)\*", re.DOTALL
)
_ORIGIN = Span(Position(1, 1), Position(1, 1))


def document(markdown: str) -> Document:
    """Blocks are separated by blank lines; `- ` or `1. ` at the start of a line opens an item, `# ` a heading."""
    blocks: list[Block] = []
    count = 0
    pieces = re.split(r"\n\s*\n|\n(?=\s*(?:- |\d+\. |#))", markdown.strip())
    items = 0
    for piece in pieces:
        kind, level, containers = "paragraph", 0, ()
        heading = re.match(r"(#+) ", piece)
        item = re.match(r"\s*(?:- |\d+\. )", piece)
        if heading:
            kind, level, piece = "heading", len(heading.group(1)), piece[heading.end() :]
        elif item:
            items += 1
            kind, level, containers, piece = "item", 1, (items,), piece[item.end() :]
        elif piece.startswith("    "):
            kind, level, containers, piece = "item", 1, (items,), piece.strip()
        elif piece.startswith("<!--"):
            kind, piece = "hint", piece.removeprefix("<!-- lemmata:").removesuffix("-->")
        inlines: list[Inline] = []
        at = 0
        for m in _INLINE.finditer(piece):
            if m.start() > at:
                inlines.append(Text(piece[at : m.start()], _ORIGIN))
            at = m.end()
            if m.lastgroup in ("display", "inline"):
                latex = m.group(m.lastgroup).strip()
                shown = m.lastgroup == "display"
                inlines.append(Formula(latex, _ORIGIN, shown, ((0, Position(1, 1)),), index=count))
                count += 1
            else:
                strong = m.lastgroup == "strong"
                inlines.append(Text(m.group(m.lastgroup or 0), _ORIGIN, strong=strong, emphasis=not strong))
        if at < len(piece):
            inlines.append(Text(piece[at:], _ORIGIN))
        if kind == "paragraph" and len(inlines) == 1 and isinstance(inlines[0], Formula) and inlines[0].display:
            kind = "display"
        blocks.append(Block(kind, tuple(inlines), _ORIGIN, level, containers))
    return Document("snippet.md", "markdown", tuple(blocks))
