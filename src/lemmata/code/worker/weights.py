"""Makes softmax-weighted sums tell the scores and the weights that they were run with.

    A = softmax(S / c)          =>  A = softmax(__lemmata_scores__(3, S / c))
    out = dropout(A) @ V        =>  out = dropout(__lemmata_weights__(4, 'left', ('mask',), A)) @ V

Weights are what comes from a softmax, or from a quotient where exponentials are taken, and goes into a matrix product
in the same function. Values pass through unchanged.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Any

from lemmata.code.worker import arrays

SCORES, WEIGHTS, FUSED = "__lemmata_scores__", "__lemmata_weights__", "__lemmata_fused__"
SOFTMAX = re.compile(
    r"^(?!.*(log|cross|loss|grad|back|jac|deriv|gumbel))_*([a-z]+_)?softmax(_[a-z]+)?\d?$", re.IGNORECASE
)
PRODUCTS = frozenset({"matmul", "bmm", "dot", "einsum", "batch_dot"})
ORDERED = frozenset({"matmul", "bmm", "dot"})
COMPILED = re.compile(r"jit|script|compile|tf\.function|vmap")
MASK = re.compile(r"mask|valid_?len|pad", re.IGNORECASE)
ATTENTION = re.compile(r"att|quer|(?<![a-z])q(?![a-z])|score|align", re.IGNORECASE)
"""Words that tell attention from other products with stochastic matrices, such as a step of a Markov chain."""
MULTIPLIED = re.compile(r"mask|\bkeep\b|tril|causal|allowed", re.IGNORECASE)
MODULES = frozenset(
    "self cls torch F nn functional tf tensorflow keras K layers jax jnp np numpy scipy special sp ops activations "
    "paddle mx npx nd mindspore mnp".split()
)
KEEPING = ("masked_fill", "to", "astype", "type_as", "float", "double", "contiguous", "nan_to_num", "detach")
WIDTHS = ("d_k", "dk", "d", "q", "Q", "query", "queries", "k", "K")
"""Variables that tell the width of queries and keys."""
EVENTS, FIRST, MOST = 24, 2, 2**20
"""Places that are kept, values of each besides the last, bytes of an array."""

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef


def instrument_weights(tree: ast.Module, attention: bool = False) -> None:
    """Add the calls to a module, in every function that the frameworks do not compile.

    `attention`: whether earlier cells spoke of attention.
    """
    for scope in _scopes(tree):
        own = list(_own(scope))
        exponential = any(_called(n) in ("exp", "exp_", "exp2") for n in own)
        weights = _weights(own, exponential)
        flow = _Flow(scope, own, attention)
        fused = [n for n in own if _called(n) == "scaled_dot_product_attention"]
        for at, node in enumerate(own):
            _tell_weights(node, weights, flow, at)
        for node in own:
            if isinstance(node, ast.Call) and _is_softmax(node):
                _tell_scores(node)
        for node in fused:
            if isinstance(node, ast.Call):
                told = [ast.Constant(node.lineno), node.func]
                call = ast.Call(ast.Name(FUSED, ast.Load()), told, [])
                node.func = ast.fix_missing_locations(ast.copy_location(call, node.func))


def _tell_weights(node: ast.AST, weights: dict[str, str], flow: _Flow, at: int) -> None:
    """Wrap the operands of a product that are weights."""

    def told(value: ast.expr, role: str) -> ast.expr:
        return _wrapped(value, role, weights, flow, at)

    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        node.left, node.right = told(node.left, "left"), told(node.right, "right")
    elif isinstance(node, ast.Call) and (name := _called(node)) in PRODUCTS:
        if isinstance(node.func, ast.Attribute) and len(node.args) == 1 and name in ORDERED:  # A.matmul(V)
            node.func.value, node.args[0] = told(node.func.value, "left"), told(node.args[0], "right")
        elif not any(isinstance(a, ast.Starred) for a in node.args):
            roles = ("left", "right") if name in ORDERED else ("", "")
            for place, role in zip(range(1 if name == "einsum" else 0, len(node.args)), roles):
                node.args[place] = told(node.args[place], role)


class _Flow:
    """Which masks go into a value: those it is computed from, and every parameter of its function that is called so."""

    def __init__(self, scope: Scope, own: list[ast.AST], attention: bool) -> None:
        body = set(map(id, scope.body))
        self._assigned: list[tuple[int, str, frozenset[str], bool]] = []
        for at, node in enumerate(own):
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and node.value is not None:
                read = frozenset(n.id for n in ast.walk(node.value) if isinstance(n, ast.Name))
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    for name in ast.walk(target):
                        if isinstance(name, (ast.Name, ast.Attribute)):
                            whole = id(node) in body and isinstance(node, ast.Assign) and target is name
                            self._assigned.append((at, ast.unparse(name), read, whole))
        arguments = [] if isinstance(scope, ast.Module) else [*scope.args.args, *scope.args.kwonlyargs]
        before = attention and isinstance(scope, ast.Module)
        self.attention = before or ATTENTION.search(ast.unparse(scope)) is not None
        self._parameters = {a.arg for a in arguments if MASK.search(a.arg)}

    def masks(self, value: ast.expr, at: int) -> tuple[str, ...]:
        waiting = [(ast.unparse(n), at) for n in ast.walk(value) if isinstance(n, (ast.Name, ast.Attribute))]
        seen: set[tuple[str, int]] = set()
        while waiting:
            name, before = waiting.pop()
            if (name, before) in seen:
                continue
            seen.add((name, before))
            for place, target, read, whole in reversed(self._assigned):
                if place < before and target == name:
                    waiting += [(other, place) for other in read]
                    if whole and name not in read:
                        break
        return tuple(sorted(self._parameters | {name for name, _ in seen if MASK.search(name)}))


def _scopes(tree: ast.Module) -> Iterator[Scope]:
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if not any(COMPILED.search(ast.unparse(d)) for d in node.decorator_list):
                yield node


def _own(scope: Scope) -> Iterator[ast.AST]:
    """Nodes of a scope without those of functions and classes inside, in the order of the text."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        yield child
        yield from _own(child)  # type: ignore[arg-type]


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    if isinstance(function, ast.Call):  # nn.Softmax(dim=-1)(x)
        return _called(function)
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _is_softmax(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not SOFTMAX.match(_called(node)):
        return False
    layer = _called(node) == "Softmax" and not isinstance(node.func, ast.Call)
    return not layer  # nn.Softmax(dim=-1) makes a layer, it computes nothing


def _weights(own: list[ast.AST], exponential: bool) -> dict[str, str]:
    """Variables and attributes that hold weights, with their origin: `softmax`, `quotient`, `dropout`."""
    found: dict[str, str] = {}
    for node in own:
        if isinstance(node, ast.Assign) or (isinstance(node, ast.AnnAssign) and node.value is not None):
            value = node.value
            origin = _carries(value, found) if value is not None else ""
            if not origin and exponential and value is not None and _quotient(value):
                origin = "quotient"
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if origin and isinstance(target, (ast.Name, ast.Attribute)):
                    found[ast.unparse(target)] = origin
        elif isinstance(node, ast.AugAssign) and exponential and isinstance(node.op, ast.Div):
            if isinstance(node.target, ast.Name) and "sum" in ast.unparse(node.value):
                found.setdefault(node.target.id, "quotient")
    return found


def _quotient(value: ast.expr) -> bool:
    """`e / e.sum(...)`, where exponentials are taken in the same function."""
    if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div)):
        return False
    return isinstance(value.right, ast.Name) or "sum" in ast.unparse(value.right)


def _carries(value: ast.expr, known: dict[str, str]) -> str:
    """The origin of an expression that is weights, masked or normalised anew perhaps; empty if it is none."""
    if _is_softmax(value):
        return "softmax"
    if isinstance(value, (ast.Name, ast.Attribute)):
        return known.get(ast.unparse(value), "")
    if isinstance(value, ast.Subscript) and isinstance(value.slice, (ast.Constant, ast.Name)):
        return _carries(value.value, known)
    if isinstance(value, ast.Call):
        name = _called(value)
        if value.args and "drop" in name.lower():
            return "dropout" if _carries(value.args[0], known) else ""
        if value.args and name in ("asarray", "array"):
            return _carries(value.args[0], known)
        if name in KEEPING and isinstance(value.func, ast.Attribute):
            return _carries(value.func.value, known)
        if name == "where" and len(value.args) == 3:
            return _carries(value.args[1], known) or _carries(value.args[2], known)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        for one, other in ((value.left, value.right), (value.right, value.left)):
            if (origin := _carries(one, known)) and MULTIPLIED.search(ast.unparse(other)):
                return origin
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div) and "sum" in ast.unparse(value.right):
        return _carries(value.left, known)
    return ""


def _wrapped(node: ast.expr, role: str, weights: dict[str, str], flow: _Flow, at: int) -> ast.expr:
    if isinstance(node, ast.Call) and node.args and "drop" in _called(node).lower():
        node.args[0] = _wrapped(node.args[0], role, weights, flow, at)
        return node
    origin = _carries(node, weights)
    if not origin:
        return node
    name = ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) else "softmax"
    told = [ast.Constant(v) for v in (node.lineno, role, name, origin, flow.attention)]
    masked = ast.Tuple([ast.Constant(m) for m in flow.masks(node, at)], ast.Load())
    call = ast.Call(ast.Name(WEIGHTS, ast.Load()), [*told, masked, node], [])
    return ast.fix_missing_locations(ast.copy_location(call, node))


def _tell_scores(node: ast.Call) -> None:
    function = node.func

    def told(value: ast.expr) -> ast.expr:
        call = ast.Call(ast.Name(SCORES, ast.Load()), [ast.Constant(value.lineno), value], [])
        return ast.copy_location(call, value)

    root: ast.expr = function
    while isinstance(root, ast.Attribute):
        root = root.value
    method = isinstance(function, ast.Attribute) and not (isinstance(root, ast.Name) and root.id in MODULES)
    if method and isinstance(function, ast.Attribute):
        function.value = told(function.value)
    elif node.args and not isinstance(node.args[0], ast.Starred):
        node.args[0] = told(node.args[0])


class Witness:
    """Keeps what weighted sums were run with: the first values of every place, and the last."""

    def __init__(self) -> None:
        self.cell = 0
        self.active = False
        """Whether a cell of the document is running."""
        self.kept: dict[tuple[int, int, str], list[dict[str, Any]]] = {}
        self.last: dict[tuple[int, int, str], tuple[Any, ...]] = {}
        self._scores: Any = None
        self._count: dict[tuple[int, int, str], int] = {}

    def scores(self, line: int, value: Any) -> Any:
        """The argument of a softmax."""
        self._scores = value
        return value

    def weights(
        self, line: int, role: str, name: str, origin: str, attention: bool, masks: tuple[str, ...], value: Any
    ) -> Any:
        """An operand of a weighted sum."""
        if not self.active:
            return value
        place = (self.cell, line, name)
        self._count[place] = self._count.get(place, 0) + 1
        try:
            if place in self.last or len(self.last) < EVENTS:
                known: dict[str, Any] = sys._getframe(1).f_locals
                named = {n: known[n] for n in masks if n in known and known[n] is not value}
                widths = {n: known[n] for n in WIDTHS if n in known}
                event = (role, origin, attention, _held(value), _held(self._scores), named, widths)
                if self._count[place] <= FIRST:
                    self.kept.setdefault(place, []).append(_data(*event))
                self.last[place] = event
        except Exception:  # a value may do anything when looked at; that is no fault of the cell
            pass
        return value

    def fused(self, line: int, function: Any) -> Any:
        """PyTorch's attention in one call: the weights that it uses within."""
        torch = arrays.loaded("torch")
        if torch is None or function is not torch.nn.functional.scaled_dot_product_attention or not self.active:
            return function

        def attend(*given: Any, **named: Any) -> Any:
            result = function(*given, **named)
            try:
                with torch.no_grad():
                    place = (self.cell, line, "scaled_dot_product_attention")
                    if place in self.last or len(self.last) < EVENTS:
                        event = ("left", "fused", True, *_within(torch, result, *given, **named))
                        self._count[place] = self._count.get(place, 0) + 1
                        if self._count[place] <= FIRST:
                            self.kept.setdefault(place, []).append(_data(*event))
                        self.last[place] = event
            except Exception:  # as below
                pass
            return result

        return attend

    def finished(self) -> None:
        """A cell has ended: look at the last values, let go of them."""
        self.active = False
        for place, event in self.last.items():
            if event and self._count[place] > FIRST:
                try:
                    self.kept[place].append(_data(*event))
                except Exception:
                    pass
            self.last[place] = ()
        self._scores = None

    def told(self) -> list[dict[str, Any]]:
        """Everything that was kept, in the order of the first run."""
        return [
            {"cell": cell, "line": line, "name": name, **event}
            for (cell, line, name), events in self.kept.items()
            for event in events
            if event
        ]


def _within(
    torch: Any, result: Any, query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """(weights, scores, masks, widths) of PyTorch's attention."""
    if query.shape[-2] * key.shape[-2] > MOST or enable_gqa:
        return (None, None, {}, {})
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril().to(scores.device)
    if attn_mask is not None:
        hidden = attn_mask.logical_not() if attn_mask.dtype == torch.bool else None
        scores = scores + attn_mask if hidden is None else scores.masked_fill(hidden, float("-inf"))
    weights = scores.softmax(-1)
    if not result.isnan().any():  # newer versions give zeros to queries without keys
        weights = weights.nan_to_num(0.0)
    return weights, scores, {}, {"query": query}


def _held(value: Any) -> Any:
    return value.detach() if arrays.is_torch(value) else value


def _data(
    role: str, origin: str, attention: bool, value: Any, scores: Any, masks: dict[str, Any], widths: dict[str, Any]
) -> dict[str, Any]:
    """An event as arrays; empty if the value is none."""
    weights = arrays.to_numpy(value, MOST)
    if weights is None or weights.ndim == 0 or weights.dtype.kind != "f":
        return {}
    found: dict[str, Any] = {
        "role": role,
        "origin": origin,
        "attention": attention,
        "weights": weights,
        "dtype": arrays.dtype_name(value),
    }
    before = arrays.to_numpy(scores, MOST)
    if before is not None and before.shape == weights.shape:
        found["scores"] = before
    found["masks"] = {n: a for n, v in masks.items() if (a := arrays.to_numpy(v, MOST)) is not None}
    found["widths"] = {}
    for name, held in widths.items():
        shape = getattr(held, "shape", None)
        if isinstance(held, (int, float)) and not isinstance(held, bool):
            found["widths"][name] = float(held)
        elif shape is not None and len(shape) >= 2:
            found["widths"][name] = float(shape[-1])
    return found
