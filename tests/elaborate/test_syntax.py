"""Surface syntax: a table of formulas with their parses, and what must hold for any input at all.

In `syntax_cases.txt` each formula is followed by its parts, indented: `<words before>` expression `@row`.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lemmata import latex
from lemmata.elaborate import surface as s
from lemmata.elaborate.surface import children
from lemmata.elaborate.syntax import MAX_TREE_DEPTH, conditions, expression, parse, show

TABLE = Path(__file__).with_name("syntax_cases.txt")


def _cases() -> list[tuple[str, tuple[str, ...]]]:
    cases: list[tuple[str, list[str]]] = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            cases[-1][1].append(line.strip())
        elif line and not line.startswith("# "):
            cases.append((line, []))
    return [(formula, tuple(parts)) for formula, parts in cases]


def _shown(formula: str, words: frozenset[str] = frozenset()) -> tuple[str, ...]:
    return tuple(
        (f"<{p.lead}> " if p.lead else "") + show(p.expr) + (f"  @{p.row}" if p.row else "")
        for p in parse(latex.parse(formula), words=words)
    )


def _walk(expr: s.Expr) -> Iterator[s.Expr]:
    seen: set[int] = set()
    pending = [expr]
    while pending:
        node = pending.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            pending.extend(children(node))


def _unread(formula: str) -> list[str]:
    return [x.reason for p in parse(latex.parse(formula)) for x in _walk(p.expr) if isinstance(x, s.Unread)]


CASES = _cases()


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(CASES) >= 200
    assert len({formula for formula, _ in CASES}) == len(CASES)


@pytest.mark.parametrize(("formula", "parts"), CASES, ids=[formula for formula, _ in CASES])
def test_parse(formula: str, parts: tuple[str, ...]) -> None:
    assert _shown(formula) == parts


@pytest.mark.parametrize(
    ("formula", "words", "parts"),
    [
        ("dS_{ij} = P_{ij} dP_{ij}", {"dS", "dP"}, ("'dS'_[i j] = [P_[i j] 'dP'_[i j]]",)),
        ("PE_{(pos,2i)}", {"PE"}, ("'PE'_('pos', 2 i)",)),
        ("lr g_t", {"lr"}, ("['lr' g_t]",)),
        ("\\mathbf{VA}", {"VA"}, ("bold:'VA'",)),
        ("dm", {"d"}, ("{differential: [d m] OR (diff m)}",)),
        ("softmax(pos)", {"pos"}, ("'softmax'('pos')",)),
    ],
)
def test_names_of_the_document_are_one_word(formula: str, words: set[str], parts: tuple[str, ...]) -> None:
    assert _shown(formula, frozenset(words)) == parts


@pytest.mark.parametrize(
    ("formula", "subject"),
    [
        (r"a = b \text{ if } c > 0", ((1,), ())),
        (r"|s| = s \text{ if } s > 0, \qquad |s| = -s \text{ if } s < 0", ((1,), (), (3,), ())),
        (r"\text{if } c > 0, \quad a = b", ((), (0,))),
        (r"a = b \text{ if } c > 0 \text{ and } d > 0", ((1, 2), (), ())),
        (r"a = b \text{ if } c > 0 \text{ and } d = e \text{ if } f > 0", ((1,), (), (3,), ())),
        (r"a_i = b_i \quad \forall i \in S", ((1,), ())),
        (r"a = b, \quad \text{当 } c > 0", ((1,), ())),
        (r"a = b \quad\text{and}\quad c = d", ((), ())),
        (r"a = b \quad \text{where } c = d", ((), ())),
    ],
)
def test_conditions_belong_to_their_statements(formula: str, subject: tuple[tuple[int, ...], ...]) -> None:
    assert conditions(parse(latex.parse(formula))) == subject


def test_expression_is_the_whole_row() -> None:
    assert show(expression(latex.parse("a = b, c = d"))) == "(a = b, c = d)"
    assert show(expression(latex.parse(""))) == "<blank>"


def test_spans_are_offsets_into_the_formula() -> None:
    formula = r"\begin{aligned} a &= b + c \\ &= \frac{d}{2} \end{aligned}"
    (part,) = parse(latex.parse(formula))
    assert isinstance(part.expr, s.Relation)
    assert [formula[i.start : i.end] for i in part.expr.items] == ["a", "b + c", r"\frac{d}{2}"]


def test_a_row_that_goes_on_is_never_cut_off() -> None:
    """Whatever space stands before its sign, a continued row belongs to the equation."""
    for space in ("", r"\quad", r"\qquad\quad", r"\;", r"\hspace{2em}"):
        shown = _shown(rf"\begin{{aligned}} a &= b \\ &{space} - c \end{{aligned}}")
        assert shown == ("a = {b - c}",)


HOSTILE = {
    "brackets": "(" * 50_000 + "x" + ")" * 50_000,
    "open brackets": "(" * 50_000,
    "two kinds of open brackets": "[(" * 3_000,
    "signs": "-" * 20_000 + "x",
    "operators": r"\log " * 5_000 + "x",
    "squared logarithms of brackets": r"\log (" * 25 + "x" + ")^2" * 25,
    "gradients of gradients": r"\nabla " * 3_000 + "f",
    "gradients times gradients": r"\nabla f(x) " * 300,
    "logarithms and gradients": r"\log f(x) \nabla g(x) " * 200,
    "derivatives of derivatives": r"d^2 \frac{d " * 24 + "x" + "}{dx}" * 24,
    "fractions on a line": "a/b c" * 2_000,
    "ambiguous fractions on a line": "a/bc" * 2_000,
    "sums": r"\sum_i x_i + " * 500 + "x_i",
    "sums in sums": r"\sum_i (x_i + " * 14 + "x" + ")+x_i" * 14,
    "sums of sums": r"\sum_i " * 3_000 + "x",
    "integrals": r"\int " * 2_000 + "x" + " dx" * 2_000,
    "bars": "|a" * 3_001,
    "a few bars": "|a|b" * 7,
    "differentials": "d x d y" * 500,
    "factorials": "n" + "!" * 5_000,
    "a list": "a," * 10_000,
    "a list after a relation": "a=1," + "b," * 10_000 + "c=2",
    "a chain": "a=" * 10_000,
    "rows": r"a &= b \\ " * 3_000,
    "words": r"\text{if }" * 5_000,
    "letters": "abc" * 10_000,
    "products": r"a \cdot " * 10_000,
    "dots": ". " * 10_000,
}


@pytest.mark.parametrize("formula", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_formulas_end_in_bounded_time_and_depth(formula: str) -> None:
    row = latex.parse(formula)
    start = time.perf_counter()
    parts = parse(row)
    assert time.perf_counter() - start < 20
    for part in parts[:3]:
        assert show(part.expr)
        assert _depth(part.expr) <= MAX_TREE_DEPTH


def _depth(expr: s.Expr) -> int:
    level: dict[int, s.Expr] = {id(expr): expr}
    depth = 0
    while level:
        level = {id(c): c for node in level.values() for c in children(node)}
        depth += 1
    return depth


PIECES = r"""
a b X f \alpha \mathbf{W} \hat{x} 1 0.5 + - \cdot / = \le \in , ; ( ) [ ] \{ \} | \| \left( \right) ^2 _i ^\top ' \sum_i
\log \max \nabla \partial d dx \frac{d}{dx} \frac{a}{b}
\int \text{if } \quad \\ & \dots ! \mathbb{E} \mathbb{R} \mid \sqrt{x}
\begin{cases} \end{cases} \operatorname{tr} \bigl| \middle| \underset{x}{\min}
\underbrace{a+b}_c \implies \forall : \top
""".split()


def test_any_sequence_of_notation_is_parsed_within_its_span() -> None:
    """Ten thousand random rows: no exception, and every expression stands inside the formula."""
    random_ = random.Random(7)
    for _ in range(10_000):
        formula = " ".join(random_.choices(PIECES, k=random_.randint(1, 14)))
        parts = parse(latex.parse(formula))
        for part in parts:
            show(part.expr)
            for node in _walk(part.expr):
                assert 0 <= node.start <= node.end <= len(formula), (formula, node)


def test_nothing_that_is_written_gets_lost() -> None:
    """Every letter, number and operator of random rows stands inside some leaf's span, or in that of what is unread."""
    random_ = random.Random(11)
    names = [
        "a",
        "b",
        "x_i",
        "f(x)",
        r"\log y",
        r"\sum_i z_i",
        "|w|",
        "(u + v)",
        r"\nabla g",
        r"\frac{p}{q}",
        "2",
        r"\hat r",
    ]
    for _ in range(2_000):
        formula = random_.choice(names)
        for _ in range(random_.randint(1, 6)):
            formula += (
                " " + random_.choice(["+", "-", r"\cdot", "/", "=", r"\le", ",", "", ""]) + " " + random_.choice(names)
            )
        leaves = [
            n for p in parse(latex.parse(formula)) for n in _walk(p.expr) if isinstance(n, s.Name | s.Num | s.Unread)
        ]
        bare = re.sub(r"\\[a-z]+", lambda m: " " * len(m.group()), formula)
        for at, char in enumerate(bare):
            if char.isalnum():
                assert any(n.start <= at < n.end for n in leaves), (formula, at)


@pytest.mark.shared
def test_every_claim_is_read(shared: Path) -> None:
    for line in (shared / "claims" / "index.jsonl").read_text(encoding="utf-8").splitlines():
        formula = json.loads(line)["latex"]
        assert _unread(formula) == [], formula


@pytest.mark.shared
def test_almost_every_formula_of_the_corpus_is_read(shared: Path, record_property) -> None:  # type: ignore[no-untyped-def]
    read = total = 0
    for line in (shared / "corpus" / "formulas_dev.jsonl").read_text(encoding="utf-8").splitlines():
        row = latex.parse(json.loads(line)["latex"])
        if latex.gaps(row):
            continue
        total += 1
        read += not any(isinstance(x, s.Unread) for p in parse(row) for x in _walk(p.expr))
    record_property("read_share", read / total)
    assert read / total > 0.99
