"""The slips that authors make, one small function each: what a part of a formula may have been meant to be.

A *unit* is what carries a sign and a coefficient: a side, a term, an argument, an exponent, an entry. A *factor* is
what may be transposed, inverted, squared, or be another symbol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from lemmata.elaborate import surface as s
from lemmata.elaborate.names import stem
from lemmata.repair import scripts
from lemmata.repair.edit import Change, Edit, joined
from lemmata.repair.pool import Pool
from lemmata.repair.source import NUMBER, Source, braced, brackets

SUMS = frozenset({"+", "-"})
PRODUCTS = frozenset({"\\cdot", "\\times", "\\odot", "\\otimes", "*", "\\circ"})
SWAPPED = {
    "sin": ("cos",), "cos": ("sin",), "exp": ("log",), "log": ("exp",), "max": ("min",), "min": ("max",),
    "sinh": ("cosh",), "cosh": ("sinh",), "tr": ("det",), "det": ("tr",), "ln": ("exp",), "tan": ("tanh",),
}  # fmt: skip
COEFFICIENTS = (("2", 1.0), ("\\frac{1}{2}", 1.1), ("4", 1.5), ("3", 1.7), ("\\frac{1}{4}", 1.7))


def edit(node: s.Expr, text: str, what: str, cost: float, group: str = "") -> Edit:
    return Edit((Change(node.start, node.end, text),), what, cost, group or what)


def insertion(at: int, text: str, what: str, cost: float, group: str = "") -> Edit:
    return Edit((Change(at, at, text),), what, cost, group or what)


class Editor:
    """The corrections of one side of a claim, in no particular order."""

    def __init__(self, source: Source, pool: Pool) -> None:
        self.source = source
        self.pool = pool

    def side(self, node: s.Expr) -> Iterator[Edit]:
        """Every correction of a side."""
        node = first_option(node)
        yield from self.unit(node, "side")
        yield from scripts.exchanged(self, node)
        if not isinstance(node, s.Num):
            yield edit(node, "1", f"1 for {short(self.source.text(node))}", 1.15)
        if not is_sum(node):
            yield from self.more_terms(node)

    def skeleton(self, node: s.Expr) -> str:
        """The text with its index letters left open, to find the same slip at places that differ in them."""
        return "".join("#" if c in self.pool.letters else c for c in self.source.text(node) if not c.isspace())

    # ---- units

    def unit(self, node: s.Expr, role: str) -> Iterator[Edit]:
        node = first_option(node)
        text = self.source.text(node)
        if isinstance(node, s.Sign):
            if role != "term":
                removed = Edit(
                    (Change(node.start, node.body.start, ""),), "sign", 1.0, f"sign {self.skeleton(node.body)}"
                )
                yield removed
            yield from self.unit(node.body, "signed")
            return
        if is_sum(node):
            assert isinstance(node, s.Infix)
            yield from self.sum(node)
            if role == "side":
                yield from self.scaled(node, brackets(text))
                yield edit(node, "-" + brackets(text), "sign", 1.3)
                yield edit(node, self.source.transposed(node), "transpose the whole side", 1.3)
            return
        if role not in ("term", "signed"):
            yield edit(node, joined("-", text), "sign", 1.0, f"sign {self.skeleton(node)}")
        yield from self.scaled(node, text)
        if isinstance(node, s.Juxt | s.Infix):
            yield edit(node, self.source.transposed(node), f"transpose {short(text)}", 1.05)
            yield edit(node, f"\\sqrt{{{text}}}", f"root of {short(text)}", 1.3)
            yield edit(node, f"{brackets(text)}^2", f"square of {short(text)}", 1.4)
        yield from self.factors(node)

    def scaled(self, node: s.Expr, text: str) -> Iterator[Edit]:
        """A lost coefficient: a small number, a size, a scalar of the claim, or one over it."""
        lead = self.leading(node)
        text = "" if text == "1" else text
        dot = " \\cdot " if NUMBER.match(text[:1]) else ""
        for number, cost in COEFFICIENTS:
            if lead is None:
                yield edit(node, joined(number, dot, text), f"factor {number}", cost)
        for at, size in enumerate(self.pool.sizes):
            far = 0.1 * at
            yield edit(node, joined(size, dot, text), f"factor {size}", 1.2 + far)
            yield edit(node, joined(f"\\frac{{1}}{{{size}}}", text), f"factor 1/{size}", 1.2 + far)
            yield edit(node, joined(f"\\sqrt{{{size}}}", dot, text), f"factor √{size}", 1.4 + far)
            yield edit(node, joined(f"\\frac{{1}}{{\\sqrt{{{size}}}}}", text), f"factor 1/√{size}", 1.4 + far)
        for at, scalar in enumerate(self.pool.scalars):
            far = 0.1 * at
            yield edit(node, joined(scalar, dot, text), f"factor {scalar}", 1.6 + far)
            yield edit(node, joined(f"\\frac{{1}}{{{scalar}}}", text), f"factor 1/{scalar}", 1.6 + far)

    def leading(self, node: s.Expr) -> s.Num | None:
        """The written number with which a term begins."""
        while isinstance(node, s.Juxt | s.Infix):
            node = first_option(node.items[0])
        return node if isinstance(node, s.Num) else None

    # ---- sums

    def sum(self, node: s.Infix) -> Iterator[Edit]:
        source = self.source
        items = [first_option(i) for i in node.items]
        for at, op in enumerate(node.ops):
            if op not in SUMS:
                continue
            left, right = items[at], items[at + 1]
            where = source.latex.find(op, left.end, right.start)
            if where < 0:
                continue
            other = "-" if op == "+" else "+"
            yield Edit((Change(where, where + 1, other),), "sign", 0.95, f"sign before {self.skeleton(right)}")
            yield Edit((Change(left.end, right.end, ""),), f"without {short(source.text(right))}", 1.9)
            if isinstance(right, s.Juxt | s.Infix) and not is_sum(right):
                # a + b c for (a + b) c
                cut = right.items[0].end
                changes = (Change(left.start, left.start, "("), Change(cut, cut, ")"))
                yield Edit(changes, "brackets", 1.5)
            if isinstance(left, s.Juxt) and not is_sum(left):
                # a b + c for a (b + c)
                cut = left.items[-1].start
                changes = (Change(cut, cut, "("), Change(right.end, right.end, ")"))
                yield Edit(changes, "brackets", 1.5)
        first = items[0]
        if isinstance(first, s.Sign):
            yield Edit((Change(first.start, first.body.start, ""),), "sign", 1.0, f"sign {self.skeleton(first.body)}")
        else:
            yield insertion(first.start, "-", "sign", 1.1, f"sign {self.skeleton(first)}")
        if node.ops[0] in SUMS:
            rest = source.latex[items[1].start : node.end]
            yield edit(node, rest, f"without {short(source.text(first))}", 1.9)
        if len(items) == 2 and node.ops == ("-",) and not isinstance(first, s.Sign):
            swapped = source.arranged(node.items, (1, 0))
            yield edit(node, swapped, "the difference the other way round", 1.05)
        for item in items:
            yield from self.unit(item, "term")
        yield from self.more_terms(node)

    def more_terms(self, node: s.Expr) -> Iterator[Edit]:
        """A term that was left out."""
        present = {self.source.text(i) for i in node.items} if isinstance(node, s.Infix) else {self.source.text(node)}
        for at, term in enumerate(self.pool.terms + self.pool.scalars + self.pool.factors):
            if term not in present:
                cost = 2.2 + 0.05 * at
                yield insertion(node.end, f" + {term}", f"term {short(term)}", cost)
                yield insertion(node.end, f" - {term}", f"term −{short(term)}", cost)
        body = node
        if isinstance(body, s.Juxt) and isinstance(first_option(body.items[0]), s.Num):
            lead = first_option(body.items[0])
            if isinstance(lead, s.Num) and lead.value == 2:
                rest = self.source.latex[lead.end : body.end].strip()
                inner = body.items[1] if len(body.items) == 2 else s.Juxt(body.items[1].start, body.end, body.items[1:])
                text = f"{rest} + {self.source.transposed(inner)}"
                yield edit(body, text, f"{short(rest)} need not be symmetric", 1.2)
        for number in ("1", "2"):
            yield insertion(node.end, f" + {number}", f"term {number}", 1.9)
            yield insertion(node.end, f" - {number}", f"term −{number}", 1.9)

    # ---- products

    def factors(self, node: s.Expr) -> Iterator[Edit]:
        node = first_option(node)
        match node:
            case s.Juxt():
                items = self.source.factors_of(node)
                if len(items) > 1:
                    yield from self.product(node, items)
                elif self.source.text(node).startswith("\\sigma"):
                    yield edit(node, f"1 - {self.source.text(node)}", "1 − σ", 1.2)
                for item in items:
                    yield from self.factor(first_option(item))
            case s.Infix(ops=ops, items=items) if set(ops) <= PRODUCTS | {"/"}:
                yield from self.operated(node, ops, items)
                for item in items:
                    yield from self.factors(item)
            case _:
                yield from self.factor(node)
                yield from self.beside(node)

    def product(self, node: s.Juxt, items: Sequence[s.Expr]) -> Iterator[Edit]:
        source = self.source
        count = len(items)
        texts = [source.text(i) for i in items]
        if count <= 7:
            for a, b in combinations(range(count), 2):
                if isinstance(first_option(items[a]), s.Num) or isinstance(first_option(items[b]), s.Num):
                    continue
                order = list(range(count))
                order[a], order[b] = b, a
                cost = 1.1 if b == a + 1 else 1.35
                yield edit(
                    node, source.arranged(items, order), f"{short(texts[a])} and {short(texts[b])} exchanged", cost
                )
            for at in range(2, count):
                order = [*range(at, count), *range(at)]
                yield edit(node, source.arranged(items, order), "the factors in another order", 1.5)
        for at in range(count):
            left = [k for k in range(count) if k != at]
            if len(left):
                yield edit(
                    node, source.arranged(items, left), f"without {short(texts[at])}", 1.4 if _plain(items[at]) else 1.7
                )
        for at in range(1, count):
            cut = items[at - 1].end, items[at].start
            before = items[at - 1]
            yield Edit((Change(*cut, " + "),), "a sum for a product", 1.7)
            odot = Change(cut[0], cut[1], " \\odot ")
            if source.is_transposed(before):
                change = Change(before.start, cut[1], source.with_sup(before, "") + " \\odot ")
                yield Edit((change,), "the elementwise product", 0.95)
            yield Edit((odot,), "the elementwise product", 1.5)
        yield from self.beside(node)

    def beside(self, node: s.Expr) -> Iterator[Edit]:
        """A factor that was left out: those of the claim, at every place of a product."""
        cuts = [node.start, node.end]
        if isinstance(node, s.Juxt):
            cuts += [i.end for i in self.source.factors_of(node)[:-1]]
        for at, factor in enumerate(self.pool.factors):
            for cut in cuts:
                where = f"{factor} " if cut == node.start else f" {factor}"
                yield insertion(cut, where, f"factor {short(factor)}", 2.0 + 0.05 * at)

    def operated(self, node: s.Infix, ops: Sequence[str], items: Sequence[s.Expr]) -> Iterator[Edit]:
        source = self.source
        for at, op in enumerate(ops):
            left, right = items[at], items[at + 1]
            order = list(range(len(items)))
            order[at], order[at + 1] = order[at + 1], order[at]
            yield edit(node, source.arranged(items, order), f"the operands of {op} exchanged", 1.1)
            yield Edit((Change(left.end, right.end, ""),), f"without {short(source.text(right))}", 1.7)
            yield Edit((Change(left.start, right.start, ""),), f"without {short(source.text(left))}", 1.7)
            where = source.latex.find(op, left.end, right.start)
            if where < 0:
                continue
            if op in ("\\odot", "\\otimes", "\\circ"):
                yield Edit((Change(left.end, right.start, " "),), "the matrix product", 1.5)
            for other in ("\\odot", "\\otimes"):
                if op in ("\\odot", "\\otimes") and other != op:
                    yield Edit((Change(where, where + len(op), other),), f"{other} for {op}", 1.5)
            if op == "/":
                yield Edit((Change(where, where + 1, " "),), "a product for a quotient", 1.3)
            if op == "\\cdot":
                yield Edit((Change(where, where + len(op), "+"),), "a sum for a product", 1.7)

    # ---- factors

    def factor(self, node: s.Expr) -> Iterator[Edit]:
        node = first_option(node)
        text = self.source.text(node)
        match node:
            case s.Num():
                yield from scripts.number(self.source, node)
            case s.Name():
                yield from self.powers(node)
                yield from scripts.name(self, node)
            case s.Scripted(base=base, sub=sub):
                yield from self.powers(node)
                if sub is not None:
                    yield from scripts.indices(self, sub)
                yield from self.inside(base)
            case s.Paren():
                yield from self.powers(node)
                yield from self.inside(node)
            case s.Quotient(numerator=top, denominator=bottom):
                yield from self.quotient(node, top, bottom)
            case s.RootOf(body=body):
                yield edit(node, self.grouped(body), "without the root", 1.2)
                yield from self.unit(body, "inside")
            case s.Call():
                yield from self.call(node)
            case s.Bars(body=body):
                yield edit(node, f"{text}^2", f"square of {short(text)}", 1.2)
                yield from self.unit(body, "inside")
            case s.Big():
                yield from scripts.big(self, node)
                yield from self.unit(node.body, "signed")
            case s.Juxt() | s.Infix() | s.Sign():
                yield from self.unit(node, "inside")
            case _:
                yield from self.inside(node)

    def inside(self, node: s.Expr) -> Iterator[Edit]:
        """What a bracket, a matrix, an expectation holds."""
        match node:
            case s.Paren(items=items) | s.Angle(items=items):
                for item in items:
                    yield from self.unit(item, "inside")
                if len(items) == 2 and not isinstance(node, s.Angle):
                    pass
            case s.Bars(body=body) | s.Floor(body=body) | s.Evaluated(body=body):
                yield from self.unit(body, "inside")
            case s.Expectation(arguments=arguments):
                for item in arguments:
                    yield from self.unit(item, "inside")
            case s.Matrix(rows=rows):
                for row in rows:
                    for entry in row:
                        if not isinstance(entry, s.Mark):
                            yield from self.unit(entry, "inside")
            case s.CasesOf(branches=branches):
                for value, _ in branches:
                    yield from self.unit(value, "inside")

    def powers(self, node: s.Expr) -> Iterator[Edit]:
        """Transpose, inverse, square, root, and a diagonal matrix for a vector."""
        source = self.source
        text, sup = source.text(node), source.sup(node).strip()
        name = short(source.with_sup(node, ""))
        if isinstance(node, s.Name) and (stem(node) in source.functions or node.base == "e" and node.sup is not None):
            return
        if self.pool.ranks.get(source.with_sup(node, "")) != 0:
            yield edit(node, source.transposed(node), f"transpose {name}", 1.0)
        if sup == "-1":
            yield edit(node, source.with_sup(node, ""), f"{name} not inverted", 1.3)
            yield edit(node, source.with_sup(node, "-2"), f"{name} to the power −2", 1.25)
        elif source.is_transposed(node):
            yield edit(node, source.with_sup(node, joined("-", sup)), f"inverse of {name}", 1.5)
        elif not sup:
            yield edit(node, source.with_sup(node, "2"), f"square of {name}", 1.2)
            yield edit(node, source.with_sup(node, "-1"), f"inverse of {name}", 1.4)
            yield edit(node, f"\\sqrt{{{_open(text)}}}", f"root of {name}", 1.2)
            yield edit(node, f"\\operatorname{{diag}}({_open(text)})", f"diagonal matrix of {name}", 1.7)
        else:
            yield from scripts.exponent(self, node, sup)

    def quotient(self, node: s.Quotient, top: s.Expr, bottom: s.Expr) -> Iterator[Edit]:
        source = self.source
        above, below = source.text(top), source.text(bottom)
        if "\\frac" in node.command or node.command in ("\\dfrac", "\\tfrac"):
            yield edit(node, f"{node.command}{{{below}}}{{{above}}}", "the quotient inverted", 1.3)
        simple = below in self.pool.sizes or below in self.pool.scalars or below.isdigit()
        cost = 1.15 if simple else 1.5
        yield edit(node, self.grouped(top), f"without the denominator {short(below)}", cost)
        if above != "1":
            yield edit(node, joined(self.grouped(bottom), self.grouped(top)), "a product for a quotient", 1.45)
        else:
            yield edit(node, self.grouped(bottom), f"{short(below)} in place of its inverse", 1.4)
        yield from self.unit(top, "inside")
        yield from self.unit(bottom, "inside")

    def grouped(self, node: s.Expr) -> str:
        """A text that stands as one factor."""
        node = first_option(node)
        text = self.source.text(node)
        text = text[1:-1] if text.startswith("{") and text.endswith("}") else text
        return brackets(text) if isinstance(node, s.Infix | s.Sign) else text

    def call(self, node: s.Call) -> Iterator[Edit]:
        source = self.source
        name = node.function.base.strip("\\")
        function = source.text(node.function)
        head = node.function
        for other in SWAPPED.get(name, ()):
            spelled = f"\\{other}" if function.startswith(f"\\{name}") else function.replace(name, other)
            change = Change(
                head.start, head.end, function.replace(f"\\{name}", spelled) if spelled[0] == "\\" else spelled
            )
            yield Edit((change,), f"{other} for {name}", 1.3)
        if node.function.sup is None and name not in ("diag", "tr", "vec", "max", "min", "softmax"):
            yield insertion(head.end, "^2", f"square of {name}", 1.25)
        text = source.text(node)
        if name in ("sigma", "sigmoid", "tanh"):
            yield edit(node, f"(1 - {text})", f"1 − {name}", 1.4)
        if len(node.arguments) == 1:
            yield edit(node, self.grouped(node.arguments[0]), f"without {name}", 1.8)
        for argument in node.arguments:
            yield from self.unit(argument, "inside")


def first_option(node: s.Expr) -> s.Expr:
    while isinstance(node, s.Choice):
        node = node.options[0]
    return node


def is_sum(node: s.Expr) -> bool:
    return isinstance(node, s.Infix) and set(node.ops) <= SUMS


def _plain(node: s.Expr) -> bool:
    """A coefficient: what is easily left over."""
    return isinstance(first_option(node), s.Num | s.Quotient | s.RootOf)


def _open(text: str) -> str:
    """Without a bracket around the whole."""
    if text.startswith("(") and text.endswith(")") and ")" not in text[:-1]:
        return text[1:-1]
    return text


def short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 32 else text[:31] + "…"


__all__ = ["Editor", "braced", "edit", "first_option", "insertion", "is_sum", "short"]
