"""A definition as one program for all sizes.

Programs have concrete sizes. So a definition is lowered three times, each size another large prime (times twelve, so
that halves and quarters are whole): where the three programs differ in a number, the number is a size or made of sizes,
and the primes tell which. Where they differ in anything else, the definition has no one source for all sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from msgspec import Struct, field

from lemmata.core import terms as t
from lemmata.core.size import Size
from lemmata.emit.request import CannotEmit
from lemmata.lower.lowering import Lowering
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
Lookup = Callable[[t.Apply], Function | None]
"""The definition that is to be called for an application, if any."""


class Call(Struct, frozen=True):
    """An application of another definition: in the program an input on the axes of its value."""

    hole: Node
    callee: Function
    arguments: tuple[Value, ...]
    free: tuple[Axis, ...]
    """Axes around the value, such as the heads: batch axes of the call."""
    axes: tuple[Axis, ...]


class Source(Struct, frozen=True):
    """A definition's program with its sizes as symbols."""

    function: Function
    expression: Expression
    output: Node
    axes: tuple[Axis, ...]
    inputs: tuple[tuple[Symbol, Node, tuple[Axis, ...]], ...]
    calls: dict[int, Call]
    """By the uid of the hole."""
    named: dict[int, str]
    """Nodes that the author gave a name, in LaTeX."""
    sizes: dict[int, Size]
    """By the uid of the axis."""
    numbers: dict[int, Size]
    """Constants that are made of sizes, by the uid of the node."""
    asked: tuple[str, ...]
    """Sizes that no argument tells."""


class _Tracing(Lowering):
    """Lowering that keeps applications of other definitions as calls, and the names of what is defined."""

    def prepare(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.holes: list[tuple[Node, Function, tuple[Value, ...], Value]] = []
        self.names: list[tuple[str, Node]] = []

    def _value(self, term: t.Term) -> Value:
        match term:
            case t.Deriv() | t.Expect() | t.Limit() | t.Held():
                return self.under({})._value(term)
            case t.Apply():
                callee = self.lookup(term)
                if callee is not None:
                    return self.call(term, callee)
        value = Lowering._value(self, term)
        if isinstance(term, t.Defined):
            value = full(value)
            self.names.append((term.latex, value.node))
        return value

    def call(self, term: t.Apply, callee: Function) -> Value:
        inside = full(self.value(term.body))
        arguments = tuple(full(self.value(x)) for x in term.args)
        hole = build.input(f"call {len(self.holes)} of {callee.name}", inside.node.axes, inside.node.dtype)
        result = Value(hole, inside.axes)
        self.holes.append((hole, callee, arguments, result))
        return result


class _Lowered(Struct):
    """One of the three programs."""

    sizes: dict[str, int]
    output: Node
    axes: tuple[Axis, ...]
    inputs: list[tuple[Symbol, Node, tuple[Axis, ...]]]
    holes: list[Call]
    names: list[tuple[str, Node]]
    asked: tuple[str, ...]

    @property
    def roots(self) -> list[Node]:
        return [self.output, *(a.node for call in self.holes for a in call.arguments)]

    @property
    def marked(self) -> list[Axis]:
        """Axes in a fixed order, besides those of the nodes."""
        own = [*self.axes, *(a for _, _, axes in self.inputs for a in axes)]
        for call in self.holes:
            own += [*call.free, *call.axes, *(a for v in call.arguments for a in v.axes)]
        return own


def symbolic(function: Function, expression: Expression, lookup: Lookup) -> Source:
    """The definition for all sizes. Raises CannotEmit."""
    try:
        found = [_lower(function, expression, lookup, primes) for primes in PRIMES]
    except (CannotLower, build.BadProgram, ShapeMismatch) as error:
        if "too many steps" in str(error):
            raise CannotEmit("it is a recurrence, and how many steps it takes is a size that is not known") from error
        raise CannotEmit(str(error)) from error
    except RecursionError as error:
        raise CannotEmit("the definitions are nested too deeply") from error
    return _Joined(found).source(function, expression)


def _lower(function: Function, expression: Expression, lookup: Lookup, primes: Sequence[int]) -> _Lowered:
    names = sorted(atoms(expression) - expression.solution.keys())
    if len(names) > len(primes):
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
    low = _Tracing(sizes, dict(expression.solution), dict(expression.recurrences))
    low.prepare(lookup)
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
    own = {n.uid for _, n, _ in inputs} | {h.uid for h, *_ in low.holes}
    return _fused(low, sizes, value, inputs, own, tuple(asked))


def _fused(
    low: _Tracing, sizes: dict[str, int], value: Value, inputs: list[Any], own: set[int], asked: tuple[str, ...]
) -> _Lowered:
    roots = [value.node, *(a.node for _, _, args, _ in low.holes for a in args), *(n for _, n in low.names)]
    fused = fuse_all(roots)
    output, rest = fused[0], fused[1:]
    holes = []
    for hole, callee, arguments, result in low.holes:
        mine, rest = rest[: len(arguments)], rest[len(arguments) :]
        given = tuple(Value(n, a.axes) for n, a in zip(mine, arguments, strict=True))
        free = tuple(a for a in hole.axes if a not in result.axes)
        holes.append(Call(hole, callee, given, free, result.axes))
    names = [(latex, node) for (latex, _), node in zip(low.names, rest, strict=True)]
    stray = [a.label for a in output.axes if a not in value.axes]
    if stray:
        raise CannotEmit(f"it holds for every {', '.join(stray)}: it is no single value")
    for node in ordered([output, *(a.node for h in holes for a in h.arguments)]):
        if node.op == "input" and node.uid not in own:
            name = str(node.attr("name")).split("#")[0].split(" ")[0].split("?")[0]
            raise CannotEmit(f"it depends on {name}, which the document leaves open")
    return _Lowered(sizes, output, value.axes, inputs, holes, names, asked)


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
        sizes = {uid: self.size(tuple(a.size for a in group)) for uid, group in self.axes.items()}
        present = {n.uid for n in ordered(first.roots)}
        named = {n.uid: latex for latex, n in first.names if n.uid in present}
        calls = {c.hole.uid: c for c in first.holes if c.hole.uid in present}
        return Source(function, expression, first.output, first.axes, tuple(first.inputs), calls, named, sizes,
                      self.numbers, first.asked)  # fmt: skip

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
        raise CannotEmit("a number in it depends on its sizes in a way that was not recognised")


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
