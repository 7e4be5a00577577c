"""Checks a folder of claims with ground truth and prints the score.

    python benchmarks/claims.py DIR [--list] [-j N]

DIR holds `docs/` and `index.jsonl` (see scoring.py). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from lemmata.surfaces.discover import documents
from lemmata.surfaces.run import Options, run
from scoring import read_index, score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--list", action="store_true", help="also list the claims that were left unchecked")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    started = time.perf_counter()
    outcomes = run(documents([str(args.folder / "docs")]), Options(seed=args.seed, code=False), jobs=args.jobs)
    seconds = time.perf_counter() - started
    statements = [s for outcome in outcomes for s in outcome.result]
    result = score(read_index(args.folder), statements)
    print("\n".join(result.table()))
    for claim in result.wrong:
        print(
            f"WRONG  {claim.doc}:{claim.line}  {result.verdicts[claim]}, but {str(claim.truth).lower()}  {claim.name}"
        )
    for s in result.stray:
        print(f"STRAY  {s.doc}:{s.line}  {s.reason}  {s.latex[:80]!r}")
    for outcome in outcomes:
        for problem in outcome.result.problems:
            print(f"PROBLEM  {outcome.result.path}: {problem.message}")
    if args.list:
        for claim in result.claims:
            if result.verdicts[claim] == "unchecked":
                reasons = {s.reason for s in statements if claim.matches(s) and s.verdict == "unchecked"}
                print(f"unchecked  {claim.doc}:{claim.line}  {'; '.join(sorted(reasons)) or 'no statement'}")
    summary = {
        "claims": len(result.claims),
        "right": len(result.right),
        "wrong": len(result.wrong),
        "stray": len(result.stray),
        "unchecked": len(result.claims) - len(result.right) - len(result.wrong),
        "seconds": round(seconds, 1),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
