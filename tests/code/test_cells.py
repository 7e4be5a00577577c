"""Which cells run, and what of a cell is Python: magics, tags, directives, tabs of frameworks."""

from __future__ import annotations

import ast

import pytest
from code_documents import cell

from lemmata.code import tabs
from lemmata.code.cells import prepare_all, switched_off
from lemmata.code.magics import plain
from lemmata.code.session import run_cells
from lemmata.code.tabs import chosen
from lemmata.documents import read

MAGICS = [
    # (cell, Python, lines of what was not run)
    ("%matplotlib inline\nx = 1", "pass\nx = 1", []),
    ("%timeit -n 10 -r3 f(x)\n%time y = 2\nz = %time 3", "f(x)\ny = 2\nz = 3", []),
    ("x = 1\n!pip install torch \\\n  jax\ny = 2", "x = 1\npass\n\ny = 2", [2]),
    ("files = !ls", "files = None", [1]),
    ("%pip install numpy\n%cd /tmp\n%load_ext autoreload", "pass\npass\npass", [1, 2]),
    ("x?\n?print\nx.shape??", "pass\npass\npass", []),
    ("if x:\n    !ls\n    %time\nelse:\n    y = 1", "if x:\n    pass\n    pass\nelse:\n    y = 1", [2]),
    ("%%time\nx = 1", "\nx = 1", []),
    ("%%timeit -n 3\n%%capture out\nx = 1", "\nout = None\nx = 1", []),
    ("#@tab pytorch\nx = 7 \\\n % 3", "#@tab pytorch\nx = 7 \\\n % 3", []),
    ('s = """\n!echo\n%magic\n"""\nx = (7\n % 3)\n!ls', 's = """\n!echo\n%magic\n"""\nx = (7\n % 3)\npass', [7]),
    ("s = 'it''s (' # isn't [\n!ls", "s = 'it''s (' # isn't [\npass", [2]),
    ("x = a %b\ny != 3", "x = a %b\ny != 3", []),
]


@pytest.mark.parametrize(("source", "python", "noted"), MAGICS, ids=[m[0] for m in MAGICS])
def test_magics_become_python_with_every_line_in_its_place(source, python, noted):
    found = plain(source)
    assert found.source == python and not found.skipped
    assert [line for line, _ in found.notes] == noted
    ast.parse(found.source)


@pytest.mark.parametrize(
    "source", ["%%bash\nrm -rf x", "%%html\n<b>", "# c\n%%javascript\nx", ">>> 1\n1", "%%latex\nx"]
)
def test_cells_of_other_languages_do_not_run(source):
    assert plain(source).skipped


def test_a_written_file_can_be_imported(run):
    session = run("%%writefile helper.py\ndef double(x):\n    return 2 * x", "import helper\nprint(helper.double(4))")
    assert session.results[1].output == "8\n"


def test_exported_notebooks_call_ipython_in_vain(run):
    session = run("get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('touch x')\nprint(1)")
    assert session.results[0].output == "1\n"


def read_text(tmp_path, text, name="notes.md"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read(str(tmp_path / name))


def running(document, framework=""):
    return [p.source.strip().split("\n")[-1] for p in prepare_all(document.cells, framework) if not p.skipped]


D2L = """
```{.python .input}
x = "mxnet"
```

```{.python .input}
#@tab pytorch
x = "pytorch"
```

```{.python .input}
#@tab jax, tensorflow
x = "others"
```

Text.

```{.python .input}
#@tab all
y = x
```

```{.python .input}
z = y
```

```{.python .input}
from mxnet import np, npx
```
"""


def test_one_framework_is_taken_of_tabs(tmp_path):
    document = read_text(tmp_path, D2L)
    assert running(document, "pytorch") == running(document, "torch") == ['x = "pytorch"', "y = x", "z = y"]
    assert running(document, "TensorFlow") == ['x = "others"', "y = x", "z = y"]
    assert running(document, "mxnet") == ['x = "mxnet"', "y = x", "z = y", "from mxnet import np, npx"]
    assert chosen(document.cells) in ("pytorch", "jax", "tensorflow")


def test_a_framework_that_the_document_has_not_is_told(tmp_path):
    cells = read_text(tmp_path, D2L).cells
    assert tabs.missing(cells, "paddle") == "no code cell is for paddle; this document offers jax, pytorch, tensorflow"
    assert tabs.missing(cells, "torch") == tabs.missing(cells, "") == tabs.missing(cells[-1:], "paddle") == ""


def test_documents_without_tabs_run_whole(tmp_path):
    text = "```python\nimport torch\n```\n\n```python\nimport jax\n```\n"
    assert running(read_text(tmp_path, text), "jax") == ["import torch", "import jax"]


MARKED = [
    # (document, what runs)
    ("```{code-cell}\na\n```\n\n```python\nb\n```\n", ["a"]),  # MyST shows the listing and runs the cell
    ("```{python}\na\n```\n\n```python\nb\n```\n", ["a"]),  # so does Quarto
    ("```python\na\n```\n\n```python\nb\n```\n", ["a", "b"]),
    ("```{code-cell}\n:tags: [skip-execution]\na\n```\n\n```{code-cell}\n:tags: [hide-input]\nb\n```\n", ["b"]),
    ("```{python}\n#| eval: false\na\n```\n\n```{python}\n#| include: false\nb\n```\n", ["b"]),
    ("```{python}\n#| execute: false\na\n```\n", []),
    ('```python tags=["x", "no-execute"]\na\n```\n\n```python .noeval\nb\n```\n\n```python\nc\n```\n', ["c"]),
    ('```python active="md"\na\n```\n\n```python active="ipynb,py"\nb\n```\n', ["b"]),
    ("```{.python .noeval}\na\n```\n\n```{.python .input}\nb\n```\n", ["b"]),
    ("```bash\nls\n```\n\n```{r}\nx <- 1\n```\n", []),
]


@pytest.mark.parametrize(("text", "expected"), MARKED, ids=[m[0] for m in MARKED])
def test_tags_and_directives_keep_their_meaning(tmp_path, text, expected):
    assert running(read_text(tmp_path, text)) == expected


def test_percent_cells_carry_tags(tmp_path):
    text = '# %% tags=["skip-execution", "x"]\na = 1\n\n# %% [markdown]\n# $x = 1$\n\n# %% name tags=["y"]\nb = 2\n'
    assert running(read_text(tmp_path, text, "notes.py")) == ["b = 2"]


@pytest.mark.parametrize(
    "metadata",
    [{"execute": {"eval": False}}, {"execute": {"enabled": False}}, {"mystnb": {"execution_mode": "off"}}],
)
def test_a_document_can_switch_its_code_off(metadata):
    assert switched_off(metadata) and not switched_off({"execute": {"echo": False}, "mystnb": {}, "execution": 3})


def test_an_announced_error_is_no_complaint(tmp_path):
    from lemmata.code.check import CodeReport, diagnostics

    tagged = cell("1 / 0", tags=["raises-exception"])
    for announced, count in (
        (tagged, 0),
        (cell("1 / 0", error=True, raises="ZeroDivisionError"), 0),
        (cell("1 / 0"), 1),
    ):
        with run_cells([announced]) as session:
            assert session.results[0].error.kind == "ZeroDivisionError"
            assert len(diagnostics(CodeReport(session.results))) == count
