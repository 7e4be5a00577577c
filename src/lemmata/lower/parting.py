"""The first place where two sides part: what stands in the one and not in the other, with its values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from lemmata.backends import numpy as backend
from lemmata.core import terms as t
from lemmata.lower.lowering import Lowering
from lemmata.lower.problem import ReadingProblem
from lemmata.lower.value import Value, full, relabel
from lemmata.program import build
from lemmata.verify import double
from lemmata.verify.outcome import Failure
from lemmata.verify.problem import CannotLower

MOST = 40
"""Pairs of sub-expressions that are compared."""


class Parting(Struct, frozen=True):
    """Sub-expressions of the left and the right side that should agree and do not; None where there is none."""

    left: t.Term | None
    right: t.Term | None
    left_value: object = None
    right_value: object = None


def parting(problem: ReadingProblem, failure: Failure) -> Parting | None:
    """The innermost pair of sub-expressions that explains why the sides differ; None if it is the sides themselves."""
    left, right = problem.reading.sides[failure.link : failure.link + 2]
    return _parting(problem, problem, left, right, failure, whole=False)


def slip(problem: ReadingProblem, corrected: ReadingProblem, failure: Failure) -> Parting | None:
    """What is wrong in a side, and what stands there in the corrected claim."""
    for link in (failure.link + 1, failure.link):
        wrong, right = problem.reading.sides[link], corrected.reading.sides[link]
        found = _parting(problem, corrected, wrong, right, failure, whole=True)
        if found is not None:
            return found
    return None


def _parting(
    first: ReadingProblem, second: ReadingProblem, left: t.Term, right: t.Term, failure: Failure, whole: bool
) -> Parting | None:
    try:
        sizes = failure.trial.sizes
        walk = _Walk(first.lowering(sizes), second.lowering(sizes), failure)
        if whole and walk.same(left, right):
            return None
        pair = walk.descend(left, right)
        if pair is None:
            pair = (left, right) if whole else None
        if pair is None:
            return None
        a, b = pair
        return Parting(a, b, walk.shown(a, walk.first), walk.shown(b, walk.second))
    except (CannotLower, build.BadProgram, ValueError, ArithmeticError, KeyError, TypeError, RecursionError):
        return None
    except np.linalg.LinAlgError:
        return None


class _Walk:
    def __init__(self, first: Lowering, second: Lowering, failure: Failure) -> None:
        self.first = first
        self.second = second
        self.feeds = {name: d.floats for name, d in failure.trial.draws.items()}
        self.exact = failure.trial.instance.exact
        self.compared = 0

    def descend(self, left: t.Term, right: t.Term) -> tuple[t.Term | None, t.Term | None] | None:
        """Where the pair parts further in; None if nothing smaller explains it."""
        a, b = _opened(left, right)
        pair: tuple[t.Term | None, t.Term | None] | None = None
        if _is_sum(a) or _is_sum(b):
            pair = self._left_over(_terms(a), _terms(b))
            if pair is None or pair[0] is a and pair[1] is b:
                return None
        elif isinstance(a, t.Op) and isinstance(b, t.Op) and a.name == b.name and len(a.args) == len(b.args):
            apart = [(x, y) for x, y in zip(a.args, b.args, strict=True) if not self.same(x, y)]
            if len(apart) != 1 or len(a.args) < 2 and a.name not in ("transpose", "inv", "neg"):
                pair = apart[0] if len(apart) == len(a.args) == 1 else None
            else:
                pair = apart[0]
        if pair is None:
            return None
        x, y = pair
        if x is None or y is None:
            return pair
        return self.descend(x, y) or pair

    def _left_over(self, left: Sequence[t.Term], right: Sequence[t.Term]) -> tuple[t.Term | None, t.Term | None] | None:
        """The terms of two sums without those they share; None unless at most one is left on each side."""
        rest = list(right)
        alone = []
        for term in left:
            match = next((k for k, other in enumerate(rest) if self.same(term, other)), None)
            if match is None:
                alone.append(term)
            else:
                del rest[match]
        shared = len(left) - len(alone)
        if not shared or len(alone) > 1 or len(rest) > 1:
            return None
        return (alone[0] if alone else None), (rest[0] if rest else None)

    def same(self, left: t.Term, right: t.Term) -> bool:
        self.compared += 1
        if self.compared > MOST or left.type.rank != right.type.rank:
            return False
        a, b = full(self.first.value(left)), full(self.second.value(right))
        if [x.size for x in a.axes] != [x.size for x in b.axes]:
            return False
        x, y = self._array(a), self._array(relabel(b, a.axes))
        axes = double.common_axes((a.node, relabel(b, a.axes).node))
        u, v = double.spread(x, a.node.axes, axes), double.spread(y, relabel(b, a.axes).node.axes, axes)
        return double.compare(u, v, self.exact).kind in ("agrees", "empty")

    def _array(self, value: Value) -> np.ndarray:  # type: ignore[type-arg]
        return np.asarray(backend.run((value.node,), self.feeds)[0])

    def shown(self, term: t.Term | None, low: Lowering) -> object:
        """The value, in the author's order of dimensions, where it is short enough to print."""
        if term is None:
            return None
        value = full(low.value(term))
        if any(a not in value.axes for a in value.node.axes):
            return None
        array = double.spread(self._array(value), value.node.axes, value.axes)
        return array.tolist() if array.size <= 9 else None


def _opened(left: t.Term, right: t.Term) -> tuple[t.Term, t.Term]:
    """Definitions replaced by what they stand for while only one side is written as a name."""
    for _ in range(4):
        if isinstance(left, t.Defined) and isinstance(right, t.Defined):
            break
        if isinstance(left, t.Defined):
            left = left.body
        elif isinstance(right, t.Defined):
            right = right.body
        else:
            break
    return left, right


def _is_sum(term: t.Term) -> bool:
    return isinstance(term, t.Op) and term.name in ("add", "sub")


def _terms(term: t.Term) -> list[t.Term]:
    """The terms of a sum, each with its sign."""
    match term:
        case t.Op(name="add", args=(a, b)):
            return [*_terms(a), *_terms(b)]
        case t.Op(name="sub", args=(a, b)):
            return [*_terms(a), *(_negative(x) for x in _terms(b))]
    return [term]


def _negative(term: t.Term) -> t.Term:
    if isinstance(term, t.Op) and term.name == "neg":
        return term.args[0]
    return t.Op(term.type, "neg", (term,))
