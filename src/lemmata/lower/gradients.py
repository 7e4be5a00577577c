"""Gradients that code written by hand may compute: those that a document claims, and those of what it defines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from lemmata.code.gradient_names import bare
from lemmata.code.target import Parameter, Value
from lemmata.core import terms as t
from lemmata.core.types import Tensor
from lemmata.documents.model import Text
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Unreadable
from lemmata.elaborate.statement import Statement
from lemmata.lower.targets import FormulaTarget, _fresh, _target

MOST = 8
"""Variables of one quantity by which it is differentiated."""
FACTOR = re.compile(
    r"constant factor|up to (a|the) (constant|factor|scal)|proportional|absorb|ignor|omit|dropp?(ed|ing)? the|"
    r"learning rate takes|negative gradient|descent direction|负梯度|常数因子|常数项|忽略|省略|略去|吸收|成正比",
    re.IGNORECASE,
)
"""Words with which a text lets factors go."""


class GradientTarget(Struct, frozen=True):
    """A `Target`: the derivative of a number by one variable."""

    formula: FormulaTarget
    latex: str
    of: str
    """LaTeX of what is differentiated."""
    by: str
    """LaTeX of the variable."""
    variable: str
    """Key of the variable among the parameters; empty where a claimed gradient does not depend on it."""
    claimed: bool
    """The document writes the gradient out itself."""
    loose: bool
    """The text lets factors go."""
    value: FormulaTarget | None
    """What is differentiated, where the document defines it."""
    order: tuple[int, int] = (-1, 0)
    """(notebook cell or -1, line)."""
    kind: str = "derivative"
    names: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.formula.key} by {self.by}" if not self.claimed else f"{self.formula.key} written out"

    @property
    def line(self) -> int:
        return self.formula.line

    @property
    def statement(self) -> Statement:
        return self.formula.statement

    @property
    def parameters(self) -> Sequence[Parameter]:
        return self.formula.parameters

    @property
    def subject(self) -> str | None:
        return self.formula.subject

    @property
    def sizes(self) -> Sequence[str]:
        return self.formula.sizes

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """The derivative at these values. Raises CannotLower."""
        return self.formula.evaluate(values)


def gradients(elaboration: Elaboration, known: Sequence[FormulaTarget]) -> tuple[GradientTarget, ...]:
    """Derivatives of every number among the targets by each of its variables, and gradients that are written out."""
    loose = any(
        FACTOR.search(x.text) for b in elaboration.document.blocks for x in getattr(b, "inlines", ())
        if isinstance(x, Text)
    )  # fmt: skip
    found: list[GradientTarget] = []
    for item in elaboration.items:
        found.extend(_claimed(elaboration, item, known, loose))
    for target in known:
        if target.kind in ("function", "value") and not target.operations and not target.term.type.shape:
            found.extend(_differentiated(target, loose))
    return tuple(found)


def _differentiated(target: FormulaTarget, loose: bool) -> Iterator[GradientTarget]:
    inputs: dict[str, t.Input] = {}
    for x in t.walk((target.term,)):
        if isinstance(x, t.Input) and x.variable.law is None and x.type.dtype == "real":
            inputs.setdefault(x.variable.key, x)
    own = [p for p in target.parameters if p.key in inputs]
    if target.kind == "function":
        own = [p for p in own if p.role == "argument"] or own
    for parameter in own[:MOST]:
        variable = inputs[parameter.key]
        latex = rf"\nabla_{{{parameter.latex}}} {target.latex}"
        term = t.Deriv(Tensor(variable.type.shape), target.term, variable)
        made = _target(f"{target.key} gradient {parameter.key}", latex, "derivative", target.statement, term,
                       target.shared, (variable,))  # fmt: skip
        inner = {p.key: p for p in target.parameters}
        same = tuple(replace(p, domain=inner[p.key].domain) if p.key in inner else p for p in made.parameters)
        yield GradientTarget(
            replace(made, parameters=same), latex, target.latex, parameter.latex, parameter.key, False, loose,
            target, _order(target.statement),
        )  # fmt: skip


def _claimed(
    elaboration: Elaboration, item: Item, known: Sequence[FormulaTarget], loose: bool
) -> Iterator[GradientTarget]:
    expr = item.part.expr
    expr = expr.options[0] if isinstance(expr, s.Choice) else expr
    if not isinstance(expr, s.Relation) or set(expr.ops) != {"="} or item.withdrawn or item.approximate:
        return
    if item.role not in ("claim", "definition", "implicit definition"):
        return
    parts = _parts(expr.items[0])
    if parts is None:
        return
    of, by = parts
    shared = _fresh(elaboration, item)
    reader = Reader(shared, item.place)
    try:
        term = reader.term(expr.items[-1])
        variable = reader.term(by) if by is not None else None
    except Unreadable:
        return
    formula = item.formula
    latex = formula.latex[expr.items[0].start : expr.items[0].end].replace("&", "").strip()
    statement = Statement(
        formula, formula.position(expr.start), formula.position(max(expr.start, expr.end - 1)),
        formula.latex[expr.start : expr.end].strip(), item.role, "gradient", expr, place=item.place,
    )  # fmt: skip
    wrt = (variable,) if isinstance(variable, t.Input) else ()
    made = _target(f"{latex}@{formula.index}", latex, "derivative", statement, term, shared, wrt)
    used = {x.variable.key for x in t.walk((term,)) if isinstance(x, t.Input)}
    made = replace(made, parameters=tuple(p for p in made.parameters if p.key in used))
    key = wrt[0].variable.key if wrt and wrt[0].variable.key in used else ""
    name = formula.latex[of.start : of.end]
    same = [k for k in known if k.kind in ("function", "value") and bare(k.latex) == bare(name)]
    yield GradientTarget(
        made, latex, name, "" if by is None else formula.latex[by.start : by.end], key, True, loose,
        same[0] if len(same) == 1 else None, _order(statement),
    )  # fmt: skip


def _parts(head: s.Expr) -> tuple[s.Expr, s.Expr | None] | None:
    """What is differentiated and by what: ∇_w L, ∇L(w), ∂L/∂w, f'(x)."""
    match head:
        case s.Derivative(order=1, numerator=s.Expr() as of, wrt=((by, 1),)):
            return _called(of)[0], by
        case s.Derivative(order=1, numerator=s.Expr() as of, wrt=()):
            return _called(of)
        case s.Juxt(items=(s.Name(primes=1) as of, s.Paren(items=(by,)))):
            return replace(of, primes=0), by
        case s.Call(function=s.Name(primes=1) as of, arguments=(by,)):
            return replace(of, primes=0), by
    return None


def _called(of: s.Expr) -> tuple[s.Expr, s.Expr | None]:
    """f and x of f(x)."""
    match of:
        case s.Juxt(items=(s.Name() as name, s.Paren(items=items))):
            return name, items[0] if len(items) == 1 else None
        case s.Call(function=s.Name() as name, arguments=items):
            return name, items[0] if len(items) == 1 else None
    return of, None


def _order(statement: Statement) -> tuple[int, int]:
    return (-1 if statement.start.cell is None else statement.start.cell, statement.start.line)
