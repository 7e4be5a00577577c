"""A symbol that takes part in a claim and that nothing in the document introduces."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.documents.model import Block, Formula
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import spell, stem, walk
from lemmata.lint.finding import Finding, Notes, Rule

CONSTANTS = frozenset({"e", "i", "j", "d", "\\pi", "T", "I", "\\delta", "1", "0"})


def check(notes: Notes) -> Iterator[Finding]:
    introduced = _introduced(notes)
    guessed: dict[str, int] = {}
    for statement in notes.elaboration.statements:
        for reading in statement.readings[:1]:
            for variable in reading.guessed:
                guessed.setdefault(variable.latex, statement.formula.index)
    told: set[str] = set()
    for latex, at in guessed.items():
        base = latex.split("_")[0]
        if base in told:
            continue
        told.add(base)
        if base in introduced or latex in introduced or base in CONSTANTS or "□" in latex:
            continue
        if base.startswith("\\bar ") and base.removeprefix("\\bar ") in introduced:
            continue  # a conjugate or a mean of what is known
        place = next(((f, n) for f, n in notes.names if f.index >= at and stem(n) == base), None)
        if place is None:
            continue
        formula, name = place
        message = f"nothing says what {base} is"
        advice = "say what it is where it first occurs: a number, a vector, a size"
        yield Finding(RULE.name, message, formula, name.start, name.end, help=advice)


def _introduced(notes: Notes) -> set[str]:
    """Names that stand alone in running text, on the left of a relation, or in words that speak of them."""
    found: set[str] = set()
    alone = {
        i.latex.strip()
        for b in notes.elaboration.document.blocks
        if isinstance(b, Block)
        for i in b.inlines
        if isinstance(i, Formula) and not i.display
    }
    for item in notes.elaboration.items:
        expr = item.part.expr
        if item.formula.latex.strip() in alone and not item.formula.display:
            for node in walk(expr):
                if isinstance(node, s.Name):
                    found |= {stem(node), spell(node)}
        for node in walk(expr):
            if isinstance(node, s.Derivative):
                found |= {stem(v) for v, _ in node.wrt if isinstance(v, s.Name)}
        if isinstance(expr, s.Relation):
            for head in expr.items[:-1]:
                if _names_something(head, expr.ops[0]):
                    found |= {x for node in walk(head) if isinstance(node, s.Name) for x in (stem(node), spell(node))}
    return found


def _names_something(head: s.Expr, op: str) -> bool:
    """A name, a name with arguments, or anything that is said to lie somewhere or to be drawn from something."""
    while isinstance(head, s.Scripted):
        head = head.base
    match head:
        case s.Name() | s.Listing():
            return True
        case s.Juxt(items=(s.Name(), s.Paren())) | s.Call():
            return op in ("=", ":=")
    return op in ("\\in", "\\sim", "\\subset")


RULE = Rule("undeclared", "A symbol is introduced before it takes part in a claim.", check)
