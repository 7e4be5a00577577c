"""The smallest corrections that make a refuted claim hold: tried from the likeliest slip on, each judged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import combinations

from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.roles import Item
from lemmata.elaborate.statement import Statement
from lemmata.repair.edit import Change, Edit, apply, overlap, plain, smallest, together
from lemmata.repair.found import Fix
from lemmata.repair.operators import Editor
from lemmata.repair.pool import pool
from lemmata.repair.shapes import repair_shape
from lemmata.repair.source import Source, transpose_mark
from lemmata.repair.trial import Spot

SHOWN = 3
SAME_SIDE = 2
"""Corrections of one and the same side that are shown."""
ALIKE = 0.3
"""How much further than the nearest correction of a side another one of it may be; they say the same."""
TRIALS = 400
"""Corrected claims that are evaluated for one refuted claim."""
SECONDS = 3.0
"""Processor time, which only a claim that is far too big comes near."""
OTHER_SIDE = 1.5
"""How much further away a correction of the first side is: what is claimed stands on the right."""
FARTHER = 0.8
"""How much further than the nearest correction the others may be."""
AFTER = 60
"""Further corrections that are evaluated once there is one."""
FLIPPED = {"\\le": "\\ge", "\\ge": "\\le", "\\leq": "\\geq", "\\geq": "\\leq", "<": ">", ">": "<"}
LONG = 4
"""Characters from which a side is more than a symbol or a number."""
PAIRED = 14
"""Small slips of a side that are tried two at a time."""


def repair(elaboration: Elaboration, statement: Statement, seed: int) -> tuple[Fix, ...]:
    """The nearest corrections of a refuted statement, best first; none if no small edit makes it hold."""
    if statement.membership is not None:
        return repair_shape(elaboration, statement, seed)
    spot = spot_of(elaboration, statement, seed)
    return tuple(Search(spot).run()) if spot is not None else ()


def spot_of(elaboration: Elaboration, statement: Statement, seed: int) -> Spot | None:
    """A claim in its place, to be read with another text; none for what is no chain of relations."""
    item = _item(elaboration, statement)
    return Spot(elaboration, statement, item, seed) if item is not None else None


def _item(elaboration: Elaboration, statement: Statement) -> Item | None:
    for item in elaboration.items:
        if item.formula is statement.formula and any(c is statement.expr for c in item.claims):
            return item
    return None


class Search:
    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.end = time.process_time() + SECONDS
        self.mark = transpose_mark(spot.latex) or _mark_nearby(spot)

    def spent(self) -> bool:
        return self.spot.lowered > TRIALS or time.process_time() > self.end

    def run(self) -> list[Fix]:
        spot = self.spot
        found = spot.chain(spot.latex)
        if found is None:
            return []
        chain = found[0]
        links = len(chain.ops)
        good = min(max(0, spot.links_of(chain)), links - 1)
        fixes: list[Fix] = []
        per_side: dict[int, int] = {}
        nearest: dict[int, float] = {}
        empty: list[set[Change]] = []
        partial, enough = 0, TRIALS
        seen = {plain_links(spot.latex)}
        for side, edit in self.ordered(spot.latex, chain, good):
            if self.spent() or len(fixes) == SHOWN:
                break
            if fixes and (edit.cost > fixes[0].cost + FARTHER or spot.lowered > enough):
                break
            if per_side.get(side, 0) >= SAME_SIDE or side in nearest and edit.cost > nearest[side] + ALIKE:
                continue
            if any(changes <= set(edit.changes) for changes in empty):
                continue
            text = apply(spot.latex, edit.changes)
            if (key := plain_links(text)) in seen:
                continue
            seen.add(key)
            held = spot.links(text)
            what = edit.what
            if good < held < links and partial < 3:
                partial += 1
                further = self.follow(text, held, what)
                if further is None:
                    continue
                text, what = further
            elif held < links:
                continue
            if self.says_nothing(text):
                empty.append(set(edit.changes))
                continue
            fix = self.verified(text, what, edit.cost)
            if fix is not None:
                nearest.setdefault(side, edit.cost)
                enough = min(enough, spot.lowered + AFTER)
                fixes.append(fix)
                per_side[side] = per_side.get(side, 0) + 1
        return fixes

    def follow(self, text: str, held: int, what: str) -> tuple[str, str] | None:
        """The links after a corrected one, corrected in turn: the slip was carried along."""
        while True:
            found = self.spot.chain(text)
            if found is None or self.spent():
                return None
            links = len(found[0].ops)
            if held == links:
                return text, what
            step = None
            for side, edit in self.ordered(text, found[0], held):
                if self.spent() or edit.cost > 2.0:
                    return None
                if side == held + 1 and self.spot.links(candidate := apply(text, edit.changes)) > held:
                    step = candidate, edit.what
                    break
            if step is None:
                return None
            text, more = step
            held = self.spot.links(text)
            what = f"{what}; {more}" if more not in what.split("; ") else what

    def ordered(self, latex: str, chain: s.Relation, good: int) -> Iterator[tuple[int, Edit]]:
        """Corrections at the first link that fails, the likeliest first."""
        row, _ = self.spot.elaborator.reread(latex)
        source = Source(latex, row, self.mark)
        at_hand = pool(source, chain, self.spot.elaborator.environment, self.spot.item.place)
        source.functions = at_hand.functions
        editor = Editor(source, at_hand)
        sides = [(good + 1, 0.0)]
        if good == 0 and self.spot.item.role == "claim":
            sides.append((0, OTHER_SIDE))
        ranked: list[tuple[float, int, int, Edit]] = []
        for side, further in sides:
            edits = list(editor.side(chain.items[side]))
            for edit in [*edits, *_several(edits)]:
                ranked.append((edit.cost + further, len(ranked), side, edit))
        for edit in _relations(latex, chain, good):
            ranked.append((edit.cost, len(ranked), good + 1, edit))
        for cost, _, side, edit in sorted(ranked, key=lambda r: r[:2]):
            yield side, Edit(edit.changes, edit.what, cost, edit.group)

    def says_nothing(self, text: str) -> bool:
        """Whether a link has the same text on both sides, or a side has been brought into its neighbour."""
        found, before = self.spot.chain(text), self.spot.chain(self.spot.latex)
        if found is None or before is None:
            return True
        new, old = (
            [plain(t[x.start : x.end]) for x in c[0].items] for t, c in ((text, found), (self.spot.latex, before))
        )
        for at, (a, b) in enumerate(zip(new, new[1:], strict=False)):
            if a == b:
                return True
            if len(b) >= LONG and a.count(b) > old[at].count(b) or len(a) >= LONG and b.count(a) > old[at + 1].count(a):
                return True
        return False

    def verified(self, text: str, what: str, cost: float) -> Fix | None:
        """The correction, if the judge verifies it."""
        judged = self.spot.judged(text)
        if judged is None or judged[1].kind != "verified":
            return None
        statement, verdict = judged
        return Fix(
            text, statement.latex, what, smallest(self.spot.latex, text), verdict.method, cost, statement.readings[0]
        )


def plain_links(latex: str) -> str:
    """A text without its spaces, to know what was tried already."""
    return "".join(latex.split())


def _several(edits: list[Edit]) -> Iterator[Edit]:
    """The same slip at several places; two small ones."""
    groups: dict[str, list[Edit]] = {}
    for edit in edits:
        kept = groups.setdefault(edit.group, [])
        if not any(overlap(edit, other) for other in kept):
            kept.append(edit)
    for members in groups.values():
        if 2 <= len(members) <= 6:
            yield together(tuple(members), f"{members[0].what}, {len(members)} times", members[0].cost + 0.25)
    small = sorted((e for e in edits if e.cost <= 1.0), key=lambda e: e.cost)[:PAIRED]
    for a, b in combinations(small, 2):
        if a.group != b.group and not overlap(a, b):
            yield together((a, b), a.what if a.what == b.what else f"{a.what}; {b.what}", a.cost + b.cost + 0.1)


def _relations(latex: str, chain: s.Relation, good: int) -> Iterator[Edit]:
    """An inequality the other way round."""
    left, right = chain.items[good], chain.items[good + 1]
    between = latex[left.end : right.start]
    for sign, other in FLIPPED.items():
        at = between.find(sign)
        if at >= 0 and not between[at + len(sign) : at + len(sign) + 1].isalpha():
            change = Change(left.end + at, left.end + at + len(sign), other)
            yield Edit((change,), "the inequality the other way round", 0.9)


def _mark_nearby(spot: Spot) -> str:
    """How the document writes transposes."""
    for formula in spot.elaborator.document.formulas:
        if mark := transpose_mark(formula.latex):
            return mark
    return ""
