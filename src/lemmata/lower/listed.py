"""Lists that a formula gives member by member: $\\{\\theta_i = b^{-2 i / d}, i \\in [0, 1, \\dots, d/2 - 1]\\}$."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from lemmata.code.spelling import symbol_names
from lemmata.code.target import Atom, CannotLower, Parameter, Value
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.names import stem
from lemmata.elaborate.roles import Item
from lemmata.elaborate.statement import Statement
from lemmata.lower.equations import StatedEquation, _equation, _surroundings


class Listed(Struct, frozen=True):
    """A `Target` of kind `list`: the members of a list, their first number, and the last in terms of its symbols."""

    key: str
    latex: str
    line: int
    statement: Statement
    names: tuple[str, ...]
    equation: StatedEquation
    """A member."""
    letter: str
    """The key of the atom that numbers the members."""
    first: int
    last: StatedEquation | int
    kind: str = "list"
    parameters: Sequence[Parameter] = ()
    subject: str | None = None
    sizes: Sequence[str] = ()

    @property
    def free(self) -> tuple[Atom, ...]:
        """Every symbol but the number of the member, once."""
        more = () if isinstance(self.last, int) else self.last.atoms
        own = {a.latex: a for a in (*more, *self.equation.atoms) if a.key != self.letter or a in more}
        return tuple(own.values())

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """The members at numbers for the symbols, by their LaTeX. Raises CannotLower."""
        atoms = {a.key: np.asarray(values[a.latex]) for a in self.equation.atoms if a.key != self.letter}
        member = self.equation.typed({a.key: 0 for a in self.equation.atoms})
        last = self.last if isinstance(self.last, int) else _number(self.last, values)
        found = [float(member.evaluate({**atoms, self.letter: np.asarray(i)})) for i in range(self.first, last + 1)]
        return np.array(found)


def _number(equation: StatedEquation, values: Mapping[str, Value]) -> int:
    target = equation.typed({a.key: 0 for a in equation.atoms})
    found = float(target.evaluate({a.key: np.asarray(values[a.latex]) for a in equation.atoms}))
    if abs(found - round(found)) > 1e-9 or not 0 < found < 1000:
        raise CannotLower("no whole number of members")
    return round(found)


def listed(elaboration: Elaboration) -> Iterator[Listed]:
    """Every list of numbers given by a formula for its members and a range for their number."""
    around = _surroundings(elaboration.document)
    items = elaboration.items
    for at, item in enumerate(items):
        if item.role not in ("definition", "claim") or item.withdrawn or item.approximate:
            continue
        found = _in_brackets(item.part.expr) or _with_range(item, items[at + 1 : at + 3])
        if found is None:
            continue
        whole, head, body, letter, (first, last) = found
        made = _made(elaboration, item, whole, head, body, letter, first, last, around)
        if made is not None:
            yield made


Found = tuple["s.Name | None", s.Name, s.Expr, str, tuple[int, s.Expr]]


def _in_brackets(expr: s.Expr) -> Found | None:
    r"""\Theta = \{\theta_i = …, i \in …\}"""
    match expr:
        case s.Relation(
            ops=("=" | ":=",),
            items=(
                s.Name() as whole,
                s.Paren(items=(s.Relation(ops=("=",), items=(s.Name() as head, body)), s.Relation() as numbers)),
            ),
        ):
            letter = _letter(head)
            reach = _range(numbers, letter)
            return (whole, head, body, letter, reach) if letter and reach is not None else None
    return None


def _with_range(item: Item, behind: Sequence[Item]) -> Found | None:
    r"""\theta_i = …, i = 1, \dots, n, the range perhaps in a formula of its own"""
    match item.part.expr:
        case s.Relation(ops=("=" | ":=",), items=(s.Name() as head, body)):
            letter = _letter(head)
        case _:
            return None
    for other in behind:
        if letter and other.formula.index <= item.formula.index + 1 and isinstance(other.part.expr, s.Relation):
            reach = _range(other.part.expr, letter)
            if reach is not None:
                return None, head, body, letter, reach
    return None


def _letter(head: s.Name) -> str:
    match head.sub:
        case s.Name(sub=None, sup=None, base=base) if len(base) == 1 and head.sup is None:
            return base
    return ""


def _range(numbers: s.Relation, letter: str) -> tuple[int, s.Expr] | None:
    r"""(first, last) of i = 1, \dots, n and i \in [1, 2, \dots, n]."""
    match numbers:
        case s.Relation(ops=("=" | "\\in",), items=(s.Name(sub=None, sup=None) as name, members)) if (
            stem(name) == letter
        ):
            pass
        case _:
            return None
    if not isinstance(members, s.Listing | s.Paren) or set(members.separators) - {","}:
        return None
    if isinstance(members, s.Paren) and members.open not in "[{(":
        return None
    match members.items:
        case (s.Num(value=first), s.Mark(name="dots"), last) if first.denominator == 1:
            return int(first), last
        case (s.Num(value=first), s.Num(value=second), s.Mark(name="dots"), last) if second == first + 1:
            return int(first), last
    return None


def _made(
    elaboration: Elaboration, item: Item, whole: s.Name | None, head: s.Name, body: s.Expr, letter: str, first: int,
    last: s.Expr, around: Mapping[int, tuple[str, int | None]],
) -> Listed | None:  # fmt: skip
    formula = item.formula
    expr = item.part.expr
    start, end = formula.position(expr.start), formula.position(max(expr.start, expr.end - 1))
    source = formula.latex[expr.start : expr.end].strip()
    statement = Statement(formula, start, end, source, item.role, "equation", expr, place=item.place)
    shown = whole or head
    latex = formula.latex[shown.start : shown.end].strip()
    names = symbol_names(head.base, head.accents, (), head.primes)
    if whole is not None:
        names = (*names, *symbol_names(whole.base, whole.accents, (), whole.primes))
    text, follows = around.get(formula.index, ("", None))
    order = (-1 if start.cell is None else start.cell, start.line)
    key = f"list {formula.index}:{expr.start}"
    plain = StatedEquation(
        key, latex, "equation", start.line, statement, names, (), item.role, (), (), body, elaboration, item,
        text=text, follows=follows, order=order,
    )  # fmt: skip
    member = _equation(plain, body, sizes=False)
    if member is None:
        return None
    numbering = next((a.key for a in member.atoms if a.latex == letter), "")
    if not numbering:
        return None
    end_: StatedEquation | int | None
    if isinstance(last, s.Num) and last.value.denominator == 1:
        end_ = int(last.value)
    else:
        end_ = _equation(plain, last, sizes=False)
    if end_ is None or isinstance(end_, StatedEquation) and letter in {a.latex for a in end_.atoms}:
        return None
    return Listed(key, latex, start.line, statement, names, member, numbering, first, end_)


__all__ = ["Listed", "listed"]
