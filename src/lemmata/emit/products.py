"""Products summed over axes: matrix products, solutions of equations, sums, and einsum where nothing else fits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lemmata.backends.contraction import Pair, plan
from lemmata.core.size import Size
from lemmata.emit.expression import ATOM, POWER, PRODUCT, Expr, infix
from lemmata.emit.request import CannotEmit
from lemmata.emit.sheet import LONG, Sheet
from lemmata.program.node import Axis, Node


class Products(Sheet):
    """The `contract` primitive and the reductions."""

    def squares(self, node: Node) -> tuple[Expr, list[int]] | None:
        """(x, dimensions) of a sum of squares."""
        if node.op == "contract" and len(node.args) == 2 and node.args[0] is node.args[1]:
            base = self.done[node.args[0].uid]
        elif node.op == "sum" and node.args[0].op == "square":
            base = self.done[node.args[0].args[0].uid]
        elif node.op == "sum" and node.args[0].op == "mul" and node.args[0].args[0] is node.args[0].args[1]:
            base = self.done[node.args[0].args[0].uid]
        else:
            return None
        over = node.attr("over")
        if not set(over) <= set(base.layout):
            return None
        return base, [base.at(a) for a in over]

    def reduction(self, node: Node, x: Expr) -> Expr:
        over = [a for a in node.attr("over") if a in x.layout]
        gone = [a for a in node.attr("over") if a not in x.layout]
        x = self.truth(x, node.args[0]) if node.op in ("sum", "prod") else x
        found = self.reduced(node.op, x, over) if over else x
        if gone and node.op == "sum":
            size = Size.of(1)
            for axis in gone:
                size = size * self.source.sizes[axis.uid]
            text, binding = self.size_of(size)
            factor = Expr(text, binding).inside(PRODUCT + 1)
            return Expr(f"{found.inside(PRODUCT)} * {factor}", PRODUCT, found.layout, found.batched)
        if gone and node.op in ("prod", "argmax", "argmin"):
            raise CannotEmit(f"{node.op} of equal values")
        return found

    def reduced(self, op: str, x: Expr, over: Sequence[Axis]) -> Expr:
        dims = [x.at(a) for a in over]
        layout = tuple(a for a in x.layout if a not in over)
        if op == "prod" and len(dims) > 1:
            for dim in sorted(dims):
                x = Expr(f"{self.d.reduction(op)}({x.text}, {self.d.dims([dim])})")
            return Expr(x.text, ATOM, layout, x.batched)
        return Expr(f"{self.d.reduction(op)}({x.text}, {self.d.dims(dims)})", ATOM, layout, x.batched)

    def truth(self, x: Expr, node: Node) -> Expr:
        """Truth values as numbers, where they are calculated with."""
        if node.dtype != "bool" or x.number:
            return x
        return Expr(self.d.chosen(x.text, "1.0", "0.0", self.like), ATOM, x.layout, x.batched)

    def _contract(self, node: Node, parts: list[Expr]) -> Expr:
        if self.squares(node) is not None:
            x = parts[0]
            square = Expr(infix(x.inside(POWER + 1), "**", "2"), POWER, x.layout, x.batched)
            return self.reduced("sum", square, node.attr("over"))
        over = set(node.attr("over"))
        scale = [p for p in parts if not p.layout]
        factors = [self.truth(p, a) for p, a in zip(parts, node.args, strict=True) if p.layout]
        solved = self.solved(node, parts)
        if solved is not None:
            return solved
        if not factors:
            raise CannotEmit("a sum of equal numbers")
        kept = tuple(a for a in dict.fromkeys(a for p in factors for a in p.layout) if a not in over)
        if len(factors) == 1:
            found = self.reduced("sum", factors[0], [a for a in factors[0].layout if a in over])
        else:
            factors = list(factors)
            for step in plan([p.layout for p in factors], kept):
                right, left = factors.pop(step.second), factors.pop(step.first)
                product = self.pair(left, right, step.pair)
                if factors and len(product.text) > LONG:
                    product = self.assign("product", product)
                factors.append(product)
            found = factors[0]
        for axis in over - {a for p in parts for a in p.layout}:
            scale.append(Expr(*self.size_of(self.source.sizes[axis.uid])))
        for factor in scale:
            text = f"{factor.inside(PRODUCT)} * {found.inside(PRODUCT + 1)}"
            found = Expr(text, PRODUCT, found.layout, found.batched)
        return found

    def solved(self, node: Node, parts: list[Expr]) -> Expr | None:
        """A⁻¹ B as a solution of linear equations."""
        if len(node.args) != 2 or len(node.attr("over")) != 1 or self.d.linear("solve") is None:
            return None
        over = node.attr("over")[0]
        for matrix, other, given in ((node.args[0], node.args[1], parts[1]), (node.args[1], node.args[0], parts[0])):
            inner, back = matrix, {a: a for a in matrix.axes}
            if inner.op == "rename":
                back = {new: old for old, new in inner.attr("mapping")}
                inner = inner.args[0]
            if (
                inner.op != "inv"
                or self.uses.get(inner.uid, 0) > 1
                or other is matrix
                or inner.uid in self.source.named
            ):
                continue
            row, column = inner.attr("row"), inner.attr("column")
            if back.get(over, over) != column or over not in given.layout:
                continue
            columns = [a for a in given.layout if a != over and a not in matrix.axes]
            if len(columns) > 1 or len(given.layout) != 1 + len(columns):
                continue
            rows = next(new for new in matrix.axes if back.get(new, new) == row)
            x = self.done[inner.args[0].uid]
            if set(x.layout) != {row, column}:
                continue
            x = self.permuted(x, (row, column)) if x.layout != (row, column) else x
            if given.batched and not columns:
                text = f"{self.d.linear('solve')}({x.text}, {self.as_column(given, over).text})"
                solution = Expr(text)
                return Expr(self.d.first(solution), ATOM, (rows,), True, column=text)
            right = self.lay(given, (over, *columns))
            text = f"{self.d.linear('solve')}({x.text}, {right.text})"
            return Expr(text, ATOM, (rows, *columns), x.batched or given.batched)
        return None

    def pair(self, a: Expr, c: Expr, pair: Pair) -> Expr:
        """A product of two, summed over what nothing else needs."""
        for alone, first in ((pair.alone[0], True), (pair.alone[1], False)):
            if alone:
                reduced = self.reduced("sum", a if first else c, alone)
                a, c = (reduced, c) if first else (a, reduced)
        batched = a.batched or c.batched
        if not pair.inner:
            layout = self.joint([a, c])
            x, y = self.lay(a, layout), self.lay(c, layout)
            return Expr(infix(x.inside(PRODUCT), "*", y.inside(PRODUCT + 1)), PRODUCT, layout, batched)
        if len(pair.inner) == 1:
            found = self.matrix_product(a, c, pair)
            if found is not None:
                return found
        if not pair.rows and not pair.columns:
            layout = self.joint([a, c])
            x, y = self.lay(a, layout), self.lay(c, layout)
            text = infix(x.inside(PRODUCT), "*", y.inside(PRODUCT + 1))
            return self.reduced("sum", Expr(text, PRODUCT, layout, batched), pair.inner)
        return self.einsum(a, c, pair)

    def matrix_product(self, a: Expr, c: Expr, pair: Pair) -> Expr | None:
        """As `x @ y`, where the last two dimensions can be made those of the product."""
        inner, batch = pair.inner[0], pair.batch
        batched = a.batched or c.batched
        rows = tuple(x for x in a.layout if x in pair.rows)
        columns = tuple(x for x in c.layout if x in pair.columns)
        if not rows and not columns:
            if batch or a.batched and c.batched:
                return None
            left, right = (c, a) if c.batched else (a, c)
            return Expr(self.d.product(left, right), PRODUCT, (), batched)
        if not rows or (not c.batched and not columns):
            # A vector: it stands on the left of a matrix, or on the right if it has no batch axes.
            vector, matrix, other, flipped = (a, c, columns, False) if not rows else (c, a, rows, True)
            if batch:
                return None
            if not vector.batched and flipped:
                x = self.lay(matrix, (*other, inner))
                return Expr(self.d.product(x, vector), PRODUCT, other, matrix.batched)
            if len(other) == 1 and not matrix.batched:
                y = self.lay(matrix, (inner, *other))
                return Expr(self.d.product(vector, y), PRODUCT, other, vector.batched)
            if len(other) == 1:
                return self.by_column(matrix, vector, other, inner)
            return None
        if not columns:
            if len(rows) != 1 or batch:
                return None
            if not a.batched:
                y = self.lay(a, (inner, *rows))
                return Expr(self.d.product(c, y), PRODUCT, rows, c.batched)
            return self.by_column(a, c, rows, inner)
        if len(rows) > 1 and len(columns) > 1:
            return None
        around = (*batch, *rows[:-1], *columns[:-1])
        x = self.lay(a, (*around, rows[-1], inner))
        y = self.lay(c, (*around, inner, columns[-1]))
        return Expr(self.d.product(x, y), PRODUCT, (*around, rows[-1], columns[-1]), batched)

    def by_column(self, matrix: Expr, vector: Expr, rows: tuple[Axis, ...], inner: Axis) -> Expr:
        """A matrix times a vector where both have batch axes: the vector as a column."""
        x = self.lay(matrix, (*rows, inner))
        product = Expr(self.d.product(x, self.as_column(vector, inner)), PRODUCT)
        return Expr(self.d.first(product), ATOM, rows, True, column=product.text)

    def as_column(self, vector: Expr, inner: Axis) -> Expr:
        """A vector as a matrix of one column."""
        axes = (inner, Axis.fresh("1", 1))
        if vector.column:
            return Expr(vector.column, PRODUCT, axes, vector.batched)
        return self.lay(vector, axes)

    def einsum(self, a: Expr, c: Expr, pair: Pair) -> Expr:
        letters: dict[int, str] = {}
        spelled = []
        for x in (a, c):
            for axis in x.layout:
                if axis.uid not in letters:
                    own = re.sub(r"[^a-z]", "", axis.label.casefold())[:1]
                    free = [z for z in (own, *"ijklmnpqrstuvwxyzabcdefgho") if z and z not in letters.values()]
                    if not free:
                        raise CannotEmit("a product over more than 26 axes")
                    letters[axis.uid] = free[0]
            dots = "..." if x.batched else ""
            spelled.append(dots + "".join(letters[y.uid] for y in x.layout))
        rank = {x.uid: n for n, x in enumerate(self.source.axes)}
        layout = pair.axes
        if all(x.uid in rank for x in layout):
            layout = tuple(sorted(layout, key=lambda x: rank[x.uid]))
        dots = "..." if a.batched or c.batched else ""
        pattern = f"{','.join(spelled)}->{dots}{''.join(letters[x.uid] for x in layout)}"
        return Expr(self.d.einsum(pattern, [a.text, c.text]), ATOM, layout, a.batched or c.batched)
