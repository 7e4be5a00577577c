"""Named inequalities: every gap is a theorem, and a claim is proved by one only where it is that theorem."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lemmata
from lemmata.verify.gaps import FAMILIES, Family, Parts

SHAPES = {"number": [(), ()], "vector": [(5,), (5,)], "matrix": [(5, 5), (4, 5)]}


class _Everything(Parts):
    """All branching operations, of anything."""

    def _has(self, kind: str, *values: np.ndarray) -> bool:
        return True


def _made(kind: str, needs: frozenset[str], rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    value = rng.normal(size=shape) * float(2.0 ** rng.integers(-3, 3))
    if "positive definite" in needs:
        return np.asarray(value @ value.T + 0.1 * np.eye(shape[0]))
    if "symmetric" in needs:
        return np.asarray(value + value.T)
    if "in [0, 1]" in needs:
        return np.asarray(rng.random(shape))
    if "weights" in needs:
        return np.asarray(rng.dirichlet(np.full(shape[0], 0.5)) + 1e-300)
    return np.asarray(abs(value) + 1e-3) if "positive" in needs else np.asarray(value)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.gaps.__name__.strip("_"))
def test_gaps_are_never_negative(family: Family) -> None:
    rng = np.random.default_rng(3)
    seen = 0
    for attempt in range(60):
        shapes = [SHAPES[kind][attempt % 2 if "symmetric" not in needs and "positive definite" not in needs else 0]
                  for kind, needs in family.arguments]  # fmt: skip
        values = [_made(kind, needs, rng, shape) for (kind, needs), shape in zip(family.arguments, shapes, strict=True)]
        if not family.fits(*shapes):
            continue
        two = tuple(rng.normal(size=2))
        parts = _Everything({"maximum": [two], "minimum": [two]})
        for name, gap in family.gaps(parts, *values):
            seen += 1
            size = max(1.0, *(float(abs(v).max()) for v in values)) ** (10 if "matrix" in str(family.arguments) else 2)
            assert np.isfinite(gap).all(), name
            assert float(np.min(gap)) >= -1e-9 * size, name
    assert seen > 50


def _verdicts(tmp_path: Path, *formulas: str) -> list[str]:
    given = (
        "Let $x, y \\in \\mathbb{R}^n$, $A \\in \\mathbb{R}^{m \\times n}$, $B \\in \\mathbb{R}^{n \\times l}$, "
        "and let $S \\in \\mathbb{R}^{n \\times n}$ be symmetric positive definite. "
        "Let $p, q$ be positive probability vectors of length $K$, and $z \\in \\mathbb{R}^K$, $u \\in \\mathbb{R}$."
    )
    path = tmp_path / "claims.md"
    path.write_text("\n\n".join([given, *(f"$$ {f} $$" for f in formulas)]) + "\n", encoding="utf-8")
    return [s.verdict for s in lemmata.check(path).statements if s.verdict != "assumed"]


def test_true_inequalities_are_proved(tmp_path: Path) -> None:
    true = (
        r"|x^\top y| \le \|x\|_2 \|y\|_2",
        r"(x^\top y)^2 \le \|x\|_2^2 \|y\|_2^2",
        r"\|x+y\|_2 \le \|x\|_2 + \|y\|_2",
        r"x^\top y \le \frac12 \|x\|_2^2 + \frac12 \|y\|_2^2",
        r"\|x\|_\infty \le \|x\|_2 \le \|x\|_1 \le \sqrt{n} \|x\|_2",
        r"\|AB\|_F \le \|A\|_F \|B\|_F",
        r"\|A x\|_2 \le \|A\|_F \|x\|_2",
        r"(\det S)^{1/n} \le \frac1n \operatorname{tr}(S)",
        r"\max_k z_k \le \log\sum_k e^{z_k} \le \max_k z_k + \log K",
        r"\sum_k p_k \log\frac{p_k}{q_k} \ge 0",
        r"-\sum_k p_k \log p_k \le \log K",
        r"\exp\Big(\sum_k p_k z_k\Big) \le \sum_k p_k e^{z_k}",
        r"e^u \ge 1 + u",
        r"\sigma(u)(1-\sigma(u)) \le \frac14",
    )
    found = _verdicts(tmp_path, *true)
    assert found == ["verified"] * len(true), [f for f, v in zip(true, found, strict=True) if v != "verified"]


def test_false_inequalities_are_not(tmp_path: Path) -> None:
    false = (
        r"|x^\top y| \le \|x\|_2",
        r"\|x+y\|_2 \ge \|x\|_2 + \|y\|_2",
        r"x^\top y \le \frac14 \|x\|_2^2 + \frac14 \|y\|_2^2",
        r"\|x\|_1 \le \|x\|_2",
        r"(\det S)^{1/n} \ge \frac1n \operatorname{tr}(S)",
        r"\log\sum_k e^{z_k} \le \max_k z_k",
        r"\sum_k p_k \log\frac{p_k}{q_k} \le 0",
        r"-\sum_k p_k \log p_k \le 1",
        r"\exp\Big(\sum_k p_k z_k\Big) \ge \sum_k p_k e^{z_k}",
        r"e^u \le 1 + u",
        r"\sigma(u)(1-\sigma(u)) \le \frac15",
    )
    found = _verdicts(tmp_path, *false)
    assert "verified" not in found
    assert found.count("refuted") >= len(false) - 1, list(zip(false, found, strict=True))
