"""Derivatives of the matrix primitives; each rule gives the cotangent of its one argument."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from lemmata.program import build as b
from lemmata.program.node import Axis, Node


def _mul(*parts: Node) -> Node:
    result = parts[0]
    for part in parts[1:]:
        result = b.binary("mul", result, part)
    return result


def _matrix(node: Node) -> tuple[Axis, Axis]:
    return node.attr("row"), node.attr("column")


def _swap(x: Node, row: Axis, column: Axis) -> Node:
    return b.rename(x, {row: column, column: row})


def _inv(node: Node, g: Node) -> list[Node | None]:
    """d tr(Gᵀ X⁻¹) = −X⁻ᵀ G X⁻ᵀ."""
    row, column = _matrix(node)
    g = b.broadcast(g, [row, column])
    p, q = Axis.fresh(row.label, row.size), Axis.fresh(row.label, row.size)
    left = b.rename(node, {row: p, column: row})
    right = b.rename(node, {row: column, column: q})
    return [b.unary("neg", b.contract([left, b.rename(g, {row: p, column: q}), right], [p, q]))]


def _det(node: Node, g: Node) -> list[Node | None]:
    row, column = _matrix(node)
    return [_mul(g, node, _swap(b.inv(node.args[0], row, column), row, column))]


def _logabsdet(node: Node, g: Node) -> list[Node | None]:
    row, column = _matrix(node)
    return [_mul(g, _swap(b.inv(node.args[0], row, column), row, column))]


def _matrix_exp(node: Node, g: Node) -> list[Node | None]:
    """The adjoint Fréchet derivative, read off exp of the block matrix [[Xᵀ, G], [0, Xᵀ]]."""
    row, column = _matrix(node)
    g = b.broadcast(g, [row, column])
    x = _swap(node.args[0], row, column)
    size = row.size
    big_row, big_column = Axis.fresh("row", 2 * size), Axis.fresh("column", 2 * size)
    c1, c2 = Axis.fresh("c", size), Axis.fresh("c", size)
    zero = b.broadcast(b.constant(0), [row])
    top = b.concat([(b.rename(x, {column: c1}), c1), (b.rename(g, {column: c2}), c2)], big_column)
    bottom = b.concat([(b.broadcast(zero, [c1]), c1), (b.rename(x, {column: c2}), c2)], big_column)
    r1, r2 = Axis.fresh("r", size), Axis.fresh("r", size)
    whole = b.concat([(b.rename(top, {row: r1}), r1), (b.rename(bottom, {row: r2}), r2)], big_row)
    e = b.matrix_exp(whole, big_row, big_column)
    return [b.take(b.take(e, big_row, b.iota(row)), big_column, b.iota(column, size))]


def _svdvals(node: Node, g: Node) -> list[Node | None]:
    """dσ_i = u_iᵀ dX v_i, with the vectors from one more primitive."""
    row, column = _matrix(node)
    values = node.attr("values")
    return [b.contract([b.broadcast(g, [values]), b.svd_outer(node.args[0], row, column, values)], [values])]


def _eigvalsh(node: Node, g: Node) -> list[Node | None]:
    row, column = _matrix(node)
    values = node.attr("values")
    return [b.contract([b.broadcast(g, [values]), b.eigh_outer(node.args[0], row, column, values)], [values])]


def _cholesky(node: Node, g: Node) -> list[Node | None]:
    """Murray 2016, eq. 8: X̄ = ½ L⁻ᵀ (Φ(Lᵀ L̄) + Φ(Lᵀ L̄)ᵀ) L⁻¹, Φ the lower half with halved diagonal."""
    row, column = _matrix(node)
    g = b.broadcast(g, [row, column])
    k = Axis.fresh("k", row.size)
    product = b.contract([b.rename(node, {row: k, column: row}), b.rename(g, {row: k})], [k])
    lower = b.select(
        b.binary("gt", b.iota(row), b.iota(column)),
        product,
        b.select(b.binary("eq", b.iota(row), b.iota(column)), _mul(product, b.constant(Fraction(1, 2))), b.constant(0)),
    )
    both = b.binary("add", lower, _swap(lower, row, column))
    inverse = b.inv(node, row, column)
    p, q = Axis.fresh("p", row.size), Axis.fresh("q", row.size)
    left = b.rename(inverse, {row: p, column: row})
    right = b.rename(inverse, {row: q})
    return [_mul(b.constant(Fraction(1, 2)), b.contract([left, b.rename(both, {row: p, column: q}), right], [p, q]))]


def _gaps(values: Node, k: Axis, j: Axis) -> Node:
    """1 / (λ_k − λ_j), and 0 for k = j."""
    same = b.binary("eq", b.iota(k), b.iota(j))
    gap = b.binary("sub", values, b.rename(values, {k: j}))
    return b.select(same, b.constant(0), b.binary("div", b.constant(1), b.select(same, b.constant(1), gap)))


def _projectors(outer: Node, values: Node, g: Node, axes: tuple[Axis, Axis, Axis]) -> Node:
    """The cotangent of a symmetric matrix with eigenvalues λ and projectors E, from those of the projectors.

    dE_k = Σ_{j≠k} (E_j dM E_k + E_k dM E_j) / (λ_k − λ_j), for simple eigenvalues.
    """
    row, column, k = axes
    j = Axis.fresh(k.label, k.size)
    p, q = Axis.fresh("p", row.size), Axis.fresh("q", row.size)
    inner = b.rename(g, {row: p, column: q})
    gaps = _gaps(values, k, j)
    left, right = b.rename(outer, {column: p}), b.rename(outer, {row: q})
    over = [p, q, k, j]
    first = b.contract([b.rename(left, {k: j}), inner, right, gaps], over)
    return b.binary("add", first, b.contract([left, inner, b.rename(right, {k: j}), gaps], over))


def _eigh_outer(node: Node, g: Node) -> list[Node | None]:
    row, column = _matrix(node)
    k = node.attr("values")
    g = b.broadcast(g, [row, column, k])
    return [_projectors(node, b.eigvalsh(node.args[0], row, column, k), g, (row, column, k))]


def _svd_outer(node: Node, g: Node) -> list[Node | None]:
    """W_k = u_k v_kᵀ = E_k X / σ_k, E_k the projectors of X Xᵀ on the shorter side."""
    row, column = sorted(_matrix(node), key=lambda a: a.size)
    x, k = node.args[0], node.attr("values")
    g = b.broadcast(g, [row, column, k])
    other, ascending = Axis.fresh(row.label, row.size), Axis.fresh(k.label, k.size)
    moved = b.rename(x, {row: other})
    outer = b.eigh_outer(b.contract([x, moved], [column]), row, other, ascending)
    outer = b.take(outer, ascending, b.binary("sub", b.constant(k.size - 1), b.iota(k)))
    sigma = b.svdvals(x, *_matrix(node), k)
    g = b.binary("div", g, sigma)
    gram = _projectors(outer, b.binary("mul", sigma, sigma), b.contract([g, moved], [column]), (row, other, k))
    gram = b.binary("add", gram, _swap(gram, row, other))
    direct = b.contract([outer, b.rename(g, {row: other})], [other, k])
    scale = b.contract([b.contract([g, node], [row, column]), node], [k])
    return [b.binary("sub", b.binary("add", direct, b.contract([gram, moved], [other])), scale)]


MATRICES: dict[str, Callable[[Node, Node], list[Node | None]]] = {
    "inv": _inv, "det": _det, "logabsdet": _logabsdet, "matrix_exp": _matrix_exp, "cholesky": _cholesky,
    "svdvals": _svdvals, "eigvalsh": _eigvalsh, "svd_outer": _svd_outer, "eigh_outer": _eigh_outer,
}  # fmt: skip
