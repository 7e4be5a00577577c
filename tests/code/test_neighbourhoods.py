"""Layers on graphs whose degree matrix is told in words, against the normalisation that code carries out."""

from __future__ import annotations

from pathlib import Path

import pytest

import lemmata

pytestmark = pytest.mark.torch

TEXT = r"""The states of vertices $Z^{(k)}$ are passed on along edges. A Graphy layer is

$$Z^{(k+1)} = \phi\left(\hat{E}^{-1/2} \hat{B} \hat{E}^{-1/2} Z^{(k)} U^{(k)}\right)$$

with the connection matrix $B$ and loops added, $\hat{B} = B + I$. Here $\hat{E}$ is the degree matrix of $\hat{B}$, and
$\phi$ is an arbitrary activation.
"""
CODE = """import torch
from torch import nn

class GraphyLayer(nn.Module):
    def __init__(self, wide, narrow):
        super().__init__()
        self.mix = nn.Linear(wide, narrow)

    def forward(self, states, connection):
        degrees = connection.sum(-1)
        roots = degrees.rsqrt()
        passed = roots.unsqueeze(-1) * connection * roots.unsqueeze(-2)
        out = passed @ self.mix(states)
        return out
"""
SYMMETRIC = "roots.unsqueeze(-1) * connection * roots.unsqueeze(-2)"
ROWS = "connection / degrees.unsqueeze(-1)"
LOOPS = "connection = connection + torch.eye(connection.shape[-1])\n        degrees ="
BY_ROWS = r"\hat{E}^{-1} \hat{B} Z"


def said(folder: Path, text: str, code: str) -> list[tuple[str, str]]:
    path = folder / "document.md"
    path.write_text(f"{text}\n```python\n{code}```\n", encoding="utf-8")
    return [(s.verdict, s.reason) for s in lemmata.check(path) if s.kind == "code"]


def by_rows(text: str) -> str:
    return text.replace(r"\hat{E}^{-1/2} \hat{B} \hat{E}^{-1/2} Z", BY_ROWS)


@pytest.mark.parametrize(
    "text, code, wanted",
    [
        (TEXT, CODE, "verified"),
        (TEXT, CODE.replace(SYMMETRIC, ROWS), "refuted"),
        (TEXT, CODE.replace(SYMMETRIC, "connection"), "refuted"),
        (by_rows(TEXT), CODE.replace(SYMMETRIC, ROWS), "verified"),
        (by_rows(TEXT), CODE, "refuted"),
        (TEXT, CODE.replace("return out", "return torch.relu(out)"), "verified"),
        (by_rows(TEXT), CODE.replace("return out", "return torch.relu(out)"), "refuted"),
        (TEXT, CODE.replace("degrees =", LOOPS), "verified"),
        (TEXT.replace("is the degree matrix of $\\hat{B}$", "is a diagonal matrix with the number of neighbours"),
         CODE.replace(SYMMETRIC, ROWS), "refuted"),
    ],
)  # fmt: skip
def test_the_normalisation_is_the_formulas_or_another_one(tmp_path, text, code, wanted):
    ((verdict, reason),) = said(tmp_path, text, code)
    assert verdict == wanted
    if wanted == "refuted":
        assert "(line 2" in reason and "where the formula has" in reason and "divi" in reason


NAMED = TEXT.replace(r"\phi\left(", r"\tanh\left(").replace(", and\n$\\phi$ is an arbitrary activation", "")


@pytest.mark.parametrize(
    "text, function, wanted",
    [
        (NAMED, "tanh", ["verified"]),
        (NAMED, "relu", []),  # another function than the one that is named
        (NAMED, "sigmoid", []),
        (NAMED + "\nElsewhere $\\psi$ is an arbitrary activation.\n", "relu", []),
        (TEXT.replace("is an arbitrary activation", "is the logistic function"), "relu", []),
        (TEXT.replace("$\\phi$ is", "$\\psi$ is"), "relu", []),
        (TEXT, "sigmoid", ["verified"]),
    ],
)
def test_another_activation_is_not_verified(tmp_path, text, function, wanted):
    code = CODE.replace("return out", f"return torch.{function}(out)")
    assert [v for v, _ in said(tmp_path, text, code) if v != "unchecked"] == wanted


@pytest.mark.parametrize(
    "text, code",
    [
        (TEXT, CODE.replace(SYMMETRIC, ROWS).replace("GraphyLayer", "MeanLayer")),  # a class of another name
        (TEXT, CODE.replace(SYMMETRIC, ROWS).replace("GraphyLayer", "GraphyNaiveLayer")),
        (TEXT, CODE.replace(SYMMETRIC, ROWS).replace("connection", "other")),  # what is it?
        (TEXT.replace("degree matrix", "precision matrix"), CODE.replace(SYMMETRIC, ROWS)),
        (TEXT, CODE.replace("@ self.mix(states)", "@ self.mix(states) ** 2").replace(SYMMETRIC, ROWS)),
        (TEXT.replace("is an arbitrary activation", "is fixed below"), CODE),  # the code leaves it out
    ],
)
def test_what_may_be_something_else_is_left_alone(tmp_path, text, code):
    assert all(verdict == "unchecked" for verdict, _ in said(tmp_path, text, code))


def test_a_degree_matrix_in_chinese(tmp_path):
    text = TEXT.replace(
        "Here $\\hat{E}$ is the degree matrix of $\\hat{B}$, and\n$\\phi$ is an arbitrary activation.",
        "其中度矩阵为 $\\hat{E}$，$\\phi$ 为任意激活函数。",
    )
    assert [v for v, _ in said(tmp_path, text, CODE)] == ["verified"]
    assert [v for v, _ in said(tmp_path, text, CODE.replace(SYMMETRIC, ROWS))] == ["refuted"]
