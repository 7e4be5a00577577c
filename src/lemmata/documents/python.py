"""Python files: comments and docstrings are the prose, the statements between them the code cells.

percent format     `# %%` opens a code cell, `# %% [markdown]` a Markdown cell in comments or in one string
everything else    docstrings and comments in reading order; each docstring is a scope of its own
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lemmata.diagnostic import Diagnostic
from lemmata.documents.fences import attributes, body_options, runs
from lemmata.documents.markdown import number, read_page
from lemmata.documents.model import Block, CodeCell, Document, Position, Span
from lemmata.documents.place import Line, moved
from lemmata.documents.restructured import read_rows

_MARKER = re.compile(r"#[ \t]*%%(?P<rest>.*)\Z")
_MARKDOWN = re.compile(r"[^\[]*\[(?:markdown|md)\]")
_TOOLING = re.compile(
    r"#(?:!|[ \t]*(?:-\*-|noqa|type:|pylint|ruff|fmt:|mypy|pragma|isort|vim:|SPDX|%%|\||@tab|\+$|-$))", re.IGNORECASE
)
"""Comments that speak to tools."""
_MATHEMATICS = re.compile(r"\$[^$\n]+\$|\\\(|:math:|lemmata:")
_HEADER = re.compile(r"# ---\s*\Z")
_OPENING = re.compile(r"(?P<prefix>[A-Za-z]*)(?P<quotes>\"\"\"|'''|\"|')")
_ESCAPED = re.compile(r"\\\\(?=[A-Za-z({\[)\]},;! ])|\\\\\\\\")


class _Prose(Struct, frozen=True):
    """Lines of a comment block, a docstring or a Markdown cell."""

    rows: tuple[Line, ...]
    scope: bool = False
    """Whether names that are declared here are known here only."""
    markdown: bool = False


class _Code(Struct, frozen=True):
    """Whole lines of code, from index `first` up to `last`."""

    first: int
    last: int
    runs: bool = True
    head: str = ""
    """What stands after `# %%`."""


def read_python(source: str, path: str, problems: Sequence[Diagnostic] = ()) -> Document:
    """The document of a Python file with `\\n` line ends; what is no Python is read up to there, with a warning."""
    lines = source.split("\n")
    diagnostics = list(problems)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of a `\l` in a docstring is no matter here
            tree: ast.Module | None = ast.parse(_tolerated(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        tree = None
        line = min(len(lines), getattr(error, "lineno", None) or 1)
        here = Position(line, getattr(error, "offset", None) or 1)
        message = f"this is not valid Python, so its code is not run: {getattr(error, 'msg', None) or error}"
        diagnostics.append(Diagnostic("warning", "broken-python", message, path, Span(here, here)))
    pieces = _cells(lines, tree) if any(_MARKER.match(text) for text in lines) else None
    found: list[_Prose | _Code] = [*_prose(source, lines, tree, () if pieces is None else pieces)]
    found += [*_statements(lines, tree, found)] if pieces is None and tree is not None else []
    found += [piece for piece in pieces or () if tree is not None or isinstance(piece, _Prose)]
    blocks: list[Block | CodeCell] = []
    containers = 0
    for piece in sorted(found, key=_place):
        if isinstance(piece, _Code):
            blocks.append(_cell(lines, piece))
            continue
        made, told = _blocks(piece, containers + 1)
        containers = max([containers + 1, *(c for b in made if isinstance(b, Block) for c in b.containers)])
        blocks += made
        diagnostics += [replace(d, path=path) for d in told]
    return Document(path, "python", number(blocks), diagnostics=tuple(diagnostics))


def _tolerated(source: str) -> str:
    """The source with IPython's magics and shell lines, which percent format allows, as comments."""
    return re.sub(r"(?m)^[ \t]*(?=[%!][A-Za-z%])", lambda m: m.group() + "pass #", source)


def _place(piece: _Prose | _Code) -> tuple[int, int]:
    """Reading order; a docstring comes before the statement that it belongs to."""
    return (piece.rows[0].line, 0) if isinstance(piece, _Prose) else (piece.last, 1)


def _blocks(piece: _Prose, container: int) -> tuple[list[Block | CodeCell], list[Diagnostic]]:
    if piece.markdown:
        page = read_page("\n".join(row.text for row in piece.rows), front=False, containers=container)
        return [moved(b, piece.rows) for b in page.blocks], [moved(d, piece.rows) for d in page.diagnostics]
    blocks, told = read_rows(piece.rows, container)
    if piece.scope:
        blocks = [replace(b, containers=(container, *b.containers)) if isinstance(b, Block) else b for b in blocks]
    # Listings in comments and docstrings are examples: what runs is the file itself.
    return [replace(b, executable=False) if isinstance(b, CodeCell) else b for b in blocks], told


def _cell(lines: Sequence[str], piece: _Code) -> CodeCell:
    source = "\n".join(lines[piece.first : piece.last])
    named = {k: v for k, v in attributes(piece.head).items() if v is not True}
    options = {**named, **body_options(source)}
    end = Position(piece.last, len(lines[piece.last - 1]) + 1)
    start = Position(piece.first + 1, 1)
    return CodeCell(
        source,
        "python",
        Span(start, end),
        start,
        options,
        executable=piece.runs and runs("python", options, True, source),
        marked=True,
    )


# --- percent format ---------------------------------------------------------------------------------------------


def _cells(lines: Sequence[str], tree: ast.Module | None) -> list[_Prose | _Code]:
    starts = [at for at, text in enumerate(lines) if _MARKER.match(text)]
    found: list[_Prose | _Code] = []
    head = _front_matter(lines)
    bounds = [(head, starts[0], "")] if starts and any(map(str.strip, lines[head : starts[0]])) else []
    for at, after in zip(starts, [*starts[1:], len(lines)], strict=True):
        marker = _MARKER.match(lines[at])
        bounds.append((at + 1, after, marker.group("rest") if marker else ""))
    guards = _guards(tree)
    for first, last, rest in bounds:
        while first < last and not lines[first].strip():
            first += 1
        while last > first and not lines[last - 1].strip():
            last -= 1
        if first == last:
            continue
        if _MARKDOWN.match(rest):
            found.append(_Prose(tuple(_uncommented(lines, first, last)), markdown=True))
        elif any(text.strip() and not text.lstrip().startswith("#") for text in lines[first:last]):
            found.append(_Code(first, last, not any(first <= g < last for g in guards), rest))
    return found


def _front_matter(lines: Sequence[str]) -> int:
    """How many lines jupytext's header takes."""
    if not lines or not _HEADER.match(lines[0]):
        return 0
    return next((at + 1 for at, text in enumerate(lines[1:60], 1) if _HEADER.match(text)), 0)


def _uncommented(lines: Sequence[str], first: int, last: int) -> Iterator[Line]:
    """The Markdown of a cell that is written as comments or as one string."""
    body = "\n".join(lines[first:last])
    opening = re.match(r"\s*[rR]?(\"\"\"|''')", body)
    if opening is not None and body.rstrip().endswith(opening.group(1)) and len(body) >= opening.end() + 3:
        yield from _string_rows(body, first + 1, 1)
        return
    for at in range(first, last):
        text = lines[at]
        bare = re.match(r"[ \t]*#[ ]?", text)
        cut = bare.end() if bare else 0
        yield Line(text[cut:], at + 1, cut + 1)


# --- comments and docstrings --------------------------------------------------------------------------------------


def _prose(
    source: str, lines: Sequence[str], tree: ast.Module | None, cells: Sequence[_Prose | _Code]
) -> Iterator[_Prose]:
    taken = {row.line for piece in cells if isinstance(piece, _Prose) for row in piece.rows}
    taken |= set(range(1, _front_matter(lines) + 1))
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for text in _docstrings(node):
                if text.lineno not in taken:
                    body = ast.get_source_segment(source, text) or ""
                    column = len(lines[text.lineno - 1].encode()[: text.col_offset].decode(errors="replace")) + 1
                    rows = tuple(_string_rows(body, text.lineno, column))
                    yield _Prose(rows, scope=not isinstance(node, ast.Module))
    yield from _comments(source, taken)


def _docstrings(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.Constant]:
    """Strings that stand as statements of their own: the docstring and attribute docs."""
    for statement in node.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            if isinstance(statement.value.value, str):
                yield statement.value


def _string_rows(body: str, line: int, column: int) -> Iterator[Line]:
    """The lines inside a string literal; backslashes that the literal doubles are single, at their own place."""
    opening = _OPENING.match(body.lstrip())
    if opening is None:
        return
    start = len(body) - len(body.lstrip()) + opening.end()
    line += body.count("\n", 0, start)
    column = column + start if "\n" not in body[:start] else start - body.rfind("\n", 0, start)
    inside = body[start : len(body.rstrip()) - len(opening.group("quotes"))]
    if "r" not in opening.group("prefix").lower():
        inside = _ESCAPED.sub(lambda m: "  \\\\" if len(m.group()) == 4 else " \\", inside)
    for at, text in enumerate(inside.split("\n")):
        yield Line(text, line + at, column if at == 0 else 1)


def _comments(source: str, taken: set[int]) -> Iterator[_Prose]:
    block: list[Line] = []
    margin = -1
    for at, column, text, alone in _comment_tokens(source):
        if at in taken or _TOOLING.match(text):
            continue
        bare = re.match(r"#+[:]?[ ]?", text)
        cut = bare.end() if bare else 0
        row = Line(text[cut:], at, column + cut)
        if not alone:
            if _MATHEMATICS.search(text):
                yield _Prose((row,))
            continue
        if block and (block[-1].line != at - 1 or margin != column):
            yield _Prose(tuple(block))
            block = []
        margin = column
        block.append(row)
    if block:
        yield _Prose(tuple(block))


def _comment_tokens(source: str) -> Iterator[tuple[int, int, str, bool]]:
    """(line, column, text, whether it has the line for itself) of every comment, as far as the file can be read."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.start[1] + 1, token.string, not token.line[: token.start[1]].strip()
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return


# --- statements ---------------------------------------------------------------------------------------------------


def _statements(lines: Sequence[str], tree: ast.Module, prose: Sequence[_Prose | _Code]) -> Iterator[_Code]:
    """Runs of top-level statements; prose between or inside two of them parts them."""
    breaks = sorted(piece.rows[0].line for piece in prose if isinstance(piece, _Prose))
    guards = set(_guards(tree))
    first = last = -1
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) - 1
        end = node.end_lineno or node.lineno
        guard = start in guards
        if first >= 0 and (guard or any(first < at <= end for at in breaks if at > first)):
            yield _Code(first, last)
            first = -1
        if guard:
            yield _Code(start, end, runs=False)
            continue
        first = start if first < 0 else first
        last = end
    if first >= 0:
        yield _Code(first, min(last, len(lines)))


def _guards(tree: ast.Module | None) -> Iterator[int]:
    """Lines at which `if __name__ == "__main__":` begins: what it holds is for running the file as a program."""
    for node in tree.body if tree is not None else ():
        if isinstance(node, ast.If) and "__name__" in {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}:
            yield node.lineno - 1
