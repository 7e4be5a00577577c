"""Random functions: what is derived agrees with automatic differentiation of the same text."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lemmata.derive.derivation import Underivable
from lemmata.pipeline import derive

DECLARATIONS = (
    r"Let $A \in \mathbb{R}^{n \times n}$, $B \in \mathbb{R}^{m \times n}$, $S \in \mathbb{R}^{n \times n}$, "
    r"$a, b, x \in \mathbb{R}^n$, $c \in \mathbb{R}^m$ and $t \in \mathbb{R}$. Let $S$ be symmetric."
)


MATRICES = ("A", "S", "A^\\top", "B^\\top B")
FUNCTIONS = ("tanh", "sin", "cos", "exp")


@st.composite
def columns(draw: st.DrawFn, depth: int = 3) -> str:
    """A column of length n."""
    if depth == 0:
        return draw(st.sampled_from(["x", "a", "b", "x"]))
    inner = columns(depth - 1)
    kind = draw(st.integers(0, 7))
    match kind:
        case 0:
            return f"\\left({draw(inner)} + {draw(inner)}\\right)"
        case 1:
            return f"\\left({draw(inner)} - {draw(inner)}\\right)"
        case 2:
            return f"{draw(st.sampled_from(MATRICES))} {draw(inner)}"
        case 3:
            return f"\\left({draw(inner)} \\odot {draw(inner)}\\right)"
        case 4:
            return f"\\{draw(st.sampled_from(FUNCTIONS))}\\left({draw(inner)}\\right)"
        case 5:
            return f"\\operatorname{{softmax}}\\left({draw(inner)}\\right)"
        case 6:
            return f"\\left({draw(numbers(depth - 1))}\\right) {draw(inner)}"
    return draw(inner)


@st.composite
def numbers(draw: st.DrawFn, depth: int = 2) -> str:
    if depth <= 0:
        return draw(st.sampled_from(["t", "x^\\top a", "x^\\top S x", "3"]))
    inner = numbers(depth - 1)
    match draw(st.integers(0, 6)):
        case 0:
            return f"\\left({draw(inner)}\\right) \\left({draw(inner)}\\right)"
        case 1:
            return f"{draw(inner)} - {draw(inner)}"
        case 2:
            return f"\\left({draw(columns(depth - 1))}\\right)^\\top {draw(columns(depth - 1))}"
        case 3:
            return f"\\left\\| {draw(columns(depth - 1))} \\right\\|_2^2"
        case 4:
            return f"\\sin\\left({draw(inner)}\\right)"
        case 5:
            return f"\\frac{{{draw(inner)}}}{{1 + x^\\top x}}"
    return f"\\sqrt{{1 + \\left\\| {draw(columns(depth - 1))} \\right\\|_2^2}}"


SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def _check(text: str, function: str, variable: str, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("derive") / "notes.md"
    path.write_text(f"{DECLARATIONS} Define $${text}.$$\n", encoding="utf-8")
    try:
        found = derive(str(path), function, variable)
    except Underivable as error:
        assert "depend" in str(error), f"{text}: {error}"
        return
    verdict = found.result.verdict
    assert verdict.kind != "refuted", f"{text}\n{found.result.right}\n{verdict.reason}"
    assert verdict.kind == "verified" or "no value at any instance" in verdict.reason, (
        f"{text}\n{found.result.right}\n{verdict.kind} {verdict.reason}"
    )


@SETTINGS
@given(text=numbers(3))
def test_gradients_of_random_numbers(text, tmp_path_factory):
    _check(f"f(x) = {text}", "f", "x", tmp_path_factory)


@SETTINGS
@given(text=columns(3))
def test_jacobians_of_random_columns(text, tmp_path_factory):
    _check(f"g(x) = {text}", "g", "x", tmp_path_factory)
