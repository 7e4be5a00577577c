"""Both kinds of error, by machine: what is false and passes, what is true and is refuted, what mere spelling changes.

    python benchmarks/soundness.py [--count N] [--list] [-j N] [--seed N] [--only WORD]

From true identities of our own (benchmarks/identities/collection) come mutations, each shown to be false or ill-shaped
by plain NumPy, and rewrites that keep the meaning. Every one is a page of its own. A mutation must be refuted and never
verified, unless the page may say something else with it (identities/intent.py): then it must not be verified. A rewrite
must get the verdict of the plain page; nothing else on a page may be refuted. The last line is one JSON object; the
exit status is 1 if any verdict is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from identities.intent import other_reading
from identities.latex import Printer
from identities.mutations import mutants
from identities.notation import Topic, collection
from identities.oracle import truth
from identities.pages import Layout, Page, render
from identities.rewrites import variants
from identities.tree import Node
from lemmata.documents import read
from lemmata.elaborate.document import elaborate
from lemmata.report.collect import Examination, collect
from lemmata.report.result import DocumentResult
from lemmata.stages import verdict
from lemmata.surfaces.run import Options, run


@dataclass
class Case:
    """One page to check: what was done to which identity, and what may come out."""

    group: str
    """`identity`, `mutation`, `equivalent` (a mutation that changed nothing), `open` (one that the page may state for
    all that anybody knows), `rewrite`."""
    kind: str
    truth: str
    origin: str
    page: Page
    claim: str
    base: Case | None = None
    verdict: str = ""
    reason: str = ""
    strays: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> bool:
        if self.strays:
            return True
        return self.verdict == ("verified" if self.group in ("mutation", "open") else "refuted")

    @property
    def good(self) -> bool:
        if self.group == "rewrite" and self.base is not None:
            return self.verdict == self.base.verdict
        return self.verdict == {"mutation": "refuted", "identity": "verified"}.get(self.group, self.verdict)


def identities(only: str = "") -> list[tuple[Topic, Node, Case]]:
    """Every claim of the collection on its plain page, English and Chinese in turn.

    Raises:
        ValueError: one of them is not true.
    """
    found, bad = [], []
    for topic in collection():
        for k, claim in enumerate(topic.claims, 1):
            origin = f"{topic.source}/{topic.title[0]}/{k}"
            if only and only not in origin:
                continue
            if claim.op != "in" and (value := truth(topic, claim)) != "true":
                bad.append(f"{origin} is {value}: {Printer(topic).text(claim)}")
            layout = Layout("zh" if len(found) % 2 else "en")
            page = render(topic, claim, layout=layout)
            found.append(
                (topic, claim, Case("identity", topic.source, "true", origin, page, Printer(topic).text(claim)))
            )
    if bad:
        raise ValueError("these are no identities:\n" + "\n".join(bad))
    return found


def mutations(sources: Sequence[tuple[Topic, Node, Case]], count: int, rng: random.Random) -> list[Case]:
    """Changed claims, the same number from each identity as far as it has them; kinds take turns."""
    pools = []
    for topic, claim, case in sources:
        by_kind: dict[str, list[Node]] = defaultdict(list)
        for kind, mutant in mutants(topic, claim):
            by_kind[kind].append(mutant)
        pools.append((topic, claim, case, list(_in_turn(by_kind, rng))[::-1]))
    cases: list[Case] = []
    seen: set[str] = {case.origin + case.claim for _, _, case in sources}
    wanted = count
    while wanted > 0 and any(pool for *_, pool in pools):
        for topic, claim, base, pool in pools:
            while pool and wanted > 0:
                kind, mutant = pool.pop()
                text = Printer(topic).text(mutant)
                if base.origin + text in seen:
                    continue
                seen.add(base.origin + text)
                value = truth(topic, mutant)
                if value == "unknown":
                    continue
                group = "mutation" if value in ("false", "misfit") else "equivalent"
                if group == "mutation" and other_reading(topic, mutant, claim):
                    group = "open"
                layout = Layout("zh" if len(cases) % 2 else "en")
                cases.append(Case(group, kind, value, base.origin, render(topic, mutant, layout=layout), text, base))
                if group == "mutation":
                    wanted -= 1
                    break
    return cases


def _in_turn(by_kind: dict[str, list[Node]], rng: random.Random) -> Iterator[tuple[str, Node]]:
    kinds = sorted(by_kind)
    rng.shuffle(kinds)
    for pool in by_kind.values():
        rng.shuffle(pool)
    while any(by_kind.values()):
        for kind in kinds:
            if by_kind[kind]:
                yield kind, by_kind[kind].pop()


def rewrites(sources: Sequence[tuple[Topic, Node, Case]], count: int, rng: random.Random) -> list[Case]:
    pools = []
    for k, (topic, claim, case) in enumerate(sources):
        layout = Layout("zh" if k % 2 else "en")
        pool = [
            Case("rewrite", kind, "true", case.origin, page, Printer(v[0], v[2]).text(v[1]), case)
            for kind, v in variants(topic, claim, layout, rng)
            if (page := render(*v)).text != case.page.text
        ]
        rng.shuffle(pool)
        pools.append(pool)
    cases: list[Case] = []
    while len(cases) < count and any(pools):
        for pool in pools:
            if pool and len(cases) < count:
                cases.append(pool.pop())
    return cases


# --- checking ------------------------------------------------------------------------------------------------------


def verdicts_only(path: str, options: Options) -> DocumentResult:
    """A check that looks for no corrections of what it refutes."""
    document = read(path)
    statements = elaborate(document).statements
    return collect(Examination(document, tuple((s, verdict(s, options.seed)) for s in statements)))


def check(cases: Sequence[Case], jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for k, case in enumerate(cases):
            path = Path(folder) / f"{k:05}.md"
            path.write_bytes(case.page.text.encode())
            paths.append(str(path))
        for case, outcome in zip(cases, run(paths, Options(code=False), jobs=jobs, check=verdicts_only)):
            judge(case, outcome.result)


def judge(case: Case, result: DocumentResult) -> None:
    """The verdict on the lines of the claim; anything else that is refuted is a stray alarm."""
    verdicts, reasons = [], []
    for s in result:
        if case.page.first <= s.line <= case.page.last:
            verdicts.append(s.verdict)
            reasons += [s.reason] if s.verdict != "verified" else []
        elif s.verdict == "refuted":
            case.strays.append(f"line {s.line}: {s.latex}")
    reasons += [p.message for p in result.problems]
    if "refuted" in verdicts:
        case.verdict = "refuted"
    elif verdicts and all(v == "verified" for v in verdicts):
        case.verdict = "verified"
    else:
        case.verdict = "assumed" if verdicts and all(v == "assumed" for v in verdicts) else "unchecked"
    case.reason = "; ".join(reasons) or ("no statement" if not verdicts else "")


# --- the report ----------------------------------------------------------------------------------------------------


def general(reason: str) -> str:
    """A reason without the names and numbers of its formula."""
    reason = re.sub(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|\$[^$]*\$", "…", reason)
    return re.sub(r"\b\d+\b", "N", reason)[:110]


def share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def table(title: str, cases: Sequence[Case], done: str) -> Iterator[str]:
    yield f"\n{title:<34} {'cases':>6} {done:>10} {'wrong':>6}   most frequent reason of the others"
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        kinds[case.kind].append(case)
    for kind, members in sorted(kinds.items(), key=lambda item: share(sum(c.good for c in item[1]), len(item[1]))):
        good = sum(c.good for c in members)
        why = Counter(f"{c.verdict}: {general(c.reason)}" for c in members if not c.good).most_common(1)
        line = f"{kind:<34} {len(members):>6} {share(good, len(members)):>10.1%} {sum(c.wrong for c in members):>6}"
        yield f"{line}   {why[0][1]} × {why[0][0]}" if why else line


def reasons(title: str, cases: Sequence[Case]) -> Iterator[str]:
    yield f"\n{title}"
    for reason, n in Counter(f"{c.verdict}: {general(c.reason)}" for c in cases if not c.good).most_common(12):
        yield f"  {n:>5}  {reason}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3200, help="mutations and rewrites, each (default 3200)")
    parser.add_argument("--list", action="store_true", help="list every case that is not as it should be")
    parser.add_argument("--only", default="", metavar="WORD", help="only identities whose place contains this")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the pages that are not as they should be here")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    started = time.perf_counter()
    rng = random.Random(args.seed)
    sources = identities(args.only)
    plain = [case for *_, case in sources]
    changed = mutations(sources, args.count, rng)
    rewritten = rewrites(sources, args.count, rng)
    prepared = time.perf_counter()
    cases = plain + changed + rewritten
    check(cases, args.jobs)
    mutated = [c for c in changed if c.group == "mutation"]
    equivalent = [c for c in changed if c.group == "equivalent"]
    stated = [c for c in changed if c.group == "open"]
    print("\n".join(table("identities, by file", plain, "verified")))
    print("\n".join(table("mutations", mutated, "refuted")))
    print("\n".join(table("rewrites", rewritten, "unchanged")))
    print("\n".join(reasons("why identities are not verified", plain)))
    print("\n".join(reasons("why mutations are not refuted", mutated)))
    print("\n".join(reasons("why rewrites change the verdict", rewritten)))
    wrong = [c for c in cases if c.wrong]
    for k, case in enumerate(cases):
        if case.wrong or (args.list and not case.good):
            print(f"{'WRONG' if case.wrong else '     '}  {case.group} ({case.kind}, {case.truth})  {case.origin}")
            print(f"       {case.claim}\n       {case.verdict}: {case.reason} {' '.join(case.strays)}")
            if args.keep:
                args.keep.mkdir(parents=True, exist_ok=True)
                (args.keep / f"{k:05}-{case.group}.md").write_bytes(case.page.text.encode())
    # a rewrite of an identity that nobody can decide says little: the share among the verified ones as well
    firm = [c for c in rewritten if c.base is not None and c.base.verdict == "verified"]
    summary = {
        "identities": len(plain),
        "verified_share": round(share(sum(c.good for c in plain), len(plain)), 4),
        "mutations": len(mutated),
        "refuted_share": round(share(sum(c.good for c in mutated), len(mutated)), 4),
        "false_verified": sum(c.verdict == "verified" for c in (*mutated, *stated)),
        "equivalent": len(equivalent),
        "open": len(stated),
        "true_refuted": sum(c.verdict == "refuted" for c in (*plain, *equivalent, *rewritten)),
        "rewrites": len(rewritten),
        "unchanged_share": round(share(sum(c.good for c in rewritten), len(rewritten)), 4),
        "unchanged_share_of_verified": round(share(sum(c.good for c in firm), len(firm)), 4),
        "wrong": len(wrong),
        "seconds": round(time.perf_counter() - started, 1),
        "seconds_preparing": round(prepared - started, 1),
    }
    print()
    print(json.dumps(summary))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
