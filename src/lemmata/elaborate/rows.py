"""What the words “has rows …” tie together: a matrix and the family or expression that its rows are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Fact
from lemmata.elaborate.declarations import head_key
from lemmata.elaborate.environment import Binding, Place
from lemmata.elaborate.names import script_items, spell, stem, walk

if TYPE_CHECKING:
    from lemmata.elaborate.roles import Item, Roles


def rows(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """X has rows x_i^⊤: the family is the rows of a declared matrix, or the matrix stacks a declared family."""
    if len(fact.subjects) == 1:
        _expressions(fact, by_formula, roles)
    _undescribed(fact, by_formula, roles)
    for subject in fact.subjects:
        for thing in fact.objects:
            matrices = [n for i in by_formula.get(subject, ()) for n in _names(i.part.expr)]
            named = [(n, i) for i in by_formula.get(thing, ()) for n in _row_names(i.part.expr)]
            for position, (row, item) in enumerate(named):
                for matrix in _matching(row, matrices, position, len(fact.subjects), len(fact.objects)):
                    _tie(matrix, row, item, roles)


def _undescribed(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """A declared matrix whose rows are said to be something that could not be read is not fully known."""
    things = [i.part.expr for k in fact.objects for i in by_formula.get(k, ())]
    if not things or all(_row_names(x) for x in things):
        return
    for matrix, item in ((n, i) for k in fact.subjects for i in by_formula.get(k, ()) for n in _names(i.part.expr)):
        key, _ = head_key(matrix, roles.letters, roles.environment, item.place)
        found = roles.environment.find(key, matrix.font, item.place)
        if found is not None and found.kind == "variable":
            found.facts.add("described")


def _names(expr: s.Expr) -> list[s.Name]:
    from lemmata.elaborate.facts import names_of

    return names_of(expr)


def _matching(row: s.Name, matrices: list[s.Name], position: int, subjects: int, objects: int) -> list[s.Name]:
    """The matrix whose rows these are: the only one, or the one of the same letter."""
    if subjects == 1 and objects == 1:
        return matrices[:1] if len(matrices) == 1 else matrices[position : position + 1]
    same = [m for m in matrices if m.base.lower() == row.base.lower()]
    return same[:1] or (matrices[:1] if subjects == 1 and objects == 1 else [])


def _expressions(fact: Fact, by_formula: dict[int, list[Item]], roles: Roles) -> None:
    """Φ_Q, Φ_K have rows φ(q_i)^⊤ and φ(k_j)^⊤: row i of each is the expression at i."""
    matrices = [(n, i) for i in by_formula.get(fact.subjects[0], ()) for n in _names(i.part.expr)]
    things = [i for k in fact.objects for i in by_formula.get(k, ())]
    if len(matrices) != len(things):
        return
    for (matrix, item), thing in zip(matrices, things, strict=True):
        expr = thing.part.expr
        if _row_names(expr) or not isinstance(expr, s.Juxt | s.Scripted | s.Call):
            continue
        letters = {
            stem(i): i
            for n in walk(expr)
            if isinstance(n, s.Name)
            for i in script_items(n.sub)
            if isinstance(i, s.Name) and stem(i) in roles.letters
        }
        key, indices = head_key(matrix, roles.letters, roles.environment, item.place)
        declared = roles.environment.find(key, matrix.font, item.place)
        if len(letters) != 1 or indices or any(k == key for k, _, _ in roles.heads):
            continue
        if declared is None or declared.kind != "variable" or declared.type is None or declared.type.rank != 2:
            continue
        ((letter, index),) = letters.items()
        first = Size.of(0 if roles.shared.conventions.zero_based else 1)
        declared.ranges = {letter: (first, declared.type.shape[0])}
        declared.kind, declared.body, declared.indices, declared.type = "definition", expr, (index,), None


def _row_names(expr: s.Expr) -> list[s.Name]:
    match expr:
        case s.Name():
            return [replace(expr, sup=None) if _is_transpose(expr.sup) else expr]
        case s.Listing(items=items):
            found = [n for i in items for n in _row_names(i)]
            known = [stem(n) for n in found]
            return [n for place, n in enumerate(found) if stem(n) not in known[:place]]  # x_1, …, x_n is one family
        case s.Relation(items=(first, *_)):
            return _row_names(first)
        case s.Scripted(base=base):
            return _row_names(base)
    return []


def _is_transpose(sup: s.Expr | None) -> bool:
    return isinstance(sup, s.Mark) and sup.name == "top" or isinstance(sup, s.Name) and sup.base == "T"


def _tie(matrix: s.Name, row: s.Name, item: Item, roles: Roles) -> None:
    """Whichever of the two has a value first gives the other."""
    env = roles.environment
    matrix_key, _ = head_key(matrix, roles.letters, env, item.place)
    row_key, indices = head_key(row, roles.letters, env, item.place)
    if len(indices) != 1:
        items = script_items(row.sub)
        if len(items) != 1:
            return
        indices = (items[0],)
        row_key = stem(row)
    declared = env.find(matrix_key, matrix.font, item.place)
    sentence = [i.place.at for i in roles.items if i.place.sentence == item.place.sentence]
    begun = min(sentence, default=item.place.at)
    place = Place(item.place.at, item.place.scopes)
    equated = [p for key, font, p in roles.heads if key == matrix_key and font == matrix.font]
    given = [p for key, font, p in roles.heads if key == row_key and font == row.font]
    stacks = any(p.at < begun and p.scopes == place.scopes[: len(p.scopes)] for p in given) and not any(
        p.at < begun for p in equated
    )
    if not stacks and (equated or declared is not None and declared.kind in ("variable", "definition")):
        if any(begun <= p.at < item.place.at for p in given) and any(p.at < begun for p in equated):
            # “o_i = …, where o_i is row i of O”: the words count for the whole sentence.
            place = Place(begun - 1, item.place.scopes)
        members = env.find(row_key, row.font, item.place)
        if members is not None and members.kind == "family" and len(members.indices) == 1 and not equated:
            # The declared family x_1, …, x_n is these rows, not vectors of its own.
            members.kind, members.type = "definition", None
            members.body = replace(matrix, sub=members.indices[0], sup=matrix.sup)
            if members.place.at < 0:  # known from its use only, so far
                members.place = place
            return
        letter = indices[0] if isinstance(indices[0], s.Name) else s.Name(0, 0, "i")
        body = replace(matrix, sub=letter, sup=matrix.sup)
        env.add(Binding(row_key, row.font, spell(row), "definition", place, body=body, indices=(letter,)))
        return
    env.add(Binding(matrix_key, matrix.font, spell(matrix), "definition", place, body=replace(row, sub=None, sup=None)))


def rows_by_letter(roles: Roles) -> None:
    """x_1, …, x_n ∈ ℝ^d beside X ∈ ℝ^{n×d}, nothing else being given for either: the x_i are the rows of X."""
    env = roles.environment
    valued = {key for key, _, _ in roles.heads}
    for key in env.keys():
        for members in env.all(key):
            if members.kind != "family" or len(members.indices) != 1 or members.law is not None or key in valued:
                continue
            if members.type is None or members.type.rank != 1 or len(key) != 1 or not key.islower():
                continue
            matrix = env.find(key.upper(), members.font, members.place)
            count = next((c for _, c in members.ranges.values()), None)
            if matrix is None or matrix.kind != "variable" or matrix.type is None or matrix.key in valued:
                continue
            if count is None or matrix.law is not None or matrix.type.shape != (count, *members.type.shape):
                continue
            body = s.Name(0, 0, key.upper(), font=matrix.font, sub=members.indices[0])
            members.kind, members.type, members.body = "definition", None, body
