"""The table of primitives against the constructors, and what breaks its rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from lemmata.backends import numpy as plain
from lemmata.documents import read
from lemmata.elaborate.document import elaborate
from lemmata.lower.problem import ReadingProblem
from lemmata.operations.recognise import fuse_all
from lemmata.program import build as b
from lemmata.program.autodiff import RULES, gradient
from lemmata.program.build import BadProgram
from lemmata.program.check import validate
from lemmata.program.graph import inputs, nodes
from lemmata.program.node import Axis, Node
from lemmata.program.primitives import PRIMITIVES, cost
from lemmata.verify.problem import CannotLower
from lemmata.verify.sizes import NoSizes, assignments
from places import ROOT
from primitive_cases import CASES, weighted
from random_programs import Program, programs

I3, J4, K3 = Axis.fresh("i", 3), Axis.fresh("j", 4), Axis.fresh("k", 3)
X, M = b.input("x", [I3, J4]), b.input("m", [I3, K3])
TRUTH = b.binary("gt", X, b.constant(0))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_constructors_obey_the_table(case):
    validate(case.node)


@pytest.mark.parametrize("case", [c for c in CASES if c.smooth and c.node.dtype == "real"], ids=str)
def test_gradients_are_programs(case):
    loss = weighted(case.node)
    validate(*(gradient(loss, leaf) for leaf in inputs(loss) if leaf.dtype == "real"))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(programs())
def test_random_programs_their_gradients_and_what_is_recognised_in_them(program: Program):
    loss = b.reduce("sum", program.node, program.node.axes)
    slopes = [gradient(loss, leaf) for leaf in inputs(loss)]
    validate(loss, *slopes, *fuse_all([loss, *slopes]))


@pytest.mark.parametrize("name", ["linear-regression.md", "attention-scoring.zh.md", "transformer-encoder.md"])
def test_programs_of_documents(name):
    sides: list[Node] = []
    for statement in elaborate(read(str(ROOT / "examples" / name))).statements:
        for reading in statement.readings:
            problem = ReadingProblem(reading)
            try:
                instance = problem.instance(assignments(problem, 1)[0])
            except (CannotLower, NoSizes):
                continue
            sides += [*instance.sides, *instance.conditions]
    assert len(sides) > 10
    validate(*sides, *fuse_all(sides))


def node(op: str, args: tuple[Node, ...], shape: tuple[Axis, ...], dtype: str = "real", /, **attrs: object) -> Node:
    return Node(op, args, tuple(attrs.items()), shape, dtype, -1)


WRONG = {
    "convolve is no primitive": node("convolve", (X,), X.axes),
    "exp has 2 arguments": node("exp", (X, X), X.axes),
    "contract has 0 arguments": node("contract", (), (), over=()),
    "sum has the attributes none": node("sum", (X,), (I3,)),
    "add has an axis twice": node("add", (X, X), (I3, J4, I3)),
    "add has the axes j, i where i, j follow": node("add", (X, X), (J4, I3)),
    "sum has arguments that do not fit": node("sum", (X,), X.axes, over=(K3,)),
    "diagonal has arguments that do not fit": node("diagonal", (X,), (I3,), pair=(I3, J4)),
    "rename has arguments that do not fit": node("rename", (X,), (I3, K3), mapping=((J4, K3),)),
    "det has arguments that do not fit": node("det", (X,), (), row=I3, column=J4),
    "merge has arguments that do not fit": node("merge", (X,), (J4,), axes=(I3, J4), new=J4),
    "argmax has arguments that do not fit": node("argmax", (X,), (), "int", over=(I3, J4)),
    "svdvals has arguments that do not fit": node("svdvals", (M,), (J4,), row=I3, column=K3, values=J4),
    "select has arguments of a wrong type": node("select", (X, X, X), X.axes),
    "gt is real where bool follows": node("gt", (X, X), X.axes),
    "sum is bool where int follows": node("sum", (TRUTH,), (I3,), "bool", over=(J4,)),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_breaks_the_rules_is_said(message):
    with pytest.raises(BadProgram) as found:
        validate(WRONG[message])
    assert str(found.value) == message


def test_a_fault_deep_inside_is_found():
    outer = b.unary("exp", b.binary("add", WRONG["det has arguments that do not fit"], b.constant(1)))
    with pytest.raises(BadProgram, match="det"):
        validate(outer)


def test_every_primitive_is_in_the_table_and_runs():
    assert set(PRIMITIVES) == {"input", *plain.RULES, *plain.ELEMENTWISE}


def test_primitives_without_derivative_are_few():
    sources = {"constant", "special", "input", "iota", "array"}
    assert set(PRIMITIVES) - set(RULES) == sources | {"digamma", "conj", "real", "imag"}


def test_costs():
    y = b.input("y", [J4, K3])
    product = b.contract([X, y], [J4])
    assert [cost(n) for n in (X, product, b.unary("exp", X), b.reduce("sum", X, [J4]))] == [12, 36, 12, 12]
    assert cost(b.inv(M, I3, K3)) == 27 and cost(b.eigvalsh(M, I3, K3, Axis.fresh("v", 3))) == 270
    assert sum(map(cost, nodes(product))) == 12 + 12 + 36
    assert np.shape(plain.run([product], {"x": np.ones((3, 4)), "y": np.ones((4, 3))})[0]) == (3, 3)
