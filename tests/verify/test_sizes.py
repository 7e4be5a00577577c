from __future__ import annotations

from dataclasses import dataclass

import pytest

from lemmata.core.size import Size
from lemmata.verify.problem import CannotLower, SizeRule
from lemmata.verify.sizes import NoSizes, assignments, holds, smallest

n, m, d, h, k = (Size.of(x) for x in ("n", "m", "d", "h", "k"))
one = Size.of(1)


@dataclass
class Sizes:
    sizes: tuple[str, ...]
    rules: tuple[SizeRule, ...] = ()
    integral: tuple[Size, ...] = ()

    def instance(self, sizes):
        raise CannotLower("only sizes")


def test_no_sizes_is_one_empty_assignment():
    assert assignments(Sizes(()), 3) == ({},)


def test_names_get_different_numbers_neither_one_nor_huge_and_new_ones_each_time():
    found = assignments(Sizes(("n", "m", "d")), 3)
    assert len(found) == 3
    for sizes in found:
        assert len(set(sizes.values())) == 3
        assert all(2 <= v <= 7 for v in sizes.values())
    assert found[0]["n"] != found[1]["n"] and found[0]["m"] != found[1]["m"]


@pytest.mark.parametrize(
    "problem",
    [
        Sizes(("d", "h", "k"), (SizeRule(h * k, "=", d),)),
        Sizes(("d",), integral=(d * Size.of(1).divide(Size.of(2)),)),
        Sizes(("n", "d"), (SizeRule(d, "<", n),)),
        Sizes(("n", "k"), (SizeRule(k, "\\le", n), SizeRule(k, "\\ne", Size.of(3)))),
        Sizes(("n", "k"), integral=(n - k, n * k.divide(k), n.divide(k))),
        Sizes(("d", "h"), integral=(d.divide(h),)),
        Sizes(("n",), (SizeRule(Size.of(3), "\\le", n), SizeRule(n, "\\le", Size.of(5)))),
        Sizes(("n",), (SizeRule(n, ">", Size.of(100)),)),
        Sizes(("d", "m"), (SizeRule(d, "=", Size.of(2) * m),)),
        Sizes(tuple("abcdefgh")),
    ],
)
def test_rules_hold_and_shapes_are_whole(problem):
    found = assignments(problem, 2)
    assert found
    for sizes in found:
        assert all(holds(rule, sizes) for rule in problem.rules)
        assert len(set(sizes.values())) == len(sizes)
        for size in problem.integral:
            assert size.at(sizes).denominator == 1 and size.at(sizes) >= 1


def test_different_expressions_are_kept_apart():
    problem = Sizes(("n", "m"), integral=(n, m, n * m, n + one, m - one))
    for sizes in assignments(problem, 3):
        values = [size.at(sizes) for size in problem.integral]
        assert len(set(values)) == len(values)


def test_what_cannot_be_met_says_which_rules():
    with pytest.raises(NoSizes, match=r"n < m; m < n"):
        assignments(Sizes(("n", "m"), (SizeRule(n, "<", m), SizeRule(m, "<", n))), 2)
    with pytest.raises(NoSizes, match="contradict"):
        assignments(Sizes((), (SizeRule(Size.of(3), "=", Size.of(4)),)), 2)
    with pytest.raises(NoSizes, match="whole"):
        assignments(Sizes((), integral=(Size.of(1).divide(Size.of(2)),)), 2)


def test_forced_equal_sizes_are_equal():
    (sizes,) = assignments(Sizes(("n", "m"), (SizeRule(n, "=", m), SizeRule(n, "=", Size.of(4)))), 2)
    assert sizes == {"n": 4, "m": 4}


def test_the_smallest_come_first():
    found = list(smallest(Sizes(("n", "m"))))
    assert found[0] == {"n": 2, "m": 3} or found[0] == {"n": 3, "m": 2}
    assert sum(found[0].values()) <= sum(found[-1].values())


def test_the_same_sizes_every_time():
    problem = Sizes(("n", "m", "d"), (SizeRule(d, "<", n),))
    assert assignments(problem, 3) == assignments(problem, 3)
