"""The left side of an equation: what it would define."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from lemmata.elaborate import surface as s
from lemmata.elaborate.declarations import head_key
from lemmata.elaborate.environment import Binding, Environment, Place
from lemmata.elaborate.names import script_items, spell, stem, walk

ELEMENTARY = frozenset({"ln", "log", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan"})
"""Functions that no document defines: ln(e) = 1 says something of the logarithm."""


class Head(Struct, frozen=True):
    """A name with its index subscripts and, for a function, its parameters."""

    key: str
    font: str
    latex: str
    indices: tuple[s.Expr, ...]
    params: tuple[s.Name, ...] | None
    separators: tuple[str, ...]
    name: s.Name


def head_of(expr: s.Expr, letters: frozenset[str], environment: Environment, place: Place) -> Head | None:
    """What an equation with this left side could define; None if it can define nothing."""
    match expr:
        case s.Choice(options=options):
            return head_of(options[0], letters, environment, place)
        case s.Name():
            if _decorated(expr) or expr.base in ("0", "1"):
                return None
            key, indices = _key(expr, letters, environment, place)
            return Head(key, expr.font, spell(expr), indices, None, (), expr)
        case s.Juxt(items=(s.Name() as name, s.Paren(open="(" | "[", items=items, separators=separators))):
            if name.primes and any(
                b.kind in ("function", "abstract") for b in environment.all(stem(replace(name, primes=0)))
            ):
                return None
            params = _parameters(items)
            if params is None or _decorated(name) and not _new_square(name, environment):
                return None
            key, indices = _key(name, letters, environment, place)
            return Head(key, name.font, spell(name), indices, params, separators, name)
        case s.Call(function=name, arguments=items, separators=separators, bracketed=True):
            params = _parameters(items)
            if params is None or name.primes or name.sub is None and name.base.strip("\\") in ELEMENTARY:
                return None
            key, indices = _key(name, letters, environment, place)
            return Head(key, name.font, spell(name), indices, params, separators, name)
        case s.Scripted(base=s.Paren(items=(s.Name() as name,)), sub=sub, sup=None) if (
            sub is not None and name.sub is None
        ):
            # [J]_{ij} = …: the entries of J.
            return head_of(replace(name, sub=sub, start=expr.start, end=expr.end), letters, environment, place)
    return None


def _key(
    name: s.Name, letters: frozenset[str], environment: Environment, place: Place
) -> tuple[str, tuple[s.Expr, ...]]:
    base = environment.find(stem(name), name.font, place)
    items = script_items(name.sub)
    if (
        base is not None
        and (base.indices or base.kind == "family")
        and items
        and all(isinstance(i, s.Num) or _of_sizes(i, environment, place) for i in items)
    ):
        return stem(name), items
    return head_key(name, letters, environment, place)


def _of_sizes(expr: s.Expr, environment: Environment, place: Place) -> bool:
    """d/2, n - 1, T/2: a member singled out by an expression in sizes, or in capitals that mean nothing else."""
    names = [n for n in walk(expr) if isinstance(n, s.Name)]
    found = [environment.find(stem(n), n.font, place) for n in names]
    known = all(b.kind == "size" if b is not None else n.base == "T" for n, b in zip(names, found, strict=True))
    return bool(names) and known and not isinstance(expr, s.Name)


def _decorated(name: s.Name) -> bool:
    """x^2, A^T, A^{-1} on the left define nothing (\\sigma^2 does: see `squared`)."""
    match name.sup:
        case s.Num() | s.Mark(name="top") | s.Sign():
            return True
        case s.Name(base="T"):
            return True
    return False


def _new_square(name: s.Name, environment: Environment) -> bool:
    """σ^2(x) = … of a letter that stands for nothing: a function whose name has the exponent, as variances do."""
    return squared(name) is not None and not environment.all(stem(replace(name, sup=None)))


def squared(expr: s.Expr) -> s.Name | None:
    """σ^2 = …: the name whose square is defined."""
    match expr:
        case s.Name(sup=s.Num(value=value)) if value == 2:
            return expr
    return None


def _parameters(items: tuple[s.Expr, ...]) -> tuple[s.Name, ...] | None:
    if not items or not all(isinstance(i, s.Name) for i in items):
        return None
    names = tuple(i for i in items if isinstance(i, s.Name))
    if any(isinstance(n.sup, s.Num | s.Sign) for n in names):
        return None
    return names


def mentions(expr: s.Expr, key: str) -> bool:
    """Whether the symbol of this key occurs; h_q is another symbol than h, and W_Q does not speak of Q."""
    labels = {id(n.sub) for n in walk(expr) if isinstance(n, s.Name) and isinstance(n.sub, s.Name)}
    return any(
        isinstance(n, s.Name)
        and id(n) not in labels
        and key in (stem(n) if n.sub is None else "", f"{stem(n)}_{spell(n.sub)}", stem(n) if _indexed(n) else "")
        for n in walk(expr)
    )


def _indexed(name: s.Name) -> bool:
    """Whether the subscript is an index by its look: i, j, t - 1, a number."""
    items = script_items(name.sub)
    return bool(items) and all(
        isinstance(i, s.Num | s.Infix) or isinstance(i, s.Name) and i.base in "ijt" for i in items
    )


def refers_to_itself(binding: Binding, body: s.Expr) -> bool:
    """m_t = β m_{t-1} + …: an indexed definition whose body uses another member of the family."""
    own = tuple(spell(i) for i in binding.indices)
    base = binding.key.split("_")[0].split("^")[0]
    for node in walk(body):
        if isinstance(node, s.Name) and stem(node) == base:
            scripts = tuple(spell(i) for i in script_items(node.sub))
            if isinstance(node.sup, s.Paren) and len(node.sup.items) == 1:
                scripts = (*scripts, spell(node.sup.items[0]))
            if (
                scripts
                and len(scripts) >= len(own)
                and scripts[: len(own)] != own
                and _letters(binding.indices[0]) & _letters_of(node)
            ):
                return True
    return False


def _letters(expr: s.Expr) -> set[str]:
    return {stem(n) for n in walk(expr) if isinstance(n, s.Name)}


def _letters_of(name: s.Name) -> set[str]:
    found: set[str] = set()
    for script in (name.sub, name.sup):
        if script is not None:
            found |= _letters(script)
    return found


def fonts(params: tuple[s.Name, ...]) -> list[str]:
    return [p.font for p in params]


def ranks_differ(a: tuple[s.Name, ...], b: tuple[s.Name, ...]) -> bool:
    """f(q, K) and f(Q, K): the same name for a function of other things."""
    return [p.base.isupper() for p in a] != [p.base.isupper() for p in b]


def in_numbers(body: s.Expr, params: tuple[s.Name, ...]) -> bool:
    """Whether a function is given in numbers and its own arguments alone: an example."""
    own = {stem(p) for p in params}
    return all(stem(n) in own or n.word for n in walk(body) if isinstance(n, s.Name)) and not any(
        isinstance(n, s.Big | s.Derivative) for n in walk(body)
    )


def has_decimals(body: s.Expr) -> bool:
    return any(isinstance(n, s.Num) and n.decimal for n in walk(body))


def same_pattern(a: tuple[s.Expr, ...], b: tuple[s.Expr, ...]) -> bool:
    return len(a) == len(b) and all(isinstance(x, s.Name) and isinstance(y, s.Name) for x, y in zip(a, b, strict=True))


def affine_like(expr: s.Expr) -> bool:
    return not isinstance(expr, s.Name)


def has_value(environment: Environment, name: s.Name, place: Place) -> bool:
    """Whether a name stands for something given in numbers and sizes, so that f(name) is a value of f: u = (1/n, …)."""
    found = environment.visible_before(stem(name), name.font, place)
    if found is None or found.kind != "definition" or found.indices or name.sub is not None or found.body is None:
        return False
    names = [n for n in walk(found.body) if isinstance(n, s.Name) and n.base not in ("1", "0")]
    bound = [environment.find(stem(n), n.font, place) for n in names]
    return all(b is not None and b.kind == "size" for b in bound)


def one_of_several(given: Sequence[tuple[str, Place, str]], key: str, before: Place, here: Place) -> bool:
    """Whether parts side by side (rows of a table, cases) each give the function another body: each has its own."""
    outer = here.scopes[:-1]
    if len(before.scopes) > len(outer) or before.scopes != outer[: len(before.scopes)]:
        return False
    beside = {p.scopes: body for k, p, body in reversed(given) if k == key and p.scopes[:-1] == outer}
    return here.scopes in beside and any(body != beside[here.scopes] for body in beside.values())


def uses_itself(head: Head, body: s.Expr, environment: Environment) -> bool:
    """x = x + f(x): no definition of x; nor is a = e^{\\ln a} with a unbound. W_0 is no W, the label of W_Q no Q."""
    labels = _labels(head.key, body, environment)
    named = [n for n in walk(body) if isinstance(n, s.Name) and stem(n) == head.key and id(n) not in labels]
    if any(n.sub is None for n in named):
        return True
    return (
        any(not isinstance(n.sub, s.Num) for n in named)
        and bool(environment.all(head.key))
        and mentions(body, head.key)
    )


def _labels(key: str, body: s.Expr, environment: Environment) -> set[int]:
    """Where a letter is part of another name: in W_Q, W^Q where that is declared, or is a matrix named after one."""
    found: set[int] = set()
    for name in walk(body):
        if not isinstance(name, s.Name):
            continue
        for script, mark in ((name.sub, "_"), (name.sup, "^")):
            if isinstance(script, s.Name) and stem(script) == key:
                matrices = len(key) == 1 and key.isupper() and stem(name).isupper()
                if matrices or environment.all(f"{stem(name)}{mark}{spell(script)}"):
                    found.add(id(script))
    return found
