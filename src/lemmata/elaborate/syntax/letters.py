"""Which letters side by side are one name: words in upright or bold type, the document's own names, bare operators."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.token import Token

VOWELS = frozenset("aeiouy")
_SCRIPT_WORDS = frozenset(
    "max min in out new old pred true model head ff pos neg train test val sim opt eff dim tot".split()
)


def join(items: list[Token], words: frozenset[str], script: bool = False) -> list[Token]:
    """Names and two-symbol relations joined."""
    joined = _join_names(_dots(_names_with_spaces(items)), words, script)
    out: list[Token] = []
    for token in joined:
        before = out[-1] if out else None
        if before is not None and token.tight and token.kind == "rel" and before.bare:
            pair_name = v.JOINED_RELATIONS.get((before.name, token.name))
            if (
                pair_name is not None
                and (before.name != "!" or not before.tight)
                and before.kind in ("rel", "bin", "other")
            ):
                out[-1] = Token("rel", pair_name, before.start, token.end, space=before.space, tight=before.tight)
                continue
        if script and token.kind == "rel" and token.name == ":" and token.bare:
            token.kind = "slice"
        out.append(token)
    return out


def _names_with_spaces(items: list[Token]) -> list[Token]:
    """\\text{ const } behind an operator and \\text{ tr } before a bracket name something, spaces or not."""
    for at, token in enumerate(items):
        if token.kind == "words" and is_name(token.name) and len(token.name.split()) == 1:
            before = items[at - 1].kind if at else ""
            after = items[at + 1] if at + 1 < len(items) else None
            called = after is not None and after.kind in ("open", "group") and token.name in v.BARE_WORDS
            if before in ("bin", "rel") or called:
                token.kind = "word" if len(token.name) > 1 else "letter"
    return items


def _dots(items: list[Token]) -> list[Token]:
    """Three points with spaces between them are dots too."""
    out: list[Token] = []
    for token in items:
        out.append(token)
        tail = out[-3:]
        if len(tail) == 3 and all(t.kind == "punct" and t.name == "." and t.bare for t in tail):
            out[-3:] = [Token("dots", "\\ldots", tail[0].start, token.end, space=tail[0].space, tight=tail[0].tight)]
    return out


def _join_names(items: Sequence[Token], words: frozenset[str], script: bool = False) -> list[Token]:
    """The tokens with letters that make one name joined. `script`: they stand in a subscript or superscript."""
    items = _increments(items, words)
    out: list[Token] = []
    at = 0
    while at < len(items):
        if not _joins(items[at]):
            out.append(items[at])
            at += 1
            continue
        end = at + 1
        while end < len(items) and items[end - 1].bare and _continues(items, end, at):
            end += 1
        while end > at + 1 and items[end - 1].kind == "bin":
            end -= 1
        run = items[at:end]
        following = items[end] if end < len(items) else None
        out.extend(_split(run, following, words, script))
        at = end
    return _numbers(_phrases(out))


INCREMENTS = ("\\Delta", "\\delta")


def _increments(items: Sequence[Token], words: frozenset[str]) -> Sequence[Token]:
    """ΔW as one name, where the document writes Δ before letters only."""
    if not words & set(INCREMENTS):
        return items
    out: list[Token] = []
    for token in items:
        before = out[-1] if out else None
        if before is not None and is_increment(before, token) and before.name in words:
            out[-1] = replace(token, name=f"{before.name} {token.name}", start=before.start, space=before.space,
                              tight=before.tight)  # fmt: skip
        else:
            out.append(token)
    return out


def is_increment(sign: Token, letter: Token) -> bool:
    alike = sign.kind == letter.kind == "letter" and sign.name in INCREMENTS and letter.name not in INCREMENTS
    return alike and sign.bare and not sign.accents and (letter.name.isalpha() or letter.name.startswith("\\"))


def _joins(token: Token) -> bool:
    return token.kind == "letter" and len(token.name) == 1 and token.name.isascii() and not token.accents


def _continues(items: Sequence[Token], at: int, first: int) -> bool:
    token = items[at]
    if not token.tight:
        return False
    font = items[first].font
    if _joins(token):
        return token.font == font and token.command == items[first].command
    if token.kind == "other" and token.name == "\\_":
        return True
    if token.kind == "number":
        return (font in ("roman", "italic", "mono") and token.font == font) or items[at - 1].name == "\\_"
    if token.kind == "bin" and token.name == "-" and font in ("roman", "mono") and at + 1 < len(items):
        return at - first >= 2 and _joins(items[at + 1]) and items[at + 1].font == font and items[at + 1].tight
    return False


def _word(run: Sequence[Token], font: str) -> Token:
    first, last = run[0], run[-1]
    name = "".join("_" if t.name == "\\_" else t.name for t in run)
    return Token("word", name, first.start, last.end, font=font, sub=last.sub, sup=last.sup, primes=last.primes,
                 space=first.space, tight=first.tight)  # fmt: skip


def _split(run: Sequence[Token], following: Token | None, words: frozenset[str], script: bool) -> list[Token]:
    if len(run) == 1:
        return list(run)
    font = run[0].font
    name = "".join("_" if t.name == "\\_" else t.name for t in run)
    match font:
        case "roman":
            if name[0] == "d" and len(name) == 2 and name not in words and not script:
                return [*_alternatives(run, "", name)]
            return [_word(run, "")]
        case "italic" | "mono" | "sans" | "cal" | "bb" | "frak":
            return [_word(run, "" if font == "italic" else font)]
        case "bold":
            return _bold(run, name, words)
    return _plain(run, name, following, words, script)


def _alternatives(run: Sequence[Token], font: str, name: str) -> list[Token]:
    """\\mathrm{dx}: a differential in upright type."""
    return list(run)


def _bold(run: Sequence[Token], name: str, words: frozenset[str]) -> list[Token]:
    """Bold letters together: dO is a word, VA the word or the product of two matrices, Wx a product."""
    word = _word(run, "bold")
    if name in words or not name.isalpha():
        return [word]
    parts = tuple(run)
    if len(name) <= 3 and name.isupper():
        word.alternative, word.inner = "word", parts
    elif len(name) == 2 and name[0] != "d":
        word.alternative, word.inner = "product", parts
    return [word]


def _plain(
    run: Sequence[Token], name: str, following: Token | None, words: frozenset[str], script: bool
) -> list[Token]:
    """Italic letters: a product, except for names of the document and for operators typed in plain letters."""
    bracket = following is not None and (following.kind in ("open", "group") and following.name in ("(", "[", "{"))
    if "\\_" in (t.name for t in run):
        return [_word(run, "")]
    if script and name not in words and len(run) > 1:
        return [_word(run, "")] if _is_script_word(name) else _by_words(run, words)
    if (
        len(run) >= 4
        and name not in words
        and _looks_like_a_word(name)
        and (bracket or not run[-1].bare or name[0].isupper())
    ):
        return [_word(run, "")]
    for start in range(len(run) - 2):
        tail = name[start:]
        if tail in v.BARE_WORDS and tail not in words and (bracket or (tail in v.OPTIMA and run[-1].sub is not None)):
            return [*_by_words(run[:start], words), _word(run[start:], "")]
    if len(run) >= 5 and name not in words and _looks_like_a_word(name):
        return [_word(run, "")]
    return _by_words(run, words)


def _by_words(run: Sequence[Token], words: frozenset[str]) -> list[Token]:
    """The run cut into names of the document, longest first, and single letters."""
    out: list[Token] = []
    at = 0
    name = "".join(t.name for t in run)
    longest = max(map(len, words), default=0)
    while at < len(run):
        for length in range(min(longest, len(run) - at), 1, -1):
            if name[at : at + length] in words:
                out.append(_word(run[at : at + length], ""))
                at += length
                break
        else:
            out.append(run[at])
            at += 1
    return out


def _is_script_word(name: str) -> bool:
    if name in _SCRIPT_WORDS:
        return True
    return len(name) >= 3 and _looks_like_a_word(name) and any(c in "aeo" for c in name.lower())


def _looks_like_a_word(name: str) -> bool:
    """It has a vowel and a consonant, and its letters do not just follow one another in the alphabet."""
    lowered = name.lower()
    runs_on = all(0 <= ord(b) - ord(a) <= 1 for a, b in zip(lowered, lowered[1:], strict=False))
    return (
        name.isalpha()
        and not runs_on
        and any(c in VOWELS for c in lowered)
        and any(c not in VOWELS for c in lowered)
        and (
            name[1:].islower()
            or name.isupper()
            or any(a.islower() and b.isupper() for a, b in zip(name, name[1:], strict=False))
        )
    )


def _phrases(items: list[Token]) -> list[Token]:
    """Two words with only a space between them are one name: {\\rm learning rate}."""
    out: list[Token] = []
    for token in items:
        before = out[-1] if out else None
        if (
            before is not None
            and before.kind == "word" == token.kind
            and before.bare
            and not token.space
            and before.node is None is token.node
            and not before.font
            and not token.font
            and not token.alternative
            and before.name not in v.PREFIX_OPERATORS
            and token.name not in v.PREFIX_OPERATORS
            and token.start - before.end == 1
        ):
            out[-1] = Token("word", f"{before.name} {token.name}", before.start, token.end, sub=token.sub,
                            sup=token.sup, primes=token.primes, space=before.space, tight=before.tight)  # fmt: skip
        else:
            out.append(token)
    return out


def _numbers(items: list[Token]) -> list[Token]:
    """1{,}000 and 1.5e-3 are one number."""
    out: list[Token] = []
    at = 0
    while at < len(items):
        token = items[at]
        rest = items[at + 1 : at + 4]
        if (
            token.kind == "number"
            and token.bare
            and len(rest) >= 2
            and rest[0].kind == "comma"
            and rest[1].kind == "number"
        ):
            items[at + 2] = _number(token, token.name + rest[1].name, rest[1])
            at += 2
            continue
        if token.kind == "number" and token.bare and rest and _is_exponent_letter(rest[0]):
            signed = len(rest) > 2 and rest[1].kind == "bin" and rest[1].name in "+-" and rest[1].tight
            digits = rest[2] if signed else rest[1] if len(rest) > 1 else None
            if digits is not None and digits.kind == "number" and digits.tight and digits.name.isdigit():
                sign = rest[1].name if signed else ""
                out.append(_number(token, f"{token.name}e{sign}{digits.name}", digits))
                at += 4 if signed else 3
                continue
        if token.kind == "comma":
            token.kind = "punct"
        out.append(token)
        at += 1
    return out


def _is_exponent_letter(token: Token) -> bool:
    return token.kind == "letter" and token.name in ("e", "E") and token.tight and token.bare and not token.font


def _number(first: Token, text: str, last: Token) -> Token:
    return Token("number", text, first.start, last.end, sub=last.sub, sup=last.sup, primes=last.primes,
                 space=first.space, tight=first.tight)  # fmt: skip


def is_name(text: str) -> bool:
    """Whether words in a formula name something: no connecting word, no space around."""
    if text != text.strip():
        return False
    lowered = text.lower().rstrip(".,:;")
    if text[-1] in ",;:。，；：" or text[0] in ",;.，。(（[":
        return False
    if any(ord(c) > 0x2E80 for c in text):
        return not any(text.startswith(w) or text.endswith(w) for w in v.CONNECTIVES_ZH) and len(text) <= 12
    words = lowered.split()
    if len(words) == 1:
        return (
            words[0] not in v.LONE_CONNECTIVES
            and (words[0] not in v.CONNECTIVES or len(words[0]) == 1)
            and words[0][:1].isalnum()
        )
    return (
        len(words) <= 4
        and not any(w in v.CONNECTIVES for w in words)
        and all(w.replace("-", "").isalnum() for w in words)
    )
