"""\\lim: its variable, the point it tends to, the side it comes from."""

from __future__ import annotations

from lemmata.core import terms as t
from lemmata.core.types import SCALAR
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem
from lemmata.elaborate.reader import Reader, size_of
from lemmata.elaborate.solver import Unreadable

SIDES = {"+": 1, "-": -1}
ARROWS = {"\\to": 0, "\\downarrow": 1, "\\searrow": 1, "\\uparrow": -1, "\\nearrow": -1}


def limit(r: Reader, expr: s.Big) -> t.Term:
    """The body with the variable free. Raises Unreadable."""
    match expr.lower:
        case s.Relation(ops=(arrow,), items=(s.Name() as name, target)) if arrow in ARROWS and expr.upper is None:
            side, point = _one_sided(target)
            side = side or ARROWS[arrow]
        case _:
            raise Unreadable("a limit")
    infinite = _infinite(point)
    if infinite:
        value, side = None, infinite
    else:
        value = r.term(point)
        if value.type.rank:
            raise Unreadable("a limit at something that is no number")
    key = stem(name)
    steps = r.shared.conventions.step_letters
    stepped = _over_steps(r, expr, key) if infinite == 1 and key in steps else None
    if stepped is not None:
        return stepped
    variable, body = _body(r, name, key, expr.body)
    low, high = variable.domain.low, variable.domain.high
    if value is not None and not side:
        side = 1 if _is(value, low) else -1 if _is(value, high) else 0
    return t.Limit(body.type, body, variable, value, side)


def _body(r: Reader, name: s.Name, key: str, expr: s.Expr) -> tuple[t.Variable, t.Term]:
    """The variable as declared, where that makes the body depend on it; otherwise a number of the limit's own."""
    binding = r.shared.environment.find(key, name.font, r.place)
    if key not in r.locals and binding is not None and binding.kind == "variable":
        known = r.term(name)
        if isinstance(known, t.Input) and not known.type.rank and known.variable.law is None:
            return known.variable, r.term(expr)
    own = t.Variable(f"{key} → {r.place.at}", key, SCALAR)
    return own, r.bind({key: t.Input(SCALAR, own)}).term(expr)


def _over_steps(r: Reader, expr: s.Big, letter: str) -> t.Term | None:
    """A limit over the step of a recurrence; None where the body holds none."""
    try:
        body = r.term(expr.body)
    except Unreadable:
        return None
    families = dict.fromkeys(x.family for x in t.walk([body]) if isinstance(x, t.Unrolled) and letter in x.index.atoms)
    return t.Limit(body.type, body, None, None, 1, letter, tuple(families)) if families else None


def _one_sided(target: s.Expr) -> tuple[int, s.Expr]:
    """0^+, 0^-, x_0^+."""
    match target:
        case s.Scripted(base=base, sub=None, sup=s.Mark(name="+" | "-" as sign), primes=0):
            return SIDES[sign], base
        case s.Name(sup=s.Mark(name="+" | "-" as sign)):
            from msgspec.structs import replace

            return SIDES[sign], replace(target, sup=None)
    return 0, target


def _infinite(point: s.Expr) -> int:
    match point:
        case s.Const(name="infty"):
            return 1
        case s.Sign(op="+", body=s.Const(name="infty")):
            return 1
        case s.Sign(op="-", body=s.Const(name="infty")):
            return -1
    return 0


def _is(value: t.Term, number: float | None) -> bool:
    size = size_of(value)
    return number is not None and size is not None and size.number is not None and float(size.number) == number
