"""Linear layers of the same rows run as one matrix product."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lemmata.operations import call
from lemmata.program import build as b
from lemmata.program.graph import inputs
from lemmata.program.node import Axis

torch = pytest.importorskip("torch")
backend = pytest.importorskip("lemmata.backends.torch")
pytestmark = pytest.mark.torch

from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402


class Counted(TorchDispatchMode):
    """How often the matrix product with a shift is called."""

    def __init__(self):
        super().__init__()
        self.products = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.products += function is torch.ops.aten.addmm.default
        return function(*args, **(kwargs or {}))


def layer(name, x, feature, *widths):
    columns = [Axis.fresh(name, w) for w in widths]
    return call("linear", [x, b.input(f"W{name}", (feature, *columns)), b.input(f"b{name}", columns)], feature=feature)


def compared(outputs, products):
    """Values and gradients against the definitions, and how many products there were."""
    fed = inputs(*outputs)
    generator = torch.Generator().manual_seed(1)
    found = []
    for native in (True, False):
        generator.manual_seed(1)
        tensors = [
            torch.randn([a.size for a in n.axes], generator=generator, dtype=torch.float64).requires_grad_()
            for n in fed
        ]
        compiled = backend.compile(outputs, fed, native=native)
        with Counted() as count:
            values = compiled(*tensors)
        if native:
            assert count.products == products
        gradients = torch.autograd.grad(sum((v * v).sum() for v in values), tensors, allow_unused=True)
        found.append([*values, *gradients])
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_allclose(ours.detach(), expected.detach(), rtol=1e-11, atol=1e-11)


ROWS, BATCH, FEATURE = Axis.fresh("n", 16), Axis.fresh("b", 8), Axis.fresh("d", 5)


@pytest.mark.parametrize(
    "widths", [((3,), (3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (4, 3)), ((2, 3), (7,)), ((1,), (6,))]
)
def test_layers_of_the_same_rows_are_one_product(widths):
    x = b.input("x", (BATCH, ROWS, FEATURE))
    compared([layer(str(n), x, FEATURE, *w) for n, w in enumerate(widths)], 1)


def test_rows_under_another_name_are_the_same_rows():
    x = b.input("x", (BATCH, ROWS, FEATURE))
    other = b.rename(x, {ROWS: Axis.fresh("m", 16), FEATURE: (feature := Axis.fresh("e", 5))})
    compared([layer("q", x, FEATURE, 4), layer("k", other, feature, 4)], 1)


def test_few_rows_and_other_rows_stay_apart():
    few = b.input("x", (Axis.fresh("n", 3), FEATURE))
    compared([layer("q", few, FEATURE, 4), layer("k", few, FEATURE, 4)], 2)
    x, y = b.input("x", (BATCH, ROWS, FEATURE)), b.input("y", (BATCH, ROWS, FEATURE))
    compared([layer("q", x, FEATURE, 4), layer("k", y, FEATURE, 4)], 2)
    square = b.input("x", (ROWS, across := Axis.fresh("d", 16), BATCH))
    compared([layer("q", square, across, 4), layer("k", square, ROWS, 4)], 2)


def test_a_layer_whose_weights_come_of_the_other_waits_for_it():
    x = b.input("x", (BATCH, ROWS, FEATURE))
    first = layer("q", x, FEATURE, 4)
    (width,) = (a for a in first.axes if a not in (BATCH, ROWS))
    weights = b.contract([first, b.input("u", (BATCH, ROWS, FEATURE))], (BATCH, ROWS))
    second = call("linear", [x, weights, b.input("c", (width,))], feature=FEATURE)
    compared([first, second], 2)
    made = b.contract([b.input("a", (FEATURE, inner := Axis.fresh("r", 2))), b.input("z", (inner, width))], (inner,))
    compared([first, call("linear", [x, made, b.input("c", (width,))], feature=FEATURE)], 1)


def test_precisions_are_brought_together():
    x = b.input("x", (BATCH, ROWS, FEATURE))
    outputs = [layer("q", x, FEATURE, 4), layer("k", x, FEATURE, 4)]
    fed = inputs(*outputs)
    dtypes = [torch.float32 if n.attr("name") == "x" else torch.float64 for n in fed]
    tensors = [torch.ones([a.size for a in n.axes], dtype=d) for n, d in zip(fed, dtypes, strict=True)]
    values = backend.compile(outputs, fed)(*tensors)
    assert all(v.dtype == torch.float64 and v.shape == (8, 16, 4) for v in values)
    assert math.isclose(float(values[0][0, 0, 0].detach()), 6)
