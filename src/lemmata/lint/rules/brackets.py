"""Small brackets around tall content in a display."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lemmata.documents.model import Formula
from lemmata.lint.finding import Edit, Finding, Notes, Rule

TOKEN = re.compile(
    r"(?P<sized>\\(?:left|right|middle|[bB]igg?[lrm]?)\s*(?:\\[A-Za-z]+|\\.|[^\\\s]))"
    r"|(?P<begin>\\begin\s*\{[^}]*\})|(?P<end>\\end\s*\{[^}]*\})"
    r"|(?P<tall>\\(?:d?frac|binom|dbinom|cfrac)(?![A-Za-z]))|(?P<big>\\(?:sum|prod|int)(?![A-Za-z]))"
    r"|(?P<small>\\(?:tfrac|textstyle|substack)(?![A-Za-z]))"
    r"|(?P<newline>\\\\)|(?P<command>\\[A-Za-z]+|\\[{}]|\\.)|(?P<char>.)",
    re.DOTALL,
)


def check(notes: Notes) -> Iterator[Finding]:
    for formula in notes.formulas:
        if formula.display:
            yield from _display(formula)


def _display(formula: Formula) -> Iterator[Finding]:
    """Brackets of a display whose own content has a fraction or a sum with limits at its level."""
    open_: list[list[object]] = []
    scripts = 0
    depth = 0
    script_depth: list[int] = []
    source = formula.latex
    tokens = list(TOKEN.finditer(source))
    for k, token in enumerate(tokens):
        kind, text = token.lastgroup, token[0]
        if text == "{":
            depth += 1
            if k and tokens[k - 1][0] in "_^" and tokens[k - 1][0]:
                script_depth.append(depth)
                scripts += 1
        elif text == "}":
            if script_depth and script_depth[-1] == depth:
                script_depth.pop()
                scripts -= 1
            depth -= 1
        elif text in ("(", "[") and not scripts:
            open_.append([text, token.start(), depth, "", False])
        elif text in (")", "]") and not scripts and open_:
            bracket, start, level, tall, crossed = open_.pop()
            if tall and level == depth and not crossed and (bracket, text) in (("(", ")"), ("[", "]")):
                inner = source[int(str(start)) + 1 : token.start()]
                fixed = f"\\left{bracket}{inner}\\right{text}"
                edit = Edit(formula, int(str(start)), token.end(), fixed, "size the brackets with \\left and \\right")
                message = f"the brackets are smaller than the {tall} inside them"
                yield Finding(RULE.name, message, formula, int(str(start)), token.end(), edit=edit)
        elif kind in ("tall", "begin") and not scripts:
            for entry in open_:
                if entry[2] == depth:
                    entry[3] = "fraction" if kind == "tall" else "array"
        elif kind == "big" and not scripts and k + 1 < len(tokens) and tokens[k + 1][0] in "_^":
            for entry in open_:
                if entry[2] == depth:
                    entry[3] = entry[3] or "sum"
        elif kind == "newline" or text == "&":
            for entry in open_:
                entry[4] = True


RULE = Rule("brackets", "Brackets in a display are as tall as what they hold.", check)
