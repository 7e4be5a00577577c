"""Every operation on every library against its definition on NumPy, and against the library's own function."""

from __future__ import annotations

import pytest

from lemmata.backends import numpy as plain
from lemmata.operations import catalogue
from lemmata.program.autodiff import gradient
from lemmata.program.graph import inputs
from libraries import LIBRARIES, library, same
from operation_cases import FORMS
from primitive_cases import laid_out, weighted

RUNS = [("float64", 0), ("float64", 2), ("float32", 0), ("float32", 1), ("float16", 2), ("bfloat16", 1)]
"""Precisions, and how many batch axes there are."""


def test_every_operation_is_here():
    assert {f.operation for f in FORMS} == set(catalogue())


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("dtype, batch", RUNS)
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_values_and_gradients(form, dtype, batch, name):
    lib = library(name)
    node, feeds = form.drawn(batch)
    fed = inputs(node)
    real = [n for n, i in enumerate(fed) if i.dtype == "real"]
    tensors = [lib.tensor(feeds[i.attr("name")], dtype if i.dtype == "real" else None) for i in fed]
    feeds |= {fed[n].attr("name"): lib.array(tensors[n]) for n in real}
    (found,) = lib.call(lib.backend.compile([node], fed), tensors)
    assert lib.dtype(found) == dtype
    same(lib.array(found), plain.run([node], feeds)[0], dtype)
    total = lib.backend.compile([weighted(node)], fed)
    slopes = lib.gradients(lambda *given: total(*given)[0], tensors, real)
    for n, slope in zip(real, slopes, strict=True):
        assert lib.dtype(slope) == dtype
        derived = gradient(weighted(node), fed[n])
        expected = laid_out(plain.run([derived], feeds)[0], derived, fed[n].axes)
        same(lib.array(slope), expected, dtype, factor=10)
