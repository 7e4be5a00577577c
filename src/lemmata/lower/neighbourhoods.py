"""Layers on graphs whose degree matrix the text gives in words: σ(D^{-1/2} A D^{-1/2} H W)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

from msgspec.structs import replace

from lemmata.code.spelling import spellings
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration
from lemmata.elaborate.facts import names_of
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.roles import Item
from lemmata.elaborate.statement import Statement
from lemmata.lower.equations import _surroundings
from lemmata.lower.stated import Stated

FACT = "degree matrix"
OPEN = re.compile(r"\b(?:arbitrary|any|some|an) (?:\w+ ){0,2}activation|任意[^，。]{0,6}激活", re.IGNORECASE)
WORDS = re.compile(r"((?:[A-Za-z]+[ -]){1,5})$")


class Neighbourhood(Stated, frozen=True):
    """A `Target` of kind `neighbourhood`: features mixed by degrees and the adjacency matrix, times weights."""

    factors: tuple[tuple[str, float], ...]
    """What stands before the features: (`D` or `A`, its power)."""
    symbols: Mapping[str, str]
    """LaTeX of what is D, A, H and W here."""
    calls: Mapping[str, tuple[str, ...]]
    """How code may spell A and H."""
    words: Mapping[str, frozenset[str]]
    """The words by which the text names A and H."""
    loops: bool
    """The document adds the identity to the adjacency matrix."""
    activation: str
    """LaTeX of the function around the product, empty if there is none."""
    free: bool
    """A sentence about the function says that it is an arbitrary one."""
    text: str
    """The words of the paragraph and of the one before it."""
    order: tuple[int, int]
    """(notebook cell or -1, line)."""
    kind: ClassVar[str] = "neighbourhood"
    names: ClassVar[tuple[str, ...]] = ()
    valueless: ClassVar[str] = "a graph is no array of its own"


def neighbourhoods(elaboration: Elaboration) -> Iterator[Neighbourhood]:
    """Every definition H' = σ(… H W) with powers of a degree matrix around an adjacency matrix before H W."""
    facts = [f for f in elaboration.context.facts if f.kind == FACT]
    said = {k for f in facts for k in f.subjects}
    degrees = {stem(n) for i in elaboration.items if i.formula.index in said for n in names_of(i.part.expr)}
    if not degrees:
        return
    around = _surroundings(elaboration.document)
    for item in elaboration.items:
        expr = item.part.expr
        expr = expr.options[0] if isinstance(expr, s.Choice) else expr
        if item.withdrawn or not isinstance(expr, s.Relation) or expr.ops not in (("=",), (":=",)):
            continue
        product, activation = _inside(expr.items[1])
        found = _factors(product, degrees)
        if found is None:
            continue
        factors, names = found
        latex = {k: item.formula.latex[n.start : n.end].strip() for k, n in names.items()}
        latex["D"] = latex["D"].partition("^")[0]
        start = item.formula.position(expr.start)
        statement = Statement(
            item.formula, start, item.formula.position(max(expr.start, expr.end - 1)),
            item.formula.latex[expr.start : expr.end].strip(), item.role, "equation", expr, place=item.place,
        )  # fmt: skip
        yield Neighbourhood(
            f"neighbourhood {item.formula.index}:{expr.start}", statement.latex, start.line, statement, factors, latex,
            {k: spellings(latex[k]) for k in ("A", "H")},
            {k: _named(elaboration, names[k]) for k in ("A", "H")},
            _looped(elaboration, names["A"]), activation, _arbitrary(elaboration, activation),
            around.get(item.formula.index, ("", None))[0], (-1 if start.cell is None else start.cell, start.line),
        )  # fmt: skip


def _arbitrary(elaboration: Elaboration, function: str) -> bool:
    """Whether a sentence in which the function stands alone says that it is any activation."""
    context = elaboration.context
    told = (
        context.sentences[context.formulas[i.formula.index].sentence].text
        for i in elaboration.items
        if isinstance(i.part.expr, s.Name) and i.part.expr.base == function
    )
    return any(OPEN.search(text) for text in told)


def _inside(side: s.Expr) -> tuple[s.Expr, str]:
    """The product, and the function around it."""
    side = side.options[0] if isinstance(side, s.Choice) else side
    match side:
        case s.Call(function=s.Name() as function, arguments=(inner,)):
            return inner, function.base
        case s.Juxt(items=(s.Name() as function, s.Paren(items=(inner,)))):
            return inner, function.base
    return side, ""


def _factors(product: s.Expr, degrees: set[str]) -> tuple[tuple[tuple[str, float], ...], dict[str, s.Name]] | None:
    """(kind, power) of all factors but the last two, and the names; None where it is another product."""
    if not isinstance(product, s.Juxt) or not all(isinstance(x, s.Name) for x in product.items):
        return None
    *mixing, features, weights = (x for x in product.items if isinstance(x, s.Name))
    found: list[tuple[str, float]] = []
    names = {"H": features, "W": weights}
    for name in mixing:
        kind = "D" if stem(name) in degrees else "A"
        power = 1.0 if name.sup is None else _power(name.sup)
        if power is None or kind == "A" and ("A" in names or power != 1):
            return None
        names[kind] = name
        found.append((kind, power))
    if set(names) != {"D", "A", "H", "W"} or degrees & {stem(features), stem(weights)}:
        return None
    return tuple(found), names


def _power(sup: s.Expr) -> float | None:
    match sup:
        case s.Num(value=value):
            return float(value)
        case s.Sign(op="-", body=body):
            inner = _power(body)
            return None if inner is None else -inner
        case s.Quotient(numerator=s.Num(value=a), denominator=s.Num(value=b)) if b:
            return float(a) / float(b)
        case s.Infix(ops=("/",), items=(first, s.Num(value=b))) if b:
            inner = _power(first)
            return None if inner is None else inner / float(b)
        case s.Paren(items=(inner_,)):
            return _power(inner_)
    return None


def _bare(name: s.Name) -> s.Name:
    return replace(name, sub=None, sup=None, accents=(), start=0, end=0)


def _named(elaboration: Elaboration, name: s.Name) -> frozenset[str]:
    """The words right before a symbol that stands alone in the text, marks above it and scripts apart."""
    found: set[str] = set()
    for item in elaboration.items:
        if not isinstance(item.part.expr, s.Name) or _bare(item.part.expr) != _bare(name):
            continue
        words = elaboration.context.formulas[item.formula.index].before
        if match := WORDS.search(words + " "):
            found |= {w.lower() for w in re.split(r"[ -]", match[1]) if len(w) > 2}
    return frozenset(found)


def _looped(elaboration: Elaboration, name: s.Name) -> bool:
    """Whether the document gives the matrix as another one plus the identity."""
    return any(_adds(item, name) for item in elaboration.items)


def _adds(item: Item, name: s.Name) -> bool:
    match item.part.expr:
        case s.Relation(ops=("=" | ":=",), items=(s.Name() as head, s.Infix(ops=("+",)) as total)):
            return stem(head) == stem(name) and any(isinstance(n, s.Name) and n.base == "I" for n in walk(total))
    return False
