"""Workbooks recalculated by programs that know nothing of Lemmata."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import formulas
import numpy as np

from lemmata.program.node import Axis
from lemmata.sheets.formulas import address
from lemmata.sheets.layout import Block
from lemmata.sheets.writer import Sheet


class Workbook:
    """A workbook as `formulas` reads it; only formulas and numbers count, cached values are thrown away."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        with contextlib.redirect_stderr(io.StringIO()):
            self.model = formulas.ExcelModel().loads(str(path)).finish()

    def cells(self, edits: dict[tuple[str, str], float] | None = None) -> dict[tuple[str, str], float]:
        """Numbers by (sheet, address) after inputs are changed."""
        inputs = {self.key(*where): value for where, value in (edits or {}).items()}
        found: dict[tuple[str, str], float] = {}
        for key, value in self.model.calculate(inputs=inputs).items():
            sheet, _, cell = str(key).rpartition("!")
            if not sheet.startswith("'[") or not hasattr(value, "value"):
                continue
            title = sheet.split("]", 1)[1].rstrip("'")
            first = cell.split(":")[0]
            row, column = _position(first)
            numbers = np.asarray(value.value)
            for i, j in np.ndindex(numbers.shape):
                if isinstance(numbers[i, j], int | float | np.number):
                    found[title, address(row + i, column + j)] = float(numbers[i, j])
        return found

    def key(self, sheet: str, cell: str) -> str:
        return f"'[{self.name}]{sheet.upper()}'!{cell}"


def _position(cell: str) -> tuple[int, int]:
    letters = cell.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(cell[len(letters) :]) - 1, column - 1


def cell_of(block: Block, i: int, j: int) -> str:
    row, column = block.corner
    return address(row + i, column + j)


def result(sheet: Sheet, title: str, cells: dict[tuple[str, str], float]) -> np.ndarray:
    """The result as the sheet shows it, dimensions in the order that the function gives."""
    blocks = [b for b in sheet.page.blocks if b.step.role == "result"]
    axes: tuple[Axis, ...] = sheet.plan.program.axes
    found = np.full([a.size for a in axes], np.nan)
    for block in blocks:
        for i, j in np.ndindex(*block.step.shape):
            at = dict(block.where)
            if block.step.rows is not None:
                at[block.step.rows] = i
            if block.step.columns is not None:
                at[block.step.columns] = j
            found[tuple(at[a] for a in axes)] = cells[title.upper(), cell_of(block, i, j)]
    return found
