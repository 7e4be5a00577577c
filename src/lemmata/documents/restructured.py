"""reStructuredText as Markdown, line by line, so that every character keeps its place in the file.

Read are sections, `.. math::` (each paragraph of it one formula, as Sphinx sets them), `:math:` roles, code blocks,
literal blocks and directives with prose inside; margins are taken away. Docstrings are read the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from lemmata.diagnostic import Diagnostic
from lemmata.documents.markdown import number, read_page
from lemmata.documents.model import Block, CodeCell, Document
from lemmata.documents.place import Line, moved

_RULE = re.compile(r"([=\-`:'\"~^_*+#<>.])\1{2,}\Z")
_DIRECTIVE = re.compile(r"\.\.[ \t]+([\w:.+-]+)::(?:[ \t]+(.*))?\Z")
_OPTION = re.compile(r":([\w\-]+):(?:[ \t]+(.*))?\Z")
_HINT = re.compile(r"\.\.[ \t]+lemmata:[ \t]*(.*)\Z")
_COMMENT = re.compile(r"\.\.(?:[ \t]|\Z)")
_FENCE = re.compile(r"(`{3,}|~{3,})")
_CODE = frozenset({"code", "code-block", "sourcecode", "ipython", "jupyter-execute", "testcode", "plot"})
_SILENT = frozenset(
    {
        *("toctree", "image", "figure", "automodule", "autoclass", "autofunction", "autosummary", "include", "index"),
        *("literalinclude", "raw", "csv-table", "list-table", "bibliography", "currentmodule", "module", "highlight"),
        *("contents", "graphviz", "tikz", "doctest", "testsetup", "testoutput", "parsed-literal", "default-role"),
    }
)
"""Directives whose body is no prose of this document."""


def read_restructured(source: str, path: str, problems: Sequence[Diagnostic] = ()) -> Document:
    """The document of a reStructuredText file with `\\n` line ends."""
    rows = [Line(text, at, 1) for at, text in enumerate(source.split("\n"), 1)]
    blocks, diagnostics = read_rows(rows)
    found = (*problems, *(replace(d, path=path) for d in diagnostics))
    return Document(path, "restructuredtext", number(blocks), diagnostics=found)


def read_rows(rows: Sequence[Line], containers: int = 0) -> tuple[list[Block | CodeCell], list[Diagnostic]]:
    """The blocks of some lines of a file, which may be reStructuredText or Markdown without margins."""
    lines = list(_Converter(rows).markdown())
    page = read_page("\n".join(line.text for line in lines), front=False, containers=containers)
    return [moved(block, lines) for block in page.blocks], [moved(d, lines) for d in page.diagnostics]


class _Converter:
    """The lines of a file to lines of Markdown that know where they came from."""

    def __init__(self, rows: Sequence[Line]) -> None:
        self._rows = [replace(row, text=row.text.expandtabs(8).rstrip()) for row in rows]
        self._ranks: list[str] = []

    def markdown(self) -> Iterator[Line]:
        yield from self._prose(0, len(self._rows))

    def _prose(self, at: int, end: int) -> Iterator[Line]:
        while at < end:
            row = self._rows[at]
            text = row.text.strip()
            fence = _FENCE.match(text)
            if fence is not None:
                close = self._closing(at, end, fence.group())
                yield from (_cut(self._rows[k], _margin(row)) for k in range(at, close))
                at = close
                continue
            title = self._title(at, end)
            if title is not None:
                rank, line, after = title
                yield Line(f"{'#' * rank} {line.text}", line.line, line.column - rank - 1)
                yield Line("", line.line, line.column)
                at = after
                continue
            directive = _DIRECTIVE.match(text)
            hint = _HINT.match(text)
            if directive is not None:
                body, after = self._body(at, end)
                yield from self._directive(directive, _cut(row, _margin(row)), body, after)
                at = after
            elif hint is not None:
                start = row.column + _margin(row) + hint.start(1)
                yield Line(f"<!-- lemmata: {hint.group(1)} -->", row.line, start - len("<!-- lemmata: "))
                at += 1
            elif _COMMENT.match(text):
                at = self._body(at, end)[1]
                yield Line("", row.line, row.column)
            elif text.endswith("::") and not text.startswith("::: "):
                yield _cut(row, _margin(row))
                body, after = self._body(at, end)
                yield from self._fenced("text", row, body, after)
                at = after
            else:
                yield _cut(row, _margin(row))
                at += 1

    def _title(self, at: int, end: int) -> tuple[int, Line, int] | None:
        """(level, title, index after it) of a section whose title is underlined here."""
        row, text = self._rows[at], self._rows[at].text.strip()
        over = _RULE.match(text) if text else None
        if over is not None and at + 2 < end and self._rows[at + 2].text.strip() == text:
            style, line, after = text[0] * 2, self._rows[at + 1], at + 3
        elif text and at + 1 < end and over is None:
            under = self._rows[at + 1].text.strip()
            if not _RULE.match(under) or _margin(self._rows[at + 1]) != _margin(row) or len(under) < len(text) // 2:
                return None
            style, line, after = under[0], row, at + 2
        else:
            return None
        if not line.text.strip():
            return None
        if style not in self._ranks:
            self._ranks.append(style)
        return min(6, self._ranks.index(style) + 1), _cut(line, _margin(line)), after

    def _body(self, at: int, end: int) -> tuple[int, int]:
        """Indices of the indented block below a line: its first line and the one after its last."""
        margin, after, k = _margin(self._rows[at]), at + 1, at + 1
        while k < end and (not self._rows[k].text or _margin(self._rows[k]) > margin):
            if self._rows[k].text:
                after = k + 1
            k += 1
        return at + 1, after

    def _directive(self, directive: re.Match[str], head: Line, first: int, after: int) -> Iterator[Line]:
        name, argument = directive.group(1), (directive.group(2) or "").strip()
        options: dict[str, str] = {}
        while first < after and (option := _OPTION.match(self._rows[first].text.strip())):
            options[option.group(1)] = (option.group(2) or "").strip()
            first += 1
        if name == "math":
            start = head.column + (directive.start(2) if argument else 0)
            yield from self._math(Line(argument, head.line, start), first, after, options.get("label", ""))
        elif name in _CODE:
            yield from self._fenced(argument or "python", head, first, after)
        elif name.split(":")[0] in ("py", "c", "cpp", "js") or name in _SILENT:
            yield Line("", head.line, head.column)
        else:
            yield Line(f":::{{{name}}} {argument}", head.line, head.column)
            yield from self._prose(first, after)
            yield Line(":::", self._rows[after - 1].line, self._rows[after - 1].column)
            yield Line("", self._rows[after - 1].line, self._rows[after - 1].column)

    def _math(self, argument: Line, first: int, after: int, label: str) -> Iterator[Line]:
        """Formulas: the argument and every paragraph of the body; the label goes to the first."""
        found: list[list[Line]] = [[argument]] if argument.text else []
        apart = True
        for row in self._rows[first:after]:
            if not row.text.strip():
                apart = True
                continue
            if apart and not (found and _open(found[-1])):
                found.append([])
            found[-1].append(_cut(row, _margin(row)))
            apart = False
        for number_, lines in enumerate(found):
            end = lines[-1].column + len(lines[-1].text)
            yield Line("", lines[0].line, lines[0].column)
            yield Line("$$", lines[0].line, lines[0].column)
            yield from lines
            close = f"$$ ({label})" if label and not number_ else "$$"
            yield Line(close, lines[-1].line, max(1, end - 2))
            yield Line("", lines[-1].line, end)

    def _fenced(self, language: str, head: Line, first: int, after: int) -> Iterator[Line]:
        while first < after and not self._rows[first].text:
            first += 1
        rows = self._rows[first:after]
        margin = min((_margin(row) for row in rows if row.text), default=0)
        longest = max((len(m.group()) for row in rows for m in re.finditer(r"`+", row.text)), default=0)
        fence = "`" * max(3, longest + 1)
        yield Line("", head.line, head.column)
        yield Line(fence + language, head.line, head.column)
        yield from (_cut(row, margin) for row in rows)
        last = rows[-1] if rows else head
        yield Line(fence, last.line, last.column)
        yield Line("", last.line, last.column)

    def _closing(self, at: int, end: int, fence: str) -> int:
        for k in range(at + 1, end):
            text = self._rows[k].text.strip()
            if text.startswith(fence) and not text.strip(fence[0]):
                return k + 1
        return end


def _open(lines: Sequence[Line]) -> bool:
    """Whether an environment that began in these lines has not ended, so that a blank line ends no formula."""
    text = "\n".join(line.text for line in lines)
    return text.count("\\begin{") > text.count("\\end{")


def _margin(row: Line) -> int:
    return len(row.text) - len(row.text.lstrip())


def _cut(row: Line, margin: int) -> Line:
    """The line without that much of its margin."""
    margin = min(margin, _margin(row)) if row.text else 0
    return Line(row.text[margin:], row.line, row.column + margin)
