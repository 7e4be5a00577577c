"""The words of mathematical prose, as data: one TOML file per language in `languages/`.

Tables of a file, all of them lists of phrases unless said otherwise (a phrase may stand in several tables):

`cues`         by what the word makes of the formulas after it: `define` (let), `participle` (setting: a definition that
               ends with its clause), `assume` (suppose), `condition` (if), `where` (where), `with` (a where that ends
               with its clause), `for` (a declaration that ends with its clause), `claim` (gives), `then` (hence),
               `copula` (is: a claim unless something stronger governs), `satisfy` (a condition inside a definition,
               a claim elsewhere), `update`, `example`, `recall`, `by` (using: recalls the formula right after it).
`hypotheses`   by kind: openers of clauses that restrict what the rest of the sentence says.
`facts`        by kind of property: phrases that say it of a formula.
`relations`    by kind: patterns between formulas; <S> subjects, <O> objects, <F> another formula, ~ some words.
`conventions`  by kind: patterns that speak of the whole document.
`words`        `skip`, `copulas`, `plural`, `parts`, `slices`, `nouns`, `stop`, `foreign`, `negators`, `conjunctions`:
               how a property finds its formula; `idioms`: contain an opener and govern nothing; `actions`,
               `restricting`, `closers`, `resumes`: extent and force of clauses; `abbreviations`, `continuations`:
               sentences; `theorems`, `proofs`: titles of run-in headings; `conclusions`: what says that the formula
               behind it follows; `plain`: words that only link formulas and add nothing to what these say.
`judgement`    `guesses`, `turns`, `mistakes`, `instead`, `rejections`: withdrawn formulas; `approximate`;
               `described`: a symbol's value is told in words that are not understood.
`framing`      patterns of a claim that is not asserted of all values: `situations` and `properties` (from anywhere
               before it in its sentence; properties where they are not understood of a formula), `frames` (in its
               clause before it), `behind` (right behind it), `settings` (of a sentence without formulas before it in
               its paragraph), `titles` (of its section); <LEAD> the beginning of a clause, <HARMLESS> the list
               `harmless`; `linking` is taken out first.
`counting`     patterns, <F> a formula: `layer_…` nouns of layers, `size_…` the sizes of a layer, `unit_…_before` and
               `unit_…_after` what a formula counts, `bias_…`, `norms_…` what belongs to the count, `obstacles` words
               that may change a count; counting/words.py says what each list is for.

All languages are matched at once; Chinese prose cites English words and the other way round.
"""

from __future__ import annotations

import contextlib
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from msgspec import Struct, field, json

from lemmata.files import put

CUES = (
    "define",
    "participle",
    "assume",
    "condition",
    "where",
    "with",
    "for",
    "claim",
    "then",
    "copula",
    "satisfy",
    "update",
    "example",
    "recall",
    "by",
)
HYPOTHESES = ("if", "when", "assume", "for", "forall", "limit", "at", "set")
WORDS = (
    "skip",
    "copulas",
    "plural",
    "parts",
    "slices",
    "nouns",
    "stop",
    "foreign",
    "negators",
    "conjunctions",
    "idioms",
    "actions",
    "restricting",
    "zeros",
    "closers",
    "resumes",
    "abbreviations",
    "continuations",
    "theorems",
    "proofs",
    "common",
    "conclusions",
    "plain",
)
JUDGEMENT = ("guesses", "turns", "mistakes", "instead", "rejections", "approximate", "described")
FRAMING = ("situations", "properties", "frames", "behind", "settings", "titles", "harmless", "linking")
_LEAD = (
    r"(?:^|[,，;；:：(（]\s*|⟧\s+"
    r"|\b(?:and|but|that|so|then|hence|thus|therefore|have|get|obtain|is|are|only|even|also)\s+)"
)
"""The beginning of a clause."""
_UNMATCHED = frozenset(
    {
        "described",
        "abbreviations",
        "continuations",
        "theorems",
        "proofs",
        "resumes",
        "actions",
        "common",
        "conclusions",
        "plain",
    }
)

FORMULA = "(?:⟦\\d+⟧)"
_LIST = f"{FORMULA}(?:(?:,? and |, ?| ?、 ?|， ?| ?和 ?| ?与 ?){FORMULA}){{0,12}}"
_TOKEN = re.compile(
    r"⟦(?P<formula>\d+)⟧|(?P<dotted>(?:[A-Za-z]\.){2,}|[A-Za-z](?:\.[A-Za-z])+(?![a-z]))|(?P<word>[A-Za-z]+(?:['’][a-z]+)?|\d+)"
    r"|(?P<han>[㐀-鿿]+)|(?P<mark>[,，、;；:：.。!?！？()（）—])"
)
_MARKS = {
    ",": "comma",
    "，": "comma",
    "、": "comma",
    ";": "semicolon",
    "；": "semicolon",
    ":": "colon",
    "：": "colon",
    "(": "open",
    "（": "open",
    ")": "close",
    "）": "close",
    "—": "comma",
    ".": "stop",
    "。": "stop",
    "!": "stop",
    "?": "question",
    "！": "stop",
    "？": "question",
}


class LanguageError(ValueError):
    """A language file that does not follow the format; the message names table and entry."""


class Entry(Struct, frozen=True):
    """What one phrase does; several roles at once are possible."""

    cue: str = ""
    hypothesis: str = ""
    facts: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    """Names of the tables of `words` and `judgement` it stands in."""


class Token(Struct, frozen=True):
    """kind: `formula`, `phrase` (has an entry), `word`, or a mark: `comma`, `semicolon`, `colon`, `open`, `close`,
    `stop`, `question`."""

    kind: str
    start: int
    end: int
    text: str
    entry: Entry | None = None
    formula: int = -1

    def has(self, role: str) -> bool:
        return self.entry is not None and role in self.entry.roles

    @property
    def cue(self) -> str:
        return self.entry.cue if self.entry is not None else ""


class Relation(Struct, frozen=True):
    kind: str
    needs: tuple[tuple[str, ...], ...]
    """Of each tuple one must occur in the sentence (in lower case), or the pattern is not tried."""
    source: str
    """A regular expression with groups S, O, O2; compiled when it is first tried."""

    def may_occur(self, lower: str) -> bool:
        """Whether the letters are there; cheap, and never false where the pattern matches."""
        return all(any(word in lower for word in words) for words in self.needs)

    @property
    def pattern(self) -> re.Pattern[str]:
        return _compiled(self.source)


class Lexicon(Struct, frozen=True):
    latin: dict[str, list[tuple[tuple[str, ...], Entry]]]
    """Phrases by first word, longest first."""
    han: dict[str, list[tuple[str, Entry]]]
    """Phrases by first character, longest first."""
    relations: tuple[Relation, ...]
    conventions: tuple[Relation, ...]
    sets: dict[str, frozenset[str]] = field(default_factory=dict)
    """The tables of `words` whose phrases are compared with whole texts rather than matched."""
    counting: dict[str, tuple[Relation, ...]] = field(default_factory=dict)
    """Patterns of the table `counting` by list."""

    framing: dict[str, re.Pattern[str]] = field(default_factory=dict)
    """One pattern for each list of the table `framing`."""

    def tokens(self, text: str) -> list[Token]:
        """Cut a sentence (formulas as ⟦k⟧) into formulas, marks, known phrases (longest first) and other words."""
        raw = list(self._raw(text))
        out: list[Token] = []
        at = 0
        while at < len(raw):
            token = raw[at]
            found = self._latin(raw, at, text) if token.kind == "word" and token.text in self.latin else None
            if found is None:
                out.append(token)
                at += 1
            else:
                entry, until = found
                out.append(
                    Token(
                        "phrase", token.start, raw[until - 1].end, text[token.start : raw[until - 1].end].lower(), entry
                    )
                )
                at = until
        return out

    def _raw(self, text: str) -> Iterator[Token]:
        at = 0
        while (m := _TOKEN.search(text, at)) is not None:
            at = m.end()
            kind = m.lastgroup
            if kind == "formula":
                yield Token("formula", m.start(), m.end(), m.group(), None, int(m.group("formula")))
            elif kind == "dotted":
                yield Token("word", m.start(), m.end(), m.group().replace(".", "").lower())
            elif kind == "word":
                yield Token("word", m.start(), m.end(), m.group().lower().replace("’", "'"))
            elif kind == "mark":
                yield Token(_MARKS[m.group()], m.start(), m.end(), m.group())
            else:
                for token in self._characters(text, m.start(), m.end()):
                    yield token
                    at = max(at, token.end)

    def _characters(self, text: str, at: int, end: int) -> Iterator[Token]:
        """Phrases of a run of Chinese characters; a phrase may reach beyond the run (`全 1 向量`).

        No phrase ends inside a longer one: `为正交矩阵` is `为` and `正交矩阵`, not `为正` and a rest.
        """
        plain = at
        while at < end:
            for phrase, entry in self.han.get(text[at], ()):
                if text.startswith(phrase, at) and not self._cuts(phrase, text, at):
                    if plain < at:
                        yield Token("word", plain, at, text[plain:at])
                    yield Token("phrase", at, at + len(phrase), phrase, entry)
                    at = plain = at + len(phrase)
                    break
            else:
                at += 1
        if plain < end:
            yield Token("word", plain, end, text[plain:end])

    def _cuts(self, phrase: str, text: str, at: int) -> bool:
        """Whether a longer phrase starts inside this one and ends beyond it."""
        until = at + len(phrase)
        return any(
            len(other) > len(phrase) and start + len(other) > until and text.startswith(other, start)
            for start in range(at + 1, until)
            for other, _ in self.han.get(text[start], ())
        )

    def _latin(self, raw: list[Token], at: int, text: str) -> tuple[Entry, int] | None:
        for words, entry in self.latin[raw[at].text]:
            until = at + len(words)
            if until <= len(raw) and all(
                raw[k].text == word
                and raw[k].kind == "word"
                and (k == at or text[raw[k - 1].end : raw[k].start] in (" ", "-", "‑", "–"))
                for k, word in zip(range(at, until), words)
            ):
                return entry, until
        return None


@cache
def lexicon() -> Lexicon:
    """All languages, read and checked once.

    Raises:
        LanguageError: a language file is malformed.
    """
    return build(map(_read, languages()))


def languages() -> list[str]:
    """The languages that are known: one file each."""
    files = resources.files(__package__).joinpath("languages").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def _read(name: str) -> dict[str, object]:
    """The table of a language; parsed once for as long as its file stays as it is, as Python does with modules."""
    file = resources.files(__package__).joinpath("languages", f"{name}.toml")
    if not isinstance(file, Path):
        return tomllib.loads(file.read_text(encoding="utf-8"))
    known = file.parent / "__pycache__" / f"{name}.toml.json"
    state = file.stat()
    stamp = [state.st_mtime_ns, state.st_size]
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        held = json.decode(known.read_bytes())
        if held["stamp"] == stamp:
            return dict(held["table"])
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    if not sys.dont_write_bytecode:
        with contextlib.suppress(OSError):
            known.parent.mkdir(exist_ok=True)
            put(known, json.encode({"stamp": stamp, "table": table}))
    return table


def build(languages: Iterator[dict[str, object]]) -> Lexicon:
    """Merge language tables into one lexicon.

    Raises:
        LanguageError: an unknown table, an entry of the wrong type, a phrase with two cues, a broken pattern.
    """
    roles: dict[str, list[tuple[str, str]]] = {}
    relations: list[Relation] = []
    conventions: list[Relation] = []
    counting: dict[str, list[Relation]] = {}
    framing: dict[str, list[str]] = {}
    sets: dict[str, set[str]] = {name: set() for name in _UNMATCHED}
    known = {"cues": CUES, "hypotheses": HYPOTHESES, "words": WORDS, "judgement": JUDGEMENT, "framing": FRAMING}
    for data in languages:
        for table, entries in data.items():
            if table == "language":
                continue
            if table not in (*known, "facts", "relations", "conventions", "counting") or not isinstance(entries, dict):
                raise LanguageError(f"unknown table `{table}`")
            for name, phrases in entries.items():
                if table in known and name not in known[table]:
                    raise LanguageError(f"unknown list `{table}.{name}`")
                if not isinstance(phrases, list) or not all(isinstance(p, str) and p for p in phrases):
                    raise LanguageError(f"`{table}.{name}` must be a list of phrases")
                if table == "framing":
                    harmless = "|".join(["(?!)", *entries.get("harmless", ())])
                    whole = (p.replace("<LEAD>", _LEAD).replace("<HARMLESS>", harmless) for p in phrases)
                    framing.setdefault(name, []).extend(whole)
                elif table == "counting":
                    counting.setdefault(name, []).extend(_relation(name, p) for p in phrases)
                elif table in ("relations", "conventions"):
                    (relations if table == "relations" else conventions).extend(_relation(name, p) for p in phrases)
                elif name in _UNMATCHED and table in ("words", "judgement"):
                    sets[name].update(phrases)
                else:
                    for phrase in phrases:
                        roles.setdefault(phrase, []).append((table, name))
    latin: dict[str, list[tuple[tuple[str, ...], Entry]]] = {}
    han: dict[str, list[tuple[str, Entry]]] = {}
    known_entries: dict[tuple[tuple[str, str], ...], Entry] = {}
    for phrase, lists in roles.items():
        standing = tuple(lists)
        entry = known_entries.get(standing) or known_entries.setdefault(standing, _entry(phrase, lists))
        if phrase[0].isascii():
            words = tuple(phrase.split())
            latin.setdefault(words[0], []).append((words, entry))
        else:
            han.setdefault(phrase[0], []).append((phrase, entry))
    for several in latin.values():
        several.sort(key=lambda p: -len(p[0]))
    for candidates in han.values():
        candidates.sort(key=lambda p: -len(p[0]))
    return Lexicon(
        latin,
        han,
        tuple(relations),
        tuple(conventions),
        {k: frozenset(v) for k, v in sets.items()},
        {k: tuple(v) for k, v in counting.items()},
        {k: _compiled("|".join(["(?!)", *v])) for k, v in framing.items()},
    )


def _entry(phrase: str, lists: Sequence[tuple[str, str]]) -> Entry:
    """What a phrase does that stands in these lists, each the name of a table and of a list in it."""
    of: dict[str, list[str]] = {}
    for table, name in lists:
        of.setdefault(table, []).append(name)
    for table in ("cues", "hypotheses"):
        if len(set(of.get(table, ()))) > 1:
            raise LanguageError(f"`{phrase}` stands in more than one list of `{table}`: {', '.join(of[table])}")
    return Entry(
        cue=next(iter(of.get("cues", ())), ""),
        hypothesis=next(iter(of.get("hypotheses", ())), ""),
        facts=tuple(dict.fromkeys(of.get("facts", ()))),
        roles=frozenset(of.get("words", ())) | frozenset(of.get("judgement", ())),
    )


_LITERAL = re.compile(r"[A-Za-z㐀-鿿]{2,}|[㐀-鿿]")


def _relation(kind: str, source: str) -> Relation:
    """Fill the slots of a pattern and note the letters it cannot do without."""
    text = source.replace("~", "[^.;。；⟦]{0,40}?")
    for name, body in (
        ("S", f"(?P<S>{_LIST})"),
        ("O2", f"(?P<O2>{FORMULA})"),
        ("O", f"(?P<O>{_LIST})"),
        ("F", FORMULA),
    ):
        text = text.replace(f"<{name}>", body)
    return Relation(kind, _needs(source), text)


def _needs(source: str) -> tuple[tuple[str, ...], ...]:
    """For each part of the pattern that must match, the letter runs of which one must occur.

    The plain letters outside groups, and each group that is not optional and has letters in all its alternatives.
    """
    plain: list[str] = []
    needs: list[tuple[str, ...]] = []
    group: list[str] = []
    depth = 0
    stripped = re.sub(r"<\w+>|\\.|\[[^]]*\]|\{[^}]*\}|\(\?[!=<][^()]*\)", " ", source).replace("(?:", "(")
    for k, c in enumerate(stripped):
        optional = stripped[k + 1 : k + 2] in ("?", "*")
        if c == "(":
            depth += 1
            group = [""] if depth == 1 else group
        elif c == ")":
            depth -= 1
            if depth == 0:
                found = tuple(max(_LITERAL.findall(a), key=len, default="").lower() for a in group)
                if not optional and all(found):
                    needs.append(found)
                plain.append(" ")
        elif depth == 0:
            if c == "|":
                return ()
            plain.append(" " if optional else c)
        elif depth == 1 and c == "|":
            group.append("")
        else:
            group[-1] += c if depth == 1 and not optional else " "
    longest = max(_LITERAL.findall("".join(plain)), key=len, default="").lower()
    return ((longest,), *needs) if longest else tuple(needs)


@cache
def _compiled(source: str) -> re.Pattern[str]:
    try:
        return re.compile(source, re.IGNORECASE)
    except re.error as error:
        raise LanguageError(f"the pattern {source!r} cannot be compiled: {error}") from error
