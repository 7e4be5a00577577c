"""Formulas the prose takes back ("one might guess ... but") or states only roughly ("approximately")."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.elaborate.prose_lexicon import Token
from lemmata.elaborate.prose_model import Clause, Sentence
from lemmata.elaborate.prose_shapes import Form

Read = tuple[Sentence, Sequence[Token], Sequence[Clause]]
"""A sentence, its tokens and its if/when clauses."""


def withdrawn_in(reads: Sequence[Read], forms: Sequence[Form]) -> frozenset[int]:
    """Formulas said to be wrong, in their sentence or in those up to the end of the next paragraph."""
    out: set[int] = set()
    guessed: list[tuple[int, int]] = []
    """(formula, paragraph) of guesses that still wait for their "but"."""
    latest: tuple[int, int, int] | None = None
    """(formula, paragraph, scope) of the last formula that states something, displays preferred within a sentence."""
    for sentence, tokens, conditions in reads:
        open_guess = False
        guesses: list[int] = []
        if any(t.entry is not None and t.entry.roles & _SIGNS for t in tokens):
            open_guess = any(t.has("guesses") for t in tokens)
            out |= _inside(tokens, forms, conditions)
            guesses = _guesses(tokens, out)
            turned = any(t.has("turns") for t in tokens)
            rejected = [
                t for t in tokens if t.has("rejections") and not any(c.start <= t.start < c.end for c in conditions)
            ]
            if (turned or rejected) and not open_guess:
                out.update(f for f, paragraph in guessed if sentence.paragraph - paragraph <= 1)
                guessed = []
            for token in rejected:
                at = tokens.index(token)
                if at > 0 and tokens[at - 1].kind == "formula":
                    out.add(tokens[at - 1].formula)
                elif not any(t.kind == "formula" and forms[t.formula].states for t in tokens[:at]):
                    if latest is not None and sentence.paragraph - latest[1] <= 1 and sentence.scope == latest[2]:
                        out.add(latest[0])
        guessed = [g for g in guessed if sentence.paragraph - g[1] <= 1] + [(f, sentence.paragraph) for f in guesses]
        stated = [t.formula for t in tokens if t.kind == "formula" and forms[t.formula].states]
        if stated:
            latest = (stated[-1], sentence.paragraph, sentence.scope)
    return frozenset(out)


_SIGNS = frozenset({"guesses", "turns", "mistakes", "instead", "rejections"})


def _inside(tokens: Sequence[Token], forms: Sequence[Form], conditions: Sequence[Clause]) -> set[int]:
    """Formulas withdrawn by a word of their own sentence: after "a common mistake is", "instead of"."""
    out: set[int] = set()
    for at, token in enumerate(tokens):
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if (
            token.has("instead")
            and following is not None
            and following.kind == "formula"
            and forms[following.formula] not in (Form.NUMBER, Form.SIZE)
        ):
            out.add(following.formula)
        if token.has("mistakes"):
            after = [t.formula for t in tokens[at + 1 : at + 60] if t.kind == "formula"]
            before = [t.formula for t in tokens[max(0, at - 60) : at] if t.kind == "formula"]
            turn = next((t.start for t in tokens[at + 1 : at + 60] if t.has("turns") or t.has("instead")), None)
            if turn is not None:
                after = [t.formula for t in tokens[at + 1 : at + 60] if t.kind == "formula" and t.start < turn]
            out.update(after or before[-1:])
    return out


def _guesses(tokens: Sequence[Token], out: set[int]) -> list[int]:
    """Formulas after "one might guess"; those with a "but" behind them in the same sentence go to `out` at once."""
    waiting: list[int] = []
    guessing = False
    for token in tokens:
        if token.has("guesses"):
            guessing = True
        elif token.has("turns") and guessing:
            out.update(waiting)
            waiting, guessing = [], False
        elif token.kind == "formula" and guessing:
            waiting.append(token.formula)
    return waiting


def approximate_in(tokens: Sequence[Token]) -> frozenset[int]:
    """Formulas with "approximately" between them and the formula before, or right behind them."""
    out: set[int] = set()
    rough = False
    for at, token in enumerate(tokens):
        if token.has("approximate"):
            rough = token.text != "about" or (at + 1 < len(tokens) and tokens[at + 1].kind == "formula")
            if at > 0 and tokens[at - 1].kind == "formula" and token.text in ("左右",):
                out.add(tokens[at - 1].formula)
                rough = False
        elif token.kind == "formula":
            if rough:
                out.add(token.formula)
            rough = False
        elif token.kind in ("semicolon", "stop"):
            rough = False
    return frozenset(out)
