"""Words that only link formulas and say nothing of them, and words of arithmetic that say more."""

from __future__ import annotations

import re

from lemmata.elaborate.prose_lexicon import lexicon
from lemmata.elaborate.prose_model import Context, Fact

ARITHMETIC = re.compile(
    r"\b(?:primes?|powers? of|multiples? of|co-?primes?|perfect (?:square|power)|mod(?:ulo)?|congruent|parity)\b"
    r"|\bconsecutive|\bcommon (?:divisor|factor)|质数|素数|的幂|倍数|互质|互素|公约数|公因|平方数|同余|奇偶",
    re.IGNORECASE,
)
"""What numbers are said to be besides even and odd."""
_PLACEHOLDER = re.compile(r"⟦(\d+)⟧")
_MARKS = re.compile(r"[\s,，、.。;；:：]+")


def plain(text: str) -> bool:
    """Whether the words between formulas only link them, or say that what stands behind them follows."""
    conclusions, words = lexicon().sets["conclusions"], lexicon().sets["plain"]
    return all(bare(piece) in conclusions or _linking(piece, words) for piece in _PLACEHOLDER.split(text)[::2])


def _linking(text: str, plain: frozenset[str]) -> bool:
    """English word by word, Chinese as a run of such words."""
    for word in _MARKS.sub(" ", text).lower().split():
        while word and word not in plain:
            longest = max((p for p in plain if p > "\u2fff" and word.startswith(p)), key=len, default="")
            if not longest:
                return False
            word = word.removeprefix(longest)
    return True


def bare(text: str) -> str:
    return _MARKS.sub(" ", text).strip().lower()


def counts_alone(fact: Fact, context: Context) -> bool:
    """Whether “Let d, h be positive integers.” is all that its sentence says."""
    text = context.sentences[fact.sentence].text
    alone = all(f.kind in ("integer", "positive") for f in context.facts if f.sentence == fact.sentence)
    return alone and not fact.conditional and not ARITHMETIC.search(text) and plain(text.replace(fact.text, " "))
