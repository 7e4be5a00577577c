"""Lines as a formatter would lay them out: 88 columns, brackets opened where a line is too long."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

WIDTH = 88
STEP = "    "


def call(head: str, arguments: Sequence[str], tail: str, indent: str) -> list[str]:
    """`head(arguments)tail` in one line, with all arguments on a line of their own, or each on one."""
    whole = f"{indent}{head}({', '.join(arguments)}){tail}"
    if len(whole) <= WIDTH or not arguments:
        return [whole]
    inner = f"{indent}{STEP}{', '.join(arguments)}"
    # A star among the parameters of a function has a comma after the last one.
    if len(inner) <= WIDTH:
        return [f"{indent}{head}(", inner, f"{indent}){tail}"]
    return [f"{indent}{head}(", *(f"{indent}{STEP}{a}," for a in arguments), f"{indent}){tail}"]


def is_call(text: str) -> bool:
    """Whether a value is one call as a whole: f(…), x.f(…), -f(…)."""
    head, mark, _ = text.partition("(")
    return bool(mark) and " " not in head and text.endswith(")") and _closing(text, len(head)) == len(text) - 1


def _closing(text: str, start: int) -> int:
    """Where the bracket opened at `start` closes."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0:
            return at
    return -1


def bracketed(text: str) -> str | None:
    """The call or the brackets that a value begins with: of f(x)[0] the part f(x)."""
    head, mark, _ = text.partition("(")
    end = _closing(text, len(head)) if mark and " " not in head else -1
    return text[: end + 1] if end > 0 else None


LOOSEST = (
    (" < ", " > ", " <= ", " >= ", " == ", " != "), (" | ",), (" & ",), (" + ", " - "), (" * ", " / ", " @ ", " % "),
)  # fmt: skip
"""Operators of Python, those that bind least first."""


def loosest(text: str) -> tuple[str, str, str] | None:
    """(left, operator, right) at the last of the operators outside of brackets that bind least."""
    for operators in LOOSEST:
        for at in range(len(text) - 1, 0, -1):
            operator = next((x for x in operators if text.startswith(x, at)), None)
            if operator is not None and _depth(text[:at]) == 0:
                return text[:at], operator, text[at + len(operator) :]
    return None


def arguments(text: str) -> list[str]:
    """The parts between the commas outside of all brackets."""
    found, depth, start = [], 0, 0
    for at, c in enumerate(text):
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "," and not depth:
            found.append(text[start:at].strip())
            start = at + 1
    rest = text[start:].strip()
    return [*found, rest] if rest else found


def statement(text: str, indent: str) -> list[str]:
    """A statement `name = value` or `return value`; the arguments of a call may stand on lines of their own."""
    if len(indent + text) <= WIDTH:
        return [indent + text]
    for mark in ("return ", " = "):
        before, found, value = text.partition(mark)
        if found and is_call(value):
            head, _, inner = value.partition("(")
            return call(f"{before}{mark}{head}", arguments(inner[:-1]), "", indent)
        if found and value.startswith("[") and " for " in value:
            return listed(f"{before}{mark}", value, "", indent)
    return [indent + text]


def listed(head: str, value: str, tail: str, indent: str) -> list[str]:
    """`head[x for y in z]tail` with what is listed and what it runs over on lines of their own."""
    element, _, rest = value[1:-1].partition(" for ")
    return [f"{indent}{head}[", f"{indent}{STEP}{element}", f"{indent}{STEP}for {rest}", f"{indent}]{tail}"]


def braced(text: str, indent: str) -> list[str]:
    """A statement that ends in a dictionary."""
    if len(indent + text) <= WIDTH:
        return [indent + text]
    head, _, inner = text.partition("{")
    items = arguments(inner.removesuffix("}"))
    return [f"{indent}{head}{{", *(f"{indent}{STEP}{x}," for x in items), f"{indent}}}"]


def _depth(text: str) -> int:
    return sum(text.count(c) for c in "([{") - sum(text.count(c) for c in ")]}")


def docstring(lines: Sequence[str], indent: str) -> list[str]:
    """A docstring from its lines; formulas keep their backslashes."""
    text = "\n".join(lines).replace('"""', "'''")
    raw = "r" if "\\" in text else ""
    wrapped: list[str] = []
    for line in text.split("\n"):
        own = line[: len(line) - len(line.lstrip())]
        wrapped += textwrap.wrap(
            line.strip(), WIDTH - len(indent) - 4, initial_indent=own, subsequent_indent=own + "  ",
            break_long_words=False, break_on_hyphens=False,
        ) or [""]  # fmt: skip
    body = [f"{indent}{line}".rstrip() for line in wrapped]
    one = f'{indent}{raw}"""{wrapped[0]}"""'
    if len(wrapped) == 1 and len(one) <= WIDTH and not wrapped[0].endswith(('"', "\\")):
        return [one]
    return [f'{indent}{raw}"""{wrapped[0]}', *body[1:], f'{indent}"""']
