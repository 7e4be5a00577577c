"""Walking and rebuilding programs, without recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from lemmata.program import build
from lemmata.program.node import Node


def nodes(*outputs: Node) -> list[Node]:
    """Every node once, arguments before their users."""
    return list(_ordered(outputs))


@lru_cache(maxsize=32)
def _ordered(outputs: tuple[Node, ...]) -> list[Node]:
    return ordered(outputs, lambda n: n.args)


def arguments(node: Node) -> tuple[Node, ...]:
    """What a node is computed from; of a call of the catalogue its arguments, without the definition."""
    return node.args[:-1] if node.op == "call" else node.args


def ordered(outputs: Sequence[Node], reads: Callable[[Node], tuple[Node, ...]] = arguments) -> list[Node]:
    """Every node that is reached by way of what nodes read, once, what is read before its readers."""
    order: list[Node] = []
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(o, False) for o in reversed(outputs)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node.uid not in seen:
            seen.add(node.uid)
            stack.append((node, True))
            stack.extend((a, False) for a in reversed(reads(node)) if a.uid not in seen)
    return order


def dependent(
    order: Sequence[Node], inputs: Sequence[Node], reads: Callable[[Node], tuple[Node, ...]]
) -> tuple[list[Node], set[int]]:
    """What depends on the inputs, in order, without these; and the uids of both. Raises KeyError for another input."""
    own = {n.uid for n in inputs}
    varying: set[int] = set()
    for node in order:
        if node.op == "input":
            if node.uid not in own:
                raise KeyError(node.attr("name"))
            varying.add(node.uid)
        elif any(a.uid in varying for a in reads(node)):
            varying.add(node.uid)
    return [n for n in order if n.uid in varying and n.op != "input"], varying


def independent(
    moving: Sequence[Node], outputs: Sequence[Node], varying: set[int], reads: Callable[[Node], tuple[Node, ...]]
) -> dict[int, Node]:
    """The constants that the nodes which move read, and those among the outputs, by uid."""
    fixed = {a.uid: a for n in moving for a in reads(n) if a.uid not in varying}
    return fixed | {o.uid: o for o in outputs if o.uid not in varying}


def inputs(*outputs: Node) -> list[Node]:
    return [n for n in nodes(*outputs) if n.op == "input"]


def depends(node: Node, leaf: Node) -> bool:
    return any(n is leaf for n in nodes(node))


def rebuild(node: Node, args: tuple[Node, ...]) -> Node:
    """The same operation on other arguments."""
    op = node.op
    if all(a is b for a, b in zip(args, node.args, strict=True)):
        return node
    if op in build.UNARY:
        return build.unary(op, args[0])
    if op in build.ARITHMETIC or op in build.COMPARISON or op in build.LOGIC:
        return build.binary(op, args[0], args[1])
    maker = _MAKERS.get(op)
    if maker is None:
        raise build.BadProgram(f"{op} cannot be rebuilt")
    return maker(node, args)


_MAKERS: Mapping[str, Callable[[Node, tuple[Node, ...]], Node]] = {
    "broadcast": lambda n, a: build.broadcast(a[0], n.axes),
    "select": lambda n, a: build.select(*a),
    "contract": lambda n, a: build.contract(
        [build.broadcast(x, [y for y in n.attr("over") if y in o.axes]) for x, o in zip(a, n.args, strict=True)],
        n.attr("over"),
    ),
    "rename": lambda n, a: build.rename(a[0], dict(n.attr("mapping"))),
    "diagonal": lambda n, a: build.diagonal(build.broadcast(a[0], n.attr("pair")), *n.attr("pair")),
    "take": lambda n, a: build.take(build.broadcast(a[0], [n.attr("axis")]), n.attr("axis"), a[1], n.attr("fill")),
    "scatter": lambda n, a: build.scatter(build.broadcast(a[0], n.args[0].axes), a[1], n.attr("axis"), n.attr("over")),
    "concat": lambda n, a: build.concat(list(zip(a, n.attr("along"), strict=True)), n.attr("axis")),
    "stack": lambda n, a: build.stack(a, n.attr("axis")),
    "merge": lambda n, a: build.merge(build.broadcast(a[0], n.attr("axes")), n.attr("axes"), n.attr("new")),
    "split": lambda n, a: build.split(build.broadcast(a[0], [n.attr("axis")]), n.attr("axis"), n.attr("new")),
    **{
        op: (
            lambda n, a: getattr(build, n.op)(
                build.broadcast(a[0], [n.attr("row"), n.attr("column")]),
                n.attr("row"),
                n.attr("column"),
                n.attr("values"),
            )
        )
        for op in ("eigvalsh", "svdvals", "svd_outer", "eigh_outer")
    },
    **{
        op: (lambda n, a: build.reduce(n.op, build.broadcast(a[0], n.attr("over")), n.attr("over")))
        for op in build.REDUCTIONS
    },
    **{
        op: (
            lambda n, a: getattr(build, n.op)(
                build.broadcast(a[0], [n.attr("row"), n.attr("column")]), n.attr("row"), n.attr("column")
            )
        )
        for op in ("inv", "det", "logabsdet", "matrix_exp", "cholesky")
    },
    "call": lambda n, a: build.call(n.attr("name"), a[:-1], a[-1], n.attr("attrs")),
}


def substitute(node: Node, mapping: Mapping[Node, Node]) -> Node:
    """The program with some nodes replaced by others on the same axes."""
    done: dict[int, Node] = {old.uid: new for old, new in mapping.items()}
    stack = [node]
    while stack:
        top = stack[-1]
        if top.uid in done:
            stack.pop()
            continue
        missing = [a for a in top.args if a.uid not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        done[top.uid] = rebuild(top, tuple(done[a.uid] for a in top.args))
    return done[node.uid]


def count(outputs: Iterable[Node]) -> int:
    return len(nodes(*outputs))
