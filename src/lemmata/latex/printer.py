"""Notation tree to LaTeX: reading what is printed gives the same tree."""

from __future__ import annotations

import re

from lemmata.latex import commands as c
from lemmata.latex.symbols import SYMBOL_KINDS
from lemmata.latex.tree import (
    Accent,
    Environment,
    Fenced,
    Font,
    Fraction,
    Gap,
    Node,
    Number,
    Phantom,
    Root,
    Row,
    Script,
    Stack,
    Styled,
    Symbol,
    TextRun,
)

_COMMAND_AT_END = re.compile(r"\\[a-zA-Z]+\Z")
_SIZE_OF_KIND = {"open": "\\bigl", "close": "\\bigr", "rel": "\\bigm"}
_Pieces = list["str | Node"]


def print_latex(node: Node) -> str:
    """LaTeX of a tree; `parse` of it gives the same tree, positions aside."""
    out: list[str] = []
    pending: _Pieces = [node]
    while pending:
        piece = pending.pop()
        if not isinstance(piece, str):
            pending.extend(reversed(_pieces(piece)))
        elif piece:
            if out and _needs_space(out[-1], piece):
                out.append(" ")
            out.append(piece)
    return "".join(out)


def _needs_space(before: str, after: str) -> bool:
    """Whether the two would grow together: a command and a letter, two numbers, points, a line break and a star."""
    if before.endswith("\\\\"):
        return True
    first = after[0]
    if first.isascii() and first.isalpha():
        return _COMMAND_AT_END.search(before) is not None
    if first.isdigit() or first == ".":
        return before[-1].isdigit() or before[-1] == "."
    return False


def _argument(node: Node) -> _Pieces:
    """A node where TeX takes one argument: as it is if it reads back so, else in braces."""
    match node:
        case Row(braced=True) | Symbol() | Font() | Accent() | Root() | Stack() | Environment() | TextRun() | Gap():
            alone = not (isinstance(node, Font) and node.command in c.FONT_SWITCHES)
        case Number(text=text):
            alone = len(text) == 1
        case Fraction(command=command):
            alone = command in c.FRACTIONS or command.startswith("\\genfrac")
        case Fenced() | Styled():
            alone = True
        case _:
            alone = False
    return [node] if alone else ["{", node, "}"]


def _pieces(node: Node) -> _Pieces:
    """The node as strings and smaller nodes."""
    match node:
        case Symbol():
            return [_symbol(node)]
        case Number(text=text):
            return [text]
        case Row(items=items, braced=braced):
            return ["{", *items, "}"] if braced else list(items)
        case Script():
            return _script(node)
        case Fraction(numerator=top, denominator=bottom, command=command):
            if command in c.FRACTIONS or command.startswith("\\genfrac"):
                return [command, *_argument(top), *_argument(bottom)]
            return [top, command, bottom]
        case Root(body=body, degree=degree):
            index: _Pieces = [] if degree is None else ["[", degree, "]"]
            return ["\\sqrt", *index, *_argument(body)]
        case Fenced(left=left, right=right, body=body):
            return ["\\left", left, body, "\\right", right]
        case Font(command=command, body=body):
            return [command, body] if command in c.FONT_SWITCHES else [command, *_argument(body)]
        case Accent(command=command, body=body):
            return [command, *_argument(body)]
        case TextRun():
            return [_text(node)]
        case Environment():
            return _environment(node)
        case Stack():
            return _stack(node)
        case Phantom():
            return [_phantom(node)]
        case Styled():
            return _styled(node)
        case Gap(source=source):
            return [source]
    raise TypeError(f"{type(node).__name__} is no node of the notation tree")


def _symbol(symbol: Symbol) -> str:
    name, kind = symbol.name, symbol.kind
    if kind == "op" and not name.startswith("\\"):
        starred = "*" if symbol.limits else ""
        word = name.replace("_", "\\_").replace(" ", "\\,")
        return f"\\operatorname{starred}{{{word}}}" + ("\\nolimits" if symbol.limits is False else "")
    if name in c.DELIMITERS and kind in _SIZE_OF_KIND and SYMBOL_KINDS.get(name) != kind:
        name = _SIZE_OF_KIND[kind] + name
    return name + {None: "", True: "\\limits", False: "\\nolimits"}[symbol.limits]


def _script(script: Script) -> _Pieces:
    base = script.base
    if isinstance(base, Script) or (isinstance(base, Row) and base.items and not base.braced):
        pieces: _Pieces = ["{", base, "}"]
    else:
        pieces = [base]
    pieces.append("'" * script.primes)
    if script.primes and script.sup is not None:
        pieces += ["^", *_argument(script.sup)]
    if script.sub is not None:
        pieces += ["_", *_argument(script.sub)]
    if not script.primes and script.sup is not None:
        pieces += ["^", *_argument(script.sup)]
    return pieces


def _text(run: TextRun) -> str:
    if run.command == "\\verb" or run.command == "\\verb*":
        mark = next(mark for mark in "|!/+=\"'@;: ?-.<>()[]" if mark not in run.text)
        return f"{run.command}{mark}{run.text}{mark}"
    return f"{run.command}{{{run.text}}}"


def _environment(environment: Environment) -> _Pieces:
    name = environment.name
    pieces: _Pieces = ["\\substack{"] if name == "substack" else [f"\\begin{{{name}}}"]
    if name in c.PLACED_ENVIRONMENTS and not c.ENVIRONMENTS[name]:
        pieces.append(" ")
    if c.ENVIRONMENTS.get(name):
        pieces.append(f"{{{environment.argument}}}")
    for number, row in enumerate(environment.rows):
        if number:
            pieces.append(" \\\\ ")
        for place, cell in enumerate(row):
            pieces += [" & ", cell] if place else [cell]
    pieces.append("}" if name == "substack" else f"\\end{{{name}}}")
    return pieces


def _stack(stack: Stack) -> _Pieces:
    command, above, below = stack.command, stack.above, stack.below
    mark = below if above is None else above
    if command in c.ARROWS:
        bottom: _Pieces = [] if below is None else ["[", below, "]"]
        return [command, *bottom, *([] if above is None else _argument(above))]
    if command in c.BRACES_ABOVE or command in c.BRACES_BELOW:
        sign = "^" if command in c.BRACES_ABOVE else "_"
        return [command, *_argument(stack.base), *([] if mark is None else [sign, *_argument(mark)])]
    return [command, *([] if mark is None else _argument(mark)), *_argument(stack.base)]


def _phantom(phantom: Phantom) -> str:
    command, argument = phantom.command, phantom.argument
    if command.removesuffix("*") in c.LAYOUT_WITH_ARGUMENTS or command in c.LENGTHS or command == "\\color":
        return f"{command}{{{argument}}}"
    return command + argument


def _styled(styled: Styled) -> _Pieces:
    command, argument, body = styled.command, styled.argument, styled.body
    if command in ("\\mathop", "\\operatorname", "\\operatorname*"):
        return [command, *_argument(body), argument]
    if command == "\\mathchoice":
        return [command, *_argument(body), f"{{{argument}}}"]
    takes_argument = command in c.DECORATIONS_WITH_ARGUMENTS or c.TEXT_BOXES.get(command) or command == "\\color"
    before: _Pieces = [f"{{{argument}}}"] if takes_argument else []
    return [command, *before, *_argument(body)]
