"""An index that a sum binds on one side and that is free on the other."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem, walk
from lemmata.lint.finding import Edit, Finding, Notes, Rule

LETTERS = "jklmrsuvpqi"


def check(notes: Notes) -> Iterator[Finding]:
    for item in notes.elaboration.items:
        expr = item.part.expr
        if not isinstance(expr, s.Relation) or any(op not in ("=", ":=") for op in expr.ops):
            continue
        free = [_free_indices(side) for side in expr.items]
        bound = [_bound_indices(side) for side in expr.items]
        taken = {n.base for n in walk(expr) if isinstance(n, s.Name)}
        for at, side in enumerate(expr.items):
            others = set().union(*(f - bound[k] for k, f in enumerate(free) if k != at))
            for big in walk(side):
                if not isinstance(big, s.Big) or big.op not in ("\\sum", "\\prod"):
                    continue
                letter = _bound(big)
                if letter is None or letter.base not in others:
                    continue
                new = next((x for x in LETTERS if x not in taken), None)
                source = item.formula.latex
                edit = None
                if new is not None:
                    text = _renamed(source, big, letter.base, new)
                    what = f"let the sum run over {new}"
                    edit = Edit(item.formula, big.start, big.end, text, what)
                message = f"{letter.base} is bound by the sum here and free on the other side"
                yield Finding(RULE.name, message, item.formula, big.start, big.end, edit=edit)
                break


def _bound(big: s.Big) -> s.Name | None:
    match big.lower:
        case s.Relation(ops=("=",), items=(s.Name() as name, *_)):
            return name
        case s.Name() as name:
            return name
    return None


def _bound_indices(side: s.Expr) -> set[str]:
    """Letters that sums and expectations of a side bind; one that is also free there is a matter of reach."""
    found: set[str] = set()
    for node in walk(side):
        if isinstance(node, s.Big) and (letter := _bound(node)) is not None:
            found.add(letter.base)
        if isinstance(node, s.Expectation) and node.sub is not None:
            found |= {n.base for n in walk(node.sub) if isinstance(n, s.Name)}
    return found


def _free_indices(side: s.Expr) -> set[str]:
    """Letters in subscripts of a side that no sum of it binds."""
    found: set[str] = set()

    def visit(expr: s.Expr, bound: frozenset[str]) -> None:
        if isinstance(expr, s.Choice):
            visit(expr.options[0], bound)
            return
        inside = bound
        if isinstance(expr, s.Big):
            letter = _bound(expr)
            inside = bound | ({letter.base} if letter is not None else set())
        if isinstance(expr, s.Name | s.Scripted) and expr.sub is not None:
            for node in walk(expr.sub):
                if isinstance(node, s.Name) and len(node.base) == 1 and node.sub is None and node.base not in inside:
                    found.add(node.base)
        for child in s.children(expr):
            visit(child, inside)

    visit(side, frozenset())
    return found


def _renamed(source: str, big: s.Big, letter: str, new: str) -> str:
    """The sum with its letter replaced; letters inside commands are not names."""
    spots = [n.start for n in walk(big) if isinstance(n, s.Name) and n.base == letter and stem(n) == letter]
    text = list(source)
    for at in spots:
        if text[at] == letter:
            text[at] = new
    return "".join(text)[big.start : big.end]


RULE = Rule("indices", "An index is free on both sides of an equation or on neither.", check)
