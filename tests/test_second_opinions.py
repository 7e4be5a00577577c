"""The catalogue's definitions against the frameworks' own functions, on fresh numbers in double precision."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from lemmata.backends import numpy as backend
from lemmata.operations import catalogue
from lemmata.program.graph import inputs
from operation_cases import FORMS
from primitive_cases import laid_out

Functions = dict[str, Callable[..., Any]]
"""By the form of an operation: of the library and the inputs by name."""
ALONG = (("along the last", -1), ("along another", -2))


def along(name: str, function: Callable[[Any, Any, int], Any]) -> Functions:
    return {f"{name} {way}": lambda lib, x, at=at: function(lib, x, at) for way, at in ALONG}


def sdpa(t: Any, q: Any, k: Any, v: Any, **options: Any) -> Any:
    return t.nn.functional.scaled_dot_product_attention(q, k, v, **{"scale": 0.5} | options)


TORCH: Functions = {
    **along("softmax", lambda t, x, at: t.softmax(x, at)),
    **along("log_softmax", lambda t, x, at: t.log_softmax(x, at)),
    **along("logsumexp", lambda t, x, at: t.logsumexp(x, at)),
    "sigmoid": lambda t, x: t.sigmoid(x),
    "relu": lambda t, x: t.relu(x),
    "elu": lambda t, x: t.nn.functional.elu(x),
    "gelu": lambda t, x: t.nn.functional.gelu(x),
    "gelu_tanh": lambda t, x: t.nn.functional.gelu(x, approximate="tanh"),
    "silu": lambda t, x: t.nn.functional.silu(x),
    "softplus": lambda t, x: t.nn.functional.softplus(x),
    "logit": lambda t, x: t.logit(x),
    "normal_cdf": lambda t, x: t.special.ndtr(x),
    "normal_pdf": lambda t, x: t.distributions.Normal(0.0, 1.0).log_prob(x).exp(),
    "layer_norm along the last": lambda t, x: t.nn.functional.layer_norm(x, x.shape[-1:], eps=0.0),
    "layer_norm eps": lambda t, x: t.nn.functional.layer_norm(x, x.shape[-1:], eps=0.1),
    "layer_norm eps, gain, shift": lambda t, x, gain, shift: t.nn.functional.layer_norm(
        x, x.shape[-1:], gain, shift, eps=0.1
    ),
    "rms_norm along the last": lambda t, x: t.nn.functional.rms_norm(x, x.shape[-1:], eps=0.0),
    "rms_norm eps, gain": lambda t, x, gain: t.nn.functional.rms_norm(x, x.shape[-1:], gain, eps=0.1),
    "linear": lambda t, x, w, b: t.nn.functional.linear(x, w.T, b),
    "cross_entropy": lambda t, x, y: t.nn.functional.cross_entropy(x.movedim(-1, 1), y, reduction="none"),
    "attention bare": sdpa,
    "attention shared keys": sdpa,
    "attention scale": lambda t, q, k, v, s: sdpa(t, q, k, v, scale=s.item()),
    "attention mask": lambda t, q, k, v, m: sdpa(t, q, k, v, attn_mask=m),
    "attention causal": lambda t, q, k, v: sdpa(t, q, k, v, is_causal=True),
    "attention groups": lambda t, q, k, v: sdpa(t, q, k, v, enable_gqa=True),
}
JAX: Functions = {
    **along("softmax", lambda j, x, at: j.nn.softmax(x, axis=at)),
    **along("log_softmax", lambda j, x, at: j.nn.log_softmax(x, axis=at)),
    **along("logsumexp", lambda j, x, at: j.nn.logsumexp(x, axis=at)),
    **along("layer_norm", lambda j, x, at: j.nn.standardize(x, axis=at, epsilon=0.0)),
    "layer_norm eps": lambda j, x: j.nn.standardize(x, epsilon=0.1),
    "sigmoid": lambda j, x: j.nn.sigmoid(x),
    "relu": lambda j, x: j.nn.relu(x),
    "elu": lambda j, x: j.nn.elu(x),
    "gelu": lambda j, x: j.nn.gelu(x, approximate=False),
    "gelu_tanh": lambda j, x: j.nn.gelu(x),
    "silu": lambda j, x: j.nn.silu(x),
    "softplus": lambda j, x: j.nn.softplus(x),
    "logit": lambda j, x: j.scipy.special.logit(x),
    "normal_cdf": lambda j, x: j.scipy.stats.norm.cdf(x),
    "normal_pdf": lambda j, x: j.scipy.stats.norm.pdf(x),
}
KERAS: Functions = {
    **along("softmax", lambda k, x, at: k.ops.softmax(x, axis=at)),
    **along("log_softmax", lambda k, x, at: k.ops.log_softmax(x, axis=at)),
    **along("logsumexp", lambda k, x, at: k.ops.logsumexp(x, axis=at)),
    "sigmoid": lambda k, x: k.ops.sigmoid(x),
    "relu": lambda k, x: k.ops.relu(x),
    "elu": lambda k, x: k.ops.elu(x),
    "gelu": lambda k, x: k.ops.gelu(x, approximate=False),
    "gelu_tanh": lambda k, x: k.ops.gelu(x, approximate=True),
    "silu": lambda k, x: k.ops.silu(x),
    "softplus": lambda k, x: k.ops.softplus(x),
    "layer_norm eps, gain, shift": lambda k, x, gain, shift: k.ops.layer_normalization(x, gain, shift, -1, 0.1),
    "rms_norm eps, gain": lambda k, x, gain: k.ops.rms_normalization(x, gain, -1, 0.1),
    "cross_entropy": lambda k, x, y: k.ops.sparse_categorical_crossentropy(y, x, from_logits=True),
}
TABLES = {"torch": ("torch", TORCH), "jax": ("jax", JAX), "tensorflow": ("keras", KERAS)}
BY_NAME = {str(f): f for f in FORMS}
CASES = [
    pytest.param(framework, form, marks=getattr(pytest.mark, framework))
    for framework, (_, table) in TABLES.items()
    for form in table
]


@pytest.mark.parametrize("framework, form", CASES)
def test_definition_agrees_with_the_framework(framework, form):
    pytest.importorskip(framework)
    module, functions = TABLES[framework]
    lib = import_module(module)
    if framework == "jax":
        lib.config.update("jax_enable_x64", True)
    node, feeds = BY_NAME[form].drawn(1)
    (ours,) = backend.run([node], feeds)
    order = list(dict.fromkeys(a for i in inputs(node) for a in i.axes if a in node.axes))
    given = {n: lib.from_numpy(np.asarray(x)) if framework == "torch" else x for n, x in feeds.items()}
    theirs = np.asarray(functions[form](lib, **given), dtype=float)
    np.testing.assert_allclose(laid_out(ours, node, tuple(order)), theirs, rtol=1e-6, atol=1e-9)


def test_every_operation_has_a_second_opinion():
    assert {BY_NAME[form].operation for _, table in TABLES.values() for form in table} == set(catalogue())
    assert all(len({BY_NAME[form].operation for form in table}) >= 10 for _, table in TABLES.values())
