"""Named inequalities: what is left between the two sides, recognised as the gap of a theorem.

Cauchy–Schwarz says of any x and y that ‖x‖‖y‖ − ⟨x, y⟩ is never negative. If the difference of a claim's sides is such
a gap, taken at programs that occur in the claim and times something that is never negative, then the claim holds. That
they are the same is shown as an equation is: they agree at every instance. What a theorem supposes of its x and y (that
they are positive, that weights add up to 1) is bounded over the whole domain.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

import numpy as np
from msgspec import Struct

from lemmata.backends import numpy as backend
from lemmata.program import build
from lemmata.program.graph import nodes
from lemmata.program.node import Axis, Node
from lemmata.verify.bounds import bound
from lemmata.verify.double import common_axes, spread
from lemmata.verify.gaps import FAMILIES, Family, Parts
from lemmata.verify.outcome import Outcome
from lemmata.verify.problem import Instance
from lemmata.verify.trials import Bench, Clock, Tried
from lemmata.verify.values import Array

CLOSE = 1e-9
"""How near the difference and the gap must be, relative to the larger side."""
VISIBLE = 1e-4
"""How large the difference must be at some trials, relative to the larger side, for that to say anything."""
ENOUGH = 3
MOST = {"number": 24, "vector": 14, "matrix": 8}
LARGE = 40_000


class Candidate(Struct, frozen=True):
    """A program of the claim as argument of a theorem: its values at every trial, the last axes its own."""

    kind: str
    values: tuple[Array, ...]
    properties: frozenset[str]


def named(bench: Bench, link: int, relation: str, clock: Clock) -> Outcome | None:
    """The theorem that proves the link at every size tried; None where none does. Raises Late."""
    if relation not in ("\\le", "\\ge"):
        return None
    found: list[str] = []
    for instance in bench.instances():
        tried = [t for t in bench.tried if t.trial.instance is instance]
        name = _at_sizes(instance, tried, link, relation, clock)
        if name is None:
            return None
        found.append(name)
    names = " and ".join(dict.fromkeys(found))
    sizes = "" if len(found) == 1 else f" and each of {len(found)} assignments of sizes"
    line = f"the difference of the sides is that of {names}, at every instance{sizes}"
    return Outcome("holds", "named inequality", (line,))


def _at_sizes(instance: Instance, tried: Sequence[Tried], link: int, relation: str, clock: Clock) -> str | None:
    if not tried or tried[0].cost > LARGE:
        return None
    lesser, greater = instance.sides[link], instance.sides[link + 1]
    if relation == "\\ge":
        lesser, greater = greater, lesser
    axes = common_axes((lesser, greater))
    order = [n for n in nodes(lesser, greater) if n.dtype in ("real", "int")]
    values: list[list[Array]] = []
    for one in tried:
        feeds = {name: d.floats for name, d in one.trial.draws.items()}
        with np.errstate(all="ignore"):
            try:
                values.append([np.asarray(v, dtype=float) for v in backend.run(order, feeds)])
            except (np.linalg.LinAlgError, ArithmeticError, TypeError):
                return None
    place = {n.uid: k for k, n in enumerate(order)}
    if lesser.uid not in place or greater.uid not in place:
        return None
    differences, scales = [], []
    for row in values:
        low = spread(row[place[lesser.uid]], lesser.axes, axes)
        high = spread(row[place[greater.uid]], greater.axes, axes)
        differences.append(np.asarray(high - low))
        scales.append(max(float(abs(low).max(initial=0)), float(abs(high).max(initial=0)), 1e-300))
    visible = [abs(d).max(initial=0) > VISIBLE * s for d, s in zip(differences, scales, strict=True)]
    if sum(visible) < min(ENOUGH, len(tried)) or not all(np.isfinite(d).all() for d in differences):
        return None
    candidates = list(_candidates(instance, order, values, axes))
    parts = [_parts(order, place, row, axes) for row in values]
    factors = [c for c in candidates if c.kind == "number" and "nonnegative" in c.properties]
    with np.errstate(all="ignore"):
        for family in FAMILIES:
            name = _family(family, candidates, parts, factors, differences, scales, len(axes), clock)
            if name is not None:
                return name
    return None


def _family(
    family: Family,
    candidates: Sequence[Candidate],
    parts: Sequence[Parts],
    factors: Sequence[Candidate],
    differences: Sequence[Array],
    scales: Sequence[float],
    outer: int,
    clock: Clock,
) -> str | None:
    pools = [[c for c in candidates if c.kind == kind and needs <= c.properties] for kind, needs in family.arguments]
    for number, chosen in enumerate(itertools.product(*pools)):
        if number % 64 == 0:
            clock.check()
        if len({id(c) for c in chosen}) < len(chosen) or not family.fits(*(c.values[0].shape[outer:] for c in chosen)):
            continue
        gaps = _gaps(family.gaps, parts[0], [c.values[0] for c in chosen])
        likely = [k for k, (_, gap) in enumerate(gaps) if _plausible(gap, differences[0])]
        if not likely:
            continue
        rows = [
            gaps,
            *(_gaps(family.gaps, parts[k], [c.values[k] for c in chosen]) for k in range(1, len(differences))),
        ]
        if any(len(row) != len(gaps) for row in rows):
            continue
        for k in likely:
            if _same([row[k][1] for row in rows], differences, scales, factors):
                return gaps[k][0]
    return None


def _gaps(
    make: Callable[..., Iterator[tuple[str, Array]]], parts: Parts, values: Sequence[Array]
) -> list[tuple[str, Array]]:
    try:
        return list(make(parts, *values))
    except (ValueError, np.linalg.LinAlgError):
        return []


def _plausible(gap: Array, difference: Array) -> bool:
    """Whether the gap is a number at each position of the difference."""
    try:
        return np.broadcast_shapes(gap.shape, difference.shape) == difference.shape and bool(np.isfinite(gap).all())
    except ValueError:
        return False


def _same(
    gaps: Sequence[Array], differences: Sequence[Array], scales: Sequence[float], factors: Sequence[Candidate]
) -> bool:
    """Whether difference = factor × gap everywhere, for a positive constant or one that is never negative."""

    def equal(scaled: Sequence[Array]) -> bool:
        return all(
            np.isfinite(g).all() and float(abs(d - g).max(initial=0)) <= CLOSE * s
            for d, g, s in zip(differences, scaled, scales, strict=True)
        )

    if equal(gaps):
        return True
    if not all(np.isfinite(g).all() for g in gaps):
        return False
    large = max(range(len(gaps)), key=lambda k: float(abs(gaps[k]).max(initial=0)))
    whole = np.broadcast_to(gaps[large], differences[large].shape)
    place = int(abs(whole).argmax())
    if len(gaps) >= ENOUGH and whole.flat[place] > 0 and differences[large].flat[place] > 0:
        ratio = float(differences[large].flat[place] / whole.flat[place])
        if equal([ratio * g for g in gaps]):
            return True
    for factor in factors:
        if equal([f * g for f, g in zip(factor.values, gaps, strict=True)]):
            return True
        if all((f > 0).all() for f in factor.values) and equal(
            [g / f for f, g in zip(factor.values, gaps, strict=True)]
        ):
            return True
    return False


def _parts(order: Sequence[Node], place: Mapping[int, int], row: Sequence[Array], outer: tuple[Axis, ...]) -> Parts:
    """The branching operations among the nodes, with the values of their arguments."""
    found: dict[str, list[tuple[Array, ...]]] = {}

    def note(kind: str, *arguments: Node, own: Sequence[Axis] = ()) -> None:
        if all(set(a.axes) <= {*outer, *own} for a in arguments) and all(a.uid in place for a in arguments):
            arrays = tuple(spread(row[place[a.uid]], a.axes, (*outer, *own)) for a in arguments)
            found.setdefault(kind, []).append(arrays)

    for node in order:
        if node.op in ("abs", "maximum", "minimum"):
            note(node.op, *node.args)
        elif node.op in ("sum", "max", "min"):
            (inner,), over = node.args, node.attr("over")
            if inner.op == "svdvals":
                if node.op != "min":
                    kind = "spectral" if node.op == "max" else "nuclear"
                    note(kind, inner.args[0], own=(inner.attr("row"), inner.attr("column")))
            elif inner.op == "eigvalsh":
                note("eigenvalues", inner.args[0], own=(inner.attr("row"), inner.attr("column")))
            elif node.op == "max" and inner.op == "abs" and len(over) == 1:
                note("max-norm", inner.args[0], own=over)
            elif node.op == "sum" and inner.op == "abs" and len(over) == 1:
                note("1-norm", inner.args[0], own=over)
            elif node.op != "sum" and len(over) == 1:
                note(node.op, inner, own=over)
        elif node.op == "sqrt" or (node.op == "pow" and build.literal(node.args[1]) in (Fraction(1, 2), 0.5)):
            (total, *_) = node.args
            if total.op not in ("sum", "contract"):
                continue
            over = total.attr("over")
            factors = total.args[0].args if total.op == "sum" and total.args[0].op == "mul" else total.args
            if total.op == "sum" and total.args[0].op in ("square", "pow"):
                power = total.args[0]
                factors = (power.args[0],) * (2 if power.op == "square" or build.literal(power.args[1]) == 2 else 1)
            if len(factors) == 2 and factors[0] is factors[1]:
                note("2-norm" if len(over) == 1 else "frobenius", factors[0], own=over)
    return Parts(found)


def _candidates(
    instance: Instance, order: Sequence[Node], values: Sequence[Sequence[Array]], outer: tuple[Axis, ...]
) -> Iterator[Candidate]:
    """The claim's programs as numbers, vectors and matrices over the axes of its sides, each value once."""
    count: dict[str, int] = {}
    seen: set[tuple[object, ...]] = set()

    def fresh(kind: str, arrays: tuple[Array, ...]) -> bool:
        """Whether to take it: finite, new and not one too many."""
        if not all(np.isfinite(a).all() for a in arrays):
            return False
        key = (arrays[0].shape, *np.round(arrays[0].flat[:6], 12).tolist(), float(arrays[0].sum()))
        if key in seen or count.get(kind, 0) >= MOST[kind]:
            return False
        seen.add(key)
        count[kind] = count.get(kind, 0) + 1
        return True

    for position, node in enumerate(order):
        own = tuple(a for a in node.axes if a not in outer)
        if len(own) > 2 or len(outer) > 2:
            continue
        kind = ("number", "vector", "matrix")[len(own)]
        arrays = tuple(spread(row[position], node.axes, (*outer, *own)) for row in values)
        if fresh(kind, arrays):
            yield Candidate(kind, arrays, _properties(instance, node, arrays, len(own)))
        if len(own) == len(outer) == len(node.axes) == 1 and own[0].size == outer[0].size:
            # The component of a vector at the position that the sides speak of.
            along = tuple(np.asarray(row[position]) for row in values)
            if fresh("number", along):
                yield Candidate("number", along, _properties(instance, node, along, 0))


def _properties(instance: Instance, node: Node, arrays: Sequence[Array], own: int) -> frozenset[str]:
    found: set[str] = set()
    if any(not np.array_equal(a, arrays[0]) for a in arrays[1:]):
        found.add("varying")
    interval = bound(node, instance)
    if interval.low >= 0:
        found.add("nonnegative")
    if interval.low > 0 or (interval.low == 0 and interval.low_open):
        found.add("positive")
    if interval.low >= 0 and interval.high <= 1:
        found.add("in [0, 1]")
    if own == 1 and "nonnegative" in found and all(abs(a.sum(axis=-1) - 1).max(initial=0) < 1e-12 for a in arrays):
        found.add("weights")
    if own == 2 and arrays[0].shape[-1] == arrays[0].shape[-2]:
        if all(abs(a - a.swapaxes(-1, -2)).max(initial=0) <= 1e-12 * abs(a).max(initial=0) for a in arrays):
            found.add("symmetric")
            if _definite(instance, node):
                found.add("positive definite")
    return frozenset(found)


def _definite(instance: Instance, node: Node) -> bool:
    """Whether it is positive (semi)definite by declaration or as X Xᵀ."""
    while node.op in ("rename", "inv", "broadcast"):
        node = node.args[0]
    if node.op == "contract" and len(node.args) == 2:
        first, second = (a.args[0] if a.op == "rename" else a for a in node.args)
        return first is second and len(first.axes) == 2 and _kept_position(node)
    if node.op != "input":
        return False
    name = node.attr("name")
    return any(i.node.attr("name") == name and "positive definite" in i.domain.properties for i in instance.inputs)


def _kept_position(node: Node) -> bool:
    """Whether both factors are summed over the same position of their common matrix."""
    places = []
    for factor in node.args:
        (over,) = node.attr("over") if len(node.attr("over")) == 1 else (None,)
        mapping = dict(factor.attr("mapping")) if factor.op == "rename" else {}
        base = factor.args[0] if factor.op == "rename" else factor
        shown = [mapping.get(a, a) for a in base.axes]
        if over not in shown:
            return False
        places.append(shown.index(over))
    return places[0] == places[1]
