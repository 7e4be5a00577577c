"""How much of real documents is understood and decided, and why the rest is not.

    python benchmarks/corpus.py DIR [--list]

Reads every document below DIR without running its code. An equation is a formula with a relation sign; it is understood
when every statement found in it has a role and, if it is a claim, a typed reading, be it one with unknowns for what the
document leaves open (those are counted apart). Lists every refutation. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lemmata.documents import read
from lemmata.documents.model import Position
from lemmata.report.result import DocumentResult
from lemmata.surfaces.discover import documents
from lemmata.surfaces.run import Options, run

RELATION = re.compile(r"=|\\(?:le|ge|leq|geq|neq?|approx|equiv|triangleq|coloneqq|in|sim|propto|leftarrow|to)\b|[<>]")


@dataclass(frozen=True)
class Equation:
    """A formula with a relation sign."""

    place: str
    latex: str
    missing: str
    """Why it is not understood; empty if it is."""
    open: bool
    """Whether it is understood with unknowns for what the document leaves open."""


def equations_of(result: DocumentResult) -> Iterator[Equation]:
    """The equations of a document, in order."""
    for formula in read(result.path).formulas:
        if not RELATION.search(formula.latex):
            continue
        start = formula.span.start
        here = [s for s in result if s.cell == start.cell]
        inside = [s for s in here if start <= Position(s.line, s.column, s.cell) < formula.span.end]
        reasons = [s.reason for s in inside if not s.understood]
        missing = reasons[0] if reasons else "" if inside else "no statement is found in it"
        cell = "" if start.cell is None else f"cell {start.cell}:"
        outlined = not missing and any(s.outlined for s in inside)
        yield Equation(f"{result.path}:{cell}{start.line}", " ".join(formula.latex.split()), missing, outlined)


def listing(equations: Sequence[Equation]) -> None:
    """Every equation that is not understood, by its reason, the most frequent first."""
    groups: dict[str, list[Equation]] = defaultdict(list)
    for equation in equations:
        if equation.missing:
            groups[general(equation.missing)].append(equation)
    for reason, group in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0])):
        print(f"{len(group):>5}  {reason}")
        for equation in group:
            print(f"         {equation.place}  {equation.latex}\n             {equation.missing}")


def general(reason: str) -> str:
    """A reason without the names and numbers of its formula."""
    reason = re.sub(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|\$[^$]*\$", "…", reason)
    return re.sub(r"\b\d+\b", "N", reason)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR")
    parser.add_argument("--list", action="store_true", help="print every equation that is not understood, by reason")
    args = parser.parse_args()
    seconds: dict[str, float] = {}
    results = []
    for path in documents([args.folder]):
        started = time.perf_counter()
        (outcome,) = run([path], Options(code=False))
        seconds[path] = time.perf_counter() - started
        results.append(outcome.result)
    statements = [s for result in results for s in result]
    claims = [s for s in statements if s.role == "claim"]
    decided = [s for s in claims if s.verdict in ("verified", "refuted")]
    found = [equation for result in results if result.readable for equation in equations_of(result)]
    equations, good = len(found), sum(not e.missing for e in found)
    if args.list:
        listing(found)
    print(f"{len(results)} documents, {equations} equations, {len(statements)} statements, {len(claims)} claims")
    print(f"understood  {good}/{equations} equations ({share(good, equations):.1%})")
    left_open = sum(e.open for e in found)
    print(f"            {left_open} of them with unknowns for what the document leaves open")
    print(f"decided     {len(decided)}/{len(claims)} claims ({share(len(decided), len(claims)):.1%})")
    print("\nwhy the others are unchecked")
    reasons = Counter(general(s.reason) for s in statements if s.verdict == "unchecked")
    for reason, count in reasons.most_common(10):
        print(f"  {count:>5}  {reason}")
    print("\nrefutations")
    refuted = [s for s in statements if s.verdict == "refuted"]
    for s in refuted:
        cell = "" if s.cell is None else f"cell {s.cell}:"
        print(f"  {s.doc}:{cell}{s.line}  {s.reason}\n        {' '.join(s.latex.split())[:160]}")
    for result in results:
        for problem in result.problems:
            print(f"  {result.path}: {problem.severity}: {problem.message}")
    print("\nslowest documents")
    for path, time_ in sorted(seconds.items(), key=lambda item: -item[1])[:5]:
        print(f"  {time_:6.2f} s  {path}")
    summary = {
        "documents": len(results),
        "equations": equations,
        "understood_share": round(share(good, equations), 4),
        "with_unknowns": left_open,
        "claims": len(claims),
        "decided_share": round(share(len(decided), len(claims)), 4),
        "refuted": len(refuted),
        "failed": sum(not r.readable for r in results),
        "seconds": round(sum(seconds.values()), 2),
        "slowest_s": round(max(seconds.values(), default=0.0), 2),
    }
    print(json.dumps(summary))


def share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


if __name__ == "__main__":
    main()
