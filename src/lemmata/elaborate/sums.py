"""Big operators: ranges from their limits, from the axes that the index runs over, never dropped."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import BOOL, SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import joint_laws
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import script_items, spell, stem
from lemmata.elaborate.reader import Reader, known, size_of
from lemmata.elaborate.solver import Unreadable

REDUCTIONS = {
    "\\sum": "sum",
    "\\prod": "prod",
    "\\max": "max",
    "\\min": "min",
    "\\sup": "max",
    "\\inf": "min",
    "\\arg\\max": "argmax",
    "\\arg\\min": "argmin",
    "max": "max",
    "min": "min",
}
WRITTEN_OUT = 8
"""The longest sum that is written out term by term."""


class Range(Struct):
    """The index variables of a big operator, the conditions on them, and bounds still to be met."""

    vars: list[t.Var]
    guards: list[t.Term]
    hulls: list[tuple[t.Var, Size]]
    """(variable, count to take if nothing else says how far it runs)."""


def big(r: Reader, expr: s.Big) -> t.Term:
    op = REDUCTIONS.get(expr.op)
    if expr.op == "\\int":
        over = joint_laws.integral(r, expr)
        if over is not None:
            return over
        raise Unreadable("an integral")
    if expr.op == "\\lim":
        from lemmata.elaborate.limits import limit

        return limit(r, expr)
    if op is None:
        raise Unreadable(f"the operator {expr.op}")
    if expr.lower is None:
        if op in ("max", "min") and expr.upper is None:
            x = r.term(expr.body)
            return t.Op(SCALAR, f"reduce_{op}", (x,)) if x.type.rank else x
        raise Unreadable(f"{expr.op} without an index")
    bound = bounds(r, expr.lower, expr.upper, expr)
    inside = r.bind({v.var.label: v for v in bound.vars})
    try:
        body = inside.term(expr.body)
    except Unreadable:
        written = _written_out(r, op, bound, expr.body)
        if written is None:
            raise
        return written
    guards = [inside.term(g) if isinstance(g, s.Expr) else g for g in bound.guards]
    for var, count in bound.hulls:
        if not known(r.solver.size(var.var.count)):
            r.solver.unify(var.var.count, count)
    for var in bound.vars:
        if not known(r.solver.size(var.var.count)) and not _runs_over_unknown(r, var, body):
            raise Unreadable(f"how far {var.var.label} runs is not said")
    guard = guards[0] if guards else None
    for other in guards[1:]:
        assert guard is not None
        guard = t.Op(BOOL, "and", (guard, other))
    kind = body.type if op in ("sum", "prod", "max", "min") else replace(SCALAR, dtype="int")
    if op == "prod" and body.type.rank == 2:
        raise Unreadable("a product of matrices over an index")
    return t.Reduce(kind, op, tuple(v.var for v in bound.vars), body, guard)


def _written_out(r: Reader, op: str, bound: Range, body: s.Expr) -> t.Term | None:
    """Σ_{r=0}^{2} Y^r: a sum over a few known numbers, term by term, where the general term cannot be read."""
    if op != "sum" or len(bound.vars) != 1 or bound.guards or bound.hulls:
        return None
    (var,) = bound.vars
    first, count = r.solver.size(var.var.start).number, r.solver.size(var.var.count).number
    if first is None or count is None or not 1 <= count <= WRITTEN_OUT:
        return None
    total: t.Term | None = None
    for k in range(int(first), int(first + count)):
        term = r.bind({var.var.label: t.SizeNum(replace(SCALAR, dtype="int"), Size.of(k))}).term(body)
        total = term if total is None else a.add(r.solver, "+", total, term)
    return total


def _runs_over_unknown(r: Reader, var: t.Var, body: t.Term) -> bool:
    """Whether some axis of unknown size is indexed by the variable: then the range is that axis."""
    return any(
        isinstance(index, t.Var) and index.var == var.var
        for term in t.walk([body])
        if isinstance(term, t.Item)
        for index in term.indices
    )


def bounds(r: Reader, lower: s.Expr, upper: s.Expr | None, expr: s.Expr) -> Range:
    """The index variables of limits as written: i=1 … n, j, i<j, j≠k, i,j."""
    found = Range([], [], [])
    _collect(r, lower, upper, found)
    if not found.vars:
        raise Unreadable(f"the limits {spell(lower)}")
    return found


def _collect(r: Reader, lower: s.Expr, upper: s.Expr | None, found: Range) -> None:
    match lower:
        case s.Choice():
            _collect(r, lower.options[0], upper, found)
        case s.Name(sub=None, sup=None):
            _plain(r, stem(lower), upper, found)
        case s.Juxt(items=items) if upper is None and all(isinstance(i, s.Name) for i in items):
            for item in items:
                _collect(r, item, None, found)
        case s.Listing(items=items):
            for item in items:
                _collect(r, item, upper, found)
        case s.Relation(ops=("=",), items=(s.Name(sub=None, sup=None) as letter, start)):
            _run(r, stem(letter), start, upper, found)
        case s.Relation(ops=("=",), items=(s.Listing(items=letters), start)):
            for name in letters:
                if isinstance(name, s.Name):
                    _run(r, stem(name), start, upper, found)
        case s.Relation(ops=ops, items=items) if all(o in ("<", "\\le", ">", "\\ge", "\\ne") for o in ops):
            _compared(r, ops, items, found)
        case s.Relation(ops=("\\in",)):
            raise Unreadable(f"a sum over the set {spell(lower)}")
        case _:
            raise Unreadable(f"the limits {spell(lower)}")


def _plain(r: Reader, letter: str, upper: s.Expr | None, found: Range) -> None:
    if upper is None:
        found.vars.append(r.index_var(letter))
        return
    stop = r.size(upper)
    start = Size.of(0 if r.shared.conventions.zero_based else 1)
    found.vars.append(r.index_var(letter, start, stop - start + Size.of(1)))


def _run(r: Reader, letter: str, start: s.Expr, upper: s.Expr | None, found: Range) -> None:
    """letter from start to upper; bounds that are themselves indices become conditions inside a hull."""
    if isinstance(upper, s.Const) and upper.name in ("infty", "\\infty"):
        raise Unreadable("an infinite sum")
    low = r.term(start)
    high = r.term(upper) if upper is not None else None
    low_size, high_size = size_of(low), None if high is None else size_of(high)
    if low_size is not None and high_size is not None:
        low_size, high_size = r.solver.size(low_size), r.solver.size(high_size)
        found.vars.append(r.index_var(letter, low_size, high_size - low_size + Size.of(1)))
        return
    if low_size is not None and high is None:
        found.vars.append(r.index_var(letter, low_size))
        return
    if high is None:
        raise Unreadable(f"the limits of {letter}")
    hull_start = low_size if low_size is not None else _hull(low)[0]
    if high_size is not None:
        var = r.index_var(letter, hull_start, high_size - hull_start + Size.of(1))
    else:
        first, count = _hull(high)
        var = r.index_var(letter, hull_start)
        found.hulls.append((var, first + count - hull_start))
        found.guards.append(a.compare(r.solver, "\\le", var, high))
    if low_size is None:
        found.guards.append(a.compare(r.solver, "\\ge", var, low))
    found.vars.append(var)


def _hull(term: t.Term) -> tuple[Size, Size]:
    """(first, count) of the values that an index expression can take. Raises Unreadable."""
    match term:
        case t.Var(var=var):
            return var.start, var.count
        case t.Op(name="add" | "sub" as op, args=(t.Var(var=var), shift)):
            size = size_of(shift)
            if size is not None:
                return (var.start + size if op == "add" else var.start - size), var.count
    raise Unreadable("a bound that depends on something else than an index")


def _compared(r: Reader, ops: tuple[str, ...], items: tuple[s.Expr, ...], found: Range) -> None:
    """j ≤ i, i < j, j ≠ k, 1 ≤ i < j ≤ n: letters not bound outside are the index."""
    fresh: dict[str, t.Var] = {}
    for item in items:
        if isinstance(item, s.Name) and item.sub is None and stem(item) not in r.locals and stem(item) not in r.free:
            letter = stem(item)
            binding = r.shared.environment.find(letter, item.font, r.place)
            if binding is None and not fresh.get(letter):
                if letter in r.shared.conventions.index_letters and not (fresh and item is items[-1]):
                    fresh[letter] = r.index_var(letter)
    left = items[0]
    if not fresh and isinstance(left, s.Name) and isinstance(r.locals.get(stem(left)), t.Var):
        # Σ_{j≤i} … / Σ_{j≤i} …: the second sum binds its letter anew.
        fresh[stem(left)] = r.index_var(stem(left))
    if not fresh:
        raise Unreadable("a sum whose index is not clear")
    inside = r.bind(fresh)
    for op, left, right in zip(ops, items, items[1:], strict=False):
        x, y = inside.term(left), inside.term(right)
        found.guards.append(a.compare(r.solver, op, x, y))
        for var, other in ((x, y), (y, x)):
            if isinstance(var, t.Var) and var in fresh.values() and op != "\\ne":
                try:
                    first, count = _hull(other)
                except Unreadable:
                    continue
                if not (isinstance(other, t.Var) and other in fresh.values()):
                    found.hulls.append((var, first + count - var.var.start))
    found.vars.extend(fresh.values())


def sign_of(expr: s.Expr) -> str:
    return spell(expr)


def free_axes(items: tuple[s.Expr, ...]) -> int:
    return len([i for i in items if script_items(i)])


def vector_of(size: Size) -> Tensor:
    return Tensor((size,))
