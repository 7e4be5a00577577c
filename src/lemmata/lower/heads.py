"""What the left side of an equation and its symbols are called, and which of their scripts say which element."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lemmata.code.spelling import gradient_names, symbol_names
from lemmata.code.target import Atom
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import script_items, spell, stem, suffix, walk


def plain_head(head: s.Expr) -> s.Name | None:
    head = join(head) if isinstance(head, s.Juxt) else head
    return head if isinstance(head, s.Name) else None


def head_names(head: s.Expr) -> tuple[str, ...]:
    match head:
        case s.Name():
            return symbol_names(*without_labels(head, frozenset())[:4])
        case s.Call(function=function):
            return symbol_names(*without_labels(function, frozenset())[:4])
        case s.Juxt(items=(s.Name() as function, s.Paren())):
            return symbol_names(*without_labels(function, frozenset())[:4])
        case s.Scripted(base=inner):
            return head_names(inner)
        case s.Derivative(numerator=of, wrt=((by, 1),)):
            of = of.items[0] if isinstance(of, s.Juxt) else of.function if isinstance(of, s.Call) else of
            return gradient_names(spell(of), spell(by)) if of is not None else ()
    return ()


def element_indices(head: s.Expr, side: s.Expr) -> tuple[str, ...]:
    """Letters of the head's subscript that stand beside a bound index on the right, so that they number elements."""
    sub = head.sub if isinstance(head, s.Name | s.Scripted) else None
    if isinstance(head, s.Call | s.Juxt):
        last = head.items[-1] if isinstance(head, s.Juxt) else head
        sub = last.sub if isinstance(last, s.Scripted) else None
    letters = [stem(x) for x in script_items(sub) if isinstance(x, s.Name) and x.sub is None and not _tells(x)]
    counted = bound_letters(side)
    beside = [
        {stem(x) for x in script_items(n.sub) if isinstance(x, s.Name)}
        for n in walk(side)
        if isinstance(n, s.Name | s.Scripted) and n.sub is not None
    ]
    return tuple(x for x in letters if any(x in group and (group & counted or len(group) > 1) for group in beside))


def element_places(head: s.Expr, atoms: Sequence[Atom]) -> tuple[tuple[str, int, int], ...]:
    """The indices of the element that a head names, where they are letters of the right side."""
    match head:
        case s.Name(sub=sub) if sub is not None:
            items = script_items(sub)
            while len(items) == 1 and isinstance(items[0], s.Paren):
                items = tuple(y for x in items[0].items for y in script_items(x))
        case s.Juxt(items=(s.Name(), s.Paren(items=items))) | s.Call(arguments=items):
            pass
        case _:
            return ()
    letters = {a.latex: a.key for a in atoms}
    found = []
    for item in items:
        item = item.options[0] if isinstance(item, s.Choice) else item
        addend = 0
        if isinstance(item, s.Infix) and item.ops in (("+",), ("-",)) and isinstance(item.items[1], s.Num):
            addend = int(item.items[1].value) * (1 if item.ops == ("+",) else -1)
            item = item.items[0]
        factor = 1
        if isinstance(item, s.Juxt) and len(item.items) == 2 and isinstance(item.items[0], s.Num):
            factor, item = int(item.items[0].value), item.items[1]
        if not isinstance(item, s.Name) or spell(item) not in letters or factor < 1:
            return ()
        found.append((letters[spell(item)], factor, addend))
    return tuple(found) if len(found) == 2 else ()


def bound_letters(expr: s.Expr) -> set[str]:
    """Index letters that sums and the like bind inside."""
    found: set[str] = set()
    for node in walk(expr):
        if isinstance(node, s.Big) and node.lower is not None:
            lower = node.lower.items[0] if isinstance(node.lower, s.Relation) else node.lower
            items = lower.items if isinstance(lower, s.Listing | s.Juxt) else (lower,)
            found |= {stem(x) for x in items if isinstance(x, s.Name)}
    return found


def without_labels(name: s.Name, indices: frozenset[str]) -> tuple[str, tuple[str, ...], tuple[str, ...], int, s.Name]:
    """(base, accents, labels, primes, the name as it is left) with the scripts that belong to the name taken off."""
    labels: list[str] = []
    sub, sup = name.sub, name.sup
    items = script_items(sub)
    own = [i for i in items if not chosen(i) and not any(isinstance(n, s.Name) and stem(n) in indices for n in walk(i))]
    if len(own) == len(items):
        labels += [spell(i) for i in items]
        sub = None
    elif own and all(_tells(i) for i in own):
        labels += [spell(i) for i in own]
        kept = tuple(i for i in items if i not in own)
        sub = kept[0] if len(kept) == 1 else s.Listing(name.start, name.end, kept, (",",) * (len(kept) - 1))
    kind = suffix(sup, True)
    signed = isinstance(sup, s.Mark) and sup.name == "-"  # m^{-} beside m^{+}
    if kind is not None and (kind.kind in ("label", "star") or signed or kind.kind == "power" and _label(sup, name)):
        labels.append(spell(sup).strip("()"))
        sup = None
    return name.base, name.accents, tuple(labels), name.primes, replace(name, sub=sub, sup=sup)


def chosen(item: s.Expr) -> bool:
    """The y_i of s_{y_i}: a symbol that says which element is taken."""
    return isinstance(item, s.Name) and item.sub is not None and not item.word


def _tells(item: s.Expr) -> bool:
    """The A of v_{A,i}: which symbol is meant, not which element."""
    return isinstance(item, s.Name) and (item.word or len(item.base) == 1 and item.base.isupper())


def _label(sup: s.Expr | None, name: s.Name) -> bool:
    """W^Q, x^{\\text{new}}: no power."""
    return isinstance(sup, s.Name) and (sup.word or sup.base.isupper() and name.base.isupper())


def joined(first: s.Expr, second: s.Expr) -> bool:
    """Δ before a symbol makes one symbol with it."""
    return isinstance(first, s.Name) and isinstance(second, s.Name) and first.base == "\\Delta" and (
        first.sub is None and first.sup is None and len(second.base.lstrip("\\")) == 1)  # fmt: skip


def join(expr: s.Juxt) -> s.Expr:
    items: list[s.Expr] = []
    for item in expr.items:
        if items and joined(items[-1], item):
            assert isinstance(item, s.Name)
            items[-1] = replace(item, start=items[-1].start, base="Δ" + item.base)
        else:
            items.append(item)
    return items[0] if len(items) == 1 else replace(expr, items=tuple(items))


def arguments(of: s.Expr | None) -> tuple[s.Expr, ...]:
    match of:
        case s.Juxt(items=(*_, s.Paren(items=items))):
            return items
        case s.Call(arguments=items):
            return items
    return ()


def rank_as_written(name: s.Name, indexed: int, labels: Sequence[str]) -> int:
    """How many axes a symbol has by the way it is written: bold and lower case a vector, upper case a matrix."""
    if name.base.startswith("\\") and not name.base[1].isupper():
        return indexed + (1 if name.font == "bold" else 0)
    if indexed:
        vector = name.font == "bold" and name.base.islower() or suffix(name.sup, True) is not None and (
            suffix(name.sup, True).kind == "transpose")  # type: ignore[union-attr]  # fmt: skip
        return indexed + 1 if vector else indexed
    if name.font == "bold" and name.base.islower():
        return 1
    return 2 if len(name.base) == 1 and name.base.isupper() else 0
