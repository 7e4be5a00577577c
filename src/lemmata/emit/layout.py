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


def split_call(text: str) -> tuple[str, list[str], str] | None:
    """(head, arguments, rest) of a call, the brackets of which end the text."""
    if not text.endswith(")"):
        return None
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        if text[at] in ")]}":
            depth += 1
        elif text[at] in "([{":
            depth -= 1
            if depth == 0:
                head = text[:at]
                if not head or not (head[-1].isalnum() or head[-1] in "_"):
                    return None
                return head, arguments(text[at + 1 : -1]), ""
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
    """A statement `name = value` or `return value`."""
    if len(indent + text) <= WIDTH:
        return [indent + text]
    parts = split_call(text)
    if parts is not None:
        head, inner, tail = parts
        found = call(head, inner, tail, indent)
        if all(len(line) <= WIDTH for line in found):
            return found
    for mark in ("return ", " = "):
        head, found_mark, value = text.partition(mark)
        if found_mark:
            return [f"{indent}{head}{mark}(", *_terms(value, indent + STEP), f"{indent})"]
    return [indent + text]


def braced(text: str, indent: str) -> list[str]:
    """A statement that ends in a dictionary."""
    if len(indent + text) <= WIDTH:
        return [indent + text]
    head, _, inner = text.partition("{")
    items = arguments(inner.removesuffix("}"))
    return [f"{indent}{head}{{", *(f"{indent}{STEP}{x}," for x in items), f"{indent}}}"]


def _terms(text: str, indent: str) -> list[str]:
    """A value on lines of its own, broken before its loosest operators."""
    if len(indent + text) <= WIDTH:
        return [indent + text]
    for operators in ((" + ", " - "), (" * ", " / ", " @ ")):
        places = [at for at in range(len(text)) if text[at : at + 3] in operators and not _depth(text[:at])]
        if places:
            cuts = [0, *(p + 1 for p in places), len(text)]
            return [f"{indent}{text[a:b].strip()}" for a, b in zip(cuts, cuts[1:])]
    return [indent + text]


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
