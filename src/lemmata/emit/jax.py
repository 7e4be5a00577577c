"""JAX as a target: pure functions of `jax.numpy` arrays, weights in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.emit.dialect import Dialect, normalised
from lemmata.emit.expression import ATOM, Expr
from lemmata.emit.numpy import ROOT_MEAN_SQUARE, STANDARDIZED, once


class Jax(Dialect, frozen=True):
    """Like NumPy, but for `.mT`."""

    def swapped(self, x: Expr, first: int, second: int) -> str:
        if {first, second} == {-1, -2}:
            return f"{x.inside(ATOM)}.mT"
        return f"jnp.swapaxes({x.text}, {first}, {second})"

    def linear(self, name: str) -> str | None:
        return "jax.scipy.linalg.expm" if name == "matrix_exp" else f"jnp.linalg.{name}"

    def norm(self, x: Expr, dims: Sequence[int]) -> str:
        return f"jnp.linalg.norm({x.text}, {self.dims(dims)})"


def _spelled(text: str) -> str:
    return text.replace("np.", "jnp.")


JAX = Jax(
    name="jax", module="jnp", tensor="Array",
    functions={
        "arcsin": "jnp.arcsin", "arccos": "jnp.arccos", "arctan": "jnp.arctan", "atan2": "jnp.arctan2",
        "erf": "jax.scipy.special.erf", "lgamma": "jax.scipy.special.gammaln", "digamma": "jax.scipy.special.digamma",
        "logit": "jax.scipy.special.logit", "normal_cdf": "jax.scipy.stats.norm.cdf",
        "normal_pdf": "jax.scipy.stats.norm.pdf",
        **{n: f"jax.nn.{n}" for n in ("sigmoid", "relu", "silu", "elu", "softplus")},
    },
    along={n: f"jax.nn.{n}" for n in ("softmax", "log_softmax", "logsumexp")},
    calls={
        "gelu": once("jax.nn.gelu({x}, approximate=False)"), "gelu_tanh": once("jax.nn.gelu({x})"),
        "layer_norm": normalised("_standardized", _spelled(STANDARDIZED)),
        "rms_norm": normalised("_over_root_mean_square", _spelled(ROOT_MEAN_SQUARE)),
    },
    linear_algebra="jnp.linalg",
    keywords=frozenset({"jax", "jnp", "math", "Array", "Mapping", "Params", "params"}),
    params=True,
)  # fmt: skip
