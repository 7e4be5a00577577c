"""Attention in JAX and Keras: the library's own call beside the written-out form, in time and in precision.

python benchmarks/attention_elsewhere.py --runs 21
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax
import jax.numpy as jnp
import keras
import numpy as np
import tensorflow as tf
from keras import ops


def swapped(x: Any) -> Any:
    """Heads and tokens exchanged."""
    return ops.swapaxes(x, -3, -2) if isinstance(x, tf.Tensor) else jnp.swapaxes(x, -3, -2)


def jax_plain(q: Any, k: Any, v: Any) -> Any:
    return jax.nn.softmax(q @ jnp.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1]), axis=-1) @ v


def jax_fused(q: Any, k: Any, v: Any) -> Any:
    return swapped(jax.nn.dot_product_attention(swapped(q), swapped(k), swapped(v)))


def keras_plain(q: Any, k: Any, v: Any) -> Any:
    return ops.softmax(q @ ops.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1]), axis=-1) @ v


def keras_fused(q: Any, k: Any, v: Any) -> Any:
    return swapped(ops.dot_product_attention(swapped(q), swapped(k), swapped(v)))


def exact(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True) @ v


def median(run: Callable[[], Any], runs: int) -> float:
    """Milliseconds."""
    run()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    runs = parser.parse_args().runs
    jax.config.update("jax_enable_x64", True)
    rng = np.random.default_rng(0)
    found: dict[str, Any] = {}
    given = [rng.normal(size=(2, 4, 64, 32)) for _ in range(3)]
    right = exact(*given)
    for name, attend, made in (("jax", jax_fused, jnp.asarray), ("keras", keras_fused, tf.constant)):
        plain = jax_plain if name == "jax" else keras_plain
        found[f"{name}_float64"] = float(np.abs(np.asarray(attend(*map(made, given))) - right).max())
        found[f"{name}_float64_plain"] = float(np.abs(np.asarray(plain(*map(made, given))) - right).max())
    for length in (512, 1024):
        arrays = [rng.normal(size=(1, 8, length, 64)).astype(np.float32) for _ in range(3)]
        ours, theirs = [jnp.asarray(x) for x in arrays], [tf.constant(x) for x in arrays]
        times = {}
        for name, attend in (("plain", jax_plain), ("fused", jax_fused)):
            run = jax.jit(attend)
            slope = jax.jit(jax.grad(lambda *x, f=attend: f(*x).sum(), argnums=(0, 1, 2)))
            times[f"jax {name}"] = median(lambda r=run, x=ours: jax.block_until_ready(r(*x)), runs)
            times[f"jax gradient {name}"] = median(lambda r=slope, x=ours: jax.block_until_ready(r(*x)), runs)
        for name, attend in (("plain", keras_plain), ("fused", keras_fused)):
            run = tf.function(attend)
            times[f"keras {name}"] = median(lambda r=run, x=theirs: r(*x).numpy(), runs)
        for what in ("jax", "jax gradient", "keras"):
            plain, fused = times[f"{what} plain"], times[f"{what} fused"]
            print(f"{length:5}  {what:13} {plain:7.1f} ms written out, {fused:7.1f} ms by the call")
            found[f"{what} {length}".replace(" ", "_")] = round(fused / plain, 2)
    print(f"JAX {jax.__version__}, Keras {keras.__version__}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
