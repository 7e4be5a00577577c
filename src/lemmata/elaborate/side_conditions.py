"""What limits an equation: relations beside it that are no claims of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Environment
from lemmata.elaborate.names import letters_of, spell, stem, walk
from lemmata.elaborate.prose_model import Fact, Hypothesis

if TYPE_CHECKING:
    from lemmata.elaborate.roles import Item

COMPARISONS = frozenset({"<", "\\le", ">", "\\ge", "\\ne"})
ARROWS = frozenset({":", "\\to", "\\mapsto", "\\implies", "\\iff"})
"""Relations that say nothing of their letters."""
ACTIVATION = re.compile(r"\bactivations?\b|\bnon-?linearit|激活|非线性", re.IGNORECASE)
ZEROED = re.compile(r"\b(?:sett|equat)ing\b.*\bzero\b|令.*零", re.IGNORECASE)
EXCEPT = ("unless", "除非")
WORDS = frozenset({"uniform", "small", "monotone", "convex", "linear", "eigenvector", "projection", "distinct"})
"""Properties that a condition may state and that are not met by construction."""


def restricted(item: Item, items: Sequence[Item]) -> bool:
    """Whether an if or when, or a relation that is no range of indices, limits where an equation holds."""
    if item.limited:
        return True
    for other in items:
        expr = other.part.expr
        if other is item or other.kind == "range" or not isinstance(expr, s.Relation):
            continue
        if other.formula is item.formula:
            if set(expr.ops) & COMPARISONS:
                return True
        elif other.formula.index in item.conditional:
            return True
    return False


def not_used(hypothesis: Hypothesis, facts: Sequence[Fact]) -> bool:
    """Whether a condition says something in words that no value drawn for its symbols meets."""
    kinds = {facts[k].kind for k in hypothesis.facts}
    return hypothesis.partly or hypothesis.words_only and "constant" not in kinds or bool(kinds & WORDS)


def says_nothing(hypothesis: Hypothesis, item: Item, items: Sequence[Item], environment: Environment) -> bool:
    """A condition that limits nothing here: one on activations, or that names curves and says that they are smooth."""
    named = [i for i in items if i.formula.index in hypothesis.formulas]
    if named and all(i.kind == "curve" for i in named) and not excepts(hypothesis):
        return True
    if is_solution(item) and ZEROED.search(hypothesis.text) is not None and not hypothesis.formulas:
        return True
    return is_about_activations(hypothesis, item, environment)


def is_solution(item: Item) -> bool:
    """Whether a definition claims that a gradient vanishes: “setting it to zero” is then what it says itself."""
    first = item.claims[0].items[0] if item.role == "definition" and item.claims else None
    return isinstance(first, s.Evaluated) or isinstance(first, s.Choice) and first.key == "loss"


def is_about_activations(hypothesis: Hypothesis, item: Item, environment: Environment) -> bool:
    """“If the activation is the identity”, of an equation in declared symbols without any function: it says nothing."""
    if hypothesis.formulas or ACTIVATION.search(hypothesis.text) is None or excepts(hypothesis):
        return False
    nodes = list(walk(item.part.expr))
    if any(isinstance(n, s.Call | s.Big | s.Derivative | s.Expectation) for n in nodes):
        return False
    names = [n for n in nodes if isinstance(n, s.Name) and n.base not in ("0", "1", "I")]
    keys = [f"{stem(n)}_{spell(n.sub)}" if n.sub is not None else stem(n) for n in names]
    bound = [environment.find(k, n.font, item.place) for k, n in zip(keys, names, strict=True)]
    return bool(names) and all(b is not None and b.kind in ("variable", "term", "size") for b in bound)


def nearest(found: Sequence[tuple[bool, Item]], item: Item) -> list[Item]:
    """Of the conditions on running indices those that govern: for the same letters the item's own, or the one before.

    “If i = j it is a, if i ≠ j it is b”: the second speaks of b alone.
    """
    chosen: dict[frozenset[str], tuple[bool, bool, int, Item]] = {}
    for own, source in found:
        key = letters_of(source.part.expr)
        before = (source.formula.index, source.part.start) < (item.formula.index, item.part.start)
        rank = (own, before, source.place.at if before else -source.place.at, source)
        if key not in chosen or rank[:3] > chosen[key][:3]:
            chosen[key] = rank
    return [x[3] for x in chosen.values()]


def excepts(hypothesis: Hypothesis) -> bool:
    """Unless: what must fail for the rest to hold."""
    return hypothesis.text.lower().startswith(EXCEPT)


def not_understood(item: Item, items: Sequence[Item]) -> list[Item]:
    """The properties of the claim's letters that were stated but not understood: x ⊥ y in its sentence or before."""
    letters = letters_of(item.part.expr)
    found = []
    for other in items:
        expr = other.part.expr
        if other.kind != "property" or not other.reason or not isinstance(expr, s.Relation):
            continue
        if set(expr.ops) & ARROWS:
            continue
        here = other.place.sentence == item.place.sentence
        before = other.place.at < item.place.at and _around(other, item)
        if (here or before) and letters & letters_of(expr):
            found.append(other)
    return found


def special_case(item: Item, expr: s.Relation, environment: Environment) -> bool:
    """“This fails for A = B = I”: in a for-clause, declared symbols take a value that ends with the sentence."""
    *names, value = expr.items
    if item.cue != "declare" or set(expr.ops) != {"="} or not names:
        return False
    for name in names:
        if not isinstance(name, s.Name) or name.sub is not None or name.sup is not None:
            return False
        bound = environment.visible_before(stem(name), name.font, item.place)
        if bound is None or bound.kind != "variable" or not bound.declared:
            return False
    item.role, item.kind = "condition", "special case"
    item.equations.extend((name, value) for name in names)
    return True


def is_aside(item: Item, items: Sequence[Item]) -> bool:
    """Whether an equation in a where-clause follows a claim of its sentence: “…, where a + b = 1”."""
    if item.formula.display or item.cue != "where":
        return False
    return any(
        other.role == "claim" and other.place.sentence == item.place.sentence and other.place.at < item.place.at
        for other in items
    )


def _around(other: Item, item: Item) -> bool:
    return other.place.scopes == item.place.scopes[: len(other.place.scopes)]
