"""The catalogue's definitions against the frameworks' own functions, on fresh numbers in double precision."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from lemmata.backends import numpy as backend
from lemmata.operations import call, catalogue
from lemmata.program import build
from lemmata.program.node import Axis

Function = Callable[..., object]
ROWS, COLUMNS = 3, 5
POSITIVE = {"logit": (0.05, 0.95)}
"""Operations that want their values in an interval."""


def torch_functions() -> dict[str, Function]:
    torch = importlib.import_module("torch")
    f = torch.nn.functional
    own: dict[str, Function] = {
        "softmax": lambda x: torch.softmax(x, -1),
        "log_softmax": lambda x: torch.log_softmax(x, -1),
        "logsumexp": lambda x: torch.logsumexp(x, -1),
        "layer_norm": lambda x: f.layer_norm(x, x.shape[-1:], eps=0.0),
        "rms_norm": lambda x: f.rms_norm(x, x.shape[-1:], eps=0.0),
        "sigmoid": torch.sigmoid,
        "relu": torch.relu,
        "elu": f.elu,
        "gelu": f.gelu,
        "silu": f.silu,
        "softplus": f.softplus,
        "logit": torch.logit,
        "normal_cdf": torch.special.ndtr,
    }
    return {name: lambda x, g=g: g(torch.from_numpy(x)).numpy() for name, g in own.items()}


def jax_functions() -> dict[str, Function]:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return {
        "softmax": lambda x: jax.nn.softmax(x, axis=-1),
        "log_softmax": lambda x: jax.nn.log_softmax(x, axis=-1),
        "logsumexp": lambda x: jax.nn.logsumexp(x, axis=-1),
        "layer_norm": lambda x: jax.nn.standardize(x, axis=-1, epsilon=0.0),
        "sigmoid": jax.nn.sigmoid,
        "relu": jax.nn.relu,
        "elu": jax.nn.elu,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False),
        "silu": jax.nn.silu,
        "softplus": jax.nn.softplus,
        "logit": jax.scipy.special.logit,
        "normal_cdf": jax.scipy.stats.norm.cdf,
        "normal_pdf": jax.scipy.stats.norm.pdf,
    }


def tensorflow_functions() -> dict[str, Function]:
    ops = importlib.import_module("keras").ops
    return {
        "softmax": lambda x: ops.softmax(x, axis=-1),
        "log_softmax": lambda x: ops.log_softmax(x, axis=-1),
        "logsumexp": lambda x: ops.logsumexp(x, axis=-1),
        "sigmoid": ops.sigmoid,
        "relu": ops.relu,
        "elu": ops.elu,
        "gelu": lambda x: ops.gelu(x, approximate=False),
        "silu": ops.silu,
        "softplus": ops.softplus,
    }


NAMES = ("torch", "jax", "tensorflow")
TABLES = {name: cache(globals()[f"{name}_functions"]) for name in NAMES}
OPERATIONS = sorted(catalogue())
CASES = [pytest.param(f, o, marks=getattr(pytest.mark, f)) for f in NAMES for o in OPERATIONS]


@pytest.mark.parametrize("framework, operation", CASES)
def test_definition_agrees_with_the_framework(framework, operation):
    pytest.importorskip(framework)
    native = TABLES[framework]().get(operation)
    if native is None:
        pytest.skip(f"{framework} has no function of its own for {operation}")
    low, high = POSITIVE.get(operation, (-4.0, 4.0))
    x = np.random.default_rng(0).uniform(low, high, (ROWS, COLUMNS))
    rows, columns = Axis.fresh("r", ROWS), Axis.fresh("c", COLUMNS)
    along = {"axis": columns} if any("axis" in e.attrs for e in catalogue()[operation].examples) else {}
    (ours,) = backend.run([call(operation, [build.input("x", [rows, columns])], **along)], {"x": x})
    np.testing.assert_allclose(ours, np.asarray(native(x), dtype=float), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("framework", [pytest.param(f, marks=getattr(pytest.mark, f)) for f in NAMES])
def test_most_operations_have_a_second_opinion(framework):
    pytest.importorskip(framework)
    assert len(set(TABLES[framework]()) & set(OPERATIONS)) >= 8
