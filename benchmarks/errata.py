"""How many real mistakes are found, and whether a correction ever raises an alarm.

    python benchmarks/errata.py DIR

DIR holds one folder a mistake: `before.*` as it was published, `after.*` as its author corrected it, and `meta.json`
with `line_before`, `kind` and `decidable_by`. A mistake counts as found when a statement that covers its line in the
old text is refuted, or a formula is refuted by the code on that line; otherwise the statements at that line are printed
with their reasons. No statement of a corrected text may be refuted. The code of a document runs where only code can
decide. Of the mistakes found it is counted for how many one of the first three corrections is the author's own, letter
for letter without spaces and brackets. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from lemmata.documents import read
from lemmata.pipeline import examine as examined
from lemmata.repair.edit import plain
from lemmata.report.result import DocumentResult, StatementResult
from lemmata.surfaces.run import Options, run

PLACE = re.compile(r"cell (\d+) line (\d+)")
INSTRUCTION = re.compile(r"\bline (\d+)\b")
"""Where a refutation names the line of the code."""
Line = tuple[int | None, int]


def place(stated: int | str) -> Line:
    """(cell, line) of a place given as a line number or as “cell 3 line 7”."""
    found = PLACE.fullmatch(str(stated))
    return (int(found[1]), int(found[2])) if found else (None, int(stated))


def checked(folder: Path, name: str, code: bool) -> DocumentResult:
    (path,) = folder.glob(f"{name}.*")
    (outcome,) = run([str(path)], Options(code=code))
    return outcome.result


def at(result: DocumentResult, where: Line) -> list[StatementResult]:
    """The statements at a line; where none begins there, those of the formulas that cover it."""
    cell, line = where
    exact = [s for s in result if s.cell == cell and s.line <= line <= s.line + s.latex.strip().count("\n")]
    if exact:
        return exact
    spans = [
        f.span
        for f in read(result.path).formulas
        if f.span.start.cell == cell and f.span.start.line <= line <= f.span.end.line
    ]
    there = [s for s in result if s.cell == cell and any(x.start.line <= s.line <= x.end.line for x in spans)]
    return there or [s for s in result if against(s, where)]


def against(statement: StatementResult, where: Line) -> bool:
    """Whether a formula was refuted by the instruction on this line of a file that is no notebook."""
    cell, line = where
    refuted_by_code = statement.kind == "code" and statement.verdict == "refuted" and cell is None
    return refuted_by_code and str(line) in INSTRUCTION.findall(statement.reason)


def refuted(result: DocumentResult) -> list[StatementResult]:
    return [s for s in result if s.verdict == "refuted"]


def examine(folder: Path) -> dict[str, Any]:
    """One mistake: found or why not, and every alarm beside it."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    code = meta["decidable_by"] == "code"
    before, after = checked(folder, "before", code), checked(folder, "after", code)
    there = at(before, place(meta["line_before"]))
    hits = refuted(before)
    found = any(s in hits for s in there)
    return {
        "name": folder.name,
        "kind": meta["kind"],
        "by": meta["decidable_by"],
        "found": found,
        "fix": rank(folder, [s for s in there if s in hits]) if found else 0,
        "there": there,
        "elsewhere": [s for s in hits if s not in there],
        "alarms": refuted(after),
    }


def rank(folder: Path, hits: list[StatementResult]) -> int:
    """Which of the first three corrections gives a formula that the author wrote anew, from 1; 0 if none does."""
    (old,), (new,) = (list(folder.glob(f"{name}.*")) for name in ("before", "after"))
    known = {plain(f.latex) for f in read(str(old)).formulas}
    wanted = {plain(f.latex) for f in read(str(new)).formulas} - known
    found = examined(str(old), code=False)
    for statement, _ in found.judged:
        if any((statement.latex, statement.start.line) == (s.latex, s.line) for s in hits):
            for at, fix in enumerate(found.fixes.get(id(statement), ())[:3], 1):
                if plain(fix.formula) in wanted:
                    return at
    return 0


def told(statement: StatementResult) -> str:
    where = f"{statement.line}" if statement.cell is None else f"cell {statement.cell} line {statement.line}"
    source = " ".join(statement.latex.split())[:90]
    return f"{where} {statement.role}, {statement.verdict}: {statement.reason or '-'}  [{source}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("only", metavar="NAME", nargs="*", help="only these mistakes")
    args = parser.parse_args()
    folders = sorted(p.parent for p in args.folder.glob("*/meta.json"))
    rows = [examine(f) for f in folders if not args.only or f.name in args.only]
    for row in rows:
        fix = f", the author's correction is fix {row['fix']}" if row["fix"] else ""
        print(f"{'found ' if row['found'] else 'missed'}  {row['name']}  ({row['kind']}, {row['by']}){fix}")
        if not row["found"]:
            for statement in row["there"]:
                print(f"          {told(statement)}")
            if not row["there"]:
                print("          no statement at this line")
        for statement in row["elsewhere"]:
            print(f"          elsewhere: {told(statement)}")
        for statement in row["alarms"]:
            print(f"          FALSE ALARM in the corrected text: {told(statement)}")
    for field in ("kind", "by"):
        total, found = Counter(r[field] for r in rows), Counter(r[field] for r in rows if r["found"])
        print("\n" + {"kind": "by kind", "by": "by what decides it"}[field])
        for name, count in sorted(total.items()):
            print(f"  {name:<14} {found[name]:>3} of {count}")
    decidable = [r for r in rows if r["by"] != "code"]
    by_code = [r for r in rows if r["by"] == "code"]
    mismatches = [r for r in rows if r["kind"] == "code mismatch"]
    summary = {
        "mistakes": len(rows),
        "found": sum(r["found"] for r in rows),
        "decidable": len(decidable),
        "decidable_found": sum(r["found"] for r in decidable),
        "by_code": len(by_code),
        "by_code_found": sum(r["found"] for r in by_code),
        "code_mismatches": len(mismatches),
        "code_mismatches_found": sum(r["found"] for r in mismatches),
        "author_fix_among_three": sum(bool(r["fix"]) for r in rows),
        "author_fix_share": round(sum(bool(r["fix"]) for r in rows) / max(1, sum(r["found"] for r in rows)), 3),
        "refuted_elsewhere": sum(len(r["elsewhere"]) for r in rows),
        "alarms_in_corrected": sum(len(r["alarms"]) for r in rows),
    }
    print("\n" + json.dumps(summary))


if __name__ == "__main__":
    main()
