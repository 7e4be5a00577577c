"""Subscripts, superscripts and primes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lemmata.latex.characters import SUBSCRIPTS, SUPERSCRIPTS
from lemmata.latex.commands import COMBINING_ACCENTS
from lemmata.latex.symbols import CHARACTERS, SYMBOL_KINDS
from lemmata.latex.tree import Accent, Node, Number, Phantom, Row, Script, Styled, Symbol

if TYPE_CHECKING:
    from lemmata.latex.reader import Reader

PRIMES = frozenset("'") | {character for character, name in CHARACTERS.items() if name[0] == "'"}
SCRIPT_STARTS = frozenset(["^", "_", "\\limits", "\\nolimits"]).union(
    PRIMES, SUPERSCRIPTS, SUBSCRIPTS, COMBINING_ACCENTS
)
"""Tokens that put something on the atom before them."""
MAX_ACCENTS = 8
"""Combining accents on one letter."""


def read_scripts(reader: Reader, base: Node, items: list[Node]) -> Node:
    """The scripts of `base`; a space has none, so that they get an empty base after it.

    A second subscript or superscript is a gap; what it was on goes to `items` before it.
    """
    texts = reader.texts
    if type(base) is Phantom:
        items.append(base)
        base = Row(base.end, base.end, ())
    sub: Node | None = None
    sup: Node | None = None
    primes = accents = 0
    primed = after_prime = False
    problem = ""
    end = base.end
    while True:
        at = reader.at
        text = texts[at]
        if text < "!" and text:
            reader.at = at + 1
            continue
        if text not in SCRIPT_STARTS:
            break
        if text == "_":
            reader.at = at + 1
            script = reader.argument("a subscript")
            if sub is not None:
                problem = "a second subscript"
                break
            sub = script
        elif text == "^":
            reader.at = at + 1
            script = reader.argument("a superscript")
            if sup is not None or (primed and not after_prime):
                problem = "a second superscript"
                break
            more, sup = _split_primes(script)
            primes += more
            primed = primed or sup is None
        elif text in PRIMES:
            reader.at = at + 1
            if sup is not None or (primed and not after_prime):
                problem = "a prime after a superscript"
                break
            primes += len(CHARACTERS.get(text, text))
            primed = after_prime = True
            end = reader.ends[at]
            continue
        elif text in COMBINING_ACCENTS:
            reader.at = at + 1
            accents += 1
            if accents > MAX_ACCENTS:
                problem = f"more than {MAX_ACCENTS} accents on one letter"
                break
            base = Accent(base.start, reader.ends[at], COMBINING_ACCENTS[text], base)
        elif text == "\\limits" or text == "\\nolimits":
            reader.at = at + 1
            limits = _with_limits(base, text)
            if limits is None:
                problem = f"`{text}` follows no operator"
                break
            base = limits
        elif text in SUPERSCRIPTS:
            script = _characters(reader, SUPERSCRIPTS)
            if sup is not None:
                problem = "a second superscript"
                break
            sup = script
        else:
            script = _characters(reader, SUBSCRIPTS)
            if sub is not None:
                problem = "a second subscript"
                break
            sub = script
        end = reader.ends[reader.at - 1]
        after_prime = False
    if sub is not None or sup is not None or primes:
        base = Script(base.start, end, base, sub, sup, primes)
    if problem:
        if not _is_nothing(base):
            items.append(base)
        return reader.gap(at, problem)
    return base


def _characters(reader: Reader, table: dict[str, str]) -> Node:
    """A run of raised or lowered characters, x² or x₁₂."""
    first = reader.at
    nodes: list[Node] = []
    while (plain := table.get(reader.texts[reader.at])) is not None:
        start, end = reader.starts[reader.at], reader.ends[reader.at]
        reader.at += 1
        if plain.isdigit() and nodes and isinstance(nodes[-1], Number):
            nodes[-1] = Number(nodes[-1].start, end, nodes[-1].text + plain)
        elif plain.isdigit():
            nodes.append(Number(start, end, plain))
        else:
            name = CHARACTERS.get(plain, plain)
            nodes.append(Symbol(start, end, name, SYMBOL_KINDS.get(name, "letter")))
    if len(nodes) == 1 and reader.at == first + 1:
        return nodes[0]
    return Row(reader.starts[first], reader.ends[reader.at - 1], tuple(nodes), True)


def _is_nothing(node: Node) -> bool:
    return type(node) is Row and not node.items and not node.braced


def _split_primes(script: Node) -> tuple[int, Node | None]:
    """x^{\\prime\\prime T}: the primes that begin a superscript are counted apart, the rest stays."""
    if type(script) is Symbol:
        return (1, None) if script.kind == "prime" else (0, script)
    if type(script) is not Row or not script.items:
        return 0, script
    primes = used = 0
    for item in script.items:
        if type(item) is Symbol and item.kind == "prime":
            primes += 1
        elif type(item) is Script and _is_nothing(item.base) and item.sub is None is item.sup:
            primes += item.primes
        else:
            break
        used += 1
    rest = script.items[used:]
    return primes, Row(script.start, script.end, rest, True) if rest else None


def _with_limits(base: Node, command: str) -> Node | None:
    if isinstance(base, Symbol) and base.kind in ("op", "big"):
        return Symbol(base.start, base.end, base.name, base.kind, command == "\\limits")
    if isinstance(base, Styled) and base.command in ("\\mathop", "\\operatorname", "\\operatorname*"):
        return Styled(base.start, base.end, base.command, base.body, command)
    return None
