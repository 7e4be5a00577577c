"""reStructuredText: mathematics, sections, code, with positions in the file."""

from __future__ import annotations

import pytest

from lemmata.documents import Block, Document, find, read_text

TEXT = r"""
==========
Attention
==========

Let :math:`Q \in \mathbb{R}^{n \times d}` and :math:`K \in \mathbb{R}^{m \times d}`.

.. note::

   The scores are transposed:

   .. math::
      :label: scores

      (Q K^\top)^\top = K Q^\top

      \begin{aligned}
      a &= b

        &= c
      \end{aligned}

.. math:: e = 1

.. code-block:: python

   import numpy as np

   print(1)

Section
-------

.. lemmata: $v \in \mathbb{R}^{d}$

.. a comment with :math:`x`

* item :math:`v^\top v`

  continued :math:`2 v`::

     literal $x$ = 1

.. image:: a.png
   :alt: :math:`no`
"""


def document(source: str) -> Document:
    return read_text(source, "a.rst", "restructuredtext")


def test_formulas_in_order_and_in_place():
    found = document(TEXT)
    assert [(f.latex.strip(), f.display) for f in found.formulas] == [
        (r"Q \in \mathbb{R}^{n \times d}", False),
        (r"K \in \mathbb{R}^{m \times d}", False),
        (r"(Q K^\top)^\top = K Q^\top", True),
        ("\\begin{aligned}\na &= b\n&= c\n\\end{aligned}", True),
        ("e = 1", True),
        (r"v \in \mathbb{R}^{d}", False),
        (r"v^\top v", False),
        ("2 v", False),
    ]
    lines = TEXT.split("\n")
    for formula in found.formulas:
        offset = 0
        for text in formula.latex.split("\n"):
            place = formula.position(offset)
            assert lines[place.line - 1][place.column - 1 :].startswith(text)
            offset += len(text) + 1
    assert [f.label for f in found.formulas if f.label] == ["scores"]


def test_sections_have_the_order_of_their_underlines():
    headings = [b for b in document(TEXT).blocks if isinstance(b, Block) and b.kind == "heading"]
    assert [(b.level, b.inlines[0].text, b.span.start.line, b.span.start.column) for b in headings] == [
        (1, "Attention", 3, 1),
        (2, "Section", 31, 1),
    ]


def test_code_blocks_are_cells_and_literal_blocks_are_not_run():
    cells = document(TEXT).cells
    assert [(c.source, c.language, c.executable, c.body.line, c.body.column) for c in cells] == [
        ("import numpy as np\n\nprint(1)", "python", True, 27, 4),
        ("literal $x$ = 1", "text", False, 42, 6),
    ]


@pytest.mark.parametrize(
    "source", ["", "..", ".. math::", ".. math::\n", "::", "===", "=====\n=====\n=====", "a\n---", "```"]
)
def test_fragments_are_documents(source):
    assert document(source).format == "restructuredtext"


def test_folders_are_searched_for_rst_but_not_for_python(tmp_path):
    for name in ("a.rst", "b.md", "c.py"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [p.rsplit("/", 1)[1] for p in find([tmp_path])] == ["a.rst", "b.md"]
    assert find([tmp_path / "c.py"]) == [str(tmp_path / "c.py")]
