"""Worked examples: values put into a definition, moments of a law listed in words, finite sums in whole numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from lemmata.consistency import balls
from lemmata.consistency.indices import links
from lemmata.consistency.scalars import NoValue, Scalars, number, readings
from lemmata.consistency.scalars import show as shown
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.roles import Item
from lemmata.elaborate.syntax.show import show
from lemmata.verify.verdict import Counterexample

OUTCOME = re.compile(
    r"\$([^$]+)\$\s*(?:,\s*)?(?:with (?:the )?probability|的概率为|概率为)\s*\$([^$]+)\$|"
    r"以(?:概率)?\s*\$([^$]+)\$\s*的概率取(?:值)?\s*\$([^$]+)\$"
)
"""“a with probability p”, “以 p 的概率取 a”."""
TAKES = re.compile(
    r"\$([^$]+)\$[^$.。]*?\b(?:takes|equals|is|has)\b[^$.。]*$|\$([^$]+)\$[^$.。]*?(?:取值|取|以|等于)[^$.。]*$"
)
PAIRS = tuple(p for a, b in ((2, 5), (3, 6), (4, 7), (3, 7), (2, 7), (4, 5)) for p in ((a, b), (b, a)))
ENOUGH = 4


def plugged(survey: Survey) -> Iterator[Contradiction]:
    """A value that follows from the symbol's own definition once the condition of the sentence is put into it."""
    for item, left, right in links(survey):
        if not isinstance(left, s.Name) or left.sup is not None:
            continue
        given = _conditions(survey, item)
        body = _definition(survey, item, left)
        if not given or body is None or not any(show(n) in given for n in walk(body)):
            continue
        examples: list[tuple[object, object]] = []
        try:
            for draw in range(3):
                expected = Plugged(given, draw).value(body)
                claimed = Scalars().value(right)
                if expected.overlaps(claimed):
                    survey.agree(item)
                    break
                examples.append((shown(claimed), shown(expected)))
        except NoValue:
            continue
        if len(examples) == 3 and len({e for _, e in examples}) == 1:
            condition = next(iter(given))
            reason = f"with the condition of the sentence its definition gives {examples[0][1]}, not {examples[0][0]}"
            example = Counterexample(
                left=examples[0][0], right=examples[0][1], note=f"{condition} = {shown(given[condition])}"
            )
            yield refutation(
                item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "substitution", example
            )


def _conditions(survey: Survey, item: Item) -> dict[str, Any]:
    """Expressions that the sentence sets to a number: u·v = 0."""
    found: dict[str, Any] = {}
    for other in survey.items:
        if other.place.sentence != item.place.sentence or other.role != "condition":
            continue
        match other.part.expr:
            case s.Relation(ops=("=",), items=(expr, s.Num(value=value))) if not isinstance(expr, s.Num):
                found[show(expr)] = number(value)
    return found


def _definition(survey: Survey, item: Item, name: s.Name) -> s.Expr | None:
    found = []
    for other in survey.items:
        match other.part.expr:
            case s.Relation(ops=("=" | ":=",), items=(s.Name() as head, body)) if other.role == "definition":
                if show(head) == show(name) and other.place.at < item.place.at:
                    found.append(body)
    return found[0] if len(found) == 1 else None


class Plugged(Scalars):
    """Expressions with the values that a condition gives them; lengths are positive numbers."""

    def __init__(self, given: dict[str, Any], draw: int) -> None:
        super().__init__()
        self.given, self.draw = given, draw

    def _value(self, expr: s.Expr) -> Any:
        if not isinstance(expr, s.Num) and (key := show(expr)) in self.given:
            return self.given[key]
        if isinstance(expr, s.Bars) and expr.kind == "||":
            return number(Fraction(sum(map(ord, show(expr))) % 17 + 3 * self.draw + 2, 7))
        return super()._value(expr)


def outcomes(survey: Survey) -> Iterator[Contradiction]:
    """Means of a random variable whose values and probabilities the text lists in words."""
    laws: list[tuple[Item, str, list[tuple[s.Expr, s.Expr]]]] = []
    parsed = {i.formula.latex.strip(): i.part.expr for i in survey.items}
    for item in survey.items:
        words = survey.words(item)
        name = item.part.expr
        if not isinstance(name, s.Name) or name.sup is not None:
            continue
        sentence = re.split(r"[.。]\s", words.after)[0]
        pairs = []
        for match in OUTCOME.finditer(sentence):
            value, weight = (match[1], match[2]) if match[1] else (match[4], match[3])
            if value.strip() in parsed and weight.strip() in parsed:
                pairs.append((parsed[value.strip()], parsed[weight.strip()]))
        count = len(re.findall(r"probability|概率", sentence))
        if (
            len(pairs) >= 2
            and len(pairs) == count
            and re.match(r"[^$]*(?:takes|takes on|equals|is|取|以)[^$]*\$", sentence)
        ):
            laws.append((item, stem(name), pairs))
    for item in survey.asserted():
        relation = item.part.expr
        if not isinstance(relation, s.Relation) or any(op != "=" for op in relation.ops):
            continue
        head = relation.items[0]
        if not isinstance(head, s.Expectation) or head.op not in ("E", "E?") or head.given or len(head.arguments) != 1:
            continue
        for origin, variable, law in laws:
            used = {stem(n) for n in walk(head.arguments[0]) if isinstance(n, s.Name)}
            if used == {variable} and origin.place.at < item.place.at and survey.near(origin, item):
                yield from _moment(survey, item, relation, head.arguments[0], variable, law)


def _moment(
    survey: Survey,
    item: Item,
    relation: s.Relation,
    argument: s.Expr,
    name: str,
    pairs: list[tuple[s.Expr, s.Expr]],
) -> Iterator[Contradiction]:
    letters = sorted(
        {stem(n) for pair in pairs for e in pair for n in walk(e) if isinstance(n, s.Name)}
        | {stem(n) for side in relation.items[1:] for n in walk(side) if isinstance(n, s.Name)}
    )
    for side in relation.items[1:]:
        example = None
        try:
            for draw in range(3):
                names = {x: number(Fraction((k * 29 + draw * 41 + 13) % 71 + 2, 83)) for k, x in enumerate(letters)}
                mean, total = balls.arb(0), balls.arb(0)
                for value, weight in pairs:
                    scalars = Scalars(names)
                    inner = Scalars({**names, name: scalars.value(value)})
                    mean += inner.value(argument) * scalars.value(weight)
                    total += scalars.value(weight)
                if not total.overlaps(balls.arb(1)):
                    return
                for (found,) in readings(lambda pick, names=names: Scalars(names, pick=pick), side):  # type: ignore[misc]
                    if found.overlaps(mean):
                        survey.agree(item)
                        raise NoValue("it holds")
                    example = example or Counterexample(
                        values={k: shown(v) for k, v in names.items()}, left=shown(mean), right=shown(found)
                    )
        except NoValue:
            continue
        if example is not None:
            reason = f"this is not the mean under the probabilities that the text lists for {name}"
            yield refutation(item, relation, reason, "exact expectation", example)
            return


def finite_sums(survey: Survey) -> Iterator[Contradiction]:
    """Finite sums and binomial coefficients in whole numbers, tried at several of them."""
    for item, left, right in links(survey):
        letters = _limits(left) | _limits(right)
        if (
            survey.guarded(item, ("if", "when", "at"))
            or not letters
            or len(letters) > 2
            or _free(left) != _free(right)
            or _free(left) != letters
        ):
            continue
        tried, example = 0, None
        try:
            for values in PAIRS:
                names = dict(zip(sorted(letters), map(number, values), strict=False))
                try:
                    sides = list(readings(lambda pick, names=names: Whole(names, pick=pick), left, right))  # type: ignore[misc]
                except Vanishing:
                    continue
                for a, b in sides:
                    if a.overlaps(b):
                        survey.agree(item)
                        raise NoValue("it holds")
                    example = example or Counterexample(
                        sizes={k: int(v) for k, v in zip(sorted(letters), values, strict=False)},
                        left=shown(a),
                        right=shown(b),
                    )
                tried += 1
        except NoValue:
            continue
        if example is not None and tried >= ENOUGH:
            whole = s.Relation(left.start, right.end, ("=",), (left, right))
            yield refutation(item, whole, "the sides differ at all whole numbers tried", "instances", example)


class Vanishing(NoValue):
    """A binomial coefficient beyond its triangle, where nearly everything holds."""


class Whole(Scalars):
    """Whole numbers for which the binomial coefficients lie in their triangle or to the left of it."""

    def _binomial(self, top: s.Expr, bottom: s.Expr) -> Any:
        if self._whole(bottom) > self._whole(top):
            raise Vanishing("a binomial coefficient outside of its triangle")
        return super()._binomial(top, bottom)


def _limits(expr: s.Expr) -> set[str]:
    """Letters in the limits of sums and in binomial coefficients, other than those that run."""
    found: set[str] = set()
    running = _running(expr)
    for node in walk(expr):
        match node:
            case s.Big(op="\\sum" | "\\prod", lower=s.Relation(ops=("=",), items=(_, first)), upper=s.Expr() as last):
                parts: tuple[s.Expr, ...] = (first, last)
            case s.Matrix(kind="pmatrix", rows=((top,), (bottom,))):
                parts = (top, bottom)
            case s.Quotient(numerator=top, denominator=bottom, command=command) if "binom" in command:
                parts = (top, bottom)
            case _:
                continue
        found |= {stem(n) for p in parts for n in walk(p) if isinstance(n, s.Name)}
    return found - running


def _running(expr: s.Expr) -> set[str]:
    return {
        stem(n.lower.items[0])
        for n in walk(expr)
        if isinstance(n, s.Big) and isinstance(n.lower, s.Relation) and isinstance(n.lower.items[0], s.Name)
    }


def _free(expr: s.Expr) -> set[str]:
    calls = {id(n.function) for n in walk(expr) if isinstance(n, s.Call)}
    return (
        {stem(n) for n in walk(expr) if isinstance(n, s.Name) and id(n) not in calls} - _running(expr) - {"e", "\\pi"}
    )


def scores(survey: Survey) -> Iterator[Contradiction]:
    """∇p = p ∇ log p and its like: an identity in one function that the document leaves open."""
    for item, left, right in links(survey):
        both = (left, right)
        atoms = {show(x) for side in both for x in _open(side)}
        if len(atoms) != 1 or not any(isinstance(n, s.Derivative) for side in both for n in walk(side)):
            continue
        if survey.guarded(item) or not all(any(True for _ in _open(side)) for side in both):
            continue
        if not any(_is_score(n) for side in both for n in walk(side)):
            continue
        atom = next(iter(atoms))
        if _defined(survey, atom):
            continue
        example = None
        try:
            for draw in ((3, 2, 5), (5, -1, 2), (2, 3, -4)):
                a, b = (Opened(atom, draw).value(side) for side in both)
                x, y = (v.coeffs()[0] if isinstance(v, balls.arb_series) else v for v in (a, b))
                if x.overlaps(y):
                    survey.agree(item)
                    raise NoValue("it holds")
                example = example or Counterexample(
                    values={atom: draw[0], "its derivative in one direction": draw[1]}, left=shown(x), right=shown(y)
                )
        except (NoValue, IndexError):
            continue
        if example is not None:
            whole = s.Relation(left.start, right.end, ("=",), both)
            yield refutation(
                item, whole, "the identity fails for every positive function tried", "power series", example
            )


def _is_score(expr: s.Expr) -> bool:
    """∇ log p, or ∇p divided by p."""
    match expr:
        case s.Derivative(numerator=s.Expr() as body):
            return any(_is_log(n) for n in walk(body))
        case s.Quotient(numerator=s.Derivative(numerator=s.Expr() as body), denominator=bottom):
            return show(body) == show(bottom)
    return False


def _is_log(expr: s.Expr) -> bool:
    return isinstance(expr, s.Call) and expr.function.base.removeprefix("\\") in ("log", "ln")


def _open(expr: s.Expr) -> Iterator[s.Expr]:
    """Applications of a letter to letters: f(x), p_θ(τ), p(x | θ)."""
    for node in walk(expr):
        if isinstance(node, s.Juxt):
            for name, argument in zip(node.items, node.items[1:], strict=False):
                if _is_application(name, argument):
                    yield s.Juxt(name.start, argument.end, (name, argument))


def _is_application(name: s.Expr, argument: s.Expr) -> bool:
    if (
        not isinstance(name, s.Name)
        or name.sup is not None
        or not isinstance(argument, s.Paren)
        or argument.open != "("
    ):
        return False
    return all(isinstance(i, s.Name) for i in argument.items)


def _defined(survey: Survey, atom: str) -> bool:
    name = atom.split("(")[0].lstrip("[").strip()
    for item in survey.items:
        expr = item.part.expr
        if isinstance(expr, s.Relation) and item.role == "definition":
            head = expr.items[0]
            if isinstance(head, s.Juxt) and show(head.items[0]) == name or show(head) == name:
                return True
    return False


class Opened(Scalars):
    """One open function as a power series in a hidden parameter; ∇ differentiates by it."""

    def __init__(self, atom: str, draw: tuple[int, ...]) -> None:
        super().__init__()
        self.atom = atom
        self.series = balls.arb_series([*draw, 1], prec=5)

    def _value(self, expr: s.Expr) -> Any:
        match expr:
            case s.Derivative(style="nabla", order=1, numerator=s.Expr() as body):
                return self.value(body).derivative()
            case s.Call(function=s.Name(base="log" | "\\log" | "ln" | "\\ln", sub=None, sup=None), arguments=(only,)):
                return self.value(only).log()
            case s.Juxt(items=items):
                return self._factors(items)
        return super()._value(expr)

    def _factors(self, items: tuple[s.Expr, ...]) -> Any:
        found: Any = balls.arb(1)
        at = 0
        while at < len(items):
            following = items[at + 1] if at + 1 < len(items) else None
            if following is not None and _is_application(items[at], following):
                pair = s.Juxt(items[at].start, following.end, (items[at], following))
                if show(pair) != self.atom:
                    raise NoValue("another function")
                found = found * self.series
                at += 2
            else:
                found = found * self.value(items[at])
                at += 1
        return found
