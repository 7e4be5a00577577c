"""The reading flow: scopes from headings, run-in headings and lists; sentences across paragraphs and displays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from lemmata.documents.model import Block, CodeCell, Document, Formula, Inline, Text
from lemmata.elaborate.prose_lexicon import Lexicon
from lemmata.elaborate.prose_model import Scope, Sentence

_TITLE_LIMIT = 100
_SENTENCE_LIMIT = 20_000
"""Nothing longer than this is a sentence: it is cut, so that work on a sentence stays bounded."""
_NUMBERED = re.compile(
    r"\s*(?:[(（](?:\d{1,2}|[a-zA-Z]|[ivx]{1,4}|[一二三四五六七八九十]{1,3})[)）]|\d{1,2}[.)](?=\s)|[①-⑳]|[一二三四五六七八九十]{1,3}、)\s*"
    r"(?P<title>[^.:：。\n⟦]{0,100})"
)
_NAMED = re.compile(
    r"\s*((?:Step|Case|Theorem|Lemma|Proposition|Corollary|Example|步骤|定理|引理|命题|推论|例|情形)"
    r" ?[\d一二三四五六七八九十.]{1,6})\s*[.:：(（]"
)
_PROOF = re.compile(r"\s*(?:Proof|Solution|证明|证|解)[.:。：]?\s*\Z")
_TRAILER = re.compile(
    r"(?:\s|\\[,;:!> ]|\\q?quad(?![a-zA-Z])|~|\\end\s*\{[^{}]*\}|\\(?:tag|label)\*?\s*\{[^{}]*\}"
    r"|\\nonumber|\\notag|\\\\|\})+\Z"
)
_SPACE = re.compile(r"\s+")
_STOP = re.compile(r"[.!?]+[\"'”’)\]]*(?=\s|\Z|[㐀-鿿])|[。！？]+[”’」』）)]*")
_OPENS = re.compile(r"[\"'“‘(\[]*(?:[A-Z]|⟦|[㐀-鿿]|\d|[*_`-])")
_WORD_BEFORE = re.compile(r"((?:[A-Za-z]\.)*[A-Za-z]+)\Z")
_FRESH = re.compile(r" [A-Z][a-z]* | ?[㐀-鿿]")
_CAPITAL = re.compile(r" [A-Z][a-z]+")
_WORDS = re.compile(r"[A-Za-z㐀-鿿]")
_PLACEHOLDER = re.compile(r"⟦(\d+)⟧")
_DISPLAY_PUNCTUATION = {"。": ".", "，": ",", "；": ";", "：": ":", "．": "."}


def ending(latex: str) -> str:
    """The punctuation a formula ends with: `.`, `,`, `;`, `:` or empty; dots (`...`, `\\dots`) are none."""
    tail = latex[-200:]
    tail = _TRAILER.sub("", tail)
    last = _DISPLAY_PUNCTUATION.get(tail[-1:], tail[-1:])
    if last == "." and tail.endswith(".."):
        return ""
    return last if last in (".", ",", ";", ":") and not tail.endswith("\\" + last) else ""


class _Draft(Struct):
    """A sentence in the making."""

    scope: int
    paragraph: int
    text: list[str] = field(default_factory=list)
    formulas: list[int] = field(default_factory=list)
    lead: int | None = None
    open_display: bool = False
    """Ends with a display without a full stop."""
    length: int = 0


class Flow(Struct, frozen=True):
    scopes: tuple[Scope, ...]
    sentences: tuple[Sentence, ...]
    """Headings and hints are sentences of their own."""
    scope_of: tuple[int, ...]
    """By formula."""
    hints: frozenset[int]
    """Formulas of hint comments."""


def flow(document: Document, lexicon: Lexicon) -> Flow:
    """Cut the document into scopes and sentences. Linear in its length."""
    scopes = _Scopes(lexicon)
    writer = _Writer(document.formulas, lexicon)
    hints: set[int] = set()
    index = 0
    for block in document.blocks:
        if isinstance(block, CodeCell):
            continue
        numbers: list[int] = []
        for inline in block.inlines:
            numbers.append(index if isinstance(inline, Formula) else -1)
            index += isinstance(inline, Formula)
        if block.kind == "hint":
            hints.update(numbers)
        title = scopes.enter(block)
        writer.block(block, numbers, scopes.current, title)
    writer.close()
    return Flow(tuple(scopes.all), tuple(writer.done), tuple(writer.scope_of), frozenset(hints))


class _Scopes:
    def __init__(self, lexicon: Lexicon) -> None:
        self.all = [Scope(0, None, "", "document")]
        self._stack: list[tuple[int, str, int]] = [(0, "document", 0)]
        """(scope id, kind, heading level or container identity), outermost first."""
        self._theorems = lexicon.sets["theorems"]
        self._proofs = lexicon.sets["proofs"]

    @property
    def current(self) -> int:
        return self._stack[-1][0]

    def enter(self, block: Block) -> bool:
        """Open and close scopes for a block; whether the block starts a new run of prose (a heading, item, run-in)."""
        if block.kind == "heading":
            while len(self._stack) > 1 and not (self._stack[-1][1] == "heading" and self._stack[-1][2] < block.level):
                self._stack.pop()
            self._push(plain(block.inlines), "heading", block.level)
            return True
        fresh = self._containers(block)
        if block.kind == "theorem":
            scope, _, key = self._stack[-1]
            if key in block.containers:
                self.all[scope] = Scope(scope, self.all[scope].parent, plain(block.inlines), "theorem")
            return True
        title = runin(block.inlines) if block.kind in ("paragraph", "item", "display") else None
        if title is None:
            return fresh
        if block.kind == "item" and not fresh:
            return False
        if block.kind == "item":
            scope = self.current
            if self.all[scope].kind == "item" and not self.all[scope].title:
                self.all[scope] = Scope(scope, self.all[scope].parent, title, "item")
            return True
        kind = self._title_kind(title)
        if kind is None:
            return True
        while self._stack[-1][1] in ("runin", "proof") or (
            self._stack[-1][1] == "theorem" and kind != "proof" and self._stack[-1][2] < 0
        ):
            self._stack.pop()
        self._push(title, kind, -1)
        return True

    def _title_kind(self, title: str) -> str | None:
        word = re.match(r"[A-Za-z]+|[㐀-鿿]{1,4}", title.strip())
        first = word.group().lower() if word else ""
        if any(first == p or (p[0] > "㐀" and first.startswith(p)) for p in self._proofs):
            return "proof"
        if any(first == t or (t[0] > "㐀" and first.startswith(t)) for t in self._theorems):
            return "theorem"
        return "runin"

    def _containers(self, block: Block) -> bool:
        held = [(k, key) for k, (_, kind, key) in enumerate(self._stack) if kind in ("item", "block")]
        common = 0
        while common < min(len(held), len(block.containers)) and held[common][1] == block.containers[common]:
            common += 1
        if common < len(held):
            del self._stack[held[common][0] :]
        for depth, key in enumerate(block.containers[common:], common):
            items = block.kind == "item" and depth >= len(block.containers) - max(1, block.level)
            self._push("", "item" if items else "block", key)
        return common < len(block.containers) or common < len(held)

    def _push(self, title: str, kind: str, key: int) -> None:
        scope = Scope(len(self.all), self.current, title, kind)
        self.all.append(scope)
        self._stack.append((scope.id, kind, key))


def plain(inlines: Sequence[Inline]) -> str:
    """The words of a title, formulas as LaTeX between dollars."""
    parts = (i.text if isinstance(i, Text) else f"${i.latex}$" for i in inlines)
    return _SPACE.sub(" ", "".join(parts)).strip().rstrip(".:：。 ")


def runin(inlines: Sequence[Inline]) -> str | None:
    """The title a paragraph opens with: its first strong run, or a number in brackets with the words after it."""
    first = next((i for i in inlines if isinstance(i, Formula) or i.text.strip()), None)
    if not isinstance(first, Text) or first.code:
        return None
    if first.strong or (first.emphasis and _PROOF.match(first.text)):
        title: list[Inline] = []
        for inline in inlines:
            if isinstance(inline, Text) and not inline.strong and inline is not first and inline.text.strip():
                break
            if isinstance(inline, Formula) and inline.display:
                break
            title.append(inline)
        while title and isinstance(title[-1], Formula):
            title.pop()
        text = plain(title)
        return text if 0 < len(text) <= _TITLE_LIMIT else None
    numbered = _NUMBERED.match(first.text)
    if numbered:
        return _SPACE.sub(" ", first.text[: numbered.end()]).strip() or None
    named = _NAMED.match(first.text)
    return named.group(1) if named else None


class _Writer:
    """Collects text into sentences."""

    def __init__(self, formulas: tuple[Formula, ...], lexicon: Lexicon) -> None:
        self.done: list[Sentence] = []
        self.scope_of = [0] * len(formulas)
        self._formulas = formulas
        self._abbreviations = lexicon.sets["abbreviations"]
        self._continuations = tuple(lexicon.sets["continuations"])
        self._resumes = lexicon.sets["resumes"]
        self._openers = lexicon.latin
        self._draft: _Draft | None = None
        self._paragraph = 0
        self._list_lead: int | None = None
        self._titles = 0
        """How many sentences there were after the latest title."""

    def block(self, block: Block, numbers: Sequence[int], scope: int, fresh: bool) -> None:
        alone = block.kind in ("heading", "hint", "theorem")
        words = _first_words(block)
        if self._draft is not None and (alone or fresh or not self._goes_on(self._draft, words)):
            colon = self._draft.text[-1].rstrip().endswith((":", "："))
            self._finish()
            if block.kind == "item" and colon and self.done:
                self._list_lead = self.done[-1].id
        if alone or block.kind not in ("item", "display"):
            self._list_lead = None
        if self._draft is None and words:
            self._paragraph += 1
        elif self._draft is not None:
            self._draft.text.append(" ")
        for inline, number in zip(block.inlines, numbers):
            if isinstance(inline, Formula):
                self._formula(inline, number, scope)
            elif alone:
                self._append(_SPACE.sub(" ", inline.text).replace("⟦", "[").replace("⟧", "]"), scope)
            else:
                self._text(inline.text, scope)
        if alone:
            self._finish()
            self._titles = len(self.done)

    def close(self) -> None:
        self._finish()

    def _goes_on(self, draft: _Draft, words: str) -> bool:
        """Whether a new block continues the open sentence; `words` is what it starts with, empty for a display."""
        if not words:
            return True
        if not draft.open_display:
            return False
        comma = ending(self._formulas[draft.formulas[-1]].latex) in (",", ";", ":")
        if words[0] == "⟦":
            return comma
        if words[0] > "\u2fff":
            return comma or words.startswith(self._continuations)
        return words[0].islower() or words[0] in ",;.)"

    def _open(self, scope: int) -> _Draft:
        if self._draft is None:
            self._draft = _Draft(scope, self._paragraph, lead=self._list_lead)
        return self._draft

    def _formula(self, formula: Formula, number: int, scope: int) -> None:
        draft = self._open(scope)
        self.scope_of[number] = scope
        draft.text.append(f" ⟦{number}⟧ " if formula.display else f"⟦{number}⟧")
        draft.formulas.append(number)
        draft.open_display = formula.display
        draft.length += 40
        if draft.length > _SENTENCE_LIMIT or formula.display and ending(formula.latex) == ".":
            self._finish()

    def _text(self, raw: str, scope: int) -> None:
        text = _SPACE.sub(" ", raw).replace("⟦", "[").replace("⟧", "]")
        if self._draft is not None and self._stops_before(self._draft, text):
            self._finish()
        start = 0
        for stop in self._stops(text):
            self._append(text[start:stop], scope)
            self._finish()
            start = stop
        for cut in range(start, len(text), _SENTENCE_LIMIT):
            self._append(text[cut : cut + _SENTENCE_LIMIT], scope)

    def _append(self, text: str, scope: int) -> None:
        if self._draft is None:
            text = text.lstrip()
        if text:
            draft = self._open(scope)
            draft.text.append(text)
            draft.open_display = draft.open_display and not text.strip()
            draft.length += len(text)
            if draft.length > _SENTENCE_LIMIT:
                self._finish()

    def _stops_before(self, draft: _Draft, text: str) -> bool:
        """`$t = 0, 1, \\dots$ The next`: a formula with a full stop or dots at its end, then a capital."""
        if not draft.text[-1].rstrip().endswith("⟧"):
            return False
        latex = self._formulas[draft.formulas[-1]].latex.rstrip()
        if ending(latex) == ".":
            return bool(_FRESH.match(text))
        if not latex.endswith(("dots", "...")):
            return False
        word = _CAPITAL.match(text)
        return word is not None and word.group().strip().lower() in self._openers

    def _stops(self, text: str) -> Iterator[int]:
        """Where sentences end inside a run of text."""
        for m in _STOP.finditer(text):
            mark = m.group()
            if mark[0] not in "。！？":
                following = text[m.end() : m.end() + 3].lstrip()
                if following and not _OPENS.match(following):
                    continue
                if mark[0] == ".":
                    before = _WORD_BEFORE.search(text, max(0, m.start() - 24), m.start())
                    word = before.group(1) if before else ""
                    if word.replace(".", "").lower() in self._abbreviations:
                        continue
                    if len(word) == 1 and word.isupper() and following:
                        continue
            yield m.end()

    def _finish(self) -> None:
        draft, self._draft = self._draft, None
        text = _SPACE.sub(" ", "".join(draft.text)).strip() if draft is not None else ""
        if draft is None or not text:
            return
        pieces = tuple(
            self._formulas[int(part)] if k % 2 else part
            for k, part in enumerate(_PLACEHOLDER.split(text))
            if k % 2 or part.strip()
        )
        lead = draft.lead if draft.lead is not None else self._carried(text, draft)
        self.done.append(
            Sentence(len(self.done), pieces, text, tuple(draft.formulas), draft.scope, draft.paragraph, lead)
        )

    def _carried(self, text: str, draft: _Draft) -> int | None:
        """The sentence before, if this one has no words of its own or starts with "then"."""
        if not self.done or self.done[-1].scope != draft.scope or self._titles == len(self.done):
            return None
        head = text[:40].lower()
        goes_on = not _WORDS.search(_PLACEHOLDER.sub("", text)) or any(
            head.startswith(w) and (w[0] > "\u2fff" or not head[len(w) : len(w) + 1].isalpha()) for w in self._resumes
        )
        return self.done[-1].id if goes_on else None


def _first_words(block: Block) -> str:
    """What the block starts with if that is words, ⟦ for an inline formula, empty for a display."""
    for inline in block.inlines:
        if isinstance(inline, Formula):
            return "" if inline.display else "⟦"
        if inline.text.strip():
            return inline.text.strip()
    return ""
