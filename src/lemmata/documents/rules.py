"""Block rules beside CommonMark's: display formulas, paragraphs that formulas hold together, directives, tables.

Every rule has markdown-it's form `(state, startLine, endLine, silent) -> matched` and notes in `token.meta["lines"]`
where the lines of its text stand in the file.
"""

from __future__ import annotations

import re

from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from msgspec import Struct, field

from lemmata.documents.delimiters import BEGIN, EQLABEL, LIQUID, MYST_LABEL, QUARTO_LABEL, Brackets, Found, Scanner
from lemmata.documents.place import Line

_BLANK_LINES = 200
"""A display whose `$$` stands alone may hold blank lines if it is no longer than this."""
_AHEAD = 80
"""Lines looked ahead to see whether a formula goes on."""
_PARAGRAPH_LINES = 2000
_OPENERS = {"$$": "$$", "\\\\[": "\\\\]", "\\[": "\\]"}
_NOTES = re.compile(r":(?:begin_tab|end_tab|label|width|height):(?:`[^`]*`)?\s*")
_STRUCTURE = re.compile(r"\s*(?:#{1,6}\s|```|~~~|:::)")
"""What no formula contains."""
_MODULE = re.compile(r"(?:import|export)\s")


class Context(Struct):
    """What block rules know beside the text; lives in markdown-it's environment under `context`."""

    starts: list[int]
    """Offset of every source line."""
    brackets: Brackets
    mdx: bool = False
    too_deep: int | None = None
    """First line (from 0) that is nested too deeply to be read."""
    unclosed: dict[tuple[str, bool], tuple[int, int]] = field(default_factory=dict)
    """By closing delimiter and whether blank lines were allowed: lines that were searched for it in vain."""


def context(state: StateBlock) -> Context:
    found = state.env["context"]
    assert isinstance(found, Context)
    return found


def line_of(state: StateBlock, line: int, indent: int | None = None) -> Line:
    """A line without the margin of the blocks around it (up to `indent` columns of white space)."""
    begin, end = state.bMarks[line], state.eMarks[line]
    width, most = 0, state.blkIndent if indent is None else indent
    content = begin + state.tShift[line]  # what stands before it are spaces and the markers of lists
    while begin < end and width < most and (begin < content or state.src[begin] in " \t"):
        width += 4 - width % 4 if state.src[begin] == "\t" else 1
        begin += 1
    return Line(state.src[begin:end], line + 1, begin - context(state).starts[line] + 1)


def _trimmed(line: Line) -> Line:
    kept = line.text.lstrip()
    return Line(kept.rstrip(), line.line, line.column + len(line.text) - len(kept))


def _push(state: StateBlock, kind: str, lines: list[Line], end: int) -> Token:
    token = state.push(kind, "", 0)
    token.map = [lines[0].line - 1, end]
    token.meta["lines"] = lines
    token.content = "\n".join(line.text for line in lines)
    return token


# Display formulas


def display(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """A formula that starts a line and ends one: `$$`, `\\[`, `\\\\[`, an environment, `{% math %}`."""
    if state.is_code_block(startLine):
        return False
    first = _trimmed(line_of(state, startLine))
    opening = _opening(first.text, context(state).brackets)
    if opening is None:
        return False
    opener, closer, kept = opening
    closing = _closing(state, first.text, len(opener), closer, startLine, endLine)
    if closing is None:
        return False
    last, end = closing
    tail = (first if last == startLine else line_of(state, last)).text[end:]
    label, tail = _label(tail)
    if tail.strip():
        return False
    if silent:
        return True
    lines = [first, *(line_of(state, k) for k in range(startLine + 1, last + 1))]
    lines[-1] = Line(lines[-1].text[:end], lines[-1].line, lines[-1].column)
    state.line = last + 1
    if label is None:
        label = _label_below(state, last + 1, endLine)
    token = _push(state, "formula", lines, last + 1)
    length = len(token.content)
    cut = (0, 0) if kept else (len(opener), len(closer))
    token.meta["found"] = Found(0, length, *cut, True, label)
    return True


def _opening(text: str, brackets: Brackets) -> tuple[str, str, bool] | None:
    """(opening delimiter, closing delimiter, whether they belong to the formula) of a line's start."""
    if text.startswith("$$") and not text.startswith("$$$"):
        return "$$", "$$", False
    if text.startswith("\\\\["):
        return "\\\\[", "\\\\]", False
    if text.startswith("\\["):
        return ("\\[", "\\]", False) if brackets.square else None
    if begin := BEGIN.match(text):
        return begin.group(), f"\\end{{{begin.group(1)}}}", True
    tag = LIQUID.match(text)
    if tag is not None and (tag.group(1) != "katex" or tag.group(2)):
        return tag.group(), f"{{% end{tag.group(1)} %}}", False
    return None


def _closing(
    state: StateBlock, first: str, start: int, closer: str, startLine: int, endLine: int
) -> tuple[int, int] | None:
    """(line, offset past the closing delimiter in that line)."""
    end = _find(first, closer, start)
    if end >= 0:
        return (startLine, end) if first[start : end - len(closer)].strip() else None
    alone = not first[start:].strip()
    known = context(state).unclosed.get((closer, alone), (0, 0))
    if known[0] <= startLine + 1 < known[1]:
        return None
    blank = False
    line = startLine + 1
    while line < endLine:
        if state.isEmpty(line):
            blank = True
            if not alone or line - startLine > _BLANK_LINES:
                break
        elif state.sCount[line] < 0 or (blank and state.sCount[line] < state.blkIndent):
            break
        else:
            text = line_of(state, line).text
            end = _find(text, closer, 0)
            if end >= 0:
                return line, end
            if blank and _STRUCTURE.match(text):
                break
        line += 1
    context(state).unclosed[closer, alone] = (startLine + 1, line)
    return None


def _find(text: str, closer: str, start: int) -> int:
    """Offset past the first `closer` that is not escaped, or -1."""
    found = text.find(closer, start)
    while found > 0 and closer[0] != "{" and text[found - 1] == "\\" and text[found - 2 : found] != "\\\\":
        found = text.find(closer, found + 1)
    return -1 if found < 0 else found + len(closer)


def _label(tail: str) -> tuple[str | None, str]:
    for pattern in (EQLABEL, QUARTO_LABEL, MYST_LABEL):
        match = pattern.match(tail)
        if match is not None:
            return match.group(1), tail[match.end() :]
    return None, tail


def _label_below(state: StateBlock, line: int, endLine: int) -> str | None:
    """d2l's `:eqlabel:` on the next line, with or without a blank one between; it is read with the formula."""
    for k in (line, line + 1):
        if k >= endLine:
            break
        match = EQLABEL.fullmatch(line_of(state, k).text.rstrip())
        if match is not None:
            state.line = k + 1
            return match.group(1)
        if not state.isEmpty(k):
            break
    return None


# Paragraphs


def paragraph(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """CommonMark's paragraphs and underlined headings; a line inside a formula ends neither.

    Source: the rules `paragraph` and `lheading` of markdown-it.
    """
    terminators = state.md.block.ruler.getRules("paragraph")
    parent, state.parentType = state.parentType, "paragraph"
    last = state.lineMax
    level, line, inside = 0, startLine + 1, startLine
    while line < last and not state.isEmpty(line) and line - startLine < _PARAGRAPH_LINES:
        lazy = state.sCount[line] - state.blkIndent > 3 or state.sCount[line] < 0
        if lazy or line < inside:
            line += 1
            continue
        level = _underline(state, line)
        if level or any(rule(state, line, last, True) for rule in terminators):
            inside = _formula_until(state, startLine, line)
            if inside <= line:
                break
            level = 0
        line += 1
    state.parentType = parent
    lines = [_trimmed(line_of(state, startLine)), *(line_of(state, k) for k in range(startLine + 1, line))]
    lines[-1] = Line(lines[-1].text.rstrip(), lines[-1].line, lines[-1].column)
    state.line = line + (1 if level else 0)
    kind, tag = ("heading", f"h{level}") if level else ("paragraph", "p")
    state.push(f"{kind}_open", tag, 1).map = [startLine, state.line]
    _push(state, "inline", lines, line)
    state.push(f"{kind}_close", tag, -1)
    return True


def _underline(state: StateBlock, line: int) -> int:
    """1 or 2 for a line of `=` or `-` only, else 0."""
    if state.sCount[line] < state.blkIndent:
        return 0
    text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()
    if not text or text[0] not in "=-" or text.strip(text[0]):
        return 0
    return 1 if text[0] == "=" else 2


def _formula_until(state: StateBlock, startLine: int, line: int) -> int:
    """The line after the one where the formula ends that starts before `line` and reaches into it; else 0."""
    before = [line_of(state, k) for k in range(max(startLine, line - _AHEAD), line)]
    if not any(sign in one.text for one in before for sign in ("$", "\\", "{%")):
        return 0
    last = line
    while last < state.lineMax and not state.isEmpty(last) and last - line < _AHEAD:
        last += 1
    lines = before + [line_of(state, k) for k in range(line, last)]
    text = "\n".join(one.text for one in lines)
    border = sum(len(one.text) + 1 for one in before)
    for found in Scanner(text, context(state).brackets).all():
        if found.start >= border:
            return 0
        if found.end > border:
            return lines[0].line + text.count("\n", 0, found.end)
    return 0


# Lines that are no prose


def notes(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """d2l's lines for its own tool (`:begin_tab:`, `:label:`), and imports at the top level of MDX."""
    begin, end = state.bMarks[startLine] + state.tShift[startLine], state.eMarks[startLine]
    if state.src.startswith(":", begin) and _NOTES.fullmatch(state.src, begin, end):
        state.line += 0 if silent else 1
        return True
    if silent or not context(state).mdx or state.level or not _MODULE.match(state.src, begin, end):
        return False
    line = startLine + 1
    while line < endLine and not state.isEmpty(line):
        line += 1
    state.line = line
    return True


def depth(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """Skips what is nested as deeply as the reader follows, and notes that it did."""
    if silent or state.level < state.md.options["maxNesting"] - 4:
        return False
    if context(state).too_deep is None:
        context(state).too_deep = startLine
    line = startLine + 1
    while line < endLine and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    state.line = line
    return True


# Tables


def table(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """A GitHub table, each cell an `inline` token; a bar inside a formula or after a backslash ends no cell."""
    if startLine + 2 > endLine or state.sCount[startLine + 1] < state.blkIndent:
        return False
    if state.is_code_block(startLine) or state.is_code_block(startLine + 1):
        return False
    rule = line_of(state, startLine + 1).text.strip()
    if not rule or rule.strip("|-: \t") or "-" not in rule or ("|" not in rule and ":" not in rule):
        return False
    columns = [part.strip() for part in rule.strip("|").split("|")]
    if not all(re.fullmatch(r":?-+:?", part) for part in columns):
        return False
    if "|" not in line_of(state, startLine).text or len(_cells(state, startLine)) != len(columns):
        return False
    if silent:
        return True
    terminators = state.md.block.ruler.getRules("blockquote")
    parent, state.parentType = state.parentType, "table"
    state.push("table_open", "table", 1).map = [startLine, startLine]
    line = startLine
    while line < endLine:
        if line > startLine + 1:
            if state.isEmpty(line) or state.sCount[line] < state.blkIndent or state.is_code_block(line):
                break
            if any(terminator(state, line, endLine, True) for terminator in terminators):
                break
        if line != startLine + 1:
            for cell in _cells(state, line)[: len(columns)]:
                if cell.text:
                    _push(state, "cell", [cell], line + 1)
        line += 1
    state.push("table_close", "table", -1)
    state.parentType = parent
    state.line = line
    return True


def _cells(state: StateBlock, line: int) -> list[Line]:
    row = _trimmed(line_of(state, line))
    covered = [(found.start, found.end) for found in Scanner(row.text, context(state).brackets).all()]
    cuts, k = [-1], 0
    for bar in re.finditer(r"\\.|\|", row.text):
        while k < len(covered) and covered[k][1] <= bar.start():
            k += 1
        if bar.group() == "|" and not (k < len(covered) and covered[k][0] < bar.start()):
            cuts.append(bar.start())
    cuts.append(len(row.text))
    spans = [(a + 1, b) for a, b in zip(cuts, cuts[1:])]
    if spans and row.text.startswith("|"):
        spans.pop(0)
    if spans and cuts[-2] == len(row.text) - 1 and len(cuts) > 2:
        spans.pop()
    return [_trimmed(Line(row.text[a:b], row.line, row.column + a)) for a, b in spans]
