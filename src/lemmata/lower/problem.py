"""A reading as a problem for the judge: which sizes are free, what they must satisfy, the claim at given sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.elaborate.statement import Reading
from lemmata.lower.expectation import NoPolynomial, independent, levels
from lemmata.lower.lowering import FAMILY_LENGTH, Lowering
from lemmata.lower.value import aligned, full
from lemmata.program import build
from lemmata.verify.problem import RANK, CannotLower, Domain, Input, Instance, SizeRule


@dataclass
class ReadingProblem:
    """The `Problem` of a reading."""

    reading: Reading
    concluded: bool = False
    _sizes: tuple[str, ...] = ()
    _rules: tuple[SizeRule, ...] = ()
    _integral: tuple[Size, ...] = ()
    _fixed: dict[str, int] = field(default_factory=dict)
    _polynomial: bool = True

    def __post_init__(self) -> None:
        reading = self.reading
        every: list[Size] = []
        counts: list[Size] = []
        for term in self._terms():
            every.extend(term.type.shape)
            match term:
                case t.Input(variable=variable):
                    every.extend(variable.type.shape)
                    counts.extend(variable.type.shape)
                case t.SizeNum(size=size):
                    every.append(size)
                case t.Reduce(vars=variables) | t.Build(vars=variables):
                    for var in variables:
                        counts.append(var.count)
                        every.extend((var.start, var.count))
                case t.Stacked(var=var) | t.Var(var=var):
                    counts.append(var.count)
                    every.extend((var.start, var.count))
                case t.Unrolled(index=index):
                    every.append(index)
                case t.Op(attrs=attrs):
                    every.extend(v for _, v in attrs if isinstance(v, Size))
        solved = [s.substitute(reading.solution) for s in every]
        atoms = sorted({a for s in solved for a in s.atoms if a != "*"})
        self._fixed = {a: FAMILY_LENGTH for a in atoms if a.startswith("?members")}
        letters = {r.letter for r in reading.recurrences.values()} - set(reading.steps)
        free = [a for a in atoms if a not in self._fixed and a not in letters]
        own = set(free)
        rules = [
            SizeRule(a.substitute(reading.solution), op, b.substitute(reading.solution)) for a, op, b in reading.rules
        ]
        rules = [r for r in rules if (r.left.atoms | r.right.atoms) <= own]
        for letter, least in reading.steps.items():
            if letter in own:
                rules.append(SizeRule(least, "\\le", Size.of(letter)))
                rules.append(SizeRule(Size.of(letter), "\\le", Size.of(5)))
        self._sizes = tuple(free)
        self._rules = tuple(rules)
        shapes = {s.substitute(reading.solution) for s in (*counts, *(x for x in every))}
        whole = [s for s in shapes if s.atoms and s.atoms <= own]
        known = {c.substitute(reading.solution) for c in counts}
        self._integral = tuple(sorted((s for s in whole if s in known), key=str))

    def _terms(self) -> Iterator[t.Term]:
        reading = self.reading
        extra: list[t.Term] = []
        for recurrence in reading.recurrences.values():
            extra.append(recurrence.body)
            extra.extend(recurrence.bases.values())
        return t.walk((*reading.sides, *reading.conditions, *extra))

    @property
    def sizes(self) -> tuple[str, ...]:
        return self._sizes

    @property
    def rules(self) -> tuple[SizeRule, ...]:
        return self._rules

    @property
    def integral(self) -> tuple[Size, ...]:
        return self._integral

    def lowering(self, sizes: Mapping[str, int]) -> Lowering:
        """The way from the reading's terms to programs at these sizes."""
        low = Lowering({**self._fixed, **sizes}, self.reading.solution, self.reading.recurrences)
        low.levels = levels(t.walk(self.reading.sides))
        low.independent = independent(t.walk(self.reading.sides))
        low.polynomial = self._polynomial
        low.concluded = self.concluded
        return low

    def instance(self, sizes: Mapping[str, int]) -> Instance:
        """Lower the sides. Raises CannotLower."""
        try:
            return self._instance(sizes)
        except NoPolynomial:
            self._polynomial = False
            return self._instance(sizes)

    def _instance(self, sizes: Mapping[str, int]) -> Instance:
        low = self.lowering(sizes)
        values = [low.value(side) for side in self.reading.sides]
        tests = [low.value(c).node for c in self.reading.conditions]
        conditions = tuple(c for c in tests if not c.axes)
        masks = [c for c in tests if c.axes]
        first = max(values, key=lambda v: len(v.axes))
        nodes = []
        for value in values:
            if value.axes and len(value.axes) != len(first.axes):
                raise CannotLower("the sides have different shapes")
            for a, b in zip(value.axes, first.axes, strict=False):
                if a.size != b.size:
                    raise CannotLower(f"the sides have different shapes: {a.size} and {b.size}")
            node = aligned(full(value), first).node if value.axes else value.node
            for mask in masks:
                node = build.select(mask, node, build.constant(0))
            nodes.append(node)
        ranks = tuple((key, f"{RANK}{low.size(size)}") for key, size in self.reading.ranks)
        assumed = (*self.reading.properties, *ranks)
        inputs = tuple(
            Input(value.node, variable.latex, _domain(variable, assumed)) for value, variable in low.inputs.values()
        )
        # Nodes of quadrature are rounded numbers, wherever in the claim they were met.
        exact = low.exact and not any(axis.label.startswith("normal") for axis, _ in low.outcomes.values())
        relations = self.reading.relations
        numbers, derivatives = in_numbers(self.reading.sides), any(isinstance(x, t.Deriv) for x in self.reading.sides)
        return Instance(inputs, tuple(nodes), relations, conditions, exact, self.concluded, numbers, derivatives)


def _domain(variable: t.Variable, assumed: tuple[tuple[str, str], ...]) -> Domain:
    """The declared domain with what the sentence assumes."""
    extra = {prop for key, prop in assumed if key == variable.key}
    return Domain(variable.domain.low, variable.domain.high, variable.domain.properties | extra)


def in_numbers(sides: tuple[t.Term, ...]) -> bool:
    """Whether no letter takes part but those that a limit binds."""
    terms = list(t.walk(sides))
    bound = {x.variable.key for x in terms if isinstance(x, t.Limit) and x.variable is not None}
    letters = (t.Defined, t.Apply, t.At, t.SizeNum, t.Var, t.Unrolled)
    return not any(isinstance(x, letters) or isinstance(x, t.Input) and x.variable.key not in bound for x in terms)


def whole(value: Fraction) -> bool:
    return value.denominator == 1
