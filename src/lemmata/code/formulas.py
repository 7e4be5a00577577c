"""What a document states, as targets for its code: values, functions and gradients."""

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
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.reader import Recurrence
from lemmata.elaborate.statement import Statement
from lemmata.lower.lowering import Lowering
from lemmata.lower.problem import walk_terms
from lemmata.lower.value import Value as Lowered
from lemmata.lower.value import full
from lemmata.program import build
from lemmata.program.node import Axis
from lemmata.verify.problem import CannotLower


@dataclass(frozen=True, slots=True)
class FormulaTarget:
    """A definition, or the stated side of a gradient claim; see `lemmata.code.target.Target`."""

    key: str
    latex: str
    kind: str
    statement: Statement
    term: t.Term
    parameters: tuple[Parameter, ...]
    solution: Mapping[str, Size]
    recurrences: Mapping[str, Recurrence]
    subject: str | None = None

    @property
    def line(self) -> int:
        return self.statement.start.line

    @property
    def names(self) -> tuple[str, ...]:
        return spellings(self.latex)

    @property
    def sizes(self) -> Sequence[str]:
        return sorted({a for p in self.parameters for size in p.shape or () for a in size.atoms})

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """The formula at these values. Raises CannotLower, also where shapes do not fit."""
        arrays = {p.key: np.asarray(values[p.key], dtype=float) for p in self.parameters}
        sizes: dict[str, int] = {}
        for parameter in self.parameters:
            learned = unify(parameter.shape or (), arrays[parameter.key].shape, sizes)
            if learned is None:
                raise CannotLower(f"the shape of {parameter.latex} does not fit the others")
            sizes |= learned
        lowering = Lowering(dict(sizes), self.solution, self.recurrences)
        for parameter in self.parameters:
            lengths = arrays[parameter.key].shape
            axes = tuple(Axis.fresh(str(size), n) for size, n in zip(parameter.shape or (), lengths))
            lowering.overrides[parameter.key] = Lowered(build.input(parameter.key, axes), axes)
        result = full(lowering.value(self.term))
        if lowering.inputs:
            raise CannotLower(f"{', '.join(v.latex for _, v in lowering.inputs.values())} has no value")
        if set(result.node.axes) != set(result.axes):
            raise CannotLower("an index is left open")
        try:
            (array,) = backend.run([result.node], arrays)
        except (ValueError, ArithmeticError) as error:
            raise CannotLower(str(error)) from error
        return np.transpose(array, [result.node.axes.index(a) for a in result.axes])


def targets(elaboration: Elaboration) -> tuple[FormulaTarget, ...]:
    """Every definition that has a value, and every gradient that is claimed, in the order of the document."""
    found: dict[str, FormulaTarget] = {}
    for statement in elaboration.statements:
        for target in (*_definition(statement), *_gradient(statement)):
            found.setdefault(target.key, target)
    return tuple(found.values())


def _definition(statement: Statement) -> Iterator[FormulaTarget]:
    if statement.role != "definition" or not statement.readings:
        return
    reading = statement.readings[0]
    term = reading.sides[0]
    if isinstance(term, t.Apply):
        head = _head(statement)
        yield from _target(statement, f"{term.name}@{statement.start}", head, "function", term, arguments=term.args)
    elif isinstance(term, t.Defined):
        yield from _target(statement, term.key, term.latex, "value", term.body)


def _gradient(statement: Statement) -> Iterator[FormulaTarget]:
    if statement.role != "claim" or not statement.readings or statement.readings[0].relations[:1] != ("=",):
        return
    left, right = statement.readings[0].sides[:2]
    if not isinstance(left, t.Deriv) or any(isinstance(x, t.Deriv) for x in walk_terms((right,))):
        return
    subject = left.of.key if isinstance(left.of, t.Defined) else None
    head = _head(statement)
    yield from _target(statement, f"{head}@{statement.start}", head, "gradient", right, subject=subject)


def _head(statement: Statement) -> str:
    """The LaTeX of the left side; of a call, of the function alone."""
    expr = statement.expr
    head = expr.items[0] if isinstance(expr, s.Relation) else expr
    if isinstance(head, s.Call):
        head = head.function
    elif isinstance(head, s.Juxt):
        head = head.items[0]
    return statement.formula.latex[head.start : head.end].strip()


def _target(
    statement: Statement,
    key: str,
    latex: str,
    kind: str,
    term: t.Term,
    arguments: tuple[t.Term, ...] = (),
    subject: str | None = None,
) -> Iterator[FormulaTarget]:
    reading = statement.readings[0]
    parameters: dict[str, Parameter] = {}
    for argument in arguments:
        if not isinstance(argument, (t.Input, t.Defined)):
            return
        name = argument.variable.key if isinstance(argument, t.Input) else argument.key
        parameters[name] = _parameter(name, argument, reading.solution, "argument", 0)
    body = term.body if isinstance(term, t.Apply) else term
    indexed = {
        x.base.variable.key: sum(i is not None for i in x.indices)
        for x in walk_terms((body,))
        if isinstance(x, t.Item) and isinstance(x.base, t.Input) and None in x.indices
    }
    for x in _inputs(body, frozenset(parameters)):
        role = "weight" if kind == "function" and x.type.rank else "input"
        name = x.variable.key
        parameters.setdefault(name, _parameter(name, x, reading.solution, role, indexed.get(name, 0)))
    yield FormulaTarget(
        key, latex, kind, statement, body, tuple(parameters.values()), reading.solution, reading.recurrences, subject
    )


def _inputs(term: t.Term, given: frozenset[str]) -> Iterator[t.Input]:
    """Free symbols in the order in which they are met; what stands inside a given value is not looked at."""
    stack, seen = [term], set()
    while stack:
        x = stack.pop()
        if id(x) in seen or (isinstance(x, t.Defined) and x.key in given):
            continue
        seen.add(id(x))
        if isinstance(x, t.Input):
            if x.variable.key not in given:
                yield x
            continue
        stack.extend(reversed(t.subterms(x)))


def _parameter(key: str, term: t.Input | t.Defined, solution: Mapping[str, Size], role: str, indexed: int) -> Parameter:
    latex = term.variable.latex if isinstance(term, t.Input) else term.latex
    return Parameter(key, latex, spellings(latex), term.type.substitute(solution).shape, role, indexed)
