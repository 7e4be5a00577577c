"""Slips of the pen in LaTeX, token by token: for texts that are no chain of typed sides, such as definitions.

Each kind is one sentence about what an author may have meant; whether it mends anything is for the trial to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from lemmata.latex.tokens import tokenize
from lemmata.repair.edit import Change, Edit

FLIPPED = {
    "\\le": "\\ge", "\\leq": "\\geq", "\\leqslant": "\\geqslant", "<": ">", "\\lt": "\\gt",
    "\\ge": "\\le", "\\geq": "\\leq", "\\geqslant": "\\leqslant", ">": "<", "\\gt": "\\lt",
}  # fmt: skip
RELATIONS = frozenset({"=", ":", "&", *FLIPPED})
OPENING = frozenset({"(", "[", "{", ",", "=", "\\{", "\\left(", "\\left["})
FUNCTIONS = (("sin", "cos"), ("sin", "tan"), ("cos", "tan"), ("tanh", "sigmoid"), ("sinh", "cosh"), ("exp", "log"))
Kind = Callable[["Text", int], Iterator[Edit]]
LAYOUT = frozenset({"\\,", "\\;", "\\!", "\\:", "\\ ", "~", " ", "\n"})


class Text(Struct, frozen=True):
    """A stretch of LaTeX as tokens without layout."""

    latex: str
    tokens: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @staticmethod
    def of(latex: str, start: int, end: int) -> Text:
        found = tokenize(latex)
        kept = [
            (t, a, b)
            for t, a, b in zip(found.texts, found.starts, found.ends, strict=False)
            if start <= a and b <= end and t.strip() and t not in LAYOUT
        ]
        texts, starts, ends = zip(*kept, strict=True) if kept else ((), (), ())
        return Text(latex, tuple(texts), tuple(starts), tuple(ends))

    def at(self, k: int) -> str:
        return self.tokens[k] if 0 <= k < len(self.tokens) else ""

    def group(self, k: int) -> int:
        """The token behind the group that opens at k, or behind k itself."""
        if self.at(k) not in ("{", "(", "["):
            return k + 1
        closing = {"{": "}", "(": ")", "[": "]"}[self.at(k)]
        depth = 0
        for m in range(k, len(self.tokens)):
            depth += (self.tokens[m] == self.at(k)) - (self.tokens[m] == closing)
            if depth == 0:
                return m + 1
        return len(self.tokens)

    def opening(self, k: int) -> int:
        """The token that opens the group which closes at k, or k itself."""
        opened = {"}": "{", ")": "(", "]": "["}.get(self.at(k))
        if opened is None:
            return k
        depth = 0
        for m in range(k, -1, -1):
            depth += (self.tokens[m] == self.at(k)) - (self.tokens[m] == opened)
            if depth == 0:
                return m
        return k

    def slice(self, first: int, behind: int) -> str:
        return self.latex[self.starts[first] : self.ends[behind - 1]]

    def replaced(self, first: int, behind: int, text: str) -> Change:
        return Change(self.starts[first], self.ends[behind - 1], text)

    def before(self, k: int, text: str) -> Change:
        return Change(self.starts[k], self.starts[k], text)

    def behind(self, k: int, text: str) -> Change:
        return Change(self.ends[k], self.ends[k], text)


def slips(latex: str, start: int, end: int, kinds: Sequence[Kind]) -> list[Edit]:
    """The slips of a stretch of LaTeX, the likeliest first; of equal ones the last, where results stand."""
    text = Text.of(latex, start, end)
    found = [edit for kind in kinds for k in range(len(text.tokens)) for edit in kind(text, k)]
    return sorted(found, key=lambda e: (e.cost, -e.start))


def _is_letter(token: str) -> bool:
    return len(token) == 1 and token.isalpha() or token.startswith("\\") and token[1:] in GREEK


GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split()
)


def turned(text: Text, k: int) -> Iterator[Edit]:
    """An inequality the other way round."""
    token = text.at(k)
    if token in FLIPPED:
        yield Edit((text.replaced(k, k + 1, FLIPPED[token]),), "the inequality the other way round", 0.5, "turned")


def signs(text: Text, k: int) -> Iterator[Edit]:
    """A sign lost, added, or the other one."""
    token, before = text.at(k), text.at(k - 1)
    if token in ("+", "-"):
        other = "-" if token == "+" else "+"
        yield Edit((text.replaced(k, k + 1, other),), f"{other} for {token}", 0.55, "sign")
        if before in OPENING and token == "-":
            yield Edit((text.replaced(k, k + 1, ""),), "without the sign", 0.6, "sign")
    elif (
        before in OPENING and text.at(k - 2) not in ("_", "^") and before != "{" and token not in ("&", "\\", "}", ")")
    ):
        scripted = text.at(k - 2) in ("_", "^")
        if not scripted and not (before == "," and token in ("\\dots", "\\ldots", "\\cdots")):
            yield Edit((text.before(k, "-"),), "a sign", 0.65, "sign")
    elif before in ("=", "&"):
        yield Edit((text.before(k, "-"),), "a sign", 0.65, "sign")


def numbers(text: Text, k: int) -> Iterator[Edit]:
    """Another number: a digit typed wrongly, one more or less first."""
    if not text.at(k).isdigit():
        return
    first, behind = k, k + 1
    while _numeral(text.at(first - 1)) and text.ends[first - 1] == text.starts[first]:
        first -= 1
    while _numeral(text.at(behind)) and text.ends[behind - 1] == text.starts[behind]:
        behind += 1
    whole, digit = text.slice(first, behind), text.at(k)
    at = text.starts[k] - text.starts[first]
    for value in range(10):
        if str(value) != digit and not (value == 0 and at == 0 and len(whole) > 1 and whole[1] != "."):
            other = whole[:at] + str(value) + whole[at + 1 :]
            cost = 0.6 if abs(value - int(digit)) == 1 else 0.75
            yield Edit((text.replaced(first, behind, other),), f"{other} for {whole}", cost, "number")


def _numeral(token: str) -> bool:
    return token.isdigit() or token == "."


def factors(text: Text, k: int) -> Iterator[Edit]:
    """A factor 2 that is missing or too many, a term that is halved."""
    token, following, before = text.at(k), text.at(k + 1), text.at(k - 1)
    if token == "2" and (_is_letter(following) or following in ("(", "[", "{") or following.startswith("\\")):
        if before not in ("^", "_") and not before.isdigit():
            yield Edit((text.replaced(k, k + 1, ""),), "without the factor 2", 0.6, "without 2")
    if before in ("+", "-") and not token.isdigit() and token != "\\frac":
        yield Edit((text.before(k, "2 "),), "factor 2", 0.6, "factor 2")
    if before in ("+", "-", "=") and _is_letter(token) and text.at(k + 1) == "^":
        behind = text.group(k + 2)
        yield Edit((text.replaced(k, behind, f"\\frac{{{text.slice(k, behind)}}}{{2}}"),), "half of it", 0.62, "half")


def powers(text: Text, k: int) -> Iterator[Edit]:
    """A square that is missing or too many, base and exponent exchanged, a root too many."""
    token, following = text.at(k), text.at(k + 1)
    ends = _is_letter(token) or token in (")", "]") or token == "}" and text.at(text.opening(k) - 1) == "_"
    if ends and following not in ("^", "_") and text.at(text.opening(k) - 1) != "\\begin":
        scripted = text.at(k - 1) in ("^",) or token == "}" and text.at(text.opening(k) - 1) == "^"
        head = "=" in text.tokens and "=" not in text.tokens[:k]
        if not scripted and not head:
            yield Edit((text.behind(k, "^2"),), "a square", 0.65, "square")
    if token == "^" and following == "2":
        yield Edit((text.replaced(k, k + 2, ""),), "without the square", 0.65, "without square")
    if token == "^" and _is_letter(text.at(k - 1)) and _is_letter(following):
        swapped = f"{following}^{text.at(k - 1)}"
        yield Edit((text.replaced(k - 1, k + 2, swapped),), "base and exponent exchanged", 0.55, "exchanged")
    if token == "\\sqrt" and following == "{":
        inside = text.slice(k + 1, text.group(k + 1))
        yield Edit((text.replaced(k, text.group(k + 1), inside),), "without the root", 0.55, "root")
    if token == "\\sqrt" and following == "{":
        inner = text.slice(k + 1, text.group(k + 1))[1:-1]
        yield Edit((text.replaced(k, text.group(k + 1), f"({inner})"),), "without the root", 0.7, "root")


def subscripts(text: Text, k: int) -> Iterator[Edit]:
    """Another index, the next or the one before it, an index that is missing."""
    token = text.at(k)
    indices = dict.fromkeys(
        text.slice(m + 1, text.group(m + 1)) for m, t in enumerate(text.tokens) if t == "_" and m + 1 < len(text.tokens)
    )
    limits = (text.at(m) for m, t in enumerate(text.tokens) if _is_letter(t) and text.at(m - 1) in ("^", "{"))
    bounds = dict.fromkeys(x for x in limits)
    if token == "_" and not text.at(k - 1).startswith(("\\sum", "\\prod", "\\lim", "\\int")):
        behind = text.group(k + 1)
        own = text.slice(k + 1, behind)
        for other in (*indices, *bounds):
            bare = other[1:-1] if other.startswith("{") else other
            if other != own and bare.isalpha() and len(bare) == 1:
                yield Edit((text.replaced(k + 1, behind, other),), f"index {bare}", 0.55, f"index {own} {other}")
        bare = own[1:-1] if own.startswith("{") else own
        if len(bare) == 1 and bare.isalpha():
            for step in ("+1", "-1"):
                yield Edit((text.replaced(k + 1, behind, f"{{{bare}{step}}}"),), f"index {bare}{step}", 0.6, "step")
        elif bare[:1].isalpha() and bare[1:].replace(" ", "") in ("+1", "-1"):
            yield Edit((text.replaced(k + 1, behind, bare[0]),), f"index {bare[0]}", 0.6, "step")
    if _is_letter(token) and text.at(k + 1) != "_" and text.at(k - 1) not in ("_", "^"):
        for m, t in enumerate(text.tokens):
            if t == token and text.at(m + 1) == "_":
                index = text.slice(m + 2, text.group(m + 2))
                yield Edit(
                    (text.behind(k, f"_{index}"),), f"index {index.strip('{}')}", 0.55, f"index of {token}{index}"
                )


def letters(text: Text, k: int) -> Iterator[Edit]:
    """Another letter of the formula as an argument."""
    token = text.at(k)
    if _is_letter(token) and text.at(k - 1) == "(" and text.at(k + 1) == ")":
        others = (t for m, t in enumerate(text.tokens) if _is_letter(t) and text.at(m - 1) in ("(", "\\mid", "|", ","))
        for other in dict.fromkeys(others):
            if other != token:
                yield Edit((text.replaced(k, k + 1, other),), f"{other} for {token}", 0.6, f"letter {token} {other}")


def functions(text: Text, k: int) -> Iterator[Edit]:
    """The function that goes with it: cosine for sine; a derivative sign before a logarithm."""
    name = text.at(k).removeprefix("\\")
    mark = "\\" if text.at(k).startswith("\\") else ""
    width = 1
    if not mark and text.at(k).isalpha() and len(text.at(k)) == 1:
        width = next((n for n in range(7, 2, -1) if _word(text, k, n) in NAMED), 1)
        name = _word(text, k, width) if width > 1 else ""
    for one, other in FUNCTIONS:
        for a, b in ((one, other), (other, one)):
            if name == a:
                yield Edit((text.replaced(k, k + width, mark + b),), f"{b} for {a}", 0.6, f"function {a} {b}")
    if name in ("log", "ln") and "\\nabla" in text.tokens and text.at(k - 1) != "\\nabla":
        yield Edit((text.before(k, "\\nabla "),), "the gradient of the logarithm", 0.6, "nabla")


NAMED = frozenset(name for pair in FUNCTIONS for name in pair)


def _word(text: Text, k: int, width: int) -> str:
    if k + width > len(text.tokens) or text.at(k - 1).isalpha() and text.ends[k - 1] == text.starts[k]:
        return ""
    word = text.latex[text.starts[k] : text.ends[k + width - 1]]
    return word if word.isalpha() and len(word) == width else ""


def conditions(text: Text, k: int) -> Iterator[Edit]:
    """In the condition of a case: the absolute value of a letter, a variable between its bounds."""
    token = text.at(k)
    if not (_is_letter(token) and text.at(k + 1) in FLIPPED):
        return
    yield Edit((text.replaced(k, k + 1, f"|{token}|"),), "the absolute value", 0.65, "bars")
    given = next((text.at(m + 1) for m, t in enumerate(text.tokens) if t == "(" and text.at(m + 2) == ")"), "")
    if _is_letter(given) and given != token:
        relation = text.at(k + 1)
        yield Edit((text.behind(k + 1, f" {given} {relation}"),), f"{given} between its bounds", 0.65, "between")


def negated(text: Text, k: int) -> Iterator[Edit]:
    """The whole side with the other sign; what a sum runs over in brackets."""
    if text.at(k) != "=" or k + 2 > len(text.tokens):
        return
    first, behind = k + 1, len(text.tokens)
    if text.at(first) == "-":
        return
    body = first
    if text.at(first) in ("\\sum", "\\prod"):
        body = first + 1
        while text.at(body) in ("_", "^"):
            body = text.group(body + 1)
    if body < behind:
        whole = f"-{text.slice(first, body) if body > first else ''} \\left[ {text.slice(body, behind)} \\right]"
        yield Edit((text.replaced(first, behind, whole),), "the other sign", 0.5, "negated")


def exchanged(text: Text, k: int) -> Iterator[Edit]:
    """Two factors beside each other in the other order."""
    middle = _factor(text, k)
    behind = _factor(text, middle) if middle else 0
    if behind and text.at(k - 1) not in ("_", "^"):
        swapped = f"{text.slice(middle, behind)} {text.slice(k, middle)}"
        yield Edit((text.replaced(k, behind, swapped),), "the factors in the other order", 0.5, "order")


def _factor(text: Text, k: int) -> int:
    """The token behind a letter with its font and scripts; 0 where none begins."""
    if text.at(k) in FONTS and text.at(k + 1) == "{":
        behind = text.group(k + 1)
    elif _is_letter(text.at(k)):
        behind = k + 1
    else:
        return 0
    while text.at(behind) in ("_", "^"):
        behind = text.group(behind + 1)
    return behind


FONTS = frozenset({"\\mathbf", "\\boldsymbol", "\\bm", "\\mathrm", "\\mathit", "\\hat", "\\tilde", "\\bar"})
KINDS: tuple[Kind, ...] = (turned, signs, numbers, factors, powers, subscripts, letters, functions, conditions)
