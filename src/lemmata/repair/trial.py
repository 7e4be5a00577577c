"""A corrected claim tried where it stands: read again in its scope, looked at quickly, then judged like any other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from lemmata.backends.numpy import TooLarge
from lemmata.elaborate import surface as s
from lemmata.elaborate.claims import Conditions, preferred
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.reader import Shared
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.roles import Item
from lemmata.elaborate.statement import Reading, Statement
from lemmata.latex.tree import Row
from lemmata.lower.judge import judge_statement
from lemmata.lower.problem import ReadingProblem
from lemmata.program.build import BadProgram
from lemmata.verify import double
from lemmata.verify.problem import CannotLower, Instance
from lemmata.verify.sampling import draw, generator
from lemmata.verify.sizes import NoSizes, assignments, smallest
from lemmata.verify.trials import instance_at
from lemmata.verify.values import CannotDraw, Style
from lemmata.verify.verdict import Verdict

CLOSE = 1e-8
"""A relative difference that a quick look takes for rounding; the judge is stricter."""
LARGE = 300_000
"""Array elements above which the smallest sizes are looked at."""
DRAWS = 6


class Spot:
    """A refuted claim in its document, whose formula can be given another text."""

    def __init__(self, elaboration: Elaboration, statement: Statement, item: Item, seed: int) -> None:
        self._elaborator = Elaborator.of(elaboration)
        self._seed = seed
        self.statement = statement
        self.item = item
        self.latex = statement.formula.latex
        own = [i for i in elaboration.items if i.formula is item.formula]
        self._own = own
        self._at = own.index(item)
        self._conditions: Conditions = self._elaborator.conditions(item)[0]
        chain = statement.expr
        assert isinstance(chain, s.Relation)
        whole = _relation(item.part.expr)
        self._first = 0
        if whole is not None:
            self._first = next((k for k, x in enumerate(whole.items) if x.start == chain.items[0].start), 0)
        self._count = len(chain.items)
        self._length = len(whole.items) if whole is not None else 0
        self.row: Row = self._elaborator.reread(self.latex)[0]
        self.lowered = 0

    @property
    def elaborator(self) -> Elaborator:
        return self._elaborator

    def chain(self, text: str) -> tuple[s.Relation, tuple[s.Part, ...]] | None:
        """The claim in another text of its formula, if the text is built alike."""
        parts = self._elaborator.reread(text)[1]
        if len(parts) != len(self._own):
            return None
        whole = _relation(parts[self._at].expr)
        if whole is None or len(whole.items) != self._length:
            return None
        last = self._first + self._count
        return replace(whole, ops=whole.ops[self._first : last - 1], items=whole.items[self._first : last]), parts

    def links(self, text: str) -> int:
        """How many of the claim's links, from the first on, seem to hold in another text; -1: it cannot be read."""
        found = self.chain(text)
        return -1 if found is None else self.links_of(found[0])

    def links_of(self, chain: s.Relation) -> int:
        def make(choices: Choices) -> Shared:
            return self._elaborator.shared(choices, self.item)

        for count in range(len(chain.items), 1, -1):
            items, ops = chain.items[:count], chain.ops[: count - 1]
            reading = preferred(make, self.item.place, items, ops, self._conditions)
            if reading is not None:
                return self._look(reading)
        return 0

    def _look(self, reading: Reading) -> int:
        """The number of leading links that hold at one instance."""
        self.lowered += 1
        try:
            problem = ReadingProblem(reading)
            instance = instance_at(problem, assignments(problem, 1)[0])
            if double.elements(instance.sides) > LARGE:
                instance = instance_at(problem, next(iter(smallest(problem))))
            return self._holding(instance)
        except (CannotLower, NoSizes, CannotDraw, BadProgram, TooLarge, StopIteration):
            return 0
        except (MemoryError, RecursionError):
            return 0

    def _holding(self, instance: Instance) -> int:
        held = len(instance.relations)
        seen = 0
        for attempt in range(4 * DRAWS):
            draws = draw(instance.inputs, generator(self._seed, 104729, attempt), Style())
            values = double.evaluate(instance, draws)
            if values is None or not values.conditions or not values.defined:
                continue
            seen += 1
            for link, relation in enumerate(instance.relations[:held]):
                if not _holds(values.sides[link], values.sides[link + 1], relation, instance.exact):
                    held = link
                    break
            if held == 0 or seen == (1 if set(instance.relations) == {"="} else DRAWS) or not instance.inputs:
                break
        return held if seen else 0

    def judged(self, text: str) -> tuple[Statement, Verdict] | None:
        """The corrected claim and the ordinary verdict on it."""
        found = self.chain(text)
        if found is None:
            return None
        chain, parts = found
        formula = replace(self.statement.formula, latex=text)
        items = [
            replace(old, formula=formula, part=part, claims=[chain] if old is self.item else list(old.claims))
            for old, part in zip(self._own, parts, strict=True)
        ]
        return self._judge(items, chain)

    def claimed(self, chain: s.Relation) -> tuple[Statement, Verdict]:
        """Another claim in the same place, and the verdict on it."""
        items = [replace(old, claims=[chain]) if old is self.item else old for old in self._own]
        return self._judge(items, chain)

    def _judge(self, items: Sequence[Item], chain: s.Relation) -> tuple[Statement, Verdict]:
        mapping = {id(old): new for old, new in zip(self._own, items, strict=True)}
        elaborator = self._elaborator
        assert elaborator.roles is not None
        # What the wrong claim said of sizes must not help the corrected one.
        equations = [e for e in elaborator.roles.size_equations if e[0] is not self.item]
        roles = replace(elaborator.roles, size_equations=equations)
        corrected = replace(elaborator, items=[mapping.get(id(i), i) for i in elaborator.items], roles=roles)
        statement = corrected.claim(items[self._at], chain)
        return statement, judge_statement(statement, self._seed)


def _relation(expr: s.Expr) -> s.Relation | None:
    while isinstance(expr, s.Choice):
        expr = expr.options[0]
    return expr if isinstance(expr, s.Relation) else None


def _holds(left: np.ndarray, right: np.ndarray, relation: str, exact: bool) -> bool:  # type: ignore[type-arg]
    if relation == "=":
        look = double.compare(left, right, exact)
        return look.kind in ("agrees", "noise") or look.kind == "doubt" and look.difference < CLOSE
    with np.errstate(all="ignore"):
        if left.dtype == bool or right.dtype == bool or left.dtype.kind == "c" or right.dtype.kind == "c":
            return False
        gap = (left - right) if relation in ("<", "\\le") else (right - left)
        scale = max(float(abs(left).max(initial=0.0)), float(abs(right).max(initial=0.0)), 1e-300)
        return bool((gap <= CLOSE * scale).all())
