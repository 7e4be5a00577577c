"""The state of writing one function: its program, the names taken, sizes and numbers, and how dimensions lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from lemmata.core.size import Size
from lemmata.emit.dialect import Dialect
from lemmata.emit.expression import ATOM, PRODUCT, Expr, infix, size_text
from lemmata.emit.layout import WIDTH, bracketed, is_call, loosest
from lemmata.emit.names import Names, identifier, size_name, valid
from lemmata.emit.request import CannotEmit
from lemmata.emit.symbolic import Source
from lemmata.emit.tracing import Loop
from lemmata.model.definitions import Symbol
from lemmata.model.weights import counts
from lemmata.program import build
from lemmata.program.graph import arguments, ordered
from lemmata.program.node import Axis, Node

LONG = 66
"""Characters from which a value gets a name of its own."""
WORDS = {
    "softmax": "weights", "log_softmax": "log_weights", "attention": "context", "layer_norm": "normed", "exp": "powers",
    "sum": "total", "max": "top", "min": "least", "sub": "difference", "div": "ratio", "select": "chosen",
    "contract": "product", "mul": "product", "add": "total", "concat": "joined", "stack": "stacked", "sqrt": "root",
    "take": "taken", "gelu": "hidden", "relu": "hidden", "tanh": "hidden", "sigmoid": "gate", "input": "result",
    "inv": "inverse", "logsumexp": "log_total", "pow": "power", "square": "squares", "iota": "index", "le": "seen",
    "ge": "seen", "solve": "solution", "lt": "below", "gt": "above", "eq": "equal", "maximum": "hidden",
}  # fmt: skip


class Sheet:
    """A program about to be written, and the statements so far."""

    def __init__(
        self, source: Source, dialect: Dialect, symbols: dict[str, Expr], names: Names,
        call: Callable[[Any, Node, list[Expr]], str],
    ) -> None:  # fmt: skip
        self.source, self.d, self.names = source, dialect, names
        self.symbols = symbols
        """By the document's name; the layout is filled in here."""
        self.call_text = call
        self.caller: Any = None
        """The definition that is written."""
        self.lines: list[str] = []
        self.made_of: dict[str, str] = {}
        """Values by the names they got."""
        self.done: dict[int, Expr] = {}
        self.size_names: dict[str, str] = {}
        self.steps: dict[str, Size] = {}
        """The steps of recurrences by the variable of their loop, which counts from zero."""
        self.helpers: dict[str, None] = {}
        """Definitions of functions that the file then holds."""
        self.demands: dict[str, set[str]] = {}
        """What the numbers among the arguments must be: `tensor` where a function of the library takes them."""
        self.real_index: set[int] = set()
        self.stacked: dict[str, tuple[str, str]] = {}
        """Families that come layer by layer: by name, the list of layers and what each calls its member."""
        self.above: list[str] | None = None
        """Inside of a loop, the statements before it."""
        self.carried: set[str] = set()
        """Statements that a loop needs for its next step."""
        self.tensors: set[str] = set()
        """Names of what is a tensor and no single number among the arguments."""
        self.tensors |= {symbols[node.attr("name")].text for _, node, axes in source.inputs if axes}
        self.bodies: dict[int, Body] = {}
        for loop in source.loops.values():  # those that others take results of come first
            if id(loop) not in self.bodies:
                self.bodies[id(loop)] = Body(self, loop)
        self.after = {x.after.node.uid for loop in source.loops.values() for x in loop.states}
        order = ordered([self.source.output], self.operands)
        self.everything = [*order, *(n for body in self.bodies.values() for n in body.order)]
        self.uses: dict[int, int] = {}
        for node in self.everything:
            used = self.operands(node)
            if len(used) == 2 and used[0] is used[1] and node.op in ("contract", "mul"):
                used = used[:1]  # written as a square
            for argument in used:
                self.uses[argument.uid] = self.uses.get(argument.uid, 0) + 1
        for uid in [source.output.uid, *(v.node.uid for body in self.bodies.values() for v in body.loop.values)]:
            self.uses[uid] = self.uses.get(uid, 0) + 1
        self.order = order
        self.mark_indices()

    def run(self, order: Sequence[Node]) -> None:
        """Statements for nodes, arguments before their users."""
        raise NotImplementedError

    @property
    def like(self) -> str:
        """A tensor of real numbers among the arguments, for the type and the device of new ones."""
        given = [(x, str(node.attr("name"))) for x, node, _ in self.source.inputs if not counts(x)]
        sized = sorted((n for x, n in given if x.shape), key=lambda n: n in self.stacked)
        for name in sized:
            layers, key = self.stacked.get(name, ("", ""))
            return f'{layers}[0]["{key}"]' if layers else self.symbols[name].text
        indices = self.source.function.definition.indices
        number = next((n for _, n in given if n not in indices), None)
        if number is None or any(x.shape for x, _, _ in self.source.inputs):
            return ""
        self.demands.setdefault(number, set()).add("tensor")
        return self.symbols[number].text

    # --- the program ------------------------------------------------------------------------------------------------

    def operands(self, node: Node) -> tuple[Node, ...]:
        call = self.source.calls.get(node.uid)
        if call is not None:
            return tuple(v.node for v in call.values)
        loop = self.source.loops.get(node.uid)
        if loop is not None:
            return self.bodies[id(loop)].outside
        if node.op == "call" and not self.known(node):
            return node.args[-1:]
        return arguments(node)

    def known(self, node: Node) -> bool:
        """Whether the library has words for a call; what it lacks is written by its definition."""
        if not self.source.function.fuse:
            return False
        name = node.attr("name")
        if name == "attention":
            return self.d.grouped or dict(node.attr("attrs")).get("groups") is None
        return name == "linear" or name in self.d.calls or name in self.d.along or self.d.function(name) is not None

    def mark_indices(self) -> None:
        """Counting axes are whole numbers in comparisons and as indices, numbers of the tensors' type elsewhere."""
        whole = build.COMPARISON | {"rename", "broadcast", "take"}
        spread: set[int] = set()
        for node in reversed(self.everything):
            for argument in self.operands(node):
                if node.op not in whole or node.op in ("rename", "broadcast") and node.uid in spread:
                    spread.add(argument.uid)
        self.real_index = {n.uid for n in self.everything if n.op == "iota" and n.uid in spread}

    def author(self, latex: str, node: Node) -> str:
        """The author's name; of all members of a family at once, in the plural."""
        name = identifier(latex, "value")
        family = re.fullmatch(r"(.{2,})_[ijkhl]", name)
        if family is None:
            return name
        return f"{family[1]}s" if re.fullmatch(r"[a-z]+[a-rt-z]", family[1]) else family[1]

    def word(self, node: Node) -> str:
        if node.op == "call":
            return WORDS.get(node.attr("name"), "hidden")
        if node.uid in self.source.calls:
            return "result"
        if node.op == "iota":
            label = valid(node.axes[0].label, "index")
            return label if len(label) < 8 and label.isidentifier() else "index"
        return WORDS.get(node.op, "value")

    def assign(self, wanted: str, found: Expr) -> Expr:
        name = self.names.new(wanted)
        text = self.fitted(found.text, self.room - len(f"    {name} = "))
        self.lines.append(f"{name} = {text}")
        self.made_of[name] = text
        if found.layout or found.batched or any(holds(found.text, t) for t in self.tensors):
            self.tensors.add(name)
        return Expr(name, ATOM, found.layout, found.batched, found.number)

    @property
    def room(self) -> int:
        """Columns for a statement of the function."""
        return WIDTH if self.above is None else WIDTH - len("    ")

    def fitted(self, text: str, room: int) -> str:
        """A value that fits on a line: the longer side of its loosest operator under a name, as often as it takes.

        A call may be longer, since its arguments can stand on lines of their own.
        """
        while len(text) > room and not is_call(text):
            parts = loosest(text)
            if parts is None:
                inner = bracketed(text)
                if not inner or inner == text:
                    return text
                bare = inner[1:-1] if inner.startswith("(") else inner
                text = f"{self.assign(word_for(bare), Expr(bare)).text}{text[len(inner) :]}"
                continue
            left, operator, right = parts
            longer = max(left, right, key=len)
            bare = longer[1:-1] if longer.startswith("(") and bracketed(longer) == longer else longer
            name = self.assign(word_for(bare), Expr(bare)).text
            text = f"{name}{operator}{right}" if longer is left else f"{left}{operator}{name}"
        return text

    def named(self, wanted: str, found: Expr) -> Expr:
        """The value under a name, unless it is a name or a short call already."""
        if re.fullmatch(r"[\w.]+", found.text) or len(found.text) < 24:
            return found
        return self.assign(wanted, found)

    def demand(self, x: Expr, kind: str) -> None:
        """Of an argument that is a single number: what it must be in Python."""
        if kind == "tensor" and (x.layout or x.batched or any(holds(x.text, t) for t in self.tensors)):
            return
        text, done = x.text, set[str]()
        while more := [n for n in self.made_of if n not in done and holds(text, n)]:
            done.update(more)
            text = " ".join([text, *(self.made_of[n] for n in more)])
        for name, known in self.symbols.items():
            if holds(text, known.text):
                self.demands.setdefault(name, set()).add(kind)

    # --- sizes and numbers ------------------------------------------------------------------------------------------

    def size(self, axis: Axis) -> str:
        return self.size_of(self.source.sizes[axis.uid], True)[0]

    def size_of(self, size: Size, whole: bool = False) -> tuple[str, int]:
        size = size.substitute(self.steps)
        for atom in sorted(size.atoms):
            self.size_name(atom)
        return size_text(size, self.size_names, whole)

    def size_name(self, atom: str) -> str:
        """The variable that holds a size, assigned from the shape of an argument."""
        known = self.size_names.get(atom)
        if known is not None:
            return known
        if atom in self.source.asked:
            found = self.symbols[f"size {atom}"].text
        else:
            found = self.names.new(size_name(atom))
            (self.lines if self.above is None else self.above).append(f"{found} = {self._from_shape(atom)}")
        self.size_names[atom] = found
        return found

    def _from_shape(self, atom: str) -> str:
        best: tuple[int, str] | None = None
        for symbol, node, _ in self.source.inputs:
            for place, size in enumerate(symbol.shape):
                if size.atoms == {atom}:
                    if size == Size.of(atom):
                        return self.length(symbol, node, place)
                    ratio = size.divide(Size.of(atom))
                    if ratio is not None and ratio.number is not None and ratio.number.denominator == 1:
                        best = best or (1, f"{self.length(symbol, node, place)} // {ratio.number}")
        if best is None:
            for symbol, node, _ in self.source.inputs:
                for place, size in enumerate(symbol.shape):
                    rest = size.divide(Size.of(atom))
                    if atom in size.atoms and rest is not None and atom not in rest.atoms:
                        below, binding = self.size_of(rest)
                        below = below if binding == ATOM else f"({below})"
                        return f"{self.length(symbol, node, place)} // {below}"
            raise CannotEmit(f"the size {atom.strip('?') or 'of an axis'} cannot be told from the arguments")
        return best[1]

    def length(self, symbol: Symbol, node: Node, place: int) -> str:
        """The length of a dimension of an argument."""
        name = str(node.attr("name"))
        text, dim = self.symbols[name].text, place - len(symbol.shape)
        if name in self.stacked:
            layers, key = self.stacked[name]
            if place == 0:
                return f"len({layers})"
            text = f'{layers}[0]["{key}"]'
        return self.d.shape_of(text, dim)

    def number(self, node: Node) -> Size | None:
        """The value of a constant, in sizes."""
        if node.op != "constant":
            return None
        known = self.source.numbers.get(node.uid)
        if known is not None:
            return known
        value = node.attr("value")
        return Size.of(Fraction(value)) if isinstance(value, int | Fraction) and not isinstance(value, bool) else None

    def squared(self, node: Node) -> Size | None:
        """The square of a positive number made of sizes and roots of them."""
        number = self.number(node)
        if number is not None:
            return number * number
        if node.op == "sqrt":
            return self.number(node.args[0])
        if node.op in ("mul", "div"):
            x, y = self.squared(node.args[0]), self.squared(node.args[1])
            if x is None or y is None:
                return None
            return x * y if node.op == "mul" else x.divide(y)
        if node.op == "pow" and build.literal(node.args[1]) in (Fraction(1, 2), 0.5):
            return self.number(node.args[0])
        if node.op == "pow" and build.literal(node.args[1]) in (Fraction(-1, 2), -0.5):
            base = self.number(node.args[0])
            return Size.of(1).divide(base) if base is not None else None
        return None

    # --- layouts ----------------------------------------------------------------------------------------------------

    def lay(self, x: Expr, want: Sequence[Axis], exact: bool = False) -> Expr:
        """The value with its dimensions in an order, ready to be broadcast: of length 1 where it lacks one.

        Missing dimensions in front are left to broadcasting unless there are batch axes before them, or `exact`.
        """
        if not x.layout and not exact and not x.batched:
            return x
        mine = tuple(a for a in want if a in x.layout)
        if mine != x.layout:
            x = self.permuted(x, mine)
        gaps = [a not in mine for a in want]
        if not exact and not x.batched:
            while gaps and gaps[0]:
                gaps.pop(0)
        if not any(gaps):
            return x
        first = gaps.index(True)
        marks = ["None" if g else ":" for g in gaps[first:]]
        rest = [":"] * first
        if x.batched or first > 1 or not first:
            text = "..., " + ", ".join(marks) if x.batched or first > 1 else ", ".join(marks)
        else:
            text = ", ".join([*rest, *marks])
        while not x.batched and text.endswith(", :") and not text.startswith("..."):
            text = text[:-3]
        spread = self.d.spread(x, text, marks)
        return Expr(spread, ATOM, tuple(want[len(want) - len(gaps) :]), x.batched)

    def permuted(self, x: Expr, want: tuple[Axis, ...]) -> Expr:
        count = len(want)
        if x.symmetric:
            return replace(x, layout=want)
        places = [x.layout.index(a) for a in want]
        moved = [i for i in range(count) if places[i] != i]
        if moved == [count - 2, count - 1]:
            return Expr(self.d.transposed(x), ATOM, want, x.batched)
        if len(moved) == 2:
            return Expr(self.d.swapped(x, moved[0] - count, moved[1] - count), ATOM, want, x.batched)
        text = self.d.moved(x, [places[i] - count for i in moved], [i - count for i in moved])
        return Expr(text, ATOM, want, x.batched)

    def joint(self, parts: Sequence[Expr]) -> tuple[Axis, ...]:
        """The layout of an elementwise result."""
        union = tuple(dict.fromkeys(a for x in parts for a in x.layout))
        rank = {a.uid: n for n, a in enumerate(self.source.axes)}
        whole = [x.layout for x in parts if len(x.layout) == len(union)]
        for layout in whole:
            known = [rank[a.uid] for a in layout if a.uid in rank]
            if known == sorted(known):
                return layout
        if whole:
            return whole[0]
        if all(a.uid in rank for a in union):
            return tuple(sorted(union, key=lambda a: rank[a.uid]))
        longest = max((x.layout for x in parts), key=len)
        return (*(a for a in union if a not in longest), *longest)

    def exactly(self, x: Expr, axes: tuple[Axis, ...]) -> Expr:
        """The value with all these dimensions, repeated along those it lacks."""
        missing = [a for a in axes if a not in x.layout]
        if not missing:
            return self.permuted(x, axes) if x.layout != axes else x
        if not x.layout and x.number:
            return Expr(self.d.filled(x.text, [self.size(a) for a in axes], self.like), ATOM, axes)
        if all(self.source.sizes[a.uid] == Size.of(1) for a in missing):
            return self.lay(x, axes, exact=True)
        ones = Expr(self.d.filled("1.0", [self.size(a) for a in missing], self.like), ATOM, tuple(missing))
        parts = [self.lay(x, axes), self.lay(ones, axes)]
        text = infix(parts[0].inside(PRODUCT), "*", parts[1].inside(PRODUCT + 1))
        return self.named("repeated", Expr(text, PRODUCT, axes, x.batched))


class Body:
    """What a loop repeats, apart from what it needs only once."""

    def __init__(self, sheet: Sheet, loop: Loop) -> None:
        self.loop = loop
        source = sheet.source
        own = {s.before.node.uid for s in loop.states}
        inside: set[int] = set()
        everything = ordered([v.node for v in loop.values], sheet.operands)
        for node in everything:
            number = source.numbers.get(node.uid)
            steps = number is not None and loop.letter in number.atoms
            if node.uid in own or steps or any(a.uid in inside for a in sheet.operands(node)):
                inside.add(node.uid)
        self.order = [n for n in everything if n.uid in inside and n.uid not in own]
        used = [a for n in self.order for a in sheet.operands(n)]
        used += [v.node for v in loop.values]
        self.outside = tuple(dict.fromkeys(n for n in used if n.uid not in inside))
        self.inside = inside


def holds(text: str, name: str) -> bool:
    """Whether a name occurs in a piece of source."""
    return re.search(rf"(?<![\w.]){re.escape(name)}(?![\w(])", text) is not None


def word_for(text: str) -> str:
    """A name for a part of an expression."""
    parts = loosest(text)
    if parts is not None:
        words = {"+": "total", "-": "difference", "*": "product", "@": "product", "/": "ratio"}
        return words.get(parts[1].strip(), "part")
    called = re.match(r"[\w.]*?(\w+)\(", text)
    return WORDS.get(called[1], "moved") if called else "part"
