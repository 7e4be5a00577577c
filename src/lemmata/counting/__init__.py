"""Counts in words: parameters of layers, operations of products, sizes of outputs, against what the text describes.

A count is judged only where the words and formulas around it leave no doubt what is counted.
"""

from __future__ import annotations

from lemmata.consistency import Failed
from lemmata.consistency.survey import Confirmation, Contradiction
from lemmata.counting.judge import Judge
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.prose_framing import framing, stating


def counts(elaboration: Elaboration, failed: Failed | None = None) -> tuple[Contradiction | Confirmation, ...]:
    """Every counting claim that can be decided, in the order of the document."""
    judge, relations = Judge(elaboration), stating(elaboration.items)
    found = []
    for item in elaboration.items:
        try:
            outcome = judge.examine(item)
        except Exception as error:  # a mistake of ours here must not cost the document
            if failed is not None:
                failed("judging counts", error)
            continue
        if isinstance(outcome, Contradiction) and framing(elaboration.context, item.formula.index, relations, False):
            continue
        if outcome is not None:
            found.append(outcome)
    return tuple(found)
