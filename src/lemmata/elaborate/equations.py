"""Equations that neither define nor claim: examples in numbers, laws, components, points, constraints, properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.core.terms import Domain
from lemmata.core.types import Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.declarations import declare_sizes, membership, number_of
from lemmata.elaborate.environment import Binding, Place
from lemmata.elaborate.first_values import given
from lemmata.elaborate.heads import Head, head_of, mentions
from lemmata.elaborate.names import letters_of, script_items, spell, stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable, unknown

if TYPE_CHECKING:
    from lemmata.elaborate.roles import Item, Roles


def says_what_it_is(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """Whether an equation neither defines nor claims but says what kind of thing a symbol is, or where one looks."""
    if not item.concluded and (property_equation(roles, item, expr) or moment(roles, item, expr)):
        return True
    return components(roles, item, expr) or point(roles, item, expr) or partition(roles, item, expr)


def instance(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """A = [[2, 1], [2, 3]], Δ = 100: a name given in numbers is an example, which ends with its section."""
    head = head_of(expr.items[0], roles.letters, roles.environment, item.place)
    if head is not None and head.params is None and len(expr.items) == 2 and _several_numbers(expr.items[1]):
        # x = -1, 0, 2: values that x may have, none of them in particular.
        item.role, item.kind = "instance", "instance"
        return True
    if item.cue in ("condition", "assume") and not isinstance(expr.items[1], s.Matrix):
        return False
    if head is None or head.params is not None or expr.ops[0] != "=" or any(isinstance(i, s.Num) for i in head.indices):
        return False
    body = expr.items[1]
    if any(isinstance(n, s.Name | s.Unread | s.Mark | s.Big | s.Call) for n in walk(body)):
        return False
    if isinstance(body, s.Num) and of_sequence(roles, item, head):
        return False
    if isinstance(expr.items[0], s.Name) and head.indices and given(roles, item, expr.items[0], head.indices):
        return False
    before = roles.environment.visible_before(head.key, head.font, item.place)
    if before is not None and before.kind == "size" or _of_a_value(roles, item, head, before):
        return False
    item.role, item.kind = "instance", "instance"
    if isinstance(body, s.Matrix | s.Paren | s.Scripted) and not head.indices:
        roles.environment.add(
            Binding(head.key, head.font, head.latex, "definition", item.place, body=body, literal=True)
        )
    roles.rest(item, expr, 1)
    return True


def _of_a_value(roles: Roles, item: Item, head: Head, before: Binding | None) -> bool:
    """A_{ij} = 0 “for j > i”, or displayed, where A has a value: a claim about its entries."""
    if before is None or not head.indices or before.kind != "definition" or before.indices or before.literal:
        return False
    letters = {stem(i) for i in head.indices if isinstance(i, s.Name)}
    governed = any(
        o.kind == "indices" and o.place.sentence == item.place.sentence and letters & letters_of(o.part.expr)
        for o in roles.items
    )
    item.reserved = (
        len(letters) == len(head.indices) and item.cue in ("none", "claim") and (governed or item.formula.display)
    )
    return item.reserved


def _several_numbers(body: s.Expr) -> bool:
    return isinstance(body, s.Listing) and len(body.items) > 1 and all(number_of(i) is not None for i in body.items)


def of_sequence(roles: Roles, item: Item, head: Head) -> bool:
    """m_0 = 0, h = 8: first values and sizes are told apart elsewhere."""
    return bool(script_items(head.name.sub)) and isinstance(script_items(head.name.sub)[-1], s.Num)


def property_equation(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """A = A^⊤, W^⊤ = W^{-1}, V^⊤ V = I of a matrix without a value here: says what kind of matrix is meant."""
    if orthonormal(roles, item, expr):
        return True
    if (
        len(expr.items) != 2
        or expr.ops != ("=",)
        or not all(isinstance(i, s.Name) and i.sub is None for i in expr.items)
    ):
        return False
    left, right = expr.items
    assert isinstance(left, s.Name) and isinstance(right, s.Name)
    if stem(left) != stem(right) or left.font != right.font:
        return False
    found = {("", "⊤"): "symmetric", ("⊤", ""): "symmetric", ("⊤", "-1"): "orthogonal", ("-1", "⊤"): "orthogonal"}.get(
        (_script(left), _script(right))
    )
    before = roles.environment.visible_before(stem(left), left.font, item.place)
    if found is None or before is not None and before.kind == "definition" and not before.literal:
        return False
    if before is not None and before.kind == "variable" and found in before.domain.properties:
        return False  # said before: now it is a claim
    item.role, item.kind = "condition", "property"
    if before is not None and before.kind == "variable" and before.place.scopes == item.place.scopes:
        before.domain = replace(before.domain, properties=before.domain.properties | {found})
        return True
    size = unknown(stem(left))
    kind = (
        before.type
        if before is not None and before.kind == "variable" and before.type is not None
        else Tensor((size, size))
    )
    roles.environment.add(
        Binding(
            stem(left),
            left.font,
            spell(replace(left, sup=None)),
            "variable",
            item.place,
            kind,
            Domain(properties=frozenset({found})),
        )
    )
    return True


def orthonormal(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """“with V^⊤ V = I”: where it is no claim, a declared matrix has orthonormal columns (V V^⊤ too if square)."""
    match expr:
        case s.Relation(ops=("=",), items=(s.Juxt(items=(s.Name() as first, s.Name() as second)), s.Name() as unit)):
            pass
        case _:
            return False
    bare = (first.base, first.font, first.accents, first.sub) == (second.base, second.font, second.accents, second.sub)
    if unit.base not in ("I", "1") or not bare or first.sub is not None or first.base == unit.base:
        return False
    if item.cue not in ("condition", "assume", "define", "declare", "where", "none") or _script(unit):
        return False
    bound = roles.environment.find(stem(second), second.font, item.place)
    if bound is None or bound.kind != "variable" or bound.type is None or bound.type.rank != 2:
        return False
    if bound.place.scopes != item.place.scopes:
        return False
    if item.cue == "none" and (item.formula.display or not _just_declared(roles, item, bound)):
        return False
    if item.cue == "where" and not _declares_only(roles, item) and not _just_declared(roles, item, bound):
        return False
    square = bound.type.shape[0] == bound.type.shape[1]
    scripts = (_script(first), _script(second))
    if scripts != ("⊤", "") and not (square and scripts == ("", "⊤")):
        return False
    if item.cue == "condition" and bound.place.sentence != item.place.sentence:
        return False
    item.role, item.kind = "condition", "property"
    bound.domain = replace(bound.domain, properties=bound.domain.properties | {"orthogonal"})
    if not square:
        long, short = bound.type.shape
        roles.size_rules.append((replace(item.place, at=-1, scopes=item.place.scopes[:1]), short, "\\le", long))
    return True


def standing(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """“Let A, b, x be … with A x = b”: after declarations, an equation behind “with” is a condition on them."""
    if item.cue != "where" or len(expr.items) != 2 or expr.ops != ("=",) or not _declares_only(roles, item):
        return False
    item.role, item.kind = "condition", "equation"
    item.equations.append((expr.items[0], expr.items[1]))
    return True


def _declares_only(roles: Roles, item: Item) -> bool:
    """Whether all that its sentence has said so far is what its symbols are."""
    before = [i for i in roles.items if i.place.sentence == item.place.sentence and i.place.at < item.place.at]
    return bool(before) and all(i.role in ("declaration", "condition") for i in before)


def diagonal_entries(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """“the diagonal matrix D with D_{ii} = Σ_j A_{ij}”: the entries on the diagonal give the whole matrix."""
    match expr:
        case s.Relation(ops=("=",), items=(s.Name(sup=None) as name, body)):
            items = script_items(name.sub)
        case _:
            return False
    if len(items) != 2 or not all(isinstance(i, s.Name) and stem(i) in roles.letters for i in items):
        return False
    bound = roles.environment.find(stem(name), name.font, item.place)
    if spell(items[0]) != spell(items[1]) or bound is None or bound.kind != "variable" or mentions(body, stem(name)):
        return False
    if "diagonal" not in bound.domain.properties or bound.place.sentence != item.place.sentence:
        return False
    entries = replace(name, base=f"{name.base} diagonal", sub=None)
    family = Binding(stem(entries), name.font, spell(entries), "definition", item.place, body=body, indices=items[:1])
    whole = s.Call(name.start, name.end, replace(name, base="diag", sub=None, font="", word=True), (entries,), (), True)
    key, latex = stem(name), spell(replace(name, sub=None))
    roles.environment.add(family)
    roles.environment.add(Binding(key, name.font, latex, "definition", item.place, bound.type, body=whole))
    item.role, item.kind = "definition", "diagonal"
    return True


def _just_declared(roles: Roles, item: Item, bound: Binding) -> bool:
    """“with W ∈ ℝ^{d×q}, W^⊤ W = I”: nothing but declarations stand between the symbol's own and the equation."""
    between = [i for i in roles.items if bound.place.at <= i.place.at < item.place.at]
    return bound.place.sentence == item.place.sentence and all(i.role in ("declaration", "condition") for i in between)


def moment(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """E[x] = 0, Var(x) = σ² for a symbol without a definition say what its law is; m = E[x] defines m."""
    if _names_a_mean(roles, item, expr):
        return True
    seen = False
    for side in expr.items:
        match side:
            case s.Expectation(arguments=(inner,), given=()):
                name = inner.base if isinstance(inner, s.Scripted) else inner
                if not isinstance(name, s.Name) or not isinstance(name.sup, s.Num | None):
                    return False  # e^{…} is no power of something random
                head = head_of(replace(name, sup=None), roles.letters, roles.environment, item.place)
                bound = None if head is None else roles.environment.find(head.key, head.font, item.place)
                if bound is not None and (
                    bound.kind == "definition" or bound.law is not None and bound.law.mean is not None
                ):
                    return False
                seen = True
            case s.Num() | s.Name():
                continue
            case _:
                return False
    if seen:
        item.role, item.kind = "declaration", "moment"
    return seen


def _names_a_mean(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """m = E[x] and E[x] = m for a random x and a letter m that nothing binds: m is that mean."""
    for side, other in (expr.items, expr.items[::-1]) if len(expr.items) == 2 else ():
        match side, other:
            case s.Name(sup=None), s.Expectation(
                op="E" | "E?", sub=None, given=(), arguments=(s.Name() as x,), sup=None
            ):
                head = head_of(side, roles.letters, roles.environment, item.place)
                drawn = roles.environment.find(stem(x), x.font, item.place)
                if head is None or head.indices or drawn is None or drawn.law is None or drawn.indices:
                    continue
                if drawn.law.mean is None and roles.environment.find(head.key, head.font, item.place) is None:
                    roles.define(item, head, other)
                    return True
    return False


def asked(roles: Roles, item: Item, head: Head, expr: s.Relation) -> bool:
    """“scaled so that $\\det(Q) = 1$”: in running text, a number for a matrix spoken of before is a condition."""
    if item.formula.display or number_of(expr.items[-1]) is None:
        return False
    if head.name.base.lstrip("\\") not in ("tr", "Tr", "trace", "det", "rank"):
        return False
    known = (roles.environment.visible_before(stem(p), p.font, item.place) for p in head.params or ())
    if all(binding is None for binding in known):
        return False
    item.role, item.kind = "condition", "equation"
    item.equations.append((expr.items[0], expr.items[-1]))
    return True


def components(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """x = (x_1, …, x_n): x is a vector with these components."""
    match expr:
        case s.Relation(ops=("=",), items=(s.Name(sub=None, sup=None) as whole, body)):
            pass
        case _:
            return False
    if isinstance(body, s.Scripted):
        body = body.base
    parts = (
        body.items
        if isinstance(body, s.Paren)
        else tuple(e for row in body.rows for e in row)
        if isinstance(body, s.Matrix)
        else ()
    )
    names = [p for p in parts if not isinstance(p, s.Mark)]
    if len(names) < 2 or not all(
        isinstance(n, s.Name)
        and n.base == whole.base
        and n.accents == whole.accents
        and n.sub is not None
        and n.sup is None
        for n in names
    ):
        return False
    if isinstance(body, s.Matrix) and len(body.rows) > 1 and len(body.rows[0]) > 1:
        return False
    if any(b.indices for b in roles.environment.all(stem(whole))):
        return False
    r = roles.reader(item.place)
    last = names[-1]
    assert isinstance(last, s.Name) and last.sub is not None
    if any(isinstance(p, s.Mark) for p in parts):
        try:
            declare_sizes(r, last.sub)
            size = r.size(last.sub)
        except Unreadable:
            return False
    else:
        size = Size.of(len(names))
    item.role, item.kind = "declaration", "components"
    if roles.environment.visible_before(stem(whole), whole.font, item.place) is None:
        roles.environment.add(Binding(stem(whole), whole.font, spell(whole), "variable", item.place, Tensor((size,))))
    return True


def partition(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """W = [W_1; …; W_h] with W declared and W_i a family of its own: W is made of these blocks wherever it stands."""
    match expr:
        case s.Relation(ops=("=",), items=(s.Name(sub=None) as whole, s.Matrix(rows=rows))):
            parts = [e for row in rows for e in row if not isinstance(e, s.Mark)]
        case _:
            return False
    head = head_of(whole, roles.letters, roles.environment, item.place)
    if head is None or not all(isinstance(p, s.Name) and p.sub is not None and p.base == whole.base for p in parts):
        return False
    found = roles.environment.find(head.key, head.font, item.place, indexed=False)
    family = roles.environment.family(head.key, item.place)
    if found is None or found.kind != "variable" or found.indices or family is None or family.kind != "family":
        return False
    found.kind, found.body = "definition", expr.items[1]
    item.role, item.kind = "definition", "partition"
    return True


def point(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """x = x_A, i = t: where one looks, not what holds."""
    if (
        len(expr.items) != 2
        or expr.ops != ("=",)
        or not all(isinstance(x, s.Name) and x.sup is None for x in expr.items)
    ):
        return False
    left, right = expr.items
    assert isinstance(left, s.Name) and isinstance(right, s.Name)
    letters = left.sub is None and right.sub is None and stem(left) in roles.letters and stem(right) in roles.letters
    if letters or left.sub is None and right.sub is not None and stem(left) == stem(right) and left.font == right.font:
        item.role, item.kind = "condition", "point"
        return True
    return False


def constrains(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """A declared symbol without a value, alone on one side and nowhere on the other, is constrained: Ax = b."""
    if len(expr.items) != 2 or any(_is_derivative(roles, n) for n in walk(expr)):
        return False
    place = item.place
    for side, other in (expr.items, expr.items[::-1]):
        if isinstance(side, s.Name) and side.sup is None:
            head = head_of(side, roles.letters, roles.environment, place)
            if head is None or head.indices:
                continue
            bound = roles.environment.find(head.key, head.font, place)
            if bound is not None and bound.kind == "variable" and not mentions(other, stem(side)):
                item.reserved = _given_through(roles, other, side, place)
                return not _in_a_law(roles, side) and not item.reserved
    return False


def _given_through(roles: Roles, expr: s.Expr, name: s.Name, place: Place) -> bool:
    """Kα + σ²α beside y where α = C^{-1} y: what is given in terms of y is no condition on it."""
    pending, seen = [(expr, place)], set[int]()
    while pending:
        part, here = pending.pop()
        for node in walk(part):
            if not isinstance(node, s.Name):
                continue
            bound = roles.environment.visible_before(stem(node), node.font, here)
            if bound is None or bound.kind != "definition" or bound.body is None or bound.uid in seen:
                continue
            if mentions(bound.body, stem(name)):
                return True
            seen.add(bound.uid)
            pending.append((bound.body, bound.place))
    return False


def _is_derivative(roles: Roles, expr: s.Expr) -> bool:
    """∂f/∂x, or f' of a function that the document defines."""
    if isinstance(expr, s.Derivative):
        return True
    return (
        isinstance(expr, s.Name)
        and expr.primes > 0
        and any(b.kind == "function" for b in roles.environment.all(stem(replace(expr, primes=0))))
    )


def restricts(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """“For g_1 ≠ 0, …”, “where v > 0”: a bound in such a clause restricts what is said beside it."""
    if number_of(expr.items[-1]) is None:
        return False
    return item.cue in ("where", "with", "for") or any(item.formula.index in o.conditional for o in roles.items)


def tells_indices_apart(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """“For k ≠ l”, “for |i - j| ≤ w”: a relation between running indices says for which of them a statement holds."""
    if _says_how_far_apart(roles, item, expr):
        return True
    names = [i for i in expr.items if isinstance(i, s.Name) and i.sub is None and i.sup is None and not i.primes]
    if item.formula.display or len(names) != len(expr.items) or len(set(map(stem, names))) < len(names):
        return False
    bound = [roles.environment.find(stem(n), n.font, item.place) for n in names]
    return all(stem(n) in roles.letters for n in names) and not any(bound)


SIMPLE = (s.Name, s.Num, s.Infix, s.Juxt, s.Sign, s.Paren, s.Bars, s.Relation)


def _says_how_far_apart(roles: Roles, item: Item, expr: s.Relation) -> bool:
    """Whether a clause (“for …”, “if …”) bounds an expression in running indices by numbers and sizes."""
    clause = item.cue in ("where", "with", "for", "condition", "declare")
    clause = clause or any(item.formula.index in o.conditional for o in roles.items)
    if item.formula.display or not clause or expr.ops == ("=",):
        return False
    names = [n for n in walk(expr) if isinstance(n, s.Name)]
    running = {
        stem(n)
        for n in names
        if stem(n) in roles.letters and roles.environment.find(stem(n), n.font, item.place) is None
    }
    plain = all(n.sub is None and n.sup is None and not n.primes for n in names)
    simple = all(isinstance(n, SIMPLE) for n in walk(expr))
    return len(running) > 1 and plain and simple


def _in_a_law(roles: Roles, name: s.Name) -> bool:
    """Whether the symbol is a moment of something random: what is said of it then is no condition on it."""
    laws = [b.law for key in roles.environment.keys() for b in roles.environment.all(key) if b.law is not None]
    moments = [m for law in laws for m in (law.mean, law.variance, law.covariance) if m is not None]
    return any(mentions(m, stem(name)) for m in moments)


def listed_matrix(roles: Roles, item: Item, expr: s.Relation, r: Reader) -> None:
    """K = [k_1, …, k_n] ∈ ℝ^{n×d} with nothing said of the k_i declares K, its rows being the k_i."""
    match expr:
        case s.Relation(ops=("=", "\\in"), items=(s.Name() as whole, s.Paren(items=items), target)):
            first = items[0]
        case s.Relation(ops=("=", "\\in"), items=(s.Name() as whole, s.Matrix(rows=rows), target)):
            first, items = rows[0][0], tuple(e for row in rows for e in row)
        case _:
            return
    if not isinstance(first, s.Name) or first.sub is None or whole.sub is not None:
        return
    if not any(isinstance(i, s.Mark) and i.name == "dots" for i in items):
        return
    key = stem(first)
    known = [b for b in roles.environment.all(key) if b.indices and b.place.at < item.place.at]
    if known or any(k == key for k, _, p in roles.heads if p.at < item.place.at):
        return
    member = membership(r, target)
    if member.type.rank != 2:
        return
    item.role, item.kind = "declaration", "listed"
    roles.environment.add(
        Binding(stem(whole), whole.font, spell(whole), "variable", item.place, member.type, member.domain)
    )
    if first.base != whole.base.lower():
        letter = s.Name(first.start, first.end, "i")
        body = replace(whole, sub=letter)
        roles.environment.add(
            Binding(key, first.font, spell(first), "definition", item.place, body=body, indices=(letter,))
        )


def _script(name: s.Name) -> str:
    text = spell(name.sup)
    return "⊤" if text in ("T", "⊤") else text
