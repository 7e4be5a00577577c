"""A definition at small sizes as named steps, each a value of its program with a block of cells of its own."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.model.function import Program
from lemmata.program import build
from lemmata.program.node import Axis, Node
from lemmata.sheets.titles import Printer, plain, with_index
from lemmata.sheets.words import explain


class NoSheet(ValueError):
    """A definition that has no form as a spreadsheet, and why; `line` is that of the step, 0 where it is none."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


class Section(Struct, frozen=True, eq=False):
    """Steps that one definition of the document asks for, or one call of it."""

    printer: Printer
    what: t.Term | str
    line: int

    def title(self, places: Mapping[int, int]) -> str:
        """Its name, with the values that indices have here."""
        return _spelled(self.printer, self.what, places)


class Scope(Struct, frozen=True):
    """Where in the document's definitions a term stands."""

    printer: Printer
    section: Section


class Mark(Struct):
    """What a node is in the author's words: the same value may be an operation, an argument and a definition."""

    axes: tuple[Axis, ...]
    section: Section
    row: bool = False
    names: list[tuple[Printer, t.Term | str]] = field(default_factory=list)
    """Innermost first."""
    named: bool = False


class Step(Struct, frozen=True):
    """A value with cells of its own: a matrix, vector or number for every index along `outer`."""

    node: Node
    rows: Axis | None
    columns: Axis | None
    outer: tuple[Axis, ...]
    role: str
    """`input`, `step` or `result`."""
    section: Section

    @property
    def shape(self) -> tuple[int, int]:
        return (self.rows.size if self.rows else 1, self.columns.size if self.columns else 1)

    @property
    def size(self) -> int:
        total = self.shape[0] * self.shape[1]
        for axis in self.outer:
            total *= axis.size
        return total


class Plan(Struct):
    """The steps of a definition in the author's order, inputs first."""

    program: Program
    steps: list[Step]
    marks: Mapping[int, Mark]
    counters: Mapping[Axis, tuple[int, int]]
    """Index variables by the axis that they became: uid and first value."""
    latex: Mapping[str, str]
    """The author's writing of the inputs."""
    origins: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The author's first index of each axis of an input, where members of it are named."""
    head: str = ""
    """What is defined, where the author's expression does not say it."""

    def places(self, where: Mapping[Axis, int]) -> dict[int, int]:
        """The author's numbers of index variables, by uid, at outer indices."""
        return {self.counters[a][0]: self.counters[a][1] + i for a, i in where.items() if a in self.counters}

    def _letter(self, node: Node) -> str:
        """An input in the author's writing."""
        return plain(self.latex.get(node.attr("name"), node.attr("name")))

    def first(self, step: Step, axis: Axis) -> int:
        """The author's number of the first row or column."""
        if step.node.op == "input":
            return self._origin(step.node, axis)
        return self.counters[axis][1] if axis in self.counters else 1

    def _origin(self, node: Node, axis: Axis) -> int:
        origins = self.origins.get(node.attr("name"), ())
        place = node.axes.index(axis)
        return origins[place] if place < len(origins) else 1

    def title(self, step: Step, where: Mapping[Axis, int]) -> str:
        """What the block of cells at these outer indices holds."""
        if step.node.op == "input":
            text = self._letter(step.node)
            for axis in step.outer:
                text = with_index(text, str(where[axis] + self._origin(step.node, axis)))
            return text
        places = self.places(where)
        mark = self.marks.get(step.node.uid)
        texts = [] if mark is None else [_spelled(p, x, places) for p, x in mark.names]
        if step.role == "result" and self.head:
            texts.append(self.head)
        outermost = texts[-1] if texts else ""
        inner = texts[0] if len(texts) > 1 else ""

        def known(node: Node) -> str:
            other = self.marks.get(node.uid)
            if node.op == "input":
                return self._letter(node)
            if node.op == "take" and other is None and base(node.args[0]).op == "input":
                source, place = base(node.args[0]), build.literal(node.args[1])
                if isinstance(place, int):
                    return with_index(self._letter(source), str(place + self._origin(source, node.attr("axis"))))
            return _spelled(*other.names[-1], places) if other is not None else ""

        own = explain(step.node, step.rows, step.columns, known, {s.node.uid: s for s in self.steps})
        if mark is not None and _spelled_out(mark):
            own = ""
        return " = ".join(dict.fromkeys(x for x in (outermost, inner, own) if x))


def _spelled(printer: Printer, what: t.Term | str, places: Mapping[int, int]) -> str:
    printer = replace(printer, places={**printer.places, **places})
    return what if isinstance(what, str) else printer.text(what)


def _spelled_out(mark: Mark) -> bool:
    """Whether the author's own operation says all of it, not the name of one of the catalogue."""
    term = mark.names[0][1]
    from lemmata.lower.operations import ALONG_AXIS, CATALOGUE

    return not isinstance(term, str) and not (isinstance(term, t.Op) and term.name in ALONG_AXIS | CATALOGUE)


def base(node: Node) -> Node:
    """A call of the catalogue as what it is made of."""
    while node.op == "call":
        node = node.args[-1]
    return node


def is_mean(node: Node) -> bool:
    """Whether it is a sum divided by the number of its terms."""
    if node.op != "div" or base(node.args[0]).op not in ("sum", "contract"):
        return False
    count = 1
    for axis in base(node.args[0]).attr("over"):
        count *= axis.size
    return build.literal(node.args[1]) == count
