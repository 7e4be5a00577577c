"""Where the blocks of a sheet lie: bands in the author's order, blocks side by side, a band for each head."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby, product

from msgspec import Struct, field

from lemmata.program.node import Axis
from lemmata.sheets.formulas import Placed
from lemmata.sheets.steps import Plan, Section, Step
from lemmata.sheets.titles import size_text, width

DIGITS = 8.5
"""Width of a column, in digits."""
COLUMNS = 19
"""Columns that a page shows; wider blocks make a wider page."""
ROW = 15.0
"""Height of a row, in points."""
ACROSS, DOWN = 755.0, 500.0
"""What a page has room for, in points: A4 on its side, less margins and what fonts may differ."""
TOP = 5
"""Rows above the first band: title, the author's formula, legend."""
NARROWEST = 3
LINES = 3
"""Lines that a title is meant to take at most."""


class Block(Struct, frozen=True, eq=False):
    """A step at its place: title, caption, labels of columns, then the cells with labels of rows before them."""

    step: Step
    where: Mapping[Axis, int]
    title: str
    caption: str
    row: int
    column: int
    columns: int
    """Columns that the title takes."""

    @property
    def corner(self) -> tuple[int, int]:
        """The first cell with a number."""
        return self.row + 3, self.column + 1


class Heading(Struct, frozen=True):
    text: str
    row: int


class Page(Struct):
    """A sheet: what stands where, counted from zero."""

    blocks: list[Block] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=dict)
    """Lines of text by row, for titles that take more than one."""
    rows: int = TOP
    columns: int = COLUMNS

    def placed(self) -> dict[int, Placed]:
        """Every step with its cells, by the uid of its node."""
        found: dict[int, Placed] = {}
        corners: dict[int, dict[tuple[int, ...], tuple[int, int]]] = {}
        for block in self.blocks:
            own = corners.setdefault(block.step.node.uid, {})
            own[tuple(block.where[a] for a in block.step.outer)] = block.corner
            found[block.step.node.uid] = Placed(block.step, own)
        return found


def arrange(plan: Plan) -> Page:
    """Inputs first, then one band after another, wrapped where a band is wider than the page."""
    page = Page()
    inputs = [s for s in plan.steps if s.role == "input"]
    rest = [s for s in plan.steps if s.role != "input"]
    if inputs:
        page.headings.append(Heading("Inputs and weights", page.rows))
        page.rows += 1
        _flow(page, plan, [(s, w) for s in inputs for w in _indices(s.outer)], line=False)
    for outer, group in groupby(rest, key=lambda s: s.outer):
        steps = list(group)
        for where in _indices(outer):
            for items in _bands([(s, where) for s in steps]):
                page.headings.append(Heading(_heading(plan, [s.section for s, _ in items], where), page.rows))
                page.rows += 1
                _flow(page, plan, items, line=True)
    page.columns = max([COLUMNS, *(b.column + b.columns for b in page.blocks)])
    return page


def scale(page: Page) -> int:
    """Per cent at which the columns fit an A4 page across."""
    return max(10, min(100, int(100 * ACROSS / (page.columns * (7 * DIGITS + 5) * 0.75 + 12))))


def height(page: Page, row: int) -> float:
    """Of a row, in points."""
    return ROW * page.lines.get(row, 1) + (2 if row in page.lines else 0)


def breaks(page: Page) -> list[int]:
    """Rows that a printed page begins with, so that no block is cut in two where it fits a page."""
    starts = sorted({h.row for h in page.headings} | {b.row for b in page.blocks} - {h.row + 1 for h in page.headings})
    room = DOWN * 100 / scale(page)
    top = sum(height(page, r) for r in range(TOP - 1)) + 12
    found, used, row = [], top, TOP - 1
    for start, end in zip(starts, [*starts[1:], page.rows]):
        used += sum(height(page, r) for r in range(row, start))
        taken = sum(height(page, r) for r in range(start, end))
        if used + taken > room and used > top:
            found.append(start)
            used = top
        used += taken
        row = end
    return found


def _indices(outer: tuple[Axis, ...]) -> Iterator[dict[Axis, int]]:
    for index in product(*(range(a.size) for a in outer)):
        yield dict(zip(outer, index))


def _bands(items: list[tuple[Step, dict[Axis, int]]]) -> list[list[tuple[Step, dict[Axis, int]]]]:
    """A band for each definition; definitions of one step each share one."""
    found: list[list[tuple[Step, dict[Axis, int]]]] = []
    times = Counter(id(step.section) for step, _ in items)
    single = False
    for _, group in groupby(items, key=lambda item: id(item[0].section)):
        part = list(group)
        alone = times[id(part[0][0].section)] == 1
        if single and alone:
            found[-1] += part
        else:
            found.append(part)
        single = alone
    return found


def _heading(plan: Plan, sections: list[Section], where: Mapping[Axis, int]) -> str:
    distinct = list(dict.fromkeys(sections))
    text = ", ".join(dict.fromkeys(s.title(plan.places(where)) for s in distinct))
    for axis, k in where.items():
        if axis not in plan.counters:
            text += f", {size_text(axis.label) or 'part'} {k + 1} of {axis.size}"
    lines = list(dict.fromkeys(str(s.line) for s in distinct))
    return f"{text}   (line{'s' * (len(lines) > 1)} {', '.join(lines)})"


def _flow(page: Page, plan: Plan, items: list[tuple[Step, dict[Axis, int]]], line: bool) -> None:
    column, height, row = 1, 0, page.rows
    for step, where in items:
        title = plan.title(step, where)
        taken, lines = _room(step, title)
        if column > 1 and column + taken > COLUMNS:
            row += height + 1
            column, height = 1, 0
        page.blocks.append(Block(step, where, title, _caption(step, line), row, column, taken))
        page.lines[row] = max(page.lines.get(row, 1), lines)
        height = max(height, 3 + step.shape[0])
        column += taken + 1
    page.rows = row + height + 1


def _room(step: Step, title: str) -> tuple[int, int]:
    """Columns for a block, and lines for its title."""
    own = 1 + step.shape[1]
    need = width(title) * 1.08 + 1
    columns = max(own, NARROWEST)
    while math.ceil(need / (columns * DIGITS)) > LINES and columns < COLUMNS - 2:
        columns += 1
    if need <= (columns + 1) * DIGITS:
        columns = max(columns, math.ceil(need / DIGITS))
    return columns, math.ceil(need / (columns * DIGITS))


def _caption(step: Step, line: bool) -> str:
    axes = [a for a in (step.rows, step.columns) if a is not None]
    if not axes:
        text = "a number"
    else:
        names = [size_text(a.label) for a in axes]
        sizes = " × ".join(str(a.size) for a in axes)
        named = all(names) and "□" not in "".join(names) and not any(n.isdigit() for n in names)
        text = f"{' × '.join(names)} = {sizes}" if named else sizes
    return f"{text} · line {step.section.line}" if line else text
