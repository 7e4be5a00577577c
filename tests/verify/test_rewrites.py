"""Meaning-preserving rewrites are never refuted, changes of meaning never verified."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from lemmata.program import build as b
from lemmata.program.node import Node

from .claims import Scene, add, div, mul, num, square, sub, verdict


@dataclass(frozen=True)
class Tree:
    op: str
    args: tuple[Tree, ...] = ()


UNARY = ["neg", "square", "exp", "tanh", "abs", "total"]
BINARY = ["add", "sub", "mul", "div"]
LEAVES = st.sampled_from([Tree("x"), Tree("y"), Tree("v"), Tree("2"), Tree("1/3")])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda op, a: Tree(op, (a,)), st.sampled_from(UNARY), inner),
        st.builds(lambda op, a, c: Tree(op, (a, c)), st.sampled_from(BINARY), inner, inner),
    ),
    max_leaves=8,
)


def plain(tree: Tree, s: Scene, given: dict[str, Node]) -> Node:
    args = [plain(a, s, given) for a in tree.args]
    match tree.op:
        case "x" | "y" | "v":
            return given[tree.op]
        case "2" | "1/3":
            return num(2) if tree.op == "2" else div(num(1), num(3))
        case "add" | "sub" | "mul" | "div":
            return b.binary(tree.op, *args)
        case "square":
            return square(args[0])
        case "total":
            return b.reduce("sum", args[0], args[0].axes)
    return b.unary(tree.op, args[0])


def rewritten(tree: Tree, s: Scene, given: dict[str, Node]) -> Node:
    """The same value in other words."""
    args = [rewritten(a, s, given) for a in tree.args]
    match tree.op:
        case "add":
            return sub(args[1], b.unary("neg", args[0]))
        case "sub":
            return b.unary("neg", sub(args[1], args[0]))
        case "mul":
            return sub(mul(args[1], add(args[0], num(1))), args[1])
        case "div":
            return mul(args[0], b.unary("reciprocal", args[1]))
        case "square":
            return mul(b.unary("neg", args[0]), b.unary("neg", args[0]))
        case "exp":
            half = b.unary("exp", div(args[0], num(2)))
            return mul(half, half)
        case "tanh":
            grown = b.unary("exp", mul(num(2), args[0]))
            return sub(num(1), div(num(2), add(grown, num(1))))
        case "abs":
            return b.unary("sqrt", square(args[0]))
        case "total":
            return div(b.reduce("sum", mul(args[0], num(2)), args[0].axes), num(2))
    return plain(tree, s, given)


def letters(s: Scene) -> dict[str, Node]:
    return {"x": s.input("x"), "y": s.input("y", low=0), "v": s.input("v", "n")}


@settings(max_examples=100, deadline=None, derandomize=True)
@given(TREES)
def test_a_rewrite_is_never_refuted(tree):
    def claim(s):
        given_inputs = letters(s)
        return plain(tree, s, given_inputs), rewritten(tree, s, given_inputs)

    result = verdict(claim, sizes=("n",))
    assert result.kind != "refuted", (tree, result)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(TREES, st.sampled_from([1e-3, 1e-9, 1e-15]))
def test_a_change_is_never_verified(tree, change):
    def claim(s):
        given_inputs = letters(s)
        side = plain(tree, s, given_inputs)
        return side, add(rewritten(tree, s, given_inputs), mul(num(change), add(num(1), square(given_inputs["y"]))))

    result = verdict(claim, sizes=("n",))
    assert result.kind != "verified", (tree, result)
