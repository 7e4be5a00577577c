"""Problems built by hand: a function from sizes to an instance, with the sizes and rules around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lemmata.core.size import Size
from lemmata.program import build as b
from lemmata.program.node import Axis, Node
from lemmata.verify import Reading, judge
from lemmata.verify.problem import Domain, Input, Instance, SizeRule
from lemmata.verify.verdict import Verdict


@dataclass
class Scene:
    """What a claim is written with: inputs declared so far, axes by size name."""

    sizes: Mapping[str, int]
    inputs: list[Input] = field(default_factory=list)
    axes: dict[str, Axis] = field(default_factory=dict)

    def axis(self, name: str) -> Axis:
        """The one axis of this size; `n'` is another axis of the size n."""
        if name not in self.axes:
            self.axes[name] = Axis.fresh(name, self.sizes[name.rstrip("'")])
        return self.axes[name]

    def input(self, latex: str, *axes: str, low: float | None = None, high: float | None = None, dtype: str = "real",
              properties: Sequence[str] = ()) -> Node:  # fmt: skip
        node = b.input(latex, [self.axis(a) for a in axes], dtype)
        self.inputs.append(Input(node, latex, Domain(low, high, frozenset(properties))))
        return node


Claim = Callable[[Scene], Sequence[Node]]


@dataclass
class Handmade:
    claim: Claim
    relations: tuple[str, ...] = ("=",)
    sizes: tuple[str, ...] = ()
    rules: tuple[SizeRule, ...] = ()
    integral: tuple[Size, ...] = ()
    conditions: Callable[[Scene], Sequence[Node]] = lambda scene: ()
    exact: bool = True

    def instance(self, sizes: Mapping[str, int]) -> Instance:
        scene = Scene(sizes)
        sides = tuple(self.claim(scene))
        conditions = tuple(self.conditions(scene))
        return Instance(tuple(scene.inputs), sides, self.relations, conditions, self.exact)


def verdict(claim: Claim, *relations: str, seed: int = 0, guards: Sequence[str] = (), **settings: object) -> Verdict:
    """The verdict on one claim under its only reading."""
    problem = Handmade(claim, relations or ("=",), **settings)  # type: ignore[arg-type]
    return judge([Reading(problem, "as written")], seed=seed, guards=guards)


def add(x: Node, y: Node) -> Node:
    return b.binary("add", x, y)


def sub(x: Node, y: Node) -> Node:
    return b.binary("sub", x, y)


def mul(x: Node, y: Node) -> Node:
    return b.binary("mul", x, y)


def div(x: Node, y: Node) -> Node:
    return b.binary("div", x, y)


def square(x: Node) -> Node:
    return b.binary("mul", x, x)


def num(value: object) -> Node:
    return b.constant(value)  # type: ignore[arg-type]


def total(x: Node) -> Node:
    return b.reduce("sum", x, x.axes)
