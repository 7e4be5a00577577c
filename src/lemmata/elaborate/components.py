"""Components of tensors, rows and columns among them, and superscripts that are no part of a name."""

from __future__ import annotations

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import Suffix, digits, spell, suffix
from lemmata.elaborate.patterns import index_value
from lemmata.elaborate.reader import Reader, known
from lemmata.elaborate.solver import Misfit, Unreadable


def match_range(r: Reader, index: t.Term, size: Size, origin: int, text: str) -> int:
    """Relate an index to the axis it runs over; the axis' first index as the author counts.

    Raises Misfit where the index runs over another number of elements than the axis has.
    """
    if not isinstance(index, t.Var):
        return origin
    variable = index.var
    count, size = r.solver.size(variable.count), r.solver.size(size)
    start = r.solver.size(variable.start).number
    if count == size:
        return int(start) if start is not None else origin
    if not known(count) or not known(size):
        r.solver.unify(count, size)
        return int(start) if start is not None and not known(count) else origin
    rules = {(str(x), op, str(y)) for x, op, y in r.shared.order}
    if (
        (str(count), "\\le", str(size)) in rules
        or (str(count), "<", str(size)) in rules
        or (size - count).number is not None
        or ((size - count).never_negative and not count.number and count.atoms & size.atoms)
    ):
        return origin  # a part of the axis
    raise Misfit(f"the index {text} runs over {count} values on an axis of {size}", (count,), (size,))


def _row_and_column(r: Reader, item: s.Expr, expr: s.Expr) -> tuple[s.Expr, ...] | None:
    """The indices of A_{2j}, an entry of the second row; row 2j as the second reading."""
    match item:
        case s.Juxt(items=(s.Num(value=value), s.Name())) if value.denominator == 1 and value < 10:
            labels = (f"{spell(expr)} read as an entry of row {value}", f"{spell(expr)} read as a row")
            return item.items if r.choice("entry", expr, 2, labels) == 0 else None
    return None


def component(r: Reader, value: t.Term, items: tuple[s.Expr, ...], expr: s.Expr) -> t.Term:
    """Elements of a tensor: x_i, W_{ij}, row W_i or W_{i:}, column W_{:j}; a trailing full slice may be left out."""
    rank = value.type.rank
    if rank == 0:
        raise Unreadable(f"{spell(expr)}: a number has no components")
    if len(items) == 1 and rank == 2:
        split = digits(items[0]) or _row_and_column(r, items[0], expr)
        if split is not None:
            items = split
    if len(items) > rank:
        raise Unreadable(f"{spell(expr)} has more indices than the value has axes")
    indices: list[t.Term | None] = []
    origins: list[int] = []
    default = 0 if r.shared.conventions.zero_based else 1
    for position in range(rank):
        item = items[position] if position < len(items) else None
        if item is None or (isinstance(item, s.Mark) and item.name in (":", "cdot", "\\cdot")):
            indices.append(None)
            origins.append(default)
            continue
        index = index_value(r, item)
        indices.append(index)
        origin = 0 if _counts_from_zero(index) else default
        origins.append(match_range(r, index, value.type.shape[position], origin, spell(item)))
    left = tuple(size for size, index in zip(value.type.shape, indices, strict=True) if index is None)
    beyond = r.place.sentence in r.shared.conventions.zero_outside
    return t.Item(Tensor(left, dtype=value.type.dtype), value, tuple(indices), tuple(origins), beyond)


def _counts_from_zero(index: t.Term) -> bool:
    """Whether the index is a symbol declared to be one of 0, 1, …, as a token t_i ∈ {0, …, V − 1} is."""
    base = index.base if isinstance(index, t.Item) else index
    if not isinstance(base, t.Input):
        return False
    domain = base.variable.domain
    return "binary" in domain.properties or "finite" in domain.properties and domain.low == 0


def apply_suffix(r: Reader, value: t.Term, sup: s.Expr | None, expr: s.Expr) -> t.Term:
    """A superscript that is not part of the name."""
    kind = suffix(sup, r.shared.conventions.transpose_letter)
    return value if kind is None else suffixed(r, value, kind, expr)


def raised(r: Reader, base: t.Term, exponent: t.Term, expr: s.Expr) -> t.Term:
    """base^exponent; e to a square matrix is the matrix exponential, elementwise as the second reading."""
    if (
        isinstance(base, t.Special)
        and base.name == "e"
        and exponent.type.rank == 2
        and r.solver.equal(*exponent.type.shape)
    ):
        if not r.choice("exp", expr, 2, ("e^· read as the matrix exponential", "e^· read elementwise")):
            return t.Op(exponent.type, "matrix_exp", (exponent,))
    return a.power(r.solver, base, exponent)


def suffixed(r: Reader, value: t.Term, kind: Suffix, expr: s.Expr) -> t.Term:
    match kind.kind:
        case "transpose":
            return a.transpose(value)
        case "inverse":
            return a.inverse(r.solver, value)
        case "inverse transpose":
            return a.transpose(a.inverse(r.solver, value))
        case "power" if kind.exponent is not None:
            return raised(r, value, r.term(kind.exponent), expr)
    raise Unreadable(f"the superscript of {spell(expr)} is not bound")
