"""Directives that hold Markdown: MyST `:::{prf:theorem}`, ```` ```{note} ````, Quarto `::: {#thm-x}`, `!!! note`."""

from __future__ import annotations

import re

from markdown_it.rules_block import StateBlock

from lemmata.documents.fences import directive_options
from lemmata.documents.place import Line
from lemmata.documents.rules import line_of

THEOREMS = frozenset(
    "theorem lemma definition corollary proposition proof remark example algorithm axiom assumption conjecture "
    "criterion property observation exercise solution fact claim problem hypothesis notation".split()
)
_QUARTO = {
    "thm": "theorem", "lem": "lemma", "cor": "corollary", "prp": "proposition", "cnj": "conjecture",
    "def": "definition", "exm": "example", "exr": "exercise", "rem": "remark", "sol": "solution",
}  # fmt: skip
_PROSE = THEOREMS | frozenset(
    "admonition note tip hint important warning caution danger attention error seealso dropdown details card grid "
    "grid-item grid-item-card tab-set tab-item sidebar margin topic epigraph pull-quote figure container div aside "
    "versionadded versionchanged deprecated todo".split()
)
_CODE = frozenset("code-cell code-block code sourcecode math eval-rst mermaid raw image include literalinclude".split())
_OPEN = re.compile(r"(:{3,}|`{3,}|~{3,})[ \t]*(?:\{([^{}\n]*)\}|([A-Za-z][\w:\-]*))?[ \t]*(.*)")
_ADMONITION = re.compile(r"(?:!!!|\?\?\?\+?)[ \t]+([\w\-]+)((?:[ \t]+[\w\-]+)*)(?:[ \t]+\"([^\"]*)\")?[ \t]*\Z")
_NAMED = re.compile(r"""\b(?:name|title)\s*=\s*("[^"]*"|'[^']*')""")


def directive(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """A fenced directive whose body is Markdown."""
    if state.is_code_block(startLine):
        return False
    line = line_of(state, startLine, 1000)
    if line.text[:3] not in (":::", "```", "~~~"):
        return False
    match = _OPEN.match(line.text)
    if match is None:
        return False
    fence, braces, bare, _ = match.groups()
    kind = _kind(braces if braces is not None else bare or "")
    colons = fence[0] == ":"
    if not colons and (braces is None or kind not in _PROSE):
        return False
    if colons and braces is None and not bare:
        state.line += 0 if silent else 1  # a closing fence without an opening one
        return True
    if silent:
        return True
    close = _closing(state, startLine, endLine, fence)
    if kind in _CODE:
        token = state.push("fence", "code", 0)
        token.map = [startLine, min(close + 1, endLine)]
        token.info = line.text[len(fence) :]
        token.content = state.getLines(startLine + 1, close, state.sCount[startLine], True)
        state.line = min(close + 1, endLine)
        return True
    _push(state, kind, _title(line, match, kind), startLine, close)
    state.line = min(close + 1, endLine)
    return True


def admonition(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """Python-Markdown's `!!! note "Title"` with an indented body."""
    if state.is_code_block(startLine):
        return False
    line = line_of(state, startLine, 1000)
    if line.text[:3] not in ("!!!", "???"):
        return False
    match = _ADMONITION.match(line.text)
    if match is None:
        return False
    if silent:
        return True
    indent = state.sCount[startLine] + 4
    close = startLine + 1
    while close < endLine and (state.isEmpty(close) or state.sCount[close] >= indent):
        close += 1
    title = Line(match.group(3), line.line, line.column + match.start(3)) if match.group(3) else None
    before, state.blkIndent = state.blkIndent, indent
    _push(state, match.group(1).lower(), title, startLine, close)
    state.blkIndent = before
    state.line = close
    return True


def _kind(head: str) -> str:
    """The directive's name in lower case: `theorem` of `prf:theorem`, of `#thm-mean` and of `.theorem`."""
    for word in head.split():
        if word.startswith("#") and word[1:].split("-")[0] in _QUARTO:
            return _QUARTO[word[1:].split("-")[0]]
    first = next((word for word in head.split() if not word.startswith("#")), "")
    return first.lstrip(".").removeprefix("prf:").removeprefix("proof:").lower()


def _title(line: Line, match: re.Match[str], kind: str) -> Line | None:
    start, text = match.start(4), match.group(4).strip()
    if match.group(2) is not None and (named := _NAMED.search(match.group(2))):
        start, text = match.start(2) + named.start(1) + 1, named.group(1)[1:-1]
    if text.startswith("[") and text.endswith("]"):
        start, text = start + 1, text[1:-1]
    return Line(text, line.line, line.column + start) if text else None


def _closing(state: StateBlock, startLine: int, endLine: int, fence: str) -> int:
    """The line of the closing fence, or `endLine`: directives close with the block around them at the latest."""
    open_ = 1
    for line in range(startLine + 1, endLine):
        begin, end = state.bMarks[line] + state.tShift[line], state.eMarks[line]
        if begin < end and state.sCount[line] < state.blkIndent:
            return line
        if not state.src.startswith(fence[:3], begin):
            continue
        text = state.src[begin:end].rstrip()
        bare = not text.strip(fence[0])
        if fence[0] != ":":
            if bare and len(text) >= len(fence):
                return line
            continue
        open_ += -1 if bare else 1
        if open_ == 0:
            return line
    return endLine


def _push(state: StateBlock, kind: str, title: Line | None, startLine: int, close: int) -> None:
    begin = startLine + 1
    _, options = directive_options([line_of(state, k).text for k in range(begin, min(close, begin + 100))])
    begin += options
    token = state.push("directive_open", "", 1)
    token.map = [startLine, close]
    token.info = kind
    token.meta["title"] = title
    parent, state.parentType = state.parentType, "directive"
    last, state.lineMax = state.lineMax, close
    state.md.block.tokenize(state, begin, close)
    state.parentType, state.lineMax = parent, last
    state.push("directive_close", "", -1)
