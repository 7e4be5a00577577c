"""How long checking takes, as ratios to a process that only imports NumPy.

    python benchmarks/checking.py [--claims 30] [--rounds 9] [--counts 10 100 1000]

Every round runs, one after the other: `import numpy`, a cold check, a cached check, all as new processes; the ratios
are taken within a round and their median is printed, so that a busy machine slows both sides alike. Claims per second
are measured in this process on documents of growing length. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from lemmata.surfaces.run import Options, check_one

SECTION = r"""
## Section {n}

Let $X \in \mathbb{{R}}^{{n \times d}}$,
$w \in \mathbb{{R}}^d$, $y \in \mathbb{{R}}^n$, $A \in \mathbb{{R}}^{{d \times d}}$
and $B \in \mathbb{{R}}^{{d \times m}}$.
"""
CLAIMS = (
    r"$(A B)^\top = B^\top A^\top$",
    r"$\frac{{\partial}}{{\partial w}} {n} \|Xw - y\|^2 = {twice} X^\top (Xw - y)$",
    r"$\|Xw - y\|^2 = w^\top X^\top X w - 2 y^\top X w + y^\top y$",
    r"$\frac{{\partial}}{{\partial w}} {n} w^\top A w = {n} (A + A^\top) w$",
    r"$\operatorname{{tr}}(A A^\top) = \sum_{{i=1}}^d \sum_{{j=1}}^d A_{{ij}}^2$",
)


def document(claims: int) -> str:
    """A document with this many different claims, five to a section."""
    parts = ["# Claims\n"]
    for at in range(claims):
        n = at // len(CLAIMS) + 1
        if at % len(CLAIMS) == 0:
            parts.append(SECTION.format(n=n))
        parts.append("\nWe have " + CLAIMS[at % len(CLAIMS)].format(n=n + 1, twice=2 * (n + 1)) + ".\n")
    return "".join(parts)


def seconds(*command: str, cwd: str) -> float:
    """Time of a new process, with compiled bytecode kept for this package as it is for NumPy."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], cwd=cwd, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - started


def ratios(claims: int, rounds: int) -> dict[str, float]:
    """Medians over the rounds of cold and cached time over that of `import numpy`."""
    cold, cached, numpy = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "notes.md").write_text(document(claims), encoding="utf-8")
        check = ("-m", "lemmata", "check", "notes.md", "--format", "jsonl")
        seconds(*check, cwd=folder)
        for _ in range(rounds):
            numpy.append(seconds("-c", "import numpy", cwd=folder))
            cold.append(seconds(*check, "--no-cache", cwd=folder) / numpy[-1])
            cached.append(seconds(*check, cwd=folder) / numpy[-1])
    return {"numpy_s": median(numpy), "cold": median(cold), "cached": median(cached)}


def speed(claims: int) -> tuple[float, int]:
    """(claims per second, claims decided) in this process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "notes.md")
        path.write_text(document(claims), encoding="utf-8")
        started = time.perf_counter()
        result = check_one(str(path), Options())
        elapsed = time.perf_counter() - started
    return claims / elapsed, sum(s.verdict in ("verified", "refuted") for s in result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--counts", type=int, nargs="*", default=[10, 100, 1000])
    args = parser.parse_args()
    found = ratios(args.claims, args.rounds)
    print(f"a process that imports NumPy      {found['numpy_s'] * 1000:6.0f} ms")
    print(f"cold check of {args.claims} claims           {found['cold']:6.2f} times that")
    print(f"the same check again, cached      {found['cached']:6.2f} times that")
    speed(5)
    rates = {}
    for count in args.counts:
        rate, decided = speed(count)
        rates[count] = rate
        print(f"{count:>5} claims in one document     {rate:7.0f} claims/s   {decided} decided")
    summary = {
        "cold_ratio_to_numpy": round(found["cold"], 2),
        "cached_ratio_to_numpy": round(found["cached"], 2),
        "claims_per_s": {str(count): round(rate, 1) for count, rate in rates.items()},
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
