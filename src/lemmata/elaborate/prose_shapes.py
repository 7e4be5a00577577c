"""What the prose needs to know of a formula's notation: relation, membership, inequality, size, number or symbol."""

from __future__ import annotations

import re
from enum import Enum

_NOISE = re.compile(
    r"\\(?:left|right|[bB]ig[lr]?|q?quad|text(?:rm|bf|it)?|mathrm|displaystyle)(?![a-zA-Z])|\\[,;!: ]|[\s&~]"
)
_TEXT = re.compile(r"\\(?:text(?:rm|it|bf)?|mbox|textrm)\s*\{([^{}]*)\}")
_MEMBER = re.compile(r"\\(?:in|sim|to|subset|subseteq)(?![a-zA-Z])|\\colon")
_EQUATION = re.compile(
    r"=|\\(?:triangleq|equiv|leftarrow|gets|approx|simeq|coloneqq|propto|iff|implies|Leftrightarrow)(?![a-zA-Z])"
)
_INEQUALITY = re.compile(
    r"[<>]|\\(?:le|ge|leq|geq|ne|neq|ll|gg|succ|succeq|prec|preceq|leqslant|geqslant|lt|gt|perp)(?![a-zA-Z])"
)
_SIZE = re.compile(r"(?:[a-z\d]|_\{?[a-zA-Z\d]+\}?|[+\-*/()^{}]|\\times)+\Z")
_NUMBER = re.compile(r"[\d.,/+\-]+\Z")
_SYMBOL = re.compile(r"\\?[a-zA-Z]+(?:[_^](?:\{[^{}]*\}|\\?[a-zA-Z\d*]))*'*\Z")


class Form(Enum):
    MEMBER = "membership"
    EQUATION = "equation"
    INEQUALITY = "inequality"
    SIZE = "size"
    NUMBER = "number"
    SYMBOL = "symbol"
    OTHER = "other"

    @property
    def states(self) -> bool:
        """Whether the formula says something that can hold or fail."""
        return self in (Form.MEMBER, Form.EQUATION, Form.INEQUALITY)


def form(latex: str) -> Form:
    """The form of a formula by its top-level relation. Linear in its length."""
    surface = _NOISE.sub(" ", _surface(latex)).strip()
    equation, member = _EQUATION.search(surface), _MEMBER.search(surface)
    if equation:
        return Form.EQUATION
    if member or re.search(r":\s*\\mathbb|:.*\\to", surface[:2000]):
        return Form.MEMBER
    if _INEQUALITY.search(surface):
        return Form.INEQUALITY
    bare = _NOISE.sub("", latex[:200]).strip(".")
    if "\\times" in bare and _SIZE.match(bare):
        return Form.SIZE
    if _NUMBER.match(bare):
        return Form.NUMBER
    if len(surface) < 80 and _is_symbols(latex):
        return Form.SYMBOL
    return Form.OTHER


def words_inside(latex: str) -> str:
    """The words a formula contains as text, joined by blanks."""
    return " ".join(_TEXT.findall(latex)) if "\\text" in latex or "\\mbox" in latex else ""


def _surface(latex: str) -> str:
    """What stands outside all braces."""
    out: list[str] = []
    depth = start = 0
    for m in re.finditer(r"\\.|[{}]", latex, re.DOTALL):
        if m.group() == "{":
            if depth == 0:
                out.append(latex[start : m.start()])
            depth += 1
        elif m.group() == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                start = m.end()
                out.append(" ")
    if depth == 0:
        out.append(latex[start:])
    return "".join(out)


def _is_symbols(latex: str) -> bool:
    bare = re.sub(
        r"\\(?:mathbf|boldsymbol|mathrm|mathcal|mathbb|bm|hat|tilde|bar|dot|vec|mathsf|widehat|overline|text|operatorname)\s*\{?([^{}]*)\}?",
        r" \1",
        latex,
    )
    bare = re.sub(r"\\(?:ldots|dots|cdots)|\.\.\.", "x", bare)
    parts = [re.sub(r"\s+", "", p) for p in bare.split(",")]
    return 0 < len(parts) <= 12 and all(_SYMBOL.match(p) for p in parts if p)
