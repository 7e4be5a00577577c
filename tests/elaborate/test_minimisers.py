"""Minimisers in closed form claim that a gradient vanishes; other problems than the one before claim nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import lemmata

DATA = (
    r"Let $X\in\mathbb{R}^{n\times d}$ have full column rank, $y\in\mathbb{R}^n$, $w\in\mathbb{R}^d$ and $\lambda>0$."
    "\n\n"
)
LOSS = r"The loss is $K(w)=\|Xw-y\|_2^2+\lambda\|w\|^2$ with gradient $\nabla K(w)=2X^\top(Xw-y)+2\lambda w$. "
MEAN = (
    r"设 $x_1,\dots,x_n\in\mathbb{R}$，$\mu\in\mathbb{R}$，$\tau>0$，"
    r"$\ell(\mu)=-\frac{1}{2\tau^2}\sum_{i=1}^n(x_i-\mu)^2$。"
    r"其导数为 $\frac{\partial\ell}{\partial\mu}=\frac{1}{\tau^2}\sum_{i=1}^n(x_i-\mu)$，令导数为零解得 "
)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (DATA + LOSS + r"Setting it to zero gives $w^\star = (X^\top X+\lambda I)^{-1}X^\top y$.", "verified"),
        (DATA + LOSS + r"Setting it to zero gives $w^\star = (X^\top X+2\lambda I)^{-1}X^\top y$.", "refuted"),
        (DATA + LOSS + r"So the minimiser is $\hat w = (X^\top X+\lambda I)^{-1}X^\top y$.", "verified"),
        (DATA + LOSS + r"So the minimiser is $\hat w = (XX^\top+\lambda I)^{-1}X^\top y$.", "refuted"),
        (MEAN + r"$\hat\mu=\frac1n\sum_{i=1}^n x_i$。", "verified"),
        (DATA + LOSS + r"The lasso solution is $\hat w = (X^\top X)^{-1}X^\top y$.", "assumed"),
        (DATA + LOSS + r"One step gives the solution $\hat w = (X^\top X)^{-1}X^\top y$.", "assumed"),
        (DATA + LOSS + r"With $\gamma>0$ the solution is $\hat w = (X^\top X+\gamma I)^{-1}X^\top y$.", "assumed"),
        (DATA + LOSS + r"Put $\hat w = (X^\top X)^{-1}X^\top y$.", "assumed"),
    ],
)
def test_closed_forms(tmp_path: Path, text: str, verdict: str) -> None:
    path = tmp_path / "minimiser.md"
    path.write_text(text, encoding="utf-8")
    found = lemmata.check(path, code=False).statements
    assert found[-1].verdict == verdict, found[-1].reason
