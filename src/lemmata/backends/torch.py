"""Programs on PyTorch tensors: differentiable, on the device and in the precision of the inputs.

What depends on no input is worked out once with NumPy. Calls of the catalogue use PyTorch's own functions; products
summed over axes become matrix products.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from msgspec import Struct, field
from torch import Tensor
from torch.nn import functional

from lemmata.backends import numpy as plain
from lemmata.backends.torch_beside import beside, linear_beside, part
from lemmata.backends.torch_calls import NATIVE
from lemmata.backends.torch_layout import Kind, Laid, Rule, as_index, as_tensor, index_only, rearrange, wanted_layouts
from lemmata.backends.torch_products import contraction
from lemmata.program import build
from lemmata.program.graph import inputs as leaves
from lemmata.program.graph import ordered
from lemmata.program.node import Axis, Node


def run(outputs: Sequence[Node], feeds: Mapping[str, Any]) -> list[Tensor]:
    """The values of the outputs, each with its dimensions in the order of `node.axes`.

    Feeds are tensors or anything NumPy takes, in double precision then. Raises KeyError for an input not fed.
    """
    wanted = leaves(*outputs)
    return list(compile(outputs, wanted, torch.float64)(*(_fed(n, feeds[n.attr("name")]) for n in wanted)))


def _fed(node: Node, value: Any) -> Tensor:
    if isinstance(value, Tensor):
        return value
    array = np.asarray(value)
    if array.dtype == object or (node.dtype == "real" and array.dtype.kind in "biu"):
        array = array.astype(complex if node.dtype == "complex" else float)
    return torch.tensor(array)


Step = tuple[Rule, tuple[int, ...], int, tuple[int, ...]]
"""A rule, where its arguments stand, where its value goes, and the values that no later step needs."""


class Compiled(Struct):
    """A program as a list of tensor operations on numbered values: the inputs, the constants, one value a step."""

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    steps: list[Step]
    constants: list[Any]
    """Behind the inputs."""
    results: tuple[int, ...]
    real: tuple[bool, ...]
    """Which inputs are real numbers; whole numbers that are places along an axis stay whole."""
    size: int
    precision: torch.dtype | None = None
    """Of real numbers where no input is one; None is PyTorch's default."""
    _made: dict[Kind, list[Any]] = field(default_factory=dict)

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The outputs at these inputs, given in the order of `inputs`. Raises ValueError for another shape."""
        if len(tensors) != len(self.inputs):
            raise ValueError(f"{len(tensors)} tensors for {len(self.inputs)} inputs")
        for node, tensor in zip(self.inputs, tensors, strict=True):
            wanted = tuple(a.size for a in node.axes)
            if tuple(tensor.shape) != wanted:
                raise ValueError(f"{node.attr('name')} has shape {tuple(tensor.shape)}, not {wanted}")
        return self.run(self.kind(tensors), tensors)

    def kind(self, tensors: Sequence[Tensor]) -> Kind:
        """The precision and the device that these inputs set."""
        return Kind.of(tensors, self.precision)

    def run(self, kind: Kind, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The outputs at inputs of the right shapes."""
        values = [kind.number(t) if real else t for real, t in zip(self.real, tensors, strict=True)]
        values += self._made.get(kind) or self._constants(kind)
        for rule, args, slot, free in self.steps:
            values[slot] = rule(kind, [values[a] for a in args])
            for unused in free:
                values[unused] = None
        return tuple([_whole(kind, values[r], o) for r, o in zip(self.results, self.outputs, strict=True)])

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled:
        """Copies of a module share their program."""
        return self

    def _constants(self, kind: Kind) -> list[Any]:
        with torch.inference_mode(False):
            made = [_made(kind, x) for x in self.constants]
        made += [None] * (self.size - len(self.inputs) - len(made))
        self._made = {kind: made}
        return made


def _made(kind: Kind, value: Any) -> Any:
    if isinstance(value, Laid):
        return kind.constant(value.array.transpose(value.order)).permute(tuple(np.argsort(value.order).tolist()))
    return kind.constant(value) if isinstance(value, np.ndarray) else value


def _whole(kind: Kind, value: Any, node: Node) -> Tensor:
    """A constant output as a tensor, in the precision of the inputs."""
    if isinstance(value, Tensor) and value.dim() == len(node.axes):
        shape = tuple(a.size for a in node.axes)
        return value if value.shape == shape else value.expand(shape)
    return as_tensor(kind, value, node.dtype).expand(tuple(a.size for a in node.axes))


def compile(
    outputs: Sequence[Node], inputs: Sequence[Node], precision: torch.dtype | None = None, *, native: bool = True
) -> Compiled:
    """The program as a function of tensors, one for each of the `input` nodes given, in their order.

    Calls of the catalogue run as PyTorch's own functions, or by their definitions where `native` is False. Raises
    KeyError where the program needs an input that is not among them.
    """
    reads = _arguments if native else _definition
    order = ordered(outputs, reads)
    own = {n.uid for n in inputs}
    varying: set[int] = set()
    for node in order:
        if node.op == "input":
            if node.uid not in own:
                raise KeyError(node.attr("name"))
            varying.add(node.uid)
        elif any(a.uid in varying for a in reads(node)):
            varying.add(node.uid)
    moving = [n for n in order if n.uid in varying and n.op != "input"]
    moving, groups = beside(moving, reads) if native else (moving, [])
    fixed = {a.uid: a for n in moving for a in reads(n) if a.uid not in varying}
    fixed.update({o.uid: o for o in outputs if o.uid not in varying})
    numbers = dict(zip(fixed, map(_constant, plain.run(list(fixed.values()), {})), strict=True))
    layouts = wanted_layouts(moving) if native else {}
    places = index_only(order, outputs)
    place = {n.uid: at for at, n in enumerate(inputs)}
    place.update({uid: len(inputs) + at for at, uid in enumerate(numbers)})
    work: list[Node] = []
    for node in moving:
        if node.op == "rename":  # the same tensor
            place[node.uid] = place[node.args[0].uid]
        else:
            place[node.uid] = len(inputs) + len(numbers) + len(work)
            work.append(node)
    last = {place[a.uid]: at for at, node in enumerate(work) for a in reads(node)}
    kept = {place[o.uid] for o in outputs} | {place[uid] for uid in numbers}
    steps: list[Step] = []
    size = len(inputs) + len(numbers) + len(work)
    apart, more = _members(work, numbers, own), dict[tuple[int, Axis | None], int]()
    group_of = {node.uid: (number, at) for number, group in enumerate(groups) for at, node in enumerate(group)}
    for at, node in enumerate(work):
        if node.uid in apart:
            source, axis = reads(node)[0], node.attr("axis")
            if (source.uid, axis) not in more:
                slot = more[source.uid, axis] = size + len(more)
                steps.append((_unbind(source.axes.index(axis)), (place[source.uid],), slot, ()))
            steps.append((_member(node, apart[node.uid]), (more[source.uid, axis],), place[node.uid], ()))
            continue
        args = tuple(place[a.uid] for a in reads(node))
        free = tuple(sorted({p for p in args if last[p] == at and p not in kept}))
        if node.uid in group_of:
            number, which = group_of[node.uid]
            group = groups[number]
            slot = more.setdefault((group[0].uid, None), size + len(more))
            if which == 0:
                given = (args[0], *(place[a.uid] for n in group for a in reads(n)[1:]))
                steps.append((linear_beside(group), given, slot, ()))
            done = (slot,) if which == len(group) - 1 else ()
            steps.append((part(which), (slot,), place[node.uid], (*free, *done)))
            continue
        known = [numbers.get(a.uid) for a in reads(node)]
        rule = _rule(node, known, native, layouts.get(node.uid, node.axes), node.uid in places)
        steps.append((rule, args, place[node.uid], free))
    real = tuple(n.dtype == "real" and n.uid not in places for n in inputs)
    stored = [_stored(fixed[uid], value, layouts.get(uid), reads, moving) for uid, value in numbers.items()]
    results = tuple(place[o.uid] for o in outputs)
    size += len(more)
    return Compiled(tuple(inputs), tuple(outputs), steps, stored, results, real, size, precision)


def _members(moving: Sequence[Node], numbers: Mapping[int, Any], inputs: Collection[int]) -> dict[int, int]:
    """Members of families of weights, W_l at a known l, by node: several of one input are taken apart at once.

    The gradient of each member alone would be as large as the whole family.
    """
    found: dict[tuple[int, Axis], dict[int, int]] = {}
    for node in moving:
        if node.op != "take" or node.args[0].uid not in inputs:
            continue
        place, axis = numbers.get(node.args[1].uid), node.attr("axis")
        if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < axis.size:
            found.setdefault((node.args[0].uid, axis), {})[node.uid] = place
    return {uid: place for group in found.values() if len(group) > 1 for uid, place in group.items()}


def _unbind(dim: int) -> Rule:
    return lambda kind, x: x[0].unbind(dim)


def _member(node: Node, place: int) -> Rule:
    source, axis = node.args[0], node.attr("axis")
    back = rearrange(tuple(a for a in source.axes if a != axis), node.axes)
    return lambda kind, x: back(x[0][place])


def _arguments(node: Node) -> tuple[Node, ...]:
    """What the step of a node reads: a call reads its arguments or its definition."""
    if node.op != "call":
        return node.args
    return node.args[:-1] if node.attr("name") in NATIVE else node.args[-1:]


def _definition(node: Node) -> tuple[Node, ...]:
    return node.args[-1:] if node.op == "call" else node.args


def _constant(value: Any) -> Any:
    """A Python number, or an array with dimensions of size 1 where it only repeats."""
    array = np.asarray(value)
    if not array.ndim:
        return array.item()
    repeats = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides)
    return np.broadcast_to(np.array(array[repeats]), array.shape)


def _stored(
    node: Node,
    value: Any,
    layout: tuple[Axis, ...] | None,
    reads: Callable[[Node], tuple[Node, ...]],
    moving: Sequence[Node],
) -> Any:
    """A constant as it is kept: whole numbers that only real numbers come of as such, axes as they will be read."""
    if not isinstance(value, np.ndarray):
        return value
    users = [n for n in moving if any(a is node for a in reads(n))]
    real = all(n.op in ELEMENTWISE and n.op not in SAME and n.dtype == "real" for n in users)
    if users and real and value.dtype.kind in "iu":
        own = value[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in value.strides)]
        if np.abs(own).max(initial=0) < EXACT:
            value = np.broadcast_to(own.astype(float), value.shape)
    return value if layout is None or layout == node.axes else Laid(value, tuple(map(node.axes.index, layout)))


EXACT = 2**24
"""Whole numbers below it are exact in single precision."""


def _rule(node: Node, known: list[Any], native: bool, layout: tuple[Axis, ...], place: bool) -> Rule:
    op = node.op
    if op == "call":
        return NATIVE[node.attr("name")](node) if native and node.attr("name") in NATIVE else lambda kind, x: x[0]
    if op in ELEMENTWISE:
        return _elementwise(node, layout, place)
    if op == "select":
        return _select(node, layout)
    if op == "take":
        return _take(node, known[1], layout)
    return RULES[op](node)


def _real_only(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: function(x) if x.is_complex() else x


def _pair(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Any, Any], Tensor]:
    """Of two tensors, where one may be a number."""

    def apply(x: Any, y: Any) -> Tensor:
        if not isinstance(x, Tensor):
            x = torch.as_tensor(x, dtype=y.dtype, device=y.device)
        elif not isinstance(y, Tensor):
            y = torch.as_tensor(y, dtype=x.dtype, device=x.device)
        return function(x, y)

    return apply


def _maximum(x: Any, y: Any) -> Tensor:
    if isinstance(y, Tensor) and isinstance(x, Tensor):
        return torch.maximum(x, y)
    return torch.clamp(y, min=x) if isinstance(y, Tensor) else torch.clamp(x, min=y)


def _minimum(x: Any, y: Any) -> Tensor:
    if isinstance(y, Tensor) and isinstance(x, Tensor):
        return torch.minimum(x, y)
    return torch.clamp(y, max=x) if isinstance(y, Tensor) else torch.clamp(x, max=y)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **{op: getattr(torch, op) for op in (
        "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "erf",
        "lgamma", "digamma", "floor", "ceil", "reciprocal", "square",
    )},
    "neg": operator.neg, "abs": torch.abs, "sign": torch.sgn, "conj": lambda x: torch.conj(x).resolve_conj(),
    "real": _real_only(torch.real), "imag": lambda x: torch.imag(x) if x.is_complex() else torch.zeros_like(x),
    "not_": torch.logical_not, "and_": _pair(torch.logical_and), "or_": _pair(torch.logical_or),
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": torch.pow,
    "maximum": _maximum, "minimum": _minimum, "mod": torch.remainder, "atan2": _pair(torch.atan2),
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq, "ne": operator.ne,
}  # fmt: skip
SAME = build.LOGIC | build.COMPARISON | {"not_"}


def _elementwise(node: Node, order: tuple[Axis, ...], place: bool) -> Rule:
    function, back = ELEMENTWISE[node.op], rearrange(order, node.axes)
    layouts = [rearrange(a.axes, order) for a in node.args]
    whole, numeric = node.dtype == "int" or place, node.op not in SAME

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        laid = [f(x) for f, x in zip(layouts, args, strict=True)]
        if numeric:
            laid = [kind.whole(x) if whole else kind.number(x) for x in laid]
        result = back(function(*laid))
        assert isinstance(result, Tensor)
        return result

    return rule


def _select(node: Node, order: tuple[Axis, ...]) -> Rule:
    layouts, back = [rearrange(a.axes, order) for a in node.args], rearrange(order, node.axes)

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        condition, x, y = (f(v) for f, v in zip(layouts, args, strict=True))
        if isinstance(condition, bool):
            x, y = as_tensor(kind, x, node.dtype), as_tensor(kind, y, node.dtype)
            return back((x if condition else y).expand(tuple(a.size for a in order)))
        if node.dtype == "real":
            x, y = kind.number(x), kind.number(y)
        if not isinstance(x, Tensor) and not isinstance(y, Tensor):
            x = as_tensor(kind, x, node.dtype)
        return back(torch.where(condition, x, y))

    return rule


def _reduction(function: Callable[[Tensor, tuple[int, ...]], Tensor]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        dims = tuple(node.args[0].axes.index(a) for a in node.attr("over"))

        def rule(kind: Kind, args: list[Any]) -> Tensor:
            x = args[0]
            return function(kind.whole(x) if node.dtype != "bool" else x, dims)

        return rule

    return make


def _prod(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    for dim in sorted(dims, reverse=True):
        x = x.prod(dim)
    return x


def _quantifier(function: Callable[..., Tensor]) -> Callable[[Tensor, tuple[int, ...]], Tensor]:
    def apply(x: Tensor, dims: tuple[int, ...]) -> Tensor:
        for dim in sorted(dims, reverse=True):
            x = function(x, dim)
        return x

    return apply


def _diagonal(node: Node) -> Rule:
    a, c = node.attr("pair")
    axes = node.args[0].axes
    rest = [*(y for y in axes if y not in (a, c)), a]
    back = rearrange(tuple(rest), node.axes)
    return lambda kind, x: back(torch.diagonal(x[0], dim1=axes.index(a), dim2=axes.index(c)))


def _take(node: Node, known: Any, order: tuple[Axis, ...]) -> Rule:
    source, index = node.args
    axis, dim = node.attr("axis"), source.axes.index(node.attr("axis"))
    rest = tuple(a for a in source.axes if a != axis)
    if known is not None and not set(index.axes) & set(rest):
        places = np.asarray(known)
        if places.dtype.kind in "iu" and places.size and places.min() >= 0 and places.max() < axis.size:
            return _take_known(node, dim, places, rest, order)
    shape = tuple(a.size for a in node.axes)
    lay_source, lay_index = rearrange(source.axes, (*node.axes, axis)), rearrange(index.axes, node.axes)
    apart = not set(index.axes) & set(rest)
    back = rearrange((*index.axes, *rest), node.axes)
    fill = float("nan") if node.attr("fill") is None else node.attr("fill")

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        source_value = as_tensor(kind, args[0], source.dtype)
        place, inside = as_index(as_tensor(kind, args[1], index.dtype), axis.size)
        if apart and source_value.dim() == 2:
            found = back(functional.embedding(place, source_value.movedim(dim, 0)))
        elif apart:
            found = back(source_value.movedim(dim, 0)[place])
        else:
            rows = lay_source(source_value).expand(*shape, axis.size)
            found = torch.gather(rows, -1, lay_index(place).expand(shape)[..., None])[..., 0]
        if isinstance(fill, float):
            found = kind.number(found)
        if inside.device.type == "cpu" and not torch.compiler.is_compiling() and bool(inside.all()):
            return found
        return torch.where(lay_index(inside), found, fill)

    return rule


def _take_known(node: Node, dim: int, places: Any, rest: tuple[Axis, ...], order: tuple[Axis, ...]) -> Rule:
    """At indices known beforehand: a slice where they are consecutive."""
    index = node.args[1]
    own = tuple(a for a in order if a in index.axes)
    lay, places = rearrange(index.axes, own), places.transpose([index.axes.index(a) for a in own])
    if not places.ndim:
        back = rearrange(rest, node.axes)
        return lambda kind, x: back(x[0].select(dim, int(places)))
    axes = (*rest[:dim], *own, *rest[dim:])
    back = rearrange(axes, node.axes)
    first = int(places.flat[0])
    if places.ndim == 1 and (places == first + np.arange(len(places))).all():
        return lambda kind, x: back(x[0].narrow(dim, first, len(places)))
    return lambda kind, x: back(x[0].index_select(dim, lay(x[1]).reshape(-1)).unflatten(dim, places.shape))


def _scatter(node: Node) -> Rule:
    x, index = node.args
    axis, over = node.attr("axis"), node.attr("over")
    kept = tuple(a for a in build.union(node.args) if a not in over)
    axes = (*kept, *over)
    shape = tuple(a.size for a in kept)
    whole = tuple(a.size for a in axes)
    layouts = rearrange(x.axes, axes), rearrange(index.axes, axes)
    back = rearrange((*kept, axis), node.axes)

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        data = layouts[0](as_tensor(kind, args[0], x.dtype)).expand(whole).reshape((*shape, -1))
        place = layouts[1](as_tensor(kind, args[1], index.dtype)).expand(whole).reshape((*shape, -1))
        inside = (place >= 0) & (place < axis.size)
        result = torch.zeros((*shape, axis.size), dtype=data.dtype, device=data.device)
        added = result.scatter_add(-1, torch.where(inside, place, 0).long(), torch.where(inside, data, 0))
        return back(added)

    return rule


def _joined(node: Node, parts: Sequence[tuple[Any, ...]]) -> Rule:
    """Arguments laid out on the axes given for each, side by side along the last of them."""
    layouts = [rearrange(a.axes, axes) for a, axes in zip(node.args, parts, strict=True)]
    shapes = [tuple(a.size for a in axes) for axes in parts]

    def rule(kind: Kind, args: list[Any]) -> Tensor:
        laid = [f(as_tensor(kind, x, node.dtype)).expand(s) for f, x, s in zip(layouts, args, shapes, strict=True)]
        if node.dtype != "bool":
            laid = [kind.number(x) if node.dtype == "real" else kind.whole(x) for x in laid]
        return torch.cat(laid, -1) if node.op == "concat" else torch.stack(laid, -1)

    return rule


def _merge(node: Node) -> Rule:
    lay = rearrange(node.args[0].axes, (*node.axes[:-1], *node.attr("axes")))
    shape = tuple(a.size for a in node.axes)
    return lambda kind, x: lay(x[0]).reshape(shape)


def _split(node: Node) -> Rule:
    rest = node.axes[: len(node.axes) - len(node.attr("new"))]
    lay = rearrange(node.args[0].axes, (*rest, node.attr("axis")))
    shape = tuple(a.size for a in node.axes)
    return lambda kind, x: lay(x[0]).reshape(shape)


def _matrix(function: Callable[[Tensor], Tensor]) -> Callable[[Node], Rule]:
    def make(node: Node) -> Rule:
        row, column = node.attr("row"), node.attr("column")
        axes = node.args[0].axes
        lay = rearrange(axes, (*(a for a in axes if a not in (row, column)), row, column))
        return lambda kind, x: function(lay(kind.number(x[0])))

    return make


def _inv(x: Tensor) -> Tensor:
    inverse, info = torch.linalg.inv_ex(x)
    return torch.where((info == 0)[..., None, None], inverse, torch.nan)


def _cholesky(x: Tensor) -> Tensor:
    lower, info = torch.linalg.cholesky_ex(x)
    return torch.where((info == 0)[..., None, None], lower, torch.nan)


def _svd_outer(x: Tensor) -> Tensor:
    u, _, v = torch.linalg.svd(x, full_matrices=False)
    return torch.einsum("...ik,...kj->...ijk", u, v)


def _eigh_outer(x: Tensor) -> Tensor:
    _, v = torch.linalg.eigh(x)
    return torch.einsum("...ik,...jk->...ijk", v, v)


def _broadcast(node: Node) -> Rule:
    lay, shape = rearrange(node.args[0].axes, node.axes), tuple(a.size for a in node.axes)
    return lambda kind, x: lay(x[0]).expand(shape)


RULES: dict[str, Callable[[Node], Rule]] = {
    "broadcast": _broadcast, "contract": contraction,
    "sum": _reduction(lambda x, dims: x.sum(dims)), "prod": _reduction(_prod),
    "max": _reduction(lambda x, dims: torch.amax(x, dims)), "min": _reduction(lambda x, dims: torch.amin(x, dims)),
    "any": _reduction(_quantifier(torch.any)), "all": _reduction(_quantifier(torch.all)),
    "argmax": _reduction(lambda x, dims: torch.argmax(x, dims[0])),
    "argmin": _reduction(lambda x, dims: torch.argmin(x, dims[0])),
    "diagonal": _diagonal, "scatter": _scatter, "merge": _merge, "split": _split,
    "concat": lambda n: _joined(n, [(*n.axes[:-1], own) for own in n.attr("along")]),
    "stack": lambda n: _joined(n, [n.axes[:-1]] * len(n.args)),
    "inv": _matrix(_inv), "matrix_exp": _matrix(torch.linalg.matrix_exp), "cholesky": _matrix(_cholesky),
    "det": _matrix(torch.linalg.det), "logabsdet": _matrix(lambda x: torch.linalg.slogdet(x)[1]),
    "eigvalsh": _matrix(torch.linalg.eigvalsh), "svdvals": _matrix(torch.linalg.svdvals),
    "svd_outer": _matrix(_svd_outer), "eigh_outer": _matrix(_eigh_outer),
}  # fmt: skip
