"""Mistakes as people make them: small changes to one place of a claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from identities.notation import Topic
from identities.tree import Node, num

Place = tuple[int, ...]
TWO, ONE = num(2), num(1)
OTHER_FUNCTIONS = {
    "sin": "cos", "cos": "sin", "tanh": "sigmoid", "sigmoid": "tanh", "exp": "log", "tr": "det", "det": "tr",
    "norm": "l1", "fro": "spectral", "relu": "sigmoid", "softplus": "relu", "sinh": "cosh", "cosh": "sinh",
    "max": "min", "min": "max", "log": "exp", "abs": "relu", "sum": "prod", "Phi": "phi",
}  # fmt: skip
CONSTANT = ("num",)


def mutants(topic: Topic, claim: Node) -> Iterator[tuple[str, Node]]:
    """(kind, changed claim), every one of them; whether the meaning changed is for the oracle to say."""
    if claim.op in ("<=", ">="):
        yield "relation turned", Node(">=" if claim.op == "<=" else "<=", claim.args)
    if claim.op == "in":
        return
    for path, node in claim.walk():
        if not path or _fixed(claim, path):
            continue
        for kind, change in KINDS.items():
            for other in change(topic, claim, path, node):
                yield kind, claim.put(path, other)


def _fixed(claim: Node, path: Place) -> bool:
    """Not a place to change: what is bound, the variable of a derivative, a size of I or 1."""
    for k in range(len(path)):
        parent, at = claim.at(path[:k]), path[k]
        if parent.op in ("sum", "prod", "mean") and at == 0:
            return True
        if parent.op in ("grad", "jac", "d", "hess") and at > 0:
            return True
        if parent.op in ("I", "ones", "zeros", "basis"):
            return True
    return False


def parent(claim: Node, path: Place) -> Node:
    return claim.at(path[:-1])


def drop_transpose(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op == "T":
        yield e.args[0]


def add_transpose(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    declared = topic.declared(e.name) if e.op == "sym" else None
    if parent(claim, path).op in ("T", "at"):
        return
    if (declared is not None and declared.kind == "matrix") or e.op == "inv":
        yield Node("T", (e,))


def flip_sign(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op in ("add", "sub"):
        yield Node("sub" if e.op == "add" else "add", e.args)
    if e.op == "neg":
        yield e.args[0]
    elif len(path) == 1 and e.op in ("mul", "matmul", "div", "inv", "sym", "at", "T", "call"):
        yield Node("neg", (e,))


def change_factor(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    up = parent(claim, path)
    if e.op == "num" and up.op in ("mul", "div", "neg") and e.name in ("2", "3", "4"):
        yield num(int(e.name) + 1)
        if up.op == "mul" and path[-1] == 0:
            return
        yield ONE
    if e.op == "mul" and e.args[0].op == "num":
        yield e.args[1]
    if len(path) == 1 and path[-1] == 1 and not (e.op == "num" and e.name == "0") and e.op not in ("sum", "add", "sub"):
        yield Node("mul", (TWO, e))
        yield Node("mul", (Node("div", (ONE, TWO)), e))


def swap_operands(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op in ("matmul", "kron"):
        yield Node(e.op, e.args[::-1])
        if e.args[0].op == "matmul" and e.op == "matmul":
            (a, b), c = e.args[0].args, e.args[1]
            yield Node("matmul", (Node("matmul", (a, c)), b))
    if e.op in ("sub", "div", "pow") and e.args[0].op != "num" and e.args[1].op != "num":
        yield Node(e.op, e.args[::-1])


def change_index(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op != "at":
        return
    letters = [d.name for d in topic.declarations if d.kind == "index"]
    bound = [
        claim.at(path[:k]).args[0].name for k in range(len(path)) if claim.at(path[:k]).op in ("sum", "prod", "mean")
    ]
    if len(e.args) == 3 and e.args[1] != e.args[2]:
        yield Node("at", (e.args[0], e.args[2], e.args[1]))
    for k, index in enumerate(e.args[1:], 1):
        if index.op == "sym":
            for other in dict.fromkeys(letters + bound):
                if other != index.name and other in claim.names:
                    yield Node("at", (*e.args[:k], Node("sym", (), other), *e.args[k + 1 :]))
        if index.op == "num":
            yield Node("at", (*e.args[:k], num(int(index.name) + 1), *e.args[k + 1 :]))
        if index.op in ("add", "sub"):
            yield Node("at", (*e.args[:k], index.args[0], *e.args[k + 1 :]))


def change_bound(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op in ("sum", "prod"):
        letter, low, high, body = e.args
        if low.op == "num":
            yield Node(e.op, (letter, num(int(low.name) + 1), high, body))
        if high.op == "sub":
            yield Node(e.op, (letter, low, high.args[0], body))
        else:
            yield Node(e.op, (letter, low, Node("sub", (high, ONE)), body))


def drop_term(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op == "add":
        yield from e.args
    if e.op == "sub":
        yield e.args[0]


def drop_factor(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op in ("mul", "matmul", "had"):
        yield from (a for a in e.args if a.op != "num")
    if e.op == "div" and e.args[1].op != "num":
        yield e.args[0]


def change_root(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op == "sqrt":
        yield e.args[0]
    if parent(claim, path).op == "div" and path[-1] == 1 and e.op == "sym":
        yield Node("sqrt", (e,))


def change_exponent(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op == "pow":
        yield e.args[0]
        if e.args[1].op == "num" and e.args[1].name.isdigit():
            yield Node("pow", (e.args[0], num(int(e.args[1].name) + 1)))
        elif e.args[1].op in ("add", "sub"):
            yield Node("pow", (e.args[0], e.args[1].args[0]))
    if e.op in ("norm", "fro", "sin", "cos", "det", "tr") and parent(claim, path).op != "pow":
        yield Node("pow", (e, TWO))


def drop_inverse(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op == "inv":
        yield e.args[0]
    if e.op == "sym" and parent(claim, path).op not in ("inv", "at", "pow"):
        declared = topic.declared(e.name)
        if declared is not None and {"invertible", "spd"} & set(declared.properties):
            yield Node("inv", (e,))


def swap_function(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    other = OTHER_FUNCTIONS.get(e.op)
    if other is not None:
        yield Node(other, e.args)
    if e.op == "mean":
        yield Node("sum", e.args)
    if e.op == "sum" and len(path) == 1:
        yield Node("mean", e.args)
    if e.op in ("sin", "cos", "tanh", "sigmoid", "log", "exp"):
        yield e.args[0]


def other_symbol(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    """A symbol for another of the same shape."""
    if e.op != "sym" or parent(claim, path).op == "call":
        return
    declared = topic.declared(e.name)
    if declared is None or declared.kind in ("index", "size"):
        return
    for d in topic.declarations:
        if d.name != e.name and d.kind == declared.kind and d.shape == declared.shape and d.name in claim.names:
            yield Node("sym", (), d.name)


def other_product(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    if e.op == "had":
        yield Node("matmul", e.args)
    if e.op == "kron":
        yield Node("matmul", e.args)


def other_axis(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    """Down the columns instead of along the rows."""
    if e.op == "softmax" and parent(claim, path).op in ("matmul", "T", "=", "at") and e.args[0].op in ("matmul", "div"):
        yield Node("T", (Node("softmax", (Node("T", (e.args[0],)),)),))


def shift_constant(topic: Topic, claim: Node, path: Place, e: Node) -> Iterator[Node]:
    """An added constant off by one: `n - 1` for `n`, `1 - x` for `2 - x`."""
    up = parent(claim, path)
    if e.op == "num" and up.op in ("add", "sub") and e.name.isdigit():
        yield num(int(e.name) + 1)
    declared = topic.declared(e.name) if e.op == "sym" else None
    size = e.op == "sym" and (declared is None or declared.kind == "size") and e.name != "pi"
    if size and up.op in ("mul", "div", "=", "add", "sub") and not any(e.name == h.name for h, _ in topic.definitions):
        yield Node("sub", (e, ONE))


KINDS: dict[str, Callable[[Topic, Node, Place, Node], Iterator[Node]]] = {
    "transpose dropped": drop_transpose,
    "transpose added": add_transpose,
    "sign": flip_sign,
    "factor changed": change_factor,
    "operands swapped": swap_operands,
    "index": change_index,
    "bound": change_bound,
    "term dropped": drop_term,
    "factor dropped": drop_factor,
    "root": change_root,
    "exponent": change_exponent,
    "inverse": drop_inverse,
    "other function": swap_function,
    "other symbol": other_symbol,
    "other product": other_product,
    "axis": other_axis,
    "off by one": shift_constant,
}
