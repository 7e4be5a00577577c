"""Random variables: what the words and ∼ say of their laws."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from msgspec import Struct
from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context, Fact
from lemmata.elaborate.declarations import head_key
from lemmata.elaborate.environment import Binding, LawText, Place
from lemmata.elaborate.facts import names_of
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.roles import Item, Roles
from lemmata.elaborate.solver import is_unknown

MOMENTS = frozenset({"mean", "variance", "covariance", "standard deviation", "zero mean", "unit variance"})
RANDOM = MOMENTS | {"iid", "random", "standard normal", "gaussian"}
ZERO, ONE = s.Num(0, 0, Fraction(0)), s.Num(0, 0, Fraction(1))
ESTIMATOR = re.compile(r"\bestimators?\b|估计量", re.IGNORECASE)
UNBIASED = re.compile(r"\bunbiased|无偏", re.IGNORECASE)


class Collected(Struct):
    """What one sentence says of one name."""

    name: s.Name
    item: Item
    law: LawText


def apply_laws(context: Context, items: Sequence[Item], roles: Roles) -> None:
    """Bind every symbol whose law is stated, from its sentence on."""
    by_formula: dict[int, list[Item]] = {}
    for item in items:
        by_formula.setdefault(item.formula.index, []).append(item)
    found: dict[tuple[int, str, str], Collected] = {}
    listed = frozenset(scope.id for scope in context.scopes if scope.kind == "item")
    unbiased = any(UNBIASED.search(x.text) for x in context.sentences)
    for fact in context.facts:
        if unbiased and ESTIMATOR.search(fact.text):
            continue  # which of them is meant is seldom said in one sentence
        if fact.kind in RANDOM or fact.kind in ("independent", "independent of"):
            _collect(fact, by_formula, roles, found)
    for item in items:
        _sim(item, roles, found)
    whole = {
        (sentence, key) for (sentence, key, _), entry in found.items() if entry.law.random and not entry.law.by_index
    }
    for (sentence, key, _), entry in sorted(found.items(), key=lambda kv: kv[1].item.place.at):
        if entry.law.random and not (entry.law.by_index and (sentence, key) in whole):
            _bind(key, entry, roles, listed)
        elif entry.law.independent:
            known = roles.environment.find(key, entry.name.font, entry.item.place)
            if known is not None and known.law is not None and _around(known.place, entry.item.place, listed):
                known.law.independent = True


def _collect(
    fact: Fact, by_formula: dict[int, list[Item]], roles: Roles, found: dict[tuple[int, str, str], Collected]
) -> None:
    named = (*fact.subjects, *fact.objects) if fact.kind == "independent of" else fact.subjects
    subjects = [(n, i) for k in named for i in by_formula.get(k, ()) for n in names_of(i.part.expr)]
    if fact.kind == "zero mean":
        # “the centred matrix Z = X - …” is what its formula says.
        subjects = [(n, i) for n, i in subjects if not (isinstance(i.part.expr, s.Relation) and "=" in i.part.expr.ops)]
    subjects = [(n, i) for n, i in subjects if not _inside_a_list(n, i)]
    if ESTIMATOR.search(fact.text):
        # “the estimator w = (XᵀX)⁻¹Xᵀy” is what its formula says.
        subjects = [(n, i) for n, i in subjects if n is i.part.expr]
    objects = [x for k in fact.objects for i in by_formula.get(k, ()) for x in _parts(i.part.expr)]
    if any(_speaks_of(x, stem(n)) for n, _ in subjects for x in objects if isinstance(x, s.Relation)):
        return  # “x_1, …, x_n with mean x̄ = Σ x_i / n”: numbers and their average
    objects = [x.items[-1] if isinstance(x, s.Relation) and set(x.ops) == {"="} else x for x in objects]
    for position, (name, item) in enumerate(subjects):
        key, _ = head_key(name, roles.letters, roles.environment, item.place)
        if listed_family(item.part.expr) is not None:
            key = stem(name)
            _declare_family(item, roles)
        elif isinstance(name.sub, s.Name) and not name.sub.word and name.sup is None:
            # “The g_s are …” after g_1, g_2, …, whatever letter counts them.
            family = roles.environment.family(stem(name), item.place)
            key = stem(name) if family is not None and family.place.at < item.place.at else key
        entry = found.setdefault((fact.sentence, key, name.font), Collected(name, item, LawText()))
        value = objects[position] if len(objects) == len(subjects) else objects[0] if len(objects) == 1 else None
        _note(entry.law, fact, value)


def _speaks_of(expr: s.Expr, letter: str) -> bool:
    return any(isinstance(n, s.Name) and stem(n) == letter for n in walk(expr))


def _note(law: LawText, fact: Fact, value: s.Expr | None) -> None:
    law.components |= fact.part == "components" or fact.kind == "iid"
    law.identical |= fact.kind == "iid"
    if fact.kind in ("iid", "independent", "independent of"):
        if fact.conditional:
            law.independent_in = fact.sentence
        else:
            law.independent = True
    match fact.kind:
        case "independent" | "independent of":
            return
        case "mean":
            law.mean = value
        case "variance":
            law.variance = value
        case "standard deviation" if value is not None:
            law.variance = s.Scripted(
                value.start,
                value.end,
                s.Paren(value.start, value.end, "(", ")", (value,)),
                None,
                s.Num(value.end, value.end, Fraction(2)),
            )
        case "covariance":
            law.covariance = value
        case "zero mean":
            law.mean = ZERO
        case "unit variance":
            law.variance = ONE
        case "standard normal":
            law.mean, law.variance, law.normal = ZERO, ONE, True
        case "gaussian":
            law.normal = True
    law.random = True


def listed_family(expr: s.Expr) -> tuple[s.Name, s.Expr] | None:
    """X_1, …, X_n by itself: its first member and the last index; None for anything else."""
    match expr:
        case s.Listing(items=(s.Name(sub=s.Num(value=one), sup=None) as first, *_, s.Mark(name="dots"), last)):
            if one == 1 and isinstance(last, s.Name) and last.sup is None and last.sub is not None:
                same = stem(last) == stem(first) and last.font == first.font
                return (first, last.sub) if same and isinstance(last.sub, s.Name | s.Num) else None
    return None


def declare_samples(context: Context, items: Sequence[Item], roles: Roles) -> None:
    """N samples x_1, …, x_N after a vector x ∈ ℝ^d: vectors like x, since N is not its length."""
    from lemmata.elaborate.declarations import declare_sizes
    from lemmata.elaborate.solver import Unreadable

    for item in items:
        found = listed_family(item.part.expr)
        if found is None:
            continue
        first, last = found
        known = roles.environment.visible_before(stem(first), first.font, item.place)
        if known is None or known.kind != "variable" or known.type is None or known.type.rank != 1 or known.indices:
            continue
        r = roles.reader(item.place)
        try:
            declare_sizes(r, last)
            count = r.size(last)
        except Unreadable:
            continue
        if count == known.type.shape[0] or any(is_unknown(a) for a in known.type.shape[0].atoms):
            continue
        _members(first, count, known.type, item, roles).domain = known.domain


def _inside_a_list(name: s.Name, item: Item) -> bool:
    """Whether a name is a further member of X_1, …, X_n, of which the first stands for all."""
    found = listed_family(item.part.expr)
    return found is not None and name is not found[0]


def _declare_family(item: Item, roles: Roles) -> None:
    """X_1, …, X_n of which a law is stated are numbers, or vectors where they are bold, unless declared."""
    found = listed_family(item.part.expr)
    assert found is not None
    first, last = found
    known = roles.environment.family(stem(first), item.place)
    if known is not None and known.place.scopes == item.place.scopes[: len(known.place.scopes)]:
        return
    from lemmata.elaborate.declarations import declare_sizes
    from lemmata.elaborate.solver import Unreadable, unknown

    r = roles.reader(item.place)
    try:
        declare_sizes(r, last)
        count = r.size(last)
    except Unreadable:
        return
    kind = Tensor((unknown(stem(first)),)) if first.font == "bold" else SCALAR
    _members(first, count, kind, item, roles)


def _members(first: s.Name, count: Size, kind: Tensor, item: Item, roles: Roles) -> Binding:
    """Declares the family of a first member, counted from 1."""
    key, letter = stem(first), s.Name(first.start, first.end, "□")
    ranges = {"□": (Size.of(1), count)}
    family = Binding(key, first.font, key, "family", item.place, kind, indices=(letter,), ranges=ranges)
    roles.environment.add(family)
    return family


def _parts(expr: s.Expr) -> tuple[s.Expr, ...]:
    return expr.items if isinstance(expr, s.Listing) else (expr,)


def _sim(item: Item, roles: Roles, found: dict[tuple[int, str, str], Collected]) -> None:
    """x ∼ N(μ, σ²), m ∼ Bernoulli(p), u ∼ U(a, b); q_i, k_i ∼ N(0, 1) speaks of all components."""
    match item.part.expr:
        case s.Relation(ops=("\\sim",), items=(left, right)) if (stated := _stated(right)) is not None:
            form, mean, variance = stated
        case _:
            return
    for name in _parts(left):
        if not isinstance(name, s.Name):
            continue
        key, indices = head_key(name, roles.letters, roles.environment, item.place)
        if form == "uniform" and key in roles.letters:
            continue  # an index is drawn from whole numbers
        # What is drawn is drawn by itself: x ∼ …, y ∼ … are independent unless the text says otherwise.
        law = LawText(mean, variance, None, not form, True, bool(indices), True, bool(indices), form=form)
        if (
            isinstance(variance, s.Name)
            and variance.base == "I"
            or isinstance(variance, s.Juxt)
            and any(isinstance(x, s.Name) and x.base == "I" for x in variance.items)
        ):
            law.components = True
            law.variance = (
                ONE
                if isinstance(variance, s.Name)
                else replace(
                    variance, items=tuple(x for x in variance.items if not (isinstance(x, s.Name) and x.base == "I"))
                )
            )
        found[(item.place.sentence, key, name.font)] = Collected(name, item, law)


def _stated(law: s.Expr) -> tuple[str, s.Expr, s.Expr | None] | None:
    """(form, mean, variance) of a law as written; a normal one has no form. None for any other."""
    match law:
        case s.Juxt(items=(s.Name(base="N"), s.Paren(items=(mean, variance)))):
            return "", mean, variance
        case s.Call(function=s.Name(base="Bernoulli" | "Bern" | "Ber"), arguments=(chance,)):
            return "bernoulli", chance, None
        case (
            s.Call(function=s.Name(base="Uniform" | "Unif" | "U"), arguments=(low, high))
            | s.Juxt(items=(s.Name(base="U", sub=None, sup=None), s.Paren(open="(" | "[", items=(low, high))))
        ) if not (isinstance(low, s.Num) and low.value == 1):  # 1 to n are rather whole numbers
            return "uniform", _over(_sum("+", low, high), 2), _over(_squared(_sum("-", high, low)), 12)
    return None


def _sum(op: str, first: s.Expr, second: s.Expr) -> s.Expr:
    return s.Infix(first.start, second.end, (op,), (first, s.Paren(second.start, second.end, "(", ")", (second,))))


def _squared(expr: s.Expr) -> s.Expr:
    bracket = s.Paren(expr.start, expr.end, "(", ")", (expr,))
    return s.Scripted(expr.start, expr.end, bracket, None, s.Num(expr.end, expr.end, Fraction(2)))


def _over(expr: s.Expr, number: int) -> s.Expr:
    return s.Quotient(expr.start, expr.end, expr, s.Num(expr.end, expr.end, Fraction(number)))


def _bind(key: str, entry: Collected, roles: Roles, listed: frozenset[int]) -> None:
    env, item, name = roles.environment, entry.item, entry.name
    place = Place(item.place.at, item.place.scopes, item.place.sentence)
    declared = env.find(key, name.font, item.place)
    if declared is not None and declared.law is not None and _around(declared.place, item.place, listed):
        entry.law = _added(declared.law, entry.law, _around(item.place, declared.place, listed))
    like = (
        declared.type if declared is not None and declared.kind == "variable" and declared.type is not None else SCALAR
    )
    _declare_moment(entry.law.mean, roles, place, SCALAR if entry.law.components else like, positive=False)
    _declare_moment(entry.law.variance, roles, place, SCALAR, positive=True)
    _, indices = head_key(name, roles.letters, env, item.place)
    known = env.find(key, name.font, item.place)
    if known is not None and known.indices and name.sub is None and known.place.at > place.at:
        known = None  # X before X_1, …, X_n
    if known is not None and known.indices and not indices and entry.law.components and name.sub is None:
        kind = _member_type(known, roles)
        env.add(Binding(key, name.font, stem(name), "variable", place, kind, law=entry.law))
        return
    if known is not None and known.kind == "family" and not entry.law.by_index:
        if known.place.at == place.at:
            known.law = entry.law
            return
        env.add(
            Binding(
                key,
                name.font,
                known.latex,
                "family",
                place,
                known.type,
                known.domain,
                indices=known.indices,
                ranges=known.ranges,
                law=entry.law,
            )
        )
        return
    if entry.law.by_index:
        from lemmata.elaborate.solver import unknown

        kind = Tensor((unknown(key),))
        if known is not None and known.kind == "variable" and known.font == name.font and known.type is not None:
            kind = known.type if known.type.rank == 1 else kind
        env.add(Binding(key, name.font, stem(name), "variable", place, kind, law=entry.law))
        return
    if known is not None and known.kind not in ("variable",):
        return
    from lemmata.elaborate.solver import unknown

    guess = Tensor((unknown(key),)) if entry.law.components else SCALAR
    kind = known.type if known is not None and known.type is not None else guess
    if known is not None and known.place.at == place.at:
        known.law = entry.law
    else:
        env.add(Binding(key, name.font, spell(name), "variable", place, kind, law=entry.law))
    if entry.law.covariance is not None and isinstance(entry.law.covariance, s.Name):
        _covariance(entry.law.covariance, roles, place, kind)


def _around(outer: Place, inner: Place, listed: frozenset[int]) -> bool:
    """Whether a place is in the scopes around another, items of a list apart, so that the same symbol is meant."""
    own = tuple(scope for scope in outer.scopes if scope not in listed)
    return own == tuple(scope for scope in inner.scopes if scope not in listed)[: len(own)]


def _added(before: LawText, law: LawText, here: bool) -> LawText:
    """A later sentence that states no moment adds to the law stated before: “X and Y are independent variables”.

    One that states moments keeps what the same section said of independence.
    """
    if law.mean is not None or law.variance is not None or law.covariance is not None or law.normal or law.components:
        return replace(law, independent=here and before.independent or law.independent)
    return replace(
        before,
        independent=before.independent or law.independent,
        independent_in=max(before.independent_in, law.independent_in),
        identical=before.identical or law.identical,
    )


def _member_type(known: Binding, roles: Roles) -> Tensor:
    """The shape of a member of a family, for its name without an index."""
    from lemmata.elaborate import references
    from lemmata.elaborate.solver import Unreadable, unknown

    if known.type is not None:
        return known.type
    r = roles.reader(known.place)
    try:
        return references.member(r, known, known.indices, None)[0].type
    except Unreadable:
        return Tensor((unknown(known.key),))


def _declare_moment(expr: s.Expr | None, roles: Roles, place: Place, kind: Tensor, positive: bool) -> None:
    """μ and σ named as moments are numbers."""
    if not isinstance(expr, s.Name):
        return
    bare = replace(expr, sup=None) if isinstance(expr.sup, s.Num) else expr
    key = stem(bare) + (f"_{spell(bare.sub)}" if bare.sub is not None else "")
    if roles.environment.find(key, bare.font, place) is not None:
        return
    from lemmata.core.terms import Domain

    roles.environment.add(
        Binding(key, bare.font, spell(bare), "variable", place, kind, Domain(low=0.0) if positive else Domain())
    )


def _covariance(expr: s.Name, roles: Roles, place: Place, kind: Tensor) -> None:
    from lemmata.core.terms import Domain

    known = roles.environment.find(stem(expr), expr.font, place)
    if known is None and kind.rank == 1:
        roles.environment.add(
            Binding(
                stem(expr),
                expr.font,
                spell(expr),
                "variable",
                place,
                Tensor((kind.shape[0], kind.shape[0])),
                Domain(properties=frozenset({"positive definite"})),
            )
        )
    elif known is not None and known.kind == "variable":
        known.domain = replace(known.domain, properties=known.domain.properties | {"positive definite"})
