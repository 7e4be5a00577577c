"""Where code and formula part: the place, the words, and the edit of the code that repairs it."""

from __future__ import annotations

import numpy as np
import pytest
from code_documents import cells
from fake_targets import ATTENTION, FakeTarget, parameter, softmax
from msgspec.structs import replace

from lemmata.code.check import check_code
from lemmata.code.edits.catalogue import edits
from lemmata.code.edits.text import Definition

GOOD = """import numpy as np

def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)

def attention(Q, K, V):
    scores = Q @ np.swapaxes(K, -1, -2) / np.sqrt(K.shape[-1])
    weights = softmax(scores, axis=-1)
    return weights @ V
"""
CAUSAL = FakeTarget(
    "c", r"\text{causal}", "function",
    (parameter("Q", "n d_k", "argument"), parameter("K", "n d_k", "argument"), parameter("V", "n d_v", "argument")),
    lambda q, k, v: softmax(np.where(np.tri(len(q)) > 0, q @ k.T / k.shape[-1] ** 0.5, -1e30)) @ v,
)  # fmt: skip
MASKED = """import numpy as np

def causal(Q, K, V):
    scores = Q @ np.swapaxes(K, -1, -2) / np.sqrt(K.shape[-1])
    scores = np.where(np.tri(len(Q)) > 0, scores, -np.inf)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True) @ V
"""


def refuted(target, source):
    report = check_code(cells(source), [target])
    (finding,) = [f for f in report.findings if f.name != "softmax"]
    assert finding.verdict.kind == "refuted", finding.verdict
    return finding


@pytest.mark.parametrize(
    "old, new, line, words",
    [
        ("softmax(scores, axis=-1)", "softmax(scores, axis=-2)", 18, "runs over"),
        ("np.sqrt(K.shape[-1])", "K.shape[-1]", 17, "√d_k"),
        ("e.sum(axis=axis, keepdims=True)", "e.sum()", 14, "sum runs over all axes"),
        ("weights @ V", "weights @ K", 19, "K is used, where the formula has V"),
        ("    return weights", "    weights = weights / np.sqrt(K.shape[-1])\n    return weights", 19, ""),
    ],
)
def test_the_line_is_named(old, new, line, words):
    assert old in GOOD
    source = GOOD.replace(old, new).replace("d_v", "d_k")
    square = tuple(parameter(x, "m d_k", "argument") for x in "QKV")
    target = ATTENTION if "@ K" not in new else replace(ATTENTION, parameters=square)
    finding = refuted(target, source)
    assert line in finding.fixes[0].lines, finding.fixes
    assert words in finding.verdict.reason
    assert finding.fixes[0].before != finding.fixes[0].after


def test_code_that_gives_nan_is_refuted_only_where_an_edit_repairs_it():
    wrong = MASKED.replace("np.tri(len(Q)) > 0", "np.tri(len(Q)) == 0")
    finding = refuted(CAUSAL, wrong)
    assert "NaN" in finding.verdict.reason and finding.fixes[0].lines == (14,)
    assert finding.verdict.counterexample.right == "nan"
    source = "import numpy as np\ndef causal(Q, K, V):\n    return np.log(-np.abs(Q @ K.T)) @ V"
    (other,) = check_code(cells(source), [CAUSAL]).findings
    assert other.verdict.kind == "unchecked" and "NaN" in other.verdict.reason


def test_the_right_twin_is_verified():
    for target, source in ((ATTENTION, GOOD), (CAUSAL, MASKED)):
        kinds = {f.name: f.verdict.kind for f in check_code(cells(source), [target]).findings}
        assert kinds[target.latex[6:-1].lower()] == "verified"


def test_edits_change_the_program_and_stay_python():
    definition = Definition("attention", 0, 1, GOOD[GOOD.index("def attention") :], "numpy")
    found = edits(definition)
    texts = {definition.applied(e.changes) for e in found}
    assert len(texts) == len(found) > 50 and definition.text not in texts
    for text in texts:
        compile(text, "edited", "exec")


def test_two_exchanged_arguments_do_not_settle_a_doubtful_binding():
    target = FakeTarget(
        "f", r"\text{mix}", "function", (parameter("a", "?n", "argument"), parameter("b", "?n", "argument")),
        lambda a, b: a - 2 * b,
    )  # fmt: skip
    source = "def mix(x, y):\n    return y - 2 * x"
    (finding,) = check_code(cells(source), [target]).findings
    assert finding.verdict.kind == "unchecked"
