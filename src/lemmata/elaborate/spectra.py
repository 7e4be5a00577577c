"""Eigenvalues of symmetric matrices and singular values: λ_max(S), σ_1(A), and letters that the words give to them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context, Fact
from lemmata.elaborate.declarations import declare_sizes
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.facts import names_of
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.roles import Item, Roles
from lemmata.elaborate.solver import Unreadable

SYMMETRIC = frozenset({"symmetric", "positive definite", "diagonal"})
ENDS = {"max": "max", "min": "min", "\\max": "max", "\\min": "min", "1": "max"}
ORDERS = ("in no order", "descending", "ascending")
KINDS = {"eigenvalue": "eigenvalues", "singular values": "singular values"}


def application(r: Reader, name: s.Name, group: s.Paren) -> t.Term | None:
    """λ_min(S), λ_max(S), σ_max(A), σ_1(A) and σ_min(A) of a square A; None for anything else."""
    end = ENDS.get(spell(name.sub)) if name.sub is not None else None
    if name.base not in ("\\lambda", "\\sigma") or end is None or name.accents or name.primes or len(group.items) != 1:
        return None
    if name.base == "\\lambda" and isinstance(name.sub, s.Num) or group.open != "(":
        return None  # λ_1 may be the smallest or the largest
    key = f"{stem(name)}_{spell(name.sub)}"
    known = r.shared.environment.find(key, name.font, r.place)
    if key in r.locals or known is not None and known.kind != "spectrum":
        return None
    x = r.term(group.items[0])
    if x.type.rank != 2:
        return None
    value = extreme(r, x, "eigenvalues" if name.base == "\\lambda" else "singular values", end)
    if name.sup is None:
        return value
    from lemmata.elaborate.references import apply_suffix

    return apply_suffix(r, value, name.sup, name)


def extreme(r: Reader, x: t.Term, kind: str, end: str) -> t.Term:
    """The largest or smallest eigenvalue or singular value. Raises Unreadable."""
    if kind == "singular values" and end == "max":
        return t.Op(SCALAR, "norm", (x,), (("kind", "spectral"),))
    every(r, x, kind, None)
    return t.Op(SCALAR, "extreme", (x,), (("of", kind), ("end", end)))


def every(r: Reader, x: t.Term, kind: str, count: Size | None, order: str = "descending") -> t.Term:
    """All of them as a vector. Raises Unreadable."""
    if kind == "eigenvalues":
        if not is_symmetric(x):
            raise Unreadable("eigenvalues of a matrix that nothing calls symmetric")
        r.solver.unify(*x.type.shape)
        if count is not None:
            r.solver.unify(count, x.type.shape[0])
        return t.Op(Tensor((x.type.shape[0],)), kind, (x,), (("order", order),))
    if count is None:
        if not r.solver.equal(*x.type.shape):
            raise Unreadable("the singular values of a matrix that is not square, without their number")
        return t.Op(Tensor((x.type.shape[0],)), kind, (x,))
    inner = x
    while isinstance(inner, t.Defined):
        inner = inner.body
    if not isinstance(inner, t.Input) or inner.variable.domain.properties - {"nonzero"}:
        raise Unreadable("the singular values of a matrix of which more is known")
    for size in x.type.shape:
        r.shared.order.append((count, "\\le", size))
    r.shared.ranks[inner.variable.key] = count
    return t.Op(Tensor((count,)), kind, (x,))


def is_symmetric(x: t.Term) -> bool:
    """Whether a matrix is symmetric by what is said of its parts: S, AᵀA, S + λI, S⁻¹."""
    match x:
        case t.Input(variable=variable):
            return bool(variable.domain.properties & SYMMETRIC)
        case t.Defined(body=body) | t.Apply(body=body):
            return is_symmetric(body)
        case t.Op(name="dot", args=(left, right)) if left.type.rank == right.type.rank == 2:
            return _transposed(left) == right or _transposed(right) == left
        case t.Op(name="identity" | "diag"):
            return True
        case t.Op(name="inv" | "neg" | "transpose" | "matrix_power", args=(inner,)):
            return is_symmetric(inner)
        case t.Op(name="add" | "sub" | "mul" | "div", args=args):
            return all(y.type.rank == 0 or is_symmetric(y) for y in args)
    return False


def _transposed(x: t.Term) -> t.Term | None:
    return x.args[0] if isinstance(x, t.Op) and x.name == "transpose" else None


# -- letters that the words give them ----------------------------------------------------------------------------------


def name_spectra(context: Context, items: Sequence[Item], roles: Roles) -> None:
    """“S with extreme eigenvalues λ_min and λ_max”, “σ_1 ≥ … ≥ σ_r > 0 are the non-zero singular values of A”."""
    by_formula: dict[int, list[Item]] = {}
    for item in items:
        by_formula.setdefault(item.formula.index, []).append(item)
    _ranks(items, roles)
    for fact in context.facts:
        if fact.kind in KINDS and len(fact.subjects) == 1 and not fact.conditional:
            _name(fact, by_formula, roles)


def _ranks(items: Sequence[Item], roles: Roles) -> None:
    """r = rank(A) gives the rank of a declared matrix."""
    for item in items:
        match item.part.expr:
            case s.Relation(
                ops=("=",),
                items=(
                    s.Name(sub=None, sup=None) as size,
                    s.Call(function=s.Name(base=base), arguments=(s.Name() as a,)),
                ),
            ) if base.lstrip("\\") == "rank" and a.sub is None and a.sup is None:
                known = roles.environment.find(stem(size), size.font, item.place)
                if not item.formula.display and (known is None or known.kind == "size") and item.cue != "claim":
                    declare_sizes(roles.reader(item.place), size)
                    roles.shared.conventions.ranks.append((item.place, stem(size), a))
                    item.role, item.kind = "declaration", "rank"


def apply_ranks(r: Reader, sides: Sequence[t.Term]) -> None:
    """Where a claim speaks of r and of A, and the text says that r = rank(A): A has that rank."""
    for place, key, name in r.shared.conventions.ranks:
        if place.scopes != r.place.scopes[: len(place.scopes)] or place.at > r.place.at:
            continue
        size, seen = Size.of(key), False
        matrices: set[t.Variable] = set()
        for term in t.walk(sides):
            seen |= isinstance(term, t.SizeNum) and key in term.size.atoms
            if isinstance(term, t.Input) and term.variable.latex == spell(name) and term.type.rank == 2:
                matrices.add(term.variable)
        for variable in matrices if seen else ():
            if not variable.domain.properties - {"nonzero"}:
                r.shared.ranks[variable.key] = size
                r.shared.order.extend((size, "\\le", x) for x in variable.type.shape)


def _name(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    owners = [(n, i) for i in by_formula.get(fact.subjects[0], ()) for n in names_of(i.part.expr)]
    if len(owners) != 1 or owners[0][0].sub is not None:
        return
    matrix = replace(owners[0][0], sup=None)
    for item in (i for k in fact.objects for i in by_formula.get(k, ())):
        listed = _listed(item.part.expr)
        if listed is not None:
            _bind(stem(listed[0]), listed[0], matrix, KINDS[fact.kind], listed[1], item, roles)
        for name in names_of(item.part.expr) if isinstance(item.part.expr, s.Name | s.Listing) else ():
            if name.sub is not None and spell(name.sub) in ENDS and not isinstance(name.sub, s.Num):
                _bind(f"{stem(name)}_{spell(name.sub)}", name, matrix, KINDS[fact.kind], None, item, roles)


def _bind(key: str, name: s.Name, matrix: s.Name, kind: str, last: s.Expr | None, item: Item, roles: Roles) -> None:
    if roles.environment.visible_before(key, name.font, item.place) is not None:
        return
    binding = Binding(key, name.font, spell(name), "spectrum", item.place, body=matrix)
    binding.facts.add(kind)
    if isinstance(item.part.expr, s.Relation):
        binding.facts.add("in order")
    if last is not None:
        r = roles.reader(item.place)
        try:
            declare_sizes(r, last)
            binding.type = Tensor((r.size(last),))
        except Unreadable:
            return
        binding.latex = stem(name)
    roles.environment.add(binding)
    item.role, item.kind = "declaration", "spectrum"


def _listed(expr: s.Expr) -> tuple[s.Name, s.Expr] | None:
    """σ_1 ≥ σ_2 ≥ … ≥ σ_r > 0 and λ_1, …, λ_n: the first name, and the last index."""
    items: tuple[s.Expr, ...] = ()
    if isinstance(expr, s.Listing):
        items = expr.items
    elif isinstance(expr, s.Relation) and set(expr.ops) <= {"\\ge", ">"}:
        items = tuple(x for x in expr.items if not isinstance(x, s.Num))
    names = [x for x in items if isinstance(x, s.Name)]
    if len(names) < 2 or not any(isinstance(x, s.Mark) and x.name == "dots" for x in items):
        return None
    first, last = names[0], names[-1]
    same = stem(first) == stem(last) and first.sup is None and last.sup is None
    if not same or not isinstance(first.sub, s.Num) or first.sub.value != 1 or not isinstance(last.sub, s.Name):
        return None
    return first, last.sub


def value(r: Reader, binding: Binding) -> t.Term:
    """What a letter named in words stands for. Raises Unreadable."""
    assert binding.body is not None
    x = r.at(binding.place, {}).term(binding.body)
    if x.type.rank != 2:
        raise Unreadable(f"{binding.latex} of something that is no matrix")
    kind = "singular values" if "singular values" in binding.facts else "eigenvalues"
    if binding.type is not None:
        order = "descending"
        if "in order" not in binding.facts and kind == "eigenvalues":
            labels = tuple(f"the eigenvalues {o}" for o in ORDERS)
            order = ORDERS[r.shared.choices.pick(f"order of {binding.key}", len(ORDERS), labels)]
        body = every(r, x, kind, binding.type.shape[0], order)
    else:
        body = extreme(r, x, kind, ENDS[binding.key.partition("_")[2]])
    return t.Defined(body.type, f"{binding.key}#{binding.uid}", binding.latex, body)
