"""A few hundred cases of benchmarks/soundness.py: nothing false is verified, nothing true is refuted."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from identities.notation import read
from identities.oracle import truth
from soundness import Case, check, identities, mutations, rewrites


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    sources = identities()
    rng = random.Random(7)
    drawn = rng.sample(sources, 60)
    found = [case for *_, case in drawn] + mutations(drawn, 300, rng) + rewrites(drawn, 200, rng)
    check(found, jobs=1)
    return found


def test_no_verdict_is_wrong(cases):
    wrong = [f"{c.group} {c.kind}: {c.claim} is {c.verdict}: {c.reason} {c.strays}" for c in cases if c.wrong]
    assert not wrong, "\n".join(wrong)


def test_nearly_all_is_decided(cases):
    for group in ("identity", "mutation", "rewrite"):
        members = [c for c in cases if c.group == group]
        assert sum(c.good for c in members) > 0.8 * len(members), group


def test_the_oracle_tells_true_false_ill_shaped_and_loose():
    (topic,) = read(
        "# Products\nA: n m\nB: m n\nx, y: n\nX: n random any mu S\nmu: n\nS: n n spd\n"
        "tr(A @ B) == tr(B @ A)\nA @ B == B @ A\nA @ A == B\nx @ y == x.T @ y\n"
        "E(X.T @ X) == tr(S) + mu.T @ mu\ngrad(x.T @ y, x) == y.T\n"
    )
    assert [truth(topic, claim) for claim in topic.claims] == ["true", "misfit", "misfit", "loose", "true", "loose"]
