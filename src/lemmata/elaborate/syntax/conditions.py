"""Which parts of a formula hold only where other parts do: |s| = -s \\text{ if } s < 0."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.elaborate import surface as s
from lemmata.elaborate.syntax import vocabulary as v

_CONDITIONAL = frozenset(
    "if iff when whenever for given provided assuming unless suppose while under s.t. st subject such".split()
)
_CONCLUDING = frozenset("then so thus hence therefore have get obtain".split())
_CONCLUDING_ZH = ("则", "那么", "于是", "因此", "所以", "故", "从而", "得", "可得", "有")
_CONDITIONAL_ZH = ("当", "若", "如果", "对于", "对", "假设", "设", "满足", "使得", "只要", "在")


def is_condition(lead: str) -> bool:
    """Whether the words before a part make it a condition: `if`, `and only if`, `for all`, `当`."""
    words = lead.lower().replace(",", " ").split()
    return any(w in _CONDITIONAL for w in words) or lead.strip(" ,，(（").startswith(_CONDITIONAL_ZH)


def is_conclusion(lead: str) -> bool:
    """Whether the words before a part end what was let or assumed before it: `then`, `we have`, `则`."""
    words = lead.lower().replace(",", " ").split()
    return any(w in _CONCLUDING for w in words) or lead.strip(" ,，").startswith(_CONCLUDING_ZH)


def conditions(parts: Sequence[s.Part]) -> tuple[tuple[int, ...], ...]:
    """For each part, the places of the parts it is subject to.

    A condition belongs to the statement before it; where none comes before, to the one after it. `and` after a
    condition continues it, unless what follows has a condition of its own.
    """
    subject: list[list[int]] = [[] for _ in parts]
    statement: int | None = None
    waiting: list[int] = []
    before = False
    for at, part in enumerate(parts):
        conditional = is_condition(part.lead)
        if not conditional and before and part.lead.lower() in v.JOINS | {"or", "或"}:
            conditional = not (at + 1 < len(parts) and is_condition(parts[at + 1].lead))
        if conditional and not isinstance(part.expr, s.Words):
            if statement is None:
                waiting.append(at)
            else:
                subject[statement].append(at)
        elif not isinstance(part.expr, s.Words):
            statement = at
            subject[at] += waiting
            waiting = []
        before = conditional
    return tuple(tuple(x) for x in subject)
