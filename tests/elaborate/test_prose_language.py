"""Prose in a language whose words are not known may hold conditions nobody sees: nothing is refuted there."""

from __future__ import annotations

import pytest

from lemmata.documents import read_text
from lemmata.elaborate.context import context
from lemmata.elaborate.document import elaborate
from lemmata.elaborate.prose_lexicon import languages
from lemmata.lower.judge import judge_statement

FALSE = "$(A+B)^2 = A^2 + 2AB + B^2$"
SQUARE = r"$A, B \in \mathbb{R}^{n \times n}$"
KNOWN = {
    "English": f"Let {SQUARE}. Then {FALSE} for all such matrices.",
    "terse English": f"{SQUARE}: {FALSE}.",
    "Chinese": f"设{SQUARE}，则{FALSE}。",
    "Chinese with English terms": f"设 {SQUARE} 为 attention 矩阵，则有 {FALSE}。",
    "English with names": f"By Schrödinger and Poincaré, for matrices {SQUARE} we have {FALSE}.",
}
FOREIGN = {
    "German": f"Seien {SQUARE}. Falls die Matrizen vertauschbar sind, gilt {FALSE}.",
    "French": f"Soient {SQUARE}. Si les matrices commutent, alors {FALSE}.",
    "Spanish": f"Sean {SQUARE}. Si las matrices conmutan, entonces {FALSE}.",
    "Italian": f"Siano {SQUARE}. Se le matrici commutano, allora {FALSE}.",
    "Dutch": f"Laat {SQUARE}. Als de matrices commuteren, dan geldt {FALSE}.",
    "Polish": f"Niech {SQUARE}. Jeśli macierze komutują, to {FALSE}.",
    "Russian": f"Пусть {SQUARE}. Если матрицы коммутируют, то {FALSE}.",
    "Japanese": f"{SQUARE} とする。行列が可換ならば、{FALSE} が成り立つ。",
    "Korean": f"{SQUARE} 라고 하자. 두 행렬이 가환이면 {FALSE} 이다.",
    "Portuguese": f"Sejam {SQUARE}. Se as matrizes comutam, então {FALSE}.",
}


def verdicts(source: str) -> list[str]:
    return [judge_statement(s, 0).kind for s in elaborate(read_text(source)).statements if s.role == "claim"]


@pytest.mark.parametrize("name", KNOWN)
def test_known_languages_refute(name):
    assert not any(c.foreign for c in context(read_text(KNOWN[name])).formulas)
    assert verdicts(KNOWN[name]) == ["refuted"]


@pytest.mark.parametrize("name", FOREIGN)
def test_other_languages_refute_nothing(name):
    statements = [s for s in elaborate(read_text(FOREIGN[name])).statements if s.role == "claim"]
    verdict = judge_statement(statements[-1], 0)
    assert verdict.kind == "unchecked"
    assert "in a language that is not known" in verdict.reason


def test_what_holds_is_verified_in_any_language():
    assert verdicts(f"Seien {SQUARE}. Dann gilt stets $(AB)^\\top = B^\\top A^\\top$.") == ["verified"]


def test_a_long_paragraph_speaks_for_itself():
    english = "The matrices of this section are square, and we write them with capital letters as usual. " * 6
    german = (
        "Falls die beiden Matrizen vertauschbar sind, was im Allgemeinen selten ist, aber für Diagonalmatrizen stets "
        "zutrifft, kann man ausmultiplizieren und die gemischten Glieder zusammenfassen; dann gilt also auch wieder "
        f"für alle natürlichen Zahlen die bekannte Formel {FALSE}."
    )
    found = context(read_text(f"{english}\n\nLet {SQUARE}.\n\n{german}\n\nThen {FALSE}.")).formulas
    assert [bool(c.foreign) for c in found] == [False, True, False]


def test_a_language_is_a_file():
    assert languages() == ["en", "zh"]
