"""Measures how often the right correction of a refuted claim is among those that are offered.

    python benchmarks/repair.py DIR [--list]

DIR holds claims with ground truth (`docs/`, `index.jsonl` with a `fix` for every false claim), or folders with a text
before and after its author corrected it (`before.*`, `after.*`, `meta.json`). A correction counts as the author's where
every side is the author's, letter for letter without spaces and brackets, or is judged equal to it in its place.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lemmata.documents import read
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import Elaboration, elaborate
from lemmata.elaborate.statement import Statement
from lemmata.repair import Fix, repair
from lemmata.repair.edit import plain
from lemmata.repair.search import spot_of
from lemmata.stages import verdict


@dataclass
class Case:
    name: str
    latex: str
    fixes: tuple[Fix, ...]
    rank: int
    """Which of the fixes is the author's, from 1; 0 if none."""
    seconds: float
    wanted: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--list", action="store_true", help="also list what was offered for each refuted claim")
    args = parser.parse_args()
    cases = list(claims(args.folder) if (args.folder / "index.jsonl").exists() else errata(args.folder))
    for case in cases:
        if args.list or not case.rank:
            print(f"{'missed' if not case.rank else f'fix {case.rank}':>7}  {case.name}  {one_line(case.latex)}")
            if not case.rank:
                print(f"{'wanted':>9}  {one_line(case.wanted)}")
            for fix in case.fixes:
                print(f"{'':>9}  {fix.what}: {one_line(fix.latex)}")
    hit = sum(bool(c.rank) for c in cases)
    seconds = sorted(c.seconds for c in cases)
    summary = {
        "refuted": len(cases),
        "with a fix": sum(bool(c.fixes) for c in cases),
        "author's fix among three": hit,
        "first": sum(c.rank == 1 for c in cases),
        "share": round(hit / len(cases), 3) if cases else None,
        "median ms": round(1e3 * statistics.median(seconds)) if seconds else None,
        "longest ms": round(1e3 * seconds[-1]) if seconds else None,
    }
    print(json.dumps(summary))


def claims(folder: Path) -> Iterator[Case]:
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text("utf-8").splitlines() if line.strip()]
    for doc in sorted({row["doc"] for row in rows}):
        elaboration = elaborate(read(str(folder / "docs" / doc)))
        for statement in refuted(elaboration):
            for row in rows:
                here = row["doc"] == doc and row["line"] <= statement.start.line <= row["end_line"]
                if here and not row["truth"] and concerns(row["latex"], statement):
                    yield case(elaboration, statement, row["claim"], corrected(statement, row["latex"], row["fix"]))
                    break


def errata(folder: Path) -> Iterator[Case]:
    for meta in sorted(folder.glob("*/meta.json")):
        before, after = (next(meta.parent.glob(f"{name}.*")) for name in ("before", "after"))
        cell, line = place(str(json.loads(meta.read_text("utf-8"))["line_after"]))
        elaboration = elaborate(read(str(before)))
        formulas = [f for f in read(str(after)).formulas if cell is None or f.span.start.cell == cell]
        wanted = [f.latex for f in formulas if f.span.start.line <= line <= f.span.end.line]
        for statement in refuted(elaboration):
            near = sorted(wanted, key=lambda w: -common(w, statement.formula.latex))
            yield case(elaboration, statement, meta.parent.name, near[0] if near else "")


def place(text: str) -> tuple[int | None, int]:
    """`12`, `12-14` or `cell 0 line 13`."""
    numbers = [int(n) for n in re.findall(r"\d+", text)]
    return (numbers[0], numbers[1]) if text.startswith("cell") else (None, numbers[0])


def refuted(elaboration: Elaboration) -> list[Statement]:
    return [x for x in elaboration.statements if verdict(x, 0).kind == "refuted"]


def concerns(latex: str, statement: Statement) -> bool:
    a, b = plain(latex), plain(statement.latex)
    return a in b or b in a or plain(latex)[:12] in plain(statement.formula.latex)


def corrected(statement: Statement, latex: str, fix: str) -> str:
    """The whole formula with the corrected claim in it."""
    whole = statement.formula.latex
    return whole.replace(latex, fix) if latex in whole else fix


def common(a: str, b: str) -> int:
    """How long the two agree from the start and from the end."""
    first = next((k for k, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    last = next((k for k, (x, y) in enumerate(zip(a[::-1], b[::-1])) if x != y), 0)
    return first + last


def case(elaboration: Elaboration, statement: Statement, name: str, wanted: str) -> Case:
    started = time.process_time()
    fixes = repair(elaboration, statement, 0)
    seconds = time.process_time() - started
    rank = next((k for k, fix in enumerate(fixes, 1) if equal(elaboration, statement, fix, wanted)), 0)
    return Case(name, statement.latex, fixes, rank, seconds, wanted)


def equal(elaboration: Elaboration, statement: Statement, fix: Fix, wanted: str) -> bool:
    """Whether a fix is what the author wrote, side by side."""
    if plain(fix.formula) == plain(wanted):
        return True
    spot = spot_of(elaboration, statement, 0)
    if spot is None:
        # a claimed shape: both hold of the same left side
        left = [plain(x).split("\\in")[0] for x in (fix.formula, wanted)]
        return left[0] == left[1] and sorted(plain(fix.formula)) == sorted(plain(wanted))
    ours, theirs = spot.chain(fix.formula), spot.chain(wanted)
    if ours is None or theirs is None or ours[0].ops != theirs[0].ops:
        return False
    for a, b in zip(ours[0].items, theirs[0].items, strict=True):
        if plain(fix.formula[a.start : a.end]) == plain(wanted[b.start : b.end]):
            continue
        same = s.Relation(a.start, a.end, ("=",), (a, b))
        if spot.claimed(same)[1].kind != "verified":
            return False
    return True


def one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()
