"""PyTorch as a target."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.emit.dialect import Dialect, Spelling
from lemmata.emit.expression import ATOM, Expr
from lemmata.emit.printer import Printer
from lemmata.program.node import Node


def normed(function: str) -> Spelling:
    """A norm over the last dimension, with its gain and shift where they run along it alone."""

    def spell(p: Printer, node: Node, parts: Sequence[Expr]) -> Expr:
        axis = dict(node.attr("attrs"))["axis"]
        x = p.last(parts[0], axis)
        eps = parts[1] if len(parts) > 1 else Expr("0.0")
        p.demand(eps, "float")
        around = list(parts[2:])
        inside = around if all(g.layout == (axis,) and not g.batched for g in around) else []
        options = [x.text, f"({p.size(axis)},)", *(g.text for g in inside), f"eps={eps.text}"]
        found = Expr(f"{function}({', '.join(options)})", ATOM, x.layout, x.batched)
        return found if inside else p.scaled(found, around)

    return spell


def gelu_tanh(p: Printer, node: Node, parts: Sequence[Expr]) -> Expr:
    p.demand(parts[0], "tensor")
    return Expr(f'F.gelu({parts[0].text}, approximate="tanh")', ATOM, parts[0].layout, parts[0].batched)


def softplus(p: Printer, node: Node, parts: Sequence[Expr]) -> Expr:
    p.demand(parts[0], "tensor")
    return Expr(f"F.softplus({parts[0].text}, threshold=40)", ATOM, parts[0].layout, parts[0].batched)


class Torch(Dialect, frozen=True):
    """Methods where PyTorch has them, `dim` for `axis`, fused attention."""

    def swapped(self, x: Expr, first: int, second: int) -> str:
        if {first, second} == {-1, -2}:
            return f"{x.inside(ATOM)}.mT"
        return f"{x.inside(ATOM)}.transpose({first}, {second})"

    def spread(self, x: Expr, index: str, marks: Sequence[str]) -> str:
        if marks.count("None") == 1:
            return f"{x.inside(ATOM)}.unsqueeze({marks.index('None') - len(marks)})"
        return f"{x.inside(ATOM)}[{index}]"

    def first(self, x: Expr) -> str:
        return f"{x.inside(ATOM)}.squeeze(-1)"

    def bounded(self, op: str, x: str, number: str) -> str:
        return f"torch.clamp({x}, {'min' if op == 'maximum' else 'max'}={number})"

    def moved(self, x: Expr, source: Sequence[int], target: Sequence[int]) -> str:
        return f"{x.inside(ATOM)}.movedim({tuple(source)}, {tuple(target)})"

    def chosen(self, condition: str, x: str, y: str, like: str) -> str:
        return f"torch.where({condition}, {x}, {y}).to({like}.dtype)" if like else self.where(condition, x, y)

    def concatenated(self, parts: Sequence[str], dim: int) -> str:
        return f"torch.cat([{', '.join(parts)}], dim={dim})"

    def stacked(self, parts: Sequence[str], dim: int) -> str:
        return f"torch.stack([{', '.join(parts)}], dim={dim})"

    def listed(self, name: str, dim: int) -> str:
        return f"torch.stack({name}, dim={dim})"

    def flattened(self, x: Expr, count: int) -> str:
        return f"{x.inside(ATOM)}.flatten(-{count})"

    def unflattened(self, x: Expr, sizes: Sequence[str]) -> str:
        return f"{x.inside(ATOM)}.unflatten(-1, ({', '.join(sizes)}))"

    def counted(self, count: str, like: str, real: bool) -> str:
        if not like:
            return f"torch.arange({count})"
        kind = f"dtype={like}.dtype, " if real else ""
        return f"torch.arange({count}, {kind}device={like}.device)"

    def identity(self, count: str, like: str) -> str:
        return f"torch.eye({count}{self._kind(like)})"

    def filled(self, value: str, sizes: Sequence[str], like: str) -> str:
        return f"torch.full(({', '.join(sizes)}{',' if len(sizes) == 1 else ''}), {value}{self._kind(like)})"

    @staticmethod
    def _kind(like: str) -> str:
        return f", dtype={like}.dtype, device={like}.device" if like else ""

    def diagonal(self, x: Expr, first: int, second: int) -> str:
        return f"{x.inside(ATOM)}.diagonal(dim1={first}, dim2={second})"

    def linear(self, name: str) -> str | None:
        return f"torch.linalg.{name}"

    def norm(self, x: Expr, dims: Sequence[int]) -> str:
        return f"torch.linalg.vector_norm({x.text}, {self.dims(dims)})"

    def along_last(self, x: Expr, index: Expr) -> str:
        return f"torch.take_along_dim({x.text}, {index.text}, dim=-1)"

    def attention(
        self, p: Printer, q: Expr, k: Expr, v: Expr, scale: tuple[str, Expr | None], mask: Expr | None, causal: str,
        grouped: bool,
    ) -> str:  # fmt: skip
        operator, factor = scale
        options = []
        if mask is not None:
            options.append(f"attn_mask={mask.text}")
        if causal:
            options.append("is_causal=True")
        if factor is None:
            options.append("scale=1.0")
        elif operator == "/":
            options.append(f"scale=1 / {factor.text}")
        elif operator == "*" and factor.number:
            options.append(f"scale={factor.text}")
        elif operator == "*":
            options.append("scale=1.0")
            q = Expr(f"{q.inside(70)} * {factor.inside(71)}", 70, q.layout, q.batched)
        if grouped:
            options.append("enable_gqa=True")
        return f"F.scaled_dot_product_attention({', '.join([q.text, k.text, v.text, *options])})"


_UNARY = "arcsin arccos arctan erf digamma lgamma relu sigmoid logit".split()
TORCH = Torch(
    name="torch", module="torch", tensor="Tensor", axis="dim",
    functions={
        **{name: f"torch.{name}" for name in _UNARY}, "sign": "torch.sgn", "atan2": "torch.atan2",
        "gelu": "F.gelu", "silu": "F.silu", "elu": "F.elu", "normal_cdf": "torch.special.ndtr",
    },
    along={"softmax": "torch.softmax", "log_softmax": "torch.log_softmax", "logsumexp": "torch.logsumexp"},
    reductions={"max": "torch.amax", "min": "torch.amin"},
    calls={"layer_norm": normed("F.layer_norm"), "rms_norm": normed("F.rms_norm"),
        "gelu_tanh": gelu_tanh, "softplus": softplus},
    linear_algebra="torch.linalg", twice=False, grouped=True,
    keywords=frozenset({"torch", "F", "nn", "math", "Tensor"}),
)  # fmt: skip
