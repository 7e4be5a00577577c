"""Memberships, ranges and inequalities that declare: X ∈ ℝ^{n×d}, i = 1,…,n, λ > 0, f: ℝ^d → ℝ."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.core.terms import Domain
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding, Environment, Place
from lemmata.elaborate.names import length_key, script_items, spell, stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable


class Membership(Struct, frozen=True):
    """What a set says of its members."""

    type: Tensor
    domain: Domain = field(default=Domain())


INFINITY = ("\\infty", "infty")


def membership(r: Reader, expr: s.Expr) -> Membership:
    """The type and domain of the members of a set as written. Raises Unreadable for other sets."""
    match expr:
        case s.Choice(options=options):
            return membership(r, options[0])
        case s.Const(name="R" | "N" | "Z" | "C" | "Q" as name, sup=sup, sub=sub):
            shape, bounds = _exponent(r, sup)
            domain = bounds or _sign(sub)
            dtype = {"R": "real", "Q": "real", "C": "complex"}.get(name, "int")
            if name in "NZ":
                domain = replace(
                    domain, properties=domain.properties | {"integer"}, low=0.0 if name == "N" else domain.low
                )
            return Membership(Tensor(shape, dtype="real" if dtype == "int" else dtype), domain)
        case s.Name(base="S", font="bb" | "cal", sup=sup) if sup is not None:
            size = _size(r, sup)
            return Membership(Tensor((size, size)), Domain(properties=frozenset({"symmetric"})))
        case s.Scripted(base=base, sub=None, sup=sup):
            inner = membership(r, base)
            if inner.type.rank:
                raise Unreadable("a power of a set of vectors")
            shape, _ = _exponent(r, sup)
            return Membership(Tensor(shape), inner.domain)
        case s.Paren(open="{", close="}", items=items, separators=separators) if all(x == "," for x in separators):
            return _finite(r, items)
        case s.Paren(open="(" | "[", close=")" | "]", items=(low, high), separators=(",",)):
            return Membership(SCALAR, Domain(_number(low), _number(high)))
    raise Unreadable(f"the set {spell(expr)}")


def _finite(r: Reader, items: tuple[s.Expr, ...]) -> Membership:
    numbers = [_number(i) for i in items if not isinstance(i, s.Mark)]
    if sorted(x for x in numbers if x is not None) == [0.0, 1.0] and len(items) == 2:
        return Membership(SCALAR, Domain(properties=frozenset({"binary"})))
    if sorted(x for x in numbers if x is not None) == [-1.0, 1.0] and len(items) == 2:
        return Membership(SCALAR, Domain(properties=frozenset({"sign"})))
    if any(isinstance(i, s.Mark) and i.name == "dots" for i in items):
        return Membership(SCALAR, Domain(numbers[0] if numbers else None, properties=frozenset({"integer", "finite"})))
    raise Unreadable("a finite set")


def _sign(sub: s.Expr | None) -> Domain:
    """ℝ_{>0}, ℝ_+, ℝ_{\\ge 0}."""
    text = spell(sub)
    if text in (">0", "+", "++", "Mark>0") or text.endswith(">0"):
        return Domain(low=0.0)
    if text.endswith(("\\ge0", "\\geq0")):
        return Domain(low=0.0)
    return Domain()


def _exponent(r: Reader, sup: s.Expr | None) -> tuple[tuple[Size, ...], Domain | None]:
    if sup is None:
        return (), None
    match sup:
        case s.Choice(options=options):
            return _exponent(r, options[0])
        case s.Infix(ops=ops, items=items) if all(o in ("\\times", "*") for o in ops):
            return tuple(_size(r, i) for i in items), None
        case s.Paren(items=(inner,)):
            return _exponent(r, inner)
        case s.Mark(name="+"):
            return (), Domain(low=0.0)
        case s.Juxt(items=(s.Paren() as one, *rest)) if not rest:
            return _exponent(r, one)
    return (_size(r, sup),), None


def _size(r: Reader, expr: s.Expr) -> Size:
    declare_sizes(r, expr)
    return r.size(expr)


def declare_sizes(r: Reader, expr: s.Expr) -> None:
    """Every unbound name in a shape is a size."""
    scripts: set[int] = set()
    for node in walk(expr):
        if id(node) in scripts or not isinstance(node, s.Name):
            continue
        for script in (node.sub, node.sup):
            if script is not None:
                scripts.update(id(n) for n in walk(script))
        key = stem(node) + (f"_{spell(node.sub)}" if node.sub is not None else "")
        if key in r.locals:
            continue
        found = r.shared.environment.find(key, node.font, r.place)
        if (
            found is None
            or found.kind == "variable"
            and found.type is not None
            and found.type.rank
            and found.font != node.font
        ):
            r.shared.environment.add(
                Binding(key, node.font, key, "size", replace(r.place, at=-1, scopes=r.place.scopes[:1]))
            )


def _number(expr: s.Expr) -> float | None:
    match expr:
        case s.Num(value=value):
            return float(value)
        case s.Sign(op=op, body=body):
            inner = _number(body)
            return None if inner is None else -inner if op == "-" else inner
        case s.Const() | s.Name():
            return None
    return None


def declare_member(
    r: Reader, expr: s.Expr, member: Membership, ranges: dict[str, tuple[Size, Size]], letters: frozenset[str]
) -> list[Binding]:
    """Bind the name(s) on the left of ∈: X; Q, K; x_i; x_1, …, x_n; W_i^Q. Returns what was bound."""
    match expr:
        case s.Listing(items=items):
            if any(isinstance(i, s.Mark) and i.name == "dots" for i in items):
                return _listed_family(r, [i for i in items if not isinstance(i, s.Mark)], member)
            return [b for i in items for b in declare_member(r, i, member, ranges, letters - _labels(items, letters))]
        case s.Name(base="0" | "1"):
            return [r.shared.environment.add(_constant_vector(r, expr, member))]
        case s.Name():
            return [_declare_name(r, expr, member, ranges, letters)]
    return []


def _labels(items: Sequence[s.Expr], letters: frozenset[str]) -> frozenset[str]:
    """The i of W_f, W_i, W_o: in a list of names that differ in subscripts, most of them no indices, all are labels."""
    names = [i for i in items if isinstance(i, s.Name) and isinstance(i.sub, s.Name)]
    subscripts = {stem(n.sub) for n in names if isinstance(n.sub, s.Name)}
    alike = len(names) == len(items) == len(subscripts) and len({(stem(n), n.font, spell(n.sup)) for n in names}) == 1
    return frozenset(subscripts & letters if alike and len(subscripts - letters) > len(subscripts & letters) else ())


def _declare_name(
    r: Reader, expr: s.Name, member: Membership, ranges: dict[str, tuple[Size, Size]], letters: frozenset[str]
) -> Binding:
    key, indices = head_key(expr, letters, r.shared.environment, r.place)
    kind = "family" if indices else "variable"
    known = {spell(i): ranges[spell(i)] for i in indices if spell(i) in ranges}
    return r.shared.environment.add(
        Binding(key, expr.font, key, kind, r.place, member.type, member.domain, indices=indices, ranges=known)
    )


def _constant_vector(r: Reader, expr: s.Name, member: Membership) -> Binding:
    return Binding(length_key(expr), expr.font, expr.base, "constant", r.place, member.type)


def head_key(
    expr: s.Name, letters: frozenset[str], environment: Environment, place: Place
) -> tuple[str, tuple[s.Expr, ...]]:
    """The name on the left of a declaration or definition: its key, and the subscripts that are indices.

    A script is an index where it is one of the document's index letters (or a step like t+1, 2i), otherwise a label.
    """
    base = stem(expr)
    indices: list[s.Expr] = []
    label: list[str] = []
    items = script_items(expr.sub)
    several = len(items) > 1 and any(is_index(i, letters, environment, place) for i in items)
    for item in items:
        if several and isinstance(item, s.Name) and environment.find(stem(item), item.font, place) is None:
            indices.append(item)
        elif is_index(item, letters, environment, place) or (indices and isinstance(item, s.Num)):
            indices.append(item)
        elif not indices:
            label.append(spell(item))
        else:
            indices.append(item)
    key = base + (f"_{','.join(label)}" if label else "")
    if expr.sup is not None:
        match expr.sup:
            case s.Paren(open="(", items=(inner,)) if is_index(inner, letters, environment, place):
                indices.append(inner)
            case _:
                key += f"^{spell(expr.sup)}"
    return key, tuple(indices)


def is_index(item: s.Expr, letters: frozenset[str], environment: Environment, place: Place) -> bool:
    match item:
        case s.Name(sub=None, sup=None):
            key = stem(item)
            if key in letters:
                return True
            bound = environment.find(key, item.font, place)
            return bound is not None and bound.kind == "variable" and "integer" in bound.domain.properties
        case s.Infix() | s.Juxt():
            return any(
                isinstance(n, s.Name) and is_index(n, letters, environment, place) for n in walk(item) if n is not item
            )
        case s.Mark(name=":"):
            return True
    return False


def _listed_family(r: Reader, items: list[s.Expr], member: Membership) -> list[Binding]:
    """x_1, …, x_n ∈ S: a family with its range."""
    first, last = items[0], items[-1]
    if not isinstance(first, s.Name) or not isinstance(last, s.Name) or stem(first) != stem(last):
        return []
    a, b = script_items(first.sub), script_items(last.sub)
    if len(a) != 1 or len(b) != 1:
        return []
    for end in (a[0], b[0]):
        declare_sizes(r, end)
    start, stop = r.size(a[0]), r.size(b[0])
    letter = s.Name(first.start, first.end, "□")
    return [
        r.shared.environment.add(
            Binding(
                stem(first),
                first.font,
                stem(first),
                "family",
                r.place,
                member.type,
                member.domain,
                indices=(letter,),
                ranges={"□": (start, stop - start + Size.of(1))},
            )
        )
    ]


def index_range(r: Reader, expr: s.Relation) -> dict[str, tuple[Size, Size]] | None:
    """i = 1, …, n and i ∈ {1, …, n}: letters with (start, count); None if it is no range."""
    letters: list[str] = []
    match expr:
        case s.Relation(ops=("=",), items=(left, s.Listing(items=items))):
            pass
        case s.Relation(ops=("\\in",), items=(left, s.Paren(open="{" | "[", items=items))):
            pass
        case _:
            return None
    if not any(isinstance(i, s.Mark) and i.name == "dots" for i in items):
        return None
    for node in left.items if isinstance(left, s.Listing) else (left,):
        if not isinstance(node, s.Name) or node.sub is not None:
            return None
        letters.append(stem(node))
    ends = [i for i in items if not isinstance(i, s.Mark)]
    if len(ends) < 1:
        return None
    first, last = ends[0], ends[-1]
    try:
        start = r.size(first)
        if len(ends) < 2 or isinstance(items[-1], s.Mark):
            return {letter: (start, Size.of(f"?range {letter}")) for letter in letters}
        declare_sizes(r, last)
        stop = r.size(last)
    except Unreadable:
        return None
    return {letter: (start, stop - start + Size.of(1)) for letter in letters}


def number_of(expr: s.Expr) -> Fraction | None:
    value = _number(expr)
    return None if value is None else Fraction(value)
