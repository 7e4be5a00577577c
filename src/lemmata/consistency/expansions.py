"""Products multiplied out with one wrong coefficient, and inequalities turned round by an implication."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.consistency.polynomials import NoPolynomial, Polynomial, add, expand
from lemmata.consistency.survey import Contradiction, Survey, refutation
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import walk
from lemmata.elaborate.roles import Item
from lemmata.verify.verdict import Counterexample

TURNED = {"\\le": -1, "<": -1, "\\ge": 1, ">": 1}


def coefficients(survey: Survey) -> Iterator[Contradiction]:
    """Both sides multiplied out have the same terms, and exactly one of them has another coefficient.

    Whatever else the text assumes could only save the equation by making that very term vanish, and then nobody
    would write it.
    """
    for item in survey.asserted():
        relation = item.part.expr
        if not isinstance(relation, s.Relation) or item.role != "claim":
            continue
        for op, left, right in zip(relation.ops, relation.items, relation.items[1:], strict=False):
            if op == "=" and (_is_product(left) or _is_product(right)):
                yield from _compare(survey, item, left, right)


def _is_product(side: s.Expr) -> bool:
    """Whether a sum in brackets is squared or multiplied."""
    for node in walk(side):
        match node:
            case s.Scripted(base=s.Paren(items=(s.Infix(ops=("+" | "-", *_)),)), sup=s.Num()):
                return True
            case s.Juxt(items=items):
                if sum(map(_is_sum, items)) > 1:
                    return True
    return False


def _is_sum(factor: s.Expr | None) -> bool:
    match factor:
        case s.Paren(items=(s.Infix(), *_)):
            return True
    return False


def _compare(survey: Survey, item: Item, left: s.Expr, right: s.Expr) -> Iterator[Contradiction]:
    try:
        a, b = expand(left), expand(right)
    except NoPolynomial:
        return
    wrong = [m for m in a if m in b and a[m] != b[m]]
    if a == b:
        survey.agree(item)
    if a.keys() != b.keys() or len(a) < 3 or len(wrong) != 1 or not wrong[0]:
        return
    term = wrong[0]
    name = " ".join(term)
    reason = f"multiplied out, one term has the coefficient {a[term]} on the left and {b[term]} on the right"
    yield refutation(
        item,
        s.Relation(left.start, right.end, ("=",), (left, right)),
        reason,
        "expansion",
        Counterexample(left=str(a[term]), right=str(b[term]), where=f"the coefficient of {name}"),
        f"all {len(a)} terms agree except {name}",
    )


def implications(survey: Survey) -> Iterator[Contradiction]:
    """“A ≥ B ⇒ C ≤ D” where the second inequality is the first one turned round."""
    for item in survey.asserted():
        relation = item.part.expr
        if not isinstance(relation, s.Relation):
            continue
        for op, premise, conclusion in zip(relation.ops, relation.items, relation.items[1:], strict=False):
            if op not in ("\\implies", "\\iff"):
                continue
            first, second = _difference(premise), _difference(conclusion)
            if first and second and first.keys() == second.keys() and len(first) > 1:
                ratio = {second[m] / first[m] for m in first}
                if len(ratio) == 1 and next(iter(ratio)) > 0:
                    survey.agree(item)
                if len(ratio) == 1 and next(iter(ratio)) < 0:
                    yield refutation(
                        item,
                        s.Relation(premise.start, conclusion.end, (op,), (premise, conclusion)),
                        "the second inequality is the first one turned round",
                        "expansion",
                        Counterexample(
                            values={"premise, right side moved to the left": 1},
                            left="the first inequality holds, by 1",
                            right="the second one fails, by 1",
                            note="with everything on one side they differ by a negative factor",
                        ),
                    )


def _difference(expr: s.Expr) -> Polynomial | None:
    """What an inequality says is not negative, multiplied out."""
    match expr:
        case s.Relation(ops=(op,), items=(left, right)) if op in TURNED:
            try:
                found = add(expand(left), expand(right), -1)
            except NoPolynomial:
                return None
            return {m: TURNED[op] * c for m, c in found.items()}
    return None
