"""What a good engineer would have written: calls of the catalogue found in programs made of primitives.

Each rule looks at one node whose arguments are done already and gives an equal, better one. Values agree up to
rounding; where the original overflows, the recognised form may not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lemmata.operations import call
from lemmata.operations.activation_pattern import activation
from lemmata.operations.attention_pattern import attention, grouped
from lemmata.operations.common import on_other, once
from lemmata.operations.norm_pattern import normalised, scaled, shifted
from lemmata.operations.order import reordered
from lemmata.operations.pattern import alike, finite, is_call, opened, positions, product, sole
from lemmata.program import build
from lemmata.program.graph import rebuild
from lemmata.program.node import Axis, Node


def fuse(node: Node) -> Node:
    """The same value on the same axes, perhaps in another order."""
    return fuse_all([node])[0]


def fuse_all(outputs: Sequence[Node]) -> list[Node]:
    """Several outputs of one program at once: operations recognised, products in good order, common parts once."""
    return reordered(once(recognised(outputs)))


def recognised(outputs: Sequence[Node]) -> list[Node]:
    """The outputs with calls of the catalogue in the place of what spells them out."""
    done: dict[int, Node] = {}
    stack = list(reversed(outputs))
    while stack:
        node = stack[-1]
        if node.uid in done:
            stack.pop()
            continue
        args = node.args[:-1] if node.op == "call" else node.args
        missing = [a for a in args if a.uid not in done]
        if missing:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        done[node.uid] = _improved(on_other(node, tuple(done[a.uid] for a in args)))
    return [done[o.uid] for o in outputs]


def _improved(node: Node, times: int = 4) -> Node:
    for rule in RULES.get(node.op, ()) if times else ():
        found = rule(node)
        if found is not None and set(found.axes) == set(node.axes):
            return _improved(found, times - 1)
    return node


def _outside(node: Node) -> Node | None:
    """A quotient or product in a sum of products, with what does not run over the sum outside."""
    over = node.attr("over")
    for place, argument in enumerate(node.args):
        part = opened(argument)
        if part.op not in ("mul", "div") or part.dtype != "real":
            continue
        pairs = (part.args, part.args[::-1]) if part.op == "mul" else (part.args,)
        for first, factor in pairs:
            if set(factor.axes) & set(over) or not set(over) & set(first.axes):
                continue
            rest = [a for n, a in enumerate(node.args) if n != place]
            if set(over) - set(build.union([first, *rest])):
                continue
            return build.binary(part.op, _improved(build.contract([first, *rest], over)), factor)
    return None


def _sum_of_product(node: Node) -> Node | None:
    """Σ a·b as a contraction; factors that do not run over the sum stand outside."""
    over = node.attr("over")
    factors = product(node.args[0])
    if len(factors) < 2 and (inner := opened(node.args[0])) is not node.args[0]:
        factors = product(inner)
    if len(factors) == 1 and factors[0].op == "contract" and factors[0].dtype == "real":
        return build.contract(factors[0].args, (*factors[0].attr("over"), *over))
    if len(factors) < 2:
        return None
    inside = [f for f in factors if set(f.axes) & set(over)]
    outside = [f for f in factors if not set(f.axes) & set(over)]
    if set(over) - set(build.union(inside)) or any(f.dtype == "bool" for f in factors):
        return None
    result = _improved(build.contract(inside, over)) if len(inside) > 1 else build.reduce("sum", inside[0], over)
    for factor in outside:
        result = build.binary("mul", result, factor)
    return result


def _softmax(node: Node) -> Node | None:
    """exp(s) / Σ exp(s), and Σ exp(s)·v / Σ exp(s)."""
    above, below = node.args
    summed = _sum_of_exp(below)
    if summed is None:
        return None
    if above.op == "exp":
        axis = _running(above.args[0], *summed, below)
        return None if axis is None else _softmax_of(above.args[0], axis)
    if above.op == "contract" and len(above.attr("over")) == 1:
        key = above.attr("over")[0]
        for place, factor in enumerate(above.args):
            if factor.op == "exp" and _running(factor.args[0], *summed, below) == key:
                weights = _softmax_of(factor.args[0], key)
                others = [a for n, a in enumerate(above.args) if n != place]
                return _improved(build.contract([weights, *others], [key]))
    return None


def _sum_of_exp(node: Node) -> tuple[Node, Axis] | None:
    """(s, r) of Σ_r exp(s)."""
    if node.op != "sum" or len(node.attr("over")) != 1 or node.args[0].op != "exp":
        return None
    return node.args[0].args[0], node.attr("over")[0]


def _running(s: Node, other: Node, axis: Axis, total: Node) -> Axis | None:
    """The axis of s that the other one, equal up to names, has summed."""
    for candidate in s.axes:
        if candidate not in total.axes and candidate.size == axis.size and set(s.axes) - {candidate} == set(total.axes):
            names = {a: a for a in total.axes}
            if alike(s, other, {**names, candidate: axis}):
                return candidate
    return None


def _softmax_of(s: Node, axis: Axis) -> Node:
    if s.op == "sub" and axis not in s.args[1].axes and axis in s.args[0].axes and _is_top(s.args[1], s.args[0]):
        s = s.args[0]
    return call("softmax", [s], axis=axis)


def _is_top(node: Node, x: Node) -> bool:
    return node.op == "max" and set(x.axes) == {*node.axes, *node.attr("over")}


def _log(node: Node) -> Node | None:
    """log Σ exp, log softmax and its elements, log σ, log(1 − σ), log(1 + exp x), log(exp(u) / Σ exp)."""
    x = node.args[0]
    summed = _sum_of_exp(x)
    if summed is not None:
        return call("logsumexp", [summed[0]], axis=summed[1])
    if is_call(x, "softmax"):
        return _logarithm(x)
    if is_call(x, "sigmoid"):
        return build.unary("neg", call("softplus", [build.unary("neg", x.args[0])]))
    moved = x.op == "rename" or x.op == "take" and x.attr("fill") is None
    if moved and is_call(inner := opened(x.args[0]), "softmax"):
        return _improved(rebuild(x, (_logarithm(inner), *x.args[1:])))
    if x.op == "sub" and build.literal(x.args[0]) == 1 and is_call(x.args[1], "sigmoid"):
        return build.unary("neg", call("softplus", [x.args[1].args[0]]))
    if x.op == "div" and x.args[0].op == "exp" and _sum_of_exp(x.args[1]) is not None:
        return build.binary("sub", x.args[0].args[0], _improved(build.unary("log", x.args[1])))
    rest = sole(x, "add", 1)
    if rest is not None and rest.op == "exp":
        return call("softplus", [rest.args[0]])
    return None


def _logarithm(softmax: Node) -> Node:
    return call("log_softmax", [softmax.args[0]], axis=dict(softmax.attr("attrs"))["axis"])


def _shifted(node: Node) -> Node | None:
    """m + logsumexp(x − m), where m does not run along the axis."""
    for m, total in (node.args, node.args[::-1]):
        if is_call(total, "logsumexp"):
            x, axis = total.args[0], dict(total.attr("attrs"))["axis"]
            if x.op == "sub" and x.args[1] is m and axis not in m.axes and axis in x.args[0].axes:
                return call("logsumexp", [x.args[0]], axis=axis)
    return None


def _log_softmax(node: Node) -> Node | None:
    """x − logsumexp(x)."""
    x, total = node.args
    if not is_call(total, "logsumexp"):
        return None
    axis = _running(x, total.args[0], dict(total.attr("attrs"))["axis"], total)
    return None if axis is None else call("log_softmax", [x], axis=axis)


def _cross_entropy(node: Node) -> Node | None:
    """x_c − logsumexp(x), and logsumexp(x) − x_c."""
    for turned, pair in ((True, node.args), (False, node.args[::-1])):
        chosen, total = (opened(x) for x in pair)
        if chosen.op != "take" or chosen.attr("fill") is not None or not is_call(total, "logsumexp"):
            continue
        (x, place), axis = chosen.args, chosen.attr("axis")
        own, over = total.args[0], dict(total.attr("attrs"))["axis"]
        rest = {a: a for a in x.axes if a != axis}
        if axis.size != over.size or set(rest) != set(total.axes) or not set(place.axes) <= set(rest):
            continue
        if alike(x, own, {**rest, axis: over}):
            found = call("cross_entropy", [x, place], axis=axis)
            return build.unary("neg", found) if turned else found
    return None


def _log_likelihood(node: Node) -> Node | None:
    """The logarithm of a softmax at classes that are given."""
    x, place = node.args
    if not is_call(x, "log_softmax") or node.attr("fill") is not None or positions(place) is not None:
        return None
    axis = dict(x.attr("attrs"))["axis"]
    if axis != node.attr("axis") or not set(place.axes) <= set(x.axes) - {axis}:
        return None
    return build.unary("neg", call("cross_entropy", [x.args[0], place], axis=axis))


def _sigmoid(node: Node) -> Node | None:
    """y / (1 + exp(−x)), exp(x) / (1 + exp(x))."""
    above, below = node.args
    rest = sole(below, "add", 1)
    if rest is None or rest.op != "exp":
        return None
    if build.literal(above) == 1:
        return call("sigmoid", [build.unary("neg", rest.args[0])])
    if above is rest:
        return call("sigmoid", [rest.args[0]])
    if rest.args[0].op != "neg":
        return None
    return _improved(build.binary("mul", above, call("sigmoid", [rest.args[0].args[0]])))


def _exponential(node: Node) -> Node | None:
    """e to a power."""
    base, exponent = node.args
    is_e = base.op == "special" and base.attr("name") == "e"
    return build.unary("exp", exponent) if is_e and exponent.dtype != "complex" else None


def _guarded(node: Node) -> Node | None:
    """A product where a condition holds and 0 elsewhere, with the condition on one factor: exp of s or −∞."""
    condition, body, other = node.args
    if build.literal(other) != 0 or isinstance(build.literal(other), bool) or body.dtype == "complex":
        return None
    parts = [opened(x) for x in product(body)]
    for place, part in enumerate(parts):
        above, rest = part.args[0] if part.op == "div" else part, parts[:place] + parts[place + 1 :]
        if above.op != "exp" or not set(condition.axes) & set(above.axes) or not all(map(finite, rest)):
            continue
        low = build.unary("neg", build.special("inf"))
        result = build.unary("exp", _improved(build.select(condition, above.args[0], low)))
        if part.op == "div":
            result = _improved(build.binary("div", result, part.args[1]))
            if not is_call(result, "softmax"):
                continue
        return _times(result, rest)
    if len(parts) > 1:
        place = max(range(len(parts)), key=lambda n: len(set(condition.axes) & set(parts[n].axes)))
        rest = parts[:place] + parts[place + 1 :]
        if set(condition.axes) <= set(parts[place].axes) < set(node.axes) and all(map(finite, rest)):
            return _times(build.select(condition, parts[place], other), rest)
    return None


def _times(first: Node, rest: Sequence[Node]) -> Node:
    for factor in rest:
        first = build.binary("mul", first, factor)
    return first


def _linear(node: Node) -> Node | None:
    """x W + b, b along every axis of W that x lacks."""
    for first, bias in (node.args, node.args[::-1]):
        matrix = opened(first)
        if matrix.op != "contract" or len(matrix.args) != 2 or len(matrix.attr("over")) != 1 or not bias.axes:
            continue
        for x, w in (matrix.args, matrix.args[::-1]):
            rows, columns = set(x.axes) - set(w.axes), set(w.axes) - set(x.axes)
            shared = set(x.axes) & set(w.axes)
            if rows and columns == set(bias.axes) and shared == set(matrix.attr("over")) and node.dtype == "real":
                return call("linear", [x, w, bias], feature=matrix.attr("over")[0])
    return None


def _repeated(node: Node) -> Node | None:
    """A product with rows that are taken several times, as the rows taken of the product."""
    for place, argument in enumerate(node.args):
        taken = opened(argument)
        if taken.op != "take" or taken.attr("fill") is not None:
            continue
        (rows, index), axis = taken.args, taken.attr("axis")
        others = [a for n, a in enumerate(node.args) if n != place]
        outside = {axis, *index.axes} & set(build.union(others))
        if outside or set(index.axes) & set(node.attr("over")) or math.prod(a.size for a in index.axes) < axis.size:
            continue
        whole = build.contract([*node.args[:place], rows, *node.args[place + 1 :]], node.attr("over"))
        return build.take(_improved(whole), axis, index)
    return None


def _taken_together(node: Node) -> Node | None:
    """Rows taken of two things at the same places, as rows of their sum."""
    first, second = (opened(a) for a in node.args)
    if first.op != "take" or second.op != "take" or first.args[1] is not second.args[1]:
        return None
    axis, other = first.attr("axis"), second.attr("axis")
    if first.attr("fill") is not None or second.attr("fill") is not None or axis.size != other.size:
        return None
    x, y = first.args[0], build.rename(second.args[0], {other: axis}) if other != axis else second.args[0]
    if set(first.args[1].axes) & {*x.axes, *y.axes} or other != axis and axis in second.args[0].axes:
        return None
    return build.take(_improved(build.binary(node.op, x, y)), axis, first.args[1])


def _values_first(node: Node) -> Node | None:
    """(A V) W as A (V W), where that leaves fewer columns to attend with."""
    if len(node.args) != 2:
        return None
    for first, w in (node.args, node.args[::-1]):
        found = opened(first)
        if not is_call(found, "attention"):
            continue
        names = dict(found.attr("attrs"))
        value, v = names["value"], found.args[2]
        columns = [a for a in w.axes if a not in found.axes]
        if node.attr("over") != (value,) or value not in w.axes or not columns or "groups" in names:
            continue
        if {names["query"], names["key"]} & set(w.axes) or math.prod(a.size for a in columns) > value.size:
            continue
        args = [*found.args[:2], _improved(build.contract([v, w], [value])), *found.args[3:-1]]
        return call("attention", args, **{**names, "value": columns[-1]})
    return None


def _sign(node: Node) -> Node | None:
    """The sign of a product is that of its smallest factor."""
    body = node.args[0]
    if body.op not in ("mul", "div") or body.dtype == "complex":
        return None
    sizes = [math.prod(a.size for a in x.axes) for x in body.args]
    small = sizes.index(min(sizes))
    if sizes[small] == math.prod(a.size for a in node.axes):
        return None
    args = [build.unary("neg", x) if at == small else x for at, x in enumerate(body.args)]
    return build.binary(body.op, args[0], args[1])


def _silu(node: Node) -> Node | None:
    for x, gate in (node.args, node.args[::-1]):
        if is_call(gate, "sigmoid") and gate.args[0] is x:
            return call("silu", [x])
    return None


def _relu(node: Node) -> Node | None:
    other = sole(node, "maximum", 0)
    return None if other is None or other.dtype != "real" else call("relu", [other])


RULES: dict[str, tuple[Callable[[Node], Node | None], ...]] = {
    "sum": (_sum_of_product,),
    "div": (_softmax, _sigmoid, normalised, activation),
    "log": (_log,),
    "add": (_shifted, shifted, _taken_together, _linear),
    "sub": (_log_softmax, _cross_entropy),
    "mul": (_silu, activation, scaled),
    "maximum": (_relu,),
    "contract": (attention, _values_first, _repeated, _outside),
    "call": (grouped,),
    "take": (_log_likelihood,),
    "neg": (_sign,),
    "pow": (_exponential,),
    "select": (_guarded,),
}
"""Rules by the operation of the node they look at."""
