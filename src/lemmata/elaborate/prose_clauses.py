"""The governing words: a walk over a sentence that keeps the clause it is in, and from it cues and hypotheses."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.elaborate.prose_lexicon import Lexicon, Token
from lemmata.elaborate.prose_model import Clause, Reading
from lemmata.elaborate.prose_shapes import Form

CUE_OF = {
    "define": "define",
    "participle": "define",
    "assume": "assume",
    "condition": "condition",
    "where": "where",
    "with": "where",
    "for": "declare",
    "claim": "claim",
    "then": "claim",
    "copula": "claim",
    "satisfy": "claim",
    "update": "update",
    "example": "example",
    "recall": "recall",
    "by": "recall",
    "none": "none",
}
_CLOSING = frozenset({"participle", "condition", "with", "for", "by", "example"})
_LED = frozenset({"for", "with", "condition", "participle"})
"""Clauses that lead to a main clause."""
_DEPTH = 6
"""Clauses inside each other; deeper ones end the outer ones."""
_REACH = 40
"""How many tokens a look ahead may take."""


def read_clauses(
    tokens: Sequence[Token], text: str, forms: Sequence[Form], displays: Sequence[bool], lexicon: Lexicon, item: bool
) -> Reading:
    """Follow the governing words of a sentence; one step per token. `item`: the sentence is in a list item."""
    return _Walk(tokens, text, forms, displays, lexicon, item).run()


class _Walk:
    def __init__(
        self,
        tokens: Sequence[Token],
        text: str,
        forms: Sequence[Form],
        displays: Sequence[bool],
        lexicon: Lexicon,
        item: bool,
    ) -> None:
        self._tokens, self._text, self._forms, self._displays = tokens, text, forms, displays
        self._lexicon = lexicon
        self._item = item
        self._base = Clause("none", "none", "", 0, 0)
        self._top = self._base
        self._clauses: list[Clause] = []
        self._cue: dict[int, Clause] = {}
        self._parts: dict[int, int] = {}
        self._part = 0
        self._ends: dict[int, int] = {}
        self._after_formula: Token | None = None
        """The first token after the latest formula of the clause, if any came yet."""
        self._last: int | None = None
        self._said = False
        """Whether this part of the sentence has a formula outside of hypotheses yet."""

    def run(self) -> Reading:
        for at, token in enumerate(self._tokens):
            if (
                token.kind not in ("formula", "open", "close")
                and self._last is not None
                and self._after_formula is None
            ):
                self._after_formula = token
            match token.kind:
                case "formula":
                    self._formula(at, token)
                case "comma":
                    self._comma(at)
                case "semicolon":
                    self._reset(token.start)
                    self._part += 1
                    self._said = False
                case "colon":
                    self._colon(at)
                case "open":
                    self._push("where", "where", "", at, closing_bracket=True)
                case "close":
                    self._close_bracket(token.end)
                case "phrase" | "word":
                    self._word(at, token)
                case _:
                    pass
        while self._top is not self._base:
            self._pop(len(self._text))
        return Reading(tuple(self._clauses), self._cue, self._parts, self._ends)

    # -- clauses ----------------------------------------------------------------------------------------------------

    def _push(self, word: str, cue: str, hypothesis: str, at: int, closing_bracket: bool = False) -> None:
        token = self._tokens[at]
        clause = Clause(
            word,
            cue,
            "" if closing_bracket else token.text,
            token.start,
            token.end,
            hypothesis,
            self._top,
            first=at,
            leading=not self._said or self._after_boundary(at),
            part=self._part,
            bracket=closing_bracket,
        )
        self._clauses.append(clause)
        self._top = clause

    def _replace(self, word: str, cue: str, hypothesis: str, at: int) -> None:
        """Open a clause that is not inside the present one, which ends here (an enclosing bracket stays)."""
        start = self._tokens[at].start
        while self._top is not self._base and not self._top.bracket:
            self._pop(start)
        self._push(word, cue, hypothesis, at)

    def _pop(self, end: int) -> None:
        self._top.end = end
        assert self._top.parent is not None
        self._top = self._top.parent

    def _reset(self, end: int) -> None:
        while self._top is not self._base and not self._top.bracket:
            self._pop(end)

    def _after_boundary(self, at: int) -> bool:
        if at == 0:
            return True
        before = self._tokens[at - 1]
        return (
            before.kind in ("comma", "semicolon", "colon", "open")
            or before.has("conjunctions")
            or before.cue in ("then", "define", "assume", "claim")
        )

    # -- events -----------------------------------------------------------------------------------------------------

    def _comma(self, at: int) -> None:
        clause = self._top
        if clause.word == "copula" and not clause.formulas:
            self._pop(self._tokens[at].start)  # `X is invertible, ...`: what it said is complete
        elif clause.word in _CLOSING and (clause.content or at > clause.first + 1):
            for around in self._around(clause):
                around.pending = True

    def _colon(self, at: int) -> None:
        if self._item and self._top is self._base and self._cue and not self._clauses:
            self._push("where", "where", "", at)  # `- $x$: the input, with ...`: an entry of a list of symbols
        while self._top.word in _CLOSING and not self._top.bracket and self._top.content:
            self._pop(self._tokens[at].start)
        if self._top.word == "define" and self._top.formulas:
            self._pop(self._tokens[at].start)

    def _close_bracket(self, end: int) -> None:
        clause: Clause | None = self._top
        while clause is not None and not clause.bracket:
            clause = clause.parent
        if clause is None:
            return
        while self._top is not clause:
            self._pop(end)
        self._pop(end)

    def _formula(self, at: int, token: Token) -> None:
        form = self._forms[token.formula]
        display = self._displays[token.formula]
        if display and self._top.word == "where" and not self._top.bracket and not self._said and self._top.formulas:
            self._pop(token.start)
        while self._top.word in _CLOSING and not self._top.bracket:
            clause = self._top
            over = display and clause.content and clause.word != "example" and not self._joined(at)
            if not (over or self._main(at, form) or (clause.pending and self._leaves(at, form))):
                break
            self._pop(self._tokens[at - 1].start if clause.pending else token.start)
        clause = self._top
        if clause.word == "by" and (at != clause.first + 1 or display):
            self._pop(token.start)
            clause = self._top
        elif clause.hypothesis == "at" and not (at == clause.first + 1 and form.states) and not clause.content:
            clause.hypothesis, clause.word, clause.cue = "", "for", "none"
        for around in self._around(clause):
            around.pending = False
        clause.content = True
        clause.formulas.append(token.formula)
        self._cue[token.formula] = clause
        self._parts[token.formula] = self._part
        self._ends[self._part] = token.start
        self._last, self._after_formula = at, None
        if form in (Form.EQUATION, Form.INEQUALITY) and not any(c.hypothesis for c in self._around(clause)):
            self._said = True

    def _main(self, at: int, form: Form) -> bool:
        """Whether an equation is the main clause although no comma says so: `For $x$ we minimise $f = ...$`."""
        clause = self._top
        if form not in (Form.EQUATION, Form.INEQUALITY) or clause.word not in ("for", "with", "condition"):
            return False
        if clause.formulas:
            return not self._tokens[at - 1].has("conjunctions") and self._restarted(clause)
        last = all(t.kind in ("stop", "close") for t in self._tokens[at + 1 : at + 3])
        return last and clause.first == 0 and clause.word == "for" and at > 2 and not self._said

    def _around(self, clause: Clause) -> list[Clause]:
        found: list[Clause] = []
        at: Clause | None = clause
        while at is not None:
            found.append(at)
            at = at.parent
        return found

    def _joined(self, at: int) -> bool:
        """Whether the formula follows its governing word at once, or "and"."""
        before = self._tokens[at - 1] if at else None
        return before is None or before.has("conjunctions") or at == self._top.first + 1

    def _leaves(self, at: int, form: Form) -> bool:
        """Whether a formula after the clause's comma belongs to what the clause leads to."""
        clause, token, before = self._top, self._tokens[at], self._tokens[at - 1]
        if self._displays[token.formula]:
            return True
        if before.has("conjunctions"):
            return clause.parent is not self._base and clause.word not in ("condition",)
        if before.kind != "comma":
            return form is not Form.MEMBER
        if clause.parent is not None and clause.parent is not self._base:
            return True
        if form in (Form.MEMBER, Form.SYMBOL, Form.SIZE, Form.NUMBER):
            return False
        return not self._listed(at)

    def _listed(self, at: int) -> bool:
        """Whether an enumeration goes on after this formula up to an "and"."""
        k = at + 1
        while k + 1 < min(len(self._tokens), at + _REACH):
            mark, following = self._tokens[k], self._tokens[k + 1]
            if mark.has("conjunctions"):
                return following.kind == "formula"
            if mark.kind != "comma":
                return False
            if following.has("conjunctions"):
                return k + 2 < len(self._tokens) and self._tokens[k + 2].kind == "formula"
            if following.kind != "formula":
                return False
            k += 2
        return False

    def _word(self, at: int, token: Token) -> None:
        clause = self._top
        if clause.pending and clause.word in _CLOSING and not token.has("conjunctions") and not token.has("idioms"):
            if not (token.cue in ("with", "for") and clause.word in ("with", "for") and self._next_is(at, "formula")):
                while self._top.word in _CLOSING and self._top.pending and not self._top.bracket:
                    self._pop(self._tokens[at - 1].start)
                clause = self._top
        if token.has("idioms") and not token.cue:
            clause.content = True
            return
        if token.has("closers") and clause.word in _CLOSING and clause.content:
            self._pop(token.end)
            return
        if token.cue:
            self._governing(at, token)
        elif token.entry is not None and token.entry.hypothesis:
            self._push("for", "none", token.entry.hypothesis, at)
        elif not token.has("conjunctions"):
            clause.content = clause.content or clause.word != "none"

    def _next_is(self, at: int, kind: str) -> bool:
        return at + 1 < len(self._tokens) and self._tokens[at + 1].kind == kind

    def _governing(self, at: int, token: Token) -> None:
        word, clause = token.cue, self._top
        hypothesis = token.entry.hypothesis if token.entry is not None else ""
        bare = not clause.formulas and not clause.pending
        if word == "copula":
            self._copula(at, token)
        elif word in ("claim", "then"):
            if token.text == "有" and not (self._concludes(at) and not (clause.word == "define" and bare)):
                return
            if clause.word in ("condition", "assume") and bare and word == "claim":
                return
            self._replace(word, "claim", "", at)
        elif word == "satisfy":
            self._satisfy(at, token)
        elif word in ("define", "update", "recall"):
            if clause.word == "condition" and bare:
                return
            if (
                word == "update"
                and not self._next_is(at, "colon")
                and not self._next_is(at, "formula")
                and not self._before_display(at)
            ):
                return
            self._replace(word, CUE_OF[word], hypothesis, at)
        elif word in ("assume", "where"):
            if word == "where" and token.text == "here" and at > 0 and self._tokens[at - 1].kind == "word":
                return
            self._replace(word, word, hypothesis, at)
        elif word == "condition":
            if hypothesis == "at" or token.text == "at":
                if not self._next_is(at, "formula"):
                    return
            if clause.word == "define" and bare and hypothesis == "":
                return
            self._nested(word, hypothesis, at)
        elif word == "by" and clause.word == "define":
            return  # `denote the risk by R`
        elif word in ("with", "for"):
            if word == "for" and self._not_a_domain(at, token):
                return
            self._nested(word, hypothesis, at)
        else:
            self._nested(word, hypothesis, at)

    def _concludes(self, at: int) -> bool:
        """Whether a formula or a pause follows: `则有 $x$`, not `有标签的`."""
        return at + 1 < len(self._tokens) and self._tokens[at + 1].kind in ("formula", "comma", "colon", "semicolon")

    def _before_display(self, at: int) -> bool:
        """Whether only words stand between here and a display."""
        k = at + 1
        while k < min(len(self._tokens), at + _REACH) and self._tokens[k].kind in ("word", "phrase", "colon"):
            k += 1
        return k < len(self._tokens) and self._tokens[k].kind == "formula" and self._displays[self._tokens[k].formula]

    def _nested(self, word: str, hypothesis: str, at: int) -> None:
        """A clause inside the present one: when it ends, the present one goes on."""
        if (
            self._top.word in _CLOSING
            and not self._top.bracket
            and (self._top.pending or self._top.word == word == "condition")
        ):
            self._pop(self._tokens[at].start)
        if len(self._around(self._top)) > _DEPTH:
            self._reset(self._tokens[at].start)
        self._push(word, CUE_OF[word], hypothesis, at)

    def _not_a_domain(self, at: int, token: Token) -> bool:
        """`write X for Y`; `对 x 求导`: with respect to x, no restriction."""
        if token.text == "for":
            before = self._tokens[at - 1] if at else None
            return (
                before is not None
                and before.kind == "formula"
                and self._top.word == "define"
                and self._top.text in ("write", "we write")
            )
        if token.text in ("对", "对于", "关于"):
            k = at + 1
            while (
                k < min(len(self._tokens), at + _REACH)
                and self._tokens[k].kind in ("word", "phrase")
                and not self._tokens[k].cue
            ):
                k += 1
            after = self._tokens[k + 1] if k + 1 < len(self._tokens) and self._tokens[k].kind == "formula" else None
            if after is None:
                following = self._text[token.end : token.end + 16].split("，")[0].split("。")[0]
                return any(w in following for w in ("求", "的梯度", "的导数", "的偏导"))
            return (
                after.kind in ("word", "phrase")
                and after.text[0] in "求的做作逐取进微应使分再"
                or (after.text.startswith("和") and "求" in self._text[after.start : after.start + 20])
            )
        return False

    def _satisfy(self, at: int, token: Token) -> None:
        clause = self._top
        inside = clause.word in ("define", "where", "assume", "with") or (
            clause.word in ("for", "condition") and not clause.pending and clause.content
        )
        relative = (
            at > 0
            and self._tokens[at - 1].text in ("which", "that", "who")
            or token.text.endswith("ing")
            or (self._item and bool(self._cue))
        )
        displayed = self._next_is(at, "formula") and self._displays[self._tokens[at + 1].formula]
        if (inside or relative) and not (displayed and clause.word not in ("define", "where", "assume")):
            self._push("condition", "condition", "", at)
        else:
            self._replace("claim", "claim", "", at)

    def _copula(self, at: int, token: Token) -> None:
        clause = self._top
        if clause.word in ("none", "claim", "then", "copula", "recall") and not clause.bracket:
            if clause.word == "none" or clause.content:
                self._replace("copula", "claim", "", at)
            return
        governing = clause
        while (
            governing.word in _LED and not governing.formulas and governing.parent is not None and not governing.bracket
        ):
            governing = governing.parent  # `For $X$ the link with vectorisation is`: the inner clause is only words
        if (
            governing.word in _LED
            and not governing.bracket
            and (self._restarted(governing) or self._finite(governing, at))
        ):
            while self._top.word in _LED and not self._top.bracket:
                self._pop(self._after_formula.start if self._after_formula is not None else token.start)
            if self._top.word in ("none", "claim", "then", "copula"):
                self._replace("copula", "claim", "", at)

    def _finite(self, clause: Clause, at: int) -> bool:
        """`the identity for $U$ and $V$ reads`: a verb right behind what a for or with names."""
        return (
            clause.word in ("for", "with")
            and self._after_formula is self._tokens[at]
            and self._tokens[at].text.isascii()
        )

    def _restarted(self, clause: Clause) -> bool:
        """`For $x \\in R$ the gradient is`: after the clause's formula a new subject, then the verb."""
        after = self._after_formula
        if self._last is None or after is None or not clause.formulas:
            return False
        form = self._forms[self._tokens[self._last].formula]
        if clause.word == "condition" and not form.states:
            return False
        return after.text in self._PRONOUNS or (
            after.kind in ("word", "phrase") and after.text[0] > "\u2fff" and after.text[0] not in "为是均都"
        )

    _PRONOUNS = frozenset({"the", "it", "its", "this", "these", "we", "one", "both", "their", "they", "there"})
