"""Update rules of a document, such as momentum or Adam, as programs: θ_{k-1}, g_k and what else a step carries on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec
import torch
from msgspec import Struct
from torch import Tensor

from lemmata.backends.torch import compile
from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.elaborate import recurrences
from lemmata.elaborate.document import Elaborator
from lemmata.elaborate.reader import Reader, Recurrence
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.solver import Unreadable
from lemmata.lower.lowering import Lowering
from lemmata.lower.value import Value
from lemmata.model import Model
from lemmata.model.naming import plain, resolve
from lemmata.model.numbers import numbers
from lemmata.program import build
from lemmata.program.graph import inputs as leaves
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

NEITHER = "is neither given in the document nor in its settings"


class NoRule(ValueError):
    """An update rule that cannot be executed, and why."""


@dataclass(frozen=True)
class UpdateRule:
    """One step of the document's recurrence for its weights, all weights in one vector."""

    name: str
    """The symbol of the weights: \\theta."""
    line: int
    state: tuple[str, ...]
    """The other recurrences that a step carries on, by symbol: \\mu, \\nu."""
    first: Mapping[str, float]
    """Their first values."""
    constants: Mapping[str, float]
    """Every number that the rule depends on, from the document or the settings."""
    rate: str = ""
    """The symbol whose value is shown as the learning rate; empty if the rule has none that is a number."""
    _programs: dict[tuple[int, torch.dtype, torch.device], Callable[..., tuple[Tensor, ...]]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _lower: Callable[[int], tuple[list[Node], list[Node]]] = field(default=lambda _: ([], []), repr=False)

    def __call__(
        self, step: Tensor, weights: Tensor, gradient: Tensor, state: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor], Tensor | None]:
        """Weights and state after a step, and the rate; `step` is a number, counted from one, everything else flat."""
        key = (weights.numel(), weights.dtype, weights.device)
        program = self._programs.get(key)
        if program is None:
            outputs, inputs = self._lower(weights.numel())
            program = self._programs[key] = compile(outputs, inputs)
        found = program(step, weights, gradient, *state)
        rate = found[1 + len(state)] if self.rate else None
        return found[0], list(found[1 : 1 + len(state)]), rate


def update_rule(model: Model, name: str, constants: Mapping[str, float] | None = None) -> UpdateRule:
    """The document's rule for the symbol `name`, such as theta: a recurrence over one step.

    The gradient is what the rule takes a family g_k of the weights' shape for, or a derivative by the weights. Numbers
    come from the document (`\\beta_1 = 0.9`) or from `constants`, by the document's names, which win. Raises NoRule.
    """
    try:
        definition = model[name].definition
    except KeyError as error:
        raise NoRule(str(error.args[0])) from None
    binding = definition.binding
    if not binding.stepwise:
        raise NoRule(f"{name} (line {definition.line}) is no recurrence: it does not depend on its value a step before")
    shared = Elaborator.of(model.elaboration).shared(Choices(), definition.item)
    try:
        recurrences.recurrence(Reader(shared, binding.place), binding)
    except Unreadable as error:
        raise NoRule(f"{name} (line {definition.line}): {error}") from error
    weights = f"{binding.key}#{binding.uid}"
    found = dict(shared.recurrences)
    given = {**numbers(model.elaboration), **(constants or {})}
    rule = _Rule(weights, found, dict(shared.solver.solution), given, f"{name} (line {definition.line})")
    rule.lower(3)
    others = [k for k in found if k != weights]
    return UpdateRule(
        binding.latex,
        definition.line,
        tuple(found[k].latex for k in others),
        {found[k].latex: rule.first(k) for k in others},
        dict(rule.used),
        rule.rate,
        _lower=rule.lower,
    )


class _Rule(Struct):
    """The recurrences of a rule, lowered at a length of the vector of weights."""

    weights: str
    recurrences: Mapping[str, Recurrence]
    solution: Mapping[str, Size]
    given: Mapping[str, float]
    at: str
    used: dict[str, float] = msgspec.field(default_factory=dict)
    rate: str = ""

    def lower(self, length: int) -> tuple[list[Node], list[Node]]:
        """Outputs (weights, state, rate) and inputs (step, weights, gradient, state). Raises NoRule."""
        axis = Axis.fresh("weights", length)
        step = build.input("step", ())
        before = {k: build.input(f"{r.latex} before", (axis,)) for k, r in self.recurrences.items()}
        gradient = build.input("gradient", (axis,))
        low = _Step(self, axis, step, before, gradient)
        try:
            after = {k: low.after(k) for k in self.recurrences}
        except CannotLower as error:
            raise NoRule(f"{self.at}: {error}") from error
        if gradient not in leaves(*after.values()):
            raise NoRule(f"{self.at} takes no gradient: no family g of the weights' shape stands in it")
        others = [k for k in self.recurrences if k != self.weights]
        outputs = [_along(after[self.weights], axis), *(_along(after[k], axis) for k in others)]
        if low.rate is not None:
            self.rate, node = low.rate
            outputs.append(node)
        return outputs, [step, before[self.weights], gradient, *(before[k] for k in others)]

    def first(self, key: str) -> float:
        """The first value of a state, 0 where nothing is said. Raises NoRule for one that is no number."""
        bases = self.recurrences[key].bases
        if not bases:
            return 0.0
        base = bases[min(bases)]
        if not isinstance(base, t.Num):
            raise NoRule(f"{self.at}: the first value of {self.recurrences[key].latex} is no number")
        return float(base.value)

    def number(self, variable: t.Variable) -> float:
        """The value of a constant. Raises CannotLower where nobody gives one."""
        names = [(n, n) for n in self.given]
        for wanted in (variable.latex, variable.key.split("#")[0].split("?")[0]):
            found = resolve(wanted, names) or resolve(plain(wanted), names)
            if found is not None:
                self.used[variable.latex] = self.given[found]
                return self.given[found]
        raise CannotLower(f"{variable.latex} {NEITHER}")


def _along(node: Node, axis: Axis) -> Node:
    return node if axis in node.axes else build.broadcast(node, (axis,))


class _Step(Lowering):
    """Lowering of one step: members a step before are inputs, the step itself is one, and so is the gradient."""

    def __init__(self, rule: _Rule, axis: Axis, step: Node, before: Mapping[str, Node], gradient: Node) -> None:
        super().__init__({}, rule.solution, rule.recurrences)
        self.rule, self.row, self.step, self.before, self.gradient = rule, axis, step, before, gradient
        self.letter = ""
        self.done: dict[str, Node] = {}
        self.rate: tuple[str, Node] | None = None

    def after(self, family: str) -> Node:
        """The member at this step."""
        found = self.done.get(family)
        if found is None:
            recurrence = self.recurrences[family]
            held, self.letter = self.letter, recurrence.letter
            found = self.done[family] = self.value(recurrence.body).node
            self.letter = held
        return found

    def member_key(self, term: t.Unrolled) -> str:
        return f"{term.family}[{term.index}]"

    def _vector(self, node: Node, rank: int) -> Value:
        return Value(node, (self.row,) if rank else ())

    def _value(self, term: t.Term) -> Value:
        match term:
            case t.SizeNum(size=size):
                return Value(self._steps(size))
            case t.Unrolled(family=family, index=index):
                return self._member(family, index, term.type.rank)
            case t.Deriv(wrt=t.Unrolled(family=family)) if family == self.rule.weights:
                return self._vector(self.gradient, term.type.rank)
            case t.Item(base=t.Input(variable=variable), indices=(t.SizeNum(), *rest)) if (
                variable.family == 1 and not any(rest)
            ):
                return self._vector(self.gradient, term.type.rank)
            case t.Input(variable=variable) if not variable.type.rank and variable.law is None:
                return Value(build.constant(self.rule.number(variable)))
            case t.Defined(latex=latex, type=kind) if not kind.rank and self.rate is None:
                value = super()._value(term)
                if self.rate is None and not value.node.axes and self._rates(latex):
                    self.rate = (latex, value.node)
                return value
        return super()._value(term)

    @staticmethod
    def _rates(latex: str) -> bool:
        return plain(latex).split("_")[0] in ("eta", "alpha", "lr", "gamma", "rate")

    def _member(self, family: str, index: Size, rank: int) -> Value:
        latest = Size.of(self.letter)
        shift = (index - latest).number
        # θ_{t+1} = … is kept with its body a step on, so that what is one step earlier is the member before.
        if shift == -1:
            return self._vector(self.before[family], rank)
        if shift == 0 and family in self.recurrences:
            if family in self.done or family != self.rule.weights:
                return self._vector(self.after(family), rank)
        raise CannotLower(f"{self.recurrences[family].latex} is taken at another step than this one and the one before")

    def _steps(self, size: Size) -> Node:
        """A size in steps as a number: k, k + 1, 2k."""
        total = build.constant(Fraction(0))
        for monomial, coefficient in size.substitute(self.solution).terms:
            product = build.constant(coefficient)
            for atom, exponent in monomial:
                factor = self.step if atom == self.letter else build.constant(self.rule.number(_named(atom)))
                if exponent != 1:
                    factor = build.binary("pow", factor, build.constant(Fraction(exponent)))
                product = build.binary("mul", product, factor)
            total = build.binary("add", total, product)
        return total


def _named(atom: str) -> t.Variable:
    from lemmata.core.types import SCALAR

    return t.Variable(atom, atom, SCALAR)
