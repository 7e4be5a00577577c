"""Equations as code may compute them step by step: every symbol with its scripts is an input of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from lemmata.code.spelling import gradient_names, symbol_names
from lemmata.code.target import Atom, CannotLower, Parameter, Value
from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import Tensor
from lemmata.documents.model import CodeCell, Document, Formula, Text
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration, Elaborator
from lemmata.elaborate.functions import is_operator
from lemmata.elaborate.names import script_items, spell, stem, suffix, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.readings import Choices
from lemmata.elaborate.references import INTEGRAL, is_defined
from lemmata.elaborate.roles import Item
from lemmata.elaborate.solver import Unreadable
from lemmata.elaborate.statement import Statement
from lemmata.lower.targets import FormulaTarget, _target, twice_given

RELATIONS = frozenset({"=", ":=", "\\leftarrow"})
ROLES = frozenset({"update", "definition", "claim", "implicit definition"})
SIDES = 3
"""Right sides of one chain that are looked at."""
E = TypeVar("E", bound=s.Expr)


class StatedEquation(Struct, frozen=True):
    """An `Equation`: one right side of a relation, its symbols taken as inputs under the names of `atoms`."""

    key: str
    latex: str
    kind: str
    line: int
    statement: Statement
    names: tuple[str, ...]
    """How code may call what the left side names."""
    words: tuple[str, ...]
    """Words that stand in the equation's row, such as “exponential decay”."""
    role: str
    atoms: tuple[Atom, ...]
    indices: tuple[str, ...]
    """Free letters of the left side that number elements."""
    expr: s.Expr
    elaboration: Elaboration
    item: Item
    known: Mapping[str, s.Expr] = field(default_factory=dict)
    """Right sides of other equations, by the spelling of what they define."""
    text: str = ""
    follows: int | None = None
    places: tuple[tuple[str, int, int], ...] = ()
    order: tuple[int, int] = (-1, 0)
    parameters: Sequence[Parameter] = ()
    subject: str | None = None
    sizes: Sequence[str] = ()
    types: Mapping[str, Tensor] = field(default_factory=dict)
    """Declared types, by key of the atom."""
    lengths: tuple[str, ...] = ()
    """Letters that are upper limits of sums, so lengths of axes."""
    others: frozenset[tuple[str, ...]] = field(default=frozenset())
    """How code may call the symbols of the document's equations."""
    expanded: tuple[str, ...] = ()
    """LaTeX of the symbols that were replaced by what the document defines them to be."""
    tied: str = ""
    """What the text says that the code calls its left side."""

    def expand(self, key: str) -> StatedEquation | None:
        """The same with a symbol replaced by its definition; None where the document has none."""
        atom = next(a for a in self.atoms if a.key == key)
        body = self.known.get(atom.latex)
        if body is None or len(self.expanded) >= 6 or atom.latex in self.expanded:
            return None
        whole = _substitute(self.expr, {key: s.Paren(body.start, body.end, "(", ")", (body,))})
        return _equation(replace(self, expanded=(*self.expanded, atom.latex)), whole)

    def without_norms(self) -> StatedEquation | None:
        """The same with every norm a symbol of its own; None where it has none."""
        made: dict[str, Atom] = {}

        def cut(expr: s.Expr) -> s.Expr:
            inner = expr.base if isinstance(expr, s.Scripted) else expr
            if isinstance(inner, s.Bars) and (inner is expr or isinstance(expr, s.Scripted) and expr.sub is None):
                latex = self.item.formula.latex[inner.start : inner.end].strip()
                key = next((k for k, a in made.items() if a.latex == latex), f"⟦norm {len(made)}⟧")
                made.setdefault(key, Atom(key, latex, (), 0, norm=True))
                sup = expr.sup if isinstance(expr, s.Scripted) else None
                return s.Name(expr.start, expr.end, key, sup=None if sup is None else cut(sup))
            return _map(expr, cut)

        whole = cut(self.expr)
        if not made:
            return None
        used = {n.base for n in walk(whole) if isinstance(n, s.Name)}
        kept = tuple(a for a in self.atoms if a.key in used)
        return replace(self, expr=whole, atoms=(*kept, *made.values()))

    def typed(self, ranks: Mapping[str, int]) -> FormulaTarget:
        """The right side as a formula of tensors of these ranks, by key of the atom. Raises CannotLower."""
        shared = Elaborator.of(self.elaboration).shared(Choices(), self.item)
        local: dict[str, t.Term] = {}
        for atom in self.atoms:
            kind = Tensor(tuple(Size.of(f"?{atom.key} {n}") for n in range(ranks[atom.key])))
            stated = self.types.get(atom.key)
            if stated is not None and stated.rank == kind.rank:
                kind = Tensor(stated.shape)
            if atom.whole:
                kind = replace(kind, dtype="int")
            local[atom.key] = t.Input(kind, t.Variable(atom.key, atom.latex, kind, declared=False))
        inputs = tuple(local.values())
        width = next((local[a.key] for a in self.atoms if a.latex in ("K", "k") and ranks[a.key] > 1), None)
        if width is not None:
            local["d_k"] = t.SizeNum(INTEGRAL, width.type.shape[-1])
        local |= {n: t.SizeNum(INTEGRAL, Size.of(f"?length {n}")) for n in self.lengths}
        reader = Reader(shared, self.item.place).bind(local)
        try:
            for letter in self.indices:
                if letter not in local:
                    reader.free[letter] = reader.index_var(letter)
            term = reader.term(self.expr)
        except Unreadable as cannot:
            raise CannotLower(str(cannot)) from cannot
        left = [x.var for letter, x in reader.free.items() if isinstance(x, t.Var)]
        if self.indices and len(left) == len(self.indices):
            order = [reader.free[letter] for letter in self.indices]
            axes = tuple(x.var for x in order if isinstance(x, t.Var))
            shape = tuple(x.count for x in axes)
            term = t.Build(Tensor((*shape, *term.type.shape)), axes, term)
        found = _target(self.key, self.latex, "function", self.statement, term, shared, inputs)
        return found

    def evaluate(self, values: Mapping[str, Value]) -> np.ndarray:
        """Without shapes there is nothing to evaluate. Raises CannotLower."""
        raise CannotLower("the symbols of an equation have no shapes of their own")

    @property
    def origin(self) -> int:
        """The number of the first element."""
        return 0 if Elaborator.of(self.elaboration).conventions.zero_based else 1

    @property
    def weight(self) -> int:
        """How many symbols and numbers stand in it."""
        return sum(isinstance(x, s.Name | s.Num) for x in walk(self.expr))

    @property
    def numbers(self) -> frozenset[float]:
        """The numbers that are written in it."""
        return frozenset(float(x.value) for x in walk(self.expr) if isinstance(x, s.Num))

    @property
    def numeric(self) -> bool:
        """Whether every capital letter is divided by, as numbers are and matrices are not."""
        divisors = [x.denominator for x in walk(self.expr) if isinstance(x, s.Quotient)]
        quotients = [x for x in walk(self.expr) if isinstance(x, s.Infix)]
        divisors += [y for x in quotients for o, y in zip(x.ops, x.items[1:], strict=True) if o == "/"]
        below = {n.base for d in divisors for n in walk(d) if isinstance(n, s.Name)}
        return all(a.key in below for a in self.atoms if a.rank > 1)

    @property
    def declared(self) -> bool:
        """Whether the document declares one of its symbols as a vector or matrix."""
        return any(kind.rank for kind in self.types.values())

    @property
    def ambiguous(self) -> bool:
        """Whether notation leaves open how the right side is read: σ may be any activation."""
        if self.item.limited or self.item.conditional:
            return True  # it holds under a condition that the code may not be under
        opened = ("\\sigma", "\\phi", "\\varphi", "\\Phi", "softmax")
        return any(
            isinstance(x, s.Choice) or isinstance(x, s.Name) and x.base.lower() in map(str.lower, opened)
            for x in walk(self.expr)
        )  # fmt: skip


def equations(elaboration: Elaboration) -> tuple[StatedEquation, ...]:
    """Every equation whose right side can be an instruction of a program, in order."""
    items = [i for i in elaboration.items if i.role in ROLES and not i.withdrawn and not i.approximate]
    around = _surroundings(elaboration.document)
    found: list[StatedEquation] = []
    for item in elaboration.items:
        if item.role in (*ROLES, "approximation", "expression") and not item.withdrawn:
            for made in _stated(elaboration, item, items):
                text, follows = around.get(item.formula.index, ("", None))
                cell = item.formula.position(0).cell
                order = (-1 if cell is None else cell, made.line)
                found.append(replace(made, text=text, follows=follows, order=order))
    symbols = frozenset(n for e in found for n in (e.names, *(a.names for a in e.atoms)) if n)
    return tuple(replace(e, others=symbols) for e in found)


def _surroundings(document: Document) -> dict[int, tuple[str, int | None]]:
    """By number of the formula: the words around it, and the code cell right behind it."""
    found: dict[int, tuple[str, int | None]] = {}
    before = ""
    blocks = document.blocks
    for at, block in enumerate(blocks):
        if isinstance(block, CodeCell):
            before = ""
            continue
        words = " ".join(x.text for x in block.inlines if isinstance(x, Text))
        formulas = [x for x in block.inlines if isinstance(x, Formula)]
        behind = blocks[at + 1] if at + 1 < len(blocks) else None
        alone = len(formulas) == 1 and not words.strip(" .,:;") and isinstance(behind, CodeCell)
        for formula in formulas:
            follows = behind.index if alone and isinstance(behind, CodeCell) else None
            found[formula.index] = (f"{before} {words}", follows)
        before = words
    return found


def _relation(item: Item) -> s.Relation | None:
    expr = item.part.expr
    if isinstance(expr, s.Choice):
        expr = expr.options[0]
    if item.role == "expression" and not isinstance(expr, s.Relation | s.Words | s.Name):
        return s.Relation(expr.start, expr.end, ("=",), (s.Words(expr.start, expr.start, ""), expr))
    allowed = RELATIONS | {"\\approx"} if item.role == "approximation" else RELATIONS
    return expr if isinstance(expr, s.Relation) and set(expr.ops) <= allowed else None


def _stated(elaboration: Elaboration, item: Item, items: Sequence[Item]) -> Iterator[StatedEquation]:
    relation = _relation(item)
    if relation is None or twice_given(relation):
        return
    formula = item.formula
    relation = _with_words(relation)
    head = relation.items[0]
    head = _join(head) if isinstance(head, s.Juxt) else head
    whole = head if not isinstance(head, s.Words) else relation
    latex = formula.latex[whole.start : whole.end].replace("&", "").strip()
    words = tuple(
        _word(other.part.expr)
        for other in elaboration.items
        if other.formula is formula and other.role == "expression" and _word(other.part.expr)
        and other.part.row == item.part.row
    )  # fmt: skip
    known = {
        spell(name): r.items[1]
        for other in items
        if (r := _relation(other)) is not None and len(r.items) == 2 and (name := _plain(r.items[0])) is not None
        and other.place.at <= item.place.at + 40 and other is not item and spell(name) != spell(head)
    }  # fmt: skip
    for number, side in enumerate(relation.items[1 : 1 + SIDES]):
        start, end = formula.position(side.start), formula.position(max(side.start, side.end - 1))
        row = formula.position(head.start) if number == 0 else start
        statement = Statement(
            formula, formula.position(head.start), end, formula.latex[head.start : side.end].strip(), item.role,
            "equation", relation, place=item.place,
        )  # fmt: skip
        first = StatedEquation(
            f"equation {formula.index}:{side.start}", latex, "equation", row.line, statement, _head_names(head), words,
            item.role, (), _indices(head, side), side, elaboration, item, known,
        )  # fmt: skip
        made = _equation(first, side)
        if made is not None and made.atoms:
            if _places(head, made) and (again := _equation(first, side, sizes=False)) is not None:
                called = head.items[0] if isinstance(head, s.Juxt) else head
                names = _head_names(replace(called, sub=None)) if isinstance(called, s.Name) else ()
                made = replace(again, places=_places(head, again), names=names or made.names)
            yield made


def _with_words(relation: s.Relation) -> s.Relation:
    """PE(pos, 2i) = …: letters written together on the left side, before or inside the bracket, are one name."""
    runs: set[str] = set()
    head = relation.items[0]
    if not isinstance(head, s.Juxt) or len(head.items) < 3 or not isinstance(head.items[-1], s.Paren):
        return relation
    for node in (head.items[:-1], *(x.items for x in head.items[-1].items if isinstance(x, s.Juxt))):
        if all(_plain_letter(x) for x in node) and all(a.end == b.start for a, b in itertools.pairwise(node)):
            runs.add("".join(x.base for x in node if isinstance(x, s.Name)))

    def merge(expr: s.Expr) -> s.Expr:
        if isinstance(expr, s.Juxt):
            items: list[s.Expr] = []
            for item in expr.items:
                last = items[-1] if items else None
                begun = last.base if isinstance(last, s.Name) and last.word else ""
                if isinstance(last, s.Name) and isinstance(item, s.Name) and last.end == item.start and (
                    _plain_letter(item) and (begun or _plain_letter(last))
                    and any(run.startswith(last.base + item.base) for run in runs)
                ):  # fmt: skip
                    items[-1] = s.Name(last.start, item.end, last.base + item.base, word=True)
                else:
                    items.append(merge(item))
            return items[0] if len(items) == 1 else replace(expr, items=tuple(items))
        return _map(expr, merge)

    merged = merge(relation)
    assert isinstance(merged, s.Relation)
    return merged


def _plain_letter(expr: s.Expr) -> bool:
    return isinstance(expr, s.Name) and len(expr.base) == 1 and expr.sub is None and expr.sup is None and not (
        expr.accents or expr.primes or expr.font)  # fmt: skip


def _word(expr: s.Expr) -> str:
    match expr:
        case s.Name(word=True, base=base):
            return base
        case s.Words(text=text):
            return text
    return ""


def _plain(head: s.Expr) -> s.Name | None:
    head = _join(head) if isinstance(head, s.Juxt) else head
    return head if isinstance(head, s.Name) else None


def _head_names(head: s.Expr) -> tuple[str, ...]:
    match head:
        case s.Name():
            return symbol_names(*_scripts(head, frozenset())[:4])
        case s.Call(function=function):
            return symbol_names(*_scripts(function, frozenset())[:4])
        case s.Juxt(items=(s.Name() as function, s.Paren())):
            return symbol_names(*_scripts(function, frozenset())[:4])
        case s.Scripted(base=inner):
            return _head_names(inner)
        case s.Derivative(numerator=of, wrt=((by, 1),)):
            of = of.items[0] if isinstance(of, s.Juxt) else of.function if isinstance(of, s.Call) else of
            return gradient_names(spell(of), spell(by)) if of is not None else ()
    return ()


def _indices(head: s.Expr, side: s.Expr) -> tuple[str, ...]:
    """Letters of the head's subscript that stand beside a bound index on the right, so that they number elements."""
    sub = head.sub if isinstance(head, s.Name | s.Scripted) else None
    if isinstance(head, s.Call | s.Juxt):
        last = head.items[-1] if isinstance(head, s.Juxt) else head
        sub = last.sub if isinstance(last, s.Scripted) else None
    letters = [stem(x) for x in script_items(sub) if isinstance(x, s.Name) and x.sub is None and not _tells(x)]
    counted = _bound(side)
    beside = [
        {stem(x) for x in script_items(n.sub) if isinstance(x, s.Name)}
        for n in walk(side)
        if isinstance(n, s.Name | s.Scripted) and n.sub is not None
    ]
    return tuple(x for x in letters if any(x in group and (group & counted or len(group) > 1) for group in beside))


def _places(head: s.Expr, made: StatedEquation) -> tuple[tuple[str, int, int], ...]:
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
    letters = {a.latex: a.key for a in made.atoms}
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


def _bound(expr: s.Expr) -> set[str]:
    """Index letters that sums and the like bind inside."""
    found: set[str] = set()
    for node in walk(expr):
        if isinstance(node, s.Big) and node.lower is not None:
            lower = node.lower.items[0] if isinstance(node.lower, s.Relation) else node.lower
            items = lower.items if isinstance(lower, s.Listing | s.Juxt) else (lower,)
            found |= {stem(x) for x in items if isinstance(x, s.Name)}
    return found


def _scripts(name: s.Name, indices: frozenset[str]) -> tuple[str, tuple[str, ...], tuple[str, ...], int, s.Name]:
    """(base, accents, labels, primes, the name as it is left) with the scripts that belong to the name taken off."""
    labels: list[str] = []
    sub, sup = name.sub, name.sup
    items = script_items(sub)
    own = [
        i for i in items if not _chosen(i) and not any(isinstance(n, s.Name) and stem(n) in indices for n in walk(i))
    ]
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


def _open_call(first: s.Expr, second: s.Expr) -> bool:
    """f(x), p(x, y): an argument in brackets that no bracket would be needed for in a product."""
    return isinstance(first, s.Name) and isinstance(second, s.Paren) and second.open == "(" and (
        len(second.items) != 1 or isinstance(second.items[0], s.Name | s.Num))  # fmt: skip


def _chosen(item: s.Expr) -> bool:
    """The y_i of s_{y_i}: a symbol that says which element is taken."""
    return isinstance(item, s.Name) and item.sub is not None and not item.word


def _tells(item: s.Expr) -> bool:
    """The A of v_{A,i}: which symbol is meant, not which element."""
    return isinstance(item, s.Name) and (item.word or len(item.base) == 1 and item.base.isupper())


def _label(sup: s.Expr | None, name: s.Name) -> bool:
    """W^Q, x^{\\text{new}}: no power."""
    return isinstance(sup, s.Name) and (sup.word or sup.base.isupper() and name.base.isupper())


def _equation(first: StatedEquation, side: s.Expr, sizes: bool = True) -> StatedEquation | None:
    """The equation with every symbol of `side` made an atom; None if something stands there that code cannot name.

    `sizes`: what the document calls a size stays one.
    """
    reader = Reader(Elaborator.of(first.elaboration).shared(Choices(), first.item), first.item.place)
    lengths = {stem(n.upper) for n in walk(side) if isinstance(n, s.Big) and isinstance(n.upper, s.Name)}
    indices = frozenset(_bound(side) | set(first.indices) | lengths)
    atoms: dict[str, Atom] = {a.key: a for a in first.atoms}
    types = dict(first.types)
    by_spelling = {a.latex: a.key for a in first.atoms}
    whole = {
        spell(n) for x in walk(side) if isinstance(x, s.Name | s.Scripted) for n in script_items(x.sub) if _chosen(n)
    }

    def rewrite(expr: s.Expr) -> s.Expr:
        match expr:
            case s.Name():
                return symbol(expr)
            case s.CasesOf(branches=branches):
                return replace(expr, branches=tuple(
                    (rewrite(v), c if c is None or isinstance(c, s.Words) else rewrite(c)) for v, c in branches
                ))  # fmt: skip
            case s.Listing(separators=("mod",), items=(number, s.Relation(ops=ops, items=(divisor, *rest)))):
                whole = s.Infix(expr.start, divisor.end, ("\\bmod",), (number, divisor))  # i mod 2 = 0
                return rewrite(s.Relation(expr.start, expr.end, ops, (whole, *rest)))
            case s.Call(function=function):
                if not is_operator(reader, function) and not is_defined(reader, function):
                    raise Unreadable(f"{spell(function)} is not known")
                return replace(expr, arguments=tuple(map(rewrite, expr.arguments)))
            case s.Juxt(items=items) if any(_open_call(a, b) and not known(a) for a, b in itertools.pairwise(items)):
                raise Unreadable("a function is left open")
            case s.Juxt(items=(s.Name() as called, s.Paren())) if first.role == "expression" and is_function(called):
                return quantity(called, expr)
            case s.Juxt(items=items) if any(map(_joined, items, items[1:])):
                return rewrite(_join(expr))
            case s.Juxt(items=items):
                return replace(expr, items=tuple(
                    x if isinstance(x, s.Name) and k + 1 < len(items) and isinstance(items[k + 1], s.Paren)
                    and (is_operator(reader, x) or is_function(x)) else rewrite(x)
                    for k, x in enumerate(items)
                ))  # fmt: skip
            case s.Derivative(numerator=of) if of is not None and expr is not side and expr.order == 1:
                return slope(expr)
            case s.Derivative() | s.Expectation() | s.Words() | s.Unread() | s.Differential() | s.Evaluated():
                raise Unreadable("no value to compute")
        return _map(expr, rewrite)

    def known(name: s.Expr) -> bool:
        return isinstance(name, s.Name) and (is_operator(reader, name) or is_function(name))

    def is_size(name: s.Name) -> bool:
        full = spell(replace(name, sup=None))
        found = reader.shared.environment.find(full, name.font, reader.place)
        if found is not None and found.kind == "size":
            return True
        return full == "d_k" and any(isinstance(n, s.Name) and stem(n) in ("K", "k") for n in walk(side))

    def is_function(name: s.Name) -> bool:
        found = reader.shared.environment.find(stem(name), name.font, reader.place)
        return found is not None and found.kind in ("function", "abstract")

    def declared(name: s.Name) -> Tensor | None:
        for full in dict.fromkeys((spell(replace(name, sup=None)), spell(replace(name, sub=None, sup=None)))):
            found = reader.shared.environment.find(full, name.font, reader.place)
            if found is not None and found.kind in ("variable", "family") and found.type is not None:
                return found.type
        return None

    def quantity(called: s.Name, expr: s.Expr) -> s.Expr:
        """L(w, b) of “L(w, b) + …”: a number that the document has named."""
        latex = first.item.formula.latex[expr.start : expr.end].strip()
        if latex not in by_spelling:
            new = f"⟦{len(atoms)}⟧"
            by_spelling[latex] = new
            atoms[new] = Atom(new, latex, _head_names(called), 0)
        return s.Name(expr.start, expr.end, by_spelling[latex])

    def slope(expr: s.Derivative) -> s.Expr:
        latex = first.item.formula.latex[expr.start : expr.end].strip()
        if latex not in by_spelling:
            new = f"⟦{len(atoms)}⟧"
            by_spelling[latex] = new
            inner = [n for x in (*(w for w, _ in expr.wrt), *_arguments(expr.numerator)) for n in walk(x)]
            wrt = next((n for n in inner if isinstance(n, s.Name)), None)
            rank = 0 if wrt is None else _rank(wrt, 0, ())
            atoms[new] = Atom(new, latex, (*_head_names(expr), "grad", "g"), rank, gradient=True)
        return s.Name(expr.start, expr.end, by_spelling[latex])

    def symbol(name: s.Name) -> s.Expr:
        key = stem(name)
        if sizes and is_size(name):
            return name
        if key.startswith("⟦") or key in indices and name.sub is None:
            return name
        if key in ("\\pi", "e") and name.sub is None and not name.accents:
            return replace(name, sup=None if name.sup is None else rewrite(name.sup))
        base, accents, labels, primes, left = _scripts(name, indices)
        latex = spell(replace(name, sub=None if left.sub is None else name.sub, sup=None) if left.sub is not None
                      else replace(name, sup=None if left.sup is not None else name.sup))  # fmt: skip
        plain = latex
        if left.sub is not None:
            plain = spell(replace(name, sub=None, sup=None)) + ("_" + ",".join(labels) if labels else "")
        if plain not in by_spelling:
            new = f"⟦{len(atoms)}⟧"
            by_spelling[plain] = new
            indexed = len(script_items(left.sub))
            names, rank = symbol_names(base, accents, labels, primes), _rank(name, indexed, labels)
            atoms[new] = Atom(new, plain, names, rank, latex in whole, _gradient(base, primes))
            if (kind := declared(name)) is not None:
                types[new] = kind
        sup = None if left.sup is None else left.sup if suffix(left.sup, True).kind != "power" else rewrite(left.sup)  # type: ignore[union-attr]
        sub = None if left.sub is None else rewrite(left.sub)
        return s.Name(name.start, name.end, by_spelling[plain], sub=sub, sup=sup)

    try:
        expr = rewrite(side)
    except Unreadable:
        return None
    used = {n.base for n in walk(expr) if isinstance(n, s.Name)}
    kept = tuple(a for k, a in atoms.items() if k in used)
    return replace(first, expr=expr, atoms=kept, types=types, lengths=tuple(sorted(lengths)))


def _joined(first: s.Expr, second: s.Expr) -> bool:
    """Δ before a symbol makes one symbol with it."""
    return isinstance(first, s.Name) and isinstance(second, s.Name) and first.base == "\\Delta" and (
        first.sub is None and first.sup is None and len(second.base.lstrip("\\")) == 1)  # fmt: skip


def _join(expr: s.Juxt) -> s.Expr:
    items: list[s.Expr] = []
    for item in expr.items:
        if items and _joined(items[-1], item):
            assert isinstance(item, s.Name)
            items[-1] = replace(item, start=items[-1].start, base="Δ" + item.base)
        else:
            items.append(item)
    return items[0] if len(items) == 1 else replace(expr, items=tuple(items))


def _arguments(of: s.Expr | None) -> tuple[s.Expr, ...]:
    match of:
        case s.Juxt(items=(*_, s.Paren(items=items))):
            return items
        case s.Call(arguments=items):
            return items
    return ()


def _rank(name: s.Name, indexed: int, labels: Sequence[str]) -> int:
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


def _gradient(base: str, primes: int) -> bool:
    return base in ("g", "grad") and not primes


def _map(expr: E, rewrite: Any) -> E:
    """The expression with `rewrite` applied to what is directly inside it."""

    def go(value: Any) -> Any:
        if isinstance(value, s.Expr):
            return rewrite(value)
        if isinstance(value, tuple):
            return tuple(go(v) for v in value)
        return value

    return replace(expr, **{n: go(getattr(expr, n)) for n in expr.__struct_fields__ if n not in ("start", "end")})


def _substitute(expr: s.Expr, values: Mapping[str, s.Expr]) -> s.Expr:
    if isinstance(expr, s.Name) and expr.base in values:
        if expr.sub is not None:
            return expr
        if expr.sup is None:
            return values[expr.base]
        return s.Scripted(expr.start, expr.end, values[expr.base], None, expr.sup)
    return _map(expr, lambda x: _substitute(x, values))
