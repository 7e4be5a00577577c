"""One symbol with two meanings in the same scope."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.documents.model import Formula
from lemmata.elaborate import surface as s
from lemmata.elaborate.environment import Binding
from lemmata.elaborate.names import stem
from lemmata.lint.finding import Edit, Finding, Notes, Rule

KINDS = {0: "a number", 1: "a vector", 2: "a matrix"}


def check(notes: Notes) -> Iterator[Finding]:
    yield from _transpose(notes)
    environment = notes.elaboration.roles.environment
    for key in environment.keys():
        bindings = [b for b in environment.all(key) if b.declared and not b.indices and _meaning(b)]
        for k, later in enumerate(bindings):
            earlier = next((b for b in bindings[:k] if _clash(b, later)), None)
            if earlier is None:
                continue
            place = _place(notes, later, key)
            if place is not None:
                formula, start, end = place
                line = notes.formulas[earlier.place.at].span.start.line
                message = f"{later.latex} is {_meaning(later)} here and {_meaning(earlier)} on line {line}"
                yield Finding(RULE.name, message, formula, start, end, help="give one of them another letter")
            break


def _meaning(binding: Binding) -> str:
    if binding.kind == "size":
        return "a size"
    if binding.kind == "variable" and binding.type is not None:
        return KINDS.get(binding.type.rank, "a tensor")
    return ""


def _clash(a: Binding, b: Binding) -> bool:
    """Two declarations of different kinds of thing, one in the scope of the other, in one typeface."""
    inside = a.place.scopes == b.place.scopes[: len(a.place.scopes)] and len(a.place.scopes) > 1
    same = a.font == b.font and a.place.at != b.place.at
    both = {_meaning(a), _meaning(b)}
    return same and inside and len(both) == 2 and both != {"a size", "a number"}


def _place(notes: Notes, binding: Binding, key: str) -> tuple[Formula, int, int] | None:
    for formula, name in notes.names:
        if formula.index == binding.place.at and stem(name) == key.split("_")[0].split("^")[0]:
            return formula, name.start, name.end
    return None


def _transpose(notes: Notes) -> Iterator[Finding]:
    """X^T is a transpose, and T counts something elsewhere."""
    environment = notes.elaboration.roles.environment
    bound = [b for b in environment.all("T") if b.kind in ("size", "variable", "definition") and not b.indices]
    if not bound:
        return
    for formula, name in notes.names:
        match name.sup:
            case s.Name(base="T", sub=None, sup=None) as letter if _shaped(notes, formula, name):
                gap = " " if formula.latex[letter.end : letter.end + 1].isalpha() else ""
                edit = Edit(formula, letter.start, letter.end, f"\\top{gap}", "write the transpose as \\top")
                line = notes.formulas[bound[0].place.at].span.start.line
                message = f"T is the transpose here and a symbol of its own on line {line}"
                yield Finding(RULE.name, message, formula, name.start, name.end, edit=edit)
                return


def _shaped(notes: Notes, formula: Formula, name: s.Name) -> bool:
    """Whether a name is known to be a vector or a matrix that is not square, so that no power of it can be meant."""
    bound = [b for b in notes.elaboration.roles.environment.all(stem(name)) if b.place.at <= formula.index]
    shapes = [b.type.shape for b in bound if b.type is not None]
    return any(len(x) == 1 or len(x) == 2 and x[0] != x[1] for x in shapes)


RULE = Rule("meanings", "A symbol has one meaning in one scope.", check)
