"""One small program for every primitive, with its value spelled out index by index in plain Python."""

from __future__ import annotations

import cmath
import itertools
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np

from lemmata.program import build as b
from lemmata.program.node import Axis, Node

R, J, K, S = Axis.fresh("i", 3), Axis.fresh("j", 4), Axis.fresh("k", 2), Axis.fresh("s", 3)
RNG = np.random.default_rng(7)
X, Y, V = RNG.uniform(-2, 2, (3, 4)), RNG.uniform(-2, 2, (4, 2)), RNG.uniform(0.3, 2, 4)
M = RNG.uniform(-1, 1, (3, 3)) + 2 * np.eye(3)
P = M @ M.T
C, D = X + 1j * RNG.uniform(-2, 2, (3, 4)), V + 1j * RNG.uniform(0.5, 1, 4)
x, y, v, m, p = (b.input(n, a) for n, a in (("x", (R, J)), ("y", (J, K)), ("v", (J,)), ("m", (R, S)), ("p", (R, S))))
c, d = b.input("c", (R, J), "complex"), b.input("d", (J,), "complex")
FEEDS: dict[str, Any] = {"x": X, "y": Y, "v": V, "m": M, "p": P, "c": C, "d": D}


@dataclass(frozen=True)
class Case:
    name: str
    node: Node
    expected: Any
    feeds: dict[str, Any] = field(default_factory=lambda: FEEDS)
    smooth: bool = True
    """Whether the value is differentiable there."""

    def __str__(self) -> str:
        return self.name


def table(shape: tuple[int, ...], value: Callable[..., Any]) -> Any:
    cells = [value(*at) for at in itertools.product(*map(range, shape))]
    return np.array(cells).reshape(shape)


def mp(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *a: float(f(*a))


DOMAIN = {"arcsin": (-0.9, 0.9), "arccos": (-0.9, 0.9), "log": (0.2, 3), "sqrt": (0.2, 3), "digamma": (0.3, 4),
          "lgamma": (0.3, 4), "reciprocal": (0.4, 2)}  # fmt: skip
PLAIN: dict[str, Callable[[float], Any]] = {
    "neg": lambda t: -t, "abs": abs, "sign": lambda t: math.copysign(1, t), "floor": math.floor, "ceil": math.ceil,
    "reciprocal": lambda t: 1 / t, "square": lambda t: t * t, "conj": lambda t: t, "imag": lambda t: 0.0,
    "erf": mp(mpmath.erf), "lgamma": mp(mpmath.loggamma), "digamma": mp(mpmath.digamma), "arcsin": math.asin,
    "arccos": math.acos, "arctan": math.atan,
    **{n: getattr(math, n) for n in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
}  # fmt: skip
ROUGH = {"sign", "floor", "ceil", "conj", "imag", "digamma"}


def unary_cases() -> list[Case]:
    found = []
    for name, plain in PLAIN.items():
        low, high = DOMAIN.get(name, (-2.0, 2.0))
        values = np.random.default_rng(len(name)).uniform(low, high, (3, 4))
        value = table((3, 4), lambda i, j, plain=plain, values=values: plain(values[i, j]))
        found.append(Case(name, b.unary(name, x), value, {"x": values}, name not in ROUGH))
    positive = b.binary("gt", x, b.constant(0))
    found.append(Case("not_", b.unary("not_", positive), table((3, 4), lambda i, j: not X[i, j] > 0)))
    return found


BINARY: dict[str, Callable[[float, float], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "atan2": math.atan2,
    "maximum": max, "minimum": min, "mod": operator.mod, "lt": operator.lt, "le": operator.le, "gt": operator.gt,
    "ge": operator.ge, "eq": operator.eq, "ne": operator.ne,
}  # fmt: skip


def binary_cases() -> list[Case]:
    found = []
    for n, f in BINARY.items():
        value = table((3, 4), lambda i, j, f=f: f(X[i, j], V[j]))
        found.append(Case(n, b.binary(n, x, v), value))
    high, low = b.binary("gt", x, b.constant(1)), b.binary("lt", v, b.constant(1))
    found += [
        Case("pow", b.binary("pow", v, x), table((4, 3), lambda j, i: V[j] ** X[i, j])),
        Case("pow whole", b.binary("pow", x, b.constant(3)), table((3, 4), lambda i, j: X[i, j] * X[i, j] * X[i, j])),
        Case("and_", b.binary("and_", high, low), table((3, 4), lambda i, j: X[i, j] > 1 and V[j] < 1)),
        Case("or_", b.binary("or_", high, low), table((3, 4), lambda i, j: X[i, j] > 1 or V[j] < 1)),
        Case("add of truths", b.binary("add", high, low), table((3, 4), lambda i, j: int(X[i, j] > 1) + int(V[j] < 1))),
        Case("number minus", b.binary("sub", b.constant(2), x), table((3, 4), lambda i, j: 2 - X[i, j])),
        Case(
            "real number by whole", b.binary("mul", b.iota(R, 1), b.constant(0.1)), table((3,), lambda i: (i + 1) * 0.1)
        ),
        Case("select", b.select(high, x, v), table((3, 4), lambda i, j: X[i, j] if X[i, j] > 1 else V[j])),
    ]
    return found


def source_cases() -> list[Case]:
    return [
        Case("constant", b.binary("mul", x, b.constant(0.1)), table((3, 4), lambda i, j: X[i, j] * 0.1)),
        Case("special", b.binary("mul", x, b.special("pi")), table((3, 4), lambda i, j: X[i, j] * 3.141592653589793)),
        Case("special e", b.binary("mul", v, b.special("e")), table((4,), lambda j: V[j] * 2.718281828459045)),
        Case("iota", b.binary("mul", x, b.iota(J, 2)), table((3, 4), lambda i, j: X[i, j] * (j + 2))),
        Case(
            "array", b.binary("add", v, b.array([1.5, 2, 3, 4], [J])), table((4,), lambda j: V[j] + (1.5, 2, 3, 4)[j])
        ),
        Case("broadcast", b.broadcast(v, [R]), table((4, 3), lambda j, i: V[j])),
        Case("rename", b.rename(m, {R: S, S: R}), table((3, 3), lambda s, i: M[s, i])),
        Case("input", x, table((3, 4), lambda i, j: X[i, j])),
        Case("call", _doubled(), table((4,), lambda j: 2 * V[j])),
    ]


def _doubled() -> Node:
    return b.call("twice", [v], b.binary("mul", b.constant(2), v))


def reduction_cases() -> list[Case]:
    low, less = b.binary("gt", x, b.constant(-1)), b.binary("gt", x, b.constant(1))
    return [
        Case("sum", b.reduce("sum", x, [J]), table((3,), lambda i: math.fsum(X[i, j] for j in range(4)))),
        Case("sum over all", b.reduce("sum", x, [J, R]), np.array(math.fsum(X.flat))),
        Case("sum of truths", b.reduce("sum", low, [J]),
             table((3,), lambda i: sum(1 for j in range(4) if X[i, j] > -1))),
        Case("prod", b.reduce("prod", x, [R]), table((4,), lambda j: X[0, j] * X[1, j] * X[2, j])),
        Case("prod over all", b.reduce("prod", x, [R, J]), np.array(math.prod(X.flat))),
        Case("max", b.reduce("max", x, [J]), table((3,), lambda i: max(X[i].tolist()))),
        Case("min", b.reduce("min", x, [R, J]), np.array(min(X.flat))),
        Case("any", b.reduce("any", less, [J]), table((3,), lambda i: any(X[i, j] > 1 for j in range(4)))),
        Case("all", b.reduce("all", low, [R]), table((4,), lambda j: all(X[i, j] > -1 for i in range(3)))),
        Case("argmax", b.reduce("argmax", x, [J]), table((3,), lambda i: X[i].tolist().index(max(X[i])))),
        Case("argmin", b.reduce("argmin", x, [R]), table((4,), lambda j: X[:, j].tolist().index(min(X[:, j])))),
        Case("contract", b.contract([x, y], [J]), table((3, 2), lambda i, k: sum(X[i, j] * Y[j, k] for j in range(4)))),
        Case("contract elementwise", b.contract([x, v], [R]),
             table((4,), lambda j: sum(X[i, j] * V[j] for i in range(3)))),
        Case("contract three", b.contract([x, v, y], [J, R]),
             table((2,), lambda k: sum(X[i, j] * V[j] * Y[j, k] for i in range(3) for j in range(4)))),
        Case("contract batch", b.contract([x, b.broadcast(y, [R]), v], [J]),
             table((3, 2), lambda i, k: sum(X[i, j] * Y[j, k] * V[j] for j in range(4)))),
    ]  # fmt: skip


def moving_cases() -> list[Case]:
    whole, wide, part = Axis.fresh("w", 12), Axis.fresh("ij", 12), (Axis.fresh("a", 2), Axis.fresh("b", 2))
    both, pair = Axis.fresh("both", 5), Axis.fresh("pair", 2)
    other = Axis.fresh("o", 2)
    picked, far = b.array([2, 0, 3], [R]), b.array([1, 9, -1], [S])
    chosen = b.input("chosen", (R,), "int")
    at = {**FEEDS, "chosen": np.array([2, 0, 3])}
    order = {**FEEDS, "chosen": np.array([2, 0, 1])}
    scattered = b.scatter(x, chosen, whole, [R])
    return [
        Case("diagonal", b.diagonal(m, R, S), table((3,), lambda i: M[i, i])),
        Case("take one", b.take(x, J, b.constant(2)), table((3,), lambda i: X[i, 2])),
        Case("take a slice", b.take(x, J, b.iota(other, 1)), table((3, 2), lambda i, o: X[i, o + 1])),
        Case("take along", b.take(x, J, picked), table((3,), lambda i: X[i, (2, 0, 3)[i]])),
        Case("take rows", b.take(x, R, chosen), table((4, 3), lambda j, i: X[(2, 0, 1)[i], j]), order),
        Case("take", b.take(x, J, chosen), table((3,), lambda i: X[i, (2, 0, 3)[i]]), at),
        Case("take outside", b.take(x, J, far, fill=0), table((3, 3), lambda i, s: X[i, 1] if s == 0 else 0.0)),
        Case("take shifted", b.take(x, J, b.binary("add", b.iota(J), b.constant(1)), fill=0),
             table((3, 4), lambda i, j: X[i, j + 1] if j < 3 else 0.0)),
        Case("scatter", scattered,
             table((4, 12), lambda j, w: sum(X[i, j] for i in range(3) if (2, 0, 1)[i] == w)), order),
        Case("concat", b.concat([(x, J), (b.rename(y, {J: S4}), K)], Axis.fresh("six", 6)),
             table((3, 4, 6), lambda i, s, j: X[i, j] if j < 4 else Y[s, j - 4])),
        Case("stack", b.stack([v, b.reduce("sum", x, [R])], pair),
             table((4, 2), lambda j, q: V[j] if q == 0 else sum(X[:, j]))),
        Case("merge", b.merge(x, (J, R), wide), table((12,), lambda w: X[w % 3, w // 3])),
        Case("split", b.split(x, J, part), table((3, 2, 2), lambda i, a, e: X[i, 2 * a + e])),
        Case("concat vectors", b.concat([(v, J), (b.constant(1), Axis.fresh("one", 1))], both),
             table((5,), lambda w: V[w] if w < 4 else 1.0)),
    ]  # fmt: skip


S4 = Axis.fresh("s", 4)


def matrix_cases() -> list[Case]:
    values, pair = Axis.fresh("λ", 3), Axis.fresh("σ", 2)
    wide = b.svdvals(x, R, J, values)
    precise = mpmath.matrix(M.tolist())
    inverse, power = (np.array(a.tolist(), dtype=float) for a in (precise**-1, mpmath.expm(precise)))
    eigen, vectors = mpmath.eigsy(mpmath.matrix(P.tolist()))
    u, s, vt = mpmath.svd_r(mpmath.matrix(X.tolist()))
    tall = mpmath.svd_r(mpmath.matrix(Y.tolist()))
    lower = mpmath.cholesky(mpmath.matrix(P.tolist()))
    determinant = float(mpmath.det(precise))
    return [
        Case("inv", b.inv(m, R, S), table((3, 3), lambda i, k: inverse[i, k])),
        Case("det", b.det(m, R, S), np.array(determinant)),
        Case("logabsdet", b.logabsdet(m, R, S), np.array(math.log(abs(determinant)))),
        Case("matrix_exp", b.matrix_exp(m, R, S), table((3, 3), lambda i, k: power[i, k])),
        Case("cholesky", b.cholesky(p, R, S), table((3, 3), lambda i, k: float(lower[i, k]))),
        Case("eigvalsh", b.eigvalsh(p, R, S, values), table((3,), lambda k: float(eigen[k]))),
        Case("svdvals", wide, table((3,), lambda k: float(s[k]))),
        Case("svd_outer", b.svd_outer(x, R, J, values),
             table((3, 4, 3), lambda i, j, k: float(u[i, k] * vt[k, j]))),
        Case("svd_outer of a tall matrix", b.svd_outer(y, J, K, pair),
             table((4, 2, 2), lambda j, k, n: float(tall[0][j, n] * tall[2][n, k]))),
        Case("eigh_outer", b.eigh_outer(p, R, S, values),
             table((3, 3, 3), lambda i, j, k: float(vectors[i, k] * vectors[j, k]))),
    ]  # fmt: skip


def complex_cases() -> list[Case]:
    names = {"exp": cmath.exp, "log": cmath.log, "sqrt": cmath.sqrt, "sin": cmath.sin, "tanh": cmath.tanh, "abs": abs,
             "conj": lambda t: t.conjugate(), "real": lambda t: t.real, "imag": lambda t: t.imag, "neg": operator.neg,
             "square": lambda t: t * t, "reciprocal": lambda t: 1 / t}  # fmt: skip
    found = [Case(f"complex {n}", b.unary(n, c), table((3, 4), lambda i, j, f=f: f(C[i, j].item())), smooth=False)
             for n, f in names.items()]  # fmt: skip
    for n in ("add", "sub", "mul", "div", "pow"):
        plain = operator.pow if n == "pow" else BINARY[n]
        value = table((3, 4), lambda i, j, f=plain: f(C[i, j].item(), D[j].item()))
        found.append(Case(f"complex {n}", b.binary(n, c, d), value, smooth=False))
    sums = table((3,), lambda i: sum(C[i, j].item() * V[j].item() for j in range(4)))
    return [*found, Case("complex contract", b.contract([c, v], [J]), sums, smooth=False)]


CASES = [*unary_cases(), *binary_cases(), *source_cases(), *reduction_cases(), *moving_cases(), *matrix_cases(),
         *complex_cases()]  # fmt: skip


def weighted(node: Node) -> Node:
    """A number that every element of a value enters with a weight of its own."""
    for number, axis in enumerate(node.axes):
        weight = b.binary("add", b.binary("mul", b.iota(axis), b.constant(0.3)), b.constant(number + 1))
        node = b.binary("mul", node, weight)
    return b.reduce("sum", node, node.axes) if node.axes else node


def laid_out(value: Any, node: Node, axes: tuple[Axis, ...]) -> Any:
    """The value of a node with its dimensions in the order of `axes`."""
    return value.transpose([node.axes.index(a) for a in axes])
