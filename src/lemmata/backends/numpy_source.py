"""Programs as NumPy text that stands alone: what a counterexample is replayed with, without this package."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from string import ascii_letters

from lemmata.program import build
from lemmata.program.graph import nodes
from lemmata.program.node import Axis, Node

SHORT = 60
"""Characters up to which a value that is used once is written where it is used."""
FUNCTIONS = {
    "neg": "np.negative", "exp": "np.exp", "log": "np.log", "sqrt": "np.sqrt", "sin": "np.sin", "cos": "np.cos",
    "tan": "np.tan", "sinh": "np.sinh", "cosh": "np.cosh", "tanh": "np.tanh", "arcsin": "np.arcsin",
    "arccos": "np.arccos", "arctan": "np.arctan", "abs": "np.abs", "sign": "np.sign", "floor": "np.floor",
    "ceil": "np.ceil", "conj": "np.conj", "real": "np.real", "imag": "np.imag", "not_": "np.logical_not",
    "square": "np.square", "pow": "np.float_power", "maximum": "np.maximum", "minimum": "np.minimum",
    "mod": "np.mod", "atan2": "np.arctan2", "erf": "erf", "lgamma": "lgamma",
}  # fmt: skip
OPERATORS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==",
    "ne": "!=", "and_": "&", "or_": "|",
}  # fmt: skip
REDUCTIONS = {"sum": "np.sum", "prod": "np.prod", "max": "np.max", "min": "np.min", "any": "np.any", "all": "np.all"}
HELPERS = {
    "erf": "erf = np.vectorize(math.erf)",
    "lgamma": "lgamma = np.vectorize(math.lgamma)",
    "take": (
        "def take(x, place, fill):\n"
        "    # x at the places along its last axis; `fill` where there is none\n"
        "    place = np.round(place).astype(int)\n"
        "    inside = (place >= 0) & (place < x.shape[-1])\n"
        "    shape = np.broadcast_shapes(x.shape[:-1], place.shape)\n"
        "    x = np.broadcast_to(x, (*shape, x.shape[-1]))\n"
        "    at = np.broadcast_to(np.where(inside, place, 0), shape)\n"
        "    return np.where(inside, np.take_along_axis(x, at[..., None], -1)[..., 0], fill)"
    ),
}


class NoSource(Exception):
    """An operation has no short spelling in NumPy."""


def source(outputs: Sequence[Node], names: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
    """(helper definitions, assignments, an expression for each output); inputs by `names` of their attr `name`.

    Raises NoSource.
    """
    return _Writer(names).write(outputs)


class _Writer:
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self.helpers: dict[str, None] = {}
        self.text: dict[int, str] = {}

    def write(self, outputs: Sequence[Node]) -> tuple[list[str], list[str], list[str]]:
        order = nodes(*outputs)
        uses: dict[int, int] = {}
        for node in order:
            # A call is written as what it stands for.
            for arg in node.args[-1:] if node.op == "call" else node.args:
                uses[arg.uid] = uses.get(arg.uid, 0) + 1
        needed = {o.uid for o in outputs}
        for node in reversed(order):
            if node.uid in needed:
                needed |= {a.uid for a in (node.args[-1:] if node.op == "call" else node.args)}
        lines: list[str] = []
        for node in order:
            if node.uid not in needed:
                continue
            text = self.expression(node)
            leaf = node.op in ("input", "constant", "special", "rename", "call")
            if not leaf and (uses.get(node.uid, 0) > 1 or len(text) > SHORT):
                name = f"t{len(lines) + 1}"
                lines.append(f"{name} = {text}")
                text = name
            self.text[node.uid] = text
        return [HELPERS[h] for h in self.helpers], lines, [self.text[o.uid] for o in outputs]

    def laid(self, node: Node, axes: Sequence[Axis]) -> str:
        """A value with its dimensions in the order of `axes`, new ones where it lacks them."""
        text = self.text[node.uid]
        if node.axes == tuple(axes) or not node.axes:
            return text
        order = [node.axes.index(a) for a in axes if a in node.axes]
        if order != sorted(order):
            text = f"{_atom(text)}.transpose({', '.join(map(str, order))})"
        marks = [":" if a in node.axes else "None" for a in axes]
        while marks and marks[0] == "None":
            marks.pop(0)
        return f"{_atom(text)}[{', '.join(marks)}]" if "None" in marks else text

    def expression(self, node: Node) -> str:
        op, args = node.op, node.args
        if op in FUNCTIONS or op in OPERATORS or op == "reciprocal":
            parts = [self.laid(a, node.axes) for a in args]
            if op in build.ARITHMETIC | build.UNARY - {"not_"}:
                parts = [f"{_atom(p)} * 1" if a.dtype == "bool" else p for p, a in zip(parts, args, strict=True)]
            if op == "reciprocal":
                return f"1 / {_atom(parts[0])}"
            if op == "neg":
                return f"-{_atom(parts[0])}"
            if op == "square":
                return f"{_atom(parts[0])} ** 2"
            if op in OPERATORS:
                return f" {OPERATORS[op]} ".join(map(_atom, parts))
            self.helpers.update(dict.fromkeys({FUNCTIONS[op]} & HELPERS.keys()))
            return f"{FUNCTIONS[op]}({', '.join(parts)})"
        if op in REDUCTIONS:
            where = tuple(args[0].axes.index(a) for a in node.attr("over"))
            return f"{REDUCTIONS[op]}({self.text[args[0].uid]}, axis={where})"
        maker = getattr(self, f"_{op}", None)
        if maker is None:
            raise NoSource(f"{op} has no short spelling in NumPy")
        return str(maker(node))

    def _input(self, node: Node) -> str:
        return self.names[node.attr("name")]

    def _constant(self, node: Node) -> str:
        value = node.attr("value")
        if isinstance(value, Fraction):
            return str(value) if value.denominator == 1 else f"({value.numerator} / {value.denominator})"
        return f"({value!r})" if isinstance(value, int | float) and value < 0 else repr(value)

    def _special(self, node: Node) -> str:
        value = build.SPECIALS[node.attr("name")]
        known = {math.pi: "np.pi", math.e: "np.e", math.inf: "np.inf"}
        return known.get(value, repr(value)) if isinstance(value, float) else repr(value)

    def _iota(self, node: Node) -> str:
        start = node.attr("start")
        return f"np.arange({start}, {start + node.axes[0].size})"

    def _array(self, node: Node) -> str:
        return f"np.array({list(node.attr('value'))!r}).reshape({_shape(node.axes)})".replace("Fraction", "")

    def _broadcast(self, node: Node) -> str:
        return f"np.broadcast_to({self.laid(node.args[0], node.axes)}, {_shape(node.axes)})"

    def _select(self, node: Node) -> str:
        return f"np.where({', '.join(self.laid(a, node.axes) for a in node.args)})"

    def _contract(self, node: Node) -> str:
        letters: dict[int, str] = {}
        spelled = []
        for arg in node.args:
            for axis in arg.axes:
                if axis.uid not in letters:
                    if len(letters) == len(ascii_letters):
                        raise NoSource("a product over too many axes")
                    letters[axis.uid] = (ascii_letters[8:] + ascii_letters[:8])[len(letters)]
            spelled.append("".join(letters[a.uid] for a in arg.axes))
        out = "".join(letters[a.uid] for a in node.axes)
        return f'np.einsum("{",".join(spelled)}->{out}", {", ".join(self.text[a.uid] for a in node.args)})'

    def _rename(self, node: Node) -> str:
        return self.text[node.args[0].uid]

    def _call(self, node: Node) -> str:
        return self.text[node.args[-1].uid]

    def _diagonal(self, node: Node) -> str:
        first, second = node.attr("pair")
        axes = node.args[0].axes
        text = f"np.diagonal({self.text[node.args[0].uid]}, 0, {axes.index(first)}, {axes.index(second)})"
        rest = [a for a in axes if a not in (first, second)] + [first]
        order = [rest.index(a) for a in node.axes]
        return text if order == sorted(order) else f"{text}.transpose({', '.join(map(str, order))})"

    def _take(self, node: Node) -> str:
        self.helpers["take"] = None
        x, index = node.args
        fill = node.attr("fill")
        data = self.laid(x, (*node.axes, node.attr("axis")))
        place = self.laid(index, node.axes)
        return f"take({data}, np.asarray({place}), {'np.nan' if fill is None else fill})"

    def _concat(self, node: Node) -> str:
        others = node.axes[:-1]
        parts = [
            f"np.broadcast_to({self.laid(x, (*others, own))}, {_shape((*others, own))})"
            for x, own in zip(node.args, node.attr("along"), strict=True)
        ]
        return f"np.concatenate([{', '.join(parts)}], axis=-1)"

    def _stack(self, node: Node) -> str:
        others = node.axes[:-1]
        parts = [self.laid(x, others) for x in node.args]
        if any(x.axes != others for x in node.args):
            parts = [f"np.broadcast_to({p}, {_shape(others)})" for p in parts]
        return f"np.stack([{', '.join(parts)}], axis=-1)"

    def _merge(self, node: Node) -> str:
        axes = (*node.axes[:-1], *node.attr("axes"))
        return f"{_atom(self.laid(node.args[0], axes))}.reshape({_shape(node.axes)})"

    def _split(self, node: Node) -> str:
        rest = node.axes[: len(node.axes) - len(node.attr("new"))]
        return f"{_atom(self.laid(node.args[0], (*rest, node.attr('axis'))))}.reshape({_shape(node.axes)})"

    def _matrix(self, node: Node) -> str:
        row, column = node.attr("row"), node.attr("column")
        rest = tuple(a for a in node.args[0].axes if a not in (row, column))
        return self.laid(node.args[0], (*rest, row, column))

    def _inv(self, node: Node) -> str:
        return f"np.linalg.inv({self._matrix(node)})"

    def _det(self, node: Node) -> str:
        return f"np.linalg.det({self._matrix(node)})"

    def _logabsdet(self, node: Node) -> str:
        return f"np.linalg.slogdet({self._matrix(node)})[1]"

    def _cholesky(self, node: Node) -> str:
        return f"np.linalg.cholesky({self._matrix(node)})"

    def _eigvalsh(self, node: Node) -> str:
        return f"np.linalg.eigvalsh({self._matrix(node)})"

    def _svdvals(self, node: Node) -> str:
        return f"np.linalg.svd({self._matrix(node)}, compute_uv=False)"


def _shape(axes: Sequence[Axis]) -> str:
    return "(" + "".join(f"{a.size}, " for a in axes).strip().rstrip(",") + ("," if len(axes) == 1 else "") + ")"


def _atom(text: str) -> str:
    """In brackets unless it is one name, number, call or bracketed whole."""
    if text.replace("_", "").replace(".", "").isalnum():
        return text
    depth = 0
    for at, c in enumerate(text):
        if c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif depth == 0 and not (c.isalnum() or c in "._"):
            return f"({text})"
        if depth == 0 and c in ")]" and at < len(text) - 1 and text[at + 1] not in "[.":
            return f"({text})"
    return text
