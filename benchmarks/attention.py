"""Attention from documents, against PyTorch's fused call and naive code by hand: time and memory.

Every document of `spellings/` is run beside the same written by hand, forward and forward with backward, at several
lengths: interleaved, in changing order, so that each run has a partner that met the same machine. A ratio is the median
over the pairs; the bound is the upper end of its 95 % interval (one-sided, by order statistics, whatever the
distribution). `cpu` is the same median for processor time, which other work on the machine hardly touches. Memory is
what the allocator held at its peak beyond the inputs. The last line is JSON.

    python benchmarks/attention.py
    python benchmarks/attention.py --lengths 128 256 512 1024 2048 4096 --rounds 31
    python benchmarks/attention.py --cases matrix index causal-le --lengths 512
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # threads that wait take no processor time
os.environ.setdefault("KINETO_LOG_LEVEL", "5")

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

import lemmata
from attention_cases import CASES, Case, Shape

SAMPLE = 0.02
"""Seconds that one sample lasts at least."""
TARGET, MEMORY = 1.05, 1.1
MOST_NAIVE = 2048
"""Naive code is not run on longer inputs."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One case at one length, forward or forward with backward."""

    case: str
    causal: bool
    length: int
    backward: bool
    fused_ms: float
    ratio: float
    """Time of the document's definition over the hand-written fused call: the median of paired runs."""
    upper: float
    cpu: float
    """The same for processor time."""
    memory: float
    """Peak memory beyond the inputs, over that of the hand-written fused call."""
    fused_mib: float
    naive: float | None
    """Time of naive code over the fused call."""
    naive_memory: float | None


Step = Callable[[], object]


def step(
    function: Callable[[Mapping[str, Tensor]], Tensor], tensors: Mapping[str, Tensor], case: Case, back: bool
) -> Step:
    """A call without gradients, or one with the gradients of everything that is not a mask."""
    if not back:

        def forward() -> object:
            with torch.no_grad():
                return function(tensors)

        return forward
    leaves = [x for name, x in tensors.items() if name not in case.fixed]
    with torch.no_grad():
        seed = torch.ones_like(function(tensors))

    def both() -> object:
        return torch.autograd.grad(function(tensors), leaves, seed)

    return both


def seconds(run: Step, times: int = 1) -> tuple[float, float]:
    """Of one call: wall time, processor time."""
    start, busy = time.perf_counter(), time.process_time()
    for _ in range(times):
        run()
    return (time.perf_counter() - start) / times, (time.process_time() - busy) / times


def paired(first: Step, second: Step, rounds: int) -> tuple[float, float, float, float]:
    """(median time of the first, median of second/first over pairs, upper 95 % bound of that, median of cpu time)."""
    first(), second()
    times = max(1, math.ceil(SAMPLE / max(1e-7, min(seconds(first)[0], seconds(first)[0]))))
    own, ratios, busy = [], [], []
    for turn in range(rounds):
        if turn % 2:
            b = seconds(second, times)
            a = seconds(first, times)
        else:
            a = seconds(first, times)
            b = seconds(second, times)
        own.append(a[0])
        ratios.append(b[0] / a[0])
        busy.append(b[1] / a[1])
    return statistics.median(own), statistics.median(ratios), upper_bound(ratios), statistics.median(busy)


def upper_bound(values: Sequence[float]) -> float:
    """The order statistic that the median exceeds with at most 5 % probability."""
    n = len(values)
    below = 0.0
    for rank in range(n):  # P(at most `rank` of n values lie below the median)
        below += math.comb(n, rank) / 2**n
        if below >= 0.95:
            return sorted(values)[rank]
    return max(values)


def peak(run: Step) -> int:
    """Bytes that the allocator holds at most during a call, beyond those before it."""
    run()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        run()
    held = most = 0
    events = (e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]")
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most


def measure(case: Case, shape: Shape, back: bool, rounds: int, model: lemmata.model.Model) -> Figure:
    tensors = case.arguments(shape)
    for name, x in tensors.items():
        x.requires_grad_(back and name not in case.fixed)
    function = model[case.function]
    ours = step(lambda t: function(**t), tensors, case, back)
    hand = step(case.fused, tensors, case, back)
    time_hand, ratio, upper, cpu = paired(hand, ours, rounds)
    held = peak(hand)
    naive = naive_memory = None
    if shape.length <= MOST_NAIVE:
        plain = step(case.naive, tensors, case, back)
        naive = min(seconds(plain)[0], seconds(plain)[0]) / time_hand
        naive_memory = peak(plain) / held
    return Figure(case.document, case.causal, shape.length, back, 1e3 * time_hand, ratio, upper, cpu,
                  peak(ours) / held, held / 2**20, naive, naive_memory)  # fmt: skip


def line(f: Figure) -> str:
    naive = "" if f.naive is None else f"{f.naive:8.2f} {f.naive_memory:8.2f}"
    return (
        f"{f.case:20} {f.length:5} {'forward+backward' if f.backward else 'forward':17} {f.fused_ms:9.3f} "
        f"{f.ratio:7.3f} {f.upper:7.3f} {f.cpu:7.3f} {f.fused_mib:9.2f} {f.memory:7.3f} {naive}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 512, 2048])
    parser.add_argument("--cases", nargs="+", default=[c.document for c in CASES if not c.small], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=15, help="pairs of runs for each figure")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--forward", action="store_true", help="forward only")
    options = parser.parse_args()
    if unknown := set(options.cases) - {c.document for c in CASES}:
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(c.document for c in CASES)}")
    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}, {options.threads} threads, {options.heads} heads of 64")
    print("milliseconds and MiB of the fused call by hand; ours and naive code relative to it")
    print(f"{'case':20} {'n':>5} {'':17} {'fused ms':>9} {'ours':>7} {'≤ 95 %':>7} {'cpu':>7} "
          f"{'fused MiB':>9} {'ours':>7} {'naive':>8} {'memory':>8}")  # fmt: skip
    figures: list[Figure] = []
    for case in (c for c in CASES if c.document in options.cases):
        model = lemmata.load(case.path)
        for length in options.lengths:
            for back in (False,) if options.forward else (False, True):
                shape = Shape(length, length, options.heads)
                figures.append(measure(case, shape, back, options.rounds, model))
                print(line(figures[-1]), flush=True)
    judged = [f for f in figures if f.length in (512, 2048)] or figures
    slow = sorted({f"{f.case}@{f.length}" for f in judged if f.ratio > TARGET})
    large = sorted({f"{f.case}@{f.length}" for f in judged if f.memory > MEMORY})
    print(f"over {TARGET} × the time: {', '.join(slow) or 'none'}")
    print(f"over {MEMORY} × the memory: {', '.join(large) or 'none'}")
    summary = {
        "benchmark": "attention",
        "torch": torch.__version__,
        "threads": options.threads,
        "rounds": options.rounds,
        "worst_ratio": max(f.ratio for f in judged),
        "worst_upper": max(f.upper for f in judged),
        "worst_cpu": max(f.cpu for f in judged),
        "worst_memory": max(f.memory for f in judged),
        "figures": [asdict(f) for f in figures],
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    sys.exit(main())
