"""What a sentence names in words: the entropy of a normal law, a density or log-density and its letter."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context, Fact
from lemmata.elaborate.declarations import head_key
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.gaussians import parameters
from lemmata.elaborate.names import spell, stem
from lemmata.elaborate.roles import Item, Roles

DENSITY = "density"
"""Of a function: the density of a law, whose derivatives by a parameter hold the point."""


def name_quantities(context: Context, items: Sequence[Item], roles: Roles) -> None:
    """Bind what the words name, so that an equation about it claims."""
    by_formula: dict[int, list[Item]] = {}
    for item in items:
        by_formula.setdefault(item.formula.index, []).append(item)
    for fact in context.facts:
        if fact.kind in ("entropy named", "density named", "log density named"):
            _name(fact, by_formula, roles)


def _name(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    laws = [i.part.expr for k in fact.objects for i in by_formula.get(k, ())]
    if len(laws) != 1 or len(fact.subjects) != 1 or fact.conditional or parameters(laws[0]) is None:
        return
    for item in by_formula.get(fact.subjects[0], ())[:1]:
        if fact.kind == "entropy named":
            _entropy(item, laws[0], roles)
        else:
            _density(item, laws[0], fact.kind == "log density named", roles)


def _entropy(item: Item, law: s.Expr, roles: Roles) -> None:
    """The entropy of N(μ, σ²) is h = …: h is that entropy, and the equation claims."""
    expr = item.part.expr
    if not isinstance(expr, s.Relation) or expr.ops[0] != "=" or not isinstance(expr.items[0], s.Name):
        return
    name = expr.items[0]
    key, indices = head_key(name, roles.letters, roles.environment, item.place)
    if indices or name.sup is not None or roles.environment.visible_before(key, name.font, item.place) is not None:
        return
    body = s.Call(law.start, law.end, s.Name(law.start, law.start, "H", word=True), (law,), (), True)
    roles.environment.add(Binding(key, name.font, spell(name), "definition", item.place, body=body))


def _density(item: Item, law: s.Expr, logarithm: bool, roles: Roles) -> None:
    """p(z) is the density of N(m, s²), log p(z) its log-density: p is a function of z."""
    found = called(item.part.expr)
    if found is None or found[2] != logarithm or len(_arguments(item.part.expr)) != 1:
        return
    name, point, _ = found
    key, indices = head_key(name, roles.letters, roles.environment, item.place)
    if indices or any(b.kind in ("function", "abstract", "definition") for b in roles.environment.all(key)):
        return
    both = parameters(law)
    assert both is not None and isinstance(law, s.Juxt)
    group = s.Paren(law.start, law.end, "(", ")", (point, *both), (";", ","))
    body = replace(law, items=(law.items[0], group))
    binding = Binding(key, name.font, stem(name), "function", item.place, body=body, params=(point,))
    binding.facts.add(DENSITY)
    roles.environment.add(binding)


def _arguments(expr: s.Expr) -> tuple[s.Expr, ...]:
    match expr:
        case s.Call(arguments=(inner,)):
            return _arguments(inner)
        case s.Juxt(items=(_, s.Paren(items=items))):
            return items
    return ()


def called(expr: s.Expr) -> tuple[s.Name, s.Name, bool] | None:
    """p(z) or log p(z): the letter, the point, and whether it is the logarithm."""
    match expr:
        case s.Call(function=s.Name(base="\\log" | "\\ln", sub=None, sup=None), arguments=(inner,)):
            found = called(inner)
            return None if found is None or found[2] else (found[0], found[1], True)
        case s.Paren(items=(inner,)):
            return called(inner)
        case s.Juxt(items=(s.Name(sup=None, primes=0) as name, s.Paren(open="(", items=items, separators=separators))):
            # p(z; m, s²) is a density of z with its parameters.
            plain = len(items) == 1 or bool(separators) and separators[0] in (";", "|")
            if plain and isinstance(items[0], s.Name) and items[0].sup is None:
                return name, items[0], False
    return None
