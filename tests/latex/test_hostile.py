"""Hostile and broken formulas end in a gap (or a flat tree), in time that grows with their length only."""

from __future__ import annotations

import time

import pytest

from lemmata.latex import children, gaps, parse, print_latex, walk
from lemmata.latex import tree as t
from lemmata.latex.parser import MAX_LENGTH

N = 100_000
BOMB = "".join(rf"\def\{a}{{\{b}\{b}}}" for a, b in zip("abcdefghij", "bcdefghija")) + r"\a"

HOSTILE = {
    "groups": "{" * N + "}" * N,
    "open groups": "{" * N,
    "closing braces": "}" * N,
    "fractions": r"\frac" * N,
    "roots": r"\sqrt{" * N,
    "root degrees": r"\sqrt[" * N,
    "accents": r"\hat" * N + "x",
    "towers": "x^{" * N + "}" * N,
    "scripts without groups": "x^" * N,
    "fences": r"\left(" * (N // 2) + r"\right)" * (N // 2),
    "fences that only open": r"\left(" * N,
    "fences that only close": r"\right)" * N,
    "environments": r"\begin{matrix}" * (N // 2),
    "unknown environments": r"\begin{foo}" * (N // 2),
    "ends": r"\end{matrix}" * (N // 2),
    "dollar signs": "$" * N,
    "text in formulas in text": r"\text{$" * N,
    "open text": r"\text{" * N,
    "open labels": r"\label{" * N,
    "open colours": r"\color{" * N,
    "infix fractions": r"a\over " * N,
    "font switches": r"\rm " * N,
    "substacks": r"\substack{" * N,
    "braces below": r"\underbrace{x}_" * (N // 2),
    "combining accents": "x" + "\u0302" * N,
    "control characters": "\x00" * N,
    "surrogates": "\ud800" * N,
    "backslashes": "\\" * (2 * N + 1),
    "verbatim": r"\verb|" * N + r"\verb!",
    "parameters": "#1" * N,
    "macro bomb": BOMB,
    "macro that calls itself": r"\def\x{\x}\x",
    "macro that grows its argument": r"\def\x#1{\x{#1#1}}\x a",
    "doubling definitions": r"\def\x{a}" + r"\edef\x{\x\x}" * 40 + r"\x",
    "open definitions": r"\newcommand{\a}[1]{" * (N // 2),
    "open arguments": r"\def\a#1{}" + r"\a{" * N,
    "arguments without their end": r"\def\a#1;{}" + r"\a" * N,
    "global without definition": r"\global" * N,
    "operators": r"\operatorname{" * (N // 2),
}

LONG = {
    "primes": "x" + "'" * N,
    "digits": "1" * N,
    "points": "." * N,
    "cells": "&" * N,
    "row ends": r"\\" * N,
    "row distances": r"\\[1" * N,
    "limits": r"\sum" + r"\limits" * N,
    "raised characters": "x" + "²" * N,
    "spaces": " " * N,
    "comments": "%\n" * N,
    "definitions": r"\def\a{b}" * N,
    "colours": r"\color{red}" * (N // 2),
}


@pytest.mark.parametrize("latex", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_formulas_end_in_gaps(latex: str) -> None:
    assert len(latex) <= MAX_LENGTH
    begun = time.perf_counter()
    tree = parse(latex)
    found = gaps(tree)
    print_latex(tree)
    assert found
    assert all(gap.reason for gap in found[:100])
    assert time.perf_counter() - begun < 10, "a bound for a slow and busy machine; a quadratic reader takes minutes"


@pytest.mark.parametrize("latex", LONG.values(), ids=LONG.keys())
def test_long_formulas_are_read(latex: str) -> None:
    begun = time.perf_counter()
    tree = parse(latex)
    assert not gaps(tree)
    print_latex(tree)
    assert time.perf_counter() - begun < 10


def test_a_formula_of_twenty_megabytes_is_one_gap() -> None:
    (gap,) = parse("$" * 20_000_000).items
    assert isinstance(gap, t.Gap)
    assert gap.reason == "the formula has more than 1000000 characters"


def depth(root: t.Node) -> int:
    deepest, pending = 0, [(root, 1)]
    while pending:
        node, level = pending.pop()
        deepest = max(deepest, level)
        pending += [(child, level + 1) for child in children(node)]
    return deepest


def test_trees_are_no_deeper_than_a_recursive_reader_can_stand() -> None:
    assert 90 < depth(parse(r"\hat{" * 45 + "x" + "}" * 45)) < 150
    assert all(depth(parse(latex)) < 250 for latex in (*HOSTILE.values(), *LONG.values()))


def test_a_tree_that_is_built_deeper_is_walked_and_printed() -> None:
    node: t.Node = t.Symbol(0, 1, "x", "letter")
    for _ in range(N):
        node = t.Accent(0, 1, r"\hat", node)
    assert sum(1 for _ in walk(node)) == N + 1
    assert print_latex(node).startswith(r"\hat\hat")
