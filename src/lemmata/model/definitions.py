"""What a document defines, by the author's names, each read as a term with its parameters and free symbols."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import INTEGER, SCALAR, Tensor
from lemmata.elaborate import arithmetic, references
from lemmata.elaborate import surface as s
from lemmata.elaborate.calls import call_function
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.environment import Binding, Environment
from lemmata.elaborate.names import parameter_key, spell, stem
from lemmata.elaborate.reader import Reader, Recurrence, Shared
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Misfit, Unreadable, unknown


class Symbol(Struct, frozen=True):
    """A parameter or a free symbol of a definition."""

    name: str
    """The author's, without indices of families: `W_1`, `W^Q`."""
    variable: t.Variable
    shape: tuple[Size, ...]
    """With the sizes that the document determines put in; of a family, its members' axis first."""

    @property
    def latex(self) -> str:
        return self.variable.latex

    def __str__(self) -> str:
        return f"{self.name}: {describe(self.shape)}"


def describe(shape: Sequence[Size]) -> str:
    """A shape in the author's sizes; a size without a name is a question mark."""
    return " × ".join(map(str, shape)) if shape else "a number"


class Expression(Struct, frozen=True):
    """A definition as a term: what it computes from its parameters and free symbols."""

    term: t.Term
    parameters: tuple[Symbol, ...]
    free: tuple[Symbol, ...]
    """Symbols without a definition of their own, in reading order: weights and data."""
    solution: Mapping[str, Size]
    recurrences: Mapping[str, Recurrence]

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return self.parameters + self.free


class Definition(Struct, frozen=True):
    """A definition of the document."""

    name: str
    latex: str
    """The whole formula, as written."""
    line: int
    binding: Binding
    elaboration: Elaboration
    item: Item | None
    whole: bool = False
    """All members of a family along its indices, not one of them."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the arguments: indices first, then the function's parameters."""
        own = tuple(parameter_key(p) for p in self.binding.params)
        return self.indices + own

    @property
    def indices(self) -> tuple[str, ...]:
        """Names of the indices that a member is called with."""
        return () if self.whole else tuple(_index_name(i, n) for n, i in enumerate(self.binding.indices))

    @property
    def family(self) -> bool:
        """Whether this is a member of a family of values, which has a value as a whole too."""
        return bool(self.indices) and self.binding.kind == "definition"

    def read(self, ranks: Mapping[str, int] | None = None, letters: Sequence[str] = ()) -> Expression:
        """The definition with its parameters as inputs; `ranks` overrides the numbers of axes of undeclared ones.

        `letters` are running indices that are inputs too: y in L = -log P_y, which holds for every y.
        Where the shapes declared for the parameters' names do not fit the body, they are taken as unknown: a
        parameter may be another thing than the symbol of its name. Raises Unreadable.
        """
        try:
            return self._read(ranks or {}, False, letters)
        except Misfit:
            if not self.binding.params:
                raise
            return self._read(ranks or {}, True, letters)

    def _read(self, ranks: Mapping[str, int], anew: bool, letters: Sequence[str]) -> Expression:
        elaborator = Elaborator.of(self.elaboration)
        entries = _by_entries(elaborator.shared(Choices(), self.item))
        _with_ranges(entries, self.elaboration)
        shared = replace(elaborator.shared(Choices(), self.item), environment=entries)
        binding = self.binding
        if binding.stepwise:
            raise Unreadable(f"{binding.latex} is a recurrence")
        r = Reader(shared, binding.place)
        r.free.update({x: t.Input(INTEGER, t.Variable(f"{x}#running", x, INTEGER)) for x in letters})
        indices = tuple(_index_input(binding, name) for name in self.indices)
        arguments = tuple(_argument(r, p, ranks, anew) for p in binding.params)
        if binding.kind == "function":
            bound = {spell(i): x for i, x in zip(binding.indices, indices, strict=True)}
            term = call_function(r, binding, arguments, binding.latex, bound)
        elif indices:
            term = _member(r, binding, indices)
        else:
            term = references.refer(r, binding)
        return _expression(shared, term, self.parameters, indices + arguments)


def _index_name(index: s.Expr, position: int) -> str:
    return stem(index) if isinstance(index, s.Name) else f"index {position + 1}"


def _index_input(binding: Binding, name: str) -> t.Term:
    return t.Input(INTEGER, t.Variable(f"index {name}#{binding.uid}", name, INTEGER))


def _argument(r: Reader, parameter: s.Name, ranks: Mapping[str, int], anew: bool) -> t.Term:
    """A parameter as an input: the document's symbol of that name, or one of its own."""
    key = parameter_key(parameter)
    rank = ranks.get(key)
    try:
        own = r.term(parameter)
    except Unreadable:
        own = _input(key, Tensor(tuple(unknown(key) for _ in range(rank or 0))), False)
    if isinstance(own, t.Input) and own.variable.family:
        anew = True
    if not isinstance(own, t.Input) or anew:
        kind = Tensor(tuple(unknown(key) for _ in own.type.shape), own.type.row) if anew else own.type
        own = _input(key, kind, isinstance(own, t.Input) and own.variable.declared)
    if rank is not None and rank != own.type.rank and not own.variable.declared:
        kind = Tensor(tuple(unknown(key) for _ in range(rank)))
        variable = replace(own.variable, type=kind)
        for slot, known in r.shared.guessed.items():
            if known.key == variable.key:
                r.shared.guessed[slot] = variable
        own = t.Input(kind, variable)
    return own


def _input(key: str, kind: Tensor, declared: bool) -> t.Input:
    return t.Input(kind, t.Variable(f"{key}#parameter", key, kind, declared=declared))


def _member(r: Reader, binding: Binding, values: tuple[t.Term, ...]) -> t.Term:
    """The member at these indices: the clause whose head fits them, as PE_{p,2i} where the second index is even."""
    branches: list[tuple[t.Term, t.Term]] = []
    for pattern, body in (*binding.clauses, (binding.indices, binding.body)):
        if body is None or len(pattern) != len(values):
            continue
        bound: dict[str, t.Term] = {}
        fits: t.Term | None = None
        for head, value in zip(pattern, values, strict=True):
            letter, solved, condition = _solved(r, head, value)
            if letter:
                bound[letter] = solved
            if condition is not None:
                fits = condition if fits is None else t.Op(condition.type, "and", (fits, condition))
        result = r.at(binding.place, bound).term(body)
        if fits is None:
            return t.Cases(result.type, tuple(branches), result) if branches else result
        branches.append((result, fits))
    if not branches:
        raise Unreadable(f"{binding.latex} has no members")
    return t.Cases(branches[0][0].type, tuple(branches), None)


def _solved(r: Reader, head: s.Expr, value: t.Term) -> tuple[str, t.Term, t.Term | None]:
    """The letter of a head's index, its value where the index is `value`, and the condition for that; 2i, t+1, 0."""
    number = arithmetic.number
    match head:
        case s.Name():
            return stem(head), value, None
        case s.Num(value=wanted):
            return "", value, arithmetic.compare(r.solver, "=", value, number(wanted))
        case s.Juxt(items=(s.Num(value=factor), s.Name() as letter)):
            return (stem(letter), *_multiple(r, value, factor))
        case s.Infix(ops=("+" | "-" as op,), items=(first, s.Num(value=shift))):
            moved = arithmetic.add(r.solver, "-" if op == "+" else "+", value, number(shift))
            return _solved(r, first, moved)
    raise Unreadable(f"the index {spell(head)} of {r.place.at}")


def _multiple(r: Reader, value: t.Term, factor: Fraction) -> tuple[t.Term, t.Term]:
    divisor = arithmetic.number(factor)
    rest = t.Op(SCALAR, "mod", (value, divisor))
    return arithmetic.divide(r.solver, value, divisor), arithmetic.compare(
        r.solver, "=", rest, arithmetic.number(Fraction(0))
    )


def _expression(shared: Shared, term: t.Term, names: Sequence[str], arguments: Sequence[t.Term]) -> Expression:
    solution = dict(shared.solver.solution)
    parameters = []
    for name, argument in zip(names, arguments, strict=True):
        assert isinstance(argument, t.Input)
        parameters.append(_symbol(name, argument.variable, solution))
    taken = {p.variable.key for p in parameters}
    free: dict[str, Symbol] = {}
    steps = shared.recurrences.values()
    bodies = [term, *(x.body for x in steps), *(b for x in steps for b in x.bases.values())]
    for variable in _free(bodies):
        if variable.key not in taken and variable.key not in free:
            name = re.split(r"[#?]", variable.key)[0]
            while name in names or any(name == f.name for f in free.values()):
                name += "'"
            free[variable.key] = _symbol(name, variable, solution)
    return Expression(term, tuple(parameters), tuple(free.values()), solution, dict(shared.recurrences))


def _free(bodies: Sequence[t.Term]) -> Iterator[t.Variable]:
    """The inputs of terms in reading order, but for those that a value is put in place of."""
    stack: list[tuple[t.Term, frozenset[str]]] = [(x, frozenset()) for x in reversed(bodies)]
    seen: set[tuple[int, frozenset[str]]] = set()
    while stack:
        term, bound = stack.pop()
        if (id(term), bound) in seen:
            continue
        seen.add((id(term), bound))
        match term:
            case t.Input(variable=variable):
                if variable.key not in bound:
                    yield variable
            case t.At(body=body, variable=variable, value=value):
                stack += [(value, bound), (body, bound | {variable.key})]
            case _:
                stack += [(x, bound) for x in reversed(t.subterms(term))]


def _symbol(name: str, variable: t.Variable, solution: Mapping[str, Size]) -> Symbol:
    return Symbol(name, variable, tuple(x.substitute(solution) for x in variable.type.shape))


def definitions(elaboration: Elaboration) -> Iterator[Definition]:
    """Every definition with a body, in the order of the document."""
    environment = elaboration.roles.environment
    found = [
        b
        for key in environment.keys()
        for b in environment.all(key)
        if b.kind in ("definition", "function") and b.body is not None and b.place.at >= 0
    ]
    for binding in sorted(found, key=lambda b: b.place.at):
        item = next((i for i in elaboration.items if i.place.at == binding.place.at and i.role == "definition"), None)
        formula = elaboration.document.formulas[binding.place.at]
        start = len(formula.latex) - len(formula.latex.lstrip())
        yield Definition(binding.key, formula.latex.strip(), formula.position(start).line, binding, elaboration, item)


def _by_entries(scratch: Shared) -> Environment:
    """Without the declarations of tensors whose entries are defined: M is what M_{ij} = … says, not any matrix."""
    environment = scratch.environment
    found = Environment()
    found.both_fonts = environment.both_fonts
    for key in environment.keys():
        bindings = environment.all(key)
        indexed = [b for b in bindings if b.kind == "definition" and b.indices and not b.clauses and not b.stepwise]
        for b in bindings:
            rank = b.type.rank if b.kind == "variable" and b.type is not None else None
            if rank is None or not any(len(x.indices) == rank and _is_entry(scratch, x) for x in indexed):
                found.put(b)
    return found


def _with_ranges(environment: Environment, elaboration: Elaboration) -> None:
    """Give declared families the ranges of their indices that the same sentence states after them."""
    for key in environment.keys():
        for b in environment.all(key):
            letters = {spell(i) for i in b.indices} - b.ranges.keys()
            if b.kind != "family" or not letters:
                continue
            for place, ranges in elaboration.roles.ranges:
                if place.sentence == b.place.sentence:
                    b.ranges = {**{k: v for k, v in ranges.items() if k in letters}, **b.ranges}


def _is_entry(scratch: Shared, binding: Binding) -> bool:
    """Whether the members of an indexed definition are numbers."""
    r = Reader(scratch, binding.place)
    letters = {stem(i): references.free_index(r, stem(i)) for i in binding.indices if isinstance(i, s.Name)}
    if len(letters) != len(binding.indices):
        return False
    try:
        return references.member(r.bind(letters), binding, binding.indices, None)[0].type.rank == 0
    except Unreadable:
        return False
