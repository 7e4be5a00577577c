"""What a name is called: which scripts belong to the name and which are indices, powers or transposes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from lemmata.elaborate import surface as s

BOLD_UPRIGHT = frozenset({"bold", "sans"})


def spell(expr: s.Expr | None) -> str:
    """A canonical spelling of a script: `model`, `i`, `t-1`, `(l)`, `1`."""
    match expr:
        case None:
            return ""
        case s.Name():
            text = "".join(f"\\{a} " for a in expr.accents) + expr.base + "'" * expr.primes
            if expr.sub is not None:
                text += "_" + spell(expr.sub)
            if expr.sup is not None:
                text += "^" + spell(expr.sup)
            return text
        case s.Num():
            return str(expr.value)
        case s.Mark():
            return {"top": "⊤", "star": "*", "dots": "…"}.get(expr.name, expr.name)
        case s.Const():
            return expr.name
        case s.Juxt():
            return " ".join(spell(i) for i in expr.items)
        case s.Paren():
            return expr.open + ",".join(spell(i) for i in expr.items) + expr.close
        case s.Infix():
            parts = [spell(expr.items[0])]
            for op, item in zip(expr.ops, expr.items[1:], strict=True):
                parts += [op, spell(item)]
            return "".join(parts)
        case s.Sign():
            return expr.op + spell(expr.body)
        case s.Listing():
            return ",".join(spell(i) for i in expr.items)
        case s.Choice():
            return spell(expr.options[0])
        case s.Words():
            return expr.text
        case s.Scripted():
            return spell(expr.base) + "_" + spell(expr.sub) + "^" + spell(expr.sup)
        case s.Relation():
            parts = [spell(expr.items[0])]
            for op, item in zip(expr.ops, expr.items[1:], strict=True):
                parts += [op, spell(item)]
            return "".join(parts)
        case s.Quotient():
            return f"{spell(expr.numerator)}/{spell(expr.denominator)}"
    return type(expr).__name__ + f"@{expr.start}"


def member_spelling(latex: str, heads: Sequence[s.Expr], items: Sequence[s.Expr]) -> str:
    """What a family calls `u_i`, at other indices: `u_{k+1}`; empty where the name does not show them."""
    base, script, rest = re.fullmatch(r"([^_^]*)([_^]?)(.*)", latex, re.S).groups()  # type: ignore[union-attr]
    own = {spell(h): spell(i) for h, i in zip(heads, items)}
    if not script or not own:
        return ""
    letters = "|".join(re.escape(h) for h in sorted(own, key=len, reverse=True))
    rest, shown = re.subn(rf"(?<![A-Za-z\\])(?:{letters})(?![A-Za-z])", lambda m: own[m.group()], rest)
    if shown < len(own):
        return ""
    return base + script + (rest if len(rest) == 1 or re.search(r"[_^({]", rest) else f"{{{rest}}}")


_WALKED: dict[int, tuple[s.Expr, tuple[s.Expr, ...]]] = {}
"""What walks have found; the many passes over a document go over the same expressions."""
_MOST_WALKED = 4096


def walk(expr: s.Expr) -> Iterator[s.Expr]:
    """The expression and everything below it (first option of a choice only)."""
    known = _WALKED.get(id(expr))
    if known is None:
        found: list[s.Expr] = []
        stack = [expr]
        while stack:
            node = stack.pop()
            found.append(node)
            if isinstance(node, s.Choice):
                stack.append(node.options[0])
            else:
                stack.extend(s.children(node))
        if len(_WALKED) >= _MOST_WALKED:
            _WALKED.clear()
        known = _WALKED[id(expr)] = expr, tuple(found)
    return iter(known[1])


def stem(name: s.Name) -> str:
    """The base with accents, without font and scripts: `\\hat y`, `PE`."""
    return "".join(f"\\{a} " for a in name.accents) + name.base + "'" * name.primes


def parameter_key(parameter: s.Name) -> str:
    """The key under which a function's parameter is bound: its stem with its scripts."""
    key = stem(parameter)
    if parameter.sub is not None:
        key += f"_{spell(parameter.sub)}"
    if parameter.sup is not None:
        key += f"^{spell(parameter.sup)}"
    return key


def script_items(expr: s.Expr | None) -> tuple[s.Expr, ...]:
    """A subscript as a list: `i,j`, `ij`, `i1` and `1j` are two items, `t-1` one, `2i` one."""
    match expr:
        case None:
            return ()
        case s.Listing():
            return tuple(x for i in expr.items for x in script_items(i))
        case s.Choice():
            return script_items(expr.options[0])
        case s.Paren(open="(", close=")", items=items, separators=separators) if items and all(
            x == "," for x in separators
        ):
            return tuple(x for i in items for x in script_items(i)) if len(items) > 1 else (expr,)
        case s.Juxt(items=items):
            if all(isinstance(i, s.Name | s.Mark) for i in items):
                return items
            if all(isinstance(i, s.Num) for i in items):
                return items
            multiple = any(isinstance(a, s.Num) and a.value != 1 for a in items[:-1])
            if all(isinstance(i, s.Name | s.Mark | s.Num) for i in items) and not multiple:
                return items  # nobody writes l1 or 1l for the product
            return (expr,)
        case s.Num(value=value, decimal=False) if value.denominator == 1 and 11 <= value <= 99:
            # w_{11}: two digits are two indices where the name is a matrix; `digits` keeps the other reading.
            return (expr,)
    return (expr,)


def digits(expr: s.Expr) -> tuple[s.Num, ...] | None:
    """The indices of w_{12} read digit by digit."""
    if isinstance(expr, s.Num) and not expr.decimal and expr.value.denominator == 1 and expr.value >= 10:
        return tuple(s.Num(expr.start, expr.end, Fraction(int(c))) for c in str(expr.value))
    return None


class Suffix(Struct, frozen=True):
    """What a superscript does to a value: `transpose`, `inverse`, `inverse transpose`, `power`, `star`, `label`."""

    kind: str
    exponent: s.Expr | None = None


def suffix(sup: s.Expr | None, transpose_letter: bool) -> Suffix | None:
    """The conventional reading of a superscript; `transpose_letter`: T is not a number of the document."""
    match sup:
        case None:
            return None
        case s.Mark(name="top"):
            return Suffix("transpose")
        case s.Name(base="T", sub=None, sup=None, accents=()) if transpose_letter or sup.font in ("sans", "roman"):
            return Suffix("transpose")
        case s.Mark(name="star" | "dagger" | "+" | "*"):
            return Suffix("star")
        case s.Sign(op="-", body=s.Mark(name="top")) | s.Sign(op="-", body=s.Name(base="T")):
            return Suffix("inverse transpose")
        case s.Sign(op="-", body=s.Num(value=Fraction(numerator=1, denominator=1))):
            return Suffix("inverse")
        case s.Sign(op="-", body=s.Juxt(items=(s.Num(), s.Mark(name="top")))):
            return Suffix("inverse transpose")
        case s.Paren(open="("):
            return Suffix("label", sup)
        case s.Choice():
            return suffix(sup.options[0], transpose_letter)
    return Suffix("power", sup)


def index_letters(parts: list[s.Expr]) -> frozenset[str]:
    """Letters that some binder, range or ±1 step of the document uses as an index, with i and j always."""
    letters = {"i", "j"}
    for part in parts:
        for node in walk(part):
            match node:
                case s.Big(op=op, lower=lower, body=body) if lower is not None:
                    found = set(_bound(lower))
                    letters |= found if op in ("\\sum", "\\prod") else found & _subscripts(body)
                case s.Name(sub=sub) if sub is not None:
                    for item in script_items(sub):
                        if isinstance(item, s.Infix) and item.ops[0] in "+-" and isinstance(item.items[-1], s.Num):
                            letters.update(n.base for n in item.items if isinstance(n, s.Name) and len(n.base) == 1)
                case s.Relation(ops=("=",), items=(s.Name(sub=None, sup=None) as head, s.Listing(items=items))) if any(
                    isinstance(i, s.Mark) and i.name == "dots" for i in items
                ):
                    letters.add(stem(head))
                case s.Relation(ops=("\\in",), items=(left, s.Paren(open="{", items=items))) if any(
                    isinstance(i, s.Mark) and i.name == "dots" for i in items
                ):
                    letters.update(stem(n) for n in _names(left))
    for part in parts:
        match part:
            # For k ≠ l, |k - l| ≤ w, both of them subscripts somewhere.
            case (
                s.Relation(ops=("\\ne",), items=(s.Name(sub=None, sup=None) as k, s.Name(sub=None, sup=None) as l))
                | s.Relation(
                    ops=(_,),
                    items=(
                        s.Bars(
                            body=s.Infix(
                                ops=("-",), items=(s.Name(sub=None, sup=None) as k, s.Name(sub=None, sup=None) as l)
                            )
                        ),
                        _,
                    ),
                )
            ):
                if {stem(k), stem(l)} <= {x for p in parts for x in _subscripts(p)}:
                    letters |= {stem(k), stem(l)}
    return frozenset(x for x in letters if len(x) <= 2 or x.startswith("\\"))


def circles(placed: Sequence[tuple[int, s.Expr]]) -> frozenset[tuple[int, int]]:
    """Where 2π is written: the formula and the offset of its π."""
    return frozenset(
        (at, second.start)
        for at, expr in placed
        for node in walk(expr)
        if isinstance(node, s.Juxt)
        for first, second in zip(node.items, node.items[1:], strict=False)
        if isinstance(first, s.Num) and isinstance(second, s.Name) and second.base == "\\pi"
        if second.sub is None and second.sup is None and not second.primes
    )


def _names(expr: s.Expr) -> Iterator[s.Name]:
    if isinstance(expr, s.Name) and expr.sub is None:
        yield expr
    elif isinstance(expr, s.Listing):
        for item in expr.items:
            yield from _names(item)


def _subscripts(expr: s.Expr) -> set[str]:
    """Letters that stand in subscripts."""
    return {
        stem(m)
        for n in walk(expr)
        if isinstance(n, s.Name | s.Scripted) and n.sub is not None
        for m in walk(n.sub)
        if isinstance(m, s.Name)
    }


def _bound(lower: s.Expr) -> Iterator[str]:
    match lower:
        case s.Name(sub=None):
            yield stem(lower)
        case s.Relation(items=(left, *_)):
            yield from (stem(n) for n in _names(left))
        case s.Listing(items=items):
            for item in items:
                yield from _bound(item)
        case s.Juxt(items=items) if all(isinstance(i, s.Name) for i in items):
            for item in items:
                yield from _bound(item)


def letters_of(expr: s.Expr) -> frozenset[str]:
    """The symbols of an expression, without their scripts."""
    return frozenset(stem(n) for n in walk(expr) if isinstance(n, s.Name))


def both_fonts(exprs: Sequence[s.Expr]) -> frozenset[str]:
    """Letters that stand bare, without a subscript, both in bold and in plain type."""
    seen: dict[str, set[bool]] = {}
    for expr in exprs:
        for node in walk(expr):
            if isinstance(node, s.Name) and node.sub is None and not node.word and len(node.base) == 1:
                seen.setdefault(stem(node), set()).add(node.font == "bold")
    return frozenset(k for k, fonts in seen.items() if len(fonts) == 2)


def step_letters(exprs: Sequence[s.Expr]) -> frozenset[str]:
    """Letters that count steps: h_t beside h_{t-1} in one formula."""
    letters: set[str] = set()
    for expr in exprs:
        plain: dict[str, set[str]] = {}
        shifted: dict[str, set[str]] = {}
        for node in walk(expr):
            if not isinstance(node, s.Name):
                continue
            scripts = list(script_items(node.sub))
            if isinstance(node.sup, s.Paren) and node.sup.items:
                scripts.append(node.sup.items[0])
            for item in scripts:
                match item:
                    case s.Name(sub=None):
                        plain.setdefault(stem(node), set()).add(stem(item))
                    case s.Infix(ops=("+" | "-",), items=(s.Name() as letter, s.Num())):
                        shifted.setdefault(stem(node), set()).add(stem(letter))
        for base, found in shifted.items():
            letters |= found & plain.get(base, set())
    return frozenset(letters)


def length_key(expr: s.Name) -> str:
    """Under which the declared type of a vector of ones or zeros is kept: 𝟏 itself fits every length."""
    return f"length of {expr.base}"
