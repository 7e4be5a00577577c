"""NumPy and SciPy as a target."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.emit.dialect import Dialect, Spelling, normalised
from lemmata.emit.expression import PRODUCT, Expr
from lemmata.emit.printer import Printer
from lemmata.program.node import Node

STANDARDIZED = '''
def _standardized(x: Array, eps: float | Array = 0.0) -> Array:
    """Zero mean and unit variance along the last axis."""
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(x.var(axis=-1, keepdims=True) + eps)
'''
ROOT_MEAN_SQUARE = '''
def _over_root_mean_square(x: Array, eps: float | Array = 0.0) -> Array:
    """Over its root mean square along the last axis."""
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps)
'''


GELU_TANH = "{x} / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * ({x} + 0.044715 * {x}**3)))"


def once(pattern: str, *, binding: int = 100) -> Spelling:
    """An elementwise operation as an expression in its argument, `x` as a factor and `bare`; a long one gets a name."""

    def spell(p: Printer, node: Node, parts: Sequence[Expr]) -> Expr:
        x = p.named("hidden", parts[0]) if pattern.count("{x}") + pattern.count("{bare}") > 1 else parts[0]
        p.demand(x, "tensor")
        factor = x.inside(PRODUCT + 1) if binding < 100 else x.text
        return Expr(pattern.format(x=factor, bare=x.text), binding, x.layout, x.batched)

    return spell


NUMPY = Dialect(
    name="numpy", module="np", tensor="Array",
    functions={
        "tan": "np.tan", "arcsin": "np.arcsin", "arccos": "np.arccos", "arctan": "np.arctan", "erf": "special.erf",
        "lgamma": "special.gammaln", "digamma": "special.digamma", "atan2": "np.arctan2", "sigmoid": "special.expit",
        "logit": "special.logit", "normal_cdf": "special.ndtr",
    },
    along={"softmax": "special.softmax", "log_softmax": "special.log_softmax", "logsumexp": "special.logsumexp"},
    calls={
        "relu": once("np.maximum({x}, 0)"),
        "gelu": once("{x} * special.ndtr({bare})", binding=PRODUCT),
        "silu": once("{x} * special.expit({bare})", binding=PRODUCT),
        "elu": once("np.where({x} > 0, {x}, np.expm1({x}))"),
        "softplus": once("np.logaddexp(0, {x})"),
        "gelu_tanh": once(GELU_TANH, binding=PRODUCT),
        "layer_norm": normalised("_standardized", STANDARDIZED),
        "rms_norm": normalised("_over_root_mean_square", ROOT_MEAN_SQUARE),
    },
    linear_algebra="np.linalg",
    keywords=frozenset({"np", "special", "math", "Array", "NDArray", "Any", "Mapping", "Params", "params"}),
    params=True,
)  # fmt: skip
