"""Claims with ground truth: nothing may be wrong, no alarm may be stray, and a good part must be decided."""

from __future__ import annotations

import os
import sys

import pytest

from places import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from lemmata.surfaces.discover import documents
from lemmata.surfaces.run import Options, run
from scoring import read_index, score

AT_LEAST_RIGHT = 150


@pytest.mark.shared
@pytest.mark.timeout(600)
def test_no_claim_is_judged_wrongly_and_many_are_judged(shared):
    folder = shared / "claims"
    outcomes = run(documents([str(folder / "docs")]), Options(code=False), jobs=os.cpu_count() or 1)
    assert [p.message for o in outcomes for p in o.result.problems if p.severity == "error"] == []
    result = score(read_index(folder), [s for o in outcomes for s in o.result])
    assert [f"{c.doc}:{c.line} {result.verdicts[c]}" for c in result.wrong] == []
    assert [f"{s.doc}:{s.line} {s.reason}" for s in result.stray] == []
    assert len(result.right) >= AT_LEAST_RIGHT
