"""Classes that wrap any sublayer in residual and normalisation, in PyTorch and Keras spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from lemmata.surfaces.run import Options, run

FORMULA = "即：\n$$\n\\rm output = LayerNorm(x + Sublayer(x))\n$$\nSublayer 为该子层的操作。\n"
ALONE = "That is, the output of each sub-layer is\n\n$$\\mathrm{LayerNorm}(x + \\mathrm{Sublayer}(x))$$\n"
POST = """class Connection(nn.Module):
    "A residual connection followed by a layer norm."
    def __init__(self, size, rate):
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(rate)

    def forward(self, x, sublayer):
        return self.norm(x + self.dropout(sublayer(x)))
"""
LAST, FIRST = "self.norm(x + self.dropout(sublayer(x)))", "x + self.dropout(sublayer(self.norm(x)))"
KERAS = """class Connection(Layer):
    def __init__(self, size):
        self.normalise = LayerNormalization()

    def call(self, inputs, sublayer):
        outputs = sublayer(inputs)
        return self.normalise(inputs + outputs)
"""


def verdicts(folder: Path, text: str, code: str) -> list[tuple[str, str]]:
    path = folder / "document.md"
    path.write_text(f"{text}\n```python\n{code}```\n", encoding="utf-8")
    (outcome,) = run([str(path)], Options(code=True))
    return [(s.verdict, s.reason or "") for s in outcome.result.statements if s.kind == "code"]


@pytest.mark.parametrize("text", [FORMULA, ALONE])
@pytest.mark.parametrize(
    "right, old, new, where",
    [
        (POST, LAST, "x + self.dropout(sublayer(self.norm(x)))", "before the sublayer"),
        (POST, LAST, "x + self.norm(sublayer(x))", "normalises the sublayer alone"),
        (KERAS, "normalise(inputs + outputs)", "normalise(outputs) + inputs", "normalises the sublayer alone"),
    ],
)  # fmt: skip
def test_where_a_wrapper_normalises_is_judged_whatever_the_sublayer_is(tmp_path, text, right, old, new, where):
    assert [v for v, _ in verdicts(tmp_path, text, right)] == ["verified"]
    assert old in right
    ((verdict, reason),) = verdicts(tmp_path, text, right.replace(old, new))
    assert verdict == "refuted" and where in reason


@pytest.mark.parametrize(
    "text, code",
    [
        (FORMULA, POST.replace("LayerNorm(", "RMSNorm(")),  # another normalisation
        (FORMULA + "\nWe use the pre-norm form.\n", POST.replace(LAST, FIRST)),
        (FORMULA, POST.replace("Connection(", "PreNorm(").replace(LAST, FIRST)),
        (FORMULA, POST.replace(LAST, FIRST).replace("sublayer", "gate")),  # which function is not said
        (FORMULA, POST.replace("nn.Dropout(rate)", "nn.Linear(size, size)")),  # more than is known
    ],
)  # fmt: skip
def test_other_wrappers_are_left_alone(tmp_path, text, code):
    assert all(verdict == "unchecked" for verdict, _ in verdicts(tmp_path, text, code))
