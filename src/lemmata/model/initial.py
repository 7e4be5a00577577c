"""How weights begin: as the document states (W ∼ N(0, σ²), W ∼ U(−a, a)), or as the field does."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace

from lemmata.backends import numpy as plain_backend
from lemmata.core import terms as t
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaborator
from lemmata.elaborate.names import parameter_key
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Unreadable
from lemmata.lower.lowering import Lowering
from lemmata.lower.value import full
from lemmata.model.definitions import Symbol
from lemmata.model.function import CannotRun, Function
from lemmata.model.naming import plain
from lemmata.program import build
from lemmata.verify.problem import CannotLower


def fresh(
    function: Function,
    symbol: Symbol,
    sizes: Mapping[str, int],
    generator: np.random.Generator,
) -> np.ndarray:
    """First values of a weight, families' axes in front. Raises CannotRun for a law that is stated without numbers.

    Members of a family that the document puts side by side, as heads, are side by side in memory.
    """
    shape = [int(x.at(sizes)) for x in symbol.shape]
    family = symbol.variable.family
    beside = [n for n in _beside(function, symbol) if len(shape) - family > 1]
    order = [n for n in range(len(shape) - 1) if n not in beside] + beside + [len(shape) - 1] * bool(shape)
    value = _drawn(function, symbol, [shape[n] for n in order], shape[family:], sizes, generator)
    return value.transpose([order.index(n) for n in range(len(shape))])


def _drawn(
    function: Function,
    symbol: Symbol,
    shape: list[int],
    own: list[int],
    sizes: Mapping[str, int],
    generator: np.random.Generator,
) -> np.ndarray:
    law = law_of(function, symbol)
    if law is not None:
        item, name, arguments = law
        first, second = (_number(function, item, x, sizes) for x in arguments)
        if name == "N":
            return generator.normal(first, math.sqrt(second), shape)
        return generator.uniform(first, second, shape)
    letter = plain(symbol.name).split("_")[0]
    if letter in ("g", "gamma"):
        return np.ones(shape)
    if letter in ("b", "beta", "c") or not own:
        return np.zeros(shape)
    bound = math.sqrt(6 / (own[0] + (own[-1] if len(own) > 1 else 1)))
    return generator.uniform(-bound, bound, shape)


def normal_law(function: Function, symbol: Symbol) -> tuple[float, float] | None:
    """(mean, standard deviation) where the document states a normal law in numbers alone, whatever the sizes."""
    law = law_of(function, symbol)
    if law is None or law[1] != "N":
        return None
    try:
        mean, variance = (_number(function, law[0], x, {}) for x in law[2])
    except CannotRun:
        return None
    return mean, math.sqrt(variance)


def law_of(function: Function, symbol: Symbol) -> tuple[Item, str, tuple[s.Expr, s.Expr]] | None:
    """The last law that the document states for a symbol: where, N or U, and its two arguments."""
    for item in reversed(function.definition.elaboration.items):
        match item.part.expr:
            case s.Relation(
                ops=("\\sim",),
                items=(subject, s.Juxt(items=(s.Name(base="N" | "U" as name), s.Paren(items=(first, second))))),
            ):
                names = subject.items if isinstance(subject, s.Listing) else (subject,)
                if any(isinstance(n, s.Name) and symbol.name in _keys(n) for n in names):
                    return item, name, (first, second)
    return None


def _keys(name: s.Name) -> tuple[str, str]:
    """A name as it stands, and without what may be an index."""
    return parameter_key(name), parameter_key(replace(name, sub=None))


def _number(function: Function, item: Item, expr: s.Expr, sizes: Mapping[str, int]) -> float:
    """A mean, variance or bound. Raises CannotRun where it is no number at these sizes."""
    shared = Elaborator.of(function.definition.elaboration).shared(Choices(), item)
    try:
        term = Reader(shared, item.place).term(expr)
        low = Lowering(dict(sizes), dict(shared.solver.solution), {})
        return float(np.asarray(plain_backend.run([full(low.value(term)).node], {})[0]))
    except (KeyError, Unreadable, CannotLower, build.BadProgram, TypeError) as error:
        line = item.formula.position(item.part.start).line
        raise CannotRun(f"line {line} states a law whose parameters are no numbers here: {error}") from None


def _beside(function: Function, symbol: Symbol) -> list[int]:
    """The families' axes along which the document puts members side by side: Concat(head_1, …, head_h)."""
    expression = function.expression
    terms = [expression.term, *(x.body for x in expression.recurrences.values())]
    found: set[int] = set()
    stacked: set[int] = set()
    items: list[t.Item] = []
    for term in t.walk(tuple(terms)):
        match term:
            case t.Stacked(var=var):
                stacked.add(var.uid)
            case t.Item(base=t.Input(variable=variable)) if variable.key == symbol.variable.key:
                items.append(term)
    for item in items:
        for place, index in enumerate(item.indices[: symbol.variable.family]):
            if isinstance(index, t.Var) and index.var.uid in stacked:
                found.add(place)
    return sorted(found)
