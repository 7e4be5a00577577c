"""Names that mean the same everywhere, against what the document writes under them.

An unusual definition is no contradiction. These rules speak only where the document gives two definitions of a name, or
where what it writes lacks a property without which the name is wrong: a loss that is negative for all predictions, a
distribution function that exceeds one everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from msgspec.structs import replace

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

FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "logistic": lambda x: 1 / (1 + (-x).exp()),
    "tanh": lambda x: x.tanh(),
    "sinh": lambda x: (x.exp() - (-x).exp()) / 2,
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "softplus": lambda x: (1 + x.exp()).log(),
    "relu": lambda x: x.max(balls.arb(0)),
    "silu": lambda x: x / (1 + (-x).exp()),
    "swish": lambda x: x / (1 + (-x).exp()),
    "logit": lambda x: (x / (1 - x)).log(),
}
POINTS = (Fraction(3, 7), Fraction(-8, 5), Fraction(17, 6), Fraction(-1, 3))
UNIT = (Fraction(1, 7), Fraction(2, 5), Fraction(11, 17), Fraction(8, 9))

CROSS_ENTROPY = re.compile(r"cross[- ]?entropy|\bBCE\b|交叉熵", re.I)
DIVERGENCE = re.compile(r"\bKL\b|Kullback|相对熵|KL散度", re.I)
ENTROPY = re.compile(r"(?<!cross[- ])(?<!cross)(?<!relative )\bentropy\b|(?<!交叉)(?<!相对)熵", re.I)
OPPOSITE = re.compile(
    r"negative|minus|maximi[sz]|likelihood|逆|负|最大化|似然|相反|lower bound|ELBO|下界|decreas|differs? from", re.I
)
PART = re.compile(r"\bterms?\b|\bparts?\b|\bscore|objective|reward|gain|项|部分|目标|得分", re.I)
CONTINUOUS = re.compile(r"differential|continuous|densit|gaussian|normal|微分|连续|密度|高斯|正态", re.I)
INVERSE = re.compile(r"inverse|quantile|percentile|\blog|survival|hazard|逆|反函数|分位|对数", re.I)
LOSSES = frozenset({"L", "\\ell", "l", "J", "H", "C", "D", "CE", "BCE", "KL", "Loss", "loss", "Entropy", "entropy"})
CUMULATIVE = re.compile(r"(?:cumulative |probability )?distribution function|\bcdf\b|(?:累积|概率)?分布函数", re.I)
DENSITY = re.compile(r"\bdensity\b|\bPDF\b|密度", re.I)
SMOOTH = re.compile(r"\bsmooth[- ]?(?:ed )?\$?\\?(?:ell|L)_?\{?1|平滑\s*\$?\\?(?:ell|L)_?\{?1|\bHuber\b", re.I)
ASYMMETRIC = re.compile(r"asymmetric|quantile|tilted|pinball|one-sided|variant|非对称|不对称|分位|变体", re.I)
DEFINING = re.compile(
    r"(?:\b(?:is|are|as|by|follows|reads|defined|given|function|loss|formula|below)\b|为|是|如下|定义|公式|函数|损失|表示)[^.。]{0,40}$",
    re.I,
)


def twice(survey: Survey) -> Iterator[Contradiction]:
    """A function with a name of its own, defined once as everyone does and once otherwise.

    One definition is enough for a hyperbolic function in terms of exponentials: no variant of it is written so.
    """
    usual: set[str] = set()
    other: list[tuple[str, Item, s.Expr, s.Expr, Counterexample]] = []
    for item, left, right in links(survey):
        named = _named(left)
        if named is None or item.role not in ("definition", "claim") or survey.guarded(item):
            continue
        name, letter = named
        if not any(isinstance(n, s.Name) and stem(n) == letter for n in walk(right)):
            continue
        points = UNIT if name == "logit" else POINTS
        same, example = True, None
        try:
            for point in points:
                (value,) = [Scalars({letter: number(point)}).value(right)]
                expected = FUNCTIONS[name](number(point))
                if not value.overlaps(expected):
                    same = False
                    example = example or Counterexample(
                        values={letter: shown(number(point))}, left=shown(expected), right=shown(value)
                    )
        except NoValue:
            continue
        if same:
            usual.add(name)
            survey.agree(item)
        elif example is not None:
            other.append((name, item, left, right, example))
    for name, item, left, right, example in other:
        if name in usual or name in ("tanh", "sinh", "cosh") and any(map(_is_exponential, walk(right))):
            reason = f"this is not {name}" + (", which the document defines elsewhere" if name in usual else "")
            yield refutation(
                item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "standard meaning", example
            )


def _named(expr: s.Expr) -> tuple[str, str] | None:
    """(name, letter) of sigmoid(x) and the like."""
    match expr:
        case s.Call(
            function=s.Name(sub=None, sup=None, primes=0) as function, arguments=(s.Name(sub=None, sup=None) as x,)
        ):
            pass
        case s.Juxt(
            items=(
                s.Name(word=True, sub=None, sup=None, primes=0) as function,
                s.Paren(items=(s.Name(sub=None, sup=None) as x,)),
            )
        ):
            pass
        case _:
            return None
    name = function.base.removeprefix("\\").lower()
    return (name, stem(x)) if name in FUNCTIONS and not function.accents else None


def _is_exponential(expr: s.Expr) -> bool:
    match expr:
        case s.Name(base="e" | "\\exp" | "exp") | s.Call(function=s.Name(base="e" | "\\exp" | "exp")):
            return True
    return False


def nonnegative(survey: Survey) -> Iterator[Contradiction]:
    """Entropies, cross entropies and divergences are never negative; this one is, whatever it is given."""
    for item, left, right in links(survey):
        relation = item.part.expr
        assert isinstance(relation, s.Relation)
        words = _sentence(survey.words(item).before)
        if left is not relation.items[0] or not DEFINING.search(words) or OPPOSITE.search(words):
            continue
        if not any(_is_log(n) for n in walk(right)) or not _bare_loss(left) or PART.search(words):
            continue
        kind = next(
            (
                n
                for n, e in (("cross entropy", CROSS_ENTROPY), ("divergence", DIVERGENCE), ("entropy", ENTROPY))
                if e.search(words)
            ),
            "",
        )
        summed = any(isinstance(n, s.Big) and n.op == "\\sum" for n in walk(right))
        if not kind or kind != "cross entropy" and (not summed or CONTINUOUS.search(words)):
            continue
        yield from _always_negative(survey, item, left, right, kind)


def _sentence(words: str) -> str:
    return re.split(r"[.。!?！？]\s*(?=\S)", words)[-1] if words else ""


def _is_log(expr: s.Expr) -> bool:
    return isinstance(expr, s.Call) and expr.function.base.removeprefix("\\") in ("log", "ln")


def _bare_loss(expr: s.Expr) -> bool:
    """A loss by one of its usual names, perhaps at arguments, with no sign or factor of its own."""
    match expr:
        case s.Name() as name:
            pass
        case s.Call(function=name):
            pass
        case s.Juxt(items=(s.Name() as name, s.Paren())):
            pass
        case s.Juxt(items=(s.Name(base="K"), s.Name(base="L") as name, s.Paren())):
            pass
        case _:
            return False
    return name.base in LOSSES or "loss" in name.base.lower() or "entropy" in name.base.lower()


def _always_negative(survey: Survey, item: Item, left: s.Expr, right: s.Expr, kind: str) -> Iterator[Contradiction]:
    count = 3
    example = None
    for draw in range(4):
        table = Normalised(draw, count)
        filled = _limited(right, count)
        if filled is None:
            return
        try:
            for (value,) in readings(lambda pick, table=table: table.scalars(pick), filled, skip=True):  # type: ignore[misc]
                if not value < 0:
                    if value > 0:
                        survey.agree(item)
                    return
                example = example or Counterexample(
                    values={k: [shown(v) for v in values] for k, values in table.tables.items()},
                    left=shown(value),
                    right=0,
                )
        except NoValue:
            return
    if example is not None:
        reason = f"a {kind} is never negative; this is negative for every distribution tried"
        yield refutation(
            item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "standard meaning", example
        )


class Normalised:
    """Families as probabilities of a few outcomes, letters as probabilities."""

    def __init__(self, draw: int, count: int) -> None:
        self.draw, self.count = draw, count
        self.tables: dict[str, list[Any]] = {}

    def row(self, key: str) -> list[Any]:
        if key not in self.tables:
            at = len(self.tables) + 2 * self.draw
            weights = [Fraction((at * 31 + k * k * 17 + k * at * 7) % 23 + 3) for k in range(self.count)]
            total = sum(weights, Fraction(0))
            self.tables[key] = [number(w / total) for w in weights]
        return self.tables[key]

    def member(self, key: str, indices: tuple[int, ...]) -> Any:
        if not indices or not 1 <= indices[-1] <= self.count or any(not 1 <= i <= self.count for i in indices):
            raise NoValue(key)
        return self.row(f"{key}{indices[:-1] or ''}")[indices[-1] - 1]

    def scalars(self, pick: Mapping[str, int]) -> Scalars:
        functions = {name: self._function(name) for name in ("p", "q", "P", "Q")}
        names = {
            key: self.row(key)[0]
            for key in ("y", "p", "q", "\\hat y", "\\hat p", "\\pi", "a", "t", "z", "o")
        }  # fmt: skip
        sizes = {key: number(self.count) for key in ("n", "N", "m", "K", "C", "k", "M")}
        return Scalars({**names, **sizes}, functions, self.member, None, False, pick)

    def _function(self, name: str) -> Callable[[Any], Any]:
        def value(x: Any) -> Any:
            whole = x.unique_fmpz()
            if whole is None:
                raise NoValue(name)
            return self.member(name, (int(whole),))

        return value


def _limited(expr: s.Expr, count: int) -> s.Expr | None:
    """The expression with sums without limits running over 1 to a few."""

    if isinstance(expr, s.Big):
        if expr.op != "\\sum":
            return None
        lower = expr.lower
        if isinstance(lower, s.Relation) and lower.ops == ("\\in",):
            lower = lower.items[0]
        if not isinstance(lower, s.Name | s.Relation):
            return None
        start = expr.end
        upper = expr.upper if isinstance(lower, s.Relation) else s.Num(start, start, Fraction(count))
        if isinstance(lower, s.Relation) and upper is None:
            return None
        body = _limited(expr.body, count)
        return None if body is None else replace(expr, lower=lower, upper=upper, body=body)
    changes: dict[str, Any] = {}
    for field in expr.__struct_fields__:
        value = getattr(expr, field)
        if isinstance(value, s.Expr):
            changes[field] = _limited(value, count)
        elif isinstance(value, tuple) and value and all(isinstance(v, s.Expr) for v in value):
            changes[field] = tuple(_limited(v, count) for v in value)
        else:
            continue
        found = changes[field]
        if found is None or isinstance(found, tuple) and any(v is None for v in found):
            return None
    return replace(expr, **changes) if changes else expr


def cumulative(survey: Survey) -> Iterator[Contradiction]:
    """What is called a distribution function lies between 0 and 1 somewhere."""
    for item, left, right in links(survey):
        match left:
            case s.Juxt(items=(s.Name() as function, s.Paren(items=(s.Name(sub=None, sup=None) as argument,)))):
                pass
            case _:
                continue
        words = _sentence(survey.words(item).before)
        if not CUMULATIVE.search(words) or not DEFINING.search(words) or INVERSE.search(words):
            continue
        letters = {stem(n) for n in walk(right) if isinstance(n, s.Name) and not n.word} - {"e", "\\pi", stem(argument)}
        example = None
        try:
            for parameters in ((Fraction(3, 4), Fraction(5, 3)), (Fraction(7, 5), Fraction(2, 9))):
                names = {x: number(parameters[k % 2] + k) for k, x in enumerate(sorted(letters))}
                for at in (*UNIT, Fraction(3), Fraction(19, 2), *POINTS):
                    value = Scalars({**names, stem(argument): number(at)}).value(right)
                    if not (value > 1 or value < 0):
                        survey.agree(item)
                        example = None
                        raise NoValue("a value between 0 and 1")
                    values: dict[str, object] = {
                        **{k: shown(v) for k, v in names.items()},
                        stem(argument): shown(number(at)),
                    }
                    example = example or Counterexample(values=values, left=shown(value), right="between 0 and 1")
        except NoValue:
            continue
        if example is not None:
            reason = (
                f"{show(function)} is called a distribution function, but lies outside 0 to 1 wherever it was tried"
            )
            yield refutation(
                item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "standard meaning", example
            )


def flat(survey: Survey) -> Iterator[Contradiction]:
    """A density in cases of which none asks for its argument is constant on the whole line."""
    for item, left, right in links(survey):
        match left, right:
            case (
                s.Juxt(items=(s.Name(), s.Paren(items=(s.Name(sub=None, sup=None) as argument,)))),
                s.CasesOf(branches=branches),
            ) if len(branches) > 1:
                pass
            case _:
                continue
        words = survey.words(item).passage
        if not (DENSITY.search(words) or re.search(r"Uniform|均匀分布", words)) or not isinstance(
            branches[-1][1], s.Words
        ):
            continue
        mentioned = any(isinstance(n, s.Name) and stem(n) == stem(argument) for n in walk(right))
        relations = [c for _, c in branches[:-1]]
        asked = {stem(n) for c in relations if c is not None for n in walk(c) if isinstance(n, s.Name)}
        used = {stem(n) for v, _ in branches for n in walk(v) if isinstance(n, s.Name)}
        if mentioned:
            survey.agree(item)
        if not asked <= used:
            continue
        if mentioned or not all(isinstance(c, s.Relation) for c in relations):
            continue
        letter = stem(argument)
        example = Counterexample(
            values={letter: [-1000, 0, 1000]}, left="the same value at all of them", right="a total mass of 1",
            note=f"no case mentions {letter}",
        )  # fmt: skip
        reason = f"no case depends on {letter}, so that the density would be constant on the whole line"
        yield refutation(
            item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "standard meaning", example
        )


def _is_square(expr: s.Expr) -> bool:
    return isinstance(expr, s.Name | s.Scripted) and isinstance(expr.sup, s.Num) and expr.sup.value == 2


def even(survey: Survey) -> Iterator[Contradiction]:
    """The smoothed absolute value takes the same value at x and -x."""
    for item, left, right in links(survey):
        match left, right:
            case (
                s.Juxt(items=(*_, s.Paren(items=(s.Name(sub=None, sup=None) as argument,))))
                | s.Call(arguments=(s.Name(sub=None, sup=None) as argument,)),
                s.CasesOf(),
            ):
                pass
            case _:
                continue
        if not SMOOTH.search(survey.words(item).before[-400:] + survey.words(item).heading):
            continue
        letter = stem(argument)
        if ASYMMETRIC.search(survey.words(item).before[-400:]) or not any(_is_square(n) for n in walk(right)):
            continue
        if not any(isinstance(n, s.Bars) and show(n.body) == show(argument) for n in walk(right)):
            continue  # it may be an absolute value already
        others = {stem(n) for n in walk(right) if isinstance(n, s.Name) and not n.word} - {letter}
        example = None
        differing = 0
        try:
            for at in (Fraction(5, 2), Fraction(31, 4), Fraction(23, 2)):
                names = {x: number(Fraction(5, 4)) for x in others}
                plus, minus = (
                    Scalars({**names, letter: number(sign * at)}).value(right) for sign in (1, -1)
                )  # fmt: skip
                if not plus.overlaps(minus):
                    differing += 1
                    values: dict[str, object] = {**{k: shown(v) for k, v in names.items()}, letter: shown(number(at))}
                    example = example or Counterexample(
                        values=values, left=shown(plus), right=shown(minus), note=f"at {letter} and at -{letter}"
                    )
        except NoValue:
            continue
        if example is None:
            survey.agree(item)
        if example is not None and differing == 3:
            reason = f"the smoothed absolute value differs between {letter} and -{letter}"
            yield refutation(
                item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "standard meaning", example
            )
