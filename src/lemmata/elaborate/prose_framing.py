"""Whether a sentence asserts a claim of all values, or tells it of a situation, a wish, a question, others’ error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from typing import TYPE_CHECKING

from lemmata.elaborate import surface as s
from lemmata.elaborate.prose_lexicon import lexicon
from lemmata.elaborate.prose_model import Context, Sentence

if TYPE_CHECKING:
    from lemmata.elaborate.roles import Item

_PARTS = re.compile(r"[;；]")
_TURNS = re.compile(
    r"\b(?:but|however|yet|actually|in fact|in reality|in truth|instead(?! of)|rather(?! than)|whereas|while"
    r"|so(?! that)|hence|therefore|thus|then)\b|但是?|然而|而(?!是|非|不)|实际上|事实上|其实|因此|所以|于是|从而|故",
    re.IGNORECASE,
)
"""Where a clause of its own begins that what stands before does not govern."""
_HOLDS = re.compile(
    r"\s*(?:[,，]\s*(?:which|and|that)\s+)?(?:(?:also|still|then|always)\s+)?"
    r"(?:(?:holds?(?: true)?|applies|(?:is|becomes) (?:true|valid|satisfied|fulfilled|met))\b|成立)?[\s,，]*",
    re.IGNORECASE,
)
_SPELLED = re.compile(r"(?:\b(?:for|where|when|if|that is,?|ie,?|i\.e\.,?)|当|若|即)\s*⟦(\d+)⟧", re.IGNORECASE)
"""Where a formula says what the situation is: “off the diagonal, for $i \\ne j$”."""
_QUESTION = re.compile(r"[?？]\W*$|吗\W*$")
_GOES_ON = re.compile(r"[㐀-鿿][^⟦，,；;：:]{0,20}[。.?？！]?")
"""A short predicate behind a display, in a language without capitals: “成立吗？”, “不一定成立。”"""
_SHOWN = 60


def framing(context: Context, formula: int, stating: Set[int], situations: bool = True) -> str:
    """What keeps a formula from being asserted of all values, as its author put it; empty if nothing does.

    A situation (“at the optimum”) governs the rest of its sentence up to a display that begins anew, everything else
    (“we want”, “it is not true that”, “some write”) its own clause. `stating`: the formulas that are relations;
    `situations` False: what holds or fails everywhere is asked for.
    """
    words = lexicon().framing
    sentence = context.sentences[context.formulas[formula].sentence]
    mark = f"⟦{formula}⟧"
    before, found, after = sentence.text.partition(mark)
    if not found:
        return ""
    if not after.strip() and sentence.id + 1 < len(context.sentences):
        following = context.sentences[sentence.id + 1]
        after = following.text if _GOES_ON.fullmatch(following.text.strip()) else after
    if _QUESTION.search(after):
        return _shown(sentence.text)
    earlier = context.sentences[sentence.id - 1] if sentence.id else sentence
    if earlier.paragraph == sentence.paragraph and _QUESTION.search(earlier.text) and not earlier.formulas:
        if match := words["frames"].search(earlier.text):
            return _shown(match[0])
    if situations and (setting := _setting(context, sentence)):
        return setting
    scope = context.scopes[sentence.scope]
    while scope.parent is not None and scope.kind in ("item", "block"):
        scope = context.scopes[scope.parent]
    if match := words["titles"].search(scope.title):
        return match[0]
    lead = context.sentences[sentence.lead].text.strip() if sentence.lead is not None else ""
    for text in (before, lead if lead.endswith((":", "：")) else ""):
        text = words["linking"].sub(" ", _PARTS.split(text)[-1]).strip()
        linked = _linked(text)
        rest = _linked(_without_facts(text, context, sentence.id))
        match = words["situations"].search(linked) or words["properties"].search(rest)
        if situations and match and not any(int(k) in stating for k in _SPELLED.findall(linked, match.end() - 1)):
            return _shown(match[0])
        if match := words["frames"].search(_clause(text, stating)):
            return _shown(match[0])
    rest = words["linking"].sub(" ", after.split("⟦")[0]).strip()
    if match := words["behind"].match(_HOLDS.sub("", rest, count=1)):
        return _shown(match[0])
    return ""


def _setting(context: Context, sentence: Sentence) -> str:
    """What a sentence without formulas earlier in the paragraph says that one looks at from there on."""
    for earlier in reversed(context.sentences[: sentence.id]):
        if earlier.paragraph != sentence.paragraph:
            break
        if not earlier.formulas and (match := lexicon().framing["settings"].search(earlier.text)):
            return _shown(match[0])
    return ""


def _without_facts(text: str, context: Context, sentence: int) -> str:
    """The text without the properties in it that are understood of a formula."""
    for fact in context.facts:
        if fact.sentence == sentence and fact.subjects:
            text = text.replace(fact.text, "…")
    return text


def stating(items: Iterable[Item]) -> frozenset[int]:
    """The formulas that are relations between values."""
    found = ((i.formula.index, i.part.expr) for i in items)
    return frozenset(n for n, e in found if isinstance(e, s.Relation) and not set(e.ops) & {"\\in", ":", "\\sim"})


def _linked(text: str) -> str:
    """The text from the last formula on that no words link to the next."""
    return re.split(r"⟧\s*(?=⟦)|⟧\s*$", text)[-1]


def _clause(text: str, stating: Set[int]) -> str:
    """The text from the last formula that states something, the last comma or turn of the sentence on."""
    at = 0
    for match in re.finditer(r"⟦(\d+)⟧", text):
        at = match.end() if int(match[1]) in stating else at
    at = max(at, text.rfind(",", at) + 1, text.rfind("，", at) + 1)
    for match in _TURNS.finditer(text, at):
        at = match.end()
    return text[at:].strip()


def _shown(text: str) -> str:
    text = " ".join(text.split()).strip(" ,，:：;；")
    return text if len(text) <= _SHOWN else text[:_SHOWN].rsplit(" ", 1)[0] + " …"
