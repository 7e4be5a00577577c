"""Concrete sizes for a claim: different names get different small numbers, every rule holds, nothing coincides."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from msgspec import Struct, field

from lemmata.core.size import Size
from lemmata.verify.problem import Problem, SizeRule

STEPS = 4000
"""Candidates that one search may try before it settles for the best found."""
LARGEST = 24


class NoSizes(Exception):
    """The sizes cannot be chosen; the message says why."""


def assignments(problem: Problem, count: int) -> tuple[dict[str, int], ...]:
    """Up to `count` different assignments of the problem's sizes, the first the preferred one.

    Raises NoSizes where there is none. A problem without free sizes has the one empty assignment.
    """
    names = tuple(problem.sizes)
    _check_constants(problem)
    if not names:
        return ({},)
    found: list[dict[str, int]] = []
    for number in range(count):
        sizes = _search(problem, number, found)
        if sizes is None:
            break
        if sizes not in found:
            found.append(sizes)
    if not found:
        raise NoSizes(f"no sizes {', '.join(map(_shown, names))} were found that meet {_rules_text(problem)}")
    return tuple(found)


def smallest(problem: Problem, least: int = 2) -> Iterator[dict[str, int]]:
    """Assignments from small to large, for a counterexample that can be followed by hand."""
    names = tuple(problem.sizes)
    if not names:
        yield {}
        return
    search = _Search(problem, {n: list(range(least, least + len(names) + 4)) for n in names}, distinct=True)
    solutions = sorted(search.solutions(24), key=lambda s: (sum(s.values()), max(s.values())))
    yield from solutions[:3]


def _shown(name: str) -> str:
    return name.strip("?").split(":")[0] or name


def _rules_text(problem: Problem) -> str:
    rules = [f"{r.left} {r.relation} {r.right}" for r in problem.rules]
    return "; ".join(rules) if rules else "all shapes being whole"


def _check_constants(problem: Problem) -> None:
    for rule in problem.rules:
        if not (rule.left.atoms | rule.right.atoms) and not holds(rule, {}):
            raise NoSizes(f"the sizes contradict {rule.left} {rule.relation} {rule.right}")
    for size in problem.integral:
        number = size.number
        if number is not None and (number.denominator != 1 or number < 1):
            raise NoSizes(f"{size} is no whole number of at least 1")


def holds(rule: SizeRule, sizes: Mapping[str, int]) -> bool:
    """Whether the rule holds at these sizes, both of its sides whole and at least 0."""
    try:
        left, right = rule.left.at(sizes), rule.right.at(sizes)
    except ZeroDivisionError:
        return False
    if left.denominator != 1 or right.denominator != 1 or left < 0 or right < 0:
        return False
    match rule.relation:
        case "=":
            return left == right
        case "<":
            return left < right
        case "\\le":
            return left <= right
        case ">":
            return left > right
        case "\\ge":
            return left >= right
        case "\\ne":
            return left != right
    raise NoSizes(f"a rule between sizes with the unknown relation {rule.relation}")


def _search(problem: Problem, number: int, earlier: Sequence[Mapping[str, int]]) -> dict[str, int] | None:
    """The assignment with the fewest coincidences among the first ones found; None where all were had before."""
    names = tuple(problem.sizes)
    bottom = max(7, len(names) + 4)
    top = max(LARGEST, bottom)
    for least, largest, distinct in ((2, bottom, True), (2, top, True), (1, top, True), (1, top, False)):
        candidates = {}
        for place, name in enumerate(names):
            # The name of an unknown size tells how many were met before it; its place does not.
            order = random.Random(f"{number}:{place if name.startswith('?') else name}")
            low, high = _bounds(name, problem.rules)
            near = [v for v in range(max(least, low), max(largest, low + 6) + 1) if v <= high]
            had = {s[name] for s in earlier}
            small = [v for v in near if v <= max(bottom, low + 5)]
            order.shuffle(small)
            # Fresh values first, and 2 late: in dimension two too many things are true.
            small.sort(key=lambda v: (v in had, v == 2, v == 1))
            candidates[name] = small + [v for v in near if v > max(bottom, low + 5)]
        search = _Search(problem, candidates, distinct)
        best: tuple[tuple[int, int], dict[str, int]] | None = None
        for sizes in search.solutions(60):
            if sizes in earlier:
                continue
            score = (_coincidences(problem, sizes), math.prod(sizes.values()) // 4000)
            if best is None or score < best[0]:
                best = (score, sizes)
            if score == (0, 0):
                break
        if best is not None:
            return best[1]
    return None


def _bounds(name: str, rules: Sequence[SizeRule]) -> tuple[int, int]:
    """Bounds that rules about this name alone state, such as n > 2 or t ≤ 5."""
    low, high = 1, 10**9
    for rule in rules:
        if rule.left.atoms | rule.right.atoms != {name}:
            continue
        flipped = _FLIPPED[rule.relation]
        for own, other, relation in ((rule.left, rule.right, rule.relation), (rule.right, rule.left, flipped)):
            number = other.number
            if own != Size.of(name) or number is None:
                continue
            if relation in (">", "\\ge"):
                low = max(low, math.floor(number) + 1 if relation == ">" else math.ceil(number))
            elif relation in ("<", "\\le"):
                high = min(high, math.ceil(number) - 1 if relation == "<" else math.floor(number))
    return low, high


_FLIPPED = {"=": "=", "\\ne": "\\ne", "<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le"}


def _coincidences(problem: Problem, sizes: Mapping[str, int]) -> int:
    """Pairs of different size expressions with one value; n beside n is none, and n² = n·n neither."""
    values: dict[Fraction, int] = {}
    for size in {*problem.integral, *map(Size.of, sizes)}:
        value = size.at(sizes)
        values[value] = values.get(value, 0) + 1
    return sum(n * (n - 1) // 2 for n in values.values())


class _Search(Struct):
    """Depth first over the names; a name that an equality determines takes that value."""

    problem: Problem
    candidates: Mapping[str, list[int]]
    distinct: bool
    steps: int = field(default=0)

    def solutions(self, limit: int) -> Iterator[dict[str, int]]:
        names = sorted(self.problem.sizes, key=lambda n: -sum(n in s.atoms for s in self._expressions()))
        found = 0
        for sizes in self._extend({}, names):
            yield sizes
            found += 1
            if found >= limit:
                return

    def _expressions(self) -> Iterator[Size]:
        for rule in self.problem.rules:
            yield rule.left
            yield rule.right
        yield from self.problem.integral

    def _extend(self, sizes: dict[str, int], names: Sequence[str]) -> Iterator[dict[str, int]]:
        if self.steps > STEPS:
            return
        if not names:
            yield dict(sizes)
            return
        name, forced = self._next(sizes, names)
        rest = [n for n in names if n != name]
        for value in self.candidates[name] if forced is None else forced:
            self.steps += 1
            if self.distinct and value in sizes.values():
                continue
            sizes[name] = value
            if self._consistent(name, sizes):
                yield from self._extend(sizes, rest)
            del sizes[name]
            if self.steps > STEPS:
                return

    def _next(self, sizes: Mapping[str, int], names: Sequence[str]) -> tuple[str, list[int] | None]:
        """A name that is determined already, with its value; otherwise the first."""
        known = set(sizes)
        for rule in self.problem.rules:
            if rule.relation != "=":
                continue
            missing = (rule.left.atoms | rule.right.atoms) - known
            if len(missing) == 1:
                (name,) = missing
                if name in names:
                    value = _solve(rule.left - rule.right, name, sizes)
                    if value is not None:
                        whole = value.denominator == 1 and 1 <= value <= 10**6
                        return name, [int(value)] if whole else []
        return names[0], None

    def _consistent(self, name: str, sizes: Mapping[str, int]) -> bool:
        known = set(sizes)
        for rule in self.problem.rules:
            atoms = rule.left.atoms | rule.right.atoms
            if name in atoms and atoms <= known and not holds(rule, sizes):
                return False
        for size in self.problem.integral:
            if name in size.atoms and size.atoms <= known:
                value = size.at(sizes)
                if value.denominator != 1 or value < 1:
                    return False
        return True


def _solve(zero: Size, name: str, sizes: Mapping[str, int]) -> Fraction | None:
    """The value of `name` that makes `zero` vanish, where it occurs to the first power only."""
    slope, rest = Fraction(0), Fraction(0)
    for monomial, coefficient in zero.terms:
        value, power = coefficient, 0
        for atom, exponent in monomial:
            if atom == name:
                power = exponent
            else:
                value *= Fraction(sizes[atom]) ** exponent
        if power == 1:
            slope += value
        elif power == 0:
            rest += value
        else:
            return None
    return -rest / slope if slope else None
