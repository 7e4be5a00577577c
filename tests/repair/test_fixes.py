"""A refuted claim comes with the small edit of its own LaTeX that makes it hold, for every kind of slip."""

from __future__ import annotations

from pathlib import Path

import pytest

import lemmata
from lemmata.repair.edit import plain
from lemmata.report.result import StatementResult

MATRICES = (
    r"Let $A, B \in \mathbb{R}^{n \times n}$ be invertible, $M \in \mathbb{R}^{m \times n}$, "
    r"$N \in \mathbb{R}^{n \times p}$."
)
VECTORS = r"Let $x, y \in \mathbb{R}^n$ and $W \in \mathbb{R}^{m \times n}$, $b \in \mathbb{R}^m$."
NUMBERS = r"Let $a, b, c > 0$ be numbers."
SEQUENCE = r"Let $u, v \in \mathbb{R}^n$ and $S \in \mathbb{R}^{m \times n}$."

CASES = {
    "transpose of a factor": (
        MATRICES,
        r"\nabla_A \operatorname{tr}(AB) = B",
        r"\nabla_A \operatorname{tr}(AB) = B^\top",
    ),
    "transpose too many": (
        MATRICES,
        r"\operatorname{tr}(A^\top B) = \operatorname{tr}(B A)",
        r"\operatorname{tr}(A^\top B) = \operatorname{tr}(B^\top A)",
    ),
    "transpose of a bracket": (
        VECTORS,
        r"\nabla_x \|Wx - b\|_2^2 = 2 W (Wx - b)",
        r"\nabla_x \|Wx - b\|_2^2 = 2 W^\top (Wx - b)",
    ),
    "transpose written as the text writes it": (
        MATRICES,
        r"(MN)^{\mathsf T} = N^{\mathsf T} M",
        r"(MN)^{\mathsf T} = N^{\mathsf T} M^{\mathsf T}",
    ),
    "the outer product transposed": (VECTORS, r"\nabla_W\, b^\top W x = x b^\top", r"\nabla_W\, b^\top W x = b x^\top"),
    "sign of a side": (NUMBERS, r"\log\frac{1}{a} = \log a", r"\log\frac{1}{a} = -\log a"),
    "sign of a term": (NUMBERS, r"(a - b)^2 = a^2 + 2ab + b^2", r"(a - b)^2 = a^2 - 2ab + b^2"),
    "sign in an exponent": (
        NUMBERS,
        r"\frac{1}{e^a + 1} = \frac{e^a}{1 + e^a}",
        r"\frac{1}{e^a + 1} = \frac{e^{-a}}{1 + e^{-a}}",
    ),
    "sign in a denominator": (
        NUMBERS,
        r"\frac{1}{a} - \frac{1}{a + b} = \frac{b}{a(a - b)}",
        r"\frac{1}{a} - \frac{1}{a + b} = \frac{b}{a(a + b)}",
    ),
    "two signs": (NUMBERS, r"(a - b)(a + b - c) = a^2 + b^2 - ac - bc", r"(a - b)(a + b - c) = a^2 - b^2 - ac + bc"),
    "factor two": (VECTORS, r"\nabla_x \|x\|_2^2 = x", r"\nabla_x \|x\|_2^2 = 2x"),
    "factor a half": (NUMBERS, r"\log\sqrt{a} = \log a", r"\log\sqrt{a} = \frac{1}{2}\log a"),
    "factor two of one term": (NUMBERS, r"(a + b)^2 = a^2 + ab + b^2", r"(a + b)^2 = a^2 + 2ab + b^2"),
    "another number": (VECTORS, r"\nabla_x \|x\|_2^4 = 2 \|x\|_2^2 x", r"\nabla_x \|x\|_2^4 = 4 \|x\|_2^2 x"),
    "a size for a sum": (
        SEQUENCE,
        r"\sum_{i=1}^n (u_i + 1) = \sum_{i=1}^n u_i + 1",
        r"\sum_{i=1}^n (u_i + 1) = \sum_{i=1}^n u_i + n",
    ),
    "mean for sum": (SEQUENCE, r"\nabla_u \sum_{i=1}^n u_i^2 = \frac{2}{n} u", r"\nabla_u \sum_{i=1}^n u_i^2 = 2 u"),
    "root of the size": (
        VECTORS,
        r"\operatorname{tr}(I_n) / \sqrt{n} = n",
        r"\operatorname{tr}(I_n) / \sqrt{n} = \sqrt{n}",
    ),
    "factor of the claim": (MATRICES, r"\nabla_A \det(A) = A^{-\top}", r"\nabla_A \det(A) = \det(A) A^{-\top}"),
    "order of the factors": (MATRICES, r"(AB)^{-1} = A^{-1} B^{-1}", r"(AB)^{-1} = B^{-1} A^{-1}"),
    "order of a difference": (NUMBERS, r"-(a - b) c = (a - b) c", r"-(a - b) c = (b - a) c"),
    "operands of the Kronecker product": (
        VECTORS,
        r"\operatorname{vec}(x y^\top) = x \otimes y",
        r"\operatorname{vec}(x y^\top) = y \otimes x",
    ),
    "inverse missing": (MATRICES, r"(A^\top)^{-1} = A^\top", r"(A^\top)^{-1} = A^{-\top}"),
    "power of an inverse": (
        MATRICES,
        r"\nabla_A \operatorname{tr}(A^{-1}) = -A^{-\top}",
        r"\nabla_A \operatorname{tr}(A^{-1}) = -A^{-\top} A^{-\top}",
    ),
    "exponent": (NUMBERS, r"\frac{a^3}{a} = a", r"\frac{a^3}{a} = a^2"),
    "square of a function": (NUMBERS, r"\frac{d}{da} \tanh a = 1 - \tanh a", r"\frac{d}{da} \tanh a = 1 - \tanh^2 a"),
    "one function for another": (NUMBERS, r"\frac{d}{da} \sin a = \sin a", r"\frac{d}{da} \sin a = \cos a"),
    "largest for smallest": (NUMBERS, r"-\max(a, b) = \max(-a, -b)", r"-\max(a, b) = \min(-a, -b)"),
    "one minus": (NUMBERS, r"\sigma(-a) = \sigma(a)", r"\sigma(-a) = 1 - \sigma(a)"),
    "another symbol": (
        NUMBERS,
        r"\frac{\partial}{\partial a} (ab + ac) = b + a",
        r"\frac{\partial}{\partial a} (ab + ac) = b + c",
    ),
    "indices exchanged": (SEQUENCE, r"(S^\top)_{ij} = S_{ij}", r"(S^\top)_{ij} = S_{ji}"),
    "another index": (
        SEQUENCE,
        r"\frac{\partial}{\partial u_j} \sum_{i=1}^n u_i^2 = 2 u_i",
        r"\frac{\partial}{\partial u_j} \sum_{i=1}^n u_i^2 = 2 u_j",
    ),
    "upper bound": (
        SEQUENCE,
        r"\sum_{i=1}^n u_i v_i - u_n v_n = \sum_{i=1}^n u_i v_i",
        r"\sum_{i=1}^n u_i v_i - u_n v_n = \sum_{i=1}^{n-1} u_i v_i",
    ),
    "lower bound": (
        SEQUENCE,
        r"\sum_{i=1}^n u_i - u_1 = \sum_{i=1}^n u_i",
        r"\sum_{i=1}^n u_i - u_1 = \sum_{i=2}^n u_i",
    ),
    "missing term": (NUMBERS, r"(a + b) c = a c", r"(a + b) c = a c + c b"),
    "extra term": (NUMBERS, r"(a + b) c - b c = a c + b c", r"(a + b) c - b c = a c"),
    "brackets": (NUMBERS, r"c b + c a = a + b c", r"c b + c a = (a + b) c"),
    "factor of one term": (NUMBERS, r"(a + b) c = a + b c", r"(a + b) c = c a + b c"),
    "not symmetric": (MATRICES, r"\nabla_x^2\, (x^\top A x) = 2A", r"\nabla_x^2\, (x^\top A x) = A + A^\top"),
    "diagonal matrix": (
        VECTORS,
        r"\frac{\partial\, (x \odot y)}{\partial x} = y",
        r"\frac{\partial\, (x \odot y)}{\partial x} = \operatorname{diag}(y)",
    ),
    "elementwise product": (
        VECTORS,
        r"\nabla_x\, (x \odot x)^\top y = 2 x^\top y",
        r"\nabla_x\, (x \odot x)^\top y = 2 x \odot y",
    ),
    "quotient the other way round": (
        NUMBERS,
        r"\frac{d}{da} \log a = \frac{a}{1}",
        r"\frac{d}{da} \log a = \frac{1}{a}",
    ),
    "root missing": (VECTORS, r"\|x\|_2 = x^\top x", r"\|x\|_2 = \sqrt{x^\top x}"),
    "shape of a product": (MATRICES, r"M N \in \mathbb{R}^{p \times m}", r"M N \in \mathbb{R}^{m \times p}"),
    "shape with a sum": (
        r"Let $x \in \mathbb{R}^n$ and $y \in \mathbb{R}^m$, and let $z = \operatorname{Concat}(x, y)$.",
        r"z \in \mathbb{R}^{n m}",
        r"z \in \mathbb{R}^{m+n}",
    ),
}


def refuted(tmp_path: Path, text: str) -> list[StatementResult]:
    file = tmp_path / "notes.md"
    file.write_text(text, encoding="utf-8")
    return [s for s in lemmata.check(file, code=False) if s.verdict == "refuted"]


@pytest.mark.parametrize("name", CASES)
def test_the_slip_is_undone(name: str, tmp_path: Path):
    given, false, true = CASES[name]
    if "x^\\top A x" in false:
        given += r" Let $x \in \mathbb{R}^n$."
    (claim,) = refuted(tmp_path, f"{given}\n\nThen\n\n$$\n{false}.\n$$\n")
    assert claim.fixes, "no fix"
    assert plain(true) in [plain(str(fix["latex"])) for fix in claim.fixes], [fix["latex"] for fix in claim.fixes]


def test_a_side_is_not_brought_into_the_other(tmp_path):
    (claim,) = refuted(tmp_path, f"{NUMBERS}\n\nThen\n\n$$\n\\log(a b) = 1.\n$$\n")
    assert not any("\\log" in str(fix["replacement"]) for fix in claim.fixes)
