"""Normal densities: what their parameters may depend on, and two statements about the same one."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from msgspec import Struct

from lemmata.consistency.scalars import NoValue, Scalars, number
from lemmata.consistency.scalars import show as shown
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.roles import Item
from lemmata.elaborate.syntax.show import show
from lemmata.verify.verdict import Counterexample


class Normal(Struct, frozen=True):
    """q(x | y) = N(x; mean, covariance)."""

    item: Item
    law: str
    variable: s.Expr
    given: tuple[s.Expr, ...]
    mean: s.Expr
    covariance: s.Expr
    whole: s.Expr


def normals(survey: Survey) -> Iterator[Normal]:
    """Every density that is written out as a normal one at its variable."""
    for item in survey.asserted():
        relation = item.part.expr
        if not isinstance(relation, s.Relation):
            continue
        for op, left, right in zip(relation.ops, relation.items, relation.items[1:], strict=False):
            match left, right:
                case (
                    s.Juxt(items=(s.Name() as law, s.Paren(items=arguments, separators=bars))),
                    s.Juxt(
                        items=(
                            s.Name(base="N"),
                            s.Paren(items=(variable, mean, covariance), separators=(";" | "|", _)),
                        )
                    ),
                ) if op in ("=", ":=") and show(arguments[0]) == show(variable):
                    given = arguments[1:] if bars and bars[0] == "|" else ()
                    whole = s.Relation(left.start, right.end, ("=",), (left, right))
                    yield Normal(item, show(law), variable, given, mean, covariance, whole)


def parameters(survey: Survey) -> Iterator[Contradiction]:
    """The mean and covariance of a density of x do not depend on x: otherwise it is not the normal density of x."""
    for normal in normals(survey):
        if not isinstance(normal.variable, s.Name):
            continue
        own = show(normal.variable)
        survey.agree(normal.item)
        for name, parameter in (("mean", normal.mean), ("covariance", normal.covariance)):
            if any(isinstance(n, s.Name) and show(n) == own for n in walk(parameter)):
                symbol = spell(normal.variable)
                example = Counterexample(
                    values={symbol: [0, 1]},
                    left=f"{name} at {symbol} = 0",
                    right=f"{name} at {symbol} = 1",
                    note=f"a density of {symbol} has one {name} for all values of {symbol}",
                )
                reason = f"the {name} of the density of {symbol} depends on {symbol} itself"
                yield refutation(normal.item, normal.whole, reason, "dependence", example)
                break


def noising(survey: Survey) -> Iterator[Contradiction]:
    """What is said of x_t given x_0 must agree at t = 1 with what is said of x_t given x_{t-1}."""
    found = [n for n in normals(survey) if len(n.given) == 1 and not survey.guarded(n.item)]
    for step in found:
        for direct in found:
            if step.law != direct.law or not survey.near(step.item, direct.item):
                continue
            letter = _step(step)
            if letter is not None and _starts_at_zero(direct, letter):
                yield from _at_first(survey, step, direct, letter)


def reparametrised(survey: Survey) -> Iterator[Contradiction]:
    """x_t = a x_0 + b ε with standard noise ε has mean a x_0 and variance b²."""
    for normal in (n for n in normals(survey) if len(n.given) == 1):
        base, start = normal.variable, normal.given[0]
        if not (isinstance(base, s.Name) and isinstance(start, s.Name) and base.sub is not None):
            continue
        for item in survey.asserted():
            if survey.guarded(item):
                continue
            match item.part.expr:
                case s.Relation(ops=("=",), items=(left, s.Infix(ops=("+",), items=(first, second)) as right)) if show(
                    left
                ) == show(base) and survey.near(item, normal.item):
                    noise = _noise(second)
                    scale = _without(first, start)
                    if noise is None or scale is None:
                        continue
                    spread = _without(second, noise)
                    mean, variance = _without(normal.mean, start), _isotropic(normal.covariance)
                    if spread is None or mean is None or variance is None:
                        continue
                    yield from _same_law(survey, item, left, right, (scale, spread), (mean, variance), base)


def _noise(term: s.Expr) -> s.Name | None:
    """The standard noise in a term, by the letters that everyone uses for it."""
    names = [n for n in walk(term) if isinstance(n, s.Name) and n.base in ("\\epsilon", "\\varepsilon", "ϵ", "ε")]
    return names[0] if len(names) == 1 and not names[0].accents else None


def _step(normal: Normal) -> str | None:
    """The letter t where the density is that of x_t given x_{t-1}."""
    match normal.variable, normal.given[0]:
        case (
            s.Name(sub=s.Name(sub=None) as letter) as now,
            s.Name(
                sub=s.Infix(ops=("-",), items=(s.Name(sub=None) as other, s.Num(value=Fraction(numerator=1))))
            ) as past,
        ) if stem(now) == stem(past) and stem(letter) == stem(other):
            return stem(letter)
    return None


def _starts_at_zero(normal: Normal, letter: str) -> bool:
    match normal.variable, normal.given[0]:
        case s.Name(sub=s.Name(sub=None) as at) as now, s.Name(sub=s.Num(value=value)) as start:
            return stem(now) == stem(start) and stem(at) == letter and value == 0
    return False


def _without(expr: s.Expr, factor: s.Expr) -> s.Expr | None:
    """The other factors of a product, or None where it is no product with this one factor."""
    if show(expr) == show(factor):
        return s.Num(expr.start, expr.start, Fraction(1))
    match expr:
        case s.Juxt(items=items):
            rest = tuple(i for i in items if show(i) != show(factor))
            if len(rest) == len(items) - 1:
                return rest[0] if len(rest) == 1 else s.Juxt(expr.start, expr.end, rest)
        case s.Infix(ops=("\\cdot",) | ("\\times",) | ("\\odot",) | ("*",), items=(left, right)):
            if show(right) == show(factor):
                return left
        case s.Paren(items=(only,)):
            return _without(only, factor)
    return None


def _isotropic(covariance: s.Expr) -> s.Expr | None:
    """v of v·I."""
    match covariance:
        case s.Juxt(items=(*factors, s.Name(base="I", sub=None))) if factors:
            first = factors[0]
            return first if len(factors) == 1 else s.Juxt(first.start, factors[-1].end, tuple(factors))
        case s.Infix(ops=("\\cdot",), items=(left, s.Name(base="I"))):
            return left
        case s.Paren(items=(only,)):
            return _isotropic(only)
    return None


def _at_first(survey: Survey, step: Normal, direct: Normal, letter: str) -> Iterator[Contradiction]:
    pairs = (
        ("mean", _without(step.mean, step.given[0]), _without(direct.mean, direct.given[0])),
        ("variance", _isotropic(step.covariance), _isotropic(direct.covariance)),
    )
    for name, one, other in pairs:
        if one is None or other is None:
            return
        families = Families(survey)
        try:
            a = families.scalars(letter, 1).value(one)
            known = set(families.free)
            b = families.scalars(letter, 1).value(other)
        except NoValue:
            return
        if set(families.free) - known:
            return
        if not a.overlaps(b):
            values: dict[str, object] = {letter: 1, **{f"{k}_{i}": shown(v) for (k, i), v in families.free.items()}}
            reason = f"at {letter} = 1 the {name} is not that of the step from {letter} - 1 to {letter}"
            example = Counterexample(values=values, left=shown(b), right=shown(a), where=f"the {name}")
            yield refutation(direct.item, direct.whole, reason, "instances", example)
            return
    survey.agree(direct.item)


def _same_law(
    survey: Survey,
    item: Item,
    left: s.Expr,
    right: s.Expr,
    given: tuple[s.Expr, s.Expr],
    stated: tuple[s.Expr, s.Expr],
    variable: s.Name,
) -> Iterator[Contradiction]:
    letters = [stem(n) for n in walk(variable.sub) if isinstance(n, s.Name)] if variable.sub is not None else []
    if len(letters) != 1:
        return
    families = Families(survey)
    try:
        scale, mean = (families.scalars(letters[0], 3).value(x) for x in (given[0], stated[0]))
        spread, variance = (families.scalars(letters[0], 3).value(x) for x in (given[1], stated[1]))
    except NoValue:
        return
    for name, a, b in (("mean", scale, mean), ("variance", spread * spread, variance)):
        if name == "variance" and spread.overlaps(b):
            return  # a text that gives standard deviations throughout
        if not a.overlaps(b):
            values: dict[str, object] = {f"{k}_{i}": shown(v) for (k, i), v in families.free.items()}
            example = Counterexample(values=values, left=shown(a), right=shown(b), where=f"the {name}")
            reason = f"the {name} is not the one that the text states for {spell(variable)}"
            whole = s.Relation(left.start, right.end, ("=",), (left, right))
            yield refutation(item, whole, reason, "instances", example)
            return
    survey.agree(item)


def _value(at: int) -> Any:
    """One number between 0 and 1 after another."""
    return number(Fraction((at * 37 + 23) % 89 + 4, 97))


class Families:
    """Members of families by the document's own definitions; those without one get values between 0 and 1."""

    def __init__(self, survey: Survey) -> None:
        self.definitions: dict[str, tuple[str, s.Expr]] = {}
        self.free: dict[tuple[str, int], Any] = {}
        twice: set[str] = set()
        for item in survey.asserted():
            match item.part.expr:
                case s.Relation(
                    ops=("=" | ":=",), items=(s.Name(sub=s.Name(sub=None) as letter, sup=None) as head, body)
                ):
                    key = stem(head)
                    if key in self.definitions and show(self.definitions[key][1]) != show(body):
                        twice.add(key)
                    self.definitions[key] = stem(letter), body
        for key in twice:
            del self.definitions[key]
        self.depth = 0

    def scalars(self, letter: str, at: int, **names: Any) -> Scalars:
        return Scalars({letter: number(at), **names}, member=self.member)

    def member(self, key: str, indices: tuple[int, ...]) -> Any:
        if len(indices) != 1 or self.depth > 8:
            raise NoValue(key)
        definition = self.definitions.get(key)
        if definition is None:
            place = key, indices[0]
            if place not in self.free:
                self.free[place] = _value(len(self.free))
            return self.free[place]
        self.depth += 1
        try:
            return self.scalars(definition[0], indices[0]).value(definition[1])
        finally:
            self.depth -= 1
