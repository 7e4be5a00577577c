"""Workbooks recalculate to NumPy's values, before and after an input is changed."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile

import numpy as np
import openpyxl
import pytest
from recalculation import Workbook, cell_of, result

import lemmata
from lemmata.sheets.formulas import address
from lemmata.sheets.writer import element, sheet, workbook, write
from places import ROOT

ENCODER = ROOT / "examples" / "transformer-encoder.md"
CHINESE = ROOT / "examples" / "attention-scoring.zh.md"

COLUMNS = """
Tokens are columns: $X \\in \\mathbb{R}^{d \\times n}$ with $W_q \\in \\mathbb{R}^{k \\times d}$,
$W_k \\in \\mathbb{R}^{k \\times d}$ and $W_v \\in \\mathbb{R}^{v \\times d}$. Let

$$ Q = W_q X, \\qquad K = W_k X, \\qquad V = W_v X $$

$$ A = \\text{softmax}\\left(\\frac{K^\\top Q}{\\sqrt{k}}\\right) $$

$$ Y = V A $$
"""
CAUSAL = """
For $Q, K \\in \\mathbb{R}^{n \\times d}$ and $V \\in \\mathbb{R}^{n \\times v}$ let the mask be

$$ M_{ij} = \\begin{cases} 0 & j \\le i \\\\ -\\infty & j > i \\end{cases} $$

with $M \\in \\mathbb{R}^{n \\times n}$, and

$$ \\text{Causal}(Q, K, V) = \\text{softmax}\\left(\\frac{Q K^\\top}{\\sqrt{d}} + M\\right) V $$
"""
NORM = """
For $x \\in \\mathbb{R}^d$, $\\gamma, \\beta \\in \\mathbb{R}^d$ and $\\epsilon > 0$ let

$$ \\mu = \\frac{1}{d} \\sum_{i=1}^d x_i, \\qquad \\sigma^2 = \\frac{1}{d} \\sum_{i=1}^d (x_i - \\mu)^2 $$

$$ y = \\gamma \\odot \\frac{x - \\mu}{\\sqrt{\\sigma^2 + \\epsilon}} + \\beta $$
"""
RECURRENT = """
Let $x_t \\in \\mathbb{R}^{d}$, $h_t \\in \\mathbb{R}^{k}$, $W \\in \\mathbb{R}^{k \\times d}$,
$U \\in \\mathbb{R}^{k \\times k}$ and $b \\in \\mathbb{R}^k$. Then

$$ h_t = \\tanh(W x_t + U h_{t-1} + b), \\qquad h_0 = 0 $$

$$ y = h_3 $$
"""
MIXED = """
Let $W \\in \\mathbb{R}^{h \\times d}$, $x \\in \\mathbb{R}^d$, $b \\in \\mathbb{R}^h$,
$A \\in \\mathbb{R}^{m \\times m}$, $y \\in \\mathbb{R}^m$ and $\\lambda > 0$. Then

$$ z = \\tanh(W x + b) $$

$$ s = \\frac{1}{1 + e^{-(W x + b)}} $$

$$ L = \\frac{1}{2} \\|A y\\|^2 + \\lambda \\|y\\|^2 $$

$$ r = A^{-1} y $$

$$ t = \\log \\sum_{i=1}^m e^{y_i} $$

$$ G = \\text{GELU}(W x) $$

$$ u = \\text{tr}(A) + \\max_i y_i $$

$$ P_{ij} = \\sin(i y_j) $$
"""


def loaded(tmp_path, text):
    path = tmp_path / "notes.md"
    path.write_text(text, encoding="utf-8")
    return lemmata.load(path)


def held(written, path, edits=1):
    """Every cell of every sheet is its cached value; then the results follow inputs that are changed."""
    book = Workbook(path)
    cells = book.cells()
    changes = {}
    for title, one in written.sheets.items():
        indices = {x.name for x in one.function.expression.parameters if x.variable.type.dtype == "int"}
        inputs = [b for b in one.page.blocks if b.step.role == "input" and b.step.node.attr("name") not in indices]
        for block in one.page.blocks:
            for i, j in np.ndindex(*block.step.shape):
                at = (title.upper(), cell_of(block, i, j))
                expected = element(one, block, i, j)
                assert cells[at] == pytest.approx(expected, rel=1e-9, abs=1e-9) or np.isinf(expected), (block.title, at)
        for block in inputs[:: max(1, len(inputs) // edits)][:edits]:
            changes[title, block] = (cell_of(block, 0, 0), element(one, block, 0, 0) + 0.375)
    after = book.cells({(title, cell): value for (title, _), (cell, value) in changes.items()})
    for title, one in written.sheets.items():
        given = {n: np.array(x) for n, x in one.inputs.items()}
        before = result(one, title, cells)
        np.testing.assert_allclose(before, one.function(**_arguments(one, given)), rtol=1e-9, atol=1e-9)
        for (where, block), (_, value) in changes.items():
            if where == title:
                node = block.step.node
                given[node.attr("name")][tuple(block.where.get(a, 0) for a in node.axes)] = value
        found = result(one, title, after)
        np.testing.assert_allclose(found, one.function(**_arguments(one, given)), rtol=1e-9, atol=1e-9)
        assert not np.allclose(found, before, atol=1e-6) or title not in {t for t, _ in changes}, (
            f"{title}: nothing depends on the inputs"
        )


def _arguments(one, given):
    known = set(one.function.parameters)
    assert known <= set(given)
    sizes = {k: v for k, v in one.sizes.items() if k not in given}
    return given | {"sizes": sizes}


def titles(one):
    return [b.title for b in one.page.blocks if b.step.role != "input"]


def test_one_attention_head(tmp_path):
    model = lemmata.load(ENCODER)
    written = write(model, [model.Attention], tmp_path / "head.xlsx", {"n": 4, "d_k": 3})
    held(written, tmp_path / "head.xlsx", edits=3)
    one = written.sheets["Attention"]
    assert one.inputs["Q"].shape == (4, 3)
    assert [f.whole for f in one.formulas.values() if f.whole] == [
        "MMULT(C10:E13,TRANSPOSE(H10:J11))",
        "MMULT(G27:H30,M10:Q11)",
    ]
    assert titles(one) == [
        "Q K^{⊤}",
        "Q K^{⊤} / √d_{k}",
        "row max of Q K^{⊤} / √d_{k}",
        "exp(Q K^{⊤} / √d_{k} − row max)",
        "row sum of exp",
        "softmax(Q K^{⊤} / √d_{k}) = exp / row sum",
        "Attention(Q, K, V) = softmax(Q K^{⊤} / √d_{k}) V",
    ]
    assert all("line 12" in b.caption for b in one.page.blocks if b.step.role != "input")


def test_an_encoder_layer_with_a_block_for_each_head(tmp_path):
    model = lemmata.load(ENCODER)
    written = write(model, [model.Encoder], tmp_path / "layer.xlsx", {})
    held(written, tmp_path / "layer.xlsx", edits=9)
    found = titles(written.sheets["Encoder"])
    for wanted in (
        "Q = X W_{1}^{Q}",
        "Q = X W_{2}^{Q}",
        "head_{2} = softmax(Q K^{⊤} / √d_{k}) V",
        "MultiHead(X) = Concat(head_{1}, …, head_{h}) W^{O}",
        "row mean of X + MultiHead(X)",
        "X + MultiHead(X) − row mean",
        "row variance of X + MultiHead(X)",
        "Z = LayerNorm(X + MultiHead(X)) = (x − mean) / √row variance",
        "max(0, Z W_{1} + b_{1})",
    ):
        assert wanted in found
    assert found.index("head_{1} = softmax(Q K^{⊤} / √d_{k}) V") < found.index("Q = X W_{2}^{Q}")


@pytest.mark.parametrize(("document", "names"), [(ENCODER, ["head", "PE", "FFN"]), (CHINESE, [*"SAp", "Attention"])])
def test_definitions_of_the_examples_with_other_numbers(tmp_path, document, names):
    model = lemmata.load(document)
    written = write(model, [model[n] for n in names], tmp_path / "all.xlsx", {}, seed=3)
    assert [*written.sheets] == names
    held(written, tmp_path / "all.xlsx")


def test_tokens_in_columns_stay_in_columns(tmp_path):
    model = loaded(tmp_path, COLUMNS)
    written = write(model, [model["Y"]], tmp_path / "columns.xlsx", {"d": 5, "n": 2, "k": 3, "v": 4})
    held(written, tmp_path / "columns.xlsx", edits=2)
    one = written.sheets["Y"]
    shapes = {b.title: b.step.shape for b in one.page.blocks}
    assert shapes["Q = W_{q} X"] == (3, 2) and shapes["Y = V A"] == (4, 2)


def test_a_causal_mask_is_a_block_that_can_be_edited(tmp_path):
    model = loaded(tmp_path, CAUSAL)
    written = write(model, [model.Causal], tmp_path / "causal.xlsx", {"n": 4})
    held(written, tmp_path / "causal.xlsx", edits=3)
    one = written.sheets["Causal"]
    (mask,) = [b for b in one.page.blocks if b.title.startswith("M")]
    cells = [[one.formulas[id(mask)].cells[i][j] for j in range(4)] for i in range(4)]
    assert cells[0][0] == "0" and float(cells[0][1]) < -1e299 and cells[3][2] == "0"
    open_ = Workbook(tmp_path / "causal.xlsx").cells({("Causal", cell_of(mask, 0, 1)): 0.0})
    weights = next(b for b in one.page.blocks if b.title.startswith("softmax"))
    assert open_["CAUSAL", cell_of(weights, 0, 0)] < 1


@pytest.mark.parametrize(("text", "names"), [(NORM, ["y"]), (MIXED, [*"zsLrtGuP"])])
def test_vectors_norms_inverses_and_index_forms(tmp_path, text, names):
    model = loaded(tmp_path, text)
    written = write(model, [model[n] for n in names], tmp_path / "book.xlsx", {})
    assert [*written.sheets] == names and not written.left_out
    held(written, tmp_path / "book.xlsx", edits=2)


def test_a_recurrence_is_unrolled_step_by_step(tmp_path):
    model = loaded(tmp_path, RECURRENT)
    written = write(model, [model["y"]], tmp_path / "book.xlsx", {})
    held(written, tmp_path / "book.xlsx", edits=2)
    found = titles(written.sheets["y"])
    assert found[0] == "W x_{1}" and found[-1].startswith("y = h_{3} = tanh(W x_{3}")
    assert [x.partition(" =")[0] for x in found if x.startswith("h")] == ["h_{1}", "h_{2}"]


def test_what_has_no_form_as_cells_is_said_with_its_line(tmp_path):
    model = loaded(
        tmp_path,
        "Let $A \\in \\mathbb{R}^{n \\times n}$ be symmetric, $x \\in \\mathbb{R}^n$.\n\n$$ E = e^{A} $$\n\n"
        "$$ B = \\sum_{i,j,k,l} (x_i x_j x_k x_l + 1)^2 $$\n\n$$ f = A x $$\n",
    )
    written = write(model, list(model), tmp_path / "book.xlsx", {})
    assert [*written.sheets] == ["f"]
    said = {r.name: (r.line, r.reason) for r in written.left_out}
    assert said["E"] == (3, "the exponential of a matrix has no form as a spreadsheet formula")
    assert said["B"][0] == 5 and "4 axes" in said["B"][1]


def test_sheets_that_nobody_could_look_at_are_refused(tmp_path):
    model = lemmata.load(ENCODER)
    written = write(model, [model.Attention], tmp_path / "big.xlsx", {"n": 4000, "m": 4000})
    assert "smaller sizes" in written.left_out[0].reason and not (tmp_path / "big.xlsx").exists()


def test_sizes_that_are_not_the_documents_are_named(tmp_path):
    model = lemmata.load(ENCODER)
    with pytest.raises(ValueError, match="has no size rows"):
        write(model, [model.Attention], tmp_path / "x.xlsx", {"rows": 4})
    written = write(model, [model.MultiHead], tmp_path / "x.xlsx", {"d_model": 4, "h": 3})
    assert re.search("no small sizes fit d_model = 4, h = 3", written.left_out[0].reason)


def test_the_same_seed_gives_the_same_bytes():
    model = lemmata.load(CHINESE)
    first, second = (workbook(model, list(model), {}, seed=4)[0] for _ in range(2))
    assert first == second
    assert first != workbook(model, list(model), {}, seed=5)[0]


def test_titles_fit_and_blocks_do_not_overlap():
    model = lemmata.load(ENCODER)
    for name in ("Encoder", "head"):
        taken = {}
        for block in sheet(model, model[name], {}).page.blocks:
            height, width = 3 + block.step.shape[0], max(block.columns, 1 + block.step.shape[1])
            for cell in np.ndindex(height, width):
                at = (block.row + cell[0], block.column + cell[1])
                assert at not in taken, f"{block.title} over {taken.get(at)}"
                taken[at] = block.title


def test_addresses():
    assert [address(0, c) for c in (0, 25, 26, 701, 702)] == ["A1", "Z1", "AA1", "ZZ1", "AAA1"]


RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>"""


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
def test_libreoffice_recalculates_it(tmp_path):
    model = lemmata.load(ENCODER)
    written = write(model, [model.Encoder], tmp_path / "layer.xlsx", {})
    one = written.sheets["Encoder"]
    block = next(b for b in one.page.blocks if b.title == "X")
    _change(tmp_path / "layer.xlsx", tmp_path / "changed.xlsx", cell_of(block, 0, 0), 0.875)
    profile = tmp_path / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(RECALCULATE)
    command = ["soffice", f"-env:UserInstallation=file://{profile.parent}", "--headless", "--convert-to"]
    command += ["xlsx", "--outdir", str(tmp_path / "out"), str(tmp_path / "changed.xlsx")]
    subprocess.run(command, check=True, capture_output=True)
    read = openpyxl.load_workbook(tmp_path / "out" / "changed.xlsx", data_only=True)["Encoder"]
    values = {("ENCODER", cell.coordinate): cell.value for row in read.iter_rows() for cell in row}
    assert not [v for v in values.values() if isinstance(v, str) and (v.startswith("#") or "Err:" in v)]
    found = {k: v for k, v in values.items() if isinstance(v, int | float)}
    given = {n: np.array(x) for n, x in one.inputs.items()}
    given["X"][0, 0] = 0.875
    np.testing.assert_allclose(result(one, "Encoder", found), model.Encoder(**given), rtol=1e-9, atol=1e-9)


def _change(source, target, cell, value):
    """The workbook with another number in a cell, every cached value as it was."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                pattern = f'(<c r="{cell}"[^>]*><v>)[^<]*(</v>)'
                text, count = re.subn(pattern, f"\\g<1>{value}\\g<2>", content.decode())
                assert count == 1
                content = text.encode()
            new.writestr(name, content)
