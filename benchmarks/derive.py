"""Derives the left side of every true gradient claim of a folder and compares with the author's right side.

    python benchmarks/derive.py DIR [--list] [--only NAME]

For each claim that equates a derivative with something: derive it, judge the outcome as a claim of the document, judge
its equality with the author's right side (or that side as a claim), and compare printed lengths. The last line is
one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

from lemmata.derive.derivation import Derivation, Deriver, Underivable, length
from lemmata.documents import read
from lemmata.elaborate import surface as s
from lemmata.elaborate.document import elaborate
from lemmata.elaborate.roles import Item
from scoring import read_index

RATIO = 1.5


def sides(item: Item) -> list[tuple[str, str]]:
    """(derivative, the author's value of it) for each relation of a part; of a chain, its last side."""
    expr = item.part.expr
    if not isinstance(expr, s.Relation) or set(expr.ops) != {"="}:
        return []
    source = item.formula.latex
    texts = [source[i.start : i.end].replace("&", "").replace("\\\\", "").strip() for i in expr.items]
    return [(texts[0], texts[-1].rstrip(" .,"))] if len(texts) > 1 else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--list", action="store_true", help="also list what was derived")
    parser.add_argument("--only", default="", help="documents whose name contains this")
    args = parser.parse_args()
    started = time.perf_counter()
    claims = [c for c in read_index(args.folder) if c.truth and ("kind", "gradient") in c.groups and args.only in c.doc]
    derivers: dict[str, Deriver] = {}
    rows = []
    for claim in claims:
        if claim.doc not in derivers:
            derivers[claim.doc] = Deriver(elaborate(read(str(args.folder / "docs" / claim.doc))))
        rows.append((claim, *outcome(derivers[claim.doc], claim, args.list)))
    for claim, state, ratio, text in rows:
        shown = f"{ratio:.2f}" if ratio else "    "
        print(f"{state:<10} {shown}  {claim.doc}:{claim.line}  {text}")
    same = [r for r in rows if r[1] == "same"]
    summary = {
        "claims": len(rows),
        "derived": sum(r[1] in ("same", "verified") for r in rows),
        "equal to the author's": len(same),
        "within the length": sum(r[2] <= RATIO for r in same),
        "printed unverified": sum(r[1] == "unverified" for r in rows),
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(summary))


def outcome(deriver: Deriver, claim: object, full: bool) -> tuple[str, float, str]:
    """(state, length by the author's, what was derived or why nothing was)."""
    items = [
        i
        for i in deriver.elaboration.items
        if claim.line <= i.formula.position(i.part.start).line <= claim.end_line and sides(i)  # type: ignore[attr-defined]
    ]
    text = "no derivative on the left"
    for item in items:
        for left, right in sides(item):
            try:
                found: Derivation = deriver.derive(item, left)
            except Underivable as error:
                text = str(error)
                continue
            ratio = length(found.right) / max(1, length(right))
            if found.verdict.kind != "verified":
                return "unverified", ratio, f"{found.right}   [{found.verdict.kind}: {found.verdict.reason}]"
            equal = spaceless(found.right) == spaceless(right)
            equal = equal or any(
                deriver.judge(item, f"{other} = {right}").kind == "verified" for other in (found.right, left)
            )  # two that equal the derivative are equal
            state = "same" if equal else "verified"
            return state, ratio, found.right + ("" if ratio <= RATIO and not full else f"   [{right}]")
    return "none", 0.0, text


def spaceless(text: str) -> str:
    """A formula without what shows no symbol: two that agree then are the same text."""
    return re.sub(r"\\[,;!: ]|\\left|\\right|\s", "", text)


if __name__ == "__main__":
    main()
