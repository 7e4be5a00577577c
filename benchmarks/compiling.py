"""How the time from a document to a running function grows with the document.

    python benchmarks/compiling.py [--definitions 10 30 100 300] [--chain 5 10 20 40]

Two kinds of documents. *Side by side*: so many definitions that have nothing to do with each other, each attention
with its weights in the text. *Chain*: so many definitions of which each calls the one before, so that the last one is
a program of that depth. For each: seconds to read (`lemmata.load`), to the first value (all definitions side by side,
the last one of a chain), to a value again, and to PyTorch source with all of them (`lemmata compile --to torch`, the
trial in a process of its own included). `growth` is the time per definition of the largest document over that of the
smallest; 1 is linear. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import torch

import lemmata
from lemmata.emit.request import Request
from lemmata.emit.source import write

STAGES = ("read", "first", "again", "source")
FRONT = "Let $d$ be a number of features and $n$ a number of tokens.\n"
LAYER = r"""
## Layer {name}

Let $W, U, V \in \mathbb{{R}}^{{d \times d}}$. For $X \in \mathbb{{R}}^{{n \times d}}$ let

$$
\operatorname{{F{name}}}(X, W, U, V) =
X + \operatorname{{softmax}}\left(\frac{{X W (X U)^\top}}{{\sqrt{{d}}}}\right) X V .
$$
"""
FIRST = r"""
For $x \in \mathbb{{R}}^{{d}}$ and $A \in \mathbb{{R}}^{{d \times d}}$ let
$\operatorname{{G{name}}}(x, A) = \tanh(A x)$.
"""
NEXT = r"""
For $x \in \mathbb{{R}}^{{d}}$ and $A \in \mathbb{{R}}^{{d \times d}}$ let
$\operatorname{{G{name}}}(x, A) = \tanh(A \operatorname{{G{before}}}(x, A)) + x$.
"""


def word(number: int) -> str:
    """aa, ab, ..., zz, then three letters: names without digits."""
    text = ""
    while number >= 0:
        text, number = ascii_lowercase[number % 26] + text, number // 26 - 1
    return text.rjust(2, "q")


def side_by_side(count: int) -> str:
    return FRONT + "".join(LAYER.format(name=word(n)) for n in range(count))


def chain(count: int) -> str:
    return FRONT + "".join((NEXT if n else FIRST).format(name=word(n), before=word(n - 1)) for n in range(count))


def seconds(action: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = action()
    return time.perf_counter() - started, found


def measured(kind: str, count: int, folder: Path) -> dict[str, Any]:
    path = folder / f"{kind}{count}.md"
    path.write_text((side_by_side if kind == "side by side" else chain)(count), encoding="utf-8")
    d, n = 8, 5
    x, w = torch.randn(n, d), torch.randn(d, d) / d

    def values() -> list[Any]:
        if kind == "chain":
            return [model[f"G{word(count - 1)}"](x[0], w)]
        return [model[f"F{word(k)}"](x, w, w, w) for k in range(count)]

    read, model = seconds(lambda: lemmata.load(path))
    first, found = seconds(values)
    again, same = seconds(values)
    if not all(torch.isfinite(a).all() and torch.equal(a, b) for a, b in zip(found, same, strict=True)):
        sys.exit(f"{path}: values are not finite, or not the same again")
    source, written = seconds(
        lambda: write(Request(model, tuple(model.functions.values()), folder / f"{kind}{count}.py", "torch"))
    )
    if written.refusals:
        sys.exit(f"{path}: {written.refusals[0].name} is not written: {written.refusals[0].reason}")
    return {"kind": kind, "definitions": count, "read_s": read, "first_s": first, "again_s": again, "source_s": source}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--definitions", type=int, nargs="+", default=[10, 30, 100, 300])
    parser.add_argument("--chain", type=int, nargs="+", default=[5, 10, 20, 40])
    options = parser.parse_args()
    found: list[dict[str, Any]] = []
    print(f"{'definitions':>26} {'read':>9} {'first':>9} {'again':>9} {'source':>9}   milliseconds a definition")
    with tempfile.TemporaryDirectory() as place:
        measured("chain", 2, Path(place))  # imports
        for kind, counts in (("side by side", options.definitions), ("chain", options.chain)):
            for count in counts:
                row = measured(kind, count, Path(place))
                found.append(row)
                each = (f"{1e3 * row[f'{stage}_s'] / count:9.2f}" for stage in STAGES)
                print(f"{kind:>16} {count:9} {' '.join(each)}", flush=True)
    growth = {}
    for kind in ("side by side", "chain"):
        rows = [row for row in found if row["kind"] == kind]
        ends = rows[0], rows[-1]
        for stage in STAGES:
            small, large = (row[f"{stage}_s"] / row["definitions"] for row in ends)
            growth[f"{kind}, {stage}"] = round(large / small, 2)
    print("growth: " + ", ".join(f"{k} {v}" for k, v in growth.items()))
    rounded = [{k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()} for row in found]
    print(json.dumps({"benchmark": "compiling", "growth": growth, "figures": rounded}))


if __name__ == "__main__":
    main()
