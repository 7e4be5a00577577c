"""TensorFlow as a target, in the words of `keras.ops`; a Keras layer for definitions with weights."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.emit.dialect import Dialect, normalised
from lemmata.emit.expression import PRODUCT, Expr, infix
from lemmata.emit.numpy import ROOT_MEAN_SQUARE, STANDARDIZED, once


class TensorFlow(Dialect, frozen=True):
    """Functions where NumPy has methods; shapes that a graph may leave open."""

    def shape_of(self, text: str, dim: int) -> str:
        return f"ops.shape({text})[{dim}]"

    def root(self, text: str, like: str) -> str:
        return f"ops.sqrt(ops.cast({text}, {like}.dtype))" if like else f"math.sqrt({text})"

    def transposed(self, x: Expr) -> str:
        if len(x.layout) == 2 and not x.batched:
            return f"ops.transpose({x.text})"
        return self.swapped(x, -1, -2)

    def chosen(self, condition: str, x: str, y: str, like: str) -> str:
        found = self.where(condition, x, y)
        return f"ops.cast({found}, {like}.dtype)" if like else found

    def product(self, x: Expr, y: Expr) -> str:
        if len(x.layout) > 1 and len(y.layout) > 1:
            return infix(x.inside(PRODUCT), "@", y.inside(PRODUCT + 1))
        return f"ops.matmul({x.text}, {y.text})"

    def flattened(self, x: Expr, count: int) -> str:
        keep = f"*ops.shape({x.text})[:-{count}], " if len(x.layout) > count or x.batched else ""
        return f"ops.reshape({x.text}, ({keep}-1{'' if keep else ','}))"

    def unflattened(self, x: Expr, sizes: Sequence[str]) -> str:
        keep = f"*ops.shape({x.text})[:-1], " if len(x.layout) > 1 or x.batched else ""
        return f"ops.reshape({x.text}, ({keep}{', '.join(sizes)}))"

    def linear(self, name: str) -> str | None:
        known = {"inv": "ops.inv", "det": "ops.det", "cholesky": "ops.cholesky", "slogdet": "ops.slogdet",
                 "eigvalsh": "tf.linalg.eigvalsh", "matrix_exp": "tf.linalg.expm"}  # fmt: skip
        return known.get(name)

    def norm(self, x: Expr, dims: Sequence[int]) -> str:
        return f"ops.norm({x.text}, {self.dims(dims)})"

    def rows(self, table: Expr, index: Expr) -> str:
        return f"ops.take({table.text}, {index.text}, axis=0)"

    @property
    def minus_infinity(self) -> str:
        return '-float("inf")'

    def lower_triangle(self, rows: str, columns: str, like: str) -> str:
        return f'ops.tri({rows}, {columns}, dtype="bool")'


def _spelled(text: str) -> str:
    for method in ("mean", "var"):
        text = text.replace(f"x.{method}(axis", f"ops.{method}(x, axis")
    return text.replace("np.", "ops.").replace("Array", "Tensor")


TENSORFLOW = TensorFlow(
    name="tensorflow", module="ops", tensor="Tensor",
    functions={
        "arcsin": "ops.arcsin", "arccos": "ops.arccos", "arctan": "ops.arctan", "atan2": "ops.arctan2",
        "erf": "ops.erf", "lgamma": "tf.math.lgamma", "digamma": "tf.math.digamma",
        **{n: f"ops.{n}" for n in ("sigmoid", "relu", "silu", "elu", "softplus")},
    },
    along={n: f"ops.{n}" for n in ("softmax", "log_softmax", "logsumexp")},
    calls={
        "gelu": once("ops.gelu({x}, approximate=False)"), "gelu_tanh": once("ops.gelu({x})"),
        "layer_norm": normalised("_standardized", _spelled(STANDARDIZED)),
        "rms_norm": normalised("_over_root_mean_square", _spelled(ROOT_MEAN_SQUARE)),
    },
    linear_algebra="ops",
    keywords=frozenset({"tf", "keras", "ops", "math", "Tensor", "Any"}),
)  # fmt: skip
