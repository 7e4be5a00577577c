"""How a reading and its reasons are told: members by their own indices, circles by way of what they go."""

from __future__ import annotations

import pytest

from lemmata.pipeline import check


def judged(folder, text):
    (folder / "a.md").write_text(text, encoding="utf-8")
    return [s for s in check(folder / "a.md", code=False) if s.verdict != "assumed"]


FAMILY = r"""Let $A \in \mathbb{R}^{n \times n}$ and $x \in \mathbb{R}^{n}$. For $i = 1, \dots, n$ let

$$
u_i = \sum_{j=1}^{n} A_{ij} x_j .
$$

"""
CLAUSES = r"""For positions $p$ and $i = 0, \dots, d/2 - 1$ let

$$
E_{p, 2i} = \sin(p / 100^{2i/d}), \quad E_{p, 2i+1} = \cos(p / 100^{2i/d}) .
$$

"""
RECURRENCE = r"""Let $m_t = \beta m_{t-1} + g_t$ with $m_0 = 0$.

"""


@pytest.mark.parametrize(
    "text, claim, reading",
    [
        (FAMILY, r"u_k^2 - u_l^2 = (u_k + u_l) (u_k - u_l)", r"u_k^{2} - u_l^{2} = (u_k + u_l) \cdot (u_k - u_l)"),
        (CLAUSES, r"E_{p, 2i}^2 + E_{p, 2i+1}^2 = 1", r"E_{p,2 i}^{2} + E_{p,2 i+1}^{2} = 1"),
        (CLAUSES, r"E_{q, 2k}^2 + E_{q, 2k+1}^2 = 1", r"E_{q,2 k}^{2} + E_{q,2 k+1}^{2} = 1"),
        (RECURRENCE, r"m_{t+1} - \beta m_t = g_{t+1}", r"m_{t+1} - (\beta \cdot m_t) = g_{t+1}"),
    ],
)
def test_members_are_called_by_the_indices_they_have(tmp_path, text, claim, reading):
    (found,) = (s for s in judged(tmp_path, f"{text}Then\n\n$$\n{claim}\n$$\n") if s.latex.startswith(claim[:8]))
    assert found.verdict == "verified" and found.reading == reading


def test_a_circle_is_told_by_way_of_what_it_goes_and_once(tmp_path):
    text = r"""Let $h \in \mathbb{R}^n$. Define $$g = \frac{\partial L}{\partial h}$$ and $$L = g^\top h.$$ Then
$$\frac{\partial L}{\partial h} = g.$$
"""
    (claim,) = judged(tmp_path, text)
    assert claim.verdict == "unchecked" and claim.reason == "L is defined by itself, through g"
    assert not claim.alternatives
