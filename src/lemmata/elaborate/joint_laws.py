"""Laws known only by name: p(x, z), p(z | x), q(z), expectations and divergences under them.

A letter p that is used with a bar or several arguments stands for the joint law of the variables it is ever given, each
with finitely many outcomes: p(x) is its marginal, p(z | x) its conditional. What holds for every such law is what the
rules of probability alone give. An equation that holds once the variables are independent may state just that, so
independence is a reading of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.terms import Domain
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import arithmetic as a
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import script_items, spell, stem, walk
from lemmata.elaborate.reader import Conventions, Reader
from lemmata.elaborate.solver import Unreadable

LETTERS = frozenset("pqPQ")
MOST = 4
"""Variables of one law."""
MARK = "law "
WEIGHTS = "weights of "
DIVERGENCES = frozenset({"KL", "D_K L", "D_KL"})
Called = tuple[str, tuple[s.Name, ...], tuple[s.Name, ...]]


def laws_in(exprs: Sequence[s.Expr]) -> dict[str, tuple[str, ...]]:
    """The letters that a document uses as laws, with a bar or under an expectation, each with its variables."""
    given: dict[str, set[str]] = {}
    certain: set[str] = set()
    for expr in exprs:
        for key, left, right in _calls(expr):
            given.setdefault(key, set()).update(map(spell, (*left, *right)))
            if right:
                certain.add(key)
        for node in walk(expr):
            match node:
                case s.Expectation(sub=s.Juxt(items=(name, group))):
                    found = _called(name, group)
                    if found is not None:
                        certain.add(found[0])
                case s.Expectation(sub=s.Relation(ops=("\\sim",), items=(_, s.Juxt(items=(name, group))))):
                    found = _called(name, group)
                    if found is not None:
                        certain.add(found[0])
    return {key: tuple(sorted(given.get(key, ()))) for key in sorted(certain)}


def learn(conventions: Conventions, placed: Sequence[tuple[tuple[int, ...], s.Expr]]) -> None:
    """Note which letters of a document are laws, where each is used, and of which more may be known."""
    exprs = [expr for _, expr in placed]
    conventions.laws = laws_in(exprs)
    conventions.doubtful_laws = doubts_in(exprs)
    conventions.law_uses = [
        (scopes, call[0], tuple(map(spell, (*call[1], *call[2])))) for scopes, expr in placed for call in _calls(expr)
    ]


def laws_at(conventions: Conventions, scopes: tuple[int, ...]) -> dict[str, tuple[str, ...]]:
    """The laws with the variables they are given in these scopes, around them and inside."""
    given: dict[str, set[str]] = {key: set() for key in conventions.laws}
    for there, key, variables in conventions.law_uses if given else ():
        shared = min(len(there), len(scopes))
        if key in given and there[:shared] == scopes[:shared]:
            given[key].update(variables)
    return {key: tuple(sorted(found)) for key, found in given.items()}


def _calls(expr: s.Expr) -> Iterator[Called]:
    """Everything written like a law."""
    for node in walk(expr):
        if isinstance(node, s.Juxt):
            for name, group in zip(node.items, node.items[1:], strict=False):
                found = _called(name, group)
                if found is not None:
                    yield found


def doubts_in(exprs: Sequence[s.Expr]) -> frozenset[str]:
    """Laws that a document may know more of: set equal to another, under several names, of variables like x₀ and x₁."""
    laws = laws_in(exprs)
    doubtful = {k for k in laws if sum(other[0] == k[0] for other in laws) > 1}
    for key, variables in laws.items():
        letters = [v.split("_")[0].split("'")[0].split(" ")[-1] for v in variables]
        if len(set(letters)) < len(letters):
            doubtful.add(key)
    for expr in exprs:
        if isinstance(expr, s.Relation) and "=" in expr.ops:
            sides = [_called(*x.items) if isinstance(x, s.Juxt) and len(x.items) == 2 else None for x in expr.items]
            keys = {x[0] for x in sides if x is not None}
            if len(keys) > 1:
                doubtful |= keys
    return frozenset(doubtful)


def _called(name: s.Expr, group: s.Expr) -> Called | None:
    """p(x, z) and p(z | x) as (letter, before the bar, after it)."""
    if not isinstance(name, s.Name) or name.base not in LETTERS or name.accents or name.primes or name.sup is not None:
        return None
    if not isinstance(group, s.Paren) or group.open != "(" or not group.items:
        return None
    names = tuple(i for i in group.items if isinstance(i, s.Name) and i.sup is None)
    if len(names) != len(group.items) or len(set(map(spell, names))) != len(names):
        return None
    bars = [k for k, x in enumerate(group.separators) if x in ("|", "\\mid")]
    if len(bars) > 1 or any(x not in (",", "|", "\\mid") for x in group.separators):
        return None
    cut = bars[0] + 1 if bars else len(names)
    return spell(name), names[:cut], names[cut:]


def application(r: Reader, name: s.Expr, group: s.Expr) -> t.Term | None:
    """p(x, z), p(z | x) as a number at the outcomes x and z; None where p is no law here."""
    found = _called(name, group)
    if found is None or not isinstance(name, s.Name):
        return None
    key, left, right = found
    known = _law_of(r, name, key, bool(right) or len(left) > 1)
    if known is None:
        return None
    at = {spell(n): _outcome(r, n) for n in (*left, *right)}
    return _probability(r, known, at, tuple(map(spell, left)), tuple(map(spell, right)))


def _law_of(r: Reader, name: s.Name, key: str, plain: bool) -> str | None:
    """The law's letter; None for a function or value of the document."""
    local = r.locals.get(key)
    if local is not None:
        marked = isinstance(local, t.Input) and local.variable.key.startswith(MARK)
        return local.variable.key[len(MARK) :] if marked and isinstance(local, t.Input) else None
    if key not in r.shared.conventions.laws:
        return None
    binding = r.shared.environment.find(key, name.font, r.place)
    if binding is None:
        return key
    own = binding.place.scopes == r.place.scopes[: len(binding.place.scopes)]
    if binding.kind in ("function", "abstract") or binding.law is not None:
        return None
    return key if plain or not own else None


def marker(r: Reader, expr: s.Expr) -> t.Term | None:
    """A bare letter that names a law, as an argument of a function."""
    if not isinstance(expr, s.Name) or _law_of(r, expr, spell(expr), False) is None:
        return None
    key = _law_of(r, expr, spell(expr), False)
    return t.Input(SCALAR, t.Variable(f"{MARK}{key}", spell(expr), SCALAR, Domain(properties=frozenset({"a law"}))))


def _outcome(r: Reader, name: s.Name) -> t.Var:
    """The outcome of a variable: bound by a sum or an expectation, or any."""
    label = spell(name)
    if name.primes or name.accents:
        raise Unreadable(f"a law at {label}, which may be another value of the same variable")
    count = Size.of(f"values {label}")
    for item in script_items(name.sub):
        if isinstance(item, s.Name) and stem(item) in r.locals or not isinstance(item, s.Name | s.Num | s.Infix):
            raise Unreadable(f"a law of the indexed variable {label}")
    local = r.locals.get(label)
    if local is None:
        found = r.free.get(MARK + label)
        if found is None:
            found = r.free[MARK + label] = r.index_var(label, count=count)
        assert isinstance(found, t.Var)
        return found
    if not isinstance(local, t.Var):
        raise Unreadable(f"a law at a value of {label}")
    r.solver.unify(local.var.count, count)
    return local


def _probability(r: Reader, key: str, at: Mapping[str, t.Var], left: tuple[str, ...], right: tuple[str, ...]) -> t.Term:
    """The marginal, or the quotient of two."""
    variables = r.shared.laws.get(key, ())
    if len(variables) > MOST:
        raise Unreadable(f"{key} as a law of more than {MOST} variables")
    if not set(left) | set(right) <= set(variables):
        raise Unreadable(f"{key} as a law")
    if len(variables) > 1:
        labels = ("a general law", "a law of independent variables")
        if r.shared.choices.pick(f"law {key}", 2, labels):
            result: t.Term = a.number(1)
            for label in left:
                result = a.elementwise("mul", result, _share(r, key, (label,), {label: at[label]}, ()))
            return result
    return _share(r, key, variables, {x: at[x] for x in (*left, *right)}, right)


def _share(r: Reader, key: str, variables: tuple[str, ...], at: Mapping[str, t.Var], given: tuple[str, ...]) -> t.Term:
    """Σ of the weights at these outcomes over Σ at the given ones."""
    shape = Tensor(tuple(Size.of(f"values {v}") for v in variables))
    doubtful = key in r.shared.conventions.doubtful_laws
    weights = t.Variable(
        f"{WEIGHTS}{key}({','.join(variables)})", f"{key}({', '.join(variables)})", shape, Domain(low=0.0),
        described=doubtful,
    )  # fmt: skip

    def total(fixed: Mapping[str, t.Var]) -> t.Term:
        free = {v: r.index_var(v, count=Size.of(f"values {v}")) for v in variables if v not in fixed}
        indices = tuple(fixed[v] if v in fixed else free[v] for v in variables)
        starts = tuple(int(i.var.start.number or 0) for i in indices)
        item = t.Item(SCALAR, t.Input(shape, weights), indices, starts)
        return t.Reduce(SCALAR, "sum", tuple(v.var for v in free.values()), item) if free else item

    return a.elementwise("div", total(at), total({v: at[v] for v in given}))


def expectation(r: Reader, expr: s.Expectation) -> t.Term | None:
    """E_{q(z)}[f] and E_{z ∼ q(z | x)}[f] as sums over the outcomes z; None where no law is named."""
    match expr.sub:
        case s.Juxt(items=(s.Name() as name, s.Paren() as group)):
            pass
        case s.Relation(ops=("\\sim",), items=(_, s.Juxt(items=(s.Name() as name, s.Paren() as group)))):
            pass
        case s.Relation(ops=("\\sim",), items=(s.Name() as one, s.Name() as name)):
            group = s.Paren(one.start, one.end, "(", ")", (one,))
        case _:
            return None
    found = _called(name, group)
    if found is None or _law_of(r, name, found[0], bool(found[2]) or len(found[1]) > 1) is None:
        return None
    if expr.op not in ("E", "E?") or expr.given or len(expr.arguments) != 1 or expr.sup is not None:
        raise Unreadable(f"{expr.op} under a law known only by its letter")
    return _averaged(r, name, group, found[1], expr.arguments[0])


def _averaged(r: Reader, name: s.Name, group: s.Paren, over: tuple[s.Name, ...], body: s.Expr) -> t.Term | None:
    labels = {spell(n) for n in over}
    if _outside(body, labels):
        return None
    bound = {x: r.index_var(x, count=Size.of(f"values {x}")) for x in sorted(labels)}
    inside = r.bind(bound)
    weight = application(inside, name, group)
    value = inside.term(body)
    assert weight is not None
    return t.Reduce(value.type, "sum", tuple(v.var for v in bound.values()), a.elementwise("mul", weight, value))


def integral(r: Reader, expr: s.Big) -> t.Term | None:
    """∫ p(x | z) p(z) dz, where z occurs in laws alone, as the sum over its outcomes."""
    z = expr.differential
    if not isinstance(z, s.Name) or expr.upper is not None or expr.lower is not None:
        return None
    label = spell(z)
    if not any(label in v for v in r.shared.conventions.laws.values()) or _outside(expr.body, {label}):
        return None
    var = r.index_var(label, count=Size.of(f"values {label}"))
    body = r.bind({label: var}).term(expr.body)
    return t.Reduce(body.type, "sum", (var.var,), body)


def _outside(expr: s.Expr, labels: set[str]) -> bool:
    """Whether one of the variables stands anywhere but as an argument of a law."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, s.Name) and (spell(node) in labels or stem(node) in labels):
            return True
        if isinstance(node, s.Choice):
            stack.append(node.options[0])
        elif isinstance(node, s.Juxt):
            items = list(node.items)
            while items:
                first = items.pop(0)
                if items and _called(first, items[0]) is not None:
                    items.pop(0)
                    continue
                stack.append(first)
        else:
            stack.extend(s.children(node))
    return False


def divergence(r: Reader, name: s.Name, items: tuple[s.Expr, ...], separators: tuple[str, ...]) -> t.Term | None:
    """KL(q(z) ‖ p(z | x)) = Σ_z q(z) log(q(z) / p(z | x)), or the document's own KL of the two vectors of values."""
    if spell(name) not in DIVERGENCES or separators not in (("||",), ("|",), (",",)) or len(items) != 2:
        return None
    if all(isinstance(i, s.Name) for i in items) and separators != (",",):
        return _between_vectors(r, name, items)
    calls = [i.items if isinstance(i, s.Juxt) and len(i.items) == 2 else None for i in items]
    if calls[0] is None or calls[1] is None:
        return None
    found = [_called(*c) for c in calls if c is not None]
    if found[0] is None or found[1] is None:
        return None
    over = tuple(sorted(map(spell, found[0][1])))
    if over != tuple(sorted(map(spell, found[1][1]))):
        return None
    bound = {x: r.index_var(x, count=Size.of(f"values {x}")) for x in over}
    inside = r.bind(bound)
    sides = [application(inside, *c) for c in calls if c is not None]
    if sides[0] is None or sides[1] is None:
        return None
    variables = tuple(v.var for v in bound.values())
    own = r.shared.environment.find(spell(name), name.font, r.place, 2)
    if own is not None and own.kind == "function" and len(variables) == 1:
        from lemmata.elaborate.calls import call_function

        shape = Tensor((variables[0].count,))
        return call_function(r, own, tuple(t.Build(shape, variables, x) for x in sides if x is not None), spell(name))
    ratio = t.Op(SCALAR, "log", (a.elementwise("div", sides[0], sides[1]),))
    return t.Reduce(SCALAR, "sum", variables, a.elementwise("mul", sides[0], ratio))


def _between_vectors(r: Reader, name: s.Name, items: tuple[s.Expr, ...]) -> t.Term | None:
    """KL(q ‖ p) = Σ_i q_i log(q_i / p_i) of two vectors with values, where the document gives no other KL."""
    if r.shared.environment.find(spell(name), name.font, r.place, 2) is not None:
        return None
    names = [i for i in items if isinstance(i, s.Name)]
    found = [r.shared.environment.find(stem(n), n.font, r.place) for n in names if n.sub is None]
    if len(found) < 2 or any(b is None or b.kind not in ("variable", "definition") or b.law is not None for b in found):
        return None
    left, right = (r.term(n) for n in names)
    if left.type.rank != 1 or right.type.rank != 1:
        return None
    a.unify_shapes(r.solver, left.type, right.type, "the divergence of two vectors")
    ratio = a.elementwise("log", a.elementwise("div", left, right))
    return a.multiply(r.solver, a.transpose(left), ratio)


def states_a_law(laws: Mapping[str, tuple[str, ...]], expr: s.Relation) -> bool:
    """p(z | x) = p(x | z) p(z) / p(x): about the law, since the right side speaks of the same one."""
    first = expr.items[0]
    if not isinstance(first, s.Juxt) or len(first.items) != 2:
        return False
    found = _called(first.items[0], first.items[1])
    if found is None or found[0] not in laws:
        return False
    return any(call[0] == found[0] for item in expr.items[1:] for call in _calls(item))
