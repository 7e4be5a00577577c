"""Enclosures of functions of one matrix, given as rows of balls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

import mpmath
from flint import acb, acb_mat, arb, arb_mat, ctx

from lemmata.backends.enclosures import NotInBall, Undecided, greater


def matrix(entries: list[list[Any]]) -> Any:
    return acb_mat(entries) if any(isinstance(x, acb) for line in entries for x in line) else arb_mat(entries)


def _real(entries: list[list[Any]], name: str) -> None:
    if any(isinstance(x, acb) for line in entries for x in line):
        raise NotInBall(f"{name} of a complex matrix has no enclosure in ball arithmetic")


def inverse(entries: list[list[Any]]) -> Any:
    return matrix(entries).inv().tolist()


def cholesky(entries: list[list[Any]]) -> Any:
    _real(entries, "cholesky")
    size = len(entries)
    lower: list[list[Any]] = [[arb(0)] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = entries[i][j] - sum((lower[i][k] * lower[j][k] for k in range(j)), arb(0))
            lower[i][j] = rest.sqrt() if i == j else rest / lower[j][j]
    return lower


def _spectrum(entries: list[list[Any]]) -> list[Any]:
    """Enclosures of the eigenvalues of a symmetric matrix, ascending; only the lower triangle is read.

    Gershgorin's discs of Q⁻¹AQ, Q approximate eigenvectors: discs that touch share their eigenvalues.
    """
    a = _symmetric(entries)
    size = len(entries)
    if not all(x.is_finite() for line in entries for x in line):
        raise Undecided("eigenvalues of a matrix that is not finite")
    with mpmath.workprec(ctx.prec + 20):
        middle = [[mpmath.mpf(a[i, j].mid()) for j in range(size)] for i in range(size)]
        _, vectors = mpmath.eigsy(mpmath.matrix(middle))
        q = arb_mat([[arb(vectors[i, j]) for j in range(size)] for i in range(size)])
    try:
        b = q.solve(a * q)
    except ZeroDivisionError as error:
        raise Undecided("eigenvalues that cannot be enclosed") from error
    discs: list[Any] = []
    for i in range(size):
        radius = sum((abs(b[i, j]) for j in range(size) if j != i), arb(0))
        discs.append(b[i, i] + arb(0).union(radius).union(-radius))
    if not all(d.is_finite() for d in discs):
        raise Undecided("eigenvalues that cannot be enclosed")
    groups: list[tuple[Any, int]] = []
    for disc in sorted(discs, key=cmp_to_key(_by_middle)):
        count = 1
        while groups and groups[-1][0].overlaps(disc):
            other, members = groups.pop()
            disc, count = disc.union(other), count + members
        groups.append((disc, count))
    return [disc for disc, count in groups for _ in range(count)]


def _by_middle(x: Any, y: Any) -> int:
    return int(x.mid() > y.mid()) - int(x.mid() < y.mid())


def _symmetric(entries: list[list[Any]]) -> Any:
    size = len(entries)
    return arb_mat([[entries[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)])


def eigenvalues(entries: list[list[Any]]) -> list[Any]:
    _real(entries, "eigvalsh")
    return _spectrum(entries)


def _gram(entries: list[list[Any]]) -> list[list[Any]]:
    """Of the smaller side."""
    columns = list(zip(*entries, strict=True))
    lines = entries if len(entries) <= len(columns) else columns
    return [[sum((a * b for a, b in zip(x, y, strict=True)), arb(0)) for y in lines] for x in lines]


def _root(x: Any) -> Any:
    """The root of what is known not to be negative."""
    return x.nonnegative_part().sqrt() if x > 0 else arb(0).union(x.upper().nonnegative_part().sqrt())


def singular_values(entries: list[list[Any]]) -> list[Any]:
    _real(entries, "svdvals")
    return [_root(x) for x in reversed(_spectrum(_gram(entries)))]


def _projectors(entries: list[list[Any]]) -> tuple[list[Any], list[list[list[Any]]]]:
    """Eigenvalues of a symmetric matrix, ascending, each with its projector vvᵀ; they must be simple."""
    size = len(entries)
    try:
        values, vectors = acb_mat(_symmetric(entries)).eig(right=True)
    except ValueError as error:
        raise Undecided("eigenvalues that cannot be told apart") from error
    pairs: list[tuple[Any, list[Any]]] = []
    for k, value in enumerate(values):
        place = 0
        for other, _ in pairs:
            above = greater(value.real, other)
            if above is None:
                raise Undecided("eigenvalues that cannot be told apart")
            place += above
        pairs.insert(place, (value.real, [vectors[i, k] for i in range(size)]))
    found = []
    for _, v in pairs:
        norm = sum((x * x for x in v), acb(0))
        found.append([[(x * y / norm).real for y in v] for x in v])
    return [p[0] for p in pairs], found


def eigen_projectors(entries: list[list[Any]]) -> list[list[list[Any]]]:
    _real(entries, "eigh_outer")
    _, found = _projectors(entries)
    return _last(found)


def singular_products(entries: list[list[Any]]) -> list[list[list[Any]]]:
    """u vᵀ = uuᵀX/σ = X vvᵀ/σ."""
    _real(entries, "svd_outer")
    values, found = _projectors(_gram(entries))
    x = arb_mat(entries)
    wide = len(entries) <= len(entries[0])
    outers = []
    for value, projector in zip(reversed(values), reversed(found), strict=True):
        p = arb_mat(projector)
        outers.append(((p * x if wide else x * p) * (1 / _root(value))).tolist())
    return _last(outers)


def _last(stacked: list[list[list[Any]]]) -> list[list[list[Any]]]:
    """The first index moved to the end."""
    return [[list(cell) for cell in zip(*lines, strict=True)] for lines in zip(*stacked, strict=True)]


def logarithm_of_determinant(entries: list[list[Any]]) -> Any:
    return abs(matrix(entries).det()).log()


MATRICES: dict[str, tuple[Callable[[list[list[Any]]], Any], int]] = {
    "inv": (inverse, 2), "matrix_exp": (lambda x: matrix(x).exp().tolist(), 2), "cholesky": (cholesky, 2),
    "det": (lambda x: matrix(x).det(), 0), "logabsdet": (logarithm_of_determinant, 0), "eigvalsh": (eigenvalues, 1),
    "svdvals": (singular_values, 1), "eigh_outer": (eigen_projectors, 3), "svd_outer": (singular_products, 3),
}  # fmt: skip
"""The function of one matrix for each primitive, and how many dimensions its result has."""
