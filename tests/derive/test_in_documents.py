"""Derivatives of what only a document's words and ranges settle, derived at their place and judged there."""

from __future__ import annotations

import pytest

from lemmata.derive.derivation import Deriver
from lemmata.documents import read
from lemmata.elaborate.document import elaborate

CASES = {
    "the inverse of a matrix that depends on a number": (
        r"Let $Y(t) \in \mathbb{R}^{n\times n}$ be invertible, smooth in $t$, and write $\dot Y$ for $dY/dt$. "
        r"Then $$\frac{dY^{-1}}{dt} = -Y^{-1}\dot Y Y^{-1}.$$",
        r"\frac{dY^{-1}}{dt}",
        r"-Y^{-1}\dot YY^{-1}",
    ),
    "through a value given later": (
        r"Let $z, c \in \mathbb{R}^K$ and $\ell = \frac{1}{2}\|z - c\|_2^2$. Then let $z = Wx$ with "
        r"$W \in \mathbb{R}^{K \times d}$, $x \in \mathbb{R}^d$. "
        r"We get $$\frac{\partial \ell}{\partial W} = (z - c)x^\top.$$",
        r"\frac{\partial \ell}{\partial W}",
        r"(z - c)x^\top",
    ),
    "rows under the name that the document gives them": (
        r"Take $x_1, \dots, x_n \in \mathbb{R}^d$, the rows of $X \in \mathbb{R}^{n \times d}$, and targets "
        r"$y_i \in \{0, 1\}$. With $\sigma(z) = 1 / (1 + e^{-z})$, $p_i = \sigma(w^\top x_i)$ for $w \in \mathbb{R}^d$ "
        r"and $$L(w) = -\sum_{i=1}^n [y_i \log p_i + (1 - y_i) \log(1 - p_i)]$$ the second derivative is "
        r"$$\nabla_w^2 L = \sum_{i=1}^n p_i (1 - p_i) x_i x_i^\top.$$",
        r"\nabla_w^2 L",
        r"\sum_{i=1}^n p_i(1 - p_i)x_ix_i^\top",
    ),
    "gradients under the names that the document gives them": (
        r"Let $A \in \mathbb{R}^{m \times k}$, $B \in \mathbb{R}^{k \times n}$ and $C = \frac{1}{k} A B$. A scalar "
        r"loss $L$ depends on them through $C$ alone; we write $\mathbf{dC} = \partial L / \partial C$ and likewise "
        r"$\mathbf{dA}, \mathbf{dB}$. Then let $A = X W$ with $X \in \mathbb{R}^{m \times d}$, "
        r"$W \in \mathbb{R}^{d \times k}$. "
        r"We have $$\frac{\partial L}{\partial W} = X^\top \mathbf{dA}.$$",
        r"\frac{\partial L}{\partial W}",
        r"X^\top\mathbf{dA}",
    ),
    "a correlation whose outputs have no stated range": (
        r"Let $X \in \mathbb{R}^{p \times q}$ and $W \in \mathbb{R}^{k \times k}$ (indices from zero). We use "
        r"$Y_{ij} = \sum_{u=0}^{k-1} \sum_{v=0}^{k-1} W_{uv} X_{i+u,\,j+v}$. "
        r"With $\Delta = \partial L/\partial Y$ for a scalar loss $L$, "
        r"$$\frac{\partial L}{\partial W_{uv}} = \sum_{i=0}^{p-k} \sum_{j=0}^{q-k} \Delta_{ij} X_{i+u,\,j+v}.$$",
        r"\frac{\partial L}{\partial W_{uv}}",
        r"\sum_{i=0}^{p - k} \left(\sum_{j=0}^{q - k} \Delta_{ij}X_{i + u, j + v}\right)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_derivative_at_its_place(tmp_path, name):
    text, left, right = CASES[name]
    file = tmp_path / "derived.md"
    file.write_text(f"# A section\n\n{text}\n", encoding="utf-8")
    deriver = Deriver(elaborate(read(str(file))))
    found = deriver.derive(deriver.elaboration.items[-1], left)
    assert (found.right, found.verdict.kind) == (right, "verified")
