"""What stands around a counting claim: its sentence, the sentences before it in its scope, and the sizes in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property

from msgspec import Struct, field

from lemmata.consistency.scalars import Scalars, number
from lemmata.counting import words
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.prose_model import Sentence
from lemmata.elaborate.roles import Item

PRIMES = (7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)
DEPTH = 4
"""How many members of a sequence of widths are given values."""


class Unclear(Exception):
    """It is not clear what is counted."""


class Passage(Struct, dict=True):
    """The surroundings of one claim."""

    elaboration: Elaboration
    item: Item
    used: set[int] = field(default_factory=set)
    """Formulas whose part in the description is understood."""

    @cached_property
    def sentence(self) -> Sentence:
        context = self.elaboration.context
        return context.sentences[context.formulas[self.item.formula.index].sentence]

    @cached_property
    def earlier(self) -> tuple[Sentence, ...]:
        """Sentences before it in its own scope, the nearest first."""
        own = self.sentence
        return tuple(
            x for x in reversed(self.elaboration.context.sentences[: own.id]) if x.scope == own.scope and x.id < own.id
        )

    @property
    def title(self) -> str:
        return self.elaboration.context.scopes[self.sentence.scope].title

    @property
    def before(self) -> str:
        return self.sentence.text.split(f"⟦{self.item.formula.index}⟧")[0]

    @property
    def after(self) -> str:
        return self.sentence.text.split(f"⟦{self.item.formula.index}⟧")[-1]

    def expression(self, formula: int) -> s.Expr:
        """The formula as one expression. Raises Unclear."""
        parts = [i.part.expr for i in self.elaboration.items if i.formula.index == formula]
        if len(parts) != 1:
            raise Unclear("a formula of several parts")
        only = parts[0]
        return only.options[0] if isinstance(only, s.Choice) else only

    def sizes(self, kind: str) -> s.Expr | None:
        """The formula that a list `size_…` points at, in the claim's sentence or else nearest before it."""
        for sentence in (self.sentence, *self.earlier):
            found = [f for f in words.find(kind, sentence.text) if f.chosen not in (None, self.item.formula.index)]
            if not found:
                continue
            shown = {}
            for f in found:
                assert f.chosen is not None
                expr = self.expression(f.chosen)
                if sentence is self.sentence:
                    self.used.add(f.chosen)
                if len(found) == 1 or not _ones(expr):
                    shown[spell(expr)] = expr
            if len(shown) != 1:
                raise Unclear("two sizes for one thing")
            return next(iter(shown.values()))
        return None

    def declared(self) -> Mapping[str, tuple[s.Expr, ...]]:
        """Shapes that memberships of the claim's sentence give, by spelling."""
        found = {}
        for formula in self.sentence.formulas:
            for item in self.elaboration.items:
                if item.formula.index == formula:
                    found.update(dict(_membership(item.part.expr)))
        return found

    def leftover(self) -> list[int]:
        """Formulas of the sentence that nothing accounted for."""
        return [f for f in self.sentence.formulas if f not in self.used and f != self.item.formula.index]


def _ones(expr: s.Expr) -> bool:
    return all(isinstance(n, s.Infix) or isinstance(n, s.Num) and n.value == 1 for n in walk(expr))


def _membership(expr: s.Expr) -> Iterator[tuple[str, tuple[s.Expr, ...]]]:
    if not isinstance(expr, s.Relation) or expr.ops[-1:] != ("\\in",):
        return
    head, space = expr.items[-2], expr.items[-1]
    if not isinstance(space, s.Const) or space.name != "R" or space.sup is None:
        return
    names = head.items if isinstance(head, s.Listing) else (head,)
    if len(expr.items) > 2:
        names = (expr.items[0],)
    for name in names:
        if not isinstance(name, s.Name):
            return
    for name in names:
        yield spell(name), dimensions(space.sup)


def dimensions(expr: s.Expr) -> tuple[s.Expr, ...]:
    """a × b as a and b."""
    if isinstance(expr, s.Paren) and len(expr.items) == 1:
        return dimensions(expr.items[0])
    if isinstance(expr, s.Infix) and all(op == "\\times" for op in expr.ops):
        return expr.items
    return (expr,)


class Numbers(Scalars):
    """Sizes in whole numbers; roundings up and down are exact."""

    def _value(self, expr: s.Expr) -> object:
        if isinstance(expr, s.Floor):
            inner = self.value(expr.body)
            return inner.floor() if expr.kind == "floor" else inner.ceil()
        return super()._value(expr)


def letters(*exprs: s.Expr) -> list[str]:
    """Names in the expressions as Scalars looks them up, in order."""
    found: dict[str, None] = {}
    for expr in exprs:
        for node in walk(expr):
            if isinstance(node, s.Name):
                found[key(node)] = None
    inside = {key(n) for e in exprs for x in walk(e) if isinstance(x, s.Name) and x.sub for n in _inner(x.sub)}
    whole = {key(x) for e in exprs for x in _outer(e)}
    return [x for x in found if x not in inside or x in whole]


def _inner(expr: s.Expr) -> Iterator[s.Name]:
    return (n for n in walk(expr) if isinstance(n, s.Name))


def _outer(expr: s.Expr) -> Iterator[s.Name]:
    """Names that stand for themselves, not inside a subscript."""
    if isinstance(expr, s.Name):
        yield expr
        if expr.sup is not None:
            yield from _outer(expr.sup)
        return
    for child in s.children(expr):
        yield from _outer(child)


def key(name: s.Name) -> str:
    return stem(name) + (f"_{spell(name.sub)}" if name.sub is not None else "")


def assignment(names: list[str], draw: int) -> dict[str, object]:
    """Different primes for different letters."""
    return {name: number(Fraction(PRIMES[(3 * k + 5 * draw) % len(PRIMES)])) for k, name in enumerate(names)}
