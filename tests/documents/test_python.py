"""Python files as documents: what is prose, what is code, and where it stands."""

from __future__ import annotations

import pytest

import lemmata
from lemmata.documents import Block, CodeCell, Document, read, read_text

MODULE = r'''#!/usr/bin/env python
# -*- coding: utf-8 -*-
r"""Least squares.

Let $X \in \mathbb{R}^{n \times d}$, $y \in \mathbb{R}^n$ and $w \in \mathbb{R}^d$.

.. math::
   :label: loss

   L(w) = \|Xw - y\|^2
"""
import numpy as np  # noqa

# The gradient is $\nabla_w L = 2 X^\top (Xw - y)$,
# and $\|w\|^2 = w^\top w$.
X = np.ones((3, 2))


def loss(w, X, y):
    """The loss.

    Parameters
    ----------
    w : array
        Weights :math:`w \\in \\mathbb{R}^d`.
    """
    r = X @ w - y  # $r = Xw - y$
    return r @ r  # a dollar more

if __name__ == "__main__":
    print(loss())
'''

PERCENT = r'''# ---
# jupyter: {}
# ---
# %% [markdown]
# # Title
# Let $a, b \in \mathbb{R}^n$. Then
# $$
# a^\top b = b^\top a
# $$

# %% code
# $\|a\|^2 = a^\top a$
%matplotlib inline
x = 1

# %% [md]
r"""
More: $a^\top b$.
"""
# %%
y = 2
'''


def document(source: str) -> Document:
    return read_text(source, "a.py", "python")


def exact(source: str, found: Document) -> None:
    """Every line of every formula stands in the file where its position says, but for doubled backslashes."""
    lines = source.split("\n")
    for formula in found.formulas:
        offset = 0
        for text in formula.latex.split("\n"):
            place = formula.position(offset)
            here = lines[place.line - 1][place.column - 1 :].replace("\\\\", " \\")
            assert here.startswith(text), (text, here)
            offset += len(text) + 1


def test_docstrings_and_comments_are_prose():
    found = document(MODULE)
    assert [f.latex.strip() for f in found.formulas] == [
        r"X \in \mathbb{R}^{n \times d}",
        r"y \in \mathbb{R}^n",
        r"w \in \mathbb{R}^d",
        r"L(w) = \|Xw - y\|^2",
        r"\nabla_w L = 2 X^\top (Xw - y)",
        r"\|w\|^2 = w^\top w",
        r"w  \in  \mathbb{R}^d",
        "r = Xw - y",
    ]
    assert found.formulas[3].label == "loss"
    assert not found.diagnostics
    exact(MODULE, found)


def test_a_docstring_is_a_scope():
    blocks = [b for b in document(MODULE).blocks if isinstance(b, Block)]
    scopes = {f.latex: b.containers for b in blocks for f in b.inlines if hasattr(f, "latex")}
    assert scopes[r"w  \in  \mathbb{R}^d"]
    assert not scopes[r"y \in \mathbb{R}^n"]


def test_statements_between_prose_are_cells_and_the_main_guard_does_not_run():
    cells = document(MODULE).cells
    assert [c.source.split("\n")[0] for c in cells] == [
        "import numpy as np  # noqa",
        "X = np.ones((3, 2))",
        "def loss(w, X, y):",
        'if __name__ == "__main__":',
    ]
    assert [c.executable for c in cells] == [True, True, True, False]
    assert [c.body.line for c in cells] == [12, 16, 19, 30]


def test_prose_comes_before_the_statement_that_holds_it():
    kinds = [type(b).__name__ for b in document(MODULE).blocks]
    assert kinds.index("CodeCell") > 0
    assert isinstance(document(MODULE).blocks[-1], CodeCell)


def test_percent_format():
    found = document(PERCENT)
    assert [f.latex.strip() for f in found.formulas] == [
        r"a, b \in \mathbb{R}^n",
        r"a^\top b = b^\top a",
        r"\|a\|^2 = a^\top a",
        r"a^\top b",
    ]
    exact(PERCENT, found)
    assert next(b.kind for b in found.blocks if isinstance(b, Block)) == "heading"
    assert [c.source for c in found.cells] == ["# $\\|a\\|^2 = a^\\top a$\n%matplotlib inline\nx = 1", "y = 2"]


def test_judged_with_its_code(tmp_path):
    path = tmp_path / "least_squares.py"
    path.write_text(MODULE.replace("$\\|w\\|^2 = w^\\top w$", "$\\|w\\|^2 = 2 w^\\top w$"), encoding="utf-8")
    result = lemmata.check(path)
    verdicts = {(s.line, s.kind): s.verdict for s in result.statements}
    assert verdicts[(14, "gradient")] == "verified"
    assert [s.line for s in result.statements if s.verdict == "refuted"] == [15]
    code = [s for s in result.statements if s.kind == "code"]
    assert [(s.line, s.verdict) for s in code] == [(10, "verified"), (27, "verified")]  # the function, one instruction


@pytest.mark.parametrize(
    "source",
    [
        "def f(:\n  # $a = b$\n",
        "'''never closed $x$",
        "x = (\n# $y=1$",
        "\t\tx\n  y\n",
        "\\",
        "# %% [markdown]",
        "#",
        "",
    ],
)
def test_what_is_no_python_is_still_a_document(source):
    found = document(source)
    assert found.format == "python"
    assert all(d.severity == "warning" for d in found.diagnostics)


def test_broken_code_is_reported_and_its_comments_are_read(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("# $1 + 1 = 2$\ndef f(:\n    pass\n", encoding="utf-8")
    found = read(path)
    assert [f.latex for f in found.formulas] == ["1 + 1 = 2"]
    assert [(d.code, d.span.start.line) for d in found.diagnostics] == [("broken-python", 2)]
    assert not found.cells
