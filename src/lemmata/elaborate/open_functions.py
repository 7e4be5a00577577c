"""Functions of one number that the document uses without saying which: g in (g h)' = g' h + g h'."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.types import SCALAR
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable

OPEN = "?"
"""Ends the names of such functions in terms."""


def open_functions(exprs: Iterable[s.Expr]) -> frozenset[str]:
    """Letters that are differentiated as functions of one number, g'(x), and stand for nothing else."""
    found: set[str] = set()
    other: set[str] = set()
    for expr in exprs:
        heads: set[int] = set()
        for node in walk(expr):
            match node:
                case s.Juxt(items=items):
                    pairs = list(zip(items, items[1:], strict=False))
                case s.Call(function=function, arguments=arguments, separators=separators, bracketed=True):
                    pairs = [(function, s.Paren(node.start, node.end, "(", ")", arguments, separators))]
                case s.Name(sub=sub, sup=sup, font=font, primes=0) if id(node) not in heads:
                    if font == "bold" or sub is not None or isinstance(sup, s.Mark | s.Name | s.Sign | s.Paren):
                        other.add(stem(node))
                    continue
                case _:
                    continue
            for name, group in pairs:
                inner = group.base if isinstance(group, s.Scripted) else group
                if not isinstance(name, s.Name) or not isinstance(inner, s.Paren) or inner.open != "(":
                    continue
                heads.add(id(name))
                key = stem(replace(name, primes=0))
                scripts = group.sup if isinstance(group, s.Scripted) else None
                if len(inner.items) != 1:
                    continue
                if not isinstance(scripts, s.Num | None) or not _is_letter(name):
                    other.add(key)
                elif name.primes:
                    found.add(key)
    return frozenset(found - other)


def _is_letter(name: s.Name) -> bool:
    """g, \\psi: one small letter in plain type, with a power or primes at most."""
    letter = name.base.lstrip("\\")
    small = letter.islower() and (len(letter) == 1 or name.base.startswith("\\"))
    return small and name.font in ("", "italic") and name.sub is None and isinstance(name.sup, s.Num | None)


def is_open_letter(r: Reader, name: s.Name) -> bool:
    """Whether a name without a meaning here is such a function."""
    return stem(replace(name, primes=0)) in r.shared.conventions.open_functions and _is_letter(name)


def open_call(r: Reader, name: s.Name, argument: t.Term) -> t.Term:
    """g at a number: some smooth function, the same wherever it occurs."""
    key = stem(replace(name, primes=0))
    if argument.type.rank or argument.type.dtype == "complex":
        raise Unreadable(f"the function {key} is not defined")
    r.shared.doubtful = True
    return t.Op(SCALAR, "opaque", (argument,), (("name", f"{key}{OPEN}"),))


def is_open(term: t.Term) -> bool:
    """Whether a term is the value of such a function."""
    return isinstance(term, t.Op) and term.name == "opaque" and str(dict(term.attrs).get("name")).endswith(OPEN)
