"""Symbols that nobody declared: their shape from convention and use. A claim about them is never refuted for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.core.types import SCALAR, Tensor
from lemmata.elaborate import surface as s
from lemmata.elaborate.names import script_items, spell, stem, walk
from lemmata.elaborate.reader import Reader
from lemmata.elaborate.solver import Unreadable, is_unknown, unknown

MATRIX_LETTERS = frozenset("WXQKVAUHMYZ")
"""Upper-case letters that name matrices by convention."""
GREEK_CAPITALS = frozenset({f"\\{x}" for x in "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()})
INDEXED = frozenset({"index1", "index2"})
MATRIX_CALLS = frozenset({"tr", "det", "\\det", "rank", "vec", "Tr", "trace"})


def usage(exprs: Iterable[s.Expr], index_letters: frozenset[str]) -> dict[str, frozenset[str]]:
    """How each bare name is used in the document: `transposed`, `inverse`, `norm`, `index1`, `index2`, `trace` ...

    `plain`: in plain type as only vectors and matrices are.
    """
    found: dict[str, set[str]] = {}

    def note(expr: s.Expr, mark: str) -> None:
        if isinstance(expr, s.Name):
            found.setdefault(stem(expr), set()).add(mark)
            if expr.font != "bold" and mark not in ("index1", "index2", "inverse", "alone"):
                found[stem(expr)].add("plain")

    for expr in exprs:
        for listed in expr.items if isinstance(expr, s.Listing) else (expr,):
            note(listed, "alone")
        for node in walk(expr):
            match node:
                case s.Name(sub=sub, sup=sup):
                    items = script_items(sub)
                    if items and all(_indexlike(i, index_letters) for i in items):
                        note(node, f"index{min(len(items), 2)}")
                    match sup:
                        case s.Mark(name="top") | s.Name(base="T"):
                            note(node, "transposed")
                        case s.Sign(op="-", body=s.Num()):
                            note(node, "inverse")
                case s.Juxt(items=items):
                    for left, right in zip(items, items[1:], strict=False):
                        if _matrixlike(left) or _matrixlike(right):
                            note(left, "beside")
                            note(right, "beside")
                case s.Infix(ops=ops, items=items) if all(o in "+-" for o in ops):
                    if any(isinstance(i, s.Juxt) and _gives_a_vector(i) for i in items):
                        for item in items:
                            if isinstance(item, s.Name) and item.base == "b":
                                note(item, "added")
                case s.Bars(kind="||", body=body):
                    inside = {id(n) for i in walk(body) if isinstance(i, s.Name) and i.sub for n in walk(i.sub)}
                    for inner in _values(body):
                        if id(inner) not in inside:
                            note(inner, "norm")
                case s.Call(function=f, arguments=arguments) if f.base in MATRIX_CALLS:
                    for argument in arguments:
                        for inner in _values(argument):
                            note(inner, "trace")
    return {k: frozenset(v) for k, v in found.items()}


def _gives_a_vector(product: s.Juxt) -> bool:
    """Whether a product with a matrix may be more than a number, as xᵀ A x and (x - c)ᵀ A (x - c) are not."""
    factors = [x for x in product.items if not isinstance(x, s.Num | s.Quotient)]
    first = factors[0] if factors else product
    over = first.sup if isinstance(first, s.Name | s.Scripted) else None
    turned = isinstance(over, s.Mark) and over.name == "top"
    if turned and any(isinstance(n, s.Name) and n.base.islower() for n in walk(first)):
        return False
    return any(_matrixlike(x) for x in factors)


def _values(expr: s.Expr) -> Iterator[s.Expr]:
    """The parts of an expression but for what functions are applied to: t in ‖p(t)‖ need not be a vector."""
    yield expr
    match expr:
        case s.Call():
            return
        case s.Juxt(items=items):
            for before, item in zip((None, *items), items, strict=False):
                applied = isinstance(item, s.Paren) and isinstance(before, s.Name) and not _matrixlike(before)
                if not applied and item is not None:
                    yield from _values(item)
        case _:
            for child in s.children(expr):
                yield from _values(child)


def usage_by_section(
    whole: Mapping[str, frozenset[str]], placed: Iterable[tuple[tuple[int, ...], s.Expr]], letters: frozenset[str]
) -> dict[tuple[int, ...], Mapping[str, frozenset[str]]]:
    """The usage that counts in each section: that x_1, x_2 are components elsewhere says nothing of a plain x here."""
    sections: dict[tuple[int, ...], list[s.Expr]] = {}
    for section, expr in placed:
        sections.setdefault(section, []).append(expr)
    if len(sections) < 2:
        return {}
    found: dict[tuple[int, ...], Mapping[str, frozenset[str]]] = {}
    for section, exprs in sections.items():
        own = usage(exprs, letters)
        merged = dict(whole)
        for key, marks in whole.items():
            if key[:1].islower() and marks & INDEXED:
                merged[key] = marks - INDEXED | own.get(key, frozenset())
        found[section] = merged
    return found


def _matrixlike(expr: s.Expr) -> bool:
    return isinstance(expr, s.Name) and (expr.base in MATRIX_LETTERS or expr.font == "bold" and expr.base.isupper())


def _indexlike(expr: s.Expr, letters: frozenset[str]) -> bool:
    """Whether a script counts: an index letter, the running place of a list with dots, a number."""
    names = [n for n in walk(expr) if isinstance(n, s.Name)]
    return any(stem(n) in letters or n.base.startswith("□") for n in names) or isinstance(expr, s.Num)


def guess_variable(r: Reader, expr: s.Name) -> tuple[t.Term, tuple[s.Expr, ...], s.Expr | None]:
    """A symbol as an input whose shape follows from bold, case and use, and the scripts that are not part of its name.

    Raises Unreadable for words, which name things that must be defined.
    """
    if expr.word and len(expr.base) > 1:
        raise Unreadable(f"{expr.base} is not defined")
    key = stem(expr)
    label, left = "", script_items(expr.sub)
    if key in r.shared.environment.both_fonts and left and expr.font != "bold" and key.islower():
        if all(_indexlike(i, r.shared.conventions.index_letters) for i in left):
            expr = replace(expr, font="bold")  # x_i is a component of the vector that is printed bold
    numbered = isinstance(expr.sub, s.Num) and (_matrixlike(expr) or expr.base == "b")
    if expr.sub is not None and (
        numbered or not all(_indexlike(i, r.shared.conventions.index_letters) for i in script_items(expr.sub))
    ):
        label, left = f"_{spell(expr.sub)}", ()
    sup = expr.sup
    if _matrixlike(expr) and isinstance(sup, s.Name) and sup.base != "T":
        label, sup = f"{label}^{spell(sup)}", None
    slot = f"{expr.font if expr.font == 'bold' else ''} {key}{label}"
    known = r.shared.guessed.get(slot)
    if known is None:
        named = expr.font == "bold" and (bool(label) or "alone" in r.shared.usage.get(key, frozenset()))
        # Beside a vector that is printed bold, the plain letter is a number unless it is used as a vector.
        number = expr.font != "bold" and key.islower() and not left and key in r.shared.environment.both_fonts
        number = number and "plain" not in r.shared.usage.get(key, ())
        kind = SCALAR if number else guess_type(r, expr)
        known = t.Variable(f"{key}{label}?{expr.font}", key + label, kind, declared=False, described=named)
        r.shared.guessed[slot] = known
    return t.Input(known.type, known), left, sup


def guess_type(r: Reader, expr: s.Name) -> Tensor:
    """The shape that bold, case and the use of a letter suggest."""
    marks = r.shared.usage.get(stem(expr), frozenset())
    letter = expr.base
    upper = len(letter) == 1 and letter.isupper() or letter in GREEK_CAPITALS
    vector = Tensor((unknown(letter),))
    matrix = Tensor((unknown(letter), unknown(letter)))
    if "index2" in marks:
        return matrix
    if expr.font == "bold":
        return matrix if upper else vector
    if upper and (marks & {"inverse", "trace", "transposed"} or letter in MATRIX_LETTERS):
        return matrix
    if not upper and letter.isalpha() and len(letter) == 1 and marks & {"beside", "added"}:
        return vector
    if upper and "index1" in marks and len(letter) == 1:
        return vector
    if not upper and marks & {"transposed", "norm", "index1"} and letter.isalpha():
        return vector
    if letter.startswith("\\") and "index1" in marks:
        return vector
    return SCALAR


def forced(variable: t.Variable, solution: Mapping[str, Size]) -> bool:
    """Whether type and use leave no doubt about a symbol that nothing declares.

    Bold says that it is a vector or a matrix, and the products it stands in that its sizes are those of others. What
    the text names by itself it may describe.
    """
    if variable.described or not variable.key.endswith("?bold") or variable.type.rank == 0 or variable.family:
        return False
    return all(size.atoms and not any(map(is_unknown, size.atoms)) for size in variable.type.substitute(solution).shape)


def of_one_length(expr: s.Expr, variables: Sequence[t.Variable], solution: Mapping[str, Size]) -> frozenset[str]:
    """Keys of undeclared symbols that leave no doubt in a claim about a function at its own arguments.

    h(x) = … is said for every x; beside it bold letters that the products make vectors of one length, though nobody
    names the length, and plain letters that they make numbers. `variables`: every input of the claim.
    """
    arguments = _arguments(expr)
    sizes = {a for v in variables for size in v.type.substitute(solution).shape for a in size.atoms}
    if not arguments or len(sizes) != 1:
        return frozenset()
    found = set()
    for v in variables:
        letter, _, font = v.key.rpartition("?")
        if v.described and letter not in arguments or v.family:
            continue
        if font == "bold" and v.type.rank or not font and not v.type.rank and len(letter) == 1:
            found.add(v.key)
    return frozenset(found) if arguments <= {k.removesuffix("?bold") for k in found} else frozenset()


def _arguments(expr: s.Expr) -> frozenset[str]:
    """The letters that a function or its derivative is taken at, on the left of an equation."""
    match expr.items[0] if isinstance(expr, s.Relation) and expr.ops == ("=",) else expr:
        case s.Derivative(numerator=s.Expr() as inner):
            pass
        case inner:
            pass
    match inner:
        case s.Call(arguments=items) | s.Juxt(items=(s.Name(), s.Paren(items=items))):
            plain = all(isinstance(x, s.Name) and x.sub is None and x.sup is None for x in items)
            return frozenset(stem(x) for x in items if isinstance(x, s.Name)) if plain else frozenset()
    return frozenset()


def guessed_size(letter: str) -> Size:
    return unknown(letter)
