"""Picking, joining, merging and splitting dimensions, and functions of matrices."""

from __future__ import annotations

import re

from lemmata.core.size import Size
from lemmata.emit.expression import ATOM, Expr
from lemmata.emit.request import CannotEmit
from lemmata.emit.sheet import Sheet
from lemmata.program import build
from lemmata.program.node import Axis, Node


class Moves(Sheet):
    """Primitives that move elements, and those of matrices."""

    def _diagonal(self, node: Node, parts: list[Expr]) -> Expr:
        x, (kept, gone) = parts[0], node.attr("pair")
        if kept not in x.layout or gone not in x.layout:
            mapping = {gone: kept}
            return Expr(x.text, x.binding, tuple(mapping.get(a, a) for a in x.layout), x.batched, x.number)
        text = self.d.diagonal(x, x.at(kept), x.at(gone))
        return Expr(text, ATOM, (*(a for a in x.layout if a not in (kept, gone)), kept), x.batched)

    def _take(self, node: Node, parts: list[Expr]) -> Expr:
        (x, index), axis, at = parts, node.attr("axis"), node.args[1]
        rest = tuple(a for a in x.layout if a != axis)
        if axis not in x.layout:
            return x
        if node.attr("fill") is not None:
            raise CannotEmit("it takes values from outside an axis as zero")
        marks = [":"] * (len(x.layout) - 1 - x.layout.index(axis))
        if not index.layout:
            if index.batched and x.batched:
                return self.picked(x, axis, index)
            if not index.number:
                self.demand(index, "index")
            place = index.text
            source = str(node.args[0].attr("name")) if node.args[0].op == "input" else ""
            if source in self.stacked:
                layers, key = self.stacked[source]
                return Expr(f'{layers}[{place}]["{key}"]', ATOM, rest)
            if x.layout[0] == axis and not x.batched:
                return Expr(f"{x.inside(ATOM)}[{place}]", ATOM, rest)
            return Expr(f"{x.inside(ATOM)}[..., {', '.join([place, *marks])}]", ATOM, rest, x.batched)
        along = set(index.layout) & set(rest)
        if along or index.batched and x.batched:
            return self.picked(x, axis, index)
        start = self.slice(at)
        if start is not None:
            (own,) = at.axes
            end = Size.of(start) + self.source.sizes[own.uid]
            stop = "" if end == self.source.sizes[axis.uid] else self.size_of(end)[0]
            place = f"{start or ''}:{stop}"
            layout = tuple(own if a == axis else a for a in x.layout)
            if x.layout[0] == axis and not x.batched:
                return Expr(f"{x.inside(ATOM)}[{place}]", ATOM, layout)
            return Expr(f"{x.inside(ATOM)}[..., {', '.join([place, *marks])}]", ATOM, layout, x.batched)
        if not x.batched:
            x = self.lay(x, (axis, *rest))
            self.demand(index, "index")
            return Expr(self.d.rows(x, index), ATOM, (*index.layout, *rest), index.batched)
        raise CannotEmit("an index of its own for each example")

    def picked(self, x: Expr, axis: Axis, index: Expr) -> Expr:
        """Of each row the element at an index of its own: P_{i, y_i}."""
        both = tuple(a for a in x.layout if a != axis and a in index.layout)
        around = (*both, *(a for a in index.layout if a not in x.layout))
        rest = tuple(a for a in x.layout if a != axis and a not in index.layout)
        if rest:
            raise CannotEmit("rows of its own for each example")
        self.demand(index, "index")
        laid, places = self.lay(x, (*around, axis)), self.lay(index, (*around, Axis.fresh("1", 1)), exact=True)
        found = Expr(self.d.along_last(laid, places))
        return Expr(self.d.first(found), ATOM, around, x.batched or index.batched)

    def slice(self, index: Node) -> int | None:
        """The first of consecutive places."""
        if index.op == "rename":
            return self.slice(index.args[0])
        if index.op == "iota":
            return int(index.attr("start"))
        if index.op in ("add", "sub") and len(index.axes) == 1:
            inner, shift = self.slice(index.args[0]), build.literal(index.args[1])
            if inner is not None and isinstance(shift, int):
                found = inner + shift if index.op == "add" else inner - shift
                return found if found >= 0 else None
        return None

    def _concat(self, node: Node, parts: list[Expr]) -> Expr:
        others = node.axes[:-1]
        along = node.attr("along")
        around = tuple(a for a in others if any(a in p.layout for p in parts))
        laid = [self.exactly(p, (*around, own)) for p, own in zip(parts, along, strict=True)]
        if len({p.batched for p in laid}) > 1:
            raise CannotEmit("it puts a batch of arrays beside one that has none")
        return Expr(self.d.concatenated([p.text for p in laid], -1), ATOM, (*around, node.axes[-1]), laid[0].batched)

    def _stack(self, node: Node, parts: list[Expr]) -> Expr:
        around = tuple(a for a in node.axes[:-1] if any(a in p.layout for p in parts))
        laid = [self.exactly(p, around) for p in parts]
        if len({p.batched for p in laid}) > 1 or any(p.number for p in laid):
            raise CannotEmit("it stacks numbers or arrays of different kinds")
        return Expr(self.d.stacked([p.text for p in laid], -1), ATOM, (*around, node.axes[-1]), laid[0].batched)

    def _merge(self, node: Node, parts: list[Expr]) -> Expr:
        axes = node.attr("axes")
        rest = tuple(a for a in parts[0].layout if a not in axes)
        x = self.exactly(parts[0], (*rest, *axes))
        if self.d.twice and not re.fullmatch(r"[\w.]+", x.text):
            x = self.assign("moved", x)
        return Expr(self.d.flattened(x, len(axes)), ATOM, (*rest, node.attr("new")), x.batched)

    def _split(self, node: Node, parts: list[Expr]) -> Expr:
        axis, new = node.attr("axis"), node.attr("new")
        rest = tuple(a for a in parts[0].layout if a != axis)
        x = self.exactly(parts[0], (*rest, axis))
        if self.d.twice and not re.fullmatch(r"[\w.]+", x.text):
            x = self.assign("moved", x)
        return Expr(self.d.unflattened(x, [self.size(a) for a in new]), ATOM, (*rest, *new), x.batched)

    def matrix(self, node: Node, parts: list[Expr], name: str, kept: bool) -> Expr:
        row, column = node.attr("row"), node.attr("column")
        rest = tuple(a for a in parts[0].layout if a not in (row, column))
        x = self.exactly(parts[0], (*rest, row, column))
        spelled = self.d.linear(name)
        if spelled is None:
            raise CannotEmit(f"{name} has no spelling in {self.d.name}")
        return Expr(f"{spelled}({x.text})", ATOM, (*rest, *((row, column) if kept else ())), x.batched)

    def _inv(self, node: Node, parts: list[Expr]) -> Expr:
        return self.matrix(node, parts, "inv", True)

    def _det(self, node: Node, parts: list[Expr]) -> Expr:
        return self.matrix(node, parts, "det", False)

    def _logabsdet(self, node: Node, parts: list[Expr]) -> Expr:
        found = self.matrix(node, parts, "slogdet", False)
        return Expr(f"{found.text}[1]", ATOM, found.layout, found.batched)

    def _cholesky(self, node: Node, parts: list[Expr]) -> Expr:
        return self.matrix(node, parts, "cholesky", True)

    def _matrix_exp(self, node: Node, parts: list[Expr]) -> Expr:
        return self.matrix(node, parts, "matrix_exp", True)

    def _eigvalsh(self, node: Node, parts: list[Expr]) -> Expr:
        found = self.matrix(node, parts, "eigvalsh", False)
        return Expr(found.text, ATOM, (*found.layout, node.attr("values")), found.batched)
