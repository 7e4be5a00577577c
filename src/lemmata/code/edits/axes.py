"""Edits of axes: which one an operation runs over, which ones are exchanged, how an array is laid out anew."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import permutations

from lemmata.code.edits.text import Change, Definition, Edit, called, is_method, number

MODULES = ("torch", "F", "nn", "functional", "np", "numpy", "tf", "jnp", "jax", "keras", "ops", "K", "math", "lax")
ALONG = frozenset(
    "softmax log_softmax logsumexp prod sum mean max min amax amin argmax var std norm normalize cumsum cat concat "
    "concatenate stack split chunk reduce_sum reduce_mean reduce_max reduce_variance reduce_std reduce_logsumexp "
    "unsqueeze expand_dims squeeze moments variance Softmax flip repeat_interleave repeat roll".split()
)
EXCHANGE = frozenset("transpose swapaxes".split())
REORDER = frozenset("permute transpose".split())
RESHAPE = frozenset("view reshape".split())
TRIED = (-1, -2, 0, 1, 2, -3)


def along(d: Definition) -> Iterator[Edit]:
    """The axis that softmax, a mean, a concatenation runs over, or whose length is asked for."""
    for node in d.nodes():
        if isinstance(node, ast.Call) and called(node) in (ALONG | {"size"}):
            yield from _of_call(d, node)
        elif isinstance(node, ast.Subscript) and isinstance(old := number(node.slice), int):
            if isinstance(node.value, ast.Attribute) and node.value.attr == "shape" or called(node.value) == "shape":
                for new in TRIED:
                    if new != old:
                        what = f"the length of axis {old} is taken, where the formula needs that of axis {new}"
                        yield Edit((d.replace(node.slice, str(new)),), what, 1.2, f"length {old} {new}")


def _of_call(d: Definition, node: ast.Call) -> Iterator[Edit]:
    name = called(node)
    at = 0 if is_method(node, MODULES) else 1
    words = next((k for k in node.keywords if k.arg in ("dim", "axis")), None)
    given = words.value if words is not None else node.args[at] if len(node.args) > at else None
    if given is None:
        if name not in ("size", "normalize", "split", "chunk", "squeeze") and not any(
            k.arg == "dims" for k in node.keywords
        ):
            yield from _unsaid(d, node, name)
        return
    old = number(given)
    if not isinstance(old, int):
        return
    for new in TRIED:
        if new != old:
            what = f"{name} runs over axis {old}, where the formula needs axis {new}"
            if name == "size":
                what = f"the length of axis {old} is taken, where the formula needs that of axis {new}"
            yield Edit((d.replace(given, str(new)),), what, 0.5, f"axis {name} {old} {new}")


def _unsaid(d: Definition, node: ast.Call, name: str) -> Iterator[Edit]:
    """An axis where none is given: the mean of everything instead of each row's."""
    keep = "keepdim" if d.framework == "torch" else "keepdims"
    word = "dim" if d.framework == "torch" else "axis"
    kept = any(k.arg in ("keepdim", "keepdims") for k in node.keywords) or name in ("softmax", "log_softmax", "cumsum")
    for axis in (-1, 0, -2):
        extra = f"{word}={axis}" + ("" if kept else f", {keep}=True")
        what = f"{name} runs over all axes, where the formula needs axis {axis}"
        if name in ("softmax", "log_softmax", "cat", "concat", "concatenate", "stack"):
            what = f"{name} runs over another axis than {axis}"
        yield Edit((d.more(node, extra),), what, 0.8, f"unsaid {name}")
        if not kept:
            yield Edit((d.more(node, f"{word}={axis}"),), what, 0.85, f"unsaid {name}")


def exchanged(d: Definition) -> Iterator[Edit]:
    """Axes that are exchanged wrongly, or in vain."""
    for node in d.nodes():
        if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "H") and isinstance(node.ctx, ast.Load):
            what = f"{d.source(node)} is transposed"
            yield Edit((d.replace(node, d.source(node.value)),), what, 0.7, "transposed")
        if not isinstance(node, ast.Call):
            continue
        name, method = called(node), is_method(node, MODULES)
        rest = node.args if method else node.args[1:]
        numbers = [number(a) for a in rest]
        if name in EXCHANGE and len(rest) == 2 and all(isinstance(n, int) for n in numbers):
            inner = (
                d.operand(node.func.value)
                if method and isinstance(node.func, ast.Attribute)
                else d.source(node.args[0])
            )
            what = f"axes {numbers[0]} and {numbers[1]} are exchanged"
            yield Edit((d.replace(node, inner),), what, 0.7, f"exchanged {numbers}")
            for pair in ((1, 2), (-2, -1), (0, 1), (2, 3), (1, 3), (0, 2)):
                if list(pair) != numbers:
                    new = f"{pair[0]}, {pair[1]}"
                    change = Change(d.span(rest[0])[0], d.span(rest[1])[1], new)
                    yield Edit(
                        (change,), f"{what}, not axes {pair[0]} and {pair[1]}", 0.7, f"exchanged {numbers} {pair}"
                    )
        order = _order(node, method)
        if name in REORDER and order is not None:
            nodes, old = order
            for other in permutations(range(len(old))) if len(old) <= 4 else ():
                if list(other) != old:
                    change = Change(d.span(nodes[0])[0], d.span(nodes[-1])[1], ", ".join(map(str, other)))
                    what = f"the axes are put in the order {tuple(old)}, not {other}"
                    yield Edit((change,), what, 0.8, f"order {old} {other}")
        for word in node.keywords:
            if word.arg in ("transpose_a", "transpose_b", "adjoint_b") and isinstance(word.value, ast.Constant):
                now, opposite = ("True", "False") if word.value.value is True else ("False", "True")
                yield Edit((d.replace(word.value, opposite),), f"{word.arg} is {now}", 0.7, word.arg)


def _order(node: ast.Call, method: bool) -> tuple[list[ast.expr], list[int]] | None:
    rest: list[ast.expr] = list(node.args if method else node.args[1:])
    rest += [k.value for k in node.keywords if k.arg in ("perm", "axes", "dims")]
    if len(rest) == 1 and isinstance(rest[0], (ast.Tuple, ast.List)):
        rest = rest[0].elts
    values = [number(n) for n in rest]
    numbers = [n for n in values if isinstance(n, int)]
    return (rest, numbers) if len(numbers) == len(rest) and sorted(numbers) == list(range(len(rest))) and rest else None


def laid_out(d: Definition) -> Iterator[Edit]:
    """view and reshape without the exchange of axes that belongs before or after them."""
    for node in d.nodes():
        if not isinstance(node, ast.Call) or called(node) not in RESHAPE:
            continue
        method = is_method(node, MODULES)
        array = (
            node.func.value if method and isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
        )
        sizes = list(node.args if method else node.args[1:])
        if len(sizes) == 1 and isinstance(sizes[0], (ast.Tuple, ast.List)):
            sizes = sizes[0].elts
        if array is None or not sizes:
            continue
        whole = d.source(node)
        merging = len(sizes) <= 3
        for first, second in ((1, 2), (0, 1)):
            moved = exchange(d, d.operand(array), first, second)
            flat = f"{moved}.contiguous()" if d.framework == "torch" else moved
            before = f"the axes are merged without axes {first} and {second} being exchanged first: positions are mixed"
            after = f"the heads are not moved ahead of the sequence axis: axes {first} and {second} stay as reshaped"
            yield Edit((d.replace(array, flat),), before, 0.9 if merging else 1.3, f"before {first} {second}")
            yield Edit((d.replace(node, exchange(d, whole, first, second)),), after, 1.3 if merging else 0.9,
                       f"after {first} {second}")  # fmt: skip
        for at in range(1 if len(sizes) > 3 else 0, len(sizes) - 2):
            a, b = sizes[at], sizes[at + 1]
            start, end = d.span(node)
            text = d.text[start : d.span(a)[0]] + d.source(b) + d.text[d.span(a)[1] : d.span(b)[0]] + d.source(a)
            text += d.text[d.span(b)[1] : end]
            what = (
                f"reshaped to ({', '.join(map(d.source, sizes))}) directly, which mixes positions: first to "
                f"({', '.join(map(d.source, [*sizes[:at], b, a, *sizes[at + 2 :]]))}), then axes are exchanged"
            )
            yield Edit((d.replace(node, exchange(d, text, at, at + 1)),), what, 0.8, f"direct {at}")


def exchange(d: Definition, text: str, first: int, second: int) -> str:
    """The text of an array with two axes exchanged, as the definition's framework spells it."""
    if d.framework == "tensorflow":
        order = [0, 1, 2, 3] if (first, second) == (1, 2) else [0, 1, 2]
        order[first], order[second] = order[second], order[first]
        return f"tf.transpose({text}, {order})"
    return f"{text}.{'transpose' if d.framework == 'torch' else 'swapaxes'}({first}, {second})"


RULES = (along, exchanged, laid_out)
