"""Workbooks: the steps of definitions as live formulas, with the values that they have at the first inputs."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import Struct

from lemmata.backends.numpy import TooLarge, run
from lemmata.files import put
from lemmata.model import Model
from lemmata.model.definitions import Definition
from lemmata.model.function import CannotRun, Function, atoms
from lemmata.program.node import Axis
from lemmata.sheets import layout, samples
from lemmata.sheets.formulas import Writer, finite
from lemmata.sheets.layout import Block, Page
from lemmata.sheets.steps import NoSheet, Plan, Step, plan
from lemmata.sheets.titles import bare, pieces, plain, size_text

SINGULAR = 1e7
"""Entries of an inverse as large as this come from a matrix that has none."""
FILLS = {"input": "#FFF2CC", "step": "#DDEBF7", "result": "#C6E0B4"}
LEGEND = (("input", "input or weight: change it"), ("step", "step: a formula"), ("result", "result"))
INK = {"input": "#1F4E9E", "step": "#000000", "result": "#000000"}
GREY = "#7F7F7F"
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))
TITLE_LENGTH = 31


class Formulas(Struct, frozen=True):
    """Of a block: one for the whole, or one for each cell."""

    whole: str | None
    cells: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A definition at numbers: its steps, where they stand, and their values."""

    function: Function
    plan: Plan
    page: Page
    values: Mapping[int, np.ndarray]
    """By the uid of the node, dimensions in the order of its axes."""
    inputs: Mapping[str, np.ndarray]
    sizes: Mapping[str, int]
    """Those that the definition depends on."""
    formulas: Mapping[int, Formulas]
    """By the identity of the block; none of inputs."""


class Written(Struct, frozen=True):
    """What a workbook holds."""

    sheets: Mapping[str, Sheet]
    """By the name of the sheet."""
    left_out: Sequence[LeftOut]


class LeftOut(Struct, frozen=True):
    """A definition that has no sheet."""

    name: str
    line: int
    reason: str


def write(
    model: Model,
    functions: Sequence[Function],
    path: str | os.PathLike[str],
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Written:
    """Write these definitions, each on a sheet of its own, with values from `seed`; sizes not given are small ones.

    Nothing is written where none has a form as cells. Raises ImportError without XlsxWriter, OSError, and ValueError
    for sizes that the document does not have.
    """
    content, written = workbook(model, functions, sizes or {}, seed)
    if not written.sheets:
        return written
    put(path, content)
    return written


def workbook(
    model: Model, functions: Sequence[Function], sizes: Mapping[str, int], seed: int = 0
) -> tuple[bytes, Written]:
    """The bytes of the workbook. Raises as `write`."""
    try:
        import xlsxwriter
    except ImportError as error:
        raise ImportError("spreadsheets need XlsxWriter: pip install 'lemmata[xlsx]'") from error
    sheets: list[Sheet] = []
    left_out: list[LeftOut] = []
    known = {a for f in functions for a in samples.known(f)}
    for name in sizes:
        if samples.meant(name, known) is None:
            has = ", ".join(sorted(a for a in known if "?" not in a)) or "none"
            raise ValueError(f"{model.elaboration.document.path} has no size {name}; it has {has}")
    for function in functions:
        line = function.definition.line
        try:
            sheets.append(sheet(model, function, sizes, seed))
        except NoSheet as error:
            left_out.append(LeftOut(function.name, error.line or line, str(error)))
        except CannotRun as error:
            reason = str(error).removeprefix(f"{function.name} (line {line}): ").removeprefix(f"{function.name}: ")
            left_out.append(LeftOut(function.name, line, reason))
    path = os.path.basename(model.elaboration.document.path)
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": path, "created": datetime(2000, 1, 1)})
    drawing = _Drawing(book, path)
    named: dict[str, Sheet] = {}
    for one in sheets:
        title = _sheet_name(plain(one.function.name), one.function.definition.line, named)
        named[title] = one
        drawing.sheet(book.add_worksheet(title), one)
    book.close()
    return buffer.getvalue(), Written(named, tuple(left_out))


def sheet(model: Model, function: Function, sizes: Mapping[str, int], seed: int = 0) -> Sheet:
    """A definition as steps with their places and values. Raises NoSheet, CannotRun."""
    others = [f.definition for f in model]
    for taste in samples.TASTES:
        trial = _trial(function, others, samples.sizes(function, sizes, taste), seed, taste)
        unfit = _unfit(*trial[:2])
        if unfit is None:
            break
    if unfit is not None:
        why = "takes an index out of its range" if unfit.node.op == "take" else "is no real number"
        raise NoSheet(f"a step {why} at the values tried; other --sizes or another --seed may help", unfit.section.line)
    steps, values, inputs, needed = trial
    page = layout.arrange(steps)
    writer = Writer(page.placed())
    formulas = {id(b): _formulas(writer, b) for b in page.blocks if b.step.role != "input"}
    return Sheet(function, steps, page, values, inputs, needed, formulas)


def _trial(
    function: Function, others: Sequence[Definition], known: Mapping[str, int], seed: int, taste: samples.Taste
) -> tuple[Plan, dict[int, np.ndarray], dict[str, np.ndarray], dict[str, int]]:
    """The steps at these sizes, their values, those of the inputs, and the sizes that matter. Raises NoSheet."""
    expression = function.expression
    needed = {k: v for k, v in known.items() if k in atoms(expression)}
    inputs = samples.values(expression, known, seed, taste)
    program, low = function.lowered(expression, {n: x.shape for n, x in inputs.items()}, needed)
    steps = plan(function.definition, expression, program, low, others)
    count = sum(s.size for s in steps.steps)
    if count > samples.CELLS:
        raise NoSheet(f"{count} cells, more than {samples.CELLS}; {samples.FEWER}")
    feeds = {n.attr("name"): inputs[n.attr("name")].reshape([a.size for a in n.axes]) for n in program.inputs}
    try:
        found = run([s.node for s in steps.steps], feeds)
    except TooLarge as error:
        raise NoSheet(f"{error}; {samples.FEWER}") from error
    values = {s.node.uid: np.asarray(x) for s, x in zip(steps.steps, found, strict=True)}
    return steps, values, inputs, needed


def _unfit(plan: Plan, values: Mapping[int, np.ndarray]) -> Step | None:
    """A step with a value that a cell cannot hold, or that rounding decides."""
    for step in plan.steps:
        value = values[step.node.uid]
        if value.dtype.kind == "c" or np.isnan(value.astype(float)).any():
            return step
        if step.node.op == "inv" and np.abs(value).max() > SINGULAR:
            return step
    return None


def _formulas(writer: Writer, block: Block) -> Formulas:
    """Raises NoSheet."""
    whole = writer.array(block.step, block.where)
    if whole is not None:
        return Formulas(whole, ())
    rows, columns = block.step.shape
    return Formulas(None, [[writer.cell(block.step, _at(block, i, j)) for j in range(columns)] for i in range(rows)])


def element(sheet: Sheet, block: Block, row: int, column: int) -> float:
    """The value that a cell of a block starts with."""
    at = _at(block, row, column)
    node = block.step.node
    return float(sheet.values[node.uid][tuple(at[a] for a in node.axes)])


def _at(block: Block, row: int, column: int) -> dict[Axis, int]:
    at = dict(block.where)
    if block.step.rows is not None:
        at[block.step.rows] = row
    if block.step.columns is not None:
        at[block.step.columns] = column
    return at


def _sheet_name(text: str, line: int, taken: Mapping[str, Sheet]) -> str:
    """A name that Excel takes: short, without some signs, unlike the others."""
    start = bare(text).translate(FORBIDDEN).strip("' ") or "definition"
    if start.casefold() == "history":
        start += "."
    name, k = start[:TITLE_LENGTH], 0
    while name.casefold() in {t.casefold() for t in taken}:
        more = f", line {line}" + f" ({k + 1})" * (k > 0)
        name, k = start[: TITLE_LENGTH - len(more)] + more, k + 1
    return name


class _Drawing:
    """Writes sheets into a workbook."""

    def __init__(self, book: Any, path: str) -> None:
        self.book, self.path = book, path
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def format(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"font_name": "Calibri", "valign": "vcenter", **properties})
        return self._formats[key]

    def sheet(self, out: Any, sheet: Sheet) -> None:
        page = sheet.page
        out.hide_gridlines(2)
        out.set_column(0, 0, 1.5)
        out.set_column(1, page.columns, layout.DIGITS)
        self._top(out, sheet)
        for heading in page.headings:
            line = {"top": 1, "top_color": "#8EA9DB"}
            self.text(out, heading.row, 1, heading.text, font_size=12, bold=True, font_color="#1F3864", **line)
            for column in range(2, page.columns + 1):
                out.write_blank(heading.row, column, None, self.format(**line))
        for row, lines in page.lines.items():
            out.set_row(row, 15 * lines + 2)
        for block in page.blocks:
            self._block(out, sheet, block)
        out.freeze_panes(layout.TOP - 1, 0)
        out.set_landscape()
        out.set_paper(9)
        out.fit_to_pages(1, 0)
        out.set_h_pagebreaks(layout.breaks(page))
        out.print_area(0, 0, max(page.rows - 2, 1), page.columns)
        out.repeat_rows(0, layout.TOP - 2)
        out.set_footer("&L&A&R&P / &N")
        out.set_margins(0.4, 0.4, 0.5, 0.6)

    def _top(self, out: Any, sheet: Sheet) -> None:
        definition = sheet.function.definition
        title = plain(definition.name)
        if definition.parameters:
            title += f"({', '.join(plain(p) for p in definition.parameters)})"
        out.set_row(0, 22)
        self.text(out, 0, 1, title, font_size=16, bold=True)
        formula = " ".join(definition.latex.split())
        out.write_string(1, 1, f"{self.path}, line {definition.line}:  {formula}", self.format(font_color=GREY))
        column = 1
        for role, words in LEGEND:
            out.write_blank(2, column, None, self._cell(role, "0.00"))
            out.write_string(2, column + 1, words, self.format(font_color=GREY, indent=1))
            column += 4

    def _cell(self, role: str, number: str) -> Any:
        return self.format(
            num_format=number, bg_color=FILLS[role], font_color=INK[role], border=1, border_color="#BFBFBF",
            align="right",
        )  # fmt: skip

    def _block(self, out: Any, sheet: Sheet, block: Block) -> None:
        step = block.step
        last = block.column + block.columns - 1
        style = {"bold": True, "text_wrap": True, "valign": "bottom"}
        if last > block.column:
            out.merge_range(block.row, block.column, block.row, last, "", self.format(**style))
        self.text(out, block.row, block.column, block.title, **style)
        self.text(out, block.row + 1, block.column, block.caption, font_size=9, font_color=GREY)
        self._labels(out, block, sheet.plan)
        top, left = block.corner
        values = [[element(sheet, block, i, j) for j in range(step.shape[1])] for i in range(step.shape[0])]
        flat = [x for row in values for x in row]
        number = _number_format(flat, step.role)
        if step.role == "input":
            for i, row in enumerate(values):
                for j, x in enumerate(row):
                    out.write_number(top + i, left + j, finite(x), self._cell("input", number))
            return
        formulas = sheet.formulas[id(block)]
        if formulas.whole is not None:
            style_of = self._cell(step.role, number)
            bottom, right = top + step.shape[0] - 1, left + step.shape[1] - 1
            out.write_array_formula(top, left, bottom, right, f"{{={formulas.whole}}}", style_of, finite(flat[0]))
            for i, row in enumerate(values):
                for j, x in enumerate(row):
                    if i or j:
                        out.write_number(top + i, left + j, finite(x), style_of)
        else:
            for i, row in enumerate(values):
                for j, x in enumerate(row):
                    text = formulas.cells[i][j]
                    if _is_number(text):
                        role = "input" if step.role == "step" else step.role
                        out.write_number(top + i, left + j, float(text), self._cell(role, number))
                    else:
                        out.write_formula(top + i, left + j, f"={text}", self._cell(step.role, number), finite(x))
        if any(abs(finite(x)) > 1e200 for x in flat):
            area = (top, left, top + step.shape[0] - 1, left + step.shape[1] - 1)
            for sign, text in (("<", '"−∞"'), (">", '"∞"')):
                bound = -1e200 if sign == "<" else 1e200
                out.conditional_format(
                    *area,
                    {
                        "type": "cell",
                        "criteria": sign,
                        "value": bound,
                        "format": self.book.add_format({"num_format": text}),
                    },
                )

    def _labels(self, out: Any, block: Block, plan: Plan) -> None:
        step, row, column = block.step, block.row + 2, block.column
        names = ["" if a is None else size_text(a.label) for a in (step.rows, step.columns)]
        corner = " \\ ".join(n for n in names if n and "□" not in n)
        style = {"font_size": 8, "font_color": GREY, "align": "right"}
        if corner:
            self.text(out, row, column, corner, **style)
        label = self.format(**{**style, "align": "center"})
        if step.columns is not None:
            first = plan.first(step, step.columns)
            for j in range(step.shape[1]):
                out.write_number(row, column + 1 + j, j + first, label)
        if step.rows is not None:
            first = plan.first(step, step.rows)
            for i in range(step.shape[0]):
                out.write_number(row + 1 + i, column, i + first, self.format(**style))

    def text(self, out: Any, row: int, column: int, text: str, **style: Any) -> None:
        """A text with its scripts raised and lowered."""
        parts = pieces(text)
        cell = self.format(**style)
        if len(parts) < 2 and not any(script for _, script in parts):
            out.write_string(row, column, bare(text), cell)
            return
        font = {k: v for k, v in style.items() if k in ("bold", "font_size", "font_color", "italic")}
        scripts = {"": {}, "^": {"font_script": 1}, "_": {"font_script": 2}}
        fragments: list[Any] = []
        for piece, script in parts:
            fragments += [self.format(**font, **scripts[script]), piece]
        if len(parts) == 1:
            fragments += [self.format(**font), " "]
        out.write_rich_string(row, column, *fragments, cell)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number_format(values: Sequence[float], role: str) -> str:
    """Decimals that fit a column at the magnitude of the values, which may grow tenfold when inputs change."""
    known = [abs(x) for x in values if np.isfinite(x)]
    most = max(known, default=0.0)
    if role == "input" and all(round(x, 2) == x for x in known) and most < 1e4:
        return "0.00" if any(x != int(x) for x in known) else "0"
    if most and (most >= 1e4 or most < 1e-3):
        return "0.00E+00"
    return "0.000"
