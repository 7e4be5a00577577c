from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lemmata.verify.problem import Domain
from lemmata.verify.sampling import generator, one
from lemmata.verify.values import CannotDraw, Style

STYLES = [Style(), Style(scale=4.0), Style(whole=True)]


def drawn(*properties, shape=(4, 4), low=None, high=None, style=STYLES[0], seed=0, dtype="real"):
    return one(Domain(low, high, frozenset(properties)), shape, dtype, generator(seed, 1), style)


def eye(size):
    return np.array([[Fraction(int(i == j)) for j in range(size)] for i in range(size)], dtype=object)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(5))
def test_orthogonal_is_exactly_orthogonal(style, seed):
    exact = drawn("orthogonal", style=style, seed=seed).fractions()
    assert (exact.T.dot(exact) == eye(4)).all()
    tall = drawn("orthogonal", shape=(5, 2), style=style, seed=seed).fractions()
    assert (tall.T.dot(tall) == eye(2)).all()
    wide = drawn("orthogonal", shape=(2, 5), style=style, seed=seed).fractions()
    assert (wide.dot(wide.T) == eye(2)).all()


def test_both_components_of_the_orthogonal_group_occur_unless_excluded():
    signs = {round(np.linalg.det(drawn("orthogonal", seed=s).floats)) for s in range(12)}
    assert signs == {-1, 1}
    signs = {round(np.linalg.det(drawn("orthogonal", "positive determinant", seed=s).floats)) for s in range(6)}
    assert signs == {1}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(4))
def test_constraints_hold_exactly(style, seed):
    simplex = drawn("simplex", style=style, seed=seed).fractions()
    assert (simplex.sum(axis=-1) == Fraction(1)).all() and (simplex > 0).all()
    causal = drawn("simplex", "lower triangular", style=style, seed=seed).fractions()
    assert (causal.sum(axis=-1) == Fraction(1)).all() and causal[0, 1] == 0
    unit = drawn("unit", style=style, seed=seed).fractions()
    assert ((unit * unit).sum(axis=-1) == Fraction(1)).all()
    symmetric = drawn("symmetric", style=style, seed=seed).floats
    assert (symmetric == symmetric.T).all()
    skew = drawn("skew", style=style, seed=seed).floats
    assert (skew == -skew.T).all()
    positive = drawn("positive definite", style=style, seed=seed).floats
    assert (positive == positive.T).all() and np.linalg.eigvalsh(positive).min() > 0.5
    lower = drawn("lower triangular", "positive diagonal", style=style, seed=seed).floats
    assert (np.triu(lower, 1) == 0).all() and (np.diag(lower) > 0).all()
    assert np.linalg.det(drawn("positive determinant", style=style, seed=seed, shape=(3, 3)).floats) > 0
    one_hot = drawn("one-hot", style=style, seed=seed).floats
    assert (one_hot.sum(axis=-1) == 1).all() and set(np.unique(one_hot)) == {0, 1}
    permutation = drawn("permutation", style=style, seed=seed).floats
    assert (permutation.sum(axis=0) == 1).all() and not (permutation == np.eye(4)).all()
    values = np.diag(drawn("diagonal", "descending", low=0, style=style, seed=seed).floats)
    assert (np.diff(values) <= 0).all() and (values > 0).all()


def test_the_exact_values_are_those_the_floats_round_from():
    for properties in ({"orthogonal"}, {"simplex"}, {"unit"}, {"positive definite"}, set()):
        value = drawn(*properties)
        assert (value.fractions().astype(float) == value.floats).all()


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, None), (None, 0), (2.5, 2.75), (1e-9, 1e-8), (0, 1e6)])
def test_open_intervals(low, high):
    for style in STYLES:
        try:
            values = drawn(low=low, high=high, style=style, shape=(50,)).floats
        except CannotDraw:
            assert style.whole
            continue
        assert (low is None or (values > low).all()) and (high is None or (values < high).all())
        assert (values != 0).all()


def test_typical_values_are_no_special_points():
    values = drawn(shape=(1000,)).floats
    assert 0.3 <= abs(values).min() and abs(values).max() <= 2
    assert not ((values == 1) | (values == -1)).any()
    assert 300 < (values > 0).sum() < 700
    assert len(np.unique(drawn("distinct", shape=(6,), style=Style(whole=True)).floats)) == 6


def test_whole_numbers_where_there_are_some():
    values = drawn(shape=(30,), style=Style(whole=True)).floats
    assert set(values) <= {-3, -2, -1, 1, 2, 3}
    assert set(drawn(shape=(30,), low=0, high=1, style=Style(whole=True)).floats) <= {0.25, 0.5, 0.75}


def test_integers():
    values = drawn(dtype="int", shape=(30,), low=0, high=5).floats
    assert set(values) <= {1, 2, 3, 4}
    assert set(drawn("sign", shape=(30,)).floats) == {-1, 1}
    assert set(drawn("binary", shape=(30,)).floats) == {0, 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"properties": ("circulant",)}, "no way to draw something circulant"),
        ({"properties": ("orthogonal", "simplex")}, "no way to draw something orthogonal and simplex"),
        ({"properties": ("symmetric",), "shape": (2, 3)}, "unequal sides"),
        ({"properties": (), "low": 1, "high": 1}, "interval of an input is empty"),
        ({"properties": ("integer",), "low": 0, "high": 1}, "no whole number"),
    ],
)
def test_what_cannot_be_drawn_says_why(settings, message):
    properties = settings.pop("properties")
    with pytest.raises(CannotDraw, match=message):
        drawn(*properties, **settings)


def test_same_seed_same_bytes():
    for properties in ((), ("orthogonal",), ("simplex",), ("positive definite",)):
        assert drawn(*properties, seed=3).floats.tobytes() == drawn(*properties, seed=3).floats.tobytes()
        assert drawn(*properties, seed=3).floats.tobytes() != drawn(*properties, seed=4).floats.tobytes()
