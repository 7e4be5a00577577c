"""Layers that compute a product of a claim times numbers of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lemmata.surfaces.run import Options, run

CLAIM = r"""For LoRA we can write

$$x (W+A B) = x W + x A B$$
"""
LAYER = """import torch

class LoRALayer(torch.nn.Module):
    def __init__(self, in_dim, out_dim, rank, alpha):
        super().__init__()
        self.A = torch.nn.Parameter(torch.randn(in_dim, rank))
        self.B = torch.nn.Parameter(torch.zeros(rank, out_dim))
        self.alpha = alpha
        self.rank = rank

    def forward(self, x):
        x = (self.alpha / self.rank) * (x @ self.A @ self.B)
        return x
"""
FACTOR = "(self.alpha / self.rank) * "


def judged(folder: Path, text: str, code: str) -> list[tuple[str, str]]:
    path = folder / "document.md"
    path.write_text(f"{text}\n```python\n{code}```\n", encoding="utf-8")
    (outcome,) = run([str(path)], Options(code=True))
    return [(s.verdict, s.reason or "") for s in outcome.result.statements if s.kind == "code"]


def test_a_factor_that_the_formula_lacks_is_named(tmp_path):
    ((verdict, reason),) = judged(tmp_path, CLAIM, LAYER)
    assert verdict == "refuted" and "times `self.alpha / self.rank`" in reason and "(line 17)" in reason
    assert FACTOR in LAYER
    assert [v for v, _ in judged(tmp_path, CLAIM, LAYER.replace(FACTOR, ""))] == ["verified"]


@pytest.mark.parametrize(
    "text, code",
    [
        (CLAIM + "\nScaled, the layer is $h = x W + \\frac{\\alpha}{r} x A B$.\n", LAYER),  # another formula has it
        (CLAIM.replace("LoRA", "adapters"), LAYER),  # the text speaks of something else
        (CLAIM, LAYER.replace("self.alpha = alpha", "self.alpha = torch.nn.Parameter(torch.ones(1))")),  # learned
        (CLAIM, LAYER.replace("x @ self.A", "torch.tanh(x) @ self.A")),  # another product
        (CLAIM, LAYER.replace("self.B)", "self.B) + self.rank")),
    ],
)
def test_what_may_be_another_product_is_left_alone(tmp_path, text, code):
    assert all(verdict == "unchecked" for verdict, _ in judged(tmp_path, text, code))
