"""Functions of the code against formulas on fresh inputs, and what is said where they cannot be compared."""

from __future__ import annotations

import numpy as np
import pytest
from code_documents import cell, cells
from fake_targets import ATTENTION, FakeTarget, attend, parameter, softmax
from msgspec.structs import replace

import lemmata
from lemmata.code.check import check_code, code_hints, diagnostics, environment_fingerprint
from lemmata.documents.model import Block, Document, Formula, Position, Span, Text

GOOD = """import numpy as np

def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)

def scaled_dot_product_attention(Q, K, V, mask=None):
    scores = Q @ np.swapaxes(K, -1, -2) / np.sqrt(K.shape[-1])
    if mask is not None:
        scores = scores + mask * -1e9
    weights = softmax(scores)
    return weights @ V, weights
"""
SOFTMAX = FakeTarget("softmax", r"\text{softmax}", "function", (parameter("x", "n", "argument"),), softmax)


def findings(targets, *sources, **options):
    report = check_code(cells(*sources), targets, **options)
    assert not report.problem
    return {f.name: f for f in report.findings}


def test_a_right_function_is_verified_single_and_batched():
    found = findings((ATTENTION, SOFTMAX), GOOD)
    verdict = found["scaled_dot_product_attention"].verdict
    assert verdict.kind == "verified"
    assert any("batch of 2" in line for line in verdict.evidence) and len(verdict.evidence) == 6
    assert found["scaled_dot_product_attention"].line == 16
    assert found["softmax"].verdict.kind == "verified"


@pytest.mark.parametrize(
    "old, new, reason",
    [
        (" / np.sqrt(K.shape[-1])", "", "not divided by √d_k"),
        ("np.sqrt(K.shape[-1])", "K.shape[-1]", "divided by d_k, not by √d_k"),
        ("softmax(scores)", "softmax(scores, axis=-2)", "over the queries"),
        ("weights @ V, weights", "weights @ V / np.sqrt(K.shape[-1]), weights", ""),
        ("weights @ V, weights", "weights @ (V + 0.1), weights", ""),
    ],
)
def test_a_wrong_function_is_refuted(old, new, reason):
    verdict = findings((ATTENTION,), GOOD.replace(old, new))["scaled_dot_product_attention"].verdict
    assert verdict.kind == "refuted" and reason in verdict.reason
    values = {k: np.array(v) for k, v in verdict.counterexample.values.items()}
    formula = attend(values["Q"], values["K"], values["V"])
    index = tuple(int(i) for i in verdict.counterexample.where.split("[")[1].rstrip("]").split(","))
    assert formula[index] == pytest.approx(verdict.counterexample.left)


@pytest.mark.parametrize(
    "source, reason",
    [
        ("def attention(Q, K):\n    return Q @ K.T", "takes 2 arguments"),
        ("def attention(Q, K, V, heads):\n    return Q", "also needs heads"),
        ("def attention(Q, K, V):\n    raise ValueError('no')", "ValueError: no"),
        ("def attention(Q, K, V):\n    return 'text'", "returns str"),
        ("import numpy as np\ndef attention(Q, K, V):\n    return Q @ K.T @ V + np.random.rand()", "chance takes part"),
        ("def attention(Q, K, V):\n    return Q", "returns"),
        ("def attention(K, x, Q):\n    return x", "returns"),
        ("def attention(Q, K, V):\n    while True: pass", "timeout"),
        ("import os\ndef attention(Q, K, V):\n    os._exit(1)", "ended the process"),
    ],
)
def test_what_cannot_be_compared_is_unchecked_with_the_reason(source, reason):
    from code_documents import QUICK

    report = check_code(cells("import numpy as np", source), [ATTENTION], limits=QUICK)
    text = report.problem + " ".join(f.verdict.reason for f in report.findings)
    assert {f.verdict.kind for f in report.findings} <= {"unchecked"}
    assert reason in text


def test_a_hint_names_the_function():
    source = GOOD.replace("scaled_dot_product_attention", "focus")
    assert "focus" not in findings((ATTENTION,), source)
    verdict = findings((ATTENTION,), source, hints={r"\text{Attention}": "focus"})["focus"].verdict
    assert verdict.kind == "verified"


def test_hints_are_read_from_comments():
    here = Span(Position(3, 1), Position(3, 9))
    formula = Formula(r"\text{Attention}", here, False, ((0, Position(3, 2)),))
    block = Block("hint", (formula, Text(" is scaled_dot_product_attention", here)), here)
    assert code_hints(Document("a.md", "markdown", (block,))) == {r"\text{Attention}": "scaled_dot_product_attention"}


def test_one_comment_may_name_several_functions():
    here = Span(Position(3, 1), Position(3, 9))
    first, second = (Formula(name, here, False, ((0, Position(3, 2)),)) for name in "as")
    block = Block("hint", (first, Text(" is additive, ", here), second, Text(" is dot_score", here)), here)
    assert code_hints(Document("a.md", "markdown", (block,))) == {"a": "additive", "s": "dot_score"}


def test_a_number_and_a_symbol_of_the_document():
    target = FakeTarget(
        "lr", r"\text{schedule}", "function", (parameter("t", "", "argument"), parameter(r"\lambda", "")),
        lambda t, k: np.exp(-k * t),
    )  # fmt: skip
    source = "import math\nlam = 0.3\ndef schedule(t):\n    return math.exp(-lam * t)"
    found = findings((target,), source)["schedule"]
    assert found.verdict.kind == "verified" and r"\lambda is lam of the document" in found.bound


def test_only_single_inputs_where_the_code_is_for_matrices():
    found = findings((ATTENTION,), GOOD.replace("np.swapaxes(K, -1, -2)", "K.T"))
    verdict = found["scaled_dot_product_attention"].verdict
    assert verdict.kind == "verified" and "only single inputs" in verdict.reason


def test_a_missing_framework_is_a_help_and_the_rest_is_judged():
    tf = "import tensorflow_that_is_not_there as tf\ndef attention(Q, K, V):\n    return tf.matmul(Q, K)"
    report = check_code(cells(tf, GOOD), [ATTENTION])
    kinds = {f.name: f.verdict.kind for f in report.findings}
    assert kinds == {"attention": "unchecked", "scaled_dot_product_attention": "verified"}
    (said,) = diagnostics(report, "a.md")
    assert "needs tensorflow_that_is_not_there, which is not installed" in said.message and "pip install" in said.help
    assert said.span.start.line == 10


def test_cells_that_are_not_for_running():
    sources = [
        cell("x = 1", 0, tags=["skip-execution"]),
        cell("x = 1", 1, eval=False),
        cell("ls -la", 2, language="bash"),
        cell(">>> 1 + 1\n2", 3),
        cell("%%bash\nrm -rf /", 4),
        cell(
            "%matplotlib inline\n!pip install torch\nfiles = !ls\nfor i in range(2):\n    %time print(i)\nprint('on')",
            5,
            50,
        ),
    ]
    report = check_code(sources, [])
    assert [r.status for r in report.cells] == ["skipped"] * 5 + ["ran"]
    assert report.cells[5].output == "0\n1\non\n"
    assert [at.line for at, _ in report.cells[5].notes] == [51, 52]
    assert "shell command not run: pip install torch" in report.cells[5].notes[0][1]


def test_relative_files_and_local_modules_can_be_read(tmp_path):
    (tmp_path / "data.txt").write_text("7")
    (tmp_path / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    report = check_code(
        cells("from helper import double\nprint(double(int(open('data.txt').read())))"), [], folder=tmp_path
    )
    assert report.cells[0].output == "14\n", report.cells


def test_the_same_seed_gives_the_same_numbers():
    source = "import random\nimport numpy as np\nprint(random.random(), np.random.rand(), hash('a'))"
    first, again = (check_code(cells(source), [], seed=3).cells[0].output for _ in range(2))
    assert first == again != check_code(cells(source), [], seed=4).cells[0].output


def test_without_a_sandbox_python_itself_refuses_to_write(tmp_path):
    from code_documents import QUICK

    from lemmata.code.process import Process

    victim = tmp_path / "victim"
    victim.write_text("precious")
    with Process(QUICK, None, 0, isolate=False) as worker:
        assert worker.layers == ()
        source = f"import os\nos.remove({str(victim)!r})"
        for text in (source, f"open({str(victim)!r}, 'w')", "import os\nos.system('true')", "import os\nos.kill(1, 0)"):
            answer = worker.ask({"op": "run", "cell": 0, "source": text, "seconds": 2}, 2)
            assert answer["error"]["type"] == "PermissionError", text
        own = "open('own', 'w').write('x')"
        assert worker.ask({"op": "run", "cell": 0, "source": own, "seconds": 2}, 2)["error"] is None
    assert victim.read_text() == "precious"


def test_the_fingerprint_names_versions():
    found = environment_fingerprint()
    assert found["python"] and found["numpy"] and set(found) >= {"torch", "jax", "tensorflow"}


def test_an_approximation_is_not_called_an_error():
    from math import erf

    exact = FakeTarget(
        "gelu", r"\text{GELU}", "function", (parameter("x", "n", "argument"),),
        lambda x: x * (1 + np.vectorize(erf)(x / np.sqrt(2))) / 2,
    )  # fmt: skip
    source = """import numpy as np
def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
"""
    verdict = findings((exact,), source)["gelu"].verdict
    assert verdict.kind == "unchecked" and "close to the formula" in verdict.reason
    assert findings((exact,), source.replace("0.5 * x", "x"))["gelu"].verdict.kind == "refuted"


def test_a_mask_that_may_mean_the_opposite_refutes_nothing():
    from lemmata.verify.problem import Domain

    keep = replace(parameter("M", "n m", "argument"), domain=Domain(properties=frozenset({"binary"})))
    target = replace(ATTENTION, parameters=(*ATTENTION.parameters, keep), formula=masked)
    source = GOOD.replace("mask=None", "mask").replace("mask * -1e9", "(1 - mask) * -1e9")
    verdict = findings((target,), source)["scaled_dot_product_attention"].verdict
    assert verdict.kind == "verified" and "no row of M was all zero" in verdict.reason
    verdict = findings((target,), source.replace("(1 - mask)", "mask"))["scaled_dot_product_attention"].verdict
    assert verdict.kind == "unchecked" and "if mask is 1 − M" in verdict.reason
    anything = replace(target, parameters=(*ATTENTION.parameters, parameter("M", "n m", "argument")))
    other = source.replace("(1 - mask) * -1e9", "np.where(mask < 0, -1e9, 0)")
    verdict = findings((anything,), other)["scaled_dot_product_attention"].verdict
    assert verdict.kind == "unchecked" and "another kind of mask" in verdict.reason


def masked(q, k, v, m):
    return softmax(q @ k.T / np.sqrt(k.shape[-1]) + (1 - m) * -1e9) @ v


def test_both_branches_of_a_minimum_are_met():
    target = FakeTarget(
        "rate", r"\text{rate}", "function", (parameter("s", "", "argument"), parameter("w", "", "argument")),
        lambda s, w: min(abs(s), abs(s) ** 2 * (1 + abs(w))),
    )  # fmt: skip
    source = "def rate(s, w):\n    return min(abs(s), abs(s) ** 2 * (1 + abs(w)))"
    assert findings((target,), source)["rate"].verdict.kind == "verified"
    assert findings((target,), source.replace("** 2", "** 3"))["rate"].verdict.kind != "verified"


def test_arguments_that_the_document_draws_at_random_are_arguments(tmp_path):
    path = tmp_path / "score.md"
    path.write_text(
        "Let $q, k \\in \\mathbb{R}^d$ have independent components with $q_i, k_i \\sim \\mathcal{N}(0, 1)$. With "
        "$v \\in \\mathbb{R}^d$ let\n\n$$\n\\text{score}(q, k) = v^\\top (q + k) .\n$$\n\n"
        "```python\ndef score(q, k, v):\n    return v @ (q + k)\n```\n",
        encoding="utf-8",
    )
    (found,) = (s for s in lemmata.check(path) if s.kind == "code")
    assert found.verdict == "verified"
    path.write_text(path.read_text("utf-8").replace("(q + k)\n```", "(q - k)\n```"), encoding="utf-8")
    (found,) = (s for s in lemmata.check(path) if s.kind == "code")
    assert found.verdict == "refuted"
