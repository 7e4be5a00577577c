"""The smallest edits that remove a contradiction: the rule that found it must look again and find agreement.

An edit that only silences the rule proves nothing, so the rule has to say that it compared. Then the whole document is
read once more with the edit in it: nothing in it may contradict or be refuted that was not before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import combinations

from msgspec.structs import replace

from lemmata.consistency import RULES, contradictions
from lemmata.consistency.survey import Contradiction, Survey, survey
from lemmata.documents.model import Block, CodeCell, Document, Formula
from lemmata.elaborate.document import Elaboration, Elaborator, elaborate
from lemmata.elaborate.names import letters_of
from lemmata.elaborate.roles import Item
from lemmata.elaborate.statement import Statement
from lemmata.lower.judge import judge_statement
from lemmata.repair import slips
from lemmata.repair.edit import Change, Edit, apply, overlap, smallest, together
from lemmata.repair.found import Fix

KINDS: dict[str, tuple[slips.Kind, ...]] = {
    "arithmetic": (slips.numbers, slips.signs),
    "implications": (slips.turned, slips.signs),
    "complements": (slips.turned, slips.signs),
    "parameters": (slips.letters, slips.subscripts),
    "running": (slips.subscripts,),
    "arguments": (slips.letters, slips.subscripts),
    "leftover": (slips.subscripts,),
    "runs": (slips.signs,),
    "twice": (slips.functions, slips.signs),
    "nonnegative": (slips.negated,),
    "cumulative": (slips.signs,),
    "flat": (slips.conditions,),
    "even": (slips.conditions,),
    "turned_round": (slips.exchanged,),
}
"""Slips that concern what a rule compares; all kinds for the others."""
NEAR = 24
"""Characters between two slips that are made together."""
NEARBY = 0.65
"""What a slip costs at most that is made together with another."""
SHOWN = 3
SECONDS = 3.0
"""Processor time for one contradiction."""
FARTHER = 0.8
"""How much further than the nearest correction the others may be."""
JUDGED = 12
"""Other statements that are judged again with the edit in the document."""


def removals(elaboration: Elaboration, found: Contradiction, seed: int) -> tuple[Fix, ...]:
    """The nearest edits of the formula that remove a contradiction, best first."""
    end = time.process_time() + SECONDS
    latex = found.formula.latex
    before = survey(elaboration)
    fixes: list[Fix] = []
    seen = {_plain(latex)}
    enough: list[set[Change]] = []
    for edit in _edits(latex, found):
        if time.process_time() > end or len(fixes) == SHOWN or fixes and edit.cost > fixes[0].cost + FARTHER:
            break
        text = apply(latex, edit.changes)
        if _plain(text) in seen or any(changes <= set(edit.changes) for changes in enough):
            continue
        seen.add(_plain(text))
        if _agrees(elaboration, before, found, text) and _sound(elaboration, found, text, seed):
            enough.append(set(edit.changes))
            region = text[found.start : found.end + len(text) - len(latex)].strip()
            fixes.append(Fix(text, region, edit.what, smallest(latex, text), found.method, edit.cost))
    return tuple(fixes)


def _edits(latex: str, found: Contradiction) -> list[Edit]:
    """Single slips, the same slip at every place, and two small ones."""
    single = slips.slips(latex, found.start, found.end, KINDS.get(found.rule, slips.KINDS))
    alike: dict[str, list[Edit]] = {}
    for edit in single:
        alike.setdefault(edit.group, []).append(edit)
    groups = [
        together(tuple(members), members[0].what, members[0].cost + 0.1 * len(members))
        for members in alike.values()
        if 2 <= len(members) <= 4 and not _overlap(members)
    ]
    near = [e for e in single if e.cost <= NEARBY]
    pairs = [
        together((a, b), f"{a.what}; {b.what}", a.cost + b.cost + 0.1)
        for a, b in combinations(near, 2)
        if a.group != b.group and not overlap(a, b) and abs(a.start - b.start) < NEAR
    ]
    return sorted((*single, *groups, *pairs), key=lambda e: (e.cost, -e.start))


def _overlap(edits: Sequence[Edit]) -> bool:
    spans = sorted((c.start, c.end) for e in edits for c in e.changes)
    return any(b[0] < a[1] or a == b for a, b in zip(spans, spans[1:], strict=False))


def _agrees(elaboration: Elaboration, before: Survey, found: Contradiction, text: str) -> bool:
    """Whether the rule compares again and finds agreement, with only this formula read anew."""
    own = [i for i in elaboration.items if i.formula is found.formula]
    parts = Elaborator.of(elaboration).reread(text)[1]
    if len(parts) != len(own):
        return False
    formula = replace(found.formula, latex=text)
    mapping = {id(old): replace(old, formula=formula, part=new) for old, new in zip(own, parts, strict=True)}
    items: tuple[Item, ...] = tuple(mapping.get(id(i), i) for i in elaboration.items)
    again = Survey(replace(elaboration, items=items), before.around)
    for rule in RULES:
        if rule.__name__ == found.rule:
            wrong = [c for c in rule(again) if c.formula is formula]
            return not wrong and formula.index in again.agreed
    return False


def _sound(elaboration: Elaboration, found: Contradiction, text: str, seed: int) -> bool:
    """Whether the document with the edit in it has no contradiction and no refutation that it did not have."""
    old = {(c.formula.index, c.rule) for c in contradictions(elaboration)}
    edited = elaborate(_with(elaboration.document, found.formula, text))
    new = {(c.formula.index, c.rule) for c in contradictions(edited)}
    if not new < old or any(index == found.formula.index for index, _ in new - old):
        return False
    refuted = {(s.formula.index, s.start) for s in _concerned(elaboration, found) if _refuted(s, seed)}
    return not any(_refuted(s, seed) and (s.formula.index, s.start) not in refuted for s in _concerned(edited, found))


def _concerned(elaboration: Elaboration, found: Contradiction) -> list[Statement]:
    """Claims of the formula itself, and of others that share a letter with it, the nearest first."""
    claims = [s for s in elaboration.statements if s.role == "claim"]
    own = frozenset().union(
        *(letters_of(i.part.expr) for i in elaboration.items if i.formula.index == found.formula.index)
    )
    near = sorted(claims, key=lambda s: abs(s.formula.index - found.formula.index))
    return [s for s in near if letters_of(s.expr) & own or s.formula.index == found.formula.index][:JUDGED]


def _refuted(statement: Statement, seed: int) -> bool:
    return judge_statement(statement, seed).kind == "refuted"


def _with(document: Document, formula: Formula, latex: str) -> Document:
    """The document with another text of one formula."""

    def changed(block: Block | CodeCell) -> Block | CodeCell:
        if isinstance(block, CodeCell) or formula not in block.inlines:
            return block
        return replace(block, inlines=tuple(replace(i, latex=latex) if i is formula else i for i in block.inlines))

    return replace(document, blocks=tuple(map(changed, document.blocks)))


def _plain(latex: str) -> str:
    return "".join(latex.split())


def corrected(
    elaboration: Elaboration, found: Sequence[Contradiction], formula: Formula, reason: str, seed: int
) -> tuple[Fix, ...]:
    """The removals for the contradiction that a refuted statement of a formula reports."""
    here = (c for c in found if c.formula is formula and c.reason == reason)
    first: Iterator[Contradiction] = iter(here)
    contradiction = next(first, None)
    return removals(elaboration, contradiction, seed) if contradiction is not None else ()
