"""Formulas against code where names alone do not tell: each rule beside a false and a true twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from lemmata.pipeline import check


def verdicts(folder: Path, *parts: str) -> list[tuple[str, str]]:
    """(verdict, LaTeX) of the comparisons with code; the parts are text and code by turns."""
    text = "\n\n".join(f"```python\n{p}\n```" if at % 2 else p for at, p in enumerate(parts))
    path = folder / "document.md"
    path.write_text(text + "\n", encoding="utf-8")
    return [(s.verdict, s.latex) for s in check(path) if s.kind == "code" and s.verdict != "unchecked"]


def kinds(folder: Path, *parts: str) -> set[str]:
    return {verdict for verdict, _ in verdicts(folder, *parts)}


WAVES = r"""$$P_{(t, j)} = \begin{cases} \sin(t / 100^{j / w}) & \text{if } j \bmod 2 = 0 \\
\cos(t / 100^{(j - 1) / w}) & \text{otherwise} \end{cases}$$ is the table of waves."""
WAVES_CODE = """import numpy as np
def P(rows, w):
    t = np.arange(rows)[:, None]
    table = np.zeros((rows, w))
    table[:, 0::2] = np.sin(t / 100 ** (np.arange(0, w, 2) / w))
    table[:, 1::2] = np.cos(t / 100 ** (np.arange(0, w, 2) / w))
    return table
"""


@pytest.mark.parametrize(
    "old, new, wanted",
    [
        ("", "", {"verified"}),
        ("(j - 1) / w", "j / w", {"refuted"}),
        (r"\cos(t", r"\sin(t", {"refuted"}),
        (r"t / 100^{(j - 1) / w}", r"(t + 1) / 100^{(j - 1) / w}", {"refuted"}),
    ],
)
def test_a_table_given_by_cases(tmp_path, old, new, wanted):
    assert kinds(tmp_path, WAVES.replace(old, new), WAVES_CODE) == wanted


@pytest.mark.parametrize(
    "old, new",
    [
        ("np.arange(rows)", "np.arange(1, rows + 1)"),  # positions counted from 1
        (
            "    return table",
            "    return np.concatenate([table[:, 0::2], table[:, 1::2]], axis=1)",
        ),  # in halves
        ("def P(rows, w)", "def Q(rows, w)"),  # another function
    ],
)
def test_a_table_in_another_order_is_not_held_against_anybody(tmp_path, old, new):
    assert old in WAVES_CODE
    assert "refuted" not in kinds(tmp_path, WAVES, WAVES_CODE.replace(old, new))


@pytest.mark.parametrize(
    "text, code, wanted",
    [
        ("Here we use $u = [4, 5, 7]$ as a start.", "u = np.array([4, 5, 7.])", {"verified"}),
        ("Here we use $u = [4, 5, 7]$ as a start.", "u = np.array([4, 6, 7.])", {"refuted"}),
        ("We take $\\mathbf{A} = \\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}$.", "A = np.array([[1, 3], [2, 4]])",
         {"refuted"}),
        ("We take $\\mathbf{A} = \\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}$.",
         "A = np.arange(1, 5).reshape(2, 2)", {"verified"}),
        ("We use $u = [0.33, 0.67]$.", "u = np.array([1, 2]) / 3", {"verified"}),
        ("我们使用 $u = [4, 5]$ 作为输入。", "u = np.array([5, 4])", {"refuted"}),
        # other values, said or computed
        ("If we used $u = [4, 5, 7]$, nothing would change.", "u = np.array([4, 6, 7.])", set()),
        ("For instance, for $u = [4, 5, 7]$ the sum is 16.", "u = np.array([4, 6, 7.])", set()),
        ("We use $u = [4, 5, 7]$ as a start.", "base = 2\nu = base * np.array([4, 5, 7])", set()),
        ("We use $u = [4, 5, 7]$ as a start.", "u = np.array([2, 2.5, 3.5])\nu = 2 * u", {"verified"}),
        ("We use $u = [4, 5, 7]$ as a start.", "u = np.random.rand(3)", set()),
        ("We use $u = [4, 5, 7]$ as a start.", "u = np.zeros((3, 2))", set()),
        ("We use $u = [4, 5, 7]$ first, then $u = [1, 2, 3]$.", "u = np.array([1, 2, 3])", {"verified"}),
    ],
)  # fmt: skip
def test_numbers_in_the_text_before_a_cell(tmp_path, text, code, wanted):
    assert kinds(tmp_path, text, "import numpy as np\n" + code) == wanted
