"""Words inside a display that end what was let before them."""

from __future__ import annotations

import pytest

import lemmata

GIVEN = "Let $x \\in \\mathbb{R}^n$ and $p = \\operatorname{softmax}(x)$.\n\n"


@pytest.mark.parametrize("let, then", [("Let", "then"), ("With", "we have"), ("令", "则"), ("记", "于是")])
@pytest.mark.parametrize(
    "equation, verdict",
    [("r = \\operatorname{softmax}(2 x + 1)", "verified"), ("p = r \\odot r", "refuted")],
)
def test_what_follows_then_is_claimed(tmp_path, let, then, equation, verdict):
    shown = f"$$\nr = \\operatorname{{softmax}}(2 x), \\qquad \\text{{{then}}} \\qquad {equation} .\n$$\n"
    path = tmp_path / "then.md"
    path.write_text(f"{GIVEN}{let}\n\n{shown}", encoding="utf-8")
    *_, defined, claimed = lemmata.check(path, code=False).statements
    assert (defined.role, claimed.role, claimed.verdict) == ("definition", "claim", verdict)
