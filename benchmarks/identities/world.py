"""What a tree is worth: plain NumPy, differences for derivatives, finite laws for expectations.

Vectors are columns, so `x.T @ y` is a number and `x @ y` does not fit; sizes with different names are different.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from identities.notation import Topic
from identities.tree import Node

Value = Any
"""A float, or an array of two axes."""
STEP = 2e-3
STENCIL = ((-3, -1 / 60), (-2, 3 / 20), (-1, -3 / 4), (1, 3 / 4), (2, -3 / 20), (3, 1 / 60))


class Misfit(ValueError):
    """The shapes do not fit."""


class Unknown(ValueError):
    """The tree uses something that has no meaning here: not a candidate."""


def elementwise(f: Any) -> Any:
    return lambda x: f(x) if isinstance(x, np.ndarray) else float(f(x))


def _relu(x: Value) -> Value:
    return np.maximum(x, 0.0)


ELEMENTWISE = {
    "exp": elementwise(np.exp),
    "log": elementwise(np.log),
    "sin": elementwise(np.sin),
    "cos": elementwise(np.cos),
    "tan": elementwise(np.tan),
    "tanh": elementwise(np.tanh),
    "sinh": elementwise(np.sinh),
    "cosh": elementwise(np.cosh),
    "sqrt": elementwise(np.sqrt),
    "abs": elementwise(np.abs),
    "sign": elementwise(np.sign),
    "relu": elementwise(_relu),
    "sigmoid": elementwise(lambda x: 1.0 / (1.0 + np.exp(-x))),
    "softplus": elementwise(lambda x: np.log1p(np.exp(x))),
    "Phi": elementwise(lambda x: 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))),
    "phi": elementwise(lambda x: np.exp(-(x**2) / 2.0) / math.sqrt(2.0 * math.pi)),
    "floor": elementwise(np.floor),
}


def softmax(x: Value) -> Value:
    """Over a vector, or over each row of a matrix."""
    matrix(x)
    axis = 0 if x.shape[1] == 1 else 1
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def matrix(x: Value) -> np.ndarray:
    if not isinstance(x, np.ndarray):
        raise Misfit("a number where a vector or matrix is needed")
    return x


def square(x: Value) -> np.ndarray:
    if matrix(x).shape[0] != x.shape[1]:
        raise Misfit("not square")
    return x


def number(x: Value) -> float:
    if isinstance(x, np.ndarray):
        raise Misfit("not a number")
    return float(x)


def squeeze(x: Value) -> Value:
    return float(x[0, 0]) if isinstance(x, np.ndarray) and x.shape == (1, 1) else x


def vector(x: Value) -> np.ndarray:
    if 1 not in matrix(x).shape:
        raise Misfit("not a vector")
    return x


def diag(x: Value) -> Value:
    """The matrix with this diagonal; of a matrix, its diagonal."""
    return np.diag(x[:, 0]) if matrix(x).shape[1] == 1 else np.diag(square(x)).reshape(-1, 1)


CALLS = {
    "tr": lambda x: float(np.trace(square(x))),
    "det": lambda x: float(np.linalg.det(square(x))),
    "inv": lambda x: np.linalg.inv(square(x)),
    "pinv": lambda x: np.linalg.pinv(matrix(x)),
    "diag": diag,
    "vec": lambda x: matrix(x).reshape(-1, 1, order="F"),
    "kron": lambda x, y: np.kron(matrix(x), matrix(y)),
    "norm": lambda x: float(np.linalg.norm(vector(x))),
    "fro": lambda x: float(np.linalg.norm(matrix(x))),
    "l1": lambda x: float(np.abs(vector(x)).sum()),
    "linf": lambda x: float(np.abs(vector(x)).max()),
    "spectral": lambda x: float(np.linalg.norm(matrix(x), 2)),
    "rank": lambda x: float(np.linalg.matrix_rank(matrix(x))),
    "expm": lambda x: _expm(square(x)),
    "logsumexp": lambda x: float(np.log(np.exp(vector(x)).sum())),
    "softmax": softmax,
    "maxof": lambda x: float(vector(x).max()),
    "minof": lambda x: float(vector(x).min()),
    "inner": lambda x, y: float((same(x, y)[0] * y).sum()),
    "had": lambda x, y: matrix(same(x, y)[0]) * y,
    "hdiv": lambda x, y: matrix(same(x, y)[0]) / y,
    "factorial": lambda x: float(math.factorial(round(number(x)))),
    "binom": lambda n, k: float(math.comb(round(number(n)), round(number(k)))),
    "max": lambda *xs: max(map(number, xs)),
    "min": lambda *xs: min(map(number, xs)),
}


def _expm(x: np.ndarray) -> np.ndarray:
    scaled, term = x / 256.0, np.eye(len(x))
    total = term.copy()
    for k in range(1, 16):
        term = term @ scaled / k
        total = total + term
    for _ in range(8):
        total = total @ total
    return total


def same(x: Value, y: Value) -> tuple[Value, Value]:
    if np.shape(x) != np.shape(y):
        raise Misfit(f"{np.shape(x)} against {np.shape(y)}")
    return x, y


@dataclass
class World:
    """One assignment of sizes and values to what a topic declares."""

    topic: Topic
    sizes: dict[str, int]
    values: dict[str, Value]
    laws: dict[str, list[tuple[Value, float]]] = field(default_factory=dict)
    """Of a random variable: its values and their probabilities."""
    cut: dict[tuple[str, tuple[int, ...]], Value] = field(default_factory=dict)
    """What a derivative varies, in place of its definition."""
    depth: int = 0
    lenient: str = ""
    """How vectors side by side multiply where they do not fit as columns: not at all, `inner`, `elementwise`."""
    sloppy: bool = False
    """Whether anything that could be multiplied somehow is."""

    def with_value(self, key: tuple[str, tuple[int, ...]], value: Value) -> World:
        return replace(self, cut={**self.cut, key: value})

    def bind(self, name: str, value: Value) -> World:
        return replace(self, values={**self.values, name: value})

    def inside(self) -> World:
        """For the body of a definition: the same values, to be bound anew."""
        return replace(self, values=dict(self.values), depth=self.depth + 1)

    # --- evaluation ---------------------------------------------------------------------------------------------

    def eval(self, e: Node) -> Value:
        match e.op:
            case "num":
                return float(e.name)
            case "sym":
                return self.symbol(e.name)
            case "at":
                return self.component(e)
            case "call":
                return self.call(e)
            case "sum" | "prod" | "mean":
                return self.fold(e)
            case "grad" | "jac" | "d" | "hess":
                return self.derivative(e)
            case "E" | "Var" | "Cov":
                return self.expectation(e)
            case "mat" | "row" | "rows" | "cols":
                return self.block(e)
            case "cases":
                holds = self.eval(e.args[1]) >= self.eval(e.args[2])
                return self.eval(e.args[0] if holds else e.args[3])
            case "I":
                return np.eye(self.size(e.args[0]))
            case "ones" | "zeros":
                fill = 1.0 if e.op == "ones" else 0.0
                return np.full([self.size(a) for a in e.args] + [1] * (len(e.args) == 1), fill)
            case "basis":
                n, i = self.size(e.args[1]), self.index(e.args[0])
                return np.eye(n)[:, [i - 1]]
            case "delta":
                return float(self.index(e.args[0]) == self.index(e.args[1]))
            case "the":
                return self.eval(e.args[0])
        if self.sloppy and e.op == "matmul" and e.args[0].op == "matmul":
            try:
                return self.apply("matmul", [self.eval(a) for a in e.args])
            except Misfit:  # from the right
                (x, y), z = e.args[0].args, e.args[1]
                return self.eval(Node("matmul", (x, Node("matmul", (y, z)))))
        args = [self.eval(a) for a in e.args]
        return self.apply(e.op, args)

    def apply(self, op: str, args: list[Value]) -> Value:
        if op in ELEMENTWISE:
            return ELEMENTWISE[op](args[0])
        if op == "tr" and self.lenient and not np.ndim(args[0]):
            return args[0]
        if op in CALLS:
            return squeeze(CALLS[op](*args))
        match op:
            case "neg":
                return -args[0]
            case "T":
                return matrix(args[0]).T
            case "add" | "sub":
                x, y = args
                if self.lenient and np.ndim(x) == np.ndim(y) == 2 and x.T.shape == y.shape and 1 in x.shape:
                    y = y.T
                if np.ndim(x) == 2 and np.ndim(y) == 2 and y.shape == (x.shape[1], 1) and x.shape[1] > 1 < x.shape[0]:
                    y = np.broadcast_to(y.T, x.shape)  # a vector added to each row
                if not self.lenient or np.ndim(x) and np.ndim(y):  # numbers are added to every component
                    same(x, y)
                return x + y if op == "add" else x - y
            case "mul" | "matmul":
                x, y = args
                return self.product(x, y) if np.ndim(x) and np.ndim(y) else x * y
            case "div":
                return args[0] / number(args[1])
            case "pow":
                return self.power(args[0], number(args[1]))
        raise Unknown(op)

    def product(self, x: np.ndarray, y: np.ndarray) -> Value:
        if x.shape[1] == y.shape[0]:
            return squeeze(x @ y)
        if self.lenient and 1 in x.shape and 1 in y.shape and x.size == y.size:
            if self.lenient == "outer":
                return x.reshape(-1, 1) @ y.reshape(1, -1)
            return float(x.ravel() @ y.ravel()) if self.lenient == "inner" else x.reshape(y.shape) * y
        if self.lenient and x.shape[1] == 1 and x.shape[0] == y.shape[0]:
            return squeeze(x.T @ y)
        if self.sloppy and y.shape[0] == 1 and x.shape[1] == y.shape[1]:
            return squeeze(x @ y.T)
        if self.sloppy and self.lenient == "outer" and x.shape[1] == 1 and y.shape[1] == 1:
            return x @ y.T
        raise Misfit(f"{x.shape} times {y.shape}")

    def power(self, x: Value, exponent: float) -> Value:
        if isinstance(x, np.ndarray):
            if exponent != int(exponent):
                raise Unknown("a broken power of a matrix")
            return np.linalg.matrix_power(square(x), int(exponent))
        if x < 0 and exponent != int(exponent):
            raise Unknown("a root of a negative number")
        return float(x) ** exponent

    def symbol(self, name: str) -> Value:
        if (name, ()) in self.cut:
            return self.cut[name, ()]
        if name in self.values:
            return self.values[name]
        if name in self.sizes:
            return float(self.sizes[name])
        if name == "pi":
            return math.pi
        for head, body in self.topic.definitions:
            if head.op == "sym" and head.name == name:
                return self.eval(body)
            if head.op == "call" and head.name == name and all(a.name in self.values for a in head.args):
                return self.eval(body)
        raise Unknown(f"no value for {name}")

    def size(self, e: Node) -> int:
        return round(number(self.eval(e)))

    index = size

    def component(self, e: Node) -> Value:
        base, indices = e.args[0], tuple(self.index(a) for a in e.args[1:])
        if base.op == "sym":
            if (base.name, indices) in self.cut:
                return self.cut[base.name, indices]
            found = self.member(base.name, indices)
            if found is not None:
                return found
        value = matrix(self.eval(base))
        if isinstance(value, np.ndarray) and value.ndim == 3:  # a family of vectors
            if len(indices) != 1 or not 1 <= indices[0] <= len(value):
                raise Unknown("no such member")
            return value[indices[0] - 1]
        if len(indices) == 1:
            if value.shape[1] != 1:
                raise Misfit("one index for a matrix")
            indices = (*indices, 1)
        if len(indices) != 2 or value.shape[1] == 1 < len(e.args) - 1:
            raise Misfit("wrong number of indices")
        if not all(1 <= i <= n for i, n in zip(indices, value.shape)):
            raise Unknown("an index out of range")
        return float(value[indices[0] - 1, indices[1] - 1])

    def member(self, name: str, indices: tuple[int, ...]) -> Value:
        """The member of a family that the document defines by index: its own equation, then the general one."""
        if self.depth > 60:
            raise Unknown("an endless recurrence")
        general = None
        for head, body in self.topic.definitions:
            if head.op != "at" or head.args[0].name != name or len(head.args) - 1 != len(indices):
                continue
            fixed = [a.op == "num" for a in head.args[1:]]
            if all(fixed) and tuple(int(a.name) for a in head.args[1:]) == indices:
                return self.eval(body)
            if not any(fixed):
                general = (head, body)
        if general is None:
            return None
        inside = self.inside()
        for letter, value in zip(general[0].args[1:], indices):
            inside.values[letter.name] = float(value)
        return inside.eval(general[1])

    def call(self, e: Node) -> Value:
        for head, body in self.topic.definitions:
            if head.op == "call" and head.name == e.name and len(head.args) == len(e.args):
                inside = self.inside()
                for letter, argument in zip(head.args, e.args):
                    value = self.eval(argument)
                    if letter.name in self.values and np.shape(value) != np.shape(self.values[letter.name]):
                        raise Misfit("an argument of another shape")
                    inside.values[letter.name] = value
                    if (letter.name, ()) in inside.cut:
                        inside.cut = {k: v for k, v in inside.cut.items() if k != (letter.name, ())}
                return inside.eval(body)
        raise Unknown(f"no function {e.name}")

    def fold(self, e: Node) -> Value:
        letter, low, high, body = e.args
        values = [self.bind(letter.name, float(k)).eval(body) for k in range(self.index(low), self.index(high) + 1)]
        if e.op == "prod":
            return math.prod(map(number, values))
        if not values:
            raise Unknown("an empty sum")
        total = values[0]
        for value in values[1:]:
            total = same(total, value)[0] + value
        return total / len(values) if e.op == "mean" else total

    def block(self, e: Node) -> Value:
        if e.op == "mat":
            rows = [[self.eval(x) for x in row.args] for row in e.args]
            if any(len(r) != len(rows[0]) for r in rows):
                raise Unknown("a ragged matrix")
        else:
            rows = [[self.eval(x)] for x in e.args] if e.op == "rows" else [[self.eval(x) for x in e.args]]
        try:
            return np.block(rows)
        except ValueError as error:
            raise Misfit(str(error)) from error

    # --- derivatives and expectations ---------------------------------------------------------------------------

    def variable(self, e: Node) -> tuple[tuple[str, tuple[int, ...]], Value, tuple[int, int] | None]:
        """(what to vary, its value, the entry of it if only one)."""
        if e.op == "sym":
            return (e.name, ()), self.symbol(e.name), None
        if e.op == "at" and e.args[0].op == "sym":
            indices = tuple(self.index(a) for a in e.args[1:])
            name = e.args[0].name
            if self.member(name, indices) is not None:
                return (name, indices), self.eval(e), None
            value = self.symbol(name)
            if np.ndim(value) == 3:
                return (name, indices), self.eval(e), None
            self.eval(e)  # in range
            return (name, ()), value, (indices[0] - 1, indices[1] - 1 if len(indices) > 1 else 0)
        raise Unknown("a derivative in something that is not a variable")

    def slope(self, f: Node, key: tuple[str, tuple[int, ...]], at: Value, entry: tuple[int, int] | None) -> Value:
        def moved(h: float) -> Value:
            if entry is None:
                return at + h
            other = at.copy()
            other[entry] += h
            return other

        step = STEP if _order(f) == 0 else 2e-2
        return sum(w * self.with_value(key, moved(k * step)).eval(f) for k, w in STENCIL) / step

    def derivative(self, e: Node) -> Value:
        f, x = e.args[0], e.args[-1]
        if e.op == "hess":
            return self.derivative(Node("jac", (Node("grad", (f, x)), x)))
        if e.op == "d" and len(e.args) == 3:
            return self.slope(Node("d", (f, e.args[1])), *self.variable(x))
        key, at, entry = self.variable(x)
        value = self.eval(f)
        if e.op == "d":
            if entry is None and np.ndim(at):
                raise Misfit("a partial derivative in a vector")
            return self.slope(f, key, at, entry)
        if entry is not None:
            return self.slope(f, key, at, entry)
        if not np.ndim(at):
            return self.slope(f, key, at, None)
        if e.op == "grad":
            number(value)
            out = np.empty(at.shape)
            for place in np.ndindex(*at.shape):
                out[place] = self.slope(f, key, at, place)  # type: ignore[arg-type]
            return out
        if not np.ndim(value):  # the Jacobian of a number: its gradient as a row
            return self.derivative(Node("grad", (f, x))).T
        if at.shape[1] != 1 or value.shape[1] != 1:
            raise Unknown("a Jacobian of matrices")
        return np.hstack([self.slope(f, key, at, (k, 0)) for k in range(at.shape[0])])

    def expectation(self, e: Node) -> Value:
        used = [name for name in self.laws if name in self.reaches(e)]
        if e.op == "Var":
            (x,) = e.args
            value = self.eval(Node("E", (x,)))
            centred = Node("sub", (x, Node("E", (x,))))
            if not np.ndim(value):
                return self.eval(Node("E", (Node("pow", (centred, Node("num", (), "2"))),)))
            return self.eval(Node("Cov", (x, x)))
        if e.op == "Cov":
            x, y = (Node("sub", (a, Node("E", (a,)))) for a in e.args)
            if np.ndim(self.eval(x)):
                y = Node("T", (y,))
                return self.eval(Node("E", (Node("matmul", (x, y)),)))
            return self.eval(Node("E", (Node("mul", (x, y)),)))
        total: Value = 0.0
        base = self.inside()
        body = _fix_inner(e.args[0], base)
        for outcomes in itertools.product(*(self.laws[n] for n in used)):
            inside = base
            weight = 1.0
            for name, (value, p) in zip(used, outcomes):
                inside = inside.bind(name, value)
                weight *= p
            inside = replace(inside, laws={k: v for k, v in self.laws.items() if k not in used})
            total = total + weight * inside.eval(body)
        return total

    def reaches(self, e: Node) -> frozenset[str]:
        """The names that a tree uses, through definitions."""
        names, todo = set(e.names), list(e.names)
        while todo:
            name = todo.pop()
            for head, body in self.topic.definitions:
                if _head_name(head) == name:
                    todo += [n for n in body.names if n not in names]
                    names |= body.names
        return frozenset(names)


def _order(f: Node) -> int:
    return sum(n.op in ("grad", "jac", "d", "hess") for _, n in f.walk())


def _head_name(head: Node) -> str:
    return head.args[0].name if head.op == "at" else head.name


def _fix_inner(e: Node, world: World) -> Node:
    """Inner expectations are constants of the outer one: `E[(x - E[x])^2]`."""
    if e.op in ("E", "Var", "Cov"):
        value = world.eval(e)
        name = f"constant {len(world.values)}"
        world.values[name] = value
        return Node("sym", (), name)
    return Node(e.op, tuple(_fix_inner(a, world) for a in e.args), e.name)
