"""Displayed expressions that leave a function open, such as LayerNorm(x + Sublayer(x)): what a layer may compute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lemmata.backends import numpy as backend
from lemmata.code.shapes import unify
from lemmata.code.spelling import spellings
from lemmata.code.target import Parameter, Value
from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.elaborate import references
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Unreadable
from lemmata.elaborate.statement import Statement
from lemmata.lower.lowering import Lowering
from lemmata.lower.value import full
from lemmata.verify.problem import CannotLower

HOLE = "value of "


@dataclass(frozen=True, slots=True)
class OpenTarget:
    """A `Target` with one argument and one function left open."""

    key: str
    latex: str
    statement: Statement
    term: t.Term
    parameters: Sequence[Parameter]
    opened: str
    """Key of the function left open."""
    hole: str
    """Input that stands for its value."""
    inside: t.Term
    """Its argument."""
    solution: Mapping[str, Size]
    kind: str = "function"
    subject: str | None = None

    @property
    def line(self) -> int:
        return self.statement.start.line

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    @property
    def sizes(self) -> Sequence[str]:
        return sorted({a for p in self.parameters for size in p.shape or () for a in size.atoms})

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """The expression at these values. Raises CannotLower, also where shapes do not fit."""
        feeds: dict[str, np.ndarray] = {}
        sizes: dict[str, int] = {}
        for parameter in self.parameters:
            if parameter.key == self.opened:
                continue
            feeds[parameter.key] = np.asarray(values[parameter.key], dtype=float)
            learned = unify(parameter.shape or (), feeds[parameter.key].shape, sizes)
            if learned is None:
                raise CannotLower(f"the shape of {parameter.latex} does not fit")
            sizes |= learned
        function = values[self.opened]
        if not callable(function):
            raise CannotLower(f"{self.opened} is no function")
        low = Lowering(dict(sizes), self.solution, {})
        feeds[self.hole] = np.asarray(function(_run(low, self.inside, feeds)), dtype=float)
        try:
            return _run(low, self.term, feeds)
        except ValueError as error:
            raise CannotLower(str(error)) from error


def _run(low: Lowering, term: t.Term, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
    value = full(low.value(term))
    (array,) = backend.run([value.node], feeds)
    return np.transpose(array, [value.node.axes.index(a) for a in value.axes])


def open_targets(elaboration: Elaboration) -> Iterator[OpenTarget]:
    """One for each displayed expression with exactly one word that nothing defines, applied to one argument."""
    for item in elaboration.items:
        if item.role == "expression" and item.formula.display and isinstance(item.part.expr, s.Call | s.Juxt):
            yield from _target(elaboration, item)


def _target(elaboration: Elaboration, item: Item) -> Iterator[OpenTarget]:
    elaborator = Elaborator.of(elaboration)
    shared = elaborator.shared(Choices(), item)
    expr = item.part.expr
    unknown = {
        n.function.base: n.function for n in walk(expr)
        if isinstance(n, s.Call) and len(n.arguments) == 1 and not references.is_defined(Reader(shared, item.place), n.function)
    }
    symbols = {stem(n): n for n in walk(expr) if isinstance(n, s.Name) and not n.word}
    if len(unknown) != 1 or len(symbols) != 1:
        return
    (name,), (symbol,) = unknown.values(), symbols.values()
    inside: list[t.Term] = []

    def make(reader: Reader, arguments: tuple[t.Term, ...]) -> t.Term:
        inside.append(arguments[0])
        return t.Input(arguments[0].type, t.Variable(HOLE + name.base, name.base, arguments[0].type))

    bound = Binding(stem(name), name.font, name.base, "function", item.place, params=(symbol,), make=make)
    local = elaborator.with_binding(shared, bound)
    kind = Tensor((Size.of("rows"), Size.of("width")))
    argument = t.Input(kind, t.Variable(stem(symbol), spell(symbol), kind, declared=False))
    try:
        term = Reader(local, item.place).bind({stem(symbol): argument}).term(expr)
    except Unreadable:
        return
    if len(inside) != 1:
        return
    latex = item.formula.latex[expr.start:expr.end].strip()
    start, end = item.formula.position(expr.start), item.formula.position(max(expr.start, expr.end - 1))
    statement = Statement(item.formula, start, end, latex, role="expression", kind="code", expr=expr)
    opened = rf"\text{{{name.base}}}"
    parameters = (
        Parameter(stem(symbol), spell(symbol), spellings(symbol.base), kind.shape, "argument"),
        Parameter(opened, opened, spellings(opened), None, "operation"),
    )
    yield OpenTarget(f"{latex}@{start}", latex, statement, term, parameters, opened, HOLE + name.base, inside[0],
                     dict(local.solver.solution))
