"""Enclosures of functions of one matrix, given as rows of balls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import acb, acb_mat, arb, arb_mat

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
    """Enclosures of the eigenvalues of a symmetric matrix, ascending; only the lower triangle is read."""
    size = len(entries)
    symmetric = acb_mat([[entries[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)])
    try:
        found = symmetric.eig(multiple=True)
    except ValueError as error:
        raise Undecided("eigenvalues that cannot be enclosed") from error
    reals = [x.real for x in found]
    if not all(x.is_finite() for x in reals):
        raise Undecided("eigenvalues that cannot be enclosed")
    lowest = _sorted([x.lower() for x in reals])
    highest = _sorted([x.upper() for x in reals])
    return [a.union(b) for a, b in zip(lowest, highest, strict=True)]


def _sorted(points: list[Any]) -> list[Any]:
    """Exact numbers in ascending order."""
    result: list[Any] = []
    for point in points:
        place = sum(1 for other in result if other <= point)
        result.insert(place, point)
    return result


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
    symmetric = acb_mat([[entries[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)])
    try:
        values, vectors = symmetric.eig(right=True)
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
