"""Whether a claim is true: its sides agree at several sizes and values; false where they differ clearly at one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from identities.notation import Declaration, Topic
from identities.tree import Node
from identities.world import Misfit, Unknown, Value, World

SAME, OTHER = 1e-6, 1e-4
"""Relative differences below the first are rounding, above the second real; what lies between is not counted."""


def worlds(topic: Topic, count: int = 3) -> Iterator[World]:
    """Assignments of sizes and values to what the topic declares; always the same ones."""
    for k in range(count):
        rng = np.random.default_rng(1000 + 17 * k)
        yield _world(topic, rng, k)


def _world(topic: Topic, rng: np.random.Generator, k: int) -> World:
    sizes: dict[str, int] = {}
    pool = [[3, 4, 2, 5, 6, 7], [4, 2, 5, 3, 7, 6], [2, 5, 3, 4, 6, 7]][k % 3]
    for d in topic.declarations:
        for n in (*d.shape, *((d.high,) if d.high else ())):
            if n.isidentifier() and n not in sizes and n not in topic.size_rules:
                sizes[n] = pool[len(sizes) % len(pool)]
    for d in topic.declarations:
        if {"tall", "orthonormal"} & set(d.properties) and sizes[d.shape[0]] < sizes[d.shape[1]]:
            sizes[d.shape[0]], sizes[d.shape[1]] = sizes[d.shape[1]], sizes[d.shape[0]]
    for name, rule in topic.size_rules.items():
        sizes[name] = round(World(topic, sizes, {}).eval(rule))
    world = World(topic, sizes, {})
    for d in sorted(topic.declarations, key=lambda d: bool(d.random)):
        if d.kind in ("index", "size"):
            if d.kind == "size":
                sizes.setdefault(d.name, pool[len(sizes) % len(pool)])
            continue
        _draw(d, world, rng)
    return world


def _dimension(n: str, sizes: Mapping[str, int]) -> int:
    return int(n) if n.isdigit() else sizes[n]


def _draw(d: Declaration, world: World, rng: np.random.Generator) -> None:
    shape = tuple(_dimension(n, world.sizes) for n in d.shape)
    if d.random:
        _law(d, world, rng, shape)
        return
    x: Value
    if d.kind == "family":
        many = _dimension(d.high, world.sizes)
        x = np.stack([_value(d, (*shape, 1) if len(shape) == 1 else shape, rng) for _ in range(many)])
        if not shape:
            x = np.array([_value(d, (), rng) for _ in range(many)]).reshape(-1, 1)
    else:
        x = _value(d, (*shape, 1) if len(shape) == 1 else shape, rng)
    world.values[d.name] = x


def _value(d: Declaration, shape: tuple[int, ...], rng: np.random.Generator) -> Value:
    x = rng.normal(size=shape) + 0.1
    p = d.properties
    if "spd" in p or "psd" in p:
        x = x @ x.T + 0.5 * np.eye(len(x))
    if "symmetric" in p:
        x = x + x.T
    if "skew" in p:
        x = x - x.T
    if "orthogonal" in p:
        x = np.linalg.qr(rng.normal(size=shape))[0]
    if "orthonormal" in p:
        x = np.linalg.qr(rng.normal(size=shape))[0]
    if "invertible" in p:
        x = x + 2.5 * np.eye(len(x))
    if "diagonal" in p:
        x = np.diag(np.abs(np.diag(x)) + 0.5)
    if "lower" in p:
        x = np.tril(x)
    if "positive" in p:
        x = np.abs(x) + 0.3
    if "unit" in p:
        x = x / np.linalg.norm(x)
    if "simplex" in p:
        x = np.abs(x) + 0.2
        x = x / x.sum()
    if "probability" in p:
        x = rng.uniform(0.15, 0.85, size=shape)
    if "onehot" in p:
        x = np.eye(len(x))[:, [int(rng.integers(len(x)))]]
    return x if shape else float(x)


def _law(d: Declaration, world: World, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    """A finite law that meets what is declared: its mean and covariance give the values of the symbols named."""
    n = math.prod(shape) if shape else 1
    law: list[tuple[Value, float]] = []
    mean, spread = d.random[1:3] if len(d.random) > 2 else ("0", "1")

    def known(name: str) -> Value:
        return float(name) if name.lstrip("-").isdigit() else world.symbol(name)

    if d.random[0] == "bernoulli":
        p = known(d.random[1])
        law = [(1.0, p), (0.0, 1.0 - p)]
    elif d.random[0] == "normal":
        points, weights = np.polynomial.hermite_e.hermegauss(7 if n <= 2 else 5)
        weights = weights / weights.sum()
        m = known(mean) if shape == () or mean.isidentifier() else np.zeros((n, 1))
        c = known(spread) if spread != "I" else np.eye(n)
        root = math.sqrt(c) if not np.ndim(c) else np.linalg.cholesky(c)
        for ks in itertools.product(range(len(points)), repeat=n):
            z = points[list(ks)].reshape(-1, 1)
            law.append((m + root * z[0, 0] if not shape else m + root @ z, float(np.prod(weights[list(ks)]))))
    else:  # any law with this mean and covariance
        count = 4 * n + 3
        atoms = rng.normal(size=(count, n)) ** 3 + rng.normal(size=(count, n))
        p = rng.uniform(0.5, 1.5, size=count)
        p = p / p.sum()
        atoms = atoms - p @ atoms
        cov = (atoms * p[:, None]).T @ atoms
        atoms = atoms @ np.linalg.inv(np.linalg.cholesky(cov)).T
        c = known(spread) if spread not in ("I", "1") else np.eye(n)
        c = np.array([[c]]) if not np.ndim(c) else c
        m = known(mean) if mean != "0" else 0.0
        m = np.full((n, 1), m) if not np.ndim(m) else m
        atoms = atoms @ np.linalg.cholesky(c).T + m.T
        law = [(a.reshape(-1, 1) if shape else float(a[0]), float(w)) for a, w in zip(atoms, p)]
    world.laws[d.name] = law


def indices(topic: Topic, claim: Node, world: World) -> Iterator[World]:
    """The world at every value of the claim's free indices (at most some dozens, spread out)."""
    free = [d for d in topic.declarations if d.kind == "index" and d.name in claim.names]
    ranges = [range(_dimension(d.low, world.sizes), _dimension(d.high, world.sizes) + 1) for d in free]
    every = list(itertools.product(*ranges))
    step = max(1, len(every) // 24)
    for values in every[:: step if step % 2 else step + 1] if len(every) > 24 else every:
        inside = world
        for d, value in zip(free, values):
            inside = inside.bind(d.name, float(value))
        yield inside


def truth(topic: Topic, claim: Node, count: int = 0) -> str:
    """`true`, `false`, `misfit` (the shapes do not fit), `loose` (true if rows may stand for columns), or `unknown`."""
    found = _truth(topic, claim, count)
    claim = claim.map(_from_the_left)  # as it is printed
    if found in ("misfit", "unknown"):
        for lenient in ("inner", "elementwise"):
            if _truth(topic, claim, count, lenient) in ("true", "loose"):
                return "loose"
        for lenient in ("inner", "elementwise", "outer"):
            if _truth(topic, claim, count, lenient, sloppy=True) in ("true", "loose"):
                return "unknown"
    return found


def _from_the_left(e: Node) -> Node:
    if e.op == "matmul" and e.args[1].op == "matmul":
        a, (b, c) = e.args[0], e.args[1].args
        return Node("matmul", (_from_the_left(Node("matmul", (a, b))), c))
    return e


def _truth(topic: Topic, claim: Node, count: int, lenient: str = "", sloppy: bool = False) -> str:
    worst = 0.0
    found = "true"
    equation = claim.op == "="
    for world in worlds(topic, count or (3 if equation else 12)):
        world.lenient, world.sloppy = lenient, sloppy
        for inside in indices(topic, claim, world):
            try:
                with np.errstate(all="ignore"):
                    left, right = (inside.eval(side) for side in claim.args)
            except Misfit:
                return "misfit"
            except (Unknown, ArithmeticError, np.linalg.LinAlgError, ValueError, RecursionError):
                return "unknown"
            a, b = np.asarray(left), np.asarray(right)
            if not (np.isfinite(a).all() and np.isfinite(b).all()):
                return "unknown"
            if a.shape != b.shape:
                if a.T.shape != b.shape or 1 not in a.shape:
                    return "misfit"
                found, b = "loose", b.T
            scale = max(1.0, float(np.abs(a).max()), float(np.abs(b).max()))
            if equation:
                worst = max(worst, float(np.abs(a - b).max()) / scale)
            else:
                gap = float((a - b).max()) if claim.op == "<=" else float((b - a).max())
                worst = max(worst, gap / scale)
            if worst > OTHER and found == "true":
                return "false"
    if worst > OTHER:
        return "misfit"
    if not equation and count == 0 and worst < SAME:
        return "true" if claim in topic.claims else "unknown"  # looking for a violation proves nothing
    return found if worst < SAME else "unknown"
