"""What a document states that its code may compute: definitions, functions and claimed gradients, ready to evaluate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.backends.numpy import TooLarge, run
from lemmata.code.shapes import unify
from lemmata.code.spelling import spellings
from lemmata.code.target import CannotLower, Parameter, Value
from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.documents.model import Text
from lemmata.elaborate import references
from lemmata.elaborate import surface as s
from lemmata.elaborate.calls import call_function
from lemmata.elaborate.derivatives import own_arguments
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.reader import Reader, Shared, is_unknown
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Unreadable
from lemmata.elaborate.statement import Statement
from lemmata.lower.lowering import Lowering
from lemmata.lower.value import Value as Program
from lemmata.lower.value import full
from lemmata.program.build import BadProgram
from lemmata.verify.problem import Domain

if TYPE_CHECKING:
    from lemmata.lower.further import Further
    from lemmata.lower.gradients import GradientTarget
    from lemmata.lower.tables import TableTarget

NORM_FIRST = re.compile(
    r"pre-?\s?(layer\s?)?(norm|ln\b)|norm\w* (comes )?first|before (the|each|every) sub-?layer|"
    r"先(做|进行)?(层)?归一化|前置",
    re.IGNORECASE,
)
"""Words that say that the code normalises first, whatever the formula says."""
OPERATION = "operation "
"""Prefix of the input that stands for the value of a function left open."""


class FormulaTarget(Struct, frozen=True, eq=False):
    """A `Target`: the term of a formula with what it depends on."""

    key: str
    latex: str
    kind: str
    line: int
    statement: Statement
    term: t.Term
    shared: Shared
    parameters: Sequence[Parameter]
    subject: str | None = None
    operations: Mapping[str, tuple[t.Variable, t.Term]] = field(default_factory=dict)
    """Functions left open: the variable of the value, and the argument."""
    _programs: dict[tuple[tuple[str, int], ...], tuple[dict[str, Program], Program]] = field(default_factory=dict)
    """By sizes: the arguments of functions left open, and the whole."""

    @property
    def ambiguous(self) -> bool:
        """Whether the types left open how the formula is read."""
        return any(options > 1 for options in self.shared.choices.asked.values())

    @property
    def names(self) -> tuple[str, ...]:
        return spellings(self.latex)

    @property
    def sizes(self) -> Sequence[str]:
        return sorted({a for p in self.parameters for x in p.shape or () for a in x.atoms})

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """The formula at these values, in double precision; sizes follow from the shapes. Raises CannotLower."""
        sizes: dict[str, int] = {}
        pending = [(p, np.asarray(values[p.key])) for p in self.parameters if p.role != "operation"]
        for _ in range(2):
            for parameter, array in pending:
                learned = unify(parameter.shape or (), array.shape, sizes)
                if learned is None:
                    raise CannotLower(f"{parameter.latex} has shape {array.shape}")
                sizes |= learned
        for atom in self.sizes:
            if atom not in sizes:
                raise CannotLower(f"the size {atom} is not determined")
        feeds: dict[str, np.ndarray] = {p.key: a.astype(float) for p, a in pending}
        try:
            inner, whole = self._program(sizes)
            for name, (variable, _) in self.operations.items():
                given = _run(inner[name], feeds)
                function = values[name]
                if not callable(function):
                    raise CannotLower(f"{name} is no function")
                feeds[variable.key] = np.asarray(function(given), dtype=float)
            return _run(whole, feeds)
        except (KeyError, BadProgram, TooLarge, ValueError) as error:
            raise CannotLower(f"{self.latex}: {error}") from error

    def _program(self, sizes: Mapping[str, int]) -> tuple[dict[str, Program], Program]:
        """The formula at these sizes, lowered once."""
        key = tuple(sorted(sizes.items()))
        if key not in self._programs:
            low = Lowering(dict(sizes), dict(self.shared.solver.solution), dict(self.shared.recurrences))
            inner = {name: full(low.value(argument)) for name, (_, argument) in self.operations.items()}
            self._programs[key] = inner, full(low.value(self.term))
        return self._programs[key]


def _run(value: Program, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
    result = run([value.node], feeds)[0]
    order = [value.node.axes.index(a) for a in value.axes]
    if len(order) != len(value.node.axes):
        raise CannotLower("the formula holds for every value of an index, the code computes one")
    return np.asarray(result).transpose(order)


def targets(elaboration: Elaboration) -> tuple[FormulaTarget | TableTarget | GradientTarget | Further, ...]:
    """Everything that the document defines and can be evaluated, in order; gradients that it claims after that; then
    derivatives that code may compute by hand; then every equation for itself, and what else the text states."""
    from lemmata.lower.further import further
    from lemmata.lower.gradients import gradients
    from lemmata.lower.tables import tables

    found: list[FormulaTarget] = []
    seen: set[int] = set()
    for statement in elaboration.statements:
        binding = _binding(elaboration, statement)
        if binding is not None and binding.uid not in seen:
            seen.add(binding.uid)
            found.extend(_definition(elaboration, statement, binding))
        elif statement.role == "claim" and statement.kind == "gradient":
            found.extend(_gradient(elaboration, statement, found))
    for item in elaboration.items:
        found.extend(_expression(elaboration, item))
    return (*found, *tables(elaboration), *gradients(elaboration, found), *further(elaboration, found))


def _binding(elaboration: Elaboration, statement: Statement) -> Binding | None:
    if statement.role != "definition" or statement.kind != "definition" or not isinstance(statement.expr, s.Relation):
        return None
    environment = elaboration.roles.environment
    head = statement.expr.items[0]
    for key in environment.keys():
        for binding in environment.all(key):
            if (
                binding.kind in ("definition", "function")
                and binding.place.at == statement.formula.index
                and _heads(head, binding)
            ):
                return binding
    return None


def _heads(head: s.Expr, binding: Binding) -> bool:
    name = next((n for n in walk(head) if isinstance(n, s.Name)), None)
    match head:
        case s.Name():
            name = head
        case s.Juxt(items=(s.Name() as first, *_)):
            name = first
        case s.Call(function=first):
            name = first
    return name is not None and binding.key.startswith(stem(name))


def _fresh(elaboration: Elaboration, item: Item | None) -> Shared:
    return Elaborator.of(elaboration).shared(Choices(), item)


def _item(elaboration: Elaboration, statement: Statement) -> Item | None:
    return next((i for i in elaboration.items if i.formula is statement.formula), None)


def _definition(elaboration: Elaboration, statement: Statement, binding: Binding) -> Iterator[FormulaTarget]:
    shared = _fresh(elaboration, _item(elaboration, statement))
    r = Reader(shared, binding.place)
    try:
        if binding.kind == "function":
            if any(p.sub is not None and spell(p.sub) in elaboration.roles.letters for p in binding.params):
                return
            arguments = tuple(map(_without_law, own_arguments(r, binding)))
            term = call_function(r, binding, arguments, binding.latex)
            kind = "function"
        elif binding.indices:
            return
        else:
            arguments = ()
            term, kind = references.refer(r, binding), "value"
    except Unreadable:
        return
    if twice_given(statement.expr) or kind == "function" and _fixed_point(statement.expr):
        return
    latex = _head_latex(statement)
    if kind == "value" and not any(isinstance(x, t.Input) for x in t.walk((term,))):
        return
    yield _target(f"{binding.key}#{binding.uid}", latex, kind, statement, term, shared, arguments)


def _without_law(argument: t.Term) -> t.Term:
    """The argument of a function that code is called with: any value, even where the document draws it at random."""
    if not isinstance(argument, t.Input) or argument.variable.law is None:
        return argument
    return replace(argument, variable=replace(argument.variable, law=None))


def _fixed_point(expr: s.Expr) -> bool:
    """f(z) = z, which asks for a point rather than defines f."""
    if not isinstance(expr, s.Relation) or len(expr.items) != 2 or not isinstance(expr.items[1], s.Name):
        return False
    head, side = expr.items
    return any(isinstance(n, s.Name) and n is not head and spell(n) == spell(side) for n in walk(head))


def twice_given(expr: s.Expr) -> bool:
    """Whether cases give one condition twice, so that they define nothing."""
    for node in walk(expr):
        if isinstance(node, s.CasesOf):
            stated = [spell_all(c) for _, c in node.branches if c is not None]
            if len(set(stated)) < len(stated):
                return True
    return False


def spell_all(expr: s.Expr) -> str:
    """A spelling of any expression, to tell whether two are written alike."""
    return spell(expr) if isinstance(expr, s.Relation | s.Name) else repr(replace(expr, start=0, end=0))


def _head_latex(statement: Statement) -> str:
    """The head as written, without the arguments."""
    assert isinstance(statement.expr, s.Relation)
    head = statement.expr.items[0]
    end = head.end
    match head:
        case s.Juxt(items=(first, *_)):
            end = first.end
        case s.Call(function=first):
            end = first.end
    return statement.formula.latex[head.start : end].strip()


def _target(
    key: str,
    latex: str,
    kind: str,
    statement: Statement,
    term: t.Term,
    shared: Shared,
    arguments: Sequence[t.Term],
    subject: str | None = None,
    operations: Mapping[str, tuple[t.Variable, t.Term]] | None = None,
) -> FormulaTarget:
    solution = shared.solver.solution
    inputs: dict[str, t.Variable] = {}
    terms = [*arguments, term]
    for recurrence in shared.recurrences.values():
        terms.append(recurrence.body)
    for x in t.walk(terms):
        if isinstance(x, t.Input) and x.variable.law is None:
            inputs.setdefault(x.variable.key, x.variable)
    first = [a.variable.key for a in arguments if isinstance(a, t.Input) and a.variable.key in inputs]
    open_keys = {v.key for v, _ in (operations or {}).values()}
    parameters = []
    for name in (*first, *(k for k in inputs if k not in first)):
        variable = inputs[name]
        if name in open_keys:
            continue
        shape = tuple(x.substitute(solution) for x in variable.type.shape)
        role = "argument" if name in first else "weight" if kind == "function" and shape else "input"
        indexed = (
            sum(1 for x in shape if any(a.startswith("?members") for a in x.atoms))
            if variable.family == 0
            else variable.family
        )
        domain = Domain(variable.domain.low, variable.domain.high, variable.domain.properties)
        parameters.append(Parameter(name, variable.latex, spellings(variable.latex), shape, role, indexed, domain))
    for name in operations or {}:
        parameters.append(Parameter(name, name, spellings(name), None, "operation"))
    return FormulaTarget(
        key, latex, kind, statement.start.line, statement, term, shared, tuple(parameters), subject, operations or {}
    )


def _gradient(
    elaboration: Elaboration, statement: Statement, known: Sequence[FormulaTarget]
) -> Iterator[FormulaTarget]:
    """∂L/∂w = …: the right side, to be met by automatic differentiation or written-out code."""
    expr = statement.expr
    if not isinstance(expr, s.Relation) or len(expr.items) != 2 or not isinstance(expr.items[0], s.Derivative):
        return
    item = _item(elaboration, statement)
    if item is None:
        return
    left = expr.items[0]
    shared = _fresh(elaboration, item)
    try:
        term = Reader(shared, item.place).term(expr.items[1])
    except Unreadable:
        return
    latex = statement.formula.latex[left.start : left.end].strip()
    subject = None
    if isinstance(left.numerator, s.Name):
        subject = next((k.key for k in reversed(known) if k.key.split("#")[0] == stem(left.numerator)), None)
    yield _target(f"{latex}@{statement.formula.index}", latex, "gradient", statement, term, shared, (), subject)


def _expression(elaboration: Elaboration, item: Item) -> Iterator[FormulaTarget]:
    """A displayed expression such as LayerNorm(x + Sublayer(x)): a function of its symbols and of an open one.

    It may be what a name stands for, as in output = LayerNorm(x + Sublayer(x)).
    """
    expr = item.part.expr
    if item.role == "definition" and isinstance(expr, s.Relation) and expr.ops == ("=",):
        expr = expr.items[1]
        if not any(isinstance(n, s.Name) and "norm" in n.base.lower() for n in walk(expr)):
            return
        texts = (x.text for b in elaboration.document.blocks for x in getattr(b, "inlines", ()) if isinstance(x, Text))
        if any(NORM_FIRST.search(text) for text in texts):
            return
    elif item.role != "expression":
        return
    if not item.formula.display or not isinstance(expr, s.Call | s.Juxt):
        return
    shared = _fresh(elaboration, item)
    r = Reader(shared, item.place)
    opened: dict[str, tuple[t.Variable, t.Term]] = {}
    unknown = [
        n.function
        for n in walk(expr)
        if isinstance(n, s.Call) and len(n.arguments) == 1 and not references.is_defined(r, n.function)
    ]
    if len(unknown) != 1:
        return
    name = unknown[0]

    def make(reader: Reader, arguments: tuple[t.Term, ...]) -> t.Term:
        variable = t.Variable(OPERATION + name.base, name.base, replace(arguments[0].type, row=False))
        opened[rf"\text{{{name.base}}}"] = (variable, arguments[0])
        return t.Input(variable.type, variable)

    symbols = [n for n in walk(expr) if isinstance(n, s.Name) and not n.word]
    bound = Binding(stem(name), name.font, name.base, "function", item.place, params=(s.Name(0, 0, "x"),), make=make)
    local = Elaborator.of(elaboration).with_binding(shared, bound)
    r = Reader(local, item.place)
    matrices = {}
    for symbol in {stem(x): x for x in symbols}.values():
        kind = t.Tensor((Size.of(f"?rows {stem(symbol)}"), Size.of(f"?width {stem(symbol)}")))
        matrices[stem(symbol)] = t.Input(kind, t.Variable(stem(symbol), spell(symbol), kind, declared=False))
    try:
        term = r.bind(matrices).term(expr)
    except Unreadable:
        return
    start, end = expr.start, expr.end
    latex = item.formula.latex[start:end].strip()
    statement = Statement(
        item.formula,
        item.formula.position(start),
        item.formula.position(end - 1),
        latex,
        "expression",
        "expression",
        expr,
    )
    yield _target(
        f"{latex}@{item.formula.index}",
        latex,
        "function",
        statement,
        term,
        local,
        tuple(matrices.values()),
        None,
        opened,
    )


def sizes_known(sizes: Sequence[Size]) -> bool:
    return not any(is_unknown(a) for x in sizes for a in x.atoms)
