"""What the words of a document say about its formulas: the public function and its data.

    Document --prose_flow--> scopes, sentences --prose_clauses--> cues, hypotheses --+
                                    `-----------prose_facts-----> facts -------------+--> Context

The words themselves are data (`languages/*.toml`, read by `prose_lexicon`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lemmata.documents.model import Document, Formula
from lemmata.elaborate import surface as s
from lemmata.elaborate.prose_clauses import read_clauses
from lemmata.elaborate.prose_facts import Found, conventions_in, facts_in
from lemmata.elaborate.prose_flow import Flow, flow
from lemmata.elaborate.prose_judgement import approximate_in, withdrawn_in
from lemmata.elaborate.prose_language import foreign_sentences
from lemmata.elaborate.prose_lexicon import Lexicon, Token, lexicon
from lemmata.elaborate.prose_model import Clause, Context, Fact, FormulaContext, Hypothesis, Reading, Scope, Sentence
from lemmata.elaborate.prose_shapes import Form, form, words_inside

__all__ = ["Context", "Fact", "FormulaContext", "Hypothesis", "Scope", "Sentence", "context", "cue_of"]

_SIDE = 400
"""How many characters of the sentence are kept on each side of a formula."""
_WEAK = frozenset({"scalar", "vector", "matrix", "constant", "random", "square", "small", "real", "convex", "linear"})
"""Properties that do not turn a clause into an assumption."""
_INSIDE = frozenset({"elementwise", "rowwise", "columnwise"})
"""Properties that words inside a formula may state of it."""
_OF_LAWS = frozenset({"independent", "independent of", "iid"})
"""Facts that an if or when does not make an assumption."""
EXISTENTIAL = re.compile(
    r"(?:\bthere (?:is|are|exists?)\b|\bexists?\b|存在)"
    r"(?:(?!\b(?:hence|therefore|thus|consequently)\b|因此|因而|从而|所以|于是|故)[^.。;；:：])*$",
    re.IGNORECASE,
)
"""“If there exist a_i such that …” says what is looked for, not what holds; behind a colon or “hence” it is over."""
_NAMED = re.compile(
    r"(?:\b(?:the|a|an|this)\s+(?:[a-z-]+\s+){0,2}function|\b(?:derivative|gradient|graph|plot|slope|integral)s?\s+of"
    r"(?:\s+the\s+function)?|函数|(?:求|绘制|画出))\s*$",
    re.IGNORECASE,
)
"""“the function f(x) = …”, “the derivative of f(x) = …”: the formula says which function is meant."""
_CONDITIONAL = frozenset({"if", "when"})
_EXCEPT = ("unless", "除非")
"""Openers of what must fail for the rest of the sentence to hold."""


class _Read(Struct):
    """One sentence, read."""

    sentence: Sentence
    tokens: list[Token]
    reading: Reading
    found: list[Found]
    hypotheses: list[tuple[Clause, Hypothesis]]


def context(document: Document) -> Context:
    """What the prose says: scopes, sentences, facts, and for every formula its cue and hypotheses.

    Linear in the length of the document; equal documents give equal contexts.
    """
    words = lexicon()
    cut = flow(document, words)
    formulas = document.formulas
    forms = [form(f.latex) for f in formulas]
    displays = [f.display for f in formulas]
    reads: list[_Read] = []
    facts: list[Fact] = []
    for sentence in cut.sentences:
        reads.append(_sentence(sentence, reads[-1].sentence if reads else None, cut, forms, displays, words))
        _collect(reads[-1], formulas, words, facts)
    withdrawn = withdrawn_in(
        [(r.sentence, r.tokens, [c for c, h in r.hypotheses if h.kind in ("if", "when")]) for r in reads], forms
    )
    foreign = foreign_sentences(cut.sentences, words)
    contexts: list[FormulaContext | None] = [None] * len(formulas)
    inherited: list[tuple[Hypothesis, ...]] = []
    standing: tuple[int, tuple[Hypothesis, ...]] = (-1, ())
    for read in reads:
        sentence = read.sentence
        if standing[0] != sentence.paragraph:
            standing = (sentence.paragraph, ())
        led = inherited[sentence.lead] if sentence.lead is not None else ()
        outer = tuple(dict.fromkeys(led + standing[1]))
        rough = approximate_in(read.tokens)
        for token in read.tokens:
            if token.kind == "formula":
                made = _formula(read, token, cut, outer, withdrawn, rough)
                contexts[token.formula] = replace(made, foreign=foreign.get(sentence.id, ""))
        own = tuple(h for _, h in read.hypotheses)
        inherited.append(tuple(dict.fromkeys(led + tuple(h for h in own if h.kind != "forall"))))
        standing = (standing[0], standing[1] + tuple(h for h in own if h.kind == "assume" and h.words_only))
    return Context(cut.scopes, cut.sentences, tuple(c for c in contexts if c is not None), tuple(facts))


def _sentence(
    sentence: Sentence,
    previous: Sentence | None,
    cut: Flow,
    forms: Sequence[Form],
    displays: Sequence[bool],
    words: Lexicon,
) -> _Read:
    tokens = words.tokens(sentence.text)
    item = cut.scopes[sentence.scope].kind == "item"
    reading = read_clauses(tokens, sentence.text, forms, displays, words, item)
    before = previous.formulas if previous is not None else ()
    return _Read(
        sentence,
        tokens,
        reading,
        facts_in(tokens, sentence.text, forms, words, before),
        _hypotheses(sentence, reading, tokens, forms, words),
    )


def _hypotheses(
    sentence: Sentence, reading: Reading, tokens: Sequence[Token], forms: Sequence[Form], words: Lexicon
) -> list[tuple[Clause, Hypothesis]]:
    """The clauses of a sentence that restrict; `words_only` counts facts later, when they have their numbers."""
    found = []
    for clause in reading.clauses:
        if not clause.hypothesis:
            continue
        inside = tuple(t.formula for t in _within(tokens, clause) if t.kind == "formula")
        text = sentence.text[clause.start : clause.end].strip(" ,，:：.。")
        kind = clause.hypothesis
        rest = sentence.text[clause.start + len(clause.text) : clause.end].strip().lower()
        if kind in ("if", "when") and rest.startswith(tuple(words.sets["actions"])):
            kind = "action"
        if not rest:
            continue
        states = any(forms[k].states for k in inside)
        found.append(
            (clause, Hypothesis(text, inside, kind, not states and kind not in ("forall", "action"), sentence.id))
        )
    return found


def _within(tokens: Sequence[Token], clause: Clause) -> Iterable[Token]:
    k = clause.first
    while k < len(tokens) and tokens[k].start < clause.end:
        yield tokens[k]
        k += 1


def _collect(read: _Read, formulas: Sequence[Formula], words: Lexicon, facts: list[Fact]) -> None:
    """Number the facts of a sentence, and settle which of its hypotheses are understood."""
    sentence = read.sentence
    spans = [(c.start, c.end) for c, h in read.hypotheses if h.kind in _CONDITIONAL]
    numbered: list[tuple[int, Found]] = []
    denied = denied_spans(read.tokens)
    read.hypotheses = [(c, h) for c, h in read.hypotheses if not any(a <= c.start < b for a, b in denied)]
    for found in read.found + conventions_in(sentence.text, words):
        if any(a <= found.start < b for a, b in denied):
            continue
        conditional = any(a <= found.start < b for a, b in spans)
        numbered.append((len(facts), found))
        text = sentence.text[found.start : found.end]
        facts.append(
            Fact(found.kind, found.subjects, found.objects, text, sentence.scope, sentence.id, found.part, conditional)
        )
    for index in sentence.formulas:
        inner = words_inside(formulas[index].latex)
        if inner:
            for token in words.tokens(inner.replace("⟦", "[")):
                for kind in _INSIDE.intersection(token.entry.facts if token.entry is not None else ()):
                    facts.append(Fact(kind, (index,), (), token.text, sentence.scope, sentence.id))
    settled = []
    for clause, hypothesis in read.hypotheses:
        inside = [(n, f) for n, f in numbered if clause.start <= f.start < clause.end]
        if hypothesis.kind in _CONDITIONAL:
            inside = [(n, f) for n, f in inside if f.kind not in _OF_LAWS]
        understood = any(
            f.kind not in _WEAK or (f.kind == "constant" and hypothesis.kind != "assume") for _, f in inside
        )
        rest = hypothesis.words_only and understood and _left_over(read, clause, [f for _, f in inside])
        settled_one = replace(
            hypothesis,
            facts=tuple(n for n, _ in inside),
            words_only=hypothesis.words_only and not understood,
            partly=rest,
        )
        if hypothesis.text.lower().startswith(_EXCEPT):
            settled_one = replace(settled_one, facts=(), words_only=True)
        bare = settled_one.kind == "for" or (settled_one.kind == "set" and not inside)
        if settled_one.kind == "forall" and not settled_one.formulas:
            continue
        if bare and settled_one.words_only and not _restricts(read, clause):
            continue
        settled.append((clause, settled_one))
    read.hypotheses = settled


def denied_spans(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Where a sentence says what is not assumed: “we do not assume that A is symmetric”, to its end."""
    found = []
    for before, token in zip(tokens, tokens[1:], strict=False):
        if before.has("negators") and token.cue == "assume":
            found.append((token.start, tokens[-1].end + 1))
    return found


def _left_over(read: _Read, clause: Clause, inside: Sequence[Found]) -> bool:
    """Whether a condition says more than the properties that were understood: “A, B are invertible and commute”."""
    common = lexicon().sets["common"]
    for token in _within(read.tokens, clause):
        if any(f.start < token.end and token.start < f.end for f in inside):
            continue
        if token.kind == "word" and token.text not in common and (token.text.isascii() or len(token.text) > 1):
            return True
    return False


def _restricts(read: _Read, clause: Clause) -> bool:
    """Whether a clause without a stated relation narrows anything down: `for the same sequence`."""
    if clause.hypothesis == "set" and any(t.has("zeros") for t in _within(read.tokens, clause)):
        return True
    if clause.hypothesis == "for" and any(
        _adjective(read.tokens, at, clause) for at in range(clause.first + 1, len(read.tokens))
    ):
        return True
    near = [t for t in read.tokens[clause.first : clause.first + 5] if t.start < clause.end]
    return any(t.has("restricting") or (t.entry is not None and "constant" in t.entry.facts) for t in near)


def _adjective(tokens: Sequence[Token], at: int, clause: Clause) -> bool:
    """A noun that words before it narrow down: `for commuting matrices`."""
    token, before = tokens[at], tokens[at - 1]
    if (
        token.start >= clause.end
        or not token.has("nouns")
        and "matrix" not in (token.entry.facts if token.entry else ())
    ):
        return False
    return before.kind == "word" and at - 1 > clause.first and token.text.endswith("s")


def _formula(
    read: _Read,
    token: Token,
    cut: Flow,
    outer: tuple[Hypothesis, ...],
    withdrawn: frozenset[int],
    rough: frozenset[int],
) -> FormulaContext:
    text, index = read.sentence.text, token.formula
    clause = read.reading.cue.get(index)
    own = tuple(h for c, h in read.hypotheses if _governs(read, c, h, token))
    hint = index in cut.hints
    return FormulaContext(
        index,
        cut.scope_of[index],
        read.sentence.id,
        text[max(0, token.start - _SIDE) : token.start].strip(),
        text[token.end : token.end + _SIDE].strip(),
        "declare" if hint else clause.cue if clause is not None else "none",
        clause.text if clause is not None and not hint else "",
        tuple(dict.fromkeys(own + outer)),
        index in withdrawn,
        index in rough,
    )


def _governs(read: _Read, clause: Clause, hypothesis: Hypothesis, token: Token) -> bool:
    """Whether a clause restricts a formula of its sentence that stands outside it."""
    part = read.reading.part.get(token.formula, 0)
    if clause.start <= token.start < clause.end:
        return False
    if token.start >= clause.end:
        return part == clause.part or hypothesis.kind not in ("for", "forall")
    if part != clause.part:
        return False
    return not clause.leading or not read.reading.follows(clause)


def cue_of(words: FormulaContext, expr: s.Expr, inline: bool) -> str:
    """The cue of the words around a formula, with those right before it."""
    if EXISTENTIAL.search(words.before[-90:]) and words.cue not in ("define", "declare"):
        return "condition"
    applied = inline and isinstance(expr, s.Relation) and isinstance(expr.items[0], s.Juxt | s.Call)
    if applied and words.cue in ("none", "claim") and _NAMED.search(words.before[-60:]):
        return "named"
    return words.cue
