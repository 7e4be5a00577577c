"""Facts stated in words: which property is said of which formula."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lemmata.elaborate.prose_lexicon import Lexicon, Token
from lemmata.elaborate.prose_shapes import Form

_REACH = 24
"""How many tokens a property may stand from its formula."""
_OWN = frozenset({"zero mean", "unit variance"})
"""Phrases that a formula right behind them only repeats: `zero mean $\\mu = 0$`."""
_PREDICATES = ("视", "看作", "当作", "为", "均", "大于", "小于", "不", "互", "两两", "各")
"""How phrases begin that contain their verb."""
_WEAK = frozenset({"vector", "matrix"})
"""Words that say little: only the formula right behind them is meant."""
_BY_ROWS = frozenset({"one-hot", "simplex", "unit norm"})
"""Properties that a matrix has row by row."""
_UNARY_SYMBOLS = frozenset({"identity", "ones", "zeros", "basis vector"})
_MOMENTS = frozenset({"mean", "variance", "standard deviation", "covariance"})
_DECOMPOSITIONS = frozenset({"svd", "full svd", "cholesky", "eigendecomposition", "qr"})


class Found(Struct, frozen=True):
    """A fact inside one sentence; `start` and `end` are offsets of its words."""

    kind: str
    subjects: tuple[int, ...]
    objects: tuple[int, ...]
    start: int
    end: int
    part: str = ""


class _Search(Struct):
    tokens: Sequence[Token]
    text: str
    forms: Sequence[Form]
    taken: set[int]
    """Formulas that are the value of a relation, never the bearer of a property."""
    covered: bytearray
    """Offsets of the words of relations."""

    # -- what may bear a property --------------------------------------------------------------------------------------

    def bears(self, at: int, bounds: bool = False) -> bool:
        """Whether the formula can have a property; a bound such as `\\epsilon > 0` only if `bounds`."""
        token = self.tokens[at]
        form = self.forms[token.formula]
        if form in (Form.SIZE, Form.NUMBER) or (form is Form.INEQUALITY and not bounds) or token.formula in self.taken:
            return False
        return not self._measures(token)

    def _towards(self, at: int) -> bool:
        """`from $x$ to ...`; not `for $x$ to be ...`."""
        tokens = self.tokens
        return tokens[at].text == "to" and at > 0 and tokens[at - 1].kind == "formula" and tokens[at + 1].text != "be"

    def _measures(self, token: Token) -> bool:
        """`$i$-th`, `$n$ 维`: the formula counts, it is no bearer."""
        rest = self.text[token.end : token.end + 4]
        return rest.startswith("-") or rest.lstrip()[:1] in ("维", "个", "层", "步", "项", "阶", "次", "类")

    # -- directions -------------------------------------------------------------------------------------------------

    def left(self, at: int, loose: bool = False, nouns: int = 0) -> tuple[tuple[int, ...], bool, str] | None:
        """Formulas that the phrase at token `at` is said of, looking left: (formulas, through a verb, part).

        Looks past articles, verbs of being, other properties, sizes, and at most `nouns` other words; `loose` also past
        commas and the values of other relations. None if anything else stands between, or a negation.
        """
        verb = plural = False
        part = ""
        joined = at > 0 and self.tokens[at - 1].has("copulas") and at > 1 and self.tokens[at - 2].has("conjunctions")
        k = at - 1
        commas = 0
        while k >= 0 and at - k <= _REACH:
            token = self.tokens[k]
            if token.kind == "formula":
                if self.bears(k):
                    break
                k -= 1
                continue
            if token.kind == "open" or token.kind == "close":
                pass
            elif token.kind == "comma":
                before = self.tokens[k - 1].entry if k > 0 else None
                listed = before is not None and bool(before.facts)
                commas += not listed  # `is symmetric, positive definite and ...`
                if not loose and (commas > 1 or (verb and not listed)):
                    return None
            elif token.kind not in ("phrase", "word"):
                return None
            elif token.has("negators") or (self._towards(k)):
                return None
            elif token.has("parts"):
                part = "components"
            elif token.has("copulas") or token.has("skip") or token.has("nouns") or token.has("conjunctions"):
                verb = verb or token.has("copulas")
                plural = plural or token.has("plural")
            elif token.cue == "with" or (token.entry is not None and token.entry.facts):
                pass
            elif loose and self.covered[token.start]:
                pass
            elif nouns > 0 and token.kind == "word":
                nouns -= 1
            elif token.kind == "word" and token.text[0] > "\u2fff" and len(token.text) <= 4 and not verb and loose:
                pass
            else:
                return None
            k -= 1
        else:
            return None
        if joined:
            k = self._head(k)
        if k > 0 and self.tokens[k - 1].has("negators"):
            return None  # `whether $M$ is invertible`
        formulas = [self.tokens[k].formula]
        if (
            not part
            and k >= 2
            and self.tokens[k - 1].text in ("of", "the")
            and any(self.tokens[j].has("parts") for j in (k - 2, k - 3) if j >= 0)
        ):
            part = "components"
        while k >= 2 and len(formulas) < _REACH and self.tokens[k - 2].kind == "formula" and self.bears(k - 2):
            mark, form = self.tokens[k - 1], self.forms[self.tokens[k - 2].formula]
            named = form is Form.SYMBOL or (verb and (form is Form.MEMBER or (plural and mark.has("conjunctions"))))
            if not (mark.text == "、" or (named and (mark.has("conjunctions") or (mark.kind == "comma" and plural)))):
                break
            k -= 2
            formulas.append(self.tokens[k].formula)
        return tuple(reversed(formulas)), verb, part

    def _head(self, k: int) -> int:
        """The first bearer of the clause that token `k` stands in: the subject that "and is ..." goes back to."""
        best = k
        for j in range(k, max(-1, k - _REACH), -1):
            token = self.tokens[j]
            if token.kind in ("comma", "semicolon", "colon", "stop") or token.cue in (
                "define",
                "assume",
                "condition",
                "then",
                "where",
            ):
                break
            if token.kind == "formula" and self.bears(j):
                best = j
        return best

    def right(self, at: int) -> tuple[int, ...] | None:
        """Formulas that the phrase at token `at` stands before: `symmetric $A$`, `an invertible matrix $X$`."""
        words = 0
        noun = self.tokens[at].has("nouns")
        entry = self.tokens[at].entry
        weak = entry is not None and bool(set(entry.facts) & _WEAK)
        by_rows = entry is not None and set(entry.facts) <= _BY_ROWS
        k = at + 1
        while k < len(self.tokens) and words <= 4:
            token = self.tokens[k]
            if token.kind == "formula":
                if self.bears(k, bounds=True):
                    break
                if self.forms[token.formula] not in (Form.SIZE, Form.NUMBER) and not self._measures(token):
                    return None
            elif by_rows and self.tokens[k - 1].has("slices") and token.has("skip"):
                words += 1
            elif (
                token.has("closers")
                or token.has("stop")
                or token.has("foreign")
                or token.has("negators")
                or token.has("copulas")
                or token.has("idioms")
            ):
                return None
            elif token.kind == "open":
                k = next(
                    (j for j in range(k, min(k + 8, len(self.tokens))) if self.tokens[j].kind == "close"),
                    len(self.tokens),
                )
            elif token.has("conjunctions"):
                following = self.tokens[k + 1] if k + 1 < len(self.tokens) else None
                if (
                    following is None
                    or following.kind == "formula"
                    or following.entry is None
                    or not following.entry.facts
                ):
                    return None
            elif token.cue or token.kind not in ("phrase", "word"):
                return None
            elif token.kind == "word" and (weak or noun or (token.text[0] > "\u2fff" and len(token.text) > 6)):
                return None
            else:
                words += 1
                noun = noun or (token.has("nouns") and token.text[0] < "\u2fff")
            k += 1
        else:
            return None
        formulas = [self.tokens[k].formula]
        several = self.tokens[k - 1].text.endswith(("s", "ces")) or self.tokens[k - 1].text[0] > "\u2fff"
        while (
            several
            and len(formulas) < _REACH
            and k + 2 < len(self.tokens)
            and self.tokens[k + 2].kind == "formula"
            and self.bears(k + 2)
        ):
            mark = self.tokens[k + 1]
            if not (
                mark.has("conjunctions")
                or mark.text == "、"
                or (mark.kind == "comma" and self.forms[self.tokens[k + 2].formula] is not Form.EQUATION)
            ):
                break
            k += 2
            formulas.append(self.tokens[k].formula)
        return tuple(formulas)

    def attributive(self, at: int) -> bool:
        """Whether the phrase belongs to a noun or verb behind it: `the matrix form`, `正态分布的密度`."""
        k = at + 1
        while k < len(self.tokens) and (entry := self.tokens[k].entry) is not None and entry.facts:
            k += 1
        rest = self.text[self.tokens[k - 1].end :].lstrip()
        if rest[:1] == "的" and "\u4e00" <= rest[1:2] <= "\u9fff":
            return True
        if k == len(self.tokens):
            return False
        token = self.tokens[k]
        return (
            token.has("foreign")
            or (token.has("copulas") and token.text.isascii())
            or (token.kind == "word" and token.text.isascii() and token.text.isalpha())
        )

    def negated(self, at: int) -> bool:
        """Whether a negation stands before the phrase, with at most four words and no formula between."""
        for k in range(at - 1, max(-1, at - 6), -1):
            token = self.tokens[k]
            if token.has("negators"):
                return True
            if token.kind in ("formula", "semicolon", "colon", "stop", "open"):
                return False
        return False


def facts_in(
    tokens: Sequence[Token], text: str, forms: Sequence[Form], lexicon: Lexicon, previous: Sequence[int]
) -> list[Found]:
    """The facts of one sentence. `previous`: formulas of the sentence before, for `Rows are denoted ...`."""
    if tokens and tokens[-1].kind == "question":
        return []
    out = _relations(tokens, text, forms, lexicon, previous)
    taken = {o for f in out if f.kind in _MOMENTS | {"rows", "columns"} for o in f.objects if o not in f.subjects}
    search = _Search(tokens, text, forms, taken, bytearray(len(text)))
    for at, token in enumerate(tokens):
        if token.entry is not None and token.entry.facts and not token.has("negators") and not search.negated(at):
            out.extend(_property(search, at, token))
    spread = tuple(dict.fromkeys(s for f in out if f.kind == "variance" for s in f.subjects))
    return [f if f.subjects else replace(f, subjects=spread, part="components") for f in out if f.subjects or spread]


def _property(search: _Search, at: int, token: Token) -> list[Found]:
    assert token.entry is not None
    kinds = token.entry.facts
    if "independent" in kinds and at + 1 < len(search.tokens) and search.tokens[at + 1].text == "of":
        return []
    after = search.tokens[at + 1] if at + 1 < len(search.tokens) else None
    if after is not None and after.entry is not None and after.entry.hypothesis in ("if", "when"):
        return []  # `is invertible if and only if ...`: a conclusion
    left = search.left(at)
    right = search.right(at)
    if set(kinds) & _OWN and after is not None and after.kind == "formula":
        right = None
    part = ""
    if left is not None and (left[1] or token.text.startswith(_PREDICATES)):
        subjects, part = left[0], left[2]
    elif right is not None:
        subjects = right
    elif left is not None and not search.attributive(at):
        subjects, part = left[0], left[2]
    elif token.text.startswith("means "):
        return [Found("zero mean", (), (), token.start, token.end)]
    else:
        ahead = _decomposed(search, at) if set(kinds) & _DECOMPOSITIONS else None
        if ahead is None:
            return []
        subjects = ahead
    if set(kinds) & _DECOMPOSITIONS:
        subjects = tuple(s for s in subjects if search.forms[s] is Form.EQUATION) or subjects
    if (
        set(kinds) & _UNARY_SYMBOLS
        and right is subjects
        and any(search.forms[s].states and search.forms[s] is not Form.MEMBER for s in subjects)
    ):
        return []
    return [Found(kind, subjects, (), token.start, token.end, part) for kind in kinds]


def _decomposed(search: _Search, at: int) -> tuple[int, ...] | None:
    """`the singular value decomposition of $X$ is $X = U S V^T$`: the next equation of the sentence."""
    for token in search.tokens[at + 1 : at + _REACH]:
        if token.kind in ("semicolon", "stop"):
            return None
        if token.kind == "formula" and search.forms[token.formula] is Form.EQUATION:
            return (token.formula,)
    return None


def _relations(
    tokens: Sequence[Token], text: str, forms: Sequence[Form], lexicon: Lexicon, previous: Sequence[int]
) -> list[Found]:
    lower = text.lower()
    out: list[Found] = []
    taken: set[int] = set()
    covered = bytearray(len(text))
    search = _Search(tokens, text, forms, taken, covered)
    starts = [token.start for token in tokens]
    for relation in lexicon.relations:
        if "⟦" in text and relation.kind in _MOMENTS and relation.may_occur(lower):
            # “covariances S and means m”: what is named as a moment has none itself.
            named = [m for m in relation.pattern.finditer(text) if " of " not in m.group()]
            taken.update(k for m in named for k in _formulas(m.groupdict().get("O"))[: _values(m)])
    for relation in lexicon.relations:
        if "⟦" not in text or not relation.may_occur(lower):
            continue
        for m in relation.pattern.finditer(text):
            groups = m.groupdict()
            objects = _listed(groups.get("O"), m.start("O") == m.start(), forms) if groups.get("O") else ()
            objects = objects[: _values(m)] if relation.kind in _MOMENTS else objects
            objects += _formulas(groups.get("O2"))
            subjects = _listed(groups.get("S"), m.start("S") == m.start(), forms) if groups.get("S") else ()
            if relation.kind not in _MOMENTS and any(covered[m.start() : m.end()]):
                continue
            if _negation_before(text, m.start()):
                continue
            part = ""
            if not subjects and relation.kind in ("rows", "columns") and previous:
                near = _before(search, bisect_left(starts, m.start()), nouns=3)
                subjects = near[0] if near is not None else tuple(previous[-len(objects) :])
            elif not subjects:
                found = _before(search, bisect_left(starts, m.start()), nouns=0 if relation.kind in _MOMENTS else 3)
                if relation.kind in _MOMENTS:
                    taken.update(objects)
                if found is None:
                    continue
                subjects, part = found
            subjects = tuple(s for s in subjects if s not in objects)
            if relation.kind == "gradient named" and any(forms[s] is Form.EQUATION for s in subjects):
                continue
            if not subjects:
                continue
            out.append(Found(relation.kind, subjects, objects, m.start(), m.end(), part))
            covered[m.start() : m.end()] = b"\x01" * (m.end() - m.start())
            if relation.kind in _MOMENTS | {"rows", "columns"}:
                taken.update(objects)
    return sorted(out, key=lambda f: f.start)


def _values(moment: re.Match[str]) -> int | None:
    """How many formulas behind `variance` are its value: of `variance $1$, $x$ with mean ...` one; None for all."""
    words, _, rest = moment.group().partition("⟦")
    several = words.rstrip().endswith("s") or any(word in rest for word in ("and", "、", "和", "与"))
    return None if several or "of " in words else 1


def _before(search: _Search, at: int, nouns: int) -> tuple[tuple[int, ...], str] | None:
    """What a relation that starts at token `at` is said of: the nearest bearer on its left, past other values."""
    left = search.left(at, loose=True, nouns=nouns)
    if left is not None:
        return left[0], left[2]
    right = (
        search.right(at)
        if at < len(search.tokens) and search.tokens[at].entry is not None and search.tokens[at].cue == "with"
        else None
    )
    return (right, "") if right is not None else None


def _formulas(group: str | None) -> tuple[int, ...]:
    return tuple(int(p.split("⟧")[0]) for p in group.split("⟦")[1:]) if group else ()


def _listed(group: str | None, leading: bool, forms: Sequence[Form]) -> tuple[int, ...]:
    """The members of an enumeration that belong together.

    In front of the words only a list with an "and" is one (`A, B and C are rows of X`); behind them it ends where
    names turn into statements (`with entries $w_0, w_1$, $k \\le n$`) and holds one statement unless "and" joins more.
    """
    listed = _formulas(group)
    if len(listed) < 2 or group is None:
        return listed
    joined = any(word in group for word in ("and", "、", "和", "与"))
    if leading:
        return listed if joined else listed[-1:]
    first = forms[listed[0]]
    if first.states:
        return listed if joined else listed[:1]
    return listed[: next((k for k, f in enumerate(listed) if forms[f].states), len(listed))]


_NOT = ("not ", "n't ", "never ", "cannot ", "不", "并非", "不是", "without ")


def _negation_before(text: str, start: int) -> bool:
    return text[max(0, start - 12) : start].lower().endswith(_NOT)


def conventions_in(text: str, lexicon: Lexicon) -> list[Found]:
    """What a sentence lays down for the whole document."""
    lower = text.lower()
    out = []
    for convention in lexicon.conventions:
        if convention.may_occur(lower):
            m = convention.pattern.search(text)
            if m is not None and not _negation_before(text, m.start()):
                out.append(Found(convention.kind, (), (), m.start(), m.end()))
    return out
