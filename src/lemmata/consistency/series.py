"""Expansions, limits of quotients and finite differences, decided by power series."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from lemmata.consistency import balls
from lemmata.consistency.indices import links
from lemmata.consistency.scalars import NoValue, Scalars, is_division, number, readings
from lemmata.consistency.scalars import show as shown
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell, stem, walk
from lemmata.elaborate.roles import Item
from lemmata.elaborate.syntax.show import show
from lemmata.verify.verdict import Counterexample

EXPANSION = re.compile(r"泰勒|麦克劳林|级数|展开")
IS = re.compile(r"(?:为|是|等于)$")
QUADRATIC = re.compile(
    r"quadratic approximation|approximating quadratic|best quadratic|second[- ]order (?:Taylor|approximation|expansion)"
    r"|Taylor (?:polynomial|expansion|approximation) (?:of|to) (?:second|order 2|degree 2)|二阶泰勒|二次近似|二阶近似",
    re.I,
)
LINEAR = re.compile(
    r"linear approximation|best linear|first[- ]order (?:Taylor|approximation|expansion)|一阶泰勒|线性近似|一阶近似",
    re.I,
)
AT_POINT = re.compile(r"(?:\b(?:at|around|near|about)\b|在|于)\s*(?:the )?(?:point|origin|点)?\s*\$([^$]+)\$", re.I)
STEP = re.compile(r"spac(?:ing|ed)|step|grid|mesh|discreti|finite difference|步长|间距|网格|差分|离散", re.I)
POINTS = (Fraction(3, 7), Fraction(-5, 8), Fraction(9, 11))
TERMS = 8


def expansions(survey: Survey) -> Iterator[Contradiction]:
    """f(x) = 1 + x + x² + o(x²): the series of the left side must begin like that."""
    for item in survey.items:
        if item.withdrawn:
            continue
        for left, right in _stated(item.part.expr):
            found = _remainder(right)
            if found is None:
                continue
            polynomial, letter, order = found
            if not _transcendental(left, letter) or _degree(polynomial, letter) > order:
                continue
            try:
                make = lambda pick, letter=letter: Scalars({letter: _variable(0)}, pick=pick)  # noqa: E731
                wrong = [_first_difference(a, b, order) for a, b in readings(make, left, polynomial)]
            except NoValue:
                continue
            if wrong[0] is None:
                survey.agree(item)
            if wrong[0] is not None and None not in wrong:
                yield _coefficient(item, left, right, letter, *wrong[0])


def _stated(expr: s.Expr) -> Iterator[tuple[s.Expr, s.Expr]]:
    match expr:
        case s.Relation(ops=ops, items=items):
            for op, left, right in zip(ops, items, items[1:], strict=False):
                if op in ("=", "\\approx"):
                    yield left, right
        case s.Infix(ops=ops, items=(s.Juxt(items=factors) as first, *_) as every):
            # “e^x的二阶泰勒展开为1+x+…” with its words inside the formula.
            words = [k for k, f in enumerate(factors) if isinstance(f, s.Name) and "\u4e00" <= f.base <= "\u9fff"]
            if (
                not words
                or words != list(range(words[0], words[-1] + 1))
                or not words[0]
                or words[-1] + 1 == len(factors)
            ):
                return
            text = "".join(f.base for f in factors if isinstance(f, s.Name) and "\u4e00" <= f.base <= "\u9fff")
            if EXPANSION.search(text) and IS.search(text):
                left = _together(factors[: words[0]], first.start)
                start = _together(factors[words[-1] + 1 :], factors[words[-1] + 1].start)
                yield left, s.Infix(start.start, expr.end, ops, (start, *every[1:]))


def _together(factors: tuple[s.Expr, ...], start: int) -> s.Expr:
    return factors[0] if len(factors) == 1 else s.Juxt(start, factors[-1].end, factors)


def _remainder(expr: s.Expr) -> tuple[s.Expr, str, int] | None:
    """(the expression without it, its letter, the last power that is stated) of … + o(x^k) or … + O(x^k)."""
    if not isinstance(expr, s.Infix) or not all(op in "+-" for op in expr.ops) or expr.ops[-1] != "+":
        return None
    match expr.items[-1]:
        case s.Juxt(items=(s.Name(base="o" | "O", sub=None, sup=None) as kind, s.Paren(items=(power,)))):
            pass
        case s.Call(function=s.Name(base="o" | "O", sub=None, sup=None) as kind, arguments=(power,)):
            pass
        case _:
            return None
    match power:
        case s.Name(sub=None, sup=s.Num(value=value)) as letter:
            order = int(value)
        case s.Name(sub=None, sup=None) as letter:
            order = 1
        case _:
            return None
    rest = expr.items[:-1]
    shorter = rest[0] if len(rest) == 1 else s.Infix(expr.start, rest[-1].end, expr.ops[:-1], rest)
    return shorter, stem(letter), order if kind.base == "o" else order - 1


def _transcendental(expr: s.Expr, letter: str) -> bool:
    """Whether a power of e or an elementary function of the letter takes part, and no other letter."""
    names = {
        stem(n)
        for n in walk(expr)
        if isinstance(n, s.Name) and not n.word and stem(n) not in ("e", "\\pi")
    }  # fmt: skip
    kinds = any(
        isinstance(n, s.Call | s.RootOf | s.Quotient) or isinstance(n, s.Name) and n.base == "e" and n.sup is not None
        for n in walk(expr)
    )
    return kinds and names == {letter}


def _degree(expr: s.Expr, letter: str) -> int:
    """The highest power of a letter that is shown."""
    degrees = [0]
    for node in walk(expr):
        if isinstance(node, s.Name) and stem(node) == letter:
            degrees.append(int(node.sup.value) if isinstance(node.sup, s.Num) else 1)
    return max(degrees)


def _variable(start: Any) -> Any:
    return balls.arb_series([start, 1], prec=TERMS)


def _coefficients(value: Any, count: int) -> list[Any]:
    found = list(value.coeffs()) if isinstance(value, balls.arb_series) else [value]
    return (found + [balls.arb(0)] * count)[:count]


def _first_difference(a: Any, b: Any, order: int) -> tuple[int, Any, Any] | None:
    for power, (x, y) in enumerate(zip(_coefficients(a, order + 1), _coefficients(b, order + 1), strict=True)):
        if not x.overlaps(y):
            return power, x, y
    return None


def _coefficient(
    item: Item, left: s.Expr, right: s.Expr, letter: str, power: int, found: Any, claimed: Any
) -> Contradiction:
    reason = f"the coefficient of {letter}^{power} is {shown(found)}, not {shown(claimed)}"
    example = Counterexample(left=shown(found), right=shown(claimed), where=f"the coefficient of {letter}^{power}")
    return refutation(item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "power series", example)


def approximations(survey: Survey) -> Iterator[Contradiction]:
    """The quadratic (or linear) approximation of a function at a point agrees with its series there."""
    for item in survey.items:
        match item.part.expr:
            case s.Relation(
                ops=("=" | "\\approx",),
                items=(s.Juxt(items=(s.Name(sub=None) as function, s.Paren(items=given, separators=separators))), body),
            ) if not item.withdrawn and all(isinstance(g, s.Name) for g in given) and set(separators) <= {","}:
                order = _order(survey.words(item).before)
                point = _point(survey, item)
                value = _definition(survey, item, function, given)
                if order and point is not None and value is not None and len(point) == len(given):
                    yield from _taylor(survey, item, given, value, body, point, order)


def _order(words: str) -> int:
    sentence = re.split(r"[.。]\s", words)[-1]
    return 1 if LINEAR.search(sentence) else 2 if QUADRATIC.search(sentence) else 0


def _point(survey: Survey, item: Item) -> tuple[Fraction, ...] | None:
    """The point in numbers that the sentence names last before the formula."""
    found = None
    named = AT_POINT.findall(survey.words(item).before)
    for other in survey.items:
        if other.formula.index >= item.formula.index or other.place.sentence != item.place.sentence:
            continue
        if not named or other.formula.latex != named[-1]:
            continue
        expr = other.part.expr
        if isinstance(expr, s.Relation) and len(expr.items) == 2:
            expr = expr.items[1]
        if isinstance(expr, s.Scripted) and isinstance(expr.sup, s.Mark):
            expr = expr.base
        entries = expr.items if isinstance(expr, s.Paren) else (expr,)
        values = [_plain(e) for e in entries]
        if all(v is not None for v in values):
            found = tuple(v for v in values if v is not None)
    return found


def _plain(expr: s.Expr) -> Fraction | None:
    match expr:
        case s.Num(value=value):
            return value
        case s.Sign(op="-", body=s.Num(value=value)):
            return -value
    return None


def _definition(survey: Survey, item: Item, function: s.Name, given: tuple[s.Expr, ...]) -> s.Expr | None:
    """The expression by which the document defines f at these very arguments, if there is only one."""
    found: list[s.Expr] = []
    for other in survey.items:
        match other.part.expr:
            case s.Relation(
                ops=("=" | ":=",), items=(s.Juxt(items=(s.Name() as head, s.Paren(items=arguments))), body)
            ):
                if (
                    other is not item
                    and show(head) == show(function)
                    and [show(a) for a in arguments] == [show(g) for g in given]
                ):
                    if other.place.at < item.place.at and survey.near(other, item):
                        found.append(body)
    return found[0] if len(found) == 1 else None


def _taylor(
    survey: Survey,
    item: Item,
    given: tuple[s.Expr, ...],
    value: s.Expr,
    body: s.Expr,
    point: tuple[Fraction, ...],
    order: int,
) -> Iterator[Contradiction]:
    names = [stem(g) for g in given if isinstance(g, s.Name)]
    shown_difference = None
    for direction in ((1, 2), (3, -1), (-2, 5)):
        line = {
            n: balls.arb_series([number(p), d], prec=TERMS) for n, p, d in zip(names, point, direction, strict=False)
        }
        try:
            for a, b in readings(lambda pick, line=line: Scalars(line, pick=pick), value, body):  # type: ignore[misc]
                wrong = _first_difference(a, b, order)
                if wrong is None:
                    survey.agree(item)
                    return
                shown_difference = shown_difference or (direction, wrong)
        except NoValue:
            return
    if shown_difference is not None:
        direction, (power, found, claimed) = shown_difference
        where = ", ".join(map(str, point))
        reason = f"the terms of order {power} at ({where}) are not those of the function"
        values: dict[str, object] = {f"direction from ({where})": list(direction[: len(names)])}
        example = Counterexample(
            values=values, left=shown(found), right=shown(claimed), where=f"the term of order {power}"
        )
        yield refutation(item, item.part.expr, reason, "power series", example)


def limits(survey: Survey) -> Iterator[Contradiction]:
    """f''(x) as the limit of a difference quotient, and limits of quotients of elementary functions at a point."""
    for item, left, right in links(survey):
        if survey.guarded(item):
            continue
        for derivative, limit in ((left, right), (right, left)):
            match limit:
                case s.Big(
                    op="\\lim",
                    lower=s.Relation(
                        ops=("\\to",), items=(s.Name(sub=None) as letter, s.Num(value=Fraction(numerator=0)))
                    ),
                    upper=None,
                    body=body,
                ):
                    yield from _limit(survey, item, left, right, derivative, stem(letter), body)


def _limit(
    survey: Survey, item: Item, left: s.Expr, right: s.Expr, value: s.Expr, letter: str, body: s.Expr
) -> Iterator[Contradiction]:
    while isinstance(body, s.Paren) and len(body.items) == 1:
        body = body.items[0]
    if not isinstance(body, s.Quotient) or not is_division(body.command):
        return
    open_functions = {stem(n) for n in _applied(body)}
    names = {stem(n) for n in (*walk(body), *walk(value)) if isinstance(n, s.Name) and not n.word and not n.primes}
    names -= {letter, "e", "\\pi"} | open_functions
    if open_functions and not _is_derivative(value, open_functions):
        return  # of a function that the document may define
    if len(open_functions) > 1 or len(names) > 1 or any(isinstance(n, s.Choice) for n in walk(body)):
        return
    example = None
    for point in POINTS:
        at = {n: number(point) for n in names}
        functions = dict.fromkeys(open_functions, _smooth)
        try:
            found = _quotient(body, Scalars({**at, letter: _variable(0)}, functions, cautious=True))
            claimed = _value(value, at, open_functions)
        except (NoValue, ValueError, ZeroDivisionError):
            return
        if found is not None and found.overlaps(claimed):
            survey.agree(item)
            return
        if example is None:
            limit: object = shown(found) if found is not None else "no finite limit"
            note = ", ".join(f"{f}(u) = exp(u/2) + u³" for f in sorted(open_functions))
            example = Counterexample(
                values={n: shown(v) for n, v in at.items()}, left=limit, right=shown(claimed), note=note
            )
    if example is not None:
        reason = f"the quotient tends to something else as {letter} goes to 0"
        yield refutation(
            item, s.Relation(left.start, right.end, ("=",), (left, right)), reason, "power series", example
        )


def _is_derivative(expr: s.Expr, functions: set[str]) -> bool:
    match expr:
        case s.Juxt(items=(s.Name(primes=primes, sub=None, sup=None) as name, s.Paren())):
            return primes > 0 and name.base in functions
    return False


def _applied(expr: s.Expr) -> Iterator[s.Name]:
    for node in walk(expr):
        if isinstance(node, s.Juxt):
            for name, argument in zip(node.items, node.items[1:], strict=False):
                if (
                    isinstance(name, s.Name)
                    and isinstance(argument, s.Paren)
                    and name.base in ("f", "g", "h", "F", "u")
                ):
                    yield name


def _smooth(x: Any) -> Any:
    """A function with nothing special about it."""
    return (x / 2).exp() + x * x * x


def _value(expr: s.Expr, at: Mapping[str, Any], functions: set[str]) -> Any:
    """A number, or the derivative of the open function at the point."""
    match expr:
        case s.Juxt(items=(s.Name(primes=primes, sub=None, sup=None) as name, s.Paren(items=(argument,)))) if (
            primes and name.base in functions
        ):
            point = Scalars(at).value(argument)
            coefficient = _coefficients(_smooth(_variable(point)), primes + 1)[primes]
            factorial = balls.arb(1)
            for k in range(2, primes + 1):
                factorial *= k
            return coefficient * factorial
    return Scalars(at, cautious=True).value(expr)


def _quotient(body: s.Quotient, scalars: Scalars) -> Any | None:
    """The limit at 0 of a quotient of series; None where it has none."""
    top = _coefficients(scalars.value(body.numerator), TERMS)
    bottom = _coefficients(scalars.value(body.denominator), TERMS)
    for power, (a, b) in enumerate(zip(top, bottom, strict=True)):
        if b.is_zero():
            if not a.contains(balls.arb(0)):
                return None
            continue
        if b.contains(balls.arb(0)):
            raise NoValue("a denominator that is not known")
        return a / b if power < TERMS - 2 else None
    raise NoValue("a denominator that vanishes")


def differences(survey: Survey) -> Iterator[Contradiction]:
    """A second difference approximates a second derivative only when divided by the square of the step."""
    for item in survey.items:
        match item.part.expr:
            case s.Relation(ops=("\\approx" | "=",), items=(left, right)) if not item.withdrawn and _second(left):
                words = survey.words(item)
                if not STEP.search(words.before + words.after):
                    continue
                for node in walk(right):
                    match node:
                        case s.Quotient(numerator=top, denominator=bottom) if _stencil(top) and _squared(bottom):
                            survey.agree(item)
                        case s.Quotient(numerator=top, denominator=bottom) if _stencil(top) and _first_power(bottom):
                            example = Counterexample(
                                values={"u(x)": "x²", "step": 0.1},
                                left=2,
                                right="a multiple of the step",
                                note="the second difference of x² is 2 times the square of the step",
                            )
                            reason = "a second difference is divided by the step, not by its square"
                            yield refutation(item, item.part.expr, reason, "finite difference", example)


def _second(expr: s.Expr) -> bool:
    """A second derivative or a Laplacian of a function."""
    match expr:
        case s.Derivative(order=2):
            return True
        case s.Juxt(items=(s.Name(base="\\Delta", sub=None, sup=None), s.Name(), *_)):
            return True
        case s.Name(base=base) | s.Juxt(items=(s.Name(base=base), *_)) if base.startswith("\\Delta "):
            return True
        case s.Juxt(items=(s.Name(primes=2), *_)):
            return True
    return False


def _stencil(expr: s.Expr) -> bool:
    """u_{i+1} - 2 u_i + u_{i-1}, in this order or another."""
    if not isinstance(expr, s.Infix) or len(expr.items) != 3 or any(op not in "+-" for op in expr.ops):
        return False
    found: dict[str, int] = {}
    stems = set()
    for sign, item in zip(("+", *expr.ops), expr.items, strict=True):
        factor = 1 if sign == "+" else -1
        if isinstance(item, s.Sign):
            factor, item = -factor, item.body
        names = item.items if isinstance(item, s.Juxt) else (item,)
        if isinstance(names[0], s.Num):
            factor, names = factor * int(names[0].value), names[1:]
        if not names or not isinstance(names[0], s.Name) or names[0].sub is None:
            return False
        stems.add(stem(names[0]))
        found[spell(names[0].sub)] = factor
    middle = [k for k, v in found.items() if v == -2]
    return len(stems) == 1 and len(middle) == 1 and {k for k, v in found.items() if v == 1} == {
        f"{middle[0]}+1", f"{middle[0]}-1"
    }  # fmt: skip


def _squared(expr: s.Expr) -> bool:
    """The square of a step and nothing else: h^2, \\Delta x^2, (\\Delta x)^2."""
    if isinstance(expr, s.Juxt):
        return all(isinstance(f, s.Name) for f in expr.items) and _square(expr.items[-1])
    return _square(expr)


def _square(expr: s.Expr) -> bool:
    return isinstance(expr, s.Name | s.Scripted) and isinstance(expr.sup, s.Num) and expr.sup.value == 2


def _first_power(expr: s.Expr) -> bool:
    """A step to the first power, perhaps times a number: h, \\Delta x, 2 h."""
    factors = expr.items if isinstance(expr, s.Juxt) else (expr,)
    names = [f for f in factors if isinstance(f, s.Name)]
    if len(names) + sum(isinstance(f, s.Num) for f in factors) != len(factors) or any(n.sup is not None for n in names):
        return False
    grid = ("\\Delta", "\\delta")
    return (
        len(names) == 1
        and (names[0].base == "h" or names[0].base.startswith(tuple(f"{sign} " for sign in grid)))
        or len(names) == 2
        and names[0].base in grid
        and names[1].base not in grid
    )
