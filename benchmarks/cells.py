"""What checking a document with code costs beside running its cells in a plain Python process.

    python benchmarks/cells.py [--runs 7]

The document has twenty small NumPy cells: loss, attention, normalisation, gradient descent, singular values and the
like at everyday sizes, each beside the formula that it computes. Both sides are whole processes, started in turns:
`python -m lemmata check DOCUMENT --no-cache`, which reads the formulas, runs the cells confined and compares, against
`python CELLS.py`. `ratio` is the median of the ratios of neighbouring runs; `overhead_s` what is added, which does not
grow with the work in the cells; `trivial_ratio` the same for cells that do nothing but import NumPy and add, where
only start-up is measured. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PARTS = [
    (
        r"Let $X \in \mathbb{R}^{n\times d}$, $w \in \mathbb{R}^d$, $y \in \mathbb{R}^n$. The loss is"
        r" $L = \frac{1}{n} \|X w - y\|^2$.",
        "X = rng.normal(size=(2000, 60))\nw = rng.normal(size=60)\ny = rng.normal(size=2000)\n"
        "L = np.mean((X @ w - y) ** 2)",
    ),
    (
        r"Its gradient is $g = \frac{2}{n} X^\top (X w - y)$.",
        "g = 2 / len(y) * X.T @ (X @ w - y)\nfor _ in range(60):\n    w_k = w - 0.1 * (2 / len(y) * X.T @ (X @ w - y))",
    ),
    (
        r"Let $Q, K \in \mathbb{R}^{m \times p}$ and $S = \frac{Q K^\top}{\sqrt{p}}$.",
        "Q, K = rng.normal(size=(300, 64)), rng.normal(size=(300, 64))\nS = Q @ K.T / np.sqrt(64)\n"
        "P = np.exp(S - S.max(1, keepdims=True))\nP = P / P.sum(1, keepdims=True)",
    ),
    (
        r"Let $A \in \mathbb{R}^{r \times r}$ and $B = A^\top A$.",
        "A = rng.normal(size=(160, 160))\nB = A.T @ A\nvalues = np.linalg.eigvalsh(B)\nprint(values[-1])",
    ),
    (
        r"For $u, v \in \mathbb{R}^q$ the cosine is $c = \frac{u^\top v}{\|u\| \|v\|}$.",
        "u, v = rng.normal(size=5000), rng.normal(size=5000)\nc = u @ v / (np.linalg.norm(u) * np.linalg.norm(v))\n"
        "draws = np.sort(rng.normal(size=200_000))",
    ),
]


def document(trivial: bool) -> tuple[str, str]:
    """(Markdown, the program of its cells)."""
    text, cells = ["# Notes\n"], []
    for number in range(20):
        prose, code = PARTS[number % len(PARTS)]
        code = f"x = np.arange(3.0) + {number}" if trivial else code
        head = "import numpy as np\n\nrng = np.random.default_rng(0)\n" if not number else ""
        cells.append(head + code)
        text.append(f"## Part {number}\n\n{prose}\n\n```python\n{cells[-1]}\n```\n")
    return "\n".join(text), "\n\n".join(cells) + "\n"


def seconds(*arguments: str) -> float:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stdout.decode(errors='replace')}")
    return time.perf_counter() - started


def measured(folder: Path, trivial: bool, runs: int) -> tuple[float, float, float]:
    """Medians: the plain program, the check, their ratio."""
    text, program = document(trivial)
    (folder / "notes.md").write_text(text, encoding="utf-8")
    (folder / "cells.py").write_text(program, encoding="utf-8")
    check = ("-m", "lemmata", "check", str(folder / "notes.md"), "--no-cache")
    seconds(str(folder / "cells.py"))  # both once, for compiled files and the system's cache
    seconds(*check)
    pairs = [(seconds(str(folder / "cells.py")), seconds(*check)) for _ in range(runs)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(b / a for a, b in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as place:
        plain, checked, ratio = measured(Path(place), False, runs)
        print(f"twenty small NumPy cells   python {plain:.2f} s   lemmata check {checked:.2f} s   {ratio:.2f} times")
        bare, tiny, tiny_ratio = measured(Path(place), True, runs)
        print(f"twenty trivial cells       python {bare:.2f} s   lemmata check {tiny:.2f} s   {tiny_ratio:.2f} times")
    found = {
        "cells": 20, "plain_s": round(plain, 3), "checked_s": round(checked, 3), "ratio": round(ratio, 2),
        "overhead_s": round(checked - plain, 3), "trivial_ratio": round(tiny_ratio, 2),
    }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main()
