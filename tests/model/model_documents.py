"""Documents of the tests, in the words of no one else's."""

from __future__ import annotations

from pathlib import Path

import lemmata
from lemmata.model import Model

LAYERS = r"""
# Layers

Let $X \in \mathbb{R}^{n \times d}$ be the tokens, with weights $W_1 \in \mathbb{R}^{d \times f}$,
$b_1 \in \mathbb{R}^f$, $W_2 \in \mathbb{R}^{f \times d}$ and $b_2 \in \mathbb{R}^d$.

$$
\text{FFN}(X) = \max(0, X W_1 + b_1) W_2 + b_2
$$

For a vector $x \in \mathbb{R}^d$ with gain $\gamma \in \mathbb{R}^d$ and shift $\beta \in \mathbb{R}^d$ and a small
$\epsilon > 0$, let

$$
\mu = \frac{1}{d} \sum_{i=1}^{d} x_i
$$

$$
\sigma^2 = \frac{1}{d} \sum_{i=1}^{d} (x_i - \mu)^2
$$

$$
\text{Norm}(x) = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta
$$
"""

ATTENTION = r"""
# Attention

$$
\text{Attention}(Q, K, V) = \text{softmax}\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V
$$

$$
\text{MultiHead}(Q, K, V) = \text{Concat}(\text{head}_1, \dots, \text{head}_h) W^O
$$

$$
\text{head}_i = \text{Attention}(Q W_i^Q, K W_i^K, V W_i^V)
$$
"""

CAUSAL = r"""
# Causal attention

For $Q \in \mathbb{R}^{n \times d_k}$, $K \in \mathbb{R}^{n \times d_k}$, $V \in \mathbb{R}^{n \times d_v}$ and the mask
$M \in \mathbb{R}^{n \times n}$, where

$$
M_{ij} = \begin{cases} 0 & j \le i \\ -\infty & j > i \end{cases}
$$

attention to the past is

$$
\text{Causal}(Q, K, V) = \text{softmax}\left(\frac{Q K^\top}{\sqrt{d_k}} + M\right) V
$$
"""

POSITIONS = r"""
# Positions

With $d$ columns, the even and the odd ones are

$$
PE_{(pos, 2i)} = \sin\left(pos / 10000^{2i / d}\right), \quad
PE_{(pos, 2i+1)} = \cos\left(pos / 10000^{2i / d}\right)
$$
"""


def loaded(folder: Path, text: str) -> Model:
    path = folder / "document.md"
    path.write_text(text, encoding="utf-8")
    return lemmata.load(path)
