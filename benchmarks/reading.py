"""How much of real mathematics is read, how much of it is understood, and how fast, beside other readers.

    python benchmarks/reading.py --formulas FILE.jsonl [--peers] [--sample 500] [--seed 0] [--limit 5]

FILE has one JSON object with a field `latex` a line. read_share: formulas without a gap in the notation tree;
understood_share: formulas whose surface tree leaves nothing unread. With --peers (`pip install lemmata[bench]`), every
peer that is installed reads the same sample in this process, formula by formula in turns; ratio_to_PEER is how many
times as fast the reader is in total, a formula that a peer refuses or does not finish within the limit included with
the time it took. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import random
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from msgspec import Struct

from lemmata.latex import gaps, parse

Read = Callable[[str], object]


class OutOfTime(BaseException):
    """A reader's time for one formula is over; no Exception, so that no reader swallows it."""


def _ring(*_: object) -> None:
    raise OutOfTime


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """OutOfTime after this many seconds, where the platform has alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _sympy(backend: str) -> Read:
    from sympy.parsing.latex import parse_latex

    return lambda latex: parse_latex(latex, backend=backend)


def _latex2sympy() -> Read:
    from latex2sympy2_extended import latex2sympy

    return latex2sympy


def _pylatexenc() -> Read:
    from pylatexenc.latexwalker import LatexWalker

    return lambda latex: LatexWalker(f"${latex}$", tolerant_parsing=False).get_latex_nodes()


PEERS: dict[str, Callable[[], Read]] = {
    "sympy_antlr": lambda: _sympy("antlr"),
    "sympy_lark": lambda: _sympy("lark"),
    "latex2sympy2_extended": _latex2sympy,
    "pylatexenc": _pylatexenc,
}


def installed_peers() -> dict[str, Read]:
    """The peers that can be imported and read `x`."""
    found: dict[str, Read] = {}
    for name, load in PEERS.items():
        try:
            read = load()
            read("x")
        except Exception as problem:
            print(f"{name} is left out: {type(problem).__name__}: {str(problem).splitlines()[0][:100]}")
            continue
        found[name] = read
    return found


def timed(read: Read, latex: str, limit: float) -> tuple[float, str]:
    """(seconds, outcome): `read`, `refused` or `out of time`."""
    outcome = "read"
    begun = time.perf_counter()
    try:
        with alarm(limit):
            begun = time.perf_counter()
            read(latex)
            spent = time.perf_counter() - begun
    except OutOfTime:
        return time.perf_counter() - begun, "out of time"
    except Exception:
        spent = time.perf_counter() - begun
        outcome = "refused"
    return spent, outcome


def compare(sample: list[str], peers: dict[str, Read], limit: float) -> dict[str, float]:
    """Times side by side, and how many times as fast as each peer the reader is in total."""
    spent: dict[str, list[float]] = {name: [] for name in ("lemmata", *peers)}
    outcomes: dict[str, Counter[str]] = {name: Counter() for name in spent}
    readers: dict[str, Read] = {"lemmata": parse, **peers}
    for latex in sample:
        for name, read in readers.items():
            seconds, outcome = timed(read, latex, limit)
            spent[name].append(seconds)
            outcomes[name][outcome] += 1
    print(f"{'reader':24}{'total s':>10}{'median ms':>11}{'read':>8}{'refused':>9}{'out of time':>13}")
    for name, seconds_of in spent.items():
        counts = outcomes[name]
        print(
            f"{name:24}{sum(seconds_of):10.3f}{1e3 * median(seconds_of):11.4f}"
            f"{counts['read']:8}{counts['refused']:9}{counts['out of time']:13}"
        )
    ours = sum(spent["lemmata"])
    return {f"ratio_to_{name}": round(sum(spent[name]) / ours, 2) for name in peers}


def understood_share(formulas: list[str]) -> float | None:
    """The share of formulas whose surface tree holds no Unread; None while there is no surface syntax."""
    try:
        read = importlib.import_module("lemmata.elaborate.syntax").parse
        unread = importlib.import_module("lemmata.elaborate.surface").Unread
    except (ImportError, AttributeError) as problem:
        print(f"understood_share is left out: {problem}")
        return None
    understood = 0
    reasons: Counter[str] = Counter()
    for latex in formulas:
        tree = parse(latex)
        if gaps(tree):
            reasons["a gap in the notation"] += 1
            continue
        left = next(_instances(read(tree), unread), None)
        understood += left is None
        if left is not None:
            reasons[left.reason] += 1
    for reason, count in reasons.most_common(10):
        print(f"{count:6} not understood: {reason}")
    return understood / max(1, len(formulas))


def _instances(value: Any, kind: type) -> Iterator[Any]:
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, kind):
            yield current
        elif isinstance(current, tuple | list):
            pending.extend(current)
        elif isinstance(current, Struct):
            pending.extend(getattr(current, name) for name in current.__struct_fields__)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--formulas", type=Path, required=True)
    options.add_argument("--peers", action="store_true", help="time other readers on the same formulas")
    options.add_argument("--sample", type=int, default=500, help="how many formulas the peers read; 0 for all")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--limit", type=float, default=5.0, help="seconds for one formula")
    given = options.parse_args()
    try:
        lines = given.formulas.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        print(f"no formulas to read: {problem}", file=sys.stderr)
        return 2
    formulas = [json.loads(line)["latex"] for line in lines]
    begun = time.perf_counter()
    trees = [parse(latex) for latex in formulas]
    seconds = time.perf_counter() - begun
    reasons = Counter(found[0].reason for tree in trees if (found := gaps(tree)))
    for reason, count in reasons.most_common(10):
        print(f"{count:6} not read: {reason}")
    result: dict[str, float | None] = {
        "formulas": len(formulas),
        "read_share": round(1 - reasons.total() / max(1, len(formulas)), 5),
        "understood_share": None,
        "formulas_per_s": round(len(formulas) / seconds),
    }
    share = understood_share(formulas)
    result["understood_share"] = share if share is None else round(share, 5)
    if given.peers:
        warnings.simplefilter("ignore")
        chosen = random.Random(given.seed).sample(formulas, min(given.sample or len(formulas), len(formulas)))
        result |= compare(chosen, installed_peers(), given.limit)
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
