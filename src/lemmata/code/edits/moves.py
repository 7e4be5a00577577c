"""Edits that move an operation past another: scale and mask past the softmax, normalisation past the sum, lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from lemmata.code.edits.arithmetic import brief
from lemmata.code.edits.axes import MODULES
from lemmata.code.edits.text import Change, Definition, Edit, called, is_method

WEIGHTS = frozenset("softmax log_softmax Softmax".split())
SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)
ACTIVE = frozenset("relu gelu silu tanh sigmoid softplus exp log sqrt elu".split())
INSIDE = 'float("-inf")'


def past_softmax(d: Definition) -> Iterator[Edit]:
    """Scaling or masking of the weights that belongs to the scores."""
    for node in d.nodes():
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            inner = _scores(node.left)
            if inner is not None and isinstance(node.left, ast.Call):
                sign = "/" if isinstance(node.op, ast.Div) else "*"
                scaled = f"{d.operand(inner)} {sign} {d.operand(node.right)}"
                yield Edit(
                    (d.replace(node, _with(d, node.left, inner, scaled)),), after("scaled", node, d), 0.4, "past"
                )
                yield from _masked(d, node, node.left, inner, node.right)
        if isinstance(node, ast.Call) and called(node) in ("masked_fill", "where", "masked_fill_"):
            yield from _filled(d, node)
    for block in d.blocks():
        for at, first in enumerate(block):
            if isinstance(first, ast.Assign) and isinstance(first.targets[0], ast.Name):
                call = first.value
                inner = _scores(call)
                if inner is not None and isinstance(call, ast.Call):
                    for second in block[at + 1 : at + 4]:
                        yield from _later(d, call, inner, first.targets[0].id, second, block)


def _scores(node: ast.AST) -> ast.expr | None:
    """What a call of softmax is applied to."""
    if not isinstance(node, ast.Call):
        return None
    if called(node) in WEIGHTS:
        if is_method(node, (*MODULES, "layers", "self")) and isinstance(node.func, ast.Attribute):
            return node.func.value
        return node.args[0] if node.args else None
    return None


def _with(d: Definition, call: ast.Call, inner: ast.expr, text: str) -> str:
    """The call with another argument."""
    start, end = d.span(call)
    first, last = d.span(inner)
    method = isinstance(call.func, ast.Attribute) and call.func.value is inner
    if method and d.text[first - 1 : first] == "(" and d.text[last : last + 1] == ")":
        method = False
    return d.text[start:first] + (f"({text})" if method else text) + d.text[last:end]


def after(what: str, node: ast.AST, d: Definition) -> str:
    return f"{what} after the softmax, not before it"


def _masked(d: Definition, node: ast.AST, call: ast.Call, inner: ast.expr, mask: ast.expr) -> Iterator[Edit]:
    """softmax(S) * mask, where the scores have to be masked."""
    m, s = d.source(mask), d.source(inner)
    for text in fills(d, s, m):
        yield Edit((d.replace(node, _with(d, call, inner, text)),), after("masked", node, d), 0.6, "mask past")


def fills(d: Definition, scores: str, mask: str) -> Iterator[str]:
    """The scores, −∞ where the mask is zero."""
    if d.framework == "torch":
        yield f"({scores}).masked_fill(({mask}) == 0, {INSIDE})"
    elif d.framework == "tensorflow":
        low = f"tf.fill(tf.shape({scores}), tf.cast({INSIDE}, ({scores}).dtype))"
        yield f"tf.where(tf.equal({mask}, 0), {low}, {scores})"
    else:
        name = "jnp" if d.framework == "jax" else "np"
        yield f"{name}.where(({mask}) == 0, -{name}.inf, {scores})"


def _filled(d: Definition, node: ast.Call) -> Iterator[Edit]:
    """softmax(S).masked_fill(m, 0), where(m, softmax(S), 0)."""
    if called(node) == "where" and len(node.args) == 3:
        for keep in (1, 2):
            inner = _scores(node.args[keep])
            call = node.args[keep]
            if inner is not None and isinstance(call, ast.Call):
                parts = [d.source(a) for a in node.args]
                parts[keep], parts[3 - keep] = d.source(inner), f"-{'jnp' if d.framework == 'jax' else 'np'}.inf"
                text = f"{d.source(node.func)}({', '.join(parts)})"
                yield Edit((d.replace(node, _with(d, call, inner, text)),), after("masked", node, d), 0.5, "mask past")
    elif isinstance(node.func, ast.Attribute) and len(node.args) == 2:
        call = node.func.value
        inner = _scores(call)
        if inner is not None and isinstance(call, ast.Call):
            text = f"{d.operand(inner)}.masked_fill({d.source(node.args[0])}, {INSIDE})"
            yield Edit((d.replace(node, _with(d, call, inner, text)),), after("masked", node, d), 0.5, "mask past")


def _later(
    d: Definition, call: ast.Call, inner: ast.expr, name: str, second: ast.stmt,
    block: list[ast.stmt],
) -> Iterator[Edit]:  # fmt: skip
    """A later statement that scales or masks the weights, moved into the softmax."""
    scores = d.operand(inner)
    gone = d.remove(second, block)
    if isinstance(second, ast.If) and len(second.body) == 1 and not second.orelse:
        second = second.body[0]
    if isinstance(second, ast.AugAssign) and isinstance(second.target, ast.Name) and second.target.id == name:
        value, operation = second.value, second.op
    elif isinstance(second, ast.Assign) and isinstance(second.targets[0], ast.Name) and second.targets[0].id == name:
        found = second.value
        if isinstance(found, ast.Call) and called(found) in ("masked_fill", "where") and d.source(found).count(name):
            if called(found) == "masked_fill" and isinstance(found.func, ast.Attribute) and len(found.args) == 2:
                text = f"{scores}.masked_fill({d.source(found.args[0])}, {INSIDE})"
            else:
                parts = [d.source(a) for a in found.args]
                if len(parts) != 3 or name not in parts[1:]:
                    return
                keep = parts.index(name, 1)
                low = f"-{'jnp' if d.framework == 'jax' else 'np'}.inf"
                low = f"tf.cast({INSIDE}, {scores}.dtype)" if d.framework == "tensorflow" else low
                parts[keep], parts[3 - keep] = d.source(inner), low
                text = f"{d.source(found.func)}({', '.join(parts)})"
            changes = (d.replace(call, _with(d, call, inner, text)), gone)
            yield Edit(changes, after("masked", call, d), 0.5, "mask past")
            return
        if not isinstance(found, ast.BinOp) or d.source(found.left) != name:
            return
        value, operation = found.right, found.op
    else:
        return
    if isinstance(operation, (ast.Mult, ast.Div)):
        sign = "*" if isinstance(operation, ast.Mult) else "/"
        text = _with(d, call, inner, f"{scores} {sign} {d.operand(value)}")
        yield Edit((d.replace(call, text), gone), after("scaled", call, d), 0.4, "past")
        for text in fills(d, d.source(inner), d.source(value)):
            yield Edit((d.replace(call, _with(d, call, inner, text)), gone), after("masked", call, d), 0.5, "mask past")


def past_product(d: Definition) -> Iterator[Edit]:
    """f(a * b) for f(a) * b, and the other way round."""
    for node in d.nodes():
        if isinstance(node, ast.Call) and called(node) in ACTIVE and node.args and isinstance(node.args[0], ast.BinOp):
            inner = node.args[0]
            sign = {ast.Mult: "*", ast.Div: "/", ast.Add: "+"}.get(type(inner.op))
            if sign is not None:
                left = _with(d, node, inner, d.source(inner.left))
                what = f"{called(node)} is applied after `{sign} {brief(d.source(inner.right))}`, not before it"
                yield Edit((d.replace(node, f"({left} {sign} {d.operand(inner.right)})"),), what, 0.9, "past product")
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div, ast.Add)):
            call = node.left
            if isinstance(call, ast.Call) and called(call) in ACTIVE and len(call.args) == 1:
                sign = {ast.Mult: "*", ast.Div: "/", ast.Add: "+"}[type(node.op)]
                text = _with(d, call, call.args[0], f"{d.operand(call.args[0])} {sign} {d.operand(node.right)}")
                what = f"{called(call)} is applied before `{sign} {brief(d.source(node.right))}`, not after it"
                yield Edit((d.replace(node, text),), what, 1.0, "past product")


def past_sum(d: Definition) -> Iterator[Edit]:
    """norm(x + f(x)) and x + f(norm(x))."""
    for node in d.nodes():
        if isinstance(node, ast.Call) and "norm" in called(node).lower() and len(node.args) == 1:
            total = node.args[0]
            if isinstance(total, ast.BinOp) and isinstance(total.op, ast.Add):
                for x, f in ((total.left, total.right), (total.right, total.left)):
                    if isinstance(f, ast.Call) and f.args and d.source(f.args[-1]) == d.source(x):
                        head = d.source(node.func)
                        start, end = d.span(f)
                        first, last = d.span(f.args[-1])
                        inside = d.text[start:first] + f"{head}({d.source(x)})" + d.text[last:end]
                        what = "normalised after the sum, where the formula normalises before the sublayer"
                        yield Edit((d.replace(node, f"{d.source(x)} + {inside}"),), what, 0.5, "norm first")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            for x, f in ((node.left, node.right), (node.right, node.left)):
                inner = f.args[0] if isinstance(f, ast.Call) and f.args else None
                if isinstance(inner, ast.Call) and "norm" in called(inner).lower() and isinstance(f, ast.Call):
                    if len(inner.args) == 1 and d.source(inner.args[0]) == d.source(x):
                        start, end = d.span(f)
                        first, last = d.span(inner)
                        plain = d.text[start:first] + d.source(x) + d.text[last:end]
                        what = "normalised before the sublayer, where the formula normalises the sum after it"
                        text = f"{d.source(inner.func)}({d.source(x)} + {plain})"
                        yield Edit((d.replace(node, text),), what, 0.5, "norm last")


def lines(d: Definition) -> Iterator[Edit]:
    """A statement too many; two neighbours in the wrong order."""
    for block in d.blocks():
        for at, statement in enumerate(block):
            if not isinstance(statement, SIMPLE) or isinstance(statement, ast.Return):
                continue
            text = brief(d.source(statement))
            yield Edit((d.remove(statement, block),), f"`{text}` is not in the formula", 1.2, "line")
            if at + 1 < len(block) and isinstance(block[at + 1], SIMPLE[:3]):
                other = block[at + 1]
                swapped = (d.replace(statement, d.source(other)), d.replace(other, d.source(statement)))
                what = f"`{text}` comes before `{brief(d.source(other))}`, not after it"
                yield Edit(swapped, what, 0.9, "lines")


def halves(d: Definition) -> Iterator[Edit]:
    """Pairs of neighbours against two halves, in rotary embeddings."""
    slices = [n for n in d.nodes() if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Tuple) and n.slice.elts]
    ends = [(n, n.slice.elts[-1]) for n in slices if isinstance(n.slice, ast.Tuple)]
    joins = [n for n in d.nodes() if isinstance(n, ast.Call) and called(n) in ("cat", "concat", "concatenate", "stack")]
    halved = [
        d.replace(s, "0::2" if s.lower is None else "1::2")
        for _, s in ends
        if isinstance(s, ast.Slice) and s.step is None and (s.lower is None) != (s.upper is None)
    ]
    what = "the two halves are rotated against each other, where the formula rotates neighbours (2i, 2i+1)"
    joined: list[Change] = []
    for join in joins:
        parts = d.source(join.args[0]) if join.args else ""
        flat = f"{d.source(join.func).removesuffix(called(join))}stack({parts}, {_axis(d)}=-1)"
        if d.framework == "torch":
            joined.append(d.replace(join, f"{flat}.flatten(-2)"))
        elif d.framework in ("jax", "numpy"):
            joined.append(d.replace(join, f"{flat}.reshape(*{flat}.shape[:-2], -1)"))
        else:
            joined.append(d.replace(join, f"tf.reshape({flat}, tf.shape({flat})[:-2] + [-1])"))
    if len(halved) == 2 and joined:
        yield Edit((*halved, *joined), what, 0.6, "halves")
    chunks = [
        n for n in d.nodes()
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call) and called(n.value) in ("chunk", "split")
    ]  # fmt: skip
    for assign in chunks:
        call = assign.value
        assert isinstance(call, ast.Call)
        method = is_method(call, MODULES) and isinstance(call.func, ast.Attribute)
        array = (
            d.operand(call.func.value) if method and isinstance(call.func, ast.Attribute) else d.source(call.args[0])
        )
        if joined:
            split = d.replace(call, f"({array}[..., 0::2], {array}[..., 1::2])")
            yield Edit((split, *joined), what, 0.6, "halves")
    if len(joins) == 1 and called(joins[0]) != "stack" and joined:
        text = "the parts are put one after the other, where the formula has them in turn"
        yield Edit((joined[0],), text, 0.9, "in turn")


def _axis(d: Definition) -> str:
    return "dim" if d.framework == "torch" else "axis"


RULES = (past_softmax, past_sum, past_product, lines, halves)
