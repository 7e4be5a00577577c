"""Whether the prose is in a language whose words are known: what is said in another one may restrict a claim unseen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from lemmata.elaborate.prose_lexicon import FORMULA, Lexicon
from lemmata.elaborate.prose_model import Sentence

_RUN = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"\A:\w+:|[\w][._:/@]\w", re.ASCII)
"""Names of code and addresses, which are in no language."""
_PLACEHOLDER = re.compile(FORMULA)
ENOUGH = 30
"""Words from which on a paragraph is judged by itself; a shorter one follows the document."""
FEWEST = 4
"""Words of a document below which nothing is said about its language."""
SHARE = 0.12
"""Share of the commonest words that prose in a known language has at least."""
_SHOWN = 60


class _Count(Struct):
    known: float = 0.0
    total: float = 0.0

    def add(self, other: _Count) -> None:
        self.known += other.known
        self.total += other.total

    @property
    def foreign(self) -> bool:
        return self.known < SHARE * self.total


def foreign_sentences(sentences: Sequence[Sentence], words: Lexicon) -> dict[int, str]:
    """The sentences whose language is not known, by number, each with its beginning.

    A long paragraph speaks for itself, a shorter one has the language of the document.
    """
    paragraphs: dict[int, _Count] = {}
    whole = _Count()
    for sentence in sentences:
        count = _count(_PLACEHOLDER.sub(" ", sentence.text), words)
        paragraphs.setdefault(sentence.paragraph, _Count()).add(count)
        whole.add(count)
    if whole.total < FEWEST:
        return {}
    found = {}
    for sentence in sentences:
        own = paragraphs[sentence.paragraph]
        if (own if own.total >= ENOUGH else whole).foreign:
            found[sentence.id] = beginning(sentence.text)
    return found


def beginning(text: str) -> str:
    """The first words of a sentence, its formulas as dots."""
    text = " ".join(_PLACEHOLDER.sub("…", text).split())
    return text if len(text) <= _SHOWN else text[:_SHOWN].rsplit(" ", 1)[0] + " …"


def _count(text: str, words: Lexicon) -> _Count:
    """Words and common words: Latin ones by list, Chinese by character unless kana or another script mingle."""
    common = words.sets["common"]
    count = _Count()
    han, kana = 0, 0
    for run in _RUN.findall(" ".join(piece for piece in text.split() if not _CODE.search(piece))):
        scripts = [_script(letter) for letter in run]
        han += scripts.count("han")
        kana += scripts.count("other") if "han" in scripts or "kana" in scripts else 0
        if set(scripts) == {"latin"}:
            if len(run) > 1 or run in ("a", "A"):
                count.total += 1
                count.known += run.lower() in common
        elif "han" not in scripts and len(run) > 1:
            count.total += max(1, len(run) / 3)
        elif "han" in scripts:
            kana += scripts.count("kana")
    # Two characters make a Chinese word; every one of them is as good as a common one.
    count.total += (han + kana) / 2
    count.known += 0 if kana > han / 10 else han / 2
    return count


def _script(letter: str) -> str:
    if "㐀" <= letter <= "鿿":
        return "han"
    if letter.isascii():
        return "latin"
    name = unicodedata.name(letter, "")
    if name.startswith(("HIRAGANA", "KATAKANA")):
        return "kana"
    return "latin" if name.startswith("LATIN") else "other"
