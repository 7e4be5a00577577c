"""Operations given by the components of their results: (w * x)_i = Σ_j w_j x_{i-j}, (Fa)_r = Σ_s a_s e^{…}.

Beside them what texts say of entries beyond a range: that they count as zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import script_items, spell, stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable

if TYPE_CHECKING:
    from lemmata.elaborate.roles import Item, Roles

OPERATORS = frozenset({"*", "\\ast", "\\star", "\\circledast", "\\bullet", "\\diamond", "\\oplus", "\\boxtimes"})


def operation(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """The first equation of a component of an unknown operation defines the operation, for all operands."""
    match expr:
        case s.Relation(
            ops=("=" | ":=",),
            items=(s.Scripted(base=s.Paren(items=(inner,)), sub=s.Name(sub=None) as index, sup=None), body),
        ):
            pass
        case _:
            return False
    params: tuple[s.Name, ...]
    match inner:
        case s.Infix(ops=(op,), items=(s.Name(sub=None, sup=None) as a, s.Name(sub=None, sup=None) as b)) if (
            op in OPERATORS and stem(a) != stem(b)
        ):
            key, params = op, (a, b)
        case s.Juxt(items=(s.Name(sub=None, sup=None) as f, s.Name(sub=None, sup=None) as a)) if len(stem(f)) == 1:
            key, params = stem(f), (a,)
        case _:
            return False
    if any(isinstance(n, s.Name) and stem(n) == key for n in walk(body)):
        return False  # (Ax)_i = Σ_j A_{ij} x_j says something of entries
    if roles.environment.all(key) or not all(_vector(roles, item, p) for p in params):
        return False
    binding = Binding(key, "", key, "function", item.place, params=params, body=body)
    binding.facts.add("operation")
    letter = stem(index)
    binding.make = lambda r, arguments: _applied(r, binding, letter, arguments)
    roles.environment.add(binding)
    item.role, item.kind = "definition", "definition"
    return True


def _vector(roles: Roles, item: Item, name: s.Name) -> bool:
    """Whether the operand is declared as a vector, so that its index runs over its entries."""
    bound = roles.environment.find(stem(name), name.font, item.place)
    return bound is not None and bound.type is not None and bound.type.rank == 1 and not bound.indices


def _applied(r: Reader, binding: Binding, letter: str, arguments: tuple[t.Term, ...]) -> t.Term:
    """The vector whose component at the letter is the body, for these operands."""
    if len(arguments) != len(binding.params) or any(x.type.rank != 1 for x in arguments):
        raise Unreadable(f"{binding.latex} of anything but vectors")
    first = arguments[0].type.shape[0]
    convolved = len(arguments) == 2 and _slides(binding, letter)
    padded = binding.place.sentence in r.shared.conventions.zero_outside
    if convolved and padded and r.shared.conventions.zero_based:
        count = first + arguments[1].type.shape[0] - Size.of(1)
    elif len(arguments) == 1 or any(isinstance(n, s.Infix) and "\\bmod" in n.ops for n in walk(_body(binding))):
        count = first
        for other in arguments[1:]:
            r.solver.unify(first, other.type.shape[0])
    else:
        raise Unreadable(f"how many entries {binding.latex} gives is not said")
    index = r.index_var(letter, None, count)
    operands = {stem(p): x for p, x in zip(binding.params, arguments, strict=True)}
    body = r.at(binding.place, {**operands, letter: index}).term(_body(binding))
    if body.type.rank:
        raise Unreadable(f"the components of {binding.latex} are no numbers")
    whole = t.Build(Tensor((count,), dtype=body.type.dtype), (index.var,), body)
    return t.Apply(whole.type, binding.latex, arguments, whole, (), binding.uid)


def _body(binding: Binding) -> s.Expr:
    assert binding.body is not None
    return binding.body


def _slides(binding: Binding, letter: str) -> bool:
    """Σ_j w_j x_{i-j} over all j: what vanishes beyond the sum of both lengths less one."""
    match binding.body:
        case s.Big(op="\\sum", lower=s.Name() as j, upper=None, body=s.Juxt(items=(s.Name() as x, s.Name() as y))):
            subscripts = {spell(x.sub).replace(" ", ""), spell(y.sub).replace(" ", "")}
            own = {stem(p) for p in binding.params}
            return subscripts == {stem(j), f"{letter}-{stem(j)}"} and {stem(x), stem(y)} == own
    return False


def zeros_beyond(roles: Roles, items: list[Item]) -> None:
    """δ_i = 0 for i ∉ {0, …, n}: the family has this range, and is zero beyond it."""
    by_sentence: dict[int, list[Item]] = {}
    for item in items:
        by_sentence.setdefault(item.place.sentence, []).append(item)
    for item in items:
        match item.part.expr:
            case s.Relation(ops=("=",), items=(s.Name(sub=s.Name() as letter) as name, s.Num(value=value))) if (
                not value
            ):
                pass
            case _:
                continue
        bound = roles.environment.family(stem(name), item.place)
        for other in by_sentence[item.place.sentence]:
            for first, last in _excluded(other.part.expr, letter):
                if bound is None or len(bound.indices) != 1 or bound.place.at > item.place.at:
                    continue
                try:
                    r = roles.reader(item.place)
                    start, end = r.size(first), r.size(last)
                except Unreadable:
                    continue
                bound.facts |= {"whole", "zero beyond"}
                for understood in (item, other):
                    understood.role, understood.kind, understood.reason = "declaration", "zero beyond", ""
                bound.ranges = {spell(bound.indices[0]): (start, end - start + Size.of(1))}


def _excluded(expr: s.Expr, letter: s.Name) -> Iterator[tuple[s.Expr, s.Expr]]:
    """a and b of i ∉ {a, …, b}."""
    match expr:
        case s.Relation(ops=("\\notin",), items=(s.Name() as i, s.Paren(open="{", items=items))) if (
            stem(i) == stem(letter)
            and len(items) >= 3
            and any(isinstance(x, s.Mark) and x.name == "dots" for x in items)
        ):
            yield items[0], items[-1]


def counts_from_zero(exprs: list[s.Expr]) -> bool:
    """Whether lists of entries run from x_0 to x_{n-1}, and none starts at x_1."""
    zero = False
    for expr in exprs:
        for node in walk(expr):
            if not isinstance(node, s.Listing) or len(node.items) < 3:
                continue
            first, last = node.items[0], node.items[-1]
            dots = any(isinstance(x, s.Mark) and x.name == "dots" for x in node.items)
            if not dots or not isinstance(first, s.Name) or not isinstance(last, s.Name) or first.base != last.base:
                continue
            start, end = script_items(first.sub), script_items(last.sub)
            if len(start) != 1 or len(end) != 1 or not isinstance(start[0], s.Num):
                continue
            if start[0].value == 1:
                return False
            whole = isinstance(end[0], s.Infix) and end[0].ops == ("-",) and isinstance(end[0].items[1], s.Num)
            zero = zero or start[0].value == 0 and whole
    return zero
