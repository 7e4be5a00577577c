"""What the prose says of symbols becomes properties of their bindings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from lemmata.core.terms import Domain
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context, Fact
from lemmata.elaborate.declarations import declare_sizes, head_key
from lemmata.elaborate.environment import Binding, Place
from lemmata.elaborate.functions import elementwise_function
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.prose_lexicon import lexicon
from lemmata.elaborate.prose_plain import counts_alone
from lemmata.elaborate.reader import Conventions
from lemmata.elaborate.roles import Item, Roles
from lemmata.elaborate.rows import rows
from lemmata.elaborate.solver import Unreadable, is_unknown, unknown

PROPERTIES = {
    "symmetric": "symmetric",
    "positive definite": "positive definite",
    "positive semidefinite": "positive definite",
    "orthogonal": "orthogonal",
    "orthonormal columns": "orthogonal",
    "orthonormal rows": "orthogonal",
    "invertible": "invertible",
    "diagonal": "diagonal",
    "lower triangular": "lower triangular",
    "upper triangular": "upper triangular",
    "permutation": "permutation",
    "full column rank": "full rank",
    "full row rank": "full rank",
    "full rank": "full rank",
    "unit": "unit",
    "nonzero": "nonzero",
    "simplex": "simplex",
    "strictly positive probability vector": "simplex",
    "one-hot": "one-hot",
    "binary": "binary",
    "integer": "integer",
    "distinct": "distinct",
    "positive determinant": "positive determinant",
    "positive diagonal": "positive diagonal",
    "descending": "descending",
    "skew": "skew",
    "positive eigenvalues": "positive definite",
}
SPECIALS = frozenset({"e", "\\pi", "i"})
RANKS = {"scalar": 0, "vector": 1, "matrix": 2}
SQUARE = frozenset(
    {
        "symmetric",
        "positive definite",
        "positive semidefinite",
        "orthogonal",
        "invertible",
        "diagonal",
        "lower triangular",
        "upper triangular",
        "permutation",
    }
)


def apply_facts(context: Context, items: Sequence[Item], roles: Roles, conventions: Conventions) -> None:
    """Attach every usable fact; document-wide conventions go to `conventions`."""
    by_formula: dict[int, list[Item]] = {}
    for item in items:
        by_formula.setdefault(item.formula.index, []).append(item)
    told = {k for fact in context.facts if fact.kind == "entries" for k in fact.subjects}
    for item in reversed(items):
        if item.formula.index not in told:
            _listed(item, context, by_formula, roles)
    _described(context, items, roles)
    lengths = {(f.sentence, k): f.subjects for f in context.facts if f.kind == "of length" for k in f.objects}
    arguments = {(f.sentence, k) for f in context.facts if f.kind == "function of" for k in f.objects}
    for fact in context.facts:
        if fact.kind == "scalar" and any((fact.sentence, k) in arguments for k in fact.subjects):
            continue  # 设 L 是 y 的标量函数: the number is L
        if fact.kind != "of length" and len(fact.subjects) == 1:
            # “p is of length K, a probability vector” speaks of p.
            fact = replace(fact, subjects=lengths.get((fact.sentence, fact.subjects[0]), fact.subjects))
        _conventions(fact, conventions)
        if fact.kind == "integer" and not counts_alone(fact, context):
            fact = replace(fact, text="")  # more is said of it than that it counts
        if fact.conditional and (fact.kind in PROPERTIES or fact.kind in ("positive", "nonnegative")):
            continue
        for index in fact.subjects:
            for item in by_formula.get(index, ()):
                for name in names_of(item.part.expr):
                    _apply(fact, name, item, roles)
        match fact.kind:
            case "rows":
                rows(fact, by_formula, roles)
            case "same as":
                _same(fact, by_formula, roles)
            case "of size":
                _of_size(fact, by_formula, roles)
            case "function of":
                _function_of(fact, by_formula, roles)
            case "gradient named":
                _gradient_named(fact, by_formula, roles)
            case "entries":
                _entries(fact, by_formula, roles)
            case "positive diagonal":
                _positive_entries(fact, by_formula, roles)
            case "normal cdf" | "normal pdf" | "normal cdf and pdf":
                _normal(fact, by_formula, roles)
    for fact in context.facts:
        if fact.kind == "of length":
            _of_length(fact, by_formula, roles)


def _described(context: Context, items: Sequence[Item], roles: Roles) -> None:
    """A declared symbol that the sentence goes on to describe in words (“consisting of …”) is not fully known."""
    phrases = lexicon().sets.get("described", frozenset())
    for item in items:
        if item.kind != "membership":
            continue
        after = context.formulas[item.formula.index].after[:160].lower().replace("-", " ")
        after = re.split(r"[.;。；]", after)[0]
        if any(p in after for p in phrases):
            for name in names_of(item.part.expr):
                key, _ = head_key(name, roles.letters, roles.environment, item.place)
                for binding in roles.environment.all(key):
                    if binding.place == item.place and binding.kind in ("variable", "family"):
                        binding.facts.add("described")


def _conventions(fact: Fact, conventions: Conventions) -> None:
    match fact.kind:
        case "indices from zero":
            conventions.zero_based = True
        case "zero outside":
            conventions.zero_outside |= {fact.sentence}
        case "softmax over columns":
            conventions.rowwise_softmax = False


def names_of(expr: s.Expr) -> list[s.Name]:
    """The symbols that a formula introduces: X of X ∈ ℝ^{n×d}, Q and K of Q, K ∈ …, a lone X."""
    match expr:
        case s.Choice(options=options):
            return names_of(options[0])
        case s.Relation(items=(first, *_)):
            return names_of(first)
        case s.Listing(items=items):
            return [n for i in items for n in names_of(i)]
        case s.Name():
            return [expr]
    return []


def _apply(fact: Fact, name: s.Name, item: Item, roles: Roles) -> None:
    if name.base in ("0", "1", "I") or fact.kind == "scalar" and stem(name) in SPECIALS:
        return  # the number e
    key, indices = head_key(name, roles.letters, roles.environment, item.place)
    sequence = roles.environment.family(stem(name), item.place)
    if sequence is not None and sequence.place == item.place and isinstance(item.part.expr, s.Listing):
        # “g_1, g_2, … are vectors” speaks of every member.
        if fact.kind == "vector":
            sequence.type = Tensor((unknown(stem(name)),))
        return
    binding = roles.environment.find(key, name.font, item.place)
    prop = PROPERTIES.get(fact.kind)
    if fact.kind == "scalar" and not indices and _is_redeclared(binding, item):
        low = 0.0 if isinstance(item.part.expr, s.Relation) and item.part.expr.ops[0] == ">" else None
        roles.environment.add(Binding(key, name.font, spell(name), "variable", item.place, SCALAR, Domain(low=low)))
        return
    if binding is None or binding.kind not in ("variable", "family"):
        if fact.kind == "ones" and binding is None:
            return
        if fact.kind == "integer" and binding is None and COUNTS.search(fact.text) and name.sub is None:
            if key not in roles.letters and key not in roles.shared.conventions.step_letters:
                declare_sizes(roles.reader(item.place), name)
            return
        if fact.kind == "basis vector" and binding is None and not indices and isinstance(name.sub, s.Name | s.Num):
            _basis(name, key, item, roles)
            return
        if (
            binding is None
            and not indices
            and roles.environment.family(key, item.place) is None
            and _alone(item.part.expr)
            and not (fact.kind in ("vector", "matrix") and _given_before(key, item, roles))
            and not roles.has_equation(name, item.place)
            and (fact.kind in RANKS or fact.kind in SQUARE or fact.kind == "simplex")
        ):
            kind = _kind(fact.kind, name, roles)
            binding = roles.environment.add(
                Binding(
                    key,
                    name.font,
                    spell(name),
                    "variable",
                    item.place,
                    kind,
                    declared=fact.kind not in ("vector", "matrix"),
                )
            )
        else:
            return
    if fact.kind == "positive":
        binding.domain = replace(binding.domain, low=max(0.0, binding.domain.low or 0.0))
    elif fact.kind == "ones":
        _ones(binding)
    elif fact.kind == "nonnegative":
        binding.domain = replace(binding.domain, low=max(0.0, binding.domain.low or 0.0))
    elif prop is not None:
        if binding.type is not None and binding.type.rank == 2:
            rows, columns = binding.type.shape
            if fact.kind in ("full column rank", "orthonormal columns"):
                roles.size_rules.append((Place(-1, item.place.scopes[:1]), columns, "\\le", rows))
            elif fact.kind in ("full row rank", "orthonormal rows"):
                roles.size_rules.append((Place(-1, item.place.scopes[:1]), rows, "\\le", columns))
        binding.domain = Domain(binding.domain.low, binding.domain.high, binding.domain.properties | {prop})
    else:
        binding.facts.add(fact.kind)


def _basis(name: s.Name, key: str, item: Item, roles: Roles) -> None:
    """e_c is the c-th standard basis vector: column c of the identity; any column where c is something else here."""
    assert isinstance(name.sub, s.Name | s.Num)
    at, place = name.end, item.place
    known = roles.environment.find(stem(name.sub), name.sub.font, place) if isinstance(name.sub, s.Name) else None
    if known is not None and "integer" not in known.domain.properties:
        unit = Domain(properties=frozenset({"one-hot"}))
        roles.environment.add(Binding(key, name.font, spell(name), "variable", place, Tensor((unknown(key),)), unit))
        return
    column = s.Listing(at, at, (s.Mark(at, at, ":"), name.sub), (",",))
    whole = s.Paren(name.start, at, "[", "]", (s.Name(name.start, name.start, "I"),))
    body = s.Scripted(name.start, at, whole, column, None)
    roles.environment.add(Binding(key, name.font, spell(name), "definition", place, body=body))


def _given_before(key: str, item: Item, roles: Roles) -> bool:
    """“the precision matrix Λ” after Λ = Σ⁻¹ speaks of that Λ."""
    return any(
        k == key and p.at < item.place.at and p.scopes == item.place.scopes[: len(p.scopes)] for k, _, p in roles.heads
    )


def _is_redeclared(binding: Binding | None, item: Item) -> bool:
    """“For a scalar x” where x was a vector until now."""
    return (
        binding is not None
        and binding.kind == "variable"
        and binding.type is not None
        and binding.type.rank > 0
        and binding.place.sentence != item.place.sentence
    )


def _alone(expr: s.Expr) -> bool:
    """A formula that is just symbols."""
    return (
        isinstance(expr, s.Name)
        or isinstance(expr, s.Listing)
        and all(isinstance(i, s.Name | s.Mark) for i in expr.items)
    )


def _kind(fact: str, name: s.Name, roles: Roles) -> Tensor:
    """A symbol that only words declare: a square matrix, a vector, a number."""
    rank = RANKS.get(fact)
    if rank == 0:
        return SCALAR
    if rank == 1 or fact == "simplex":
        return Tensor((unknown(stem(name)),))
    size = unknown(stem(name))
    return Tensor((size, size)) if fact in SQUARE else Tensor((size, unknown(stem(name))))


def _ones(binding: Binding) -> None:
    from fractions import Fraction

    from lemmata.core import terms as t

    if binding.type is not None and binding.type.rank:
        binding.term = t.Op(binding.type, "fill", (), (("value", Fraction(1)),))
        binding.kind = "term"


COUNTS = re.compile(r"positive|natural|正整数|自然数", re.IGNORECASE)
"""Whole numbers that can be sizes."""
LISTED = re.compile(r"^[,，、]?\s*(?:(?:and|with|和|与|及)\s*)?(?:[\w-]+\s+){0,2}⟦(\d+)⟧")
UNTYPED = "untyped"


def _listed(item: Item, context: Context, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """A symbol named just before a typed one of the same list has its type: queries q_i, keys k_j ∈ ℝ^d.

    An indexed symbol that nothing types is at least not the one of another section.
    """
    names = names_of(item.part.expr) if _alone(item.part.expr) else []
    names = [n for n in names if n.sup is None and n.base not in ("0", "1")]
    if len(names) != 1:
        return
    name = names[0]
    key, indices = head_key(name, roles.letters, roles.environment, item.place)
    if any(k == key for k, _, _ in roles.heads) or not indices and key in roles.letters:
        return
    env = roles.environment
    if any(b.place.scopes == item.place.scopes[: len(b.place.scopes)] for b in env.all(key) if b.font == name.font):
        return
    found = LISTED.match(context.formulas[item.formula.index].after)
    if found is not None and context.formulas[item.formula.index].sentence == context.formulas[int(found[1])].sentence:
        for other in by_formula.get(int(found[1]), ()):
            typed = names_of(other.part.expr)
            if len(typed) == 1 and other.kind == "membership":
                other_key, other_indices = head_key(typed[0], roles.letters, env, other.place)
                like = env.find(other_key, typed[0].font, other.place)
                if like is not None and like.kind in ("variable", "family") and bool(other_indices) == bool(indices):
                    env.add(replace_binding(like, key, name, item.place, indices))
                    return
    if indices and env.all(key) and not any(b.indices for b in env.all(key)):
        env.add(Binding(key, name.font, spell(name), UNTYPED, item.place, indices=indices))


def replace_binding(like: Binding, key: str, name: s.Name, place: Place, indices: tuple[s.Expr, ...]) -> Binding:
    """The same declaration under another name."""
    return Binding(key, name.font, spell(name), like.kind, place, like.type, like.domain, indices=indices)


def _items_names(indices: tuple[int, ...], by_formula: dict[int, list[Item]]) -> list[tuple[s.Name, Item]]:
    return [(n, i) for k in indices for i in by_formula.get(k, ()) for n in names_of(i.part.expr)]


def _same(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """Y ∈ ℝ^{q×q}, and so are P and Q."""
    models = _items_names(fact.subjects, by_formula)
    if len(models) != 1:
        return
    like = roles.environment.find(stem(models[0][0]), models[0][0].font, models[0][1].place)
    if like is None or like.kind != "variable":
        return
    for name, item in _items_names(fact.objects, by_formula):
        if name.sub is None and not roles.environment.all(stem(name)):
            roles.environment.add(replace_binding(like, stem(name), name, item.place, ()))


def _of_size(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """C is an n × n matrix."""
    for k in fact.objects:
        for shape in by_formula.get(k, ()):
            r = roles.reader(shape.place)
            try:
                declare_sizes(r, shape.part.expr)
                dims = tuple(r.size(x) for x in shape.part.expr.items) if isinstance(shape.part.expr, s.Infix) else ()
            except Unreadable:
                continue
            if len(dims) != 2:
                continue
            for name, item in _items_names(fact.subjects, by_formula):
                if name.base in ("0", "1", "I") or not _alone(item.part.expr):
                    continue
                bound = roles.environment.find(stem(name), name.font, item.place)
                if bound is None:
                    roles.environment.add(
                        Binding(stem(name), name.font, spell(name), "variable", item.place, Tensor(dims))
                    )
                elif (
                    bound.kind == "variable"
                    and bound.type is not None
                    and bound.type.rank == 2
                    and bound.type.shape[0].atoms
                    and all(is_unknown(a) for x in bound.type.shape for a in x.atoms)
                ):
                    bound.type = Tensor(dims)


def _of_length(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """p and q are probability vectors of length K."""
    for k in fact.objects:
        for said in by_formula.get(k, ()):
            r = roles.reader(said.place)
            expr = said.part.expr
            given = roles.environment.find(stem(expr), expr.font, said.place) if isinstance(expr, s.Name) else None
            counts = "length" not in fact.text and "长" not in fact.text
            counts = counts or (given is not None and given.kind == "size")
            try:
                declare_sizes(r, said.part.expr)
                length = r.size(said.part.expr)
            except Unreadable:
                continue
            for name, item in _items_names(fact.subjects, by_formula):
                bound = roles.environment.find(stem(name), name.font, item.place)
                if bound is None or bound.kind != "variable" or bound.type is None or bound.type.rank != 1:
                    continue
                # The length of any other vector may be its norm.
                if not counts and "simplex" not in bound.domain.properties:
                    continue
                if bound.type.shape[0].atoms and all(is_unknown(a) for a in bound.type.shape[0].atoms):
                    bound.type = Tensor((length,))
                    bound.declared = True


def _function_of(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """L is a scalar function of y: some smooth function, the same wherever it occurs."""
    through = _items_names(fact.objects, by_formula)
    for name, item in _items_names(fact.subjects, by_formula):
        if through:
            abstract_scalar(roles, name, through[0][0], item.place)


def abstract_scalar(roles: Roles, name: s.Name, through: s.Expr, place: Place) -> None:
    key = stem(name)
    if any(k == key and p.scopes == place.scopes[: len(p.scopes)] for k, _, p in roles.heads):
        return
    if any(
        b.kind in ("through", "function", "definition") and b.place.scopes == place.scopes
        for b in roles.environment.all(key)
    ):
        return
    roles.environment.add(Binding(key, name.font, spell(name), "through", place, SCALAR, through=through))


def _gradient_named(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """Δ is the gradient of the loss L with respect to Y."""
    objects = _items_names(fact.objects, by_formula)
    for name, item in _items_names(fact.subjects, by_formula):
        if len(objects) < 2:
            return
        loss, variable = objects[0][0], objects[1][0]
        abstract_scalar(roles, loss, variable, item.place)
        body = s.Derivative(name.start, name.end, "partial", 1, loss, ((variable, 1),))
        declared = roles.environment.find(stem(name), name.font, item.place)
        if declared is not None and declared.kind == "variable" and declared.place == item.place:
            declared.kind, declared.body = "definition", body
            continue
        roles.environment.add(Binding(stem(name), name.font, spell(name), "definition", item.place, body=body))


def _entries(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """y_i collected in y: the vector of the family's members."""
    wholes = _items_names(fact.subjects, by_formula)
    parts = _items_names(fact.objects, by_formula)
    if len(wholes) != 1 or len(parts) != 1:
        return
    (whole, item), (part, _) = wholes[0], parts[0]
    key, indices = head_key(part, roles.letters, roles.environment, item.place)
    if (
        not indices
        or not isinstance(part.sub, s.Name)
        or roles.environment.find(stem(whole), whole.font, item.place, indexed=False) not in (None,)
    ):
        return
    if key == stem(whole) and whole.font == part.font:
        return
    roles.environment.add(
        Binding(stem(whole), whole.font, spell(whole), "definition", item.place, body=replace(part, sub=None))
    )


def _positive_entries(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """Positive weights collected in D = diag(ω_1, …, ω_n): the ω_i are positive numbers."""
    for item in (i for k in fact.subjects for i in by_formula.get(k, ())):
        match item.part.expr:
            case s.Relation(
                ops=("=",), items=(_, s.Call(function=s.Name(base=base), arguments=(s.Name() as first, *_, last)))
            ):
                pass
            case _:
                continue
        if base.lower() != "diag" or not isinstance(last, s.Name) or stem(last) != stem(first) or first.sup is not None:
            continue
        key, r = stem(first), roles.reader(item.place)
        if roles.environment.all(key) or not isinstance(first.sub, s.Num) or not isinstance(last.sub, s.Name):
            continue
        try:
            declare_sizes(r, last.sub)
            kind = Tensor((r.size(last.sub),))
        except Unreadable:
            continue
        place, positive = item.place, Domain(low=0.0)
        roles.environment.add(Binding(key, first.font, key, "variable", place, kind, positive))


def _normal(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """Φ and φ are the distribution function and the density of a standard normal variable."""
    words = {"normal cdf": ("normal_cdf",), "normal pdf": ("normal_pdf",)}.get(fact.kind, ("normal_cdf", "normal_pdf"))
    named = [(n, i) for n, i in _items_names(fact.subjects, by_formula) if n.sub is None]
    if len(named) != len(words):
        return
    for (name, item), word in zip(named, words, strict=True):
        place = replace(item.place, at=-1)
        argument = s.Name(name.start, name.end, "z")
        made = elementwise_function(word)
        roles.environment.add(
            Binding(stem(name), name.font, spell(name), "function", place, params=(argument,), make=made)
        )
