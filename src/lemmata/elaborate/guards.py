"""What the words around a claim may hold that its conditions do not: then it is never refuted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lemmata.documents.model import Formula
from lemmata.elaborate import surface as s
from lemmata.elaborate.context import Context
from lemmata.elaborate.environment import Environment
from lemmata.elaborate.facts import names_of
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.roles import Item

CONSTANT = re.compile(
    r"\b(?:same|constant|fixed|identical|equals? (?:to )?(?:a|the|some|one))\b"
    r"|相同|恒定|恒为|恒等于|固定|常数|常量|常向量|不变",
    re.IGNORECASE,
)
"""“… the same number g at every step”: the members of a family do not change."""
PASSING = frozenset({"\\to", "\\rightarrow", "\\longrightarrow"})
"""What is said with these, such as n → ∞, holds for its sentence only."""
_PLACEHOLDER = re.compile(r"⟦(\d+)⟧")
_DIRECTLY = re.compile(r"⟧[\s,，]*(?:as|when|if|for|where|in the limit)\s*$", re.IGNORECASE)
"""“… as n → ∞”, right behind the claim."""


def with_formulas(text: str, formulas: Sequence[Formula]) -> str:
    """A piece of a sentence with its formulas as the author wrote them."""
    return _PLACEHOLDER.sub(lambda m: f"${formulas[int(m[1])].latex.strip()}$", text)


def unheard(item: Item, items: Sequence[Item], context: Context) -> Iterator[str]:
    """What the document says of the claim's symbols and nobody understood: in its sentence or before it."""
    here = context.formulas[item.formula.index]
    symbols = {stem(n) for n in walk(item.part.expr) if isinstance(n, s.Name)}
    sentences = {here.sentence, context.sentences[here.sentence].lead}
    for source in items:
        if source is item or not source.reason or source.role not in ("declaration", "condition"):
            continue
        there = context.formulas[source.formula.index]
        passing = any(op in PASSING for op in _operators(source.part.expr))
        before = source.place.at < item.place.at
        if (
            there.sentence in sentences
            and (before or not passing or _DIRECTLY.search(there.before))
            or not passing
            and before
            and source.place.scopes == item.place.scopes[: len(source.place.scopes)]
            and symbols & {stem(n) for n in names_of(source.part.expr)}
        ):
            yield source_of(source)


def _operators(expr: s.Expr) -> tuple[str, ...]:
    return expr.ops if isinstance(expr, s.Relation) else ()


def constant_family(text: str, source: Item, environment: Environment) -> s.Name | None:
    """“If the gradient is the same number g at every step”, with a family g_t here: its name."""
    name = source.part.expr
    if not isinstance(name, s.Name) or name.sub is not None or name.sup is not None or not CONSTANT.search(text):
        return None
    return name if environment.family(stem(name), source.place) is not None else None


def source_of(item: Item) -> str:
    start, end = extent(item.formula, item.part.expr)
    return item.formula.latex[start:end].strip()


def extent(formula: Formula, expr: s.Expr) -> tuple[int, int]:
    if isinstance(expr, s.Relation):
        return expr.items[0].start, max(i.end for i in expr.items)
    return expr.start, expr.end
