"""Which letters the document writes together as one name: words, capitals before one subscript, increments."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.elaborate import surface as s
from lemmata.elaborate.names import walk
from lemmata.elaborate.syntax.letters import INCREMENTS


def joined_names(exprs: Sequence[s.Expr]) -> frozenset[str]:
    """All of them; `d` stands for the plain letter, Δ and δ for increments."""
    return _words(exprs) | _capital_runs(exprs) | _increments(exprs)


def _words(exprs: Sequence[s.Expr]) -> frozenset[str]:
    """Names of several letters that the document uses, in scripts of three or more; `d` where it is a plain letter."""
    found: set[str] = set()
    for expr in exprs:
        scripts: set[int] = set()
        for node in walk(expr):
            if not isinstance(node, s.Name):
                continue
            for script in (node.sub, node.sup):
                if script is not None:
                    scripts.update(id(n) for n in walk(script))
            if node.word and node.base.isalpha() and len(node.base) > (2 if id(node) in scripts else 1):
                found.add(node.base)
            if node.base == "d" and not node.word and node.sub is not None and not node.accents:
                found.add("d")
    return frozenset(found)


def _capital_runs(exprs: Sequence[s.Expr]) -> frozenset[str]:
    """PE_{pos,2i} = … with neither P nor E a symbol of its own: capitals before one subscript are one name."""
    runs: set[str] = set()
    alone: set[str] = set()
    for expr in exprs:
        head = expr.items[0] if isinstance(expr, s.Relation) else None
        skip: set[int] = set()
        for node in walk(expr):
            match node:
                case s.Juxt(items=items):
                    letters = [
                        i
                        for i in items
                        if isinstance(i, s.Name) and len(i.base) == 1 and i.base.isupper() and not i.accents
                    ]
                    if (
                        len(letters) == len(items) > 1
                        and all(x.sub is None for x in letters[:-1])
                        and letters[-1].sub is not None
                        and (
                            letters[-1].sup is None
                            and all(b.start == a.start + 1 for a, b in zip(letters, letters[1:], strict=False))
                        )
                    ):
                        skip.update(id(x) for x in items)
                        if node is head:
                            runs.add("".join(x.base for x in letters))
                case s.Name(base=base) if id(node) not in skip and len(base) == 1 and not node.word:
                    alone.add(base)
    return frozenset(r for r in runs if not set(r) & alone)


def _increments(exprs: Sequence[s.Expr]) -> frozenset[str]:
    """Δ (and δ) where the document has it before other symbols only: ΔW is one name then."""
    before: set[str] = set()
    alone: set[str] = set()
    for expr in exprs:
        leading: set[int] = set()
        for node in walk(expr):
            if isinstance(node, s.Juxt):
                for sign, of in zip(node.items, node.items[1:], strict=False):
                    if isinstance(sign, s.Name) and isinstance(of, s.Name) and of.base not in INCREMENTS:
                        leading.add(id(sign))
            if isinstance(node, s.Name) and node.base in INCREMENTS:
                bare = node.sub is None and node.sup is None and not node.accents and not node.primes
                (before if bare and id(node) in leading else alone).add(node.base)
    return frozenset(before - alone)


def has_joined(text: str, words: frozenset[str]) -> bool:
    """Whether a formula may hold one of them."""
    return any(w in text for w in words)
