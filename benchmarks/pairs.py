"""How many formula-and-code pairs of real documents are decided, and whether any is decided wrongly.

    python benchmarks/pairs.py ORIGINALS PAIRS.md [NUMBER ...]

PAIRS.md lists the pairs in a table: number, source, file, lines of the formulas, lines of the code, function, what to
expect. ORIGINALS holds the documents as `source/file`; they are not part of the project, so what is absent is skipped,
loudly, unless a document of the same number in `benchmarks/pairs/` stands for it, in words of its own. A pair counts as
decided when a comparison of one of its formulas with its function, or a claim at its formulas where no code is meant,
is verified or refuted; where the formula is at fault, its own refutation counts too. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lemmata.report.result import DocumentResult, StatementResult
from lemmata.surfaces.run import Options, run

HERE = Path(__file__).parent / "pairs"
ROW = re.compile(r"^\|\s*(\d+)\s*\|(.*)\|\s*$")
PLACE = re.compile(r"(?:cell (\d+) line )?(\d+)")
CODE = re.compile(r"`([^`]+)` in code cell (\d+) \(line (\d+)\)")
DIFFERENT = ("REAL DEFECT", "DIFFERS", "as written the second term is outside")


@dataclass(frozen=True)
class Pair:
    number: int
    source: str
    file: str
    formulas: tuple[tuple[int | None, int], ...]
    """(cell, line)."""
    functions: tuple[str, ...]
    """Empty where all code, or none, is meant."""
    formula_only: bool
    expected: str
    note: str


def read_pairs(path: Path) -> list[Pair]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := ROW.match(line):
            source, file, formulas, _, function, note = (
                c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", match[2], maxsplit=5)
            )
            places, cell = [], None
            for place in PLACE.finditer(formulas):
                cell = int(place[1]) if place[1] else cell
                places.append((cell, int(place[2])))
            words = re.sub(r"\(.*?\)", "", function.strip("`")).strip()
            names = tuple(w.strip() for w in words.split(",") if w.strip() and "module" not in w)
            expected = "refuted" if any(word in note for word in DIFFERENT) else "verified"
            only = "formula vs" in function
            found.append(Pair(int(match[1]), source, file, tuple(places), names, only, expected, note))
    return found


@cache
def checked(path: Path) -> DocumentResult:
    (outcome,) = run([str(path)], Options(code=True))
    return outcome.result


def covers(statement: StatementResult, places: tuple[tuple[int | None, int], ...]) -> bool:
    return any(statement.cell == cell and statement.line <= line <= statement.end_line for cell, line in places)


def concerns(statement: StatementResult, pair: Pair) -> bool:
    """Whether a statement is about the pair's formulas and, where it is a comparison, about its function."""
    if not covers(statement, pair.formulas):
        return False
    if pair.formula_only:
        return statement.kind != "code"
    if statement.kind != "code" and pair.expected == statement.verdict == "refuted":
        return True  # the formula contradicts itself or what it is called
    where = CODE.search(statement.reason or "")
    if statement.kind != "code" or where is None:
        return False
    own = {part for name in pair.functions for part in (name, *name.split("."))}
    return not pair.functions or bool(own & {where[1], *where[1].split(".")})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("originals", metavar="ORIGINALS", type=Path)
    parser.add_argument("pairs", metavar="PAIRS.md", type=Path)
    parser.add_argument("only", metavar="NUMBER", nargs="*", type=int)
    parser.add_argument("-v", "--verbose", action="store_true", help="every comparison")
    args = parser.parse_args()
    counts = {"pairs": 0, "absent": 0, "rebuilt": 0, "decided": 0, "right": 0, "wrong": 0}
    for pair in read_pairs(args.pairs):
        if args.only and pair.number not in args.only:
            continue
        counts["pairs"] += 1
        path = args.originals / pair.source / pair.file
        rebuilt = sorted(HERE.glob(f"{pair.number:02d}-*.md"))
        if not path.exists() and not rebuilt:
            print(f"{pair.number:>3}  ABSENT: {path} is not there, the pair is skipped")
            counts["absent"] += 1
            continue
        if path.exists():
            about = [s for s in checked(path) if concerns(s, pair)]
        else:
            counts["rebuilt"] += 1
            about = [s for s in checked(rebuilt[0]) if s.kind == "code" or pair.formula_only]
        kinds = {s.verdict for s in about}
        verdict = next((k for k in ("refuted", "verified") if k in kinds), "unchecked")
        lines = {(c, n) for c, n in pair.formulas for s in about if s.verdict == verdict and covers(s, ((c, n),))}
        right = verdict == pair.expected
        counts["decided"] += verdict != "unchecked"
        counts["right"] += right
        counts["wrong"] += not right and verdict != "unchecked"
        mark = "right" if right else "-----" if verdict == "unchecked" else "WRONG"
        again = "" if path.exists() else " (rebuilt)"
        print(f"{pair.number:>3}  {mark}  {verdict}, expected {pair.expected}; {len(lines)} of {len(pair.formulas)} "
              f"formulas; {pair.source} {', '.join(pair.functions)}{again}")  # fmt: skip
        for s in about if args.verbose else ():
            print(f"         {s.line} {s.verdict}: {s.reason}  [{' '.join(s.latex.split())[:60]}]")
    print("\n" + json.dumps(counts))


if __name__ == "__main__":
    main()
