"""Matrices that a document gives clause by clause, such as sinusoidal positions, as tables of any size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.code.spelling import spellings, squash
from lemmata.code.target import CannotLower, Parameter, Value
from lemmata.core import terms as t
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.reader import Reader, Shared
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.solver import Unreadable
from lemmata.elaborate.statement import Statement
from lemmata.lower.lowering import Lowering
from lemmata.lower.targets import _head_latex, _run
from lemmata.lower.value import full
from lemmata.program.build import BadProgram

NUMBER = t.Tensor(())
ROW, COLUMN = "row", "column"
WIDTHS = frozenset("dmodel d n c dim dembed dmodels dim hidden embdim demb".split())
"""How formulas call the number of columns, without underscores."""


class Clause(Struct, frozen=True):
    """The entries of every k-th column."""

    offset: int
    """The first of these columns."""
    term: t.Term
    """In terms of the row's number and of the number within these columns."""
    shared: Shared


class TableTarget(Struct, frozen=True):
    """A `Target` of kind `table`: rows are counted from 0, columns given by clauses such as 2i and 2i + 1."""

    key: str
    latex: str
    line: int
    statement: Statement
    clauses: tuple[Clause, ...]
    kind: str = "table"
    parameters: Sequence[Parameter] = ()
    subject: str | None = None
    sizes: Sequence[str] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return spellings(rf"\text{{{self.latex}}}" if self.latex.isalpha() else self.latex)

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        raise CannotLower("a table is evaluated at a number of rows and columns")

    def table(self, rows: Sequence[int], columns: int) -> np.ndarray:
        """These rows of the table. Raises CannotLower."""
        stride = len(self.clauses)
        if columns % stride:
            raise CannotLower(f"the number of columns is no multiple of {stride}")
        found = np.empty((len(rows), columns))
        try:
            for clause in self.clauses:
                sizes = {a: columns for x in t.walk((clause.term,)) for a in _atoms(x)}
                low = Lowering(sizes, dict(clause.shared.solver.solution), {})
                program = full(low.value(clause.term))
                known = {x.variable.key for x in t.walk((clause.term,)) if isinstance(x, t.Input)}
                feeds = {k: np.array(float(columns)) for k in known}
                for place, row in enumerate(rows):
                    for number in range(columns // stride):
                        feeds |= {ROW: np.array(float(row)), COLUMN: np.array(float(number))}
                        entry = _run(program, {k: v for k, v in feeds.items() if k in known})
                        found[place, stride * number + clause.offset] = float(entry)
        except (KeyError, BadProgram, ValueError, TypeError) as error:
            raise CannotLower(f"{self.latex}: {error}") from error
        return found


def _atoms(term: t.Term) -> frozenset[str]:
    return frozenset(term.size.atoms) if isinstance(term, t.SizeNum) else frozenset()


def tables(elaboration: Elaboration) -> Iterator[TableTarget]:
    """Every matrix of the document that its definition gives for all columns, once."""
    seen: set[int] = set()
    environment = elaboration.roles.environment
    clausal = [b for key in environment.keys() for b in environment.all(key) if b.clauses and len(b.indices) == 2]
    for statement in elaboration.statements:
        if statement.role != "definition" or not isinstance(statement.expr, s.Relation):
            continue
        for binding in clausal:
            if binding.place.at == statement.formula.index and binding.uid not in seen:
                seen.add(binding.uid)
                found = _table(elaboration, statement, binding)
                if found is not None:
                    yield found


def _table(elaboration: Elaboration, statement: Statement, binding: Binding) -> TableTarget | None:
    clauses = []
    for indices, body in ((binding.indices, binding.body), *binding.clauses):
        clause = _clause(elaboration, binding, indices, body) if body is not None else None
        if clause is None:
            return None
        clauses.append(clause)
    if sorted(c.offset for c in clauses) != list(range(len(clauses))):
        return None
    latex = _head_latex(statement)
    name = latex.split("_")[0].strip()
    return TableTarget(f"{binding.key}#{binding.uid} table", name, statement.start.line, statement, tuple(clauses))


def _clause(elaboration: Elaboration, binding: Binding, indices: Sequence[s.Expr], body: s.Expr) -> Clause | None:
    """The clause, if its first index is a letter and its second counts columns by as many as there are clauses."""
    if len(indices) != 2 or not isinstance(indices[0], s.Name):
        return None
    letters = {stem(n) for n in walk(indices[1]) if isinstance(n, s.Name)}
    if len(letters) != 1 or stem(indices[0]) in letters:
        return None
    shared = Elaborator.of(elaboration).shared(Choices(), None)
    keys = {stem(indices[0]): ROW, letters.pop(): COLUMN}
    bound: dict[str, t.Term] = {
        letter: t.Input(NUMBER, t.Variable(key, letter, NUMBER)) for letter, key in keys.items()
    }
    r = Reader(shared, binding.place).bind(bound)
    try:
        column, term = r.term(indices[1]), r.term(body)
        low = Lowering({}, dict(shared.solver.solution), {})
        program = full(low.value(column))
        first, second = (float(_run(program, {COLUMN: np.array(float(k))})) for k in (0, 1))
    except (Unreadable, CannotLower, BadProgram, KeyError, ValueError):
        return None
    others = {x.variable.key for x in t.walk((term,)) if isinstance(x, t.Input)} - {ROW, COLUMN}
    widths = others | {a for x in t.walk((term,)) for a in _atoms(x)}
    if len(widths) > 1 or any(squash(w.rstrip("?")).lower() not in WIDTHS for w in widths) or term.type.shape:
        return None
    if second - first != 1 + len(binding.clauses) or first != int(first):
        return None
    return Clause(int(first), term, shared)
