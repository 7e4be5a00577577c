"""Bugs of attention and Transformer code, written after reports to public implementations, and their correct twins.

    python benchmarks/bugs.py [--framework torch] [--only NAME] [--list] [--quick]

`benchmarks/bugs/*.txt` holds documents as authors write them and, for each, bugs as small edits:

    === multi-head attention (torch)          a document follows, whose code is right
    --- split without a transpose | owner/repository#number
    - line as in the document                 the bug replaces these lines ...
    + line with the bug                       ... by these
    = words that the report must contain

The document itself has to be verified, each bug refuted, with the line that was changed and in these words.
The last line printed is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

FOLDER = Path(__file__).parent / "bugs"
HEAD = re.compile(r"^=== (.+) \((\w+)\)$")
BUG = re.compile(r"^--- (.+?) \| (.+)$")


@dataclass(frozen=True)
class Bug:
    name: str
    source: str
    """The report it was written after, or how it comes about."""
    old: str
    new: str
    words: str


@dataclass(frozen=True)
class Family:
    """A right document with its bugs."""

    name: str
    framework: str
    text: str
    bugs: tuple[Bug, ...]


@dataclass(frozen=True)
class Outcome:
    verdicts: Counter[str]
    """Of the comparisons with code."""
    place: bool
    """A refutation names a line that was changed, among others or alone."""
    words: bool
    report: tuple[str, ...]

    @property
    def refuted(self) -> bool:
        return self.verdicts["refuted"] > 0


def families(folder: Path = FOLDER) -> Iterator[Family]:
    """Every family of the folder's files, in order. Raises ValueError for a bug whose text is not in its document."""
    for path in sorted(folder.glob("*.txt")):
        for part in re.split(r"^(?==== )", path.read_text(encoding="utf-8"), flags=re.M):
            if part.strip():
                yield _family(part.rstrip("\n") + "\n")


def _family(part: str) -> Family:
    first, _, rest = part.partition("\n")
    head = HEAD.match(first)
    if head is None:
        raise ValueError(f"not the head of a family: {first}")
    pieces = re.split(r"^(?=--- .+? \| )", rest, flags=re.M)
    text = pieces[0].rstrip("\n") + "\n"
    bugs = []
    for piece in pieces[1:]:
        lines = piece.rstrip("\n").split("\n")
        said = BUG.match(lines[0])
        assert said is not None
        marked = {mark: "\n".join(x[2:] for x in lines[1:] if x.startswith(mark)) for mark in "-+="}
        bug = Bug(said[1], said[2], marked["-"], marked["+"], marked["="])
        if text.count(bug.old) < 1:
            raise ValueError(f"{head[1]}: {bug.name}: its text is not in the document")
        bugs.append(bug)
    return Family(head[1], head[2], text, tuple(bugs))


def wrong(family: Family, bug: Bug) -> tuple[str, tuple[int, ...]]:
    """The document with the bug, and the lines that it changes."""
    text = family.text.replace(bug.old, bug.new)
    lines: set[int] = set()
    at = family.text.find(bug.old)
    shift = 0
    while at >= 0:
        start = family.text.count("\n", 0, at) + 1 + shift
        lines |= set(range(start, start + max(1, bug.new.count("\n") + 1)))
        shift += bug.new.count("\n") - bug.old.count("\n")
        at = family.text.find(bug.old, at + len(bug.old))
    return text, tuple(sorted(lines))


def examine(text: str, lines: Sequence[int] = (), words: str = "") -> Outcome:
    """Check a document and look at what was said about its code."""
    import lemmata

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document.md"
        path.write_text(text, encoding="utf-8")
        result = lemmata.check(path)
    code = [s for s in result if s.kind == "code"]
    said = [s for s in code if s.verdict == "refuted"]
    told = [" ".join((s.reason, *(str(f["edit"]) for f in s.fixes))) for s in said]
    place = False
    for report in told:
        named = {int(n) for group in re.findall(r"\(lines? ([\d, ]+)\)", report) for n in group.split(", ")}
        place = place or bool(named & set(lines))
    report = tuple(f"{s.verdict}: {s.reason}" for s in code) + tuple(p.message for p in result.problems)
    return Outcome(Counter(s.verdict for s in code), place, any(words in r for r in told), report)


def chosen(framework: str, only: str) -> list[Family]:
    """Families of a framework that is installed, by words of their name."""
    found = [f for f in families() if framework in ("", f.framework) and only in f.name]
    return [f for f in found if find_spec(f.framework) is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--framework", default="", help="torch, tensorflow or jax")
    parser.add_argument("--only", default="", help="words of a family's name")
    parser.add_argument("--list", action="store_true", help="say what was reported for every bug")
    parser.add_argument("--quick", action="store_true", help="one bug of each family")
    arguments = parser.parse_args()
    known = chosen(arguments.framework, arguments.only)
    left_out = sorted({f.framework for f in families()} - {f.framework for f in known})
    total: Counter[str] = Counter()
    started = time.perf_counter()
    for family in known:
        twin = examine(family.text)
        total["twins"] += 1
        good = twin.verdicts["verified"] > 0 and not twin.refuted
        total["twins verified"] += good
        total["twins refuted"] += twin.refuted
        print(f"{'✓' if good else '✗'} {family.name} ({family.framework})", flush=True)
        if not good or arguments.list:
            print("".join(f"      {line}\n" for line in twin.report), end="")
        for bug in family.bugs[:1] if arguments.quick else family.bugs:
            text, lines = wrong(family, bug)
            found = examine(text, lines, bug.words)
            total["bugs"] += 1
            total[family.framework] += 1
            total["refuted"] += found.refuted
            total["line named"] += found.place
            total["words"] += found.words
            total["bugs only verified"] += found.verdicts["verified"] > 0 and set(found.verdicts) == {"verified"}
            marks = "".join(
                m if ok else "·" for m, ok in (("r", found.refuted), ("l", found.place), ("w", found.words))
            )
            print(f"  {marks} {bug.name}  [{bug.source}]", flush=True)
            if arguments.list or not (found.refuted and found.place and found.words):
                print("".join(f"        {line}\n" for line in found.report), end="")
    if left_out:
        print(f"left out: {', '.join(left_out)}", file=sys.stderr)
    print(json.dumps({**total, "seconds": round(time.perf_counter() - started, 1)}))


if __name__ == "__main__":
    main()
