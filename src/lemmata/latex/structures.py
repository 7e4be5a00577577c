"""What each command takes and which node it makes: one handler per family of commands."""

from __future__ import annotations

from collections.abc import Iterable

from lemmata.latex import commands as c
from lemmata.latex.characters import SUBSCRIPTS, SUPERSCRIPTS, character
from lemmata.latex.layout import LAYOUT_HANDLERS, raw_arguments
from lemmata.latex.reader import DIGITS, Handler, Reader
from lemmata.latex.symbols import CHARACTERS, SYMBOL_KINDS
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
    Stack,
    Styled,
    Symbol,
)
from lemmata.latex.words import operator_word, text_argument


def _group(reader: Reader, text: str, at: int) -> Node:
    reader.at = at
    return reader.group()


def _bare_script(reader: Reader, text: str, at: int) -> Node:
    """A script with nothing before it: the base is an empty row."""
    reader.at = at
    start = reader.starts[at]
    return Row(start, start, ())


def _number(reader: Reader, text: str, at: int) -> Node:
    """Digits with at most one decimal point; `...` is an ellipsis, a point alone is punctuation."""
    texts = reader.texts
    end = at
    while texts[end] in DIGITS:
        end += 1
    if texts[end] == "." and texts[end + 1] in DIGITS:
        end += 1
        while texts[end] in DIGITS:
            end += 1
    start = reader.starts[at]
    if end > at:
        reader.at = end
        return Number(start, reader.ends[end - 1], "".join(texts[at:end]))
    if texts[at + 1] == "." and texts[at + 2] == ".":
        reader.at = at + 3
        return Symbol(start, reader.ends[at + 2], "\\ldots", "dots")
    return Symbol(start, reader.ends[at], ".", "punct")


def _font(reader: Reader, text: str, at: int) -> Node:
    body = reader.argument(f"`{text}`")
    return Font(reader.starts[at], body.end, text, body)


def _font_switch(reader: Reader, text: str, at: int) -> Node:
    body = reader.row(before_infix=True)
    return Font(reader.starts[at], max(body.end, reader.ends[at]), text, body)


def _accent(reader: Reader, text: str, at: int) -> Node:
    body = reader.argument(f"`{text}`")
    return Accent(reader.starts[at], body.end, text, body)


def _fraction(reader: Reader, text: str, at: int) -> Node:
    numerator = reader.argument(f"`{text}`")
    denominator = reader.argument(f"`{text}`")
    return Fraction(reader.starts[at], denominator.end, numerator, denominator, text)


def _generalized_fraction(reader: Reader, text: str, at: int) -> Node:
    """\\genfrac{left}{right}{thickness}{style}{a}{b}: the first four stay in the command."""
    layout = [reader.raw_argument() for _ in range(4)]
    if None in layout:
        return reader.gap(at, "`\\genfrac` lacks an argument")
    return _fraction(reader, text + "".join(f"{{{part}}}" for part in layout), at)


def _root(reader: Reader, text: str, at: int) -> Node:
    degree = _optional(reader)
    if isinstance(degree, Gap):
        return reader.gap(at, degree.reason)
    body = reader.argument("`\\sqrt`")
    return Root(reader.starts[at], body.end, body, degree)


def _optional(reader: Reader) -> Row | Gap | None:
    """[...] as a row."""
    opening = reader.skip_spaces()
    if reader.texts[opening] != "[":
        return None
    reader.at = opening + 1
    reader.closers.append("]")
    body = reader.row()
    reader.closers.pop()
    if reader.texts[reader.at] != "]":
        return reader.gap(opening, "`[` is never closed")
    reader.at += 1
    return body


def _fenced(reader: Reader, text: str, at: int) -> Node:
    left = reader.delimiter()
    if left is None:
        return reader.gap(at, "`\\left` lacks a delimiter")
    reader.closers.append("\\right")
    body = reader.row()
    reader.closers.pop()
    if reader.texts[reader.at] != "\\right":
        return reader.gap(at, "`\\left` has no `\\right`")
    reader.at += 1
    right = reader.delimiter()
    if right is None:
        return reader.gap(at, "`\\right` lacks a delimiter")
    return Fenced(reader.starts[at], reader.ends[reader.at - 1], left, right, body)


def _sized(reader: Reader, text: str, at: int) -> Node:
    """\\bigl( and \\middle|: the delimiter as a symbol, with the kind that the size gives it."""
    if text == "\\middle" and "\\right" not in reader.closers:
        return reader.gap(at, "`\\middle` outside `\\left` and `\\right`")
    braced = reader.texts[reader.skip_spaces()] == "{"
    if braced:
        reader.at += 1
    name = reader.delimiter()
    if braced and name is not None:
        name = name if reader.texts[reader.skip_spaces()] == "}" else None
        reader.at += name is not None
    if name is None:
        return reader.gap(at, f"`{text}` lacks a delimiter")
    start, end = reader.starts[at], reader.ends[reader.at - 1]
    if name == ".":
        return Phantom(start, end, text, ".")
    own = SYMBOL_KINDS[name]
    kind = c.SIZES.get(text) or own
    bar = {"\\vert": "|", "\\Vert": "\\|"}.get(name, name)
    if (bar, kind) in c.SIZED_BARS:
        name = c.SIZED_BARS[bar, kind]
        kind = SYMBOL_KINDS[name]
    return Symbol(start, end, name, kind)


def _begin(reader: Reader, text: str, at: int) -> Node:
    name = reader.raw_argument()
    if name not in c.ENVIRONMENTS:
        return _skip_environment(reader, at, name)
    if name in c.PLACED_ENVIRONMENTS and "".join(reader.texts[reader.at : reader.at + 3]) in c.PLACES:
        reader.at += 3
    argument = ""
    if c.ENVIRONMENTS[name]:
        given = reader.raw_argument()
        if given is None:
            return reader.gap(at, f"`\\begin{{{name}}}` lacks its argument")
        argument = given
    return _environment(reader, at, name, argument)


def _environment(reader: Reader, at: int, name: str, argument: str) -> Node:
    reader.closers.append("\\end")
    rows = reader.rows()
    reader.closers.pop()
    if reader.texts[reader.at] != "\\end":
        return reader.gap(at, f"`\\begin{{{name}}}` has no `\\end`")
    reader.at += 1
    closing = reader.raw_argument()
    if closing != name:
        return reader.gap(at, f"`\\begin{{{name}}}` ends with `\\end{{{closing}}}`")
    return Environment(reader.starts[at], reader.ends[reader.at - 1], name, rows, argument)


def _skip_environment(reader: Reader, at: int, name: str | None) -> Gap:
    """Everything up to the matching \\end of an environment that is not known."""
    depth = 1
    texts = reader.texts
    while texts[reader.at]:
        depth += {"\\begin": 1, "\\end": -1}.get(texts[reader.at], 0)
        reader.at += 1
        if depth == 0:
            reader.raw_argument()
            break
    return reader.gap(at, f"unknown environment `{name}`")


def _substack(reader: Reader, text: str, at: int) -> Node:
    opening = reader.skip_spaces()
    if reader.texts[opening] != "{":
        body = reader.argument("`\\substack`")
        return Environment(reader.starts[at], body.end, "substack", ((Row(body.start, body.end, (body,)),),))
    reader.at += 1
    reader.closers += ["}", "\\end"]
    rows = reader.rows()
    del reader.closers[-2:]
    if reader.texts[reader.at] != "}":
        return reader.gap(at, "`\\substack{` is never closed")
    reader.at += 1
    return Environment(reader.starts[at], reader.ends[reader.at - 1], "substack", rows)


def _stack(reader: Reader, text: str, at: int) -> Node:
    mark = reader.argument(f"`{text}`")
    base = reader.argument(f"`{text}`")
    above, below = (None, mark) if text in c.STACKS_BELOW else (mark, None)
    return Stack(reader.starts[at], base.end, text, base, above, below)


def _brace(reader: Reader, text: str, at: int) -> Node:
    """\\underbrace{x}_{n}: the first script on the brace's side belongs to it."""
    base = reader.argument(f"`{text}`")
    end = base.end
    mark: Node | None = None
    sign = "_" if text in c.BRACES_BELOW else "^"
    if reader.texts[reader.skip_spaces()] == "\\limits":
        reader.at += 1
    if reader.texts[reader.skip_spaces()] == sign:
        reader.at += 1
        mark = reader.argument(f"`{text}`")
        end = mark.end
    above, below = (None, mark) if sign == "_" else (mark, None)
    return Stack(reader.starts[at], end, text, base, above, below)


def _arrow(reader: Reader, text: str, at: int) -> Node:
    below = _optional(reader)
    above = reader.argument(f"`{text}`")
    arrow = Symbol(reader.starts[at], reader.ends[at], text, "rel")
    return Stack(reader.starts[at], above.end, text, arrow, above, below)


def _decoration(reader: Reader, text: str, at: int) -> Node:
    if text == "\\smash" and reader.texts[reader.skip_spaces()] == "[":
        reader.raw_argument("[", "]")
    body = reader.argument(f"`{text}`")
    return Styled(reader.starts[at], body.end, text, body)


def _decoration_with_arguments(reader: Reader, text: str, at: int) -> Node:
    before = raw_arguments(reader, c.DECORATIONS_WITH_ARGUMENTS[text])
    if before is None:
        return reader.gap(at, f"`{text}` lacks an argument")
    body = reader.argument(f"`{text}`")
    return Styled(reader.starts[at], body.end, text, body, before)


def _text_box(reader: Reader, text: str, at: int) -> Node:
    before = raw_arguments(reader, c.TEXT_BOXES[text])
    if before is None:
        return reader.gap(at, f"`{text}` lacks an argument")
    body = text_argument(reader, "", reader.skip_spaces())
    return Styled(reader.starts[at], body.end, text, body, before)


def _mathchoice(reader: Reader, text: str, at: int) -> Node:
    """The display form is read, the three others kept as they are written."""
    body = reader.argument("`\\mathchoice`")
    others = raw_arguments(reader, 3)
    if others is None:
        return reader.gap(at, "`\\mathchoice` lacks an argument")
    return Styled(reader.starts[at], reader.ends[reader.at - 1], text, body, others)


def _operator(reader: Reader, text: str, at: int) -> Node:
    """\\operatorname{word}, starred or not."""
    starred = text != "\\operatorname"
    if reader.texts[reader.at] == "*":
        reader.at += 1
        starred = True
    body = reader.argument("`\\operatorname`")
    word = operator_word(body)
    start = reader.starts[at]
    if word is None:
        return Styled(start, body.end, "\\operatorname*" if starred else "\\operatorname", body)
    return Symbol(start, body.end, word, "op", True if starred else None)


def _mathop(reader: Reader, text: str, at: int) -> Node:
    """\\mathop{\\rm word} is the operator of that name; other operands are decorated."""
    body = reader.argument("`\\mathop`")
    word = operator_word(body)
    if word is not None and len(word) > 1:
        return Symbol(reader.starts[at], body.end, word, "op", True)
    return Styled(reader.starts[at], body.end, text, body)


def _text(reader: Reader, text: str, at: int) -> Node:
    return text_argument(reader, text, at)


def _char(reader: Reader, text: str, at: int) -> Node | None:
    """\\char65, \\char'101, \\char"41, \\char`A: the character of that number."""
    reader.skip_spaces()
    sign = reader.texts[reader.at]
    reader.at += sign in ("'", '"', "`")
    if sign == "`":
        letter = reader.texts[reader.at][-1:]
        reader.at += bool(letter)
    else:
        allowed = {"'": "01234567", '"': "0123456789ABCDEFabcdef"}.get(sign, "0123456789")
        first = reader.at
        while reader.texts[reader.at] and reader.texts[reader.at] in allowed:
            reader.at += 1
        digits = "".join(reader.texts[first : reader.at])
        code = int(digits or "0", {"'": 8, '"': 16}.get(sign, 10)) if len(digits) < 8 else 0
        letter = chr(code) if 32 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
    if not letter:
        return reader.gap(at, "`\\char` lacks the number of a character")
    start, end = reader.starts[at], reader.ends[reader.at - 1]
    if letter in SYMBOL_KINDS:
        return Symbol(start, end, letter, SYMBOL_KINDS[letter])
    if letter in DIGITS:
        return Number(start, end, letter)
    return character(letter, start, end, reader.source)


def _not(reader: Reader, text: str, at: int) -> Node:
    """\\not before a symbol is one relation; \\not= and \\not\\in have names of their own."""
    body = reader.argument("`\\not`")
    start = reader.starts[at]
    if isinstance(body, Symbol) and body.kind != "op":
        name = {"=": "\\ne", "\\in": "\\notin", "\\ni": "\\notni"}.get(body.name)
        return Symbol(start, body.end, name or _joined("\\not", body.name), "rel")
    return Styled(start, body.end, text, body)


def _joined(command: str, name: str) -> str:
    return f"{command} {name}" if name[0].isalpha() else command + name


def _stray_limits(reader: Reader, text: str, at: int) -> Node:
    return reader.gap(at, f"`{text}` follows no operator")


def _math_shift(reader: Reader, text: str, at: int) -> Node:
    return reader.gap(at, f"`{text}` inside mathematics")


def _handlers() -> dict[str, Handler]:
    families: list[tuple[Handler, Iterable[str]]] = [
        *LAYOUT_HANDLERS,
        (_group, ["{"]),
        (_bare_script, ["^", "_", "'", *SUPERSCRIPTS, *SUBSCRIPTS, *c.COMBINING_ACCENTS]),
        (_bare_script, [char for char, name in CHARACTERS.items() if name[0] == "'"]),
        (_number, [*DIGITS, "."]),
        (_font, c.FONTS),
        (_font_switch, c.FONT_SWITCHES),
        (_accent, c.ACCENTS),
        (_fraction, c.FRACTIONS),
        (_generalized_fraction, ["\\genfrac"]),
        (_root, ["\\sqrt"]),
        (_fenced, ["\\left"]),
        (_sized, [*c.SIZES, "\\middle"]),
        (_begin, ["\\begin"]),
        (_substack, ["\\substack", "\\shortstack"]),
        (_stack, c.STACKS_ABOVE | c.STACKS_BELOW),
        (_brace, c.BRACES_ABOVE | c.BRACES_BELOW),
        (_arrow, c.ARROWS),
        (_decoration, c.DECORATIONS),
        (_decoration_with_arguments, c.DECORATIONS_WITH_ARGUMENTS),
        (_text_box, c.TEXT_BOXES),
        (_mathchoice, ["\\mathchoice"]),
        (_operator, ["\\operatorname", "\\operatornamewithlimits"]),
        (_mathop, ["\\mathop"]),
        (_text, c.TEXTS),
        (_char, ["\\char"]),
        (_not, ["\\not"]),
        (_stray_limits, ["\\limits", "\\nolimits"]),
        (_math_shift, ["\\(", "\\[", "\\]"]),
    ]
    return {name: handler for handler, names in families for name in names}


HANDLERS: dict[str, Handler] = _handlers()
"""Handler by command."""
