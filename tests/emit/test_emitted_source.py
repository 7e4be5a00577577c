"""Files that `lemmata compile` writes: they give the document's values, and look as an engineer would leave them."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from lemmata.surfaces.cli import cli
from places import ROOT

EXAMPLES = ("transformer-encoder", "linear-regression", "attention-scoring.zh")
TARGETS = ["numpy", *(pytest.param(n, marks=getattr(pytest.mark, n)) for n in ("torch", "jax", "tensorflow"))]
MIXED = r"""
# Many forms

Let $X \in \mathbb{R}^{n \times d}$ with rows $x_i$, $y \in \mathbb{R}^n$, $A \in \mathbb{R}^{d \times d}$,
$W \in \mathbb{R}^{d \times k}$, $c \in \mathbb{R}^k$, $u \in \mathbb{R}^d$ and $\tau > 0$.

$$
f(u) = \log \sum_{j=1}^{d} \exp(u_j / \tau)
$$

$$
\text{Score}(X) = \tanh(X W + c)
$$

$$
q(u) = u^\top A u + \|u\|
$$

$$
\text{Loss}(y) = \frac{1}{n} \sum_{i=1}^{n} (y_i - \bar{y})^2, \quad \bar{y} = \frac{1}{n} \sum_{i=1}^{n} y_i
$$

$$
G_{ij} = \sum_{l=1}^{d} X_{il} X_{jl}
$$

$$
\text{Gate}(X) = \sigma(X A) \odot X
$$
"""


def compiled(document: Path, target: str, out: Path, *options: str):
    return CliRunner().invoke(cli, ["compile", str(document), "--to", target, "-o", str(out), *options])


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    path = tmp_path_factory.mktemp("documents") / "mixed.md"
    path.write_text(MIXED, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_written_whole_and_agree(name, tmp_path):
    out = tmp_path / "model.py"
    result = compiled(ROOT / "examples" / f"{name}.md", "numpy", out)
    assert result.exit_code == 0, result.output
    assert "largest difference from the document" in result.output
    assert "lemmata" not in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_agrees_with_the_document(target, mixed, tmp_path):
    out = tmp_path / "model.py"
    text = (ROOT / "examples" / "transformer-encoder.md").read_text(encoding="utf-8")
    (tmp_path / "both.md").write_text(text + mixed.read_text(encoding="utf-8"), encoding="utf-8")
    result = compiled(tmp_path / "both.md", target, out)
    assert result.exit_code == 0, result.output
    assert "largest difference from the document" in result.output


@pytest.mark.lint
@pytest.mark.parametrize("target", TARGETS)
def test_files_are_formatted_and_pass_linter_and_type_checker(target, mixed, tmp_path):
    documents = [*(ROOT / "examples" / f"{name}.md" for name in EXAMPLES), mixed]
    files = []
    for number, document in enumerate(documents):
        out = tmp_path / f"model{number}.py"
        compiled(document, target, out, "--no-check")
        files.append(str(out))
    commands = {
        "ruff": [["check", "--isolated"], ["format", "--isolated", "--check"]],
        "mypy": [["--cache-dir", str(tmp_path / "cache")]],
    }
    ran = 0
    for tool, uses in commands.items():
        if find_spec(tool) is None:
            continue
        for use in uses:
            done = subprocess.run(
                [sys.executable, "-m", tool, *use, *files], capture_output=True, text=True, cwd=tmp_path
            )
            assert done.returncode == 0, done.stdout + done.stderr
            ran += 1
    if not ran:
        pytest.skip("neither ruff nor mypy is installed")


def test_functions_are_chosen_by_name_with_those_they_call(tmp_path):
    out = tmp_path / "model.py"
    result = compiled(ROOT / "examples/transformer-encoder.md", "numpy", out, "--functions", "MultiHead", "--no-check")
    assert result.exit_code == 0 and result.output.startswith(f"{out}: attention, multi_head")


def test_an_unknown_function_is_named_with_the_nearest(tmp_path):
    result = compiled(ROOT / "examples/transformer-encoder.md", "numpy", tmp_path / "m.py", "--functions", "Encodr")
    assert result.exit_code == 2 and "defines no Encodr; did you mean Encoder?" in result.output


def test_a_document_without_definitions(tmp_path):
    (tmp_path / "prose.md").write_text("Only $1 + 1 = 2$ here.\n", encoding="utf-8")
    result = compiled(tmp_path / "prose.md", "numpy", tmp_path / "m.py")
    assert result.exit_code == 2 and "prose.md defines nothing" in result.output
    assert not (tmp_path / "m.py").exists()


def test_what_cannot_be_written_is_said_and_the_rest_is_written(tmp_path):
    text = "With $x \\in \\mathbb{R}^n$ let\n\n$$\nf(x) = \\text{Mystery}(x) + 1\n$$\n\nand\n\n$$\ng(x) = 2 x\n$$\n"
    (tmp_path / "half.md").write_text(text, encoding="utf-8")
    result = compiled(tmp_path / "half.md", "numpy", tmp_path / "m.py")
    assert result.exit_code == 1
    assert "half.md:4: f is not written: " in result.output and "Mystery" in result.output
    assert "def g(x: Array) -> Array:" in (tmp_path / "m.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["numpy", pytest.param("torch", marks=pytest.mark.torch)])
def test_the_plain_expansion_agrees(target, mixed, tmp_path):
    text = (ROOT / "examples" / "transformer-encoder.md").read_text(encoding="utf-8")
    (tmp_path / "both.md").write_text(text + mixed.read_text(encoding="utf-8"), encoding="utf-8")
    out = tmp_path / "model.py"
    result = compiled(tmp_path / "both.md", target, out, "--no-fuse")
    assert result.exit_code == 0, result.output
    written = out.read_text(encoding="utf-8")
    assert "largest difference from the document" in result.output
    assert not any(
        word in written for word in ("scaled_dot_product_attention", "softmax(", "layer_norm(", "_standardized")
    )
