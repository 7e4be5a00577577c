"""How a library spells what programs are made of; each target is one value of this class, or of one built on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from lemmata.emit.expression import ATOM, PRODUCT, SUM, Expr, infix

if TYPE_CHECKING:
    from lemmata.emit.printer import Printer
    from lemmata.program.node import Node

OPERATORS = {
    "add": ("+", 60), "sub": ("-", 60), "mul": ("*", 70), "div": ("/", 70), "mod": ("%", 70), "pow": ("**", 90),
    "lt": ("<", 40), "le": ("<=", 40), "gt": (">", 40), "ge": (">=", 40), "eq": ("==", 40), "ne": ("!=", 40),
    "and_": ("&", 50), "or_": ("|", 45),
}  # fmt: skip
SAME = ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "abs", "sign", "floor", "ceil", "square",
        "maximum", "minimum", "real", "imag", "conj")  # fmt: skip
Spelling = Callable[["Printer", "Node", Sequence[Expr]], Expr]


class Dialect(Struct, frozen=True):
    name: str
    """The target: `torch`."""
    module: str
    """Its name in the source: `torch`, `np`, `jnp`, `ops`."""
    tensor: str
    """The type of its tensors."""
    axis: str = "axis"
    functions: Mapping[str, str] = field(default_factory=dict)
    """Elementwise primitives and the catalogue's, by the function called."""
    along: Mapping[str, str] = field(default_factory=dict)
    """Operations of the catalogue along an axis, by the function called."""
    reductions: Mapping[str, str] = field(default_factory=dict)
    calls: Mapping[str, Spelling] = field(default_factory=dict)
    """Operations of the catalogue that take more than a function's name."""
    linear_algebra: str = ""
    keywords: frozenset[str] = frozenset()
    """Names that the source uses itself."""
    twice: bool = True
    """Whether merging and splitting dimensions writes their value twice."""
    params: bool = False
    """Whether weights come together, in a dictionary, rather than one by one."""

    grouped: bool = False
    """Whether its attention lets several heads share keys and values."""

    def shape_of(self, text: str, dim: int) -> str:
        """The length of a dimension."""
        return f"{text}.shape[{dim}]"

    def root(self, text: str, like: str) -> str:
        """The square root of a size."""
        return f"math.sqrt({text})"

    def function(self, op: str) -> str | None:
        """The function that is called for an elementwise primitive or operation."""
        found = self.functions.get(op)
        return found if found is not None else f"{self.module}.{op}" if op in SAME else None

    def reduction(self, op: str) -> str:
        return self.reductions.get(op, f"{self.module}.{op}")

    def dims(self, axes: Sequence[int]) -> str:
        """The keyword argument of a reduction."""
        where = str(axes[0]) if len(axes) == 1 else str(tuple(sorted(axes)))
        return f"{self.axis}={where}"

    def transposed(self, x: Expr) -> str:
        """The last two dimensions exchanged."""
        if len(x.layout) == 2 and not x.batched:
            return f"{x.inside(ATOM)}.T"
        return self.swapped(x, -1, -2)

    def swapped(self, x: Expr, first: int, second: int) -> str:
        return f"{self.module}.swapaxes({x.text}, {first}, {second})"

    def moved(self, x: Expr, source: Sequence[int], target: Sequence[int]) -> str:
        return f"{self.module}.moveaxis({x.text}, {tuple(source)}, {tuple(target)})"

    def spread(self, x: Expr, index: str, marks: Sequence[str]) -> str:
        """With dimensions of length 1 where the index has None; `marks` are its last entries."""
        return f"{x.inside(ATOM)}[{index}]"

    def first(self, x: Expr) -> str:
        """Without the last dimension, which has length 1."""
        return f"{x.inside(ATOM)}[..., 0]"

    def bounded(self, op: str, x: str, number: str) -> str:
        """The `maximum` or `minimum` of a tensor and a number."""
        return f"{self.module}.{op}({x}, {number})"

    def where(self, condition: str, x: str, y: str) -> str:
        return f"{self.module}.where({condition}, {x}, {y})"

    def chosen(self, condition: str, x: str, y: str, like: str) -> str:
        """One of two numbers, in the type of a tensor."""
        return self.where(condition, x, y)

    def concatenated(self, parts: Sequence[str], dim: int) -> str:
        return f"{self.module}.concatenate([{', '.join(parts)}], axis={dim})"

    def stacked(self, parts: Sequence[str], dim: int) -> str:
        return f"{self.module}.stack([{', '.join(parts)}], axis={dim})"

    def listed(self, name: str, dim: int) -> str:
        """The tensors of a list, side by side."""
        return f"{self.module}.stack({name}, axis={dim})"

    def flattened(self, x: Expr, count: int) -> str:
        """The last `count` dimensions as one."""
        keep = f"*{x.inside(ATOM)}.shape[:-{count}], " if len(x.layout) > count or x.batched else ""
        return f"{x.inside(ATOM)}.reshape({keep}-1)"

    def unflattened(self, x: Expr, sizes: Sequence[str]) -> str:
        """The last dimension as several."""
        keep = f"*{x.inside(ATOM)}.shape[:-1], " if len(x.layout) > 1 or x.batched else ""
        return f"{x.inside(ATOM)}.reshape({keep}{', '.join(sizes)})"

    def counted(self, count: str, like: str, real: bool) -> str:
        """0, 1, … up to a number, in the type of a tensor where `real`."""
        return (
            f"{self.module}.arange({count}, dtype={like}.dtype)" if real and like else f"{self.module}.arange({count})"
        )

    def identity(self, count: str, like: str) -> str:
        return f"{self.module}.eye({count}, dtype={like}.dtype)" if like else f"{self.module}.eye({count})"

    def filled(self, value: str, sizes: Sequence[str], like: str) -> str:
        kind = f", dtype={like}.dtype" if like else ""
        return f"{self.module}.full(({', '.join(sizes)}{',' if len(sizes) == 1 else ''}), {value}{kind})"

    def diagonal(self, x: Expr, first: int, second: int) -> str:
        return f"{self.module}.diagonal({x.text}, axis1={first}, axis2={second})"

    def product(self, x: Expr, y: Expr) -> str:
        return infix(x.inside(PRODUCT), "@", y.inside(PRODUCT + 1))

    def einsum(self, pattern: str, parts: Sequence[str]) -> str:
        return f'{self.module}.einsum("{pattern}", {", ".join(parts)})'

    def linear(self, name: str) -> str | None:
        """A function of a matrix: inv, det, cholesky, solve, …"""
        known = ("inv", "det", "cholesky", "solve", "eigvalsh")
        return f"{self.linear_algebra}.{name}" if name in known else None

    def norm(self, x: Expr, dims: Sequence[int]) -> str:
        """The Euclidean norm over some dimensions, which are all of those it has in its layout or some of them."""
        return f"{self.module}.sqrt({self.reduction('sum')}({infix(x.inside(91), '**', '2')}, {self.dims(dims)}))"

    def rows(self, table: Expr, index: Expr) -> str:
        """Rows of an unbatched table at whole numbers."""
        return f"{table.inside(ATOM)}[{index.text}]"

    def along_last(self, x: Expr, index: Expr) -> str:
        """Elements along the last dimension, at places in an array of as many dimensions."""
        return f"{self.module}.take_along_axis({x.text}, {index.text}, axis=-1)"

    def attention(
        self, p: Printer, q: Expr, k: Expr, v: Expr, scale: tuple[str, Expr | None], mask: Expr | None, causal: str,
        grouped: bool,
    ) -> str:  # fmt: skip
        """softmax(q kᵀ · scale + mask) v; q, k, v are laid out with their matrices last.

        `scale` is (operator, number), `default` for a quotient by the root of the number of features; `causal` is the
        mask as a condition of the library, where there is one.
        """
        key = Expr(self.transposed(k), ATOM, k.layout, k.batched)
        text, binding = self.product(q, key), PRODUCT
        operator, factor = scale
        if factor is not None:
            text = f"{text} {'/' if operator == 'default' else operator} {factor.inside(PRODUCT + 1)}"
        if mask is not None:
            text, binding = f"{text} + {mask.inside(SUM + 1)}", SUM
        scores = p.named("scores", Expr(text, binding, (*q.layout[:-1], k.layout[-2]), q.batched or k.batched))
        if causal:
            scores = Expr(self.where(causal, scores.text, self.minus_infinity))
        layout = (*q.layout[:-1], k.layout[-2])
        weights = Expr(f"{self.along['softmax']}({scores.text}, {self.axis}=-1)", ATOM, layout)
        weights = p.named("weights", weights)
        return self.product(weights, v)

    @property
    def minus_infinity(self) -> str:
        return f"-{self.module}.inf"

    def lower_triangle(self, rows: str, columns: str, like: str) -> str:
        return f"{self.module}.tri({rows}, {columns}, dtype=bool)"


def normalised(name: str, helper: str) -> Spelling:
    """A norm by a function that the file then holds; gain and shift stand around it."""

    def spell(p: Printer, node: Node, parts: Sequence[Expr]) -> Expr:
        axis = dict(node.attr("attrs"))["axis"]
        x = p.last(parts[0], axis)
        p.helpers[helper] = None
        options = [x.text, *(eps.text for eps in parts[1:2])]
        found = Expr(f"{name}({', '.join(options)})", ATOM, x.layout, x.batched)
        return p.scaled(found, parts[2:])

    return spell
