"""The notation tree as a flat list of tokens: fonts and decoration resolved, scripts hung on what they stand on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from lemmata.elaborate.syntax import vocabulary as v
from lemmata.elaborate.syntax.letters import is_name
from lemmata.elaborate.syntax.token import Token, Tokens
from lemmata.latex.printer import print_latex
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


def tokens(nodes: Iterable[Node], font: str = "", script: bool = False) -> list[Token]:
    """The tokens of a row; brackets are not paired yet. In a script, words name something."""
    state = Tokens(script=script)
    for node in nodes:
        _add(state, node, font)
    return state.out


def _add(state: Tokens, node: Node, font: str) -> None:
    match node:
        case Symbol():
            state.put(_symbol(node, font))
        case Number():
            state.put(Token("number", node.text, node.start, node.end, font=font))
        case Row():
            _row(state, node, font)
        case Script():
            _script(state, node, font)
        case Font():
            _font(state, node, font)
        case Accent():
            _accent(state, node, font)
        case TextRun():
            _text(state, node, font, False)
        case Styled():
            _styled(state, node, font)
        case Phantom():
            _phantom(state, node)
        case Fenced():
            _fenced(state, node, font)
        case Environment() if node.name in v.ALIGNED or (node.name == "array" and _is_alignment(node)):
            _lines(state, node, font)
        case Stack():
            _stack(state, node, font)
        case Gap():
            state.put(Token("gap", node.reason, node.start, node.end, node))
        case Fraction() | Root() | Environment():
            state.put(Token("node", type(node).__name__, node.start, node.end, node, font=font))
        case _:
            state.put(Token("gap", "an unknown kind of notation", node.start, node.end, node))


def _row(state: Tokens, node: Row, font: str) -> None:
    """A braced group shows only what is in it; `{,}` is a comma inside a number."""
    if node.braced and len(node.items) == 1:
        only = node.items[0]
        if isinstance(only, Symbol) and only.kind in ("punct", "bin", "rel", "bar"):
            kind = "comma" if only.name == "," else only.kind
            state.put(Token(kind, _symbol(only, font).name, node.start, node.end, node=only))
            return
    for item in node.items:
        _add(state, item, font)


def _symbol(node: Symbol, font: str) -> Token:
    kind, name = node.kind, node.name
    if kind == "rel":
        name = v.RELATIONS.get(name, name)
    elif kind == "open":
        name = v.OPEN.get(name, name)
    elif kind == "close":
        name = v.CLOSE.get(name, name)
    elif kind == "op":
        name = name.removeprefix("\\")
    elif kind == "bar":
        name = v.BARS.get(name, name)
    elif kind == "other" and name == "@":
        kind = "bin"
    elif kind == "prime":
        kind = "other"
    if kind == "bin" and name in ("\\lor", "\\land"):
        kind = "sep"
    return Token(kind, name, node.start, node.end, node, font if kind == "letter" else "", limits=node.limits)


def _font(state: Tokens, node: Font, font: str) -> None:
    own = v.FONTS.get(node.command, "")
    inner = own if not font or own in ("cal", "bb", "frak") or font in ("roman", "italic") else font
    if own in ("roman", "italic") and font == "bold":
        inner = font
    before = len(state.out)
    _add(state, node.body, inner)
    for token in state.out[before:]:
        token.command = token.command or id(node)
    _stretch(state, before, node.start, node.end)


def _stretch(state: Tokens, before: int, start: int, end: int) -> None:
    """The tokens made by a command cover the command itself."""
    new = state.out[before:]
    if new:
        tight_end = new[0].start
        new[0].tight = not new[0].space and before > 0 and start <= state.out[before - 1].end
        new[0].start = min(start, tight_end)
        new[-1].end = max(end, new[-1].end)
        state.last = max(state.last, end)


def _styled(state: Tokens, node: Styled, font: str) -> None:
    before = len(state.out)
    if node.command == "\\not":
        _add(state, node.body, font)
        for token in state.out[before:]:
            if token.kind == "rel":
                token.name = "\\not" + token.name
        if len(state.out) - before == 1 and state.out[before].kind != "rel":
            state.out[before].kind, state.out[before].name = "gap", "`\\not` before something that is no relation"
    elif node.command in ("\\pmod", "\\pod", "\\mod"):
        state.put(Token("bin", "\\bmod", node.start, node.start))
        state.last = node.body.start
        _add(state, node.body, font)
    else:
        own = v.FONTS.get(node.command, "") if node.command.startswith("\\operatorname") else ""
        _add(state, node.body, own or font)
        if node.command in ("\\mathbin", "\\mathrel") and len(state.out) - before == 1:
            state.out[before].kind = {"\\mathbin": "bin", "\\mathrel": "rel"}[node.command]
    _stretch(state, before, node.start, node.end)


def _phantom(state: Tokens, node: Phantom) -> None:
    if node.command == "\\\\":
        state.put(Token("row", "", node.start, node.end))
    else:
        state.space += node.width
        if state.space >= v.SPACE_BREAK - 1e-9:
            state.space = 0.0
            if not state.out or state.out[-1].kind != "quad":
                state.put(Token("quad", "", node.start, node.end))
    if state.last == node.start:
        state.last = node.end if not node.width else state.last


def _text(state: Tokens, node: TextRun, font: str, scripted: bool) -> None:
    text = node.text
    if node.parts:
        _mixed_text(state, node, font)
        return
    stripped = text.strip()
    if not stripped:
        state.space += 0.333 * len(text)
        return
    if scripted or state.script and any(c.isalnum() for c in stripped) or is_name(text):
        kind = "letter" if len(stripped) == 1 else "word"
        face = {"\\textbf": "bold", "\\texttt": "mono", "\\textsf": "sans"}.get(
            node.command, "roman" if kind == "letter" else ""
        )
        state.put(Token(kind, stripped, node.start, node.end, node, face))
    elif all(not c.isalnum() for c in stripped) and stripped in (",", ".", ";", "，", "。", "；"):
        state.put(Token("punct", ",", node.start, node.end, node))
    else:
        state.put(Token("words", stripped, node.start, node.end, node))


def _mixed_text(state: Tokens, node: TextRun, font: str) -> None:
    """\\text{for all $i$ in it}: the words around, the formulas as they are."""
    pieces = [p.strip() for p in re.split(r"\$[^$]*\$|\\\(.*?\\\)", node.text)]
    for at, part in enumerate((*node.parts, None)):
        if at < len(pieces) and pieces[at]:
            state.put(Token("words", pieces[at], node.start, node.end if part is None else part.start, node))
        if part is not None:
            _add(state, part, "")


def _script(state: Tokens, node: Script, font: str) -> None:
    base = node.base
    if isinstance(base, Row) and not base.items:
        if (
            state.out
            and not state.space
            and state.out[-1].kind not in ("rel", "bin", "punct", "quad", "row")
            and _free(state.out[-1], node)
        ):
            _hang(state, state.out[-1], node)
        elif (
            state.out
            and node.sub is None
            and state.out[-1].kind in ("close", "letter", "word", "node", "group")
            and _free(state.out[-1], node)
        ):
            _hang(state, state.out[-1], node)
        else:
            state.put(Token("other", "", node.start, node.end, node, sub=node.sub, sup=node.sup, primes=node.primes))
        return
    before = len(state.out)
    if isinstance(base, TextRun):
        _text(state, base, font, True)
    elif isinstance(base, Row) and len(base.items) == 1 and isinstance(base.items[0], TextRun):
        _text(state, base.items[0], font, True)
    else:
        _add(state, base, font)
    new = state.out[before:]
    if not new:
        state.put(Token("other", "", node.start, node.end, node, sub=node.sub, sup=node.sup, primes=node.primes))
        return
    last = new[-1]
    if _free(last, node) and last.kind not in ("quad", "row", "words"):
        _hang(state, last, node)
        return
    del state.out[before:]
    group = Token(
        "group", "", node.start, node.end, node, inner=tuple(new), sub=node.sub, sup=node.sup, primes=node.primes
    )
    group.space, group.tight = new[0].space, new[0].tight
    state.out.append(group)
    state.last = node.end


def _free(token: Token, node: Script) -> bool:
    return (
        (node.sub is None or token.sub is None)
        and (node.sup is None or token.sup is None)
        and not (node.primes and token.sup)
    )


def _hang(state: Tokens, token: Token, node: Script) -> None:
    token.sub = node.sub if node.sub is not None else token.sub
    token.sup = node.sup if node.sup is not None else token.sup
    token.primes += node.primes
    token.end = max(token.end, node.end)
    state.last = node.end


def _accent(state: Tokens, node: Accent, font: str) -> None:
    name = node.command.lstrip("\\") or node.command
    name = v.ACCENTS.get(name, name)
    inner = Tokens(script=state.script)
    _add(inner, node.body, font)
    found = inner.out
    letters = (
        all(t.kind in ("letter", "number") and t.bare for t in found)
        and len(found) > 1
        and found[0].font in ("roman", "bold", "italic")
    )
    if len(found) == 1 and found[0].kind in ("letter", "word", "op", "number"):
        token = found[0]
        token.accents = (name, *token.accents)
    elif letters and found[0].font != "bold":
        token = Token("word", "".join(t.name for t in found), node.start, node.end, accents=(name,))
    elif len(found) == 1 and found[0].kind == "rel":
        token = found[0]
        token.name = "\\approx" if token.name == "=" and name == "dot" else token.name
    else:
        token = Token("node", "Accent", node.start, node.end, node, font=font)
    token.start, token.end = node.start, max(node.end, token.end)
    state.put(token)


_DELIMITERS = {**v.OPEN, **v.CLOSE, **v.BARS, ".": "", "\\lbrack": "[", "\\rbrack": "]"}


def _fenced(state: Tokens, node: Fenced, font: str) -> None:
    left, right = _DELIMITERS.get(node.left, node.left), _DELIMITERS.get(node.right, node.right)
    sole = [i for i in node.body.items if not isinstance(i, Phantom)]
    if len(sole) == 1 and isinstance(sole[0], Environment) and (left, right) in _MATRIX_FENCES:
        environment = sole[0]
        kind = _MATRIX_FENCES[left, right]
        if kind == "cases" and (environment.name in v.ALIGNED or environment.name == "array") and not state.out:
            kind = "system"
        if kind == "system":
            _lines(state, environment, font)
            _stretch(state, 0, node.start, node.end)
            return
        if kind == "cases" or environment.name in ("array", "matrix", "smallmatrix", "matrix*"):
            renamed = replace(environment, name=kind, start=node.start, end=node.end)
            state.put(Token("node", "Environment", node.start, node.end, renamed, font=font))
            return
    inner = tokens(node.body.items, font, state.script)
    if left and right:
        state.put(Token("group", left, node.start, node.end, node, close=right, inner=tuple(inner)))
    elif not left and right in ("|", "||"):
        state.put(Token("group", "", node.start, node.end, node, close=right, inner=tuple(inner)))
    else:
        edge = node.body.start
        if left:
            state.put(Token("open" if left not in ("|", "||") else "bar", left, node.start, max(node.start, edge)))
        for token in inner:
            space, tight = token.space, token.tight
            state.put(token)
            token.space, token.tight = space, tight
        if right:
            state.put(Token("close" if right not in ("|", "||") else "bar", right, node.body.end, node.end))


_MATRIX_FENCES = {
    ("(", ")"): "pmatrix", ("[", "]"): "bmatrix", ("|", "|"): "vmatrix", ("||", "||"): "Vmatrix", ("{", "}"): "Bmatrix",
    ("{", ""): "cases",
}  # fmt: skip


def _is_alignment(node: Environment) -> bool:
    """An array with a relation at the beginning of a cell lines up equations."""
    cells = [cell for number, row in enumerate(node.rows) for cell in (row if number else row[1:])]
    firsts = [next((i for i in cell.items if not isinstance(i, Phantom)), None) for cell in cells]
    return any(isinstance(x, Symbol) and x.kind == "rel" for x in firsts)


def _lines(state: Tokens, node: Environment, font: str) -> None:
    """Rows of an alignment one after the other; every second alignment point begins a new column of formulas."""
    columns = not node.name.startswith(("eqnarray", "IEEE", "array"))
    for number, row in enumerate(node.rows):
        if number:
            edge = row[0].start if row else node.end
            state.put(Token("row", str(number), edge, edge))
        for at, cell in enumerate(row):
            if at and (cell.items or at + 1 < len(row)):
                kind = "column" if columns and at % 2 == 0 else "align"
                state.put(Token(kind, "", cell.start, cell.start))
            for item in cell.items:
                _add(state, item, font)
    state.last = node.end


def _as_group(state: Tokens, before: int, node: Stack) -> None:
    """What a brace spans holds together where it is a sum."""
    new = state.out[before:]
    kinds = [t.kind for t in new]
    sums = any(t.kind == "bin" and t.name in v.SIGNS for t in new[1:])
    if (
        sums
        and kinds[0] not in ("bin", "rel")
        and kinds[-1] not in ("bin", "rel")
        and not {"rel", "row", "punct"} & {*kinds}
    ):
        if kinds.count("open") == kinds.count("close"):
            group = Token(
                "group", "", node.start, node.end, node, inner=tuple(new), space=new[0].space, tight=new[0].tight
            )
            new[0].tight = False
            state.out[before:] = [group]


_BRACES = ("\\overbrace", "\\underbrace", "\\overbracket", "\\underbracket")


def _stack(state: Tokens, node: Stack, font: str) -> None:
    """A brace shows what it spans, a mark over a relation that relation; what is under an operator is its limit."""
    before = len(state.out)
    _add(state, node.base, font)
    new = state.out[before:]
    label = node.above if node.above is not None else node.below
    if node.command in _BRACES or label is None:
        _as_group(state, before, node)
    elif len(new) == 1 and new[0].kind in ("rel", "bin"):
        text = print_latex(label).strip("{} ")
        marks = {text, text.removeprefix("\\mathrm{").removeprefix("\\text{").removeprefix("\\rm").strip("{} ")}
        if new[0].name == "=" and marks & v.DEFINING_MARKS:
            new[0].name = ":="
    elif len(new) > 1 and node.below is not None and all(t.kind == "letter" and t.bare for t in new):
        new[-1].sub = node.below
    elif len(new) == 2 and new[0].kind == "op" == new[1].kind and new[0].name == "arg" and node.below is not None:
        new[1].sub = node.below
    elif len(new) == 1 and (new[0].kind in ("op", "big") or new[0].font in ("bb", "roman") or new[0].kind == "word"):
        if node.below is not None and new[0].sub is None:
            new[0].sub = node.below
        elif node.above is not None and new[0].sup is None:
            new[0].sup = node.above
    elif len(new) == 1 and new[0].kind == "letter":
        new[0].accents = ("over " if node.above is not None else "under ", *new[0].accents)
        new[0].accents = (new[0].accents[0] + print_latex(label).strip("{} "), *new[0].accents[1:])
    else:
        del state.out[before:]
        state.put(Token("gap", "something set over or under an expression", node.start, node.end, node))
    _stretch(state, before, node.start, node.end)
