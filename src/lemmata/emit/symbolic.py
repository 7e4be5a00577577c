"""A definition as one program for all sizes.

Programs have concrete sizes. So a definition is lowered three times, each size another large prime (times twelve, so
that halves and quarters are whole): where the three programs differ in a number, the number is a size or made of sizes,
and the primes tell which. Where they differ in anything else, the definition has no one source for all sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import combinations
from typing import Any

from msgspec import Struct, field

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.emit.members import Member, taken_out
from lemmata.emit.request import CannotEmit
from lemmata.emit.tracing import Call, Lookup, Loop, Tracing
from lemmata.lower.value import Value, full
from lemmata.model.definitions import Expression, Symbol, describe
from lemmata.model.function import Function, atoms
from lemmata.model.sizes import Given, ShapeMismatch, solve
from lemmata.operations.recognise import fuse_all
from lemmata.program import build
from lemmata.program.graph import ordered
from lemmata.program.node import Axis, Node
from lemmata.verify.problem import CannotLower

PRIMES = (
    (1009, 1061, 1117, 1181, 1237, 1301, 1373, 1439, 1493, 1559, 1613, 1693, 1753, 1831, 1901, 1979, 2027, 2089),
    (2111, 2161, 2237, 2293, 2347, 2399, 2459, 2539, 2609, 2671, 2711, 2767, 2819, 2887, 2957, 3023, 3089, 3169),
    (3203, 3259, 3323, 3371, 3449, 3511, 3547, 3607, 3659, 3709, 3769, 3833, 3889, 3943, 4013, 4079, 4139, 4217),
)
WHOLE = 12
SMALL = 1000
"""Largest factor of a size that is one of two in a sum."""
STEPS = (
    (503, 509, 521, 523, 541, 547), (557, 563, 569, 571, 577, 587), (593, 599, 601, 607, 613, 617),
)  # fmt: skip
"""Of the steps of recurrences: less than any size, as places along axes are."""


class Source(Struct, frozen=True):
    """A definition's program with its sizes as symbols."""

    function: Function
    expression: Expression
    output: Node
    axes: tuple[Axis, ...]
    inputs: tuple[tuple[Symbol, Node, tuple[Axis, ...]], ...]
    """Without indices of which nothing depends; of families, those members that `members` tells."""
    members: dict[str, Member]
    calls: dict[int, Call]
    """By the uid of the hole."""
    loops: dict[int, Loop]
    """By the uids of their results."""
    named: dict[int, str]
    """Nodes that the author gave a name, in LaTeX."""
    sizes: dict[int, Size]
    """By the uid of the axis."""
    numbers: dict[int, Size]
    """Constants that are made of sizes, by the uid of the node."""
    asked: tuple[str, ...]
    """Sizes that no argument tells."""

    @property
    def weighty(self) -> bool:
        """Whether it has symbols of its own beside its parameters."""
        return len(self.inputs) > len(self.expression.parameters)

    @property
    def everything(self) -> list[Node]:
        """All nodes, those of arguments of calls and of loops included."""
        roots = [self.output, *(v.node for c in self.calls.values() for v in c.values)]
        return ordered([*roots, *(v.node for loop in self.loops.values() for v in loop.values)])

    @property
    def recognised(self) -> int:
        """How many operations of the catalogue it takes."""
        return sum(n.op == "call" for n in self.everything)


class _Lowered(Struct):
    """One of the three programs."""

    sizes: dict[str, int]
    output: Node
    axes: tuple[Axis, ...]
    inputs: list[tuple[Symbol, Node, tuple[Axis, ...]]]
    members: dict[str, list[tuple[str, Fraction]]]
    """Of a family, the indices of the member that is taken, and what is added to each."""
    holes: list[Call]
    loops: list[Loop]
    names: list[tuple[str, Node]]
    asked: tuple[str, ...]

    @property
    def roots(self) -> list[Node]:
        inside = [v.node for loop in self.loops for v in loop.values]
        return [self.output, *(v.node for call in self.holes for v in call.values), *inside]

    @property
    def marked(self) -> list[Axis]:
        """Axes in a fixed order, besides those of the nodes."""
        own = [*self.axes, *(a for _, _, axes in self.inputs for a in axes)]
        for call in self.holes:
            own += [*call.free, *call.axes, *(a for v in call.values for a in v.axes)]
        for loop in self.loops:
            for state in loop.states:
                own += [*state.before.axes, *state.base.axes, *state.after.axes]
            own += [a for h in loop.histories for a in (h.axis, *h.result.axes)]
        return own


def symbolic(function: Function, expression: Expression, lookup: Lookup, fuse: bool = True) -> Source:
    """The definition for all sizes. Raises CannotEmit."""
    try:
        found = [_lower(function, expression, lookup, fuse, *primes) for primes in zip(PRIMES, STEPS, strict=True)]
    except (CannotLower, build.BadProgram, ShapeMismatch) as error:
        raise CannotEmit(str(error)) from error
    except RecursionError as error:
        raise CannotEmit("the definitions are nested too deeply") from error
    return _Joined(found).source(function, expression)


def _lower(
    function: Function, expression: Expression, lookup: Lookup, fuse: bool, primes: Sequence[int], steps: Sequence[int]
) -> _Lowered:
    letters = sorted({r.letter for r in expression.recurrences.values()})
    names = sorted(atoms(expression) - expression.solution.keys() - set(letters))
    if len(names) > len(primes) or len(letters) > len(steps):
        raise CannotEmit(f"{len(names)} sizes")
    sizes = {name: WHOLE * prime for name, prime in zip(names, primes, strict=False)}
    shapes = {x.name: tuple(_whole(size, sizes) for size in x.shape) for x in expression.symbols}
    told = solve([Given(x.name, x.shape, shapes[x.name]) for x in expression.symbols])
    asked = []
    for atom in names:
        if atom not in told:
            width = function.width(atom, expression, shapes)
            if width is None:
                asked.append(atom)
            else:
                sizes[atom] = width
    low = Tracing(sizes, dict(expression.solution), dict(expression.recurrences))
    low.prepare(lookup, {letter: WHOLE * prime for letter, prime in zip(letters, steps, strict=False)})
    inputs = []
    for symbol in expression.symbols:
        axes = tuple(Axis.fresh(describe((x,)), n) for x, n in zip(symbol.shape, shapes[symbol.name], strict=True))
        dtype = "complex" if symbol.variable.type.dtype == "complex" else "real"
        node = build.input(symbol.name, axes, dtype)
        low.inputs[symbol.variable.key] = (Value(node, axes), symbol.variable)
        low.overrides[symbol.variable.key] = Value(node, axes)
        inputs.append((symbol, node, axes))
    term = expression.term
    value = full(low.value(term.body if isinstance(term, t.Apply) else term))
    sizes |= {letter: low.letters[letter] for letter in letters}
    return _finished(low, sizes, value, inputs, tuple(asked), {x.name for x in expression.parameters}, fuse)


def _finished(
    low: Tracing, sizes: dict[str, int], value: Value, inputs: list[tuple[Symbol, Node, tuple[Axis, ...]]],
    asked: tuple[str, ...], parameters: set[str], fuse: bool,
) -> _Lowered:  # fmt: skip
    """The program with members taken out of their families, and operations recognised."""
    calls, loops = _reached(low, value.node)
    values = [value, *(v for _, _, given, _ in calls for _, v in given)]
    values += [v for loop in loops for v in loop.values]
    roots = [*(v.node for v in values), *(n for _, n in low.names)]
    needed = {x.variable.key for _, callee, _, _ in calls for x, _, _ in callee.inputs if x.name not in callee.members}
    roots, inputs, members = taken_out(roots, len(values), inputs, parameters, needed)
    rest = iter(fuse_all(roots) if fuse else roots)
    output = next(rest)
    holes = []
    for hole, callee, arguments, result in calls:
        given = tuple((name, Value(next(rest), v.axes)) for name, v in arguments)
        free = tuple(a for a in hole.axes if a not in result.axes)
        holes.append(Call(hole, callee, given, free, result.axes))
    for loop in loops:
        for state in loop.states:
            state.base = Value(next(rest), state.base.axes)
        for state in loop.states:
            state.after = Value(next(rest), state.after.axes)
    names = [(latex, node) for (latex, _), node in zip(low.names, rest, strict=True)]
    found = _Lowered(sizes, output, value.axes, inputs, members, holes, loops, names, asked)
    stray = [a.label for a in output.axes if a not in value.axes]
    if stray:
        raise CannotEmit(f"it holds for every {', '.join(stray)}: it is no single value")
    own = {n.uid for _, n, _ in inputs} | {c.hole.uid for c in holes}
    own |= {n.uid for loop in loops for n in (*loop.results, *(s.before.node for s in loop.states))}
    for node in ordered(found.roots):
        if node.op == "input" and node.uid not in own:
            name = str(node.attr("name")).split("#")[0].split(" ")[0].split("?")[0]
            raise CannotEmit(f"it depends on {name}, which the document leaves open")
    return found


def _reached(low: Tracing, output: Node) -> tuple[list[tuple[Any, ...]], list[Loop]]:
    """The calls and the loops that the value takes, in the order in which they were met."""
    calls = {hole.uid: [v.node for _, v in given] for hole, _, given, _ in low.holes}
    loops = {n.uid: [v.node for v in loop.values] for loop in low.loops for n in loop.results}
    seen = {n.uid for n in ordered([output], lambda n: (*n.args, *calls.get(n.uid, ()), *loops.get(n.uid, ())))}
    return [c for c in low.holes if c[0].uid in seen], [
        loop for loop in low.loops if any(n.uid in seen for n in loop.results)
    ]


def _whole(size: Size, sizes: dict[str, int]) -> int:
    value = size.at(sizes)
    if value.denominator != 1:
        raise CannotEmit(f"the size {size} is no polynomial of the others")
    return int(value)


class _Joined(Struct):
    """Three programs walked side by side."""

    found: list[_Lowered]
    axes: dict[int, tuple[Axis, ...]] = field(default_factory=dict)
    numbers: dict[int, Size] = field(default_factory=dict)

    def source(self, function: Function, expression: Expression) -> Source:
        first = self.found[0]
        for group in zip(*(x.marked for x in self.found), strict=True):
            self.match(group)
        for nodes in zip(*(ordered(x.roots) for x in self.found), strict=True):
            self.same(nodes)
        for nodes in zip(*(ordered(x.roots, lambda n: n.args) for x in self.found), strict=False):
            self.within(nodes)
        sizes = {uid: self.size(tuple(a.size for a in group)) for uid, group in self.axes.items()}
        present = {n.uid for n in ordered(first.roots)}
        named = {n.uid: latex for latex, n in first.names if n.uid in present}
        calls = {c.hole.uid: c for c in first.holes if c.hole.uid in present}
        loops = {n.uid: loop for loop in first.loops for n in loop.results}
        whole = {x.name: x for x in expression.symbols}
        members = {
            name: Member(whole[name], tuple(
                (index, self.size(shifts))
                for index, shifts in ((p[0][0], tuple(s for _, s in p)) for p in zip(*places, strict=True))
            ))
            for name, places in ((n, [x.members[n] for x in self.found]) for n in first.members)
        }  # fmt: skip
        return Source(function, expression, first.output, first.axes, tuple(first.inputs), members, calls, loops, named,
                      sizes, self.numbers, first.asked)  # fmt: skip

    def match(self, group: tuple[Axis, ...]) -> None:
        if self.axes.setdefault(group[0].uid, group) != group:
            raise CannotEmit("its computation depends on how large it is")

    def same(self, nodes: tuple[Node, ...]) -> None:
        first = nodes[0]
        if len({(n.op, len(n.args), len(n.axes), n.dtype if n.op != "constant" else "") for n in nodes}) != 1:
            raise CannotEmit("its computation depends on how large it is")
        for group in zip(*(n.axes for n in nodes), strict=True):
            self.match(group)
        if first.op == "constant":
            values = tuple(n.attr("value") for n in nodes)
            if len(set(values)) > 1:
                self.numbers[first.uid] = self.size(values)
            return
        for values in zip(*(n.attrs for n in nodes), strict=True):
            self.attribute(first, values[0][0], tuple(v for _, v in values))

    def within(self, nodes: tuple[Node, ...]) -> None:
        """What stands in the definition of an operation, in case that it is written out."""
        with suppress(CannotEmit):
            self.same(nodes)

    def attribute(self, node: Node, name: str, values: tuple[Any, ...]) -> None:
        if node.op == "input":
            return
        first = values[0]
        if isinstance(first, Axis):
            self.match(values)
        elif isinstance(first, tuple):
            if len({len(v) for v in values}) != 1:
                raise CannotEmit("its computation depends on how large it is")
            for group in zip(*values, strict=True):
                self.attribute(node, name, group)
        elif len(set(values)) > 1:
            raise CannotEmit(f"the {name} of {node.op} depends on how large it is")

    def size(self, values: tuple[Any, ...]) -> Size:
        """The size with these values in the three programs: a product of powers of sizes, or one of them moved."""
        if any(isinstance(v, complex) for v in values):
            raise CannotEmit("a complex number made of sizes")
        exact = [Fraction(v) for v in values]
        if len(set(exact)) == 1:
            return Size.of(exact[0])
        given = [x.sizes for x in self.found]
        names = list(dict.fromkeys(given[0]))
        monomials = [_monomial(v, sizes) for v, sizes in zip(exact, given, strict=True)]
        if all(m == monomials[0] for m in monomials):
            return monomials[0]
        for name in names:
            x, y, z = (Fraction(sizes[name]) for sizes in given)
            slope = (exact[0] - exact[1]) / (x - y)
            start = exact[0] - slope * x
            if slope * z + start == exact[2]:
                return Size.of(slope) * Size.of(name) + Size.of(start)
        for first, second in combinations(names, 2):
            plane = _plane([(Fraction(sizes[first]), Fraction(sizes[second])) for sizes in given], exact)
            if plane is not None:
                return Size.of(plane[0]) * Size.of(first) + Size.of(plane[1]) * Size.of(second) + Size.of(plane[2])
        raise CannotEmit("a number in it depends on its sizes in a way that was not recognised")


def _plane(points: Sequence[tuple[Fraction, Fraction]], values: Sequence[Fraction]) -> tuple[Fraction, ...] | None:
    """(a, c, s) with a x + c y + s the value at each of three points, where these are small whole numbers."""
    (x0, y0), (x1, y1), (x2, y2) = points
    whole = (x0 - x2) * (y1 - y2) - (x1 - x2) * (y0 - y2)
    if not whole:
        return None
    first, second = values[0] - values[2], values[1] - values[2]
    a = (first * (y1 - y2) - second * (y0 - y2)) / whole
    c = ((x0 - x2) * second - (x1 - x2) * first) / whole
    found = (a, c, values[2] - a * x2 - c * y2)
    return found if all(v.denominator == 1 and abs(v) <= SMALL for v in found) else None


def _monomial(value: Fraction, sizes: dict[str, int]) -> Size:
    """A number as a product of powers of the sizes; each is a prime of its own times WHOLE."""
    result = Size.of(1)
    done: set[int] = set()
    for name, size in sizes.items():
        prime = size // WHOLE
        if prime in done:
            continue
        done.add(prime)
        while value and value.numerator % prime == 0:
            value, result = value / size, result * Size.of(name)
        while value and value.denominator % prime == 0:
            value = value * size
            divided = result.divide(Size.of(name))
            assert divided is not None
            result = divided
    return result * Size.of(value)
