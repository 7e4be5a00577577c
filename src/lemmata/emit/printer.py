"""A definition's program as the statements of one function: names for what the author named, native calls, matrix
products in the last two dimensions, batch axes free in front."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from msgspec.structs import replace

from lemmata.backends.contraction import Pair
from lemmata.core.size import Size
from lemmata.emit.dialect import OPERATORS
from lemmata.emit.expression import ATOM, POWER, PRODUCT, SUM, UNARY, Expr, infix, number_text
from lemmata.emit.layout import WIDTH
from lemmata.emit.loops import Loops
from lemmata.emit.moves import Moves
from lemmata.emit.products import Products
from lemmata.emit.request import CannotEmit
from lemmata.emit.sheet import LONG
from lemmata.operations.pattern import position
from lemmata.program import build
from lemmata.program.node import Axis, Node


class Printer(Products, Moves, Loops):
    """Statements for one definition. Raises CannotEmit from `write` for what the dialect has no words for."""

    def write(self) -> tuple[list[str], Expr]:
        """(statements, the value returned)."""
        self.run(self.order)
        value = self.done[self.source.output.uid]
        value = self.exactly(value, self.source.axes)
        value = replace(value, text=self.fitted(value.text, WIDTH - len("    return ")))
        return self.needed(value), value

    def run(self, order: Sequence[Node]) -> None:
        for node in order:
            if node.uid in self.source.loops and node.uid not in self.done:
                self.loop(self.source.loops[node.uid])
            elif node.uid not in self.done:
                self.shorten(node)
                self.done[node.uid] = self.kept(node, self.expression(node))

    def shorten(self, node: Node) -> None:
        """Names for the longest of what an operator joins, so that it fits on a line."""
        if node.op not in OPERATORS and node.op not in ("contract", "neg"):
            return
        parts = {a.uid: a for a in self.operands(node)}
        while sum(len(self.done[uid].text) for uid in parts) > LONG:
            uid = max(parts, key=lambda uid: len(self.done[uid].text))
            if len(self.done[uid].text) < 24 or self.done[uid].number:
                return
            self.done[uid] = self.assign(self.word(parts[uid]), self.done[uid])

    def needed(self, value: Expr) -> list[str]:
        """The statements without those whose names nothing uses."""
        kept: list[str] = []
        text = value.text
        for line in reversed(self.lines):
            name, _, right = line.strip().partition(" = ")
            if line in self.carried or re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text):
                kept.append(line)
                text += f" {line if line in self.carried else right}"
        return kept[::-1]

    def kept(self, node: Node, found: Expr) -> Expr:
        """The value under a name, where it deserves one."""
        if node is self.source.output and self.uses[node.uid] == 1:
            return found
        if node.uid in self.after and self.uses[node.uid] == 1:
            return found
        latex = self.source.named.get(node.uid)
        plain = re.fullmatch(r"-?[\w.]+(\[\"\w+\"\])?", found.text) is not None
        if latex is not None and not plain:
            return self.assign(self.author(latex, node), found)
        if plain or node.op in ("constant", "special", "rename", "broadcast"):
            return found
        if self.uses.get(node.uid, 0) > 1 and (len(found.text) > 12 or found.layout):
            return self.assign(self.word(node), found)
        if len(found.text) > LONG and node is not self.source.output:
            return self.assign(self.word(node), found)
        return found

    def expression(self, node: Node) -> Expr:
        parts = [self.done[a.uid] for a in self.operands(node)]
        if node.uid in self.source.calls:
            found = self.source.calls[node.uid]
            text = self.call_text(self, node, parts)
            batched = any(p.batched for p in parts)
            return Expr(text, ATOM, (*found.free, *found.axes), batched)
        method = getattr(self, f"_{node.op.rstrip('_')}", None)
        if method is not None:
            result: Expr = method(node, parts)
            return result
        if node.op in OPERATORS:
            return self.operator(node, parts)
        if self.d.function(node.op) is not None:
            return self.function(node, parts)
        if node.op in build.REDUCTIONS:
            return self.reduction(node, parts[0])
        raise CannotEmit(f"{node.op} has no spelling in {self.d.name}")

    def _input(self, node: Node, parts: list[Expr]) -> Expr:
        known = self.symbols[node.attr("name")]
        return Expr(known.text, ATOM, node.axes, known.batched and bool(node.axes))

    def _constant(self, node: Node, parts: list[Expr]) -> Expr:
        size = self.source.numbers.get(node.uid)
        if size is not None:
            return Expr(*self.size_of(size), number=True)
        value = node.attr("value")
        if isinstance(value, complex):
            return Expr("1j" if value == 1j else repr(value), number=True)
        return Expr(*number_text(value), number=True)

    def _special(self, node: Node, parts: list[Expr]) -> Expr:
        name = node.attr("name")
        if name in ("pi", "e", "inf"):
            return Expr(f"math.{name}", number=True)
        return Expr(repr(build.SPECIALS[name]), number=True)

    def _rename(self, node: Node, parts: list[Expr]) -> Expr:
        mapping = dict(node.attr("mapping"))
        x = parts[0]
        return Expr(x.text, x.binding, tuple(mapping.get(a, a) for a in x.layout), x.batched, x.number)

    def _broadcast(self, node: Node, parts: list[Expr]) -> Expr:
        return parts[0]

    def _iota(self, node: Node, parts: list[Expr]) -> Expr:
        count = self.size(node.axes[0])
        text = self.d.counted(count, self.like, node.uid in self.real_index)
        start = node.attr("start")
        if start:
            return Expr(f"{text} + {start}", 60, node.axes)
        return Expr(text, ATOM, node.axes)

    def _array(self, node: Node, parts: list[Expr]) -> Expr:
        raise CannotEmit("it holds a table of numbers")

    def operator(self, node: Node, parts: list[Expr]) -> Expr:
        op, (x, y) = node.op, parts
        special = self.simpler(node, parts)
        if special is not None:
            return special
        sign, binding = OPERATORS[op]
        numbers = x.number and y.number
        layout = self.joint(parts)
        x, y = self.lay(x, layout), self.lay(y, layout)
        batched = x.batched or y.batched
        if op in build.ARITHMETIC:
            x, y = (self.truth(p, a) for p, a in zip((x, y), node.args, strict=True))
        if op == "pow":
            text = infix(x.inside(POWER + 1), "**", y.inside(POWER))
        elif op == "add" and y.number and y.binding == UNARY and y.text.startswith("-"):
            text = infix(x.inside(binding), "-", y.text[1:])
        else:
            right = y.inside(binding if op in ("add",) else binding + 1)
            text = infix(x.inside(binding), sign, right)
        return Expr(text, binding, layout, batched, numbers)

    def simpler(self, node: Node, parts: list[Expr]) -> Expr | None:
        """What a person would write instead: x / n for (1/n) x, a mean, the square of a norm."""
        op, (first, second) = node.op, node.args
        if op in ("div", "mul"):
            for x, y, at in ((first, second, 0), (second, first, 1))[: 2 if op == "mul" else 1]:
                number = self.number(y)
                if number is None:
                    continue
                count = number if op == "div" else Size.of(1).divide(number)
                if count is None:
                    continue
                mean = self.mean(x, count)
                if mean is not None:
                    return mean
                if op == "mul" and self.is_unit_fraction(number) and not parts[at].number:
                    below, binding = self.size_of(count)
                    below = below if binding > PRODUCT else f"({below})"
                    return Expr(f"{parts[at].inside(PRODUCT)} / {below}", PRODUCT, parts[at].layout, parts[at].batched)
        if op == "mul" and first is second:
            return self._square(node, parts[:1])
        if op == "pow" and build.literal(second) == 2 and first.op == "sqrt":
            return self.done[first.args[0].uid]
        if op == "pow" and build.literal(second) in (Fraction(1, 2), 0.5):
            return self.root(node, first)
        return None

    @staticmethod
    def is_unit_fraction(number: Size) -> bool:
        """1/n, 1/(2n), 1/3: better written as a quotient than as a factor."""
        if len(number.terms) != 1:
            return False
        (monomial, coefficient) = number.terms[0]
        short = coefficient.denominator in (2, 4, 5, 8, 10) and not monomial
        return abs(coefficient) <= 1 and coefficient.numerator == 1 and all(e < 0 for _, e in monomial) and not short

    def mean(self, x: Node, count: Size) -> Expr | None:
        """Σ x / n over n values."""
        if x.op not in ("sum", "contract") or self.uses.get(x.uid, 0) > 1:
            return None
        over = x.attr("over")
        whole = Size.of(1)
        for axis in over:
            whole = whole * self.source.sizes[axis.uid]
        if whole != count:
            return None
        if x.op == "sum":
            inner = self.done[x.args[0].uid]
        elif len(x.args) == 2 and all(set(over) <= set(a.axes) for a in x.args):
            a, c = (self.done[y.uid] for y in x.args)
            if x.args[0] is x.args[1]:
                inner = Expr(infix(a.inside(POWER + 1), "**", "2"), POWER, a.layout, a.batched)
            else:
                layout = self.joint([a, c])
                a, c = self.lay(a, layout), self.lay(c, layout)
                inner = Expr(infix(a.inside(PRODUCT), "*", c.inside(PRODUCT + 1)), PRODUCT, layout,
                             a.batched or c.batched)  # fmt: skip
        else:
            return None
        if not set(over) <= set(inner.layout):
            return None
        return self.reduced("mean", inner, over)

    def _neg(self, node: Node, parts: list[Expr]) -> Expr:
        x = self.truth(parts[0], node.args[0])
        return Expr(f"-{x.inside(UNARY)}", UNARY, x.layout, x.batched, x.number)

    def _reciprocal(self, node: Node, parts: list[Expr]) -> Expr:
        x = parts[0]
        return Expr(f"1 / {x.inside(PRODUCT + 1)}", PRODUCT, x.layout, x.batched, x.number)

    def _square(self, node: Node, parts: list[Expr]) -> Expr:
        x = parts[0]
        return Expr(infix(x.inside(POWER + 1), "**", "2"), POWER, x.layout, x.batched, x.number)

    def _not(self, node: Node, parts: list[Expr]) -> Expr:
        return Expr(f"~{parts[0].inside(UNARY)}", UNARY, parts[0].layout, parts[0].batched)

    def _sqrt(self, node: Node, parts: list[Expr]) -> Expr:
        return self.root(node, node.args[0])

    def root(self, node: Node, inner: Node) -> Expr:
        """A square root; of a sum of squares, the norm."""
        x = self.done[inner.uid]
        squares = self.squares(inner)
        if squares is not None and self.uses.get(inner.uid, 0) == 1:
            base, dims = squares
            layout = tuple(a for a in base.layout if a.uid not in {b.uid for b in inner.attr("over")})
            return Expr(self.d.norm(base, dims), ATOM, layout, base.batched)
        return self.applied("sqrt", [x], x.layout)

    def function(self, node: Node, parts: list[Expr]) -> Expr:
        layout = self.joint(parts)
        laid = [self.lay(x, layout) for x in parts]
        if node.op in ("maximum", "minimum") and laid[0].number != laid[1].number:
            number, x = laid if laid[0].number else laid[::-1]
            self.demand(x, "tensor")
            return Expr(self.d.bounded(node.op, x.text, number.text), ATOM, layout, x.batched)
        return self.applied(node.op, laid, layout)

    def applied(self, name: str, parts: Sequence[Expr], layout: tuple[Axis, ...]) -> Expr:
        """A function of the library, or of `math` for numbers."""
        if all(p.number for p in parts) and name in MATH:
            if name == "sqrt" and any(c.isalpha() for c in parts[0].text):
                return Expr(self.d.root(parts[0].text, self.like), ATOM, (), False, True)
            return Expr(f"math.{MATH[name]}({', '.join(p.text for p in parts)})", ATOM, (), False, True)
        for p in parts:
            self.demand(p, "tensor")
        spelled = self.d.function(name)
        if spelled is None:
            raise CannotEmit(f"{name} has no spelling in {self.d.name}")
        return Expr(f"{spelled}({', '.join(p.text for p in parts)})", ATOM, layout, any(p.batched for p in parts))

    def _select(self, node: Node, parts: list[Expr]) -> Expr:
        condition, x, y = node.args
        if condition.op == "eq" and build.literal(x) == 1 and build.literal(y) == 0:
            first, second = (position(a) for a in condition.args)
            if first is not None and second is not None and first[1] == second[1] and first[0].size == second[0].size:
                text = self.d.identity(self.size(first[0]), self.like)
                return Expr(text, ATOM, (first[0], second[0]), symmetric=True)
        layout = self.joint(parts)
        laid = [self.lay(p, layout) for p in parts]
        text = self.d.where(*(p.text for p in laid))
        if laid[1].number and laid[2].number:
            text = self.d.chosen(laid[0].text, laid[1].text, laid[2].text, self.like)
        return Expr(text, ATOM, layout, any(p.batched for p in laid))

    # --- the catalogue -----------------------------------------------------------------------------------------------

    def _call(self, node: Node, parts: list[Expr]) -> Expr:
        name = node.attr("name")
        if not self.known(node):
            return parts[0]
        if name == "attention":
            return self.attention(node, parts)
        if name == "linear":
            return self._linear(node, parts)
        if name in self.d.calls:
            return self.d.calls[name](self, node, parts)
        if name in self.d.along:
            return self.along_axis(self.d.along[name], parts[0], dict(node.attr("attrs"))["axis"], name)
        return self.applied(name, parts[:1], parts[0].layout)

    def along_axis(self, function: str, x: Expr, axis: Axis, name: str) -> Expr:
        if axis not in x.layout:
            x = self.exactly(x, (*x.layout, axis))
        text = f"{function}({x.text}, {self.d.axis}={x.at(axis)})"
        layout = tuple(a for a in x.layout if a != axis) if name == "logsumexp" else x.layout
        return Expr(text, ATOM, layout, x.batched)

    def scaled(self, x: Expr, around: Sequence[Expr]) -> Expr:
        """With a gain and a shift, as far as they are given."""
        for sign, binding, other in zip("*+", (PRODUCT, SUM), around, strict=False):
            layout = self.joint([x, other])
            a, c = self.lay(x, layout), self.lay(other, layout)
            left, right = (c, a) if sign == "*" else (a, c)
            text = infix(left.inside(binding), sign, right.inside(binding + 1))
            x = Expr(text, binding, layout, a.batched or c.batched)
        return x

    def _linear(self, node: Node, parts: list[Expr]) -> Expr:
        """A matrix product and a bias."""
        x, w, bias = parts
        feature = dict(node.attr("attrs"))["feature"]
        needed = {a for a in (*x.layout, *w.layout) if a != feature}
        product = self.pair(x, w, Pair.of(x.layout, w.layout, needed))
        layout = self.joint([product, bias])
        product, bias = self.lay(product, layout), self.lay(bias, layout)
        text = infix(product.inside(SUM), "+", bias.inside(SUM))
        return Expr(text, SUM, layout, product.batched or bias.batched)

    def last(self, x: Expr, axis: Axis) -> Expr:
        """With this axis as the last dimension."""
        return self.exactly(x, (*(a for a in x.layout if a != axis), axis))

    def attention(self, node: Node, parts: list[Expr]) -> Expr:
        attrs = dict(node.attr("attrs"))
        query, key, feature, value = (attrs[n] for n in ("query", "key", "feature", "value"))
        heads = tuple(attrs[n] for n in ("heads",) if attrs.get("groups") is not None)
        groups = tuple(attrs[n] for n in ("groups",) if attrs.get("groups") is not None)
        own = {query, key, feature, value, *heads, *groups}
        q, k, v, scale = parts[:4]
        mask = parts[4] if len(parts) > 4 else None
        present = [x for x in (q, k, v, mask) if x is not None]
        batch = tuple(a for a in node.axes if a not in own and any(a in x.layout for x in present))
        q, k, v = (
            self.lay(x, (*batch, *pair)) if set(pair) <= set(x.layout) else self.exactly(x, (*batch, *pair))
            for x, pair in ((q, (*heads, query, feature)), (k, (*groups, key, feature)), (v, (*groups, key, value)))
        )
        if mask is not None:
            mask = self.lay(mask, (*batch, *heads, query, key))
        factor: tuple[str, Expr | None] = ("*", scale)
        squared = self.squared(node.args[3])
        if squared == Size.of(1):
            factor = ("*", None)
        elif squared is not None and (below := Size.of(1).divide(squared)) is not None:
            text, _ = self.size_of(below)
            factor = ("/", Expr(self.d.root(text, self.like), number=True))
            if below == self.source.sizes[feature.uid]:
                factor = ("default", factor[1])
        causal = bool(attrs.get("causal"))
        triangle = self.d.lower_triangle(self.size(query), self.size(key), self.like) if causal else ""
        text = self.d.attention(self, q, k, v, factor, mask, triangle, bool(groups))
        batched = any(x.batched for x in (q, k, v) if x is not None) or (mask is not None and mask.batched)
        binding = ATOM if text.endswith(")") and " @ " not in text else PRODUCT
        return Expr(text, binding, (*batch, *heads, query, value), batched)


MATH = {"sqrt": "sqrt", "exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "tan": "tan", "tanh": "tanh",
        "floor": "floor", "ceil": "ceil", "abs": "fabs", "erf": "erf", "sinh": "sinh", "cosh": "cosh",
        "lgamma": "lgamma"}  # fmt: skip
